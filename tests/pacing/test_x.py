from tests.conftest import VIRTUAL
def test_x() -> None:
    assert VIRTUAL

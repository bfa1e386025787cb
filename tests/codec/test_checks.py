"""What is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackingmore_async.codec import check_ref
from trackingmore_async.errors import InvalidRequestError

GOOD = ["LX900000017CN", "5", "a-b_c.d", "1234 ".strip(), "..5", "\u4e2d\u6587", "A+B", "%2F", "5?x=1"]
BAD = ["", " ", "\t", "5 6", " 5", "5\n", "5\x00", "5\x7f", "5\u200b", "5\u3000", "a/b", "/", ".", "..", "\ud83d"]


@pytest.mark.parametrize("value", GOOD)
def test_what_may_be_a_name_passes(value: str) -> None:
    """The server knows best what is a number or a carrier."""
    check_ref(value, value)


@pytest.mark.parametrize("value", [*BAD, None, 5, b"5", ["5"], True])
def test_what_cannot_be_a_name_is_refused(value: Any) -> None:
    """The field is named, the value is not shown, and the server was not asked."""
    for pair, field in (((value, "5"), "carrier_code"), (("zto", value), "tracking_number")):
        with pytest.raises(InvalidRequestError, match=field) as caught:
            check_ref(*pair)
        assert caught.value.code is None
        assert not isinstance(value, str) or len(value) < 3 or value not in str(caught.value)


@given(st.text())
def test_no_text_breaks_the_check(text: str) -> None:
    """A text passes or is refused; nothing else happens, and what passes can be sent."""
    try:
        check_ref("zto", text)
    except InvalidRequestError:
        return
    assert text.encode()
    assert "/" not in text

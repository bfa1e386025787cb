"""The tree of errors: what each carries, that it travels, and that every code has its cause."""

from __future__ import annotations

import copy
import math
import pickle
import re
from typing import Any

import pytest

from trackingmore_async import errors
from trackingmore_async.errors import (
    CODES,
    ApiError,
    ConfigurationError,
    DeadlineExceededError,
    DecodeError,
    RateLimitedError,
    ServerError,
    TrackingMoreError,
    TransportError,
    error_class,
)

KINDS = [getattr(errors, name) for name in errors.__all__]
DETAILS: dict[str, Any] = {"operation": "get", "code": 4017, "http_status": 200, "attempts": 3}


def drawn_tree() -> dict[str, str]:
    """Read the parents of all classes from the drawing in the module's docstring."""
    parents, last_at_depth = {"TrackingMoreError": "Exception"}, {0: "TrackingMoreError"}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│ ├└─]+)(\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4
            parents[found[2]] = last_at_depth[depth - 1]
            last_at_depth[depth] = found[2]
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    """Every class of errors is drawn under its parent, and nothing else is drawn."""
    real = {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS}
    assert drawn_tree() == real


def test_the_drawing_names_the_codes() -> None:
    """The codes drawn beside a class are those of the table."""
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"[│ ├└─]+(\w+Error)\b.*?((?: \d{3,4}(?:-\d{4})?)+)$", line)
        if found:
            drawn = set[int]()
            for first, last in re.findall(r"(\d{3,4})(?:-(\d{4}))?", found[2]):
                drawn |= set(range(int(first), int(last or first) + 1))
            assert drawn == {code for code, (kind, _) in CODES.items() if kind.__name__ == found[1]}, found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_travel(kind: type[TrackingMoreError]) -> None:
    """Each error pickles and copies with everything it carries."""
    error = kind("Something happened; do something.", **DETAILS)
    for name in {"sent", "path", "projected_wait", "retry_after"} & set(vars(error)):
        setattr(error, name, 7)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own
        assert type(twin) is kind
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)
        assert twin.args == error.args


@pytest.mark.parametrize("kind", KINDS)
def test_errors_show_what_they_carry(kind: type[TrackingMoreError]) -> None:
    """The text ends with operation, code, status and attempts, and leaves out what is unknown."""
    assert str(kind("Text.", **DETAILS)) == "Text. [operation get, meta.code 4017, HTTP status 200, attempts 3]"
    assert str(kind("Text.")) == "Text."
    assert kind("Text.", **DETAILS).message == "Text."


def test_errors_carry_their_own_details() -> None:
    """Waits, paths and "was it sent?" are attributes of the errors that know them."""
    assert DeadlineExceededError("", projected_wait=3.5).projected_wait == 3.5
    assert DeadlineExceededError("").sent is False
    assert TransportError("").sent is None
    assert DecodeError("", path="$.data").path == "$.data"
    assert isinstance(ConfigurationError(""), ValueError)


@pytest.mark.parametrize(
    ("seconds", "header"),
    [(None, None), (0.0, 1), (-3.0, 1), (0.2, 1), (1.0, 1), (120.4, 121), (901.0, 901), (math.inf, None)],
)
def test_errors_of_waiting_say_when_to_come_back(seconds: float | None, header: int | None) -> None:
    """Whole seconds, rounded up and at least one, as a ``Retry-After`` header has them; None when nobody knows."""
    for error in (DeadlineExceededError("", projected_wait=seconds), RateLimitedError("", retry_after=seconds)):
        for twin in (error, pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
            assert twin.retry_after == header
            assert isinstance(twin.retry_after, int | None)


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_has_advice(code: int) -> None:
    """The text for each code has two sentences: what happened and what to do."""
    kind, text = error_class(code)
    assert issubclass(kind, ApiError)
    assert kind is not ApiError
    assert len(re.findall(r"[\w=)]\. ?", text)) >= 2, text


@pytest.mark.parametrize(("code", "kind"), [(500, ServerError), (503, ServerError), (599, ServerError)])
def test_all_of_5xx_is_the_server(code: int, kind: type[ApiError]) -> None:
    """Every 5xx is a failure of the server, known to the table or not."""
    assert error_class(code)[0] is kind


@pytest.mark.parametrize("code", [-1, 0, 199, 203, 418, 499, 600, 4444, 10**30])
def test_unknown_codes_are_plain_refusals(code: int) -> None:
    """A code that nobody knows is an `ApiError` that names it."""
    kind, text = error_class(code)
    assert kind is ApiError
    assert str(code) in text

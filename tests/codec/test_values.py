"""Single values of the wire, however they were sent (API.md 1.4)."""

# ruff: noqa: DTZ001  naive times are what the API sends

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from trackingmore_async.codec import values
from trackingmore_async.models import Status

CHINA = timezone(timedelta(hours=8))
ODD = (ValueError, TypeError, KeyError)


@pytest.mark.parametrize("value", [56, "56", 56.0, "56.0", " 56 ", "056", "+56"])
def test_a_number_is_a_number_however_it_was_sent(value: Any) -> None:
    """Int, text and whole float are the same number."""
    assert values.number(value) == 56
    assert type(values.number(value)) is int
    assert values.fraction(value) == 56


@pytest.mark.parametrize("value", [None, ""])
def test_no_number_is_none(value: Any) -> None:
    """Null and the empty text are no number."""
    assert values.number(value) is None
    assert values.fraction(value) is None
    assert values.required_number(value) == 0


@pytest.mark.parametrize("value", ["x", "1_0", "1e3", True, [], {}, "9" * 5000, float("inf"), "0x10"])
def test_what_is_no_number_is_refused(value: Any) -> None:
    """Words, lists and truth are no numbers."""
    with pytest.raises(ODD):
        values.number(value)


def test_a_fraction_is_no_count() -> None:
    """A share may have a fraction, a count may not."""
    assert values.fraction("0.25") == values.fraction(0.25) == 0.25
    with pytest.raises(ValueError, match="whole"):
        values.number(0.25)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), ("true", True), ("True", True), (1, True), ("1", True),
        (False, False), ("false", False), (0, False), ("0", False), (None, None), ("", None),
    ],
)  # fmt: skip
def test_true_and_false_come_as_words_too(value: Any, expected: bool | None) -> None:
    """An edit echoes texts, a read sends booleans."""
    assert values.flag(value) is expected


@pytest.mark.parametrize("value", ["yes", 2, [], {}])
def test_what_is_neither_true_nor_false_is_refused(value: Any) -> None:
    """No other word is guessed at."""
    with pytest.raises(ODD):
        values.flag(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-08 07:40:00", datetime(2024, 3, 8, 7, 40)),
        ("2024-03-08 07:40", datetime(2024, 3, 8, 7, 40)),
        ("2024-03-08T07:40:00+08:00", datetime(2024, 3, 8, 7, 40)),
        (None, None),
        ("", None),
        ("0000-00-00 00:00:00", None),
        ("0000-00-00", None),
        ("1970-01-01 08:00:00", None),
    ],
)
def test_local_times_are_naive(value: Any, expected: datetime | None) -> None:
    """Both precisions are read, an offset is dropped, and placeholders are None."""
    assert values.local_time(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-04T09:15:22+08:00", datetime(2024, 3, 4, 9, 15, 22, tzinfo=CHINA)),
        ("2024-03-04T01:15:22+00:00", datetime(2024, 3, 4, 9, 15, 22, tzinfo=CHINA)),
        ("2024-03-04T01:15:22Z", datetime(2024, 3, 4, 1, 15, 22, tzinfo=UTC)),
        ("1500000000", datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        (1500000000, datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        ("1970-01-01T08:00:00+08:00", None),
        ("1970-01-01T00:00:00+00:00", None),
        ("1969-12-31T16:00:00-08:00", None),
        ("0000-00-00 00:00:00", None),
        (0, None),
        (None, None),
        ("", None),
    ],
)
def test_moments_are_aware_and_the_epoch_is_never(value: Any, expected: datetime | None) -> None:
    """Any offset is read, unix seconds too; the epoch in whichever offset means never."""
    found = values.aware_time(value)
    assert found == expected
    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize("value", ["2024-03-04 09:15:22", "soon", True, [1], 10**18, "20240304T091522"])
def test_a_moment_without_an_offset_is_refused(value: Any) -> None:
    """No offset is guessed."""
    with pytest.raises(ODD):
        values.aware_time(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-03 11:20", datetime(2024, 3, 3, 11, 20)),
        ("2017/8/27 16:51", datetime(2017, 8, 27, 16, 51)),
        ("2017/8/27 16:51:09", datetime(2017, 8, 27, 16, 51, 9)),
        ("1500000000", datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        (1500000000, datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        (0, None),
        ("0", None),
        (None, None),
        ("", None),
        ("0000-00-00 00:00", None),
        ("1970-01-01T08:00:00+08:00", None),
        (1, None),  # a document would show it as a text of that day
        ("86399", None),
        (86400, datetime(1970, 1, 2, tzinfo=UTC)),
    ],
)
def test_order_times_are_naive_as_sent_or_unix_seconds(value: Any, expected: datetime | None) -> None:
    """A create answers the int 0 for no time, a read a text."""
    assert values.order_time(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("transit", Status.TRANSIT), ("7", Status.EXCEPTION), (4, Status.DELIVERED), ("8", Status.AUTOMATIC),
        ("teleported", Status("teleported")), (5, Status("5")), (None, None), ("", None),
    ],
)  # fmt: skip
def test_a_status_is_a_word(value: Any, expected: Status | None) -> None:
    """The numbers that edits echo become words; unknown words are kept."""
    found = values.status(value)
    assert found == expected
    assert found is None or type(found) is Status


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@b.example", ("a@b.example",)),
        (["a@b.example", None, 5], ("a@b.example", "5")),
        (49301234, ("49301234",)),
        ([], ()),
        (None, ()),
        ("", ()),
        ("null", ()),
    ],
)
def test_contacts_come_one_by_one_or_in_a_list(value: Any, expected: tuple[str, ...]) -> None:
    """One, several or none; the word null is none."""
    assert values.texts(value) == expected


@pytest.mark.parametrize(("value", "expected"), [("5", "5"), (5, "5"), (1.5, "1.5"), (None, None), ("null", "null")])
def test_a_number_in_place_of_a_text_becomes_its_digits(value: Any, expected: str | None) -> None:
    """A tracking number that was sent as a number is still a tracking number."""
    assert values.text(value) == expected


@pytest.mark.parametrize("value", [True, [], {}, ["x"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    """Lists and objects go to extra, not into a text."""
    with pytest.raises(ODD):
        values.text(value)

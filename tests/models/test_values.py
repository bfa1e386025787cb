"""UNSET, Status, and how request models take moments."""

# ruff: noqa: DTZ001  naive times are what the API sends

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from trackingmore_async.models import UNSET, Status, TrackingFilter, UnsetType
from trackingmore_async.models.moments import as_moment

WORDS = ["pending", "notfound", "inforeceived", "transit", "pickup", "delivered", "undelivered", "exception", "expired"]


def test_unset_is_one_falsy_thing_that_is_not_none() -> None:
    """UNSET is falsy, alone of its type, and differs from None."""
    assert not UNSET
    assert UnsetType() is UNSET
    assert UNSET != None  # noqa: E711
    assert repr(UNSET) == "UNSET"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_unset_pickles_and_copies_to_itself(protocol: int) -> None:
    """UNSET stays the same object wherever it goes."""
    assert pickle.loads(pickle.dumps(UNSET, protocol)) is UNSET  # noqa: S301
    assert copy.copy(UNSET) is copy.deepcopy(UNSET) is UNSET


@pytest.mark.parametrize("word", WORDS)
def test_a_status_equals_its_plain_word(word: str) -> None:
    """The constants are the words of API.md section 5, usable as texts and as keys."""
    status = getattr(Status, word.upper())
    assert status == word == str(status)
    assert {word: 1}[status] == 1
    assert status.is_known


def test_an_unknown_status_is_kept() -> None:
    """A word that the vendor adds later is a status too."""
    status = Status("teleported")
    assert status == "teleported"
    assert not status.is_known
    assert not Status("real").is_known


def test_delivered_and_expired_are_final() -> None:
    """Only these two words end the refreshing for certain."""
    assert [word for word in WORDS if Status(word).is_final] == ["delivered", "expired"]


def test_a_status_pickles_to_a_status() -> None:
    """Type and value survive."""
    again = pickle.loads(pickle.dumps(Status.TRANSIT))  # noqa: S301
    assert type(again) is Status
    assert again == "transit"
    assert repr(again) == "Status('transit')"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024-03-03 11:20", datetime(2024, 3, 3, 11, 20)),
        ("2024-03-03T11:20:00Z", datetime(2024, 3, 3, 11, 20, tzinfo=UTC)),
        ("2017/8/27 16:51", "2017/8/27 16:51"),
        ("2024-99-03 11:20", "2024-99-03 11:20"),
        ("2024-03-03", "2024-03-03"),
        ("1500000000", "1500000000"),
        (1500000000, 1500000000),
        (None, None),
        (UNSET, UNSET),
    ],
)
def test_a_text_of_date_and_time_becomes_a_datetime(given: Any, expected: Any) -> None:
    """ISO 8601 is understood, all else is left to the vendor."""
    assert as_moment(given) == expected


@pytest.mark.parametrize(("given", "expected"), [("A1", ("A1",)), (["A1", "B2"], ("A1", "B2")), (None, ()), ((), ())])
def test_one_number_or_many_become_a_tuple(given: Any, expected: tuple[str, ...]) -> None:
    """A single text is one number, not its letters."""
    assert TrackingFilter(numbers=given).numbers == expected

"""What a walk remembers."""

from __future__ import annotations

from datetime import UTC, datetime

from trackingmore_async.models import Tracking
from trackingmore_async.pages.seen import PROOF, Seen


def tracking(number: int, second: int | None) -> Tracking:
    """Return a tracking that was created in some second."""
    created = None if second is None else datetime.fromtimestamp(1_700_000_000 + second, UTC)
    return Tracking("zto", f"ZZ{number:05}", created_at=created)


def admit(seen: Seen, *rows: tuple[int, int | None]) -> list[int]:
    """Hand in one page; return the numbers that are new."""
    seen.turn_page()
    return [number for number, second in rows if seen.admits(tracking(number, second))]


def test_rows_that_come_back_are_known_however_late() -> None:
    """What is older than the newest one handed out was seen before; within its second, the ids decide."""
    seen = Seen(steps=PROOF)
    assert admit(seen, (1, 1), (2, 2), (3, 3), (4, 3)) == [1, 2, 3, 4]
    assert admit(seen, (3, 3), (5, 3), (6, 4)) == [5, 6]
    assert admit(seen, (7, 4)) == [7]
    assert admit(seen, (8, 4)) == [8]
    assert admit(seen, (1, 1), (4, 3), (6, 4), (9, 5)) == [9]


def test_the_other_way_round() -> None:
    """A walk from the newest on knows what is newer than the oldest one handed out."""
    seen = Seen(newest_first=True, steps=PROOF)
    assert admit(seen, (9, 9), (8, 8)) == [9, 8]
    assert admit(seen, (10, 10), (9, 9), (8, 8), (7, 8), (6, 6)) == [7, 6]


def test_memory_does_not_grow_with_the_walk() -> None:
    """Ids of two pages and of one second are kept, not those of the walk."""
    seen = Seen()
    for page in range(100):
        admit(seen, *((page * 100 + row, page * 100 + row) for row in range(100)))
    assert seen.remembered == 201


def test_two_pages_are_known_without_any_time() -> None:
    """Where times are missing in a list that is in order, the ids of this page and the last one are all there is."""
    seen = Seen(steps=PROOF)
    assert admit(seen, (1, None), (2, None)) == [1, 2]
    assert admit(seen, (2, None), (3, None)) == [3]
    assert admit(seen, (3, None), (1, None)) == [1]


def test_ids_decide_until_the_order_has_shown() -> None:
    """A list may be in order by chance for a while: until then nothing new is taken for known because of its time."""
    seen = Seen(strict=True)
    assert admit(seen, (1, 3), (2, 5)) == [1, 2]
    assert seen.in_order
    assert admit(seen, (1, 3), (2, 5), (3, 5)) == [3]
    assert seen.in_order
    assert admit(seen, (4, 4)) == [4]
    assert not seen.in_order


def test_disorder_is_noticed() -> None:
    """A page that is not sorted ends the trust in times."""
    seen = Seen()
    assert admit(seen, (5, 5), (3, 3)) == [5, 3]
    assert not seen.in_order
    seen.distrust()
    for _ in range(3):
        seen.turn_page()
    assert admit(seen, (3, 3), (4, 4)) == [4]

"""The trackings of one account, held so that a million of them stay light and quick."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator

import attrs

from trackingmore_async.sandbox.keys import Keys, key_of, new_keys, serial_of
from trackingmore_async.sandbox.lifecycle import COURSES

__all__ = ["Block", "Record", "Trackings"]


@attrs.define(eq=False)
class Record:
    """A tracking that was created or changed one by one.

    Args:
        tracking_number: The number.
        carrier_code: The carrier.
        course: Number of the course that it follows.
        fields: What the client gave it: title, order_id, ...
        archived: Whether it is archived.
        override: 4 or 7 where an edit has set the status, else None (API.md 3.3).
        overridden_at: When it did, in unix seconds.
        stopped_at: When notupdate stopped the refreshing, in unix seconds, else None (API.md 3.13).
        touched_at: When an edit last moved ``updated_at``, in unix seconds, else None.

    Example:
        >>> Record("LX900000017CN", "china-ems", 0)
    """

    tracking_number: str
    carrier_code: str
    course: int
    fields: dict[str, object] = attrs.field(factory=dict[str, object])
    archived: bool = False
    override: int | None = None
    overridden_at: int = 0
    stopped_at: int | None = None
    touched_at: int | None = None


@attrs.frozen
class Block:
    """Many preloaded trackings of which nothing is held but the rule that makes them.

    Args:
        base: Serial number of the first.
        count: How many.
        carrier_code: The carrier of all.
        prefix: What their numbers begin with; seven or more digits and ``CN`` follow.
        created: Unix seconds: creation of the first and of the last.

    Example:
        >>> Block(0, 1000, "china-ems", "LX", (1700000000, 1710000000)).number(17)
        'LX0000017CN'
    """

    base: int
    count: int
    carrier_code: str
    prefix: str
    created: tuple[int, int]

    def number(self, index: int) -> str:
        """Return the tracking number at a position.

        Example:
            >>> block.number(17)
            'LX0000017CN'
        """
        return f"{self.prefix}{index:07}CN"

    def key(self, index: int) -> int:
        """Return the key at a position: the times of creation are spread evenly.

        Example:
            >>> block.key(0) < block.key(1)
            True
        """
        first, last = self.created
        return key_of(first + (last - first) * index // max(1, self.count - 1), self.base + index)

    def index(self, folded: str) -> int | None:
        """Return the position of a number (upper case), or None where it is not of this block.

        Example:
            >>> block.index("LX0000017CN")
            17
        """
        digits = folded[len(self.prefix) : -2]
        if not (digits.isdecimal() and digits.isascii()) or self.number(int(digits)).upper() != folded:
            return None
        return int(digits) if int(digits) < self.count else None


class Trackings:
    """All trackings of an account: found by carrier and number, walked in order of creation.

    A preloaded tracking is a single integer until it is changed, so that a million of them are made in less than a
    second.

    Args:
        case_sensitive: Whether carrier and number must match by case (API.md 12.18).

    Example:
        >>> trackings = Trackings(case_sensitive=True)
        >>> trackings.create("china-ems", "LX900000017CN", 1710468478)
    """

    def __init__(self, *, case_sensitive: bool = True) -> None:
        self.keys: Keys = new_keys()
        self.records: dict[int, Record] = {}
        self.archived: set[int] = set()
        self.version: int = 0
        self._case_sensitive = case_sensitive
        self._blocks: list[Block] = []
        self._bases: list[int] = []
        self._by_number: dict[str, tuple[int, ...]] = {}
        self._by_order: dict[str, set[int]] = {}
        self._gone: set[int] = set()
        self._serial = 0

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, pair: object) -> bool:
        if not isinstance(pair, tuple):
            return False
        carrier_code, tracking_number = (str(part) for part in pair)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return self.find(carrier_code, tracking_number) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over (carrier_code, tracking_number), newest first."""
        return (self.name(key) for key in self.keys.islice(None, None, reverse=True))

    def seed(self, count: int, carrier_code: str, prefix: str, created: tuple[int, int]) -> Block:
        """Preload many trackings.

        Args:
            count: How many.
            carrier_code: The carrier of all.
            prefix: What their numbers begin with.
            created: Unix seconds: creation of the first and of the last.

        Example:
            >>> trackings.seed(1_000_000, "china-ems", "LX", (1700000000, 1710000000))
        """
        block = Block(self._serial, count, carrier_code, prefix, created)
        if count and self.find(carrier_code, block.number(0)) is not None:
            raise ValueError(f"trackings with the prefix {prefix!r} exist already")
        self._blocks.append(block)
        self._bases.append(block.base)
        self._serial += count
        self.version += 1
        self.keys.update(map(block.key, range(count)))
        return block

    def create(
        self, carrier_code: str, tracking_number: str, created: int, fields: dict[str, object] | None = None
    ) -> int:
        """Add one tracking and return its key.

        Args:
            carrier_code: The carrier.
            tracking_number: The number.
            created: Unix seconds.
            fields: What else the client gave.

        Example:
            >>> trackings.create("china-ems", "LX900000017CN", 1710468478, {"title": "mug"})
        """
        key = key_of(created, self._serial)
        self._serial += 1
        course = zlib.crc32(tracking_number.encode()) % COURSES
        record = self.records[key] = Record(tracking_number, carrier_code, course, dict(fields or {}))
        self.keys.add(key)
        self._index(key, record)
        self.version += 1
        return key

    def delete(self, carrier_code: str, tracking_number: str) -> bool:
        """Take one tracking out; False where it is not there.

        Example:
            >>> trackings.delete("china-ems", "LX900000017CN")
            True
        """
        key = self.find(carrier_code, tracking_number)
        if key is None:
            return False
        self._unindex(key)
        self.keys.remove(key)
        self.records.pop(key, None)
        self.archived.discard(key)
        self.version += 1
        return True

    def find(self, carrier_code: str, tracking_number: str) -> int | None:
        """Return the key of a tracking, or None.

        Example:
            >>> trackings.find("china-ems", "nowhere")
        """
        return next((key for key in self.find_number(tracking_number) if self._is(key, carrier_code)), None)

    def find_number(self, tracking_number: str) -> list[int]:
        """Return the keys of all trackings with a number, whatever their carrier.

        Example:
            >>> trackings.find_number("nowhere")
            []
        """
        folded = tracking_number.upper()
        keys = [*self._by_number.get(folded, ()), *self._find_in_blocks(folded)]
        return [key for key in keys if not self._case_sensitive or self.name(key)[1] == tracking_number]

    def find_order(self, order_id: str) -> set[int]:
        """Return the keys of all trackings with an order id.

        Example:
            >>> trackings.find_order("A-77")
            set()
        """
        return self._by_order.get(order_id, set())

    def name(self, key: int) -> tuple[str, str]:
        """Return carrier and number of a key.

        Example:
            >>> trackings.name(key)
            ('china-ems', 'LX900000017CN')
        """
        record = self.records.get(key)
        if record is not None:
            return record.carrier_code, record.tracking_number
        block, index = self._place(key)
        return block.carrier_code, block.number(index)

    def course(self, key: int) -> int:
        """Return the number of the course that a tracking follows.

        Example:
            >>> trackings.course(key)
            17
        """
        record = self.records.get(key)
        return self._place(key)[1] % COURSES if record is None else record.course

    def record(self, key: int) -> Record:
        """Return the record of a tracking, making one where it was only a rule so far.

        Example:
            >>> trackings.record(key).archived
            False
        """
        record = self.records.get(key)
        if record is None:
            block, index = self._place(key)
            record = self.records[key] = Record(block.number(index), block.carrier_code, index % COURSES)
        return record

    def change_carrier(self, key: int, carrier_code: str) -> None:
        """Move a tracking to another carrier.

        Example:
            >>> trackings.change_carrier(key, "china-post")
        """
        record = self.record(key)
        self._unindex(key)
        record.carrier_code = carrier_code
        self._index(key, record)
        self.version += 1

    def set_fields(self, key: int, fields: dict[str, object]) -> None:
        """Set some fields of a tracking; the others stay.

        Example:
            >>> trackings.set_fields(key, {"title": "mug"})
        """
        record = self.record(key)
        self._unindex_order(key, record)
        record.fields.update(fields)
        self._index_order(key, record)
        self.version += 1

    def set_archived(self, key: int, archived: bool) -> None:
        """Archive a tracking, or take it out of the archive.

        Example:
            >>> trackings.set_archived(key, True)
        """
        self.record(key).archived = archived
        (self.archived.add if archived else self.archived.discard)(key)
        self.version += 1

    def _is(self, key: int, carrier_code: str) -> bool:
        mine = self.name(key)[0]
        return mine == carrier_code if self._case_sensitive else mine.lower() == carrier_code.lower()

    def _place(self, key: int) -> tuple[Block, int]:
        serial = serial_of(key)
        block = self._blocks[bisect_right(self._bases, serial) - 1]
        return block, serial - block.base

    def _find_in_blocks(self, folded: str) -> Iterator[int]:
        for block in self._blocks:
            index = block.index(folded)
            if index is not None and block.base + index not in self._gone:
                yield block.key(index)

    def _index(self, key: int, record: Record) -> None:
        folded = record.tracking_number.upper()
        self._by_number[folded] = (*self._by_number.get(folded, ()), key)
        self._index_order(key, record)

    def _unindex(self, key: int) -> None:
        folded = self.name(key)[1].upper()
        left = tuple(other for other in self._by_number.pop(folded, ()) if other != key)
        if left:
            self._by_number[folded] = left
        if self._blocks:
            self._gone.add(serial_of(key))
        if key in self.records:
            self._unindex_order(key, self.records[key])

    def _index_order(self, key: int, record: Record) -> None:
        order_id = record.fields.get("order_id")
        if isinstance(order_id, str) and order_id:
            self._by_order.setdefault(order_id, set()).add(key)

    def _unindex_order(self, key: int, record: Record) -> None:
        order_id = record.fields.get("order_id")
        if isinstance(order_id, str) and order_id in self._by_order:
            self._by_order[order_id].discard(key)
            if not self._by_order[order_id]:
                del self._by_order[order_id]

"""The journal of one job: what is about to be sent, what became of it, and what a later run makes of that.

A row for each batch is written before it leaves. Afterwards a mark says that all of it succeeded, or else there is a
row for each of its trackings. The next run turns all of that into rows of trackings: what is in a batch without a mark
may have been carried out, so it is sent again as being in doubt. This run does the same with the marks when a tracking
comes that it may have met already. Trackings are found by their names, not by their places in the source, so the source
may come in another order.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import anyio
import attrs

from trackingmore_async.answers import Verdict
from trackingmore_async.batches import Entry
from trackingmore_async.calls import Caller
from trackingmore_async.codec import encode_item
from trackingmore_async.errors import (
    JournalError,
)
from trackingmore_async.journal import Store
from trackingmore_async.models import NewTracking
from trackingmore_async.operations import Operation
from trackingmore_async.pacing import LocalLimiter
from trackingmore_async.pacing.memory import Snapshot

from .recollection import another_job, earlier_in_this_run, is_about_the_item, not_asked_for, recalled_verdict
from .records import Digest, Intent, JobName, Record, RunMark, pack, unpack
from .sieve import Sieve

__all__ = ["Ledger"]

JOB, RUN, INTENT, ITEM = "job", "run", "intent/", "item/"
AT_ONCE = 20  # batches whose trackings get their rows in one go


@attrs.define
class Ledger:
    """Writes and reads the journal of one job.

    Args:
        store: Where the rows are.
        caller: Where the requests go: whose account it is, and what its server's clock shows.
        operation: The row of the table.
        job_id: The caller's name for the job.
        failed_only: Whether only what failed before is to be sent.
        is_searched: Whether all duplicates of the source are known already.
    """

    store: Store
    caller: Caller
    operation: Operation
    job_id: str
    failed_only: bool
    is_searched: bool
    _digests: Digest = attrs.field(init=False)
    _run: int = 0
    _has_past: bool = False
    _limiter: LocalLimiter | None = None
    _known_by_limiter: bytes = b""
    _intents: int = 0
    _trouble: JournalError | None = None
    _open_items: dict[int, int] = attrs.field(factory=dict[int, int], init=False)
    _met: Sieve | None = attrs.field(init=False)  # None: nothing can be met twice
    _unwritten: dict[str, bytes | None] = attrs.field(factory=dict[str, "bytes | None"], init=False)
    _being_written: list[dict[str, bytes | None]] = attrs.field(factory=list[dict[str, "bytes | None"]], init=False)

    def __attrs_post_init__(self) -> None:
        self._met = None if self.is_searched else Sieve()

    # Beginning and end

    async def open(self) -> None:
        """Join the job of this journal, or begin it; take over what the last run knew.

        Raises:
            JournalError: the journal is another job's, or cannot be used.
        """
        rows = await self.store.read([JOB, RUN])
        self._join(unpack(JobName, rows[JOB]) if JOB in rows else None)
        last: RunMark | None = unpack(RunMark, rows[RUN]) if RUN in rows else None
        if last is not None:
            self._run, self._known_by_limiter, self._has_past = last.number, last.limiter, True
            await self._spread(ended=True)
        self._run += 1
        await self.store.write(
            {**self._unwritten, RUN: pack(RunMark(self._run, ended=False, limiter=self._known_by_limiter))}
        )
        self._unwritten.clear()
        self._restore_limiter(clean=last is None or last.ended)

    def _join(self, found: JobName | None) -> None:
        salt = secrets.token_bytes(16) if found is None else found.salt
        self._digests = Digest(salt)
        transport = self.caller.transport
        account = self._digests.of(transport.account.encode())
        mine = JobName(self.operation.name, transport.base_url, account, self.job_id, salt)
        if found is None:
            self._unwritten[JOB] = pack(mine)
        elif found != mine:
            raise another_job(found, mine)

    async def _spread(self, *, ended: bool) -> None:
        """Turn batches into rows of their trackings: those that are done, and the others if their run has ended."""
        after = ""
        while rows := await self.store.scan(INTENT, after, AT_ONCE):
            after = max(rows)
            done = await self.store.read([_mark_key(name) for name in rows])
            spread: dict[str, bytes | None] = {}
            for name, row in rows.items():
                is_done = _mark_key(name) in done
                if ended or is_done:
                    number = int(name.removeprefix(INTENT))
                    spread |= await self._rows_of(number, unpack(Intent, row), is_done=is_done)
                    spread |= {name: None, _mark_key(name): None}
            pending = {key for waiting in (*self._being_written, self._unwritten) for key in waiting}
            await self._write({key: row for key, row in spread.items() if key not in pending})

    async def _rows_of(self, number: int, intent: Intent, *, is_done: bool) -> dict[str, bytes]:
        """Make the records of a batch's trackings, but for those of which something later is known."""
        found = await self.store.read([key for key, _ in intent.items])
        known = {key: unpack(Record, row) for key, row in found.items()}
        rows: dict[str, bytes] = {}
        for key, payload in intent.items:
            record = Record("succeeded", self._run, payload, intent=number)
            if not is_done:
                record = Record("unknown", self._run, payload, None, intent.sent_at, intent.by_their_clock)
            if key not in known or (self._is_older if is_done else self._is_open)(known[key], number):
                rows[key] = pack(record)
        return rows

    def _is_older(self, record: Record, intent: int) -> bool:
        """Tell whether what is known of a tracking comes from before a batch of this or the last run."""
        return record.run < self._run or (record.intent or 0) < intent

    def _is_open(self, record: Record, intent: int) -> bool:
        """Tell whether what is known of a tracking says nothing about a batch of the last run.

        What had been in doubt before stays dated by its first sending.
        """
        return record.state != "unknown" and (record.run, record.intent) != (self._run, intent)

    def _restore_limiter(self, *, clean: bool) -> None:
        limiter = self.caller.transport.limiter
        if isinstance(limiter, LocalLimiter):  # others remember by themselves, or not
            limiter.restore(Snapshot.decode(self._known_by_limiter) if self._known_by_limiter else None, clean=clean)
            limiter.watch(self)
            self._limiter = limiter

    async def keep(self, snapshot: Snapshot) -> None:
        """Remember a ban at once (see `LocalLimiter.watch`), and with it all that is not written yet.

        It raises nothing, for it is told within whatever call met the ban; the next batch meets the error.
        """
        self._known_by_limiter = snapshot.encode()
        with contextlib.suppress(Exception):  # a store of the caller's own may raise anything
            await self._write({RUN: pack(RunMark(self._run, ended=False, limiter=self._known_by_limiter))})

    async def close(self) -> None:
        """Write what is left, and what the limiter knows, for the next run.

        Raises:
            JournalError: it cannot be written. Nothing, where the job has stopped for that already.
        """
        if self._limiter is not None:
            self._limiter.unwatch(self)
            now = anyio.current_time()
            self._known_by_limiter = self._limiter.snapshot(now).shifted(time.time() - now).encode()
        if self._trouble is None:
            await self._write({RUN: pack(RunMark(self._run, ended=True, limiter=self._known_by_limiter))})

    async def _write(self, rows: dict[str, bytes | None]) -> None:
        """Write these rows, and all that waits to be written. After a failure nothing is written any more."""
        if self._trouble is not None:
            raise self._trouble
        unwritten, self._unwritten = self._unwritten, {}
        self._being_written.append(unwritten)
        try:
            await self.store.write({**unwritten, **rows})
        except JournalError as error:
            self._trouble = error
            raise
        except BaseException:  # a write that was cancelled may not have happened: the outcomes go with the next one
            self._unwritten = {**unwritten, **self._unwritten}
            raise
        finally:
            self._being_written.remove(unwritten)

    # Before sending

    async def recall(self, entries: Sequence[Entry]) -> list[Entry]:
        """Close the entries of which the journal knows enough; return the others, in doubt or not."""
        if self.is_searched and not self._has_past and not self.failed_only:
            return list(entries)  # there is nothing to be found
        keys = [_key(entry) for entry in entries]
        met = [] if self._met is None else self._met.sift(keys)
        if met:
            await self._write({})
            await self._spread(ended=False)
        elif not (self._has_past or self.failed_only):
            return list(entries)
        # Looked at before the store, for what it does not show yet may be in it by the time that it has answered.
        fresh = {key: rows[key] for rows in (*self._being_written, self._unwritten) for key in keys if key in rows}
        found = {**await self.store.read(keys), **fresh}
        for entry, key in zip(entries, keys, strict=True):
            row = found.get(key)
            record: Record | None = None if row is None else unpack(Record, row)
            verdict = self._first_time(entry) if record is None else self._recalled(entry, record)
            if verdict is not None:
                entry.close(verdict)
        return [entry for entry in entries if entry.verdict is None]

    def _first_time(self, _entry: Entry) -> Verdict | None:
        return Verdict("not_attempted", error=not_asked_for()) if self.failed_only else None

    def _recalled(self, entry: Entry, record: Record) -> Verdict | None:
        if record.state == "unknown":
            self._doubt(entry, record)
        if record.run == self._run:
            return earlier_in_this_run(self.operation, entry, record)
        if record.state in {"trouble", "unknown"} or (record.state == "failed" and self.failed_only):
            return None
        if record.digest == self._digest(entry):
            return recalled_verdict(self.operation, record)
        if isinstance(entry.item, NewTracking) and record.state == "succeeded":
            return Verdict("succeeded" if self._put_first(entry, record.digest) else "superseded")
        return self._first_time(entry)

    def _put_first(self, entry: Entry, known: bytes) -> bool:
        """Let a further create of the same tracking stand for all, if that is the one which was carried out."""
        for part in entry.parts[1:]:
            if self._digests.of(encode_item(self.operation, part.item)) == known:
                entry.parts.remove(part)
                entry.parts.insert(0, part)
                return True
        return False

    def _doubt(self, entry: Entry, record: Record) -> None:
        entry.in_doubt = entry.may_still_run = True
        if isinstance(entry.item, NewTracking) and record.digest != self._digest(entry):
            entry.changed = not self._put_first(entry, record.digest)
        if record.by_their_clock is not None:
            entry.sent_by_their_clock = datetime.fromtimestamp(record.by_their_clock, UTC)
        elif record.sent_at is not None and record.sent_at <= time.time():  # else the clock was set back: undated
            entry.first_sent_at = anyio.current_time() - (time.time() - record.sent_at)

    def _digest(self, entry: Entry) -> bytes:
        if entry.payload is None:
            entry.payload = encode_item(self.operation, entry.item)
        if entry.digest is None:
            entry.digest = self._digests.of(entry.payload)
        return entry.digest

    async def intend(self, entries: Sequence[Entry]) -> None:
        """Write down that these are about to be sent; returns when a crash cannot undo that."""
        self._intents += 1
        items: list[tuple[str, bytes]] = []
        for entry in entries:
            entry.is_open, entry.intent = False, self._intents
            items.append((_key(entry), self._digest(entry)))
        self._open_items[self._intents] = len(entries)
        intent = Intent(time.time(), self._their_clock(anyio.current_time()), items)
        await self._write({_intent_key(self._intents): pack(intent)})

    def _their_clock(self, moment: float | None) -> float | None:
        shown = None if moment is None else self.caller.transport.server_time(moment)
        return None if shown is None else shown.timestamp()

    # Afterwards

    def conclude(self, entries: Sequence[Entry]) -> None:
        """Note what became of entries that came back together; it is written with the next batch, or at the end."""
        sent = [entry for entry in entries if entry.intent is not None]
        if self._is_whole_and_done(sent):
            number = sent[0].intent or 0
            del self._open_items[number]
            self._unwritten[_mark_key(_intent_key(number))] = b""
            return
        for entry in sent:
            self._note(entry, entry.intent or 0)

    def _is_whole_and_done(self, entries: Sequence[Entry]) -> bool:
        """Tell whether these are all of a batch, and have all succeeded."""
        numbers = {entry.intent for entry in entries}
        if len(numbers) != 1 or self._open_items[entries[0].intent or 0] != len(entries):
            return False
        return all(entry.verdict is not None and entry.verdict.state == "succeeded" for entry in entries)

    def _note(self, entry: Entry, intent: int) -> None:
        record = self._record(entry)
        if record is not None:
            self._unwritten[_key(entry)] = pack(attrs.evolve(record, intent=intent))
        self._open_items[intent] -= 1
        if not self._open_items[intent]:
            del self._open_items[intent]
            self._unwritten[_intent_key(intent)] = None

    def _record(self, entry: Entry) -> Record | None:
        verdict, known = entry.verdict, self._digest(entry)
        if verdict is None or not entry.parts or verdict.state in {"not_attempted", "superseded"}:
            return None
        if verdict.state == "succeeded":
            return Record("succeeded", self._run, known)
        if verdict.state == "failed":
            code = verdict.error.code if is_about_the_item(verdict.error) and verdict.error else None
            return Record("trouble" if code is None else "failed", self._run, known, code)
        return self._doubtful(entry, known)

    def _doubtful(self, entry: Entry, known: bytes) -> Record:
        by_theirs = entry.sent_by_their_clock
        theirs = self._their_clock(entry.first_sent_at) if by_theirs is None else by_theirs.timestamp()
        sent_at = None
        if entry.first_sent_at is not None:
            sent_at = time.time() - (anyio.current_time() - entry.first_sent_at)
        return Record("unknown", self._run, known, None, sent_at, theirs)


def _key(entry: Entry) -> str:
    return f"{ITEM}{entry.item.carrier_code}/{entry.item.tracking_number}"


def _intent_key(number: int) -> str:
    return f"{INTENT}{number:012}"


def _mark_key(intent: str) -> str:
    return f"done/{intent}"

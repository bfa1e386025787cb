"""Everything under /trackings that concerns parcels: ``tm.trackings``."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from datetime import datetime
from os import PathLike
from typing import Unpack

from trackingmore_async import settle
from trackingmore_async.bulk import BulkRun, JobFields, JobOptions
from trackingmore_async.calls import Caller
from trackingmore_async.changes import TrackingChanges
from trackingmore_async.coalesce import Shared
from trackingmore_async.journal import Store
from trackingmore_async.models import (
    UNSET,
    CarrierChange,
    GetQuery,
    NewTracking,
    RealtimeQuery,
    Tracking,
    TrackingEcho,
    TrackingRef,
    TrackingUpdate,
)
from trackingmore_async.models.fields import EditFields, FilterFields, NewFields, RealtimeFields
from trackingmore_async.operations import (
    CREATE_MANY,
    DELETE_MANY,
    REALTIME,
    STOP_UPDATING_MANY,
    UPDATE,
    UPDATE_MANY,
)
from trackingmore_async.pages import Order, TrackingPages
from trackingmore_async.settings import check_seconds

__all__ = ["TrackingsResource"]


class TrackingsResource:
    """Trackings: one, many, or all of them."""

    __slots__ = ("_caller", "_shared")

    def __init__(self, caller: Caller, shared: Shared) -> None:
        self._caller = caller
        self._shared = shared

    @property
    def _shares_writes(self) -> bool:
        return self._caller.options.coalesce == "all"

    async def create(self, carrier_code: str, tracking_number: str, **fields: Unpack[NewFields]) -> TrackingEcho:
        """Create one tracking: POST /trackings/post. Costs 1 unit of quota.

        When an answer is lost the request is sent again, and "already exists" then counts as done only if the
        tracking was created by this call.

        Args:
            carrier_code: The vendor's code of the carrier, such as ``china-ems``.
            tracking_number: The number of the parcel.
            **fields: See `NewTracking`. Only what you pass is sent.

        Raises:
            AlreadyExistsError: the tracking existed before.
            TrackingMoreError: any other failure, see docs/errors.md.

        Example:
            >>> async def add(tm: TrackingMore) -> TrackingEcho:
            ...     return await tm.trackings.create("china-ems", "LX900000017CN", order_id="A-77")
        """
        item = NewTracking(carrier_code, tracking_number, **fields)
        if self._shares_writes:
            return await self._shared.writes.create(self._caller, item)
        return await settle.create(self._caller, item)

    async def get(
        self, carrier_code: str, tracking_number: str, *, lang: str | None = None, max_age: float | None = None
    ) -> Tracking:
        """Read one tracking as the vendor stored it last.

        Look-ups that wait at the same time share a request: GET /trackings/get?numbers=, up to 40 numbers each. What is
        not found there, anything in a language, and everything with ``coalesce=False`` (see
        `TrackingMore.with_options`) is read by a request of its own: GET /trackings/{c}/{n}[/{lang}].

        Args:
            carrier_code: The vendor's code of the carrier.
            tracking_number: The number of the parcel.
            lang: Two letters, for carriers that have event texts in several languages.
            max_age: Seconds: an answer from memory that is not older will do, and takes no request. Its ``timing`` says
                that it is one, and its ``age``. What this client has written since is never answered from memory.

        Raises:
            NotFoundError: there is no such tracking.
            DeadlineExceededError: no slot would come in time (see `TrackingMore.with_options`); nothing was sent.
            TrackingMoreError: any other failure, see docs/errors.md.

        Example:
            >>> async def where(tm: TrackingMore) -> str | None:
            ...     return (await tm.trackings.get("china-ems", "LX900000017CN")).last_event
        """
        query = GetQuery(carrier_code, tracking_number, lang=lang or UNSET)
        age = check_seconds("max_age", max_age, zero=True)
        return await self._shared.lookups.get(self._caller, query, max_age=age)

    async def update(self, carrier_code: str, tracking_number: str, **fields: Unpack[EditFields]) -> TrackingEcho:
        """Edit one tracking: PUT /trackings/{c}/{n}.

        Args:
            carrier_code: The vendor's code of the carrier.
            tracking_number: The number of the parcel.
            **fields: See `TrackingUpdate`. Only what you pass is sent; passing None or ``""`` sends it.

        Raises:
            NotFoundError: there is no such tracking.
            TrackingMoreError: any other failure, see docs/errors.md.

        Example:
            >>> async def put_away(tm: TrackingMore) -> TrackingEcho:
            ...     return await tm.trackings.update("china-ems", "LX900000017CN", title="mug", archived=True)
        """
        item = TrackingUpdate(carrier_code, tracking_number, **fields)
        if self._shares_writes:
            return await self._shared.writes.update(self._caller, item)
        echo: TrackingEcho = await self._caller.call(UPDATE, item)
        return echo

    async def delete(self, carrier_code: str, tracking_number: str) -> None:
        """Delete one tracking: DELETE /trackings/{c}/{n}. It gives no quota back.

        Args:
            carrier_code: The vendor's code of the carrier.
            tracking_number: The number of the parcel.

        Raises:
            NotFoundError: there is no such tracking.
            TrackingMoreError: any other failure, see docs/errors.md.

        Example:
            >>> async def forget(tm: TrackingMore) -> None:
            ...     await tm.trackings.delete("china-ems", "LX900000017CN")
        """
        item = TrackingRef(carrier_code, tracking_number)
        if self._shares_writes:
            await self._shared.writes.delete(self._caller, item)
        else:
            await settle.delete(self._caller, item)

    def create_many(
        self, items: Iterable[NewTracking] | AsyncIterable[NewTracking], **options: Unpack[JobFields]
    ) -> BulkRun[NewTracking]:
        """Create any number of trackings: POST /trackings/batch, 40 a request. Costs 1 unit of quota each.

        Args:
            items: Any iterable or async iterable of `NewTracking`. Of those for one tracking the first wins.
            **options: ``on_error``, ``journal``, ``job_id``, ``failed_only``, ``progress``: see `JobOptions`.

        Returns:
            A job: ``await`` it for its report, or go through its outcomes with ``async with`` and ``async for``.

        Raises:
            ConfigurationError: the source or an option cannot work.

        Example:
            >>> async def add(tm: TrackingMore, numbers: list[str]) -> int:
            ...     report = await tm.trackings.create_many(NewTracking("china-ems", number) for number in numbers)
            ...     return report.succeeded
        """
        return BulkRun(self._caller, CREATE_MANY, items, JobOptions(**options))

    def update_many(
        self, items: Iterable[TrackingUpdate] | AsyncIterable[TrackingUpdate], **options: Unpack[JobFields]
    ) -> BulkRun[TrackingUpdate]:
        """Edit any number of trackings: POST /trackings/updatemore, 40 a request.

        Args:
            items: Any iterable or async iterable of `TrackingUpdate`. Edits of one tracking keep their order; those
                that wait together are sent as one.
            **options: ``on_error``, ``journal``, ``job_id``, ``failed_only``, ``progress``: see `JobOptions`.

        Returns:
            A job: ``await`` it for its report, or go through its outcomes with ``async with`` and ``async for``.

        Raises:
            ConfigurationError: the source or an option cannot work.

        Example:
            >>> async def put_away(tm: TrackingMore, numbers: list[str]) -> int:
            ...     edits = (TrackingUpdate("china-ems", number, archived=True) for number in numbers)
            ...     return (await tm.trackings.update_many(edits)).succeeded
        """
        return BulkRun(self._caller, UPDATE_MANY, items, JobOptions(**options))

    def delete_many(
        self, items: Iterable[TrackingRef] | AsyncIterable[TrackingRef], **options: Unpack[JobFields]
    ) -> BulkRun[TrackingRef]:
        """Delete any number of trackings: POST /trackings/delete, 40 a request.

        Args:
            items: Any iterable or async iterable of `TrackingRef`.
            **options: ``on_error``, ``journal``, ``job_id``, ``failed_only``, ``progress``: see `JobOptions`.

        Returns:
            A job: ``await`` it for its report, or go through its outcomes with ``async with`` and ``async for``.

        Raises:
            ConfigurationError: the source or an option cannot work.

        Example:
            >>> async def forget(tm: TrackingMore, numbers: list[str]) -> int:
            ...     report = await tm.trackings.delete_many(TrackingRef("china-ems", number) for number in numbers)
            ...     return report.succeeded
        """
        return BulkRun(self._caller, DELETE_MANY, items, JobOptions(**options))

    def stop_updating_many(
        self, items: Iterable[TrackingRef] | AsyncIterable[TrackingRef], **options: Unpack[JobFields]
    ) -> BulkRun[TrackingRef]:
        """Stop the vendor's refreshing of any number of trackings: POST /trackings/notupdate, 40 a request.

        Args:
            items: Any iterable or async iterable of `TrackingRef`.
            **options: ``on_error``, ``journal``, ``job_id``, ``failed_only``, ``progress``: see `JobOptions`.

        Returns:
            A job: ``await`` it for its report, or go through its outcomes with ``async with`` and ``async for``.

        Raises:
            ConfigurationError: the source or an option cannot work.

        Example:
            >>> async def stop(tm: TrackingMore, numbers: list[str]) -> int:
            ...     refs = (TrackingRef("china-ems", number) for number in numbers)
            ...     return (await tm.trackings.stop_updating_many(refs)).succeeded
        """
        return BulkRun(self._caller, STOP_UPDATING_MANY, items, JobOptions(**options))

    def list(
        self,
        *,
        page_size: int | None = None,
        max_items: int | None = None,
        order: Order = "oldest",
        resume: str | None = None,
        **filters: Unpack[FilterFields],
    ) -> TrackingPages:
        """List trackings: GET /trackings/get. One call, two uses: ``await`` the first page, ``async for`` them all.

        Args:
            page_size: Trackings a page, 1 to 2000; None: 100 for the first page alone, 2000 for a walk.
            max_items: A walk ends after as many trackings; None: after the last.
            order: "oldest": from the oldest tracking to the newest, missing none that existed throughout;
                "newest": from the newest to the oldest; may miss some when others are deleted meanwhile.
            resume: The `token` of an earlier walk: this one goes on where that one stood. It brings its filters,
                page_size and order; only ``max_items`` may be given besides.
            **filters: ``status``, ``numbers``, ``created_at_min`` and others: see `TrackingFilter` in
                ``trackingmore_async.models``. Times are aware datetimes or unix seconds; ``numbers`` or ``orders`` may
                be longer than the 40 that one request takes.

        Returns:
            `TrackingPages`.

        Raises:
            ConfigurationError: a number is out of range, or ``resume`` is no token.

        Example:
            >>> async def all_numbers(tm: TrackingMore) -> list[str]:
            ...     return [tracking.tracking_number async for tracking in tm.trackings.list(status="transit")]
        """
        return TrackingPages(
            self._caller, filters, page_size=page_size, max_items=max_items, order=order, resume=resume
        )

    def changes(
        self,
        *,
        since: datetime | float | None = None,
        store: str | PathLike[str] | Store | None = None,
        follow: bool = False,
        interval: float = 60.0,
        overlap: float = 120.0,
    ) -> TrackingChanges:
        """Hand out everything created or refreshed since a point, each at least once: two requests a round and more.

        Deletions are not seen, nor edits of trackings that are not refreshed any more: see docs/changes.md.

        Args:
            since: An aware datetime, or unix seconds, by the server's clock. Needed where there is no checkpoint yet;
                where the store holds one, that one counts.
            store: The path of an SQLite file, or any `Store`, that keeps the checkpoint across restarts. It holds
                no data of customers. None: nothing is kept.
            follow: False: the feed ends when it has caught up with the moment it began. True: it goes on.
            interval: When following: seconds from the beginning of one round to that of the next, at least.
            overlap: Seconds by which a round looks back behind the one before, for what the server shows late.

        Returns:
            `TrackingChanges`, an async iterator of `Tracking`.

        Raises:
            ConfigurationError: an argument cannot work, or there is neither a checkpoint nor since.

        Example:
            >>> async def numbers_of_the_day(tm: TrackingMore) -> list[str]:
            ...     feed = tm.trackings.changes(since=1_700_000_000)
            ...     return [tracking.tracking_number async for tracking in feed]
        """
        return TrackingChanges(
            self._caller, since=since, store=store, follow=follow, interval=interval, overlap=overlap
        )

    async def realtime(self, carrier_code: str, tracking_number: str, **fields: Unpack[RealtimeFields]) -> Tracking:
        """Ask the carrier now: POST /trackings/realtime. Slow (up to two minutes), once in two hours for a shipment.

        Once sent the question is never repeated by itself.

        Args:
            carrier_code: The vendor's code of the carrier.
            tracking_number: The number of the parcel.
            **fields: See `RealtimeQuery` in ``trackingmore_async.models``.

        Raises:
            PermissionDeniedError: the feature has to be activated by the vendor's support.
            TrackingMoreError: any other failure, see docs/errors.md.

        Example:
            >>> async def now(tm: TrackingMore) -> str | None:
            ...     return (await tm.trackings.realtime("china-ems", "LX900000017CN")).last_event
        """
        tracking: Tracking = await self._caller.call(REALTIME, RealtimeQuery(carrier_code, tracking_number, **fields))
        return tracking

    async def change_carrier(self, carrier_code: str, tracking_number: str, new_carrier_code: str) -> None:
        """Move a tracking to another carrier: POST /trackings/update.

        Args:
            carrier_code: The code under which the tracking stands now.
            tracking_number: The number of the parcel.
            new_carrier_code: The code under which it shall stand.

        Raises:
            NotFoundError: there is no such tracking.
            AlreadyExistsError: the number stands under the new carrier already.
            TrackingMoreError: any other failure, see docs/errors.md.

        Example:
            >>> async def correct(tm: TrackingMore) -> None:
            ...     await tm.trackings.change_carrier("china-post", "LX900000017CN", "china-ems")
        """
        await settle.change_carrier(self._caller, CarrierChange(carrier_code, tracking_number, new_carrier_code))

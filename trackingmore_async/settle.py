"""Single writes whose first answer was lost: what the answer to the second one means (DESIGN.md rules 3, 4, 7)."""

from __future__ import annotations

from trackingmore_async.answers import TOLERANCE, echo_of
from trackingmore_async.calls import Caller
from trackingmore_async.errors import (
    AlreadyExistsError,
    ApiError,
    NotFoundError,
    QuotaExceededError,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.models import CarrierChange, GetQuery, NewTracking, Tracking, TrackingEcho, TrackingRef, timed
from trackingmore_async.operations import CHANGE_CARRIER, CREATE, DELETE
from trackingmore_async.timing import Timing
from trackingmore_async.transport import Trail

__all__ = ["change_carrier", "create", "delete", "is_ours"]


async def create(caller: Caller, item: NewTracking) -> TrackingEcho:
    """Create one tracking; a refusal after a lost answer is success if the tracking is there and was created by us.

    Beside "already exists" that is "no quota": the lost request may have spent the last of it.
    """
    trail = Trail()
    try:
        echo: TrackingEcho = await caller.call(CREATE, item, trail)
    except (AlreadyExistsError, QuotaExceededError) as error:
        if not trail.in_doubt:
            raise
        return await _read_back(caller, item, trail, error)
    return echo


async def delete(caller: Caller, ref: TrackingRef) -> None:
    """Delete one tracking; "does not exist" after a lost answer means that it is done."""
    trail = Trail()
    try:
        await caller.call(DELETE, ref, trail)
    except NotFoundError as error:
        if not trail.in_doubt or error.code is None:
            raise


async def change_carrier(caller: Caller, change: CarrierChange) -> None:
    """Change the carrier; a refusal after a lost answer is success if the new pair reads back, and not the old one."""
    trail = Trail()
    try:
        await caller.call(CHANGE_CARRIER, change, trail)
    except (NotFoundError, AlreadyExistsError) as error:
        if not trail.in_doubt or error.code is None:
            raise
        moved = await _look_up(caller, change.new_carrier_code, change.tracking_number, error)
        if moved is None or await _is_left_behind(caller, change, error):
            raise


def is_ours(caller: Caller, found: Tracking, trail: Trail) -> bool | None:
    """Tell whether a tracking was created by this call, by the server's clock; None: that cannot be told."""
    if found.created_at is None or trail.first_sent_at is None:
        return None
    sent = caller.transport.server_time(trail.first_sent_at)
    return None if sent is None else found.created_at >= sent - TOLERANCE


async def _is_left_behind(caller: Caller, change: CarrierChange, error: TrackingMoreError) -> bool:
    """Tell whether the old pair is still there: then the new one was there before, and nothing was changed."""
    if isinstance(error, NotFoundError):
        return False
    return await _look_up(caller, change.carrier_code, change.tracking_number, error) is not None


async def _read_back(caller: Caller, item: NewTracking, trail: Trail, error: ApiError) -> TrackingEcho:
    found = await _look_up(caller, item.carrier_code, item.tracking_number, error)
    if found is None and isinstance(error, QuotaExceededError):
        raise error
    ours = None if found is None else is_ours(caller, found, trail)
    if found is None or ours is None:
        raise _unknown(error)
    if not ours:
        raise error
    return timed(echo_of(found), trail.timing() + (found.timing or Timing()))


async def _look_up(
    caller: Caller, carrier_code: str, tracking_number: str, error: TrackingMoreError
) -> Tracking | None:
    try:
        return await caller.read(GetQuery(carrier_code, tracking_number))
    except NotFoundError as failure:
        if failure.code is None:
            raise _unknown(error) from failure
        return None
    except TrackingMoreError as failure:
        raise _unknown(error) from failure


def _unknown(error: TrackingMoreError) -> TransportError:
    unknown = TransportError(
        "An answer was lost, and reading back did not tell whether the request was carried out. "
        "Read the tracking before sending it again.",
        sent=True,
        operation=error.operation,
        code=error.code,
        http_status=error.http_status,
        attempts=error.attempts,
    )
    unknown.timing = error.timing
    return unknown

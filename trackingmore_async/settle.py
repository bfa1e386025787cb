"""Single writes whose first answer was lost: what the answer to the second one means (DESIGN.md rules 3, 4, 7)."""

from __future__ import annotations

from functools import partial

import attrs

from trackingmore_async.answers import TOLERANCE, echo_of
from trackingmore_async.calls import Caller
from trackingmore_async.creations import Creation
from trackingmore_async.errors import (
    AlreadyExistsError,
    DecodeError,
    NotFoundError,
    QuotaExceededError,
    TrackingMoreError,
    TransportError,
)
from trackingmore_async.models import CarrierChange, GetQuery, NewTracking, Tracking, TrackingEcho, TrackingRef, timed
from trackingmore_async.operations import CHANGE_CARRIER, CREATE, DELETE, GET
from trackingmore_async.transport import Budget, Trail

__all__ = ["change_carrier", "create", "delete", "is_ours"]


async def create(caller: Caller, item: NewTracking) -> TrackingEcho:
    """Create one tracking; a refusal after a lost answer is success if the tracking is there and was created by us.

    Beside "already exists" that is "no quota": the lost request may have spent the last of it.
    """
    budget, trail = caller.budget(CREATE), Trail()
    caller.encode(CREATE, item)  # what cannot be sent has no name to note
    creation = caller.creations.begin(item.carrier_code, item.tracking_number)

    async def settle(error: TrackingMoreError) -> TrackingEcho:
        if not (trail.in_doubt and isinstance(error, AlreadyExistsError | QuotaExceededError)):
            raise error
        query = GetQuery(item.carrier_code, item.tracking_number)
        return _claim(caller, await _look_up(caller, query, budget, trail, error), trail, creation, error)

    try:
        echo: TrackingEcho = await caller.call(CREATE, item, trail, budget, settle)
    except BaseException as error:  # also who gave up before anything was sent has created nothing
        creation.is_possible = trail.in_doubt or isinstance(error, DecodeError)
        raise
    creation.end(echo.created_at)
    return echo


async def delete(caller: Caller, ref: TrackingRef) -> None:
    """Delete one tracking; "does not exist" after a lost answer means that it is done."""
    trail = Trail()

    async def settle(error: TrackingMoreError) -> None:
        if not (trail.in_doubt and isinstance(error, NotFoundError) and error.code is not None):
            raise error

    await caller.call(DELETE, ref, trail, settle=settle)


async def change_carrier(caller: Caller, change: CarrierChange) -> None:
    """Change the carrier; a refusal after a lost answer is success if the new pair reads back, and not the old one."""
    budget, trail = caller.budget(CHANGE_CARRIER), Trail()
    await caller.call(CHANGE_CARRIER, change, trail, budget, partial(_settle_change, caller, change, budget, trail))


async def _settle_change(
    caller: Caller, change: CarrierChange, budget: Budget, trail: Trail, error: TrackingMoreError
) -> None:
    if not isinstance(error, NotFoundError | AlreadyExistsError) or not trail.in_doubt or error.code is None:
        raise error
    new = GetQuery(change.new_carrier_code, change.tracking_number)
    moved = await _look_up(caller, new, budget, trail, error)
    if moved is None:
        raise error
    if isinstance(error, AlreadyExistsError):
        old = GetQuery(change.carrier_code, change.tracking_number)
        _check_left(caller, await _look_up(caller, old, budget, trail, error), trail, error)


def is_ours(caller: Caller, found: Tracking, trail: Trail) -> bool | None:
    """Tell whether a tracking was created since this call was sent first; None: that cannot be told."""
    if found.created_at is None or trail.first_sent_at is None:
        return None
    sent = caller.transport.server_time(trail.first_sent_at)
    return None if sent is None else found.created_at >= sent - TOLERANCE


def _check_left(caller: Caller, left: Tracking | None, trail: Trail, error: TrackingMoreError) -> None:
    """Raise if the old pair is still there: then the new one was there before, and nothing was changed.

    Unless the old pair was created since: then the one before it may have been moved.
    """
    if left is None:
        return
    if is_ours(caller, left, trail) is False:
        raise error
    raise _unknown(error)


def _claim(
    caller: Caller, found: Tracking | None, trail: Trail, creation: Creation, error: TrackingMoreError
) -> TrackingEcho:
    """Return what was read back as the echo of our create, if it is ours."""
    if found is None and isinstance(error, QuotaExceededError):
        raise error
    ours = None if found is None else is_ours(caller, found, trail)
    if found is None or found.created_at is None or ours is None:
        raise _unknown(error)
    if not ours:
        raise error
    if not caller.creations.is_only(found.carrier_code, found.tracking_number, creation, found.created_at):
        raise _unknown(error)
    return timed(echo_of(found), trail.timing())


async def _look_up(
    caller: Caller, query: GetQuery, budget: Budget, trail: Trail, error: TrackingMoreError
) -> Tracking | None:
    """Read a tracking in the time that is left of the call; the error, if it is raised in the end, took that, too."""
    left = attrs.evolve(budget, timeout=caller.budget(GET).timeout)
    try:
        found = await caller.read(query, left)
    except TrackingMoreError as failure:
        trail.include(failure.timing)
        error.timing, error.attempts = trail.timing(), trail.attempts
        if isinstance(failure, NotFoundError) and failure.code is not None:
            return None
        raise _unknown(error) from failure
    trail.include(found.timing)
    error.timing, error.attempts = trail.timing(), trail.attempts
    return found


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

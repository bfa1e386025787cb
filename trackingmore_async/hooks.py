"""What the library tells those who watch it: one Protocol, one frozen object."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import isasyncgenfunction, isclass, iscoroutinefunction
from typing import Any, Literal, Protocol

import attrs

from .errors import ConfigurationError
from .timing import Timing

__all__ = ["Hook", "HookDetails", "HookEvent", "check_hooks"]

HookEvent = Literal["call", "request", "reply", "retry", "pause", "batch", "end"]
"""What happened: see `HookDetails`."""


@attrs.frozen(kw_only=True)
class HookDetails:
    """One event in the life of a call. It holds no key, no data of customers, no path, no query and no body.

    A logical call begins with "call" and ends with "end", both in the task of the caller. In between come, for each
    attempt, "request" (its slot was granted, it is about to leave) and "reply" (the attempt is over, however it
    ended); "retry" before the wait for another attempt, which is announced only if there will be one; and "pause" after
    the reply whose 429 began a ban: later replies of the same ban are no pause of their own, and the next attempt after
    it is no retry. "batch" comes between "request" and "reply", and tells how many items travel in a request that is
    shared: the look-ups that share a list request have a "call" and an "end" of their own, and their numbers stand in
    `shares`. A call that was cancelled ends with the error "CancelledError".

    Args:
        event: What happened.
        call: The number of the logical call.
        operation: The name of the operation, which is that of the bucket.
        lane: Where it waits: "interactive" or "bulk".
        attempt: Which attempt it is, from 1; 0 where there is none. Each page of a list is a request of its own.
        waited: "request": seconds for which this attempt waited for its slot.
        server: "request": host and port of the server.
        seconds: "retry" and "pause": how long; "reply": from handing the request over to the end of the answer.
        http_status: "reply": the HTTP status, when there was an answer.
        code: "reply" and "end": ``meta.code``, when there was an envelope.
        error: "reply", "retry" and "end": the name of the class of the error; None: there was none. What became of
            the items of a batch is found out after its "end".
        items: "batch": how many items travel in this request.
        capacity: "batch": how many could.
        shares: "batch": the numbers of the logical calls that it carries, when they are others than `call`.
        timing: "end": where the time went.

    Example:
        >>> HookDetails(event="retry", call=7, operation="get", attempt=1, seconds=0.25, error="ServerError").seconds
        0.25
    """

    event: HookEvent
    call: int
    operation: str
    lane: Literal["interactive", "bulk"] = "interactive"
    attempt: int = 0
    waited: float = 0.0
    server: tuple[str, int] | None = None
    seconds: float = 0.0
    http_status: int | None = None
    code: int | None = None
    error: str | None = None
    items: int = 0
    capacity: int = 0
    shares: tuple[int, ...] = ()
    timing: Timing | None = None


class Hook(Protocol):
    """Hears of every call of a client: ``TrackingMore(hooks=[...])``. Any function of this shape will do.

    It is called in the event loop, between two steps of a call, so it has to be quick and must not wait. What it raises
    is logged and else ignored.

    Example:
        >>> def count(details: HookDetails) -> None:
        ...     if details.event == "pause":
        ...         print("silent for", details.seconds, "s")
        >>> count(HookDetails(event="pause", call=1, operation="list", seconds=121.0))
        silent for 121.0 s
    """

    def __call__(self, details: HookDetails, /) -> None:
        """Hear of one event."""
        ...


def check_hooks(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """Return hooks that can be called.

    Args:
        hooks: What the user passed.

    Raises:
        ConfigurationError: it is no sequence, or one of them cannot be called, or would have to be awaited.
    """
    if not isinstance(hooks, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("hooks has to be a list of functions, such as [print]; it is none.")
    checked = tuple(hooks)
    for place, hook in enumerate(checked):
        wrong = _what_is_wrong(hook)
        if wrong:
            raise ConfigurationError(f"hooks[{place}] {wrong}")
    return checked


def _what_is_wrong(hook: Any) -> str:
    if not callable(hook):
        return f"cannot be called: it is of type {type(hook).__name__}. Pass a function of one argument."
    if isclass(hook):
        return f"is the class {hook.__name__}. Pass an object of it."
    if any(is_async(one) for is_async in (iscoroutinefunction, isasyncgenfunction) for one in (hook, hook.__call__)):
        return "is an async function, and hooks are not awaited. Pass a plain function, which may put into a queue."
    return ""

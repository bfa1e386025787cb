"""Scripted trouble: which requests meet which fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import Literal

import attrs

from trackingmore_async.sandbox.path import Delay, draw
from trackingmore_async.sandbox.police import BUCKETS

__all__ = ["Fault", "Faults", "Plan"]

Numbers = Collection[str] | Callable[[str], bool]
ItemCodes = Mapping[str, int] | Callable[[str], "int | None"]
Body = Literal["envelope", "html", "truncated", "empty"] | bytes


@attrs.frozen
class Fault:
    """One rule of a fault script. The first group of arguments says which requests it meets, the second what happens.

    Args:
        bucket: The bucket, or several; None means all.
        on: Which of the requests to these buckets since the rule was added, counted from 1; empty means any.
        times: How many requests the rule meets at most; None means no end.
        probability: The chance that it meets a request that fits.
        having: Only requests that name one of these tracking numbers, or one for which the function is true.
        delay_there: Seconds more on the way there.
        delay_work: Seconds more of work, before the change.
        delay_back: Seconds more on the way back.
        refuse_connection: The request does not reach the server at all. Over a socket the connection is cut instead.
        reset: The connection is reset before the change was made, or after it.
        code: ``meta.code`` that is answered instead of the true one.
        status: HTTP status that is answered; None means the one that belongs to the code.
        body: What is answered: the envelope, an HTML page, the envelope cut off, nothing, or these bytes.
        performed: Whether the change is made nevertheless; None means: only where neither code nor status is given.
        items: Codes for single items of a batch, by tracking number.
        counter: What is added to the counters of a batch answer.
        omit: Tracking numbers whose entries are missing from a batch answer.
        ban: Whether a ban of the account begins.
        headers: HTTP headers that are added to the answer.

    Raises:
        ValueError: there is no such bucket.

    Example:
        >>> Fault("update_many", times=3, status=503, body="html")
        >>> Fault("delete_many", on={2}, reset="after")
        >>> Fault("create_many", items={"LX900000017CN": 4014})
    """

    bucket: str | Collection[str] | None = None
    on: Collection[int] = attrs.field(default=(), kw_only=True)
    times: int | None = attrs.field(default=None, kw_only=True)
    probability: float = attrs.field(default=1.0, kw_only=True)
    having: Numbers | None = attrs.field(default=None, kw_only=True)

    delay_there: Delay = attrs.field(default=0.0, kw_only=True)
    delay_work: Delay = attrs.field(default=0.0, kw_only=True)
    delay_back: Delay = attrs.field(default=0.0, kw_only=True)
    refuse_connection: bool = attrs.field(default=False, kw_only=True)
    reset: Literal["before", "after"] | None = attrs.field(default=None, kw_only=True)
    code: int | None = attrs.field(default=None, kw_only=True)
    status: int | None = attrs.field(default=None, kw_only=True)
    body: Body = attrs.field(default="envelope", kw_only=True)
    performed: bool | None = attrs.field(default=None, kw_only=True)
    items: ItemCodes = attrs.field(factory=dict[str, int], kw_only=True)
    counter: int = attrs.field(default=0, kw_only=True)
    omit: Collection[str] = attrs.field(default=(), kw_only=True)
    ban: bool = attrs.field(default=False, kw_only=True)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], kw_only=True)

    def __attrs_post_init__(self) -> None:
        unknown = {self.bucket} if isinstance(self.bucket, str) else set(self.bucket or ())
        if unknown := unknown.difference(BUCKETS):  # a rule that never meets anything would go unnoticed
            raise ValueError(f"no such bucket: {', '.join(sorted(unknown))}; there are {', '.join(BUCKETS)}")

    def fits(self, bucket: str, numbers: Collection[str]) -> bool:
        """Return whether a request is of the kind that this rule is about.

        Args:
            bucket: The request's bucket.
            numbers: The tracking numbers it names.

        Example:
            >>> Fault("list").fits("get", ())
            False
        """
        mine = (self.bucket,) if isinstance(self.bucket, str) else self.bucket
        if mine is not None and bucket not in mine:
            return False
        having = self.having
        if having is None:
            return True
        return any(having(number) if callable(having) else number in having for number in numbers)


@attrs.frozen
class Plan:
    """What happens to one request: the faults that it meets, put together.

    Args:
        faults: The rules that meet it, in the order in which they were added; the first with an opinion wins.

    Example:
        >>> Plan().performed
        True
    """

    faults: tuple[Fault, ...] = ()

    def delay(self, part: Literal["there", "work", "back"], random: Random) -> float:
        """Return how many seconds are added to a part of the exchange.

        Example:
            >>> Plan((Fault(delay_back=0.5),)).delay("back", random)
            0.5
        """
        delays: dict[str, Callable[[Fault], Delay]] = {
            "there": lambda fault: fault.delay_there,
            "work": lambda fault: fault.delay_work,
            "back": lambda fault: fault.delay_back,
        }
        return sum(draw(delays[part](fault), random) for fault in self.faults)

    @property
    def refuse_connection(self) -> bool:
        """Whether the request does not reach the server."""
        return any(fault.refuse_connection for fault in self.faults)

    @property
    def reset(self) -> Literal["before", "after"] | None:
        """When the connection is reset, or None."""
        return next((fault.reset for fault in self.faults if fault.reset is not None), None)

    @property
    def code(self) -> int | None:
        """The ``meta.code`` to answer, or None for the true one."""
        return next((fault.code for fault in self.faults if fault.code is not None), None)

    @property
    def status(self) -> int | None:
        """The HTTP status to answer, or None for the one that belongs to the code."""
        return next((fault.status for fault in self.faults if fault.status is not None), None)

    @property
    def body(self) -> Body:
        """What the answer carries."""
        bodies: list[Body] = [fault.body for fault in self.faults if fault.body != "envelope"]
        return bodies[0] if bodies else "envelope"

    @property
    def performed(self) -> bool:
        """Whether the change is made."""
        if self.reset == "before":
            return False
        said = next((fault.performed for fault in self.faults if fault.performed is not None), None)
        return self.code is None and self.status is None if said is None else said

    @property
    def ban(self) -> bool:
        """Whether a ban begins."""
        return any(fault.ban for fault in self.faults)

    @property
    def counter(self) -> int:
        """What is added to the counters of a batch answer."""
        return sum(fault.counter for fault in self.faults)

    @property
    def omitted(self) -> frozenset[str]:
        """Tracking numbers whose entries are missing from a batch answer."""
        return frozenset(number for fault in self.faults for number in fault.omit)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that are added to the answer."""
        return {name: value for fault in self.faults for name, value in fault.headers.items()}

    def item_code(self, tracking_number: str) -> int | None:
        """Return the code that one item of a batch meets, or None.

        Example:
            >>> Plan((Fault(items={"LX1": 4014}),)).item_code("LX1")
            4014
        """
        for fault in self.faults:
            items = fault.items
            code = items(tracking_number) if callable(items) else items.get(tracking_number)
            if code is not None:
                return code
        return None


@attrs.define(eq=False)
class _Rule:
    fault: Fault
    seen: int = 0
    met: int = 0

    def meets(self, bucket: str, numbers: Collection[str], random: Random) -> bool:
        fault = self.fault
        if not fault.fits(bucket, numbers) or (fault.times is not None and self.met >= fault.times):
            return False
        self.seen += 1
        if fault.on and self.seen not in fault.on:
            return False
        if fault.probability < 1.0 and random.random() >= fault.probability:
            return False
        self.met += 1
        return True


class Faults:
    """The fault script of a sandbox.

    Args:
        random: The sandbox's random source.

    Example:
        >>> sandbox.faults.add(Fault("list", on={3}, status=502, body="html"))
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, *faults: Fault) -> None:
        """Add rules; they work from the next request on, together with those that are there.

        Args:
            faults: The rules.

        Example:
            >>> sandbox.faults.add(Fault("get", times=1, reset="before"))
        """
        with self._lock:
            self._rules.extend(_Rule(fault) for fault in faults)

    def remove(self, fault: Fault) -> None:
        """Take one rule out; ValueError where it is not in.

        Args:
            fault: The rule that was added.

        Example:
            >>> sandbox.faults.remove(fault)
        """
        with self._lock:
            left = [rule for rule in self._rules if rule.fault is not fault]
            if len(left) == len(self._rules):
                raise ValueError("there is no such rule")
            self._rules = left

    def clear(self) -> None:
        """Take all rules out.

        Example:
            >>> sandbox.faults.clear()
        """
        with self._lock:
            self._rules.clear()

    def met(self, fault: Fault) -> int:
        """Return how many requests a rule has met.

        Args:
            fault: The rule that was added.

        Example:
            >>> sandbox.faults.met(fault)
            1
        """
        with self._lock:
            return sum(rule.met for rule in self._rules if rule.fault is fault)

    def plan(self, bucket: str, numbers: Collection[str]) -> Plan:
        """Say what happens to a request, and count it.

        Args:
            bucket: Its bucket.
            numbers: The tracking numbers that it names.

        Example:
            >>> sandbox.faults.plan("list", ()).faults
            ()
        """
        with self._lock:
            return Plan(tuple(rule.fault for rule in self._rules if rule.meets(bucket, numbers, self._random)))

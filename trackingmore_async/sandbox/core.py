"""What the sandbox knows and does, apart from any network: accounts, statistics, faults, operations."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from random import Random
from urllib.parse import parse_qsl

import attrs

from trackingmore_async.sandbox.account import UNIT, Account
from trackingmore_async.sandbox.call import Call, numbers_in
from trackingmore_async.sandbox.carriers import CARRIERS
from trackingmore_async.sandbox.clock import MICROSECOND, Clock
from trackingmore_async.sandbox.codes import Answer
from trackingmore_async.sandbox.endpoints import HANDLERS
from trackingmore_async.sandbox.faults import Faults, Plan
from trackingmore_async.sandbox.lifecycle import DAY, Course, make_courses
from trackingmore_async.sandbox.police import Police, Rates, Verdict
from trackingmore_async.sandbox.render import Renderer
from trackingmore_async.sandbox.routes import Route, find_route
from trackingmore_async.sandbox.state import Trackings
from trackingmore_async.sandbox.statistics import Arrival, Statistics, collect
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.wire import decode

__all__ = ["KEY_HEADER", "Core", "Options", "Request", "read_request"]

KEY_HEADER = "trackingmore-api-key"


@attrs.frozen(kw_only=True)
class Options:
    """How a sandbox was set up; see `Sandbox` for the meaning of each."""

    rates: Rates | None
    keys: tuple[str, ...]
    deleted_keys: frozenset[str]
    quota: float
    ban_seconds: float
    bans: bool
    switches: Switches
    seed: int
    life_speed: float
    log_arrivals: bool


@attrs.frozen(kw_only=True)
class Request:
    """A request as it came off the wire, with where it goes."""

    route: Route
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: object
    numbers: tuple[str, ...]


def read_request(method: str, raw_path: str, query_string: bytes, headers: Mapping[str, str], body: bytes) -> Request:
    """Read a request.

    Args:
        method: The HTTP method.
        raw_path: The path as sent.
        query_string: What follows the question mark.
        headers: The HTTP headers, names in lower case.
        body: The bytes of the body.

    Example:
        >>> read_request("GET", "/v2/carriers", b"", {}, b"").route.bucket
        'carriers'
    """
    route = find_route(method, raw_path)
    query = dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    content = decode(body) if body else None
    return Request(route=route, query=query, headers=headers, body=content, numbers=numbers_in(route, content, query))


class Core:
    """The sandbox without its doors. Every method may be called from any thread.

    Args:
        options: How the sandbox was set up.
        clock: Its time.
    """

    def __init__(self, options: Options, clock: Clock) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.options = options
        self.switches: Switches = options.switches
        self.clock = clock
        self.random: Random = Random(options.seed)
        self.faults: Faults = Faults(self.random)
        self._carriers = frozenset(CARRIERS)
        self._start()

    def _start(self) -> None:
        self.random.seed(self.options.seed)
        self.courses: tuple[Course, ...] = make_courses(self.random, self.options.life_speed)
        self.accounts: dict[str, Account] = {
            key: self._make_account(key, index) for index, key in enumerate(self.options.keys)
        }
        self.unauthenticated: int = 0
        self.unrouted: int = 0
        self._arrivals: list[Arrival] = []

    def _make_account(self, key: str, index: int) -> Account:
        trackings = Trackings(case_sensitive=self.switches.case_sensitive)
        options = self.options
        return Account(
            key=key,
            email=f"owner{index or ''}@shop.example",
            trackings=trackings,
            renderer=Renderer(f"account-{index}", trackings, self.courses, self.switches),
            police=Police(
                options.rates,
                bans=options.bans,
                ban_seconds=options.ban_seconds,
                ban_restarts=self.switches.ban_restarts,
            ),
            quota_left=round(options.quota * UNIT),
        )

    def reset(self) -> None:
        """Forget everything but the time: trackings, statistics, bans, quotas, faults, random draws."""
        with self.lock:
            self.faults.clear()
            self._start()

    def plan(self, request: Request) -> Plan:
        """Say which faults a request meets, and count it for them.

        Args:
            request: The request.
        """
        if request.route.bucket is None:
            return Plan()
        with self.lock:
            return self.faults.plan(request.route.bucket, request.numbers)

    def admit(self, request: Request, plan: Plan) -> Account | Answer | Verdict:
        """Stamp a request's arrival: return its account, or why it is not served.

        Args:
            request: The request.
            plan: The faults that it meets.

        Returns:
            The account; or the answer for a missing operation or key; or the police's refusal.
        """
        with self.lock:
            bucket = request.route.bucket
            if bucket is None:
                self.unrouted += 1
                return Answer(request.route.error)
            key = request.headers.get(KEY_HEADER, "")
            account = self.accounts.get(key)
            if account is None:
                self.unauthenticated += 1
                return Answer(4002 if key in self.options.deleted_keys else 4001)
            return self._stamp(account, bucket, request, plan)

    def _stamp(self, account: Account, bucket: str, request: Request, plan: Plan) -> Account | Verdict:
        at = self.clock.microseconds()
        verdict = account.police.arrive(bucket, at)
        if plan.ban:
            account.police.ban(at)
        if self.options.log_arrivals:
            self._arrivals.append(Arrival(bucket, at / MICROSECOND, verdict.allowed, len(request.numbers)))
        return account if verdict.allowed else verdict

    def perform(self, request: Request, account: Account, plan: Plan) -> Answer:
        """Make the change that a request asks for, or answer its question.

        Args:
            request: The request.
            account: Whose it is.
            plan: The faults that it meets.
        """
        with self.lock:
            call = Call(
                account=account,
                switches=self.switches,
                route=request.route,
                query=request.query,
                headers=request.headers,
                body=request.body,
                now=self.clock.seconds(),
                plan=plan,
                random=self.random,
                carriers=self._carriers,
            )
            return HANDLERS[request.route.bucket or ""](call)

    def seed_trackings(
        self,
        count: int,
        *,
        carrier_code: str = "china-ems",
        prefix: str = "LX",
        created_between: tuple[float, float] | None = None,
        key: str | None = None,
    ) -> None:
        """Preload trackings; see `Sandbox.seed_trackings`."""
        now = self.clock.seconds()
        first, last = (now - 90 * DAY, now - 1) if created_between is None else created_between
        if count < 0 or first > last:
            raise ValueError("count must not be negative, nor created_between run backwards")
        with self.lock:
            account = self.accounts[self.options.keys[0] if key is None else key]
            account.trackings.seed(count, carrier_code, prefix, (int(first), int(last)))

    def statistics(self, accounts: Sequence[Account] | None = None) -> Statistics:
        """Return what was seen so far.

        Args:
            accounts: Of which accounts; None means all.
        """
        with self.lock:
            chosen = list(self.accounts.values()) if accounts is None else accounts
            return collect(
                [account.police for account in chosen],
                unauthenticated=self.unauthenticated,
                unrouted=self.unrouted,
                arrivals=self._arrivals,
            )

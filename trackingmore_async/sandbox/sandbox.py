"""The sandbox: a stand-in for the remote API, and all that a test wants of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from types import TracebackType

import httpx

from trackingmore_async.sandbox.account import Account
from trackingmore_async.sandbox.app import App
from trackingmore_async.sandbox.clock import Clock
from trackingmore_async.sandbox.core import Core, Options
from trackingmore_async.sandbox.faults import Faults
from trackingmore_async.sandbox.inprocess import InProcessTransport
from trackingmore_async.sandbox.path import Path
from trackingmore_async.sandbox.police import Rates
from trackingmore_async.sandbox.server import Server, listen
from trackingmore_async.sandbox.state import Trackings
from trackingmore_async.sandbox.statistics import Statistics
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.webhooks import WebhookSender

__all__ = ["DEFAULT_KEY", "Sandbox"]

DEFAULT_KEY = "5a4db0c5-0000-4000-8000-000000000001"
"""The key of a sandbox that is started from a shell without ``--key``."""


class Sandbox:
    """A faithful stand-in for the remote API, state in memory.

    Three ways to use it: as an async context manager it serves on a socket, from a thread of its own, at `url`;
    `app` is the ASGI application; `transport` is an httpx transport in the caller's event loop. The latter two need
    no entering. From a shell: ``python -m trackingmore_async.sandbox --port 8080``.

    Args:
        rates: Limits by bucket, ``{"update_many": (20, 1.0)}``: requests and seconds; None switches one off. What is
            not named keeps its default: realtime 3 a second, all others 1; ``"total"`` is off.
        keys: The valid API keys; each is an account of its own. None: one that no other sandbox has.
        deleted_keys: Keys that are answered 4002.
        quota: What each account may spend.
        ban_seconds: How long a ban lasts, in seconds.
        bans: Whether a violation is answered with 429 and a ban; it is counted anyway.
        path: The network path to the sandbox.
        switches: What nobody knows about the remote API.
        seed: Everything random comes from it, but the key.
        host: The address to bind to.
        port: The port; 0 takes a free one.
        epoch: Unix seconds at the beginning, which is now inside a running event loop, else the first request; None
            means the computer's wall clock.
        life_speed: How many times faster than usual parcels move.
        log_arrivals: Whether every arrival is kept for `statistics`.

    Example:
        >>> async with Sandbox(rates={"update_many": (20, 1.0)}) as sandbox:
        ...     client = TrackingMore(sandbox.key, base_url=sandbox.url)
    """

    def __init__(
        self,
        *,
        rates: Rates | None = None,
        keys: Sequence[str] | None = None,
        deleted_keys: Sequence[str] = (),
        quota: float = 10_000_000.0,
        ban_seconds: float = 120.0,
        bans: bool = True,
        path: Path | None = None,
        switches: Switches | None = None,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        epoch: float | None = None,
        life_speed: float = 1.0,
        log_arrivals: bool = False,
    ) -> None:
        if keys is None:
            # Clients of one address and one key share a limiter, and the system hands ports out again: with one key for
            # all sandboxes, the ban that a test met would hold up a later one.
            keys = (str(uuid.uuid4()),)
        if not keys:
            raise ValueError("a sandbox needs at least one key")
        options = Options(
            rates=rates,
            keys=tuple(keys),
            deleted_keys=frozenset(deleted_keys),
            quota=quota,
            ban_seconds=ban_seconds,
            bans=bans,
            switches=switches or Switches(),
            seed=seed,
            life_speed=life_speed,
            log_arrivals=log_arrivals,
        )
        self.clock: Clock = Clock(epoch)
        self._core = Core(options, self.clock)
        self.app: App = App(self._core, path or Path())
        self._host, self._port = host, port
        self._server: Server | None = None
        self._bound = port

    async def __aenter__(self) -> Sandbox:
        """Bind, start the server's thread, and wait until it accepts connections."""
        if self._server is not None:
            raise RuntimeError("this sandbox is serving already")
        listener = listen(self._host, self._port)
        self._bound = listener.getsockname()[1]
        self._server = Server(self.app, listener)
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server; requests under way are cut off."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    @property
    def url(self) -> str:
        """The base URL for a client, ending in ``/v2``; a mere name where there is no socket, for `transport`."""
        if not self._bound:
            return "http://sandbox/v2"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._bound}/v2"

    @property
    def control_url(self) -> str:
        """The base URL of the control endpoints, ending in ``/_sandbox``."""
        return self.url.removesuffix("/v2") + "/_sandbox"

    @property
    def key(self) -> str:
        """The first valid API key."""
        return self._core.options.keys[0]

    @property
    def switches(self) -> Switches:
        """What this sandbox holds to be true about the remote API."""
        return self._core.switches

    @property
    def faults(self) -> Faults:
        """The fault script."""
        return self._core.faults

    @property
    def account(self) -> Account:
        """The account of the first key."""
        return self._core.accounts[self.key]

    @property
    def trackings(self) -> Trackings:
        """The trackings of the first key's account. Not locked: while requests are under way, use the methods here."""
        return self.account.trackings

    def transport(self) -> InProcessTransport:
        """Return a transport for httpx that needs no socket.

        Example:
            >>> httpx.AsyncClient(transport=sandbox.transport(), base_url="http://sandbox/v2")
        """
        return InProcessTransport(self.app, self._core)

    def webhook(
        self,
        url: str,
        client: httpx.AsyncClient,
        *,
        retries: int = 14,
        scale: float = 1.0,
        sign_again: bool = False,
    ) -> WebhookSender:
        """Return a sender of pushes to one URL, for the first key's trackings.

        Args:
            url: Where to.
            client: What sends; it is borrowed, not closed.
            retries: How often a push is tried again.
            scale: What the pauses of 30 s, 60 s, 120 s, ... are multiplied with.
            sign_again: Whether each attempt has a new time and signature.

        Example:
            >>> await sandbox.webhook("http://127.0.0.1:9000/push", client).push("china-ems", "LX900000017CN")
        """
        return WebhookSender(self.account, self.clock, url, client, retries=retries, scale=scale, sign_again=sign_again)

    def statistics(self, key: str | None = None) -> Statistics:
        """Return what was seen so far.

        Args:
            key: Of which account; None means all together.

        Example:
            >>> sandbox.statistics().total_violations
            0
        """
        return self._core.statistics(None if key is None else [self._core.accounts[key]])

    def reset(self) -> None:
        """Forget everything but the time: trackings, statistics, bans, quotas, faults; the random source begins anew.

        Example:
            >>> sandbox.reset()
        """
        self._core.reset()

    def seed_trackings(
        self,
        count: int,
        *,
        carrier_code: str = "china-ems",
        prefix: str = "LX",
        created_between: tuple[float, float] | None = None,
        key: str | None = None,
    ) -> None:
        """Preload trackings: a million take less than a second, and cost no quota.

        Args:
            count: How many.
            carrier_code: The carrier of all.
            prefix: What their numbers begin with; seven digits and ``CN`` follow, counted from 0.
            created_between: Unix seconds of the first and the last creation; None means the last 90 days.
            key: Whose they are; None means the first key's.

        Example:
            >>> sandbox.seed_trackings(1_000_000)
        """
        self._core.seed_trackings(
            count, carrier_code=carrier_code, prefix=prefix, created_between=created_between, key=key
        )

    def create(self, carrier_code: str, tracking_number: str, **fields: object) -> None:
        """Add one tracking now, without HTTP and quota.

        Args:
            carrier_code: The carrier.
            tracking_number: The number.
            fields: As in a create object, for instance ``order_id``.

        Example:
            >>> sandbox.create("china-ems", "LX900000017CN", title="mug")
        """
        with self._core.lock:
            self.trackings.create(carrier_code, tracking_number, self.clock.seconds(), fields)

    def delete(self, carrier_code: str, tracking_number: str) -> bool:
        """Take one tracking out, without HTTP; False where it is not there.

        Args:
            carrier_code: The carrier.
            tracking_number: The number.

        Example:
            >>> sandbox.delete("china-ems", "LX900000017CN")
            True
        """
        with self._core.lock:
            return self.trackings.delete(carrier_code, tracking_number)

    def find(self, carrier_code: str, tracking_number: str) -> dict[str, object] | None:
        """Return a tracking as a read would show it now, plus ``fields``: what clients have set; or None.

        Args:
            carrier_code: The carrier.
            tracking_number: The number.

        Example:
            >>> sandbox.find("china-ems", "LX900000017CN")["status"]
            'transit'
        """
        with self._core.lock:
            key = self.trackings.find(carrier_code, tracking_number)
            if key is None:
                return None
            record = self.trackings.records.get(key)
            item = self.account.renderer.item(key, self.clock.seconds())
            return item | {"fields": {} if record is None else dict(record.fields)}

"""The limiters that the clients of one process share: the one thing of this library that is global and changes."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from trackingmore_async.errors import ConfigurationError
from trackingmore_async.operations import Rate

from .local import LocalLimiter
from .memory import Snapshot
from .rates import all_rates

__all__ = ["REGISTRY", "Registry", "leave_limiter", "shared_limiter"]

Account = tuple[str, str]
"""The address of the API, and the digest of the key."""

DEFAULTS: Final = all_rates(None)


@attrs.frozen
class _Settings:
    rates: Mapping[str, Rate]
    pause: float


@attrs.define(eq=False)
class _Entry:
    limiter: LocalLimiter
    settings: _Settings
    loop: weakref.ref[asyncio.AbstractEventLoop]
    monotonic: bool
    users: int = 0


@attrs.frozen
class _Legacy:
    snapshot: Snapshot
    counts_until: float  # monotonic clock


@attrs.define(eq=False)
class Registry:
    """Limiters by account and event loop.

    Clients of one account on one loop share a limiter, one after another or at the same time. The limiter of a loop
    that was closed bequeaths its last requests and a running ban to the next one of the account.

    A program may serve thousands of accounts, one after another. What nobody uses, and what holds up nobody any more,
    is forgotten when another account comes; but not rates that somebody has set, for the next client may rely on them,
    nor a ban after which nobody has asked yet.
    """

    _entries: dict[Account, list[_Entry]] = attrs.field(factory=dict[Account, "list[_Entry]"], init=False)
    _legacies: dict[Account, list[_Legacy]] = attrs.field(factory=dict[Account, "list[_Legacy]"], init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def join(
        self, base_url: str, key_digest: str, *, rates: Mapping[str, Rate] | None = None, pause_after_429: float = 120.0
    ) -> LocalLimiter:
        """Return the limiter of an account on the running event loop; see `shared_limiter`."""
        account, loop = (_address(base_url), key_digest), asyncio.get_running_loop()
        wanted = _Settings(all_rates(rates), pause_after_429)
        with self._lock:
            self._bury()
            entry = self._find(account, loop)
            if entry is not None and not _suits(entry.settings, wanted, anything=rates is None):
                self._give_up(account, entry)
                entry = None
            if entry is None:
                self._forget(loop)
                entry = self._make(account, loop, wanted)
            entry.users += 1
            return entry.limiter

    def leave(self, limiter: LocalLimiter) -> None:
        """Say that a client does not use its limiter any more; see `leave_limiter`."""
        with self._lock:
            for entry in (entry for entries in self._entries.values() for entry in entries):
                if entry.limiter is limiter:
                    entry.users = max(0, entry.users - 1)

    def _find(self, account: Account, loop: asyncio.AbstractEventLoop) -> _Entry | None:
        return next((entry for entry in self._entries.get(account, []) if entry.loop() is loop), None)

    def _make(self, account: Account, loop: asyncio.AbstractEventLoop, settings: _Settings) -> _Entry:
        limiter = LocalLimiter(settings.rates)
        entry = _Entry(limiter, settings, weakref.ref(loop), monotonic=_counts_on_monotonic(loop))
        for legacy in self._legacies.pop(account, []) if entry.monotonic else []:
            limiter.inherit(legacy.snapshot)
        self._entries.setdefault(account, []).append(entry)
        return entry

    def _give_up(self, account: Account, entry: _Entry) -> None:
        """Give up a limiter with other settings, when nobody uses it any more."""
        if entry.users:
            raise ConfigurationError(
                "Another client of this key is open on this event loop with other rates or another pause_after_429, "
                "and all clients of a key share one limiter. Open them with the same values, or close the other first."
            )
        self._retire(account, entry)

    def _bury(self) -> None:
        """Keep of limiters whose loop is gone what their heirs need, and nothing else."""
        for account, entries in list(self._entries.items()):
            for entry in [one for one in entries if _is_gone(one)]:
                self._retire(account, entry)
            if not entries:
                del self._entries[account]

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget what nobody need know any more: limiters of this loop, for other threads use theirs; and legacies."""
        for account, entries in list(self._entries.items()):
            entries[:] = [one for one in entries if one.loop() is not loop or not _is_spent(one, loop.time())]
            if not entries:
                del self._entries[account]
        for account, legacies in list(self._legacies.items()):
            legacies[:] = [one for one in legacies if one.counts_until > time.monotonic()]
            if not legacies:
                del self._legacies[account]

    def _retire(self, account: Account, entry: _Entry) -> None:
        self._entries[account].remove(entry)
        if entry.monotonic:
            legacy = _Legacy(entry.limiter.snapshot(time.monotonic()), entry.limiter.blank_from())
            self._legacies.setdefault(account, []).append(legacy)


REGISTRY = Registry()
"""The registry of this process."""


def shared_limiter(
    base_url: str, key_digest: str, *, rates: Mapping[str, Rate] | None = None, pause_after_429: float = 120.0
) -> LocalLimiter:
    """Return the limiter that all clients of an account share on the running event loop.

    Args:
        base_url: The address of the API.
        key_digest: A one-way digest of the key (SHA-256). The key itself is not wanted here.
        rates: Bucket -> `Rate`, as for `LocalLimiter`; None: as the limiter in place has it, else the defaults.
        pause_after_429: Seconds of silence after a 429; only compared with what the other clients ask for.

    Raises:
        ConfigurationError: another client of the account asked for other values and is still open.

    Example:
        >>> import asyncio
        >>> async def main() -> bool:
        ...     first = shared_limiter("https://api.trackingmore.com/v2", "digest")
        ...     return first is shared_limiter("https://api.trackingmore.com/v2/", "digest")
        >>> asyncio.run(main())
        True
    """
    return REGISTRY.join(base_url, key_digest, rates=rates, pause_after_429=pause_after_429)


def leave_limiter(limiter: LocalLimiter) -> None:
    """Say that a client that got its limiter from `shared_limiter` was closed; others may change its settings now.

    Args:
        limiter: What `shared_limiter` returned.
    """
    REGISTRY.leave(limiter)


def _counts_on_monotonic(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether the times of this loop compare with those of others, as asyncio's and uvloop's do.

    By the kind of loop, not by its reading: a virtual clock may show the computer's time by chance.
    """
    kind = type(loop)
    return getattr(kind, "time", None) is asyncio.BaseEventLoop.time or kind.__module__.startswith("uvloop")


def _suits(present: _Settings, wanted: _Settings, *, anything: bool) -> bool:
    return present.pause == wanted.pause and (anything or present.rates == wanted.rates)


def _is_spent(entry: _Entry, now: float) -> bool:
    return not entry.users and entry.settings.rates == DEFAULTS and entry.limiter.blank_from() <= now


def _is_gone(entry: _Entry) -> bool:
    loop = entry.loop()
    return loop is None or loop.is_closed()


def _address(base_url: str) -> str:
    """Return the address in one spelling, for the limits are the server's and not the spelling's."""
    parts = urlsplit(base_url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path.rstrip('/')}"

"""What the caller decides once: the key, the address, how long calls may take. Checked before anything is sent."""

from __future__ import annotations

import hashlib
import os
from typing import Literal
from urllib.parse import urlsplit

import attrs

from trackingmore_async.errors import ConfigurationError

__all__ = [
    "ApiKey",
    "CallOptions",
    "Coalesce",
    "Lane",
    "account_name",
    "check_seconds",
    "read_api_key",
    "read_base_url",
    "server_of",
]

Lane = Literal["interactive", "bulk"]
"""Where a request waits: interactive work overtakes bulk work, which keeps a guaranteed share."""

Coalesce = Literal["reads", "all", False]
"""Which single calls share requests: those that read, writes as well, or none."""

BASE_URL = "https://api.trackingmore.com/v2"
LONGEST = 1e9  # seconds; some thirty years, and as much as every event loop can wait


class ApiKey:
    """The API key, which never shows itself: not in a repr, not in a pickle.

    Args:
        value: The key: printable ASCII without blanks. Its format is not ours to judge (API.md 1.1).

    Raises:
        ConfigurationError: the key is empty, or cannot stand in an HTTP header.

    Example:
        >>> ApiKey("0000-secret")
        ApiKey('***')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value.strip():
            raise ConfigurationError(
                "There is no API key. Pass api_key=... or set the environment variable TRACKINGMORE_API_KEY."
            )
        if not all("!" <= letter <= "~" for letter in value):
            raise ConfigurationError(
                "The API key has blanks or letters outside printable ASCII. "
                "Copy it again from the TrackingMore console, without quotes or line breaks."
            )
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the header of a request and nothing else."""
        return self._value

    @property
    def digest(self) -> str:
        """A one-way digest that tells accounts apart without telling the key."""
        return hashlib.sha256(self._value.encode()).hexdigest()

    def __repr__(self) -> str:
        return "ApiKey('***')"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("An API key is not pickled. Open a client in the other process from its own environment.")


def account_name(base_url: str, key: ApiKey) -> str:
    """Return what tells an account at an address from others, for journals; it does not tell the key."""
    return hashlib.sha256(f"{base_url} {key.digest}".encode()).hexdigest()[:32]


def read_api_key(argument: str | None) -> ApiKey:
    """Return the key of the argument, else of ``TRACKINGMORE_API_KEY``."""
    value = os.environ.get("TRACKINGMORE_API_KEY", "") if argument is None else argument
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise ConfigurationError(f"api_key has to be a str, not {type(value).__name__}. Pass the key as text.")
    return ApiKey(value)


def read_base_url(argument: str | None) -> str:
    """Return the address of the argument, else of ``TRACKINGMORE_BASE_URL``, else the vendor's; no slash at its end."""
    value = os.environ.get("TRACKINGMORE_BASE_URL") or BASE_URL if argument is None else argument
    advice = f"Pass base_url like {BASE_URL!r}: scheme, host, perhaps a port and a path."
    try:
        parts = urlsplit(value)
        port_is_sound = parts.port is None or parts.port > 0
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(f"The base URL cannot be read. {advice}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_sound:
        raise ConfigurationError(f"The base URL is no http or https address. {advice}")
    if any(letter in value for letter in "?# @") or not value.isprintable():
        raise ConfigurationError(f"The base URL has a query, a fragment, a user name or blanks in it. {advice}")
    return value.rstrip("/")


def server_of(base_url: str) -> tuple[str, int]:
    """Return host and port of an address that was read."""
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def check_seconds(name: str, value: float | None, *, zero: bool = False) -> float | None:
    """Return `value` when it is a usable number of seconds, or None; raise `ConfigurationError` when it is not."""
    if value is None:
        return None
    number = isinstance(value, int | float)  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a checker
    usable = number and not isinstance(value, bool) and 0 <= value <= LONGEST
    if not usable or (value == 0 and not zero):
        least = "zero or more" if zero else "more than zero"
        raise ConfigurationError(
            f"{name} has to be a number of seconds, {least}, not {value!r}. For no limit pass None, where there is one."
        )
    return float(value)


@attrs.frozen(kw_only=True)
class CallOptions:
    """How long a call may take, and in which lane it waits.

    Args:
        timeout: Seconds for one attempt; None: what the operation's row says (30; realtime and air 120).
        deadline: Seconds for everything: waiting, attempts, pauses; None: no end. It has to cover the slot and the time
            that answers usually take.
        max_wait: Seconds until a slot is granted, without the answer; None: no end. "default": 30 for single
            calls, None for bulk jobs and walks.
        priority: "interactive" overtakes "bulk"; None: what the method is, jobs and walks being bulk.
        coalesce: "reads": single look-ups share requests; "all": single edits, deletions and creates do, too; False:
            each call is a request of its own.

    Example:
        >>> CallOptions(deadline=0.8).deadline
        0.8
    """

    timeout: float | None = attrs.field(default=None)
    deadline: float | None = attrs.field(default=None)
    max_wait: float | str | None = attrs.field(default="default")
    priority: Lane | None = attrs.field(default=None)
    coalesce: Coalesce = attrs.field(default="reads")

    def __attrs_post_init__(self) -> None:
        check_seconds("timeout", self.timeout)
        check_seconds("deadline", self.deadline)
        if isinstance(self.max_wait, str):
            if self.max_wait != "default":
                raise ConfigurationError('max_wait has to be a number of seconds, None, or "default".')
        else:
            check_seconds("max_wait", self.max_wait, zero=True)
        if self.priority not in (None, "interactive", "bulk"):  # not a set: it may be unhashable
            raise ConfigurationError('priority has to be "interactive" or "bulk".')
        if self.coalesce is not False and self.coalesce not in ("reads", "all"):
            raise ConfigurationError('coalesce has to be "reads", "all", or False.')

    def wait(self, default: float | None) -> float | None:
        """Seconds that a call may wait for its slot, given the default of its kind."""
        return default if isinstance(self.max_wait, str) else self.max_wait

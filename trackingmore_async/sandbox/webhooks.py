"""The sender of version 2 webhook pushes: signature in the body, retries with growing pauses (API.md 4)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import attrs
import httpx

from trackingmore_async.sandbox.account import Account
from trackingmore_async.sandbox.clock import Clock
from trackingmore_async.sandbox.codes import Answer, envelope
from trackingmore_async.sandbox.switches import Switches
from trackingmore_async.sandbox.wire import encode

__all__ = ["Delivery", "WebhookSender", "sign"]

FIRST_PAUSE = 30.0


def sign(email: str, time_text: str) -> str:
    """Return the signature of a push: it covers the time alone, not the content (API.md 4).

    Args:
        email: The account's e-mail address, which is the key.
        time_text: The decimal text of ``timeStr``.

    Example:
        >>> len(sign("owner@shop.example", "1710468478"))
        64
    """
    return hmac.new(email.encode(), time_text.encode(), hashlib.sha256).hexdigest()


@attrs.frozen
class Delivery:
    """What became of one push.

    Args:
        delivered: Whether an attempt was answered with 2xx.
        statuses: The HTTP status of each attempt; 0 where there was no answer.

    Example:
        >>> Delivery(True, (500, 200)).delivered
        True
    """

    delivered: bool
    statuses: tuple[int, ...]


class WebhookSender:
    """Pushes trackings of an account to one URL, from the caller's event loop.

    Args:
        account: Whose trackings.
        clock: The sandbox's time.
        url: Where to.
        client: What sends; it is borrowed, not closed.
        retries: How often a push is tried again.
        scale: What the pauses of 30 s, 60 s, 120 s, ... are multiplied with.
        sign_again: Whether each attempt has a new time and signature, or repeats the bytes of the first.

    Example:
        >>> sender = sandbox.webhook("http://127.0.0.1:9000/push", httpx.AsyncClient())
        >>> await sender.push("china-ems", "LX900000017CN")
        Delivery(delivered=True, statuses=(200,))
    """

    def __init__(
        self,
        account: Account,
        clock: Clock,
        url: str,
        client: httpx.AsyncClient,
        *,
        retries: int = 14,
        scale: float = 1.0,
        sign_again: bool = False,
    ) -> None:
        self._account, self._clock = account, clock
        self._url, self._client = url, client
        self._retries, self._scale, self._sign_again = retries, scale, sign_again

    def body(self, carrier_code: str, tracking_number: str) -> bytes:
        """Return the bytes of a push, signed now.

        Args:
            carrier_code: The carrier.
            tracking_number: The number; KeyError where it is not there.

        Example:
            >>> sender.body("china-ems", "LX900000017CN")
            b'{"meta":...'
        """
        key = self._account.trackings.find(carrier_code, tracking_number)
        if key is None:
            raise KeyError((carrier_code, tracking_number))
        now = self._clock.seconds()
        whole = envelope(Answer(200, self._account.renderer.push(key, now)), Switches())
        return encode(whole | {"verifyInfo": {"timeStr": now, "signature": sign(self._account.email, str(now))}})

    async def push(self, carrier_code: str, tracking_number: str) -> Delivery:
        """Push one tracking, trying again until 2xx or until the retries are used up.

        Args:
            carrier_code: The carrier.
            tracking_number: The number; KeyError where it is not there.

        Example:
            >>> await sender.push("china-ems", "LX900000017CN")
            Delivery(delivered=True, statuses=(200,))
        """
        body = self.body(carrier_code, tracking_number)
        statuses: list[int] = []
        for attempt in range(self._retries + 1):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE * 2 ** (attempt - 1) * self._scale)
                body = self.body(carrier_code, tracking_number) if self._sign_again else body
            statuses.append(await self._send(body))
            if 200 <= statuses[-1] < 300:
                return Delivery(True, tuple(statuses))
        return Delivery(False, tuple(statuses))

    async def _send(self, body: bytes) -> int:
        try:
            response = await self._client.post(self._url, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError:
            return 0
        return response.status_code

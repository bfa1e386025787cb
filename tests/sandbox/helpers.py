"""What the sandbox's tests share: clients over a socket and in process, and the way to read an answer."""

from __future__ import annotations

from typing import Any

import httpx

from trackingmore_async.sandbox import BUCKETS, Rates, Sandbox

FREE: Rates = dict.fromkeys(BUCKETS)
"""Rates of a sandbox that polices nothing."""

PAIR = {"tracking_number": "LX900000017CN", "carrier_code": "china-ems"}
PATH = "/trackings/china-ems/LX900000017CN"
DAY = 86400


def over_socket(sandbox: Sandbox, key: str | None = None) -> httpx.AsyncClient:
    """Return a client that speaks to a serving sandbox."""
    return httpx.AsyncClient(base_url=sandbox.url, headers={"Trackingmore-Api-Key": key or sandbox.key})


def in_process(sandbox: Sandbox, key: str | None = None) -> httpx.AsyncClient:
    """Return a client that speaks to a sandbox in the same event loop."""
    return httpx.AsyncClient(
        transport=sandbox.transport(),
        base_url="http://sandbox/v2",
        headers={"Trackingmore-Api-Key": key or sandbox.key},
    )


async def call(client: httpx.AsyncClient, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """Send a request and return ``meta.code`` and ``data``."""
    response = await client.request(method, path, **options)
    whole = response.json()
    return whole["meta"]["code"], whole.get("data", "missing")

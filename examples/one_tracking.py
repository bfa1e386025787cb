"""One tracking: create it, edit it, read it, delete it.

    TRACKINGMORE_API_KEY=... python examples/one_tracking.py china-ems LX900000017CN

Against the sandbox also set TRACKINGMORE_BASE_URL. Against the real service a create costs 1 unit of quota.
"""

from __future__ import annotations

import asyncio
import sys

from trackingmore_async import TrackingMore


async def main(carrier_code: str, tracking_number: str) -> None:
    """Take one tracking through its life."""
    async with TrackingMore() as tm:
        created = await tm.trackings.create(carrier_code, tracking_number, order_id="A-77")
        print("created:", created.tracking_number, created.created_at)
        await tm.trackings.update(carrier_code, tracking_number, title="mug")
        tracking = await tm.trackings.get(carrier_code, tracking_number)
        print("read:   ", tracking.title, tracking.order_id, tracking.status)
        for checkpoint in tracking.origin.checkpoints if tracking.origin else ():
            print("        ", checkpoint.time, checkpoint.description)
        await tm.trackings.delete(carrier_code, tracking_number)
        print("deleted")


if __name__ == "__main__":
    asyncio.run(main(*(sys.argv[1:] or ["china-ems", "LX900000017CN"])))

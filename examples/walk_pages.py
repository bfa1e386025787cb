"""All trackings, page after page: how many there are of each carrier and status.

    TRACKINGMORE_API_KEY=... python examples/walk_pages.py

Against the sandbox also set TRACKINGMORE_BASE_URL. It only reads, and costs no quota.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from trackingmore_async import TrackingMore


async def main() -> None:
    """Walk all pages, oldest trackings first, one request a second."""
    counts: Counter[tuple[str, str]] = Counter()
    async with TrackingMore() as tm:
        pages = tm.trackings.list(archived=False)
        async for tracking in pages:
            counts[tracking.carrier_code, str(tracking.status)] += 1
    for (carrier_code, status), count in counts.most_common():
        print(f"{count:>9,}  {carrier_code:<20} {status}")
    print(f"{counts.total():>9,}  in all")
    if pages.gaps:
        print("The server did not show all it promised:", pages.gaps)


if __name__ == "__main__":
    asyncio.run(main())

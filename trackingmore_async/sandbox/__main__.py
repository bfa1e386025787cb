"""``python -m trackingmore_async.sandbox``: the sandbox from a shell."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from trackingmore_async.sandbox.police import BUCKETS, TOTAL
from trackingmore_async.sandbox.sandbox import DEFAULT_KEY, Sandbox


def parse_rate(text: str) -> tuple[str, tuple[int, float] | None]:
    """Read ``bucket=requests/seconds``, or ``bucket=off``.

    Args:
        text: What stands behind ``--rate``.

    Example:
        >>> parse_rate("update_many=20/1")
        ('update_many', (20, 1.0))
    """
    bucket, _, rate = text.partition("=")
    if bucket not in {*BUCKETS, TOTAL}:
        raise argparse.ArgumentTypeError(f"no such bucket: {bucket!r}")
    if rate == "off":
        return bucket, None
    requests, _, seconds = rate.partition("/")
    try:
        return bucket, (int(requests), float(seconds or 1))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not bucket=requests/seconds, nor bucket=off") from None


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        arguments: The words behind the command; None means those of this process.

    Example:
        >>> parse_arguments(["--port", "8080"]).port
        8080
    """
    parser = argparse.ArgumentParser(prog="python -m trackingmore_async.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind to (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one (0)")
    parser.add_argument("--key", action="append", help=f"valid API key, repeatable ({DEFAULT_KEY})")
    parser.add_argument("--rate", action="append", type=parse_rate, default=[], help="bucket=requests/seconds or =off")
    parser.add_argument("--ban-seconds", type=float, default=120.0, help="length of a ban (120)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (0)")
    parser.add_argument("--trackings", type=int, default=0, help="how many trackings to preload (0)")
    parser.add_argument("--life-speed", type=float, default=1.0, help="how many times faster parcels move (1)")
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace) -> None:
    """Serve until interrupted; the URL and a key are announced on standard output.

    Args:
        options: The command line.

    Example:
        >>> await run(parse_arguments([]))
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    sandbox = Sandbox(
        rates=dict(options.rate),
        keys=options.key or (DEFAULT_KEY,),
        ban_seconds=options.ban_seconds,
        seed=options.seed,
        host=options.host,
        port=options.port,
        life_speed=options.life_speed,
    )
    sandbox.seed_trackings(options.trackings)
    async with sandbox:
        print(f"{sandbox.url} {sandbox.key}", flush=True)  # noqa: T201
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words behind the command; None means those of this process.

    Example:
        >>> main(["--help"])
    """
    asyncio.run(run(parse_arguments(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

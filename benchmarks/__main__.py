"""Runs all benchmarks, each in a process of its own; ends with an error when one misses its bound."""

from __future__ import annotations

import subprocess
import sys
import time

NAMES = ("pacing", "bulk", "journal", "decode", "pages", "memory", "jobs", "lookups", "patience", "web")


def main() -> None:
    """Run them one after another, so that they do not disturb each other."""
    missed: list[str] = []
    for name in NAMES:
        print(f"\n== {name} ==", flush=True)
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
        print(f"({time.perf_counter() - begun:.0f} s)", flush=True)
        if done.returncode:
            missed.append(name)
    if missed:
        sys.exit(f"missed a bound: {', '.join(missed)}")


if __name__ == "__main__":
    main()

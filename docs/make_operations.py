"""Write docs/operations.md from the table of operations: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from trackingmore_async import OPERATIONS, Operation

PAGE = Path(__file__).with_name("operations.md")
HEAD = """\
# Operations

All operations of the API, version 2, that the client knows. This page is made from
[operations.py](../trackingmore_async/operations.py) by `make docs`.

The *name* is that of the bucket too: use it in `rates=`. *Items* is how many go into one request, at most. *Price* is
in units of the account's quota, for each item. *Timeout* is in seconds, for one attempt. *Again* says what happens when
no answer came: *yes*: the request is sent again, and where it changes something the outcome is read back if need be;
*if unsent*: it is sent again only where it certainly did not leave; *once, if unsent*: that, and only once.

| name | method of the client | request | rate | items | price | timeout | again |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
AGAIN = {"read": "yes", "keyed": "yes", "paid": "once, if unsent", "never": "if unsent"}


def page() -> str:
    """Return the text of the page."""
    return HEAD + "".join(map(row, OPERATIONS.values()))


def row(operation: Operation) -> str:
    """Return the line of one operation."""
    cells = (
        f"`{operation.name}`",
        f"`{operation.client_method}`",
        f"`{operation.method} {operation.path}`",
        f"{operation.rate.requests} in {operation.rate.seconds:g} s",
        str(operation.batch_size),
        f"{operation.quota:g}" if operation.quota else "-",
        f"{operation.timeout:g}",
        AGAIN[operation.safety.value],
    )
    return f"| {' | '.join(cells)} |\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

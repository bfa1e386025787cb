"""Write the truth table of bulk jobs into docs/bulk.md, from the rows that the tests play: ``make docs``."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from tests.bulk.scenes import Group, Row
from tests.bulk.truth_table import GROUPS

PAGE = Path(__file__).with_name("bulk.md")
BEGIN = "<!-- The truth table: made by `make docs` from tests/bulk/truth_table.py. -->\n"
END = "<!-- The end of the truth table. -->\n"
HEAD = """\
create | update | delete | stop updating | remark |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """Return the text of the page, with the table as the rows have it now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{''.join(map(part, GROUPS))}{END}{after}"


def part(group: Group) -> str:
    """Return the text of a part of the table."""
    intro = textwrap.fill(group.intro, 120)
    return f"### {group.title}\n\n{intro}\n\n| {group.column} | {HEAD}{''.join(map(line, group.rows))}\n"


def line(row: Row) -> str:
    """Return the line of one row."""
    states = ("-" if state is None else f"`{state}`" for state in row.states)
    remarks = (row.remark, "the job stops" if row.later == "not_attempted" else "")
    return f"| {' | '.join((row.words, *states, '; '.join(filter(None, remarks))))} |\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What stands side by side in a line of the display."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from .sight import Sight

__all__ = ["columns", "sight"]

WIDEST = 40  # characters that a bar takes at most; it shrinks where the terminal is narrow


def sight(task: Task) -> Sight:
    """Return what a line of the display shows now."""
    since = task.get_time() - task.fields["told_at"]
    elapsed = task.elapsed if task.finished_time is None else task.finished_time
    return Sight(task.fields["progress"], since, elapsed or 0.0, task.fields["stopped"])


class Words(ProgressColumn):
    """One thing that a line says.

    Args:
        say: Chooses it.
        style: Its colour.
    """

    def __init__(self, say: Callable[[Sight], str], style: str) -> None:
        super().__init__(Column(no_wrap=True, justify="right"))
        self._say = say
        self._style = style

    def render(self, task: Task) -> Text:
        """Say it."""
        return Text(self._say(sight(task)), self._style)


def columns() -> tuple[ProgressColumn, ...]:
    """Return the columns from left to right; display and thread are their own, so they are made anew each time."""
    return (
        TextColumn("{task.description}", markup=False),
        BarColumn(None, table_column=Column(max_width=WIDEST)),
        Words(lambda seen: seen.amount, "progress.download"),
        Words(lambda seen: seen.pace, "none"),
        Words(lambda seen: seen.pause, "yellow"),
        Words(lambda seen: seen.time, "progress.remaining"),
        Words(lambda seen: seen.doubt, "yellow"),
    )

"""A display of how far jobs are, for people who watch."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as Display

from trackingmore_async.bulk import Progress

from .columns import columns, sight

__all__ = ["ProgressBar", "ProgressLine"]

EVERY = 30.0  # seconds between two plain lines, where there is no terminal
REFRESHES = 4  # a second
GONE = (OSError, ValueError)  # nobody reads any more: the pipe is broken, the terminal hung up, the stream closed


class StandardError(Console):
    """The standard error stream; that nobody reads it ends no program."""

    def __init__(self) -> None:
        super().__init__(stderr=True)

    def on_broken_pipe(self) -> None:
        """Say nothing; rich would point the standard output at nothing, and end the program."""


class ProgressLine:
    """One job on a display: pass it as ``progress=``. `ProgressBar.add` makes it.

    Example:
        >>> async def create_and_edit(tm: TrackingMore, items: list[NewTracking], edits: list[TrackingUpdate]) -> None:
        ...     with ProgressBar("Create") as bar:
        ...         await tm.trackings.create_many(items, progress=bar)
        ...         await tm.trackings.update_many(edits, progress=bar.add("Edit"))
    """

    def __init__(self, display: Display, description: str) -> None:
        self._display = display
        self._said_at = display.get_time()
        nothing = Progress(done=0)
        display.add_task(description, start=False, total=None, progress=nothing, told_at=self._said_at, stopped=False)
        self._task = display.tasks[-1]

    def __call__(self, progress: Progress) -> None:
        """Show how far the job is.

        Args:
            progress: What the job tells, or what you count yourself.
        """
        before = sight(self._task)
        self._display.update(
            self._task.id,
            completed=progress.done,
            total=progress.total,
            progress=progress,
            told_at=self._display.get_time(),
        )
        now = sight(self._task)
        is_news = (now.is_done and not before.is_done) or (now.pause and not before.pause)
        if is_news or self._display.get_time() - self._said_at >= EVERY:
            self._say()

    def begin(self) -> None:
        """Let the clock run."""
        self._display.start_task(self._task.id)

    def stop(self) -> None:
        """Show that no more will be told."""
        if not self._task.finished:
            self._display.update(self._task.id, stopped=True)
            self._say()

    def _say(self) -> None:
        """Say it in a plain line, where there is no terminal."""
        if self._display.disable:
            self._said_at = self._display.get_time()
            line = f"{self._task.description}: {sight(self._task)}"
            with suppress(*GONE):
                self._display.console.print(line, markup=False, highlight=False, soft_wrap=True)


class ProgressBar(ProgressLine):
    """Shows how far a job is, while its ``with`` block runs: pass it as ``progress=``.

    What is done of how much, items a second, the time that is left with the pauses in it, a pause after a 429 while
    one runs, and how many items are in doubt. Where there is no terminal (CI, a pipe) it writes a plain line every half
    minute, when a pause begins, and at the end. That nobody reads it any more ends no job. It needs rich:
    ``pip install "trackingmore_async[cli]"``.

    Args:
        description: What the job does, in a word.
        console: Where to show it; None: the standard error stream.

    Example:
        >>> async def put_away(tm: TrackingMore, edits: list[TrackingUpdate]) -> None:
        ...     with ProgressBar("Edit") as bar:
        ...         await tm.trackings.update_many(edits, progress=bar)
    """

    def __init__(self, description: str, *, console: Console | None = None) -> None:
        console = console or StandardError()
        display = Display(
            *columns(),
            console=console,
            refresh_per_second=REFRESHES,
            redirect_stdout=_is_terminal(),  # what a program prints into a pipe has to stay there
            disable=not console.is_terminal or console.is_dumb_terminal,
        )
        super().__init__(display, description)
        self._lines: list[ProgressLine] = [self]

    def add(self, description: str) -> ProgressLine:
        """Show one more job below, which may run at the same time.

        Args:
            description: What the job does, in a word.

        Example:
            >>> async def tidy(tm: TrackingMore, edits: list[TrackingUpdate], numbers: list[str]) -> None:
            ...     refs = [TrackingRef("china-ems", f"{number}-old") for number in numbers]
            ...     with ProgressBar("Edit") as bar:
            ...         editing = tm.trackings.update_many(edits, progress=bar)
            ...         deleting = tm.trackings.delete_many(refs, progress=bar.add("Delete"))
            ...         await asyncio.gather(editing, deleting)
        """
        line = ProgressLine(self._display, description)
        line.begin()
        self._lines.append(line)
        return line

    def __enter__(self) -> Self:
        self.begin()
        with suppress(*GONE):
            self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines:
            line.stop()
        if not self._display.disable:  # older versions of rich would end what was not begun, with an empty line
            with suppress(*GONE):
                self._display.stop()


def _is_terminal() -> bool:
    """Tell whether the standard output is a terminal; there may be none, and it may be closed."""
    return sys.stdout is not None and not sys.stdout.closed and sys.stdout.isatty()  # pyright: ignore[reportUnnecessaryComparison]

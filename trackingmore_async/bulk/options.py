"""How a job is run: what the ``*_many`` methods take beside the items."""

from __future__ import annotations

from os import PathLike, fsdecode
from pathlib import Path
from typing import Literal, TypedDict, get_args

import attrs

from trackingmore_async.errors import ConfigurationError
from trackingmore_async.journal import Store

from .progress import ProgressListener

__all__ = ["JobFields", "JobOptions", "OnError"]

OnError = Literal["collect", "stop", "raise"]
"""What a failure does to a job: nothing; stop it; stop it, and raise at its end."""


class JobFields(TypedDict, total=False):
    """The options of a job, as keyword arguments; see `JobOptions`."""

    on_error: OnError
    journal: str | PathLike[str] | Store | None
    job_id: str | None
    failed_only: bool
    progress: ProgressListener | None


@attrs.frozen(kw_only=True)
class JobOptions:
    """How a job is run.

    Args:
        on_error: What a failed or unknown outcome does: "collect": the job goes on; "stop": what is under way is
            finished, the rest is not attempted; "raise": the same, and `BulkError` is raised behind the last outcome.
        journal: Path of an SQLite file, or a `Store`, in which the job remembers what it did. After a crash, run the
            same job again with it: what is confirmed is not sent again. None: the job remembers nothing.
        job_id: The name of the job in its journal; None: the file name of the journal.
        failed_only: With a journal: send only what failed, or is unknown, in an earlier run.
        progress: Is called with a `Progress`: after each batch, every two seconds while none ends, and at the end. The
            extra ``cli`` has a display to pass here, ``trackingmore_async.cli.ProgressBar``.

    Raises:
        ConfigurationError: a value cannot work.

    Example:
        >>> JobOptions(on_error="stop").on_error
        'stop'
    """

    on_error: OnError = "collect"
    journal: str | PathLike[str] | Store | None = None
    job_id: str | None = None
    failed_only: bool = False
    progress: ProgressListener | None = None

    def __attrs_post_init__(self) -> None:
        if self.on_error not in get_args(OnError):
            raise ConfigurationError('on_error has to be "collect", "stop" or "raise".')
        if self.journal is None and (self.failed_only or self.job_id is not None):
            raise ConfigurationError("failed_only and job_id are about a journal: pass journal=, too.")
        if self.job_id is not None and not (isinstance(self.job_id, str) and self.job_id):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("job_id has to be a text that is not empty.")
        if not _is_utf8(self.name):
            raise ConfigurationError("The name of the journal or of the job is no proper Unicode. Rename it.")
        if self.progress is not None and not callable(self.progress):
            raise ConfigurationError("progress has to be something to call, with a Progress.")

    @property
    def name(self) -> str:
        """The name of the job in its journal."""
        if self.job_id is not None:
            return self.job_id
        return Path(fsdecode(self.journal)).name if isinstance(self.journal, str | PathLike) else "job"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

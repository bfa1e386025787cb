"""The lines that logs get, from `logging` and from structlog."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.integrations.events import ANSWERED, REFUSED, RETRIED, Teller, shared
from trackingmore_async import ConfigurationError
from trackingmore_async.integrations.logs import LoggingHook, StructlogHook
from trackingmore_async.timing import Timing

LOGGER = "trackingmore_async"
TIMES = {"attempts": 1, "waiting": 0.5, "pause": 0.0, "network": 0.125, "decode": 0.0}


@pytest.fixture(autouse=True)
def structlog_as_it_comes() -> Iterator[None]:
    """No test sees how another one configured structlog."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


class Kept(logging.Handler):
    """Keeps all lines."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """Return the list of all lines, of any level."""
    logger, kept = logging.getLogger(LOGGER), Kept()
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    yield kept.records
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(kept)


def added(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a line that are not those of every line."""
    usual = vars(logging.makeLogRecord({})).keys() | {"message", "taskName"}
    return {name: value for name, value in vars(record).items() if name not in usual}


def failed(error: str) -> list[dict[str, Any]]:
    """Return the events of a call that fails at once."""
    return [{"event": "call"}, {"event": "end", "error": error, "timing": Timing()}]


def test_a_call_can_be_read(records: list[logging.LogRecord]) -> None:
    """The lines of a call say in words what happened to it, each with the number of the call."""
    Teller(LoggingHook()).tell([*RETRIED[:5], {"event": "batch", "items": 17, "capacity": 40}, *RETRIED[5:]], 7)
    assert [record.getMessage() for record in records] == [
        "get #7 begins",
        "get #7 attempt 1 leaves, its turn came after 0.000 s",
        "get #7 attempt 1 failed after 0.250 s with ServerError",
        "get #7 attempt 1 failed with ServerError, the next one follows in 2.000 s",
        "get #7 attempt 2 leaves, its turn came after 1.000 s",
        "get #7 17 of 40 items share a request",
        "get #7 attempt 2 failed after 0.250 s with RateLimitedError",
        "get #7 attempt 2 met a 429, the account is silent for 121 s",
        "get #7 attempt 3 leaves, its turn came after 121.000 s",
        "get #7 attempt 3 was answered in 0.250 s",
        "get #7 is done after 124.750 s",
    ]


def test_a_failed_call_can_be_read(records: list[logging.LogRecord]) -> None:
    """The line of a failed call names the error."""
    Teller(LoggingHook()).tell(REFUSED)
    assert records[-1].getMessage() == "get #1 failed after 0.250 s with NotFoundError"


def test_what_happened_stands_in_fields(records: list[logging.LogRecord]) -> None:
    """Each line has the fields of its event, and none that have nothing to say."""
    Teller(LoggingHook()).tell([*ANSWERED[:2], shared((4, 5), 1), *ANSWERED[2:]])
    place = {"operation": "get", "call": 1, "lane": "interactive"}
    assert [added(record) for record in records] == [
        {"event": "call", **place},
        {"event": "request", **place, "attempt": 1, "waited": 0.5},
        {"event": "batch", **place, "items": 2, "capacity": 40, "shares": (4, 5)},
        {"event": "reply", **place, "attempt": 1, "seconds": 0.125, "http_status": 200, "code": 200},
        {"event": "end", **place, "code": 200, "seconds": 0.625, **TIMES},
    ]


def test_pauses_warn_and_retries_inform(records: list[logging.LogRecord]) -> None:
    """A ban is a warning, a retry is worth a line, and the rest is for those who look closely."""
    Teller(LoggingHook()).tell(RETRIED)
    assert [(record.levelno, added(record)["event"]) for record in records if record.levelno > logging.DEBUG] == [
        (logging.INFO, "retry"),
        (logging.WARNING, "pause"),
    ]


@pytest.mark.parametrize(
    ("error", "level"),
    [
        ("NotFoundError", logging.INFO),
        ("DeadlineExceededError", logging.INFO),
        ("ServerError", logging.INFO),
        ("AuthenticationError", logging.WARNING),
        ("PermissionDeniedError", logging.WARNING),
        ("QuotaExceededError", logging.WARNING),
        ("CancelledError", logging.DEBUG),
        ("WithdrawnError", logging.DEBUG),
    ],
)
def test_failures_weigh_as_much_as_they_last(records: list[logging.LogRecord], error: str, level: int) -> None:
    """An error that every call will meet warns; one that the caller has to handle anyhow only informs."""
    Teller(LoggingHook()).tell(failed(error))
    assert records[-1].levelno == level


def test_levels_can_be_chosen(records: list[logging.LogRecord]) -> None:
    """Calls and failures can be given other levels, and a lasting failure is never below a warning."""
    hook = LoggingHook(calls=logging.INFO, failures=logging.ERROR)
    Teller(hook).tell([*ANSWERED, *failed("NotFoundError"), *failed("QuotaExceededError")])
    ends = [record.levelno for record in records if added(record)["event"] == "end"]
    assert ends == [logging.INFO, logging.ERROR, logging.ERROR]


def test_a_level_that_is_off_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the logger does not want is not even composed."""
    quiet = logging.Logger("quiet", logging.ERROR)
    monkeypatch.setattr(quiet, "log", None)
    Teller(LoggingHook(quiet)).tell(RETRIED)


def test_texts_can_be_grouped(records: list[logging.LogRecord]) -> None:
    """The text before its numbers are filled in is the same for each event of a kind."""
    hook = LoggingHook()
    Teller(hook).tell(ANSWERED, 1, "get")
    Teller(hook).tell(ANSWERED, 2, "list")
    assert len({record.msg for record in records}) == len(ANSWERED)


def test_structlog_gets_events_with_fields() -> None:
    """The events have names in structlog, and the fields and levels that they have elsewhere."""
    with capture_logs() as lines:
        Teller(StructlogHook()).tell(RETRIED[3:7])
    place = {"operation": "get", "call": 1, "lane": "interactive"}
    assert [lines[0], lines[3]] == [
        {
            "event": "trackingmore.retry",
            "log_level": "info",
            **place,
            "attempt": 1,
            "seconds": 2.0,
            "error": "ServerError",
        },
        {"event": "trackingmore.pause", "log_level": "warning", **place, "attempt": 2, "seconds": 121.0},
    ]
    assert [line["log_level"] for line in lines] == ["info", "debug", "debug", "warning"]


def test_both_hooks_tell_the_same(records: list[logging.LogRecord]) -> None:
    """A program can change from one to the other and finds the same fields."""
    with capture_logs() as lines:
        Teller(LoggingHook(), StructlogHook()).tell([*RETRIED, *REFUSED, shared((2,), 1)])
    told = [{**added(record), "log_level": record.levelname.lower()} for record in records]
    assert told == [{**line, "event": line["event"].removeprefix("trackingmore.")} for line in lines]


def test_what_is_bound_to_the_context_is_in_the_line() -> None:
    """What a web service bound with structlog's contextvars stands on each line of its calls."""
    with (
        capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines,
        structlog.contextvars.bound_contextvars(request_id="r-1"),
    ):
        Teller(StructlogHook()).tell(ANSWERED)
    assert [line["request_id"] for line in lines] == ["r-1"] * len(ANSWERED)


@pytest.mark.parametrize("wrapper", [structlog.BoundLogger, structlog.make_filtering_bound_logger(logging.INFO)])
def test_any_bound_logger_will_do(wrapper: Any) -> None:
    """The logger may be structlog's plain one, or one that drops what is below its level."""
    written = io.StringIO()
    structlog.configure(wrapper_class=wrapper, logger_factory=structlog.PrintLoggerFactory(written))
    Teller(StructlogHook()).tell(failed("QuotaExceededError"))
    assert "warning" in written.getvalue()
    assert ("trackingmore.call" in written.getvalue()) == (wrapper is structlog.BoundLogger)


def test_structlog_may_write_to_logging(records: list[logging.LogRecord]) -> None:
    """A structlog that is set up in front of `logging` takes the lines as well."""
    structlog.configure(
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        processors=[structlog.stdlib.render_to_log_kwargs],
    )
    Teller(StructlogHook(structlog.get_logger(LOGGER))).tell(RETRIED[6:7])
    assert records[-1].getMessage() == "trackingmore.pause"
    assert (records[-1].levelno, added(records[-1])["seconds"]) == (logging.WARNING, 121.0)


def test_levels_of_structlog_have_names() -> None:
    """Each level finds the method of its name, also one in between."""
    with capture_logs() as lines:
        for level in (logging.DEBUG, 15, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            Teller(StructlogHook(calls=level)).tell(ANSWERED[-1:])
    assert [line["log_level"] for line in lines] == ["debug", "debug", "info", "warning", "error", "critical"]


@pytest.mark.parametrize("make", [LoggingHook, StructlogHook])
@pytest.mark.parametrize("which", ["calls", "failures"])
def test_a_level_is_a_number(make: Any, which: str) -> None:
    """A level by its name is refused when the hook is made: it would cost all lines about the ends of calls."""
    with pytest.raises(ConfigurationError, match=f"^{which} has to be a number such as logging.INFO, not 'INFO'"):
        make(**{which: "INFO"})

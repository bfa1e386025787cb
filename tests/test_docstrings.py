"""Every public name explains itself, and every example in the package runs."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import importlib
import inspect
import io
import pkgutil
import sys
import traceback
from collections.abc import Callable, Generator, Iterator
from random import Random
from typing import Any

import httpx
import pytest

import trackingmore_async
from trackingmore_async import NewTracking, TrackingMore, TrackingMoreError, TrackingUpdate, cli, resources, sandbox
from trackingmore_async.integrations import logs, otel
from trackingmore_async.sandbox import Fault, Sandbox

PREFIX = "trackingmore_async."
NUMBERS = ["LX900000101CN", "LX900000102CN", "LX900000103CN"]
ARGUMENTS: dict[str, Any] = {
    "numbers": NUMBERS,
    "edits": [TrackingUpdate("china-ems", number, title="mug") for number in NUMBERS],
    "items": [NewTracking("china-ems", number) for number in NUMBERS],
}
CREATES = ("TrackingsResource.create", "TrackingsResource.create_many")  # want what is not there yet
WITHOUT_EXAMPLE = {"HttpClient", "Permit", "RateLimiter", "Store"}  # protocols, and what only they use
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_classes() -> Iterator[type]:
    """Find the classes that users name or hold."""
    for room in (trackingmore_async, cli, logs, otel, resources, sandbox):
        for name in room.__all__:
            if inspect.isclass(value := getattr(room, name)):
                yield value


def public_methods(kind: type) -> Iterator[tuple[str, Any]]:
    """Find the methods and properties that a class itself defines for its users."""
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(function):
            yield f"{kind.__name__}.{name}", function


def docstrings() -> Iterator[doctest.DocTest]:
    """Find the docstrings of the package that have examples."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(trackingmore_async.__path__, PREFIX):
        module = importlib.import_module(found.name)
        yield from (test for test in finder.find(module, found.name) if test.examples)


CLASSES = list(dict.fromkeys(public_classes()))
METHODS = dict(method for kind in CLASSES for method in public_methods(kind))
ROOMS_OF_SANDBOX = ("sandbox", "faults", "path", "statistics", "switches")  # what users of it hold
ELSEWHERE = {"sandbox.sandbox.Sandbox.webhook", "sandbox.statistics.Arrival"}  # want a receiver, and a request
DOCSTRINGS = {test.name.removeprefix(PREFIX): test for test in docstrings()}
OF_SANDBOX = [name for name in DOCSTRINGS if name.startswith(tuple(f"sandbox.{room}." for room in ROOMS_OF_SANDBOX))]


@pytest.mark.parametrize("name", trackingmore_async.__all__)
def test_every_public_name_is_there_and_explained(name: str) -> None:
    """What `__all__` promises can be had, and classes and functions have a docstring of their own."""
    value = getattr(trackingmore_async, name)
    if inspect.isclass(value):
        assert vars(value).get("__doc__")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_public_class_shows_how_it_is_used(kind: type) -> None:
    """A public class has an example, but for errors, protocols, and those that show each of their methods."""
    by_method = kind.__module__.startswith(resources.__name__)
    excused = by_method or issubclass(kind, TrackingMoreError) or kind.__name__ in WITHOUT_EXAMPLE
    assert excused or ">>>" in (kind.__doc__ or "")


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_is_explained(name: str) -> None:
    """A public method has a docstring, and those that send something have an example."""
    text = METHODS[name].__doc__ or ""
    assert text.split("\n")[0].strip()
    assert ">>>" in text or "Resource." not in name


def run_examples(test: doctest.DocTest, names: dict[str, Any], runner: asyncio.Runner) -> list[str]:
    """Run the examples of a docstring one after the other, ``await`` allowed; return what went wrong."""
    wrong: list[str] = []
    for example in test.examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), displayed():
            try:
                code = compile(example.source, f"<{test.name}>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                value = eval(code, names)  # noqa: S307 - our own docstrings
                if inspect.iscoroutine(value):
                    runner.run(value)
            except Exception as error:
                if example.exc_msg is None:
                    wrong.append(f"{example.source}raised:\n{''.join(traceback.format_exception(error))}")
                continue
        silent = not example.want and test.name.removeprefix(PREFIX) in OF_SANDBOX  # there a value need not be shown
        if not silent and not CHECKER.check_output(example.want, printed.getvalue(), FLAGS):
            wrong.append(f"{example.source}{CHECKER.output_difference(example, printed.getvalue(), FLAGS)}")
    return wrong


@contextlib.contextmanager
def displayed() -> Generator[None]:
    """Show values as an interactive session does."""
    before, sys.displayhook = sys.displayhook, sys.__displayhook__
    try:
        yield
    finally:
        sys.displayhook = before


def namespace(test: doctest.DocTest) -> dict[str, Any]:
    """Return the names that an example may use: those of its module, the public ones, and asyncio."""
    public = {name: getattr(trackingmore_async, name) for name in trackingmore_async.__all__}
    return {**public, **test.globs, "asyncio": asyncio}


@pytest.mark.parametrize("name", [name for name in DOCSTRINGS if not name.startswith("sandbox.")])
def test_every_example_runs(name: str) -> None:
    """The examples of a docstring run and show what they say; what they define for a client works against a server."""
    names = namespace(DOCSTRINGS[name])
    given = set(names)
    with asyncio.Runner() as runner:
        assert run_examples(DOCSTRINGS[name], names, runner) == []
        for function in [names[new] for new in names.keys() - given]:
            if takes_a_client(function):
                runner.run(call(function, name))


@pytest.mark.parametrize("name", [name for name in OF_SANDBOX if name not in ELSEWHERE])
def test_every_example_of_the_sandbox_runs(name: str) -> None:
    """What the sandbox shows to its users runs, given a sandbox with one tracking that is under way."""
    with asyncio.Runner() as runner:
        server = Sandbox()
        server.create("china-ems", "LX900000017CN")
        server.clock.advance(3 * 86400)
        fault = Fault("get", times=1)
        server.faults.add(fault)
        server.faults.plan("get", ())
        names = namespace(DOCSTRINGS[name])
        names |= {"sandbox": server, "fault": fault, "httpx": httpx, "Random": Random, "random": Random(0)}
        assert run_examples(DOCSTRINGS[name], names, runner) == []


def takes_a_client(function: object) -> bool:
    """Tell whether this is an async function whose first argument is a client."""
    return inspect.iscoroutinefunction(function) and next(iter(inspect.signature(function).parameters), "") == "tm"


async def call(function: Callable[..., Any], name: str) -> None:
    """Call the function of an example with a client of a sandbox that holds what the example expects."""
    async with Sandbox() as server, TrackingMore(server.key, base_url=server.url) as tm:
        prepare(server, name)
        wanted = list(inspect.signature(function).parameters)[1:]
        result = await function(tm, **{argument: ARGUMENTS[argument] for argument in wanted})
        assert result == len(NUMBERS) or "_many" not in name
        assert server.statistics().total_violations == 0
        assert server.statistics().total_requests > 0


def prepare(server: Sandbox, name: str) -> None:
    """Put the trackings in place that an example takes for granted."""
    if name.endswith(CREATES):
        return
    server.create("china-post" if name.endswith(".change_carrier") else "china-ems", "LX900000017CN")
    for number in NUMBERS:
        server.create("china-ems", number)


def test_every_endpoint_method_is_called_by_an_example() -> None:
    """Each method of the table of operations has an example that the test above calls for real."""
    called = {name.rpartition(".")[2] for name in DOCSTRINGS if "Resource." in name}
    for operation in trackingmore_async.OPERATIONS.values():
        assert operation.client_method.rpartition(".")[2] in called

"""What is imported, and when."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
from types import FunctionType

import pytest

from trackingmore_async import codec, models

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (codec, models)
    for module in pkgutil.iter_modules(package.__path__)
]


def test_importing_the_codec_builds_no_converter() -> None:
    """Neither cattrs nor httpx is imported before the first answer is read."""
    script = (
        "import sys, trackingmore_async.codec, trackingmore_async.operations;"
        "print(sorted({'cattrs', 'httpx', 'redis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [*MODULES, "trackingmore_async.operations"])
def test_the_examples_run(name: str) -> None:
    """Each example in a docstring shows what happens."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", [*MODULES, "trackingmore_async.operations"])
def test_what_is_exported_is_documented(name: str) -> None:
    """What a module exports is there, and has a docstring where it can have one."""
    module = importlib.import_module(name)
    exported = [getattr(module, each) for each in module.__all__]
    assert all(value.__doc__ for value in exported if isinstance(value, type | FunctionType))

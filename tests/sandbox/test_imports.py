"""The sandbox stands alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import trackingmore_async.sandbox as package

FOLDER = Path(package.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the names of all modules that a file imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_imports_nothing_from_the_rest_of_the_package(file: Path) -> None:
    """No file of the sandbox imports a module of the package outside the sandbox."""
    names = list(imported(ast.parse(file.read_text(encoding="utf-8"))))
    assert not [name for name in names if name.startswith(".")]
    ours = [name for name in names if name.split(".")[0] == "trackingmore_async"]
    assert all(name.startswith("trackingmore_async.sandbox") for name in ours)


def test_public_names_are_sorted_and_there() -> None:
    """``__all__`` is sorted and every name in it exists."""
    assert package.__all__ == sorted(package.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(package, name) for name in package.__all__)


def test_missing_extra_is_explained() -> None:
    """Without the extra installed, importing the sandbox names the command that installs it."""
    code = "import sys; sys.modules['sortedcontainers'] = None; import trackingmore_async.sandbox"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert 'pip install "trackingmore_async[sandbox]"' in done.stderr

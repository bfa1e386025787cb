"""The rules of the house (DESIGN.md 2), checked on the syntax trees of the source."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import trackingmore_async

PACKAGE = "trackingmore_async"
ROOT = Path(trackingmore_async.__file__).parent
ROOMS = (
    "__init__", "cli", "integrations", "client", "resources", "changes", "bulk", "coalesce", "pages", "batches",
    "settle", "answers", "calls", "transport", "journal", "pacing", "memory", "creations", "webhooks", "retry",
    "codec", "stats", "operations", "models", "settings", "hooks", "lifetime", "errors", "timing", "version",
)  # fmt: skip
"""From the roof down: a room imports from rooms further right only. The sandbox stands beside the house."""

SOURCES = sorted(ROOT.rglob("*.py"))
EXTRAS = ("redis", "uvicorn", "opentelemetry", "structlog")
LAZY = ("httpx", "httpx2", "cattrs", "msgspec", "anyio", "aiolimiter", "rich", *EXTRAS)


def room(path: Path) -> str:
    """Return the room that a file stands in."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Name every module that a file imports anywhere, absolutely."""
    package = (PACKAGE, *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            yield module
            if module == PACKAGE:
                yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """Name the rooms that a file imports from, its own left out."""
    parts = [name.split(".") for name in imports(path)]
    return {part[1] for part in parts if part[0] == PACKAGE and len(part) > 1} - {room(path)}


def shown(path: Path) -> str:
    """Return the name of a file for a test's id."""
    return str(path.relative_to(ROOT))


each_file = pytest.mark.parametrize("path", SOURCES, ids=shown)
each_file_of_the_house = pytest.mark.parametrize(
    "path", [path for path in SOURCES if room(path) != "sandbox"], ids=shown
)


@each_file_of_the_house
def test_a_room_imports_only_from_rooms_below(path: Path) -> None:
    """What a file imports stands further down in the list of rooms."""
    place = ROOMS.index(room(path))
    assert {name for name in rooms_imported(path) if name not in ROOMS or ROOMS.index(name) <= place} == set()


def test_no_files_import_each_other_in_a_circle() -> None:
    """Inside of a room, too, data flows one way; an import for the sake of a type counts as any other."""
    files = {f"{PACKAGE}.{shown(path).removesuffix('.py').replace('/', '.')}": path for path in SOURCES}
    graph = {name: set(files) & set(imports(path)) - {name} for name, path in files.items()}
    assert sum(map(len, graph.values())) > len(files)  # the imports were found
    TopologicalSorter(graph).prepare()


@each_file
def test_the_sandbox_stands_alone(path: Path) -> None:
    """The sandbox imports nothing from the house, and the house nothing from the sandbox."""
    assert rooms_imported(path) == set() if room(path) == "sandbox" else "sandbox" not in rooms_imported(path)


@each_file_of_the_house
def test_only_one_file_knows_httpx(path: Path) -> None:
    """The HTTP library is imported in ``transport/http.py`` and nowhere else."""
    known = {name.partition(".")[0] for name in imports(path)} & {"httpx", "httpx2", "httpcore", "aiohttp", "requests"}
    assert known == ({"httpx"} if shown(path) == "transport/http.py" else set())


@each_file_of_the_house
def test_only_pacing_sleeps(path: Path) -> None:
    """Nothing but ``pacing/`` calls a function that sleeps."""
    sleeps = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and _called(node).startswith("sleep")]
    assert not sleeps or room(path) == "pacing"


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


@each_file
def test_nothing_forbidden_is_written(path: Path) -> None:
    """There is no ``assert``, no ``__del__``, no ``global``, and ``print`` only where a program talks to its user."""
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.Assert | ast.Global), node.lineno
        assert not (isinstance(node, ast.FunctionDef) and node.name == "__del__"), node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert path.name == "__main__.py" or room(path) == "cli", node.lineno


def module(path: Path) -> ModuleType:
    """Import the module of a file."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


importable = pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "__main__.py"], ids=shown)


@each_file
def test_modules_hold_no_state(path: Path) -> None:
    """No module has a variable that can be changed in place, unless its type forbids it, but for the registry."""
    for node in tree(path).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_mutable(node.value):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name, kind = ast.unparse(target), ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
        assert name == "__all__" or "Mapping" in kind, f"{name}, line {node.lineno}"


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return _called(value) in {"dict", "list", "set", "defaultdict", "deque", "Counter", "bytearray", "count"}
    return isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


@importable
def test_all_is_sorted_and_true(path: Path) -> None:
    """``__all__`` of each module is sorted, without doubles, and every name in it exists."""
    names = list(getattr(module(path), "__all__", []))
    in_order = sorted(set(names), key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert names == in_order
    assert [name for name in names if not hasattr(module(path), name)] == []


def test_the_package_exports_what_it_declares() -> None:
    """What type checkers see, what ``__all__`` lists and what can be imported is the same."""
    checked = next(node for node in tree(ROOT / "__init__.py").body if isinstance(node, ast.If))
    declared = {alias.name for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert declared | {"__version__"} == set(trackingmore_async.__all__) == set(dir(trackingmore_async))
    for name in trackingmore_async.__all__:
        assert getattr(trackingmore_async, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        trackingmore_async.Nonsense  # noqa: B018


def test_every_error_is_public() -> None:
    """Each error that the library raises can be imported from the package."""
    errors = importlib.import_module(f"{PACKAGE}.errors")
    assert set(errors.__all__) <= set(trackingmore_async.__all__)


@pytest.mark.parametrize("statement", ["import trackingmore_async", "from trackingmore_async import TrackingMoreError"])
def test_importing_is_cheap(statement: str) -> None:
    """Importing the package loads none of the libraries that it stands on."""
    code = f"{statement}\nimport sys\nprint([name for name in {LAZY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert done.stdout.strip() == "[]"


def test_the_client_needs_no_extras() -> None:
    """The client is imported without the sandbox, and without anything that only an extra brings."""
    names = [*EXTRAS, "starlette", f"{PACKAGE}.sandbox"]
    code = f"import {PACKAGE}.client, sys; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert done.stdout.strip() == "[]"

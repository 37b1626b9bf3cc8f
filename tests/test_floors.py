"""Imports point downward only: that is what keeps every file readable on its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import twelvelabs_async

PACKAGE = Path(twelvelabs_async.__file__).parent
NAME = "twelvelabs_async"

# From the ground up. A name stands for a file or for a folder with all that is in it; within a line, left is lower.
FLOORS = [
    ["_version", "errors", "clock", "events", "limits", "logs", "settings", "request", "checks"],
    ["models"],
    [
        "body",
        "leaves",
        "parser",
        "constructors",
        "codec",
        "policy/headers",
        "refusal",
        "reply",
        "seen",
        "sockets",
        "session",
        "policy/categories",
        "policy/pace",
        "policy/budget",
        "policy/costs",
        "policy/store",
        "policy/fallback",
        "policy/stores/leased",
        "policy/stores/sqlite",
        "policy/stores/redis",
        "policy/stores/postgres",
        "policy/stores",
        "policy/lane",
        "policy/limiter",
        "policy/retry",
        "policy/telling",
        "policy",
    ],
    ["api", "ahead", "paginator", "frames", "streams"],
    ["waiting", "herd", "uploads/plan", "uploads/state", "uploads/source", "uploads/urls", "uploads/direct", "uploads"],
    ["embeddings", "clips", "structured", "webhooks", "otel"],
    ["resources/deprecation", "resources/base", "resources/inputs"],
    ["resources/indexed_assets", "resources/videos", "resources"],
    ["groups", "ingest", "fleet", "client"],
    ["cli", "pytest_plugin", "__main__", "__init__"],
]
HEIGHT = {place: (floor, step) for floor, row in enumerate(FLOORS) for step, place in enumerate(row)}


def place_of(module: str) -> str:
    """The most exact name in FLOORS for a module given as a path below the package."""
    parts = module.split("/")
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in HEIGHT:
            return "/".join(parts[:length])
    pytest.fail(f"{module} stands on no floor: add it to FLOORS")


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(NAME):
            yield node.module.removeprefix(NAME).lstrip(".").replace(".", "/") or "__init__"
        elif isinstance(node, ast.Import):
            yield from (
                a.name.removeprefix(NAME + ".").replace(".", "/") for a in node.names if a.name.startswith(NAME)
            )


def files(*, emulator: bool) -> list[Path]:
    return [f for f in sorted(PACKAGE.rglob("*.py")) if ("emulator" in f.relative_to(PACKAGE).parts) is emulator]


@pytest.mark.parametrize("file", files(emulator=False), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_imports_only_from_below(file: Path) -> None:
    module = str(file.relative_to(PACKAGE).with_suffix("")).removesuffix("/__init__")
    here = place_of(module)
    faces = {"cli", "pytest_plugin", "__main__"}
    for target in imports(ast.parse(file.read_text())):
        if target.startswith("emulator"):
            assert here in faces, f"{module} imports the emulator, which only the command line and the plugin may start"
            continue
        there = place_of(target)
        if module == "__init__" or there == here or target == "_version":
            continue
        assert HEIGHT[there] < HEIGHT[here], f"{module} imports {target}, which stands above it"


@pytest.mark.parametrize("file", files(emulator=True), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_the_emulator_imports_nothing_of_the_client(file: Path) -> None:
    """One that shares code with the client could never contradict it."""
    foreign = [t for t in imports(ast.parse(file.read_text())) if t.split("/")[0] not in {"emulator", "_version"}]
    assert not foreign


TIMES = {
    "time.monotonic",
    "time.time",
    "time.sleep",
    "time.perf_counter",
    "asyncio.sleep",
    "datetime.now",
    "datetime.utcnow",
}


@pytest.mark.parametrize("file", files(emulator=False), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_p26_nothing_but_the_clock_sleeps_or_reads_time(file: Path) -> None:
    """So that days of waiting can be tested in moments, and nobody sleeps who cannot be woken."""
    if file == PACKAGE / "clock.py":
        return
    found = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not found & TIMES

"""The structure of the package: allowed imports between modules, and the maximum length of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, TypeGuard

import twelvelabs_async

PACKAGE: Final = "twelvelabs_async"
ROOT: Final = Path(twelvelabs_async.__file__).parent
MAX_LINES: Final = 900

# The layers of the client from bottom to top. A module imports from rows above its own row in this list and, within a
# row, from names to its left. A name is a module or a package; if two match, the longer one applies.
LAYERS: Final = """
    _version  _system  _text  _html  errors  _concurrency  clock  events  rate_limits  _arguments  requests
    _event_listeners  _options
    models
    _rate_limit  _http  _codec  _core
    _arrow  tables  pagination  _page_readers  waiting  _polling  streaming  uploads
    serialization  structured_output  embeddings  clips  frames  webhooks  otel  types
    resources  raw_responses  _raw_calls  _raw_methods
    ingest  workers  client
    _sync_client  sync
    _cli  pytest_plugin  __main__
"""
ORDER: Final = {name: position for position, name in enumerate(LAYERS.split())}
MAY_IMPORT_THE_EMULATOR: Final = {"_cli", "pytest_plugin", "__main__"}


def module_name(file: Path) -> str:
    """Return the name of a module below the package, '' for the package itself."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


MODULES: Final = {module_name(file): file for file in sorted(ROOT.rglob("*.py"))}
TREES: Final = {name: ast.parse(file.read_text("utf-8")) for name, file in MODULES.items()}
EMULATOR: Final = {name for name in MODULES if name.split(".")[0] == "emulator"}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of the package that a module imports, also for type checking and within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, module = name.partition(".")
            if package == PACKAGE:
                yield module if module in MODULES else module.rpartition(".")[0]


IMPORTS: Final = {name: set(imported_modules(tree)) - {name} for name, tree in TREES.items()}


def layer(module: str) -> str:
    """Return the longest name in LAYERS that is the module or a package around it."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in ORDER), "")


def test_every_module_of_the_client_has_a_layer() -> None:
    assert [name for name in MODULES if name and name not in EMULATOR and not layer(name)] == []


def test_a_package_is_one_layer() -> None:
    """A module with a separate layer could be imported by packages below its own package."""
    assert [name for name in ORDER if "." in name] == []


def test_no_module_imports_from_a_higher_layer() -> None:
    upward = [
        f"{module} imports {target}"
        for module in MODULES.keys() - EMULATOR - {""}
        for target in IMPORTS[module] - EMULATOR - {""}
        if ORDER[layer(target)] > ORDER[layer(module)]
    ]
    assert sorted(upward) == []


def test_modules_have_no_import_cycles() -> None:
    """The package itself is left out: it loads its public names on first use."""
    try:
        TopologicalSorter({name: IMPORTS[name] - {""} for name in MODULES if name}).prepare()
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise AssertionError(cycle) from None


def test_the_emulator_imports_nothing_of_the_client() -> None:
    """An emulator that shared code with the client would share its bugs."""
    client_imports = [
        f"{module} imports {target or PACKAGE}"
        for module in EMULATOR
        for target in IMPORTS[module] - EMULATOR
        if target != "_version"
    ]
    assert sorted(client_imports) == []


def test_only_the_command_line_and_the_pytest_plugin_import_the_emulator() -> None:
    importers = {layer(name) for name in MODULES.keys() - EMULATOR - {""} if IMPORTS[name] & EMULATOR}
    assert importers <= MAY_IMPORT_THE_EMULATOR


def test_no_module_is_over_900_lines() -> None:
    too_long = {
        name: count
        for name, file in MODULES.items()
        if (count := len(file.read_text("utf-8").splitlines())) > MAX_LINES
    }
    assert too_long == {}


CLOCK_READS: Final = {
    "time.monotonic",
    "time.time",
    "time.sleep",
    "time.perf_counter",
    "asyncio.sleep",
    "datetime.now",
    "datetime.utcnow",
}


def _is_yield_to_loop(node: ast.AST) -> TypeGuard[ast.Call]:
    """Return whether a node is `asyncio.sleep(0)`, which lets the event loop run once and does not wait."""
    return isinstance(node, ast.Call) and ast.unparse(node) == "asyncio.sleep(0)"


def test_p26_only_the_clock_module_sleeps_or_reads_time() -> None:
    """All code that waits uses a clock, so that tests cover days within seconds."""
    yields_to_loop = {id(node.func) for tree in TREES.values() for node in ast.walk(tree) if _is_yield_to_loop(node)}
    found = [
        f"{module}: {node.value.id}.{node.attr}"
        for module in MODULES.keys() - EMULATOR - {"clock"}
        for node in ast.walk(TREES[module])
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and f"{node.value.id}.{node.attr}" in CLOCK_READS
        and id(node) not in yields_to_loop
    ]
    assert sorted(found) == []

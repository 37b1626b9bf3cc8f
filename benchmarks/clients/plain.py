"""The official client without `sniffio`, as its package installs it: each request searches `sys.path` for `sniffio`."""

from __future__ import annotations

from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any

from benchmarks.clients.official import OfficialClient

if TYPE_CHECKING:
    from collections.abc import Sequence


def make(origin: str) -> OfficialClient:
    """Create a client in a process that cannot import `sniffio`."""
    original_find_spec = PathFinder.find_spec

    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        return original_find_spec("not_installed" if name == "sniffio" else name, path, target)

    PathFinder.find_spec = find_spec  # type: ignore[method-assign, assignment]  # pyright: ignore[reportAttributeAccessIssue]  # patches the import system
    return OfficialClient(origin)

"""The official client as it installs itself, without `sniffio`: each request searches the whole path for it in vain."""

from __future__ import annotations

from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any

from benchmarks.clients.official import Official

if TYPE_CHECKING:
    from collections.abc import Sequence


def make(origin: str) -> Official:
    """A client of the server at `origin`, in a process where `sniffio` is not found."""
    search = PathFinder.find_spec

    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        return search("not_installed" if name == "sniffio" else name, path, target)

    PathFinder.find_spec = find_spec  # type: ignore[method-assign, assignment]  # pyright: ignore[reportAttributeAccessIssue]  # that is the point
    return Official(origin)

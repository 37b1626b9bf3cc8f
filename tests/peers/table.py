"""The table of calls, and the interface of the clients."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import attrs

FOLDER: Final = Path(__file__).parent


@attrs.frozen(kw_only=True)
class PeerCall:
    """A method of the official clients, and its arguments."""

    method: str
    """The name in Python, such as `indexes.create`."""
    operation: str
    """The operation that the emulator must have completed."""
    ids: tuple[str, ...] = attrs.field(default=(), converter=tuple[str, ...])
    """Positional arguments."""
    given: Mapping[str, Any] = attrs.Factory(dict[str, Any])
    """Named arguments."""
    fails: Mapping[str, tuple[str, str]] = attrs.Factory(dict[str, tuple[str, str]])
    """By client: a part of the expected error, and the fault of the client."""
    absent: tuple[str, ...] = attrs.field(default=(), converter=tuple[str, ...])
    """Clients without this method."""
    limits: Mapping[str, str] = attrs.Factory(dict[str, str])
    """By client: arguments that it does not accept, although it has the method."""

    def prerequisites(self) -> set[str]:
        """Return the names, with `$`, of the objects that must exist before the call."""
        return {*re.findall(r"'(\$[\w.]+)'", repr([self.ids, self.given]))}


CALLS: Final = {
    name: PeerCall(method=name, **row)
    for name, row in tomllib.loads((FOLDER / "calls.toml").read_text("utf-8")).items()
}
"""All calls by method."""


class Peer(Protocol):
    """An official client."""

    async def methods(self) -> set[str]:
        """Return the names of its methods in snake case."""
        ...

    async def call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        """Call a method, read its response to the end, and return the error, or an empty string."""
        ...


def calls_of(peer: str) -> list[PeerCall]:
    """Return the calls of the methods that a client has."""
    return [call for call in CALLS.values() if peer not in call.absent]


def replace_values(value: Any, replace: Callable[[Any], Any]) -> Any:
    """Apply `replace` to every value in nested arguments."""
    replaced = replace(value)
    if replaced is not value:
        return replaced
    match value.__class__.__name__:
        case "dict":
            return {name: replace_values(item, replace) for name, item in value.items()}
        case "list":
            return [replace_values(item, replace) for item in value]
        case _:
            return value

"""The table of calls, and what a client by others is to the tests."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import attrs

FOLDER: Final = Path(__file__).parent


@attrs.frozen(kw_only=True)
class Call:
    """One method of the official clients, and arguments for it."""

    method: str
    """Its name as Python writes it, such as `indexes.create`."""
    operation: str
    """What the emulator must have been asked for, and have answered with success."""
    ids: tuple[str, ...] = attrs.field(default=(), converter=tuple[str, ...])
    """Positional arguments."""
    given: Mapping[str, Any] = attrs.Factory(dict[str, Any])
    """Named arguments."""
    fails: Mapping[str, tuple[str, str]] = attrs.Factory(dict[str, tuple[str, str]])
    """By client: a part of the error, and why it is the client's doing."""
    absent: tuple[str, ...] = attrs.field(default=(), converter=tuple[str, ...])
    """Clients without this method."""
    limits: Mapping[str, str] = attrs.Factory(dict[str, str])
    """By client: what it does not let pass, although the call as it stands works."""

    def needs(self) -> set[str]:
        """Names, with their `$`, of what has to be there before."""
        return {*re.findall(r"'(\$[\w.]+)'", repr([self.ids, self.given]))}


CALLS: Final = {
    name: Call(method=name, **row) for name, row in tomllib.loads((FOLDER / "calls.toml").read_text("utf-8")).items()
}
"""All calls by method."""


class Peer(Protocol):
    """A client by others."""

    async def methods(self) -> set[str]:
        """Names of all it can do, as Python writes them."""
        ...

    async def call(self, method: str, ids: list[str], given: dict[str, Any]) -> str:
        """Call a method, read its answer to the end, and tell the error; nothing is none."""
        ...


def calls_of(peer: str) -> list[Call]:
    """The calls of the methods that a client has."""
    return [call for call in CALLS.values() if peer not in call.absent]


def replaced(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change what `change` knows, anywhere in arguments: it gives back what it does not know."""
    changed = change(value)
    if changed is not value:
        return changed
    match value.__class__.__name__:
        case "dict":
            return {name: replaced(part, change) for name, part in value.items()}
        case "list":
            return [replaced(part, change) for part in value]
        case _:
            return value

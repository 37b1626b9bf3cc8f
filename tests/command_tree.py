"""All commands of the command line, with their arguments, as the command line itself knows them."""

from __future__ import annotations

from collections.abc import Iterator

from cyclopts import App, ArgumentCollection

from twelvelabs_async._cli.main import app


def walk(parent: App, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in parent:
        if name.startswith("-"):
            continue
        found = parent[name]
        if found.default_command is None:
            yield from walk(found, (*prefix, name))
        else:
            yield (*prefix, name), found


COMMANDS = dict(walk(app))
"""Each command by the words that select it."""


def arguments_of(command: tuple[str, ...]) -> ArgumentCollection:
    return COMMANDS[command].assemble_argument_collection()

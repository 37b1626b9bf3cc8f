"""All commands of the command line with their arguments, read from its cyclopts app."""

from __future__ import annotations

from collections.abc import Iterator

from cyclopts import App, ArgumentCollection

from twelvelabs_async._cli.main import app


def walk(parent: App, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    for name in parent:
        if name.startswith("-"):
            continue
        command = parent[name]
        if command.default_command is None:
            yield from walk(command, (*prefix, name))
        else:
            yield (*prefix, name), command


COMMANDS = dict(walk(app))
"""Each command by its words."""


def arguments_of(command: tuple[str, ...]) -> ArgumentCollection:
    return COMMANDS[command].assemble_argument_collection()

"""The official JavaScript client, in a process of Node."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from peers.table import FOLDER, replaced
from twelvelabs_async.emulator import Emulator

RUNNER: Final = FOLDER / "js" / "runner.mjs"
Process = subprocess.Popen[str]


@attrs.frozen
class JavaScript:
    """`twelvelabs-js` and its emulator."""

    _process: Process
    _methods: set[str]
    _emulator: Emulator

    async def methods(self) -> set[str]:
        return self._methods

    async def call(self, method: str, ids: list[str], given: dict[str, Any]) -> str:
        order = {
            "address": self._emulator.base_url,
            "method": method,
            "ids": ids,
            "given": replaced(given, _named),
        }
        return str(await asyncio.to_thread(_told, self._process, order) or "")


@contextmanager
def node(modules: str) -> Generator[tuple[Process, set[str]]]:
    """Start the client of a folder that npm has filled, and tell its methods."""
    environment = {**os.environ, "TWELVE_LABS_API_KEY": "emulator"}
    command = ["node", str(RUNNER), modules]
    with subprocess.Popen(  # noqa: S603  # of our own making
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process, {snake(name) for name in _line(process)}
        finally:
            process.kill()


def _told(process: Process, order: dict[str, Any]) -> Any:
    assert process.stdin
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return _line(process)


def _line(process: Process) -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def _named(value: Any) -> Any:
    return {"$file": str(value)} if isinstance(value, Path) else value


def snake(name: str) -> str:
    """A name as Python writes it."""
    return re.sub(r"v(\d)", r"v_\1", re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name))

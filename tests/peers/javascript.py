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

from peers.table import FOLDER, replace_values
from twelvelabs_async.emulator import Emulator

RUNNER_SCRIPT: Final = FOLDER / "js" / "runner.mjs"
Process = subprocess.Popen[str]


@attrs.frozen
class JavaScript:
    """`twelvelabs-js` and the emulator it calls."""

    _process: Process
    _methods: set[str]
    _emulator: Emulator

    async def methods(self) -> set[str]:
        return self._methods

    async def call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        command = {
            "address": self._emulator.base_url,
            "method": method,
            "ids": ids,
            "given": replace_values(kwargs, _encode_path),
        }
        return str(await asyncio.to_thread(_exchange, self._process, command) or "")


@contextmanager
def start_node(modules: str) -> Generator[tuple[Process, set[str]]]:
    """Start Node with the client that npm installed in a folder; yield the process and the names of its methods."""
    environment = {**os.environ, "TWELVE_LABS_API_KEY": "emulator"}
    command = ["node", str(RUNNER_SCRIPT), modules]
    with subprocess.Popen(  # noqa: S603  # a fixed command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process, {to_snake_case(name) for name in _read_line(process)}
        finally:
            process.kill()


def _exchange(process: Process, command: dict[str, Any]) -> Any:
    assert process.stdin
    process.stdin.write(json.dumps(command) + "\n")
    process.stdin.flush()
    return _read_line(process)


def _read_line(process: Process) -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def _encode_path(value: Any) -> Any:
    return {"$file": str(value)} if isinstance(value, Path) else value


def to_snake_case(name: str) -> str:
    """Convert a camel-case name."""
    return re.sub(r"v(\d)", r"v_\1", re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name))

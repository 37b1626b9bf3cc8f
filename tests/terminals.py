"""Runs programs with each of their streams on a terminal, a pipe or a file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs
from commands import environment

Stream = Literal["terminal", "pipe", "file"]

STREAMS: list[tuple[Stream, Stream]] = [
    (stdout, stderr) for stdout in ("terminal", "pipe", "file") for stderr in ("terminal", "pipe")
]
"""Each pair of places that standard output and standard error can go to."""


@attrs.frozen
class TerminalResult:
    """What a command has written; a terminal adds a carriage return to each line, which is removed."""

    exit_code: int
    stdout: str
    stderr: str


def run_on(
    *command: str,
    stdout: Stream,
    stderr: Stream,
    folder: Path,
    columns: int = 80,
    lines: int = 24,
    variables: Mapping[str, str] | None = None,
) -> TerminalResult:
    """Run a program, and return what it wrote to each stream.

    Args:
        command: The program and its arguments, such as `*CLI_COMMAND, "search", "holiday", "boat"`.
        stdout: Where standard output goes.
        stderr: Where standard error goes; a terminal of its own.
        folder: Where the files are created.
        columns: Width of each terminal.
        lines: Height of each terminal.
        variables: Environment variables to add.
    """
    targets = [_Target(stdout, folder / "stdout", columns, lines), _Target(stderr, folder / "stderr", columns, lines)]
    process = subprocess.Popen(  # noqa: S603  # all of it is ours
        command,
        stdin=subprocess.DEVNULL,
        stdout=targets[0].writer,
        stderr=targets[1].writer,
        env=environment({"TERM": "xterm-256color", **(variables or {})}),
    )
    try:
        for target in targets:
            os.close(target.writer)
        code = process.wait(60)
    finally:
        process.kill()
        process.wait()
        written = [target.read_all() for target in targets]
    return TerminalResult(code, *written)


class _Target:
    """A stream of a process; a thread reads what arrives, so that the process never waits for us."""

    def __init__(self, kind: Stream, file: Path, columns: int, lines: int) -> None:
        self._file = file
        self._output = bytearray()
        self._reader: int | None = None
        if kind == "file":
            self.writer = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            return
        self._reader, self.writer = _open_terminal(columns, lines) if kind == "terminal" else os.pipe()
        self._thread = threading.Thread(target=self._drain, args=(self._reader,))
        self._thread.start()

    def _drain(self, reader: int) -> None:
        while True:
            try:
                chunk = os.read(reader, 65536)
            except OSError:  # the end of a terminal
                return
            if not chunk:
                return
            self._output += chunk

    def read_all(self) -> str:
        if self._reader is None:
            return self._file.read_text("utf-8")
        self._thread.join(20)
        os.close(self._reader)
        return self._output.decode().replace("\r\n", "\n")


def _open_terminal(columns: int, lines: int) -> tuple[int, int]:
    """Return our end of a terminal and the end of the command."""
    if sys.platform == "win32":
        raise OSError("no such terminals")
    import fcntl  # noqa: PLC0415  # not on every system
    import pty  # noqa: PLC0415  # the same
    import struct  # noqa: PLC0415  # the same
    import termios  # noqa: PLC0415  # the same

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return ours, theirs

"""Runs programs with standard output and standard error on a terminal, a pipe or a file."""

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
"""The tested pairs of targets of standard output and standard error."""


@attrs.frozen
class TerminalResult:
    """Exit code and output of a command, without the carriage returns that a terminal adds."""

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
    """Run a program and return its exit code and output.

    Args:
        command: The program and its arguments, such as `*CLI_COMMAND, "search", "holiday", "boat"`.
        stdout: Target of standard output.
        stderr: Target of standard error; as a terminal, a separate one.
        folder: Folder for the output files.
        columns: Width of each terminal.
        lines: Height of each terminal.
        variables: Environment variables to add.
    """
    targets = [_Target(stdout, folder / "stdout", columns, lines), _Target(stderr, folder / "stderr", columns, lines)]
    process = subprocess.Popen(  # noqa: S603  # a fixed command
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
    """A stream of a process. A thread reads its output, so that the process never blocks on a full buffer."""

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
            except OSError:  # the child end of the terminal was closed
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
    """Return the parent end and the child end of a new terminal."""
    if sys.platform == "win32":
        raise OSError("no such terminals")
    import fcntl  # noqa: PLC0415  # not available on all systems
    import pty  # noqa: PLC0415  # as above
    import struct  # noqa: PLC0415  # as above
    import termios  # noqa: PLC0415  # as above

    parent_fd, child_fd = pty.openpty()
    fcntl.ioctl(child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return parent_fd, child_fd

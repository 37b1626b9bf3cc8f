"""Runs the command line in this process, in a subprocess, or on a terminal."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from twelvelabs_async._cli.main import run

CLI_COMMAND = [sys.executable, "-W", "error", "-m", "twelvelabs_async"]

TAKE_CONTROLLING_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""A separate program, since Python code between fork and exec could wait for a lock that another thread holds."""


HANGUP_IS_IGNORED = sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
"""Whether the tests run below `nohup`, whose choice the command line respects."""

ENDING_SIGNALS = [
    "SIGINT",
    "SIGTERM",
    pytest.param("SIGHUP", marks=pytest.mark.skipif(HANGUP_IS_IGNORED, reason="it is ignored below nohup")),
]
"""Signals that end a command."""


@attrs.frozen
class CommandResult:
    """Exit code and output of a command."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


class Cli:
    """Runs commands in this process and captures their output."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> CommandResult:
        code = run(arguments)
        captured = self._capture.readouterr()
        assert "\x1b" not in captured.out + captured.err, "control characters in a pipe"
        assert "Traceback" not in captured.err
        return CommandResult(code, captured.out, captured.err)


def environment(overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    color_variables = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS"}
    return {name: text for name, text in os.environ.items() if name not in color_variables} | dict(overrides or {})


def run_in_subprocess(*arguments: str) -> CommandResult:
    completed = subprocess.run(  # noqa: S603  # a fixed command
        [*CLI_COMMAND, *arguments], capture_output=True, env=environment(), encoding="utf-8", timeout=30, check=False
    )
    assert "\x1b" not in completed.stdout + completed.stderr
    return CommandResult(completed.returncode, completed.stdout, completed.stderr)


@contextmanager
def interruptible_process(*arguments: str) -> Generator[subprocess.Popen[str]]:
    """Run a command in a subprocess that SIGINT interrupts, and kill it at the end of the block."""
    previous_handler = signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored in background jobs
    try:
        process = subprocess.Popen(  # noqa: S603  # a fixed command
            [*CLI_COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            encoding="utf-8",
        )
    finally:
        signal.signal(signal.SIGINT, previous_handler)
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(process: subprocess.Popen[str], condition: Callable[[], object]) -> None:
    while not condition():
        assert process.poll() is None
        time.sleep(0.01)


@contextmanager
def run_in_terminal(*arguments: str) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command on a terminal of 100 x 24 characters; yield the process and the parent end of the terminal."""
    import fcntl  # noqa: PLC0415  # not available on all systems
    import pty  # noqa: PLC0415  # as above
    import struct  # noqa: PLC0415  # as above
    import termios  # noqa: PLC0415  # as above

    parent_fd, child_fd = pty.openpty()
    fcntl.ioctl(child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

    process = subprocess.Popen(  # noqa: S603  # a fixed command
        [sys.executable, "-I", "-c", TAKE_CONTROLLING_TERMINAL, *CLI_COMMAND, *arguments],
        stdin=child_fd,
        stdout=child_fd,
        stderr=child_fd,
        env=environment({"TERM": "xterm-256color"}),
        start_new_session=True,
    )
    os.close(child_fd)
    with process:
        try:
            yield process, parent_fd
        finally:
            process.kill()
            os.close(parent_fd)


def read_until(terminal_fd: int, expected: str, output: str = "") -> str:
    """Return the output of the terminal up to `expected`, or all of it if the terminal closes."""
    deadline = time.monotonic() + 20
    while expected not in output:
        readable, _, _ = select.select([terminal_fd], [], [], 0.5)
        assert time.monotonic() < deadline, output
        try:
            output += os.read(terminal_fd, 65536).decode("utf-8", "replace") if readable else ""
        except OSError:  # the child end of the terminal was closed
            break
    return output

"""Runs the command line: in this process, in one of its own, and on a terminal."""

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
"""A program of its own: between fork and exec no Python may run, since other threads may hold locks for ever."""


@attrs.frozen
class CommandResult:
    """What a command said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]


class Cli:
    """Runs commands in this process and keeps what they print."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> CommandResult:
        code = run(arguments)
        captured = self._capture.readouterr()
        assert "\x1b" not in captured.out + captured.err, "control codes in a pipe"
        assert "Traceback" not in captured.err
        return CommandResult(code, captured.out, captured.err)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    colours = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS"}
    return {name: text for name, text in os.environ.items() if name not in colours} | dict(extra or {})


def run_in_subprocess(*arguments: str) -> CommandResult:
    done = subprocess.run(  # noqa: S603  # all of it is ours
        [*CLI_COMMAND, *arguments], capture_output=True, env=environment(), encoding="utf-8", timeout=30, check=False
    )
    assert "\x1b" not in done.stdout + done.stderr
    return CommandResult(done.returncode, done.stdout, done.stderr)


@contextmanager
def interruptible_process(*arguments: str) -> Generator[subprocess.Popen[str]]:
    """A command in a process of its own, which is gone afterwards whatever happens."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background hands down that it ignores it
    try:
        process = subprocess.Popen(  # noqa: S603  # all of it is ours
            [*CLI_COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            encoding="utf-8",
        )
    finally:
        signal.signal(signal.SIGINT, before)
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
    """A command that has a real terminal of 100 x 24 before it; gives its process and our end of the line."""
    import fcntl  # noqa: PLC0415  # not on every system
    import pty  # noqa: PLC0415  # the same
    import struct  # noqa: PLC0415  # the same
    import termios  # noqa: PLC0415  # the same

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

    process = subprocess.Popen(  # noqa: S603  # all of it is ours
        [sys.executable, "-I", "-c", TAKE_CONTROLLING_TERMINAL, *CLI_COMMAND, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment({"TERM": "xterm-256color"}),
        start_new_session=True,
    )
    os.close(theirs)
    with process:
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_until(terminal_fd: int, expected: str, output: str = "") -> str:
    """What the terminal shows until it shows `expected`; at the end of the line, what it showed."""
    late = time.monotonic() + 20
    while expected not in output:
        readable, _, _ = select.select([terminal_fd], [], [], 0.5)
        assert time.monotonic() < late, output
        try:
            output += os.read(terminal_fd, 65536).decode("utf-8", "replace") if readable else ""
        except OSError:  # how a terminal says that nobody writes any more
            break
    return output

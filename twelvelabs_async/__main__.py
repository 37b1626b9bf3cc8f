"""`twelvelabs-async`, or `python -m twelvelabs_async`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Any

from twelvelabs_async._text import install_command


def main() -> int:
    """Run the command line and return the exit code."""
    missing = [name for name in ("cyclopts", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(f"the command line needs {' and '.join(missing)}: {install_command('cli')}\n")
        return 2
    with _end_at_once_when_interrupted():
        run: Callable[[], int] = import_module("twelvelabs_async._cli.main").run
    return run()


@contextmanager
def _end_at_once_when_interrupted() -> Generator[None]:
    """End the process with one line at Ctrl-C, SIGTERM or SIGHUP within the block.

    An import may swallow an exception that a handler raises, and then nothing would end.
    """
    handlers: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                handlers[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(_signal: int, _frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"error: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())

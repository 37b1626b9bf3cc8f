"""Handles SIGTERM and SIGHUP like Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from twelvelabs_async._cli.exit_codes import ExitCode

TERMINATION_SIGNALS: Final = ("SIGTERM", "SIGHUP")
"""Names of the signals; Windows has no SIGHUP."""


@contextmanager
def handle_termination_like_interrupt() -> Generator[None]:
    """Raise SIGINT within the block when another signal asks the process to end.

    A signal that the process ignores stays ignored, so that `nohup` works. Other threads than the main thread cannot
    handle signals; there the block changes nothing.
    """
    previous = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in TERMINATION_SIGNALS if hasattr(signal, name)]
        previous = {
            number: signal.signal(number, _interrupt)
            for number in numbers
            if signal.getsignal(number) != signal.SIG_IGN
        }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def end_at_next_interrupt() -> None:
    """End the process immediately at a further Ctrl-C: it has been interrupted, and prints its last line."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _end)


def _end(_signal: int, _frame: FrameType | None) -> None:
    os._exit(ExitCode.INTERRUPTED)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a job that a shell has started in the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)

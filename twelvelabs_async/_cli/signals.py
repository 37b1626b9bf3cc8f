"""Handlers of the signals that end a process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def handle_signals(names: Iterable[str], handler: Callable[[int, FrameType | None], Any]) -> Generator[None]:
    """Handle signals within the block; a signal that the process ignores stays ignored, so that `nohup` works.

    Only the main thread can handle signals: in other threads the block changes nothing.

    Args:
        names: Names of the signals; Windows has no SIGHUP.
        handler: Handles them.
    """
    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers: list[int] = [getattr(signal, name) for name in names if hasattr(signal, name)]
        previous = {
            number: signal.signal(number, handler) for number in numbers if signal.getsignal(number) != signal.SIG_IGN
        }
    try:
        yield
    finally:
        for number, former in previous.items():
            signal.signal(number, former)

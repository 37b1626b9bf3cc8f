"""Ctrl-C, twice: the first asks to come to an end, the second ends at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress


class Interrupts:
    """What was asked for so far."""

    def __init__(self, drain: Callable[[], None]) -> None:
        self._drain = drain
        self._task = asyncio.current_task()
        self.count: int = 0

    def __call__(self) -> None:
        """Somebody pressed Ctrl-C."""
        self.count += 1
        if self.count == 1:
            self._drain()
        elif self._task is not None:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)  # whoever presses again gets Python's own
            self._task.cancel()

    @property
    def at_once(self) -> bool:
        """Whether it is to end at once."""
        return self.count > 1


@contextmanager
def interrupts(drain: Callable[[], None]) -> Generator[Interrupts]:
    """Call `drain` at the first Ctrl-C, and cancel the calling task at the second.

    Where a loop can take no signals, as on Windows, Ctrl-C raises KeyboardInterrupt, as anywhere in Python.
    """
    handler, loop = Interrupts(drain), asyncio.get_running_loop()
    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, handler)
    try:
        yield handler
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)

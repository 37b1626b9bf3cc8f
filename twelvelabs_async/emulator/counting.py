"""Windows as arithmetic: how much was used, and when there will be room again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

Undo = Callable[[], None]
"""Takes back what was counted."""


class Count(Protocol):
    """What was used of one window."""

    used: float

    def advance(self, now: float) -> None:
        """Forget what is over."""
        ...

    def add(self, now: float, amount: float) -> Undo:
        """Count, and return how to take it back."""
        ...

    def frees(self, now: float, amount: float) -> float:
        """Return when so much of what is used will be free again, or as much as there is."""
        ...


class Fixed:
    """A window that opens with the first use after the one before has closed."""

    def __init__(self, seconds: float) -> None:
        self.used: float = 0
        self._seconds = seconds
        self._opened = -math.inf

    def advance(self, now: float) -> None:
        """Close the window if it is over."""
        if now >= self._opened + self._seconds:
            self._opened, self.used = -math.inf, 0

    def add(self, now: float, amount: float) -> Undo:
        """Count; what is taken back after the window has closed changes nothing."""
        if self._opened == -math.inf:
            self._opened = now
        opened = self._opened
        self.used += amount

        def undo() -> None:
            if self._opened == opened:
                self.used -= amount

        return undo

    def frees(self, now: float, amount: float) -> float:
        """Return when the window closes, or would if it opened now, for all of it is free at once."""
        del amount
        return (now if self._opened == -math.inf else self._opened) + self._seconds


class Sliding:
    """The last so many seconds, at any moment."""

    def __init__(self, seconds: float) -> None:
        self.used: float = 0
        self._seconds = seconds
        self._entries: deque[list[float]] = deque()

    def advance(self, now: float) -> None:
        """Forget what happened before."""
        while self._entries and self._entries[0][0] + self._seconds <= now:
            _drop(self, self._entries.popleft())

    def add(self, now: float, amount: float) -> Undo:
        """Count; what is taken back leaves a moment at which nothing was used."""
        entry = [now, amount]
        self._entries.append(entry)
        self.used += amount
        return partial(_drop, self, entry)

    def frees(self, now: float, amount: float) -> float:
        """Return when the oldest uses that sum up to that much are over."""
        moment = now
        for began, used in self._entries:
            moment = began + self._seconds
            amount -= used
            if amount <= 0:
                break
        return moment


def _drop(count: Sliding, entry: list[float]) -> None:
    """Take an entry out of the sum, once."""
    count.used -= entry[1]
    entry[1] = 0

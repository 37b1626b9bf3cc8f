"""How fast it goes and how long it will take. Pure: whoever asks says what time it is, in seconds of one clock."""

from __future__ import annotations

from collections import deque
from typing import Final

SPEED_WINDOW: Final = 10.0
"""Seconds over which bytes are averaged: a person wants to see what is so now."""

ENDS_WINDOW: Final = 300.0
"""Seconds over which ends are averaged: they come in bursts, as the platform's statuses are looked at together."""

LEAST: Final = 1.0
"""Seconds to have watched before anything is said."""


class Rate:
    """How much a second, lately.

    Args:
        window: Seconds that count as lately.
        now: When it begins.
    """

    def __init__(self, window: float, now: float) -> None:
        self._window = window
        self._began = now
        self._amounts: deque[tuple[int, float]] = deque()
        self._sum = 0.0

    def add(self, amount: float, now: float) -> None:
        """So much was done."""
        second = int(now)
        if self._amounts and self._amounts[-1][0] >= second:
            second, before = self._amounts.pop()
            self._amounts.append((second, before + amount))
        else:
            self._amounts.append((second, amount))
        self._sum += amount

    def per_second(self, now: float) -> float | None:
        """The average; None until it was watched for a second."""
        watched = min(self._window, now - self._began)
        if watched < LEAST:
            return None
        while self._amounts and self._amounts[0][0] <= now - self._window:
            self._sum -= self._amounts.popleft()[1]
        return max(0.0, self._sum) / watched if self._amounts else 0.0


def seconds_left(*, items: int, ends: float | None, unsent: int = 0, speed: float | None = None) -> float | None:
    """Seconds until all has ended, at the speed it has; None while nobody can tell.

    Args:
        items: Items that have not ended.
        ends: Items that end in a second.
        unsent: Bytes that are still to be sent of files on their way: one that is huge may outlast a thousand others.
        speed: Bytes that are sent in a second.
    """
    if items <= 0:
        return 0.0
    if not ends:
        return None
    return max(items / ends, unsent / speed if speed else 0.0)


def about(seconds: float) -> str:
    """A time to come, as roughly as it is known: `12 s`, `4 min`, `3 h 10 min`, `2 days`."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    minutes = round(minutes / 10) * 10
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} days"

"""What happened when, in as little memory for a day as for a minute. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

MOST: Final = 96
"""Stretches that are told apart; when there are more, two become one."""


@attrs.frozen
class Stretch:
    """What happened in some seconds."""

    ready: int = 0
    failed: int = 0
    skipped: int = 0
    sent: int = 0
    """Bytes."""
    waited: bool = False
    """Whether something waited for a limit."""

    def __add__(self, other: Stretch) -> Stretch:
        return Stretch(
            self.ready + other.ready,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.sent + other.sent,
            self.waited or other.waited,
        )

    @property
    def ended(self) -> int:
        """Items that ended."""
        return self.ready + self.failed + self.skipped


class Timeline:
    """Stretches of equal length, from the beginning on."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._stretches: list[Stretch] = []
        self.width: int = 1
        """Seconds of one stretch."""

    @property
    def stretches(self) -> Sequence[Stretch]:
        """All of them, without gaps."""
        return self._stretches

    def add(self, at: float, what: Stretch) -> None:
        """Something happened `at` seconds from the beginning."""
        while at >= self.width * self._most:
            self._halve()
        place = max(0, int(at // self.width))
        self._stretches += [Stretch()] * (place + 1 - len(self._stretches))
        self._stretches[place] += what

    def wait(self, begin: float, end: float) -> None:
        """Something waited for a limit between these two moments."""
        self.add(end, Stretch())
        for place in range(int(max(0, begin) // self.width), int(end // self.width) + 1):
            self._stretches[place] += Stretch(waited=True)

    def _halve(self) -> None:
        both = [*self._stretches, Stretch()] if len(self._stretches) % 2 else self._stretches
        self._stretches = [both[i] + both[i + 1] for i in range(0, len(both), 2)]
        self.width *= 2

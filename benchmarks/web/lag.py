"""How late the event loop is: a task that wants to wake every few milliseconds, and writes down when it did."""

from __future__ import annotations

import asyncio
import time
from typing import Final

EVERY: Final = 0.005
"""Seconds between two wakings."""


class Lag:
    """Lateness of each waking, in seconds."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def watch(self) -> None:
        """Watch until cancelled."""
        while True:
            due = time.perf_counter() + EVERY
            await asyncio.sleep(EVERY)
            self.late.append(max(0.0, time.perf_counter() - due))

    def take(self) -> list[float]:
        """What was written down since this was last asked."""
        late, self.late = self.late, []
        return late


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie; 0 of none."""
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]

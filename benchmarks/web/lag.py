"""Measures the lag of the event loop: a task sleeps for a few milliseconds and records how late it wakes up."""

from __future__ import annotations

import asyncio
import time
from typing import Final

WAKE_INTERVAL: Final = 0.005
"""Duration of each sleep, in seconds."""


class LagMonitor:
    """Collects the delays of a sleeping task, in seconds."""

    def __init__(self) -> None:
        self.samples: list[float] = []

    async def watch(self) -> None:
        """Measure until the task is cancelled."""
        while True:
            due = time.perf_counter() + WAKE_INTERVAL
            await asyncio.sleep(WAKE_INTERVAL)
            self.samples.append(max(0.0, time.perf_counter() - due))

    def drain(self) -> list[float]:
        """Return the delays since the previous call, and clear them."""
        samples, self.samples = self.samples, []
        return samples


def percentile(values: list[float], share: float) -> float:
    """Return a quantile of the values, or 0 if there are no values."""
    if not values:
        return 0.0
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]

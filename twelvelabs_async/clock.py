"""The one place that reads time and sleeps, so that both can be replaced."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """What the package needs to know of time. Everything that waits is given one of these."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, on the event loop's own scale."""
        ...

    def time(self) -> float:
        """Seconds since the epoch, by this machine's clock, right or wrong."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the calling task."""
        ...


class SystemClock:
    """Time as the running event loop and the machine tell it."""

    def monotonic(self) -> float:
        """The running loop's time: the scale on which `asyncio.timeout_at` counts."""
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """`asyncio.sleep`."""
        await asyncio.sleep(seconds)

"""The clock of the client: reads the time and sleeps, in place of all other modules, so that tests can replace it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

_MONOTONIC: Final = staticmethod(time.monotonic)
"""`SystemClock.monotonic`; the function itself, because a method around it would make each call slower."""

_TIME: Final = staticmethod(time.time)
"""`SystemClock.time`, likewise."""


@runtime_checkable
class Clock(Protocol):
    """Reads the time and sleeps. Tests pass their own to `AsyncTwelveLabs(clock=)`.

    Example:
        class ShiftedClock(SystemClock):
            def time(self) -> float:
                return super().time() + 3600

        async with AsyncTwelveLabs(clock=ShiftedClock()) as client:
            await client.indexes.list()
    """

    def monotonic(self) -> float:
        """Return seconds that never go backwards, on the scale of the event loop's `time()`."""
        ...

    def time(self) -> float:
        """Return seconds since the epoch, by this machine's clock."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the calling task."""
        ...


class SystemClock:
    """The clock of this machine.

    Example:
        async with AsyncTwelveLabs(clock=SystemClock()) as client:  # the default
            await client.indexes.list()
    """

    if TYPE_CHECKING:

        def monotonic(self) -> float:
            """Return seconds that never go backwards."""
            ...

        def time(self) -> float:
            """Return seconds since the epoch."""
            ...

    else:
        monotonic = _MONOTONIC
        """Seconds that never go backwards; the event loops of asyncio and uvloop count on the same scale."""
        time = _TIME
        """Seconds since the epoch."""

    async def sleep(self, seconds: float) -> None:
        """Suspend the calling task."""
        await asyncio.sleep(seconds)

"""Clocks of the emulator: the clock of the system, and one that tests stop and advance."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from typing import Protocol, runtime_checkable

_MAX_TIME = 200 * 365 * 86_400.0
"""Latest time of a clock, in seconds since the epoch; calculations with it stay within the years of `datetime`."""


class Clock(Protocol):
    """The clock that decides when a status advances or a URL expires.

    Example:
        from twelvelabs_async.emulator import Emulator, SystemClock

        async with Emulator(clock=SystemClock(skew=-3600)) as emulator:  # an hour behind
            print(emulator.base_url)
    """

    def time(self) -> float:
        """Return seconds since the epoch."""
        ...

    def sleep(self, seconds: float, /) -> Awaitable[object]:
        """Wait for this many seconds; called for faults with a delay or a slow body."""
        ...


@runtime_checkable
class AdjustableClock(Protocol):
    """A clock that can be advanced.

    Example:
        from twelvelabs_async.emulator import Emulator, SystemClock

        async with Emulator(clock=SystemClock(rate=0)) as emulator:  # time changes by `advance` only
            emulator.advance(3600)
    """

    def advance(self, seconds: float, /) -> None:
        """Advance the clock by this many seconds."""
        ...


class SystemClock:
    """A clock derived from the system clock, which can run faster, be stopped, have an offset and be advanced.

    Unless its rate is 0, a client can use it as well: waits of the client then end by this clock, socket timeouts in
    real time or later.

    Args:
        rate: Seconds per real second (default: 1). With 60 a minute passes each second, with 0 the time changes by
            `advance` only.
        start: Initial time in seconds since the epoch (default: the system time).
        skew: Seconds added to the initial time (default: 0).

    Raises:
        ValueError: `rate` is negative.

    Example:
        from twelvelabs_async.emulator import Emulator, SystemClock

        async with Emulator(clock=SystemClock(rate=60)) as emulator:  # a minute a second
            print(emulator.base_url)
    """

    def __init__(self, *, rate: float = 1.0, start: float | None = None, skew: float = 0.0) -> None:
        if rate < 0:
            raise ValueError(f"rate must not be negative, got {rate}")
        self._rate = rate
        self._start = start
        self._skew = skew
        self._advanced = asyncio.Event()
        self._reset_count = 0
        self._monotonic_base = time.monotonic()
        self._set_initial_time()

    def _set_initial_time(self) -> None:
        self._started_at = time.monotonic()
        self._initial_time = self._base_time = (time.time() if self._start is None else self._start) + self._skew

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._base_time + (time.monotonic() - self._started_at) * self._rate

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes backwards, not even by `reset`."""
        return self._monotonic_base + self.time() - self._initial_time

    async def sleep(self, seconds: float) -> None:
        """Wait until this many seconds of this clock have passed, or until `reset`."""
        until, reset_count = self.time() + seconds, self._reset_count
        while self._reset_count == reset_count and (left := until - self.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left / self._rate if self._rate else None):
                    await self._advanced.wait()

    def advance(self, seconds: float, /) -> None:
        """Advance the clock by this many seconds, and end the waits that are due by then.

        Raises:
            ValueError: `seconds` is negative, or the time would be after the year 2169.

        Example:
            from twelvelabs_async.emulator import SystemClock

            clock = SystemClock(rate=0, start=1_767_225_600)
            clock.advance(60)
            print(clock.time())  # 1767225660.0
        """
        if not seconds >= 0:
            raise ValueError(f"seconds must not be negative, got {seconds}")
        if not self.time() + seconds <= _MAX_TIME:
            raise ValueError(f"the clock can be advanced to the year 2169 only, got {seconds} seconds")
        self._base_time += seconds
        self._wake_sleepers()

    def reset(self) -> None:
        """Return to the initial time, as if the clock had been created now, and end all waits.

        Example:
            from twelvelabs_async.emulator import SystemClock

            clock = SystemClock(rate=0, start=1_767_225_600)
            clock.advance(60)
            clock.reset()
            print(clock.time())  # 1767225600.0
        """
        self._reset_count += 1
        self._monotonic_base = self.monotonic()
        self._set_initial_time()
        self._wake_sleepers()

    def _wake_sleepers(self) -> None:
        advanced, self._advanced = self._advanced, asyncio.Event()
        advanced.set()

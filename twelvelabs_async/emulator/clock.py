"""Time as the emulator sees it, and how moments are written on the wire."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Clock(Protocol):
    """What decides when a status advances or a link expires; replace it to make hours pass in a test."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        ...

    def sleep(self, seconds: float, /) -> Awaitable[object]:
        """Wait; only faults with a delay call it."""
        ...


@runtime_checkable
class Movable(Protocol):
    """A clock whose hands can be moved."""

    def advance(self, seconds: float, /) -> None:
        """Let so many seconds have passed."""
        ...


class SystemClock:
    """The machine's own clock, which can run faster, stand still, be wrong, and jump ahead.

    One that does not stand still may also be the clock of the client. Its waits end as this clock says; timeouts of its
    sockets stay in real time, or are longer.

    Args:
        rate: Seconds that pass in one real second: 60 makes minutes of seconds, and with 0 time moves by `advance`
            alone.
        start: What it shows at first, in seconds since the epoch; by default the time of the machine.
        skew: Seconds by which it is ahead of that, or behind.
    """

    def __init__(self, *, rate: float = 1.0, start: float | None = None, skew: float = 0.0) -> None:
        if rate < 0:
            raise ValueError("time does not run backwards")
        self._rate = rate
        self._began = time.monotonic()
        self._first = self._shown = (time.time() if start is None else start) + skew
        self._moved = asyncio.Event()

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._shown + (time.monotonic() - self._began) * self._rate

    def monotonic(self) -> float:
        """Return the time of the running loop, and how far this clock has got ahead of it."""
        return self._began + self.time() - self._first

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop until so many seconds of this clock have passed."""
        until = self.time() + seconds
        while (left := until - self.time()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left / self._rate if self._rate else None):
                    await self._moved.wait()

    def advance(self, seconds: float, /) -> None:
        """Let so many seconds have passed, and wake whoever waited for them.

        Raises:
            ValueError: Time would run backwards.
        """
        if not seconds >= 0:
            raise ValueError("time does not run backwards")
        self._shown += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def moment(seconds: float) -> str:
    """Write a moment with milliseconds, as the asset and upload endpoints do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def second(seconds: float) -> str:
    """Write a moment cut to the second, as the index and task endpoints do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> float:
    """Read an RFC 3339 moment; one without an offset counts as UTC.

    Raises:
        ValueError: The text is no date.
    """
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()

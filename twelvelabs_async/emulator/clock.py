"""Time as the emulator sees it, and how moments are written on the wire."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

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


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float, /) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)


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

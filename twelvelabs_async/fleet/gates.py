"""Which queues a worker takes from: one whose limit is used up stays closed until the limit is back."""

from __future__ import annotations

from twelvelabs_async.clock import Clock
from twelvelabs_async.fleet.queue import QUEUES


class Gates:
    """Of one worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._closed: dict[str, float] = {}

    def close(self, queue: str, seconds: float) -> None:
        """Take nothing from a queue for so long."""
        self._closed[queue] = self._clock.monotonic() + seconds

    @property
    def open(self) -> list[str]:
        """The queues to take from now."""
        now = self._clock.monotonic()
        return [queue for queue in QUEUES if self._closed.get(queue, 0.0) <= now]

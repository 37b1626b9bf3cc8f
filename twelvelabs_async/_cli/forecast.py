"""Estimates how long an ingestion takes: from its measured speed while it runs, from rate limits before. Pure.

Callers pass the time, in seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final, Literal

import attrs

SPEED_WINDOW: Final = 10.0
"""Seconds over which the upload speed is averaged."""

COMPLETIONS_WINDOW: Final = 300.0
"""Seconds over which finished items are averaged; one poll finds many of them."""

MIN_OBSERVATION: Final = 1.0
"""Seconds before the first estimate."""


class Rate:
    """Average amount per second over a sliding window.

    Args:
        window: Length of the window in seconds.
        now: Present time.
    """

    def __init__(self, window: float, now: float) -> None:
        self._window = window
        self._started = now
        self._amounts: deque[tuple[int, float]] = deque()
        self._sum = 0.0

    def add(self, amount: float, now: float) -> None:
        """Add an amount."""
        second = int(now)
        if self._amounts and self._amounts[-1][0] >= second:
            second, previous = self._amounts.pop()
            self._amounts.append((second, previous + amount))
        else:
            self._amounts.append((second, amount))
        self._sum += amount

    def per_second(self, now: float) -> float | None:
        """Return the average; None in the first second."""
        observed = min(self._window, now - self._started)
        if observed < MIN_OBSERVATION:
            return None
        while self._amounts and self._amounts[0][0] <= now - self._window:
            self._sum -= self._amounts.popleft()[1]
        return max(0.0, self._sum) / observed if self._amounts else 0.0


def seconds_left(
    *, items: int, completions_per_second: float | None, unsent_bytes: int = 0, bytes_per_second: float | None = None
) -> float | None:
    """Return the seconds until all items have ended, at the present speed; None if it is unknown.

    Args:
        items: Number of items that have not ended.
        completions_per_second: Number of items that end per second.
        unsent_bytes: Bytes still to be sent of the files in progress; one huge file may take longer than all others.
        bytes_per_second: Upload speed.
    """
    if items <= 0:
        return 0.0
    if not completions_per_second:
        return None
    return max(items / completions_per_second, unsent_bytes / bytes_per_second if bytes_per_second else 0.0)


def format_rough_duration(seconds: float) -> str:
    """Format an estimated duration: `12 s`, `4 min`, `3 h 10 min`, `2 days`."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    minutes = round(minutes / 10) * 10
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"


Dimension = Literal["request", "duration"]
"""What a limit counts: requests, or minutes of media."""

PlanName = Literal["free", "developer", "developer-2", "developer-3"]
"""Plans with published limits; `developer` is the first tier of its plan, `developer-2` and `-3` are the next two."""

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0


@attrs.frozen
class PlanLimit:
    """A published rate limit."""

    category: str
    """The group of endpoints that share the limit, such as `index`."""
    dimension: Dimension
    amount: float
    """Requests, or minutes of media."""
    window_seconds: float

    @property
    def description(self) -> str:
        """The limit as a string: `index: 600 minutes of media an hour`."""
        unit = "requests" if self.dimension == "request" else "minutes of media"
        return f"{self.category}: {self.amount:,.0f} {unit} {_WINDOW_NAMES[self.window_seconds]}"


_WINDOW_NAMES: Final[Mapping[float, str]] = {MINUTE: "a minute", HOUR: "an hour", DAY: "a day"}


def _tier_limits(multiplier: int) -> tuple[PlanLimit, ...]:
    """Return the limits of a tier, which are multiples of those of the first tier."""
    return (
        PlanLimit("upload", "request", 60 * multiplier, MINUTE),
        PlanLimit("upload", "request", 3000 * multiplier, DAY),
        PlanLimit("index", "request", 60 * multiplier, MINUTE),
        PlanLimit("index", "request", 3000 * multiplier, DAY),
        PlanLimit("index", "duration", 600 * multiplier, HOUR),
        PlanLimit("index", "duration", 3000 * multiplier, DAY),
    )


PUBLISHED_LIMITS: Final[Mapping[PlanName, tuple[PlanLimit, ...]]] = {
    "free": _tier_limits(1),
    "developer": _tier_limits(1),
    "developer-2": _tier_limits(2),
    "developer-3": _tier_limits(4),
}
"""Limits as of https://docs.twelvelabs.io/docs/get-started/rate-limits. Some accounts have lower limits; the limits in
response headers are the ones that apply."""


@attrs.frozen
class Demand:
    """How much of a limit an ingestion uses."""

    category: str
    dimension: Dimension
    amount: float


def min_seconds(demand: Demand, limit: PlanLimit) -> float:
    """Return the least seconds that an ingestion takes, if the whole limit is available at the start."""
    return max(0, ceil(demand.amount / limit.amount) - 1) * limit.window_seconds


def bottleneck(demands: Iterable[Demand], limits: Iterable[PlanLimit]) -> tuple[PlanLimit, float] | None:
    """Return the limit that takes the longest and its seconds; None if no limit is exceeded."""
    by_limit = {(demand.category, demand.dimension): demand for demand in demands}
    waits = [
        (limit, min_seconds(by_limit[limit.category, limit.dimension], limit))
        for limit in limits
        if (limit.category, limit.dimension) in by_limit
    ]
    worst = max(waits, key=lambda wait: wait[1], default=None)
    return worst if worst is not None and worst[1] > 0 else None


def additional_windows(demand: Demand, limit: float, remaining: float) -> int:
    """Return the number of windows that an ingestion uses after the present one."""
    return max(0, ceil((demand.amount - remaining) / limit))

"""How long a job takes at given limits, and which of them binds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final, Literal

import attrs

Dimension = Literal["request", "duration"]
"""What is counted: requests, or minutes of media."""

PlanName = Literal["free", "developer", "developer-2", "developer-3"]
"""Plans whose limits are published; `developer` is their first tier, the others the next two."""

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0


@attrs.frozen
class Allowance:
    """So much of one thing in so many seconds."""

    category: str
    """The group of endpoints, such as `index`."""
    dimension: Dimension
    amount: float
    """Requests, or minutes of media."""
    seconds: float

    @property
    def words(self) -> str:
        """For people: `index: 600 minutes of media an hour`."""
        what = "requests" if self.dimension == "request" else "minutes of media"
        return f"{self.category}: {self.amount:,.0f} {what} {_EVERY[self.seconds]}"


_EVERY: Final[Mapping[float, str]] = {MINUTE: "a minute", HOUR: "an hour", DAY: "a day"}


def _tier(times: int) -> tuple[Allowance, ...]:
    """The limits on uploading and indexing are twice and four times those of the first tier in the next two."""
    return (
        Allowance("upload", "request", 60 * times, MINUTE),
        Allowance("upload", "request", 3000 * times, DAY),
        Allowance("index", "request", 60 * times, MINUTE),
        Allowance("index", "request", 3000 * times, DAY),
        Allowance("index", "duration", 600 * times, HOUR),
        Allowance("index", "duration", 3000 * times, DAY),
    )


PUBLISHED: Final[Mapping[PlanName, tuple[Allowance, ...]]] = {
    "free": _tier(1),
    "developer": _tier(1),
    "developer-2": _tier(2),
    "developer-3": _tier(4),
}
"""As of https://docs.twelvelabs.io/docs/get-started/rate-limits. Accounts have been seen that are allowed less: what
counts is what the platform tells with each answer."""


@attrs.frozen
class Need:
    """How much of one thing a job takes."""

    category: str
    dimension: Dimension
    amount: float


def least_seconds(need: Need, allowance: Allowance) -> float:
    """Seconds before which a job cannot be through, if all of the allowance is there at the beginning."""
    return max(0, ceil(need.amount / allowance.amount) - 1) * allowance.seconds


def binding(needs: Iterable[Need], allowances: Iterable[Allowance]) -> tuple[Allowance, float] | None:
    """The limit that holds a job up the longest, and for how many seconds; None if none does."""
    amounts = {(need.category, need.dimension): need for need in needs}
    waits = [
        (allowance, least_seconds(amounts[allowance.category, allowance.dimension], allowance))
        for allowance in allowances
        if (allowance.category, allowance.dimension) in amounts
    ]
    worst = max(waits, key=lambda wait: wait[1], default=None)
    return worst if worst is not None and worst[1] > 0 else None


@attrs.frozen
class Known:
    """A limit as the platform has told it: how large its windows are, but not how long."""

    category: str
    dimension: str
    limit: float
    remaining: float
    resets_in: float | None
    """Seconds until it is all there again; None if it is."""


def more_windows(need: Need, known: Known) -> int:
    """How many windows a job takes after the present one."""
    return max(0, ceil((need.amount - known.remaining) / known.limit))

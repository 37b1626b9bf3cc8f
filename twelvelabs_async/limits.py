"""What a client knows of its limits at a moment: values, for people and dashboards."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

LearnedFrom = Literal["headers", "refusals", "nothing"]
"""What the numbers of a category rest on: what answers told, that calls were refused, or nothing yet."""


@attrs.frozen(kw_only=True)
class WindowLimits:
    """What the last answer told of one dimension."""

    dimension: str
    """What is counted: `request`, `duration`, `token`."""
    limit: float | None
    """How much of it, in all, in one window."""
    remaining: float | None
    """What was left."""
    resets_at: datetime | None
    """When the window ends, in UTC by the server's clock."""


@attrs.frozen(kw_only=True)
class CategoryLimits:
    """One category of operations, as this process sees it."""

    category: str
    """The operations that share the limit, such as `search`."""
    windows: tuple[WindowLimits, ...]
    """What the last answer with numbers told, by dimension."""
    waiting: int
    """Calls in the queue."""
    in_flight: int
    """Calls on the way."""
    refused: int
    """Answers 429 so far."""
    learned_from: LearnedFrom
    """What the numbers rest on."""

    @property
    def tightest(self) -> WindowLimits | None:
        """The window of which the smallest part is left."""
        told = [window for window in self.windows if window.limit and window.remaining is not None]
        return min(told, key=lambda one: (one.remaining or 0.0) / (one.limit or 1.0), default=None)

    @property
    def limit(self) -> float | None:
        """How large the tightest window is."""
        return None if self.tightest is None else self.tightest.limit

    @property
    def remaining(self) -> float | None:
        """What is left of it."""
        return None if self.tightest is None else self.tightest.remaining

    @property
    def resets_at(self) -> datetime | None:
        """When it ends."""
        return None if self.tightest is None else self.tightest.resets_at

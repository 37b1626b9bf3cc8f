"""Rate limits as the platform counts them: fixed windows, shared by the operations of one category."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from twelvelabs_async.emulator.clock import Clock, second

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTE, DAY = 60.0, 86_400.0

CATEGORIES = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
}
"""Operations that the platform counts together; all the rest are `other`."""

OTHER = "other"

Headers = Literal["plain", "dimension", "none"]
"""`plain` is `X-Ratelimit-Limit`, `dimension` is `X-Ratelimit-Request-Limit`."""


@dataclass(frozen=True, slots=True)
class Window:
    """So many requests in so many seconds, counted from the first request."""

    limit: int
    seconds: float = MINUTE
    dimension: str = "Request"
    """What is counted. Only requests are, today; the word goes into the names of the headers."""

    @property
    def text(self) -> str:
        """The limit in the words of the refusal."""
        names = {1.0: "1sec", MINUTE: "1min", DAY: "1day"}
        return f"{self.limit}req/{names.get(self.seconds, f'{self.seconds:g}sec')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an organisation may do.

    Every category has its own count. A category without windows of its own gets those of `default`, and without those
    it is not limited and says nothing about limits. The categories are `index`, `upload`, `search` and `other`.
    """

    windows: Mapping[str, Window | Sequence[Window]] = field(default_factory=dict[str, Window | Sequence[Window]])
    """By category. All windows of a category count each request, and the tightest one is told in the headers."""
    default: Window | Sequence[Window] = ()
    headers: Headers = "plain"
    retry_after: bool = True
    """Whether a 429 says when to come back."""
    index_days: int | None = None
    """Days after which an index is deleted; `None` keeps it."""

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the plan `free` or `developer`; as far as is known they count alike, and free indexes expire.

        Raises:
            ValueError: There is no such plan.
        """
        if name not in {"free", "developer"}:
            raise ValueError(f"unknown plan {name!r}: it is free or developer")
        windows = {
            "index": (Window(60), Window(3000, DAY)),
            "upload": (Window(60), Window(3000, DAY)),
            "search": (Window(600), Window(3000, DAY)),
        }
        return cls(windows=windows, index_days=90 if name == "free" else None)

    def windows_of(self, category: str) -> tuple[Window, ...]:
        """Return every window that counts a request of the category."""
        found = self.windows.get(category, self.default)
        return (found,) if isinstance(found, Window) else tuple(found)


@dataclass(slots=True)
class _Count:
    window: Window
    opened: float = -math.inf
    used: int = 0

    def advance(self, now: float) -> None:
        if now >= self.closes:
            self.opened, self.used = now, 0

    @property
    def closes(self) -> float:
        return self.opened + self.window.seconds

    @property
    def remaining(self) -> int:
        return self.window.limit - self.used


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what to tell about it."""

    allowed: bool
    headers: dict[str, str]
    message: str = ""


class Limiter:
    """Counts requests by category; a refused request does not count."""

    def __init__(self, plan: Plan | None, clock: Clock) -> None:
        self._plan = plan or Plan()
        self._clock = clock
        self._counts: dict[str, list[_Count]] = {}

    def judge(self, operation: str) -> Verdict:
        """Count one request of an operation if all its windows have room."""
        category = CATEGORIES.get(operation, OTHER)
        counts = self._counts.get(category)
        if counts is None:
            counts = self._counts[category] = [_Count(window) for window in self._plan.windows_of(category)]
        if not counts:
            return Verdict(allowed=True, headers={})
        return self._count(counts, self._clock.time())

    def _count(self, counts: Iterable[_Count], now: float) -> Verdict:
        for count in counts:
            count.advance(now)
        full = [count for count in counts if count.remaining <= 0]
        if full:
            return self._refusal(max(full, key=lambda count: count.closes), now)
        for count in counts:
            count.used += 1
        return Verdict(allowed=True, headers=self._headers(min(counts, key=lambda count: count.remaining)))

    def _refusal(self, count: _Count, now: float) -> Verdict:
        headers = self._headers(count)
        if self._plan.retry_after:
            headers["Retry-After"] = str(math.ceil(count.closes - now))
        until = second(math.ceil(count.closes))
        message = f"You have exceeded the rate limit ({count.window.text}). Please try again later after {until}."
        return Verdict(allowed=False, headers=headers, message=message)

    def _headers(self, count: _Count) -> dict[str, str]:
        if self._plan.headers == "none":
            return {}
        prefix = "X-Ratelimit" if self._plan.headers == "plain" else f"X-Ratelimit-{count.window.dimension}"
        return {
            f"{prefix}-Limit": str(count.window.limit),
            f"{prefix}-Remaining": str(count.remaining),
            f"{prefix}-Used": str(count.used),
            f"{prefix}-Reset": str(math.ceil(count.closes)),
        }

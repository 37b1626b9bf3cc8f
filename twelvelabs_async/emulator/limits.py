"""Rate limits as the platform counts them: fixed windows, shared by the operations of one category."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from twelvelabs_async.emulator.clock import Clock, second
from twelvelabs_async.emulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTE, DAY = 60.0, 86_400.0

CATEGORIES = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
    "POST /analyze": "analyze",
}
"""Operations that the platform counts together; all the rest are `other`."""

BY_CONTENT = {"POST /embed", "POST /embed/tasks", "POST /embed-v2", "POST /embed-v2/tasks"}
"""Operations whose category depends on what is embedded, so that only their handlers know it."""

OTHER = "other"

PlanName = Literal["free", "developer"]
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
    it is not limited and says nothing about limits. The categories are `index`, `upload`, `search`, `analyze`,
    `embed-text`, `embed-image`, `embed-text-image`, `embed-audio`, `embed-video` and `other`.
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
            "analyze": (Window(60), Window(1000, DAY)),
            **dict.fromkeys(("embed-audio", "embed-video"), (Window(25), Window(3000, DAY))),
            **dict.fromkeys(("embed-text", "embed-image", "embed-text-image"), (Window(600), Window(3000, DAY))),
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

    def judge(self, categories: Iterable[str]) -> Verdict:
        """Count one request in every one of its categories if all their windows have room."""
        counts = [count for category in dict.fromkeys(categories) for count in self._of(category)]
        if not counts:
            return Verdict(allowed=True, headers={})
        return self._count(counts, self._clock.time())

    def _of(self, category: str) -> list[_Count]:
        if category not in self._counts:
            self._counts[category] = [_Count(window) for window in self._plan.windows_of(category)]
        return self._counts[category]

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


@dataclass(slots=True)
class Meter:
    """Counts one request, be it before its handler begins or when the handler knows what it is about."""

    limiter: Limiter
    empty: bool
    """Whether a refusal has no body."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """What to tell about limits in the answer."""

    def count(self, *categories: str) -> None:
        """Count the request.

        Raises:
            ApiError: It is one too many.
        """
        verdict = self.limiter.judge(categories)
        self.headers.update(verdict.headers)
        if not verdict.allowed:
            error = ApiError(429, "too_many_requests", verdict.message)
            error.shape = "empty" if self.empty else "flat"
            raise error


METER: ContextVar[Meter] = ContextVar("METER")
"""The meter of the request that is being answered."""

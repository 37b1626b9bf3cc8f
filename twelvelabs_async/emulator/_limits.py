"""Rate limits of the emulated platform, counted per organization, category and dimension."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from twelvelabs_async.emulator._errors import ApiError
from twelvelabs_async.emulator._json import DAY, HOUR, rfc3339_millis, rfc3339_seconds
from twelvelabs_async.emulator._operations import TOTAL_MINUTES_CATEGORIES
from twelvelabs_async.emulator.clock import Clock
from twelvelabs_async.emulator.plans import Dimension, Plan, Window

_PERIODS = {HOUR: ("hourly", "hour"), DAY: ("daily", "day")}

Undo = Callable[[], None]
"""Undoes an addition to a window."""


class FixedWindow:
    """A window that opens with the first request after the previous window has closed."""

    def __init__(self, seconds: float) -> None:
        self.used: float = 0
        self._seconds = seconds
        self._opened_at = -math.inf

    def expire(self, now: float) -> None:
        """Close the window if it has ended."""
        if now >= self._opened_at + self._seconds:
            self._opened_at, self.used = -math.inf, 0

    def add(self, now: float, amount: float) -> Undo:
        """Add usage, and return a function that undoes it; once the window has closed, it has no effect."""
        if self._opened_at == -math.inf:
            self._opened_at = now
        opened = self._opened_at
        self.used += amount

        def undo() -> None:
            if self._opened_at == opened:
                self.used -= amount

        return undo

    def available_at(self, now: float, amount: float) -> float:
        """Return when the window closes, or would close if it opened now; the whole usage expires then."""
        del amount
        return (now if self._opened_at == -math.inf else self._opened_at) + self._seconds


class SlidingWindow:
    """A window that always covers the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.used: float = 0
        self._seconds = seconds
        self._entries: deque[list[float]] = deque()

    def expire(self, now: float) -> None:
        """Drop usage older than the window."""
        while self._entries and self._entries[0][0] + self._seconds <= now:
            _remove_entry(self, self._entries.popleft())

    def add(self, now: float, amount: float) -> Undo:
        """Add usage, and return a function that undoes it, which leaves an entry with an amount of 0."""
        entry = [now, amount]
        self._entries.append(entry)
        self.used += amount
        return partial(_remove_entry, self, entry)

    def available_at(self, now: float, amount: float) -> float:
        """Return when the oldest entries that add up to `amount` have expired."""
        available = now
        for added_at, used in self._entries:
            available = added_at + self._seconds
            amount -= used
            if amount <= 0:
                break
        return available


def _remove_entry(window: SlidingWindow, entry: list[float]) -> None:
    """Subtract an entry from the usage; a second call has no effect."""
    window.used -= entry[1]
    entry[1] = 0


@dataclass(slots=True)
class WindowUsage:
    """One window of one category and its usage."""

    organization: str
    category: str
    window: Window
    counter: FixedWindow | SlidingWindow
    peak: float = 0
    """Highest usage since the last reset."""

    @property
    def remaining(self) -> float:
        """Unused part of the limit."""
        return self.window.limit - self.counter.used

    def add(self, now: float, amount: float) -> Undo:
        """Add usage, and return a function that undoes it."""
        undo = self.counter.add(now, amount)
        self.peak = max(self.peak, self.counter.used)
        return undo

    def available_at(self, now: float, amount: float) -> float:
        """Return when `amount` more will fit into the window."""
        return self.counter.available_at(now, amount - self.remaining)

    def to_json(self, now: float) -> dict[str, Any]:
        """Return the window as JSON."""
        return {
            "organisation": self.organization,
            "category": self.category,
            "dimension": self.window.dimension,
            "seconds": self.window.seconds,
            "limit": self.window.limit,
            "used": round(self.counter.used, 3),
            "most": round(self.peak, 3),
            "resets_at": rfc3339_millis(self.counter.available_at(now, self.counter.used)),
        }


class Limiter:
    """Counts usage under a plan, which may be replaced at any time; earlier usage still counts."""

    def __init__(self, plan: Plan | None, clock: Clock) -> None:
        self.plan: Plan = plan or Plan()
        self.rate_limited: Counter[tuple[str, Dimension]] = Counter()
        """Number of 429 responses by category and dimension."""
        self._clock = clock
        self._total_minutes: defaultdict[str, float] = defaultdict(float)
        self._usages: dict[tuple[object, ...], WindowUsage] = {}

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._clock.time()

    def clear(self) -> None:
        """Reset all usage and the counts of 429 responses."""
        self._usages.clear()
        self.rate_limited.clear()
        self._total_minutes.clear()

    def count_total_minutes(self, organization: str, minutes: float) -> None:
        """Count minutes against the plan's total for indexing and analysis.

        Raises:
            ApiError: The total would be exceeded.
        """
        total = self.plan.total_minutes
        if total is not None and self._total_minutes[organization] + minutes > total:
            why = f"The plan includes {total} minutes in total; fewer than the requested {minutes:.1f} are left."
            raise ApiError(400, "usage_limit_exceeded", why)
        self._total_minutes[organization] += minutes

    def windows_for(self, organization: str, category: str) -> list[WindowUsage]:
        """Return the current windows of a category."""
        now, sliding = self.now(), self.plan.sliding
        found: list[WindowUsage] = []
        for window in self.plan.windows_for(category):
            key = (organization, category, window.dimension, window.seconds, sliding)
            usage = self._usages.get(key)
            if usage is None:
                counter = SlidingWindow(window.seconds) if sliding else FixedWindow(window.seconds)
                usage = self._usages[key] = WindowUsage(organization, category, window, counter)
            usage.window = window
            usage.counter.expire(now)
            found.append(usage)
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """Return every window with usage, as JSON."""
        now = self.now()
        for usage in self._usages.values():
            usage.counter.expire(now)
        return [usage.to_json(now) for usage in self._usages.values() if usage.peak]

    def rate_limit_error(self, usages: list[WindowUsage], amount: float) -> ApiError:
        """Return the 429 error for `amount` more, and count it.

        Of several exceeded windows, the error names the last one to become available.
        """
        now = self.now()
        usage = max(usages, key=lambda one: one.available_at(now, amount))
        window, free = usage.window, math.ceil(usage.available_at(now, amount))
        self.rate_limited[usage.category, window.dimension] += 1
        if window.plan_limit:
            adverb, period = _PERIODS.get(window.seconds, ("current", f"{window.seconds:g} s"))
            noun = usage.category.removesuffix("s").capitalize()
            why = (
                f"You have reached your free plan's {adverb} {noun} limit ({window.limit}/{period}). "
                f"It resets at {rfc3339_seconds(free)}."
            )
            return ApiError(429, "plan_limit_exceeded", why)
        why = (
            f"You have exceeded the rate limit ({window.description}). "
            f"Please try again later after {rfc3339_seconds(free)}."
        )
        headers = self._window_headers(usage, free)
        if self.plan.retry_after:
            # Added to the Date header, which has whole seconds, it is the time in the message and the other header.
            headers["Retry-After"] = str(max(0, free - math.floor(now)))
        return ApiError(429, "too_many_requests", why, headers=headers)

    def headers(self, usages: Iterable[WindowUsage]) -> dict[str, str]:
        """Return the rate-limit headers: for each dimension, the window with the lowest remaining amount."""
        now, headers = self.now(), dict[str, str]()
        by_remaining = sorted(usages, key=lambda one: -one.remaining)
        lowest = {usage.window.dimension: usage for usage in by_remaining if not usage.window.plan_limit}
        for usage in lowest.values():
            headers |= self._window_headers(usage, math.ceil(usage.available_at(now, 1)))
        return headers

    def _window_headers(self, usage: WindowUsage, reset: int) -> dict[str, str]:
        window = usage.window
        if self.plan.headers == "none" or (self.plan.headers == "plain" and window.dimension != "Request"):
            return {}
        prefix = "X-Ratelimit" if self.plan.headers == "plain" else f"X-Ratelimit-{window.dimension}"
        return {
            f"{prefix}-Limit": str(window.limit),
            f"{prefix}-Remaining": str(max(0, math.floor(usage.remaining + 1e-9))),
            f"{prefix}-Used": str(math.ceil(usage.counter.used - 1e-9)),
            f"{prefix}-Reset": str(reset),
        }


@dataclass(slots=True)
class UsageMeter:
    """Counts the usage of one request."""

    limiter: Limiter
    organization: str
    empty_429_body: bool
    """Whether a 429 response has no body if the plan's `bodies` is `documented`."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Rate-limit headers of the response."""
    categories: frozenset[str] = frozenset()
    """Categories of the request."""
    _usages: list[WindowUsage] = field(default_factory=list[WindowUsage])
    _undo: list[Undo] = field(default_factory=list[Undo])

    def count_request(self, *categories: str) -> None:
        """Count the request, if any output tokens are left.

        Raises:
            ApiError: A limit is exceeded.
        """
        self.categories = frozenset(categories)
        self._usages = [
            usage for name in dict.fromkeys(categories) for usage in self.limiter.windows_for(self.organization, name)
        ]
        if empty := [usage for usage in self._usages_of("OutputToken") if usage.remaining <= 0]:
            self._reject(empty, 1)
        self._reserve("Request", 1)

    def count_media(self, seconds: float | None) -> None:
        """Count the duration of the request's media, `None` if it is unknown.

        Raises:
            ApiError: A limit is exceeded. If it is the limit of a window, the request is not counted at all.
        """
        if not seconds:
            return
        self._reserve("Duration", seconds / 60)
        if self.categories & TOTAL_MINUTES_CATEGORIES:
            self.limiter.count_total_minutes(self.organization, seconds / 60)

    def count_tokens(self, tokens: int) -> None:
        """Count the output tokens of the response, even beyond the limit."""
        now = self.limiter.now()
        for usage in self._usages_of("OutputToken"):
            usage.add(now, tokens)
        self.headers = self.limiter.headers(self._usages)

    def _usages_of(self, dimension: Dimension) -> list[WindowUsage]:
        return [usage for usage in self._usages if usage.window.dimension == dimension]

    def _reserve(self, dimension: Dimension, amount: float) -> None:
        usages = self._usages_of(dimension)
        if full := [usage for usage in usages if usage.remaining < amount]:
            self._reject(full, amount)
        now = self.limiter.now()
        self._undo += [usage.add(now, amount) for usage in usages]
        self.headers = self.limiter.headers(self._usages)

    def _reject(self, exceeded: list[WindowUsage], amount: float) -> None:
        for undo in self._undo:
            undo()
        self._undo.clear()
        error = self.limiter.rate_limit_error(exceeded, amount)
        self.headers = {**self.limiter.headers(self._usages), **error.headers}
        bodies = self.limiter.plan.bodies
        if bodies == "empty" or (bodies == "documented" and self.empty_429_body):
            error.shape = "empty"
        raise error

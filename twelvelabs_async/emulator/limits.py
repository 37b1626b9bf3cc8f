"""Rate limits as the platform counts them: by organisation, category and dimension."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator.clock import Clock, moment, second
from twelvelabs_async.emulator.counting import Count, Fixed, Sliding
from twelvelabs_async.emulator.errors import ApiError
from twelvelabs_async.emulator.plans import TOTALLED, Dimension, Plan, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twelvelabs_async.emulator.counting import Undo


@dataclass(slots=True)
class Tally:
    """One window of one category, and what was used of it."""

    organisation: str
    category: str
    window: Window
    count: Count
    most: float = 0
    """Most that was used at one time."""

    @property
    def remaining(self) -> float:
        """How much is left."""
        return self.window.limit - self.count.used

    def add(self, now: float, amount: float) -> Undo:
        """Count, and return how to take it back."""
        undo = self.count.add(now, amount)
        self.most = max(self.most, self.count.used)
        return undo

    def frees(self, now: float, amount: float) -> float:
        """Return when there will be room for so much."""
        return self.count.frees(now, amount - self.remaining)

    def told(self, now: float) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "organisation": self.organisation,
            "category": self.category,
            "dimension": self.window.dimension,
            "seconds": self.window.seconds,
            "limit": self.window.limit,
            "used": round(self.count.used, 3),
            "most": round(self.most, 3),
            "resets_at": moment(self.count.frees(now, self.count.used)),
        }


class Limiter:
    """Counts what is used, under a plan that may change at any time: what was used stays used."""

    def __init__(self, plan: Plan | None, clock: Clock) -> None:
        self.plan: Plan = plan or Plan()
        self.refusals: Counter[tuple[str, Dimension]] = Counter()
        """429 answers, by category and dimension."""
        self._clock = clock
        self._minutes: defaultdict[str, float] = defaultdict(float)
        self._tallies: dict[tuple[object, ...], Tally] = {}

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._clock.time()

    def clear(self) -> None:
        """Forget what was used, and what was refused."""
        self._tallies.clear()
        self.refusals.clear()
        self._minutes.clear()

    def use_up(self, organisation: str, minutes: float) -> None:
        """Count what is indexed and analyzed at all.

        Raises:
            ApiError: The plan has no more of it.
        """
        total = self.plan.total_minutes
        if total is not None and self._minutes[organisation] + minutes > total:
            why = f"The plan has {total} minutes in all, and less than the {minutes:.1f} asked for are left."
            raise ApiError(400, "usage_limit_exceeded", why)
        self._minutes[organisation] += minutes

    def of(self, organisation: str, category: str) -> list[Tally]:
        """Return the windows of a category as they stand now."""
        now, plan = self.now(), self.plan
        found = [self._tally(organisation, category, window) for window in plan.windows_of(category)]
        for tally in found:
            tally.count.advance(now)
        return found

    def _tally(self, organisation: str, category: str, window: Window) -> Tally:
        sliding = self.plan.sliding
        key = (organisation, category, window.dimension, window.seconds, sliding)
        tally = self._tallies.get(key)
        if tally is None:
            count = Sliding(window.seconds) if sliding else Fixed(window.seconds)
            tally = self._tallies[key] = Tally(organisation, category, window, count)
        tally.window = window
        return tally

    def told(self) -> list[dict[str, Any]]:
        """Return all windows that have counted anything, as JSON."""
        now = self.now()
        for tally in self._tallies.values():
            tally.count.advance(now)
        return [tally.told(now) for tally in self._tallies.values() if tally.most]

    def refusal(self, tallies: list[Tally], amount: float) -> ApiError:
        """Return the refusal of so much more, by the one of these windows that stays full for longest, and count it."""
        now = self.now()
        tally = max(tallies, key=lambda one: one.frees(now, amount))
        window, free = tally.window, math.ceil(tally.frees(now, amount))
        self.refusals[tally.category, window.dimension] += 1
        why = f"You have exceeded the rate limit ({window.text}). Please try again later after {second(free)}."
        headers = self._family(tally, now, amount)
        if self.plan.retry_after:
            headers["Retry-After"] = str(max(0, math.ceil(tally.frees(now, amount) - now)))
        return ApiError(429, "too_many_requests", why, headers=headers)

    def headers(self, tallies: Iterable[Tally]) -> dict[str, str]:
        """Return what an answer tells: of each dimension the window with the least left."""
        now, told = self.now(), dict[str, str]()
        tightest = dict[Dimension, Tally]()
        for tally in sorted(tallies, key=lambda one: -one.remaining):
            if self.plan.headers == "dimension" or tally.window.dimension == "Request":
                tightest[tally.window.dimension] = tally
        for tally in tightest.values():
            told |= self._family(tally, now, 1)
        return told

    def _family(self, tally: Tally, now: float, amount: float) -> dict[str, str]:
        window = tally.window
        if self.plan.headers == "none" or (self.plan.headers == "plain" and window.dimension != "Request"):
            return {}
        prefix = "X-Ratelimit" if self.plan.headers == "plain" else f"X-Ratelimit-{window.dimension}"
        return {
            f"{prefix}-Limit": str(window.limit),
            f"{prefix}-Remaining": str(max(0, math.floor(tally.remaining + 1e-9))),
            f"{prefix}-Used": str(math.ceil(tally.count.used - 1e-9)),
            f"{prefix}-Reset": str(math.ceil(tally.frees(now, max(amount, 1)))),
        }


@dataclass(slots=True)
class Meter:
    """Counts one request, as soon as something is known of it."""

    limiter: Limiter
    organisation: str
    empty: bool
    """Whether a refusal has no body where the API leaves it out."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """What to tell about limits in the answer."""
    categories: frozenset[str] = frozenset()
    """What the request counts as."""
    _tallies: list[Tally] = field(default_factory=list[Tally])
    _undo: list[Undo] = field(default_factory=list["Undo"])

    def count(self, *categories: str) -> None:
        """Count the request, if tokens are left for its answer, too.

        Raises:
            ApiError: It is one too many.
        """
        self.categories = frozenset(categories)
        self._tallies = [
            tally for name in dict.fromkeys(categories) for tally in self.limiter.of(self.organisation, name)
        ]
        if not self._tallies:
            return
        if empty := [tally for tally in self._of("OutputToken") if tally.remaining <= 0]:
            self._refuse(empty, 1)
        self._take("Request", 1)

    def spend(self, seconds: float) -> None:
        """Count the media that the request is about.

        Raises:
            ApiError: It is more than is left. Refused by a window, the request does not count at all.
        """
        self._take("Duration", seconds / 60)
        if self.categories & TOTALLED:
            self.limiter.use_up(self.organisation, seconds / 60)

    def settle(self, tokens: int) -> None:
        """Count the text of the answer, which cannot be refused any more."""
        now = self.limiter.now()
        for tally in self._of("OutputToken"):
            tally.add(now, tokens)
        self._tell()

    def _of(self, dimension: Dimension) -> list[Tally]:
        return [tally for tally in self._tallies if tally.window.dimension == dimension]

    def _take(self, dimension: Dimension, amount: float) -> None:
        tallies = self._of(dimension)
        if full := [tally for tally in tallies if tally.remaining < amount]:
            self._refuse(full, amount)
        now = self.limiter.now()
        self._undo += [tally.add(now, amount) for tally in tallies]
        self._tell()

    def _tell(self) -> None:
        self.headers = self.limiter.headers(self._tallies)

    def _refuse(self, full: list[Tally], amount: float) -> None:
        for undo in self._undo:
            undo()
        self._undo.clear()
        error = self.limiter.refusal(full, amount)
        self.headers = {**self.limiter.headers(self._tallies), **error.headers}
        bodies = self.limiter.plan.bodies
        if bodies == "empty" or (bodies == "api" and self.empty):
            error.shape = "empty"
        raise error


METER: ContextVar[Meter] = ContextVar("METER")
"""The meter of the request that is being answered."""

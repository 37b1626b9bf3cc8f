"""The queue before one category of calls.

First come, first served, within a priority. `interactive` calls go before `bulk` ones, but while both wait every
`BULK_EVERY`th turn is a bulk call's, so that a bulk job gets on. Nobody goes past a call at the head that costs much:
it is its turn until it has gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import GaveUp
from twelvelabs_async.limits import CategoryLimits, WindowLimits
from twelvelabs_async.policy.budget import Costs
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.settings import Priority

BULK_EVERY: Final = 5
"""Of so many turns one is a bulk call's while both kinds wait."""


class Waiter:
    """A call in the queue."""

    __slots__ = ("_news", "_stirred", "costs", "deadline", "max_wait", "priority")

    def __init__(self, priority: Priority, costs: Costs, max_wait: float, deadline: float | None) -> None:
        self.priority: Priority = priority
        self.costs: Costs = costs
        self.max_wait: float = max_wait
        self.deadline: float | None = deadline
        self._news: asyncio.Future[None] | None = None
        self._stirred = False

    def wake(self) -> None:
        """Have it look again, if need be instead of falling asleep."""
        self._stirred = True
        if self._news is not None:
            _wake(self._news)

    async def sleep(self, seconds: float | None, clock: Clock) -> None:
        """Until somebody wakes it, or for `seconds`."""
        if self._stirred:  # while the store was asked
            self._stirred = False
            return
        news = self._news = asyncio.get_running_loop().create_future()
        timer = None if seconds is None else asyncio.ensure_future(clock.sleep(seconds))
        if timer is not None:
            # It ends this sleep and no other: a timer that is cancelled is done too, after the next one has begun.
            timer.add_done_callback(lambda _: _wake(news))
        try:
            await news
        finally:
            self._news, self._stirred = None, False
            if timer is not None:
                timer.cancel()


class Bar:
    """What holds the head of a queue up, and so all behind it that cost as much."""

    __slots__ = ("_costs", "until", "wait")

    def __init__(self, wait: Wait, until: float, costs: Costs) -> None:
        self.wait: Wait = wait
        self.until: float = until
        self._costs = costs

    def too_late(self, waiter: Waiter, now: float) -> GaveUp | None:
        """Why that is too long for somebody, if it is."""
        if waiter.costs.get(self.wait.dimension, 0.0) < self._costs.get(self.wait.dimension, 0.0):
            return None
        if self.until - now > waiter.max_wait:
            return "max_wait"
        return "deadline" if waiter.deadline is not None and self.until > waiter.deadline else None


def _wake(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


def moment(seconds: float) -> datetime | None:
    """A date in UTC; None if the server's clock, which it follows, stands where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def window_limits(dimension: str, quota: Quota) -> WindowLimits:
    """What an answer told of one dimension, as people read it."""
    resets_at = None if quota.reset is None else moment(quota.reset)
    return WindowLimits(dimension=dimension, limit=quota.limit, remaining=quota.remaining, resets_at=resets_at)


class Lane:
    """The queue before one category."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.interactive: deque[Waiter] = deque()
        self.bulk: deque[Waiter] = deque()
        self.overtaken: int = 0
        """Turns of interactive calls since the last one of a bulk call, while both waited."""
        self.in_flight: int = 0
        """Turns that are held."""
        self.bar: Bar | None = None
        """What holds the head up; None if it is not known how long."""
        self.refused: int = 0
        """Answers 429."""
        self.told: Advice | None = None
        """The last answer with numbers."""
        self.skew: float = 0.0
        """Seconds by which the server's clock is ahead of ours."""

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self.interactive) + len(self.bulk)

    def queue(self, priority: Priority) -> deque[Waiter]:
        """Those of one priority, in order."""
        return self.interactive if priority == "interactive" else self.bulk

    def head(self) -> Waiter | None:
        """Whose turn is next."""
        if self.interactive and (not self.bulk or self.overtaken < BULK_EVERY - 1):
            return self.interactive[0]
        return self.bulk[0] if self.bulk else None

    def tell(self) -> None:
        """Wake the head: something has changed."""
        self.bar = None
        head = self.head()
        if head is not None:
            head.wake()

    def everybody(self) -> Iterable[Waiter]:
        """All in the queue."""
        return (*self.interactive, *self.bulk)

    def limits(self) -> CategoryLimits:
        """What is known of it now."""
        quotas: Mapping[str, Quota] = {} if self.told is None else self.told.quotas
        return CategoryLimits(
            category=self.name,
            windows=tuple(map(window_limits, quotas, quotas.values())),
            waiting=self.waiting,
            in_flight=self.in_flight,
            refused=self.refused,
            learned_from="headers" if quotas else "refusals" if self.refused else "nothing",
        )

    def went(self, priority: Priority) -> None:
        """A call out of the queue has got its turn."""
        self.overtaken = self.overtaken + 1 if priority == "interactive" and self.bulk else 0

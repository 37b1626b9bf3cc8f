"""Gives calls their turn, category by category, so that the wall of a rate limit is not hit.

What a category may send is known to its budget, in a `BudgetStore`; here is the queue before it. First come, first
served, within a priority; `interactive` calls go before `bulk` ones, but while both wait every `BULK_EVERY`th turn is a
bulk call's, so that a bulk job gets on. Whoever is at the head asks the store, and nobody goes past a call at the head
that costs much: it is its turn until it has gone. A turn is held until its answer has been read, so that the next in
line goes by what it said.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIConnectionError, ClientStateError, GaveUp, QuotaExhaustedError
from twelvelabs_async.events import Events, LimitUpdate, LimitWait
from twelvelabs_async.policy.budget import ONE, Costs
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.store import BudgetStore, MemoryStore
from twelvelabs_async.settings import Priority

BULK_EVERY: Final = 5
"""Of so many turns one is a bulk call's while both kinds wait."""


class _Waiter:
    """A call in the queue."""

    __slots__ = ("_news", "costs", "deadline", "max_wait", "priority")

    def __init__(self, priority: Priority, costs: Costs, max_wait: float, deadline: float | None) -> None:
        self.priority: Priority = priority
        self.costs = costs
        self.max_wait = max_wait
        self.deadline = deadline
        self._news: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self._news is not None:
            _wake(self._news)

    async def sleep(self, seconds: float | None, clock: Clock) -> None:
        """Until somebody wakes it, or for `seconds`."""
        news = self._news = asyncio.get_running_loop().create_future()
        timer = None if seconds is None else asyncio.ensure_future(clock.sleep(seconds))
        if timer is not None:
            # It ends this sleep and no other: a timer that is cancelled is done too, after the next one has begun.
            timer.add_done_callback(lambda _: _wake(news))
        try:
            await news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()


class _Bar:
    """What holds the head of a queue up, and so all behind it that cost as much."""

    __slots__ = ("_costs", "until", "wait")

    def __init__(self, wait: Wait, until: float, costs: Costs) -> None:
        self.wait = wait
        self.until = until
        self._costs = costs

    def too_late(self, waiter: _Waiter, now: float) -> GaveUp | None:
        """Why that is too long for somebody, if it is."""
        if waiter.costs.get(self.wait.dimension, 0.0) < self._costs.get(self.wait.dimension, 0.0):
            return None
        if self.until - now > waiter.max_wait:
            return "max_wait"
        return "deadline" if waiter.deadline is not None and self.until > waiter.deadline else None


def _wake(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


class Lane:
    """The queue before one category."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.interactive: deque[_Waiter] = deque()
        self.bulk: deque[_Waiter] = deque()
        self.overtaken: int = 0
        """Turns of interactive calls since the last one of a bulk call, while both waited."""
        self.in_flight: int = 0
        """Turns that are held."""
        self.bar: _Bar | None = None
        """What holds the head up; None if it is not known how long."""
        self.skew: float = 0.0
        """Seconds by which the server's clock is ahead of ours."""

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self.interactive) + len(self.bulk)

    def queue(self, priority: Priority) -> deque[_Waiter]:
        """Those of one priority, in order."""
        return self.interactive if priority == "interactive" else self.bulk

    def head(self) -> _Waiter | None:
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

    def everybody(self) -> Iterable[_Waiter]:
        """All in the queue."""
        return (*self.interactive, *self.bulk)

    def went(self, priority: Priority) -> None:
        """A call out of the queue has got its turn."""
        self.overtaken = self.overtaken + 1 if priority == "interactive" and self.bulk else 0


class Turn:
    """Leave for one attempt; held until its answer has been read, so that the next in line knows what it said."""

    __slots__ = ("_lane", "_limiter", "_open", "_ticket")

    def __init__(self, limiter: RateLimiter, lane: Lane, ticket: int) -> None:
        self._limiter = limiter
        self._lane = lane
        self._ticket = ticket
        self._open = True
        lane.in_flight += 1

    async def answered(self, status: int, advice: Advice) -> None:
        """Report an answer: its status and what its headers advise."""
        if self._open:
            self._open = False
            self._lane.in_flight -= 1
            await self._limiter.settle(self._lane, self._ticket, status, advice)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._open:
            self._open = False
            self._lane.in_flight -= 1
            sent = not isinstance(error, ClientStateError | None) and not _unsent(error)
            await self._limiter.store.release(self._lane.name, self._ticket, sent=sent)
        self._lane.tell()


def _unsent(error: BaseException | None) -> bool:
    return isinstance(error, APIConnectionError) and not error.sent


class RateLimiter:
    """Gives calls their turn, category by category. Shared by all views of one client.

    Args:
        clock: What time it is.
        store: Where the budgets are; None keeps them in memory.
        events: Who is told of waits and of numbers.
        jitter: A number from 0 to 1, anew each time.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        store: BudgetStore | None = None,
        events: Events | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self.store: BudgetStore = store or MemoryStore(clock.monotonic)
        self.events: Events = events or Events()
        self.jitter = jitter
        self._lanes: dict[str, Lane] = {}
        self._closed = False

    def close(self) -> None:
        """Turn away everybody who waits."""
        self._closed = True
        for lane in self._lanes.values():
            for waiter in lane.everybody():
                waiter.wake()

    def lane(self, category: str) -> Lane:
        """The queue before a category."""
        lane = self._lanes.get(category)
        if lane is None:
            lane = self._lanes[category] = Lane(category)
        return lane

    async def turn(
        self,
        category: str,
        *,
        max_wait: float,
        deadline: float | None = None,
        costs: Costs = ONE,
        priority: Priority = "interactive",
    ) -> Turn:
        """Wait until a call in `category` may leave.

        Args:
            category: See `category_of`.
            max_wait: Seconds of known waiting that are acceptable.
            deadline: Monotonic moment before which the turn must come.
            costs: What the call draws on each dimension.
            priority: Whether it goes before others, or after them.

        Raises:
            QuotaExhaustedError: It is known already that the turn comes too late.
            ClientStateError: The client was closed meanwhile.
        """
        lane = self.lane(category)
        if not lane.interactive and not lane.bulk and not self._closed:
            ticket = await self.store.reserve(category, costs)
            if isinstance(ticket, int):
                return Turn(self, lane, ticket)
        return Turn(self, lane, await self._queue(lane, _Waiter(priority, costs, max_wait, deadline)))

    async def settle(self, lane: Lane, ticket: int, status: int, advice: Advice) -> None:
        """An answer came; tell the store, and whoever listens."""
        lane.skew = advice.server_time - self.clock.time()
        refused = status == 429
        jitter = self.jitter() if refused else 0.0
        await self.store.settle(lane.name, ticket, advice, refused=refused, jitter=jitter)
        if self.events.wanted:
            self._tell_update(lane, advice)

    async def _queue(self, lane: Lane, waiter: _Waiter) -> int:
        queue = lane.queue(waiter.priority)
        queue.append(waiter)
        try:
            while True:
                if self._closed:
                    raise ClientStateError("the client was closed while the call waited for its turn")
                ticket = await self._ask(lane, waiter)
                if ticket is not None:
                    lane.went(waiter.priority)
                    return ticket
        finally:
            queue.remove(waiter)
            lane.tell()

    async def _ask(self, lane: Lane, waiter: _Waiter) -> int | None:
        """The head asks the store, and all others sleep until something changes."""
        if lane.head() is not waiter:
            self._hasten(lane, waiter)
            await waiter.sleep(None, self.clock)
            return None
        found = await self.store.reserve(lane.name, waiter.costs)
        if isinstance(found, int):
            return found
        if found.certain:
            lane.bar = _Bar(found, self.clock.monotonic() + (found.seconds or 0.0), waiter.costs)
            self._hasten(lane, waiter)
            for other in lane.everybody():
                if lane.bar.too_late(other, self.clock.monotonic()):
                    other.wake()
        if self.events.wanted:
            self._tell_wait(lane, waiter, found)
        await waiter.sleep(self.store.poll if found.seconds is None else found.seconds, self.clock)
        return None

    def _hasten(self, lane: Lane, waiter: _Waiter) -> None:
        """Raise if it is known already that the turn comes too late."""
        why = None if lane.bar is None else lane.bar.too_late(waiter, self.clock.monotonic())
        if lane.bar is not None and why is not None:
            raise self._exhausted(lane, lane.bar, why)

    def _tell_wait(self, lane: Lane, waiter: _Waiter, wait: Wait) -> None:
        self.events.tell(
            LimitWait(
                category=lane.name,
                priority=waiter.priority,
                waiting=lane.waiting,
                seconds=wait.seconds,
                dimension=wait.dimension,
                limit=wait.limit,
            )
        )

    def _tell_update(self, lane: Lane, advice: Advice) -> None:
        for dimension, quota in advice.quotas.items():
            self.events.tell(
                LimitUpdate(
                    category=lane.name,
                    dimension=dimension,
                    limit=quota.limit,
                    remaining=quota.remaining,
                    resets_at=None if quota.reset is None else moment(quota.reset),
                )
            )

    def _exhausted(self, lane: Lane, bar: _Bar, why: GaveUp) -> QuotaExhaustedError:
        wait, seconds = bar.wait, bar.until - self.clock.monotonic()
        resets_at = moment(self.clock.time() + lane.skew + seconds)
        until = f"for {seconds:.0f} s" if resets_at is None else f"until {resets_at:%Y-%m-%dT%H:%M:%SZ}"
        size = "the quota" if wait.limit is None else f"the quota of {wait.limit:g}"
        return QuotaExhaustedError(
            message=f"{size} ({wait.dimension}) for {lane.name} is used up {until}",
            category=lane.name,
            dimension=wait.dimension,
            limit=None if wait.limit is None else int(wait.limit),
            resets_at=resets_at,
            retry_after=seconds,
            retryable=True,
            gave_up=why,
        )


def moment(seconds: float) -> datetime | None:
    """A date in UTC; None if the server's clock, which it follows, stands where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None

"""Gives calls their turn, category by category, so that the wall of a rate limit is not hit.

What a category may send is known to its budget, in a `BudgetStore`; before it stands a queue, a `Lane`. Whoever is at
its head asks the store, and goes or waits. A turn is held until its answer has been read, so that the next in line goes
by what it said.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from types import TracebackType
from typing import Self

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIConnectionError, ClientStateError, GaveUp, QuotaExhaustedError
from twelvelabs_async.events import Events, LimitUpdate, LimitWait
from twelvelabs_async.limits import CategoryLimits
from twelvelabs_async.policy.budget import ONE, Costs
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.policy.lane import Bar, Lane, Waiter, moment
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.store import BudgetStore, MemoryStore
from twelvelabs_async.settings import Priority


class Turn:
    """Leave for one attempt; held until its answer has been read, so that the next in line knows what it said."""

    __slots__ = ("_lane", "_limiter", "_open", "_ticket", "waited")

    def __init__(self, limiter: RateLimiter, lane: Lane, ticket: int, waited: float = 0.0) -> None:
        self.waited: float = waited
        """Seconds in the queue."""
        self._limiter = limiter
        self._lane = lane
        self._ticket = ticket
        self._open = True
        lane.in_flight += 1

    @property
    def category(self) -> str:
        """Whose budget it draws on."""
        return self._lane.name

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

    def limits(self) -> dict[str, CategoryLimits]:
        """What is known of each category that was called, by its name."""
        return {name: lane.limits() for name, lane in self._lanes.items()}

    async def at_once(self, category: str, costs: Costs = ONE) -> Turn | None:
        """A turn for a call in `category` if one is free and nobody waits; else None, and the call must `queue`."""
        lane = self.lane(category)
        if lane.interactive or lane.bulk or self._closed:
            return None
        found = await self.store.reserve(category, costs)
        return Turn(self, lane, found) if isinstance(found, int) else None

    async def queue(
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
        queued = self.clock.monotonic()
        ticket = await self._queue(lane, Waiter(priority, costs, max_wait, deadline))
        return Turn(self, lane, ticket, self.clock.monotonic() - queued)

    async def settle(self, lane: Lane, ticket: int, status: int, advice: Advice) -> None:
        """An answer came; tell the store, and whoever listens."""
        lane.skew = advice.server_time - self.clock.time()
        refused = status == 429
        lane.refused += refused
        jitter = self.jitter() if refused else 0.0
        await self.store.settle(lane.name, ticket, advice, refused=refused, jitter=jitter)
        if advice.quotas:
            lane.told = advice
            if self.events.wanted:
                self._tell_update(lane)

    async def _queue(self, lane: Lane, waiter: Waiter) -> int:
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

    async def _ask(self, lane: Lane, waiter: Waiter) -> int | None:
        """The head asks the store, and all others sleep until something changes."""
        if lane.head() is not waiter:
            self._hasten(lane, waiter)
            await waiter.sleep(None, self.clock)
            return None
        found = await self.store.reserve(lane.name, waiter.costs)
        if isinstance(found, int):
            return found
        if found.certain:
            lane.bar = Bar(found, self.clock.monotonic() + (found.seconds or 0.0), waiter.costs)
            self._hasten(lane, waiter)
            for other in lane.everybody():
                if lane.bar.too_late(other, self.clock.monotonic()):
                    other.wake()
        if self.events.wanted:
            self._tell_wait(lane, waiter, found)
        await waiter.sleep(self.store.poll if found.seconds is None else found.seconds, self.clock)
        return None

    def _hasten(self, lane: Lane, waiter: Waiter) -> None:
        """Raise if it is known already that the turn comes too late."""
        why = None if lane.bar is None else lane.bar.too_late(waiter, self.clock.monotonic())
        if lane.bar is not None and why is not None:
            raise self._exhausted(lane, lane.bar, why)

    def _tell_wait(self, lane: Lane, waiter: Waiter, wait: Wait) -> None:
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

    def _tell_update(self, lane: Lane) -> None:
        for window in lane.limits().windows:
            self.events.tell(
                LimitUpdate(
                    category=lane.name,
                    dimension=window.dimension,
                    limit=window.limit,
                    remaining=window.remaining,
                    resets_at=window.resets_at,
                )
            )

    def _exhausted(self, lane: Lane, bar: Bar, why: GaveUp) -> QuotaExhaustedError:
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

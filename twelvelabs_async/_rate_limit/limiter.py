"""The rate limiter: the calls of each category wait in a queue until its limits allow the next request.

Each attempt of a call needs a `Permit`, which ends with the response or with the failure, so that the next call in the
queue decides by what the response said. What a category may send is in its `CategoryState`; with a shared
`RateLimitStore` it is in the store, and the limiter awaits that as a second step.

Calls leave a queue first come, first served, within a priority. `interactive` calls go before `background` ones, but
while both wait every `BACKGROUND_EVERY`th permit is for a background call. An expensive call at the head is not
overtaken: the others wait until it has gone. A call whose deadline is nearer than a response can be goes last.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import attrs

from twelvelabs_async._event_listeners import EventDispatcher, rate_limit_logger
from twelvelabs_async._options import Priority
from twelvelabs_async._rate_limit.usage import UsageEstimator
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST, CategoryState, Window
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import ClientStateError, GiveUpReason, QuotaExhaustedError, RateLimitError
from twelvelabs_async.rate_limits import (
    CategoryLimits,
    Costs,
    LimitsByCategory,
    RateLimitInfo,
    RateLimitStore,
    RequiredWait,
    WindowLimits,
)

BACKGROUND_EVERY: Final = 5
"""While both priorities wait, one permit in this many goes to a background call."""


@attrs.define(eq=False, repr=False)
class Waiter:
    """A call in a queue."""

    priority: Priority
    costs: Costs
    max_wait: float
    deadline: float | None
    line: deque[Waiter]
    """The waiters among which it is, or was before it got its permit."""
    reservation_id: int | None = None
    """Its reservation; None while it waits."""
    granted_at: float = 0.0
    """Monotonic time of the reservation."""
    _future: asyncio.Future[None] | None = attrs.field(init=False, default=None)
    _notified: bool = attrs.field(init=False, default=False)

    def wake(self) -> None:
        """End the current sleep; if it is not asleep, skip the next one."""
        self._notified = True
        if self._future is not None:
            _resolve(self._future)

    async def sleep(self, seconds: float | None, clock: Clock) -> None:
        """Sleep until `wake` is called, or for `seconds`."""
        if self._notified:  # woken while it waited for the store
            self._notified = False
            return
        woken = self._future = asyncio.get_running_loop().create_future()
        timer = None if seconds is None else asyncio.ensure_future(clock.sleep(seconds))
        if timer is not None:
            # Bound to this sleep: a cancelled timer is done too, perhaps when the next sleep has begun.
            timer.add_done_callback(lambda _: _resolve(woken))
        try:
            await woken
        finally:
            self._future, self._notified = None, False
            if timer is not None:
                timer.cancel()


class KnownWait:
    """Reason why the head of a queue waits; the reason applies to every waiter that costs at least as much."""

    __slots__ = ("_costs", "resets_at", "until", "wait")

    def __init__(self, wait: RequiredWait, now: float, costs: Costs) -> None:
        self.wait: RequiredWait = wait
        self.until: float = now + (wait.seconds or 0.0)
        """Monotonic time before which nothing is sent."""
        self.resets_at: float = self.until if wait.resets_in is None else now + wait.resets_in
        """Monotonic time of the reset; the jitter comes after it."""
        self._costs = costs

    def give_up_reason(self, waiter: Waiter, now: float) -> GiveUpReason | None:
        """Return why this is too long for `waiter`, or None if it is not."""
        if waiter.costs.get(self.wait.dimension, 0.0) < self._costs.get(self.wait.dimension, 0.0):
            return None
        if self.resets_at - now > waiter.max_wait:
            return "max_wait"
        return "deadline" if waiter.deadline is not None and self.until > waiter.deadline else None


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def utc_datetime(seconds: float | None) -> datetime | None:
    """Convert seconds since the epoch to a date in UTC; None if they are None or outside the years 1 to 9999."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def add_limit_details(error: RateLimitError, category: str, info: RateLimitInfo) -> None:
    """Set the category, dimension, limit and reset time of the error of a 429."""
    exhausted = next(((name, window) for name, window in info.windows.items() if window.remaining == 0), None)
    dimension, window = exhausted or ("request", None)
    limit = window.limit if info.limit is None and window is not None else info.limit
    error.category, error.dimension = category, info.limit_dimension or dimension
    error.limit = None if limit is None else int(limit)
    error.resets_at = utc_datetime(info.resets_at)


def window_limits(window: Window) -> WindowLimits:
    """Convert a window to its public form."""
    reset = utc_datetime(window.reset)
    return WindowLimits(dimension=window.dimension, limit=window.limit, remaining=window.remaining, resets_at=reset)


class CategoryQueue:
    """One category: its waiting calls, and its local state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: CategoryState = CategoryState()
        """Limits of the category, and its calls in flight. With a shared store, only what responses reported."""
        self.shared_in_flight: int = 0
        """Permits of the shared store that this process holds; 0 without one."""
        self.interactive: deque[Waiter] = deque()
        self.background: deque[Waiter] = deque()
        self.late: deque[Waiter] = deque()
        """Waiters whose deadline will probably pass before a response."""
        self.latency: float = 0.0
        """Seconds that a response takes at least, as far as the last ones showed; 0 before the first one."""
        self.interactive_streak: int = 0
        """Permits of interactive calls since the last one of a background call, while both waited."""
        self.known_wait: KnownWait | None = None
        """Reason why the head waits; None if the duration of the wait is unknown."""
        self.rate_limited_count: int = 0
        """Responses with status 429."""

    @property
    def in_flight(self) -> int:
        """Permits that are held."""
        return len(self.state.in_flight) + self.shared_in_flight

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self.interactive) + len(self.background) + len(self.late)

    def head(self) -> Waiter | None:
        """Return the waiter that gets the next permit."""
        if self.interactive and (not self.background or self.interactive_streak < BACKGROUND_EVERY - 1):
            return self.interactive[0]
        line = self.background or self.late
        return line[0] if line else None

    def defer_if_late(self, waiter: Waiter, now: float) -> bool:
        """Let the others go before a waiter whose deadline will pass before a response; return whether it was moved."""
        if waiter.deadline is None or now + self.latency <= waiter.deadline or waiter.line is self.late:
            return False
        waiter.line.remove(waiter)
        waiter.line = self.late
        self.late.append(waiter)
        return True

    def wake_head(self) -> None:
        """Wake the head: the limits, or the queue, have changed."""
        self.known_wait = None
        head = self.head()
        if head is not None:
            head.wake()

    def grant(self, waiter: Waiter, reservation_id: int, now: float) -> None:
        """Take a waiter out of the queue, with its reservation."""
        waiter.line.remove(waiter)
        waiter.reservation_id, waiter.granted_at = reservation_id, now
        self.interactive_streak = (
            self.interactive_streak + 1 if waiter.priority == "interactive" and self.background else 0
        )

    def grant_batch(self, now: float) -> None:
        """Reserve for as many waiters as may be sent together with the last one, and wake the next head.

        Waiters that only woke up would still be in the queue when the next calls arrive, and those would queue as well.
        """
        for _ in range(self.state.batch_size() - 1):
            head = self.head()
            if head is None:
                return
            if self.defer_if_late(head, now):
                continue
            found = self.state.reserve(head.costs, now)
            if not isinstance(found, int):
                break
            self.grant(head, found, now)
            head.wake()
        self.wake_head()

    def waiters(self) -> Iterable[Waiter]:
        """Return all waiters."""
        return (*self.interactive, *self.background, *self.late)

    def limits(self) -> CategoryLimits:
        """Return the current limits in their public form."""
        windows = tuple(map(window_limits, self.state.windows.values()))
        return CategoryLimits(
            category=self.name,
            windows=windows,
            waiting=self.waiting,
            in_flight=self.in_flight,
            rate_limited_count=self.rate_limited_count,
            source="headers" if windows else "429s" if self.rate_limited_count else "none",
        )


class Permit:
    """Permission to send one attempt. `record_response` or `release` ends it; later calls of either have no effect.

    With a shared store, `await report_to_store()` has to follow.
    """

    __slots__ = ("_granted_at", "_held", "_limiter", "_queue", "_report", "_reservation_id", "queue_time")

    def __init__(
        self,
        limiter: RateLimiter,
        queue: CategoryQueue,
        reservation_id: int,
        granted_at: float,
        queue_time: float = 0.0,
    ) -> None:
        self.queue_time: float = queue_time
        """Seconds spent in the queue."""
        self._granted_at = granted_at
        self._limiter = limiter
        self._queue = queue
        self._reservation_id = reservation_id
        self._report: Callable[[], Awaitable[None]] | None = None
        self._held = True
        if limiter.store is not None:
            queue.shared_in_flight += 1

    def record_response(self, status: int, info: RateLimitInfo) -> None:
        """Apply a response to the limits, and wake the next waiter."""
        if not self._held:
            return
        self._held = False
        limiter, queue = self._limiter, self._queue
        state, now = queue.state, limiter.clock.monotonic()
        # A refusal without a reset is no rate limit: no wait would help the next call.
        rate_limited = status == 429 and not (info.is_plan_refusal and info.retry_after is None)
        jitter = limiter.jitter() if rate_limited else 0.0
        queue.rate_limited_count += status == 429
        minutes = info.windows.get("duration")
        if minutes is not None:
            limiter.usage.learn_from_window(queue.name, state.windows.get(("duration", minutes.limit)), minutes)
        if info.windows and (limiter.events.has_listeners or rate_limit_logger.isEnabledFor(logging.DEBUG)):
            limiter.emit_updates(queue.name, info)
        if status < 400:
            seconds = now - self._granted_at
            # A faster response counts fully, a slower one by a tenth.
            queue.latency += (seconds - queue.latency) * (1.0 if seconds < queue.latency or not queue.latency else 0.1)
        if limiter.store is None:
            state.record_response(self._reservation_id, info, now, rate_limited=rate_limited, jitter=jitter)
            if queue.interactive or queue.background or queue.late:
                queue.wake_head()
        else:
            state.update_windows(info, self._granted_at, now, rate_limited=rate_limited)
            report = limiter.store.record_response
            self._report_later(
                partial(report, queue.name, self._reservation_id, info, rate_limited=rate_limited, jitter=jitter)
            )

    def release(self, *, sent: bool) -> None:
        """End the permit without a response; if the request was `sent`, the server may have counted it."""
        if not self._held:
            return
        self._held = False
        store, queue = self._limiter.store, self._queue
        if store is None:
            queue.state.release(self._reservation_id, sent=sent)
            if queue.waiting:
                queue.wake_head()
        else:
            self._report_later(partial(store.release, queue.name, self._reservation_id, sent=sent))

    def _report_later(self, report: Callable[[], Awaitable[None]]) -> None:
        self._report = report
        self._queue.shared_in_flight -= 1

    async def report_to_store(self) -> None:
        """Pass the response, or the failure, on to the shared store, then wake the next waiter."""
        report, self._report = self._report, None
        if report is not None:
            try:
                await report()
            finally:
                self._queue.wake_head()


class RateLimiter:
    """Gives out permits, category by category. All views of a client share one.

    Args:
        clock: The time.
        store: Shared limits; None keeps them in this process.
        events: Receives waits and limit updates.
        jitter: Returns a random number from 0 to 1.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        store: RateLimitStore | None = None,
        events: EventDispatcher | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self.store = store
        self.events: EventDispatcher = events or EventDispatcher()
        self.usage: UsageEstimator = UsageEstimator()
        self.jitter = jitter
        self.clock_offset: float = 0.0
        """Seconds by which the platform's clock is ahead of this machine's, by the `Date` of the last response."""
        self._queues: dict[str, CategoryQueue] = {}
        self._closed = False

    def close(self) -> None:
        """Raise `ClientStateError` in every waiting call."""
        self._closed = True
        for queue in self._queues.values():
            for waiter in queue.waiters():
                waiter.wake()

    def category_queue(self, category: str) -> CategoryQueue:
        """Return the queue of a category, created on first use."""
        queue = self._queues.get(category)
        if queue is None:
            queue = self._queues[category] = CategoryQueue(category)
        return queue

    def limits(self) -> LimitsByCategory:
        """Return the limits of each category that was used, by its name."""
        return LimitsByCategory({name: queue.limits() for name, queue in self._queues.items()})

    def try_acquire(self, category: str, costs: Costs = SINGLE_REQUEST) -> Permit | None:
        """Return a permit if one is free and no call is in the queue; always None with a shared store."""
        queue = self._queues.get(category) or self.category_queue(category)
        if self.store is not None or queue.interactive or queue.background or self._closed:
            return None
        now = self.clock.monotonic()
        found = queue.state.reserve(costs, now)
        return Permit(self, queue, found, now) if isinstance(found, int) else None

    async def try_acquire_shared(self, category: str, costs: Costs = SINGLE_REQUEST) -> Permit | None:
        """Do what `try_acquire` does with the shared store; None without one."""
        queue = self.category_queue(category)
        if self.store is None or queue.interactive or queue.background or self._closed:
            return None
        found = await self.store.reserve(category, costs)
        return Permit(self, queue, found, self.clock.monotonic()) if isinstance(found, int) else None

    async def acquire(
        self,
        category: str,
        *,
        max_wait: float,
        deadline: float | None = None,
        costs: Costs = SINGLE_REQUEST,
        priority: Priority = "interactive",
    ) -> Permit:
        """Join the queue of `category`, and wait for a permit.

        Args:
            category: See `category_of`.
            max_wait: Acceptable known wait, in seconds.
            deadline: Monotonic time by which the permit is needed.
            costs: What the call uses of each dimension.
            priority: Which of the waiting calls go first.

        Raises:
            QuotaExhaustedError: The permit is known to come too late.
            ClientStateError: The client was closed while the call waited.
        """
        queue = self.category_queue(category)
        queued_at = self.clock.monotonic()
        line = queue.interactive if priority == "interactive" else queue.background
        waiter = Waiter(priority, costs, max_wait, deadline, line)
        line.append(waiter)
        try:
            while waiter.reservation_id is None:
                self._ensure_open()
                await self._reserve_or_sleep(queue, waiter)
        except BaseException:
            if waiter.reservation_id is None:
                waiter.line.remove(waiter)
            else:  # cancelled after another call had reserved for it
                queue.state.release(waiter.reservation_id, sent=False)
            queue.wake_head()
            raise
        return Permit(self, queue, waiter.reservation_id, waiter.granted_at, waiter.granted_at - queued_at)

    def _ensure_open(self) -> None:
        if self._closed:
            raise ClientStateError("the client was closed while the call waited for a rate limit")

    async def _reserve_or_sleep(self, queue: CategoryQueue, waiter: Waiter) -> None:
        """Reserve for the head of the queue; any other waiter sleeps until something changes."""
        if queue.head() is not waiter:
            self._raise_if_wait_too_long(queue, waiter)
            await waiter.sleep(None, self.clock)
            return
        now = self.clock.monotonic()
        if queue.defer_if_late(waiter, now):
            queue.wake_head()
            return
        if self.store is None:
            found = queue.state.reserve(waiter.costs, now)
        else:
            found = await self.store.reserve(queue.name, waiter.costs)
        if isinstance(found, int):
            queue.grant(waiter, found, self.clock.monotonic())
            if self.store is None:
                queue.grant_batch(now)
            else:
                queue.wake_head()
            return
        if found.certain:
            queue.known_wait = KnownWait(found, self.clock.monotonic(), waiter.costs)
            self._raise_if_wait_too_long(queue, waiter)
            for other in queue.waiters():
                if queue.known_wait.give_up_reason(other, self.clock.monotonic()):
                    other.wake()
        if found.is_quota:
            self._emit_wait(queue, waiter, found)
        seconds = self.store.poll_interval if found.seconds is None and self.store is not None else found.seconds
        await waiter.sleep(seconds, self.clock)

    def _raise_if_wait_too_long(self, queue: CategoryQueue, waiter: Waiter) -> None:
        known_wait = queue.known_wait
        reason = None if known_wait is None else known_wait.give_up_reason(waiter, self.clock.monotonic())
        if known_wait is None or reason is None:
            return
        wait, seconds = known_wait.wait, max(0.0, known_wait.resets_at - self.clock.monotonic())
        resets_at = utc_datetime(wait.resets_at)
        resets = (
            f"next attempt in {seconds:.0f} s" if resets_at is None else f"resets at {resets_at:%Y-%m-%dT%H:%M:%SZ}"
        )
        limit = "" if wait.limit is None else f"{wait.limit:g} "
        raise QuotaExhaustedError(
            message=f"rate limit for {queue.name} exhausted ({limit}{wait.dimension}); {resets}",
            category=queue.name,
            dimension=wait.dimension,
            limit=None if wait.limit is None else int(wait.limit),
            resets_at=resets_at,
            retry_after=seconds,
            retryable=True,
            give_up_reason=reason,
        )

    def _emit_wait(self, queue: CategoryQueue, waiter: Waiter, wait: RequiredWait) -> None:
        from twelvelabs_async.events import RateLimitWaitStarted  # noqa: PLC0415  # most programs have no events

        self.events.emit(
            RateLimitWaitStarted(
                category=queue.name,
                priority=waiter.priority,
                queue_length=queue.waiting,
                delay=wait.seconds,
                dimension=wait.dimension,
                limit=wait.limit,
                resets_at=utc_datetime(wait.resets_at),
            )
        )

    def emit_updates(self, category: str, info: RateLimitInfo) -> None:
        """Emit the rate-limit headers of a response, one event for each dimension."""
        from twelvelabs_async.events import RateLimitUpdated  # noqa: PLC0415  # most programs have no events

        for dimension, reported in info.windows.items():
            self.events.emit(
                RateLimitUpdated(
                    category=category,
                    dimension=dimension,
                    limit=reported.limit,
                    remaining=reported.remaining,
                    resets_at=utc_datetime(reported.reset),
                )
            )

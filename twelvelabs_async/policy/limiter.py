"""Gives calls their turn, category by category, so that the wall of a rate limit is not hit.

What a category may send is known to its `Window`; here is the queue before it, first come first served, and nothing
else. A turn is held until its answer has been read, so that the next in line goes by what it said.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import ClientStateError, GaveUp, QuotaExhaustedError
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.policy.window import Window

CATEGORIES: Final = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
    "POST /analyze": "analyze",
}
"""Operations that share a limit; https://docs.twelvelabs.io/docs/get-started/rate-limits. Others stand alone."""


def category_of(operation: str) -> str:
    """The group whose budget an operation draws on."""
    return CATEGORIES.get(operation, operation)


class _Lane:
    """One category: its window, and the calls that wait for it in the order they came."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.window: Window = Window()
        self.door: asyncio.Lock = asyncio.Lock()
        self.waiting: int = 0
        self.skew: float = 0.0
        self._news: asyncio.Future[None] | None = None

    def tell(self) -> None:
        """Wake the first in the queue: something has changed."""
        if self._news is not None:
            _wake(self._news)

    async def pause(self, seconds: float | None, clock: Clock) -> None:
        """Until something changes, or for `seconds`."""
        news = self._news = asyncio.get_running_loop().create_future()
        timer = None if seconds is None else asyncio.ensure_future(clock.sleep(seconds))
        if timer is not None:
            # It wakes this pause and no other: a timer that is cancelled is done too, after the next pause has begun.
            timer.add_done_callback(lambda _: _wake(news))
        try:
            await news
        finally:
            self._news = None
            if timer is not None:
                timer.cancel()


def _wake(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


class Turn:
    """Leave for one attempt; held until its answer has been read, so that the next in line knows what it said."""

    __slots__ = ("_lane", "_limiter", "_open")

    def __init__(self, limiter: RateLimiter, lane: _Lane) -> None:
        self._limiter = limiter
        self._lane = lane
        self._open = True

    def _back(self) -> None:
        if self._open:
            self._open = False
            self._lane.window.back()

    def answered(self, status: int, advice: Advice) -> None:
        """Report an answer: its status and what its headers advise."""
        window, now = self._lane.window, self._limiter.clock.monotonic()
        self._back()
        self._lane.skew = advice.server_time - self._limiter.clock.time()
        window.learn(advice, now)
        if status == 429:
            window.refuse(advice.retry_after, now, jitter=self._limiter.jitter())
        else:
            window.accept(now)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._back()
        self._lane.tell()


class RateLimiter:
    """Gives calls their turn, category by category, first come first served. Shared by all views of one client."""

    def __init__(self, clock: Clock, *, jitter: Callable[[], float] = random.random) -> None:
        self.clock = clock
        self.jitter = jitter
        self._lanes: dict[str, _Lane] = {}
        self._closed = False

    def window(self, category: str) -> Window:
        """What is known of a category now."""
        return self._lane(category).window

    def close(self) -> None:
        """Turn away everybody who waits."""
        self._closed = True
        for lane in self._lanes.values():
            lane.tell()

    async def turn(self, category: str, *, max_wait: float, deadline: float | None = None) -> Turn:
        """Wait until a call in `category` may leave.

        Args:
            category: See `category_of`.
            max_wait: Seconds of known waiting that are acceptable.
            deadline: Monotonic moment before which the turn must come.

        Raises:
            QuotaExhaustedError: It is known already that the turn comes too late.
            ClientStateError: The client was closed meanwhile.
        """
        lane = self._lane(category)
        if self._delay(lane, max_wait, deadline) != 0 or lane.waiting:
            await self._queue(lane, max_wait, deadline)
        lane.window.leave()
        return Turn(self, lane)

    async def _queue(self, lane: _Lane, max_wait: float, deadline: float | None) -> None:
        lane.waiting += 1
        try:
            async with lane.door:
                while (delay := self._delay(lane, max_wait, deadline)) != 0:
                    await lane.pause(delay, self.clock)
        finally:
            lane.waiting -= 1

    def _lane(self, category: str) -> _Lane:
        lane = self._lanes.get(category)
        if lane is None:
            lane = self._lanes[category] = _Lane(category)
        return lane

    def _delay(self, lane: _Lane, max_wait: float, deadline: float | None) -> float | None:
        if self._closed:
            raise ClientStateError("the client was closed while the call waited for its turn")
        now = self.clock.monotonic()
        blocked = lane.window.blocked(now)
        if blocked > max_wait:
            raise self._exhausted(lane, blocked, "max_wait")
        if deadline is not None and now + blocked > deadline:
            raise self._exhausted(lane, blocked, "deadline")
        return lane.window.delay(now)

    def _exhausted(self, lane: _Lane, delay: float, why: GaveUp) -> QuotaExhaustedError:
        window = lane.window
        resets_at = _moment(self.clock.time() + lane.skew + delay)
        until = f"for {delay:.0f} s" if resets_at is None else f"until {resets_at:%Y-%m-%dT%H:%M:%SZ}"
        size = "the quota" if window.limit is None else f"the quota of {window.limit}"
        return QuotaExhaustedError(
            message=f"{size} ({window.dimension}) for {lane.name} is used up {until}",
            category=lane.name,
            dimension=window.dimension,
            limit=window.limit,
            resets_at=resets_at,
            retry_after=delay,
            retryable=True,
            gave_up=why,
        )


def _moment(seconds: float) -> datetime | None:
    """A date in UTC; None if the server's clock, which it follows, stands where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None

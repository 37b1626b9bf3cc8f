"""Polls the status of any number of resources of one kind with a single loop; one request returns fifty of them.

The loop sleeps longer while nothing ends and the more pages it reads, so that ten thousand resources cause no more
requests a second than a few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

from twelvelabs_async._polling import MAX_POLL_INTERVAL, POLL_BACKOFF_FACTOR, BatchPoller, wait_timeout_error
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import NotFoundError, TwelveLabsError
from twelvelabs_async.waiting import WaitResult

DEFAULT_STAGE_TIMEOUT: Final = 86400.0
"""Seconds to wait for the platform in each of the stages `processing` and `indexing`."""

FIRST_POLL_INTERVAL: Final = 1.0
"""Seconds between two polls while each poll finds a resource that has ended."""

PAUSE_PER_PAGE: Final = 0.25
"""Seconds to sleep for each page that a poll reads, which limits polling to four requests a second on average."""

NOT_FOUND_GRACE: Final = 30.0
"""Seconds during which a new resource may be missing."""

OnStatus = Callable[[str], None]
"""Receives each new status."""

PollErrorHandler = Callable[[TwelveLabsError], Awaitable[None]]
"""Receives the error of a poll: returns when the next poll may be sent, or raises the error for all who wait."""


def next_poll_interval(interval: float, *, any_ended: bool) -> float:
    """Return the interval after the next poll, in seconds: it grows while no resource ends."""
    return FIRST_POLL_INTERVAL if any_ended else min(MAX_POLL_INTERVAL, interval * POLL_BACKOFF_FACTOR)


@attrs.define(eq=False)
class _Waiter:
    """A task that waits for a resource."""

    future: asyncio.Future[None]
    started: float
    on_status: OnStatus
    status: str = ""

    def fail(self, error: TwelveLabsError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


@attrs.frozen(eq=False)
class StatusPoller:
    """Waits for resources of one kind; `run` must be running."""

    batch_poller: BatchPoller[Any]
    """Polls all resources that a task waits for."""
    clock: Clock
    timeout: float
    """Seconds to wait for a resource."""
    interval: float | None
    """Seconds between two polls; None adapts to what the polls find."""
    on_error: PollErrorHandler
    """Receives the error of a poll."""
    _waiters: dict[str, _Waiter] = attrs.field(init=False, factory=dict[str, _Waiter])
    _has_waiters: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)

    async def wait_ready(self, id: str, on_status: OnStatus) -> None:
        """Return when a resource is ready.

        Raises:
            ProcessingFailedError: The platform failed to process it.
            WaitTimeoutError: It is still not ready after the timeout.
            APIError: Its status cannot be read.
        """
        waiter = _Waiter(asyncio.get_running_loop().create_future(), self.clock.monotonic(), on_status)
        self._waiters[id] = waiter
        self.batch_poller.add(id)
        self._has_waiters.set()
        try:
            await waiter.future
        finally:
            del self._waiters[id]
            self.batch_poller.discard(id)

    async def run(self) -> None:
        """Poll while any task waits, until cancelled."""
        interval = FIRST_POLL_INTERVAL
        while True:
            await self._has_waiters.wait()
            interval = next_poll_interval(interval, any_ended=await self._poll())
            if self._waiters:
                await self.clock.sleep(self.interval or max(interval, self.batch_poller.pages_read * PAUSE_PER_PAGE))
            else:
                self._has_waiters.clear()

    async def _poll(self) -> bool:
        """Poll all resources once, and return whether any has ended."""
        any_ended = False
        try:
            async for result in self.batch_poller.poll():
                any_ended |= self._resolve(result)
        except TwelveLabsError as error:
            await self._handle_error(error)
            return False
        if self.batch_poller.transient_error is not None:
            await self._handle_error(self.batch_poller.transient_error)
        self._update_waiters()
        return any_ended

    async def _handle_error(self, error: TwelveLabsError) -> None:
        """Pass the error on; the time that its handler sleeps does not count towards the timeout of a resource."""
        started = self.clock.monotonic()
        try:
            await self.on_error(error)
        except TwelveLabsError as final:
            for waiter in tuple(self._waiters.values()):
                waiter.fail(final)
        seconds = self.clock.monotonic() - started
        for waiter in self._waiters.values():
            waiter.started += min(seconds, self.clock.monotonic() - waiter.started)

    def _resolve(self, result: WaitResult[Any]) -> bool:
        """Wake the task that waits for a resource; return whether the resource has ended."""
        waiter = self._waiters.get(result.id)
        if waiter is None:
            return False
        if isinstance(result.error, NotFoundError) and self._age(waiter) < NOT_FOUND_GRACE:
            self.batch_poller.add(result.id)
            return False
        if result.error is not None:
            waiter.fail(result.error)
        elif not waiter.future.done():
            ready: Any = result.item
            waiter.on_status(ready.status)
            waiter.future.set_result(None)
        return True

    def _update_waiters(self) -> None:
        """Report new statuses, and fail the tasks that have waited too long."""
        for id in self.batch_poller.pending.keys() - self._waiters.keys():  # cancelled during the poll
            self.batch_poller.discard(id)
        for id, waiter in self._waiters.items():
            resource = self.batch_poller.pending.get(id)
            if resource is not None and resource.status != waiter.status:
                waiter.status = resource.status
                waiter.on_status(resource.status)
            age = self._age(waiter)
            if age > self.timeout:
                waiter.fail(wait_timeout_error(resource, self.batch_poller.target.lifecycle, id, age))

    def _age(self, waiter: _Waiter) -> float:
        return self.clock.monotonic() - waiter.started

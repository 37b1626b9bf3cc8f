"""Polls the status of any number of resources of one kind with a single loop; one request returns fifty of them.

The loop sleeps longer while nothing ends and the more pages it reads, so that ten thousand resources cause no more
requests a second than a few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

from twelvelabs_async._polling import (
    MAX_POLL_INTERVAL,
    POLL_BACKOFF_FACTOR,
    BatchPoller,
    PollTarget,
    wait_timeout_error,
)
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import NotFoundError, TwelveLabsError
from twelvelabs_async.polling import WaitResult

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


class StatusPoller:
    """Waits for resources of one kind; `run` must be running.

    Args:
        target: Where the resources can be polled.
        clock: The clock.
        timeout: Seconds to wait for a resource.
        interval: Seconds between two polls; None adapts to what the polls find.
        on_error: Receives the error of a poll.
    """

    def __init__(
        self,
        target: PollTarget[Any],
        *,
        clock: Clock,
        timeout: float,
        interval: float | None,
        on_error: PollErrorHandler,
    ) -> None:
        self._batch_poller = BatchPoller[Any]((), target)
        self._clock = clock
        self._timeout = timeout
        self._interval = interval
        self._on_error = on_error
        self._waiters: dict[str, _Waiter] = {}
        self._has_waiters = asyncio.Event()

    async def wait_ready(self, id: str, on_status: OnStatus) -> None:
        """Return when a resource is ready.

        Raises:
            ProcessingFailedError: The platform failed to process it.
            WaitTimeoutError: It is still not ready after the timeout.
            APIError: Its status cannot be read.
        """
        waiter = _Waiter(asyncio.get_running_loop().create_future(), self._clock.monotonic(), on_status)
        self._waiters[id] = waiter
        self._batch_poller.add(id)
        self._has_waiters.set()
        try:
            await waiter.future
        finally:
            del self._waiters[id]
            self._batch_poller.discard(id)

    async def run(self) -> None:
        """Poll while any task waits, until cancelled."""
        interval = FIRST_POLL_INTERVAL
        while True:
            await self._has_waiters.wait()
            interval = next_poll_interval(interval, any_ended=await self._poll())
            if self._waiters:
                await self._clock.sleep(self._interval or max(interval, self._batch_poller.pages_read * PAUSE_PER_PAGE))
            else:
                self._has_waiters.clear()

    async def _poll(self) -> bool:
        """Poll all resources once, and return whether any has ended."""
        any_ended = False
        try:
            async for result in self._batch_poller.poll():
                any_ended |= self._resolve(result)
        except TwelveLabsError as error:
            await self._handle_error(error)
            return False
        if self._batch_poller.transient_error is not None:
            await self._handle_error(self._batch_poller.transient_error)
        self._report_statuses()
        self._fail_timed_out()
        return any_ended

    async def _handle_error(self, error: TwelveLabsError) -> None:
        """Pass the error on; the time that its handler sleeps does not count towards the timeout of a resource."""
        started = self._clock.monotonic()
        try:
            await self._on_error(error)
        except TwelveLabsError as final:
            for waiter in tuple(self._waiters.values()):
                waiter.fail(final)
        seconds = self._clock.monotonic() - started
        for waiter in self._waiters.values():
            waiter.started += min(seconds, self._clock.monotonic() - waiter.started)

    def _resolve(self, result: WaitResult[Any]) -> bool:
        """Wake the task that waits for a resource; return whether the resource has ended."""
        waiter = self._waiters.get(result.id)
        if waiter is None:
            return False
        if isinstance(result.error, NotFoundError) and self._age(waiter) < NOT_FOUND_GRACE:
            self._batch_poller.add(result.id)
            return False
        if result.error is not None:
            waiter.fail(result.error)
        elif not waiter.future.done():
            waiter.on_status(result.result().status)
            waiter.future.set_result(None)
        return True

    def _report_statuses(self) -> None:
        for id, resource in tuple(self._batch_poller.pending.items()):
            waiter = self._waiters.get(id)
            if waiter is None:  # cancelled during the poll
                self._batch_poller.discard(id)
            elif resource is not None and resource.status != waiter.status:
                waiter.status = resource.status
                waiter.on_status(resource.status)

    def _fail_timed_out(self) -> None:
        for id, waiter in tuple(self._waiters.items()):
            age = self._age(waiter)
            if age > self._timeout:
                last = self._batch_poller.pending.get(id)
                waiter.fail(wait_timeout_error(last, self._batch_poller.target.lifecycle, id, age))

    def _age(self, waiter: _Waiter) -> float:
        return self._clock.monotonic() - waiter.started

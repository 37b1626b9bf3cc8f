"""Polls resources until they are done: one by one, or many together through list endpoints.

Polling slows down from one request a second to one every fifteen seconds. Temporary errors are ignored, so that an
outage of a minute does not end a wait of an hour; other errors are raised immediately. Every wait ends: a resource with
an unknown status counts as still in progress until the timeout.
"""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from twelvelabs_async._arguments import checked_id, describe, read_object, require_number, require_type
from twelvelabs_async._concurrency import run_all
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIError,
    InvalidInputError,
    NotFoundError,
    ProcessingFailedError,
    QuotaExhaustedError,
    TwelveLabsError,
    WaitTimeoutError,
)
from twelvelabs_async.waiting import PollCallback, WaitResult

T = TypeVar("T")

DEFAULT_WAIT_TIMEOUT: Final = 3600.0
"""Seconds to wait when `timeout` is None."""

INITIAL_POLL_INTERVAL: Final = 1.0
"""Seconds between the first two polls, and after a poll of a `StatusPoller` that found a resource that has ended."""

MAX_POLL_INTERVAL: Final = 15.0
"""Seconds between two polls at most."""

POLL_BACKOFF_FACTOR: Final = 1.5
"""Factor by which the interval grows after each poll."""

MAX_LIST_MISSES: Final = 2
"""Times a resource may be missing from the lists before it is only fetched by id."""

LOOKUP_CONCURRENCY: Final = 8
"""Resources fetched by id at the same time."""

PAUSE_PER_PAGE: Final = 0.25
"""Seconds that a `StatusPoller` sleeps for each page that a poll reads, which limits it to four requests a second."""

NOT_FOUND_GRACE: Final = 30.0
"""Seconds during which a new resource may be missing."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Lifecycle:
    """The final statuses of a kind of resource; with any other status it is still in progress."""

    resource: str
    """Kind of resource, for messages."""
    ready: frozenset[str] = frozenset({"ready"})
    """Statuses that mean success."""
    failed: frozenset[str] = frozenset({"failed"})
    """Statuses that mean failure."""

    @property
    def final(self) -> frozenset[str]:
        """All final statuses."""
        return self.ready | self.failed


async def poll_until_done(
    fetch: Callable[[], Awaitable[T]],
    *,
    lifecycle: Lifecycle,
    id: str,
    clock: Clock,
    timeout: float | None = None,
    sleep_interval: float | None = None,
    callback: PollCallback[T] | None = None,
) -> T:
    """Call `fetch` until the resource is done.

    Args:
        fetch: Fetches the resource, which has a `status`.
        lifecycle: The final statuses.
        id: Id of the resource, for messages.
        clock: Clock that measures the timeout and sleeps.
        timeout: Seconds until `WaitTimeoutError`; None waits an hour.
        sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
        callback: Called with the resource after each poll.

    Raises:
        ProcessingFailedError: The resource failed; `reason` is the explanation of the API.
        WaitTimeoutError: The resource was still in progress after `timeout` seconds.
        APIError: The resource cannot be fetched, and a retry would not help.
    """
    timeout = _checked_timeout(timeout, sleep_interval)
    require_type("callback", callback, Callable, "a function")
    backoff = _PollBackoff(clock, timeout, sleep_interval)
    last: T | None = None
    while True:
        try:
            last = await fetch()
        except APIError as error:
            if not is_retryable_poll_error(error):
                raise
        else:
            result = callback(last) if callback is not None else None
            if inspect.isawaitable(result):
                await result
            if is_ready(last, lifecycle, id):
                return last
        if not await backoff.sleep():
            raise wait_timeout_error(last, lifecycle, id, timeout)


class _PollBackoff:
    """Sleeps between polls: a fixed interval, or a growing interval with a jitter of 20 %."""

    def __init__(self, clock: Clock, timeout: float, sleep_interval: float | None) -> None:
        self._clock = clock
        self._deadline = clock.monotonic() + timeout
        self._sleep_interval = sleep_interval
        self._interval = INITIAL_POLL_INTERVAL

    async def sleep(self) -> bool:
        """Sleep until the next poll; return False once the timeout has passed."""
        pause = self._sleep_interval or self._interval * random.uniform(0.8, 1.2)  # noqa: S311  # not a secret
        self._interval = min(MAX_POLL_INTERVAL, self._interval * POLL_BACKOFF_FACTOR)
        time_left = self._deadline - self._clock.monotonic()
        await self._clock.sleep(max(0.0, min(pause, time_left)))
        return pause <= time_left


def _checked_timeout(timeout: float | None, sleep_interval: float | None) -> float:
    timeout = DEFAULT_WAIT_TIMEOUT if timeout is None else timeout
    for name, seconds in (("timeout", timeout), ("sleep_interval", sleep_interval)):
        if seconds is not None:
            require_number(name, seconds, finite=name == "sleep_interval")
    return timeout


def is_retryable_poll_error(error: TwelveLabsError) -> bool:
    """Whether the next poll may succeed."""
    return isinstance(error, APIError) and error.retryable and not isinstance(error, QuotaExhaustedError)


def is_ready(resource: Any, lifecycle: Lifecycle, id: str) -> bool:
    """Whether the resource is done; False while it is in progress.

    Raises:
        ProcessingFailedError: The resource failed.
    """
    if resource.status not in lifecycle.failed:
        return resource.status in lifecycle.ready
    reason = getattr(getattr(resource, "error", None), "message", "") or ""
    raise ProcessingFailedError(
        message=f"{lifecycle.resource} {id} {resource.status}" + (f": {reason}" if reason else ""),
        resource_type=lifecycle.resource,
        id=id,
        status=resource.status,
        reason=reason,
        last_seen=resource,
    )


def wait_timeout_error(last: Any, lifecycle: Lifecycle, id: str, waited: float) -> WaitTimeoutError:
    """Return the error for a resource that is still in progress; `last` is its last state, or None."""
    status = getattr(last, "status", "unknown")
    return WaitTimeoutError(
        message=f"{lifecycle.resource} {id} still {status} after {waited:g} s; processing continues on the server",
        resource_type=lifecycle.resource,
        id=id,
        status=status,
        waited=waited,
        last_seen=last,
    )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PollTarget(Generic[T]):
    """Functions that poll the resources of one kind."""

    lifecycle: Lifecycle
    """The final statuses."""
    list_pages: Callable[[Sequence[str]], AsyncIterator[Iterable[Any]]]
    """Returns pages of a list that should contain the resources with these ids, and may contain others."""
    fetch: Callable[[str], Awaitable[T]]
    """Fetches one resource."""
    refetch_finished: bool = False
    """Whether lists omit fields, so that a finished resource must be fetched by id."""


def wait_for_all(
    ids: Iterable[str],
    target: PollTarget[T],
    *,
    clock: Clock,
    timeout: float | None = None,
    sleep_interval: float | None = None,
) -> AsyncIterator[WaitResult[T]]:
    """Wait for many resources; yield one result per id, in the order in which the resources finish.

    Each round reads list pages until every pending resource was found: one request for 50 resources. It stops early
    where fetching the remaining resources by id costs no more. Resources missing from the lists are fetched by id.

    Args:
        ids: Ids of the resources; duplicates count once.
        target: How to poll them.
        clock: Clock that measures the timeout and sleeps.
        timeout: Seconds until pending resources end with `WaitTimeoutError`; None waits an hour.
        sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

    Raises:
        InvalidInputError: `ids` is a string, or a number of seconds is not above 0.
        APIError: The list cannot be read, and a retry would not help. Errors of one resource are in its result.
    """
    if isinstance(ids, str):
        raise InvalidInputError(f"expected a list of ids, got the string {ids!r}")
    return _wait_for_all(BatchPoller(ids, target), clock, _checked_timeout(timeout, sleep_interval), sleep_interval)


async def _wait_for_all(
    poller: BatchPoller[T], clock: Clock, timeout: float, sleep_interval: float | None
) -> AsyncIterator[WaitResult[T]]:
    backoff = _PollBackoff(clock, timeout, sleep_interval)
    while poller.pending:
        async for result in poller.poll():
            yield result
        if poller.pending and not await backoff.sleep():
            break
    for id, last in poller.pending.items():
        yield WaitResult(id=id, item=last, error=wait_timeout_error(last, poller.target.lifecycle, id, timeout))


class BatchPoller(Generic[T]):
    """Polls many resources through list endpoints."""

    def __init__(self, ids: Iterable[str], target: PollTarget[T]) -> None:
        if isinstance(ids, str | bytes) or not isinstance(cast("object", ids), Collection):
            raise InvalidInputError(f"ids must be a list of strings, got {describe(ids)}")
        self.pending: dict[str, T | None] = dict.fromkeys(checked_id("id", id) for id in read_object("ids", ids, tuple))
        """Ids of the resources in progress, with their last known state."""
        self.target: PollTarget[T] = target
        """Functions that poll them."""
        self.transient_error: TwelveLabsError | None = None
        """Error of the last poll after which the next one may succeed; None if everything was read."""
        self.pages_read: int = 0
        """Pages of lists that the last poll has read."""
        self._list_misses: dict[str, int] = {}
        self._finished_items: dict[str, Any] = {}

    def add(self, id: str) -> None:
        """Add a resource."""
        self.pending.setdefault(id, None)

    def discard(self, id: str) -> None:
        """Remove a resource; allowed during a poll."""
        for by_id in (self.pending, self._list_misses, self._finished_items):
            by_id.pop(id, None)

    async def poll(self) -> AsyncGenerator[WaitResult[T], None]:
        """Read the lists once, and yield the result of each resource that is done.

        Raises:
            APIError: The list cannot be read, and a retry would not help.
        """
        candidates = await self._read_lists()
        for start in range(0, len(candidates), LOOKUP_CONCURRENCY):
            batch = [id for id in candidates[start : start + LOOKUP_CONCURRENCY] if id in self.pending]
            for result in await run_all(map(self._check, batch)):
                if result is not None:
                    self.discard(result.id)
                    yield result

    async def _read_lists(self) -> list[str]:
        """Return the ids to check: finished according to the list, or missing from it."""
        self.transient_error = None
        self.pages_read = 0
        expected = {id for id in self.pending if self._list_misses.get(id, 0) < MAX_LIST_MISSES}
        unlisted = [id for id in self.pending if id not in expected]
        try:
            await self._scan_list(expected)
        except APIError as error:
            if not is_retryable_poll_error(error):
                raise
            self.transient_error = error
            expected.clear()  # the unread pages may contain them
        missing = [id for id in self.pending if id in expected]
        self._list_misses.update({id: self._list_misses.get(id, 0) + 1 for id in missing})
        return [*self._finished_items, *missing, *unlisted]

    async def _scan_list(self, expected: set[str]) -> None:
        """Remove from `expected` what the list contains, while that takes fewer requests than fetching each by id."""
        if not expected:
            return
        async for page in self.target.list_pages([id for id in self.pending if id in expected]):
            self.pages_read += 1
            for item in page:
                if item.id not in expected:
                    continue
                expected.discard(item.id)
                if item.id in self.pending:
                    self.pending[item.id] = item
                    self._list_misses.pop(item.id, None)
                    if item.status in self.target.lifecycle.final:
                        self._finished_items[item.id] = item
            if self.pages_read >= len(expected):
                return

    async def _check(self, id: str) -> WaitResult[T] | None:
        """Return the result of a resource, which is fetched if necessary; None while it is in progress."""
        item, target = self._finished_items.pop(id, None), self.target
        try:
            if item is None or target.refetch_finished:
                item = self.pending[id] = await target.fetch(id)
            return WaitResult(id=id, item=item) if is_ready(item, target.lifecycle, id) else None
        except ProcessingFailedError as error:
            return WaitResult(id=id, item=error.last_seen, error=error)
        except TwelveLabsError as error:
            if not is_retryable_poll_error(error):
                return WaitResult(id=id, item=self.pending.get(id), error=error)
            self.transient_error = error
            return None


OnStatus = Callable[[str], None]
"""Receives each new status."""

PollErrorHandler = Callable[[TwelveLabsError], Awaitable[None]]
"""Receives the error of a poll: returns when the next poll may be sent, or raises the error for all who wait."""


def next_poll_interval(interval: float, *, any_ended: bool) -> float:
    """Return the interval after the next poll, in seconds: it grows while no resource ends."""
    return INITIAL_POLL_INTERVAL if any_ended else min(MAX_POLL_INTERVAL, interval * POLL_BACKOFF_FACTOR)


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
    """Waits for any number of resources of one kind with a single loop; `run` must be running.

    The loop sleeps longer while nothing ends and the more pages it reads, so that ten thousand resources cause no more
    requests a second than a few.
    """

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
        interval = INITIAL_POLL_INTERVAL
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


ANALYSIS_TASK_LIFECYCLE: Final = Lifecycle(resource="analysis task", failed=frozenset({"failed", "canceled"}))

ANALYSIS_BATCH_LIFECYCLE: Final = Lifecycle(
    resource="analysis batch", ready=frozenset({"completed", "canceled", "expired"}), failed=frozenset()
)

ASSET_LIFECYCLE: Final = Lifecycle(resource="asset")

TRANSCRIPTION_LIFECYCLE: Final = Lifecycle(resource="transcription of asset")

IMPORT_LIFECYCLE: Final = Lifecycle(resource="import", failed=frozenset())

EMBED_V2_TASK_LIFECYCLE: Final = Lifecycle(resource="embedding task")

EMBED_TASK_LIFECYCLE: Final = Lifecycle(resource="embedding task")

ENTITY_LIFECYCLE: Final = Lifecycle(resource="entity")

INDEXED_ASSET_LIFECYCLE: Final = Lifecycle(resource="indexed asset")

KNOWLEDGE_STORE_ITEM_LIFECYCLE: Final = Lifecycle(resource="knowledge store item")

INDEXING_TASK_LIFECYCLE: Final = Lifecycle(resource="indexing task")

UPLOAD_LIFECYCLE: Final = Lifecycle(
    resource="upload", ready=frozenset({"completed"}), failed=frozenset({"failed", "expired"})
)

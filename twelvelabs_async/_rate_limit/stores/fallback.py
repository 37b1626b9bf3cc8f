"""Falls back to the memory of this process while a shared store is unavailable.

A limiter must not stop all calls because its own store is down. If an operation of the store raises, or takes longer
than `STORE_TIMEOUT`, the call continues with limits in memory, one warning is logged, and every `STORE_RETRY_INTERVAL`
seconds one call tries the store again.

The memory starts from the last response headers. Other processes use the same limits, and their requests in flight are
not counted meanwhile, so each request reserves `ASSUMED_PROCESSES` times its costs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from typing_extensions import override

from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RateLimitStore, RequiredWait

T = TypeVar("T")

STORE_RETRY_INTERVAL: Final = 5.0
"""Seconds between two attempts to reach an unavailable store."""

STORE_TIMEOUT: Final = 2.0
"""Seconds after which an operation fails, including its time in the queue."""

MAX_CONCURRENT_OPERATIONS: Final = 8
"""Operations that one process runs in the store at a time; the others wait in a queue."""

ASSUMED_PROCESSES: Final = 4
"""Number of processes that are assumed to share the limits while the store is unavailable."""

logger: Final = logging.getLogger("twelvelabs_async.rate_limits")


class _StoreUnavailableError(Exception):
    """The store cannot be reached now."""


class FallbackStore(RateLimitStore):
    """A shared store while it is available, and memory while it is not.

    An operation that has begun runs to its end even if its caller is cancelled, so that no reservation is lost. A
    reservation that has not begun is dropped.

    Args:
        shared: The store.
        now: Clock in seconds that never runs backwards.
    """

    def __init__(self, shared: RateLimitStore, now: Callable[[], float]) -> None:
        self._shared = shared
        self._now = now
        self._memory = defaultdict[str, CategoryState](CategoryState)
        self._unavailable = False
        self._retry_at = 0.0
        self._closed = False
        self._pending = set[asyncio.Task[Any]]()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_OPERATIONS)

    @property
    @override
    def poll_interval(self) -> float | None:
        return self._shared.poll_interval

    @override
    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        try:
            return await self._call_store(
                lambda: self._shared.reserve(category, costs), on_abandoned=partial(self._release_abandoned, category)
            )
        except _StoreUnavailableError:
            reserved = self._memory[category].reserve(
                {dimension: ASSUMED_PROCESSES * cost for dimension, cost in costs.items()}, self._now()
            )
            return -reserved if isinstance(reserved, int) else reserved  # ids in memory are negative

    @override
    async def record_response(
        self, category: str, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float
    ) -> None:
        # Memory learns from every response, also from those whose reservation is in the store.
        self._memory[category].record_response(
            max(0, -reservation_id), info, self._now(), rate_limited=rate_limited, jitter=jitter
        )
        if reservation_id > 0:
            await self._finish(
                lambda: self._shared.record_response(
                    category, reservation_id, info, rate_limited=rate_limited, jitter=jitter
                )
            )

    @override
    async def release(self, category: str, reservation_id: int, *, sent: bool) -> None:
        if reservation_id < 0:
            self._memory[category].release(-reservation_id, sent=sent)
        else:
            await self._finish(lambda: self._shared.release(category, reservation_id, sent=sent))

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            return await self._call_store(self._shared.snapshot)
        except _StoreUnavailableError:
            return {category: state.to_state() for category, state in self._memory.items()}

    @override
    async def aclose(self) -> None:
        while self._pending:
            await asyncio.wait(self._pending)
        self._closed = True
        await self._shared.aclose()

    async def _finish(self, operation: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """End a reservation in the store. If the store is unavailable, its lease ends it."""

        async def run() -> None:
            with suppress(_StoreUnavailableError):
                await self._call_store(operation)

        await asyncio.shield(self._start_task(run()))

    async def _call_store(
        self,
        operation: Callable[[], Coroutine[Any, Any, T]],
        on_abandoned: Callable[[asyncio.Task[T]], None] | None = None,
    ) -> T:
        """Run an operation of the store; `on_abandoned` gets it when it ends after its caller was cancelled."""
        is_retry = self._unavailable
        if self._closed or (is_retry and self._now() < self._retry_at):
            raise _StoreUnavailableError
        if is_retry:
            self._retry_at = self._now() + STORE_RETRY_INTERVAL  # other calls use memory meanwhile
        deadline = asyncio.get_running_loop().time() + STORE_TIMEOUT
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
            task = self._start_task(self._run(operation, deadline, is_retry=is_retry))
            try:
                result = await asyncio.shield(task)
            except asyncio.CancelledError:
                if on_abandoned is not None:
                    task.add_done_callback(on_abandoned)
                raise
        except _StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # each kind of store raises its own exceptions
            self._mark_unavailable(error)
            raise _StoreUnavailableError from None
        if is_retry and self._unavailable:  # an operation that started before the failure proves nothing
            self._unavailable = False
            logger.info("the shared rate-limit store is available again")
        return result

    async def _run(self, operation: Callable[[], Coroutine[Any, Any, T]], deadline: float, *, is_retry: bool) -> T:
        try:
            if self._closed or (self._unavailable and not is_retry):  # since it joined the queue
                raise _StoreUnavailableError
            async with asyncio.timeout_at(deadline):
                return await operation()
        finally:
            self._slots.release()

    def _mark_unavailable(self, error: Exception) -> None:
        if not self._unavailable:
            self._unavailable, self._retry_at = True, self._now() + STORE_RETRY_INTERVAL
            # Only the type: the message may contain a URL with a password.
            logger.warning(
                "the shared rate-limit store is unavailable (%s); meanwhile, this process uses limits of its own",
                type(error).__name__,
            )

    def _start_task(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(coroutine)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    def _release_abandoned(self, category: str, task: asyncio.Task[int | RequiredWait]) -> None:
        if not task.cancelled() and not task.exception() and isinstance(reservation_id := task.result(), int):
            self._start_task(self.release(category, reservation_id, sent=False))

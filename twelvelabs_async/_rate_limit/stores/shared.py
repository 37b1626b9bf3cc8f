"""What stores that several processes share have in common: their base class, and the memory that replaces a failed one.

The arithmetic is that of `CategoryState`. A store keeps one text for each category, of constant size, and one for each
request in flight, so that an operation costs the same with 1 and with 500 requests in flight.

A limiter must not stop all calls because its own store is down. If an operation of the store raises, or takes longer
than `STORE_TIMEOUT`, the call continues with limits in memory, one warning is logged, and every `STORE_RETRY_INTERVAL`
seconds one call tries the store again. The memory starts from the last response headers. Other processes use the same
limits, and their requests in flight are not counted meanwhile, so each request reserves `ASSUMED_PROCESSES` times its
costs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import attrs
from typing_extensions import override

from twelvelabs_async._rate_limit.windows import CategoryState, InFlightRequest
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RateLimitStore, RequiredWait

T = TypeVar("T")

RESERVATION_LEASE: Final = 120.0
"""Seconds after which a request without a response counts as sent and lost: its process may have died."""

NO_RESERVATION: Final = 0
"""Stands for a reservation id in operations that end no reservation."""

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


STORE_RETRY_INTERVAL: Final = 5.0
"""Seconds between two attempts to reach an unavailable store."""

STORE_TIMEOUT: Final = 2.0
"""Seconds after which an operation fails, including its time in the queue."""

MAX_CONCURRENT_OPERATIONS: Final = 8
"""Operations that one process runs in the store at a time; the others wait in a queue."""

ASSUMED_PROCESSES: Final = 4
"""Number of processes that are assumed to share the limits while the store is unavailable."""

MAX_CLOCK_STEP: Final = 10.0
"""Seconds by which the clock may go back before the state counts as lost."""

logger: Final = logging.getLogger("twelvelabs_async.ratelimit")


def parse_state(text: str) -> dict[str, Any]:
    """Return the state in a stored text."""
    state: dict[str, Any] = json.loads(text.rpartition("\n")[2])
    return state


class LoadedCategory:
    """A category as a store keeps it, and what an operation changes in it.

    Args:
        text: The stored text; empty if there is none.
        now: The current time.
    """

    def __init__(self, text: str, now: float) -> None:
        written_at, _, self._state_text = text.rpartition("\n")
        self._now = now
        self._is_discarded = bool(written_at) and float(written_at) > now + MAX_CLOCK_STEP
        if self._is_discarded:  # the clock was set back: calls would wait until it is there again
            self._state_text = ""
        self._loaded: Mapping[int, str] = {}
        self.state: CategoryState = (
            CategoryState.from_state(json.loads(self._state_text)) if self._state_text else CategoryState()
        )
        """The state to change."""

    @property
    def needs_in_flight(self) -> bool:
        """Whether the operation needs all requests in flight, because some may have expired."""
        return self._is_discarded or self.state.has_expired(self._now)

    def load_in_flight(self, texts: Mapping[int, str]) -> None:
        """Add the stored requests in flight that the operation needs."""
        self._loaded = texts
        if self._is_discarded:
            return
        self.state.in_flight = {
            reservation_id: InFlightRequest(**json.loads(texts[reservation_id])) for reservation_id in sorted(texts)
        }

    def changed_text(self) -> str | None:
        """Return the text to write: the time and the state; None if the state has not changed."""
        text = _encode(self.state.to_state())
        return None if text == self._state_text else f"{self._now:.0f}\n{text}"

    def changed_in_flight(self) -> dict[int, str | None]:
        """Return the requests in flight to write by reservation id; None stands for one to delete."""
        in_flight = self.state.in_flight
        changed: dict[int, str | None] = dict.fromkeys(self._loaded.keys() - in_flight.keys())
        for reservation_id in in_flight.keys() - self._loaded.keys():
            changed[reservation_id] = _encode(attrs.asdict(in_flight[reservation_id]))
        return changed


class SharedStore(RateLimitStore, ABC):
    """A store whose operations each change one category."""

    @abstractmethod
    async def _update(self, category: str, reservation_id: int, change: Callable[[CategoryState, float], T]) -> T:
        """Load a category, call `change` with its state and the current time, and write the result, atomically."""

    @override
    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        return await self._update(
            category, NO_RESERVATION, lambda state, now: state.reserve(costs, now, RESERVATION_LEASE)
        )

    @override
    async def record_response(
        self, category: str, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float
    ) -> None:
        def record(state: CategoryState, now: float) -> None:
            state.record_response(reservation_id, info, now, rate_limited=rate_limited, jitter=jitter)

        await self._update(category, reservation_id, record)

    @override
    async def release(self, category: str, reservation_id: int, *, sent: bool) -> None:
        await self._update(category, reservation_id, lambda state, _: state.release(reservation_id, sent=sent))


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
        """Run an operation of the store; when its caller is cancelled, `on_abandoned` gets its task at its end."""
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

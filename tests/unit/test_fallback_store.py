"""The fallback to memory while a shared store is unavailable, and reservations of cancelled callers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from memory_store import MemoryStore
from support import LoopClock, run_in_virtual_time
from typing_extensions import override

from twelvelabs_async._rate_limit.stores.shared import (
    ASSUMED_PROCESSES,
    MAX_CONCURRENT_OPERATIONS,
    STORE_RETRY_INTERVAL,
    STORE_TIMEOUT,
    FallbackStore,
)
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RateLimitStore, RequiredWait, WindowInfo

CLOCK = LoopClock()


class RemoteStore(MemoryStore):
    """A store with a latency, which may be unavailable."""

    def __init__(self, latency: float = 1.0) -> None:
        super().__init__(CLOCK.monotonic)
        self.latency = latency
        self.unavailable = False
        self.operations = 0
        self.closed = 0

    async def _round_trip(self) -> None:
        self.operations += 1
        await asyncio.sleep(self.latency)
        if self.unavailable:
            raise ConnectionError("cannot connect to redis://user:password@host")

    @property
    @override
    def poll_interval(self) -> None:
        return None

    @override
    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        await self._round_trip()
        return await super().reserve(category, costs)

    @override
    async def record_response(
        self, category: str, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float
    ) -> None:
        await self._round_trip()
        await super().record_response(category, reservation_id, info, rate_limited=rate_limited, jitter=jitter)

    @override
    async def release(self, category: str, reservation_id: int, *, sent: bool) -> None:
        await self._round_trip()
        await super().release(category, reservation_id, sent=sent)

    @override
    async def snapshot(self) -> dict[str, dict[str, Any]]:
        await self._round_trip()
        return await super().snapshot()

    @override
    async def aclose(self) -> None:
        self.closed += 1


def info(remaining: int) -> RateLimitInfo:
    now = CLOCK.time()
    return RateLimitInfo(
        server_time=now, windows={"request": WindowInfo(limit=40, remaining=remaining, reset=now + 60)}
    )


async def reserve_one(store: RateLimitStore) -> int:
    reserved = await store.reserve("search", SINGLE_REQUEST)
    assert isinstance(reserved, int)
    return reserved


async def respond(store: RateLimitStore, remaining: int) -> None:
    await store.record_response("search", await reserve_one(store), info(remaining), rate_limited=False, jitter=0.0)


def in_flight(snapshot: Mapping[str, Mapping[str, Any]]) -> int:
    return snapshot["search"]["in_flight_count"] if snapshot else 0


def test_all_state_is_kept_in_the_store_while_it_is_available() -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        await respond(store, 7)
        assert remote.category_state("search").windows["request", 40].remaining == 7
        assert in_flight(await store.snapshot()) == 0

    run_in_virtual_time(main())


def test_an_unavailable_store_is_replaced_by_memory_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        remote.unavailable = True
        with caplog.at_level(logging.INFO, "twelvelabs_async.ratelimit"):
            await respond(store, 2 * ASSUMED_PROCESSES)
            assert isinstance(await store.reserve("search", SINGLE_REQUEST), int)
            assert isinstance(await store.reserve("search", SINGLE_REQUEST), int)
            assert isinstance(await store.reserve("search", SINGLE_REQUEST), RequiredWait)
            assert in_flight(await store.snapshot()) == 2
        assert remote.operations == 1

    run_in_virtual_time(main())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ConnectionError" in caplog.text
    assert "password" not in caplog.text


def test_an_unavailable_store_is_retried_by_one_call_at_a_time_until_it_recovers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        remote.unavailable = True
        reservation_id = await reserve_one(store)
        await asyncio.sleep(STORE_RETRY_INTERVAL)
        await asyncio.gather(*(store.reserve("search", SINGLE_REQUEST) for _ in range(20)))
        assert remote.operations == 2
        remote.unavailable = False
        await asyncio.sleep(STORE_RETRY_INTERVAL)
        assert await reserve_one(store) > 0 > reservation_id
        await store.release("search", reservation_id, sent=False)
        assert remote.operations == 3  # a reservation in memory is released in memory

    with caplog.at_level(logging.INFO, "twelvelabs_async.ratelimit"):
        run_in_virtual_time(main())
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_memory_is_updated_by_the_response_to_a_request_reserved_in_the_store() -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        reservation_id = await reserve_one(store)
        remote.unavailable = True
        await store.record_response("search", reservation_id, info(ASSUMED_PROCESSES), rate_limited=False, jitter=0.0)
        assert isinstance(await store.reserve("search", SINGLE_REQUEST), int)
        assert isinstance(await store.reserve("search", SINGLE_REQUEST), RequiredWait)
        await store.release("search", 4711, sent=True)

    run_in_virtual_time(main())


def test_memory_starts_from_the_last_response_headers() -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        await respond(store, 0)
        remote.unavailable = True
        reserved = await store.reserve("search", SINGLE_REQUEST)
        assert isinstance(reserved, RequiredWait)
        assert reserved.certain

    run_in_virtual_time(main())


class FakeServer:
    """A server that accepts `limit` requests per minute, with a latency of 0.1 s."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.rate_limited = 0

    async def respond(self) -> tuple[RateLimitInfo, bool]:
        await asyncio.sleep(0.05)
        rate_limited = self.used == self.limit
        self.used += not rate_limited
        self.rate_limited += rate_limited
        limit_info = RateLimitInfo(
            server_time=CLOCK.time(),
            windows={
                "request": WindowInfo(limit=self.limit, remaining=self.limit - self.used, reset=LoopClock.EPOCH + 60)
            },
        )
        await asyncio.sleep(0.05)
        return limit_info, rate_limited


async def send_until_limit_reached(store: FallbackStore, server: FakeServer) -> None:
    while (
        not isinstance(reserved := await store.reserve("search", SINGLE_REQUEST), RequiredWait) or not reserved.certain
    ):
        if isinstance(reserved, int):
            limit_info, rate_limited = await server.respond()
            await store.record_response("search", reserved, limit_info, rate_limited=rate_limited, jitter=0.0)
        else:
            await asyncio.sleep(0.01)


def test_processes_without_a_shared_store_use_the_whole_limit_and_barely_exceed_it() -> None:
    async def main() -> FakeServer:
        server = FakeServer(200)
        stores = [FallbackStore(RemoteStore(), CLOCK.monotonic) for _ in range(4)]
        for store in stores:
            await store.aclose()  # unavailable from now on
        async with asyncio.TaskGroup() as group:
            for number in range(80):
                group.create_task(send_until_limit_reached(stores[number % 4], server))
        return server

    server = run_in_virtual_time(main())
    assert server.used >= 190
    assert server.rate_limited <= 4


def test_a_reservation_for_a_cancelled_caller_is_released() -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        await respond(store, 7)
        reservation = asyncio.ensure_future(store.reserve("search", SINGLE_REQUEST))
        await asyncio.sleep(0.5)
        reservation.cancel()
        await asyncio.wait([reservation])
        assert in_flight(await remote.snapshot()) == 1
        await store.aclose()
        assert in_flight(await remote.snapshot()) == 0
        assert remote.closed == 1

    run_in_virtual_time(main())


@pytest.mark.parametrize("end", ["settle", "release"])
def test_a_response_is_recorded_even_if_its_caller_is_cancelled(end: str) -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        reservation_id = await reserve_one(store)
        if end == "settle":
            report = asyncio.ensure_future(
                store.record_response("search", reservation_id, info(7), rate_limited=False, jitter=0.0)
            )
        else:
            report = asyncio.ensure_future(store.release("search", reservation_id, sent=False))
        await asyncio.sleep(0.5)
        report.cancel()
        await asyncio.wait([report])
        await store.aclose()
        assert not remote.category_state("search").in_flight

    run_in_virtual_time(main())


class SuspendedStore(RemoteStore):
    """A store whose operations never end, like that of a suspended process."""

    @override
    async def _round_trip(self) -> None:
        self.operations += 1
        await asyncio.sleep(1e9)


def test_memory_is_used_if_the_store_does_not_respond_in_time(caplog: pytest.LogCaptureFixture) -> None:
    """The timeout includes the time in the queue: 100 calls wait no longer than one."""

    async def main() -> None:
        remote = SuspendedStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        reserved = await asyncio.gather(*(store.reserve(f"category {number}", SINGLE_REQUEST) for number in range(100)))
        assert CLOCK.monotonic() == pytest.approx(STORE_TIMEOUT)
        assert reserved == [-1] * 100
        assert remote.operations == MAX_CONCURRENT_OPERATIONS
        await store.release("category 0", 4711, sent=True)
        assert await reserve_one(store) < 0
        assert CLOCK.monotonic() == pytest.approx(STORE_TIMEOUT)
        await store.aclose()

    run_in_virtual_time(main())
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_queued_reservations_of_cancelled_callers_are_dropped() -> None:
    async def main() -> None:
        remote = RemoteStore(latency=0.2)
        store = FallbackStore(remote, CLOCK.monotonic)
        reservations = [asyncio.ensure_future(store.reserve("search", SINGLE_REQUEST)) for _ in range(50)]
        await asyncio.sleep(0.1)
        for task in reservations:
            task.cancel()
        await asyncio.wait(reservations)
        await reserve_one(store)
        assert CLOCK.monotonic() <= 0.41, "it waits for started operations only"
        assert remote.operations <= 2 * MAX_CONCURRENT_OPERATIONS + 1
        await store.aclose()
        assert in_flight(await remote.snapshot()) == 1

    run_in_virtual_time(main())


def test_a_closed_store_is_not_used_again() -> None:
    async def main() -> None:
        remote = RemoteStore()
        store = FallbackStore(remote, CLOCK.monotonic)
        await store.aclose()
        assert await reserve_one(store) < 0
        assert not remote.operations

    run_in_virtual_time(main())


class ScriptedStore(MemoryStore):
    """A store whose operations are completed by the test, in any order."""

    def __init__(self) -> None:
        super().__init__(CLOCK.monotonic)
        self.operations: list[asyncio.Future[None]] = []

    @override
    async def snapshot(self) -> dict[str, dict[str, Any]]:
        completion = asyncio.get_running_loop().create_future()
        self.operations.append(completion)
        await completion
        return {}


async def start_snapshot(store: FallbackStore) -> asyncio.Task[Mapping[str, Mapping[str, Any]]]:
    task = asyncio.create_task(store.snapshot())
    await asyncio.sleep(0.1)
    return task


async def unavailable_store() -> tuple[ScriptedStore, FallbackStore, asyncio.Task[Mapping[str, Mapping[str, Any]]]]:
    """Return a store after the first of two operations failed, and the second operation, which is still running."""
    remote = ScriptedStore()
    store = FallbackStore(remote, CLOCK.monotonic)
    first, second = await start_snapshot(store), await start_snapshot(store)
    remote.operations[0].set_exception(ConnectionError())
    await first
    return remote, store, second


def test_a_late_success_of_an_operation_started_before_the_failure_is_not_a_recovery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        remote, store, second = await unavailable_store()
        remote.operations[1].set_result(None)
        await second
        await store.snapshot()
        assert len(remote.operations) == 2, "the store is retried after an interval, not immediately"

    with caplog.at_level(logging.INFO):
        run_in_virtual_time(main())
    assert [record.levelname for record in caplog.records] == ["WARNING"]

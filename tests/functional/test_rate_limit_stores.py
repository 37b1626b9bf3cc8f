"""Rate-limit stores in memory, SQLite, Redis and a fake Redis pass the same tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from memory_store import MemoryStore
from redis_server import NEEDS_REDIS, RedisServer, redis_server

from twelvelabs_async._rate_limit.stores import shared
from twelvelabs_async._rate_limit.stores.redis import RedisStore, create_redis_client
from twelvelabs_async._rate_limit.stores.sqlite import SqliteStore
from twelvelabs_async._rate_limit.windows import INITIAL_ROUND, SINGLE_REQUEST, CategoryState
from twelvelabs_async.rate_limits import RateLimitInfo, RateLimitStore, RequiredWait, WindowInfo

StoreFactory = Callable[[str], RateLimitStore]
"""Opens another store of an organization, which shares its state."""


@pytest.fixture(scope="module")
def real_redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@asynccontextmanager
async def create_factory(kind: str, folder: Path, request: pytest.FixtureRequest) -> AsyncGenerator[StoreFactory]:
    if kind == "memory":
        stores: dict[str, RateLimitStore] = {}
        yield lambda organization: stores.setdefault(organization, MemoryStore(time.monotonic))
    elif kind == "sqlite":
        yield lambda organization: SqliteStore(folder / "limits.db", organization, time.time)
    elif kind == "fakeredis":
        server = FakeServer()
        client = FakeAsyncRedis(server=server, decode_responses=True)
        await client.ping()  # redis-py reads its version from the disk once
        yield lambda organization: RedisStore(client, organization)
    else:
        real: RedisServer = request.getfixturevalue("real_redis")
        yield lambda organization: RedisStore(create_redis_client(real.url), f"{folder}/{organization}")


@pytest.fixture(params=["memory", "sqlite", "fakeredis", pytest.param("redis", marks=NEEDS_REDIS)])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreFactory]:
    opened: list[RateLimitStore] = []
    async with create_factory(request.param, tmp_path, request) as factory:

        def open_and_record(organization: str) -> RateLimitStore:
            opened.append(factory(organization))
            return opened[-1]

        yield open_and_record
        for store in opened:
            await store.aclose()


@pytest.fixture
def first_store(open_store: StoreFactory) -> RateLimitStore:
    return open_store("acme")


@pytest.fixture
def second_store(open_store: StoreFactory, first_store: RateLimitStore) -> RateLimitStore:
    """The store of another process in the same organization."""
    del first_store
    return open_store("acme")


def window_info(remaining: int, *, limit: int = 40, resets_in: float = 60.0) -> RateLimitInfo:
    now = time.time()
    return RateLimitInfo(
        server_time=now, windows={"request": WindowInfo(limit=limit, remaining=remaining, reset=now + resets_in)}
    )


async def respond(
    store: RateLimitStore, info: RateLimitInfo, *, category: str = "search", rate_limited: bool = False
) -> None:
    reservation_id = await store.reserve(category, SINGLE_REQUEST)
    assert isinstance(reservation_id, int)
    await store.record_response(category, reservation_id, info, rate_limited=rate_limited, jitter=0.0)


async def reserve_all(store: RateLimitStore, count: int, category: str = "search") -> list[int]:
    """Try to reserve `count` requests concurrently; return the ids of the reservations."""
    results = await asyncio.gather(*(store.reserve(category, SINGLE_REQUEST) for _ in range(count)))
    return [reservation_id for reservation_id in results if isinstance(reservation_id, int)]


async def test_p27_without_headers_all_stores_share_one_initial_round(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    assert len(await reserve_all(first_store, 10)) == 10
    assert len(await reserve_all(second_store, INITIAL_ROUND - 10)) == INITIAL_ROUND - 10
    for store in (first_store, second_store):
        snapshot = await store.snapshot()
        assert snapshot["search"]["in_flight_count"] == INITIAL_ROUND


async def test_headers_received_by_one_store_limit_all_stores(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    await respond(first_store, window_info(7))
    first_ids, second_ids = await asyncio.gather(reserve_all(first_store, 10), reserve_all(second_store, 10))
    assert len(first_ids) + len(second_ids) == 7
    assert len({*first_ids, *second_ids}) == 7
    wait = await second_store.reserve("search", SINGLE_REQUEST)
    assert isinstance(wait, RequiredWait)


async def test_an_exhausted_limit_returns_the_wait_until_its_reset(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    await respond(first_store, window_info(0, limit=40, resets_in=60.0))
    wait = await second_store.reserve("search", SINGLE_REQUEST)
    assert isinstance(wait, RequiredWait)
    assert wait.certain
    assert (wait.dimension, wait.limit) == ("request", 40)
    assert 50 < (wait.seconds or 0) <= 60.001


async def test_a_429_blocks_the_category_in_all_stores(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    reservation_id = await first_store.reserve("search", SINGLE_REQUEST)
    assert isinstance(reservation_id, int)
    info = RateLimitInfo(server_time=time.time(), retry_after=30.0)
    await first_store.record_response("search", reservation_id, info, rate_limited=True, jitter=0.0)
    wait = await second_store.reserve("search", SINGLE_REQUEST)
    assert isinstance(wait, RequiredWait)
    assert 25 < (wait.seconds or 0) <= 30.001
    assert isinstance(await second_store.reserve("analyze", SINGLE_REQUEST), int)


async def test_only_an_unsent_request_returns_its_cost_to_the_quota(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    await respond(first_store, window_info(2))
    first, second = await reserve_all(first_store, 2)
    assert await reserve_all(second_store, 1) == []
    await first_store.release("search", first, sent=False)
    await first_store.release("search", second, sent=True)
    assert len(await reserve_all(second_store, 5)) == 1


async def test_all_dimensions_are_reserved_or_none(first_store: RateLimitStore, second_store: RateLimitStore) -> None:
    now = time.time()
    quotas = {
        "request": WindowInfo(limit=40, remaining=30, reset=now + 60),
        "duration": WindowInfo(limit=600, remaining=100, reset=now + 3600),
    }
    await respond(first_store, RateLimitInfo(server_time=now, windows=quotas), category="index")
    assert isinstance(await first_store.reserve("index", {"request": 1.0, "duration": 90.0}), int)
    wait = await second_store.reserve("index", {"request": 1.0, "duration": 20.0})
    assert isinstance(wait, RequiredWait)
    assert isinstance(await second_store.reserve("index", {"request": 1.0, "duration": 10.0}), int)
    assert (await second_store.snapshot())["index"]["reserved"] == {"request": 2, "duration": 100}


async def test_organizations_and_categories_are_independent(
    open_store: StoreFactory, first_store: RateLimitStore
) -> None:
    await respond(first_store, window_info(0))
    assert isinstance(await open_store("others").reserve("search", SINGLE_REQUEST), int)
    assert isinstance(await first_store.reserve("analyze", SINGLE_REQUEST), int)


async def test_the_response_of_an_unknown_reservation_updates_the_limits(first_store: RateLimitStore) -> None:
    await first_store.record_response("search", 4711, window_info(3), rate_limited=False, jitter=0.0)
    assert len(await reserve_all(first_store, 10)) == 3


async def test_a_snapshot_has_the_state_of_each_category(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    assert not await first_store.snapshot()
    await respond(first_store, window_info(9))
    await respond(first_store, window_info(5), category="analyze")
    snapshot = await second_store.snapshot()
    assert sorted(snapshot) == ["analyze", "search"]
    state = CategoryState.from_state(snapshot["search"])
    assert [(window.limit, window.remaining) for window in state.windows.values()] == [(40, 9)]
    assert not state.in_flight_count


async def test_a_second_close_does_nothing(first_store: RateLimitStore) -> None:
    await first_store.reserve("search", SINGLE_REQUEST)
    await first_store.aclose()
    await first_store.aclose()


async def test_requests_of_a_killed_process_expire_with_their_lease(
    first_store: RateLimitStore, second_store: RateLimitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(first_store, MemoryStore):
        pytest.skip("memory ends with its process")
    await respond(first_store, window_info(2))
    monkeypatch.setattr(shared, "RESERVATION_LEASE", 0.0)
    assert len(await reserve_all(first_store, 1)) == 1
    assert (await second_store.snapshot())["search"]["in_flight_count"] == 1
    assert isinstance(await second_store.reserve("search", SINGLE_REQUEST), int)
    assert (await second_store.snapshot())["search"]["in_flight_count"] == 1


async def test_two_concurrent_stores_never_reserve_too_much(
    first_store: RateLimitStore, second_store: RateLimitStore
) -> None:
    await respond(first_store, window_info(40))
    in_flight = 0

    async def work(store: RateLimitStore) -> None:
        nonlocal in_flight
        for _ in range(20):
            reservation_id = await store.reserve("search", SINGLE_REQUEST)
            if isinstance(reservation_id, int):
                in_flight += 1
                assert in_flight <= 40
                await store.release("search", reservation_id, sent=False)
                in_flight -= 1

    await asyncio.gather(*(work(store) for store in (first_store, second_store) for _ in range(5)))
    assert len(await reserve_all(second_store, 50)) == 40

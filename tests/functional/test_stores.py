"""What every place for budgets promises: one suite for memory, a file, PostgreSQL, and Redis, imitated and real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from postgres import Server, postgres
from redis_server import NEEDS_REDIS, RedisServer, redis_server

from twelvelabs_async.policy.budget import ONE, Budget
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.store import BudgetStore, MemoryStore
from twelvelabs_async.policy.stores import leased, redis
from twelvelabs_async.policy.stores.postgres import PostgresStore
from twelvelabs_async.policy.stores.redis import RedisStore, connect
from twelvelabs_async.policy.stores.sqlite import SqliteStore

Opener = Callable[[str], BudgetStore]
"""Opens one more view of the same budgets, for an organisation."""


@pytest.fixture(scope="module")
def real_redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def real_postgres() -> Iterator[Server]:
    with postgres() as server:
        yield server


@asynccontextmanager
async def opener(kind: str, folder: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Opener]:
    if kind == "memory":
        stores: dict[str, BudgetStore] = {}
        yield lambda organization: stores.setdefault(organization, MemoryStore(time.monotonic))
    elif kind == "sqlite":
        yield lambda organization: SqliteStore(folder / "budget.db", organization, time.time)
    elif kind == "postgres":
        url: str = request.getfixturevalue("real_postgres").url
        yield lambda organization: PostgresStore(url, f"{folder}/{organization}")
    elif kind == "fakeredis":
        server = FakeServer()
        client = FakeAsyncRedis(server=server, decode_responses=True)
        await client.ping()  # reads the version of redis-py from the disk, once
        yield lambda organization: RedisStore(client, organization)
    else:
        real: RedisServer = request.getfixturevalue("real_redis")
        yield lambda organization: RedisStore(connect(real.url), f"{folder}/{organization}")


@pytest.fixture(params=["memory", "sqlite", "postgres", "fakeredis", pytest.param("redis", marks=NEEDS_REDIS)])
async def view(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    opened: list[BudgetStore] = []
    async with opener(request.param, tmp_path, request) as make:

        def open_one(organization: str) -> BudgetStore:
            opened.append(make(organization))
            return opened[-1]

        yield open_one
        for store in opened:
            await store.aclose()


@pytest.fixture
def one(view: Opener) -> BudgetStore:
    return view("acme")


@pytest.fixture
def other(view: Opener, one: BudgetStore) -> BudgetStore:
    """What another process of the same organisation has."""
    del one
    return view("acme")


def told(remaining: int, *, limit: int = 40, ahead: float = 60.0) -> Advice:
    now = time.time()
    return Advice(server_time=now, quotas={"request": Quota(limit=limit, remaining=remaining, reset=now + ahead)})


async def answered(store: BudgetStore, advice: Advice, *, category: str = "search", refused: bool = False) -> None:
    ticket = await store.reserve(category, ONE)
    assert isinstance(ticket, int)
    await store.settle(category, ticket, advice, refused=refused, jitter=0.0)


async def taken(store: BudgetStore, wanted: int, category: str = "search") -> list[int]:
    """The tickets one gets who asks so many times at once."""
    found = await asyncio.gather(*(store.reserve(category, ONE) for _ in range(wanted)))
    return [ticket for ticket in found if isinstance(ticket, int)]


async def test_while_nothing_is_known_one_call_goes_and_all_others_wait_for_its_answer(
    one: BudgetStore, other: BudgetStore
) -> None:
    assert isinstance(await one.reserve("search", ONE), int)
    for store in (one, other):
        wait = await store.reserve("search", ONE)
        assert isinstance(wait, Wait)
        assert not wait.certain


async def test_what_one_is_told_all_know_and_together_they_take_no_more_than_is_left(
    one: BudgetStore, other: BudgetStore
) -> None:
    await answered(one, told(7))
    mine, theirs = await asyncio.gather(taken(one, 10), taken(other, 10))
    assert len(mine) + len(theirs) == 7
    assert len({*mine, *theirs}) == 7
    wait = await other.reserve("search", ONE)
    assert isinstance(wait, Wait)


async def test_a_quota_that_is_used_up_says_when_it_comes_back(one: BudgetStore, other: BudgetStore) -> None:
    await answered(one, told(0, limit=40, ahead=60.0))
    wait = await other.reserve("search", ONE)
    assert isinstance(wait, Wait)
    assert wait.certain
    assert (wait.dimension, wait.limit) == ("request", 40)
    assert 50 < (wait.seconds or 0) <= 60.001


async def test_a_refusal_closes_the_category_for_everybody(one: BudgetStore, other: BudgetStore) -> None:
    ticket = await one.reserve("search", ONE)
    assert isinstance(ticket, int)
    advice = Advice(server_time=time.time(), retry_after=30.0)
    await one.settle("search", ticket, advice, refused=True, jitter=0.0)
    wait = await other.reserve("search", ONE)
    assert isinstance(wait, Wait)
    assert 25 < (wait.seconds or 0) <= 30.001
    assert isinstance(await other.reserve("analyze", ONE), int)


async def test_a_call_that_was_never_sent_gives_all_back_and_one_that_was_lost_nothing(
    one: BudgetStore, other: BudgetStore
) -> None:
    await answered(one, told(2))
    first, second = await taken(one, 2)
    assert await taken(other, 1) == []
    await one.release("search", first, sent=False)
    await one.release("search", second, sent=True)
    assert len(await taken(other, 5)) == 1


async def test_several_dimensions_are_taken_together_or_not_at_all(one: BudgetStore, other: BudgetStore) -> None:
    now = time.time()
    quotas = {
        "request": Quota(limit=40, remaining=30, reset=now + 60),
        "duration": Quota(limit=600, remaining=100, reset=now + 3600),
    }
    await answered(one, Advice(server_time=now, quotas=quotas), category="index")
    assert isinstance(await one.reserve("index", {"request": 1.0, "duration": 90.0}), int)
    wait = await other.reserve("index", {"request": 1.0, "duration": 20.0})
    assert isinstance(wait, Wait)
    assert isinstance(await other.reserve("index", {"request": 1.0, "duration": 10.0}), int)
    flying = (await other.snapshot())["index"]["flying"]
    assert (flying["request"], flying["duration"]) == (2, 100)


async def test_organisations_and_categories_are_apart(view: Opener, one: BudgetStore) -> None:
    await answered(one, told(0))
    assert isinstance(await view("others").reserve("search", ONE), int)
    assert isinstance(await one.reserve("analyze", ONE), int)


async def test_an_answer_to_a_ticket_nobody_knows_is_believed_nevertheless(one: BudgetStore) -> None:
    await one.settle("search", 4711, told(3), refused=False, jitter=0.0)
    assert len(await taken(one, 10)) == 3


async def test_a_snapshot_holds_what_each_budget_is(one: BudgetStore, other: BudgetStore) -> None:
    assert not await one.snapshot()
    await answered(one, told(9))
    await answered(one, told(5), category="analyze")
    kept = await other.snapshot()
    assert sorted(kept) == ["analyze", "search"]
    budget = Budget.from_state(kept["search"])
    assert [(window.limit, window.seen) for window in budget.windows] == [(40, 9)]
    assert not budget.flights


async def test_closing_twice_is_closing_once(one: BudgetStore) -> None:
    await one.reserve("search", ONE)
    await one.aclose()
    await one.aclose()


async def test_what_a_killed_process_had_on_its_way_is_free_after_its_lease(
    one: BudgetStore, other: BudgetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(one, MemoryStore):
        pytest.skip("memory dies with its process")
    await answered(one, told(2))
    for module in (leased, redis):
        monkeypatch.setattr(module, "LEASE", 0.0)
    assert len(await taken(one, 1)) == 1
    assert len((await other.snapshot())["search"]["flights"]) == 1
    assert isinstance(await other.reserve("search", ONE), int)
    assert len((await other.snapshot())["search"]["flights"]) == 1


async def test_two_that_ask_again_and_again_side_by_side_never_take_too_much(
    one: BudgetStore, other: BudgetStore
) -> None:
    await answered(one, told(40))
    flying = 0

    async def work(store: BudgetStore) -> None:
        nonlocal flying
        for _ in range(20):
            ticket = await store.reserve("search", ONE)
            if isinstance(ticket, int):
                flying += 1
                assert flying <= 40
                await store.release("search", ticket, sent=False)
                flying -= 1

    await asyncio.gather(*(work(store) for store in (one, other) for _ in range(5)))
    assert len(await taken(other, 50)) == 40

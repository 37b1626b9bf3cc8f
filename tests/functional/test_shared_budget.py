"""Several clients of one organisation, and the budget they share."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis_server import NEEDS_REDIS, redis_server
from support import eventually

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window
from twelvelabs_async.policy import fallback
from twelvelabs_async.policy.budget import ONE
from twelvelabs_async.policy.stores import identity
from twelvelabs_async.policy.stores.sqlite import SqliteStore
from twelvelabs_async.settings import Secret

CALLS = 120
CLIENTS = 4


@pytest.fixture
async def limited() -> AsyncIterator[Emulator]:
    asyncio.get_running_loop().set_debug(False)
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        yield emulator


@asynccontextmanager
async def crowd(emulator: Emulator, budget: str, **options: Any) -> AsyncGenerator[list[AsyncTwelveLabs]]:
    """Clients that know nothing of each other but the budget."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, budget=budget, max_retries=20, **options)
            )
            for _ in range(CLIENTS)
        ]


async def burst(emulator: Emulator, clients: list[AsyncTwelveLabs]) -> tuple[int, int]:
    """How many searches were answered, and how many were refused on the way."""
    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    index = await clients[0].indexes.create(index_name="one", models=models)

    async def search(number: int) -> None:
        searching = clients[number % CLIENTS].search
        await searching.query(index_id=index.id, search_options=["visual"], query_text="a boat")

    await asyncio.gather(*map(search, range(CALLS)))
    answered = [received.status for received in emulator.requests.of("POST /search")]
    return answered.count(200), answered.count(429)


async def test_clients_that_share_a_file_hardly_overrun_a_quota_none_of_them_knew(
    limited: Emulator, tmp_path: Path
) -> None:
    """P4."""
    async with crowd(limited, f"sqlite:///{tmp_path}/budget.db") as clients:
        served, refused = await burst(limited, clients)
    assert served == CALLS
    assert refused <= 2


@NEEDS_REDIS
async def test_clients_that_share_a_redis_hardly_overrun_a_quota_none_of_them_knew(limited: Emulator) -> None:
    """P4."""
    with redis_server() as server:
        async with crowd(limited, server.url) as clients:
            served, refused = await burst(limited, clients)
    assert served == CALLS
    assert refused <= 2


async def test_the_file_is_its_owners_alone_and_holds_no_key(limited: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "budget.db"
    key = limited.api_key
    async with AsyncTwelveLabs(key, base_url=limited.base_url, budget=f"sqlite:///{path}") as client:
        await client.assets.list()
        assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [0o600] * 3
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM budget_v1").fetchall()
    assert [(organization, category) for organization, category, _ in rows] == [
        (identity(Secret(key), None), "GET /assets")
    ]
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.iterdir())


@NEEDS_REDIS
async def test_redis_is_asked_for_the_organisation_and_never_sees_the_key(limited: Emulator) -> None:
    with redis_server() as server:
        async with crowd(limited, server.url, organization="acme") as clients:
            await clients[0].assets.list()
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            assert await redis.keys("*") == ["tl:{acme}:budget"]
            assert await redis.hkeys("tl:{acme}:budget") == ["GET /assets"]
            assert 0 < await redis.ttl("tl:{acme}:budget") <= 7 * 86_400


@NEEDS_REDIS
async def test_a_redis_that_is_killed_and_comes_back_costs_no_call(
    limited: Emulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "AGAIN", 0.2)
    with redis_server() as server, caplog.at_level(logging.INFO, "twelvelabs_async.limits"):
        async with crowd(limited, server.url, organization="acme") as clients:
            working = asyncio.ensure_future(burst(limited, clients))
            await eventually(lambda: len(limited.requests.of("POST /search")) > 20, within=20)
            await asyncio.to_thread(server.kill)
            await eventually(lambda: len(limited.requests.of("POST /search")) > 80, within=20)
            await asyncio.to_thread(server.start)
            served, _ = await working
            assert served == CALLS
            for client in clients:  # only who asks finds out
                await _until_back(client, caplog)
            async with Redis.from_url(server.url, decode_responses=True) as redis:
                assert await redis.hexists("tl:{acme}:budget", "GET /assets")
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert 1 <= len(warnings) <= CLIENTS  # one for each client, not one for each call


async def _until_back(client: AsyncTwelveLabs, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(20):
        while "are back" not in caplog.text:
            await client.assets.list()
            await asyncio.sleep(0.05)
    await client.assets.list()


@pytest.mark.parametrize(
    "budget",
    ["", "budget.db", "sqlite:budget.db", "sqlite:///", "sqlite:////no/such/folder/budget.db", "mysql://h/b",
     "redis://host:port"],
)  # fmt: skip
def test_an_address_that_names_no_store_is_told_at_once(budget: str) -> None:
    with pytest.raises(InvalidInputError, match="budget"):
        AsyncTwelveLabs("key", budget=budget)


def test_an_error_about_an_address_does_not_show_the_password_in_it() -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncTwelveLabs("key", budget="redis://user:hunter2@host:port")
    assert "hunter2" not in str(caught.value)


def test_a_missing_extra_is_told_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "twelvelabs_async.policy.stores.redis", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'twelvelabs-async\[redis\]'"):
        AsyncTwelveLabs("key", budget="redis://localhost")


async def test_a_store_that_is_passed_in_is_left_open(limited: Emulator, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "budget.db", "acme", time.time)
    async with AsyncTwelveLabs(limited.api_key, base_url=limited.base_url, budget=store) as client:
        await client.assets.list()
    assert list(await store.snapshot()) == ["GET /assets"]
    await store.aclose()


async def test_a_file_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "budget.db", "acme", time.time)
    assert isinstance(await store.reserve("search", ONE), int)
    for file in tmp_path.iterdir():
        file.unlink()
    assert await store.reserve("search", ONE) == 1
    assert (tmp_path / "budget.db").exists()
    await store.aclose()

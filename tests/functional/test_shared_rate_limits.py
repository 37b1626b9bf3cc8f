"""Several clients of one organization that share a rate-limit store."""

from __future__ import annotations

import asyncio
import logging
import re
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
from twelvelabs_async._options import Secret
from twelvelabs_async._rate_limit.stores import redis as redis_store
from twelvelabs_async._rate_limit.stores import shared, tenant_id
from twelvelabs_async._rate_limit.stores.shared import FallbackStore
from twelvelabs_async._rate_limit.stores.sqlite import SqliteStore
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST
from twelvelabs_async._text import install_command
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

CALLS = 120
CLIENTS = 4


@pytest.fixture
async def limited_emulator() -> AsyncIterator[Emulator]:
    asyncio.get_running_loop().set_debug(False)
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        yield emulator


@asynccontextmanager
async def open_clients(emulator: Emulator, url: str, **options: Any) -> AsyncGenerator[list[AsyncTwelveLabs]]:
    """Open clients that share only the store."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                AsyncTwelveLabs(
                    emulator.api_key, base_url=emulator.base_url, rate_limit_store=url, max_retries=20, **options
                )
            )
            for _ in range(CLIENTS)
        ]


async def run_searches(emulator: Emulator, clients: list[AsyncTwelveLabs]) -> tuple[int, int]:
    """Return the numbers of 200 and of 429 responses."""
    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    index = await clients[0].indexes.create(index_name="one", models=models)

    async def search(number: int) -> None:
        resource = clients[number % CLIENTS].search
        await resource.query(index_id=index.id, search_options=["visual"], query_text="a boat")

    await search(0)  # its response reports the limit to all clients
    await asyncio.gather(*map(search, range(1, CALLS)))
    statuses = [request.status for request in emulator.requests.for_operation("POST /search")]
    return statuses.count(200), statuses.count(429)


async def test_p4_clients_that_share_a_file_hardly_exceed_their_limit(
    limited_emulator: Emulator, tmp_path: Path
) -> None:
    async with open_clients(limited_emulator, f"sqlite:///{tmp_path}/limits.db") as clients:
        accepted, rate_limited = await run_searches(limited_emulator, clients)
    assert accepted == CALLS
    assert rate_limited <= 2


@NEEDS_REDIS
async def test_p4_clients_that_share_a_redis_hardly_exceed_their_limit(limited_emulator: Emulator) -> None:
    with redis_server() as server:
        async with open_clients(limited_emulator, server.url) as clients:
            accepted, rate_limited = await run_searches(limited_emulator, clients)
    assert accepted == CALLS
    assert rate_limited <= 2


async def test_only_its_owner_can_read_the_file_and_it_contains_no_key(
    limited_emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "limits.db"
    key = limited_emulator.api_key
    async with AsyncTwelveLabs(key, base_url=limited_emulator.base_url, rate_limit_store=f"sqlite:///{path}") as client:
        await client.assets.list()
        assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [0o600] * 3
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM rate_limit_state_v2").fetchall()
    assert [(organization, category) for organization, category, _ in rows] == [
        (tenant_id(Secret(key), None), "GET /assets")
    ]
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.iterdir())


@NEEDS_REDIS
async def test_redis_keys_contain_the_organization_and_not_the_api_key(limited_emulator: Emulator) -> None:
    with redis_server() as server:
        async with open_clients(limited_emulator, server.url, organization="acme") as clients:
            await clients[0].assets.list()
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            assert await redis.keys("*") == ["twelvelabs:{acme}:rate_limits"]
            assert await redis.hkeys("twelvelabs:{acme}:rate_limits") == ["GET /assets"]
            assert 0 < await redis.ttl("twelvelabs:{acme}:rate_limits") <= 7 * 86_400


@NEEDS_REDIS
async def test_no_call_fails_when_redis_is_killed_and_restarted(
    limited_emulator: Emulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "STORE_RETRY_INTERVAL", 0.2)
    with redis_server() as server, caplog.at_level(logging.INFO, "twelvelabs_async.ratelimit"):
        async with open_clients(limited_emulator, server.url, organization="acme") as clients:
            searches = asyncio.ensure_future(run_searches(limited_emulator, clients))
            await eventually(lambda: len(limited_emulator.requests.for_operation("POST /search")) > 20, timeout=60)
            await asyncio.to_thread(server.kill)
            await eventually(lambda: len(limited_emulator.requests.for_operation("POST /search")) > 80, timeout=60)
            await asyncio.to_thread(server.start)
            accepted, _ = await searches
            assert accepted == CALLS
            for client in clients:  # a client detects the restart with its next call
                await _until_available(client, caplog)
            async with Redis.from_url(server.url, decode_responses=True) as redis:
                assert await redis.hexists("twelvelabs:{acme}:rate_limits", "GET /assets")
    levels = [record.levelname for record in caplog.records if "shared rate-limit store" in record.getMessage()]
    # One warning for each outage that a client has seen, not for each call. A slow machine may cause another outage.
    assert 1 <= levels.count("WARNING") <= CLIENTS + levels.count("INFO")


@NEEDS_REDIS
async def test_concurrent_calls_share_one_timeout_of_an_unresponsive_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "STORE_TIMEOUT", 0.5)
    with redis_server() as server:
        store = FallbackStore(
            redis_store.RedisStore(redis_store.create_redis_client(server.url), "acme"), time.monotonic
        )
        assert isinstance(await store.reserve("search", SINGLE_REQUEST), int)
        server.pause()
        async with asyncio.timeout(15):
            reservations = await asyncio.gather(*(store.reserve("search", SINGLE_REQUEST) for _ in range(40)))
        assert all(
            reservation < 0 for reservation in reservations if isinstance(reservation, int)
        )  # reserved in memory
        assert -1 in reservations
        await store.aclose()


async def _until_available(client: AsyncTwelveLabs, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(60):
        while "available again" not in caplog.text:
            await client.assets.list()
            await asyncio.sleep(0.05)
    await client.assets.list()


@pytest.mark.parametrize(
    "url",
    ["", "limits.db", "sqlite:limits.db", "sqlite:///", "sqlite:////no/such/folder/limits.db", "mysql://h/b",
     "redis://host:port", "redis:/host"],
)  # fmt: skip
def test_an_invalid_store_url_is_an_error_of_the_constructor(url: str) -> None:
    with pytest.raises(InvalidInputError, match="rate_limit_store"):
        AsyncTwelveLabs("key", rate_limit_store=url)


def test_the_error_for_an_invalid_url_does_not_contain_its_password() -> None:
    with pytest.raises(InvalidInputError) as caught:
        AsyncTwelveLabs("key", rate_limit_store="redis://user:hunter2@host:port")
    assert "hunter2" not in str(caught.value)


def test_the_error_for_a_missing_extra_prints_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "twelvelabs_async._rate_limit.stores.redis", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(InvalidInputError, match=re.escape(install_command("redis"))):
        AsyncTwelveLabs("key", rate_limit_store="redis://localhost")


async def test_the_client_does_not_close_a_store_that_was_passed_in(limited_emulator: Emulator, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "limits.db", "acme", time.time)
    async with AsyncTwelveLabs(
        limited_emulator.api_key, base_url=limited_emulator.base_url, rate_limit_store=store
    ) as client:
        await client.assets.list()
    assert list(await store.snapshot()) == ["GET /assets"]
    await store.aclose()


async def test_a_deleted_file_is_created_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "limits.db", "acme", time.time)
    assert isinstance(await store.reserve("search", SINGLE_REQUEST), int)
    for file in tmp_path.iterdir():
        file.unlink()
    assert await store.reserve("search", SINGLE_REQUEST) == 1
    assert (tmp_path / "limits.db").exists()
    await store.aclose()

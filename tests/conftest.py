"""Fixtures of all tests: an emulator, a client against it, a clock, and guards that watch every test."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import linecache
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.settings import KEY_VARIABLES, URL_VARIABLE

# Whoever judges a change wants the same examples each time; whoever makes one wants others each time.
settings.register_profile("suite", deadline=None, max_examples=100, derandomize="CI" in os.environ)
settings.load_profile("suite")

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture(scope="session", autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """A blocking call of the client inside a running event loop fails the test that makes it."""
    with blockbuster_ctx("twelvelabs_async", excluded_modules=["twelvelabs_async.emulator"]) as watch:
        # Once for each client that shares a budget, when it is made: as much as an import.
        watch.functions["io.TextIOWrapper.read"].can_block_in("policy/stores/redis.py", {"_script"})
        watch.functions["os.access"].can_block_in("policy/stores/__init__.py", {"_sqlite"})
        yield


@pytest.fixture(scope="session", autouse=True)
def sources_stand_still() -> Iterator[None]:
    """For each future asyncio's debug mode asks whether the files of all its callers have changed; they have not."""

    def unchanged(_filename: str | None = None) -> None:
        return

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linecache, "checkcache", unchanged)
        yield


@pytest.fixture(autouse=True)
def environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and addresses of whoever runs the tests stay out of them."""
    for name in (*KEY_VARIABLES, URL_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coroutine tests are watched by `nothing_is_left`; the others run no loop that it could watch."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.insert(0, "nothing_is_left")


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """A task or a socket that outlives its test fails it."""
    sockets, tasks = _sockets(), asyncio.all_tasks()
    yield
    for _ in range(200):
        if not _left(sockets, tasks):
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"left behind: {_left(sockets, tasks)}")


def _left(sockets: set[int], tasks: set[asyncio.Task[object]]) -> list[str]:
    running = asyncio.all_tasks() - tasks - {asyncio.current_task()}
    return [*map(repr, running), *(f"socket {number}" for number in sorted(_sockets() - sockets))]


def _sockets() -> set[int]:
    """Return the numbers that the system gave the sockets that are open."""
    found = set[int]()
    if not DESCRIPTORS.exists():
        return found
    for entry in DESCRIPTORS.iterdir():
        with contextlib.suppress(OSError):
            about = os.fstat(int(entry.name))
            if stat.S_ISSOCK(about.st_mode):
                found.add(about.st_ino)
    return found


@pytest.fixture
def clock() -> FastClock:
    """Time that jumps ahead whenever somebody sleeps."""
    return FastClock()


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """An emulator in which everything is done at once. A fault that was asked for and not reached fails the test."""
    async with Emulator(timing=Timing(asset=0, indexing=0)) as running:
        yield running
        running.faults.assert_all_hit()


@pytest.fixture
async def client(emulator: Emulator, clock: FastClock) -> AsyncIterator[AsyncTwelveLabs]:
    """A client of the emulator, which sleeps without waiting."""
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as opened:
        yield opened

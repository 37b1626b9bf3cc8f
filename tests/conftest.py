"""Fixtures of all tests: an emulator, its client, a clock, and checks for leaks and blocking calls."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import linecache
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings
from shared import reset_after_use
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._options import API_KEY_VARIABLES, BASE_URL_VARIABLE
from twelvelabs_async.emulator import Emulator, Timing

# CI runs the same examples each time; a developer's runs differ.
settings.register_profile("suite", deadline=None, max_examples=100, derandomize="CI" in os.environ)
settings.load_profile("suite")

LOOP: Final = os.environ.get("TWELVELABS_TEST_LOOP", "asyncio")
"""Event loop of the tests: `asyncio` or `uvloop`."""

FD_DIRECTORY = Path("/proc/self/fd")


@pytest.fixture(scope="session", autouse=True)
def fail_on_blocking_calls() -> Iterator[None]:
    """Fail a test in which the client makes a blocking call in a running event loop."""
    with blockbuster_ctx("twelvelabs_async", excluded_modules=["twelvelabs_async.emulator"]) as blockbuster:
        # Called once per client with a shared store, at its creation; it takes as long as an import.
        blockbuster.functions["os.access"].can_block_in("_rate_limit/stores/__init__.py", {"_open_sqlite"})
        # The synchronous client may be called in a notebook, which has a running event loop.
        for function in blockbuster.functions.values():  # reads the package metadata for an error message
            function.can_block_in("_text.py", {"_origin"})
        blockbuster.functions["threading.Lock.acquire"].can_block_in("_sync_client.py", {"__init__", "run", "stop"})
        blockbuster.functions["threading.Lock.acquire"].can_block_in("_sync_client.py", {"_start", "close"})
        yield


if LOOP == "uvloop":
    import uvloop  # not on Windows

    def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
        """Run the coroutine tests on uvloop."""
        return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session", autouse=True)
def skip_source_checks() -> Iterator[None]:
    """Stop asyncio's debug mode from checking, for each future, whether source files have changed."""

    def unchanged(_filename: str | None = None) -> None:
        return

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linecache, "checkcache", unchanged)
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove API keys, URLs and proxies of the developer from the environment."""
    proxies = [name for name in os.environ if name.lower().endswith("_proxy")]
    for name in (*API_KEY_VARIABLES, BASE_URL_VARIABLE, *proxies):
        monkeypatch.delenv(name, raising=False)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check coroutine tests for leaks, and start with the tests that wait."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.insert(_first_function_scoped_fixture(item), "fail_on_leaks")


def _first_function_scoped_fixture(item: pytest.Function) -> int:
    """Return the position of the first function-scoped fixture; the fixtures before it have a wider scope."""
    definitions = item._fixtureinfo.name2fixturedefs
    scopes = [definitions[name][-1].scope if name in definitions else "function" for name in item.fixturenames]
    return scopes.index("function") if "function" in scopes else len(scopes)


@pytest.fixture
async def fail_on_leaks() -> AsyncIterator[None]:
    """Fail a test that leaks a task or a socket."""
    sockets, tasks = _open_sockets(), asyncio.all_tasks()
    yield
    for _ in range(5000):
        if not _leaks(sockets, tasks):
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"leaked: {_leaks(sockets, tasks)}")


def _leaks(sockets: set[int], tasks: set[asyncio.Task[object]]) -> list[str]:
    running = asyncio.all_tasks() - tasks - {asyncio.current_task()}
    return [*map(repr, running), *(f"socket {number}" for number in sorted(_open_sockets() - sockets))]


def _open_sockets() -> set[int]:
    """Return the inode numbers of the open sockets."""
    found = set[int]()
    if not FD_DIRECTORY.exists():
        return found
    for entry in FD_DIRECTORY.iterdir():
        with contextlib.suppress(OSError):
            status = os.fstat(int(entry.name))
            if stat.S_ISSOCK(status.st_mode) and not (LOOP == "uvloop" and _is_local(int(entry.name))):
                found.add(status.st_ino)
    return found


def _is_local(descriptor: int) -> bool:
    """Return whether a socket is a Unix socket: uvloop opens a pair of them for signals in each run."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        return copy.family == socket.AF_UNIX


@pytest.fixture
def clock() -> FastClock:
    """A clock that skips every wait."""
    return FastClock()


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator that processes everything immediately; tests use it through `emulator`."""
    async with Emulator(timing=Timing(asset=0, indexing=0)) as running:
        yield running


@pytest.fixture
async def emulator(shared_emulator: Emulator) -> AsyncIterator[Emulator]:
    """The module's emulator, reset. The test fails if a fault that it added was never triggered."""
    async with reset_after_use(shared_emulator) as emulator:
        yield emulator
        emulator.faults.assert_all_hit()


@pytest.fixture
async def client(emulator: Emulator, clock: FastClock) -> AsyncIterator[AsyncTwelveLabs]:
    """A client of the emulator with a clock that skips every wait."""
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as opened:
        yield opened

"""The measured functions; each one runs in its own process.

Everything except the first request is measured warm, after one call of the same kind.
"""

from __future__ import annotations

import asyncio
import os
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.answers import (
    ASSET_ID,
    EVENT_COUNT,
    INDEX_ID,
    PAGE_COUNT,
    PER_PAGE,
    REMOTE_PREFIX,
    START_PREFIX,
    TASK_IDS,
    UNLIMITED_PREFIX,
    VECTOR_COUNT,
)
from benchmarks.clients import SHORT_VIDEO, Client, ClientModule
from benchmarks.memory import MIB, peak, reset_peak, resident

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

Figures = dict[str, float]
MeasuredFunction = Callable[..., Awaitable[Figures]]

STALL_CHECK_INTERVAL = 0.001
"""Interval in seconds of the checks for stalls of the event loop."""


class Stopwatch:
    """Measures wall time and CPU time from its creation."""

    def __init__(self) -> None:
        self._start, self._start_cpu = time.perf_counter(), time.process_time()

    def figures(self, count: int) -> Figures:
        """Return the figures for `count` operations."""
        cpu = time.process_time() - self._start_cpu
        return {"seconds": time.perf_counter() - self._start, "cpu": cpu, "count": count}


@asynccontextmanager
async def open_client(client_module: ClientModule, origin: str) -> AsyncGenerator[Client]:
    """Open a client and close it at the end."""
    client = client_module.make(origin)
    try:
        yield client
    finally:
        await client.close()


async def first(client_module: ClientModule, origin: str) -> Figures:
    """Construct an imported client and get one index."""
    stopwatch = Stopwatch()
    async with open_client(client_module, origin) as client:
        assert await client.get() == INDEX_ID
        return stopwatch.figures(1)


async def sequential(client_module: ClientModule, origin: str, *, count: int) -> Figures:
    """Get one index repeatedly."""
    durations: list[float] = []
    async with open_client(client_module, origin) as client:
        await client.get()
        stopwatch = Stopwatch()
        for _ in range(count):
            start = time.perf_counter()
            await client.get()
            durations.append(time.perf_counter() - start)
        figures = stopwatch.figures(count)
        held = await _peak_traced_memory(client.get)
    percentiles = quantiles(durations, n=100)
    return {**figures, "p50": percentiles[49] * 1e6, "p99": percentiles[98] * 1e6, "held": held}


async def _peak_traced_memory(operation: Callable[[], Awaitable[Any]], times: int = 50) -> float:
    """Return the median of the maximum bytes of Python objects that a call holds, over several equal calls."""
    tracemalloc.start()
    await operation()
    held: list[int] = []
    for _ in range(times):
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        await operation()
        held.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    return median(held)


async def start_many(client_module: ClientModule, origin: str, *, count: int) -> Figures:
    """Get one index in `count` concurrent first calls of a client, from a server without rate-limit headers."""
    async with open_client(client_module, origin + START_PREFIX) as client:
        stopwatch = Stopwatch()
        await _run_concurrently(client.get, INDEX_ID, count, count)
        return stopwatch.figures(count)


async def concurrent(
    client_module: ClientModule, origin: str, *, count: int, concurrency: int, limit_headers: bool = True
) -> Figures:
    """Get one index in many concurrent calls."""
    async with open_client(client_module, origin if limit_headers else origin + UNLIMITED_PREFIX) as client:
        await client.get()
        stopwatch = Stopwatch()
        await _run_concurrently(client.get, INDEX_ID, count, concurrency)
        return stopwatch.figures(count)


async def paging(client_module: ClientModule, origin: str, *, ahead: int = 0) -> Figures:
    """Read a long list; if `ahead` is positive, from a remote server."""
    async with open_client(client_module, origin + REMOTE_PREFIX if ahead else origin) as client:
        await client.get()
        stopwatch = Stopwatch()
        assert await client.list(ahead) == PAGE_COUNT * PER_PAGE
        return stopwatch.figures(PAGE_COUNT * PER_PAGE)


async def small_uploads(
    client_module: ClientModule, origin: str, *, count: int, concurrency: int, size: int
) -> Figures:
    """Upload small assets concurrently."""
    content = b"\0" * size
    async with open_client(client_module, origin) as client:
        await client.upload_small(content)
        stopwatch = Stopwatch()
        await _run_concurrently(lambda: client.upload_small(content), ASSET_ID, count, concurrency)
        return stopwatch.figures(count)


async def embeddings(client_module: ClientModule, origin: str) -> Figures:
    """Get many vectors in one response; measure memory and stalls of the event loop."""
    async with open_client(client_module, origin) as client:
        assert await client.embed(SHORT_VIDEO) == 1
        reset_peak()
        memory_before = resident()
        stall_monitor = StallMonitor()
        async with stall_monitor.running():
            stopwatch = Stopwatch()
            assert await client.embed() == VECTOR_COUNT
            figures = stopwatch.figures(1)
        return {**figures, "memory": (peak() - memory_before) / MIB, "stall": stall_monitor.longest * 1000}


async def events(client_module: ClientModule, origin: str) -> Figures:
    """Read a streamed analysis."""
    async with open_client(client_module, origin) as client:
        async for _ in client.events():
            pass
        stopwatch, count, first = Stopwatch(), 0, 0.0
        async for _ in client.events():
            first = first or stopwatch.figures(1)["seconds"]
            count += 1
        assert count == EVENT_COUNT
        return {**stopwatch.figures(count), "first": first * 1000}


async def waiting(client_module: ClientModule, origin: str, *, count: int) -> Figures:
    """Wait for many tasks that become ready at the same time."""
    async with open_client(client_module, origin) as client:
        await client.get()
        stopwatch = Stopwatch()
        assert await client.wait(TASK_IDS[:count]) == count
        return stopwatch.figures(count)


async def large_upload(client_module: ClientModule, origin: str, *, path: str) -> Figures:
    """Upload one large file; measure memory and stalls of the event loop."""
    file, size = Path(path), os.stat(path).st_size  # noqa: PTH116  # before the measurement
    async with open_client(client_module, origin) as client:
        await client.get()
        reset_peak()
        memory_before = resident()
        stall_monitor = StallMonitor()
        async with stall_monitor.running():
            stopwatch = Stopwatch()
            assert await client.upload_large(file) == ASSET_ID
            figures = stopwatch.figures(size)
        return {**figures, "memory": (peak() - memory_before) / MIB, "stall": stall_monitor.longest * 1000}


class StallMonitor:
    """Measures the longest stall of the event loop."""

    def __init__(self) -> None:
        self.longest = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Measure stalls until the end of the block."""
        task = asyncio.create_task(self._measure())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await asyncio.sleep(2 * STALL_CHECK_INTERVAL)  # include a stall at the end
            task.cancel()

    async def _measure(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(STALL_CHECK_INTERVAL)
            self.longest = max(self.longest, time.perf_counter() - start - STALL_CHECK_INTERVAL)


async def _run_concurrently(
    operation: Callable[[], Awaitable[Any]], expected: str, count: int, concurrency: int
) -> None:
    remaining_calls = iter(range(count))

    async def run_calls() -> None:
        for _ in remaining_calls:
            assert await operation() == expected

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(run_calls())

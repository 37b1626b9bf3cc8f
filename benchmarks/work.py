"""The pieces of work, each timed within a process of its own that does nothing else.

Everything but the first request is measured warm: one call of the same kind goes before it.
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

from benchmarks.answers import ASSET_ID, EVENTS, FAR, INDEX_ID, PAGES, PER_PAGE, TASKS, VECTORS
from benchmarks.clients import SHORT, Client, Maker
from benchmarks.memory import MIB, forget_peak, peak, resident

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

Figures = dict[str, float]
Work = Callable[..., Awaitable[Figures]]

TICK = 0.001
"""Seconds between two looks at whether the event loop still turns."""


class Stopwatch:
    """Wall and processor seconds of a stretch."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def figures(self, count: int) -> Figures:
        """What it took so far to do `count` things."""
        cpu = time.process_time() - self._cpu
        return {"seconds": time.perf_counter() - self._wall, "cpu": cpu, "count": count}


@asynccontextmanager
async def opened(maker: Maker, origin: str) -> AsyncGenerator[Client]:
    """A client, closed at the end."""
    client = maker.make(origin)
    try:
        yield client
    finally:
        await client.close()


async def first(maker: Maker, origin: str) -> Figures:
    """Construct a client and get one index; importing it comes before."""
    watch = Stopwatch()
    async with opened(maker, origin) as client:
        assert await client.get() == INDEX_ID
        return watch.figures(1)


async def sequential(maker: Maker, origin: str, *, count: int) -> Figures:
    """Get one index again and again."""
    laps: list[float] = []
    async with opened(maker, origin) as client:
        await client.get()
        watch = Stopwatch()
        for _ in range(count):
            start = time.perf_counter()
            await client.get()
            laps.append(time.perf_counter() - start)
        figures = watch.figures(count)
        held = await _most_held(client.get)
    cuts = quantiles(laps, n=100)
    return {**figures, "p50": cuts[49] * 1e6, "p99": cuts[98] * 1e6, "held": held}


async def _most_held(do: Callable[[], Awaitable[Any]], times: int = 50) -> float:
    """Bytes of Python objects that one of a row of equal calls has at most at the same time."""
    tracemalloc.start()
    await do()
    held: list[int] = []
    for _ in range(times):
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        await do()
        held.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    return median(held)


async def concurrent(maker: Maker, origin: str, *, count: int, at_once: int) -> Figures:
    """Get one index, many times at once."""
    async with opened(maker, origin) as client:
        await client.get()
        watch = Stopwatch()
        await _side_by_side(client.get, INDEX_ID, count, at_once)
        return watch.figures(count)


async def paging(maker: Maker, origin: str, *, ahead: int = 0) -> Figures:
    """Walk a long list, far away if pages are read ahead."""
    async with opened(maker, origin + FAR if ahead else origin) as client:
        await client.get()
        watch = Stopwatch()
        assert await client.list(ahead) == PAGES * PER_PAGE
        return watch.figures(PAGES * PER_PAGE)


async def small_uploads(maker: Maker, origin: str, *, count: int, at_once: int, size: int) -> Figures:
    """Make assets of a few bytes each."""
    content = b"\0" * size
    async with opened(maker, origin) as client:
        await client.upload_small(content)
        watch = Stopwatch()
        await _side_by_side(lambda: client.upload_small(content), ASSET_ID, count, at_once)
        return watch.figures(count)


async def embeddings(maker: Maker, origin: str) -> Figures:
    """Get many vectors in one answer, watching memory and the event loop."""
    async with opened(maker, origin) as client:
        assert await client.embed(SHORT) == 1
        forget_peak()
        idle = resident()
        pulse = Pulse()
        async with pulse.taken():
            watch = Stopwatch()
            assert await client.embed() == VECTORS
            figures = watch.figures(1)
        return {**figures, "memory": (peak() - idle) / MIB, "stall": pulse.longest * 1000}


async def events(maker: Maker, origin: str) -> Figures:
    """Read an analysis while it comes."""
    async with opened(maker, origin) as client:
        async for _ in client.events():
            pass
        watch, count, first = Stopwatch(), 0, 0.0
        async for _ in client.events():
            first = first or watch.figures(1)["seconds"]
            count += 1
        assert count == EVENTS
        return {**watch.figures(count), "first": first * 1000}


async def waiting(maker: Maker, origin: str) -> Figures:
    """Wait for many tasks that are all ready at the same time."""
    async with opened(maker, origin) as client:
        await client.get()
        watch = Stopwatch()
        assert await client.wait(TASKS) == len(TASKS)
        return watch.figures(len(TASKS))


async def large_upload(maker: Maker, origin: str, *, path: str) -> Figures:
    """Make an asset of one large file, watching memory and the event loop."""
    file, size = Path(path), os.stat(path).st_size  # noqa: PTH116  # before anything is measured
    async with opened(maker, origin) as client:
        await client.get()
        forget_peak()
        idle = resident()
        pulse = Pulse()
        async with pulse.taken():
            watch = Stopwatch()
            assert await client.upload_large(file) == ASSET_ID
            figures = watch.figures(size)
        return {**figures, "memory": (peak() - idle) / MIB, "stall": pulse.longest * 1000}


class Pulse:
    """How long the event loop was kept from turning."""

    def __init__(self) -> None:
        self.longest = 0.0

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[None]:
        """Watch the event loop meanwhile."""
        beats = asyncio.create_task(self._beat())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await asyncio.sleep(2 * TICK)  # a stall at the very end counts too
            beats.cancel()

    async def _beat(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.perf_counter() - start - TICK)


async def _side_by_side(do: Callable[[], Awaitable[Any]], expected: str, count: int, at_once: int) -> None:
    turns = iter(range(count))

    async def work() -> None:
        for _ in turns:
            assert await do() == expected

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())

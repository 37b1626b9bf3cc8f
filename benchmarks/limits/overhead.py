"""The cost of a reservation in each store.

`python -m benchmarks.limits.overhead URL ORGANIZATION PAIRS RATE` runs one of the processes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from statistics import median
from typing import Final

import attrs

from benchmarks.limits.work import start_process, wait_for_start
from twelvelabs_async._rate_limit.stores import open_store
from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.rate_limits import RateLimitInfo, RateLimitStore, WindowInfo

PAIRS: Final = 2000
"""Reservations per run."""

IN_FLIGHT: Final = (0, 500)
"""Numbers of concurrent requests during a run."""

PAIRS_PER_SECOND: Final = 80
"""Reservations per second of all processes together: 4,800 requests a minute."""

CATEGORY: Final = "analyze"
COSTS: Final = {"request": 1.0, "duration": 0.5, "token": 300.0}
"""Costs in three dimensions, each with a window."""


@attrs.frozen(kw_only=True)
class Overhead:
    """Durations of the operations of a run, in seconds."""

    reserve: float
    """Median of `reserve`."""
    pair: float
    """Median of `reserve` and `record_response` together."""
    slowest: float
    """99th percentile of `reserve` and `record_response` together."""
    cpu: float
    """Mean CPU time of this process for `reserve` and `record_response` together."""


class Timings:
    """Collects the durations of the operations of a run, in seconds."""

    def __init__(self) -> None:
        self._reserve: list[float] = []
        self._pair: list[float] = []
        self._cpu = time.process_time()

    def add(self, started_at: float, reserved_at: float) -> float:
        """Add a pair that ends now, and return its duration in seconds."""
        self._reserve.append(reserved_at - started_at)
        self._pair.append(time.perf_counter() - started_at)
        return self._pair[-1]

    def overhead(self) -> Overhead:
        """Return the figures of the run."""
        pairs = len(self._pair)
        return Overhead(
            reserve=median(self._reserve),
            pair=median(self._pair),
            slowest=sorted(self._pair)[pairs * 99 // 100],
            cpu=(time.process_time() - self._cpu) / pairs,
        )


async def measure_overhead(url: str | None, *, in_flight: int) -> Overhead:
    """Measure sequential reservations of one process; without a URL, in memory."""
    if url is None:
        return _measure_memory(in_flight)
    store = open_store(url, f"overhead-{in_flight}", time.time)
    await _learn_limits(store)
    for _ in range(in_flight):
        await store.reserve(CATEGORY, COSTS)
    overhead = await _run_pairs(store, PAIRS, rate=None)
    await store.aclose()
    return overhead


def _measure_memory(in_flight: int) -> Overhead:
    state, info, timings = CategoryState(), _info(), Timings()
    state.record_response(0, info, time.monotonic())
    for _ in range(in_flight):
        state.reserve(COSTS, time.monotonic())
    for _ in range(PAIRS):
        start = time.perf_counter()
        reservation_id = state.reserve(COSTS, time.monotonic())
        reserved = time.perf_counter()
        assert isinstance(reservation_id, int)
        state.record_response(reservation_id, info, time.monotonic())
        timings.add(start, reserved)
    return timings.overhead()


async def measure_contention(url: str, processes: int) -> list[Overhead]:
    """Measure several processes that share a store, each at its share of `PAIRS_PER_SECOND`."""
    store = open_store(url, f"contention-{processes}", time.time)
    await _learn_limits(store)
    await store.aclose()
    arguments = [url, f"contention-{processes}", f"{PAIRS // 5 // processes}", f"{PAIRS_PER_SECOND / processes}"]
    workers = await asyncio.gather(*(start_process("benchmarks.limits.overhead", *arguments) for _ in range(processes)))
    outputs = await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    return [Overhead(**json.loads(output)) for output, _ in outputs]


async def _learn_limits(store: RateLimitStore) -> None:
    reservation_id = await store.reserve(CATEGORY, COSTS)
    assert isinstance(reservation_id, int)
    await store.record_response(CATEGORY, reservation_id, _info(), rate_limited=False, jitter=0.0)


def _info() -> RateLimitInfo:
    now = time.time()
    windows = {
        name: WindowInfo(limit=10**7, remaining=10**7 - 10**4, reset=now // 3600 * 3600 + 7200) for name in COSTS
    }
    return RateLimitInfo(server_time=now, windows=windows)


async def _run_pairs(store: RateLimitStore, pairs: int, *, rate: float | None) -> Overhead:
    info, timings = _info(), Timings()
    for _ in range(pairs):
        start = time.perf_counter()
        reservation_id = await store.reserve(CATEGORY, COSTS)
        reserved = time.perf_counter()
        assert isinstance(reservation_id, int)
        await store.record_response(CATEGORY, reservation_id, info, rate_limited=False, jitter=0.0)
        seconds = timings.add(start, reserved)
        if rate is not None:
            await asyncio.sleep(1 / rate - seconds)
    return timings.overhead()


async def main(url: str, organization: str, pairs: str, rate: str) -> None:
    """Print the figures of this process as JSON."""
    store = open_store(url, organization, time.time)
    await store.snapshot()
    await wait_for_start()
    print(json.dumps(attrs.asdict(await _run_pairs(store, int(pairs), rate=float(rate)))))
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""`python -m benchmarks.sync [--calls N] [--rounds N]`: compares calls of `TwelveLabs` and of `AsyncTwelveLabs`.

Both clients get the same index from the benchmark server, which runs in its own process: with one call at a time, and
with 64 concurrent calls by threads and by tasks. A round measures both clients, one after the other. The lines show the
median wall time and CPU time of this process per call, and the median of the ratios of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.answers import INDEX_ID, PREFIX
from benchmarks.machine import cores, machine, pin
from benchmarks.runner import start_server
from twelvelabs_async import AsyncTwelveLabs, TwelveLabs

WARM_UP = 100
CONCURRENCY = 64

Figures = tuple[float, float]
"""Wall time and CPU time per call, in microseconds."""


class Stopwatch:
    """Measures wall time and CPU time."""

    def __init__(self) -> None:
        self._start, self._start_cpu = time.perf_counter(), time.process_time()

    def figures(self, calls: int) -> Figures:
        """Return the times per call."""
        return (
            (time.perf_counter() - self._start) / calls * 1e6,
            (time.process_time() - self._start_cpu) / calls * 1e6,
        )


async def _tasks(origin: str, calls: int, concurrency: int) -> Figures:
    async with AsyncTwelveLabs("key", base_url=origin + PREFIX) as client:

        async def worker(count: int) -> None:
            for _ in range(count):
                await client.indexes.retrieve(INDEX_ID)

        await asyncio.gather(*(worker(WARM_UP // concurrency + 1) for _ in range(concurrency)))
        stopwatch = Stopwatch()
        await asyncio.gather(*(worker(calls // concurrency) for _ in range(concurrency)))
        return stopwatch.figures(calls // concurrency * concurrency)


def measure_tasks(origin: str, calls: int, concurrency: int) -> Figures:
    """Measure the asynchronous client."""
    return asyncio.run(_tasks(origin, calls, concurrency))


def measure_threads(origin: str, calls: int, concurrency: int) -> Figures:
    """Measure the synchronous client."""
    with TwelveLabs("key", base_url=origin + PREFIX) as client, ThreadPoolExecutor(concurrency) as pool:

        def worker(count: int) -> None:
            for _ in range(count):
                client.indexes.retrieve(INDEX_ID)

        list(pool.map(worker, [WARM_UP // concurrency + 1] * concurrency))
        stopwatch = Stopwatch()
        list(pool.map(worker, [calls // concurrency] * concurrency))
        return stopwatch.figures(calls // concurrency * concurrency)


def report(name: str, rounds: int, measure: Callable[[bool], Figures]) -> None:
    """Print the row of one case."""
    pairs = [(measure(False), measure(True)) for _ in range(rounds)]
    wall_times, cpu_times = ([median(pair[kind][part] for pair in pairs) for kind in (0, 1)] for part in (0, 1))
    ratios = [median(pair[1][part] / pair[0][part] for pair in pairs) for part in (0, 1)]
    columns = [
        f"{times[0]:>9.0f} {times[1]:>9.0f} {ratio:>6.2f}x"
        for times, ratio in zip((wall_times, cpu_times), ratios, strict=True)
    ]
    print(f"{name:<22} {' '.join(columns)}")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sync", description="Compare both clients.")
    parser.add_argument("--calls", type=int, default=2000, help="calls of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds")
    args = parser.parse_args()
    client_core, server_core = cores()
    print(machine())
    print(f"{'us a call':<22} {'await':>9} {'sync':>9} {'wall':>7} {'await':>9} {'sync':>9} {'CPU':>7}")
    with tempfile.TemporaryDirectory() as folder, start_server(server_core, Path(folder)) as server:
        pin(client_core)
        for name, concurrency in (("one after the other", 1), (f"{CONCURRENCY} at once", CONCURRENCY)):

            def measure(sync: bool, concurrency: int = concurrency) -> Figures:  # noqa: FBT001
                measure_client = measure_threads if sync else measure_tasks
                return measure_client(server.origin, args.calls, concurrency)

            report(name, args.rounds, measure)


if __name__ == "__main__":
    main()

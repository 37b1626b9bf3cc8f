"""`python -m benchmarks.limits [--quick] [--real] [--seed N ...] [--only NAME]`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.limits.clients import CLIENTS, TWELVELABS_ASYNC
from benchmarks.limits.overhead import IN_FLIGHT, PAIRS_PER_SECOND, Overhead, measure_contention, measure_overhead
from benchmarks.limits.priority import measure_priority
from benchmarks.limits.processes import PROCESS_COUNTS, PROCESSES, ProcessWorkload, run_processes
from benchmarks.limits.redis_server import find_server, redis_server
from benchmarks.limits.scenarios import SCENARIOS, run_scenario
from benchmarks.limits.videos import index_videos, ingest_videos
from benchmarks.machine import machine, versions
from benchmarks.runner import show_progress
from benchmarks.table import align

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from benchmarks.limits.scenarios import Scenario
    from benchmarks.limits.stats import RunStats

HEADERS = ("", "", "failed", "429s", "% of calls", "wall s", "ideal s", "wall / ideal", "quota used %")
OVERHEAD_HEADERS = ("reserve ms", "pair ms", "pair p99 ms", "pair CPU ms")
INGESTION = "client.ingest"


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three, shorter windows for processes")
    parser.add_argument("--real", action="store_true", help="real time, with windows of two seconds")
    parser.add_argument("--seed", type=int, nargs="+", metavar="N", help="seeds; overrides --quick")
    parser.add_argument("--only", metavar="NAME", help="tables whose name starts with NAME")
    return parser.parse_args()


def scenario_table(scenario: Scenario, seeds: Sequence[int], *, real: bool) -> str:
    """Run one scenario with each client."""
    rows: list[Sequence[str]] = [HEADERS]
    for name in CLIENTS:
        runs = [run_scenario(scenario, name, seed=seed, real_time=real).stats for seed in seeds]
        rows.append(("", name, *cells(runs)))
    return f"{scenario.label}\n\n{align(rows)}\n"


def videos_table(seeds: Sequence[int]) -> str:
    """Index videos with each client."""
    rows: list[Sequence[str]] = [HEADERS]
    rows += [("", name, *cells([index_videos(name, seed) for seed in seeds])) for name in CLIENTS]
    rows.append(("", INGESTION, *cells([ingest_videos(seed) for seed in seeds])))
    return f"300 videos of 10 to 90 s, 70 requests and 60 minutes a window\n\n{align(rows)}\n"


def priority_table(seeds: Sequence[int]) -> str:
    """Run an interactive call while background calls wait."""
    rows: list[Sequence[str]] = [("", "", "latency s", "next free slot s", "queue s")]
    for seed in seeds:
        result = measure_priority(seed)
        seconds = (result.latency, result.first_slot, result.drain_time)
        rows.append(("", f"seed {seed}", *(f"{number:.1f}" for number in seconds)))
    return f"An interactive search while 500 background searches wait, 40 a window\n\n{align(rows)}\n"


def processes_table(*, quick: bool) -> str:
    """Run several processes, in real time."""
    workload = ProcessWorkload(limit=50, seconds=10.0) if quick else ProcessWorkload(limit=100, seconds=60.0)
    rows: list[Sequence[str]] = [("", "processes", *HEADERS[1:])]
    with rate_limit_stores() as stores:
        for client_name in CLIENTS:
            for label, url in stores if client_name == TWELVELABS_ASYNC else stores[:1]:
                for processes in (PROCESSES,) if url is None else PROCESS_COUNTS:
                    show_progress(f"{processes} processes: {client_name}, {label}")
                    stats = asyncio.run(run_processes(client_name, url, workload, processes))
                    rows.append((label, f"{processes}", client_name, *cells([stats])))
    show_progress("")
    title = (
        f"{workload.calls} searches by several processes, {workload.limit} every {workload.seconds:.0f} s, real time"
    )
    return f"{title}\n\n{align(rows)}\n"


def overhead_table() -> str:
    """Measure sequential reservations in each store."""
    rows: list[Sequence[str]] = [("", "in flight", *OVERHEAD_HEADERS)]
    with rate_limit_stores() as stores:
        for label, url in stores:
            for in_flight in IN_FLIGHT:
                overhead = asyncio.run(measure_overhead(url, in_flight=in_flight))
                rows.append(("memory" if url is None else label, f"{in_flight}", *overhead_cells([overhead])))
    return f"Reserve and record a response (a pair) in three dimensions, one after the other\n\n{align(rows)}\n"


def contention_table() -> str:
    """Measure reservations of several processes in each shared store."""
    rows: list[Sequence[str]] = [("", "processes", *OVERHEAD_HEADERS)]
    with rate_limit_stores() as stores:
        for label, url in stores:
            if url is None:
                continue
            for processes in PROCESS_COUNTS:
                show_progress(f"{processes} processes: {label}")
                rows.append((label, f"{processes}", *overhead_cells(asyncio.run(measure_contention(url, processes)))))
    show_progress("")
    title = f"The same by several processes, {PAIRS_PER_SECOND} pairs a second in all; the slowest process"
    return f"{title}\n\n{align(rows)}\n"


def overhead_cells(runs: Sequence[Overhead]) -> list[str]:
    """Format the maximum of each column."""
    columns = zip(*((run.reserve, run.pair, run.slowest, run.cpu) for run in runs), strict=True)
    return [f"{1000 * max(column):.3f}" for column in columns]


@contextmanager
def rate_limit_stores() -> Generator[list[tuple[str, str | None]]]:
    """Yield the label and URL of each store; the URL of the memory is None."""
    stores: list[tuple[str, str | None]] = [("no shared store", None)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stores.append(("SQLite file", f"sqlite:///{folder}/limits.db"))
        if find_server() is not None:
            stores.append(("Redis", stack.enter_context(redis_server())))
        yield stores


def cells(runs: Sequence[RunStats]) -> list[str]:
    """Format the median of the times and the worst values of the other figures."""
    failed = max(run.failed for run in runs)
    utilization = [run.utilization for run in runs if run.utilization is not None]
    return [
        f"{failed}",
        f"{max(run.rate_limited for run in runs):,}",
        f"{max(100 * run.rate_limited / run.calls for run in runs):.1f}",
        f"{median(run.duration for run in runs):.1f}",
        f"{median(run.ideal for run in runs):.1f}",
        "-" if failed else f"{max(run.duration / run.ideal for run in runs):.3f}",
        f"{100 * min(utilization):.1f}" if utilization else "-",
    ]


def main() -> None:
    """Print the tables."""
    args = parse_arguments()
    seeds: Sequence[int] = args.seed or ((1,) if args.quick else (1, 2, 3))
    tables: dict[str, Callable[[], str]] = {
        scenario.name: partial(scenario_table, scenario, seeds, real=args.real) for scenario in SCENARIOS
    }
    tables |= {
        "videos": partial(videos_table, seeds),
        "priority": partial(priority_table, seeds),
        "processes": partial(processes_table, quick=args.quick),
        "overhead": overhead_table,
        "contention": contention_table,
    }
    selected = [make_table for name, make_table in tables.items() if name.startswith(args.only or "")]
    if not selected:
        raise SystemExit(f"--only {args.only!r} matches none of: {', '.join(tables)}")
    header = ", ".join(f"{name} {version}" for name, version in versions().items())
    print(f"{header}\nload {machine()['load']} before; {len(seeds)} seeds: worst figures, median times\n")
    for make_table in selected:
        print(make_table(), flush=True)


if __name__ == "__main__":
    main()

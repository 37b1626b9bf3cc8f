"""Several processes of one organization that share its limits, in real time."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.limits.scenarios import prepare_target
from benchmarks.limits.stats import RequestRecord, RunStats, fixed_windows, ideal_duration, utilization
from benchmarks.limits.work import start_process
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

if TYPE_CHECKING:
    from asyncio.subprocess import Process

PROCESSES: Final = 4
"""Default number of processes."""

PROCESS_COUNTS: Final = (1, 4, 8, 16)
"""Numbers of processes that share a store."""

CONCURRENCY: Final = 80
"""Concurrent calls of all processes together."""

LATENCY: Final = 0.05
"""Seconds until the server counts a request."""


@attrs.frozen
class ProcessWorkload:
    """The work of all processes together."""

    calls: int = 320
    """Number of searches."""
    limit: int = 50
    """Searches allowed in each window."""
    seconds: float = 10.0
    """Length of a window."""


async def run_processes(
    client_name: str, rate_limit_store: str | None, workload: ProcessWorkload, processes: int = PROCESSES
) -> RunStats:
    """Run the work and return its figures."""
    plan = Plan(windows={"search": Window(workload.limit, workload.seconds)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        target = attrs.evolve(
            await prepare_target(emulator),
            rate_limit_store=rate_limit_store,
            organization=f"{processes}-processes",
        )
        emulator.faults.add("POST /search", delay=LATENCY, times=None)
        arguments = [
            client_name,
            f"{workload.calls // processes}",
            f"{CONCURRENCY // processes}",
            json.dumps(attrs.asdict(target)),
        ]
        workers = await asyncio.gather(
            *(start_process("benchmarks.limits.worker", *arguments) for _ in range(processes))
        )
        start, started_at = time.monotonic(), time.time()
        failed = sum(await asyncio.gather(*map(_finish_worker, workers)))
        duration = time.monotonic() - start
        records = [
            RequestRecord(request.time - started_at + LATENCY, request.status == 429)
            for request in emulator.requests.for_operation("POST /search")
        ]
    return RunStats(
        calls=workload.calls,
        failed=failed,
        rate_limited=sum(record.rate_limited for record in records),
        duration=duration,
        ideal=ideal_duration(workload.calls, workload.limit, workload.seconds, LATENCY),
        utilization=utilization(fixed_windows(records, workload.seconds), workload.limit, workload.seconds),
    )


async def _finish_worker(worker: Process) -> int:
    output, _ = await worker.communicate(b"go\n")
    return int(output)

"""Several processes of one organisation, which do not know each other, and the limits they share."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

import attrs

from benchmarks.limits.callers import Place
from benchmarks.limits.figures import Figures, Mark, ideal, used, windows
from benchmarks.limits.scenes import ready
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

ROOT: Final = Path(__file__).parents[2]
PROCESSES: Final = 4
AT_ONCE: Final = 20
"""Calls that each process wants at a time."""

LATENCY: Final = 0.05
"""Seconds that each request is on its way before it is counted."""


@attrs.frozen
class Crowd:
    """What the processes have to do together."""

    calls: int = 300
    """Searches in all."""
    limit: int = 50
    """Searches allowed in each window."""
    seconds: float = 10.0
    """Length of a window."""


async def crowd(caller: str, budget: str | None, work: Crowd) -> Figures:
    """Let all processes work; time is real."""
    plan = Plan(windows={"search": Window(work.limit, work.seconds)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        place = attrs.evolve(await ready(emulator), budget=budget)
        emulator.faults.add("POST /search", delay=LATENCY, times=None)
        workers = [await _start(caller, work.calls // PROCESSES, place) for _ in range(PROCESSES)]
        start, began = time.monotonic(), time.time()
        failed = sum(await asyncio.gather(*map(_finish, workers)))
        wall = time.monotonic() - start
        marks = [Mark(got.time - began + LATENCY, got.status == 429) for got in emulator.requests.of("POST /search")]
    return Figures(
        calls=work.calls,
        failed=failed,
        refused=sum(mark.refused for mark in marks),
        wall=wall,
        ideal=ideal(work.calls, work.limit, work.seconds, LATENCY),
        used=used(windows(marks, work.seconds), work.limit, work.seconds),
    )


async def _start(caller: str, calls: int, place: Place) -> Process:
    arguments = [caller, str(calls), str(AT_ONCE), json.dumps(attrs.asdict(place))]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.limits.worker", *arguments, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    assert worker.stdout is not None
    await worker.stdout.readline()
    return worker


async def _finish(worker: Process) -> int:
    output, _ = await worker.communicate(b"go\n")
    return int(output)

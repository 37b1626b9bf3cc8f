"""`python -m benchmarks.soak [--minutes 20] [--seed 1] [--storm] [--loop uvloop]`: find leaks under load.

Exits with 1 on leaks, lost calls or growing memory. `--storm` is 500 callers with faults and cancellations.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from benchmarks.soak.account import CallLog
from benchmarks.soak.loads import Workload, storm_coroutines, workload_coroutines
from benchmarks.soak.watch import ResourceSample, memory_slope, sample_resources
from twelvelabs_async import AsyncTwelveLabs, SystemClock
from twelvelabs_async.emulator import samples

SAMPLE_INTERVAL: Final = 5.0
"""Seconds between two samples of resources."""

STORM_CALLERS: Final = 500
"""Callers of a storm."""

MAX_MEMORY_GROWTH: Final = 20.0
"""Largest growth in MiB an hour that passes as noise."""


@attrs.frozen(kw_only=True)
class SoakResult:
    """The result of a run."""

    call_log: CallLog
    """All calls."""
    samples: list[ResourceSample]
    """Resources during the run."""
    before: ResourceSample
    """Resources before the client was opened."""
    after: ResourceSample
    """Resources after the client was closed."""
    unreleased_permits: int
    """Permits that were not released when all calls had ended."""
    minutes: float
    """Duration of the run."""

    def failures(self) -> list[str]:
        """Return what is wrong, one sentence each."""
        grown = memory_slope(self.samples)
        defects = [end for _, end in self.call_log.finished if end.startswith("defect")]
        checks = {
            f"{self.call_log.lost} calls were lost": self.call_log.lost,
            f"there were defects: {defects}": defects,
            f"{self.unreleased_permits} permits were not released": self.unreleased_permits,
            f"{self.after.tasks - self.before.tasks} tasks were leaked": self.after.tasks != self.before.tasks,
            f"{self.after.sockets - self.before.sockets} sockets were leaked": self.after.sockets > self.before.sockets,
            f"{self.after.descriptors} files are open": self.after.descriptors > self.before.descriptors,
            f"memory grows by {grown:.1f} MiB an hour": grown > MAX_MEMORY_GROWTH and self.minutes >= 10,
        }
        return [text for text, wrong in checks.items() if wrong]


@contextmanager
def emulator_process(seed: int) -> Generator[tuple[str, str]]:
    """Run an emulator in its own process; yield its base URL and key."""
    command = [sys.executable, "-m", "benchmarks.soak.server", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url, key = process.stdout.readline().split()
        yield base_url, key
        process.communicate()


async def soak(
    minutes: float, seed: int, base_url: str, key: str, folder: Path, *, storm_callers: int = 0
) -> SoakResult:
    """Run all loads, or a storm, for some minutes, cancel them, and count the tasks, sockets and files still open."""
    clock, call_log, resource_samples = SystemClock(), CallLog(), list[ResourceSample]()
    async with AsyncTwelveLabs(key, base_url=base_url, max_retries=6) as first:
        await first.indexes.list()  # opens what the event loop and the threads keep open
    before = sample_resources(0)
    max_wait, timeout = (5, 30) if storm_callers else (60, None)
    async with AsyncTwelveLabs(key, base_url=base_url, max_wait=max_wait, timeout=timeout, max_retries=6) as client:
        index = await client.indexes.ensure("soak", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
        video = await client.assets.upload(samples.video(), filename="soak.mp4", wait=True)
        chance = random.Random(seed)  # noqa: S311  # no secret
        load = Workload(
            client=client, index_id=index.id, asset_id=video.id, folder=folder, call_log=call_log, rng=chance
        )
        coroutines = storm_coroutines(load, callers=storm_callers) if storm_callers else workload_coroutines(load)
        running = [asyncio.create_task(one) for one in coroutines]
        started = clock.monotonic()
        while (passed := clock.monotonic() - started) < minutes * 60 and not any(task.done() for task in running):
            resource_samples.append(sample_resources(passed / 60))
            print(_status_line(resource_samples[-1], call_log), end="\r", file=sys.stderr, flush=True)
            await asyncio.sleep(SAMPLE_INTERVAL)
        for task in running:
            task.cancel()
        for ended in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                call_log.started["load"] += 1
                call_log.finished["load", f"defect: {ended!r}"] += 1
        unreleased = sum(category.in_flight for category in client.limits.values())
    await asyncio.sleep(1)
    return SoakResult(
        call_log=call_log,
        samples=resource_samples,
        before=before,
        after=sample_resources(0),
        unreleased_permits=unreleased,
        minutes=passed / 60,
    )


def _status_line(sample: ResourceSample, call_log: CallLog) -> str:
    return (
        f"{sample.minutes:5.1f} min  {call_log.started.total():7} calls  {sample.memory:6.1f} MiB  "
        f"{sample.tasks:4} tasks  {sample.sockets:3} sockets"
    )


def report(result: SoakResult) -> str:
    """Format the report."""
    lines = [f"{result.minutes:.1f} minutes, {result.call_log.started.total()} calls, {result.call_log.lost} lost", ""]
    lines += ["| call | end | times |", "|---|---|---|"]
    lines += [f"| {kind} | {end} | {count} |" for kind, end, count in result.call_log.rows()]
    memory = [one.memory for one in result.samples]
    grown = f"{memory_slope(result.samples):+.1f} an hour"
    lines += [
        "",
        f"memory: {memory[0]:.1f} MiB at the start, {max(memory):.1f} at most, {memory[-1]:.1f} at the end, {grown}",
    ]
    tasks, sockets = result.after.tasks - result.before.tasks, result.after.sockets - result.before.sockets
    files = result.after.descriptors - result.before.descriptors
    lines += [
        f"after closing: {tasks} tasks, {sockets} sockets, {files} files, {result.unreleased_permits} permits left"
    ]
    return "\n".join([*lines, "", *(result.failures() or ["no leaks, no lost calls, no growth"])])


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if name == "asyncio":
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415  # not on Windows

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def main() -> None:
    """Run the soak test and print its report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="duration in minutes (default: 20; 2 for --storm)")
    parser.add_argument("--storm", action="store_true", help="500 callers with faults and cancellations")
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio", help="event loop")
    parser.add_argument("--seed", type=int, default=1, help="of faults and cancellations (default: %(default)s)")
    options = parser.parse_args()
    minutes, callers = options.minutes or (2.0 if options.storm else 20.0), STORM_CALLERS if options.storm else 0
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        emulator_process(options.seed) as (base_url, key),
        asyncio.Runner(loop_factory=_loop_factory(options.loop)) as runner,
    ):
        result = runner.run(soak(minutes, options.seed, base_url, key, Path(folder), storm_callers=callers))
    print(report(result))
    sys.exit(bool(result.failures()))


if __name__ == "__main__":
    main()

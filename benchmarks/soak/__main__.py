"""`python -m benchmarks.soak [--minutes 20] [--seed 1] [--storm] [--loop uvloop]`: find leaks under load.

Exits with 1 on leaks, unfinished calls or growing memory. `--storm` runs 500 callers with faults and cancellations.
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
"""Seconds between two samples of the resources."""

STORM_CALLERS: Final = 500
"""Number of callers of a storm."""

MAX_MEMORY_GROWTH: Final = 20.0
"""Maximum memory growth in MiB an hour that is accepted as noise."""


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
        """Return the failed checks, one sentence each."""
        growth = memory_slope(self.samples)
        defects = [outcome for _, outcome in self.call_log.finished if outcome.startswith("defect")]
        checks = {
            f"{self.call_log.unfinished} calls were lost": self.call_log.unfinished,
            f"there were defects: {defects}": defects,
            f"{self.unreleased_permits} permits were not released": self.unreleased_permits,
            f"{self.after.tasks - self.before.tasks} tasks were leaked": self.after.tasks != self.before.tasks,
            f"{self.after.sockets - self.before.sockets} sockets were leaked": self.after.sockets > self.before.sockets,
            f"{self.after.descriptors} files are open": self.after.descriptors > self.before.descriptors,
            f"memory grows by {growth:.1f} MiB an hour": growth > MAX_MEMORY_GROWTH and self.minutes >= 10,
        }
        return [text for text, failed in checks.items() if failed]


@contextmanager
def emulator_process(seed: int) -> Generator[tuple[str, str]]:
    """Run an emulator in its own process; yield its base URL and API key."""
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
    async with AsyncTwelveLabs(key, base_url=base_url, max_retries=6) as first_client:
        await first_client.indexes.list()  # opens the resources that the event loop and the threads keep
    before = sample_resources(0)
    max_wait, timeout = (5, 30) if storm_callers else (60, None)
    async with AsyncTwelveLabs(key, base_url=base_url, max_wait=max_wait, timeout=timeout, max_retries=6) as client:
        index = await client.indexes.ensure("soak", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
        video = await client.assets.upload(samples.video(), filename="soak.mp4", wait=True)
        rng = random.Random(seed)  # noqa: S311  # not for cryptography
        load = Workload(client=client, index_id=index.id, asset_id=video.id, folder=folder, call_log=call_log, rng=rng)
        coroutines = storm_coroutines(load, callers=storm_callers) if storm_callers else workload_coroutines(load)
        load_tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        started = clock.monotonic()
        while (elapsed := clock.monotonic() - started) < minutes * 60 and not any(task.done() for task in load_tasks):
            resource_samples.append(sample_resources(elapsed / 60))
            print(_status_line(resource_samples[-1], call_log), end="\r", file=sys.stderr, flush=True)
            await asyncio.sleep(SAMPLE_INTERVAL)
        for task in load_tasks:
            task.cancel()
        for outcome in await asyncio.gather(*load_tasks, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                call_log.started["load"] += 1
                call_log.finished["load", f"defect: {outcome!r}"] += 1
        unreleased = sum(category.in_flight for category in client.limits.values())
    await asyncio.sleep(1)
    return SoakResult(
        call_log=call_log,
        samples=resource_samples,
        before=before,
        after=sample_resources(0),
        unreleased_permits=unreleased,
        minutes=elapsed / 60,
    )


def _status_line(sample: ResourceSample, call_log: CallLog) -> str:
    return (
        f"{sample.minutes:5.1f} min  {call_log.started.total():7} calls  {sample.memory:6.1f} MiB  "
        f"{sample.tasks:4} tasks  {sample.sockets:3} sockets"
    )


def report(result: SoakResult) -> str:
    """Format the report."""
    lines = [
        f"{result.minutes:.1f} minutes, {result.call_log.started.total()} calls, {result.call_log.unfinished} lost",
        "",
    ]
    lines += ["| call | end | times |", "|---|---|---|"]
    lines += [f"| {kind} | {outcome} | {count} |" for kind, outcome, count in result.call_log.rows()]
    memory = [sample.memory for sample in result.samples]
    growth = f"{memory_slope(result.samples):+.1f} an hour"
    lines += [
        "",
        f"memory: {memory[0]:.1f} MiB at the start, {max(memory):.1f} at most, {memory[-1]:.1f} at the end, {growth}",
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

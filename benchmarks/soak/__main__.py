"""`python -m benchmarks.soak [--minutes 20] [--seed 1]`: exits with 1 if anything is left, lost or grows."""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from benchmarks.soak.account import Account
from benchmarks.soak.loads import Load, work
from benchmarks.soak.watch import Look, look, slope
from twelvelabs_async import AsyncTwelveLabs, SystemClock
from twelvelabs_async.emulator import samples
from twelvelabs_async.policy.store import MemoryStore

EVERY: Final = 5.0
"""Seconds between two looks."""

GROWTH: Final = 20.0
"""MiB an hour that are more than noise."""


@attrs.frozen(kw_only=True)
class Result:
    """What was found."""

    account: Account
    """Every call."""
    looks: list[Look]
    """While it ran."""
    before: Look
    """Before the client was opened."""
    after: Look
    """When it was closed."""
    flying: int
    """Turns that were not given back when all calls had ended."""
    minutes: float
    """How long it ran."""

    def failures(self) -> list[str]:
        """What must not be."""
        grown = slope(self.looks)
        defects = [end for _, end in self.account.ended if end.startswith("defect")]
        checks = {
            f"{self.account.lost} calls were lost": self.account.lost,
            f"there were defects: {defects}": defects,
            f"{self.flying} turns were not given back": self.flying,
            f"{self.after.tasks - self.before.tasks} tasks are left": self.after.tasks != self.before.tasks,
            f"{self.after.sockets - self.before.sockets} sockets are left": self.after.sockets > self.before.sockets,
            f"{self.after.descriptors} files are open": self.after.descriptors > self.before.descriptors,
            f"memory grows by {grown:.1f} MiB an hour": grown > GROWTH and self.minutes >= 10,
        }
        return [text for text, wrong in checks.items() if wrong]


@contextmanager
def other_end(seed: int) -> Generator[tuple[str, str]]:
    """Address and key of an emulator that is gone at the end."""
    command = [sys.executable, "-m", "benchmarks.soak.server", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address, key = process.stdout.readline().split()
        yield address, key
        process.communicate()


async def soak(minutes: float, seed: int, address: str, key: str, folder: Path) -> Result:
    """Run all loads for so long, end them, and look at what is left."""
    clock, account, looks = SystemClock(), Account(), list[Look]()
    await asyncio.to_thread(str)  # so that the threads' own descriptors are there before
    before, store = look(0), MemoryStore(clock.monotonic)
    async with AsyncTwelveLabs(key, base_url=address, max_wait=60, max_retries=6, budget=store) as client:
        index = await client.indexes.ensure("soak", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
        video = await client.assets.upload(samples.video(), filename="soak.mp4", wait=True)
        chance = random.Random(seed)  # noqa: S311  # no secret
        load = Load(client=client, index_id=index.id, asset_id=video.id, folder=folder, account=account, chance=chance)
        running = [asyncio.create_task(one) for one in work(load)]
        started = clock.monotonic()
        while (passed := clock.monotonic() - started) < minutes * 60 and not any(task.done() for task in running):
            looks.append(look(passed / 60))
            print(_line(looks[-1], account), end="\r", file=sys.stderr, flush=True)
            await asyncio.sleep(EVERY)
        for task in running:
            task.cancel()
        for ended in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                account.begun["load"] += 1
                account.ended["load", f"defect: {ended!r}"] += 1
        flying = sum(len(budget["flights"]) for budget in (await store.snapshot()).values())
    await asyncio.sleep(1)
    return Result(account=account, looks=looks, before=before, after=look(0), flying=flying, minutes=passed / 60)


def _line(seen: Look, account: Account) -> str:
    return (
        f"{seen.minutes:5.1f} min  {account.begun.total():7} calls  {seen.memory:6.1f} MiB  "
        f"{seen.tasks:4} tasks  {seen.sockets:3} sockets"
    )


def report(result: Result) -> str:
    """The table."""
    lines = [f"{result.minutes:.1f} minutes, {result.account.begun.total()} calls, {result.account.lost} lost", ""]
    lines += ["| call | end | times |", "|---|---|---|"]
    lines += [f"| {kind} | {end} | {count} |" for kind, end, count in result.account.rows()]
    memory = [one.memory for one in result.looks]
    grown = f"{slope(result.looks):+.1f} an hour"
    lines += ["", f"memory: {memory[0]:.1f} MiB at first, {max(memory):.1f} at most, {memory[-1]:.1f} at last, {grown}"]
    tasks, sockets = result.after.tasks - result.before.tasks, result.after.sockets - result.before.sockets
    files = result.after.descriptors - result.before.descriptors
    lines += [f"after closing: {tasks} tasks, {sockets} sockets, {files} files, {result.flying} turns left"]
    return "\n".join([*lines, "", *(result.failures() or ["nothing is left, lost or grows"])])


def main() -> None:
    """Run it, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of faults and cancellations (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, other_end(options.seed) as (address, key):
        result = asyncio.run(soak(options.minutes, options.seed, address, key, Path(folder)))
    print(report(result))
    sys.exit(bool(result.failures()))


if __name__ == "__main__":
    main()

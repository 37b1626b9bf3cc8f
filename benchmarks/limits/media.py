"""Videos into an index, where requests and minutes of media are counted at once."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.limits.callers import CALLERS, ours
from benchmarks.limits.figures import Figures
from benchmarks.limits.scenes import ready
from benchmarks.limits.virtual import LoopClock, virtually
from benchmarks.limits.work import work
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window, samples

VIDEOS: Final = 300
SHORTEST, LONGEST = 10.0, 90.0
"""Seconds of a video."""

AT_ONCE: Final = 40
REQUESTS, MINUTES = 70, 60
"""What may be indexed in each window."""

SECONDS: Final = 60.0
"""Length of a window."""

LATENCY: Final = 0.05
"""Seconds that each request is on its way before it is counted."""

ADD: Final = "POST /indexes/{index-id}/indexed-assets"


def index_videos(caller: str, seed: int) -> Figures:
    """Let one of the callers index all videos, in virtual time."""
    random.seed(seed)
    return virtually(_index(caller, random.Random(seed)))  # noqa: S311  # dice, not keys


def ingest_videos(seed: int) -> Figures:
    """Let `client.ingest` do all of it, the files among its work, in virtual time."""
    random.seed(seed)
    return virtually(_ingest(random.Random(seed)))  # noqa: S311  # dice, not keys


async def _index(caller: str, chance: random.Random) -> Figures:
    lengths, clock = _lengths(chance), LoopClock()
    async with _emulator(clock) as emulator:
        place = await ready(emulator, clock)
        assets = await _upload(emulator, lengths)
        emulator.faults.add(ADD, delay=LATENCY, times=None)
        async with CALLERS[caller](place) as calls:
            start = clock.monotonic()
            failed = await work(lambda number: calls.add(assets[number]), VIDEOS, AT_ONCE)
            wall = clock.monotonic() - start
        return _figures(emulator, lengths, failed, wall)


async def _ingest(chance: random.Random) -> Figures:
    lengths, clock = _lengths(chance), LoopClock()
    async with _emulator(clock) as emulator, ours(await ready(emulator, clock)) as calls:
        emulator.faults.add(ADD, delay=LATENCY, times=None)
        with TemporaryDirectory() as folder:
            _write(folder, lengths)
            start = clock.monotonic()
            summary = await calls.ingest(folder)
            wall = clock.monotonic() - start
        return _figures(emulator, lengths, VIDEOS - summary.ready, wall)


def _write(folder: str, lengths: list[float]) -> None:
    for number, length in enumerate(lengths):
        Path(folder, f"{number:03}.mp4").write_bytes(samples.video(length))


def _lengths(chance: random.Random) -> list[float]:
    return [chance.uniform(SHORTEST, LONGEST) for _ in range(VIDEOS)]


def _emulator(clock: LoopClock) -> Emulator:
    limits = (Window(REQUESTS, SECONDS), Window(MINUTES, SECONDS, "Duration"))
    plan = Plan(windows={"index": limits}, headers="dimension")
    return Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan)


def _figures(emulator: Emulator, lengths: list[float], failed: int, wall: float) -> Figures:
    refused = sum(received.status == 429 for received in emulator.requests.of(ADD))
    return Figures(calls=VIDEOS, failed=failed, refused=refused, wall=wall, ideal=_ideal(lengths), used=None)


async def _upload(emulator: Emulator, lengths: list[float]) -> list[str]:
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        made = [
            client.assets.create(method="direct", file=samples.video(length), filename=f"{number}.mp4")
            for number, length in enumerate(lengths)
        ]
        return [asset.id for asset in await asyncio.gather(*made)]


def _ideal(lengths: list[float]) -> float:
    """Seconds if each window were filled with what comes next, in order, as far as it goes."""
    opened, requests, minutes = 0, 0, 0.0
    for length in lengths:
        if requests + 1 > REQUESTS or minutes + length / 60 > MINUTES:
            opened, requests, minutes = opened + 1, 0, 0.0
        requests, minutes = requests + 1, minutes + length / 60
    return opened * SECONDS + LATENCY

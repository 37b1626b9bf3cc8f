"""Indexing of videos under two limits: requests and minutes of media."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.limits.clients import CLIENTS, open_twelvelabs_async
from benchmarks.limits.scenarios import prepare_target
from benchmarks.limits.stats import RunStats
from benchmarks.limits.virtual_time import LoopClock, run_in_virtual_time
from benchmarks.limits.work import run_concurrently
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window, samples

VIDEOS: Final = 300
MIN_DURATION, MAX_DURATION = 10.0, 90.0
"""Duration of a video, in seconds."""

CONCURRENCY: Final = 40
REQUESTS, MINUTES = 70, 60
"""Requests and minutes of media allowed in each window."""

SECONDS: Final = 60.0
"""Length of a window, in seconds."""

LATENCY: Final = 0.05
"""Seconds until the server counts a request."""

INDEX_OPERATION: Final = "POST /indexes/{index-id}/indexed-assets"


def index_videos(client_name: str, seed: int) -> RunStats:
    """Index all videos with one client, in virtual time."""
    random.seed(seed)
    return run_in_virtual_time(_index(client_name, random.Random(seed)))  # noqa: S311  # not for cryptography


def ingest_videos(seed: int) -> RunStats:
    """Upload and index all videos with `client.ingest`, in virtual time."""
    random.seed(seed)
    return run_in_virtual_time(_ingest(random.Random(seed)))  # noqa: S311  # not for cryptography


async def _index(client_name: str, rng: random.Random) -> RunStats:
    durations, clock = _random_durations(rng), LoopClock()
    async with _emulator(clock) as emulator:
        target = await prepare_target(emulator, clock)
        assets = await _upload(emulator, durations)
        emulator.faults.add(INDEX_OPERATION, delay=LATENCY, times=None)
        async with CLIENTS[client_name](target) as client:
            start = clock.monotonic()
            failed = await run_concurrently(lambda number: client.index_asset(assets[number]), VIDEOS, CONCURRENCY)
            duration = clock.monotonic() - start
        return _run_stats(emulator, durations, failed, duration)


async def _ingest(rng: random.Random) -> RunStats:
    durations, clock = _random_durations(rng), LoopClock()
    async with _emulator(clock) as emulator, open_twelvelabs_async(await prepare_target(emulator, clock)) as client:
        emulator.faults.add(INDEX_OPERATION, delay=LATENCY, times=None)
        with TemporaryDirectory() as folder:
            _write_videos(folder, durations)
            start = clock.monotonic()
            summary = await client.ingest(folder)
            duration = clock.monotonic() - start
        return _run_stats(emulator, durations, VIDEOS - summary.ready, duration)


def _write_videos(folder: str, durations: list[float]) -> None:
    for number, video_duration in enumerate(durations):
        Path(folder, f"{number:03}.mp4").write_bytes(samples.video(video_duration))


def _random_durations(rng: random.Random) -> list[float]:
    return [rng.uniform(MIN_DURATION, MAX_DURATION) for _ in range(VIDEOS)]


def _emulator(clock: LoopClock) -> Emulator:
    limits = (Window(REQUESTS, SECONDS), Window(MINUTES, SECONDS, "Duration"))
    plan = Plan(windows={"index": limits}, headers="dimension")
    return Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan)


def _run_stats(emulator: Emulator, durations: list[float], failed: int, duration: float) -> RunStats:
    rate_limited = sum(request.status == 429 for request in emulator.requests.for_operation(INDEX_OPERATION))
    return RunStats(
        calls=VIDEOS,
        failed=failed,
        rate_limited=rate_limited,
        duration=duration,
        ideal=_ideal_duration(durations),
        utilization=None,
    )


async def _upload(emulator: Emulator, durations: list[float]) -> list[str]:
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        uploads = [
            client.assets.create(method="direct", file=samples.video(video_duration), filename=f"{number}.mp4")
            for number, video_duration in enumerate(durations)
        ]
        return [asset.id for asset in await asyncio.gather(*uploads)]


def _ideal_duration(durations: list[float]) -> float:
    """Return the minimum duration in seconds, if each window is filled in the order of the videos."""
    windows, requests, minutes = 0, 0, 0.0
    for video_duration in durations:
        if requests + 1 > REQUESTS or minutes + video_duration / 60 > MINUTES:
            windows, requests, minutes = windows + 1, 0, 0.0
        requests, minutes = requests + 1, minutes + video_duration / 60
    return windows * SECONDS + LATENCY

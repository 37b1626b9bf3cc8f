"""Kills an ingestion repeatedly at random times, and counts how often each video is in the index at the end."""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
from asyncio.subprocess import DEVNULL
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks.ingest.platform import API_KEY, EmulatorProcess, start_emulator
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from pathlib import Path

MODELS: Final[list[dict[str, Any]]] = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
CHUNK_SIZE: Final = 16 * 1024
KILL_DELAYS: Final = (1.0, 6.0)
"""Minimum and maximum delay before a process is killed, in seconds."""

MAX_FINAL_RUNS: Final = 3
"""Maximum number of final runs, which are not killed; the last one is the first with exit code 0."""


@attrs.frozen(kw_only=True)
class KillResult:
    """The state of the index at the end."""

    program: str
    videos: int
    kills: int
    exactly_once: int
    duplicated: int
    missing: int
    assets: int
    bytes_ratio: float
    runs: int


def make_videos(folder: Path, count: int) -> int:
    """Create small videos with different contents, sample clips with random bytes appended; return their total size."""
    folder.mkdir()
    clips = [
        clip for clip in resources.files("twelvelabs_async._cli").joinpath("clips").iterdir() if ".mp4" in clip.name
    ]
    contents = [clip.read_bytes() for clip in sorted(clips, key=lambda clip: clip.name)]
    for number in range(count):
        content = contents[number % len(contents)] + secrets.token_bytes(16)
        (folder / f"video-{number:05}.mp4").write_bytes(content)
    return sum(file.stat().st_size for file in folder.iterdir())


async def run_with_kills(
    program: str,
    folder: Path,
    *,
    videos: int,
    kills: int,
    fault_rate: float,
    seed: int,
    kill_delays: tuple[float, float] = KILL_DELAYS,
) -> KillResult:
    """Run a program, kill it repeatedly while some requests fail, and return the result."""
    total = make_videos(folder, videos)
    rng = random.Random(seed)  # noqa: S311  # not for cryptography
    async with start_emulator(chunk_size=CHUNK_SIZE) as emulator:
        async with AsyncTwelveLabs(API_KEY, base_url=emulator.base_url) as client:
            index_id = (await client.indexes.ensure("videos", MODELS)).id
        emulator.inject_random_faults(fault_rate)
        command = [sys.executable, "-m", "benchmarks.ingest.child", program, emulator.base_url, index_id, str(folder)]
        killed = runs = 0
        for _ in range(kills):
            killed += await _run_and_kill(command, rng.uniform(*kill_delays))
        for runs in range(1, MAX_FINAL_RUNS + 1):  # noqa: B007  # reported in the result
            process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
            if await process.wait() == 0:
                break
        await asyncio.sleep(1.0)  # the last video is still being indexed
        return await asyncio.to_thread(_collect_result, emulator, program, folder, total, killed, killed + runs)


async def _run_and_kill(command: list[str], delay: float) -> bool:
    """Start a program and kill it after a delay; return whether it was still running."""
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        await asyncio.wait_for(process.wait(), delay)
    except TimeoutError:
        process.kill()
        await process.wait()
        return True
    return False


def _collect_result(
    emulator: EmulatorProcess, program: str, folder: Path, total: int, kills: int, runs: int
) -> KillResult:
    indexed_counts, names = emulator.indexed_counts(), [file.name for file in folder.iterdir()]
    counts = [indexed_counts[name] for name in names]
    return KillResult(
        program=program,
        videos=len(names),
        kills=kills,
        exactly_once=counts.count(1),
        duplicated=sum(count > 1 for count in counts),
        missing=counts.count(0),
        assets=emulator.asset_count(),
        bytes_ratio=emulator.bytes_received() / total,
        runs=runs,
    )

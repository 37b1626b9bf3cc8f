"""Kills an ingestion again and again at random moments, and counts what is in the index in the end."""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import attrs

from benchmarks.ingest.platform import KEY, Platform, platform
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from pathlib import Path

MODELS: Final[list[dict[str, Any]]] = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
CHUNK: Final = 16 * 1024
LIVES: Final = (1.0, 6.0)
"""Seconds after which a process is killed: from, to."""

LAST_RUNS: Final = 3
"""How often the same command may be repeated in the end, until it says that nothing is left."""


@attrs.frozen(kw_only=True)
class Count:
    """What was found in the end."""

    program: str
    videos: int
    kills: int
    once: int
    duplicated: int
    missing: int
    assets: int
    bytes_ratio: float
    runs: int


def make_videos(folder: Path, count: int) -> int:
    """Small videos, no two the same: real clips with a few bytes behind them. Returns their bytes in all."""
    folder.mkdir()
    clips = [
        clip for clip in resources.files("twelvelabs_async.cli").joinpath("clips").iterdir() if ".mp4" in clip.name
    ]
    contents = [clip.read_bytes() for clip in sorted(clips, key=lambda clip: clip.name)]
    for number in range(count):
        content = contents[number % len(contents)] + secrets.token_bytes(16)
        (folder / f"video-{number:05}.mp4").write_bytes(content)
    return sum(file.stat().st_size for file in folder.iterdir())


async def survive(
    program: str,
    folder: Path,
    *,
    videos: int,
    kills: int,
    faults: float,
    seed: int,
    lives: tuple[float, float] = LIVES,
) -> Count:
    """Run a program to its end through `kills` deaths and a share of failing requests, and count."""
    total = make_videos(folder, videos)
    dice = random.Random(seed)  # noqa: S311  # no secret
    async with platform(chunk_size=CHUNK) as there:
        async with AsyncTwelveLabs(KEY, base_url=there.base_url) as client:
            index_id = (await client.indexes.ensure("videos", MODELS)).id
        there.fail_by_chance(faults)
        command = [sys.executable, "-m", "benchmarks.ingest.child", program, there.base_url, index_id, str(folder)]
        deaths = runs = 0
        for _ in range(kills):
            deaths += await _killed(command, dice.uniform(*lives))
        for runs in range(1, LAST_RUNS + 1):  # noqa: B007  # the number of the last one is told
            process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
            if await process.wait() == 0:
                break
        await asyncio.sleep(1.0)  # what was asked for last is still being indexed
        return await asyncio.to_thread(_count, there, program, folder, total, deaths, deaths + runs)


async def _killed(command: list[str], after: float) -> bool:
    """Run a program and kill it; whether it was still alive."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await asyncio.wait_for(process.wait(), after)
    except TimeoutError:
        process.kill()
        await process.wait()
        return True
    return False


def _count(there: Platform, program: str, folder: Path, total: int, kills: int, runs: int) -> Count:
    found, names = there.indexed(), [file.name for file in folder.iterdir()]
    times = [found[name] for name in names]
    return Count(
        program=program,
        videos=len(names),
        kills=kills,
        once=times.count(1),
        duplicated=sum(one > 1 for one in times),
        missing=times.count(0),
        assets=there.assets(),
        bytes_ratio=there.received() / total,
        runs=runs,
    )

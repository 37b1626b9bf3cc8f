"""What an ingestion costs when it is large: ten thousand items, fifty files at once, an upload that is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.ingest.kills import MODELS
from benchmarks.ingest.platform import KEY, Platform, platform
from benchmarks.memory import MIB
from twelvelabs_async import AsyncTwelveLabs

CHUNK: Final = 5 * MIB
FILES: Final = 50
FILE: Final = 40 * MIB
LARGE: Final = 400 * MIB
KILLS: Final = 3
LISTS: Final = ("GET /assets", "GET /indexes/{index-id}/indexed-assets")


async def sizes(folder: Path) -> list[str]:
    """All of it, one line for each figure."""
    _make_files(folder)
    return [*await _ten_thousand(folder), *await _fifty(folder), await _killed_upload(folder)]


async def _ten_thousand(folder: Path) -> list[str]:
    async with platform(timing={"asset": 60.0, "indexing": 60.0}) as there:
        index_id = await _index(there)
        flight = await _measured("flight", there, index_id, folder)
        asked = await asyncio.to_thread(there.requests)
        resume = await _measured("resume", there, index_id, folder)
    looks = sum(asked[route] for route in LISTS)
    each = sum(count for route, count in asked.items() if route.startswith("GET")) - looks
    first = (
        f"10,000 items on their way at once: {flight['ready']:.0f} ready, memory +{flight['memory']} MiB,"
        f" {looks} pages of lists in {flight['seconds']:.0f} s, {each} looks at single ones"
    )
    second = (
        f"10,000 items, started again when all are done: {resume['already']:.0f} outcomes in {resume['seconds']} s"
        f" ({resume['cpu']} s of the processor), memory +{resume['memory']} MiB"
    )
    return [first, second]


async def _fifty(folder: Path) -> list[str]:
    async with platform(chunk_size=CHUNK) as there:
        figures = await _measured("parts", there, await _index(there), folder)
    rate = FILES * FILE / MIB / figures["seconds"]
    return [f"{FILES} files of {FILE // MIB} MiB at once: memory +{figures['memory']} MiB, {rate:.0f} MiB/s"]


async def _killed_upload(folder: Path) -> str:
    """A file whose upload is killed whenever another quarter of it has arrived."""
    async with platform(chunk_size=CHUNK) as there:
        index_id = await _index(there)
        for nth in range(1, KILLS + 1):
            process = await _started("large", there, index_id, folder)
            while await asyncio.to_thread(there.received) < nth * LARGE // (KILLS + 1):  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.02)
            process.kill()
            await process.wait()
        figures = await _measured("large", there, index_id, folder)
        again = await asyncio.to_thread(there.received) - LARGE
    return (
        f"an upload of {LARGE // MIB} MiB in parts of {CHUNK // MIB} MiB, killed {KILLS} times: ready"
        f" {figures['ready']:.0f}, sent again {again / MIB:.1f} MiB, {again / CHUNK / KILLS:.1f} parts a kill"
    )


async def _index(there: Platform) -> str:
    async with AsyncTwelveLabs(KEY, base_url=there.base_url) as client:
        return (await client.indexes.ensure("videos", MODELS)).id


async def _started(name: str, there: Platform, index_id: str, folder: Path) -> asyncio.subprocess.Process:
    arguments = ("-m", "benchmarks.ingest.scale", name, there.base_url, index_id, str(folder))
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)


async def _measured(name: str, there: Platform, index_id: str, folder: Path) -> dict[str, Any]:
    process = await _started(name, there, index_id, folder)
    printed, _ = await process.communicate()
    figures: dict[str, Any] = json.loads(printed)
    return figures


def _make_files(folder: Path) -> None:
    """Sparse files: what is in them does not matter here."""
    (folder / "films").mkdir()
    for number in range(FILES):
        _sparse(folder / "films" / f"{number}.mp4", FILE)
    _sparse(folder / "large.mp4", LARGE)


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)

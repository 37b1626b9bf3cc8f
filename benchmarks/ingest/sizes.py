"""Large ingestions: ten thousand items, fifty files at the same time, and an upload that is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.ingest.kills import MODELS
from benchmarks.ingest.platform import API_KEY, EmulatorProcess, start_emulator
from benchmarks.memory import MIB
from twelvelabs_async import AsyncTwelveLabs

CHUNK_SIZE: Final = 5 * MIB
FILE_COUNT: Final = 50
FILE_SIZE: Final = 40 * MIB
LARGE_FILE_SIZE: Final = 400 * MIB
KILL_COUNT: Final = 3
LIST_ROUTES: Final = ("GET /assets", "GET /indexes/{index-id}/indexed-assets")


async def measure_sizes(folder: Path) -> list[str]:
    """Run all measurements, and return one line for each result."""
    _make_files(folder)
    return [
        *await _measure_ten_thousand_items(folder),
        *await _measure_fifty_files(folder),
        await _measure_killed_upload(folder),
    ]


async def _measure_ten_thousand_items(folder: Path) -> list[str]:
    async with start_emulator(timing={"asset": 60.0, "indexing": 60.0}) as emulator:
        index_id = await _create_index(emulator)
        flight = await _measure("flight", emulator, index_id, folder)
        request_counts = await asyncio.to_thread(emulator.request_counts)
        resume = await _measure("resume", emulator, index_id, folder)
    list_requests = sum(request_counts[route] for route in LIST_ROUTES)
    single_requests = sum(count for route, count in request_counts.items() if route.startswith("GET")) - list_requests
    first = (
        f"10,000 items in progress at the same time: {flight['ready']:.0f} ready, memory +{flight['memory']} MiB,"
        f" {list_requests} pages of lists in {flight['seconds']:.0f} s, {single_requests} requests for single resources"
    )
    second = (
        f"10,000 items, run again when all are done: {resume['already']:.0f} results in {resume['seconds']} s"
        f" ({resume['cpu']} s of CPU time), memory +{resume['memory']} MiB"
    )
    return [first, second]


async def _measure_fifty_files(folder: Path) -> list[str]:
    async with start_emulator(chunk_size=CHUNK_SIZE) as emulator:
        figures = await _measure("parts", emulator, await _create_index(emulator), folder)
    rate = FILE_COUNT * FILE_SIZE / MIB / figures["seconds"]
    size = FILE_SIZE // MIB
    return [f"{FILE_COUNT} files of {size} MiB at the same time: memory +{figures['memory']} MiB, {rate:.0f} MiB/s"]


async def _measure_killed_upload(folder: Path) -> str:
    """Kill the upload of a file each time another quarter of it has been received."""
    async with start_emulator(chunk_size=CHUNK_SIZE) as emulator:
        index_id = await _create_index(emulator)
        for kill_number in range(1, KILL_COUNT + 1):
            process = await _start("large", emulator, index_id, folder)
            while await asyncio.to_thread(emulator.bytes_received) < kill_number * LARGE_FILE_SIZE // (KILL_COUNT + 1):  # noqa: ASYNC110  # there is no notification
                await asyncio.sleep(0.02)
            process.kill()
            await process.wait()
        figures = await _measure("large", emulator, index_id, folder)
        sent_again = await asyncio.to_thread(emulator.bytes_received) - LARGE_FILE_SIZE
    return (
        f"an upload of {LARGE_FILE_SIZE // MIB} MiB in parts of {CHUNK_SIZE // MIB} MiB, killed {KILL_COUNT} times:"
        f" ready {figures['ready']:.0f}, sent again {sent_again / MIB:.1f} MiB,"
        f" {sent_again / CHUNK_SIZE / KILL_COUNT:.1f} parts per kill"
    )


async def _create_index(emulator: EmulatorProcess) -> str:
    async with AsyncTwelveLabs(API_KEY, base_url=emulator.base_url) as client:
        return (await client.indexes.ensure("videos", MODELS)).id


async def _start(name: str, emulator: EmulatorProcess, index_id: str, folder: Path) -> asyncio.subprocess.Process:
    arguments = ("-m", "benchmarks.ingest.scale", name, emulator.base_url, index_id, str(folder))
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)


async def _measure(name: str, emulator: EmulatorProcess, index_id: str, folder: Path) -> dict[str, Any]:
    process = await _start(name, emulator, index_id, folder)
    output, _ = await process.communicate()
    figures: dict[str, Any] = json.loads(output)
    return figures


def _make_files(folder: Path) -> None:
    """Create sparse files; the content is irrelevant."""
    (folder / "films").mkdir()
    for number in range(FILE_COUNT):
        _create_sparse_file(folder / "films" / f"{number}.mp4", FILE_SIZE)
    _create_sparse_file(folder / "large.mp4", LARGE_FILE_SIZE)


def _create_sparse_file(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)

"""`python -m benchmarks.ingest.scale NAME BASE_URL INDEX FOLDER`: measures one large ingestion.

Prints a JSON object. `memory` is the increase of the maximum resident set size, in MiB.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.ingest.platform import API_KEY
from benchmarks.memory import MIB, peak, reset_peak, resident
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from twelvelabs_async.ingest import Summary

ITEM_COUNT: Final = 10_000
"""Number of items."""

Figures = dict[str, float]


async def generate_urls() -> AsyncIterator[str]:
    """Yield ten thousand URLs; the emulator sends no requests to them."""
    for number in range(ITEM_COUNT):
        yield f"https://example.com/{number}.mp4"


async def many_in_flight(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """Ingest ten thousand items at the same time."""
    return await _measure(
        lambda: client.ingest(
            generate_urls(),
            index_id=index_id,
            ledger=folder / "flight.ledger",
            max_in_flight=ITEM_COUNT,
            concurrency=32,
        ).summary()
    )


async def resume(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """Repeat the same ingestion after all items are done."""
    return await _measure(
        lambda: client.ingest(generate_urls(), index_id=index_id, ledger=folder / "flight.ledger").summary()
    )


async def parts(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """Upload fifty files of 40 MiB in parts, at the same time."""
    return await _measure(
        lambda: client.ingest(folder / "films", index_id=index_id, concurrency=50, multipart_threshold=0).summary()
    )


async def large(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """Upload one large file in parts."""
    return await _measure(
        lambda: client.ingest(
            folder / "large.mp4", index_id=index_id, ledger=folder / "large.ledger", multipart_threshold=0
        ).summary()
    )


async def _measure(ingest: Callable[[], Awaitable[Summary]]) -> Figures:
    reset_peak()
    memory_before, started, cpu_before = resident(), time.perf_counter(), time.process_time()
    summary = await ingest()
    seconds = time.perf_counter() - started
    return {
        "ready": summary.ready,
        "already": summary.already_done,
        "seconds": round(seconds, 2),
        "cpu": round(time.process_time() - cpu_before, 2),
        "memory": round((peak() - memory_before) / MIB, 1),
    }


PROGRAMS: Final = {"flight": many_in_flight, "resume": resume, "parts": parts, "large": large}


async def main(name: str, base_url: str, index_id: str, folder: str) -> None:
    """Run the ingestion, and print the figures."""
    async with AsyncTwelveLabs(API_KEY, base_url=base_url) as client:
        await client.indexes.retrieve(index_id)  # imports lazily loaded modules
        print(json.dumps(await PROGRAMS[name](client, index_id, Path(folder))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

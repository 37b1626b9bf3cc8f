"""`python -m benchmarks.ingest.scale NAME BASE_URL INDEX FOLDER`: ingestions that are measured, one to a process.

Prints a JSON object of figures. `memory` is the largest resident set above what the process had before, in MiB.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.ingest.platform import KEY
from benchmarks.memory import MIB, forget_peak, peak, resident
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from twelvelabs_async.ingest import Summary

MANY: Final = 10_000
"""Items."""

Figures = dict[str, float]


async def addresses() -> AsyncIterator[str]:
    """Ten thousand of them, which nobody fetches."""
    for number in range(MANY):
        yield f"https://example.com/{number}.mp4"


async def flight(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """Ten thousand items on their way at once."""
    return await _figures(
        lambda: client.ingest(
            addresses(), index_id=index_id, ledger=folder / "flight.ledger", in_flight=MANY, concurrency=32
        ).summary()
    )


async def resume(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """The same again, when all of them are done."""
    return await _figures(
        lambda: client.ingest(addresses(), index_id=index_id, ledger=folder / "flight.ledger").summary()
    )


async def parts(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """Fifty files of forty megabytes at once, each in parts."""
    return await _figures(
        lambda: client.ingest(folder / "films", index_id=index_id, concurrency=50, direct_up_to=0).summary()
    )


async def large(client: AsyncTwelveLabs, index_id: str, folder: Path) -> Figures:
    """One large file in parts."""
    return await _figures(
        lambda: client.ingest(
            folder / "large.mp4", index_id=index_id, ledger=folder / "large.ledger", direct_up_to=0
        ).summary()
    )


async def _figures(ingest: Callable[[], Awaitable[Summary]]) -> Figures:
    forget_peak()
    before, started, worked = resident(), time.perf_counter(), time.process_time()
    summary = await ingest()
    seconds = time.perf_counter() - started
    return {
        "ready": summary.ready,
        "already": summary.already,
        "seconds": round(seconds, 2),
        "cpu": round(time.process_time() - worked, 2),
        "memory": round((peak() - before) / MIB, 1),
    }


PROGRAMS: Final = {"flight": flight, "resume": resume, "parts": parts, "large": large}


async def main(name: str, base_url: str, index_id: str, folder: str) -> None:
    """Do it, and print the figures."""
    async with AsyncTwelveLabs(KEY, base_url=base_url) as client:
        await client.indexes.retrieve(index_id)  # what is loaded lazily is loaded
        print(json.dumps(await PROGRAMS[name](client, index_id, Path(folder))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

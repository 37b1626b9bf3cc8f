"""Measures the speedup by several workers on a slow API, and the speed of the ledger."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.ingest.kills import CHUNK_SIZE, MODELS, make_videos
from benchmarks.ingest.platform import API_KEY, EmulatorProcess, start_emulator
from benchmarks.workers.worker_pool import wait_for_workers, wait_until_done, worker_pool
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.ingest import Entry
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.workers import submit

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.workers.namespaces import Placement
    from benchmarks.workers.servers import PostgresServer

SLOW_API_DELAY: Final = 2.0
"""Seconds that the slow API needs for each upload and each indexing request."""

CONCURRENCY: Final = 4
"""Concurrent jobs of a worker."""

INDEX_OPERATION: Final = "POST /indexes/{index-id}/indexed-assets"

LEDGER_WRITES: Final = 2000
LEDGER_TIMEOUT: Final = 120.0
"""Timeout in seconds for the writes."""


async def create_index(emulator: EmulatorProcess) -> str:
    """Create an empty index, and return its id."""
    async with AsyncTwelveLabs(API_KEY, base_url=emulator.base_url, allow_http=True) as client:
        return (await client.indexes.ensure(f"videos {secrets.token_hex(2)}", MODELS)).id


def videos_per_second(emulator: EmulatorProcess) -> float:
    """Return the indexed videos per second, from the first indexing request to the last."""
    times: list[float] = sorted(
        request["time"] for request in emulator.admin_request("GET", "/requests") if request["route"] == INDEX_OPERATION
    )
    return (len(times) - 1) / (times[-1] - times[0])


async def measure_speedup(
    videos: int, workers: int, folder: Path, database: PostgresServer, placement: Placement
) -> None:
    """Ingest the same number of videos with one worker and with several workers, and print the speedup."""
    rates: dict[int, float] = {}
    seconds: dict[int, float] = {}
    for size in (1, workers):
        make_videos(folder / f"for-{size}", videos)
        async with start_emulator(chunk_size=CHUNK_SIZE, **emulator_options(placement)) as emulator:
            index_id = await create_index(emulator)
            for operation in ("POST /assets", INDEX_OPERATION):
                emulator.admin_request(
                    "POST", "/faults", {"operation": operation, "times": None, "delay": SLOW_API_DELAY}
                )
            async with worker_pool(placement, size, emulator.base_url, database.url, "", str(CONCURRENCY)):
                await wait_for_workers(database.url, size)
                await submit(database.url, folder / f"for-{size}", index_id=index_id)
                seconds[size] = await wait_until_done(database.url)
            rates[size] = videos_per_second(emulator)
        result = f"{rates[size]:.2f} videos a second, {videos} in {seconds[size]:.1f} s"
        print(f"{size} on a slow API         {result}", flush=True)
    rate, total = rates[workers] / rates[1], seconds[1] / seconds[workers]
    print(f"{workers} workers vs. one       {rate:8.2f} x from first to last, {total:.2f} x in total", flush=True)


async def measure_ledger(database: PostgresServer) -> None:
    """Print the number of entries written per second.

    Raises:
        TimeoutError: The writes take too long.
    """
    ledger = PostgresLedger(database.url, access="shared")
    await ledger.open()
    template = Entry(token="t", index_id="i", uri="u", size=1, mtime_ns=0)  # noqa: S106  # no password
    entries = [attrs.evolve(template, token=str(n), uri=str(n), dedupe_key=str(n)) for n in range(LEDGER_WRITES)]
    try:
        for name, write in (("claims", ledger.claim), ("saves", ledger.save)):
            start_time = time.monotonic()
            async with asyncio.timeout(LEDGER_TIMEOUT):
                for start in range(0, len(entries), 100):
                    await asyncio.gather(*(write(entry) for entry in entries[start : start + 100]))
            print(f"ledger, {name:15} {len(entries) / (time.monotonic() - start_time):8.0f} a second", flush=True)
    except TimeoutError:
        raise TimeoutError(f"{LEDGER_WRITES} writes to the ledger took more than {LEDGER_TIMEOUT:.0f} s") from None
    finally:
        await ledger.close()


def emulator_options(placement: Placement) -> dict[str, object]:
    """Return the options of an emulator that the workers can reach."""
    return {"host": placement.host, "allow_remote": True} if placement.host else {}

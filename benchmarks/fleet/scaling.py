"""How much faster many workers are than one where the API takes its time, and how fast the ledger is."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.fleet.crew import all_there, crew, until_done
from benchmarks.ingest.kills import CHUNK, MODELS, make_videos
from benchmarks.ingest.platform import KEY, Platform, platform
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.fleet import submit
from twelvelabs_async.ingest import Entry
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.fleet.namespaces import Place
    from benchmarks.fleet.servers import Database

SLOW: Final = 2.0
"""Seconds that each upload and each request to index takes where the API is slow."""

STEPS: Final = 4
"""Steps that a worker takes at once there."""

INDEX: Final = "POST /indexes/{index-id}/indexed-assets"

WRITES: Final = 2000
LEDGER_BOUND: Final = 120.0
"""Seconds that so many writes to the ledger may take."""


async def index_of(there: Platform) -> str:
    """An empty index."""
    async with AsyncTwelveLabs(KEY, base_url=there.base_url, allow_http=True) as client:
        return (await client.indexes.ensure(f"videos {secrets.token_hex(2)}", MODELS)).id


def rate(there: Platform) -> float:
    """Videos a second, from the first that was put into its index to the last."""
    moments: list[float] = sorted(one["time"] for one in there.ask("GET", "/requests") if one["route"] == INDEX)
    return (len(moments) - 1) / (moments[-1] - moments[0])


async def speed(videos: int, workers: int, folder: Path, database: Database, place: Place) -> None:
    """One worker, then several, each with the same number of videos."""
    rates: dict[int, float] = {}
    seconds: dict[int, float] = {}
    for size in (1, workers):
        make_videos(folder / f"for-{size}", videos)
        async with platform(chunk_size=CHUNK, **reachable(place)) as there:
            index_id = await index_of(there)
            for operation in ("POST /assets", INDEX):
                there.ask("POST", "/faults", {"operation": operation, "times": None, "delay": SLOW})
            async with crew(place, size, there.base_url, database.url, "", str(STEPS)):
                await all_there(database.url, size)
                await submit(database.url, folder / f"for-{size}", index_id=index_id)
                seconds[size] = await until_done(database.url)
            rates[size] = rate(there)
        told = f"{rates[size]:.2f} videos a second, all {videos} in {seconds[size]:.1f} s"
        print(f"{size} on a slow API         {told}", flush=True)
    once, whole = rates[workers] / rates[1], seconds[1] / seconds[workers]
    print(f"{workers} workers against one   {once:8.2f} x from first to last, {whole:.2f} x in all", flush=True)


async def ledger(database: Database) -> None:
    """How many entries are written in a second.

    Raises:
        TimeoutError: Too few to wait for.
    """
    kept = PostgresLedger(database.url, shared=True)
    await kept.open()
    entry = Entry(token="t", index_id="i", uri="u", size=1, mtime_ns=0)  # noqa: S106  # no password
    entries = [attrs.evolve(entry, token=str(n), uri=str(n), twin=str(n)) for n in range(WRITES)]
    try:
        for name, write in (("claims", kept.claim), ("saves", kept.save)):
            began = time.monotonic()
            async with asyncio.timeout(LEDGER_BOUND):
                for start in range(0, len(entries), 100):
                    await asyncio.gather(*(write(one) for one in entries[start : start + 100]))
            print(f"ledger, {name:15} {len(entries) / (time.monotonic() - began):8.0f} a second", flush=True)
    except TimeoutError:
        raise TimeoutError(f"{WRITES} writes to the ledger took more than {LEDGER_BOUND:.0f} s") from None
    finally:
        await kept.close()


def reachable(place: Place) -> dict[str, object]:
    """Options of an emulator that workers can reach from where they are."""
    return {"host": place.host, "allow_remote": True} if place.host else {}

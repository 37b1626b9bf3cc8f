"""`python -m benchmarks.fleet [--videos N] [--workers N] [--kills N] [--faults SHARE]`."""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import tempfile
import time
from pathlib import Path

import attrs

from benchmarks.fleet.crew import Crew, all_there, crew, recovery, until_done
from benchmarks.fleet.servers import Budgets, Database
from benchmarks.ingest.kills import CHUNK, MODELS, make_videos
from benchmarks.ingest.platform import KEY, Platform, platform
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.fleet import submit
from twelvelabs_async.ingest import Entry
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger

PLAN = {"default": {"limit": 80, "seconds": 5}}
"""Requests of each category: so few that a run takes a minute, in which there is time for accidents."""

SLOW = 2.0
"""Seconds that each upload and each request to index takes where the API is slow."""


async def index_of(there: Platform) -> str:
    """An empty index."""
    async with AsyncTwelveLabs(KEY, base_url=there.base_url) as client:
        return (await client.indexes.ensure(f"videos {secrets.token_hex(2)}", MODELS)).id


async def accidents(workers: Crew, database: Database, budgets: Budgets, kills: int) -> list[float]:
    """Kill workers, and in between the database and the budget store: seconds until others went on, each time."""
    dice = random.Random(7)  # noqa: S311  # no secret
    watching: list[asyncio.Task[float | None]] = []
    for number in range(kills):
        await asyncio.sleep(dice.uniform(3.0, 6.0))
        await workers.kill(dice)
        watching.append(asyncio.create_task(recovery(database.url)))
        for at, server in ((kills // 3, budgets), (kills // 2, database)):
            if number == at:
                await asyncio.to_thread(server.kill)
                await asyncio.sleep(1.0)
                await asyncio.to_thread(server.start)
    return [seconds for seconds in await asyncio.gather(*watching) if seconds is not None]


async def survive(args: argparse.Namespace, folder: Path, database: Database, budgets: Budgets) -> None:
    """Each video once, whatever is killed."""
    total = make_videos(folder / "videos", args.videos)
    async with platform(chunk_size=CHUNK) as there:
        index_id = await index_of(there)
        there.ask("PUT", "/plan", PLAN)
        there.fail_by_chance(args.faults)
        began = time.monotonic()
        await submit(database.url, folder / "videos", index_id=index_id)
        print(f"handed in               {args.videos / (time.monotonic() - began):8.0f} a second", flush=True)
        async with crew(args.workers, there.base_url, database.url, budgets.url, "8") as workers:
            found = await accidents(workers, database, budgets, args.kills)
            await until_done(database.url)
        times = list(there.indexed().values())
        refused = sum(request["status"] == 429 for request in there.ask("GET", "/requests"))
        requests = there.requests().total()
        print(f"videos                  {args.videos:8}\nworkers killed          {args.kills:8}")
        print(f"once                    {times.count(1):8}\nmore than once          {len(times) - times.count(1):8}")
        print(f"missing                 {args.videos - len(times):8}\nassets                  {there.assets():8}")
        print(f"bytes x                 {there.received() / total:8.2f}")
        print(f"429 answers, %          {100 * refused / requests:8.2f}")
        print(f"recovery, longest s     {max(found, default=0):8.1f}")
        print(f"seconds                 {time.monotonic() - began:8.1f}", flush=True)


async def speed(args: argparse.Namespace, folder: Path, database: Database) -> None:
    """How much faster many workers are than one, where it is the API that takes its time."""
    seconds: dict[int, float] = {}
    for size in (1, args.workers):
        make_videos(folder / f"for-{size}", args.slow)
        async with platform(chunk_size=CHUNK) as there:
            index_id = await index_of(there)
            for operation in ("POST /assets", "POST /indexes/{index-id}/indexed-assets"):
                there.ask("POST", "/faults", {"operation": operation, "times": None, "delay": SLOW})
            async with crew(size, there.base_url, database.url, "", "4"):
                await all_there(database.url, size)
                await submit(database.url, folder / f"for-{size}", index_id=index_id)
                seconds[size] = await until_done(database.url)
    ratio = seconds[1] / seconds[args.workers]
    print(f"{args.workers} workers against one   {ratio:8.2f} x, where the API is slow")


async def ledger(database: Database) -> None:
    """How many entries are written in a second."""
    kept = PostgresLedger(database.url, shared=True)
    await kept.open()
    entry = Entry(token="t", index_id="i", uri="u", size=1, mtime_ns=0)  # noqa: S106  # no password
    entries = [attrs.evolve(entry, token=str(n), uri=str(n), twin=str(n)) for n in range(2000)]
    for name, write in (("claims", kept.claim), ("saves", kept.save)):
        began = time.monotonic()
        for start in range(0, len(entries), 100):
            await asyncio.gather(*(write(one) for one in entries[start : start + 100]))
        print(f"ledger, {name:15} {len(entries) / (time.monotonic() - began):8.0f} a second", flush=True)
    await kept.close()


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description="Workers that are killed.")
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.05, help="share of requests that fail, API and storage alike")
    parser.add_argument("--slow", type=int, default=120, help="videos for the comparison with one worker")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # noqa: ASYNC240  # nothing else runs yet
        database, budgets = Database(folder / "database"), Budgets(folder / "budgets")
        database.start()
        budgets.start()
        try:
            await survive(args, folder, database, budgets)
            await speed(args, folder, database)
            await ledger(database)
        finally:
            database.kill()
            budgets.kill()


if __name__ == "__main__":
    asyncio.run(main())

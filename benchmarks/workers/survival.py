"""Kills workers, their database and their rate-limit store, and counts how often each video was indexed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from benchmarks.ingest.faults import end_connections
from benchmarks.ingest.kills import CHUNK_SIZE, make_videos
from benchmarks.ingest.platform import EmulatorProcess, start_emulator
from benchmarks.workers.scaling import create_index, emulator_options
from benchmarks.workers.worker_pool import WorkerPool, measure_recovery, wait_until_done, worker_pool
from twelvelabs_async.workers import submit

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from benchmarks.workers.namespaces import Placement
    from benchmarks.workers.servers import PostgresServer, RateLimitRedis

LIMIT: Final = {"limit": 60, "seconds": 5}
PLAN: Final = {"windows": {"index": LIMIT, "upload": LIMIT}}
"""Limits of the documented categories, low enough for a run of some minutes."""

PLAN_WITH_DEFAULT: Final = {"default": LIMIT}
"""The same limit, also for all other operations together. It is unknown whether the platform has such a limit."""

CONCURRENCY: Final = 8
"""Concurrent jobs of a worker."""


SUSPENSION: Final = 20.0
"""Seconds for which a worker is suspended; other workers take over its steps after 15 seconds."""


async def inject_faults(
    workers: WorkerPool, database: PostgresServer, emulator: EmulatorProcess, args: argparse.Namespace
) -> None:
    """End all database connections, suspend a worker, and make all requests fail for a while."""
    rng = random.Random(8)  # noqa: S311  # not for cryptography
    for _ in range(args.lost_connections):
        await asyncio.sleep(2.0)
        await asyncio.to_thread(end_connections, database.url)
    for _ in range(args.suspensions):
        await asyncio.sleep(2.0)
        await workers.suspend_one(rng, SUSPENSION)
    await asyncio.sleep(2.0)
    if args.outage:
        emulator.inject_outage()
        await asyncio.sleep(args.outage)
        emulator.clear_faults()
        emulator.inject_random_faults(args.faults)


async def inject_crashes(
    workers: WorkerPool, database: PostgresServer, redis: RateLimitRedis, kills: int
) -> list[float]:
    """Kill workers, the database and the rate-limit store; return the recovery times in seconds."""
    rng = random.Random(7)  # noqa: S311  # not for cryptography
    recoveries: list[asyncio.Task[float | None]] = []
    for number in range(kills):
        await asyncio.sleep(rng.uniform(3.0, 6.0))
        await workers.kill_one(rng)
        recoveries.append(asyncio.create_task(measure_recovery(database.url)))
        for position, server in ((kills // 3, redis), (kills // 2, database)):
            if number == position:
                await asyncio.to_thread(server.kill)
                await asyncio.sleep(1.0)
                await asyncio.to_thread(server.start)
    return [seconds for seconds in await asyncio.gather(*recoveries) if seconds is not None]


async def measure_survival(
    args: argparse.Namespace, folder: Path, database: PostgresServer, redis: RateLimitRedis, placement: Placement
) -> None:
    """Ingest videos while workers and servers are killed, and print the result."""
    total = make_videos(folder / "videos", args.videos)
    async with start_emulator(chunk_size=CHUNK_SIZE, **emulator_options(placement)) as emulator:
        index_id = await create_index(emulator)
        emulator.admin_request("PUT", "/plan", PLAN_WITH_DEFAULT if args.others else PLAN)
        emulator.inject_random_faults(args.faults)
        started = time.monotonic()
        await submit(database.url, folder / "videos", index_id=index_id)
        print(f"submitted               {args.videos / (time.monotonic() - started):8.0f} a second", flush=True)
        command = (emulator.base_url, database.url, redis.url, str(CONCURRENCY))
        async with worker_pool(placement, args.workers, *command) as workers:
            await inject_faults(workers, database, emulator, args)
            recoveries = await inject_crashes(workers, database, redis, args.kills)
            await wait_until_done(database.url)
        print(f"videos                  {args.videos:8}\nworkers killed          {args.kills:8}")
        print(f"workers suspended       {args.suspensions:8}, for {SUSPENSION:g} s")
        print(f"connections ended       {args.lost_connections:8} times, all of them")
        print(f"seconds without network {args.outage:8.0f}")
        report(emulator, args.videos, total)
        print(f"recovery, longest s     {max(recoveries, default=0):8.1f}")
        print(f"seconds                 {time.monotonic() - started:8.1f}", flush=True)


def report(emulator: EmulatorProcess, videos: int, total: int) -> None:
    """Print how often each video was indexed, and how many bytes were received."""
    times = list(emulator.indexed_counts().values())
    statuses = Counter(
        request["status"] for request in emulator.admin_request("GET", "/requests") if request["route"] != "storage"
    )
    print(f"once                    {times.count(1):8}\nmore than once          {len(times) - times.count(1):8}")
    print(f"missing                 {videos - len(times):8}\nassets                  {emulator.asset_count():8}")
    print(f"bytes x                 {emulator.bytes_received() / total:8.2f}")
    print(f"429 responses, %          {100 * statuses[429] / statuses.total():8.2f} of the requests to the API")

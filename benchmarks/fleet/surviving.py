"""Workers, their database and their budget store are killed: what came of each video, and at what cost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from benchmarks.fleet.crew import Crew, crew, recovery, until_done
from benchmarks.fleet.scaling import index_of, reachable
from benchmarks.ingest.kills import CHUNK, make_videos
from benchmarks.ingest.platform import Platform, platform
from twelvelabs_async.fleet import submit

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from benchmarks.fleet.namespaces import Place
    from benchmarks.fleet.servers import Budgets, Database

LIMIT: Final = {"limit": 60, "seconds": 5}
PLAN: Final = {"windows": {"index": LIMIT, "upload": LIMIT}}
"""Requests of the categories that the platform names: so few that a run takes minutes, with time for accidents."""

ALL: Final = {"default": LIMIT}
"""The same with all other operations as one more category, of which nobody knows whether it is so."""

STEPS: Final = 8
"""Steps that a worker takes at once."""


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


async def survive(args: argparse.Namespace, folder: Path, database: Database, budgets: Budgets, place: Place) -> None:
    """Each video once, whatever is killed."""
    total = make_videos(folder / "videos", args.videos)
    async with platform(chunk_size=CHUNK, **reachable(place)) as there:
        index_id = await index_of(there)
        there.ask("PUT", "/plan", ALL if args.others else PLAN)
        there.fail_by_chance(args.faults)
        began = time.monotonic()
        await submit(database.url, folder / "videos", index_id=index_id)
        print(f"handed in               {args.videos / (time.monotonic() - began):8.0f} a second", flush=True)
        command = (there.base_url, database.url, budgets.url, str(STEPS))
        async with crew(place, args.workers, *command) as workers:
            found = await accidents(workers, database, budgets, args.kills)
            await until_done(database.url)
        print(f"videos                  {args.videos:8}\nworkers killed          {args.kills:8}")
        report(there, args.videos, total)
        print(f"recovery, longest s     {max(found, default=0):8.1f}")
        print(f"seconds                 {time.monotonic() - began:8.1f}", flush=True)


def report(there: Platform, videos: int, total: int) -> None:
    """What the platform has seen of so many videos, of so many bytes in all."""
    times = list(there.indexed().values())
    statuses = Counter(one["status"] for one in there.ask("GET", "/requests") if one["route"] != "storage")
    print(f"once                    {times.count(1):8}\nmore than once          {len(times) - times.count(1):8}")
    print(f"missing                 {videos - len(times):8}\nassets                  {there.assets():8}")
    print(f"bytes x                 {there.received() / total:8.2f}")
    print(f"429 answers, %          {100 * statuses[429] / statuses.total():8.2f} of the requests to the API")

"""`python -m benchmarks.web [--seconds 20] [--users 200] [--uploads 2]`."""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
import attrs

from benchmarks.web.lag import percentile
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import samples

UPLOAD_SIZE: Final = 32 * 2**20
"""Size of each upload in bytes."""

MEAN_THINK_TIME: Final = 1.0
"""Average seconds between two searches of a user."""


@attrs.define
class Counts:
    """Errors and latencies of the users."""

    searches: list[float] = attrs.field(factory=list[float])
    uploads: list[float] = attrs.field(factory=list[float])
    errors: int = 0


@contextmanager
def start_program(*command: str) -> Generator[list[str]]:
    """Start a program that exits when its standard input is closed; yield the words of its first line of output."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()
        process.communicate()


async def run_user(session: aiohttp.ClientSession, counts: Counts, deadline: float, seed: int) -> None:
    """Search repeatedly, like a user."""
    rng = random.Random(seed)  # noqa: S311  # not for cryptography
    while time.perf_counter() < deadline:
        await asyncio.sleep(rng.expovariate(1 / MEAN_THINK_TIME))
        counts.errors += not await time_request(session.get("/search", params={"q": "film"}), counts.searches)


async def run_uploader(session: aiohttp.ClientSession, counts: Counts, deadline: float, content: bytes) -> None:
    """Upload one video after the other."""
    while time.perf_counter() < deadline:
        counts.errors += not await time_request(session.post("/videos", data=content), counts.uploads)


async def time_request(request: Any, durations: list[float]) -> bool:
    """Send a request, record its latency, and return whether it succeeded."""
    start = time.perf_counter()
    try:
        async with request as response:
            await response.read()
            succeeded = bool(response.status < 300)
    except aiohttp.ClientError:
        succeeded = False
    durations.append(time.perf_counter() - start)
    return succeeded


async def run_load(port: str, *, users: int, uploads: int, seconds: float) -> tuple[Counts, list[float]]:
    """Run all users for some seconds; return their counts and the lag of the event loop."""
    counts, film = Counts(), samples.video(60, size=UPLOAD_SIZE)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session:
        await session.get("/search", params={"q": "film"})
        await (await session.get("/lag")).json()
        deadline = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(users):
                group.create_task(run_user(session, counts, deadline, number))
            for _ in range(uploads):
                group.create_task(run_uploader(session, counts, deadline, film))
        return counts, await (await session.get("/lag")).json()


async def prepare(base_url: str, key: str) -> str:
    """Create an index with one video."""
    async with AsyncTwelveLabs(key, base_url=base_url) as client:
        index = await client.indexes.ensure("web", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
        asset = await client.assets.upload(samples.video(), filename="film.mp4", wait=True)
        entry = await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
        await client.indexes.indexed_assets.wait_for_done(index.id, entry.id)
        return index.id


def table_row(kind: str, counts: Counts, lag_samples: list[float], seconds: float) -> str:
    """Format a row of the table."""
    figures = [
        f"{len(counts.searches) / seconds:.0f}",
        str(counts.errors),
        *(f"{1000 * percentile(counts.searches, share):.0f}" for share in (0.5, 0.99)),
        f"{len(counts.uploads) * UPLOAD_SIZE / 1e6 / seconds:.0f}",
        *(f"{1000 * percentile(lag_samples, share):.1f}" for share in (0.5, 0.99, 1.0)),
    ]
    return f"| {kind} | {' | '.join(figures)} |"


def main() -> None:
    """Measure both clients and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=2)
    options = parser.parse_args()
    print(
        f"{options.users} users, {options.uploads} uploads of {UPLOAD_SIZE >> 20} MiB at a time, "
        f"{options.seconds:g} s\n"
    )
    print("| client | searches/s | errors | p50 ms | p99 ms | upload MB/s | lag p50 ms | p99 | longest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in ("ours", "official"):
        with start_program("benchmarks.web.upstream") as (base_url, key):
            index_id = asyncio.run(prepare(base_url, key))
            with start_program("benchmarks.web.backend", kind, base_url, key, index_id) as (port,):
                counts, lag_samples = asyncio.run(
                    run_load(port, users=options.users, uploads=options.uploads, seconds=options.seconds)
                )
        print(table_row(kind, counts, lag_samples, options.seconds), flush=True)


if __name__ == "__main__":
    main()

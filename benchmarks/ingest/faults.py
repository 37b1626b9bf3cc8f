"""Faults of the ledger, the machine and the network; counts how often each video is in the index at the end.

- Lock lost: the database ends all connections of a run, and a second run starts each time.
- Suspended: a run is stopped (SIGSTOP) for longer than its lease, another run takes over, and the first is continued.
- Outage: no request gets a response for a while.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import attrs
import psycopg

from benchmarks.ingest.kills import CHUNK_SIZE, MODELS, make_videos
from benchmarks.ingest.platform import API_KEY, EmulatorProcess, start_emulator
from benchmarks.workers.servers import PostgresServer
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

SECONDS_OF_WORK: Final = 3.0
"""Seconds of undisturbed work before and after each fault."""

LOST_LOCKS: Final = 5
SUSPENSIONS: Final = 2
MAX_ATTEMPTS: Final = 10
"""Attempts to start another run while one is suspended; together they take longer than the lease."""


@attrs.frozen(kw_only=True)
class FaultResult:
    """The state of the index at the end."""

    fault: str
    ledger: str
    videos: int
    once: int
    more: int
    missing: int
    rejected: int
    """Second runs that could not open the ledger."""
    seconds: float


@attrs.define
class Scenario:
    """Ingestion runs with one ledger and one index."""

    command: list[str]
    emulator: EmulatorProcess
    database: PostgresServer | None
    outage_seconds: float
    rejected: int = 0

    async def start(self) -> asyncio.subprocess.Process | None:
        """Start a run; return None if it cannot open the ledger."""
        process = await asyncio.create_subprocess_exec(
            *self.command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert process.stdout is not None
        if await process.stdout.readline():
            return process
        await process.wait()
        self.rejected += 1
        return None

    async def finish(self, process: asyncio.subprocess.Process | None) -> None:
        """Wait for a run; repeat it until a run has ingested all videos."""
        while process is None or await process.wait():
            process = await self.start()

    async def lose_lock(self) -> None:
        """End the connections of a run repeatedly; try to start another run each time."""
        assert self.database is not None
        first = await self.start()
        assert first is not None
        for _ in range(LOST_LOCKS):
            await asyncio.sleep(SECONDS_OF_WORK)
            await asyncio.to_thread(end_connections, self.database.url)
            second = await self.start()
            if second is not None:  # allowed only after the end of the first run
                assert first.returncode is not None, "a second run was let in"
                await self.finish(second)
                break
        await self.finish(first)

    async def suspend(self) -> None:
        """Suspend a run, and continue it after another run has taken over the ledger."""
        current = await self.start()
        for _ in range(SUSPENSIONS):
            await asyncio.sleep(SECONDS_OF_WORK)
            suspended, current = current, None
            assert suspended is not None
            assert suspended.returncode is None, "too few videos"
            suspended.send_signal(signal.SIGSTOP)
            for _ in range(MAX_ATTEMPTS):
                current = current or await self.start()
            await asyncio.sleep(SECONDS_OF_WORK)
            suspended.send_signal(signal.SIGCONT)
            if current is None:  # it was stopped during an SQLite transaction, which locks the file
                current = suspended
            else:
                assert await suspended.wait(), "a run went on after it was taken over"
        await self.finish(current)

    async def cut_off(self) -> None:
        """Drop all connections for some minutes."""
        process = await self.start()
        await asyncio.sleep(SECONDS_OF_WORK)
        self.emulator.inject_outage()
        await asyncio.sleep(self.outage_seconds)
        self.emulator.clear_faults()
        await self.finish(process)


FAULTS: Final[dict[str, Callable[[Scenario], Awaitable[None]]]] = {
    "lock lost": Scenario.lose_lock,
    "suspended": Scenario.suspend,
    "outage": Scenario.cut_off,
}
"""Faults by name."""


async def run_with_fault(fault: str, ledger: str, folder: Path, *, videos: int, outage_seconds: float) -> FaultResult:
    """Ingest videos while a fault happens, and return the result."""
    video_folder = folder / "videos"
    await asyncio.to_thread(_prepare, folder, video_folder, videos)
    database = PostgresServer(folder / "database") if ledger == "PostgreSQL" else None
    try:
        if database is not None:
            await asyncio.to_thread(database.start)
        async with start_emulator(chunk_size=CHUNK_SIZE) as emulator:
            async with AsyncTwelveLabs(API_KEY, base_url=emulator.base_url) as client:
                index_id = (await client.indexes.ensure("videos", MODELS)).id
            emulator.slow_down()
            target = database.url if database is not None else str(folder / "videos.ledger")
            command = [sys.executable, "-m", "benchmarks.ingest.child", "ours", emulator.base_url, index_id]
            scenario = Scenario([*command, str(video_folder), target], emulator, database, outage_seconds)
            started = time.monotonic()
            await FAULTS[fault](scenario)
            seconds = time.monotonic() - started
            await asyncio.sleep(1.0)  # the last video is still being indexed
            counts = await asyncio.to_thread(emulator.indexed_counts)
    finally:
        if database is not None:
            await asyncio.to_thread(database.kill)
    times = [counts[name] for name in await asyncio.to_thread(os.listdir, video_folder)]
    return FaultResult(
        fault=fault,
        ledger=ledger,
        videos=videos,
        once=times.count(1),
        more=sum(count > 1 for count in times),
        missing=times.count(0),
        rejected=scenario.rejected,
        seconds=seconds,
    )


def _prepare(folder: Path, video_folder: Path, videos: int) -> None:
    folder.mkdir()
    folder.chmod(0o755)  # the database runs as another user
    make_videos(video_folder, videos)


def end_connections(url: str) -> None:
    """End all other connections to a database."""
    with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )

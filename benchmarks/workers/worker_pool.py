"""Starts, kills and replaces worker processes, and measures the time until other workers take over."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import attrs
import psycopg

from twelvelabs_async.workers import status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.workers.namespaces import Placement

SILENCE_BEFORE_CHECK: Final = 4.0
"""Seconds after which the heartbeat of a killed worker is overdue."""

STOP_TIMEOUT: Final = 30.0
"""Timeout in seconds for stopping a worker."""

RUN_TIMEOUT: Final = 900.0
"""Timeout in seconds of a benchmark."""

_ABANDONED_JOBS: Final = """
    SELECT job.id FROM procrastinate_jobs AS job JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing' AND last_heartbeat < now() - make_interval(secs => %s)
"""
_STILL_RUNNING: Final = (
    "SELECT count(*) FROM procrastinate_jobs WHERE id = ANY(%s) AND status = 'doing' AND worker_id = ANY(%s)"
)
_LIVE_WORKERS: Final = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '3 seconds'"
_JOB_OWNERS: Final = "SELECT DISTINCT worker_id FROM procrastinate_jobs WHERE id = ANY(%s)"


@attrs.define
class WorkerPool:
    """Worker processes, by number."""

    placement: Placement
    command: list[str]
    processes: dict[int, asyncio.subprocess.Process] = attrs.field(factory=dict[int, asyncio.subprocess.Process])

    async def start(self, number: int) -> None:
        """Start a worker."""
        command = [
            *self.placement.command_prefix(number),
            sys.executable,
            "-m",
            "benchmarks.workers.child",
            *self.command,
        ]
        self.processes[number] = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)

    async def kill_one(self, rng: random.Random) -> None:
        """Kill a random worker and start another one. The process may have ended already, if it found no database."""
        number = rng.choice(sorted(self.processes))
        process = self.processes.pop(number)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await self.start(number)

    async def suspend_one(self, rng: random.Random, seconds: float) -> None:
        """Suspend a random worker with SIGSTOP, and continue it later."""
        process = self.processes[rng.choice(sorted(self.processes))]
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Stop all workers; kill workers that do not stop in time."""
        await asyncio.gather(*map(_stop, self.processes.values()))


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # the process may have ended
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def worker_pool(placement: Placement, size: int, *command: str) -> AsyncGenerator[WorkerPool]:
    """Start workers, and stop them at the end."""
    pool = WorkerPool(placement, list(command))
    try:
        for number in range(size):
            await pool.start(number)
        yield pool
    finally:
        await pool.stop()


async def measure_recovery(ledger: str) -> float | None:
    """Return the seconds from now, when a worker was killed, until other workers have taken over its jobs."""
    killed_at = time.monotonic()
    await asyncio.sleep(SILENCE_BEFORE_CHECK)
    try:
        async with (
            asyncio.timeout(RUN_TIMEOUT),
            await psycopg.AsyncConnection.connect(ledger, autocommit=True) as connection,
        ):
            jobs = [number for (number,) in await _query(connection, _ABANDONED_JOBS, SILENCE_BEFORE_CHECK - 1)]
            owners = [number for (number,) in await _query(connection, _JOB_OWNERS, jobs)]
            while jobs and (await _query(connection, _STILL_RUNNING, jobs, owners))[0][0]:  # noqa: ASYNC110  # there is no notification
                await asyncio.sleep(0.2)
    except psycopg.OperationalError:  # the database was killed too
        return None
    return time.monotonic() - killed_at if jobs else None


async def wait_for_workers(ledger: str, size: int) -> None:
    """Wait until this number of workers has started."""
    async with (
        asyncio.timeout(STOP_TIMEOUT),
        await psycopg.AsyncConnection.connect(ledger, autocommit=True) as connection,
    ):
        while (await _query(connection, _LIVE_WORKERS))[0][0] < size:  # noqa: ASYNC110  # there is no notification
            await asyncio.sleep(0.1)


async def _query(connection: psycopg.AsyncConnection[Any], query: Any, *values: object) -> list[Any]:
    return await (await connection.execute(query, values)).fetchall()


async def wait_until_done(ledger: str) -> float:
    """Wait until all items are finished, and return the duration in seconds."""
    started = time.monotonic()
    while (current := await status(ledger)).open:
        if time.monotonic() - started > RUN_TIMEOUT:
            raise TimeoutError(f"not done after {RUN_TIMEOUT:.0f} s: {current}")
        await asyncio.sleep(0.5)
    return time.monotonic() - started

"""Workers in processes of their own: started, killed, replaced, and how long until the work of a dead one goes on."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import attrs
import psycopg

from twelvelabs_async.fleet import status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.fleet.namespaces import Place

SILENT: Final = 4.0
"""Seconds after which a worker that was killed can be told from the others by its silence."""

LAST: Final = 30.0
"""Seconds in which a worker that is asked to stop has to be gone."""

PATIENCE: Final = 900.0
"""Seconds after which a part that is not done is taken to hang."""

_LEFT: Final = """
    SELECT job.id FROM procrastinate_jobs AS job JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing' AND last_heartbeat < now() - make_interval(secs => %s)
"""
_STILL: Final = (
    "SELECT count(*) FROM procrastinate_jobs WHERE id = ANY(%s) AND status = 'doing' AND worker_id = ANY(%s)"
)
_WORKERS: Final = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '3 seconds'"
_WHOSE: Final = "SELECT DISTINCT worker_id FROM procrastinate_jobs WHERE id = ANY(%s)"


@attrs.define
class Crew:
    """So many workers, each with a number that says where it runs."""

    place: Place
    command: list[str]
    processes: dict[int, asyncio.subprocess.Process] = attrs.field(factory=dict[int, asyncio.subprocess.Process])

    async def start(self, number: int) -> None:
        """One of them."""
        command = [*self.place.command(number), sys.executable, "-m", "benchmarks.fleet.child", *self.command]
        self.processes[number] = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)

    async def kill(self, dice: random.Random) -> None:
        """Kill one of them, and start another in its place."""
        number = dice.choice(sorted(self.processes))
        victim = self.processes.pop(number)
        victim.kill()
        await victim.wait()
        await self.start(number)

    async def end(self) -> None:
        """Ask all of them to stop, and kill those that do not."""
        await asyncio.gather(*map(_end, self.processes.values()))


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # whoever stopped us may have stopped it as well
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), LAST)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def crew(place: Place, size: int, *command: str) -> AsyncGenerator[Crew]:
    """Workers for as long as the block."""
    some = Crew(place, list(command))
    try:
        for number in range(size):
            await some.start(number)
        yield some
    finally:
        await some.end()


async def recovery(ledger: str) -> float | None:
    """Seconds from a kill, which has just been, until others have taken over what the dead worker was at."""
    killed = time.monotonic()
    await asyncio.sleep(SILENT)
    try:
        async with (
            asyncio.timeout(PATIENCE),
            await psycopg.AsyncConnection.connect(ledger, autocommit=True) as connection,
        ):
            jobs = [number for (number,) in await _ask(connection, _LEFT, SILENT - 1)]
            whose = [number for (number,) in await _ask(connection, _WHOSE, jobs)]
            while jobs and (await _ask(connection, _STILL, jobs, whose))[0][0]:  # noqa: ASYNC110  # the same
                await asyncio.sleep(0.2)
    except psycopg.OperationalError:  # the database was killed meanwhile
        return None
    return time.monotonic() - killed if jobs else None


async def all_there(ledger: str, size: int) -> None:
    """Wait until so many workers have begun."""
    async with asyncio.timeout(LAST), await psycopg.AsyncConnection.connect(ledger, autocommit=True) as connection:
        while (await _ask(connection, _WORKERS))[0][0] < size:  # noqa: ASYNC110  # the same
            await asyncio.sleep(0.1)


async def _ask(connection: psycopg.AsyncConnection[Any], query: Any, *values: object) -> list[Any]:
    return await (await connection.execute(query, values)).fetchall()


async def until_done(ledger: str) -> float:
    """Wait until nothing is left to do: the seconds that it took."""
    began = time.monotonic()
    while (found := await status(ledger)).open:
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"not done after {PATIENCE:.0f} s: {found}")
        await asyncio.sleep(0.5)
    return time.monotonic() - began

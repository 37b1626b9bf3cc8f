"""Our jobs in the queue of procrastinate: what they are called, and which of them exclude each other.

A job names an item or an index and nothing else; what is to be done is what the ledger says when the job runs. So a
job too many does no harm, and one that is lost is replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from psycopg import AsyncConnection
from psycopg.errors import RaiseException

from twelvelabs_async.clock import Clock
from twelvelabs_async.fleet.roster import SCHEMA, Due
from twelvelabs_async.ingest.connecting import bounded

UPLOADS: Final = "twelvelabs-uploads"
INDEXING: Final = "twelvelabs-indexing"
LOOKS: Final = "twelvelabs-looks"
QUEUES: Final = (UPLOADS, INDEXING, LOOKS)

PRIORITIES: Final = {UPLOADS: 0, INDEXING: 1, LOOKS: 2}
"""What has come further goes first."""

ADVANCE: Final = "twelvelabs:advance"
LOOK: Final = "twelvelabs:look"

CONNECTIONS: Final = 4
"""Connections of one queue at most, beside the one on which it hears of new jobs."""

LOCK: Final = 0x544C5155
"""Names our lock among those of the database."""


def queue_of(stage: str) -> str:
    """Where the step of a stage waits."""
    return INDEXING if stage == "indexing" else UPLOADS


class Queue:
    """Puts jobs into it.

    Args:
        url: Of the database.
        clock: What time it is.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = bounded(url)
        self._clock = clock
        connector = PsycopgConnector(conninfo=self._url, min_size=1, max_size=CONNECTIONS, timeout=3.0)
        self.app: App = App(connector=connector)

    async def prepare(self) -> None:
        """Make the tables that are not there; the ledger's are."""
        async with await AsyncConnection.connect(self._url) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            cursor = await connection.execute("SELECT to_regclass('procrastinate_jobs') IS NULL")
            ((absent,),) = await cursor.fetchall()
            if absent:
                await connection.execute(await asyncio.to_thread(self.app.schema_manager.get_schema))
            await connection.execute(SCHEMA)

    async def steps(self, due: Iterable[Due], *, after: float | None = None) -> None:
        """Have steps taken, unless somebody is going to anyway.

        Args:
            due: Which.
            after: Seconds before which they are not to be taken.
        """
        await self._defer(
            [self._job(ADVANCE, queue_of(step.stage), step.token, after, {"token": step.token}) for step in due]
        )

    async def look(self, index_id: str, *, after: float | None = None) -> None:
        """Have somebody look at an index, unless somebody is going to anyway.

        Args:
            index_id: Which.
            after: Seconds to wait, which the job is told for the next time.
        """
        told = {"index_id": index_id, "waited": after or 0.0}
        await self._defer([self._job(LOOK, LOOKS, f"look:{index_id}", after, told)])

    def _job(self, task: str, queue: str, lock: str, after: float | None, told: dict[str, Any]) -> Job:
        at = None if after is None else datetime.fromtimestamp(self._clock.time(), UTC) + timedelta(seconds=after)
        return Job(
            queue=queue,
            priority=PRIORITIES[queue],
            lock=lock,
            queueing_lock=lock,
            task_name=task,
            task_kwargs=told,
            scheduled_at=at,
        )

    async def _defer(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        try:
            await self.app.job_manager.batch_defer_jobs_async(list(jobs))
        except AlreadyEnqueued:
            if len(jobs) > 1:  # not known which: half of them, and the other half
                middle = len(jobs) // 2
                await self._defer(jobs[:middle])
                await self._defer(jobs[middle:])

    async def rescue(self, silent_for: float) -> None:
        """Put back the jobs of workers that have not been heard of for so many seconds."""
        manager = self.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=silent_for):
            if job.queue in QUEUES and job.id is not None:
                await self.put_back(job.id)
        await manager.prune_stalled_workers(silent_for)

    async def running(self, worker_id: int) -> list[int]:
        """Numbers of the jobs that a worker has taken."""
        jobs = await self.app.job_manager.list_jobs_async(worker_id=worker_id, status=Status.DOING.value)
        return [job.id for job in jobs if job.id is not None]

    async def put_back(self, job_id: int) -> None:
        """Have a job done once more that somebody has begun."""
        manager = self.app.job_manager
        try:
            await manager.retry_job_by_id_async(job_id, datetime.fromtimestamp(self._clock.time(), UTC))
        except UniqueViolation:  # another job for the same waits already
            await manager.finish_job_by_id_async(job_id, Status.ABORTED, delete_job=True)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise  # that would be somebody else who was faster

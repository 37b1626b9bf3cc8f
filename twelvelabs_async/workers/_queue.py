"""The jobs of workers in the queue of procrastinate: their names, and which of them exclude each other.

A job contains only the token of an item or the id of an index. What it has to do is read from the ledger when it runs,
so that a superfluous job does no harm and a lost job can be replaced.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from psycopg import AsyncConnection, Error
from psycopg.errors import RaiseException

from twelvelabs_async._concurrency import FILES
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import LedgerError
from twelvelabs_async.ingest._postgres import (
    POOLER_OPTIONS,
    LedgerAccess,
    LedgerConnection,
    database_error_line,
    server_address,
    with_connection_timeouts,
)
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.workers._job_table import JOB_TABLE_SCHEMA, PendingStep

UPLOAD_QUEUE: Final = "twelvelabs-uploads"
INDEXING_QUEUE: Final = "twelvelabs-indexing"
SCAN_QUEUE: Final = "twelvelabs-scans"
QUEUES: Final = (UPLOAD_QUEUE, INDEXING_QUEUE, SCAN_QUEUE)

QUEUE_PRIORITIES: Final = {UPLOAD_QUEUE: 0, INDEXING_QUEUE: 1, SCAN_QUEUE: 2}
"""Priorities of the queues: later stages go first."""

STEP_TASK: Final = "twelvelabs:run-step"
SCAN_TASK: Final = "twelvelabs:scan-index"

MAX_QUEUE_CONNECTIONS: Final = 4
"""Connections of a queue, in addition to the one that listens for new jobs."""

QUEUE_CONNECTION_TIMEOUT: Final = 3.0
"""Seconds to wait for a connection."""

QUEUE_SCHEMA_LOCK_ID: Final = 0x544C5155
"""Id of the advisory lock held while the tables are created."""


def queue_for_stage(stage: str) -> str:
    """Return the queue for the step of a stage."""
    return INDEXING_QUEUE if stage == "indexing" else UPLOAD_QUEUE


class PausedQueues:
    """The queues from which a worker takes no jobs until a rate limit resets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paused_until: dict[str, float] = {}

    def pause(self, queue: str, seconds: float) -> None:
        """Take no jobs from a queue for some seconds."""
        self._paused_until[queue] = self._clock.monotonic() + seconds

    @property
    def active(self) -> list[str]:
        """The queues that are not paused."""
        now = self._clock.monotonic()
        return [queue for queue in QUEUES if self._paused_until.get(queue, 0.0) <= now]


class JobQueue:
    """Adds jobs to the queue and returns jobs of dead workers to it.

    Args:
        url: URL of the database.
        clock: The clock.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = with_connection_timeouts(url)
        self._clock = clock
        connector = PsycopgConnector(
            conninfo=self._url,
            min_size=1,
            max_size=MAX_QUEUE_CONNECTIONS,
            timeout=QUEUE_CONNECTION_TIMEOUT,
            kwargs=dict(POOLER_OPTIONS),
        )
        self.app: App = App(connector=connector)

    async def create_tables(self, access: LedgerAccess = "shared") -> None:
        """Create the missing tables of the queue and of the jobs. Those of the ledger must exist.

        Args:
            access: With `read` nothing is written if the tables exist.

        Raises:
            LedgerError: The database cannot be used.
        """
        try:
            async with await AsyncConnection.connect(self._url, **POOLER_OPTIONS) as connection:
                if access == "read" and not await _is_missing(connection, "twelvelabs_jobs"):
                    return
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", (QUEUE_SCHEMA_LOCK_ID,))
                if await _is_missing(connection, "procrastinate_jobs"):
                    await connection.execute(await FILES.run(self.app.schema_manager.get_schema))
                await connection.execute(JOB_TABLE_SCHEMA)
        except Error as error:
            raise LedgerError(
                f"cannot create the tables of workers in the database on {server_address(self._url)}: "
                f"{database_error_line(error)}"
            ) from None

    async def enqueue_steps(self, pending: Iterable[PendingStep], *, delay: float | None = None) -> None:
        """Add jobs for steps, except for items that have a waiting job.

        Args:
            pending: The steps.
            delay: Seconds before which the jobs must not run.
        """
        await self._defer(
            [
                self._build_job(STEP_TASK, queue_for_stage(step.stage), step.token, delay, {"token": step.token})
                for step in pending
            ]
        )

    async def enqueue_scan(
        self, index_id: str, *, delay: float | None = None, failing_since: float | None = None
    ) -> None:
        """Add a job that scans an index, unless one is waiting.

        Args:
            index_id: The index.
            delay: Seconds before which the job must not run; passed to the job as `last_delay`.
            failing_since: Since when scans cannot read all statuses, in seconds since the epoch; None if they can.
        """
        arguments = {"index_id": index_id, "last_delay": delay or 0.0, "failing_since": failing_since}
        await self._defer([self._build_job(SCAN_TASK, SCAN_QUEUE, f"scan:{index_id}", delay, arguments)])

    def _build_job(self, task: str, queue: str, lock: str, delay: float | None, arguments: dict[str, Any]) -> Job:
        return Job(
            queue=queue,
            priority=QUEUE_PRIORITIES[queue],
            lock=lock,
            queueing_lock=lock,
            task_name=task,
            task_kwargs=arguments,
            scheduled_at=None if delay is None else self._now() + timedelta(seconds=delay),
        )

    async def _defer(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        try:
            await self.app.job_manager.batch_defer_jobs_async(list(jobs))
        except AlreadyEnqueued:
            if len(jobs) > 1:  # the exception does not say which job: try each half
                middle = len(jobs) // 2
                await self._defer(jobs[:middle])
                await self._defer(jobs[middle:])

    async def requeue_jobs_of_dead_workers(self, seconds_since_heartbeat: float) -> None:
        """Return the jobs of workers without a heartbeat for this many seconds to the queue."""
        manager = self.app.job_manager
        # procrastinate calls such workers, and their jobs, stalled.
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=seconds_since_heartbeat):
            if job.queue in QUEUES and job.id is not None:
                await self.requeue(job.id)
        await manager.prune_stalled_workers(seconds_since_heartbeat)

    async def running_job_ids(self, worker_id: int) -> list[int]:
        """Return the ids of the jobs that a worker has taken."""
        jobs = await self.app.job_manager.list_jobs_async(worker_id=worker_id, status=Status.DOING.value)
        return [job.id for job in jobs if job.id is not None]

    async def requeue(self, job_id: int) -> None:
        """Return a job that was started to the queue."""
        manager = self.app.job_manager
        try:
            await manager.retry_job_by_id_async(job_id, self._now())
        except UniqueViolation:  # another job of the same item is waiting
            await manager.finish_job_by_id_async(job_id, Status.ABORTED, delete_job=True)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):  # RaiseException: another worker was faster
                raise

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)


async def _is_missing(connection: LedgerConnection, table: str) -> bool:
    cursor = await connection.execute("SELECT to_regclass(%s) IS NULL", (table,))
    ((missing,),) = await cursor.fetchall()
    return bool(missing)


@asynccontextmanager
async def open_ledger_and_queue(
    url: str, clock: Clock, access: LedgerAccess = "shared"
) -> AsyncGenerator[tuple[PostgresLedger, str, JobQueue]]:
    """Open a ledger and its queue; yield the ledger, its name and the queue.

    Raises:
        LedgerInUseError: A run of `client.ingest` uses the ledger, and the access is not `read`.
        LedgerError: The database cannot be used.
    """
    ledger, queue = PostgresLedger(url, access=access), JobQueue(url, clock)
    name = await ledger.open()
    try:
        await queue.create_tables(access)
        async with queue.app.open_async():
            yield ledger, name, queue
    finally:
        await ledger.close()

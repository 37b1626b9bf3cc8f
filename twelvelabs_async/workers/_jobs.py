"""The jobs of workers: one step of an item, and the scan of an index; and the queue of procrastinate that holds them.

A job contains only the token of an item or the id of an index. What it has to do is read from the ledger when it runs,
so that a superfluous job does no harm and a lost job can be replaced.

A step is what a stage of an ingestion has to send: the upload, or the request to index. No job waits for the platform
or for a rate limit; it schedules another job instead.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import attrs
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from psycopg import AsyncConnection, Error
from psycopg.errors import RaiseException

from twelvelabs_async._concurrency import FILE_THREADS
from twelvelabs_async._polling import (
    INITIAL_POLL_INTERVAL,
    NOT_FOUND_GRACE,
    PAUSE_PER_PAGE,
    BatchPoller,
    PollTarget,
    next_poll_interval,
    wait_timeout_error,
)
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIError,
    AuthenticationError,
    LedgerError,
    LedgerInUseError,
    NotFoundError,
    ProcessingFailedError,
    RateLimitError,
    TwelveLabsError,
)
from twelvelabs_async.ingest._failures import (
    DEFAULT_QUOTA_WAIT,
    MAX_STAGE_ATTEMPTS,
    OutageDetector,
    error_line,
    is_stage_retryable,
    stage_retry_delay,
)
from twelvelabs_async.ingest._postgres import (
    POOLER_OPTIONS,
    LedgerAccess,
    LedgerPool,
    database_error_line,
    has_table,
    server_address,
    with_connection_timeouts,
)
from twelvelabs_async.ingest._stages import RESTARTED, LookupPendingError, Stages, WorkItem, may_have_sent
from twelvelabs_async.ingest.ledger import Entry, EntryStore
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.waiting import WaitResult
from twelvelabs_async.workers._job_table import JOB_TABLE_SCHEMA, JobState, JobTable, PendingStep, StepResult

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


logger: Final = logging.getLogger(__name__)

SCAN_PAGE_SIZE: Final = 50
"""Resources that one request returns."""

MAX_LOOKUP_WAIT: Final = 5.0
"""Seconds that a step waits for its next lookup; a step that would wait longer is rescheduled."""

OUTAGE_RETRY_DELAY: Final = 15.0
"""Seconds for which a worker takes no steps of a queue after an error that is part of an outage."""

PAUSE_JITTER: Final = 2.0
"""Seconds over which the retries of steps that wait for the same rate limit or outage are spread."""


def queue_for_stage(stage: str) -> str:
    """Return the queue for the step of a stage."""
    return INDEXING_QUEUE if stage == "indexing" else UPLOAD_QUEUE


class PausedQueues:
    """The queues from which a worker takes no jobs until a rate limit resets, or an outage may be over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paused_until: dict[str, float] = {}

    def pause(self, queue: str, seconds: float) -> None:
        """Take no jobs from a queue for some seconds; a shorter pause does not end a longer one."""
        self._paused_until[queue] = max(self._paused_until.get(queue, 0.0), self._clock.monotonic() + seconds)

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
            pool_factory=LedgerPool,
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
                if access == "read" and await has_table(connection, "twelvelabs_jobs"):
                    return
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", (QUEUE_SCHEMA_LOCK_ID,))
                if not await has_table(connection, "procrastinate_jobs"):
                    await connection.execute(await FILE_THREADS.run(self.app.schema_manager.get_schema))
                await connection.execute(JOB_TABLE_SCHEMA)
        except Error as error:
            raise LedgerError(
                f"cannot create the tables of workers in the database on {server_address(self._url)}: "
                f"{database_error_line(error)}"
            ) from None

    async def enqueue_steps(self, pending: Iterable[PendingStep | Entry], *, delay: float | None = None) -> None:
        """Add jobs for steps, except for items that have a waiting job.

        Args:
            pending: The steps, or the entries whose steps they are.
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


@asynccontextmanager
async def opened_ledger(
    ledger: PostgresLedger, queue: JobQueue, access: LedgerAccess = "shared"
) -> AsyncGenerator[str]:
    """Open a ledger and its queue; yield the name of the ledger."""
    name = await ledger.open()
    try:
        await queue.create_tables(access)
        async with queue.app.open_async():
            yield name
    finally:
        await ledger.close()


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
    async with opened_ledger(ledger, queue, access) as name:
        yield ledger, name, queue


def has_pending_step(entry: Entry) -> bool:
    """Return whether the next stage needs a request, and not only time on the platform."""
    return entry.state == "open" and (entry.stage == "queued" or may_have_sent(entry))


def jittered_delay(retry_after: float | None) -> float:
    """Return the seconds until a retry, with jitter; without `retry_after`, those of a quota."""
    delay = DEFAULT_QUOTA_WAIT if retry_after is None else retry_after
    return delay + random.uniform(0.0, PAUSE_JITTER)  # noqa: S311  # no secret


@attrs.define(kw_only=True)
class ScanResult:
    """What a scan of an index found."""

    advanced: list[Entry] = attrs.field(factory=list[Entry])
    """Entries that entered another stage."""
    expired: list[Entry] = attrs.field(factory=list[Entry])
    """Entries that have waited for the platform longer than the timeout, and are given up."""
    retry_in: float = 0.0
    """Seconds until a rate limit allows the next scan."""
    unread_seconds: float = 0.0
    """Seconds before this scan during which no scan could read all statuses; they do not count towards the timeout."""
    failing_since: float | None = None
    """Since when scans cannot read all statuses, in seconds since the epoch; None if this one could."""
    outage_error: TwelveLabsError | None = None
    """The error of the scan if it is part of an outage."""


def next_scan_delay(last_delay: float, result: ScanResult, entry_count: int) -> float:
    """Return the seconds until the next scan: longer while no item ends, and the more pages a scan reads."""
    interval = next_poll_interval(max(INITIAL_POLL_INTERVAL, last_delay), any_ended=bool(result.advanced))
    return max(interval, entry_count / SCAN_PAGE_SIZE * PAUSE_PER_PAGE, result.retry_in)


class EntryStores(Protocol):
    """Where steps and scans write entries; a write fails if another worker has taken over."""

    def entry_writer_for_step(self, job: JobState) -> EntryStore:
        """Return what a running step writes its entry to."""
        ...

    def entry_writer_for_scan(self, entry: Entry) -> EntryStore:
        """Return what a scan writes an entry to."""
        ...


class JobRunner:
    """Runs steps and scans; shared by all items of a worker.

    Args:
        stages: Send the requests.
        stores: Where the entries are written.
        clock: The clock.
        timeout: Seconds to wait for the platform in each of the stages `processing` and `indexing`.
    """

    def __init__(self, stages: Stages, stores: EntryStores, clock: Clock, timeout: float) -> None:
        self._stages = stages
        self._stores = stores
        self._clock = clock
        self.outage: OutageDetector = OutageDetector(clock)
        """Must receive the events of the client."""
        self._timeout = timeout

    async def run_step(self, job: JobState) -> StepResult:
        """Run the pending step of an item.

        Raises:
            AuthenticationError: The API key was rejected, which does not count as a failure of the item.
            LedgerInUseError: Another worker has taken the step over.
            LedgerError: The ledger cannot be read or written.
        """
        if not has_pending_step(job.entry):
            return StepResult(entry=job.entry)
        if job.failed_attempts >= MAX_STAGE_ATTEMPTS:
            return await self._give_up(job)
        work = WorkItem(
            item=job.item,
            entry=job.entry,
            ledger=self._stores.entry_writer_for_step(job),
            clock=self._clock,
            on_event=lambda _: None,  # workers have no listeners
            uncertain_since=None if job.uncertain_for is None else self._clock.monotonic() - job.uncertain_for,
            max_lookup_wait=MAX_LOOKUP_WAIT,
        )
        try:
            if not await self._stages.find_created(work):
                send = self._stages.start_indexing if work.entry.stage == "indexing" else self._stages.upload
                await send(work)
        except (LedgerError, AuthenticationError):
            raise
        except LookupPendingError as error:
            return _postponed(job, work, error.seconds)
        except Exception as error:  # noqa: BLE001  # saved in the entry
            if isinstance(error, RateLimitError) and error.retryable:
                return _postponed(job, work, jittered_delay(error.retry_after), pauses_queue=True)
            return await self._record_failure(job, work, error)
        if work.entry.error:
            await work.save(error="")
        return StepResult(entry=work.entry)

    async def _give_up(self, job: JobState) -> StepResult:
        """Give an item up whose step was started again and again and did not end."""
        error = f"given up after {job.failed_attempts} attempts, during the last of which the worker was ended"
        entry = attrs.evolve(job.entry, error=error, updated_at=self._clock.time())
        await self._stores.entry_writer_for_step(job).save(entry)
        return StepResult(entry=entry, failed_attempts=job.failed_attempts, uncertain_for=0.0)

    async def _record_failure(self, job: JobState, work: WorkItem, error: Exception) -> StepResult:
        """Save the error; schedule a retry if it is transient. An outage does not count as a failure of the item."""
        work.set_uncertain(error)
        if isinstance(error, TwelveLabsError) and self.outage.is_outage(error) and is_stage_retryable(error):
            seconds = self.outage.seconds_without_answer
            logger.warning("no answer from the platform for %.0f s, waiting: %s", seconds, error_line(error))
            retry_in = jittered_delay(OUTAGE_RETRY_DELAY)
            return _postponed(job, work, retry_in, pauses_queue=True, outage_error=error)
        await work.save_failure(error)
        failed_attempts = job.failed_attempts + 1
        retry = is_stage_retryable(error) and failed_attempts < MAX_STAGE_ATTEMPTS
        return StepResult(
            entry=work.entry,
            failed_attempts=failed_attempts if retry else MAX_STAGE_ATTEMPTS,
            uncertain_for=work.uncertain_for,
            retry_in=stage_retry_delay(failed_attempts) if retry else None,
        )

    async def scan(self, index_id: str, entries: Sequence[Entry], *, failing_since: float | None = None) -> ScanResult:
        """Read the statuses of entries that wait for the platform, and save the entries that have changed.

        Args:
            index_id: The index.
            entries: The entries.
            failing_since: `ScanResult.failing_since` of the scan before.

        Raises:
            AuthenticationError: The API key was rejected.
            LedgerError: The ledger cannot be read or written.
        """
        now = self._clock.time()
        result = ScanResult(unread_seconds=0.0 if failing_since is None else max(0.0, now - failing_since))
        processing = {entry.asset_id or "": entry for entry in entries if entry.stage == "processing"}
        indexing = {entry.indexed_asset_id or "": entry for entry in entries if entry.stage == "indexing"}
        try:
            await self._scan_stage(self._stages.processing_target(), processing, result)
            await self._scan_stage(self._stages.indexing_target(index_id), indexing, result)
        except AuthenticationError:
            raise
        except APIError as error:
            self._note_unread(result, error)
            result.retry_in = jittered_delay(error.retry_after)
        if result.failing_since is not None and failing_since is not None:
            result.failing_since = min(failing_since, result.failing_since)
        return result

    def _note_unread(self, result: ScanResult, error: TwelveLabsError) -> None:
        """Note that an error kept a scan from reading all statuses."""
        result.failing_since = self._clock.time()
        if self.outage.is_outage(error):
            result.outage_error = error

    async def _scan_stage(self, target: PollTarget[Any], entries: dict[str, Entry], result: ScanResult) -> None:
        """Scan the entries of one stage, by the ids of their resources."""
        poller = BatchPoller[Any](entries, target)
        waiting = dict(entries)
        async with aclosing(poller.poll()) as results:
            async for polled in results:
                advanced = self._advanced_entry(entries[polled.id], polled)
                if advanced is not None:
                    del waiting[polled.id]
                    if await self._save_if_unchanged(entries[polled.id], advanced):
                        result.advanced.append(advanced)
        if poller.transient_error is not None:
            self._note_unread(result, poller.transient_error)
            return
        for id, entry in waiting.items():
            age = self._clock.time() - entry.updated_at
            age -= min(age, result.unread_seconds)
            if age > self._timeout:
                error = wait_timeout_error(poller.pending.get(id), target.lifecycle, id, age)
                expired = attrs.evolve(entry, error=error_line(error))
                if await self._save_if_unchanged(entry, expired):
                    result.expired.append(expired)

    async def _save_if_unchanged(self, entry: Entry, changed: Entry) -> bool:
        """Save an entry; return False if another worker has changed it since it was read."""
        try:
            await self._stores.entry_writer_for_scan(entry).save(changed)
        except LedgerInUseError:
            return False
        return True

    def _advanced_entry(self, entry: Entry, result: WaitResult[Any]) -> Entry | None:
        """Return the entry in its next stage; None if it has not changed."""
        now, error = self._clock.time(), result.error
        if isinstance(error, AuthenticationError | RateLimitError):
            raise error
        if isinstance(error, ProcessingFailedError):
            return attrs.evolve(entry, state="failed", error=error_line(error), updated_at=now)
        if isinstance(error, NotFoundError) and now - entry.updated_at > NOT_FOUND_GRACE:  # it was deleted
            return attrs.evolve(entry, updated_at=now, **RESTARTED)
        if error is not None:
            return None
        if entry.stage == "processing":
            return attrs.evolve(entry, stage="indexing", updated_at=now)
        return attrs.evolve(entry, stage="ready", state="ready", error="", updated_at=now)


def _postponed(job: JobState, work: WorkItem, seconds: float, **others: Any) -> StepResult:
    """Return the result of a step that is to be run again, without a failed attempt."""
    return StepResult(
        entry=work.entry,
        failed_attempts=job.failed_attempts,
        uncertain_for=work.uncertain_for,
        retry_in=seconds,
        **others,
    )


@attrs.define(kw_only=True, eq=False)
class JobHandlers:
    """Registers the jobs of a worker with the queue, and tracks those that are running."""

    queue: JobQueue
    job_table: JobTable
    runner: JobRunner
    paused_queues: PausedQueues
    """Paused while a rate limit is exhausted."""
    on_auth_error: Callable[[AuthenticationError], None]
    """Called when the API key was rejected."""
    on_outage: Callable[[TwelveLabsError], None]
    """Called after a step or scan that failed because of an outage; it is scheduled again."""
    completed: int = attrs.field(init=False, default=0)
    """Number of jobs that have ended."""
    _running: dict[int | None, asyncio.Task[None] | None] = attrs.field(
        init=False, factory=dict[int | None, asyncio.Task[None] | None]
    )

    def __attrs_post_init__(self) -> None:
        self.queue.app.task(name=STEP_TASK, pass_context=True)(self._tracked(self.run_step))
        self.queue.app.task(name=SCAN_TASK, pass_context=True)(self._tracked(self.scan_index))

    @property
    def running_job_ids(self) -> set[int | None]:
        """Ids of the jobs that are running."""
        return set(self._running)

    def cancel(self) -> None:
        """Cancel the jobs that are running."""
        for task in tuple(self._running.values()):
            if task is not None:
                task.cancel()

    def _tracked(self, job: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def run(context: JobContext, **arguments: object) -> None:
            self._running[context.job.id] = asyncio.current_task()
            try:
                await self.job_table.register(context.job.worker_id or 0)
                await job(context, **arguments)
            except AuthenticationError as error:
                self.on_auth_error(error)
            finally:
                del self._running[context.job.id]
                self.completed += 1

        return run

    async def run_step(self, context: JobContext, token: str) -> None:
        """Run the pending step of an item, and schedule the job that follows."""
        job = await self.job_table.start_step(token, context.job.worker_id)
        if job is None:
            return
        try:
            result = await self.runner.run_step(job)
        except AuthenticationError:
            unchanged = StepResult(entry=job.entry, failed_attempts=job.failed_attempts, uncertain_for=0.0)
            await self.job_table.finish_step(job, unchanged)
            raise
        await self.job_table.finish_step(job, result)
        entry = result.entry
        if result.retry_in is not None:
            if result.pauses_queue:
                self.paused_queues.pause(queue_for_stage(entry.stage), result.retry_in)
            await self.queue.enqueue_steps([entry], delay=result.retry_in)
            if result.outage_error is not None:
                self.on_outage(result.outage_error)
        elif entry.state == "open" and not has_pending_step(entry):
            await self.queue.enqueue_scan(entry.index_id)

    async def scan_index(
        self, _: JobContext, index_id: str, last_delay: float, failing_since: float | None = None
    ) -> None:
        """Scan the entries of an index that wait for the platform, and schedule the jobs that follow."""
        entries = await self.job_table.awaiting_platform(index_id)
        if not entries:
            return
        result = await self.runner.scan(index_id, entries, failing_since=failing_since)
        ended = [entry.token for entry in result.advanced if entry.state != "open"]
        await self.job_table.remove(ended)
        await self.job_table.give_up([entry.token for entry in result.expired])
        if result.failing_since is None and result.unread_seconds:
            await self.job_table.extend_timeouts(index_id, result.unread_seconds)
        await self.queue.enqueue_steps(entry for entry in result.advanced if has_pending_step(entry))
        if len(ended) + len(result.expired) < len(entries):
            delay = next_scan_delay(last_delay, result, len(entries))
            await self.queue.enqueue_scan(index_id, delay=delay, failing_since=result.failing_since)
        if result.outage_error is not None:
            self.on_outage(result.outage_error)

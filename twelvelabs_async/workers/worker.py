"""A worker: takes jobs from the queue, sends heartbeats, and requeues the jobs of dead workers.

A worker cancels its jobs before another worker may take them over: it cancels them `LEASE_DURATION` seconds after its
last heartbeat, and others requeue them no earlier than 15 seconds after it, nor before the database
has been reachable for that long. The worker that takes over a step first checks what the step has created.

A worker that was suspended learns from the database that its last heartbeat is too old: it then sends no other one,
cancels its jobs and registers again. Until it has learned that, the check before each request that creates something
stops its steps.

A run of `client.ingest` and workers exclude each other: a worker registers before its first job, and ends with
`LedgerInUseError` if a run has taken the ledger over, which it can only while no worker sends heartbeats.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Final

import attrs
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as Engine

from twelvelabs_async._arguments import checked_int, require_choice, require_number
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._text import printable
from twelvelabs_async.errors import LedgerError, LedgerInUseError, TwelveLabsError
from twelvelabs_async.ingest._stages import DEFAULT_LOOKUP_TIMEOUT, DEFAULT_STAGE_TIMEOUT, Stages
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.ingest.results import OnOutage, Transfer
from twelvelabs_async.uploads._strategy import MULTIPART_THRESHOLD
from twelvelabs_async.workers._job_table import LEASE_DURATION, JobTable
from twelvelabs_async.workers._jobs import JobHandlers, JobQueue, JobRunner, PausedQueues, opened_ledger

_logger: Final = logging.getLogger(__name__)

_HEARTBEAT_INTERVAL: Final = 1.0
"""Seconds between two heartbeats."""

_DATABASE_TIMEOUT: Final = 3.0
"""Seconds for the database to accept a heartbeat, or to be found again."""

_DEAD_WORKER_TIMEOUT: Final = 15.0
"""Seconds without a heartbeat after which other workers requeue the jobs of a worker."""

_SWEEP_INTERVAL: Final = 3.0
"""Seconds between two sweeps for jobs that must be requeued."""

_SWEEP_BATCH_SIZE: Final = 1000
"""Open entries that one sweep covers."""

_RECONNECT_DELAY: Final = 1.0
"""Seconds to wait before connecting again to a database that went away."""

_MAX_STEP_LIMIT_WAIT: Final = 1.0
"""Seconds that a step may wait for a rate limit; a step that would wait longer is rescheduled."""


class Worker:
    """Ingests the items of a ledger in PostgreSQL, together with any number of other workers.

    Args:
        executor: Sends the requests.
        url: URL of the database: `postgresql://...`.
        concurrency: Jobs that run at the same time.
        multipart_threshold: Size in bytes above which a file is sent in parts.
        timeout: Seconds to wait for the platform in each of the stages `processing` and `indexing`.
        lookup_timeout: Seconds after an uncertain request during which to look for its result.
        transfer: How objects in buckets get to the platform.
        on_outage: What to do when no request has got an answer for half a minute: `wait` until the platform answers
            again, or `stop`.

    Raises:
        InvalidInputError: A number or a choice is not valid.
    """

    def __init__(
        self,
        executor: RequestExecutor,
        url: str,
        *,
        concurrency: int = 8,
        multipart_threshold: int = MULTIPART_THRESHOLD,
        timeout: float = DEFAULT_STAGE_TIMEOUT,
        lookup_timeout: float = DEFAULT_LOOKUP_TIMEOUT,
        transfer: Transfer = "auto",
        on_outage: OnOutage = "wait",
    ) -> None:
        checked_int("concurrency", concurrency)
        require_number("timeout", timeout)
        require_choice("on_outage", on_outage, OnOutage)
        self._executor = attrs.evolve(
            executor,
            options=attrs.evolve(
                executor.options, priority="background", max_wait=min(_MAX_STEP_LIMIT_WAIT, executor.options.max_wait)
            ),
        )
        self._clock = executor.clock
        self._concurrency = concurrency
        self._ledger = PostgresLedger(url, access="shared")
        self._job_table = JobTable(self._ledger)
        self._queue = JobQueue(url, self._clock)
        self._paused_queues = PausedQueues(self._clock)
        self._engine: Engine | None = None
        self._database_up_since = math.inf
        self._unreported_since: dict[int, float] = {}
        self._stopping = False
        self._error: TwelveLabsError | None = None
        self._on_outage: OnOutage = on_outage
        stages = Stages(
            self._executor, multipart_threshold=multipart_threshold, lookup_timeout=lookup_timeout, transfer=transfer
        )
        self._runner = JobRunner(stages, self._job_table, self._clock, timeout)
        self._handlers = JobHandlers(
            queue=self._queue,
            job_table=self._job_table,
            runner=self._runner,
            paused_queues=self._paused_queues,
            on_auth_error=self._fail,
            on_outage=self._handle_outage,
        )

    @property
    def completed(self) -> int:
        """Number of jobs that have ended."""
        return self._handlers.completed

    def stop(self) -> None:
        """Take no more jobs, and finish those that are running; `run` then returns.

        Example:
            worker = client.worker(ledger_url)
            worker.stop()
            await worker.run()  # returns when the running jobs have ended
        """
        self._stopping = True
        if self._engine is not None:
            self._engine.stop()  # type: ignore[no-untyped-call]  # procrastinate leaves None out

    def _fail(self, error: TwelveLabsError) -> None:
        self._error = error
        self.stop()

    def _handle_outage(self, error: TwelveLabsError) -> None:
        if self._on_outage == "stop":
            self._fail(error)

    async def run(self) -> None:
        """Run until stopped. Cancelling it cancels its jobs, which other workers take over.

        Raises:
            AuthenticationError: The API key was rejected.
            APIError: No request has got an answer for a while, and `on_outage` is `stop`.
            UploadError: The same, during an upload.
            LedgerInUseError: A run of `client.ingest` uses the ledger.
            LedgerError: The database cannot be used. If it goes away later, the worker waits for it.

        Example:
            worker = client.worker(ledger_url)
            worker.stop()  # in an application, a handler of SIGTERM calls it
            await worker.run()
        """
        async with opened_ledger(self._ledger, self._queue):
            unsubscribe = self._executor.limiter.events.subscribe(self._runner.outage.on_client_event)
            loops = [asyncio.create_task(self._heartbeat_loop()), asyncio.create_task(self._sweep_loop())]
            try:
                await self._run_engine()
            finally:
                for task in loops:
                    task.cancel()
                await asyncio.wait(loops)
                unsubscribe()
        if self._error is not None:
            raise self._error

    async def _run_engine(self) -> None:
        """Run the worker of procrastinate; restart it when the database has gone away."""
        while not self._stopping:
            engine = self._engine = Engine(
                self._queue.app,
                queues=self._paused_queues.active,
                concurrency=self._concurrency,
                fetch_job_polling_interval=_HEARTBEAT_INTERVAL,
                install_signal_handlers=False,
                delete_jobs="always",
                update_heartbeat_interval=1e9,  # _send_heartbeat does this
                stalled_worker_timeout=1e9,  # _sweep does this
            )
            running = asyncio.ensure_future(engine.run())  # type: ignore[no-untyped-call]  # procrastinate leaves None out
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                self._handlers.cancel()
                running.cancel()
                await asyncio.wait([running])
                raise
            except ConnectorException as error:
                _logger.warning("lost the connection to the database, reconnecting: %s", _cause_line(error))
            if not self._stopping:
                await self._reattach()

    async def _reattach(self) -> None:
        """Attach to the ledger again, after the database has gone away or heartbeats have failed."""
        while not self._stopping:
            await self._clock.sleep(_RECONNECT_DELAY)
            try:
                async with asyncio.timeout(_DATABASE_TIMEOUT):
                    await self._ledger.attach()
            except LedgerInUseError:
                raise
            except (LedgerError, TimeoutError) as error:
                reason = _cause_line(error) or "it does not answer"
                _logger.warning("cannot use the database, trying again: %s", reason)
            else:
                return

    async def _heartbeat_loop(self) -> None:
        """Send heartbeats; cancel the jobs if the database does not accept them."""
        last_heartbeat = self._database_up_since = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            try:
                async with asyncio.timeout(_DATABASE_TIMEOUT):
                    await self._send_heartbeat()
                last_heartbeat = now
            except LedgerInUseError as error:
                self._handlers.cancel()
                self._fail(error)
            except (LedgerError, TimeoutError):
                self._database_up_since = math.inf
            else:
                self._database_up_since = min(self._database_up_since, now)
            if self._clock.monotonic() - last_heartbeat > LEASE_DURATION:
                self._handlers.cancel()
            if self._engine is not None:
                self._engine.queues = self._paused_queues.active
            await self._clock.sleep(_HEARTBEAT_INTERVAL)

    async def _send_heartbeat(self) -> None:
        """Send one heartbeat; if the last one is too old, cancel the jobs and register again."""
        engine = self._engine
        if engine is None or engine.worker_id is None:
            return
        await self._job_table.register(engine.worker_id)
        if await self._job_table.renew_lease(engine.worker_id):
            return
        _logger.warning("no heartbeat for %g s; other workers take over the steps of this worker", LEASE_DURATION)
        self._handlers.cancel()
        engine.stop()  # type: ignore[no-untyped-call]  # procrastinate leaves None out

    async def _sweep_loop(self) -> None:
        """Requeue jobs of dead workers and lost jobs, periodically."""
        while True:
            await self._clock.sleep(_SWEEP_INTERVAL)
            try:
                await self._sweep()
            except (ConnectorException, LedgerError) as error:
                _logger.warning("could not requeue the jobs of dead workers: %s", _cause_line(error))

    async def _sweep(self) -> None:
        if self._clock.monotonic() - self._database_up_since > _DEAD_WORKER_TIMEOUT:
            await self._queue.requeue_jobs_of_dead_workers(_DEAD_WORKER_TIMEOUT)
        await self._requeue_unreported()
        await self._queue.enqueue_steps(await self._job_table.sweep_unscheduled(_SWEEP_BATCH_SIZE))
        for index_id in await self._job_table.unscanned_indexes():
            await self._queue.enqueue_scan(index_id)

    async def _requeue_unreported(self) -> None:
        """Requeue jobs that have ended here while the database was away, so that it still shows them as running."""
        worker_id = self._engine.worker_id if self._engine is not None else None
        if worker_id is None:
            return
        now, running = self._clock.monotonic(), self._handlers.running_job_ids
        unreported = [id for id in await self._queue.running_job_ids(worker_id) if id not in running]
        self._unreported_since = {id: self._unreported_since.get(id, now) for id in unreported}
        for id, since in self._unreported_since.items():
            if now - since > LEASE_DURATION:
                await self._queue.requeue(id)


def _cause_line(error: Exception) -> str:
    """Return what a driver of the database says, as one line."""
    return printable(str(error.__cause__ or error))

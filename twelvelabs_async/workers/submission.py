"""Submits videos to workers: claims them in the ledger, and adds jobs for their first steps."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

import attrs

from twelvelabs_async._arguments import require_bool
from twelvelabs_async._concurrency import SCAN_THREADS
from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import LedgerError
from twelvelabs_async.ingest._failures import error_line, log_unexpected
from twelvelabs_async.ingest._scan import iter_items
from twelvelabs_async.ingest._stages import RESTARTED, Claimer, may_have_sent
from twelvelabs_async.ingest.ledger import Claim
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.ingest.sources import Dedupe, IngestSources, Item, Validator
from twelvelabs_async.workers._job_table import JobState, JobTable
from twelvelabs_async.workers._jobs import JobQueue, has_pending_step, open_ledger_and_queue

_SUBMIT_BATCH_SIZE: Final = 500
"""Items that are claimed and added to the queue together."""


@attrs.define(kw_only=True)
class SubmitResult:
    """The result of a submission: the number of items by what happened to them."""

    accepted: int = 0
    """Items that workers will ingest."""
    ready: int = 0
    """Items that are in the index already."""
    duplicates: int = 0
    """Items that share the asset of another item."""
    failed: int = 0
    """Items that the platform rejected earlier."""
    rejected: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])
    """Sources that cannot be ingested, each with the reason."""

    @property
    def total(self) -> int:
        """Number of items."""
        return self.accepted + self.ready + self.duplicates + self.failed + len(self.rejected)


async def submit(
    url: str,
    sources: IngestSources,
    *,
    index_id: str,
    dedupe: Dedupe = "name",
    retry_failed: bool = False,
    validate: Validator | None = None,
) -> SubmitResult:
    """Submit videos to the workers of a ledger. Returns when all videos are saved in the ledger.

    Submitting the same videos again is harmless, and continues items that are stalled.

    Args:
        url: URL of the ledger: `postgresql://user@host/database`.
        sources: Files, folders, globs and URLs, as for `client.ingest`. Workers open files under the same path.
        index_id: The index.
        dedupe: Which files are duplicates: those with the same `path`; the same `name`, size and modification time; or
            the same `content`.
        retry_failed: Whether to retry items that the platform rejected earlier.
        validate: Checks each new item first, and returns why it must not be sent.

    Raises:
        InvalidInputError: A source is neither a path nor a URL.
        LedgerInUseError: A run of `client.ingest` uses the ledger.
        LedgerError: The database cannot be used.

    Example:
        from twelvelabs_async import workers

        submitted = await workers.submit(ledger_url, "holiday/", index_id=index.id)
        print(submitted.accepted)  # 2
    """
    require_bool("retry_failed", retry_failed)
    clock = SystemClock()
    async with open_ledger_and_queue(url, clock) as (ledger, name, queue):
        clock_offset = await ledger.time() - clock.time()
        claimer = Claimer(
            ledger=ledger,
            ledger_name=name,
            index_id=index_id,
            dedupe=dedupe,
            validate=validate,
            run_id=secrets.token_hex(4),
            now=lambda: clock.time() + clock_offset,
        )
        submitter = _Submitter(ledger, JobTable(ledger), queue, claimer, clock, retry_failed)
        batch: list[Item] = []
        async with aclosing(iter_items(sources)) as items:
            async for item in items:
                batch.append(item)
                if len(batch) == _SUBMIT_BATCH_SIZE:
                    await submitter.submit(batch)
                    batch = []
        await submitter.submit(batch)
    return submitter.result


@attrs.frozen(eq=False)
class _Submitter:
    """Submits items in batches, to an open ledger and an open queue."""

    ledger: PostgresLedger
    job_table: JobTable
    queue: JobQueue
    claimer: Claimer
    clock: Clock
    retry_failed: bool
    """Whether to retry items that the platform rejected earlier."""
    result: SubmitResult = attrs.field(init=False, factory=SubmitResult)
    """What happened to the items so far."""

    async def submit(self, items: Sequence[Item]) -> None:
        """Claim items, and add their jobs to the table and to the queue."""
        claims = await asyncio.gather(*(self._claim(item) for item in items))
        jobs: list[JobState] = []
        for item, claim in zip(items, claims, strict=True):
            if isinstance(claim, str):
                self.result.rejected.append((item.source, claim))
                continue
            job = await self._create_job(item, claim)
            if job is not None:
                jobs.append(job)
        if not jobs:
            return
        await self.job_table.add(await SCAN_THREADS.run(_with_absolute_paths, jobs))
        pending = [job.entry.token for job in jobs if has_pending_step(job.entry)]
        await self.queue.enqueue_steps(await self.job_table.unscheduled(pending))
        for index_id in {job.entry.index_id for job in jobs if not has_pending_step(job.entry)}:
            await self.queue.enqueue_scan(index_id)

    async def _claim(self, item: Item) -> Claim | str:
        try:
            return await self.claimer.claim(item)
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  # the validator may be the caller's
            log_unexpected(error, item.source, "queued")
            return error_line(error)

    async def _create_job(self, item: Item, claim: Claim) -> JobState | None:
        """Return the job of an item; None if the item needs no job."""
        entry = claim.entry
        is_duplicate = claim.match == "duplicate" or entry.uri != item.uri
        if is_duplicate and not entry.error:  # else the other file may be gone, and this one can take its place
            self.result.duplicates += 1
            return None
        if entry.state == "ready":
            self.result.ready += 1
            return None
        if entry.state == "failed":
            if not self.retry_failed:
                self.result.failed += 1
                return None
            entry = attrs.evolve(entry, **RESTARTED)
            await self.ledger.save(entry)
        if entry.error and not has_pending_step(entry):  # given up because of the timeout, which now starts again
            entry = attrs.evolve(entry, error="", updated_at=self.clock.time())
            await self.ledger.save(entry)
        self.result.accepted += 1
        return JobState(
            entry=entry, item=item, uncertain_for=0.0 if claim.match != "new" and may_have_sent(entry) else None
        )


def _with_absolute_paths(jobs: Sequence[JobState]) -> list[JobState]:
    """Return jobs whose files workers with another working directory can open."""
    return [
        job
        if job.item.is_url or job.item.is_object
        else attrs.evolve(job, item=attrs.evolve(job.item, source=os.path.abspath(job.item.source)))  # noqa: PTH100  # Path refuses some names
        for job in jobs
    ]

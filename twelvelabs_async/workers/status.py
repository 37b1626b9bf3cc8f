"""The status of the items that workers ingest: counts them by stage; retries, cancels or removes stalled ones."""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs

from twelvelabs_async.clock import SystemClock
from twelvelabs_async.ingest.ledger import Entry
from twelvelabs_async.workers._job_table import JobTable
from twelvelabs_async.workers._jobs import open_ledger_and_queue

_MAX_LISTED_FAILURES: Final = 20
"""Number of entries in `Status.failures`."""


@attrs.frozen(kw_only=True)
class Status:
    """Number of items in each stage, in all indexes together."""

    queued: int = 0
    """Nothing was sent yet."""
    uploading: int = 0
    """The upload was started."""
    processing: int = 0
    """The platform inspects the file."""
    indexing: int = 0
    """The item is being indexed, or is about to be."""
    ready: int = 0
    """The item is in the index."""
    failed: int = 0
    """The platform rejected the item, its file has changed, or `cancel_stalled` has ended it."""
    stalled: int = 0
    """Items, among those that are neither ready nor failed, that are given up until `retry_stalled`."""
    failures: tuple[Entry, ...] = ()
    """The latest entries that failed or stalled, with their errors."""

    @property
    def open(self) -> int:
        """Number of items that workers still have to finish."""
        return self.queued + self.uploading + self.processing + self.indexing - self.stalled


async def status(url: str) -> Status:
    """Count the items of a ledger.

    Args:
        url: URL of the ledger: `postgresql://user@host/database`.

    Raises:
        LedgerError: The database cannot be used.

    Example:
        from twelvelabs_async import workers

        await workers.submit(ledger_url, "holiday/", index_id=index.id)
        status = await workers.status(ledger_url)
        print(status.open)  # 2
    """
    async with open_ledger_and_queue(url, SystemClock(), "read") as (ledger, _, _):
        job_table = JobTable(ledger)
        totals: Counter[str] = Counter()
        for row in await job_table.counts():
            totals[row["stage"] if row["state"] == "open" else row["state"]] += row["entries"]
            totals["stalled"] += row["stalled"]
        return Status(failures=tuple(await job_table.failures(_MAX_LISTED_FAILURES)), **totals)


async def retry_stalled(url: str) -> int:
    """Let workers continue with the stalled items of a ledger; return the number of items.

    Args:
        url: URL of the ledger: `postgresql://user@host/database`.

    Raises:
        LedgerInUseError: A run of `client.ingest` uses the ledger.
        LedgerError: The database cannot be used.

    Example:
        from twelvelabs_async import workers

        await workers.submit(ledger_url, "holiday/", index_id=index.id)
        print(await workers.retry_stalled(ledger_url))  # 0
    """
    async with open_ledger_and_queue(url, SystemClock()) as (ledger, _, queue):
        job_table = JobTable(ledger)
        retried = await job_table.retry_stalled()
        # Workers find the items that wait for the platform by themselves.
        await queue.enqueue_steps(await job_table.unscheduled([step.token for step in retried]))
    return len(retried)


async def cancel_stalled(url: str) -> int:
    """End the stalled items of a ledger as `failed`; return the number of items. Assets that they have stay.

    Args:
        url: URL of the ledger: `postgresql://user@host/database`.

    Raises:
        LedgerInUseError: A run of `client.ingest` uses the ledger.
        LedgerError: The database cannot be used.

    Example:
        from twelvelabs_async import workers

        await workers.submit(ledger_url, "holiday/", index_id=index.id)
        print(await workers.cancel_stalled(ledger_url))  # 0
    """
    async with open_ledger_and_queue(url, SystemClock()) as (ledger, _, _):
        return await JobTable(ledger).cancel_stalled()


async def forget_failed(url: str) -> int:
    """Remove the failed items from a ledger, and return their number. Assets that they have stay.

    Submit their sources again to ingest them like new ones.

    Args:
        url: URL of the ledger: `postgresql://user@host/database`.

    Raises:
        LedgerInUseError: A run of `client.ingest` uses the ledger.
        LedgerError: The database cannot be used.

    Example:
        from twelvelabs_async import workers

        await workers.submit(ledger_url, "holiday/", index_id=index.id)
        print(await workers.forget_failed(ledger_url))  # 0
    """
    async with open_ledger_and_queue(url, SystemClock()) as (ledger, _, _):
        return await JobTable(ledger).forget_failed()

"""The table of items that workers ingest, stored with the ledger in PostgreSQL.

A row holds what a ledger entry must not: the whole URL of an item, including its signature, and its user metadata. It
is deleted as soon as the item has ended.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, LiteralString, TypeVar

import attrs
from psycopg import sql
from psycopg.rows import dict_row
from typing_extensions import override

from twelvelabs_async._system import local_path, portable_path
from twelvelabs_async.errors import LedgerInUseError, TwelveLabsError
from twelvelabs_async.ingest._failures import MAX_STAGE_ATTEMPTS
from twelvelabs_async.ingest._postgres import ENTRY_FIELDS, Fence, FencedEntries, LedgerConnection, scalar
from twelvelabs_async.ingest.ledger import Entry, EntryStore
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.ingest.sources import Item

T = TypeVar("T")

JOB_TABLE_SCHEMA: Final[LiteralString] = """
    CREATE TABLE IF NOT EXISTS twelvelabs_jobs (
        token text PRIMARY KEY,
        item text NOT NULL,
        failed_attempts integer NOT NULL DEFAULT 0,
        uncertain_since timestamptz,
        running boolean NOT NULL DEFAULT false,
        epoch bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS twelvelabs_workers (worker_id bigint PRIMARY KEY, epoch bigint NOT NULL);
    CREATE INDEX IF NOT EXISTS twelvelabs_open_entries_by_number ON twelvelabs_entries (number) WHERE state = 'open';

    -- Items with a pending step and without a job for it.
    CREATE OR REPLACE VIEW twelvelabs_unscheduled_jobs AS
    SELECT number, token, stage, failed_attempts FROM twelvelabs_entries JOIN twelvelabs_jobs USING (token)
    WHERE state = 'open' AND (stage IN ('queued', 'uploading') OR stage = 'indexing' AND indexed_asset_id IS NULL)
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job WHERE job.queueing_lock = token AND job.status = 'todo')
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job WHERE job.lock = token AND job.status = 'doing');

    -- Items that wait for the platform.
    CREATE OR REPLACE VIEW twelvelabs_jobs_awaiting_platform AS
    SELECT twelvelabs_entries.*, failed_attempts FROM twelvelabs_entries JOIN twelvelabs_jobs USING (token)
    WHERE state = 'open' AND (stage = 'processing' OR stage = 'indexing' AND indexed_asset_id IS NOT NULL);
"""

LEASE_DURATION: Final = 10.0
"""Seconds after its last heartbeat, by the clock of the database, during which a worker may run its jobs."""

_HAS_LEASE: Final = sql.SQL("""
    EXISTS (
        SELECT FROM procrastinate_workers AS sender
        JOIN twelvelabs_workers AS registered ON registered.worker_id = sender.id
        JOIN twelvelabs_ledger AS owned ON owned.epoch = registered.epoch
        WHERE sender.id = %(worker_id)s AND sender.last_heartbeat > clock_timestamp() - make_interval(secs => %(lease)s)
    )
""")

MAX_ENTRIES_PER_SCAN: Final = 5000
"""Entries of one index that one scan covers, oldest first."""

_AFTER_A_RUN: Final[tuple[LiteralString, ...]] = (
    """
    DELETE FROM twelvelabs_jobs AS job USING twelvelabs_entries AS entry
    WHERE entry.token = job.token AND entry.state <> 'open'
    """,
    """
    UPDATE twelvelabs_jobs AS job SET uncertain_since = clock_timestamp() FROM twelvelabs_entries AS entry
    WHERE entry.token = job.token AND (stage = 'uploading' OR stage = 'indexing' AND indexed_asset_id IS NULL)
    """,
    "UPDATE twelvelabs_ledger SET workers_epoch = epoch",
)
"""What the first worker does after a run of `client.ingest`, which may have ended during any request of any item."""

_Query = LiteralString | sql.Composed
_Values = tuple[object, ...] | dict[str, object]


@attrs.frozen(kw_only=True)
class JobState:
    """A row of the table: what a worker needs to run the next step of an item."""

    entry: Entry
    """Its entry in the ledger."""
    item: Item
    """The item, with its whole URL and its user metadata."""
    failed_attempts: int = 0
    """Consecutive failures of the step, including workers that ended while they ran it."""
    uncertain_for: float | None = None
    """For how many seconds it has been unknown whether an earlier attempt was executed; None if it is known."""
    worker_id: int | None = None
    """Id of the worker that runs the step."""
    epoch: int = 0
    """Number of times that a step of the item was started. Each start ends the right of earlier ones to write."""


@attrs.frozen(kw_only=True)
class StepResult:
    """What a step has changed: the entry of the item, and whether and when to retry."""

    entry: Entry
    """Its entry in the ledger."""
    failed_attempts: int = 0
    """Consecutive failures of the step; `MAX_STAGE_ATTEMPTS` if the item is given up."""
    uncertain_for: float | None = None
    """For how many seconds it has been unknown whether the step was executed; None if it is known."""
    retry_in: float | None = None
    """Seconds after which to retry the step; None if there is nothing to retry."""
    pauses_queue: bool = False
    """Whether what the step waits for, a rate limit or the end of an outage, concerns its whole queue."""
    outage_error: TwelveLabsError | None = None
    """The error of the step if it is part of an outage, and not of the item."""


@attrs.frozen(kw_only=True)
class PendingStep:
    """A step that a worker has to run."""

    token: str
    """Token of the entry."""
    stage: str
    """Stage of the entry."""


def _dump_item(item: Item) -> str:
    return json.dumps(attrs.asdict(item) | {"source": portable_path(item.source)})


def _load_item(dumped: str) -> Item:
    """Return an item as this process can open it: the locale of the submission may have been another one."""
    item = Item(**json.loads(dumped))
    return item if item.is_url or item.is_object else attrs.evolve(item, source=local_path(item.source))


class _JobEntries(FencedEntries):
    """Writes entries over the connections of a shared ledger, until a run takes the ledger over.

    Args:
        ledger: The ledger.
        fence: Another condition that each write requires.
    """

    def __init__(self, ledger: PostgresLedger, fence: Fence) -> None:
        super().__init__(
            Fence(
                condition=f"{ledger.fence.condition} AND {fence.condition}",
                values={**ledger.fence.values, **fence.values},
                error=fence.error,
            )
        )
        self._ledger = ledger

    @override
    async def run(self, operation: Callable[[LedgerConnection], Awaitable[T]], *, transaction: bool = False) -> T:
        """Return the result of an operation on the database."""
        return await self._ledger.run(operation, transaction=transaction)

    async def ensure_owned(self) -> None:
        """Return: a scan creates nothing."""


class _StepEntries(_JobEntries):
    """Writes the entry of an item while its step runs."""

    @override
    async def ensure_owned(self) -> None:
        """Return if the step was not started again and no other worker may start it, in one query.

        Raises:
            LedgerInUseError: Another worker has started the step, or this one has sent no heartbeat for too long.
        """
        query: LiteralString = "SELECT 1 WHERE {fence} AND {lease}"
        await self.run(partial(self._write, query=query, values={}, lease=_HAS_LEASE))


class JobTable:
    """Reads and writes the table, over the connections of the ledger.

    Args:
        ledger: A shared ledger; open.
    """

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger
        self._sweep_position = 0
        self._registered: set[int] = set()

    async def add(self, jobs: Sequence[JobState]) -> None:
        """Add items; reset the failed attempts of items that are in the table."""
        rows = [(job.entry.token, _dump_item(job.item), job.uncertain_for) for job in jobs]
        async with self._ledger.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO twelvelabs_jobs (token, item, uncertain_since) "
                "VALUES (%s, %s, clock_timestamp() - make_interval(secs => %s)) "
                "ON CONFLICT (token) DO UPDATE SET item = EXCLUDED.item, failed_attempts = 0, running = false",
                rows,
            )

    def entry_writer_for_step(self, job: JobState) -> EntryStore:
        """Return the store that a running step writes its entry to."""
        fence = Fence(
            condition="EXISTS "
            "(SELECT FROM twelvelabs_jobs AS job WHERE job.token = %(token)s AND job.epoch = %(epoch)s)",
            values={
                "token": job.entry.token,
                "epoch": job.epoch,
                "worker_id": job.worker_id,
                "lease": LEASE_DURATION,
            },
            error="another worker or a run of client.ingest has taken this step over",
        )
        return _StepEntries(self._ledger, fence)

    def entry_writer_for_scan(self, entry: Entry) -> EntryStore:
        """Return the store that a scan writes an entry to."""
        fence = Fence(
            condition="state = 'open' AND stage = %(old_stage)s AND updated_at = %(old_updated_at)s",
            values={"old_stage": entry.stage, "old_updated_at": entry.updated_at},
            error="another worker or a run of client.ingest has changed this entry",
        )
        return _JobEntries(self._ledger, fence)

    async def register(self, worker_id: int) -> None:
        """Let a worker run jobs, which keeps runs of `client.ingest` from using the ledger.

        Raises:
            LedgerInUseError: A run has taken the ledger over since this worker has attached to it.
        """
        if worker_id not in self._registered:
            await self._ledger.run(partial(self._register, worker_id), transaction=True)
            self._registered.add(worker_id)

    async def _register(self, worker_id: int, connection: LedgerConnection) -> None:
        fence = self._ledger.fence
        query = sql.SQL("SELECT workers_epoch = epoch FROM twelvelabs_ledger WHERE {} FOR UPDATE")
        is_known = await scalar(connection, query.format(sql.SQL(fence.condition)), fence.values)
        if is_known is None:
            raise LedgerInUseError(fence.error)
        for statement in () if is_known else _AFTER_A_RUN:
            await connection.execute(statement)
        await connection.execute(
            "DELETE FROM twelvelabs_workers WHERE worker_id NOT IN (SELECT id FROM procrastinate_workers)"
        )
        await connection.execute(
            "INSERT INTO twelvelabs_workers SELECT %s, epoch FROM twelvelabs_ledger ON CONFLICT DO NOTHING",
            (worker_id,),
        )

    async def renew_lease(self, worker_id: int) -> bool:
        """Send a heartbeat of a worker; return False if its last one is so old that it may have lost its jobs."""
        query = sql.SQL(
            "UPDATE procrastinate_workers SET last_heartbeat = clock_timestamp() WHERE id = %(worker_id)s AND {}"
        ).format(_HAS_LEASE)
        return bool(await self._execute(query, {"worker_id": worker_id, "lease": LEASE_DURATION}))

    async def start_step(self, token: str, worker_id: int | None) -> JobState | None:
        """Return an item before its step, and raise its epoch.

        If the last step was started and did not end, its worker has ended, which counts as a failed attempt. Whether
        the step was executed is then uncertain.

        Returns:
            None if the item has no open entry, or if the worker has sent no heartbeat for too long.
        """
        query = sql.SQL("""
            WITH before AS (
                SELECT token, item, failed_attempts + running::integer AS failed_attempts, epoch + 1 AS epoch,
                       CASE WHEN running THEN clock_timestamp() ELSE uncertain_since END AS uncertain_since
                FROM twelvelabs_jobs WHERE token = %(token)s AND {} FOR UPDATE
            )
            UPDATE twelvelabs_jobs
            SET running = true, failed_attempts = before.failed_attempts, epoch = before.epoch,
                uncertain_since = before.uncertain_since
            FROM before JOIN twelvelabs_entries AS entry USING (token)
            WHERE twelvelabs_jobs.token = before.token AND entry.state = 'open'
            RETURNING before.item, before.failed_attempts, before.epoch, entry.*,
                      extract(epoch FROM clock_timestamp() - before.uncertain_since)::float AS uncertain_for
        """).format(_HAS_LEASE)
        rows = await self._rows(query, {"token": token, "worker_id": worker_id, "lease": LEASE_DURATION})
        if not rows:
            return None
        (row,) = rows
        return JobState(
            entry=_entry(row),
            item=_load_item(row["item"]),
            failed_attempts=row["failed_attempts"],
            uncertain_for=row["uncertain_for"],
            worker_id=worker_id,
            epoch=row["epoch"],
        )

    async def finish_step(self, job: JobState, result: StepResult) -> None:
        """Save the result of a step, unless it was started again; remove an item that has ended."""
        values = (result.failed_attempts, result.uncertain_for, result.entry.token, job.epoch)
        if result.entry.state != "open":
            await self._execute("DELETE FROM twelvelabs_jobs WHERE token = %s AND epoch = %s", values[2:])
        else:
            await self._execute(
                "UPDATE twelvelabs_jobs SET running = false, failed_attempts = %s, "
                "uncertain_since = clock_timestamp() - make_interval(secs => %s) WHERE token = %s AND epoch = %s",
                values,
            )

    async def give_up(self, tokens: Sequence[str]) -> None:
        """Give items up that have waited for the platform too long."""
        query: LiteralString = "UPDATE twelvelabs_jobs SET failed_attempts = %s WHERE token = ANY(%s)"
        await self._execute(query, (MAX_STAGE_ATTEMPTS, list(tokens)))

    async def extend_timeouts(self, index_id: str, seconds: float) -> None:
        """Extend the timeouts of the waiting entries of an index by the time in which no status could be read."""
        query = """
            UPDATE twelvelabs_entries AS entry
            SET updated_at = entry.updated_at
                + least(%s, greatest(0, extract(epoch FROM clock_timestamp()) - entry.updated_at))
            FROM twelvelabs_jobs_awaiting_platform AS waiting
            WHERE entry.token = waiting.token AND waiting.index_id = %s
        """
        await self._execute(query, (seconds, index_id))

    async def remove(self, tokens: Sequence[str]) -> None:
        """Remove items that have ended."""
        await self._execute("DELETE FROM twelvelabs_jobs WHERE token = ANY(%s)", (list(tokens),))

    async def awaiting_platform(self, index_id: str) -> list[Entry]:
        """Return the entries of an index that wait for the platform, without those that are given up."""
        query = """
            SELECT * FROM twelvelabs_jobs_awaiting_platform WHERE index_id = %s AND failed_attempts < %s
            ORDER BY number LIMIT %s
        """
        return [_entry(row) for row in await self._rows(query, (index_id, MAX_STAGE_ATTEMPTS, MAX_ENTRIES_PER_SCAN))]

    async def unscheduled(self, tokens: Sequence[str]) -> list[PendingStep]:
        """Return the pending steps of these items that have no job."""
        query = "SELECT token, stage FROM twelvelabs_unscheduled_jobs WHERE token = ANY(%s)"
        return [PendingStep(**row) for row in await self._rows(query, (list(tokens),))]

    async def sweep_unscheduled(self, limit: int) -> list[PendingStep]:
        """Return the pending steps without a job among the next `limit` open entries; start over after the last entry.

        Items that are given up are not included.
        """
        query = """
            SELECT max(number) AS last FROM (
                SELECT number FROM twelvelabs_entries WHERE state = 'open' AND number > %s ORDER BY number LIMIT %s
            ) AS page
        """
        after, (row,) = self._sweep_position, await self._rows(query, (self._sweep_position, limit))
        self._sweep_position = row["last"] or 0
        query = """
            SELECT token, stage FROM twelvelabs_unscheduled_jobs
            WHERE number > %s AND number <= %s AND failed_attempts < %s
        """
        rows = await self._rows(query, (after, self._sweep_position, MAX_STAGE_ATTEMPTS))
        return [PendingStep(**row) for row in rows]

    async def unscanned_indexes(self) -> list[str]:
        """Return the indexes with items that wait for the platform and without a job that scans them."""
        query = """
            SELECT index_id FROM (
                SELECT DISTINCT index_id FROM twelvelabs_jobs_awaiting_platform WHERE failed_attempts < %s
            ) AS waiting
            WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = 'scan:' || index_id
                              AND status IN ('todo', 'doing'))
        """
        return [row["index_id"] for row in await self._rows(query, (MAX_STAGE_ATTEMPTS,))]

    async def retry_stalled(self) -> list[PendingStep]:
        """Let the items that are given up start again, and return their pending steps."""
        query = """
            WITH retried AS (
                UPDATE twelvelabs_jobs AS job SET failed_attempts = 0, running = false,
                    uncertain_since = CASE WHEN running THEN clock_timestamp() ELSE uncertain_since END
                FROM twelvelabs_entries AS entry
                WHERE entry.token = job.token AND entry.state = 'open' AND job.failed_attempts >= %(attempts)s
                RETURNING job.token
            )
            UPDATE twelvelabs_entries AS entry SET error = '', updated_at = extract(epoch FROM clock_timestamp())
            FROM retried WHERE entry.token = retried.token RETURNING entry.token, entry.stage
        """
        return [PendingStep(**row) for row in await self._rows(query, {"attempts": MAX_STAGE_ATTEMPTS})]

    async def cancel_stalled(self) -> int:
        """End the items that are given up as failed, and return their number."""
        query = """
            WITH cancelled AS (
                DELETE FROM twelvelabs_jobs AS job USING twelvelabs_entries AS entry
                WHERE entry.token = job.token AND entry.state = 'open' AND job.failed_attempts >= %(attempts)s
                RETURNING job.token
            )
            UPDATE twelvelabs_entries AS entry SET state = 'failed', error = 'cancelled: ' || error,
                updated_at = extract(epoch FROM clock_timestamp())
            FROM cancelled WHERE entry.token = cancelled.token RETURNING entry.token
        """
        return len(await self._rows(query, {"attempts": MAX_STAGE_ATTEMPTS}))

    async def forget_failed(self) -> int:
        """Delete the entries that failed, with all that belongs to them, and return their number."""
        query = """
            WITH forgotten AS (DELETE FROM twelvelabs_entries WHERE state = 'failed' RETURNING token),
                jobs AS (DELETE FROM twelvelabs_jobs AS job USING forgotten WHERE job.token = forgotten.token),
                uploads AS (DELETE FROM twelvelabs_uploads AS one USING forgotten WHERE one.token = forgotten.token),
                parts AS (DELETE FROM twelvelabs_parts AS part USING forgotten WHERE part.token = forgotten.token)
            SELECT token FROM forgotten
        """
        return len(await self._rows(query, ()))

    async def counts(self) -> Sequence[Mapping[str, Any]]:
        """Count the entries in each stage of each index; `stalled` counts those that are given up."""
        query = """
            SELECT index_id, state, stage, count(*) AS entries,
                   count(*) FILTER (WHERE state = 'open' AND failed_attempts >= %s) AS stalled
            FROM twelvelabs_entries LEFT JOIN twelvelabs_jobs USING (token)
            GROUP BY index_id, state, stage ORDER BY index_id, state, stage
        """
        return await self._rows(query, (MAX_STAGE_ATTEMPTS,))

    async def failures(self, limit: int) -> list[Entry]:
        """Return the latest entries that the platform rejected or that are given up."""
        query = """
            SELECT twelvelabs_entries.* FROM twelvelabs_entries LEFT JOIN twelvelabs_jobs USING (token)
            WHERE state = 'failed' OR (state = 'open' AND failed_attempts >= %s) ORDER BY updated_at DESC LIMIT %s
        """
        return [_entry(row) for row in await self._rows(query, (MAX_STAGE_ATTEMPTS, limit))]

    async def _execute(self, query: _Query, values: _Values) -> int:
        """Execute a statement, and return the number of rows that it has written."""
        async with self._ledger.connection() as connection:
            return (await connection.execute(query, values)).rowcount

    async def _rows(self, query: _Query, values: _Values) -> list[dict[str, Any]]:
        async with self._ledger.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchall()


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{name: row[name] for name in ENTRY_FIELDS})

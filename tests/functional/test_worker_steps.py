"""Steps of workers in PostgreSQL: which worker may write, and what happens to stalled and failed items."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import LiteralString

import attrs
import psycopg
import pytest
from postgres import PostgresServer, postgres
from psycopg.conninfo import make_conninfo

from twelvelabs_async import AsyncTwelveLabs, LedgerError, LedgerInUseError
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.ingest import Entry, Item
from twelvelabs_async.ingest._failures import MAX_STAGE_ATTEMPTS
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState
from twelvelabs_async.workers import Status, cancel_stalled, forget_failed, retry_stalled, status, submit
from twelvelabs_async.workers._job_table import JobState, JobTable, StepResult
from twelvelabs_async.workers._jobs import open_ledger_and_queue

ENTRY = Entry(token="t1", index_id="i", uri="/films/1.mp4", size=1, mtime_ns=2)
SESSION = UploadState(upload_id="u", asset_id="a", filename="1.mp4", total_size=20, chunk_size=8, fingerprint="f")
PART = CompletedChunk(chunk_index=1, proof="etag", chunk_size=8)


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def database(database_server: PostgresServer) -> str:
    """The URL of an empty database."""
    return database_server.reset_database()


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[PostgresLedger]:
    async with open_ledger_and_queue(database, SystemClock()) as (opened, _, _):
        yield opened


@pytest.fixture
async def job_table(ledger: PostgresLedger) -> JobTable:
    """The table of jobs, with one item."""
    table = JobTable(ledger)
    await ledger.claim(ENTRY)
    await table.add([JobState(entry=ENTRY, item=Item("/films/1.mp4", "/films/1.mp4", name="1.mp4"))])
    return table


async def register_worker(database: str, job_table: JobTable) -> int:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id"
        ).fetchone()
    assert row is not None
    await job_table.register(row[0])
    return int(row[0])


def execute(database: str, query: LiteralString) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(query)


async def start_step(job_table: JobTable, worker_id: int) -> JobState:
    job = await job_table.start_step("t1", worker_id)
    assert job is not None
    return job


async def test_p28_a_step_restarted_by_another_worker_writes_nothing(
    database: str, ledger: PostgresLedger, job_table: JobTable
) -> None:
    suspended = await start_step(job_table, await register_worker(database, job_table))
    successor = await start_step(job_table, await register_worker(database, job_table))
    store = job_table.entry_writer_for_step(suspended)
    for write in (
        store.ensure_owned(),
        store.save(attrs.evolve(ENTRY, stage="processing", asset_id="a")),
        store.save_upload("t1", SESSION),
        store.save_part("t1", PART),
    ):
        with pytest.raises(LedgerInUseError, match="another worker"):
            await write
    await job_table.finish_step(suspended, StepResult(entry=attrs.evolve(ENTRY, state="ready")))
    assert [entry async for entry in ledger.entries()] == [ENTRY]
    store = job_table.entry_writer_for_step(successor)
    await store.ensure_owned()
    await store.save(attrs.evolve(ENTRY, stage="uploading"))
    assert (
        await start_step(job_table, await register_worker(database, job_table))
    ).epoch == successor.epoch + 1  # the item still has its row


async def test_p28_a_worker_with_an_expired_heartbeat_cannot_renew_it_or_start_a_step(
    database: str, job_table: JobTable
) -> None:
    worker_id = await register_worker(database, job_table)
    job = await start_step(job_table, worker_id)
    assert await job_table.renew_lease(worker_id)
    execute(database, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '11 seconds'")
    with pytest.raises(LedgerInUseError):
        await job_table.entry_writer_for_step(job).ensure_owned()
    assert not await job_table.renew_lease(worker_id)
    assert await job_table.start_step("t1", worker_id) is None
    # no other worker has started the step
    await job_table.entry_writer_for_step(job).save(attrs.evolve(ENTRY, stage="uploading"))


async def test_p28_a_run_and_workers_exclude_each_other(
    database: str, ledger: PostgresLedger, job_table: JobTable
) -> None:
    worker_id = await register_worker(database, job_table)
    run = PostgresLedger(database)
    with pytest.raises(LedgerInUseError, match=r"1 worker uses the ledger in this database; submit the videos"):
        await run.open()
    job = await start_step(job_table, worker_id)
    execute(database, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '16 seconds'")
    await run.open()
    execute(database, "UPDATE procrastinate_workers SET last_heartbeat = now()")  # the worker was suspended
    for attempt in (
        job_table.entry_writer_for_step(job).ensure_owned(),
        job_table.entry_writer_for_step(job).save(attrs.evolve(ENTRY, stage="uploading")),
        job_table.entry_writer_for_scan(ENTRY).save(attrs.evolve(ENTRY, stage="uploading")),
        ledger.claim(attrs.evolve(ENTRY, token="t2", uri="/films/2.mp4")),
        ledger.attach(),
        submit(database, [], index_id="i"),
    ):
        with pytest.raises(LedgerInUseError):
            await attempt
    assert not await job_table.renew_lease(worker_id)
    assert await job_table.start_step("t1", worker_id) is None
    with pytest.raises(LedgerInUseError, match=r"a run of client\.ingest has taken over"):
        await register_worker(database, job_table)
    assert (await status(database)).queued == 1  # the status may be read
    assert [entry async for entry in run.entries()] == [ENTRY]
    await run.close()
    await ledger.attach()
    await start_step(job_table, await register_worker(database, job_table))


async def test_p28_workers_look_for_assets_that_an_earlier_run_may_have_created(
    database: str, ledger: PostgresLedger, job_table: JobTable
) -> None:
    finished = attrs.evolve(ENTRY, token="t2", uri="/films/2.mp4")
    await ledger.claim(finished)
    await job_table.add([JobState(entry=finished, item=Item("/films/2.mp4", "/films/2.mp4", name="2.mp4"))])
    run = PostgresLedger(database)
    await run.open()
    await run.save(attrs.evolve(ENTRY, stage="uploading"))  # the state after it is killed during the upload
    await run.save(attrs.evolve(finished, stage="ready", state="ready"))
    await run.close()
    await ledger.attach()
    job = await start_step(job_table, await register_worker(database, job_table))
    assert job.uncertain_for is not None
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT token FROM twelvelabs_jobs").fetchall() == [("t1",)]


async def test_a_worker_starts_no_job_while_a_run_uses_the_ledger(database: str, client: AsyncTwelveLabs) -> None:
    run = PostgresLedger(database)
    await run.open()
    with pytest.raises(LedgerInUseError, match="another ingestion uses the ledger in this database"):
        await client.worker(database).run()
    await run.close()


async def test_a_scan_does_not_overwrite_what_another_worker_has_saved(
    ledger: PostgresLedger, job_table: JobTable
) -> None:
    waiting = attrs.evolve(ENTRY, stage="processing", asset_id="a", updated_at=1.0)
    await ledger.save(waiting)
    indexing = attrs.evolve(waiting, stage="indexing", updated_at=2.0)
    await job_table.entry_writer_for_scan(waiting).save(indexing)
    with pytest.raises(LedgerInUseError):
        await job_table.entry_writer_for_scan(waiting).save(indexing)
    assert [entry async for entry in ledger.entries()] == [indexing]


async def test_a_worker_that_ends_during_a_step_counts_as_a_failed_attempt(database: str, job_table: JobTable) -> None:
    worker_id = await register_worker(database, job_table)
    first = await start_step(job_table, worker_id)
    assert (first.failed_attempts, first.uncertain_for) == (0, None)
    for failed_attempts in (1, 2):
        restarted = await start_step(job_table, worker_id)
        assert restarted.failed_attempts == failed_attempts
        assert restarted.uncertain_for is not None
    await job_table.finish_step(restarted, StepResult(entry=ENTRY, failed_attempts=0))
    assert (await start_step(job_table, worker_id)).failed_attempts == 0


async def test_stalled_items_are_retried_or_cancelled(database: str, job_table: JobTable) -> None:
    worker_id = await register_worker(database, job_table)
    for change in (retry_stalled, cancel_stalled):
        assert await change(database) == 0
        job = await start_step(job_table, worker_id)
        result = StepResult(entry=ENTRY, failed_attempts=MAX_STAGE_ATTEMPTS, uncertain_for=0.0)
        await job_table.finish_step(job, result)
        assert (await status(database)).stalled == 1
        assert await change(database) == 1
    now = await status(database)
    assert (now.stalled, now.failed, now.open) == (0, 1, 0)
    assert now.failures[0].error.startswith("cancelled")
    assert await job_table.start_step("t1", worker_id) is None


async def test_forgotten_failed_items_can_be_submitted_again(
    ledger: PostgresLedger, database: str, job_table: JobTable
) -> None:
    worker_id = await register_worker(database, job_table)
    other = attrs.evolve(ENTRY, token="t2", uri="/2")
    await ledger.claim(other)
    assert await forget_failed(database) == 0
    job = await start_step(job_table, worker_id)
    await job_table.finish_step(job, StepResult(entry=ENTRY, failed_attempts=MAX_STAGE_ATTEMPTS, uncertain_for=0.0))
    assert await forget_failed(database) == 0  # stalled items can be retried
    assert await cancel_stalled(database) == 1
    assert await forget_failed(database) == 1
    now = await status(database)
    assert (now.failed, now.stalled, now.queued) == (0, 0, 1)
    assert [entry.token async for entry in ledger.entries()] == ["t2"]
    assert (await ledger.claim(attrs.evolve(ENTRY, token="t3"))).entry.token == "t3"


async def test_an_outage_extends_the_item_timeouts_of_one_index(ledger: PostgresLedger, job_table: JobTable) -> None:
    now = await ledger.time()
    old = attrs.evolve(ENTRY, stage="processing", asset_id="a", updated_at=now - 5000)
    new = attrs.evolve(ENTRY, token="t2", uri="/2", stage="processing", asset_id="b", updated_at=now - 10)
    other = attrs.evolve(ENTRY, token="t3", uri="/3", index_id="j", stage="processing", updated_at=now - 5000)
    for entry in (new, other):
        await ledger.claim(attrs.evolve(entry, stage="queued"))
        await job_table.add([JobState(entry=entry, item=Item(entry.uri, entry.uri))])
    for entry in (old, new, other):
        await ledger.save(entry)
    await job_table.extend_timeouts("i", 3600.0)
    updated = {entry.token: entry.updated_at async for entry in ledger.entries()}
    assert updated["t1"] == pytest.approx(now - 1400)
    assert now <= updated["t2"] <= await ledger.time()
    assert updated["t3"] == now - 5000


async def test_a_read_only_user_can_read_the_status_and_not_change_items(database: str) -> None:
    await submit(database, [], index_id="i")
    execute(database, "CREATE ROLE reader LOGIN")
    execute(database, "GRANT USAGE ON SCHEMA public TO reader")
    execute(database, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    reader_conninfo = make_conninfo(database, user="reader")
    try:
        assert await status(reader_conninfo) == Status()
        with pytest.raises(LedgerError, match="permission denied"):
            await retry_stalled(reader_conninfo)
        execute(database, "GRANT UPDATE ON twelvelabs_ledger TO reader")
        with pytest.raises(LedgerError, match=r"cannot create the tables of workers in the database on .*: permission"):
            await retry_stalled(reader_conninfo)
    finally:
        execute(database, "DROP OWNED BY reader")
        execute(database, "DROP ROLE reader")

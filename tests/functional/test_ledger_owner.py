"""A ledger in PostgreSQL has one owner, also after lost connections, pauses, and on several machines."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import LiteralString

import attrs
import psycopg
import pytest
from postgres import PostgresServer, pooler, postgres
from processes import PIPE, start_process

from twelvelabs_async import LedgerError, LedgerInUseError
from twelvelabs_async.ingest import Entry
from twelvelabs_async.ingest._postgres import LedgerConnection, LedgerPool, scalar
from twelvelabs_async.ingest._process_identity import ProcessIdentity, current_process, has_ended, running_since
from twelvelabs_async.ingest.postgres_ledger import _MAX_LEDGER_CONNECTIONS, PostgresLedger
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

ENTRY = Entry(token="t1", index_id="i", uri="/films/1.mp4", size=1, mtime_ns=2)
OTHER_ENTRY = attrs.evolve(ENTRY, token="t2", uri="/films/2.mp4")
SESSION = UploadState(
    upload_id="u", asset_id="a", filename="1.mp4", total_size=20, chunk_size=8, fingerprint="20-1-2-3"
)
PART = CompletedChunk(chunk_index=1, proof="etag", chunk_size=8)
OPEN_LEDGER = """
import asyncio, sys
from twelvelabs_async.ingest._postgres import LedgerConnection
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger

async def main():
    await PostgresLedger(sys.argv[1]).open()
    print("open", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def database(database_server: PostgresServer) -> str:
    """The URL of an empty database."""
    return database_server.reset_database()


@asynccontextmanager
async def open_ledger(database: str) -> AsyncGenerator[PostgresLedger]:
    ledger = PostgresLedger(database)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


def execute(database: str, query: LiteralString) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(query)


def age_heartbeat(database: str) -> None:
    execute(database, "UPDATE twelvelabs_ledger SET heartbeat = heartbeat - interval '16 seconds'")


async def test_a_second_run_fails_and_the_error_names_the_owner_process(database: str) -> None:
    async with open_ledger(database):
        with pytest.raises(LedgerInUseError, match=f"process {os.getpid()} on .*, last seen"):
            await PostgresLedger(database).open()
    async with open_ledger(database):
        pass


async def test_p28_a_run_keeps_its_ledger_when_the_database_ends_all_its_connections(database: str) -> None:
    async with open_ledger(database) as ledger:
        await ledger.claim(ENTRY)
        execute(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )
        with pytest.raises(LedgerInUseError):
            await PostgresLedger(database).open()
        await ledger.ensure_owned()
        await ledger.save(attrs.evolve(ENTRY, stage="uploading"))


async def test_p28_a_write_succeeds_after_the_database_has_ended_all_idle_sessions(database: str) -> None:
    async def hold(barrier: asyncio.Barrier, connection: LedgerConnection) -> None:
        await connection.execute("SELECT 1")
        await barrier.wait()

    async with open_ledger(f"{database}&options=-c%20idle_session_timeout%3D1s") as ledger:
        await ledger.claim(ENTRY)
        barrier = asyncio.Barrier(_MAX_LEDGER_CONNECTIONS)
        await asyncio.gather(*(ledger.run(partial(hold, barrier)) for _ in range(_MAX_LEDGER_CONNECTIONS)))
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as observer:
            sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = %s"
            while await scalar(observer, sessions, ("ClientRead",)):
                await asyncio.sleep(0.05)
        await ledger.save(attrs.evolve(ENTRY, stage="uploading"))


async def test_a_ledger_waits_between_connections_while_each_new_one_is_lost(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = 0

    async def check_connection(connection: LedgerConnection) -> None:
        nonlocal checks
        checks += 1
        await connection.close()
        raise psycopg.OperationalError("server login has been failing")

    async with open_ledger(database) as ledger:
        with monkeypatch.context() as patch:
            patch.setattr(LedgerPool, "check_connection", staticmethod(check_connection))
            patch.setattr(ledger._pool, "timeout", 0.5)
            with pytest.raises(LedgerError, match="no connection"):
                await ledger.save(ENTRY)
            assert checks <= _MAX_LEDGER_CONNECTIONS + 1


async def test_the_ledger_of_a_database_with_serializable_transactions_uses_read_committed(database: str) -> None:
    async with open_ledger(f"{database}&options=-c%20default_transaction_isolation%3Dserializable") as ledger:
        level = await ledger.run(partial(scalar, query="SHOW transaction_isolation"))
    assert level == "read committed"  # else a write may fail because of another one


async def test_p28_a_write_is_retried_if_pool_connections_are_closed(database: str) -> None:
    ends = 0

    async def claim(connection: LedgerConnection) -> int:
        nonlocal ends
        if ends < 5:
            ends += 1
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return ends

    async with open_ledger(database) as ledger:
        assert await ledger.run(claim) == 5


async def test_p28_a_run_whose_ledger_was_taken_over_writes_nothing(database: str) -> None:
    async with open_ledger(database) as suspended:
        await suspended.claim(ENTRY)
        age_heartbeat(database)
        async with open_ledger(database) as successor:
            for write in (
                suspended.ensure_owned(),
                suspended.claim(OTHER_ENTRY),
                suspended.save(attrs.evolve(ENTRY, stage="uploading")),
                suspended.save_upload("t1", SESSION),
                suspended.save_part("t1", PART),
            ):
                with pytest.raises(LedgerInUseError, match="taken over"):
                    await write
            assert [entry async for entry in successor.entries()] == [ENTRY]
            assert await successor.load_upload("t1") is None
            await suspended.close()
            await successor.ensure_owned()  # closing the suspended ledger does not release it


async def test_a_suspended_run_continues_if_no_other_took_over_its_ledger(database: str) -> None:
    async with open_ledger(database) as ledger:
        age_heartbeat(database)
        await ledger.ensure_owned()
        with pytest.raises(LedgerInUseError):
            await PostgresLedger(database).open()


async def test_the_ledger_of_a_killed_process_on_this_machine_can_be_opened(database: str) -> None:
    async with start_process(sys.executable, "-c", OPEN_LEDGER, database, stdout=PIPE) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        with pytest.raises(LedgerInUseError):
            await PostgresLedger(database).open()
        process.kill()
        await process.wait()
        async with open_ledger(database):
            pass


async def test_the_ledger_of_another_machine_is_taken_over_after_its_heartbeat_expires(database: str) -> None:
    async with open_ledger(database):
        execute(database, "UPDATE twelvelabs_ledger SET owner_host = 'elsewhere', owner_pid = 4194305")
        with pytest.raises(LedgerInUseError, match=r"process 4194305 on elsewhere.* try again in \d+ s"):
            await PostgresLedger(database).open()
        age_heartbeat(database)
        async with open_ledger(database):
            pass


async def test_a_database_that_is_not_utf8_is_rejected_when_the_ledger_is_opened(database: str) -> None:
    execute(database, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(LedgerError, match=r"database latin has the encoding LATIN1.*--encoding=UTF8"):
            await PostgresLedger(database.replace("/postgres?", "/latin?")).open()
    finally:
        execute(database, "DROP DATABASE latin")


def test_a_process_has_ended_if_its_pid_is_unused_or_reused() -> None:
    current = current_process()
    assert not has_ended(current, current)
    assert has_ended(attrs.evolve(current, started="1"), current)
    assert has_ended(attrs.evolve(current, pid=2**22 + 1), current)  # above the largest process ID of Linux
    for difference in ({"host": "elsewhere"}, {"boot_id": "earlier"}):
        assert not has_ended(attrs.evolve(current, pid=2**22 + 1, **difference), current)
    unknown = ProcessIdentity(host=current.host, boot_id="", pid=2**22 + 1)
    assert not has_ended(unknown, unknown)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_process_has_ended_before_its_exit_code_is_read() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = attrs.evolve(current_process(), pid=process.pid, started=running_since(process.pid) or "")
        assert not has_ended(child, current_process())
        process.kill()
        while not has_ended(child, current_process()):
            time.sleep(0.001)


async def test_p28_a_ledger_behind_a_pooler_in_transaction_mode_has_one_owner(
    database_server: PostgresServer, database: str
) -> None:
    with pooler(database_server) as pooler_url:
        async with open_ledger(pooler_url) as ledger:
            for _ in range(10):  # psycopg prepares a statement that it executes for the fifth time
                await asyncio.gather(*(ledger.find("i", "/films/1.mp4", 1, 2) for _ in range(5)))
            await ledger.claim(ENTRY)
            await ledger.save(attrs.evolve(ENTRY, stage="processing", asset_id="a"))
            with pytest.raises(LedgerInUseError):
                await PostgresLedger(database).open()
        async with open_ledger(database) as direct:
            assert (await direct.claim(ENTRY)).match == "same_file"

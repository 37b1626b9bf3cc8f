"""A ledger in PostgreSQL, for work that several machines share. Needs the extra `postgres`.

Each method is one statement or one transaction, so that a pooler such as pgbouncer may give each of them another
connection. A run of `client.ingest` owns the ledger: a row names its process, the time of its last heartbeat by the
clock of the database, and an epoch. Each new owner raises the epoch, and each write requires the epoch of its run, so
that a run that was suspended writes nothing after another run has taken the ledger over. Workers share a ledger without
an owner, because their queue gives each item to one worker at a time; they have an epoch for each step in addition. A
run and workers exclude each other: workers and submissions attach to the epoch that they find, and fail after a run has
raised it; a run fails to start while a worker sends heartbeats.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, LiteralString, TypeVar

import attrs
from psycopg import AsyncConnection, DataError, Error, InterfaceError, OperationalError, sql
from psycopg.rows import class_row, dict_row
from psycopg_pool import PoolTimeout
from typing_extensions import override

from twelvelabs_async._concurrency import FILE_THREADS
from twelvelabs_async._text import printable
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError, LedgerError, LedgerInUseError
from twelvelabs_async.ingest._postgres import (
    ENTRY_FIELDS,
    NO_FENCE,
    POOLER_OPTIONS,
    Fence,
    FencedEntries,
    LedgerAccess,
    LedgerConnection,
    LedgerPool,
    database_error_line,
    ensure_usable_loop,
    has_table,
    scalar,
    server_address,
    with_connection_timeouts,
)
from twelvelabs_async.ingest._process_identity import (
    OWNER_HEARTBEAT_INTERVAL,
    OWNER_TIMEOUT,
    ProcessIdentity,
    current_process,
    has_ended,
)
from twelvelabs_async.ingest.ledger import Claim, Entry

_logger: Final = logging.getLogger(__name__)

_T = TypeVar("_T")


_PAGE_SIZE: Final = 500
"""Entries that one query reads."""

_MAX_LEDGER_CONNECTIONS: Final = 8
"""Connections of one ledger."""

_LEDGER_CONNECTION_TIMEOUT: Final = 30.0
"""Seconds to wait for a connection while the database is unreachable or all connections are in use."""

_SCHEMA_LOCK_ID: Final = 0x544C4C67
"""Id of the advisory lock that a transaction holds while it creates or upgrades the tables."""

_POSTGRES_MIGRATIONS: Final[tuple[LiteralString, ...]] = (
    """
    CREATE TABLE twelvelabs_ledger (
        name text NOT NULL,
        version integer NOT NULL,
        epoch bigint NOT NULL DEFAULT 0,
        owner_host text,
        owner_boot_id text,
        owner_pid integer,
        owner_started text,
        heartbeat timestamptz,
        workers_epoch bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE twelvelabs_entries (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        token text NOT NULL UNIQUE,
        index_id text NOT NULL,
        uri text NOT NULL,
        size bigint NOT NULL,
        mtime_ns bigint NOT NULL,
        dedupe_key text NOT NULL,
        stage text NOT NULL,
        state text NOT NULL,
        asset_id text,
        indexed_asset_id text,
        error text NOT NULL,
        attempts integer NOT NULL,
        run_id text NOT NULL,
        created_at double precision NOT NULL,
        updated_at double precision NOT NULL,
        UNIQUE (index_id, uri, size, mtime_ns)
    );
    CREATE UNIQUE INDEX twelvelabs_entries_by_dedupe_key ON twelvelabs_entries (index_id, dedupe_key)
    WHERE dedupe_key <> '';
    CREATE INDEX twelvelabs_open ON twelvelabs_entries (index_id, stage) WHERE state = 'open';
    CREATE TABLE twelvelabs_uploads (token text PRIMARY KEY, state text NOT NULL);
    CREATE TABLE twelvelabs_parts (
        token text NOT NULL,
        number integer NOT NULL,
        etag text NOT NULL,
        size bigint NOT NULL,
        PRIMARY KEY (token, number)
    );
    """,
)
"""Scripts that create the schema and then upgrade it, one for each version."""

_HAS_DEDUPE_KEY: Final = """
    SELECT count(*) FROM pg_attribute WHERE attrelid = 'twelvelabs_entries'::regclass AND attname = 'dedupe_key'
"""

_COLUMNS: Final = sql.SQL(", ").join(map(sql.Identifier, ENTRY_FIELDS))
_SELECT: Final = sql.SQL("SELECT {} FROM twelvelabs_entries ").format(_COLUMNS)
_INSERT: Final = sql.SQL("INSERT INTO twelvelabs_entries ({}) SELECT {} WHERE ").format(
    _COLUMNS, sql.SQL(", ").join(map(sql.Placeholder, ENTRY_FIELDS))
)
_SELECT_SAME_FILE: Final = _SELECT + sql.SQL(
    "WHERE index_id = %(index_id)s AND uri = %(uri)s AND size = %(size)s AND mtime_ns = %(mtime_ns)s"
)
_SELECT_DUPLICATE: Final = _SELECT + sql.SQL(
    "WHERE index_id = %(index_id)s AND dedupe_key = %(dedupe_key)s AND dedupe_key <> ''"
)
_SELECT_PREVIOUS: Final = _SELECT + sql.SQL(
    "WHERE index_id = %(index_id)s AND uri = %(uri)s AND token <> %(token)s ORDER BY number DESC LIMIT 1"
)


_LIVE_WORKERS: Final = """
    SELECT count(*) FROM twelvelabs_workers JOIN procrastinate_workers AS sender ON sender.id = worker_id
    WHERE sender.last_heartbeat > clock_timestamp() - make_interval(secs => %s)
"""


class PostgresLedger(FencedEntries):
    """A ledger in the default schema of a database.

    Args:
        url: URL of the database, such as `postgresql://user@host/database`.
        access: `exclusive` for a run of `client.ingest`; `shared` for workers and submissions; `read` at any time.

    Example:
        from twelvelabs_async.ingest.postgres_ledger import PostgresLedger

        await client.ingest("holiday/", index_id=index.id, ledger=PostgresLedger(ledger_url)).summary()
    """

    def __init__(self, url: str, *, access: LedgerAccess = "exclusive") -> None:
        super().__init__(NO_FENCE)
        self._url = url
        self._access: LedgerAccess = access
        self._pool: LedgerPool | None = None
        self._heartbeat_task: asyncio.Task[None] | None = None

    async def open(self) -> str:
        """Connect, create or upgrade the tables, own or attach to the ledger, and return its name.

        Raises:
            LedgerInUseError: Another ingestion uses the ledger, or workers use it and the access is `exclusive`.
            LedgerError: The database cannot be reached, has another encoding than UTF-8, or the ledger has another
                version.
        """
        if self._pool is not None:
            raise LedgerInUseError("another ingestion uses this ledger")
        ensure_usable_loop()
        async with await self._connect():
            pass  # the pool would not say why it cannot connect
        try:
            pool = LedgerPool(
                with_connection_timeouts(self._url),
                min_size=1,
                max_size=_MAX_LEDGER_CONNECTIONS,
                open=False,
                kwargs={**POOLER_OPTIONS, "autocommit": True},
                timeout=_LEDGER_CONNECTION_TIMEOUT,
            )
            self._pool = pool
            await pool.open(wait=True, timeout=10)
            name = await self.run(_migrate, transaction=True)
            if self._access == "exclusive":
                observer = await FILE_THREADS.run(current_process)
                epoch = await self.run(partial(_take_over, observer), transaction=True)
                self._fence = _epoch_fence(
                    epoch,
                    "another ingestion has taken over this ledger, because this one sent no heartbeat for "
                    f"{OWNER_TIMEOUT:g} s; this one has stopped",
                )
                self._heartbeat_task = asyncio.create_task(self._send_heartbeats())
            elif self._access == "shared":
                await self.attach()
        except PoolTimeout as error:
            await self.close()
            raise LedgerError(f"cannot use the database of the ledger: {database_error_line(error)}") from None
        except BaseException:
            await self.close()
            raise
        return name

    async def exists(self) -> bool:
        """Return whether the database has a ledger. Creates nothing; the ledger need not be open.

        Raises:
            LedgerError: The database cannot be reached.
        """
        ensure_usable_loop()
        try:
            async with await self._connect() as connection:
                return await has_table(connection, "twelvelabs_ledger")
        except Error as error:
            raise LedgerError(f"cannot use the database of the ledger: {database_error_line(error)}") from None

    async def _connect(self) -> LedgerConnection:
        try:
            return await AsyncConnection.connect(with_connection_timeouts(self._url), **POOLER_OPTIONS)
        except Error as error:
            raise LedgerError(
                f"cannot connect to the database of the ledger on {server_address(self._url)}: "
                f"{database_error_line(error)}"
            ) from None

    async def attach(self) -> None:
        """Share the ledger with other workers and submissions until a run of `client.ingest` takes it over.

        Raises:
            LedgerInUseError: A run of `client.ingest` uses the ledger.
            LedgerError: The database cannot be used.
        """
        observer = await FILE_THREADS.run(current_process)
        epoch = await self.run(partial(_lock_unowned, observer), transaction=True)
        self._fence = _epoch_fence(epoch, "a run of client.ingest has taken over this ledger")

    @property
    def fence(self) -> Fence:
        """What each write of this ledger requires."""
        return self._fence

    async def close(self) -> None:
        """Release the ledger and close the connections."""
        pool, heartbeat_task, self._heartbeat_task = self._pool, self._heartbeat_task, None
        try:
            if heartbeat_task is not None:
                heartbeat_task.cancel()
                await asyncio.wait([heartbeat_task])
                query: LiteralString = "UPDATE twelvelabs_ledger SET heartbeat = NULL WHERE {fence}"
                with suppress(LedgerError):  # another ingestion has taken over, or waits for `OWNER_TIMEOUT`
                    await self.run(partial(self._write, query=query, values={}))
        finally:
            self._pool, self._fence = None, NO_FENCE
            if pool is not None:
                await pool.close()

    async def ensure_owned(self) -> None:
        """Send a heartbeat; return if no other ingestion has taken over.

        Raises:
            LedgerInUseError: Another ingestion has taken over.
            LedgerError: The database cannot be used.
        """
        if self._access == "exclusive":
            query: LiteralString = "UPDATE twelvelabs_ledger SET heartbeat = clock_timestamp() WHERE {fence}"
            await self.run(partial(self._write, query=query, values={}))

    async def time(self) -> float:
        """Return the time by the clock of the database, in seconds since the epoch."""
        query: LiteralString = "SELECT extract(epoch FROM clock_timestamp())::float"
        return float(await self.run(partial(scalar, query=query)))

    async def _send_heartbeats(self) -> None:
        """Send heartbeats until another ingestion has taken over."""
        while True:
            await SystemClock().sleep(OWNER_HEARTBEAT_INTERVAL)
            try:
                await self.ensure_owned()
            except LedgerInUseError:
                return  # each write raises it as well
            except LedgerError as error:
                _logger.warning("could not send a heartbeat to the ledger: %s", printable(str(error)))

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """Return the entry of this file in this index, or None."""
        identity = {"index_id": index_id, "uri": uri, "size": size, "mtime_ns": mtime_ns}
        return await self.run(partial(_select_one, _SELECT_SAME_FILE, identity))

    async def claim(self, entry: Entry) -> Claim:
        """Add `entry` in one atomic step, unless its file has an entry.

        Raises:
            LedgerInUseError: Another ingestion has taken over.
        """
        return await self.run(partial(self._claim, entry), transaction=True)

    async def _claim(self, entry: Entry, connection: LedgerConnection) -> Claim:
        values = attrs.asdict(entry)
        query = _INSERT + sql.SQL(self._fence.condition) + sql.SQL(" ON CONFLICT DO NOTHING")
        cursor = await connection.execute(query, {**values, **self._fence.values})
        if cursor.rowcount:
            return Claim(entry=entry, match="new", previous=await _select_one(_SELECT_PREVIOUS, values, connection))
        existing = await _select_one(_SELECT_SAME_FILE, values, connection)
        if existing is not None:
            return Claim(entry=existing, match="same_file")
        duplicate = await _select_one(_SELECT_DUPLICATE, values, connection)
        if duplicate is None:
            raise LedgerInUseError(self._fence.error or f"the ledger has another file under the token {entry.token}")
        return Claim(entry=duplicate, match="duplicate")

    async def entries(self) -> AsyncIterator[Entry]:
        """Yield all entries, oldest first."""
        last = 0
        while page := await self.run(partial(_select_page, last)):
            for last, entry in page:  # noqa: B007  # the next page starts after it
                yield entry

    @override
    async def run(self, operation: Callable[[LedgerConnection], Awaitable[_T]], *, transaction: bool = False) -> _T:
        """Return the result of an operation, which must be idempotent; it is repeated if its connection is lost.

        A database that ends its connections one by one may end each connection of the pool under one operation.

        Raises:
            InvalidInputError: The database cannot store a value.
            LedgerError: The ledger is not open, or the database cannot be used.
        """
        for _ in range(_MAX_LEDGER_CONNECTIONS):
            with suppress(_ConnectionLostError):
                async with self.connection(transaction=transaction) as connection:
                    return await operation(connection)
        async with self.connection(transaction=transaction) as connection:
            return await operation(connection)

    @asynccontextmanager
    async def connection(self, *, transaction: bool = False) -> AsyncGenerator[LedgerConnection]:
        """Yield a connection with autocommit or with a transaction, also for other tables in the same database.

        Raises:
            InvalidInputError: The database cannot store a value.
            LedgerError: The ledger is not open, or the database cannot be used.
        """
        if self._pool is None:
            raise LedgerError("the ledger is not open")
        try:
            async with self._pool.connection() as connection:
                if transaction:
                    async with connection.transaction():
                        yield connection
                else:
                    yield connection
        except (DataError, UnicodeError) as error:
            raise InvalidInputError(f"the ledger cannot store this item: {database_error_line(error)}") from None
        except PoolTimeout:
            raise LedgerError(
                f"no connection to the database of the ledger on {server_address(self._url)} for "
                f"{_LEDGER_CONNECTION_TIMEOUT:g} s"
            ) from None
        except Error as error:
            kind = _ConnectionLostError if isinstance(error, OperationalError | InterfaceError) else LedgerError
            raise kind(f"cannot read or write the ledger: {database_error_line(error)}") from None


class _ConnectionLostError(LedgerError):
    """The connection ended; the operation may have been executed."""


async def _migrate(connection: LedgerConnection) -> str:
    """Create or upgrade the tables, and return the name of the ledger."""
    encoding = await scalar(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        raise LedgerError(
            f"the database {connection.info.dbname} has the encoding {encoding}, which cannot store all file names; "
            "create one with createdb --encoding=UTF8 --template=template0"
        )
    await connection.execute("SELECT pg_advisory_xact_lock(%s, 1)", (_SCHEMA_LOCK_ID % 2**31,))
    version = 0
    if await has_table(connection, "twelvelabs_ledger"):
        version = int(await scalar(connection, "SELECT version FROM twelvelabs_ledger") or 0)
        if not await scalar(connection, _HAS_DEDUPE_KEY):
            raise LedgerError(
                "the ledger in this database was written by version 0.1 of the package, which this version cannot "
                "read; finish the ingestion with version 0.1, or use another database"
            )
    if version > len(_POSTGRES_MIGRATIONS):
        raise LedgerError(
            f"the ledger has schema version {version}; this version of the package supports up to "
            f"{len(_POSTGRES_MIGRATIONS)}"
        )
    for step in _POSTGRES_MIGRATIONS[version:]:
        await connection.execute(step)
    if not version:
        await connection.execute("INSERT INTO twelvelabs_ledger VALUES (%s, 0)", (secrets.token_hex(8),))
    if version < len(_POSTGRES_MIGRATIONS):
        await connection.execute("UPDATE twelvelabs_ledger SET version = %s", (len(_POSTGRES_MIGRATIONS),))
    return str(await scalar(connection, "SELECT name FROM twelvelabs_ledger"))


def _epoch_fence(epoch: int, error: str) -> Fence:
    return Fence(
        condition="EXISTS (SELECT FROM twelvelabs_ledger AS ledger WHERE ledger.epoch = %(ledger_epoch)s)",
        values={"ledger_epoch": epoch},
        error=error,
    )


async def _lock_unowned(process: ProcessIdentity, connection: LedgerConnection) -> int:
    """Lock the row of the owner until the transaction ends, and return the epoch.

    Raises:
        LedgerInUseError: The present owner may still be running.
    """
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        "SELECT owner_host AS host, owner_boot_id AS boot_id, owner_pid AS pid, owner_started AS started, epoch, "
        "extract(epoch FROM clock_timestamp() - heartbeat)::float AS age FROM twelvelabs_ledger FOR UPDATE"
    )
    row: dict[str, Any] = await cursor.fetchone() or {}
    age: float | None = row.pop("age")
    epoch = int(row.pop("epoch"))
    if age is not None and age < OWNER_TIMEOUT:
        owner = ProcessIdentity(**row)
        if not await FILE_THREADS.run(has_ended, owner, process):
            raise LedgerInUseError(
                f"another ingestion uses the ledger in this database: process {owner.pid} on {owner.host}, last seen "
                f"{max(0.0, age):.0f} s ago; if that machine is down, try again in {OWNER_TIMEOUT - age:.0f} s"
            )
    return epoch


async def _take_over(process: ProcessIdentity, connection: LedgerConnection) -> int:
    """Make a process the owner of the ledger, and return its epoch.

    Raises:
        LedgerInUseError: The present owner may still be running, or workers are.
    """
    await _lock_unowned(process, connection)
    if await has_table(connection, "twelvelabs_workers"):
        workers = await scalar(connection, _LIVE_WORKERS, (OWNER_TIMEOUT,))
        if workers:
            raise LedgerInUseError(
                f"{workers} {'worker uses' if workers == 1 else 'workers use'} the ledger in this database; submit the "
                f"videos to them (--submit), or stop them and try again after {OWNER_TIMEOUT:g} s"
            )
    query: LiteralString = """
        UPDATE twelvelabs_ledger SET epoch = epoch + 1, owner_host = %(host)s, owner_boot_id = %(boot_id)s,
            owner_pid = %(pid)s, owner_started = %(started)s, heartbeat = clock_timestamp() RETURNING epoch
    """
    return int(await scalar(connection, query, attrs.asdict(process)))


async def _select_one(query: sql.Composed, values: Mapping[str, Any], connection: LedgerConnection) -> Entry | None:
    cursor = connection.cursor(row_factory=class_row(Entry))
    return await (await cursor.execute(query, values)).fetchone()


async def _select_page(after: int, connection: LedgerConnection) -> Sequence[tuple[int, Entry]]:
    query = sql.SQL("SELECT number, {} FROM twelvelabs_entries WHERE number > %s ORDER BY number LIMIT %s")
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query.format(_COLUMNS), (after, _PAGE_SIZE))
    return [(row.pop("number"), Entry(**row)) async for row in cursor]

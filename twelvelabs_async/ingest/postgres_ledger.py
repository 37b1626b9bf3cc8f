"""A ledger in PostgreSQL, for work that is spread over machines. Needs `pip install 'twelvelabs-async[postgres]'`.

What is written is safe when a method returns: each is one statement or one transaction, and PostgreSQL commits to disk.
A run that is alone with it (`client.ingest`) holds a lock of the database, which ends with its connection; workers that
share it do not, for their queue gives no item to two of them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import attrs
from psycopg import AsyncConnection, Error, sql
from psycopg.rows import TupleRow, class_row, scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from twelvelabs_async.errors import LedgerError, LedgerInUseError
from twelvelabs_async.ingest.connecting import bounded
from twelvelabs_async.ingest.ledger import Claim, Entry, SavedUpload
from twelvelabs_async.ingest.memory_ledger import BEFORE_ASSET
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.uploads.state import UploadState

PAGE: Final = 500
"""Entries read at a time."""

CONNECTIONS: Final = 8
"""Connections of one ledger at most."""

WAIT: Final = 30.0
"""Seconds to wait for a connection while the database is away, or others have them all."""

LOCK: Final = 0x544C4C67
"""Names our locks among those of the database."""

STEPS: Final[tuple[LiteralString, ...]] = (
    """
    CREATE TABLE twelvelabs_ledger (name text NOT NULL, version integer NOT NULL);
    CREATE TABLE twelvelabs_entries (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        token text NOT NULL UNIQUE,
        index_id text NOT NULL,
        uri text NOT NULL,
        size bigint NOT NULL,
        mtime_ns bigint NOT NULL,
        twin text NOT NULL,
        stage text NOT NULL,
        state text NOT NULL,
        asset_id text,
        indexed_asset_id text,
        error text NOT NULL,
        attempts integer NOT NULL,
        run text NOT NULL,
        created_at double precision NOT NULL,
        updated_at double precision NOT NULL,
        UNIQUE (index_id, uri, size, mtime_ns)
    );
    CREATE UNIQUE INDEX twelvelabs_twins ON twelvelabs_entries (index_id, twin) WHERE twin <> '';
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
"""What leads from each version of the schema to the next one."""

_FIELDS: Final = tuple(field.name for field in attrs.fields(Entry))
_COLUMNS: Final = sql.SQL(", ").join(map(sql.Identifier, _FIELDS))
_SELECT: Final = sql.SQL("SELECT {} FROM twelvelabs_entries ").format(_COLUMNS)
_INSERT: Final = sql.SQL("INSERT INTO twelvelabs_entries ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
    _COLUMNS, sql.SQL(", ").join(map(sql.Placeholder, _FIELDS))
)
_UPDATE: Final = sql.SQL("UPDATE twelvelabs_entries SET {} WHERE token = %(token)s").format(
    sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in _FIELDS)
)
_KNOWN: Final = _SELECT + sql.SQL(
    "WHERE index_id = %(index_id)s AND uri = %(uri)s AND size = %(size)s AND mtime_ns = %(mtime_ns)s"
)
_TWIN: Final = _SELECT + sql.SQL("WHERE index_id = %(index_id)s AND twin = %(twin)s AND twin <> ''")
_OLDER: Final = _SELECT + sql.SQL(
    "WHERE index_id = %(index_id)s AND uri = %(uri)s AND token <> %(token)s ORDER BY number DESC LIMIT 1"
)

Connection = AsyncConnection[TupleRow]


class PostgresLedger:
    """Keeps its tables in the default schema of a database.

    Args:
        url: Such as `postgresql://user@host/database`.
        shared: Whether others may work with it at the same time.
    """

    def __init__(self, url: str, *, shared: bool = False) -> None:
        self._url = url
        self._shared = shared
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._holding: Connection | None = None

    async def open(self) -> str:
        """Connect, bring the tables up to date, and lock them unless they are shared.

        Raises:
            LedgerInUseError: Somebody else works with it, and it is not shared.
            LedgerError: The database cannot be reached, or its tables are newer than this version.
        """
        if self._pool is not None:
            raise LedgerInUseError("another ingestion works with this ledger")
        try:
            if not self._shared:
                self._holding = await self._hold()
            pool = AsyncConnectionPool[Connection](
                bounded(self._url),
                min_size=1,
                max_size=CONNECTIONS,
                open=False,
                kwargs={"autocommit": True},
                check=AsyncConnectionPool.check_connection,  # the database may have been started anew
                timeout=WAIT,
            )
            self._pool = pool
            await pool.open(wait=True, timeout=10)
            return await self._prepared()
        except (Error, PoolTimeout) as error:
            await self.close()
            raise LedgerError(f"the database of the ledger cannot be used: {_plain(error)}") from None
        except BaseException:
            await self.close()
            raise

    async def _hold(self) -> Connection:
        connection = await AsyncConnection.connect(bounded(self._url), autocommit=True)
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            await connection.close()
            raise LedgerInUseError("another ingestion works with the ledger in this database")
        return connection

    async def _prepared(self) -> str:
        async with self._transaction() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(%s, 1)", (LOCK % 2**31,))
            cursor = await connection.execute("SELECT to_regclass('twelvelabs_ledger') IS NOT NULL")
            there = await cursor.fetchone()
            version = 0
            if there is not None and there[0]:
                cursor = await connection.execute("SELECT version FROM twelvelabs_ledger")
                ((version,),) = await cursor.fetchall()
            if version > len(STEPS):
                raise LedgerError(f"the ledger has version {version}; this one knows up to {len(STEPS)}")
            for step in STEPS[version:]:
                await connection.execute(step)
            if not version:
                await connection.execute(
                    "INSERT INTO twelvelabs_ledger VALUES (%s, %s)", (secrets.token_hex(8), len(STEPS))
                )
            await connection.execute("UPDATE twelvelabs_ledger SET version = %s", (len(STEPS),))
            scalar = connection.cursor(row_factory=scalar_row)
            await scalar.execute("SELECT name FROM twelvelabs_ledger")
            return str(await scalar.fetchone())

    async def close(self) -> None:
        """Let go of it."""
        pool, self._pool = self._pool, None
        holding, self._holding = self._holding, None
        try:
            if pool is not None:
                await pool.close()
        finally:
            if holding is not None:
                await holding.close()

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """The entry of this very file in this index."""
        async with self.connection() as connection:
            identity = {"index_id": index_id, "uri": uri, "size": size, "mtime_ns": mtime_ns}
            return await _one(connection, _KNOWN, identity)

    async def claim(self, entry: Entry) -> Claim:
        """Write `entry` down unless its file is known, in one step."""
        values = attrs.asdict(entry)
        async with self._transaction() as connection:
            cursor = await connection.execute(_INSERT, values)
            if cursor.rowcount:
                return Claim(entry=entry, kinship="new", older=await _one(connection, _OLDER, values))
            known = await _one(connection, _KNOWN, values)
            if known is not None:
                return Claim(entry=known, kinship="known")
            twin = await _one(connection, _TWIN, values)
            if twin is None:
                raise LedgerError("the ledger has an entry of this token for another file")
            return Claim(entry=twin, kinship="twin")

    async def save(self, entry: Entry) -> None:
        """Put `entry` in the place of the one with its token."""
        async with self._transaction() as connection:
            await connection.execute(_UPDATE, attrs.asdict(entry))
            if entry.stage not in BEFORE_ASSET:
                await connection.execute("DELETE FROM twelvelabs_uploads WHERE token = %s", (entry.token,))
                await connection.execute("DELETE FROM twelvelabs_parts WHERE token = %s", (entry.token,))

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Note that an upload in parts has begun."""
        async with self._transaction() as connection:
            await connection.execute(
                "INSERT INTO twelvelabs_uploads VALUES (%s, %s) "
                "ON CONFLICT (token) DO UPDATE SET state = EXCLUDED.state",
                (token, json.dumps(attrs.asdict(state))),
            )
            await connection.execute("DELETE FROM twelvelabs_parts WHERE token = %s", (token,))

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Note that storage has confirmed a part."""
        async with self.connection() as connection:
            await connection.execute(
                "INSERT INTO twelvelabs_parts VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (token, number) DO UPDATE SET etag = EXCLUDED.etag, size = EXCLUDED.size",
                (token, part.chunk_index, part.proof, part.chunk_size),
            )

    async def upload(self, token: str) -> SavedUpload | None:
        """The upload in parts that had begun."""
        async with self.connection() as connection:
            cursor = await connection.execute("SELECT state FROM twelvelabs_uploads WHERE token = %s", (token,))
            row = await cursor.fetchone()
            if row is None:
                return None
            query = "SELECT number, etag, size FROM twelvelabs_parts WHERE token = %s ORDER BY number"
            found = await (await connection.execute(query, (token,))).fetchall()
        parts = tuple(CompletedChunk(chunk_index=number, proof=etag, chunk_size=size) for number, etag, size in found)
        return SavedUpload(state=UploadState(**json.loads(row[0])), parts=parts)

    async def entries(self) -> AsyncIterator[Entry]:
        """All entries, oldest first, a page at a time."""
        last = 0
        while page := await self._page(last):
            for last, entry in page:  # noqa: B007  # where the next page begins
                yield entry

    async def _page(self, after: int) -> Sequence[tuple[int, Entry]]:
        query = sql.SQL("SELECT number, {} FROM twelvelabs_entries WHERE number > %s ORDER BY number LIMIT %s")
        async with self.connection() as connection:
            cursor = await connection.execute(query.format(_COLUMNS), (after, PAGE))
            return [(number, Entry(**dict(zip(_FIELDS, row, strict=True)))) async for number, *row in cursor]

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """One of its connections, in which each statement is a transaction; for tables beside its own.

        Raises:
            LedgerError: It is not open, or the database cannot be used.
        """
        if self._pool is None:
            raise LedgerError("the ledger is not open")
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (Error, PoolTimeout) as error:
            raise LedgerError(f"the ledger cannot be read or written: {_plain(error)}") from None

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[Connection]:
        async with self.connection() as connection, connection.transaction():
            yield connection


async def _one(connection: Connection, query: sql.Composed, values: dict[str, Any]) -> Entry | None:
    cursor = connection.cursor(row_factory=class_row(Entry))
    await cursor.execute(query, values)
    return await cursor.fetchone()


def _plain(error: Exception) -> str:
    """The first line of what the database says; addresses in it hold no password."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


__all__ = ["PostgresLedger"]

"""Connections to a ledger in PostgreSQL, and writes that stop once another process has taken over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, LiteralString, TypeVar

import attrs
from psycopg import AsyncConnection, OperationalError, ProgrammingError, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow, scalar_row
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from twelvelabs_async._arguments import describe
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError, LedgerError, LedgerInUseError
from twelvelabs_async.ingest.ledger import Entry, SavedUpload
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

T = TypeVar("T")

CONNECTION_TIMEOUTS: Final = {
    "connect_timeout": 10,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""Parameters of libpq: seconds, except `tcp_user_timeout` in milliseconds.

Without them a connection to a host that has vanished may block for hours.
"""


def ensure_usable_loop() -> None:
    """Raise `LedgerError` in an event loop in which psycopg cannot connect: the default one of Windows."""
    proactor: Any = getattr(asyncio, "ProactorEventLoop", None)
    if proactor is not None and isinstance(asyncio.get_running_loop(), proactor):
        raise LedgerError(
            "a ledger in PostgreSQL cannot be used in asyncio's ProactorEventLoop, the default on Windows; run the "
            "program by asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)"
        )


def with_connection_timeouts(url: str) -> str:
    """Return a database URL with those of `CONNECTION_TIMEOUTS` that it does not set.

    Raises:
        InvalidInputError: The URL is not valid. Because of passwords, the message does not repeat any part of it.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"the URL of the database must be a string, got {describe(url)}")
    try:
        values = conninfo_to_dict(url)
    except (ProgrammingError, UnicodeEncodeError):
        values = {"port": "not valid"}
    port = str(values.get("port") or "0").replace(",", "")
    if not port.isdecimal() or "@" in f"{values.get('host')}{values.get('dbname')}":  # a part of a password
        raise InvalidInputError(
            "the URL of the database is not valid; it must be like postgresql://user@host:5432/database, and special "
            "characters of a password must be percent-encoded"
        )
    return make_conninfo("", **{**CONNECTION_TIMEOUTS, **values})


def server_address(url: str) -> str:
    """Return the server of a database URL without user name and password, such as `db.example:5432`."""
    values = conninfo_to_dict(url)
    host = values.get("host") or values.get("hostaddr")
    if not host:
        return "the default server"
    return f"{host}:{values['port']}" if values.get("port") else str(host)


def database_error_line(error: Exception) -> str:
    """Return the first line of an error of the database. libpq prints no passwords."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


POOLER_OPTIONS: Final[Mapping[str, Any]] = {"prepare_threshold": None, "client_encoding": "UTF8"}
"""Options of a connection. A pooler may execute each transaction on another connection, without prepared statements."""

ENTRY_FIELDS: Final = tuple(field.name for field in attrs.fields(Entry))

_ASSIGNMENTS: Final = sql.SQL(", ").join(
    sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in ENTRY_FIELDS
)

LedgerConnection = AsyncConnection[TupleRow]


LOST_CONNECTION_DELAY: Final = 1.0
"""Seconds between two attempts to get a connection while each new one is lost."""

SESSION_PARAMETERS: Final = {
    "default_transaction_isolation": "read committed",
    "datestyle": "ISO",
    "extra_float_digits": "1",
}
"""Parameters that the ledger and its queue need, which a database or a role may set otherwise."""


class LedgerPool(AsyncConnectionPool[LedgerConnection]):
    """A pool that sets `SESSION_PARAMETERS`, and replaces lost connections immediately.

    A restart or an idle timeout of the database ends all idle connections. The check of the base class waits a second
    after the first lost connection, and twice as long after each other one.
    """

    def __init__(self, conninfo: str, *, timeout: float, **options: Any) -> None:
        options.pop("check", None)
        super().__init__(conninfo, timeout=timeout, configure=_set_parameters, **options)

    @override
    async def getconn(self, timeout: float | None = None) -> LedgerConnection:
        """Return a connection that works."""
        clock = SystemClock()
        deadline = clock.monotonic() + (self.timeout if timeout is None else timeout)
        failed_checks = 0
        while True:
            if failed_checks > self.max_size:  # new connections are lost, too: the database behind a pooler is down
                await clock.sleep(LOST_CONNECTION_DELAY)
            connection = await super().getconn(deadline - clock.monotonic())
            try:
                await self.check_connection(connection)
            except OperationalError:
                await self.putconn(connection)
                failed_checks += 1
            except BaseException:
                await self.putconn(connection)
                raise
            else:
                return connection


LedgerAccess = Literal["exclusive", "shared", "read"]
"""How a ledger is used: by one run, by workers and submissions, or by readers."""


@attrs.frozen(kw_only=True)
class Fence:
    """A condition in SQL that each write requires; false once another process has taken over."""

    condition: LiteralString
    """The condition in SQL."""
    values: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Values of its placeholders."""
    error: str = ""
    """Message of the error that a write raises if the condition is false."""


NO_FENCE: Final = Fence(condition="true")


class FencedEntries:
    """Writes entries and their uploads while a condition holds.

    Args:
        fence: The condition.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    async def save(self, entry: Entry) -> None:
        """Replace the entry that has the same token.

        Raises:
            LedgerInUseError: Another process has taken over.
        """
        await self.run(partial(self._save, entry), transaction=not entry.keeps_upload)

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Save the session of a multipart upload."""
        await self.run(partial(self._save_upload, token, json.dumps(attrs.asdict(state))), transaction=True)

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Save a part that storage has confirmed."""
        query: LiteralString = (
            "INSERT INTO twelvelabs_parts SELECT %(token)s, %(number)s, %(etag)s, %(size)s WHERE {fence} "
            "ON CONFLICT (token, number) DO UPDATE SET etag = EXCLUDED.etag, size = EXCLUDED.size"
        )
        values = {"token": token, "number": part.chunk_index, "etag": part.proof, "size": part.chunk_size}
        await self.run(partial(self._write, query=query, values=values))

    async def load_upload(self, token: str) -> SavedUpload | None:
        """Return the saved multipart upload of an entry, or None."""
        return await self.run(partial(_select_upload, token))

    async def run(self, operation: Callable[[LedgerConnection], Awaitable[T]], *, transaction: bool = False) -> T:
        """Return the result of an operation on the database."""
        raise NotImplementedError

    async def _save(self, entry: Entry, connection: LedgerConnection) -> None:
        query = "UPDATE twelvelabs_entries SET {assignments} WHERE token = %(token)s AND {fence}"
        await self._write(connection, query, attrs.asdict(entry), assignments=_ASSIGNMENTS)
        if not entry.keeps_upload:
            await connection.execute("DELETE FROM twelvelabs_uploads WHERE token = %s", (entry.token,))
            await connection.execute("DELETE FROM twelvelabs_parts WHERE token = %s", (entry.token,))

    async def _save_upload(self, token: str, state: str, connection: LedgerConnection) -> None:
        query = (
            "INSERT INTO twelvelabs_uploads SELECT %(token)s, %(state)s WHERE {fence} "
            "ON CONFLICT (token) DO UPDATE SET state = EXCLUDED.state"
        )
        await self._write(connection, query, {"token": token, "state": state})
        await connection.execute("DELETE FROM twelvelabs_parts WHERE token = %s", (token,))

    async def _write(
        self, connection: LedgerConnection, query: LiteralString, values: Mapping[str, Any], **parts: sql.Composable
    ) -> None:
        """Execute a query in which `{fence}` stands for the condition, and other names for `parts`.

        Raises:
            LedgerInUseError: It has written nothing.
        """
        fenced = sql.SQL(query).format(fence=sql.SQL(self._fence.condition), **parts)
        cursor = await connection.execute(fenced, {**values, **self._fence.values})
        if not cursor.rowcount:
            raise LedgerInUseError(self._fence.error or "the ledger has no such entry")


async def _set_parameters(connection: LedgerConnection) -> None:
    for name, value in SESSION_PARAMETERS.items():
        await connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    await connection.commit()


async def scalar(
    connection: LedgerConnection, query: LiteralString | sql.Composed, values: Sequence[object] | Mapping[str, Any] = ()
) -> Any:
    """Return the first column of the first row that a query returns; None if it returns no row."""
    cursor = connection.cursor(row_factory=scalar_row)
    return await (await cursor.execute(query, values)).fetchone()


async def has_table(connection: LedgerConnection, name: str) -> bool:
    """Return whether the default schema has a table."""
    return bool(await scalar(connection, "SELECT to_regclass(%s) IS NOT NULL", (name,)))


async def _select_upload(token: str, connection: LedgerConnection) -> SavedUpload | None:
    state = await scalar(connection, "SELECT state FROM twelvelabs_uploads WHERE token = %s", (token,))
    if state is None:
        return None
    query = "SELECT number, etag, size FROM twelvelabs_parts WHERE token = %s ORDER BY number"
    found = await (await connection.execute(query, (token,))).fetchall()
    parts = tuple(CompletedChunk(chunk_index=number, proof=etag, chunk_size=size) for number, etag, size in found)
    return SavedUpload(state=UploadState(**json.loads(state)), parts=parts)

"""A ledger in a SQLite file.

One thread uses the database. It executes the commands of many tasks in one transaction, and each task waits until that
transaction is on disk. Commands that arrive during a commit form the next transaction, so that a slow disk causes
larger transactions and not a longer queue.

The run that uses a ledger is its owner: a row names its process and an epoch, which each new owner raises. Each
transaction requires the epoch of its run, so that a run that was suspended, or whose file lock failed, writes nothing
after another one has taken the file over. The modification time of the file is the time of the last heartbeat, by the
clock of the file system, which all machines that can open the file share.

SQLite locks the file for each transaction only, and its rollback journal exists only during one: the file can be read,
copied and moved at other times, and needs no memory that machines would have to share, as a write-ahead log does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar, cast

import attrs
from typing_extensions import override

from twelvelabs_async._arguments import describe
from twelvelabs_async._system import publish_file
from twelvelabs_async._text import printable
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError, LedgerError, LedgerInUseError
from twelvelabs_async.ingest._process_identity import (
    OWNER_HEARTBEAT_INTERVAL,
    OWNER_TIMEOUT,
    ProcessIdentity,
    current_process,
    has_ended,
    is_running,
)
from twelvelabs_async.ingest.ledger import Claim, Entry, SavedUpload
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

_logger: Final = logging.getLogger(__name__)

_T = TypeVar("_T")

_APPLICATION_ID: Final = 0x544C4C67
"""Application id in the header of a ledger file."""

_SQLITE_MIGRATIONS: Final = (
    """
    CREATE TABLE ledger (
        name TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 0,
        owner_host TEXT,
        owner_boot_id TEXT,
        owner_pid INTEGER,
        owner_started TEXT,
        owner_inode INTEGER
    );
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        index_id TEXT NOT NULL,
        uri TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        dedupe_key TEXT NOT NULL,
        stage TEXT NOT NULL,
        state TEXT NOT NULL,
        asset_id TEXT,
        indexed_asset_id TEXT,
        error TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        UNIQUE (index_id, uri, size, mtime_ns)
    );
    CREATE UNIQUE INDEX entries_by_dedupe_key ON entries (index_id, dedupe_key) WHERE dedupe_key != '';
    CREATE TABLE uploads (token TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE parts (
        token TEXT NOT NULL,
        number INTEGER NOT NULL,
        etag TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (token, number)
    ) WITHOUT ROWID;
    """,
)
"""Scripts that create the schema and then upgrade it, one for each version."""

_MAX_COMMANDS_PER_TRANSACTION: Final = 1000
"""Commands that one transaction executes at most."""

_OPEN_TIMEOUT: Final = 5.0
"""Seconds to wait for other programs that read or write the file when it is opened."""

_WRITE_TIMEOUT: Final = 30.0
"""Seconds to wait for other programs that read or write the file later."""

_PAGE_SIZE: Final = 500
"""Entries that one query reads."""

_FIELDS: Final = tuple(field.name for field in attrs.fields(Entry))
_COLUMNS: Final = ", ".join(_FIELDS)
_INSERT: Final = f"INSERT INTO entries ({_COLUMNS}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608  # constants
_UPDATE: Final = f"UPDATE entries SET {', '.join(f'{name} = ?' for name in _FIELDS)} WHERE token = ?"  # noqa: S608  # constants
_SELECT: Final = f"SELECT {_COLUMNS} FROM entries"  # noqa: S608  # constants

_DatabaseCommand = Callable[[sqlite3.Connection], _T]
"""Reads or writes the database within a transaction."""


class SqliteLedger:
    """A ledger in a file that only its owner can read.

    Args:
        path: Path of the file, which `open` creates if it does not exist.
        access: `exclusive` for a run of `client.ingest`; `read` at any time, also during a run: the
            file stays as it is.

    Example:
        from twelvelabs_async.ingest import SqliteLedger

        ledger = SqliteLedger("holiday.ledger")
        await client.ingest("holiday/", index_id=index.id, ledger=ledger).summary()
    """

    def __init__(self, path: str | PathLike[str], *, access: Literal["exclusive", "read"] = "exclusive") -> None:
        if not isinstance(path, str | PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
            raise InvalidInputError(f"the path of a ledger must be a path, got {describe(path)}")
        self.path: Path = Path(path)
        self._access = access
        self._writer: _GroupCommitWriter | None = None
        self._heartbeat_task: asyncio.Task[None] | None = None

    async def open(self) -> str:
        """Own the file, which is created if it does not exist, and return the name of the ledger.

        With the access `read`, the file must exist, and its owner stays what it is.

        Raises:
            LedgerInUseError: Another process uses the ledger.
            LedgerError: The file cannot be opened, is damaged, has another version, or is no ledger.
        """
        if self._writer is not None:
            raise LedgerInUseError(f"another ingestion uses the ledger {self.path}")
        reads_only = self._access == "read"
        self._writer = _GroupCommitWriter(partial((_ReadOnlyLedgerFile if reads_only else _LedgerFile).open, self.path))
        try:
            name = await self._execute(lambda db: str(db.execute("SELECT name FROM ledger").fetchone()[0]))
        except BaseException:
            await self.close()
            raise
        if not reads_only:
            self._heartbeat_task = asyncio.create_task(self._writer.send_heartbeats())
        return name

    async def close(self) -> None:
        """Execute the commands that are queued, and release and close the file."""
        (writer, self._writer), (task, self._heartbeat_task) = (self._writer, None), (self._heartbeat_task, None)
        if task is not None:
            task.cancel()
        if writer is not None:
            await writer.close()

    async def ensure_owned(self) -> None:
        """Return if the file is still there and no other process has taken it over.

        Raises:
            LedgerInUseError: Another ingestion has taken over.
            LedgerError: The file was moved, deleted, replaced or changed.
        """
        await self._execute(lambda _: None)  # each transaction checks it

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """Return the entry of this file in this index, or None."""
        return await self._execute(lambda db: _select_entry(db, index_id, uri, size, mtime_ns))

    async def claim(self, entry: Entry) -> Claim:
        """Add `entry` in one atomic step, unless its file has an entry."""
        return await self._execute(partial(_claim, entry))

    async def save(self, entry: Entry) -> None:
        """Replace the entry that has the same token."""
        await self._execute(partial(_save, entry))

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Save the session of a multipart upload."""
        await self._execute(partial(_save_upload, token, json.dumps(attrs.asdict(state))))

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Save a part that storage has confirmed."""
        await self._execute(partial(_save_part, token, part))

    async def load_upload(self, token: str) -> SavedUpload | None:
        """Return the saved multipart upload of an entry, or None."""
        return await self._execute(partial(_select_upload, token))

    async def entries(self) -> AsyncIterator[Entry]:
        """Yield all entries, oldest first."""
        last = 0
        while page := await self._execute(partial(_select_page, last)):
            for last, entry in page:  # noqa: B007  # the next page starts after it
                yield entry

    async def _execute(self, command: _DatabaseCommand[_T]) -> _T:
        if self._writer is None:
            raise LedgerError("the ledger is not open")
        return await self._writer.execute(command)


def _select_one(db: sqlite3.Connection, where: str, *values: object) -> Entry | None:
    row = db.execute(f"{_SELECT} WHERE {where}", values).fetchone()
    return None if row is None else _row_to_entry(row)


def _row_to_entry(row: tuple[Any, ...]) -> Entry:
    return Entry(**dict(zip(_FIELDS, row, strict=True)))


def _select_entry(db: sqlite3.Connection, *identity: object) -> Entry | None:
    return _select_one(db, "index_id = ? AND uri = ? AND size = ? AND mtime_ns = ?", *identity)


def _claim(entry: Entry, db: sqlite3.Connection) -> Claim:
    path = (entry.index_id, entry.uri)
    existing = _select_entry(db, *path, entry.size, entry.mtime_ns)
    if existing is not None:
        return Claim(entry=existing, match="same_file")
    if entry.dedupe_key:
        # The condition on '' lets SQLite use the partial index.
        where = "index_id = ? AND dedupe_key = ? AND dedupe_key != ''"
        duplicate = _select_one(db, where, entry.index_id, entry.dedupe_key)
        if duplicate is not None:
            return Claim(entry=duplicate, match="duplicate")
    previous = _select_one(db, "index_id = ? AND uri = ? ORDER BY number DESC", *path)
    db.execute(_INSERT, attrs.astuple(entry, recurse=False))
    return Claim(entry=entry, match="new", previous=previous)


def _save(entry: Entry, db: sqlite3.Connection) -> None:
    if not db.execute(_UPDATE, (*attrs.astuple(entry, recurse=False), entry.token)).rowcount:
        raise LedgerError("the ledger has no such entry")
    if not entry.keeps_upload:
        db.execute("DELETE FROM uploads WHERE token = ?", (entry.token,))
        db.execute("DELETE FROM parts WHERE token = ?", (entry.token,))


def _save_upload(token: str, state: str, db: sqlite3.Connection) -> None:
    db.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?)", (token, state))
    db.execute("DELETE FROM parts WHERE token = ?", (token,))


def _save_part(token: str, part: CompletedChunk, db: sqlite3.Connection) -> None:
    row = (token, part.chunk_index, part.proof, part.chunk_size)
    db.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", row)


def _select_upload(token: str, db: sqlite3.Connection) -> SavedUpload | None:
    row = db.execute("SELECT state FROM uploads WHERE token = ?", (token,)).fetchone()
    if row is None:
        return None
    parts = db.execute("SELECT number, etag, size FROM parts WHERE token = ? ORDER BY number", (token,)).fetchall()
    return SavedUpload(
        state=UploadState(**json.loads(row[0])),
        parts=tuple(CompletedChunk(chunk_index=number, proof=etag, chunk_size=size) for number, etag, size in parts),
    )


def _select_page(after: int, db: sqlite3.Connection) -> list[tuple[int, Entry]]:
    query = f"SELECT number, {_COLUMNS} FROM entries WHERE number > ? ORDER BY number LIMIT {_PAGE_SIZE}"  # noqa: S608  # constants
    return [(number, _row_to_entry(tuple(row))) for number, *row in db.execute(query, (after,))]


class _GroupCommitWriter:
    """Executes commands in a thread that owns the file, in the order in which they arrive.

    The thread opens and closes the file, so that a task that is cancelled leaves none open. It runs as an executor of
    the event loop, so that virtual time waits for each transaction.

    Args:
        open_file: Opens the file. An exception that it raises is the result of all commands.
    """

    def __init__(self, open_file: Callable[[], _LedgerFile]) -> None:
        self._open_file = open_file
        self._loop = asyncio.get_running_loop()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="twelvelabs-ledger")
        self._queue: list[_QueuedCommand] = []
        self._running = False
        self._closed = False
        self._file: _LedgerFile | None = None
        self._failure: Exception | None = None

    async def execute(self, command: _DatabaseCommand[_T]) -> _T:
        """Execute a command in a transaction, and return its result once the transaction is on disk.

        Raises:
            InvalidInputError: The ledger cannot store the values of this command.
            LedgerError: The file cannot be opened or written. It then stays as it is: nothing more is written.
        """
        if self._closed:
            raise LedgerError("the ledger is not open")
        queued = _QueuedCommand(command, self._loop.create_future())
        self._queue.append(queued)
        if not self._running:
            self._start_transaction()
        return cast("_T", await queued.future)

    async def send_heartbeats(self) -> None:
        """Set the modification time of the file periodically.

        If this process does not own the file any more, all further commands fail.
        """
        while True:
            await SystemClock().sleep(OWNER_HEARTBEAT_INTERVAL)
            await self._loop.run_in_executor(self._executor, self._send_heartbeat)

    async def close(self) -> None:
        """Execute the commands that are queued, and close the file, also if the task is cancelled meanwhile."""
        self._closed = True
        commands, self._queue = self._queue, []
        closed = self._loop.run_in_executor(self._executor, self._commit_and_close, commands)
        closed.add_done_callback(lambda closed: _resolve_futures(commands, closed.result()))
        self._executor.shutdown(wait=False)
        await asyncio.shield(closed)

    def _start_transaction(self) -> None:
        commands = self._queue[:_MAX_COMMANDS_PER_TRANSACTION]
        del self._queue[:_MAX_COMMANDS_PER_TRANSACTION]
        self._running = bool(commands)
        if commands:
            committed = self._loop.run_in_executor(self._executor, self._commit, commands)
            committed.add_done_callback(partial(self._on_committed, commands))

    def _on_committed(self, commands: list[_QueuedCommand], committed: asyncio.Future[Exception | None]) -> None:
        _resolve_futures(commands, committed.result())
        self._start_transaction()

    def _commit(self, commands: list[_QueuedCommand]) -> Exception | None:
        """Execute the commands in the thread of the file, and return the failure of the ledger, if any."""
        if self._failure is None:
            try:
                if self._file is None:
                    self._file = self._open_file()
                with self._file.transaction() as connection:
                    for queued in commands:
                        queued.execute(connection)
            except LedgerError as error:
                self._failure = error
            except Exception as error:  # noqa: BLE001  # raised in the tasks that wait
                self._failure = LedgerError(f"cannot write the ledger: {error}")
        return self._failure

    def _send_heartbeat(self) -> None:
        if self._failure is None and self._file is not None:
            try:
                self._file.send_heartbeat()
            except LedgerError as error:
                self._failure = error
            except (OSError, sqlite3.Error) as error:
                _logger.warning("could not send a heartbeat to the ledger: %s", printable(str(error)))

    def _commit_and_close(self, commands: list[_QueuedCommand]) -> Exception | None:
        try:
            return self._commit(commands) if commands else None
        finally:
            if self._file is not None:
                self._file.close()


@attrs.define(eq=False)
class _QueuedCommand:
    """A command and the task that waits for it."""

    command: _DatabaseCommand[Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def execute(self, connection: sqlite3.Connection) -> None:
        """Execute the command. An error that its values cause undoes this command alone."""
        connection.execute("SAVEPOINT command")
        try:
            self.result = self.command(connection)
        except Exception as error:
            if _concerns_all(error):
                raise
            connection.execute("ROLLBACK TO command")
            self.error = InvalidInputError(f"the ledger cannot store this item: {error}")
        connection.execute("RELEASE command")


def _concerns_all(error: Exception) -> bool:
    """Return whether an error is of the ledger, not of the values of one command."""
    of_values = isinstance(error, sqlite3.DataError | sqlite3.IntegrityError | sqlite3.ProgrammingError)
    return isinstance(error, LedgerError | sqlite3.DatabaseError) and not of_values


def _resolve_futures(batch: list[_QueuedCommand], failure: Exception | None) -> None:
    for queued in batch:
        error = failure or queued.error
        if queued.future.done():  # the task was cancelled; the command was executed
            continue
        if error is None:
            queued.future.set_result(queued.result)
        else:
            queued.future.set_exception(error)


class _LedgerFile:
    """A ledger file that this process owns. Used by one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._inode = path.stat().st_ino
        self._identity: tuple[str, int] = ("", 0)
        self._data_version = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a ledger file, created if it does not exist, and own it until it is closed or this process ends.

        Raises:
            LedgerInUseError: Another process uses the ledger.
            LedgerError: The file cannot be opened, is damaged, has another version, or is no ledger.
        """
        try:
            if not path.exists():
                cls._create(path)
            if not path.is_file():
                raise LedgerError(f"{path} is not a regular file")
            if not path.stat().st_size:
                raise LedgerError(f"{path} is empty (truncated, or not a ledger); delete it to start over")
            connection = sqlite3.connect(path, timeout=_OPEN_TIMEOUT, isolation_level=None)
        except (OSError, ValueError, sqlite3.Error) as error:  # a path may not be valid
            raise LedgerError(f"cannot open the ledger {path}: {error}") from None
        try:
            file = cls(path, connection)
            _check_version(connection, path)
            file._prepare()
            connection.execute(f"PRAGMA busy_timeout = {_WRITE_TIMEOUT * 1000:.0f}")
        except (OSError, sqlite3.Error) as error:
            connection.close()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extension
            if code == sqlite3.SQLITE_BUSY:
                raise LedgerInUseError(f"another process uses the ledger {path}: {error}") from None
            denied = isinstance(error, PermissionError) or code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
            advice = "; this user must be able to write the file and its folder" if denied else ""
            raise LedgerError(f"cannot use the ledger {path}: {error}{advice}") from None
        except BaseException:
            connection.close()
            raise
        return file

    @staticmethod
    def _create(path: Path) -> None:
        """Create a ledger under a temporary name, and rename it once it is complete: an empty ledger was truncated."""
        draft = _create_draft(path)
        try:
            with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
                _apply_migration(connection, 0)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute("INSERT INTO ledger (name) VALUES (?)", (secrets.token_hex(8),))
            with suppress(FileExistsError):  # another process has created it first
                publish_file(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = TRUNCATE")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA fullfsync = ON")  # or macOS keeps writes in the cache of the drive
        self._connection.execute("BEGIN IMMEDIATE")
        self._identity = _take_over(self._connection, self._path, self._inode)
        self._connection.execute("COMMIT")
        ((result,), *_) = self._connection.execute("PRAGMA quick_check(1)").fetchall()
        if result != "ok":
            raise LedgerError(f"the ledger {self._path} is damaged: {result}")
        for version in range(_pragma(self._connection, "user_version"), len(_SQLITE_MIGRATIONS)):
            _apply_migration(self._connection, version)
        self._data_version = _pragma(self._connection, "data_version")

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Yield the connection in a transaction of the owner.

        Raises:
            LedgerInUseError: Another ingestion has taken over.
            LedgerError: The file was moved, deleted, replaced or changed.
        """
        self._check_path()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._check_owner()
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _check_path(self) -> None:
        try:
            moved = self._path.stat().st_ino != self._inode
        except OSError:
            moved = True
        if moved:
            raise LedgerError(f"{self._path} was moved, deleted or replaced")

    def _check_owner(self) -> None:
        identity = self._connection.execute("SELECT name, epoch FROM ledger").fetchone()
        if identity != self._identity:
            raise LedgerInUseError(
                f"another ingestion has taken over the ledger {self._path}, because this one sent no heartbeat for "
                f"{OWNER_TIMEOUT:g} s; this one has stopped"
            )
        if _pragma(self._connection, "data_version") != self._data_version:
            raise LedgerError(f"another program has changed the ledger {self._path}")

    def send_heartbeat(self) -> None:
        """Set the modification time of the file.

        Raises:
            LedgerInUseError: Another ingestion has taken over.
            LedgerError: The file was moved, deleted, replaced or changed.
        """
        with self.transaction():
            os.utime(self._path)

    def close(self) -> None:
        """Release the file and close it."""
        try:
            with self.transaction() as connection:
                connection.execute("UPDATE ledger SET owner_pid = NULL")
            self._connection.execute("PRAGMA journal_mode = DELETE")
        except LedgerError:  # another ingestion owns the file
            pass
        except (OSError, sqlite3.Error):  # a full disk, for instance: a heartbeat of 1970 releases the file, too
            with suppress(OSError):
                os.utime(self._path, (0, 0))
        finally:
            self._connection.close()


class _ReadOnlyLedgerFile(_LedgerFile):
    """A ledger file that another process may own."""

    @staticmethod
    @override
    def _create(path: Path) -> None:
        raise LedgerError(f"there is no ledger {path}")

    @override
    def _prepare(self) -> None:
        self._connection.execute("PRAGMA query_only = ON")

    @contextmanager
    @override
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Yield the connection in a transaction that reads."""
        self._connection.execute("BEGIN")
        try:
            yield self._connection
        finally:
            self._connection.execute("ROLLBACK")

    @override
    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _create_draft(path: Path) -> Path:
    """Create an empty file in the folder of a ledger, and return its path."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return draft


def _take_over(connection: sqlite3.Connection, path: Path, inode: int) -> tuple[str, int]:
    """Make this process the owner of a ledger; return the name and the epoch of the ledger.

    Raises:
        LedgerInUseError: The present owner may still be running.
    """
    process = current_process()
    query = "SELECT owner_host, owner_boot_id, owner_pid, owner_started, owner_inode FROM ledger"
    host, boot_id, pid, started, owner_inode = connection.execute(query).fetchone()
    if pid is not None:
        owner = ProcessIdentity(host=host, boot_id=boot_id, pid=pid, started=started)
        if inode != owner_inode and is_running(owner, process):
            raise LedgerInUseError(f"{path} is a copy of a ledger that process {pid} uses; wait until that has ended")
        age = _seconds_since_heartbeat(path)
        if abs(age) < OWNER_TIMEOUT and not has_ended(owner, process):
            raise LedgerInUseError(
                f"another process uses the ledger {path}: process {pid} on {host}, last seen {max(0.0, age):.0f} s "
                f"ago; if that machine is down, try again in {OWNER_TIMEOUT - age:.0f} s"
            )
    connection.execute(
        "UPDATE ledger SET epoch = epoch + 1, owner_host = ?, owner_boot_id = ?, owner_pid = ?, owner_started = ?, "
        "owner_inode = ?",
        (*attrs.astuple(process), inode),
    )
    name, epoch = connection.execute("SELECT name, epoch FROM ledger").fetchone()
    return name, epoch


def _seconds_since_heartbeat(path: Path) -> float:
    """Return the age of the last heartbeat by the clock of the file system."""
    draft = _create_draft(path)
    try:
        return draft.stat().st_mtime - path.stat().st_mtime
    finally:
        draft.unlink()


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerError if the file is no ledger or has another version."""
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        raise LedgerError(f"{path} is no ledger")
    version = _pragma(connection, "user_version")
    if not 1 <= version <= len(_SQLITE_MIGRATIONS):
        raise LedgerError(
            f"the ledger {path} has schema version {version}; this version of the package supports up to "
            f"{len(_SQLITE_MIGRATIONS)}"
        )
    if "epoch" not in {row[1] for row in connection.execute("PRAGMA table_info(ledger)")}:
        raise LedgerError(
            f"the ledger {path} was written by version 0.1 of the package, which this version cannot read; finish the "
            "ingestion with version 0.1, or delete the ledger to start over"
        )
    (names,) = connection.execute("SELECT count(*) FROM ledger").fetchone()
    if names != 1:
        raise LedgerError(f"the ledger {path} is damaged: it has {names} names in place of one")


def _apply_migration(connection: sqlite3.Connection, version: int) -> None:
    """Upgrade the schema by one version, in one transaction."""
    connection.executescript(f"BEGIN; {_SQLITE_MIGRATIONS[version]}; PRAGMA user_version = {version + 1}; COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

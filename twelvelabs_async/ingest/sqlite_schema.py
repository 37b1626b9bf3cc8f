"""The file of a SQLite ledger: how it comes to be, how it is taken into possession, and what it looks like inside."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import Final

from twelvelabs_async.errors import LedgerError, LedgerInUseError

APPLICATION: Final = 0x544C4C67
"""Marks the file as a ledger of ours."""

STEPS: Final = (
    """
    CREATE TABLE ledger (name TEXT NOT NULL);
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        index_id TEXT NOT NULL,
        uri TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        twin TEXT NOT NULL,
        stage TEXT NOT NULL,
        state TEXT NOT NULL,
        asset_id TEXT,
        indexed_asset_id TEXT,
        error TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        run TEXT NOT NULL,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        UNIQUE (index_id, uri, size, mtime_ns)
    );
    CREATE UNIQUE INDEX twins ON entries (index_id, twin) WHERE twin != '';
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
"""What leads from each version of the schema to the next one; the first makes an empty file a ledger."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger, made if there is none, check it, and lock it until the connection is closed or the process ends.

    Raises:
        LedgerInUseError: Somebody else holds it.
        LedgerError: It cannot be made or read, is damaged, newer, or something else.
    """
    try:
        if not path.exists():
            _make(path)
        if not path.stat().st_size:
            raise LedgerError(f"{path} is empty, so it was cut or is no ledger; delete it to begin anew")
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"cannot open the ledger {path}: {error}") from None
    try:
        _take(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _take(connection: sqlite3.Connection, path: Path) -> None:
    try:
        # The lock is the database's own: it dies with the process, and needs no file beside it.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        _check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS keeps writes in the drive otherwise
        _migrate(connection)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise LedgerInUseError(f"another process works with the ledger {path}") from None
        raise LedgerError(f"the ledger {path} cannot be used: {error}") from None


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION:
        raise LedgerError(f"{path} is no ledger")
    version = _pragma(connection, "user_version")
    if not 1 <= version <= len(STEPS):
        raise LedgerError(f"the ledger {path} has version {version}; this one knows up to {len(STEPS)}")
    ((verdict,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if verdict != "ok":
        raise LedgerError(f"the ledger {path} is damaged: {verdict}")


def _migrate(connection: sqlite3.Connection) -> None:
    for version in range(_pragma(connection, "user_version"), len(STEPS)):
        _step(connection, version)


def _step(connection: sqlite3.Connection, version: int) -> None:
    """One version further, all of it or nothing."""
    connection.executescript(f"BEGIN; {STEPS[version]}; PRAGMA user_version = {version + 1}; COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _make(path: Path) -> None:
    """A new ledger, which appears under its name when it is whole: an empty file of this name was cut."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            _step(connection, 0)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute("INSERT INTO ledger VALUES (?)", (secrets.token_hex(8),))
        finally:
            connection.close()
        _name(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _name(draft: Path, path: Path) -> None:
    """Give a draft its name, unless somebody else was faster."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        draft.rename(path)

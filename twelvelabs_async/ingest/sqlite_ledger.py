"""A ledger in one file on this machine: SQLite, one writer thread, every write on disk before it counts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from twelvelabs_async.errors import LedgerError, LedgerInUseError
from twelvelabs_async.ingest.ledger import Claim, Entry, SavedUpload
from twelvelabs_async.ingest.memory_ledger import BEFORE_ASSET
from twelvelabs_async.ingest.sqlite_schema import connect
from twelvelabs_async.ingest.writer import Work, Writer
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.uploads.state import UploadState

T = TypeVar("T")

PAGE: Final = 500
"""Entries read at a time."""

_FIELDS: Final = tuple(field.name for field in attrs.fields(Entry))
_COLUMNS: Final = ", ".join(_FIELDS)
_INSERT: Final = f"INSERT INTO entries ({_COLUMNS}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608  # our own words
_UPDATE: Final = f"UPDATE entries SET {', '.join(f'{name} = ?' for name in _FIELDS)} WHERE token = ?"  # noqa: S608  # the same
_SELECT: Final = f"SELECT {_COLUMNS} FROM entries"  # noqa: S608  # the same


class SqliteLedger:
    """Keeps a file that only its owner may read. Not for network file systems, whose locks cannot be relied upon.

    Args:
        path: The file; made when it is opened first.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._writer: Writer | None = None

    async def open(self) -> str:
        """Make or check the file, and lock it.

        Raises:
            LedgerInUseError: Another process works with it.
            LedgerError: It is damaged, of a newer version, or no ledger at all.
        """
        if self._writer is not None:
            raise LedgerInUseError(f"another ingestion works with the ledger {self.path}")
        self._writer = Writer(partial(connect, self.path))
        try:
            return await self._do(lambda db: str(db.execute("SELECT name FROM ledger").fetchone()[0]))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what is left to be written, and let go of the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """The entry of this very file in this index."""
        return await self._do(lambda db: _known(db, index_id, uri, size, mtime_ns))

    async def claim(self, entry: Entry) -> Claim:
        """Write `entry` down unless its file is known, in one step."""
        return await self._do(partial(_claim, entry))

    async def save(self, entry: Entry) -> None:
        """Put `entry` in the place of the one with its token."""
        await self._do(partial(_save, entry))

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Note that an upload in parts has begun."""
        await self._do(partial(_save_upload, token, json.dumps(attrs.asdict(state))))

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Note that storage has confirmed a part."""
        row = (token, part.chunk_index, part.proof, part.chunk_size)
        await self._do(lambda db: _void(db.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", row)))

    async def upload(self, token: str) -> SavedUpload | None:
        """The upload in parts that had begun."""
        return await self._do(partial(_upload, token))

    async def entries(self) -> AsyncIterator[Entry]:
        """All entries, oldest first, a page at a time."""
        last = 0
        while page := await self._do(partial(_page, last)):
            for last, entry in page:  # noqa: B007  # where the next page begins
                yield entry

    async def _do(self, work: Work[T]) -> T:
        if self._writer is None:
            raise LedgerError("the ledger is not open")
        return await self._writer.do(work)


def _void(_: object) -> None:
    """A cursor is of no use to anybody else."""


def _values(entry: Entry) -> tuple[Any, ...]:
    return attrs.astuple(entry, recurse=False)


def _one(db: sqlite3.Connection, where: str, *values: object) -> Entry | None:
    row = db.execute(f"{_SELECT} WHERE {where}", values).fetchone()
    return None if row is None else _entry(row)


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(**dict(zip(_FIELDS, row, strict=True)))


def _known(db: sqlite3.Connection, *identity: object) -> Entry | None:
    return _one(db, "index_id = ? AND uri = ? AND size = ? AND mtime_ns = ?", *identity)


def _claim(entry: Entry, db: sqlite3.Connection) -> Claim:
    path = (entry.index_id, entry.uri)
    known = _known(db, *path, entry.size, entry.mtime_ns)
    if known is not None:
        return Claim(entry=known, kinship="known")
    twin = _one(db, "index_id = ? AND twin = ? AND twin != ''", entry.index_id, entry.twin) if entry.twin else None
    if twin is not None:
        return Claim(entry=twin, kinship="twin")
    older = _one(db, "index_id = ? AND uri = ? ORDER BY number DESC", *path)
    db.execute(_INSERT, _values(entry))
    return Claim(entry=entry, kinship="new", older=older)


def _save(entry: Entry, db: sqlite3.Connection) -> None:
    db.execute(_UPDATE, (*_values(entry), entry.token))
    if entry.stage not in BEFORE_ASSET:
        db.execute("DELETE FROM uploads WHERE token = ?", (entry.token,))
        db.execute("DELETE FROM parts WHERE token = ?", (entry.token,))


def _save_upload(token: str, state: str, db: sqlite3.Connection) -> None:
    db.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?)", (token, state))
    db.execute("DELETE FROM parts WHERE token = ?", (token,))


def _upload(token: str, db: sqlite3.Connection) -> SavedUpload | None:
    row = db.execute("SELECT state FROM uploads WHERE token = ?", (token,)).fetchone()
    if row is None:
        return None
    parts = db.execute("SELECT number, etag, size FROM parts WHERE token = ? ORDER BY number", (token,)).fetchall()
    return SavedUpload(
        state=UploadState(**json.loads(row[0])),
        parts=tuple(CompletedChunk(chunk_index=number, proof=etag, chunk_size=size) for number, etag, size in parts),
    )


def _page(after: int, db: sqlite3.Connection) -> list[tuple[int, Entry]]:
    query = f"SELECT number, {_COLUMNS} FROM entries WHERE number > ? ORDER BY number LIMIT {PAGE}"  # noqa: S608  # numbers only
    return [(number, _entry(tuple(row))) for number, *row in db.execute(query, (after,))]

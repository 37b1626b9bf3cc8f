"""The spool of an export: a SQLite file with the encoded rows of each video that was read, so that a run can resume."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Self

import attrs

from twelvelabs_async.errors import InvalidInputError, TwelveLabsError

SCHEMA: Final = """
PRAGMA synchronous = OFF; -- the operating system survives the end of this process
CREATE TABLE IF NOT EXISTS purpose (text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS videos (
    id TEXT PRIMARY KEY, version TEXT NOT NULL, listed INTEGER NOT NULL, rows INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (id TEXT PRIMARY KEY, data BLOB NOT NULL);
UPDATE videos SET listed = 0;
"""


@attrs.frozen
class SpoolTotals:
    """Numbers of what an export contains."""

    videos: int
    """Number of videos."""
    rows: int
    """Number of rows."""


class Spool:
    """The rows of an export that is not finished. Its methods block; any thread may call them.

    Args:
        path: Path of the file, which is created if it does not exist.
        purpose: What is exported; an existing file must have the same.

    Raises:
        InvalidInputError: The file belongs to another export.
        TwelveLabsError: It cannot be used.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            try:
                self._open(purpose)
            except BaseException:
                self._connection.close()
                raise
        except InvalidInputError:
            raise
        except (sqlite3.Error, ValueError) as error:  # a path with a zero byte is a ValueError
            raise self._failure(error) from None

    def _open(self, purpose: str) -> None:
        self._connection.executescript(SCHEMA)
        row = self._connection.execute("SELECT text FROM purpose").fetchone()
        if row is None:
            self._connection.execute("INSERT INTO purpose VALUES (?)", (purpose,))
        elif row[0] != purpose:
            raise InvalidInputError(
                f"{self._path} belongs to an export of {row[0]}; finish that one, or delete the file"
            )

    def _failure(self, error: Exception) -> TwelveLabsError:
        return TwelveLabsError(f"cannot use {self._path}, where an export keeps what it has read: {error}")

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN")
                with self._connection:
                    yield self._connection
            except sqlite3.Error as error:
                raise self._failure(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def claim(self, video_id: str, version: str) -> bool:
        """Mark a video as listed, and return whether this version of it has been read."""
        update = "UPDATE videos SET listed = 1 WHERE id = ? AND version = ?"
        with self._transaction() as connection:
            return connection.execute(update, (video_id, version)).rowcount > 0

    def add(self, video_id: str, version: str, rows: int, data: bytes) -> None:
        """Store the rows of a video."""
        with self._transaction() as connection:
            connection.execute("REPLACE INTO videos VALUES (?, ?, 1, ?)", (video_id, version, rows))
            connection.execute("REPLACE INTO parts VALUES (?, ?)", (video_id, data))

    def count(self) -> int:
        """Return the number of videos that have been read."""
        return int(self._connection.execute("SELECT count(*) FROM videos").fetchone()[0])

    def totals(self) -> SpoolTotals:
        """Return numbers of the listed videos."""
        found = self._connection.execute("SELECT count(*), total(rows) FROM videos WHERE listed").fetchone()
        return SpoolTotals(videos=int(found[0]), rows=int(found[1]))

    def parts(self) -> Iterator[bytes]:
        """Yield the rows of each listed video, in the order of their ids, one at a time."""
        query = "SELECT data FROM videos JOIN parts USING (id) WHERE listed ORDER BY id"
        with closing(self._connection.execute(query)) as found:
            for (data,) in found:
                yield data

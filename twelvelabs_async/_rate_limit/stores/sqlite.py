"""Rate-limit state in an SQLite file, for the processes of one machine.

Each operation is one transaction, in a thread, and takes some tenths of a millisecond. A transaction that a process did
not finish because it was killed has no effect.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from typing_extensions import override

from twelvelabs_async._rate_limit.stores.shared import LoadedCategory, SharedStore, parse_state
from twelvelabs_async._rate_limit.windows import CategoryState

T = TypeVar("T")

LOCK_TIMEOUT: Final = 2.0
"""Seconds to wait for the file lock, which each process holds for a fraction of a millisecond."""

_CREATE_TABLES: Final = """
CREATE TABLE IF NOT EXISTS rate_limit_state_v2 (
    organization TEXT NOT NULL, category TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (organization, category)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rate_limit_in_flight_v2 (
    organization TEXT NOT NULL, category TEXT NOT NULL, reservation_id INTEGER NOT NULL, request TEXT NOT NULL,
    PRIMARY KEY (organization, category, reservation_id)
) WITHOUT ROWID;
"""
_READ: Final = "SELECT state FROM rate_limit_state_v2 WHERE organization = ? AND category = ?"
_READ_ALL: Final = "SELECT category, state FROM rate_limit_state_v2 WHERE organization = ? ORDER BY category"
_WRITE: Final = "INSERT OR REPLACE INTO rate_limit_state_v2 VALUES (?, ?, ?)"
_READ_IN_FLIGHT: Final = (
    "SELECT reservation_id, request FROM rate_limit_in_flight_v2 WHERE organization = ? AND category = ?"
)
_READ_ONE_IN_FLIGHT: Final = f"{_READ_IN_FLIGHT} AND reservation_id = ?"
_WRITE_IN_FLIGHT: Final = "INSERT OR REPLACE INTO rate_limit_in_flight_v2 VALUES (?, ?, ?, ?)"
_DELETE_IN_FLIGHT: Final = (
    "DELETE FROM rate_limit_in_flight_v2 WHERE organization = ? AND category = ? AND reservation_id = ?"
)


class SqliteStore(SharedStore):
    """Rate-limit state in a file that only its owner can read.

    Args:
        path: The file, created on first use. Its directory must exist, on a local disk.
        organization: Name of the organization; one file can hold several.
        now: Clock in seconds, the same for all processes; called in a thread.
    """

    def __init__(self, path: Path, organization: str, now: Callable[[], float]) -> None:
        self._path = path
        self._organization = organization
        self._now = now
        self._thread = ThreadPoolExecutor(1, "twelvelabs-rate-limits")
        self._connection: sqlite3.Connection | None = None
        self._opened_inode: int | None = None

    @property
    @override
    def poll_interval(self) -> float:
        """Seconds between two attempts to reserve; short, because one attempt only reads a page from memory."""
        return 0.05

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read_all)

    @override
    async def aclose(self) -> None:
        with suppress(RuntimeError):  # the thread has been stopped by an earlier call
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    @override
    async def _update(self, category: str, reservation_id: int, change: Callable[[CategoryState, float], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._update_in_thread, category, reservation_id, change)

    def _update_in_thread(self, category: str, reservation_id: int, change: Callable[[CategoryState, float], T]) -> T:
        connection = self._open()
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                return self._update_in_transaction(connection, (self._organization, category), reservation_id, change)
        except sqlite3.Error:
            self._close()  # the next operation tries a new connection
            raise

    def _update_in_transaction(
        self,
        connection: sqlite3.Connection,
        key: tuple[str, str],
        reservation_id: int,
        change: Callable[[CategoryState, float], T],
    ) -> T:
        row = connection.execute(_READ, key).fetchone()
        now = self._now()
        loaded = LoadedCategory(row[0] if row else "", now)
        if loaded.needs_in_flight:
            loaded.load_in_flight(dict(connection.execute(_READ_IN_FLIGHT, key).fetchall()))
        elif reservation_id:
            loaded.load_in_flight(dict(connection.execute(_READ_ONE_IN_FLIGHT, (*key, reservation_id)).fetchall()))
        result = change(loaded.state, now)
        for changed_id, request in loaded.changed_in_flight().items():
            if request is None:
                connection.execute(_DELETE_IN_FLIGHT, (*key, changed_id))
            else:
                connection.execute(_WRITE_IN_FLIGHT, (*key, changed_id, request))
        state = loaded.changed_text()
        if state is not None:
            connection.execute(_WRITE, (*key, state))
        return result

    def _read_all(self) -> dict[str, Any]:
        rows = self._open().execute(_READ_ALL, (self._organization,)).fetchall()
        return {category: parse_state(text) for category, text in rows}

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._current_inode() != self._opened_inode:
            self._close()  # the file was deleted; other processes use a new one
        if self._connection is None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self._path, timeout=LOCK_TIMEOUT, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # a power failure may lose the last operations
            connection.executescript(_CREATE_TABLES)
            self._connection, self._opened_inode = connection, self._current_inode()
        return self._connection

    def _current_inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

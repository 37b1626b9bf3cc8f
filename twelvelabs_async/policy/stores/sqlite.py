"""Budgets in an SQLite file: for the processes of one machine, without a service.

Each call loads the state of a category, runs `Budget` on it and writes it back, in one transaction that keeps all
others out. That is done in a thread of its own, and takes some tenths of a millisecond. What a process had on its way
when it was killed is given up after `LEASE`; a transaction it was in the middle of was never there.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from typing_extensions import override

from twelvelabs_async.policy.budget import Budget
from twelvelabs_async.policy.stores.leased import LeasedStore

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds to wait for the lock while other processes have it, each for a fraction of a millisecond."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS budget_v1 (
    organization TEXT NOT NULL, category TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (organization, category)
) WITHOUT ROWID
"""
_READ: Final = "SELECT state FROM budget_v1 WHERE organization = ? AND category = ?"
_READ_ALL: Final = "SELECT category, state FROM budget_v1 WHERE organization = ? ORDER BY category"
_WRITE: Final = "INSERT OR REPLACE INTO budget_v1 VALUES (?, ?, ?)"


class SqliteStore(LeasedStore):
    """Budgets in a file that only its owner may read.

    Args:
        path: The file, made if there is none; its folder has to be there, on a disk of this machine.
        organization: Whose limits these are; a file may hold several.
        now: Seconds by a clock that is the same for all processes, and that a thread may read.
    """

    def __init__(self, path: Path, organization: str, now: Callable[[], float]) -> None:
        self._path = path
        self._organization = organization
        self._now = now
        self._thread = ThreadPoolExecutor(1, "twelvelabs-budget")
        self._connection: sqlite3.Connection | None = None
        self._opened: int | None = None

    @property
    @override
    def poll(self) -> float:
        """Often: to ask is to read a page of memory."""
        return 0.05

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read_all)

    @override
    async def aclose(self) -> None:
        with suppress(RuntimeError):  # the thread was stopped before
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    @override
    async def _run(self, category: str, change: Callable[[Budget, float], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._change, category, change)

    def _change(self, category: str, change: Callable[[Budget, float], T]) -> T:
        connection = self._open()
        try:
            return self._transact(connection, category, change)
        except sqlite3.Error:
            self._close()  # whatever it is, a new connection may do better
            raise

    def _transact(self, connection: sqlite3.Connection, category: str, change: Callable[[Budget, float], T]) -> T:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute(_READ, (self._organization, category)).fetchone()
            budget = Budget() if row is None else Budget.from_state(json.loads(row[0]))
            result = change(budget, self._now())
            connection.execute(_WRITE, (self._organization, category, json.dumps(budget.to_state())))
        return result

    def _read_all(self) -> dict[str, Any]:
        rows = self._open().execute(_READ_ALL, (self._organization,)).fetchall()
        return {category: json.loads(state) for category, state in rows}

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._inode() != self._opened:
            self._close()  # somebody has deleted the file; the others are in a new one
        if self._connection is None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # the last moments may be lost with the power
            connection.execute(_TABLE)
            self._connection, self._opened = connection, self._inode()
        return self._connection

    def _inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

"""One thread that owns a database: many tasks' wishes become one transaction, and each waits until it is on disk.

What arrives while a transaction is being written makes up the next one, so a slow disk makes larger transactions and
not a longer queue. Nothing is delayed on purpose.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any, Final, TypeVar, cast

import attrs

from twelvelabs_async.errors import LedgerError

T = TypeVar("T")

AT_ONCE: Final = 1000
"""Wishes in one transaction, at most."""

Work = Callable[[sqlite3.Connection], T]
"""What is to be done within a transaction. It may be done again after a failure of another one."""


@attrs.define(eq=False)
class _Wish:
    """One thing to do, and who waits for it."""

    work: Work[Any]
    answer: asyncio.Future[Any]
    result: Any = None


class Writer:
    """Runs work in a thread, in the order of the wishes.

    The thread opens the database and closes it, so nobody who is cancelled on the way leaves it open.

    Args:
        connect: Opens the database; whatever it raises is what all wishes are answered with.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._wishes: queue.SimpleQueue[_Wish | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._broken: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="twelvelabs-ledger", daemon=True)
        self._thread.start()

    async def do(self, work: Work[T]) -> T:
        """Do `work` in a transaction, and return when it is on disk.

        Raises:
            LedgerError: It could not be opened or written. Nothing is written any more then: what is on disk is whole.
        """
        if self._closed:
            raise LedgerError("the ledger is not open")
        wish = _Wish(work, self._loop.create_future())
        self._wishes.put(wish)
        return cast("T", await wish.answer)

    async def close(self) -> None:
        """Do what was wished for, and close the database."""
        self._closed = True
        self._wishes.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            connection = self._connect()
        except Exception as error:  # noqa: BLE001  # those who wait are told, whatever it is
            self._broken = error
            self._serve(lambda _: self._broken)
        else:
            with closing(connection):
                self._serve(partial(self._commit, connection))

    def _serve(self, commit: Callable[[list[_Wish]], Exception | None]) -> None:
        going = True
        while going:
            wishes = self._next()
            going = None not in wishes
            todo = [wish for wish in wishes if wish is not None]
            if todo:
                self._loop.call_soon_threadsafe(_answer, todo, commit(todo))

    def _next(self) -> list[_Wish | None]:
        """All that is wished for now, or the first wish to come."""
        wishes = [self._wishes.get()]
        while len(wishes) < AT_ONCE and wishes[-1] is not None:
            try:
                wishes.append(self._wishes.get_nowait())
            except queue.Empty:
                break
        return wishes

    def _commit(self, connection: sqlite3.Connection, wishes: list[_Wish]) -> Exception | None:
        if self._broken is None:
            try:
                connection.execute("BEGIN IMMEDIATE")
                for wish in wishes:
                    wish.result = wish.work(connection)
                connection.execute("COMMIT")
            except Exception as error:  # noqa: BLE001  # the same
                self._broken = LedgerError(f"the ledger cannot be written: {error}")
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        return self._broken


def _answer(wishes: list[_Wish], error: Exception | None) -> None:
    for wish in wishes:
        if wish.answer.done():  # whoever waited has been cancelled; it is written all the same
            continue
        if error is None:
            wish.answer.set_result(wish.result)
        else:
            wish.answer.set_exception(error)

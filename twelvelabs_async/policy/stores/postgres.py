"""Budgets in PostgreSQL: for those who run that and no Redis.

Each call locks the row of a category, runs `Budget` on what is in it and writes it back, in one transaction, by the
clock of the database. That is some milliseconds where Redis needs a fraction of one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from typing_extensions import override

from twelvelabs_async.policy.budget import Budget
from twelvelabs_async.policy.stores.leased import LeasedStore

T = TypeVar("T")
Connection = AsyncConnection[TupleRow]

CONNECTIONS: Final = 2
"""At most, for each client; rows are locked one after the other anyway."""

TIMEOUT: Final = 3.0
"""Seconds after which a database that does not answer is taken to be gone."""

LOCK: Final = 0x544C4255
"""Names our lock among those of the database."""

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS twelvelabs_budgets (
        organization text NOT NULL, category text NOT NULL, state text NOT NULL, PRIMARY KEY (organization, category)
    )
"""
_ROW: Final = "INSERT INTO twelvelabs_budgets VALUES (%s, %s, '') ON CONFLICT DO NOTHING"
_READ: Final = "SELECT state FROM twelvelabs_budgets WHERE organization = %s AND category = %s FOR UPDATE"
_NOW: Final = "SELECT extract(epoch FROM clock_timestamp())::double precision"  # asked for when the row is ours
_READ_ALL: Final = (
    "SELECT category, state FROM twelvelabs_budgets WHERE organization = %s AND state <> '' ORDER BY category"
)
_WRITE: Final = "UPDATE twelvelabs_budgets SET state = %s WHERE organization = %s AND category = %s"


class PostgresStore(LeasedStore):
    """Budgets in a database that several machines reach.

    Args:
        url: Such as `postgresql://user@host/database`.
        organization: Whose limits these are.
    """

    def __init__(self, url: str, organization: str) -> None:
        self._url = url
        self._organization = organization
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._opening = asyncio.Lock()

    @property
    @override
    def poll(self) -> float:
        """Four transactions a second, for the first in a queue alone, and only while an answer is the news it needs."""
        return 0.25

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        pool = await self._opened()
        async with pool.connection() as connection:
            rows = await (await connection.execute(_READ_ALL, (self._organization,))).fetchall()
        return {category: json.loads(state) for category, state in rows}

    @override
    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @override
    async def _run(self, category: str, change: Callable[[Budget, float], T]) -> T:
        key = (self._organization, category)
        pool = await self._opened()
        async with pool.connection() as connection, connection.transaction():
            kept = await (await connection.execute(_READ, key)).fetchall()
            if not kept:
                await connection.execute(_ROW, key)
                kept = await (await connection.execute(_READ, key)).fetchall()
            ((now,),) = await (await connection.execute(_NOW)).fetchall()
            budget = Budget.from_state(json.loads(kept[0][0])) if kept[0][0] else Budget()
            result = change(budget, now)
            await connection.execute(_WRITE, (json.dumps(budget.to_state()), *key))
        return result

    async def _opened(self) -> AsyncConnectionPool[Connection]:
        async with self._opening:
            if self._pool is None:
                pool = AsyncConnectionPool[Connection](
                    self._url,
                    min_size=1,
                    max_size=CONNECTIONS,
                    open=False,
                    kwargs={"autocommit": True, "connect_timeout": int(TIMEOUT)},
                    check=AsyncConnectionPool.check_connection,
                    timeout=TIMEOUT,
                )
                try:
                    await pool.open()
                    async with pool.connection() as connection, connection.transaction():
                        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                        await connection.execute(_TABLE)
                except BaseException:
                    await pool.close()
                    raise
                self._pool = pool
            return self._pool

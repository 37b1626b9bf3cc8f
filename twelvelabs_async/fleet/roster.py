"""The table beside the ledger that says which of its entries workers are to carry, and what they need for it.

A row holds what the entry of a ledger must not: the whole address of an item, signature included, and its own keys. It
is deleted as soon as the item has ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import attrs
from psycopg.rows import dict_row

from twelvelabs_async.fleet.card import TRIES, Card, Result
from twelvelabs_async.ingest.ledger import Entry
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger

SCHEMA: Final[LiteralString] = """
    CREATE TABLE IF NOT EXISTS twelvelabs_roster (
        token text PRIMARY KEY,
        item text NOT NULL,
        tries integer NOT NULL DEFAULT 0,
        doubt boolean NOT NULL
    );
    CREATE INDEX IF NOT EXISTS twelvelabs_open_by_number ON twelvelabs_entries (number) WHERE state = 'open';

    -- Steps that nobody is going to take.
    CREATE OR REPLACE VIEW twelvelabs_untaken AS
    SELECT number, token, stage, tries FROM twelvelabs_entries JOIN twelvelabs_roster USING (token)
    WHERE state = 'open' AND (stage IN ('queued', 'uploading') OR stage = 'indexing' AND indexed_asset_id IS NULL)
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job WHERE job.queueing_lock = token AND job.status = 'todo')
    AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS job WHERE job.lock = token AND job.status = 'doing');

    -- What the platform works on.
    CREATE OR REPLACE VIEW twelvelabs_on_the_way AS
    SELECT twelvelabs_entries.*, tries FROM twelvelabs_entries JOIN twelvelabs_roster USING (token)
    WHERE state = 'open' AND (stage = 'processing' OR stage = 'indexing' AND indexed_asset_id IS NOT NULL);
"""

AT_A_LOOK: Final = 5000
"""Entries of one index that are looked at together; the oldest."""

_FIELDS: Final = tuple(field.name for field in attrs.fields(Entry))


@attrs.frozen(kw_only=True)
class Due:
    """A step that somebody has to take."""

    token: str
    """Whose."""
    stage: str
    """Which."""


class Roster:
    """Reads and writes it over the connections of the ledger.

    Args:
        ledger: A ledger that is shared; open.
    """

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger
        self._swept = 0

    async def enlist(self, cards: Sequence[Card]) -> None:
        """Have items carried; those that are on the roster already may be tried anew."""
        rows = [(card.entry.token, json.dumps(attrs.asdict(card.item)), card.doubt) for card in cards]
        async with self._ledger.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO twelvelabs_roster (token, item, doubt) VALUES (%s, %s, %s) "
                "ON CONFLICT (token) DO UPDATE SET item = EXCLUDED.item, tries = 0",
                rows,
            )

    async def begin(self, token: str) -> Card | None:
        """An item whose step is about to be taken; None if there is nothing to be done about it."""
        query = """
            WITH before AS (SELECT token, item, tries, doubt FROM twelvelabs_roster WHERE token = %s FOR UPDATE)
            UPDATE twelvelabs_roster SET doubt = true
            FROM before JOIN twelvelabs_entries AS entry USING (token)
            WHERE twelvelabs_roster.token = before.token AND entry.state = 'open'
            RETURNING before.item, before.tries, before.doubt, entry.*
        """
        async with self._ledger.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, (token,))
            row = await cursor.fetchone()
        if row is None:
            return None
        item = Item(**json.loads(row["item"]))
        return Card(entry=_entry(row), item=item, tries=row["tries"], doubt=row["doubt"])

    async def end(self, result: Result) -> None:
        """A step has ended. An item that has ended with it is taken off."""
        token = result.entry.token
        if result.entry.state != "open":
            await self.strike([token])
            return
        async with self._ledger.connection() as connection:
            await connection.execute(
                "UPDATE twelvelabs_roster SET tries = %s, doubt = %s WHERE token = %s",
                (result.tries, result.doubt, token),
            )

    async def strike(self, tokens: Sequence[str]) -> None:
        """Take items off that have ended."""
        async with self._ledger.connection() as connection:
            await connection.execute("DELETE FROM twelvelabs_roster WHERE token = ANY(%s)", (list(tokens),))

    async def on_the_way(self, index_id: str) -> list[Entry]:
        """Entries of an index that the platform works on, and that were not given up."""
        query = "SELECT * FROM twelvelabs_on_the_way WHERE index_id = %s AND tries < %s ORDER BY number LIMIT %s"
        return [_entry(row) for row in await self._rows(query, (index_id, TRIES, AT_A_LOOK))]

    async def untaken(self, tokens: Sequence[str]) -> list[Due]:
        """Those of these items whose step nobody is going to take."""
        query = "SELECT token, stage FROM twelvelabs_untaken WHERE token = ANY(%s)"
        return [Due(**row) for row in await self._rows(query, (list(tokens),))]

    async def lost(self, limit: int) -> list[Due]:
        """Items whose step nobody is going to take, among the next `limit` open ones; after the last comes the first.

        Those that were given up are not among them.
        """
        last = """
            SELECT max(number) AS last FROM (
                SELECT number FROM twelvelabs_entries WHERE state = 'open' AND number > %s ORDER BY number LIMIT %s
            ) AS page
        """
        after, (row,) = self._swept, await self._rows(last, (self._swept, limit))
        self._swept = row["last"] or 0
        query = "SELECT token, stage FROM twelvelabs_untaken WHERE number > %s AND number <= %s AND tries < %s"
        return [Due(**due) for due in await self._rows(query, (after, self._swept, TRIES))]

    async def unwatched(self) -> list[str]:
        """Indexes with items on the way that nobody is going to look at."""
        query = """
            SELECT index_id FROM (SELECT DISTINCT index_id FROM twelvelabs_on_the_way WHERE tries < %s) AS watched
            WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE lock = 'look:' || index_id
                              AND status IN ('todo', 'doing'))
        """
        return [row["index_id"] for row in await self._rows(query, (TRIES,))]

    async def counts(self) -> Sequence[Mapping[str, Any]]:
        """How many entries are at which stage, in each index; `stuck` are those that were given up."""
        query = """
            SELECT index_id, state, stage, count(*) AS entries,
                   count(*) FILTER (WHERE state = 'open' AND tries >= %s) AS stuck
            FROM twelvelabs_entries LEFT JOIN twelvelabs_roster USING (token)
            GROUP BY index_id, state, stage ORDER BY index_id, state, stage
        """
        return await self._rows(query, (TRIES,))

    async def troubled(self, limit: int) -> list[Entry]:
        """Entries that the platform refused, or that were given up; the last ones."""
        query = """
            SELECT twelvelabs_entries.* FROM twelvelabs_entries LEFT JOIN twelvelabs_roster USING (token)
            WHERE state = 'failed' OR (state = 'open' AND tries >= %s) ORDER BY updated_at DESC LIMIT %s
        """
        return [_entry(row) for row in await self._rows(query, (TRIES, limit))]

    async def _rows(self, query: LiteralString, values: tuple[object, ...]) -> list[dict[str, Any]]:
        async with self._ledger.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchall()


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{name: row[name] for name in _FIELDS})

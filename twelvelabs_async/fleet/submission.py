"""Puts videos on the roster: claims them in the ledger, and has somebody take their first step."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

import attrs

from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import LedgerError, TwelveLabsError
from twelvelabs_async.fleet.card import Card
from twelvelabs_async.fleet.queue import Queue
from twelvelabs_async.fleet.roster import Roster
from twelvelabs_async.fleet.stepper import is_due, renewed
from twelvelabs_async.ingest.claiming import IN_DOUBT, Check, Claimer, Dedupe
from twelvelabs_async.ingest.failures import told
from twelvelabs_async.ingest.ledger import Claim
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.ingest.sources import Sources, items_of

BATCH: Final = 500
"""Items that are put into the queue together."""


@attrs.define(kw_only=True)
class Submitted:
    """What has become of the sources."""

    accepted: int = 0
    """Items that workers carry now."""
    ready: int = 0
    """Items that are in the index already."""
    duplicates: int = 0
    """Items that share the asset of another one."""
    failed: int = 0
    """Items that the platform has refused before."""
    problems: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])
    """Items that cannot be ingested, and why."""

    @property
    def inputs(self) -> int:
        """Items in all."""
        return self.accepted + self.ready + self.duplicates + self.failed + len(self.problems)


@asynccontextmanager
async def opened(url: str, clock: Clock) -> AsyncGenerator[tuple[PostgresLedger, str, Queue]]:
    """A ledger with its name, and the queue beside it.

    Raises:
        LedgerError: The database cannot be used.
    """
    ledger, queue = PostgresLedger(url, shared=True), Queue(url, clock)
    name = await ledger.open()
    try:
        await queue.prepare()
        async with queue.app.open_async():
            yield ledger, name, queue
    finally:
        await ledger.close()


async def submit(
    url: str,
    sources: Sources,
    *,
    index_id: str,
    dedupe: Dedupe = "name",
    retry_failed: bool = False,
    check: Check | None = None,
) -> Submitted:
    """Have the workers of a ledger bring videos into an index. Returns when all of them are written down.

    Submitting the same again is harmless: it goes on where workers have given up.

    Args:
        url: Of the ledger: `postgresql://user@host/database`.
        sources: Files, folders, globs and addresses, as for `client.ingest`. Workers open files under the same path.
        index_id: The index.
        dedupe: Which files are the same: those of one `path`, of one `name`, size and time, or of one `content`.
        retry_failed: Try again what the platform refused before.
        check: Is shown each new item first, and says why it is not to be sent.

    Raises:
        InvalidInputError: A source is neither a path nor an address.
        LedgerError: The database cannot be used.
    """
    clock = SystemClock()
    async with opened(url, clock) as (ledger, name, queue):
        claimer = Claimer(ledger, index_id=index_id, dedupe=dedupe, check=check, run=secrets.token_hex(4), clock=clock)
        claimer.begin(name)
        desk = Desk(ledger, queue, claimer, clock=clock, retry_failed=retry_failed)
        batch: list[Item] = []
        async with aclosing(items_of(sources)) as items:
            async for item in items:
                batch.append(item)
                if len(batch) == BATCH:
                    await desk.take(batch)
                    batch = []
        await desk.take(batch)
    return desk.submitted


class Desk:
    """Where items are handed in.

    Args:
        ledger: Shared, and open.
        queue: Open.
        claimer: Claims for one index.
        clock: What time it is.
        retry_failed: Whether to take what the platform refused before.
    """

    def __init__(
        self, ledger: PostgresLedger, queue: Queue, claimer: Claimer, *, clock: Clock, retry_failed: bool
    ) -> None:
        self._ledger = ledger
        self._roster = Roster(ledger)
        self._queue = queue
        self._claimer = claimer
        self._clock = clock
        self._retry_failed = retry_failed
        self.submitted: Submitted = Submitted()
        """What has come of it so far."""

    async def take(self, items: Sequence[Item]) -> None:
        """Claim items, put them on the roster, and into the queue."""
        claims = await asyncio.gather(*(self._claim(item) for item in items))
        cards: list[Card] = []
        for item, claim in zip(items, claims, strict=True):
            if isinstance(claim, str):
                self.submitted.problems.append((item.source, claim))
                continue
            card = await self._card(item, claim)
            if card is not None:
                cards.append(card)
        if cards:
            await self._enlist(cards)

    async def _claim(self, item: Item) -> Claim | str:
        if item.problem:
            return item.problem
        try:
            return await self._claimer.claim(item)
        except LedgerError:
            raise
        except (TwelveLabsError, OSError) as error:
            return told(error)

    async def _card(self, item: Item, claim: Claim) -> Card | None:
        """What is to be carried; None if nothing is."""
        entry = claim.entry
        if claim.kinship == "twin" or entry.uri != item.uri:
            self.submitted.duplicates += 1
            return None
        if entry.state == "ready":
            self.submitted.ready += 1
            return None
        if entry.state == "failed":
            if not self._retry_failed:
                self.submitted.failed += 1
                return None
            entry = renewed(entry)
            await self._ledger.save(entry)
        if entry.error and not is_due(entry):  # given up because the platform took too long; it has as long once more
            entry = attrs.evolve(entry, error="", updated_at=self._clock.time())
            await self._ledger.save(entry)
        self.submitted.accepted += 1
        doubt = claim.kinship == "known" and entry.stage in IN_DOUBT
        return Card(entry=entry, item=_anywhere(item), doubt=doubt)

    async def _enlist(self, cards: Sequence[Card]) -> None:
        await self._roster.enlist(cards)
        due = [card.entry.token for card in cards if is_due(card.entry)]
        await self._queue.steps(await self._roster.untaken(due))
        for index_id in {card.entry.index_id for card in cards if not is_due(card.entry)}:
            await self._queue.look(index_id)


def _anywhere(item: Item) -> Item:
    """The item by a path that does not depend on where this process runs."""
    return item if item.is_address else attrs.evolve(item, source=item.uri)

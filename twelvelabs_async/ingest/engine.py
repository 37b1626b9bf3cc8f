"""Carries any number of items side by side, and hands out how each ended.

One task takes items from the sources while there is room, and one task carries each of them; two pollers wait for all
of them together. An outcome that nobody takes keeps its room, so a slow reader slows the run down. All of it lives in
one task, which the iterator ends when it is closed: a task group around a `yield` would cancel the caller instead.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, cast

import attrs

from twelvelabs_async.api import Api
from twelvelabs_async.ingest.carrier import Carrier
from twelvelabs_async.ingest.events import IngestEvent, ItemEnded
from twelvelabs_async.ingest.job import Job
from twelvelabs_async.ingest.outcome import Outcome, Summary
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.ingest.quota import Halt, QuotaPause
from twelvelabs_async.ingest.sources import Sources, items_of
from twelvelabs_async.ingest.telling import Teller
from twelvelabs_async.ingest.way import Way

WAITING_OUTCOMES: Final = 64
"""Outcomes that may wait to be taken beside those that keep their room."""


class Run:
    """One run over the sources. Used once."""

    def __init__(self, api: Api, sources: Sources, job: Job) -> None:
        api = attrs.evolve(api, options=attrs.evolve(api.options, priority="bulk"))
        self._job = job
        self._clock = api.clock
        self._tell = Teller(job.on_event)
        self._sources = sources
        self._events = api.limiter.events
        self._halt = Halt()
        self._way = Way(
            api,
            index_id=job.index_id,
            user_metadata=job.user_metadata,
            patience=job.patience,
            quota=QuotaPause(job.on_quota, api.clock, self._tell),
            halt=self._halt,
            tell=self._tell,
        )
        self._carrier = Carrier(
            self._way, job, halt=self._halt, clock=api.clock, tell=self._tell, run=secrets.token_hex(4)
        )
        self._room = asyncio.Semaphore(job.in_flight)
        self._done: asyncio.Queue[Outcome | None] = asyncio.Queue(min(job.in_flight, WAITING_OUTCOMES))
        self._feeding: asyncio.Task[None] | None = None
        self._broken: BaseException | None = None
        self._started = 0.0
        self._sums = Summary()

    @property
    def summary(self) -> Summary:
        """The outcomes so far, added up."""
        return attrs.evolve(self._sums, stopped=self._halt.reason)

    def drain(self) -> None:
        """Take no more items, and begin none of those that were taken."""
        self._halt.drain()
        if self._feeding is not None:
            self._feeding.cancel()

    async def outcomes(self) -> AsyncGenerator[Outcome, None]:
        """Do it, and give each outcome as it comes."""
        ledger = self._job.ledger
        self._started = self._clock.monotonic()
        self._carrier.begin(await ledger.open())
        running = asyncio.create_task(self._run())
        deaf = self._events.subscribe(self._tell.hear)
        try:
            while (outcome := await self._done.get()) is not None:
                yield outcome
        finally:
            deaf()
            running.cancel()
            try:
                await asyncio.wait([running])
            finally:  # whoever is in a hurry may cancel again
                await ledger.close()
        if self._broken is not None:
            raise self._broken

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as pollers:
                polling = [pollers.create_task(watch.run()) for watch in (self._way.processing, self._way.indexing)]
                async with asyncio.TaskGroup() as carriers:
                    self._feeding = carriers.create_task(self._feed(carriers))
                    if self._halt.reason == "drained":
                        self._feeding.cancel()
                for poller in polling:
                    poller.cancel()
        except BaseExceptionGroup as group:
            self._broken = _first(group)
        await self._done.put(None)

    async def _feed(self, carriers: asyncio.TaskGroup) -> None:
        async with aclosing(items_of(self._sources)) as items:
            while True:
                await self._room.acquire()  # before an item is taken, so that none is taken and not told of
                item = await anext(items, None)
                if item is None:
                    return
                carriers.create_task(self._carry(item))

    async def _carry(self, item: Item) -> None:
        began = self._clock.monotonic()
        outcome = await self._carrier.carry(item)
        now = self._clock.monotonic()
        outcome = attrs.evolve(outcome, seconds=now - began)
        self._sums = self._sums.plus(outcome, seconds=now - self._started)
        event: IngestEvent = ItemEnded(outcome=outcome)
        self._tell(event)
        await self._done.put(outcome)
        self._room.release()


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that ended the group; the others followed from it."""
    first = failures.exceptions[0]
    return _first(cast("BaseExceptionGroup[BaseException]", first)) if isinstance(first, BaseExceptionGroup) else first

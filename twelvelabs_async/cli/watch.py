"""Hears what an ingestion tells, and keeps the sums and the display up to date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from twelvelabs_async.cli.board import Board, board
from twelvelabs_async.cli.render import Screen, basename
from twelvelabs_async.cli.tally import Tally
from twelvelabs_async.clock import Clock
from twelvelabs_async.events import Event, LimitUpdate, LimitWait
from twelvelabs_async.ingest import AttemptFailed, IngestEvent, ItemEnded, ItemProgress, QuotaWait
from twelvelabs_async.ingest.eta import about

TICK: Final = 0.1
"""Seconds between two pictures."""

SHORT: Final = 5.0
"""Seconds until a retry that nobody needs to hear of."""


class Watch:
    """What is known and shown of one ingestion."""

    def __init__(self, screen: Screen, clock: Clock) -> None:
        self.screen = screen
        self.clock = clock
        self.tally: Tally = Tally(clock.monotonic())
        self.board: Board = board(screen, self.tally)
        self.quotas: dict[tuple[str, str], LimitUpdate] = {}

    def limit(self, event: Event) -> None:
        """The client waits for a limit, or was told of one."""
        if isinstance(event, LimitUpdate):
            self.quotas[event.category, event.dimension] = event
        elif isinstance(event, LimitWait) and event.seconds is not None:
            self.tally.wait(event.category, event.dimension, event.seconds, self.clock.monotonic())

    def event(self, event: IngestEvent) -> None:
        """The ingestion got on."""
        now = self.clock.monotonic()
        match event:
            case ItemProgress():
                self.tally.progress(event, now)
            case ItemEnded(outcome=outcome):
                self.tally.ended(outcome, now)
                self.board.outcome(outcome)
            case QuotaWait():
                self.tally.wait(event.category, event.dimension, event.seconds, now)
                self.board.say(f"{event.category} quota used up; it goes on in {about(event.seconds)}")
            case AttemptFailed() if event.retry_in > SHORT:
                self.board.say(f"{basename(event.source)}: {event.error}; again in {about(event.retry_in)}")
            case _:
                pass

    @asynccontextmanager
    async def showing(self) -> AsyncGenerator[None]:
        """Draw again and again."""
        with self.board:
            ticking = asyncio.create_task(self._tick())
            try:
                yield
            finally:
                ticking.cancel()
                await asyncio.wait([ticking])

    async def _tick(self) -> None:
        while True:
            self.board.refresh(self.clock.monotonic())
            await self.clock.sleep(TICK)

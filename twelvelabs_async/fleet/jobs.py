"""What the two kinds of jobs do: take a step of an item, and look at an index."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from procrastinate import JobContext

from twelvelabs_async.errors import APIError, AuthenticationError
from twelvelabs_async.fleet.card import TRIES, UNTOLD, Result
from twelvelabs_async.fleet.gates import Gates
from twelvelabs_async.fleet.lookout import Lookout, Seen, interval
from twelvelabs_async.fleet.queue import ADVANCE, LOOK, Queue, queue_of
from twelvelabs_async.fleet.roster import Due, Roster
from twelvelabs_async.fleet.stepper import Stepper, is_due


class Jobs:
    """Of one worker.

    Args:
        queue: Where they come from, and where what follows from them goes.
        roster: What is known of items between their steps.
        stepper: Takes steps.
        lookout: Looks at indexes.
        gates: Close where a limit is used up.
        refused: Is told that the key was.
    """

    def __init__(
        self,
        queue: Queue,
        roster: Roster,
        stepper: Stepper,
        lookout: Lookout,
        gates: Gates,
        *,
        refused: Callable[[AuthenticationError], None],
    ) -> None:
        self._queue = queue
        self._roster = roster
        self._stepper = stepper
        self._lookout = lookout
        self._gates = gates
        self._refused = refused
        self._running: dict[int | None, asyncio.Task[None] | None] = {}
        self.done: int = 0
        """Jobs that have ended."""

    def register(self) -> None:
        """Make them known to the queue."""
        self._queue.app.task(name=ADVANCE, pass_context=True)(self._counted(self.advance))
        self._queue.app.task(name=LOOK, pass_context=True)(self._counted(self.look))

    @property
    def running(self) -> set[int | None]:
        """Numbers of the jobs that run here."""
        return set(self._running)

    def cancel(self) -> None:
        """Break off what is running."""
        for task in tuple(self._running.values()):
            if task is not None:
                task.cancel()

    def _counted(self, job: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def run(context: JobContext, **told: object) -> None:
            with self._noted(context.job.id):
                await job(**told)

        return run

    @contextmanager
    def _noted(self, number: int | None) -> Generator[None]:
        self._running[number] = asyncio.current_task()
        try:
            yield
        except AuthenticationError as error:
            self._refused(error)
        finally:
            del self._running[number]
            self.done += 1

    async def advance(self, token: str) -> None:
        """Take the step that an item is at."""
        card = await self._roster.begin(token)
        if card is None:
            return
        result = await self._stepper.take(card)
        await self._roster.end(result)
        entry = result.entry
        if result.again is not None:
            queue = queue_of(entry.stage)
            if result.closed:
                self._gates.close(queue, result.again)
            await self._queue.steps([Due(token=token, stage=entry.stage)], after=result.again)
        elif entry.state == "open" and not is_due(entry):
            await self._queue.look(entry.index_id)

    async def look(self, index_id: str, waited: float) -> None:
        """Look at all in an index that the platform works on, and once more later while anything is left."""
        entries = await self._roster.on_the_way(index_id)
        if not entries:
            return
        try:
            seen = await self._lookout.look(index_id, entries)
        except AuthenticationError:
            raise
        except APIError as error:
            seen = Seen(again=error.retry_after or UNTOLD)
        ended = [entry.token for entry in seen.moved if entry.state != "open"]
        await self._roster.strike(ended)
        for entry in seen.late:
            await self._roster.end(Result(entry=entry, tries=TRIES))
        await self._queue.steps(Due(token=e.token, stage=e.stage) for e in seen.moved if is_due(e))
        if len(ended) + len(seen.late) < len(entries):
            await self._queue.look(index_id, after=interval(waited, seen, len(entries)))

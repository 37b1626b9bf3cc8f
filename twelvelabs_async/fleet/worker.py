"""One worker of many: takes jobs from the queue, says that it is alive, and puts right what the dead have left.

A worker that others might take for dead stops its steps before they can: it is silent to the database for `FENCE`
seconds at most with a step under way, and nobody judges it before `DEAD` seconds, nor before the database itself has
been there for so long. Whoever takes a step over looks first at what came of it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import attrs
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as Engine

from twelvelabs_async.api import Api
from twelvelabs_async.errors import AuthenticationError, LedgerError
from twelvelabs_async.fleet.gates import Gates
from twelvelabs_async.fleet.jobs import Jobs
from twelvelabs_async.fleet.lookout import Lookout
from twelvelabs_async.fleet.queue import Queue
from twelvelabs_async.fleet.roster import Roster
from twelvelabs_async.fleet.stepper import Stepper
from twelvelabs_async.ingest.job import DAY
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.uploads.plan import DIRECT_UP_TO

logger: Final = logging.getLogger(__name__)

BEAT: Final = 1.0
"""Seconds between two signs of life."""

FENCE: Final = 10.0
"""Seconds without one after which a worker stops its steps."""

DEAD: Final = 15.0
"""Seconds without one after which others take its steps over."""

ANSWER: Final = 3.0
"""Seconds in which the database has to take a sign of life."""

SWEEP: Final = 3.0
"""Seconds between two looks at what the dead have left."""

AT_A_SWEEP: Final = 1000
"""Open items that one look covers."""

RECONNECT: Final = 1.0
"""Seconds to wait for a database that went away."""

PATIENT_FOR: Final = 1.0
"""Seconds that a step may wait for a limit; if it takes longer, others go first and the step comes back."""


class Worker:
    """Carries the items of a ledger, beside any number of others.

    Args:
        api: The road to the platform.
        url: Of the database: `postgresql://...`.
        concurrency: Steps at once.
        direct_up_to: Bytes up to which a file is sent in one request.
        timeout: Seconds after which a video is given up that the platform has not looked into, or not indexed.
    """

    def __init__(
        self, api: Api, url: str, *, concurrency: int = 8, direct_up_to: int = DIRECT_UP_TO, timeout: float = DAY
    ) -> None:
        self._api = attrs.evolve(
            api, options=attrs.evolve(api.options, priority="bulk", max_wait=min(PATIENT_FOR, api.options.max_wait))
        )
        self._clock = api.clock
        self._concurrency = concurrency
        self._ledger = PostgresLedger(url, shared=True)
        self._roster = Roster(self._ledger)
        self._queue = Queue(url, api.clock)
        self._gates = Gates(api.clock)
        self._engine: Engine | None = None
        self._there_since = math.inf
        self._forgotten: dict[int, float] = {}
        self._stopping = False
        self._refusal: AuthenticationError | None = None
        self._jobs = Jobs(
            self._queue,
            self._roster,
            Stepper(self._api, self._ledger, direct_up_to=direct_up_to),
            Lookout(self._api, self._ledger, timeout=timeout),
            self._gates,
            refused=self._refused,
        )
        self._jobs.register()

    @property
    def done(self) -> int:
        """Steps and looks that have ended."""
        return self._jobs.done

    def stop(self) -> None:
        """Take no more steps, and finish those under way."""
        self._stopping = True
        if self._engine is not None:
            self._engine.stop()  # type: ignore[no-untyped-call]  # procrastinate leaves None out

    def _refused(self, error: AuthenticationError) -> None:
        self._refusal = error
        self.stop()

    async def run(self) -> None:
        """Work until stopped. Cancelled, it breaks its steps off; whoever takes them over looks what came of them.

        Raises:
            AuthenticationError: The key was refused.
            LedgerError: The database cannot be used; one that goes away later is waited for.
        """
        async with self._opened():
            beside = [asyncio.create_task(self._live()), asyncio.create_task(self._tend())]
            try:
                await self._work()
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)
        if self._refusal is not None:
            raise self._refusal

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[None]:
        await self._ledger.open()
        try:
            await self._queue.prepare()
            async with self._queue.app.open_async():
                yield
        finally:
            await self._ledger.close()

    async def _work(self) -> None:
        """Let the engine run, again and again where the database goes away."""
        while not self._stopping:
            engine = self._engine = self._made()
            running = asyncio.ensure_future(engine.run())  # type: ignore[no-untyped-call]  # the same
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                self._jobs.cancel()
                running.cancel()
                await asyncio.wait([running])
                raise
            except ConnectorException as error:
                logger.warning("the database went away: %s", error.__cause__ or error)
            if not self._stopping:
                await self._clock.sleep(RECONNECT)

    def _made(self) -> Engine:
        return Engine(
            self._queue.app,
            queues=self._gates.open,
            concurrency=self._concurrency,
            fetch_job_polling_interval=BEAT,
            install_signal_handlers=False,
            delete_jobs="always",
            update_heartbeat_interval=BEAT,
            stalled_worker_timeout=1e9,  # that is judged below, with more care
        )

    async def _live(self) -> None:
        """Say again and again that we live; stop our steps where nobody can hear it."""
        beaten = self._there_since = self._clock.monotonic()
        while True:
            now = self._clock.monotonic()
            try:
                async with asyncio.timeout(ANSWER):
                    await self._beat()
                beaten = now
            except (ConnectorException, TimeoutError):
                self._there_since = math.inf
            else:
                self._there_since = min(self._there_since, now)
            if self._clock.monotonic() - beaten > FENCE:
                self._jobs.cancel()
            self._reopen()
            await self._clock.sleep(BEAT)

    async def _beat(self) -> None:
        """The engine does so as well, but not while it waits for its last steps."""
        worker_id = self._engine.worker_id if self._engine is not None else None
        if worker_id is not None:
            await self._queue.app.job_manager.update_heartbeat(worker_id)

    async def _tend(self) -> None:
        """Look again and again after what has been left lying."""
        while True:
            await self._clock.sleep(SWEEP)
            try:
                await self._sweep()
            except (ConnectorException, LedgerError) as error:
                logger.warning("nobody could be looked after: %s", error.__cause__ or error)

    async def _sweep(self) -> None:
        if self._clock.monotonic() - self._there_since > DEAD:
            await self._queue.rescue(DEAD)
        await self._finish_forgotten()
        await self._queue.steps(await self._roster.lost(AT_A_SWEEP))
        for index_id in await self._roster.unwatched():
            await self._queue.look(index_id)

    async def _finish_forgotten(self) -> None:
        """Jobs that have ended here while the database was away are still running by what it knows."""
        worker_id = self._engine.worker_id if self._engine is not None else None
        if worker_id is None:
            return
        now, running = self._clock.monotonic(), self._jobs.running
        forgotten = {number for number in await self._queue.running(worker_id) if number not in running}
        self._forgotten = {number: self._forgotten.get(number, now) for number in forgotten}
        for number, since in self._forgotten.items():
            if now - since > FENCE:
                await self._queue.put_back(number)

    def _reopen(self) -> None:
        if self._engine is not None:
            self._engine.queues = self._gates.open

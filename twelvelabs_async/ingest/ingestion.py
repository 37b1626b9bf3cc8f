"""`Ingestion`, which `client.ingest` returns: an async iterator of results that can be drained and closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

import attrs

from twelvelabs_async._concurrency import first_exception
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._text import cut_queries, printable
from twelvelabs_async.errors import ClientStateError
from twelvelabs_async.events import RateLimitWaitStarted
from twelvelabs_async.ingest._pipeline import IngestConfig, Pipeline
from twelvelabs_async.ingest._scan import iter_items
from twelvelabs_async.ingest.events import IngestEvent, IngestWarning, ItemFinished
from twelvelabs_async.ingest.results import IngestResult, Summary
from twelvelabs_async.ingest.sources import IngestSources, Item

_logger: Final = logging.getLogger(__name__)

_RESULT_QUEUE_SIZE: Final = 64
"""Results that wait for the caller, in addition to those that occupy a slot."""


class Ingestion:
    """An ingestion, which starts when its first result is requested.

    Iterate over it once to get one `IngestResult` for each input, in the order in which they end. To stop early, close
    it: the items in progress are cancelled, and with a ledger the next run resumes them.

    One task takes items from the sources, one task ingests each item, and two pollers wait for all of them. A result
    keeps the slot of its item until the queue accepts it, so that a slow caller slows the run down.

    Example:
        async with client.ingest("holiday/", index_id=index.id) as ingestion:
            async for outcome in ingestion:
                print(outcome.status, outcome.source, outcome.error)
    """

    def __init__(self, executor: RequestExecutor, sources: IngestSources, config: IngestConfig) -> None:
        executor = attrs.evolve(executor, options=attrs.evolve(executor.options, priority="background"))
        self._sources = sources
        self._clock = executor.clock
        self._client_events = executor.limiter.events
        self._listener = config.on_event
        self._listener_failed = False
        self._pipeline = Pipeline(executor, config, self._emit)
        self._slots = asyncio.Semaphore(config.max_in_flight)
        self._queue: asyncio.Queue[IngestResult | None] = asyncio.Queue(min(config.max_in_flight, _RESULT_QUEUE_SIZE))
        self._feed_task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._iterating = False
        self._started = 0.0
        self._summary = Summary()
        self._results: AsyncGenerator[IngestResult, None] = self._iter_results()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> IngestResult:
        self._iterating = True
        return await anext(self._results)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cancel the items in progress, and close the ledger.

        Example:
            ingestion = client.ingest("holiday/", index_id=index.id, ledger="stopped.ledger")
            print((await anext(ingestion)).status)  # ready
            await ingestion.aclose()
        """
        await self._results.aclose()

    async def summary(self) -> Summary:
        """Run to the end, and return the totals of all results.

        Raises:
            ClientStateError: The results are being iterated; use `partial_summary`.
            LedgerError: The ledger cannot be opened, read or written.

        Example:
            summary = await client.ingest("holiday/", index_id=index.id).summary()
            print(summary.ready, summary.failed, summary.seconds)
        """
        if self._iterating:
            raise ClientStateError("the results are being iterated; use partial_summary for the totals so far")
        async with self:
            async for _ in self:
                pass
        return self.partial_summary

    @property
    def partial_summary(self) -> Summary:
        """Totals of the results so far."""
        return attrs.evolve(self._summary, stop_reason=self._pipeline.stop_reason)

    def drain(self) -> None:
        """Start no more uploads, and finish the items in progress; the iterator then ends.

        Items that were taken from the sources but not started end as `skipped`.

        Example:
            ingestion = client.ingest("holiday/", index_id=index.id)
            async for outcome in ingestion:
                print(outcome.status, outcome.source)
                ingestion.drain()
        """
        self._pipeline.drain()
        if self._feed_task is not None:
            self._feed_task.cancel()

    async def _iter_results(self) -> AsyncGenerator[IngestResult, None]:
        """Run the ingestion in a task of its own: a task group around `yield` would cancel the caller."""
        self._started = self._clock.monotonic()
        unsubscribe = self._client_events.subscribe(self._on_client_event)
        try:
            await self._pipeline.open()
        except BaseException:
            unsubscribe()
            raise
        run_task = asyncio.create_task(self._run())
        try:
            while (result := await self._queue.get()) is not None:
                yield result
        finally:
            unsubscribe()
            run_task.cancel()
            try:
                await asyncio.wait([run_task])
            finally:  # also if this task is cancelled again
                await self._pipeline.close()
        if self._error is not None:
            raise self._error

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as poll_tasks:
                polling = [poll_tasks.create_task(poller.run()) for poller in self._pipeline.pollers]
                async with asyncio.TaskGroup() as item_tasks:
                    self._feed_task = item_tasks.create_task(self._feed(item_tasks))
                    if self._pipeline.stop_reason == "drained":
                        self._feed_task.cancel()
                for task in polling:
                    task.cancel()
        except BaseExceptionGroup as group:
            self._error = first_exception(group)
        await self._queue.put(None)

    async def _feed(self, item_tasks: asyncio.TaskGroup) -> None:
        async with aclosing(iter_items(self._sources, on_skipped=self._emit)) as items:
            while True:
                await self._pipeline.outage.over.wait()
                await self._slots.acquire()  # before an item is taken: an item that was taken must have a result
                item = await anext(items, None)
                if item is None:
                    return
                item_tasks.create_task(self._ingest(item))

    async def _ingest(self, item: Item) -> None:
        started = self._clock.monotonic()
        result = await self._pipeline.ingest(item)
        now = self._clock.monotonic()
        result = attrs.evolve(result, seconds=now - started)
        self._summary = self._summary.plus(result, seconds=now - self._started)
        self._emit(ItemFinished(result=result))
        await self._queue.put(result)
        self._slots.release()

    def _on_client_event(self, event: object) -> None:
        self._pipeline.outage.on_client_event(event)
        if isinstance(event, RateLimitWaitStarted):
            self._emit(event)

    def _emit(self, event: IngestEvent) -> None:
        """Call the listener. A listener that fails on an event gets the others, and does not stop the run."""
        if self._listener is None:
            if isinstance(event, IngestWarning):
                _logger.warning("%s", printable(cut_queries(" ".join(filter(None, (event.source, event.message))))))
            return
        try:
            self._listener(event)
        except (Exception, asyncio.CancelledError):  # a listener is no coroutine: this task was not cancelled
            _logger.log(
                logging.DEBUG if self._listener_failed else logging.ERROR,
                "on_event raised an exception on %s",
                type(event).__name__,
                exc_info=True,
            )
            self._listener_failed = True

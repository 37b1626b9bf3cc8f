"""Keeps a number of workers busy with a list of any length, and hands out how each item ended.

Workers take the next item themselves when they are free, so no more of the list is read than is worked on; they wait
when nobody takes their outcomes, so a slow reader slows the run down. All of them live in one task of their own, which
the iterator ends when it is closed: a task group around a `yield` would cancel the caller instead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from os import PathLike
from typing import Final

import attrs

from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import AuthenticationError, InvalidInputError, QuotaExhaustedError, TwelveLabsError
from twelvelabs_async.ingest.outcome import Outcome
from twelvelabs_async.ingest.plan import Item, PathOrUrl, expand
from twelvelabs_async.ingest.steps import OnEvent, Steps, Work
from twelvelabs_async.models.common import UserMetadata

logger: Final = logging.getLogger(__name__)

HOPELESS: Final = (AuthenticationError, QuotaExhaustedError)
"""Failures that would be those of every other item too."""


def ingest(
    client: AsyncTwelveLabs,
    sources: PathOrUrl | Iterable[PathOrUrl] | AsyncIterable[PathOrUrl],
    *,
    index_id: str,
    concurrency: int = 4,
    user_metadata: UserMetadata | None = None,
    timeout: float | None = None,
    sleep_interval: float | None = None,
    on_event: OnEvent | None = None,
) -> AsyncGenerator[Outcome, None]:
    """Upload and index files; gives one `Outcome` for each, in the order in which they end.

    A bad item does not stop the others. When the key or a quota is refused nothing more is begun: items on their way
    end as they can, those left are `skipped`. Closing the iterator cancels what is on its way.

    Args:
        client: The client, which stays open.
        sources: Files, folders, globs and addresses, read as workers become free. The same file counts once.
        index_id: The index.
        concurrency: Items on their way at once, from upload to the end of indexing.
        user_metadata: Your own keys, on each asset and on each asset in the index.
        timeout: Seconds for each of the two waits; None is an hour.
        sleep_interval: Seconds between two looks at a status; None looks less and less often.
        on_event: Is shown how items get on.

    Raises:
        InvalidInputError: `concurrency` is below 1.

    Example:
        async for outcome in ingest(client, "holiday/", index_id=index.id):
            print(outcome.status, outcome.source, outcome.error)
    """
    if concurrency < 1:
        raise InvalidInputError(f"concurrency is 1 or more, not {concurrency}")
    steps = Steps(
        client=client, index_id=index_id, user_metadata=user_metadata, timeout=timeout, sleep_interval=sleep_interval
    )
    return _Run(steps, _items(sources), concurrency, on_event).outcomes()


async def _items(sources: PathOrUrl | Iterable[PathOrUrl] | AsyncIterable[PathOrUrl]) -> AsyncGenerator[Item, None]:
    met = set[str]()
    async for source in _each(sources):
        for item in await asyncio.to_thread(_expanded, source):
            if item.key not in met:
                met.add(item.key)
                yield item


async def _each(sources: PathOrUrl | Iterable[PathOrUrl] | AsyncIterable[PathOrUrl]) -> AsyncIterator[PathOrUrl]:
    if isinstance(sources, str | PathLike):
        yield sources
    elif isinstance(sources, AsyncIterable):
        async for source in sources:
            yield source
    else:
        for source in sources:
            yield source


def _expanded(source: PathOrUrl) -> list[Item]:
    return list(expand(source))


class _Run:
    """One run: the workers, and the queue between them and the reader."""

    def __init__(
        self, steps: Steps, items: AsyncGenerator[Item, None], concurrency: int, on_event: OnEvent | None
    ) -> None:
        self._steps = steps
        self._items = items
        self._concurrency = concurrency
        self._on_event = on_event
        self._turn = asyncio.Lock()
        self._done: asyncio.Queue[Outcome | None] = asyncio.Queue(concurrency)
        self._hopeless: TwelveLabsError | None = None
        self._broken: BaseException | None = None

    async def outcomes(self) -> AsyncGenerator[Outcome, None]:
        running = asyncio.create_task(self._run())
        try:
            while (outcome := await self._done.get()) is not None:
                yield outcome
        finally:
            running.cancel()
            await asyncio.wait([running])
        if self._broken is not None:
            raise self._broken

    async def _run(self) -> None:
        try:
            async with aclosing(self._items), asyncio.TaskGroup() as workers:
                for _ in range(self._concurrency):
                    workers.create_task(self._work())
        except BaseExceptionGroup as group:
            self._broken = group.exceptions[0]
        await self._done.put(None)

    async def _work(self) -> None:
        while (item := await self._next()) is not None:
            await self._done.put(await self._outcome(item))

    async def _next(self) -> Item | None:
        async with self._turn:
            return await anext(self._items, None)

    async def _outcome(self, item: Item) -> Outcome:
        if item.problem:
            return Outcome(source=item.source, status="failed", stage="queued", error=item.problem)
        if self._hopeless is not None:
            return Outcome(
                source=item.source,
                status="skipped",
                stage="queued",
                error=f"not begun, because the run had ended: {self._hopeless}",
                exception=self._hopeless,
            )
        return await self._carried(Work(item.source, self._on_event))

    async def _carried(self, work: Work) -> Outcome:
        started = time.monotonic()
        failure: Exception | None = None
        try:
            await self._steps.run(work)
        except HOPELESS as error:
            self._hopeless = failure = error
        except (TwelveLabsError, OSError) as error:
            failure = error
        except Exception as error:
            # A defect that one strange file brings to light must not cost a night's run over ten thousand others.
            logger.exception("an unexpected error while %s was %s", work.source, work.stage)
            failure = error
        outcome = _ended(work, failure)
        return attrs.evolve(outcome, seconds=time.monotonic() - started)


def _ended(work: Work, failure: Exception | None) -> Outcome:
    known = isinstance(failure, TwelveLabsError)
    return Outcome(
        source=work.source,
        status="ready" if failure is None else "failed",
        stage=work.stage,
        asset_id=work.asset_id,
        indexed_asset_id=work.indexed_asset_id,
        error="" if failure is None else str(failure) if known else f"{type(failure).__name__}: {failure}",
        exception=failure,
        bytes=work.sent,
    )

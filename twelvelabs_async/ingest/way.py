"""The way of one item into an index: one method for each stage, and a loop that knows how to go on from any of them.

Each step writes down what it is about to do, does it, and writes down what the platform called the result. Where an
item has stopped in between, be it by a failure or by a crash, the step begins with a look at what is there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, Final

import attrs

from twelvelabs_async.api import Road
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, NotFoundError, QuotaExhaustedError, TwelveLabsError, UploadError
from twelvelabs_async.ingest.events import AttemptFailed, OnEvent
from twelvelabs_async.ingest.ledger import SavedUpload
from twelvelabs_async.ingest.lookup import TOKEN, Lookup
from twelvelabs_async.ingest.outcome import Stage
from twelvelabs_async.ingest.quota import Halt, QuotaPause
from twelvelabs_async.ingest.sending import Sender
from twelvelabs_async.ingest.watch import Watch
from twelvelabs_async.ingest.work import Work
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.resources.assets import LIFE as ASSET_LIFE
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.indexed_assets import LIFE as INDEXED_LIFE
from twelvelabs_async.resources.indexed_assets import IndexedAssets
from twelvelabs_async.waiting import Outlook

TRIES: Final = 6
"""How often a step is tried that fails for reasons that may pass; each try has the retries of its calls."""

LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries, at most."""

INDEXING_AT_ONCE: Final = 8
"""Requests to index that are on their way at the same time."""

Step = Callable[[Work], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Patience:
    """How much is done at once, and how long is waited."""

    uploads: int
    """Files sent at once."""
    direct_up_to: int
    """Bytes up to which a file is sent in one request."""
    timeout: float
    """Seconds for each of the two waits."""
    interval: float | None
    """Seconds between two looks at statuses; None adapts."""


class Way:
    """Carries items from wherever they are to the index; shared by all items of a run."""

    def __init__(
        self,
        road: Road,
        *,
        index_id: str,
        user_metadata: UserMetadata | None,
        patience: Patience,
        quota: QuotaPause,
        halt: Halt,
        tell: OnEvent,
    ) -> None:
        self._clock: Clock = road.clock
        self._index_id = index_id
        self._metadata = dict(user_metadata or {})
        self._quota = quota
        self._halt = halt
        self._tell = tell
        self._assets = Assets(road)
        self._indexed_assets = IndexedAssets(road)
        self._sender = Sender(road, self._assets, direct_up_to=patience.direct_up_to)
        self._lookup = Lookup(self._assets, self._indexed_assets, road.clock)
        self._uploading = asyncio.Semaphore(patience.uploads)
        self._indexing = asyncio.Semaphore(INDEXING_AT_ONCE)
        watch = partial(Watch, clock=road.clock, timeout=patience.timeout, interval=patience.interval, bear=quota.bear)
        self.processing = watch(Outlook(life=ASSET_LIFE, pages=self._asset_pages, fetch=self._assets.retrieve))
        """Assets that the platform looks into."""
        self.indexing = watch(
            Outlook(
                life=INDEXED_LIFE,
                pages=lambda _: self._indexed_assets.list(index_id).pages(),
                fetch=partial(self._indexed_assets.retrieve, index_id),
            )
        )
        """Assets that are being indexed."""

    async def _asset_pages(self, asset_ids: Sequence[str]) -> AsyncIterator[Any]:
        for start in range(0, len(asset_ids), 50):
            yield await self._assets.list(asset_ids=asset_ids[start : start + 50])

    async def run(self, work: Work) -> None:
        """Carry an item to the index.

        Raises:
            TwelveLabsError: It cannot get there, or not in this run.
        """
        steps: Mapping[Stage, Step] = {
            "queued": self._upload,
            "uploading": self._upload,
            "processing": self._process,
            "indexing": self._index,
        }
        while work.entry.state == "open":
            await self._persist(work, steps[work.entry.stage])

    async def _persist(self, work: Work, step: Step) -> None:
        """Try a step until it works, fails for good, or has failed too often."""
        for attempt in count(1):
            try:
                return await step(work)
            except QuotaExhaustedError as error:
                await self._quota.bear(error)
            except (APIError, UploadError) as error:
                if not _may_pass(error) or attempt >= TRIES:
                    raise
                if _in_doubt(error):
                    work.doubted()
                pause = min(LONGEST_PAUSE, 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret
                self._tell(
                    AttemptFailed(
                        source=work.item.source,
                        stage=work.entry.stage,
                        error=str(error),
                        attempt=attempt,
                        retry_in=pause,
                    )
                )
                await self._clock.sleep(pause)
        raise AssertionError  # pragma: no cover  # the count has no end

    async def _upload(self, work: Work) -> None:
        async with self._uploading:
            if not work.resumed or work.entry.stage == "queued":
                self._halt.check()
            work.enter("uploading")
            saved = await work.ledger.upload(work.entry.token) if work.entry.attempts else None
            asset_id = None
            if work.doubt is not None and saved is None:  # an upload in parts tells by itself how far it came
                asset_id = await self._lookup.asset(work)
            await work.save(stage="processing", asset_id=asset_id or await self._send(work, saved))
            work.doubt = None

    async def _send(self, work: Work, saved: SavedUpload | None) -> str:
        await work.save(stage="uploading", attempts=work.entry.attempts + 1)
        work.begin_sending()
        metadata = {**self._metadata, **(work.item.user_metadata or {}), TOKEN: work.entry.token}
        return await self._sender.send(work, metadata, saved)

    async def _process(self, work: Work) -> None:
        work.enter("processing")
        try:
            await self.processing.ready(work.entry.asset_id or "", work.seen)
        except NotFoundError:
            if not work.resumed:
                raise
            await work.restart()  # somebody has deleted it between two runs
        else:
            await work.save(stage="indexing")

    async def _index(self, work: Work) -> None:
        work.enter("indexing")
        if work.entry.indexed_asset_id is None:
            async with self._indexing:
                indexed_asset_id = await self._indexed_before(work) or await self._put_into_index(work)
                await work.save(indexed_asset_id=indexed_asset_id)
                work.doubt = None
        await self.indexing.ready(work.entry.indexed_asset_id or "", work.seen)
        await work.save(stage="ready", state="ready", error="")
        work.enter("ready")

    async def _indexed_before(self, work: Work) -> str | None:
        return await self._lookup.indexed_asset(work) if work.doubt is not None else None

    async def _put_into_index(self, work: Work) -> str:
        metadata = {**self._metadata, **(work.item.user_metadata or {})}
        created = await self._indexed_assets.create(
            self._index_id, asset_id=work.entry.asset_id or "", user_metadata=metadata or None
        )
        return created.id


def _may_pass(error: APIError | UploadError) -> bool:
    """Whether another try of the whole step may help."""
    if isinstance(error, UploadError):  # a transfer that broke off; a file that has changed is another matter
        return isinstance(error.__cause__, APIError)
    return error.retryable or error.ambiguous


def _in_doubt(error: TwelveLabsError) -> bool:
    return isinstance(error, APIError) and error.ambiguous

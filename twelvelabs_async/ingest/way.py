"""The way of one item into an index: one method for each stage, and a loop that knows how to go on from any of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from itertools import count
from typing import Final

import attrs

from twelvelabs_async.api import Road
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, NotFoundError, QuotaExhaustedError, UploadError
from twelvelabs_async.ingest.events import AttemptFailed, OnEvent
from twelvelabs_async.ingest.failures import in_doubt, may_pass
from twelvelabs_async.ingest.outcome import Stage
from twelvelabs_async.ingest.quota import Halt, QuotaPause
from twelvelabs_async.ingest.steps import Steps
from twelvelabs_async.ingest.watch import Watch
from twelvelabs_async.ingest.work import Work
from twelvelabs_async.models.common import UserMetadata

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
        self._quota = quota
        self._halt = halt
        self._tell = tell
        self._steps = Steps(road, direct_up_to=patience.direct_up_to, user_metadata=user_metadata)
        self._uploading = asyncio.Semaphore(patience.uploads)
        self._indexing = asyncio.Semaphore(INDEXING_AT_ONCE)
        watch = partial(Watch, clock=road.clock, timeout=patience.timeout, interval=patience.interval, bear=quota.bear)
        self.processing: Watch = watch(self._steps.processing())
        """Assets that the platform looks into."""
        self.indexing: Watch = watch(self._steps.indexing(index_id))
        """Assets that are being indexed."""

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
                if not may_pass(error) or attempt >= TRIES:
                    raise
                if in_doubt(error):
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
            await self._steps.upload(work)

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
                await self._steps.put_into_index(work)
        await self.indexing.ready(work.entry.indexed_asset_id or "", work.seen)
        await work.save(stage="ready", state="ready", error="")
        work.enter("ready")

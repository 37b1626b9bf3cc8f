"""The way of one item into an index, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.ingest.outcome import IngestEvent, Stage
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.uploads.state import UploadProgress

OnEvent = Callable[[IngestEvent], None]
"""Is called in the event loop, with each block sent among others; must not block."""


class _Seen(Protocol):
    """Something that advances."""

    @property
    def status(self) -> str: ...


@attrs.define
class Work:
    """One item on its way: all that is known of it between two steps."""

    source: str
    listener: OnEvent | None = None
    stage: Stage = "queued"
    status: str = ""
    asset_id: str | None = None
    indexed_asset_id: str | None = None
    sent: int = 0
    total: int = 0

    def enter(self, stage: Stage) -> None:
        """Begin with a stage."""
        self.stage, self.status = stage, ""
        self._tell()

    def uploaded(self, progress: UploadProgress) -> None:
        """Some bytes went out."""
        self.sent, self.total = progress.sent, progress.total
        self._tell()

    def seen(self, resource: _Seen) -> None:
        """The platform said how far it is."""
        if resource.status != self.status:
            self.status = resource.status
            self._tell()

    def _tell(self) -> None:
        if self.listener is not None:
            event = IngestEvent(
                source=self.source, stage=self.stage, status=self.status, sent=self.sent, total=self.total
            )
            self.listener(event)


@attrs.frozen(kw_only=True)
class Steps:
    """What is done with each item, and with what patience."""

    client: AsyncTwelveLabs
    index_id: str
    user_metadata: UserMetadata | None = None
    timeout: float | None = None
    sleep_interval: float | None = None

    async def run(self, work: Work) -> None:
        """Carry an item from where it is to `ready`; each step notes in `work` what the next one needs."""
        asset_id = await self._upload(work)
        await self._process(work, asset_id)
        indexed_asset_id = await self._index(work, asset_id)
        await self._finish(work, indexed_asset_id)
        work.enter("ready")

    async def _upload(self, work: Work) -> str:
        work.enter("uploading")
        asset = await self.client.assets.upload(
            work.source, user_metadata=self.user_metadata, on_progress=work.uploaded
        )
        work.asset_id = asset.id
        return asset.id

    async def _process(self, work: Work, asset_id: str) -> None:
        work.enter("processing")
        await self.client.assets.wait_for_done(
            asset_id, timeout=self.timeout, sleep_interval=self.sleep_interval, callback=work.seen
        )

    async def _index(self, work: Work, asset_id: str) -> str:
        work.enter("indexing")
        indexed = await self.client.indexes.indexed_assets.create(
            self.index_id, asset_id=asset_id, user_metadata=self.user_metadata
        )
        work.indexed_asset_id = indexed.id
        return indexed.id

    async def _finish(self, work: Work, indexed_asset_id: str) -> None:
        await self.client.indexes.indexed_assets.wait_for_done(
            self.index_id,
            indexed_asset_id,
            timeout=self.timeout,
            sleep_interval=self.sleep_interval,
            callback=work.seen,
        )

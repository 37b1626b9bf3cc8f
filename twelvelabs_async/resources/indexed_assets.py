"""Assets in an index.

https://docs.twelvelabs.io/v1.3/api-reference/index-content
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.common import Ids, Moment, RangeLike, UserMetadata
from twelvelabs_async.models.indexes import (
    EmbeddingOption,
    IndexedAsset,
    IndexedAssetCreated,
    IndexedAssetDetailed,
    IndexedAssetStatus,
    IndexedAssetSummary,
)
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import checked_id, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import VIDEO_LIST, MetadataChange, MetadataFilter, ranges, several, with_metadata
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="indexed asset")


class IndexedAssets(Resource):
    """Assets in an index, which can be searched and analysed."""

    async def create(
        self,
        index_id: str,
        *,
        asset_id: str,
        enable_video_stream: bool | None = None,
        user_metadata: UserMetadata | None = None,
    ) -> IndexedAssetCreated:
        """Put an asset into an index. Returns at once; `wait_for_done` tells when indexing has ended.

        Args:
            index_id: The index.
            asset_id: The asset, which has to be `ready`.
            enable_video_stream: Keep the video for streaming; the platform's default is not to.
            user_metadata: Your own keys on the asset in this index.

        Raises:
            NotFoundError: No such index or asset.
        """
        metadata = checked_metadata(user_metadata)
        body = given(asset_id=checked_id(asset_id), enable_video_stream=enable_video_stream, user_metadata=metadata)
        return await self._post(
            "/indexes/{index-id}/indexed-assets", IndexedAssetCreated, retry="reconcile", json=body, index_id=index_id
        )

    async def retrieve(
        self,
        index_id: str,
        indexed_asset_id: str,
        *,
        embedding_option: Sequence[EmbeddingOption] | None = None,
        transcription: bool | None = None,
    ) -> IndexedAssetDetailed:
        """One asset in an index.

        Args:
            index_id: The index.
            indexed_asset_id: The asset in it.
            embedding_option: Kinds of vectors to include.
            transcription: Include what is said.

        Raises:
            NotFoundError: No such object.
        """
        return await self._get(
            "/indexes/{index-id}/indexed-assets/{indexed-asset-id}",
            IndexedAssetDetailed,
            query=given(embedding_option=several("embedding_option", embedding_option), transcription=transcription),
            index_id=index_id,
            indexed_asset_id=indexed_asset_id,
        )

    async def update(self, index_id: str, indexed_asset_id: str, *, user_metadata: MetadataChange) -> None:
        """Change your own keys: those given are set, None removes one, all others stay."""
        await self._patch(
            "/indexes/{index-id}/indexed-assets/{indexed-asset-id}",
            type(None),
            json={"user_metadata": checked_metadata(user_metadata, deleting=True)},
            index_id=index_id,
            indexed_asset_id=indexed_asset_id,
        )

    async def delete(self, index_id: str, indexed_asset_id: str) -> None:
        """Take an asset out of an index; the asset itself remains."""
        await self._delete(
            "/indexes/{index-id}/indexed-assets/{indexed-asset-id}",
            index_id=index_id,
            indexed_asset_id=indexed_asset_id,
        )

    async def wait_for_done(
        self,
        index_id: str,
        indexed_asset_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[IndexedAssetDetailed] | None = None,
    ) -> IndexedAssetDetailed:
        """Wait until an asset in an index is ready.

        Args:
            index_id: The index.
            indexed_asset_id: The asset in it.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the object after each look.

        Raises:
            ProcessingFailedError: Indexing failed.
            WaitTimeoutError: The time is over, indexing goes on.
        """
        return await until_done(
            lambda: self.retrieve(index_id, indexed_asset_id),
            life=LIFE,
            id=indexed_asset_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def wait_for_all(
        self,
        index_id: str,
        indexed_asset_ids: Ids,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
    ) -> AsyncIterator[Outcome[IndexedAsset]]:
        """Wait for many assets in an index, by reading lists: 50 of them cost one request a round.

        Args:
            index_id: The index.
            indexed_asset_ids: The assets in it.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end.
        """
        outlook = Outlook[IndexedAsset](
            life=LIFE, pages=lambda _: self.list(index_id).pages(), fetch=partial(self.retrieve, index_id)
        )
        return all_done(
            indexed_asset_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval
        )

    def list_by_asset(
        self, asset_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[IndexedAssetSummary]:
        """The indexes an asset is in. Sends nothing until awaited or iterated.

        Args:
            asset_id: The asset.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list(
            "/assets/{asset_id}/indexed-assets",
            IndexedAssetSummary,
            page=page,
            page_limit=page_limit,
            asset_id=asset_id,
        )

    def list(
        self,
        index_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: str | None = None,
        sort_option: str | None = None,
        status: Sequence[IndexedAssetStatus] | None = None,
        filename: str | None = None,
        duration: RangeLike | None = None,
        fps: RangeLike | None = None,
        width: RangeLike | None = None,
        height: RangeLike | None = None,
        size: RangeLike | None = None,
        created_at: Moment | None = None,
        updated_at: Moment | None = None,
        user_metadata: MetadataFilter | None = None,
    ) -> Paginator[IndexedAsset]:
        """What is in an index, newest first. Sends nothing until awaited or iterated.

        Args:
            index_id: The index.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            status: Any of these.
            filename: Name of the file.
            duration: Seconds.
            fps: Frames a second.
            width: Pixels.
            height: Pixels.
            size: Bytes.
            created_at: Created at this time or later.
            updated_at: Changed at this time or later.
            user_metadata: Your own keys, each with the value to look for.
        """
        query = given(
            sort_by=sort_by,
            sort_option=sort_option,
            status=several("status", status),
            filename=filename,
            created_at=created_at,
            updated_at=updated_at,
            **ranges(duration=duration, fps=fps, width=width, height=height, size=size),
        )
        return self._list(
            "/indexes/{index-id}/indexed-assets",
            IndexedAsset,
            page=page,
            page_limit=page_limit,
            query=with_metadata(query, user_metadata, reserved=VIDEO_LIST | {"status"}),
            index_id=index_id,
        )

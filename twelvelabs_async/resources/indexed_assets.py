"""Indexed assets, and the legacy endpoints that list them as videos.

https://docs.twelvelabs.io/v1.3/api-reference/videos

https://docs.twelvelabs.io/v1.3/api-reference/index-content
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final, Unpack

from twelvelabs_async._arguments import checked_id, omit_none
from twelvelabs_async._core.validation import (
    VIDEO_LIST_PARAMS,
    MetadataFilter,
    MetadataUpdate,
    NoParameters,
    add_metadata_filters,
    checked_metadata,
    one_or_more,
    range_filters,
    reject_unsupported,
)
from twelvelabs_async._polling import INDEXED_ASSET_LIFECYCLE
from twelvelabs_async.models.common import DatetimeLike, Ids, RangeLike, UserMetadata
from twelvelabs_async.models.indexed_assets import (
    EmbeddingOption,
    IndexedAsset,
    IndexedAssetCreated,
    IndexedAssetDetailed,
    IndexedAssetStatus,
    IndexedAssetSummary,
    Video,
    VideoDetail,
)
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.resources._base import Resource, deprecated
from twelvelabs_async.waiting import PollCallback, WaitResult

_VIDEO: Final = "/indexes/{index-id}/videos/{video-id}"
_INDEXED_ASSETS: Final = "/indexes/{index-id}/indexed-assets"
_INDEXED_ASSET: Final = _INDEXED_ASSETS + "/{indexed-asset-id}"


class Videos(Resource):
    """Videos in an index, by the legacy endpoints. Use `IndexedAssets` in new code; it has the same objects."""

    @deprecated("indexes.indexed_assets.retrieve")
    async def retrieve(
        self,
        index_id: str,
        video_id: str,
        *,
        embedding_option: EmbeddingOption | Sequence[EmbeddingOption] | None = None,
        transcription: bool | None = None,
    ) -> VideoDetail:
        """Return a video.

        Deprecated: use `indexes.indexed_assets.retrieve`.

        Args:
            index_id: Id of the index.
            video_id: Id of the video.
            embedding_option: Kinds of embeddings to include.
            transcription: Whether to include the transcription.

        Raises:
            NotFoundError: The video does not exist.

        API: `GET /indexes/{index-id}/videos/{video-id}`

        Example:
            found = await client.indexes.videos.retrieve(index.id, indexed_asset.id, embedding_option="visual")
            print(found.system_metadata.filename)
        """
        query = omit_none(
            embedding_option=one_or_more("embedding_option", embedding_option), transcription=transcription
        )
        return await self._get(_VIDEO, VideoDetail, query, index_id=index_id, video_id=video_id)

    @deprecated("indexes.indexed_assets.update")
    async def update(self, index_id: str, video_id: str, *, user_metadata: MetadataUpdate) -> None:
        """Update your own metadata: set the given keys, remove those that are None, keep all others.

        Deprecated: use `indexes.indexed_assets.update`.

        Raises:
            NotFoundError: The video does not exist; documented as 400, `BadRequestError`.

        API: `PATCH /indexes/{index-id}/videos/{video-id}`

        Example:
            await client.indexes.videos.update(index.id, indexed_asset.id, user_metadata={"year": 2026})
        """
        body = {"user_metadata": checked_metadata(user_metadata, allow_none=True)}
        await self._send("PATCH", _VIDEO, type(None), body, index_id=index_id, video_id=video_id)

    @deprecated("indexes.indexed_assets.delete")
    async def delete(self, index_id: str, video_id: str) -> None:
        """Remove a video from an index.

        Deprecated: use `indexes.indexed_assets.delete`.

        Raises:
            NotFoundError: The video does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /indexes/{index-id}/videos/{video-id}`

        Example:
            await client.indexes.videos.delete(index.id, indexed_asset.id)
        """
        await self._send("DELETE", _VIDEO, type(None), index_id=index_id, video_id=video_id)

    @deprecated("indexes.indexed_assets.list")
    def list(
        self,
        index_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: str | None = None,
        sort_option: str | None = None,
        filename: str | None = None,
        duration: RangeLike | None = None,
        fps: RangeLike | None = None,
        width: RangeLike | None = None,
        height: RangeLike | None = None,
        size: RangeLike | None = None,
        created_at: DatetimeLike | None = None,
        updated_at: DatetimeLike | None = None,
        user_metadata: MetadataFilter | None = None,
    ) -> Paginator[Video]:
        """List the videos of an index, newest first. Sends nothing until awaited or iterated.

        Deprecated: use `indexes.indexed_assets.list`.

        Args:
            index_id: Id of the index.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            filename: Filter by name of the file.
            duration: Filter by duration, in seconds.
            fps: Filter by frames per second.
            width: Filter by width, in pixels.
            height: Filter by height, in pixels.
            size: Filter by size, in bytes.
            created_at: Created at or after this time.
            updated_at: Changed at or after this time.
            user_metadata: Filter by your own metadata; each value must match exactly.

        Raises:
            NotFoundError: Raised while iterating: the index does not exist; documented as 400, `BadRequestError`.

        API: `GET /indexes/{index-id}/videos`

        Example:
            async for found in client.indexes.videos.list(index.id, filename="holiday.mp4"):
                print(found.id, found.system_metadata.duration)
        """
        query = omit_none(
            sort_by=sort_by,
            sort_option=sort_option,
            filename=filename,
            created_at=created_at,
            updated_at=updated_at,
            **range_filters(duration=duration, fps=fps, width=width, height=height, size=size),
        )
        query = add_metadata_filters(query, user_metadata, reserved=VIDEO_LIST_PARAMS)
        return self._list("/indexes/{index-id}/videos", Video, page, page_limit, query, index_id=index_id)


class IndexedAssets(Resource):
    """Assets in an index, which can be searched and analyzed."""

    async def create(
        self,
        index_id: str,
        *,
        asset_id: str,
        enable_video_stream: bool | None = None,
        user_metadata: UserMetadata | None = None,
    ) -> IndexedAssetCreated:
        """Add an asset to an index and return immediately; use `wait_for_done` to wait until it is indexed.

        Args:
            index_id: Id of the index.
            asset_id: Id of the asset, which must be `ready`.
            enable_video_stream: Whether to store the video for streaming; the platform's default is False.
            user_metadata: Your own metadata of the indexed asset.

        Raises:
            NotFoundError: The index or the asset does not exist.

        API: `POST /indexes/{index-id}/indexed-assets`

        Example:
            created = await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
            indexed = await client.indexes.indexed_assets.wait_for_done(index.id, created.id)
        """
        metadata = checked_metadata(user_metadata)
        body = omit_none(
            asset_id=checked_id("asset_id", asset_id), enable_video_stream=enable_video_stream, user_metadata=metadata
        )
        return await self._send(
            "POST", _INDEXED_ASSETS, IndexedAssetCreated, body, retry_class="verify_first", index_id=index_id
        )

    async def retrieve(
        self,
        index_id: str,
        indexed_asset_id: str,
        *,
        embedding_option: EmbeddingOption | Sequence[EmbeddingOption] | None = None,
        transcription: bool | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> IndexedAssetDetailed:
        """Return an indexed asset.

        Args:
            index_id: Id of the index.
            indexed_asset_id: Id of the indexed asset.
            embedding_option: Kinds of embeddings to include.
            transcription: Whether to include the transcription.

        Raises:
            NotFoundError: The indexed asset does not exist.

        API: `GET /indexes/{index-id}/indexed-assets/{indexed-asset-id}`

        Example:
            found = await client.indexes.indexed_assets.retrieve(index.id, indexed_asset.id, transcription=True)
            print(found.system_metadata.duration, found.transcription)
        """
        reject_unsupported("indexes.indexed_assets.retrieve", unsupported)
        query = omit_none(
            embedding_option=one_or_more("embedding_option", embedding_option), transcription=transcription
        )
        return await self._get(
            _INDEXED_ASSET, IndexedAssetDetailed, query, index_id=index_id, indexed_asset_id=indexed_asset_id
        )

    async def update(
        self,
        index_id: str,
        indexed_asset_id: str,
        *,
        user_metadata: MetadataUpdate,
        **unsupported: Unpack[NoParameters],
    ) -> None:
        """Update your own metadata: set the given keys, remove those that are None, keep all others.

        Raises:
            NotFoundError: The indexed asset does not exist; documented as 400, `BadRequestError`.

        API: `PATCH /indexes/{index-id}/indexed-assets/{indexed-asset-id}`

        Example:
            changes = {"year": 2026, "draft": None}
            await client.indexes.indexed_assets.update(index.id, indexed_asset.id, user_metadata=changes)
        """
        reject_unsupported("indexes.indexed_assets.update", unsupported)
        body = {"user_metadata": checked_metadata(user_metadata, allow_none=True)}
        await self._send(
            "PATCH", _INDEXED_ASSET, type(None), body, index_id=index_id, indexed_asset_id=indexed_asset_id
        )

    async def delete(self, index_id: str, indexed_asset_id: str, **unsupported: Unpack[NoParameters]) -> None:
        """Remove an asset from an index; the asset itself remains.

        Raises:
            NotFoundError: The indexed asset does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /indexes/{index-id}/indexed-assets/{indexed-asset-id}`

        Example:
            await client.indexes.indexed_assets.delete(index.id, indexed_asset.id)
        """
        reject_unsupported("indexes.indexed_assets.delete", unsupported)
        await self._send("DELETE", _INDEXED_ASSET, type(None), index_id=index_id, indexed_asset_id=indexed_asset_id)

    async def wait_for_done(
        self,
        index_id: str,
        indexed_asset_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[IndexedAssetDetailed] | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> IndexedAssetDetailed:
        """Wait until an asset is indexed.

        Args:
            index_id: Id of the index.
            indexed_asset_id: Id of the indexed asset.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the indexed asset after each poll.

        Raises:
            ProcessingFailedError: Indexing failed.
            WaitTimeoutError: The asset was not indexed in time; indexing continues on the server.

        Example:
            indexed = await client.indexes.indexed_assets.wait_for_done(index.id, indexed_asset.id, timeout=600)
            print(indexed.status)  # ready
        """
        reject_unsupported("indexes.indexed_assets.wait_for_done", unsupported)
        fetch = partial(self.retrieve, index_id)
        return await self._poll(fetch, INDEXED_ASSET_LIFECYCLE, indexed_asset_id, timeout, sleep_interval, callback)

    def wait_for_all(
        self,
        index_id: str,
        indexed_asset_ids: Ids,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
    ) -> AsyncIterator[WaitResult[IndexedAsset]]:
        """Wait for many indexed assets. Polls the list endpoint: one request per 50 of them and round.

        Args:
            index_id: Id of the index.
            indexed_asset_ids: Ids of the indexed assets.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per id, in the order in which they finish.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.indexes.indexed_assets.wait_for_all(index.id, [indexed_asset.id]):
                print(outcome.id, outcome.error or "indexed")
        """
        fetch, list_all = partial(self.retrieve, index_id), partial(self.list, index_id)
        return self._poll_all(fetch, INDEXED_ASSET_LIFECYCLE, indexed_asset_ids, list_all, timeout, sleep_interval)

    def list_by_asset(
        self, asset_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[IndexedAssetSummary]:
        """List the indexes that contain an asset. Sends nothing until awaited or iterated.

        Args:
            asset_id: Id of the asset.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            NotFoundError: Raised while iterating: the asset does not exist; documented as 400, `BadRequestError`.

        API: `GET /assets/{asset_id}/indexed-assets`

        Example:
            async for place in client.indexes.indexed_assets.list_by_asset(asset.id):
                print(place.index.id, place.id)
        """
        return self._list("/assets/{asset_id}/indexed-assets", IndexedAssetSummary, page, page_limit, asset_id=asset_id)

    def list(
        self,
        index_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: str | None = None,
        sort_option: str | None = None,
        status: IndexedAssetStatus | Sequence[IndexedAssetStatus] | None = None,
        filename: str | None = None,
        duration: RangeLike | None = None,
        fps: RangeLike | None = None,
        width: RangeLike | None = None,
        height: RangeLike | None = None,
        size: RangeLike | None = None,
        created_at: DatetimeLike | None = None,
        updated_at: DatetimeLike | None = None,
        user_metadata: MetadataFilter | None = None,
    ) -> Paginator[IndexedAsset]:
        """List the assets in an index, newest first. Sends nothing until awaited or iterated.

        Args:
            index_id: Id of the index.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            status: Filter by status; any of these.
            filename: Filter by name of the file.
            duration: Filter by duration, in seconds.
            fps: Filter by frames per second.
            width: Filter by width, in pixels.
            height: Filter by height, in pixels.
            size: Filter by size, in bytes.
            created_at: Created at or after this time.
            updated_at: Changed at or after this time.
            user_metadata: Filter by your own metadata; each value must match exactly.

        Raises:
            NotFoundError: Raised while iterating: the index does not exist; documented as 400, `BadRequestError`.

        API: `GET /indexes/{index-id}/indexed-assets`

        Example:
            long_videos = client.indexes.indexed_assets.list(index.id, status="ready", duration={"gte": 60})
            async for found in long_videos:
                print(found.id, found.system_metadata.filename)
        """
        query = omit_none(
            sort_by=sort_by,
            sort_option=sort_option,
            status=one_or_more("status", status),
            filename=filename,
            created_at=created_at,
            updated_at=updated_at,
            **range_filters(duration=duration, fps=fps, width=width, height=height, size=size),
        )
        query = add_metadata_filters(query, user_metadata, reserved=VIDEO_LIST_PARAMS | {"status"})
        return self._list(_INDEXED_ASSETS, IndexedAsset, page, page_limit, query, index_id=index_id)

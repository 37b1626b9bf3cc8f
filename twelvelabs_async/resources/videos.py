"""Videos in an index: the older name of indexed assets, whose deprecation the platform has announced.

https://docs.twelvelabs.io/v1.3/api-reference/videos
"""

from __future__ import annotations

from collections.abc import Sequence

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.models.common import Moment, RangeLike
from twelvelabs_async.models.indexes import EmbeddingOption, Video, VideoDetail
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.deprecation import deprecated
from twelvelabs_async.resources.inputs import VIDEO_LIST, MetadataChange, MetadataFilter, ranges, several, with_metadata


class Videos(Resource):
    """Videos in an index; new code uses `IndexedAssets`, which shows the same objects."""

    @deprecated("indexes.indexed_assets.retrieve")
    async def retrieve(
        self,
        index_id: str,
        video_id: str,
        *,
        embedding_option: Sequence[EmbeddingOption] | None = None,
        transcription: bool | None = None,
    ) -> VideoDetail:
        """One video.

        Deprecated: use `indexes.indexed_assets.retrieve`.

        Args:
            index_id: The index.
            video_id: The video in it.
            embedding_option: Kinds of vectors to include.
            transcription: Include what is said.

        Raises:
            NotFoundError: No such video.
        """
        return await self._get(
            "/indexes/{index-id}/videos/{video-id}",
            VideoDetail,
            query=given(embedding_option=several("embedding_option", embedding_option), transcription=transcription),
            index_id=index_id,
            video_id=video_id,
        )

    @deprecated("indexes.indexed_assets.update")
    async def update(self, index_id: str, video_id: str, *, user_metadata: MetadataChange) -> None:
        """Change your own keys: those given are set, None removes one, all others stay.

        Deprecated: use `indexes.indexed_assets.update`.
        """
        await self._patch(
            "/indexes/{index-id}/videos/{video-id}",
            type(None),
            json={"user_metadata": checked_metadata(user_metadata, deleting=True)},
            index_id=index_id,
            video_id=video_id,
        )

    @deprecated("indexes.indexed_assets.delete")
    async def delete(self, index_id: str, video_id: str) -> None:
        """Take a video out of an index.

        Deprecated: use `indexes.indexed_assets.delete`.
        """
        await self._delete("/indexes/{index-id}/videos/{video-id}", index_id=index_id, video_id=video_id)

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
        created_at: Moment | None = None,
        updated_at: Moment | None = None,
        user_metadata: MetadataFilter | None = None,
    ) -> Paginator[Video]:
        """Videos in an index, newest first. Sends nothing until awaited or iterated.

        Deprecated: use `indexes.indexed_assets.list`.

        Args:
            index_id: The index.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
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
            filename=filename,
            created_at=created_at,
            updated_at=updated_at,
            **ranges(duration=duration, fps=fps, width=width, height=height, size=size),
        )
        return self._list(
            "/indexes/{index-id}/videos",
            Video,
            page=page,
            page_limit=page_limit,
            query=with_metadata(query, user_metadata, reserved=VIDEO_LIST),
            index_id=index_id,
        )

"""Search: segments of videos that match a text, an image, or both.

https://docs.twelvelabs.io/v1.3/api-reference/any-to-video-search
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs
from typing_extensions import override

from twelvelabs_async.models.common import Model
from twelvelabs_async.models.indexed_assets import Hls, Video

SearchOption = Literal["visual", "audio", "transcription"]
"""A modality to search: the image, the sound, or the speech."""

TranscriptionOption = Literal["lexical", "semantic"]
"""Comparison of words: exactly, or by meaning."""

GroupBy = Literal["video", "clip"]
"""Whether to return videos with their clips, or single clips."""

SearchOperator = Literal["or", "and"]
"""Whether any search option must match (`or`), or all of them (`and`)."""

QueryMediaType = Literal["image"]
"""Kind of media in a query."""


@attrs.frozen(kw_only=True)
class SearchClip(Model):
    """A matching segment of a video."""

    start: float | None = None
    """Start, in seconds."""
    end: float | None = None
    """End, in seconds."""
    video_id: str | None = None
    """Id of the video in the index."""
    rank: int | None = None
    """Rank; 1 is the best match."""
    thumbnail_url: str | None = None
    """URL of a thumbnail, if the index creates them."""
    transcription: str | None = None
    """Transcription of the segment."""
    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata of the video; empty unless `include_user_metadata` was set."""


@attrs.frozen(kw_only=True)
class SearchItem(SearchClip):
    """A search result: a clip, or with `group_by="video"` a video and its clips."""

    id: str | None = None
    """Id of the video if results are grouped by video, otherwise None."""
    clips: tuple[SearchClip, ...] = ()
    """The clips of the video if results are grouped by video."""


@attrs.frozen(kw_only=True)
class SearchHit(Model):
    """A search result together with its video."""

    result: SearchItem
    """The search result."""
    video: Video | None = None
    """The video; None if it was deleted meanwhile."""

    @property
    def video_id(self) -> str | None:
        """Id of the video in the index."""
        return self.result.video_id or self.result.id

    @property
    def filename(self) -> str | None:
        """Name of the file."""
        return self.video.system_metadata.filename if self.video is not None else None

    @property
    def user_metadata(self) -> dict[str, Any]:
        """Your own metadata of the video; empty if there is none."""
        return self.result.user_metadata

    @property
    def hls_url(self) -> str | None:
        """URL of the playlist (`.m3u8`); None unless the stream was requested for indexing."""
        hls = self._hls
        return hls.video_url if hls is not None else None

    @property
    def thumbnail_url(self) -> str | None:
        """URL of a thumbnail: of the result, else of its video."""
        hls = self._hls
        return self.result.thumbnail_url or next(iter(hls.thumbnail_urls if hls is not None else ()), None)

    @property
    def _hls(self) -> Hls | None:
        return self.video.hls if self.video is not None else None

    @override
    def _repr_html_(self) -> str:
        """Return a table of the result and its video, for notebooks."""
        from twelvelabs_async._html import object_table  # noqa: PLC0415  # notebooks only

        return object_table(self.result, ("filename", self.filename), ("hls_url", self.hls_url))


@attrs.frozen(kw_only=True)
class SearchPageInfo(Model):
    """Page information of search results."""

    limit_per_page: int | None = None
    """Maximum number of results per page."""
    total_results: int | None = None
    """Total number of results."""
    total_inner_matches: int | None = None
    """Total number of clips if results are grouped by video."""
    page_expires_at: datetime | None = None
    """When the page tokens expire."""
    next_page_token: str | None = None
    """Token of the next page; None on the last page."""
    prev_page_token: str | None = None
    """Token of the previous page; None on the first page."""


@attrs.frozen(kw_only=True)
class SearchPool(Model):
    """The videos that a search covered."""

    index_id: str | None = None
    """Id of the index."""
    total_count: int | None = None
    """Number of videos."""
    total_duration: float | None = None
    """Total duration of its videos, in seconds."""


@attrs.frozen(kw_only=True)
class SearchResults(Model):
    """One page of search results."""

    data: tuple[SearchItem, ...]
    """The results, best match first."""
    page_info: SearchPageInfo = attrs.field(factory=SearchPageInfo)
    """Page information."""
    search_pool: SearchPool = attrs.field(factory=SearchPool)
    """The videos that a search covered."""

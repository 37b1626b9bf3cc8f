"""Search: stretches of videos that match a text, a picture, or both.

https://docs.twelvelabs.io/v1.3/api-reference/any-to-video-search
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import Model

SearchOption = Literal["visual", "audio", "transcription"]
"""Where to look: in the picture, in the sound, or in what is said."""

TranscriptionOption = Literal["lexical", "semantic"]
"""How words are compared: by letter, or by meaning."""

GroupBy = Literal["video", "clip"]
"""Whether results are videos with their clips, or clips by themselves."""

SearchOperator = Literal["or", "and"]
"""Whether one of the search options has to match, or all of them."""

QueryMediaType = Literal["image"]
"""What a query may hold beside text."""


@attrs.frozen(kw_only=True)
class SearchClip(Model):
    """A stretch of a video that matches."""

    start: float | None = None
    """Where it begins, in seconds."""
    end: float | None = None
    """Where it ends, in seconds."""
    video_id: str | None = None
    """The video, as the index knows it."""
    rank: int | None = None
    """Place among the results: 1 is best."""
    thumbnail_url: str | None = None
    """A picture of it, if the index makes them."""
    transcription: str | None = None
    """What is said in it."""
    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys on the video; empty unless the search included them."""


@attrs.frozen(kw_only=True)
class SearchItem(SearchClip):
    """One result: a stretch of a video, or with `group_by="video"` a video and its stretches."""

    id: str | None = None
    """The video, when results are grouped by video; else None."""
    clips: tuple[SearchClip, ...] = ()
    """Its stretches, when results are grouped by video."""


@attrs.frozen(kw_only=True)
class SearchPageInfo(Model):
    """How to go on from a page of results."""

    limit_per_page: int | None = None
    """Results on a full page."""
    total_results: int | None = None
    """Results on all pages."""
    total_inner_matches: int | None = None
    """Clips on all pages, when results are grouped by video."""
    page_expires_at: datetime | None = None
    """When the tokens stop being good."""
    next_page_token: str | None = None
    """Names the next page; None on the last one."""
    prev_page_token: str | None = None
    """Names the page before; None on the first one."""


@attrs.frozen(kw_only=True)
class SearchPool(Model):
    """What was searched."""

    index_id: str | None = None
    """The index."""
    total_count: int | None = None
    """Videos in it."""
    total_duration: float | None = None
    """Seconds of all videos together."""


@attrs.frozen(kw_only=True)
class SearchResults(Model):
    """One page of results."""

    data: tuple[SearchItem, ...]
    """Results, best first."""
    page_info: SearchPageInfo = attrs.field(factory=SearchPageInfo)
    """How to go on."""
    search_pool: SearchPool = attrs.field(factory=SearchPool)
    """What was searched."""

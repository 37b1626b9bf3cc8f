"""Indexed assets: the assets in an index, with what the platform knows of their videos.

https://docs.twelvelabs.io/v1.3/api-reference/index-content
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model, Vector

IndexedAssetStatus = Literal["ready", "pending", "queued", "indexing", "failed", "validating"]
"""Status of an indexed asset; `ready` and `failed` are final."""

HlsStatus = Literal["PROCESSING", "COMPLETE", "CANCELED", "ERROR"]
"""Status of an HLS stream; upper case, unlike any other status."""

EmbeddingOption = Literal["visual", "audio", "transcription", "visual-text"]
"""A kind of embedding that can be retrieved from an index."""


@attrs.frozen(kw_only=True)
class SystemMetadata(Model):
    """Metadata that the platform extracted from a video; lists can be filtered by it."""

    filename: str | None = None
    """Name of the file."""
    duration: float | None = None
    """Duration in seconds."""
    fps: float | None = None
    """Frame rate, in frames per second."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""
    size: int | None = None
    """Size in bytes."""


@attrs.frozen(kw_only=True)
class Hls(Model):
    """The HLS stream of a video."""

    status: HlsStatus | None = None
    """Status of the stream; it can be played when `COMPLETE`."""
    video_url: str | None = None
    """URL of the playlist (`.m3u8`)."""
    thumbnail_urls: tuple[str, ...] = ()
    """URLs of thumbnails."""
    updated_at: datetime | None = None
    """When the status last changed."""


@attrs.frozen(kw_only=True)
class VideoSegment(Model):
    """The embedding of a segment of a video."""

    float_: Vector = attrs.field(metadata={"wire": "float"}, repr=False)
    """The embedding vector; the API calls it `float`."""
    start_offset_sec: float = 0.0
    """Start of the segment, in seconds."""
    end_offset_sec: float | None = None
    """End, in seconds."""
    embedding_option: EmbeddingOption | None = None
    """The embedded content."""
    embedding_scope: str | None = None
    """`clip` for a segment, `video` for the whole video."""


@attrs.frozen(kw_only=True)
class VideoEmbedding(Model):
    """The embeddings of a video."""

    segments: tuple[VideoSegment, ...] = ()
    """One embedding per segment and option."""


@attrs.frozen(kw_only=True)
class IndexedEmbedding(Model):
    """The embeddings that indexing created."""

    model_name: str | None = None
    """Name of the model, such as `marengo3.0`."""
    video_embedding: VideoEmbedding = attrs.field(factory=VideoEmbedding)
    """The embeddings."""


@attrs.frozen(kw_only=True)
class TranscriptionEntry(Model):
    """A piece of a transcription."""

    start: float = 0.0
    """Start, in seconds."""
    end: float = 0.0
    """End, in seconds."""
    value: str = ""
    """Result for the text."""


@attrs.frozen(kw_only=True)
class Video(Model):
    """A video in an index, as the legacy endpoints list it."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id within the index; search results call it `video_id`."""
    asset_id: str | None = None
    """Id of the source asset."""
    created_at: datetime | None = None
    """When indexing was requested."""
    updated_at: datetime | None = None
    """Time of the last change."""
    indexed_at: datetime | None = None
    """When indexing finished; None until then."""
    system_metadata: SystemMetadata = attrs.field(factory=SystemMetadata)
    """Metadata that the platform extracted from the file."""
    hls: Hls | None = None
    """The HLS stream; None unless it was requested for indexing."""


@attrs.frozen(kw_only=True)
class VideoDetail(Video):
    """A video in an index, with the details that only `retrieve` returns."""

    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    embedding: IndexedEmbedding | None = None
    """Embeddings; None unless `embedding_option` requested some."""
    transcription: tuple[TranscriptionEntry, ...] = ()
    """Transcription; empty unless `transcription` requested it."""


@attrs.frozen(kw_only=True)
class IndexedAsset(Video):
    """An asset in an index, as lists return it."""

    status: IndexedAssetStatus
    """Indexing status."""


@attrs.frozen(kw_only=True)
class IndexedAssetDetailed(IndexedAsset):
    """An asset in an index, with the details that only `retrieve` returns."""

    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    embedding: IndexedEmbedding | None = None
    """Embeddings; None unless `embedding_option` requested some."""
    transcription: tuple[TranscriptionEntry, ...] = ()
    """Transcription; empty unless `transcription` requested it."""


@attrs.frozen(kw_only=True)
class IndexedAssetCreated(Model):
    """Response to the indexing of an asset."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id within the index, for `wait_for_done`."""
    asset_id: str | None = None
    """Id of the asset."""


@attrs.frozen(kw_only=True)
class IndexName(Model):
    """Id and name of an index."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id of the index."""
    name: str | None = None
    """Name."""


@attrs.frozen(kw_only=True)
class IndexedAssetSummary(Model):
    """An index that contains an asset."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id within that index."""
    index: IndexName
    """Id of the index."""

"""Indexes: sets of videos that are searched together.

https://docs.twelvelabs.io/v1.3/api-reference/indexes
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model, Vector

ModelOption = Literal["visual", "audio"]
"""What a model of an index pays attention to."""

IndexedAssetStatus = Literal["ready", "pending", "queued", "indexing", "failed", "validating"]
"""How far an asset in an index is; all but `ready` and `failed` are on the way."""

HlsStatus = Literal["PROCESSING", "COMPLETE", "CANCELED", "ERROR"]
"""How far the stream of a video is; upper case, unlike any other status."""

EmbeddingOption = Literal["visual", "audio", "transcription", "visual-text"]
"""A kind of embedding that can be read back from an index."""


@attrs.frozen(kw_only=True)
class IndexModel(Model):
    """A model that works on the videos of an index."""

    model_name: str
    """Such as `marengo3.0`; old indexes may still name models that are gone."""
    model_options: tuple[str, ...] = ()
    """What it pays attention to: `visual`, `audio`."""


@attrs.frozen(kw_only=True)
class Index(Model):
    """A set of videos that are searched together."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    index_name: str
    """Name, unique in the account."""
    models: tuple[IndexModel, ...] = ()
    """Models enabled; fixed when the index is created."""
    addons: tuple[str, ...] = ()
    """Such as `thumbnail`."""
    video_count: int = 0
    """Videos in it."""
    total_duration: float = 0.0
    """Seconds of all videos together."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""
    expires_at: datetime | None = None
    """When the platform deletes it: 90 days after creation on the free plan, else None."""


@attrs.frozen(kw_only=True)
class CreatedIndex(Model):
    """What creating an index answers."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier of the new index."""


@attrs.frozen(kw_only=True)
class SystemMetadata(Model):
    """What the platform found out about a video; lists can be filtered by it."""

    filename: str | None = None
    """Name of the file."""
    duration: float | None = None
    """Seconds."""
    fps: float | None = None
    """Frames a second."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    size: int | None = None
    """Bytes."""


@attrs.frozen(kw_only=True)
class Hls(Model):
    """A video as a stream, when the platform keeps one."""

    status: HlsStatus | None = None
    """`COMPLETE` when it can be played."""
    video_url: str | None = None
    """Playlist (`.m3u8`) of the stream."""
    thumbnail_urls: tuple[str, ...] = ()
    """Pictures from the video."""
    updated_at: datetime | None = None
    """When this last changed."""


@attrs.frozen(kw_only=True)
class VideoSegment(Model):
    """The embedding of one stretch of a video."""

    vector: Vector = attrs.field(metadata={"wire": "float"}, repr=False)
    """The numbers; the API calls them `float`."""
    start_offset_sec: float = 0.0
    """Where the stretch begins, in seconds."""
    end_offset_sec: float | None = None
    """Where it ends, in seconds."""
    embedding_option: EmbeddingOption | None = None
    """What the vector stands for."""
    embedding_scope: str | None = None
    """`clip` for a part of the video, `video` for all of it."""


@attrs.frozen(kw_only=True)
class VideoEmbedding(Model):
    """The embeddings of a video, stretch by stretch."""

    segments: tuple[VideoSegment, ...] = ()
    """One for each stretch and option."""


@attrs.frozen(kw_only=True)
class IndexedEmbedding(Model):
    """What indexing left behind as vectors."""

    model_name: str | None = None
    """Model that made them, such as `marengo3.0`."""
    video_embedding: VideoEmbedding = attrs.field(factory=VideoEmbedding)
    """The vectors."""


@attrs.frozen(kw_only=True)
class TranscriptionEntry(Model):
    """Words that were said."""

    start: float = 0.0
    """Where they begin, in seconds."""
    end: float = 0.0
    """Where they end, in seconds."""
    value: str = ""
    """The words."""


@attrs.frozen(kw_only=True)
class Video(Model):
    """A video in an index, as the older endpoints list it."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier within the index; search results call it `video_id`."""
    asset_id: str | None = None
    """The asset it was made from."""
    created_at: datetime | None = None
    """When indexing was asked for."""
    updated_at: datetime | None = None
    """When it last changed."""
    indexed_at: datetime | None = None
    """When indexing ended; None until then."""
    system_metadata: SystemMetadata = attrs.field(factory=SystemMetadata)
    """What the platform found out about it."""


@attrs.frozen(kw_only=True)
class VideoDetail(Video):
    """A video in an index, with what only the retrieval of one shows."""

    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    hls: Hls | None = None
    """The stream; None unless it was asked for when indexing."""
    embedding: IndexedEmbedding | None = None
    """Vectors; None unless `embedding_option` asked for some."""
    transcription: tuple[TranscriptionEntry, ...] = ()
    """What was said; empty unless `transcription` asked for it."""


@attrs.frozen(kw_only=True)
class IndexedAsset(Video):
    """An asset in an index, as lists show it."""

    status: IndexedAssetStatus
    """How far indexing is."""


@attrs.frozen(kw_only=True)
class IndexedAssetDetailed(IndexedAsset):
    """An asset in an index, with what only the retrieval of one shows."""

    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    hls: Hls | None = None
    """The stream; None unless it was asked for when indexing."""
    embedding: IndexedEmbedding | None = None
    """Vectors; None unless `embedding_option` asked for some."""
    transcription: tuple[TranscriptionEntry, ...] = ()
    """What was said; empty unless `transcription` asked for it."""


@attrs.frozen(kw_only=True)
class IndexedAssetCreated(Model):
    """What putting an asset into an index answers."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier within the index, to wait for."""
    asset_id: str | None = None
    """The asset."""


@attrs.frozen(kw_only=True)
class IndexName(Model):
    """An index by identifier and name."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier of the index."""
    name: str | None = None
    """Its name."""


@attrs.frozen(kw_only=True)
class IndexedAssetSummary(Model):
    """One place where an asset is indexed."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier within that index."""
    index: IndexName
    """The index."""

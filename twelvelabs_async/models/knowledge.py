"""Knowledge stores: collections of videos and images that are enriched, searched and used to answer questions.

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model

StoreAssetType = Literal["video", "image"]
"""Kind of item of a knowledge store."""

StoreItemStatus = Literal["queued", "pending", "processing", "ready", "failed"]
"""Status of an item; `ready` and `failed` are final."""

StoreModality = Literal["visual", "audio"]
"""Part of a video to search."""

StoreGroupBy = Literal["none", "item"]
"""Whether to return single hits, or one hit per item."""

StoreSort = Literal["created_at", "updated_at"]
"""Sort key of stores and items."""

StoreCollectionSort = Literal["created_at", "updated_at", "name"]
"""Sort key of collections."""


@attrs.frozen(kw_only=True)
class EnrichmentConfig(Model):
    """What to extract from each item; `type` says which of the two fields is set."""

    type: Literal["json_schema", "description"]
    """Kind of configuration."""
    json_schema: dict[str, Any] | None = None
    """JSON schema of an object, in the dialect of the platform."""
    description: str | None = None
    """Description in words."""


@attrs.frozen(kw_only=True)
class DescriptionEnrichment(EnrichmentConfig):
    """An enrichment described in words; `type` is filled in."""

    type: Literal["description"] = "description"
    """Always `description`."""


@attrs.frozen(kw_only=True)
class JsonSchemaEnrichment(EnrichmentConfig):
    """An enrichment described by a JSON schema; `type` is filled in."""

    type: Literal["json_schema"] = "json_schema"
    """Always `json_schema`."""


@attrs.frozen(kw_only=True)
class IngestionConfig(Model):
    """How new items are processed; fixed at creation of the store."""

    enrichment_config: EnrichmentConfig
    """What to extract."""


@attrs.frozen(kw_only=True)
class KnowledgeStore(Model):
    """A collection of items that are searched together and used to answer questions."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    name: str | None = None
    """Name; need not be unique."""
    description: str | None = None
    """Description."""
    ingestion_config: IngestionConfig | None = None
    """How new items are processed."""
    item_count: int = 0
    """Number of items."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""


@attrs.frozen(kw_only=True)
class StoreItemSystemMetadata(Model):
    """Metadata that the platform extracted from a file. Fields that do not apply to its kind are None."""

    asset_type: StoreAssetType | None = None
    """The type of the object."""
    filename: str | None = None
    """Name of the file."""
    duration: float | None = None
    """Duration of a video, in seconds."""
    fps: float | None = None
    """Frame rate of a video, in frames per second."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""
    codec_name: str | None = None
    """Name of the codec."""
    size: int | None = None
    """Size in bytes."""


@attrs.frozen(kw_only=True)
class KnowledgeStoreItem(Model):
    """A video or an image in a store."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: StoreItemStatus
    """Current status."""
    asset_type: StoreAssetType | None = None
    """The type of the object."""
    asset_id: str | None = None
    """Id of the source asset."""
    system_metadata: StoreItemSystemMetadata | None = None
    """Metadata that the platform extracted from the file."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""


@attrs.frozen(kw_only=True)
class StoreItemCollection(Model):
    """A named subset of a store's items; the name is unique in the store."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    knowledge_store_id: str | None = None
    """Id of the store."""
    name: str | None = None
    """Name."""
    description: str | None = None
    """Description."""
    member_count: int = 0
    """Number of items."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""


@attrs.frozen(kw_only=True)
class StoreQuery(Model):
    """A search query."""

    text: str
    """The query text."""


@attrs.frozen(kw_only=True)
class AssetTypeFilter(Model):
    """Filter by kind of item. Set one of the two fields."""

    eq: StoreAssetType | None = None
    """This kind."""
    in_: Sequence[StoreAssetType] | None = attrs.field(default=None, metadata={"wire": "in"})
    """Any of these kinds; the API calls it `in`."""


@attrs.frozen(kw_only=True)
class ItemIdFilter(Model):
    """Filter by item. Set one of the two fields."""

    eq: str | None = None
    """This item."""
    in_: Sequence[str] | None = attrs.field(default=None, metadata={"wire": "in"})
    """Any of these items; the API calls it `in`."""


@attrs.frozen(kw_only=True)
class StoreSearchFilter(Model):
    """Conditions on the items; all must hold."""

    asset_type: AssetTypeFilter | None = None
    """Kinds of items."""
    item_id: ItemIdFilter | None = None
    """Ids of items."""


@attrs.frozen(kw_only=True)
class VideoSearchOptions(Model):
    """Search options for videos."""

    modalities: Sequence[StoreModality]
    """Where to search."""


@attrs.frozen(kw_only=True)
class StoreSearchOptions(Model):
    """Search options."""

    video: VideoSearchOptions | None = None
    """Options for videos; rejected if the search excludes videos."""


@attrs.frozen(kw_only=True)
class VideoMatch(Model):
    """A matching segment of a video."""

    start_sec: float
    """Start, in seconds."""
    end_sec: float
    """End, in seconds."""
    modalities: tuple[StoreModality, ...] = ()
    """Modalities of the match."""
    transcription: str | None = None
    """Transcription of the segment."""


@attrs.frozen(kw_only=True)
class StoreHitSystemMetadata(Model):
    """Metadata that the platform extracted from the file of a hit."""

    duration: float | None = None
    """Duration of a video, in seconds."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""
    size: int | None = None
    """Size in bytes."""


@attrs.frozen(kw_only=True)
class StoreHitMetadata(Model):
    """Metadata of an item that was found."""

    system: StoreHitSystemMetadata | None = None
    """Metadata that the platform extracted."""
    user: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""


@attrs.frozen(kw_only=True)
class StoreSearchHit(Model):
    """A matching image, or a video with matching segments."""

    item_id: str
    """Id of the item."""
    rank: int
    """Rank; 1 is the best match."""
    asset_type: StoreAssetType
    """The type of the object."""
    matches: tuple[VideoMatch, ...] = ()
    """Matching segments of a video; empty for an image."""
    metadata: StoreHitMetadata | None = None
    """Metadata of the item; None unless `include_metadata` was set."""

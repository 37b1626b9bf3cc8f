"""Knowledge stores: videos and pictures that are enriched, searched, and asked about.

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model

StoreAssetType = Literal["video", "image"]
"""What a knowledge store holds."""

StoreItemStatus = Literal["queued", "pending", "processing", "ready", "failed"]
"""How far an item is; all but `ready` and `failed` are on the way."""

StoreModality = Literal["visual", "audio"]
"""Where in a video to look."""

StoreGroupBy = Literal["none", "item"]
"""Whether hits stand by themselves, or are gathered by item."""

StoreSort = Literal["created_at", "updated_at"]
"""What stores and items can be sorted by."""

StoreCollectionSort = Literal["created_at", "updated_at", "name"]
"""What collections can be sorted by."""


@attrs.frozen(kw_only=True)
class EnrichmentConfig(Model):
    """What the platform is to find out about each item; `type` names which of the two is given."""

    type: Literal["json_schema", "description"]
    """By a schema, or in words."""
    json_schema: dict[str, Any] | None = None
    """JSON Schema of an object, in the platform's own dialect."""
    description: str | None = None
    """The same in words."""


@attrs.frozen(kw_only=True)
class IngestionConfig(Model):
    """What happens to each new item; fixed when the store is created."""

    enrichment_config: EnrichmentConfig
    """What to find out."""


@attrs.frozen(kw_only=True)
class KnowledgeStore(Model):
    """A set of items that are searched and asked about together."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    name: str | None = None
    """Its name, which others may have, too."""
    description: str | None = None
    """What it is about."""
    ingestion_config: IngestionConfig | None = None
    """What happens to each new item."""
    item_count: int = 0
    """Items in it."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""


@attrs.frozen(kw_only=True)
class StoreItemSystemMetadata(Model):
    """What the platform found out about a file; what does not apply to its kind is None."""

    asset_type: StoreAssetType | None = None
    """What it is."""
    filename: str | None = None
    """Name of the file."""
    duration: float | None = None
    """Seconds of a video."""
    fps: float | None = None
    """Frames a second of a video."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    codec_name: str | None = None
    """Codec."""
    size: int | None = None
    """Bytes."""


@attrs.frozen(kw_only=True)
class KnowledgeStoreItem(Model):
    """A video or a picture in a store."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: StoreItemStatus
    """How far it is."""
    asset_type: StoreAssetType | None = None
    """What it is."""
    asset_id: str | None = None
    """The asset it was made from."""
    system_metadata: StoreItemSystemMetadata | None = None
    """What the platform found out about the file."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""


@attrs.frozen(kw_only=True)
class StoreItemCollection(Model):
    """Some of a store's items, under a name that is unique there."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    knowledge_store_id: str | None = None
    """The store."""
    name: str | None = None
    """Its name."""
    description: str | None = None
    """What it is about."""
    member_count: int = 0
    """Items in it."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""


@attrs.frozen(kw_only=True)
class StoreQuery(Model):
    """What to look for."""

    text: str
    """In words."""


@attrs.frozen(kw_only=True)
class AssetTypeFilter(Model):
    """Kinds to look among: one of the two."""

    eq: StoreAssetType | None = None
    """Of this kind."""
    any_of: Sequence[StoreAssetType] | None = attrs.field(default=None, metadata={"wire": "in"})
    """Of one of these kinds; the API calls it `in`."""


@attrs.frozen(kw_only=True)
class ItemIdFilter(Model):
    """Items to look among: one of the two."""

    eq: str | None = None
    """This item."""
    any_of: Sequence[str] | None = attrs.field(default=None, metadata={"wire": "in"})
    """One of these items; the API calls it `in`."""


@attrs.frozen(kw_only=True)
class StoreSearchFilter(Model):
    """Conditions on the items; all have to hold."""

    asset_type: AssetTypeFilter | None = None
    """What they are."""
    item_id: ItemIdFilter | None = None
    """Which they are."""


@attrs.frozen(kw_only=True)
class VideoSearchOptions(Model):
    """How to look into videos."""

    modalities: Sequence[StoreModality]
    """Where to look."""


@attrs.frozen(kw_only=True)
class StoreSearchOptions(Model):
    """How to look."""

    video: VideoSearchOptions | None = None
    """Into videos; refused for a search that leaves them out."""


@attrs.frozen(kw_only=True)
class VideoMatch(Model):
    """A stretch of a video that matches."""

    start_sec: float
    """Where it begins, in seconds."""
    end_sec: float
    """Where it ends, in seconds."""
    modalities: tuple[StoreModality, ...] = ()
    """Where the match was found."""
    transcription: str | None = None
    """What is said in it."""


@attrs.frozen(kw_only=True)
class StoreHitSystemMetadata(Model):
    """What the platform found out about the file of a hit."""

    duration: float | None = None
    """Seconds of a video."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    size: int | None = None
    """Bytes."""


@attrs.frozen(kw_only=True)
class StoreHitMetadata(Model):
    """What is known about an item that was found."""

    system: StoreHitSystemMetadata | None = None
    """What the platform found out."""
    user: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""


@attrs.frozen(kw_only=True)
class StoreSearchHit(Model):
    """A picture, or stretches of a video, that match."""

    item_id: str
    """The item."""
    rank: int
    """Place among the results: 1 is best."""
    asset_type: StoreAssetType
    """What it is."""
    matches: tuple[VideoMatch, ...] = ()
    """Where in a video; empty for a picture."""
    metadata: StoreHitMetadata | None = None
    """What is known about it; None unless the search included it."""

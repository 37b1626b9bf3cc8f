"""Objects that the emulated platform stores: plain dataclasses without HTTP."""

from __future__ import annotations

import asyncio
from collections import ChainMap, Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from twelvelabs_async.emulator._generation.embeddings import EmbedTask
from twelvelabs_async.emulator._media.descriptions import Description, Descriptions
from twelvelabs_async.emulator._media.media import Asset, Media, UserMetadata
from twelvelabs_async.emulator._state.deterministic import IdGenerator
from twelvelabs_async.emulator.connected_accounts import Connection

Json = dict[str, Any]

DEFAULT_ORGANIZATION = "default"
"""The organization of the `api_key` of an emulator."""

GENERAL_MODE = "general"
SEGMENTS_MODE = "time_based_metadata"
MODES = (GENERAL_MODE, SEGMENTS_MODE)


@dataclass(slots=True, kw_only=True)
class Index:
    """A collection of videos that can be searched."""

    id: str
    name: str
    models: list[dict[str, Any]]
    addons: list[str]
    created_at: float
    updated_at: float
    expires_at: float | None

    @property
    def options(self) -> set[str]:
        """Model options of all models of the index."""
        return {option for model in self.models for option in model["model_options"]}


@dataclass(slots=True, kw_only=True)
class Video:
    """An asset in an index: an indexed asset in the newer endpoints, a video in the older ones."""

    id: str
    index_id: str
    asset: Asset
    created_at: float
    indexing_started_at: float
    """When indexing started; with a legacy task, after the video was uploaded and validated."""
    touched_at: float
    stream: bool
    user_metadata: UserMetadata
    problem: str | None = None
    """Reason why indexing will fail; `None` if it will succeed."""
    is_finished: bool = False
    """Whether it is ready whatever the timing is: it was added by a test, not indexed."""


@dataclass(slots=True, kw_only=True)
class Task:
    """A legacy task, which creates an asset and a video."""

    id: str
    video: Video
    created_at: float


@dataclass(slots=True)
class Chunk:
    """A part of a multipart upload."""

    index: int
    size: int
    updated_at: float
    etag: str | None = None
    """Set when the bytes are stored; removed when a report does not match them."""
    reported_at: float | None = None
    error: str | None = None

    @property
    def status(self) -> str:
        """Status as the API reports it; a stored chunk stays `pending` until the client reports it."""
        if self.reported_at is not None:
            return "completed"
        return "failed" if self.error else "pending"


@dataclass(slots=True, kw_only=True)
class Upload:
    """A multipart upload session."""

    id: str
    asset_id: str
    filename: str
    total_size: int
    chunk_size: int
    chunks: list[Chunk]
    headers: dict[str, str]
    """Headers that the storage requires with each chunk."""
    created_at: float
    expires_at: float
    hls: bool
    thumbnail: bool
    user_metadata: UserMetadata
    spool_path: Path | None
    """File for the bytes; `None` for a large upload, which is only hashed and counted."""
    used_signatures: set[str] = field(default_factory=set[str])
    """Signatures of used presigned URLs."""
    completed_at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a report creates the asset, because concurrent reports may both complete the upload."""

    @property
    def completed_chunks(self) -> int:
        """Number of reported chunks."""
        return sum(chunk.reported_at is not None for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment of a video that matches a query."""

    video: Video
    start: float
    end: float
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The results of a query, stored until its page tokens expire."""

    id: str
    index_id: str
    items: list[Hit] | list[list[Hit]]
    """Hits, or hits grouped by video."""
    total_inner_matches: int | None
    """Number of hits in all groups; None without groups."""
    limit: int
    transcription: bool
    thumbnails: bool
    user_metadata: bool
    expires_at: float


@dataclass(slots=True, kw_only=True)
class EntityCollection:
    """A collection of entities to recognize."""

    id: str
    name: str
    description: str | None
    created_at: float
    updated_at: float


@dataclass(slots=True, kw_only=True)
class Entity:
    """A person or object, with assets that show it."""

    id: str
    collection_id: str
    name: str
    description: str | None
    metadata: UserMetadata
    asset_ids: list[str]
    created_at: float
    updated_at: float
    processing_started_at: float
    """When processing of the latest change of its assets started."""


@dataclass(slots=True, kw_only=True)
class KnowledgeStore:
    """A collection of items for search and questions."""

    id: str
    name: str
    description: str | None
    ingestion_config: dict[str, Any] | None
    metadata: UserMetadata
    created_at: float
    updated_at: float


@dataclass(slots=True, kw_only=True)
class Item:
    """An asset in a knowledge store."""

    id: str
    store_id: str
    asset: Asset
    metadata: UserMetadata
    created_at: float


@dataclass(slots=True, kw_only=True)
class ItemCollection:
    """A named collection of items of a knowledge store."""

    id: str
    store_id: str
    name: str
    description: str | None
    metadata: UserMetadata
    item_ids: list[str]
    created_at: float
    updated_at: float


@dataclass(slots=True)
class KnowledgeState:
    """Entities and knowledge stores by id, oldest first."""

    collections: dict[str, EntityCollection] = field(default_factory=dict[str, EntityCollection])
    entities: dict[str, Entity] = field(default_factory=dict[str, Entity])
    stores: dict[str, KnowledgeStore] = field(default_factory=dict[str, KnowledgeStore])
    items: dict[str, Item] = field(default_factory=dict[str, Item])
    item_collections: dict[str, ItemCollection] = field(default_factory=dict[str, ItemCollection])

    def entities_of(self, collection_id: str) -> list[Entity]:
        """Return the entities of a collection."""
        return [entity for entity in self.entities.values() if entity.collection_id == collection_id]

    def entities_showing(self, asset_id: str) -> list[Entity]:
        """Return the entities that have an asset."""
        return [entity for entity in self.entities.values() if asset_id in entity.asset_ids]

    def delete_collection(self, collection_id: str) -> None:
        """Delete a collection and its entities; keep their assets."""
        del self.collections[collection_id]
        self.entities = {key: entity for key, entity in self.entities.items() if entity.collection_id != collection_id}

    def items_of(self, store_id: str) -> list[Item]:
        """Return all items of a store, whatever their status."""
        return [item for item in self.items.values() if item.store_id == store_id]

    def collections_of(self, store_id: str) -> list[ItemCollection]:
        """Return the item collections of a store."""
        return [collection for collection in self.item_collections.values() if collection.store_id == store_id]

    def delete_store(self, store_id: str) -> None:
        """Delete a store with its items and collections; keep the assets."""
        del self.stores[store_id]
        self.items = {key: item for key, item in self.items.items() if item.store_id != store_id}
        self.item_collections = {key: kept for key, kept in self.item_collections.items() if kept.store_id != store_id}

    def delete_item(self, item: Item) -> None:
        """Delete an item and remove it from its collections."""
        del self.items[item.id]
        for collection in self.collections_of(item.store_id):
            collection.item_ids = [kept for kept in collection.item_ids if kept != item.id]

    def has_item_of_asset(self, asset_id: str) -> bool:
        """Whether an asset belongs to a knowledge store."""
        return any(item.asset.id == asset_id for item in self.items.values())

    def remove_asset_from_entities(self, asset_id: str) -> None:
        """Remove an asset from all entities, which remain, even without assets."""
        for entity in self.entities_showing(asset_id):
            entity.asset_ids = [kept for kept in entity.asset_ids if kept != asset_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSource:
    """A video or an image to analyze."""

    type: str
    """`url`, `asset_id` or `base64_string`."""
    reference: str | None
    """The URL or the asset id; `None` for base64 content."""
    filename: str
    media: Media


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzeRequest:
    """A validated analysis request."""

    body: Json
    """The request body, for fields that responses repeat."""
    model: str
    mode: str
    video: MediaSource | None
    images: tuple[MediaSource, ...]
    prompt: str
    start: float
    """Seconds."""
    end: float
    max_tokens: int | Literal["unlimited"]
    schema: Json | None
    """JSON schema of the response; `None` for text."""
    definitions: tuple[Json, ...]
    """Segment definitions."""
    answer: str | None = None
    """The text that a test gave as answer; `None` for a generated one."""

    @property
    def sources(self) -> tuple[MediaSource, ...]:
        """The video, or the images."""
        return self.images if self.video is None else (self.video,)

    @property
    def media_seconds(self) -> float | None:
        """Seconds of the video that count towards limits; `None` for images."""
        return None if self.video is None else self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult:
    """The result of an analysis."""

    generation_id: str
    tokens: tuple[str, ...]
    """The generated text, by token."""
    input_tokens: int
    warning: str | None = None
    """Reason why the text was truncated; `None` for a complete text."""
    failure: tuple[str, str] | None = None
    """Error code and message of a failed analysis; `None` for success."""

    @property
    def text(self) -> str:
        """The generated text."""
        return "".join(self.tokens)

    @property
    def finish_reason(self) -> str:
        """`stop` or `length`."""
        return "length" if self.warning else "stop"

    @property
    def usage(self) -> dict[str, int]:
        """Token counts as the API serializes them."""
        return {"output_tokens": len(self.tokens), "input_tokens": self.input_tokens}


@dataclass(slots=True, kw_only=True)
class Analysis:
    """An analysis task."""

    id: str
    custom_id: str | None
    request: AnalyzeRequest
    created_at: float
    canceled_at: float | None = None
    batch: Batch | None = None
    position: int = 0
    """Position in the batch, starting at 0."""
    result: AnalysisResult | None = None
    """Computed on first access; `None` before."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """A batch of analysis tasks."""

    id: str
    model: str
    mode: str
    created_at: float
    expires_at: float
    items: list[Analysis] = field(default_factory=list[Analysis])
    canceled_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Session:
    """A conversation about a knowledge store."""

    id: str
    knowledge_store_id: str
    turns: int = 0


@dataclass(slots=True)
class AnalysisState:
    """Analyses and conversations by id, oldest first."""

    tasks: dict[str, Analysis] = field(default_factory=dict[str, Analysis])
    """Analysis tasks, including those of batches."""
    batches: dict[str, Batch] = field(default_factory=dict[str, Batch])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    idempotency_keys: dict[str, str] = field(default_factory=dict[str, str])
    """Task id by idempotency key."""

    def delete_batch(self, batch: Batch) -> None:
        """Delete a batch and its tasks."""
        del self.batches[batch.id]
        for item in batch.items:
            self.tasks.pop(item.id, None)


@dataclass(slots=True, kw_only=True)
class RedirectUri:
    """A URI to which users may be redirected after authorization."""

    id: str
    uri: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItem:
    """Result of an import for one file."""

    source_id: str
    action: Literal["created", "skipped", "retried", "rejected"]
    asset_id: str | None = None
    code: str | None = None
    """Code of the rejection."""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A request to import files."""

    id: str
    connection_id: str
    provider: str
    custom_id: str | None
    items: tuple[ImportItem, ...]
    created_at: float


@dataclass(slots=True)
class Connectors:
    """Connections, redirect URIs and imports by id, oldest first."""

    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    redirect_uris: dict[str, RedirectUri] = field(default_factory=dict[str, RedirectUri])
    imports: dict[str, Import] = field(default_factory=dict[str, Import])
    asset_ids_by_source: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Asset id by account and file: connections to the same account share imported assets."""
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Number of import attempts by account and file."""


@dataclass(slots=True)
class State:
    """All objects of an organization by id, oldest first.

    The state of `DEFAULT_ORGANIZATION` also contains the states of the other organizations.
    """

    ids: IdGenerator
    assets: dict[str, Asset] = field(default_factory=dict[str, Asset])
    indexes: dict[str, Index] = field(default_factory=dict[str, Index])
    videos: dict[str, Video] = field(default_factory=dict[str, Video])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    uploads: dict[str, Upload] = field(default_factory=dict[str, Upload])
    searches: dict[str, Search] = field(default_factory=dict[str, Search])
    embed_tasks: dict[str, EmbedTask] = field(default_factory=dict[str, EmbedTask])
    knowledge: KnowledgeState = field(default_factory=KnowledgeState)
    analyses: AnalysisState = field(default_factory=AnalysisState)
    connectors: Connectors = field(default_factory=Connectors)
    descriptions: Descriptions = field(default_factory=Descriptions)
    other_organizations: dict[str, State] = field(default_factory=dict[str, "State"])

    def for_organization(self, organization: str) -> State:
        """Return the state of an organization; ids and descriptions are shared by all organizations."""
        if organization == DEFAULT_ORGANIZATION:
            return self
        if organization not in self.other_organizations:
            self.other_organizations[organization] = State(self.ids, descriptions=self.descriptions)
        return self.other_organizations[organization]

    def by_organization(self) -> dict[str, State]:
        """Return the states of all organizations by name."""
        return {DEFAULT_ORGANIZATION: self, **self.other_organizations}

    def find_asset(self, asset_id: str) -> Asset | None:
        """Return an asset of any organization."""
        return ChainMap(*(state.assets for state in self.by_organization().values())).get(asset_id)

    def find_shown_asset(self, asset_id: str) -> Asset | None:
        """Return an asset of any organization, also a deleted one that a video shows."""
        videos = (video for state in self.by_organization().values() for video in state.videos.values())
        shown = (video.asset for video in videos if video.asset.id == asset_id)
        return self.find_asset(asset_id) or next(shown, None)

    def find_upload(self, upload_id: str) -> Upload | None:
        """Return an upload session of any organization."""
        return ChainMap(*(state.uploads for state in self.by_organization().values())).get(upload_id)

    def restore(self, other: State) -> None:
        """Replace this state by another, and continue its id sequence."""
        self.ids.restore(other.ids)
        for kind in fields(self):
            if kind.name != "ids":
                setattr(self, kind.name, getattr(other, kind.name))
        for state in self.other_organizations.values():
            state.ids = self.ids

    def describe(self, filename: str, description: Description) -> None:
        """Describe existing and future files of a name."""
        self.descriptions.by_filename[filename] = description
        for asset in (asset for state in self.by_organization().values() for asset in state.assets.values()):
            if asset.filename == filename:
                asset.media = description.apply_to(asset.media)

    def clear(self) -> None:
        """Delete all objects and restart the id sequence."""
        self.restore(State(IdGenerator(seed=0)))  # the seed of this state stays

    def delete_index(self, index_id: str) -> None:
        """Delete an index with its videos and tasks; keep its assets."""
        del self.indexes[index_id]
        self.videos = {key: video for key, video in self.videos.items() if video.index_id != index_id}
        self.tasks = {key: task for key, task in self.tasks.items() if task.video.index_id != index_id}

    def videos_of_index(self, index_id: str) -> list[Video]:
        """Return all videos of an index, whatever their status."""
        return [video for video in self.videos.values() if video.index_id == index_id]

    def videos_of_asset(self, asset_id: str) -> list[Video]:
        """Return the indexed videos of an asset."""
        return [video for video in self.videos.values() if video.asset.id == asset_id]

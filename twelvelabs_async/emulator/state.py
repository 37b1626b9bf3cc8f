"""What the emulator remembers: plain objects that know nothing of HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator.analyses import Analyses
from twelvelabs_async.emulator.connectors import Connectors
from twelvelabs_async.emulator.describing import Description, Descriptions
from twelvelabs_async.emulator.embedding import EmbedTask
from twelvelabs_async.emulator.library import Library
from twelvelabs_async.emulator.seeded import Ids

if TYPE_CHECKING:
    from pathlib import Path

    from twelvelabs_async.emulator.media import Media

UserMetadata = dict[str, Any]

DEFAULT = "default"
"""The organisation of the key that every emulator has."""


@dataclass(slots=True, kw_only=True)
class Asset:
    """A file that was handed over completely."""

    id: str
    method: str
    filename: str
    media: Media
    created_at: float
    user_metadata: UserMetadata
    hls: bool
    thumbnail: bool
    retried_at: float | None = None
    """When it was fetched once more, after the first time had failed."""


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
        """The modalities it was made for."""
        return {option for model in self.models for option in model["model_options"]}


@dataclass(slots=True, kw_only=True)
class Video:
    """An asset in an index: an indexed asset in the newer endpoints, a video in the older ones."""

    id: str
    index_id: str
    asset: Asset
    created_at: float
    starts_at: float
    """When indexing began, which for a legacy task is after the video was taken in."""
    touched_at: float
    stream: bool
    user_metadata: UserMetadata
    problem: str | None = None
    """Why indexing will fail."""


@dataclass(slots=True, kw_only=True)
class Task:
    """A legacy task, which makes an asset and a video at once."""

    id: str
    video: Video
    created_at: float
    fetched: bool


@dataclass(slots=True)
class Chunk:
    """A part of an upload, as far as it has come."""

    index: int
    size: int
    updated_at: float
    etag: str | None = None
    """Set when the bytes arrived; dropped when they turn out to be wrong."""
    reported_at: float | None = None
    error: str | None = None

    @property
    def status(self) -> str:
        """What the API calls it: bytes that nobody reported are still pending."""
        if self.reported_at is not None:
            return "completed"
        return "failed" if self.error else "pending"


@dataclass(slots=True, kw_only=True)
class Upload:
    """A multipart upload session."""

    id: str
    asset_id: str
    filename: str
    kind: str
    total_size: int
    chunk_size: int
    chunks: list[Chunk]
    headers: dict[str, str]
    """Headers without which the storage refuses a chunk."""
    created_at: float
    expires_at: float
    hls: bool
    thumbnail: bool
    user_metadata: UserMetadata
    spool: Path | None
    """Where the bytes go; none for a large file, which is only counted."""
    used: set[str] = field(default_factory=set[str])
    """Signatures of the URLs that did their one service."""
    completed_at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the report that makes the asset, for two may come at once with what was missing."""

    @property
    def completed(self) -> int:
        """How many chunks have been reported."""
        return sum(chunk.reported_at is not None for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of a video that fits a query."""

    video: Video
    start: float
    end: float
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The results of one query, kept while its page tokens live."""

    id: str
    index_id: str
    items: list[Hit] | list[list[Hit]]
    """Hits, or hits grouped by video."""
    inner: int | None
    """Hits within groups."""
    limit: int
    transcription: bool
    thumbnails: bool
    user_metadata: bool
    expires_at: float


@dataclass(slots=True)
class State:
    """All objects of one organisation by id, oldest first; that of `DEFAULT` holds those of the others, too."""

    ids: Ids
    assets: dict[str, Asset] = field(default_factory=dict[str, Asset])
    indexes: dict[str, Index] = field(default_factory=dict[str, Index])
    videos: dict[str, Video] = field(default_factory=dict[str, Video])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    uploads: dict[str, Upload] = field(default_factory=dict[str, Upload])
    searches: dict[str, Search] = field(default_factory=dict[str, Search])
    embed_tasks: dict[str, EmbedTask] = field(default_factory=dict[str, EmbedTask])
    library: Library = field(default_factory=Library)
    analyses: Analyses = field(default_factory=Analyses)
    connectors: Connectors = field(default_factory=Connectors)
    descriptions: Descriptions = field(default_factory=Descriptions)
    others: dict[str, State] = field(default_factory=dict[str, "State"])

    def of(self, organisation: str) -> State:
        """Return what one organisation has; ids are counted for all of them, and files described."""
        if organisation == DEFAULT:
            return self
        if organisation not in self.others:
            self.others[organisation] = State(self.ids, descriptions=self.descriptions)
        return self.others[organisation]

    def all(self) -> dict[str, State]:
        """Return what every organisation has that was ever here."""
        return {DEFAULT: self, **self.others}

    def any_asset(self, asset_id: str) -> Asset | None:
        """Return an asset whoever has it."""
        return next((state.assets[asset_id] for state in self.all().values() if asset_id in state.assets), None)

    def any_upload(self, upload_id: str) -> Upload | None:
        """Return an upload session whoever has it."""
        return next((state.uploads[upload_id] for state in self.all().values() if upload_id in state.uploads), None)

    def take(self, other: State) -> None:
        """Become what another state is; the count of ids goes on where it stood."""
        self.ids.go_on(other.ids)
        for kind in fields(self):
            if kind.name != "ids":
                setattr(self, kind.name, getattr(other, kind.name))
        for state in self.others.values():
            state.ids = self.ids

    def describe(self, filename: str, description: Description) -> None:
        """Keep what is told about files of a name, those that are here and those to come."""
        self.descriptions.known[filename] = description
        for asset in (asset for state in self.all().values() for asset in state.assets.values()):
            if asset.filename == filename:
                asset.media = description.put_on(asset.media)

    def clear(self) -> None:
        """Forget all objects, and begin to count their ids anew."""
        self.ids.restart()
        empty = State(self.ids)
        for kind in fields(self):
            setattr(self, kind.name, getattr(empty, kind.name))

    def delete_index(self, index_id: str) -> None:
        """Delete an index with the videos and tasks in it; its assets stay."""
        del self.indexes[index_id]
        self.videos = {key: video for key, video in self.videos.items() if video.index_id != index_id}
        self.tasks = {key: task for key, task in self.tasks.items() if task.video.index_id != index_id}

    def videos_of_index(self, index_id: str) -> list[Video]:
        """Return the videos of an index in every status."""
        return [video for video in self.videos.values() if video.index_id == index_id]

    def videos_of_asset(self, asset_id: str) -> list[Video]:
        """Return the places where an asset is indexed."""
        return [video for video in self.videos.values() if video.asset.id == asset_id]

"""The state together with the time: what is true of an object at this moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator import timeline
from twelvelabs_async.emulator.analyses import Outcome
from twelvelabs_async.emulator.errors import unknown
from twelvelabs_async.emulator.media import Media, guess
from twelvelabs_async.emulator.pictures import KINDS, Pictures
from twelvelabs_async.emulator.probe import probe
from twelvelabs_async.emulator.spool import Spool
from twelvelabs_async.emulator.state import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from twelvelabs_async.emulator.clock import Clock
    from twelvelabs_async.emulator.embedding import EmbedTask
    from twelvelabs_async.emulator.library import Entity, Item
    from twelvelabs_async.emulator.state import Asset, Index, State, Task, Upload, Video
    from twelvelabs_async.emulator.store import Store
    from twelvelabs_async.emulator.timeline import Timing
    from twelvelabs_async.emulator.webhooks import Webhooks

DAY = 86_400
_IDS = ("_id", "id", "task_id", "batch_id")
"""Fields that tell what an answer shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this emulator was asked to behave."""

    seed: int
    chunk_size: int
    first_urls: int
    """How many presigned URLs a new upload gets at once."""
    upload_headers: Mapping[str, str] | None
    spool_limit: int
    """Bytes above which an upload is hashed and counted, and not kept for a look into it."""
    probe: bool
    index_days: int | None
    awkward_streams: bool
    """Whether streams are cut where it hurts, with text to match."""


@dataclass(slots=True, kw_only=True)
class World:
    """Everything the handlers work on, as one organisation sees it."""

    whole: State
    """What all organisations have."""
    clock: Clock
    timing: Timing
    settings: Settings
    webhooks: Webhooks
    organisation: str = DEFAULT
    storage_url: str = ""
    looks: Counter[str] = field(default_factory=Counter[str])
    """How often each object was shown, if that counts."""
    seen: dict[tuple[str, str], Media] = field(default_factory=dict[tuple[str, str], Media])
    """What was found in files, by name and hash of the content: looking into one takes longer than all else."""
    spool: Spool = field(default_factory=Spool)
    store: Store | None = None
    pictures: Pictures = field(default_factory=Pictures)

    @property
    def state(self) -> State:
        """What the organisation has."""
        return self.whole.of(self.organisation)

    def of(self, organisation: str) -> World:
        """Return the same world as another organisation sees it."""
        return replace(self, organisation=organisation)

    def all(self) -> list[World]:
        """Return the world as each organisation sees it."""
        return [self.of(organisation) for organisation in self.whole.all()]

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.clock.time()

    def passed(self, identifier: str, since: float, whole: float) -> float:
        """Return how many of the `whole` seconds that something takes are over, by the clock or by looks at it."""
        if self.timing.polls is None:
            return self.now() - since
        return whole * self.looks[identifier] / self.timing.polls if self.timing.polls else whole

    def look(self, content: object) -> None:
        """Count a look at whatever an answer shows, if looks count."""
        if self.timing.polls is None or not isinstance(content, dict):
            return
        fields = cast("dict[str, Any]", content)
        for one in [fields] if fields.keys() & set(_IDS) else fields.get("data") or []:
            identifier = next((one[name] for name in _IDS if name in one), "")
            task = self.state.tasks.get(identifier)
            # With a legacy task, what it makes gets done.
            self.looks.update([identifier] if task is None else [identifier, task.video.id, task.video.asset.id])

    def asset_status(self, asset: Asset) -> str:
        """Return `processing`, `ready` or `failed`."""
        timing = self.timing.of(asset.media.duration)
        elapsed = self.passed(asset.id, asset.retried_at or asset.created_at, timing.asset)
        return timeline.asset_status(timing, elapsed, failed=asset.media.problem is not None)

    def video_status(self, video: Video) -> str:
        """Return the status of an indexed asset."""
        timing = self.timing.of(video.asset.media.duration)
        elapsed = self.passed(video.id, video.starts_at, timing.indexing)
        return timeline.indexing_status(timing, elapsed, failed=video.problem is not None)

    def task_status(self, task: Task) -> str:
        """Return the status of a legacy task."""
        timing = self.timing.of(task.video.asset.media.duration)
        elapsed = self.passed(task.id, task.created_at, timing.asset + timing.indexing)
        return timeline.task_status(timing, elapsed, failed=task.video.problem is not None, fetched=task.fetched)

    def embed_status(self, task: EmbedTask) -> str:
        """Return the status of an embedding task."""
        timing = self.embed_timing(task)
        elapsed = self.passed(task.id, task.created_at, timing.indexing)
        return timeline.embed_status(timing, elapsed, failed=task.problem is not None)

    def embed_timing(self, task: EmbedTask) -> Timing:
        """Return how long an embedding task takes."""
        return self.timing.of((task.work.metadata or {}).get("duration"))

    def entity_status(self, entity: Entity) -> str:
        """Return `processing` or `ready`."""
        elapsed = self.passed(entity.id, entity.starts_at, self.timing.asset)
        return timeline.asset_status(self.timing, elapsed, failed=False)

    def item_status(self, item: Item) -> str:
        """Return the status of an item of a knowledge store."""
        timing = self.timing.of(item.asset.media.duration)
        elapsed = self.passed(item.id, item.created_at, timing.indexing)
        return timeline.item_status(timing, elapsed, failed=item.asset.media.problem is not None)

    def upload_status(self, upload: Upload) -> str:
        """Return `active`, `completed` or `expired`."""
        if upload.completed_at is not None:
            return "completed"
        return "active" if self.now() < upload.expires_at else "expired"

    def indexed_at(self, video: Video) -> float | None:
        """Return when indexing succeeded, or `None` while it has not."""
        if self.video_status(video) != "ready":
            return None
        done = video.starts_at + self.timing.of(video.asset.media.duration).indexing
        return done if self.timing.polls is None else min(done, self.now())

    def updated_at(self, video: Video) -> float:
        """Return when an indexed asset last changed, be it by a caller or by getting done."""
        return max(video.touched_at, self.indexed_at(video) or 0)

    def ready_videos(self, index_id: str) -> list[Video]:
        """Return the videos of an index that can be searched."""
        return [video for video in self.state.videos_of_index(index_id) if self.video_status(video) == "ready"]

    def indexes(self) -> list[Index]:
        """Return all indexes, after those that have expired are deleted."""
        for index in list(self.state.indexes.values()):
            if index.expires_at is not None and index.expires_at <= self.now():
                self.state.delete_index(index.id)
        return list(self.state.indexes.values())

    def index(self, index_id: str) -> Index:
        """Return an index.

        Raises:
            ApiError: There is none.
        """
        found = next((index for index in self.indexes() if index.id == index_id), None)
        if found is None:
            raise unknown("index", index_id)
        return found

    def asset(self, asset_id: str) -> Asset:
        """Return an asset; one that is still being uploaded in parts is not there yet.

        Raises:
            ApiError: There is none.
        """
        found = self.state.assets.get(asset_id)
        if found is None:
            raise unknown("asset", asset_id)
        return found

    def index_expiry(self) -> float | None:
        """Return when an index made now will be deleted."""
        days = self.settings.index_days
        return None if days is None else self.now() + days * DAY

    def fail(self, ids: Iterable[str], problem: str) -> bool:
        """Let the first object of these ids that can fail do so when it is done, and say whether there is one."""
        known = self.whole.all().values()
        return any(self._fail(state, identifier, problem) for identifier in ids for state in known)

    def _fail(self, state: State, identifier: str, problem: str) -> bool:
        if task := state.analyses.tasks.get(identifier):
            task.outcome = Outcome(generation_id="", tokens=(), input_tokens=0, failure=("processing_failed", problem))
        elif embedding := state.embed_tasks.get(identifier):
            embedding.problem = problem
        elif legacy := state.tasks.get(identifier):
            legacy.video.problem = problem
        elif video := state.videos.get(identifier):
            video.problem = problem
        elif asset := state.assets.get(identifier):
            asset.media = replace(asset.media, problem=problem)
        else:
            return False
        return True

    async def open(self) -> None:
        """Get ready to take in files; with a store, begin with what is in it."""
        if self.store is not None and (found := await asyncio.to_thread(self.store.open)):
            self.whole.take(found)
            await asyncio.to_thread(self.store.sweep, self.whole)
        await self.spool.open()

    async def close(self) -> None:
        """Delete all files but those of a store.

        What was uploaded in part is not looked into any more then, should it ever be completed.
        """
        if self.store is not None:
            await self.store.save(self.whole)
            self.store.close()
        else:
            for upload in (upload for state in self.whole.all().values() for upload in state.uploads.values()):
                upload.spool = None
        await self.spool.delete()

    def kept(self, asset: Asset) -> Path | None:
        """Return where the file of an asset is, if it was kept."""
        path = None if self.store is None else self.store.file_of(asset.media.digest)
        return path if path is not None and path.exists() else None

    async def picture(self, asset: Asset) -> bytes | None:
        """Return the thumbnail of an asset, made anew of its file if that was kept."""
        known, path = self.pictures.of(asset.media.digest), self.kept(asset)
        if known is not None or path is None or asset.media.kind not in KINDS:
            return known
        return await self.pictures.take(path, asset.media.digest)

    def has_picture(self, asset: Asset) -> bool:
        """Say whether there may be a thumbnail of an asset."""
        if self.pictures.of(asset.media.digest) is not None:
            return True
        return self.pictures.possible and asset.media.kind in KINDS and self.kept(asset) is not None

    async def save(self) -> None:
        """Write everything down, where it is to outlive the process."""
        if self.store is not None:
            await self.store.save(self.whole)

    async def look_into(self, path: Path | None, filename: str, size: int, digest: str) -> Media:
        """Return the properties of a file, guessed ones if it was not kept."""
        if path is None or not self.settings.probe:
            look = guess(filename, size, digest)
        else:
            look = await self._probe(path, filename, size, digest)
        if path is not None and self.store is not None and size <= self.settings.spool_limit:
            await asyncio.to_thread(self.store.keep, path, digest)
        return self.state.descriptions.put_on(filename, look)

    async def _probe(self, path: Path, filename: str, size: int, digest: str) -> Media:
        if (filename, digest) in self.seen:
            return self.seen[filename, digest]
        look = await probe(path, filename, size, digest)
        if look.kind in KINDS and look.problem is None:
            await self.pictures.take(path, digest)
        self.seen[filename, digest] = look
        return look

"""The state, clock, settings and files of an emulator, as its handlers use them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from twelvelabs_async.emulator._errors import ApiError, not_found, require_found
from twelvelabs_async.emulator._json import DAY
from twelvelabs_async.emulator._limits import Limiter
from twelvelabs_async.emulator._media.inspection import THUMBNAIL_KINDS, ThumbnailCache, probe
from twelvelabs_async.emulator._media.media import Asset, Media, guess_media
from twelvelabs_async.emulator._scripted_answers import ScriptedAnswers
from twelvelabs_async.emulator._search import SearchMode
from twelvelabs_async.emulator._spool import UploadSpool
from twelvelabs_async.emulator._state.deterministic import stable_int
from twelvelabs_async.emulator._state.entities import DEFAULT_ORGANIZATION, AnalysisResult, Index, State
from twelvelabs_async.emulator._state.persistence import StateStore
from twelvelabs_async.emulator.clock import Clock
from twelvelabs_async.emulator.timing import Timing
from twelvelabs_async.emulator.webhooks import Webhooks

BATCH_RETENTION = 30 * DAY
"""Seconds after which a batch is deleted."""
_IDS = ("_id", "id", "task_id", "batch_id")
"""Fields with the id of the object that a response shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of an emulator."""

    seed: int
    chunk_size: int
    initial_presigned_urls: int
    """Number of presigned URLs in the response that creates an upload."""
    upload_headers: Mapping[str, str] | None
    """Headers that an upload announces; `None` for a header with its id."""
    require_upload_headers: bool
    max_inspected_upload: int
    """Bytes above which a multipart upload is only hashed and counted, not stored and inspected."""
    inspect_media: bool
    search: SearchMode
    """Results of a query whose words match nothing."""
    fragment_streams: bool
    """Whether to split streams within characters, lines and frames, and to generate multi-byte text."""


@dataclass(slots=True, kw_only=True)
class Service:
    """An emulator as one organization sees it."""

    root_state: State
    """State of the default organization, which contains those of the others."""
    clock: Clock
    timing: Timing
    settings: Settings
    limiter: Limiter
    webhooks: Webhooks
    organization: str = DEFAULT_ORGANIZATION
    storage_url: str = ""
    poll_counts: Counter[str] = field(default_factory=Counter[str])
    """Number of responses that showed each object, if `Timing.polls` is set."""
    probe_cache: dict[tuple[str, str], Media] = field(default_factory=dict[tuple[str, str], Media])
    """Inspected media by file name and digest; inspection is the slowest part of a request."""
    spool: UploadSpool = field(default_factory=UploadSpool)
    store: StateStore | None = None
    answers: ScriptedAnswers = field(default_factory=ScriptedAnswers)
    thumbnails: ThumbnailCache = field(default_factory=ThumbnailCache)

    @property
    def state(self) -> State:
        """State of the organization."""
        return self.root_state.for_organization(self.organization)

    def for_organization(self, organization: str) -> Service:
        """Return the emulator as another organization sees it, after deleting its expired objects."""
        service = replace(self, organization=organization)
        service.delete_expired()
        return service

    def for_all_organizations(self) -> list[Service]:
        """Return the emulator as each organization sees it."""
        return [self.for_organization(organization) for organization in self.root_state.by_organization()]

    def delete_expired(self) -> None:
        """Delete expired indexes and batches of the organization."""
        now, state = self.now(), self.state
        for index in list(state.indexes.values()):
            if index.expires_at is not None and index.expires_at <= now:
                state.delete_index(index.id)
        for batch in list(state.analyses.batches.values()):
            if batch.created_at + BATCH_RETENTION <= now:
                state.analyses.delete_batch(batch)

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.clock.time()

    def elapsed(self, identifier: str, since: float, duration: float) -> float:
        """Return how many of the `duration` seconds of processing have elapsed, by the clock or by polls."""
        if self.timing.polls is None:
            return self.now() - since
        return duration * self.poll_counts[identifier] / self.timing.polls if self.timing.polls else duration

    def count_polls(self, content: object) -> None:
        """Count a poll of each object in a response, if `Timing.polls` is set."""
        if self.timing.polls is None or not isinstance(content, dict):
            return
        fields = cast("dict[str, Any]", content)
        for shown in [fields] if fields.keys() & set(_IDS) else fields.get("data") or []:
            object_id = next((shown[name] for name in _IDS if name in shown), "")
            task = self.state.tasks.get(object_id)
            # A poll of a legacy task also counts for the video and the asset that it creates.
            self.poll_counts.update([object_id] if task is None else [object_id, task.video.id, task.video.asset.id])

    def index(self, index_id: str) -> Index:
        """Return an index.

        Raises:
            ApiError: The index does not exist, or belongs to another organization.
        """
        found = self.state.indexes.get(index_id)
        if found is not None:
            return found
        if any(index_id in state.indexes for state in self.root_state.by_organization().values()):
            raise ApiError(403, "read_not_allowed", f"The caller is not authorized to read entity {index_id}.")
        raise not_found("index", index_id)

    def asset(self, asset_id: str) -> Asset:
        """Return an asset; an unfinished multipart upload has none yet.

        Raises:
            ApiError: The asset does not exist.
        """
        return require_found(self.state.assets.get(asset_id), "asset", asset_id)

    @property
    def account_url(self) -> str:
        """URL below which the streams and thumbnails of the organization are."""
        digits = "".join(f"{stable_int('account', self.organization, half):016x}" for half in (0, 1))
        return f"{self.storage_url}/{digits[:24]}"

    def index_expiry(self) -> float | None:
        """Return when an index created now expires, or `None` for never."""
        days = self.limiter.plan.index_days
        return None if days is None else self.now() + days * DAY

    def fail_processing(self, ids: Iterable[str], problem: str) -> bool:
        """Make the first of these objects that supports it fail after its processing time; return whether one does."""
        states = self.root_state.by_organization().values()
        return any(_fail_object(state, object_id, problem) for object_id in ids for state in states)

    async def open(self) -> None:
        """Create the spool directory, and load the state from the data directory, if there is one."""
        if self.store is not None and (found := await asyncio.to_thread(self.store.open)):
            self.root_state.restore(found)
        await self.spool.open()

    async def close(self) -> None:
        """Save the state to the data directory; without one, delete all files.

        Uploads that are completed after a restart are then not inspected.
        """
        if self.store is not None:
            await self.store.save(self.root_state)
            self.store.close()
        else:
            for state in self.root_state.by_organization().values():
                for upload in state.uploads.values():
                    upload.spool_path = None
        await self.spool.delete()

    def stored_file(self, asset: Asset) -> Path | None:
        """Return the path of an asset's file, or `None` if it was not kept."""
        path = None if self.store is None else self.store.path_for(asset.media.digest)
        return path if path is not None and path.exists() else None

    async def thumbnail(self, asset: Asset) -> bytes | None:
        """Return the thumbnail of an asset from the cache or from its stored file, or `None`."""
        cached, path = self.thumbnails.get(asset.media.digest), self.stored_file(asset)
        if cached is not None or path is None or asset.media.kind not in THUMBNAIL_KINDS:
            return cached
        return await self.thumbnails.create(path, asset.media.digest)

    def has_thumbnail(self, asset: Asset) -> bool:
        """Whether an asset may have a thumbnail."""
        if self.thumbnails.get(asset.media.digest) is not None:
            return True
        return self.thumbnails.available and asset.media.kind in THUMBNAIL_KINDS and self.stored_file(asset) is not None

    async def save(self) -> None:
        """Save the state to the data directory, if there is one."""
        if self.store is not None:
            await self.store.save(self.root_state)

    async def inspect_media(
        self, path: Path | None, filename: str, size: int, digest: str, *, keep: bool = True
    ) -> Media:
        """Return the properties of a file; guess them if it was not kept.

        Args:
            path: Path of the file; `None` if it was not kept.
            filename: Name of the file.
            size: Bytes of the file.
            digest: Hash of the content.
            keep: Whether to move the file to the data directory, if there is one.
        """
        if path is None or not self.settings.inspect_media:
            media = guess_media(filename, size, digest)
        elif (filename, digest) in self.probe_cache:
            media = self.probe_cache[filename, digest]
        else:
            media = await asyncio.to_thread(probe, path, filename, size, digest)
            if media.kind in THUMBNAIL_KINDS and media.problem is None:
                await self.thumbnails.create(path, digest)
            self.probe_cache[filename, digest] = media
        if keep and path is not None and self.store is not None and size <= self.settings.max_inspected_upload:
            await asyncio.to_thread(self.store.keep_file, path, digest)
        return self.state.descriptions.apply_to(filename, media)


def _fail_object(state: State, object_id: str, problem: str) -> bool:
    if analysis := state.analyses.tasks.get(object_id):
        failure = ("processing_failed", problem)
        analysis.result = AnalysisResult(generation_id="", tokens=(), input_tokens=0, failure=failure)
    elif task := state.tasks.get(object_id):
        task.video.problem = problem
    elif failing := state.embed_tasks.get(object_id) or state.videos.get(object_id):
        failing.problem = problem
    elif asset := state.assets.get(object_id):
        asset.media = replace(asset.media, problem=problem)
    else:
        return False
    return True

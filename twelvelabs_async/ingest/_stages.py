"""The stages of one item: claim it in the ledger, upload it, and add it to the index.

Used by runs of `client.ingest` and by workers. Each stage saves what it is about to do, does it, and saves the id that
the platform returns. If an earlier attempt may have succeeded, the stage first looks for what that attempt created. No
stage waits for the platform; `processing_target` and `indexing_target` say where the platform's progress can be polled.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from twelvelabs_async._arguments import non_negative_int, one_of, positive
from twelvelabs_async._concurrency import SCAN_THREADS
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._polling import ASSET_LIFECYCLE, INDEXED_ASSET_LIFECYCLE, PollTarget
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, BadRequestError, InvalidInputError, NotFoundError, UploadError
from twelvelabs_async.ingest._duplicates import compute_dedupe_key, is_same_video
from twelvelabs_async.ingest._failures import error_line, is_permanent, log_unexpected
from twelvelabs_async.ingest._remote_sources import (
    BucketPath,
    ObjectSource,
    is_public,
    open_bucket,
    parse_bucket_url,
    sign_url,
)
from twelvelabs_async.ingest._validation import MAX_URL_FILE_SIZE, detect_media_type, media_from_name
from twelvelabs_async.ingest.events import ItemProgress, OnEvent
from twelvelabs_async.ingest.ledger import Claim, Entry, EntryStore, Ledger, SavedUpload
from twelvelabs_async.ingest.results import Stage, Transfer
from twelvelabs_async.ingest.sources import Dedupe, Item, Validator
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.indexed_assets import IndexedAssets
from twelvelabs_async.uploads import UploadProgress, UploadState
from twelvelabs_async.uploads._multipart import MultipartUploader
from twelvelabs_async.uploads._source import FileSource, UploadSource, make_form_part
from twelvelabs_async.uploads._strategy import MediaType, UploadOptions, choose_strategy

if TYPE_CHECKING:
    from twelvelabs_async.ingest._remote_sources import BucketStore


MAX_CONCURRENT_VALIDATIONS: Final = 8
"""Files that are validated at the same time."""

RESTARTED: Final[Mapping[str, Any]] = {"stage": "queued", "state": "open", "indexed_asset_id": None, "error": ""}
"""What changes in an entry that returns to the first stage. It keeps its asset id, so that a lookup ignores that asset.
"""

INGEST_TOKEN_KEY: Final = "ingest_token"  # noqa: S105  # the name of a key
"""Key in the user metadata of an asset that holds the token of its ledger entry."""

DEFAULT_STAGE_TIMEOUT: Final = 86400.0
"""Seconds to wait for the platform in each of the stages `processing` and `indexing`."""

DEFAULT_LOOKUP_TIMEOUT: Final = 30.0
"""Seconds after an uncertain request during which to look for its result: a proxy may deliver it late."""

LOOKUP_DELAYS: Final = (0.0, 1.0, 5.0, 15.0)
"""Seconds after an uncertain request at which to look for its result, in addition to the timeout."""

MAX_LOOKUP_AGE: Final = 10.0
"""Seconds after which a lookup that found nothing is repeated before the request is sent."""

MAX_CLOCK_SKEW: Final = 3600.0
"""Seconds by which a creation time may be wrong, because the clock was changed or no response has shown the time."""

PARTS_PER_FILE: Final = 4
"""Parts of one file that are sent at the same time."""

MAX_CONCURRENT_PARTS: Final = 32
"""Parts of all files that are sent at the same time. Each part uses a connection and a megabyte of memory."""


def may_have_sent(entry: Entry) -> bool:
    """Return whether a process that has ended may have sent the request of the present stage."""
    return entry.stage == "uploading" or (entry.stage == "indexing" and entry.indexed_asset_id is None)


@attrs.frozen(kw_only=True, eq=False)
class Claimer:
    """Claims items for one index in an open ledger."""

    ledger: Ledger
    ledger_name: str
    """Name of the ledger, as returned by `open`."""
    index_id: str
    dedupe: Dedupe
    """Which files count as the same."""
    validate: Validator | None
    """Checks new items first."""
    run_id: str
    """Id of the run."""
    now: Callable[[], float]
    """Returns the time for `Entry.created_at`."""
    _validation_slots: asyncio.Semaphore = attrs.field(
        init=False, factory=partial(asyncio.Semaphore, MAX_CONCURRENT_VALIDATIONS)
    )

    async def claim(self, item: Item) -> Claim | str:
        """Return the entry of an item, or why the item cannot be ingested.

        Raises:
            LedgerError: The ledger cannot be read or written.
            OSError: The file cannot be read.
        """
        if item.problem:
            return item.problem
        identity = (self.index_id, item.uri, item.size, item.version)
        existing = await self.ledger.find(*identity)
        if existing is not None:
            return Claim(entry=existing, match="same_file")
        async with self._validation_slots:
            problem = await self._find_problem(item)
            if problem:
                return problem
            dedupe_key = await compute_dedupe_key(item, self.dedupe)
        now = self.now()
        entry = Entry(
            token=_token(self.ledger_name, *identity),
            index_id=self.index_id,
            uri=item.uri,
            size=item.size,
            mtime_ns=item.version,
            dedupe_key=dedupe_key,
            run_id=self.run_id,
            created_at=now,
            updated_at=now,
        )
        claim = await self.ledger.claim(entry)
        if claim.match == "duplicate":
            async with self._validation_slots:
                same = await is_same_video(item, claim.entry, self.dedupe)
            if not same:
                claim = await self.ledger.claim(attrs.evolve(entry, dedupe_key=""))
        return claim

    async def _find_problem(self, item: Item) -> str:
        """Return what the validator says; it may be the caller's, and return or raise anything."""
        try:
            return str(await self.validate(item) or "") if self.validate is not None else ""
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise RuntimeError("the validator raised CancelledError") from error  # else the item would have no result


def _token(*parts: object) -> str:
    """Return a token that is unique to a file in a ledger, and the same in every run."""
    identity = "\0".join(map(str, parts))
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class LookupTooOldError(Exception):
    """The check whether an earlier request created the object is out of date. Nothing was sent; check again."""


@attrs.frozen
class LookupPendingError(Exception):
    """The check whether an earlier request created the object found nothing yet; repeat it before sending again."""

    seconds: float
    """Seconds until the next check."""


@attrs.define(eq=False, kw_only=True)
class WorkItem:
    """An item in progress."""

    item: Item
    """The item."""
    entry: Entry
    """Its entry as saved in the ledger."""
    ledger: EntryStore
    clock: Clock
    on_event: OnEvent
    uncertain_since: float | None = None
    """Since when it is unknown whether the request of the present stage was executed; None if it is known."""
    max_lookup_wait: float = math.inf
    """Longest wait for the next lookup, in seconds; a longer one raises `LookupPendingError`."""
    looked_up_at: float | None = None
    """When the last lookup was started that the next request depends on; None if it depends on none."""
    resumed: bool = False
    """Whether an earlier run started the item."""
    status: str = ""
    """Status reported by the platform."""
    sent: int = 0
    """Bytes that this run sent."""
    _position: int = 0
    """Bytes of the file that the platform has or that are being sent."""
    _new_attempt: bool = False
    """Whether an attempt has started that has not reported progress."""

    async def save(self, **changes: Any) -> None:
        """Save changes of the entry; return when they are on disk."""
        entry = attrs.evolve(self.entry, updated_at=self.clock.time(), **changes)
        await self.ledger.save(entry)
        self.entry = entry

    async def save_failure(self, error: Exception) -> None:
        """Save the error that ends the item, or this attempt at it; log it if it is a defect."""
        log_unexpected(error, self.item.source, self.entry.stage)
        await self.save(error=error_line(error), state="failed" if is_permanent(error) else "open")

    async def check_before_post(self) -> None:
        """Return if a request that creates something may be sent now.

        Raises:
            LedgerInUseError: Another process has taken over.
            LookupTooOldError: The lookup must be repeated.
        """
        await self.ledger.ensure_owned()
        if self.looked_up_at is not None and self.clock.monotonic() - self.looked_up_at > MAX_LOOKUP_AGE:
            raise LookupTooOldError

    @property
    def uncertain_for(self) -> float | None:
        """For how many seconds it has been unknown whether the stage's request was executed; None if it is known."""
        return None if self.uncertain_since is None else self.clock.monotonic() - self.uncertain_since

    def set_uncertain(self, error: Exception) -> None:
        """Note whether it is unknown, after an error, if the request of the present stage was executed."""
        if isinstance(error, APIError) and error.ambiguous:
            self.uncertain_since = self.clock.monotonic()

    def set_certain(self) -> None:
        """Note that it is known whether the request of the present stage was executed."""
        self.uncertain_since = self.looked_up_at = None

    async def restart(self) -> None:
        """Return to the first stage."""
        self.resumed = False
        await self.save(**RESTARTED)

    def enter_stage(self, stage: Stage) -> None:
        """Report that a stage has started."""
        self.status = ""
        self._emit(stage)

    def update_status(self, status: str) -> None:
        """Report a status of the platform."""
        self.status = status
        self._emit(self.entry.stage)

    def start_attempt(self) -> None:
        """Start another attempt to send the file. Parts that are already confirmed do not count as sent by it."""
        self._new_attempt = True

    def on_upload_progress(self, progress: UploadProgress) -> None:
        """Report bytes that were sent."""
        if self._new_attempt:
            self._new_attempt = False
            self._position = progress.sent if progress.parts else 0
        self.sent += max(0, progress.sent - self._position)
        self._position = progress.sent
        self._emit("uploading")

    def _emit(self, stage: Stage) -> None:
        self.on_event(
            ItemProgress(
                source=self.item.source,
                stage=stage,
                status=self.status,
                sent=self._position,
                total=self.item.size,
                bytes_sent=self.sent,
            )
        )


@attrs.frozen
class _LedgerCheckpoint:
    """Saves the parts of a multipart upload in the ledger."""

    work: WorkItem

    async def on_session_created(self, state: UploadState) -> None:
        self.work.looked_up_at = None  # the session shows which requests were executed
        await self.work.ledger.save_upload(self.work.entry.token, state)

    async def on_part_uploaded(self, part: CompletedChunk) -> None:
        await self.work.ledger.save_part(self.work.entry.token, part)


@attrs.frozen(eq=False)
class Stages:
    """Uploads items and adds them to the index."""

    executor: RequestExecutor
    """Sends the requests."""
    multipart_threshold: int = attrs.field(kw_only=True, validator=non_negative_int)
    """Size in bytes above which a file is sent in parts."""
    lookup_timeout: float = attrs.field(default=DEFAULT_LOOKUP_TIMEOUT, kw_only=True, validator=positive)
    """Seconds after an uncertain request during which to look for its result."""
    user_metadata: UserMetadata = attrs.field(factory=dict[str, Any], kw_only=True)
    """User metadata of all items."""
    transfer: Transfer = attrs.field(default="auto", kw_only=True, validator=one_of(Transfer))
    """How objects in buckets get to the platform."""
    _stores: dict[str, BucketStore] = attrs.field(init=False, factory=dict[str, Any])
    """The store of each bucket, which keeps connections for all its objects."""
    _part_slots: asyncio.Semaphore = attrs.field(init=False, factory=partial(asyncio.Semaphore, MAX_CONCURRENT_PARTS))

    def platform_time(self) -> float:
        """Return the time by the platform's clock, in seconds since the epoch, as its last response showed it."""
        return self.executor.clock.time() + self.executor.limiter.clock_offset

    async def find_created(self, work: WorkItem) -> bool:
        """Look for what an uncertain request of the present stage has created; return whether it was found."""
        if work.uncertain_since is None:
            return False
        if work.entry.stage != "indexing" and await self._load_upload(work) is not None:
            return False  # the platform reports the state of a multipart upload
        created_id = await self._find_with_delays(work)
        if created_id is None:
            return False
        await self._save_created(work, created_id)
        return True

    async def upload(self, work: WorkItem) -> None:
        """Create the asset of an item; its next stage is `processing`. Call `find_created` first.

        Raises:
            InvalidInputError: The file cannot be read, is empty or is too large. Nothing was sent.
            UploadError: The upload is incomplete, or the file has changed since it was found.
            APIError: The platform rejected the request. If `ambiguous`, it may have created the asset.
        """
        saved = await self._load_upload(work)
        await work.save(stage="uploading", attempts=work.entry.attempts + 1)
        await self._create(work, partial(self._send, work, saved))

    async def start_indexing(self, work: WorkItem) -> None:
        """Add the asset of an item to the index. Call `find_created` first.

        Raises:
            APIError: The platform rejected the request. If `ambiguous`, it may have added the asset.
        """
        await self._create(work, partial(self._request_indexing, work))

    async def _load_upload(self, work: WorkItem) -> SavedUpload | None:
        return await work.ledger.load_upload(work.entry.token) if work.entry.attempts else None

    async def _create(self, work: WorkItem, send: Callable[[], Awaitable[str]]) -> None:
        """Send a request that creates something, and save its id; first look again if the last lookup is too old."""
        created_id = None
        while created_id is None:
            try:
                created_id = await send()
            except LookupTooOldError:
                created_id = await self._look_up(work)
        await self._save_created(work, created_id)

    async def _save_created(self, work: WorkItem, created_id: str) -> None:
        if work.entry.stage == "indexing":
            await work.save(indexed_asset_id=created_id)
        else:
            await work.save(stage="processing", asset_id=created_id)
        work.set_certain()

    async def _request_indexing(self, work: WorkItem) -> str:
        created = await IndexedAssets(self._checked_executor(work)).create(
            work.entry.index_id,
            asset_id=work.entry.asset_id or "",
            user_metadata=self._merged_metadata(work.item) or None,
        )
        return created.id

    def _checked_executor(self, work: WorkItem) -> RequestExecutor:
        """Return an executor that checks, right before each request, that no other process has taken over."""
        return attrs.evolve(self.executor, before_post=work.check_before_post)

    def processing_target(self) -> PollTarget[Any]:
        """Return where assets in the stage `processing` can be polled."""
        return PollTarget(lifecycle=ASSET_LIFECYCLE, list_pages=self._asset_pages, fetch=Assets(self.executor).retrieve)

    def indexing_target(self, index_id: str) -> PollTarget[Any]:
        """Return where assets in the stage `indexing` can be polled."""
        indexed_assets = IndexedAssets(self.executor)
        return PollTarget(
            lifecycle=INDEXED_ASSET_LIFECYCLE,
            list_pages=lambda _: indexed_assets.list(index_id).pages(),
            fetch=partial(indexed_assets.retrieve, index_id),
        )

    async def _asset_pages(self, asset_ids: Sequence[str]) -> AsyncIterator[Any]:
        for start in range(0, len(asset_ids), 50):
            yield await Assets(self.executor).list(asset_ids=asset_ids[start : start + 50])

    def _merged_metadata(self, item: Item) -> dict[str, Any]:
        return {**self.user_metadata, **(item.user_metadata or {})}

    async def _send(self, work: WorkItem, saved: SavedUpload | None) -> str:
        """Send the file, or have the platform fetch the URL, and return the id of the asset."""
        work.start_attempt()
        item, name = work.item, work.item.name or None
        url = await self._url_to_fetch(item)
        executor = self._checked_executor(work)
        assets = Assets(executor)
        metadata = {**self._merged_metadata(item), INGEST_TOKEN_KEY: work.entry.token}
        if url is not None:
            asset = await assets.create(method="url", url=url, filename=name, user_metadata=metadata)
            return asset.id
        source = self._object_source(item) if item.is_object else FileSource(Path(item.source), name)
        async with source as content:
            _check_unchanged(content, item)
            kind = await self._media_type(item)
            strategy = choose_strategy(
                content.size, kind, filename=content.name, multipart_threshold=self.multipart_threshold
            )
            if strategy == "direct":
                check = work.ledger.ensure_owned
                file = await make_form_part(content, "file", work.on_upload_progress, before_last=check)
                asset = await assets.create(method="direct", file=file, filename=content.name, user_metadata=metadata)
                return asset.id
            options = UploadOptions(
                type=kind,
                user_metadata=metadata,
                concurrency=PARTS_PER_FILE,
                on_progress=work.on_upload_progress,
                journal=_LedgerCheckpoint(work),
                part_semaphore=self._part_slots,
            )
            uploader = partial(MultipartUploader, executor, content, options)
            if saved is not None and (asset_id := await self._resume(uploader(), content, saved)) is not None:
                return asset_id
            return (await uploader().run()).asset_id

    async def _media_type(self, item: Item) -> MediaType:
        """Return the kind of a file by its content, or that of an object by its name."""
        if item.is_object:
            return media_from_name(item.name).kind or "video"
        return await SCAN_THREADS.run(detect_media_type, item.source)

    async def _url_to_fetch(self, item: Item) -> str | None:
        """Return the URL by which the platform is to fetch an item; None if the item is sent from this machine.

        Raises:
            InvalidInputError: The object is too large for a URL.
            UploadError: The object has changed or cannot be read.
        """
        if item.is_url:
            return item.source
        if not item.is_object or self.transfer == "stream":
            return None
        if item.size > MAX_URL_FILE_SIZE:
            if self.transfer == "auto":
                return None
            raise InvalidInputError(
                f"{item.source} has {item.size} bytes; the platform fetches at most {MAX_URL_FILE_SIZE} from a URL; "
                "pass transfer='stream'"
            )
        await self._object_source(item).verify()
        path = parse_bucket_url(item.source)
        try:
            url = await sign_url(self._store(path), path)
        except UploadError:  # for instance anonymous access
            if self.transfer == "auto":
                return None
            raise
        return url if self.transfer == "url" or await is_public(url) else None

    def _object_source(self, item: Item) -> ObjectSource:
        path = parse_bucket_url(item.source)
        return ObjectSource(
            self._store(path), path, name=item.name, size=item.size, etag=item.etag, version=item.version
        )

    def _store(self, path: BucketPath) -> BucketStore:
        """Return the store of a bucket."""
        if path.bucket_url not in self._stores:
            self._stores[path.bucket_url] = open_bucket(path)
        return self._stores[path.bucket_url]

    async def _resume(self, uploader: MultipartUploader, content: UploadSource, saved: SavedUpload) -> str | None:
        """Finish a saved multipart upload and return the id of its asset; None if a new upload is needed."""
        asset_id = saved.state.asset_id
        if saved.state.fingerprint == content.fingerprint:
            try:
                await uploader.run(saved.state, saved.parts)
            except (APIError, UploadError) as error:
                if not _session_expired(error):
                    raise
            else:
                return asset_id
        try:  # the upload may have been complete before its session expired
            return (await Assets(self.executor).retrieve(asset_id)).id
        except (NotFoundError, BadRequestError):
            return None

    async def _find_with_delays(self, work: WorkItem) -> str | None:
        """Look for what the present stage has created, until it is found or the last of the delays has passed."""
        tried = False
        for delay in (*(delay for delay in LOOKUP_DELAYS if delay < self.lookup_timeout), self.lookup_timeout):
            wait = (work.uncertain_since or 0.0) + delay - self.executor.clock.monotonic()
            if wait <= 0 and tried:
                continue
            if wait > work.max_lookup_wait:
                raise LookupPendingError(wait)
            await self.executor.clock.sleep(max(0.0, wait))
            found = await self._look_up(work)
            if found is not None:
                return found
            tried = True
        return None

    async def _look_up(self, work: WorkItem) -> str | None:
        work.looked_up_at = self.executor.clock.monotonic()
        find = self._find_indexed_asset if work.entry.stage == "indexing" else self._find_asset
        return await find(work)

    async def _find_asset(self, work: WorkItem) -> str | None:
        """Return the id of the asset that has the token of the entry, or None."""
        since = datetime.fromtimestamp(min(work.entry.created_at, self.platform_time()) - MAX_CLOCK_SKEW, UTC)
        async for asset in Assets(self.executor).list(filename=work.item.name or None):
            if asset.user_metadata.get(INGEST_TOKEN_KEY) == work.entry.token and asset.id != work.entry.asset_id:
                return asset.id
            if asset.created_at is not None and asset.created_at < since:  # the list starts with the newest asset
                return None
        return None

    async def _find_indexed_asset(self, work: WorkItem) -> str | None:
        """Return the id of the asset in the index, or None."""
        async for indexed_asset in IndexedAssets(self.executor).list_by_asset(work.entry.asset_id or ""):
            if indexed_asset.index.id == work.entry.index_id:
                return indexed_asset.id
        return None


def _check_unchanged(content: UploadSource, item: Item) -> None:
    """Raise UploadError if the file has changed since it was found, which may be hours ago."""
    if not content.fingerprint.startswith(f"{item.size}-{item.version}-"):
        message = f"{item.source} has changed since it was found; run again to ingest it as it is now"
        raise UploadError(message=message, source=item.source, source_changed=True)


def _session_expired(error: APIError | UploadError) -> bool:
    """Return whether the upload session has expired or is unknown, so that a new upload is needed."""
    if isinstance(error, UploadError):
        return error.state is None and error.__cause__ is not None
    return error.status_code in {400, 403, 404, 410}

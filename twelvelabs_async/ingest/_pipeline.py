"""Takes each item of a run through its stages: claim, upload, wait for processing, index, wait for indexing."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Any, Final, Literal

import attrs

from twelvelabs_async._arguments import boolean, checked_id, non_negative_int, one_of, positive, positive_int
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._core.validation import checked_metadata
from twelvelabs_async._event_listeners import plain_function
from twelvelabs_async._polling import BatchPoller, StatusPoller, is_retryable_poll_error
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIError,
    LedgerError,
    NotFoundError,
    QuotaExhaustedError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async.ingest._failures import (
    DEFAULT_QUOTA_WAIT,
    MAX_STAGE_ATTEMPTS,
    OutageWaiter,
    error_line,
    is_stage_retryable,
    log_unexpected,
    reason_to_stop,
    stage_retry_delay,
)
from twelvelabs_async.ingest._stages import (
    DEFAULT_LOOKUP_TIMEOUT,
    DEFAULT_STAGE_TIMEOUT,
    Claimer,
    Stages,
    WorkItem,
    may_have_sent,
)
from twelvelabs_async.ingest._validation import SourceValidator
from twelvelabs_async.ingest.events import IngestWarning, ItemRetryScheduled, OnEvent, QuotaWaitStarted
from twelvelabs_async.ingest.ledger import Claim, Entry, Ledger
from twelvelabs_async.ingest.results import IngestResult, OnOutage, OnQuota, StopReason, Transfer
from twelvelabs_async.ingest.sources import Dedupe, Item, Validator
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.resources.indexes import Indexes
from twelvelabs_async.uploads._strategy import MULTIPART_THRESHOLD

MAX_INDEXING_REQUESTS: Final = 8
"""Requests to index that are sent at the same time."""


def _id(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    checked_id(attribute.name, value)


@attrs.frozen(kw_only=True)
class IngestConfig:
    """Arguments of `client.ingest`."""

    index_id: str = attrs.field(validator=_id)
    """Index that the items go into."""
    ledger: Ledger
    """Stores the progress of the items."""
    concurrency: int = attrs.field(default=4, validator=positive_int)
    """Files that are sent at the same time."""
    max_in_flight: int = attrs.field(default=1000, validator=positive_int)
    """Items that are in progress at the same time."""
    multipart_threshold: int = attrs.field(default=MULTIPART_THRESHOLD, validator=non_negative_int)
    """Size in bytes above which a file is sent in parts."""
    user_metadata: UserMetadata | None = attrs.field(default=None, converter=checked_metadata)
    """User metadata of all items."""
    dedupe: Dedupe = attrs.field(default="name", validator=one_of(Dedupe))
    """Which files count as the same."""
    transfer: Transfer = attrs.field(default="auto", validator=one_of(Transfer))
    """How objects in buckets get to the platform."""
    on_quota: OnQuota = attrs.field(default="stop", validator=one_of(OnQuota))
    """What to do when a quota is exhausted."""
    on_outage: OnOutage = attrs.field(default="wait", validator=one_of(OnOutage))
    """What to do when no request has got an answer for a while."""
    retry_failed: bool = attrs.field(default=False, validator=boolean)
    """Whether to retry items that the platform rejected in an earlier run."""
    validate: Validator | Literal["auto"] | None = "auto"
    """Checks new items before their upload; `auto` knows the limits of the models of the index."""
    timeout: float = attrs.field(default=DEFAULT_STAGE_TIMEOUT, validator=positive)
    """Seconds to wait for the platform in each of the stages `processing` and `indexing`."""
    lookup_timeout: float = attrs.field(default=DEFAULT_LOOKUP_TIMEOUT, validator=positive)
    """Seconds after an uncertain request during which to look for its result before it is sent again."""
    sleep_interval: float | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    """Seconds between two polls; None adapts to what the polls find."""
    on_event: OnEvent | None = attrs.field(default=None, validator=plain_function)
    """Receives the events."""


class SkippedError(Exception):
    """The run stopped before the item was started."""


class Pipeline:
    """Ingests items; shared by all items of a run.

    Args:
        executor: Sends the requests.
        config: Arguments of `client.ingest`.
        emit: Receives the events.
    """

    def __init__(self, executor: RequestExecutor, config: IngestConfig, emit: OnEvent) -> None:
        self._executor = executor
        self._config = config
        self._clock: Clock = executor.clock
        self._emit = emit
        self._run_id = secrets.token_hex(4)
        self._started = 0.0
        self._validate: Validator | None = None
        self._claimer: Claimer | None = None
        self._opening = asyncio.Lock()
        self._stages = Stages(
            executor,
            multipart_threshold=config.multipart_threshold,
            lookup_timeout=config.lookup_timeout,
            user_metadata=dict(config.user_metadata or {}),
            transfer=config.transfer,
        )
        self.outage: OutageWaiter = OutageWaiter(executor.clock, self._send_probe, emit)
        """Must receive the events of the client."""
        self._upload_slots = asyncio.Semaphore(config.concurrency)
        self._indexing_slots = asyncio.Semaphore(MAX_INDEXING_REQUESTS)
        poller = partial(
            StatusPoller,
            clock=executor.clock,
            timeout=config.timeout,
            interval=config.sleep_interval,
            on_error=self._wait_after_poll_error,
        )
        self._processing_poller: StatusPoller = poller(BatchPoller((), self._stages.processing_target()))
        self._indexing_poller: StatusPoller = poller(BatchPoller((), self._stages.indexing_target(config.index_id)))
        self.pollers: tuple[StatusPoller, ...] = (self._processing_poller, self._indexing_poller)
        """Must be running while items are ingested."""
        self.stop_reason: StopReason = ""
        """Why no more items are started; empty while items are."""
        self._stop_error: Exception | None = None
        self._in_progress: dict[str, asyncio.Future[IngestResult]] = {}
        self._quota_waits: dict[tuple[str, str], float] = {}

    async def open(self) -> None:
        """Read the index. The ledger is opened for the first item that can be ingested: a mistyped path creates none.

        Raises:
            NotFoundError: The index does not exist.
        """
        models: list[str] = []
        try:
            models = [model.model_name for model in (await self._retrieve_index()).models]
        except NotFoundError:
            raise
        except APIError:
            pass  # the upload or the request to index reports the error, if it persists
        config = self._config
        self._validate = SourceValidator(models, self._warn) if config.validate == "auto" else config.validate
        self._started = self._clock.monotonic()

    async def close(self) -> None:
        """Close the ledger, if it is open."""
        if self._claimer is not None:
            await self._config.ledger.close()

    async def _open_ledger(self) -> Claimer:
        async with self._opening:
            if self._claimer is None:
                config = self._config
                self._claimer = Claimer(
                    ledger=config.ledger,
                    ledger_name=await config.ledger.open(),
                    index_id=config.index_id,
                    dedupe=config.dedupe,
                    validate=self._validate,
                    run_id=self._run_id,
                    now=self._stages.platform_time,
                )
        return self._claimer

    async def _retrieve_index(self) -> Index:
        """Return the index, after the end of an outage that began before the run."""
        while True:
            try:
                return await Indexes(self._executor).retrieve(self._config.index_id)
            except APIError as error:
                if self._config.on_outage == "stop" or not await self.outage.wait(error, threshold=0.0):
                    raise

    async def _send_probe(self) -> None:
        """Send one request, without retries."""
        options = attrs.evolve(self._executor.options, max_retries=0)
        await Indexes(attrs.evolve(self._executor, options=options)).retrieve(self._config.index_id)

    def _warn(self, source: str, message: str) -> None:
        self._emit(IngestWarning(source=source, message=message))

    def drain(self) -> None:
        """Start no more items."""
        self._stop("drained")

    async def ingest(self, item: Item) -> IngestResult:
        """Ingest an item and return its result.

        Raises:
            LedgerError: The ledger cannot be read or written.
        """
        failed = partial(IngestResult, source=item.source, status="failed", stage="queued")
        if item.problem:
            return failed(error=item.problem)
        if self.stop_reason:
            return self._skipped_result(item)
        claimer = self._claimer or await self._open_ledger()
        try:
            claim = await claimer.claim(item)
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001  # the validator may be the caller's
            log_unexpected(error, item.source, "queued")
            return failed(error=error_line(error), exception=error)
        if not isinstance(claim, Claim):
            return failed(error=claim, rejected=True)
        entry = claim.entry
        other = self._in_progress.get(entry.token)
        if other is not None:
            result = await asyncio.shield(other)
            return attrs.evolve(
                result, source=item.source, duplicate_of=entry.uri, bytes_sent=0, replaced_asset_id=None
            )
        of_this_run = entry.run_id == self._run_id
        retry = entry.state == "failed" and self._config.retry_failed and not of_this_run
        has_ended = entry.state != "open" or (of_this_run and bool(entry.error))  # another input is the same file
        if has_ended and not retry:
            return self._finished_result(item, entry)
        self._in_progress[entry.token] = future = asyncio.get_running_loop().create_future()
        try:
            result = await self._process(item, claim, retry=retry)
            future.set_result(result)
        finally:
            del self._in_progress[entry.token]
            future.cancel()
        return result

    async def _process(self, item: Item, claim: Claim, *, retry: bool) -> IngestResult:
        """Take a claimed item through its remaining stages."""
        entry, resumed = claim.entry, claim.match != "new"
        work = WorkItem(
            item=item,
            entry=attrs.evolve(entry, run_id=self._run_id),
            ledger=self._config.ledger,
            clock=self._clock,
            on_event=self._emit,
            resumed=resumed,
            uncertain_since=self._started if resumed and may_have_sent(entry) else None,
        )
        failure: Exception | None = None
        try:
            if retry:
                await work.restart()
            while work.entry.state == "open":
                await self._run_stage(work)
        except LedgerError:
            raise
        except SkippedError:
            return self._skipped_result(item)
        except Exception as error:  # noqa: BLE001  # reported in the result
            failure = error
            self._stop(reason_to_stop(error), error)
            await work.save_failure(error)
        return _result_of(
            work.entry,
            source=item.source,
            exception=failure,
            bytes_sent=work.sent,
            duplicate_of=entry.uri if entry.uri != item.uri else None,
            replaced_asset_id=claim.previous.asset_id if claim.previous is not None else None,
        )

    async def _run_stage(self, work: WorkItem) -> None:
        """Run the stage of an item, and retry it after transient errors."""
        stage = {"processing": self._wait_for_processing, "indexing": self._index}.get(work.entry.stage, self._upload)
        attempt = 0
        while True:
            attempt += 1
            try:
                return await stage(work)
            except QuotaExhaustedError as error:
                await self._wait_for_quota_or_raise(error)
            except (APIError, UploadError) as error:
                if not is_stage_retryable(error):
                    raise
                work.set_uncertain(error)
                if await self._wait_for_outage(error):
                    attempt = 0
                    continue
                if attempt >= MAX_STAGE_ATTEMPTS or self.stop_reason == "outage":
                    raise
                delay = stage_retry_delay(attempt)
                self._emit(
                    ItemRetryScheduled(
                        source=work.item.source,
                        stage=work.entry.stage,
                        error=str(error),
                        attempt=attempt,
                        retry_in=delay,
                    )
                )
                await self._clock.sleep(delay)

    async def _upload(self, work: WorkItem) -> None:
        if await self._stages.find_created(work):
            return
        async with self._upload_slots:
            await self.outage.over.wait()
            if self.stop_reason and (not work.resumed or work.entry.stage == "queued"):
                raise SkippedError
            work.enter_stage("uploading")
            await self._stages.upload(work)

    async def _wait_for_processing(self, work: WorkItem) -> None:
        work.enter_stage("processing")
        try:
            await self._processing_poller.wait_ready(work.entry.asset_id or "", work.update_status)
        except NotFoundError:
            if not work.resumed:
                raise
            await work.restart()  # the asset was deleted between two runs
        else:
            await work.save(stage="indexing")

    async def _index(self, work: WorkItem) -> None:
        work.enter_stage("indexing")
        if work.entry.indexed_asset_id is None and not await self._stages.find_created(work):
            async with self._indexing_slots:
                await self.outage.over.wait()
                await self._stages.start_indexing(work)
        await self._indexing_poller.wait_ready(work.entry.indexed_asset_id or "", work.update_status)
        await work.save(stage="ready", state="ready", error="")
        work.enter_stage("ready")

    async def _wait_after_poll_error(self, error: TwelveLabsError) -> None:
        """Wait for the end of an outage or for a quota; return immediately if the next poll may succeed.

        Raises:
            TwelveLabsError: `error`, if polls are no use.
        """
        if await self._wait_for_outage(error):
            return
        if self.stop_reason == "outage" or not is_retryable_poll_error(error):
            await self._wait_for_quota_or_raise(error)

    async def _wait_for_outage(self, error: TwelveLabsError) -> bool:
        """Return True after the end of an outage; False if the error is not part of one. May stop the run instead."""
        if self._config.on_outage == "wait":
            return await self.outage.wait(error)
        if self.outage.is_outage(error):
            self._stop("outage", error)
        return False

    async def _wait_for_quota_or_raise(self, error: TwelveLabsError) -> None:
        """Sleep until an exhausted quota resets, and emit an event once for each reset.

        Raises:
            TwelveLabsError: `error`, if no quota is exhausted or the run must not wait for it.
        """
        if self._config.on_quota == "stop" or not isinstance(error, QuotaExhaustedError):
            raise error
        seconds = DEFAULT_QUOTA_WAIT if error.retry_after is None else error.retry_after
        quota, until = (error.category, error.dimension), self._clock.monotonic() + seconds
        if until > self._quota_waits.get(quota, 0.0) + 1.0:
            self._quota_waits[quota] = until
            self._emit(
                QuotaWaitStarted(
                    category=error.category, dimension=error.dimension, seconds=seconds, resets_at=error.resets_at
                )
            )
        await self._clock.sleep(seconds)

    def _stop(self, reason: StopReason, error: Exception | None = None) -> None:
        """Start no more items, unless the reason is empty."""
        if reason and not self.stop_reason:
            self.stop_reason, self._stop_error = reason, error

    def _skipped_result(self, item: Item) -> IngestResult:
        return IngestResult(
            source=item.source,
            status="skipped",
            stage="queued",
            error=f"skipped: the run was stopped{f': {self._stop_error}' if self._stop_error else ''}",
            exception=self._stop_error,
        )

    def _finished_result(self, item: Item, entry: Entry) -> IngestResult:
        """Return the result of an item that has already ended."""
        already_done = entry.run_id != self._run_id
        duplicate_of = None if already_done and entry.uri == item.uri else entry.uri
        return _result_of(entry, source=item.source, already_done=already_done, duplicate_of=duplicate_of)


def _result_of(entry: Entry, **others: Any) -> IngestResult:
    """Return the result of an item that has ended, with the fields that its entry does not have."""
    return IngestResult(
        status="ready" if entry.state == "ready" else "failed",
        stage=entry.stage,
        asset_id=entry.asset_id,
        indexed_asset_id=entry.indexed_asset_id,
        error=entry.error,
        rejected=entry.state == "failed",
        attempts=entry.attempts,
        **others,
    )

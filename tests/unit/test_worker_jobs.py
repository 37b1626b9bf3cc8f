"""The jobs of workers, with a fake platform and a ledger in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import attrs
import pytest
from fake_platform import INDEX, CrashPlan, FakePlatform, crashing_executor
from support import FastClock

from twelvelabs_async._polling import NOT_FOUND_GRACE
from twelvelabs_async.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    QuotaExhaustedError,
    RateLimitError,
    UploadError,
)
from twelvelabs_async.events import RequestFinished, RetryScheduled
from twelvelabs_async.ingest import Entry, Item, MemoryLedger
from twelvelabs_async.ingest._failures import (
    DEFAULT_QUOTA_WAIT,
    MAX_STAGE_ATTEMPTS,
    MAX_STAGE_RETRY_DELAY,
    OUTAGE_THRESHOLD,
    OutageDetector,
    stage_retry_delay,
)
from twelvelabs_async.ingest._stages import DEFAULT_LOOKUP_TIMEOUT, DEFAULT_STAGE_TIMEOUT, Stages
from twelvelabs_async.workers._job_table import JobState
from twelvelabs_async.workers._jobs import (
    INDEXING_QUEUE,
    QUEUES,
    SCAN_QUEUE,
    UPLOAD_QUEUE,
    JobRunner,
    PausedQueues,
    ScanResult,
    has_pending_step,
    jittered_delay,
    next_scan_delay,
)

URL = "https://example.test/1.mp4"
FailWith = Callable[[Exception], None]


@attrs.frozen
class SingleWorkerLedger:
    """Provides entry writers for a ledger that no other worker uses."""

    ledger: MemoryLedger

    def entry_writer_for_step(self, job: JobState) -> MemoryLedger:  # noqa: ARG002  # required by the protocol
        return self.ledger

    def entry_writer_for_scan(self, entry: Entry) -> MemoryLedger:  # noqa: ARG002  # required by the protocol
        return self.ledger


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def platform(clock: FastClock) -> FakePlatform:
    return FakePlatform(clock)


@pytest.fixture
async def ledger() -> AsyncIterator[MemoryLedger]:
    memory_ledger = MemoryLedger()
    await memory_ledger.open()
    yield memory_ledger
    await memory_ledger.close()


@pytest.fixture
def runner(platform: FakePlatform, ledger: MemoryLedger) -> JobRunner:
    executor = crashing_executor(platform, CrashPlan())
    stages = Stages(executor, multipart_threshold=10)
    return JobRunner(stages, SingleWorkerLedger(ledger), executor.clock, DEFAULT_STAGE_TIMEOUT)


@pytest.fixture
async def job(ledger: MemoryLedger, clock: FastClock) -> JobState:
    now = clock.time()
    entry = Entry(token="t1", index_id=INDEX, uri=URL, size=0, mtime_ns=0, created_at=now, updated_at=now)
    await ledger.claim(entry)
    return JobState(entry=entry, item=Item(URL, URL, name="1.mp4"))


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> FailWith:
    """Make each request to the platform fail with an error."""

    def fail(error: Exception) -> None:
        def handle(*_: Any) -> None:
            raise error

        monkeypatch.setattr(FakePlatform, "handle", handle)

    return fail


async def only_entry(ledger: MemoryLedger) -> Entry:
    (entry,) = [entry async for entry in ledger.entries()]
    return entry


async def test_two_steps_and_two_scans_index_an_item(
    runner: JobRunner,
    platform: FakePlatform,
    ledger: MemoryLedger,
    job: JobState,
    clock: FastClock,
) -> None:
    uploaded = await runner.run_step(job)
    assert (uploaded.entry.stage, uploaded.retry_in, uploaded.uncertain_for) == ("processing", None, None)
    assert not (await runner.scan(INDEX, [uploaded.entry])).advanced
    await clock.sleep(platform.processing)
    (processed,) = (await runner.scan(INDEX, [uploaded.entry])).advanced
    assert (processed.stage, has_pending_step(processed)) == ("indexing", True)
    indexed = await runner.run_step(attrs.evolve(job, entry=processed))
    assert (indexed.entry.stage, has_pending_step(indexed.entry)) == ("indexing", False)
    await clock.sleep(platform.indexing)
    (ready,) = (await runner.scan(INDEX, [indexed.entry])).advanced
    assert (ready.state, ready.asset_id, ready.indexed_asset_id) == ("ready", *platform.assets, *platform.indexed)
    assert await only_entry(ledger) == ready


async def test_an_item_without_a_pending_step_causes_no_request(
    runner: JobRunner, platform: FakePlatform, job: JobState
) -> None:
    entry = attrs.evolve(job.entry, stage="processing", asset_id="a1")
    assert (await runner.run_step(attrs.evolve(job, entry=entry))).entry == entry
    assert not platform.requests


async def test_an_uncertain_step_looks_for_its_asset_before_it_uploads_again(
    runner: JobRunner, platform: FakePlatform, job: JobState
) -> None:
    first = await runner.run_step(job)
    retried = await runner.run_step(attrs.evolve(job, uncertain_for=0.0))
    assert retried.entry.asset_id == first.entry.asset_id
    assert len(platform.assets) == 1


async def test_p28_a_request_that_a_proxy_delivers_twenty_seconds_late_is_found(
    runner: JobRunner, platform: FakePlatform, job: JobState, clock: FastClock
) -> None:
    waiting = await runner.run_step(attrs.evolve(job, uncertain_for=0.0))
    assert waiting.retry_in is not None
    delivered = await runner.run_step(job)
    await clock.sleep(platform.listing_delay)
    located = await runner.run_step(attrs.evolve(job, uncertain_for=30.0))
    assert located.entry.asset_id == delivered.entry.asset_id
    assert len(platform.assets) == 1


async def test_p28_an_asset_is_found_although_the_clock_is_two_hours_ahead(
    runner: JobRunner, platform: FakePlatform, job: JobState
) -> None:
    ahead = attrs.evolve(job, entry=attrs.evolve(job.entry, created_at=job.entry.created_at + 7200))
    await runner.run_step(ahead)
    retried = await runner.run_step(attrs.evolve(ahead, uncertain_for=0.0))
    assert (retried.entry.stage, len(platform.assets)) == ("processing", 1)


async def test_a_new_item_causes_no_lookup(runner: JobRunner, platform: FakePlatform, job: JobState) -> None:
    await runner.run_step(job)
    assert platform.requests == ["POST /assets"]


async def test_an_uncertain_step_is_sent_again_after_the_lookup_timeout(
    runner: JobRunner, platform: FakePlatform, job: JobState
) -> None:
    for uncertain_for, retry_in in ((0.0, 10.0), (5.0, 10.0), (15.0, 15.0)):
        result = await runner.run_step(attrs.evolve(job, uncertain_for=uncertain_for))
        assert result.retry_in == pytest.approx(retry_in, abs=1.0)
        assert not platform.assets
    result = await runner.run_step(attrs.evolve(job, uncertain_for=DEFAULT_LOOKUP_TIMEOUT))
    assert (result.entry.stage, len(platform.assets)) == ("processing", 1)


async def test_an_item_whose_workers_repeatedly_crashed_is_given_up(
    runner: JobRunner, platform: FakePlatform, ledger: MemoryLedger, job: JobState
) -> None:
    result = await runner.run_step(attrs.evolve(job, failed_attempts=MAX_STAGE_ATTEMPTS))
    assert (result.failed_attempts, result.retry_in) == (MAX_STAGE_ATTEMPTS, None)
    assert "given up after 10 attempts" in (await only_entry(ledger)).error
    assert not platform.requests


async def test_a_transient_failure_is_counted_and_retried_as_uncertain(
    runner: JobRunner,
    ledger: MemoryLedger,
    job: JobState,
    fail_with: FailWith,
    clock: FastClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
    fail_with(InternalServerError(message="down", status_code=503, retryable=True))
    result = await runner.run_step(attrs.evolve(job, failed_attempts=2))
    assert (result.failed_attempts, result.uncertain_for, result.pauses_queue) == (3, 0.0, False)
    assert 0 < (result.retry_in or 0) <= MAX_STAGE_RETRY_DELAY
    assert (await only_entry(ledger)).state == "open"
    assert "down" in (await only_entry(ledger)).error


async def test_an_item_is_given_up_after_the_last_attempt_and_keeps_its_error(
    runner: JobRunner,
    ledger: MemoryLedger,
    job: JobState,
    fail_with: FailWith,
    clock: FastClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
    fail_with(APIConnectionError(message="gone", retryable=True, ambiguous=True))
    result = await runner.run_step(attrs.evolve(job, failed_attempts=MAX_STAGE_ATTEMPTS - 1))
    assert (result.failed_attempts, result.retry_in, result.uncertain_for) == (MAX_STAGE_ATTEMPTS, None, 0.0)
    assert (await only_entry(ledger)).state == "open"


async def test_an_item_that_the_platform_rejects_fails(
    runner: JobRunner, ledger: MemoryLedger, job: JobState, fail_with: FailWith
) -> None:
    fail_with(BadRequestError(message="no video", status_code=400))
    result = await runner.run_step(job)
    assert (result.entry.state, result.retry_in) == ("failed", None)
    assert (await only_entry(ledger)).state == "failed"


async def test_a_local_error_leaves_an_item_open_without_a_retry(
    runner: JobRunner, job: JobState, fail_with: FailWith
) -> None:
    fail_with(UploadError(message="it has changed"))
    result = await runner.run_step(job)
    assert (result.entry.state, result.failed_attempts, result.retry_in) == ("open", MAX_STAGE_ATTEMPTS, None)


async def test_a_rate_limit_is_not_counted_as_a_failure_and_pauses_the_queue(
    runner: JobRunner, job: JobState, fail_with: FailWith
) -> None:
    fail_with(QuotaExhaustedError(message="tomorrow", retry_after=3600.0))
    result = await runner.run_step(attrs.evolve(job, failed_attempts=3))
    assert (result.failed_attempts, result.pauses_queue, result.entry.error) == (3, True, "")
    assert 3600 <= (result.retry_in or 0) <= 3602


async def test_a_rejected_api_key_raises_authentication_error(
    runner: JobRunner, job: JobState, fail_with: FailWith
) -> None:
    fail_with(AuthenticationError(message="who are you", status_code=401))
    with pytest.raises(AuthenticationError):
        await runner.run_step(job)


async def test_a_deleted_asset_is_uploaded_again_after_the_grace_period(
    runner: JobRunner, platform: FakePlatform, job: JobState, clock: FastClock
) -> None:
    uploaded = await runner.run_step(job)
    platform.assets.clear()
    assert not (await runner.scan(INDEX, [uploaded.entry])).advanced
    await clock.sleep(NOT_FOUND_GRACE)
    (requeued,) = (await runner.scan(INDEX, [uploaded.entry])).advanced
    assert (requeued.stage, requeued.asset_id) == ("queued", uploaded.entry.asset_id)


async def test_an_item_that_is_not_processed_within_a_day_is_given_up_with_a_reason(
    runner: JobRunner,
    platform: FakePlatform,
    ledger: MemoryLedger,
    job: JobState,
    clock: FastClock,
) -> None:
    platform.processing = 10 * DEFAULT_STAGE_TIMEOUT
    uploaded = await runner.run_step(job)
    await clock.sleep(DEFAULT_STAGE_TIMEOUT - 1)
    assert is_empty(await runner.scan(INDEX, [uploaded.entry]))
    await clock.sleep(2)
    result = await runner.scan(INDEX, [uploaded.entry])
    (expired,) = result.expired
    assert (expired.state, expired.stage, expired.asset_id) == ("open", "processing", uploaded.entry.asset_id)
    assert "still processing after 86401 s" in (await only_entry(ledger)).error
    assert not result.advanced


async def test_an_item_that_a_late_scan_finds_processed_is_not_given_up(
    runner: JobRunner, platform: FakePlatform, job: JobState, clock: FastClock
) -> None:
    platform.processing = 2 * DEFAULT_STAGE_TIMEOUT
    uploaded = await runner.run_step(job)
    await clock.sleep(2 * DEFAULT_STAGE_TIMEOUT)
    result = await runner.scan(INDEX, [uploaded.entry])
    assert [entry.stage for entry in result.advanced] == ["indexing"]
    assert not result.expired


@pytest.mark.parametrize(
    "error",
    [APIConnectionError(message="no route", retryable=True), QuotaExhaustedError(message="tomorrow", retry_after=9.0)],
    ids=["outage", "quota"],
)
async def test_p29_time_in_which_no_status_can_be_read_does_not_count_towards_the_timeout(
    runner: JobRunner, platform: FakePlatform, job: JobState, clock: FastClock, error: Exception
) -> None:
    platform.processing = 2 * DEFAULT_STAGE_TIMEOUT
    uploaded = await runner.run_step(job)
    await clock.sleep(DEFAULT_STAGE_TIMEOUT - 1000)
    with pytest.MonkeyPatch.context() as patch:

        def handle(*_: Any) -> None:
            raise error

        patch.setattr(FakePlatform, "handle", handle)
        failing_since = None
        for _ in range(3):
            result = await runner.scan(INDEX, [uploaded.entry], failing_since=failing_since)
            assert is_empty(result)
            assert failing_since is None or result.failing_since == failing_since
            failing_since = result.failing_since
            await clock.sleep(1000)
    result = await runner.scan(INDEX, [uploaded.entry], failing_since=failing_since)
    assert is_empty(result)
    assert result.failing_since is None
    assert result.unread_seconds >= 3000
    assert (await runner.scan(INDEX, [uploaded.entry])).expired


def is_empty(result: ScanResult) -> bool:
    """Return whether a scan has neither advanced nor expired entries."""
    return not result.advanced and not result.expired


async def test_a_scan_that_hits_a_rate_limit_returns_when_to_retry(
    runner: JobRunner, job: JobState, fail_with: FailWith
) -> None:
    uploaded = await runner.run_step(job)
    fail_with(QuotaExhaustedError(message="later", retry_after=90.0))
    assert 90 <= (await runner.scan(INDEX, [uploaded.entry])).retry_in <= 92


def test_scans_are_less_frequent_while_nothing_ends_and_with_more_pages() -> None:
    nothing = ScanResult()
    assert (
        next_scan_delay(0.0, nothing, 1) < next_scan_delay(4.0, nothing, 1) < next_scan_delay(100.0, nothing, 1) == 15.0
    )
    assert (
        next_scan_delay(8.0, ScanResult(advanced=[Entry(token="t", index_id="i", uri="u", size=0, mtime_ns=0)]), 1)
        == 1.0
    )
    assert next_scan_delay(0.0, nothing, 5000) == 25.0
    assert next_scan_delay(0.0, ScanResult(retry_in=90.0), 1) == 90.0


def test_retry_delays_grow_up_to_a_limit_and_rate_limits_are_awaited_in_full() -> None:
    assert all(2.0**attempt / 2 <= stage_retry_delay(attempt) <= 2.0**attempt for attempt in range(8))
    assert all(stage_retry_delay(attempt) <= MAX_STAGE_RETRY_DELAY for attempt in range(50))
    assert stage_retry_delay(20) >= MAX_STAGE_RETRY_DELAY / 2
    assert jittered_delay(None) >= DEFAULT_QUOTA_WAIT
    assert jittered_delay(7.0) >= 7.0


async def test_a_paused_queue_is_active_again_after_its_pause(clock: FastClock) -> None:
    queues = PausedQueues(clock)
    queues.pause(UPLOAD_QUEUE, 60.0)
    queues.pause(UPLOAD_QUEUE, 1.0)
    await clock.sleep(30.0)
    assert queues.active == [INDEXING_QUEUE, SCAN_QUEUE]
    await clock.sleep(30.0)
    assert queues.active == list(QUEUES)


async def test_p29_only_requests_without_a_response_count_as_an_outage(clock: FastClock) -> None:
    detector = OutageDetector(clock)
    connection_error = APIConnectionError(message="no route", retryable=True)
    event = partial(
        RequestFinished, call_id=1, operation="GET /assets", request_bytes=0, attempts=1, duration=0.0, queue_time=0.0
    )
    detector.on_client_event(event())
    await clock.sleep(3600)  # without requests
    detector.on_client_event(event(error=connection_error))
    assert detector.seconds_without_answer < 3600
    await clock.sleep(OUTAGE_THRESHOLD)
    for answer_or_not in (asyncio.CancelledError(), QuotaExhaustedError(message="tomorrow", retry_after=3600.0)):
        detector.on_client_event(event(error=answer_or_not))
        assert detector.is_outage(connection_error)
        assert not detector.is_outage(answer_or_not)
    detector.on_client_event(
        RetryScheduled(
            call_id=1,
            operation="GET /assets",
            attempt=1,
            error=RateLimitError(message="slow", status_code=429),
            delay=1,
        )
    )
    assert not detector.is_outage(connection_error)


async def test_p29_a_step_waits_until_the_outage_ends_and_then_continues(
    runner: JobRunner, job: JobState, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, handle = clock.monotonic(), FakePlatform.handle
    finished = partial(
        RequestFinished, call_id=1, operation="POST /assets", request_bytes=0, attempts=1, duration=0.0, queue_time=0.0
    )

    def handle_after_two_hours(platform: FakePlatform, *arguments: Any) -> Any:
        error = APIConnectionError(message="no route", retryable=True) if clock.monotonic() < started + 7200 else None
        runner.outage.on_client_event(finished(error=error))
        if error is not None:
            raise error
        return handle(platform, *arguments)

    monkeypatch.setattr(FakePlatform, "handle", handle_after_two_hours)
    outages = 0
    while job.entry.stage in {"queued", "uploading"}:
        result = await runner.run_step(job)
        outages += result.outage_error is not None
        assert result.failed_attempts < MAX_STAGE_ATTEMPTS
        await clock.sleep(result.retry_in or 0.0)
        uncertain_for = None if result.uncertain_for is None else result.uncertain_for + (result.retry_in or 0.0)
        job = attrs.evolve(job, entry=result.entry, failed_attempts=result.failed_attempts, uncertain_for=uncertain_for)
    assert job.entry.stage == "processing"
    assert 7200 <= clock.monotonic() - started < 7200 + 60
    assert outages > 100

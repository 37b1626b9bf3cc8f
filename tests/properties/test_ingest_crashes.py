"""P8: an ingestion that crashes at any steps, and is restarted each time, indexes each video once.

Time is virtual. The platform and the ledger are in memory, and the process may crash before, during and after each call
of either. A request in flight at the crash may be executed two seconds later.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_platform import INDEX, CrashingLedger, CrashPlan, FakePlatform, ProcessKilledError, crashing_executor
from hypothesis import given, settings
from hypothesis import strategies as st
from support import FastClock, LoopClock, run_in_virtual_time

from twelvelabs_async.ingest import Ingestion, IngestResult
from twelvelabs_async.ingest._failures import MAX_STAGE_ATTEMPTS
from twelvelabs_async.ingest._pipeline import IngestConfig

NEVER = -1


def make_urls(count: int) -> list[str]:
    return [f"https://example.test/{number}.mp4" for number in range(count)]


async def run_process(
    platform: FakePlatform, ledger: CrashingLedger, sources: Sequence[str], *, crash_at: int
) -> list[IngestResult]:
    """Run one process until it ends or crashes."""
    crash_plan = CrashPlan(crash_at)
    config = IngestConfig(
        index_id=INDEX, ledger=await ledger.restart(crash_plan), sleep_interval=1.0, multipart_threshold=10
    )
    ingestion = Ingestion(crashing_executor(platform, crash_plan), sources, config)
    try:
        return [result async for result in ingestion]
    except ProcessKilledError:
        return []
    finally:
        await ingestion.aclose()


async def count_steps(sources: Sequence[str]) -> int:
    ledger, platform = CrashingLedger(), FakePlatform(LoopClock())
    assert len(await run_process(platform, ledger, sources, crash_at=NEVER)) == len(sources)
    return ledger.crash_plan.steps_taken


def assert_once(platform: FakePlatform, results: Sequence[IngestResult], sources: Sequence[str]) -> None:
    assert Counter(result.source for result in results) == Counter(sources)
    assert {result.status for result in results} <= {"ready"}, [result.error for result in results]
    assert len(platform.assets) == len(sources)
    assert Counter(entry["asset_id"] for entry in platform.indexed.values()) == Counter(list(platform.assets))
    assert {result.asset_id for result in results} == set(platform.assets)
    assert {result.indexed_asset_id for result in results} == set(platform.indexed)


async def run_with_crashes(sources: Sequence[str], crashes: Sequence[int], faults: Sequence[str] = ()) -> None:
    ledger, platform = CrashingLedger(), FakePlatform(LoopClock(), faults=list(faults))
    for crash in crashes:
        await run_process(platform, ledger, sources, crash_at=crash)
    assert_once(platform, await run_process(platform, ledger, sources, crash_at=NEVER), sources)


def test_p8_one_video_survives_a_crash_at_every_step() -> None:
    steps = run_in_virtual_time(count_steps(make_urls(1)))
    assert steps > 30
    for step in range(steps):
        run_in_virtual_time(run_with_crashes(make_urls(1), [step]))


def test_p8_three_videos_survive_a_crash_at_every_step() -> None:
    steps = run_in_virtual_time(count_steps(make_urls(3)))
    for step in range(steps):
        run_in_virtual_time(run_with_crashes(make_urls(3), [step]))


@settings(max_examples=200)
@given(
    count=st.integers(1, 4),
    crashes=st.lists(st.integers(0, 120), max_size=5),
    # With more faults, all attempts of one stage may fail, which is reported as a failure.
    faults=st.lists(st.sampled_from(["", "lost", "blind"]), max_size=8).filter(
        lambda drawn: sum(map(bool, drawn)) < MAX_STAGE_ATTEMPTS
    ),
)
def test_p8_videos_are_indexed_once_after_any_crashes_and_broken_connections(
    count: int, crashes: list[int], faults: list[str]
) -> None:
    run_in_virtual_time(run_with_crashes(make_urls(count), crashes, faults))


def test_a_stage_that_fails_in_every_attempt_is_reported_and_retried_by_the_next_run() -> None:
    async def main() -> None:
        sources, ledger = make_urls(1), CrashingLedger()
        platform = FakePlatform(LoopClock(), faults=["lost"] * MAX_STAGE_ATTEMPTS)
        [result] = await run_process(platform, ledger, sources, crash_at=NEVER)
        assert (result.status, platform.assets) == ("failed", {})
        assert_once(platform, await run_process(platform, ledger, sources, crash_at=NEVER), sources)

    run_in_virtual_time(main())


@pytest.fixture
def film(tmp_path: Path) -> str:
    """The path of a file with five full parts and one smaller part."""
    path = tmp_path / "film.mp4"
    path.write_bytes(b"FLV\x01" + bytes(range(86)))
    return str(path)


async def test_p9_a_multipart_upload_survives_a_crash_at_every_step(film: str) -> None:
    ledger, platform = CrashingLedger(), FakePlatform(FastClock())
    assert_once(platform, await run_process(platform, ledger, [film], crash_at=NEVER), [film])
    steps = ledger.crash_plan.steps_taken
    assert (steps > 60, platform.received_bytes) == (True, 90)
    for step in range(steps):
        ledger, platform = CrashingLedger(), FakePlatform(FastClock())
        await run_process(platform, ledger, [film], crash_at=step)
        results = await run_process(platform, ledger, [film], crash_at=NEVER)
        assert_once(platform, results, [film])
        assert platform.received_bytes <= 90 + 4 * 16, "more parts were sent again than were in flight at the crash"
        await asyncio.sleep(0)

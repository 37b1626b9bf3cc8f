"""Ingestions of several hours take seconds in virtual time and are reproducible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, SystemClock, Timing, Window, samples, virtual_time

HOUR = 3600.0
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


async def ingest(folder: Path) -> dict[str, Any]:
    """Ingest a folder under rate limits; return all data that could differ between two runs."""
    clock = virtual_time.LoopClock()
    plan = Plan(windows={"index": (Window(60), Window(600, HOUR, "Duration"))}, headers="dimension")
    timing = Timing(asset=20, indexing=120)
    async with (
        Emulator(clock=clock, plan=plan, timing=timing) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        results = [result async for result in client.ingest(folder, index_id=index.id, concurrency=1, on_quota="wait")]
        return {
            "hours": clock.monotonic() / HOUR,
            "results": [(Path(str(result.source)).name, result.status, result.indexed_asset_id) for result in results],
            "requests": [(request.time, request.route, request.status) for request in emulator.requests],
            "rate_limited": emulator.rate_limited.total(),
        }


async def test_emulator_and_client_share_a_fast_clock() -> None:
    clock = SystemClock(rate=200)
    async with (
        Emulator(clock=clock, plan=Plan(windows={"index": Window(1)}), timing=Timing(asset=30)) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock, timeout=900) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        asset = await client.assets.create(method="url", url="https://example.com/a.mp4")
        await client.assets.wait_for_done(asset.id)
        for _ in range(2):
            await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
        times = [request.time for request in emulator.requests.for_operation("POST /indexes/{index-id}/indexed-assets")]
        assert times[-1] - times[0] >= 60
        assert asset.status == "processing"


def test_seven_hours_of_ingestion_take_seconds_and_are_reproducible(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.mp4").write_bytes(samples.video(75 * 60, size=2000 + number))
    first = virtual_time.run(ingest(tmp_path))
    assert first["hours"] >= 7
    assert len(first["results"]) == 60
    assert {status for _, status, _ in first["results"]} == {"ready"}
    assert virtual_time.run(ingest(tmp_path)) == first


async def ingest_under_limits(folder: Path, limits: tuple[Window, ...]) -> tuple[float, int, int]:
    """Return the duration in seconds, the number of ready files, and the number of 429 responses."""
    clock = virtual_time.LoopClock()
    plan = Plan(windows={"index": limits}, headers="dimension")
    async with (
        Emulator(clock=clock, plan=plan, timing=Timing(asset=0, indexing=0)) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        start = clock.monotonic()
        summary = await client.ingest(folder, index_id=index.id, on_quota="wait").summary()
        return clock.monotonic() - start, summary.ready, emulator.rate_limited.total()


def test_videos_of_any_length_use_the_duration_limit_without_a_429(tmp_path: Path) -> None:
    """The platform reports the duration of an asset before it is indexed."""
    lengths = [10 + number * 37 % 80 for number in range(120)]
    for number, length in enumerate(lengths):
        (tmp_path / f"{number:03}.mp4").write_bytes(samples.video(length))
    windows = sum(lengths) / 60 // 20
    seconds, ready, rate_limited = virtual_time.run(
        ingest_under_limits(tmp_path, (Window(70, 60), Window(20, 60, "Duration")))
    )
    assert (ready, rate_limited) == (120, 0)
    assert 60 * windows <= seconds <= 60 * (windows + 1.5)


def test_long_videos_wait_for_the_duration_limit_without_a_429(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:03}.mp4").write_bytes(samples.video(30 * 60, size=2000 + number))
    _, ready, rate_limited = virtual_time.run(ingest_under_limits(tmp_path, (Window(60), Window(100, 600, "Duration"))))
    assert (ready, rate_limited) == (20, 0)


async def ingest_beyond_a_daily_quota(folder: Path) -> list[float]:
    """Return the times at which the videos were indexed."""
    clock = virtual_time.LoopClock()
    plan = Plan(windows={"index": Window(2, 24 * HOUR)}, headers="none")
    async with (
        Emulator(clock=clock, plan=plan, timing=Timing(asset=0, indexing=0)) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        summary = await client.ingest(folder, index_id=index.id, on_quota="wait").summary()
        assert summary.ready == 4
        requests = emulator.requests.for_operation("POST /indexes/{index-id}/indexed-assets")
        return [request.time for request in requests if request.status and request.status < 300]


def test_an_ingestion_that_waits_for_a_daily_quota_continues_when_it_resets(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.mp4").write_bytes(samples.video(30, size=2000 + number))
    first, second, third, fourth = virtual_time.run(ingest_beyond_a_daily_quota(tmp_path))
    assert second - first < 60
    assert 24 * HOUR <= third - first <= 24 * HOUR + 10
    assert fourth - third < 60

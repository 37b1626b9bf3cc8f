"""Hours of work in seconds, and the same hours the next time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, SystemClock, Timing, Window, samples, virtual

HOUR = 3600.0
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


async def ingest(folder: Path) -> dict[str, Any]:
    """A folder of films into an index, under limits, and everything that could differ between two runs of it."""
    clock = virtual.LoopClock()
    plan = Plan(windows={"index": (Window(60), Window(600, HOUR, "Duration"))}, headers="dimension")
    timing = Timing(asset=20, indexing=120)
    async with (
        Emulator(clock=clock, plan=plan, timing=timing) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        outcomes = [
            outcome async for outcome in client.ingest(folder, index_id=index.id, concurrency=1, on_quota="wait")
        ]
        return {
            "hours": clock.monotonic() / HOUR,
            "outcomes": [
                (Path(str(outcome.source)).name, outcome.status, outcome.indexed_asset_id) for outcome in outcomes
            ],
            "requests": [(received.time, received.route, received.status) for received in emulator.requests],
            "refusals": emulator.refusals.total(),
        }


async def test_one_clock_that_runs_fast_is_enough_for_both() -> None:
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
        times = [one.time for one in emulator.requests.of("POST /indexes/{index-id}/indexed-assets")]
        assert times[-1] - times[0] >= 60
        assert asset.status == "processing"


def test_seven_hours_of_ingestion_take_seconds_and_are_the_same_twice(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.mp4").write_bytes(samples.video(75 * 60, size=2000 + number))
    first = virtual.run(ingest(tmp_path))
    assert first["hours"] >= 7
    assert len(first["outcomes"]) == 60
    assert {status for _, status, _ in first["outcomes"]} == {"ready"}
    assert virtual.run(ingest(tmp_path)) == first


async def under_minutes(folder: Path, limits: tuple[Window, ...]) -> tuple[float, int, int]:
    """Seconds, files that became ready, and refusals."""
    clock = virtual.LoopClock()
    plan = Plan(windows={"index": limits}, headers="dimension")
    async with (
        Emulator(clock=clock, plan=plan, timing=Timing(asset=0, indexing=0)) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        index = await client.indexes.create(index_name="films", models=MODELS)
        start = clock.monotonic()
        summary = await client.ingest(folder, index_id=index.id, on_quota="wait").summary()
        return clock.monotonic() - start, summary.ready, emulator.refusals.total()


def test_files_of_all_lengths_fill_the_minutes_that_are_allowed_and_are_never_refused(tmp_path: Path) -> None:
    """The platform tells how long a file is before it is asked to index it."""
    lengths = [10 + number * 37 % 80 for number in range(120)]
    for number, length in enumerate(lengths):
        (tmp_path / f"{number:03}.mp4").write_bytes(samples.video(length))
    windows = sum(lengths) / 60 // 20
    seconds, ready, refused = virtual.run(under_minutes(tmp_path, (Window(70, 60), Window(20, 60, "Duration"))))
    assert (ready, refused) == (120, 0)
    assert 60 * windows <= seconds <= 60 * (windows + 1.5)


def test_long_films_wait_for_their_minutes_without_a_refusal(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:03}.mp4").write_bytes(samples.video(30 * 60, size=2000 + number))
    _, ready, refused = virtual.run(under_minutes(tmp_path, (Window(60), Window(100, 600, "Duration"))))
    assert (ready, refused) == (20, 0)

"""Ingestions during an outage of the platform, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support import LoopClock, run_in_virtual_time

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.ingest import IngestEvent, ItemProgress, OutageEnded, OutageStarted, Summary

pytestmark = pytest.mark.oldest_python

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
OUTAGE = 7200.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(30):
        (tmp_path / f"{number}.mp4").write_bytes(samples.video(60, size=3000 + number))
    return tmp_path


def ingest(
    folder: Path, fault: dict[str, Any], *, indexing: float = 0.5, **options: Any
) -> tuple[Summary, list[IngestEvent], float]:
    """Ingest a folder while each request fails from second 40 for two hours; return summary, events and seconds.

    Args:
        folder: The folder to ingest.
        fault: The fault of each request.
        indexing: Seconds that the platform needs to index a video.
        options: Options of the ingestion.
    """
    events: list[IngestEvent] = []

    async def main() -> tuple[Summary, list[IngestEvent], float]:
        clock = LoopClock()
        async with (
            Emulator(clock=clock, timing=Timing(indexing=indexing)) as emulator,
            AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
        ):
            index = await client.indexes.create(index_name="films", models=MODELS)

            async def fail() -> None:
                emulator.faults.add("POST /assets", delay=5.0, times=None)
                await asyncio.sleep(40)
                emulator.faults.clear()
                emulator.faults.add("*", times=None, **fault)
                await asyncio.sleep(OUTAGE)
                emulator.faults.clear()

            start, outage = clock.monotonic(), asyncio.ensure_future(fail())
            run = client.ingest(folder, index_id=index.id, concurrency=1, on_event=events.append, **options)
            summary = await run.summary()
            outage.cancel()
            await asyncio.wait([outage])
            emulator.faults.clear()
            return summary, events, clock.monotonic() - start

    return run_in_virtual_time(main())


@pytest.mark.parametrize("fault", [{"reset": "before"}, {"status": 503}], ids=["reset", "503"])
def test_a_run_waits_for_the_end_of_a_two_hour_outage(folder: Path, fault: dict[str, Any]) -> None:
    summary, events, seconds = ingest(folder, fault)
    assert (summary.ready, summary.failed) == (30, 0)
    assert OUTAGE < seconds < OUTAGE + 600
    (started,) = (event for event in events if isinstance(event, OutageStarted))
    (ended,) = (event for event in events if isinstance(event, OutageEnded))
    assert started.error
    assert OUTAGE - 120 < ended.seconds < OUTAGE + 120
    events_in_outage = events[events.index(started) : events.index(ended)]
    uploading = [event for event in events_in_outage if isinstance(event, ItemProgress) and event.stage == "uploading"]
    assert len(uploading) <= 1, "no further item is started"


def test_on_outage_stop_ends_the_run_at_an_outage(folder: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "films.ledger"
    options: dict[str, Any] = {"on_outage": "stop", "ledger": ledger, "max_in_flight": 4}
    summary, events, seconds = ingest(folder, {"reset": "before"}, **options)
    assert summary.stop_reason == "outage"
    assert summary.ready + summary.failed + summary.skipped == 30
    assert summary.skipped
    assert seconds < OUTAGE
    assert not [event for event in events if isinstance(event, OutageStarted)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "sea.mp4"
    path.write_bytes(samples.video(60, size=3000))
    return path


def test_on_outage_stop_ends_a_run_that_waits_for_indexing(video: Path) -> None:
    summary, _, seconds = ingest(video, {"status": 503}, indexing=600, on_outage="stop")
    assert summary.stop_reason == "outage"
    assert summary.failed == 1
    assert seconds < OUTAGE


def test_an_outage_does_not_count_towards_the_timeout_of_an_item(video: Path) -> None:
    summary, events, seconds = ingest(video, {"status": 503}, indexing=600, timeout=3600)
    assert (summary.ready, summary.failed) == (1, 0)
    assert seconds > OUTAGE
    assert [event for event in events if isinstance(event, OutageEnded)]

"""An upload in parts whose session ends before the file is through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support import LoopClock, virtually

from twelvelabs_async import AsyncTwelveLabs, BadRequestError, UploadError
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.ingest import AttemptFailed, IngestEvent

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
PARTS = 12
CREATE = "POST /assets/multipart-uploads"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(samples.video(20, size=PARTS * 1000))
    return path


@asynccontextmanager
async def platform() -> AsyncGenerator[tuple[Emulator, AsyncTwelveLabs, str]]:
    """Where a session lives for two minutes, and each part gets its address when its turn comes."""
    clock, timing = LoopClock(), Timing(asset=1, indexing=1, session_lifetime=120)
    async with (
        Emulator(clock=clock, chunk_size=1000, first_urls=1, timing=timing) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        yield emulator, client, (await client.indexes.create(index_name="films", models=MODELS)).id


def test_a_session_that_ends_on_the_way_is_begun_anew(film: Path) -> None:
    """Four parts at a time take fifty seconds: the third round finds the session closed."""

    async def story() -> None:
        told: list[IngestEvent] = []
        async with platform() as (emulator, client, index_id):
            emulator.faults.add("storage", delay=50, times=PARTS)
            summary = await client.ingest(film, index_id=index_id, direct_up_to=0, on_event=told.append).summary()
            assert (summary.ready, summary.failed) == (1, 0)
            (video,) = emulator.state.videos.values()
            assert video.asset.media.size == film.stat().st_size
            assert len(emulator.requests.of(CREATE)) == 2
            assert sum("has expired" in event.error for event in told if isinstance(event, AttemptFailed)) == 1

    virtually(story())


def test_a_session_that_ended_between_two_runs_is_begun_anew(film: Path) -> None:
    async def story() -> None:
        ledger = film.with_suffix(".ledger")
        async with platform() as (emulator, client, index_id):
            emulator.faults.add("storage", delay=50, after=6, times=None)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(20):
                    await client.ingest(film, index_id=index_id, direct_up_to=0, ledger=ledger).summary()
            assert len(emulator.requests.of(CREATE)) == 1
            emulator.faults.clear()
            await LoopClock().sleep(121)
            second = await client.ingest(film, index_id=index_id, direct_up_to=0, ledger=ledger).summary()
            assert second.ready == len(emulator.state.videos) == len(emulator.state.assets) == 1
            assert len(emulator.requests.of(CREATE)) == 2

    virtually(story())


def test_whoever_uploads_by_hand_is_told_to_begin_anew(film: Path) -> None:
    async def story() -> None:
        async with platform() as (emulator, client, _):
            emulator.faults.add("storage", delay=50, times=PARTS)
            with pytest.raises(UploadError, match="has expired; begin it anew"):
                await client.assets.upload(film, method="multipart", timeout=900)

    virtually(story())


def test_a_refusal_while_the_session_lives_is_told_as_it_is(film: Path) -> None:
    async def story() -> None:
        async with platform() as (emulator, client, _):
            emulator.faults.add(f"{CREATE}/{{upload_id}}/presigned-urls", status=400)
            with pytest.raises(BadRequestError):
                await client.assets.upload(film, method="multipart")

    virtually(story())

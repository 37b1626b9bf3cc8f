"""Multipart uploads whose session expires before all parts are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs, BadRequestError, UploadError
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.ingest import IngestEvent, ItemRetryScheduled

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
PARTS = 12
CREATE = "POST /assets/multipart-uploads"
LIFETIME = 24 * 3600


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(samples.video(20, size=PARTS * 1000))
    return path


@asynccontextmanager
async def open_platform() -> AsyncGenerator[tuple[Emulator, AsyncTwelveLabs, str]]:
    """Yield an emulator, its client and an index; the client requests the URL of each part separately."""
    timing = Timing(asset=0, indexing=0, session_lifetime=LIFETIME)
    async with (
        Emulator(chunk_size=1000, initial_presigned_urls=1, timing=timing) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=FastClock()) as client,
    ):
        yield emulator, client, (await client.indexes.create(index_name="films", models=MODELS)).id


def call_halfway(emulator: Emulator, action: Callable[[], None]) -> Callable[[object], None]:
    """Return an event listener that calls `action` once, when half of the parts are uploaded."""
    called: list[bool] = []

    def listen(_: object) -> None:
        if len(emulator.requests.for_operation("storage")) >= PARTS / 2 and not called:
            called.append(True)
            action()

    return listen


async def test_an_upload_session_that_expires_during_the_upload_is_replaced(film: Path) -> None:
    events: list[IngestEvent] = []
    async with open_platform() as (emulator, client, index_id):
        expire_session = call_halfway(emulator, lambda: emulator.advance(LIFETIME + 1))

        def listen(event: IngestEvent) -> None:
            events.append(event)
            expire_session(event)

        summary = await client.ingest(film, index_id=index_id, multipart_threshold=0, on_event=listen).summary()
        assert (summary.ready, summary.failed) == (1, 0)
        (video,) = emulator.state.videos.values()
        assert video.asset.media.size == film.stat().st_size
        assert len(emulator.requests.for_operation(CREATE)) == 2
        assert sum("has expired" in event.error for event in events if isinstance(event, ItemRetryScheduled)) == 1


async def test_an_upload_session_that_expired_between_two_runs_is_replaced(film: Path) -> None:
    ledger = film.with_suffix(".ledger")
    async with open_platform() as (emulator, client, index_id):

        def cancel_run() -> None:
            task.cancel()

        first = client.ingest(
            film, index_id=index_id, multipart_threshold=0, ledger=ledger, on_event=call_halfway(emulator, cancel_run)
        )
        task = asyncio.create_task(first.summary())
        with pytest.raises(asyncio.CancelledError):
            await task
        emulator.advance(LIFETIME + 1)
        second = await client.ingest(film, index_id=index_id, multipart_threshold=0, ledger=ledger).summary()
        assert second.ready == len(emulator.state.videos) == len(emulator.state.assets) == 1
        assert len(emulator.requests.for_operation(CREATE)) == 2


async def test_assets_upload_reports_an_expired_session(film: Path) -> None:
    async with open_platform() as (emulator, client, _):
        expire_session = call_halfway(emulator, lambda: emulator.advance(LIFETIME + 1))
        with pytest.raises(UploadError, match="has expired; start a new upload"):
            await client.assets.upload(film, method="multipart", on_progress=expire_session)


async def test_a_rejected_request_of_an_active_session_is_raised(film: Path) -> None:
    async with open_platform() as (emulator, client, _):
        emulator.faults.add(f"{CREATE}/{{upload_id}}/presigned-urls", status=400)
        with pytest.raises(BadRequestError):
            await client.assets.upload(film, method="multipart")

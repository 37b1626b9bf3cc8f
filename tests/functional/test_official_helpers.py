"""Helper methods of the official client: bulk creation and uploads in one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from twelvelabs_async import AsyncTwelveLabs, BadRequestError, InvalidInputError, ProcessingFailedError
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.resources.multipart_upload import ChunkProgress
from twelvelabs_async.uploads import UploadProgress

pytestmark = pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
URL = "https://media.example/film.mp4"


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator whose uploads have small chunks."""
    async with Emulator(timing=Timing(asset=0, indexing=0), chunk_size=5000) as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(samples.video(60, size=40_000))
    return path


async def test_bulk_tasks_return_created_tasks_and_failures(client: AsyncTwelveLabs, film: Path) -> None:
    index = await client.indexes.create(index_name="holiday", models=MODELS)
    broken = ("film", samples.video(60), "application/x-unknown")
    created = await client.tasks.create_bulk(
        index_id=index.id, video_files=[film, broken, film.parent / "missing.mp4"], video_urls=[URL, "no address"]
    )
    assert [await client.tasks.retrieve(task.id) for task in created]
    assert len(created) == len(created.results) == 2
    assert [(failure.position, failure.source) for failure in created.failures] == [
        (1, broken),
        (2, film.parent / "missing.mp4"),
        (4, "no address"),
    ]
    error_types = [type(failure.error) for failure in created.failures]
    assert error_types == [BadRequestError, InvalidInputError, InvalidInputError]


async def test_bulk_tasks_need_a_video(client: AsyncTwelveLabs) -> None:
    with pytest.raises(InvalidInputError, match="video_files= or video_urls="):
        await client.tasks.create_bulk(index_id="6b0000000000000000000001")


@dataclass
class Video:
    video_url: str
    video_clip_length: float = 4


async def test_bulk_embeddings_return_created_tasks_and_failures(client: AsyncTwelveLabs, film: Path) -> None:
    created = await client.embed.tasks.create_bulk(
        model_name="marengo3.0",
        videos=[
            {"video_file": film, "video_embedding_scope": ["clip", "video"]},
            Video(URL),
            {"video_url": URL, "video_file": film},
            cast("Any", {"video_url": URL, "video_embedding_scopes": ["clip"]}),
        ],
    )
    assert len(created.results) == 2
    assert [str(failure.error) for failure in created.failures] == [
        "pass exactly one of video_file= and video_url=",
        (
            "videos must have the keys video_file, video_url, video_start_offset_sec, video_end_offset_sec, "
            "video_clip_length, video_embedding_scope, got 'video_embedding_scopes'"
        ),
    ]


async def test_a_file_is_uploaded_in_chunks_with_progress(
    emulator: Emulator, client: AsyncTwelveLabs, film: Path
) -> None:
    progress_events: list[ChunkProgress] = []

    async def on_progress(progress: ChunkProgress) -> None:
        progress_events.append(progress)

    uploaded = await client.multipart_upload.upload_file(
        film, filename="holiday.mp4", batch_size=3, max_workers=2, progress_callback=on_progress
    )
    assert (await client.assets.retrieve(uploaded.asset_id)).filename == "holiday.mp4"
    assert uploaded.asset_url.startswith("http")
    assert [progress.completed_chunks for progress in progress_events] == list(
        range(1, progress_events[0].total_chunks + 1)
    )
    assert (progress_events[-1].percentage, progress_events[-1].status, progress_events[0].status) == (
        100,
        "completed",
        "uploading",
    )
    reports = emulator.requests.for_operation("POST /assets/multipart-uploads/{upload_id}")
    assert len(reports) == -(-progress_events[0].total_chunks // 3)


async def test_wait_for_upload_completion_returns_the_completed_upload(client: AsyncTwelveLabs, film: Path) -> None:
    upload_ids: set[str] = set()

    def record_upload_id(progress: UploadProgress) -> None:
        assert progress.state is not None
        upload_ids.add(progress.state.upload_id)

    await client.assets.upload(film, method="multipart", on_progress=record_upload_id)
    statuses: list[str] = []
    status = await client.multipart_upload.wait_for_upload_completion(
        upload_ids.pop(), sleep_interval=1, max_wait_time=10, callback=lambda status: statuses.append(status.status)
    )
    assert statuses == ["completed"]
    assert (status.chunks_pending, status.chunks_failed) == (0, 0)


async def test_a_video_without_name_is_sent_as_a_video(client: AsyncTwelveLabs) -> None:
    index = await client.indexes.create(index_name="holiday", models=MODELS)
    task = await client.tasks.create(index_id=index.id, video_file=samples.video(60))
    assert (await client.tasks.retrieve(task.id)).system_metadata.filename == "upload"


async def test_an_expired_upload_ends_the_wait(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    session = await client.multipart_upload.create(filename="film.mp4", type="video", total_size=50_000)
    emulator.advance(25 * 3600)
    with pytest.raises(ProcessingFailedError, match="expired"):
        await client.multipart_upload.wait_for_upload_completion(session.upload_id)


@pytest.mark.parametrize("name", ["max_retries", "retry_delay", "request_options"])
async def test_an_unsupported_official_parameter_has_an_error_with_its_replacement(
    client: AsyncTwelveLabs, film: Path, name: str
) -> None:
    with pytest.raises(InvalidInputError, match=rf"upload_file has no parameter '{name}': (use client|the pause)"):
        await client.multipart_upload.upload_file(film, **cast("Any", {name: 1}))


async def test_image_search_accepts_either_parameter_name(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    index = await client.indexes.create(index_name="holiday", models=MODELS)
    emulator.add_video(index.id, "red car.mp4")
    photo = ("red car.jpg", samples.image())
    for query in (
        {"query_media_file": photo},
        {"query_media_files": [photo, photo]},
        {"query_media_url": "https://media.example/a.jpg"},
        {"query_media_urls": ["https://media.example/a.jpg", "https://media.example/b.jpg"]},
    ):
        await client.search.query(index_id=index.id, search_options=["visual"], **cast("Any", query))
        (sent,) = emulator.requests.for_operation("POST /search")
        assert sent.status == 200
        emulator.requests.clear()
    with pytest.raises(InvalidInputError, match="not both"):
        client.search.query(
            index_id=index.id, search_options=["visual"], query_media_url=URL, query_media_urls=["https://x.example/a"]
        )

"""The official client works with the emulator.

The official client blocks the event loop during uploads, so it runs in a thread with an event loop of its own.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from twelvelabs_async.emulator import Emulator, Timing, samples

twelvelabs: Any = pytest.importorskip("twelvelabs")

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
FILM = samples.video(60, size=25_000)


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    monkeypatch.delenv("TWELVELABS_BASE_URL", raising=False)
    timing = Timing(asset=0, indexing=0)
    async with Emulator(chunk_size=2000, timing=timing) as started:
        yield started


def write_film(folder: Path) -> Path:
    path = folder / "blue_car.mp4"
    path.write_bytes(FILM)
    return path


async def test_the_synchronous_client_works(emulator: Emulator, tmp_path: Path) -> None:
    def run_flow() -> None:
        with httpx.Client() as connection:
            client = twelvelabs.TwelveLabs(
                base_url=emulator.base_url, api_key=emulator.api_key, httpx_client=connection
            )
            index = client.indexes.create(index_name="films", models=MODELS)
            red = client.assets.create(method="direct", file=("red_car.mp4", io.BytesIO(FILM)))
            blue = client.multipart_upload.upload_file(write_film(tmp_path), batch_size=12)
            for asset in (red.id, blue.asset_id):
                assert client.assets.retrieve(asset).status == "ready"
                client.indexes.indexed_assets.create(index.id, asset_id=asset)
            videos = list(client.indexes.indexed_assets.list(index.id, status=["ready"], duration={"gte": 5}))
            assert {video.asset_id for video in videos} == {red.id, blue.asset_id}
            red_video = next(video.id for video in videos if video.asset_id == red.id)
            hits = list(
                client.search.query(index_id=index.id, query_text="red", search_options=["visual"], page_limit=1)
            )
            assert {hit.video_id for hit in hits} == {red_video}
            assert [index.index_name for index in client.indexes.list()] == ["films"]
            client.indexes.delete(index.id)

    await asyncio.to_thread(run_flow)


async def test_the_asynchronous_client_works(emulator: Emulator, tmp_path: Path) -> None:
    async def run_flow() -> None:
        async with httpx.AsyncClient() as connection:
            client = twelvelabs.AsyncTwelveLabs(
                base_url=emulator.base_url, api_key=emulator.api_key, httpx_client=connection
            )
            index = await client.indexes.create(index_name="films", models=MODELS)
            red = await client.assets.create(method="direct", filename="red_car.mp4", file=FILM)
            blue = await client.multipart_upload.upload_file(write_film(tmp_path))
            videos: dict[str, str] = {}
            for asset in (red.id, blue.asset_id):
                created = await client.indexes.indexed_assets.create(index.id, asset_id=asset)
                videos[asset] = created.id
                retrieved = await client.indexes.indexed_assets.retrieve(
                    index.id, created.id, embedding_option=["visual"], transcription=True
                )
                assert retrieved.status == "ready"
                assert len(retrieved.embedding.video_embedding.segments[0].float_) == 512
            hits = [
                hit
                async for hit in await client.search.query(
                    index_id=index.id, query_text="car", search_options=["visual", "audio"], page_limit=1
                )
            ]
            assert {hit.video_id for hit in hits} == set(videos.values())
            assert [asset.id async for asset in await client.assets.list(filename="CAR")] == [blue.asset_id, red.id]

    await asyncio.to_thread(asyncio.run, run_flow())


async def test_the_older_tasks_and_videos_work(emulator: Emulator) -> None:
    def run_flow() -> None:
        with httpx.Client() as connection:
            client = twelvelabs.TwelveLabs(
                base_url=emulator.base_url, api_key=emulator.api_key, httpx_client=connection
            )
            index = client.indexes.create(index_name="films", models=MODELS)
            task = client.tasks.create(index_id=index.id, video_file=("film.mp4", io.BytesIO(FILM)))
            assert client.tasks.wait_for_done(task.id, sleep_interval=0.01).status == "ready"
            client.indexes.videos.update(index.id, task.video_id, user_metadata={"colour": "red"})
            result = list(client.indexes.videos.list(index.id, user_metadata={"colour": "red"}, duration=60))
            assert [video.id for video in result] == [task.video_id]
            with pytest.raises(twelvelabs.BadRequestError, match="task_cannot_be_deleted"):
                client.tasks.delete(task.id)
            client.indexes.videos.delete(index.id, task.video_id)
            client.tasks.delete(task.id)
            assert list(client.tasks.list(index_id=index.id)) == []

    await asyncio.to_thread(run_flow)


async def test_the_official_client_distinguishes_errors(emulator: Emulator) -> None:
    def run_flow() -> None:
        with httpx.Client() as connection:
            client = twelvelabs.TwelveLabs(base_url=emulator.base_url, api_key="wrong", httpx_client=connection)
            with pytest.raises(twelvelabs.core.ApiError) as caught:
                list(client.indexes.list())
            assert caught.value.status_code == 401
            client = twelvelabs.TwelveLabs(
                base_url=emulator.base_url, api_key=emulator.api_key, httpx_client=connection
            )
            with pytest.raises(twelvelabs.BadRequestError):
                client.indexes.create(index_name="films", models=[])

    await asyncio.to_thread(run_flow)

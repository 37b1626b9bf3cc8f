"""Programs from the vendor's documentation, ported by changing imports and adding `await`.

A comment marks each line with another change; `docs/migration.md` explains them.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.models import Index, TextGeneration
from twelvelabs_async.types import (
    AsyncResponseFormat,
    AsyncVideoInputRequest,
    IndexesCreateRequestModelsItem,
    MediaSource,
    SegmentDefinition,
    SegmentField,
    SyncResponseFormat,
    TextInputRequest,
    VideoContext_AssetId,
)

pytestmark = pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")

SCENES = [(0, 20, "a red car on a mountain road"), (20, 40, "Ada waves at the sea"), (40, 60, "a boat at sunset")]


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator whose processing needs one poll for each step."""
    async with Emulator(timing=Timing(polls=1)) as running:
        yield running


@pytest.fixture
def film(emulator: Emulator, tmp_path: Path) -> Path:
    emulator.describe("film.mp4", SCENES)
    path = tmp_path / "film.mp4"
    path.write_bytes(samples.video(60))
    return path


async def create_index(client: AsyncTwelveLabs) -> Index:
    index = await client.indexes.create(
        index_name="films",
        models=[IndexesCreateRequestModelsItem(model_name="marengo3.0", model_options=("visual", "audio"))],  # a list
        addons=["thumbnail"],
    )
    return await client.indexes.retrieve(index.id)


async def upload(client: AsyncTwelveLabs, path: Path) -> str:
    with path.open("rb") as file:
        asset = await client.assets.create(method="direct", file=file)
    while asset.status not in {"ready", "failed"}:
        await asyncio.sleep(0)  # time.sleep(5)
        asset = await client.assets.retrieve(asset.id)
    assert asset.status == "ready"
    return asset.id


async def test_upload_index_and_search(client: AsyncTwelveLabs, film: Path) -> None:
    index = await create_index(client)
    asset_id = await upload(client, film)
    indexed_asset = await client.indexes.indexed_assets.create(index_id=index.id, asset_id=asset_id)
    while True:
        retrieved = await client.indexes.indexed_assets.retrieve(index_id=index.id, indexed_asset_id=indexed_asset.id)
        if retrieved.status in {"ready", "failed"}:
            break
        await asyncio.sleep(0)  # time.sleep(5)
    assert retrieved.status == "ready"

    results = client.search.query(  # no await: it would return one page
        index_id=index.id, query_text="a red car", search_options=["visual", "audio"], operator="or", group_by="clip"
    )
    clips = [clip async for clip in results]  # async for
    assert (clips[0].video_id, clips[0].start, clips[0].end) == (indexed_asset.id, 0, 20)
    assert clips[0].rank == 1

    task = await client.tasks.create(index_id=index.id, video_file=(film.name, film.read_bytes()))
    statuses: list[str] = []
    finished_task = await client.tasks.wait_for_done(
        task_id=task.id, callback=lambda task: statuses.append(task.status)
    )
    assert statuses[-1] == "ready"
    assert finished_task.status == "ready"  # always: a failed task is an exception


async def test_chapters_and_highlights(client: AsyncTwelveLabs, film: Path) -> None:
    asset_id = await upload(client, film)
    for name in ("summarize", "gist", "generate"):
        with pytest.raises(AttributeError, match=r"client\.analyze"):
            getattr(client, name)

    # client.summarize(video_id=..., type="chapter"), before the endpoint was removed
    schema = {
        "type": "object",
        "properties": {
            "chapters": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"start": {"type": "number"}, "end": {"type": "number"}, "title": {"type": "string"}},
                    "required": ["start", "end", "title"],
                },
            }
        },
        "required": ["chapters"],
    }
    response = await client.analyze(
        video=VideoContext_AssetId(asset_id=asset_id),
        prompt="Divide the video into chapters with titles.",
        response_format=SyncResponseFormat(type="json_schema", json_schema=schema),
        temperature=0.2,
    )
    chapters = json.loads(response.data or "")["chapters"]
    assert chapters
    assert all(0 <= chapter["start"] <= chapter["end"] <= 60 for chapter in chapters)

    task = await client.analyze_async.tasks.create(
        video=VideoContext_AssetId(asset_id=asset_id),
        analysis_mode="time_based_metadata",
        response_format=AsyncResponseFormat(
            type="segment_definitions",
            segment_definitions=(  # lists
                SegmentDefinition(
                    id="highlights",
                    description="The moments to show in a trailer",
                    fields=(SegmentField(name="reason", type="string", description="Why it is a highlight"),),
                ),
            ),
        ),
    )
    finished = await client.analyze_async.tasks.retrieve(task_id=task.task_id)
    while finished.status not in {"ready", "failed"}:
        await asyncio.sleep(0)  # time.sleep(5)
        finished = await client.analyze_async.tasks.retrieve(task_id=task.task_id)
    assert finished.result is not None
    assert json.loads(finished.result.data or "")["highlights"]


async def test_embeddings_of_a_video_in_a_database(client: AsyncTwelveLabs, film: Path, tmp_path: Path) -> None:
    asset_id = await upload(client, film)
    task = await client.embed.v_2.tasks.create(
        input_type="video",
        model_name="marengo3.0",
        video=AsyncVideoInputRequest(
            media_source=MediaSource(asset_id=asset_id), embedding_option=["visual"], embedding_scope=["clip", "asset"]
        ),
    )
    response = await client.embed.v_2.tasks.retrieve(task_id=task.id)
    while response.status not in {"ready", "failed"}:
        await asyncio.sleep(0)  # time.sleep(5)
        response = await client.embed.v_2.tasks.retrieve(task_id=task.id)
    assert response.data

    with closing(sqlite3.connect(tmp_path / "vectors.db")) as database:
        database.execute("CREATE TABLE segments (start REAL, stop REAL, scope TEXT, vector BLOB)")
        for segment in response.data:
            vector = segment.embedding.tobytes()  # an array, not a list of floats
            row = (segment.start_sec, segment.end_sec, segment.embedding_scope, vector)
            database.execute("INSERT INTO segments VALUES (?, ?, ?, ?)", row)
        stored: list[Any] = database.execute("SELECT scope, length(vector) FROM segments").fetchall()
    assert {scope for scope, _ in stored} == {"clip", "asset"}
    assert {size for _, size in stored} == {512 * 8}

    query = await client.embed.v_2.create(
        input_type="text", model_name="marengo3.0", text=TextInputRequest(input_text="a red car")
    )
    assert len(query.data[0].embedding) == 512


async def test_search_for_an_entity(client: AsyncTwelveLabs, film: Path, tmp_path: Path) -> None:
    index = await create_index(client)
    asset_id = await upload(client, film)
    indexed_asset = await client.indexes.indexed_assets.create(index_id=index.id, asset_id=asset_id)
    await client.indexes.indexed_assets.wait_for_done(index.id, indexed_asset.id)

    photo = tmp_path / "ada.jpg"
    photo.write_bytes(samples.image())
    photo_id = await upload(client, photo)
    collection = await client.entity_collections.create(name="People")
    entity = await client.entity_collections.entities.create(
        entity_collection_id=collection.id, name="Ada", asset_ids=[photo_id]
    )
    while entity.status != "ready":
        await asyncio.sleep(0)  # time.sleep(5)
        entity = await client.entity_collections.entities.retrieve(
            entity_collection_id=collection.id, entity_id=entity.id
        )
    hits = client.search.query(  # no await: it would return one page
        index_id=index.id, query_text=f"<@{entity.id}> waves at the sea", search_options=["visual"]
    )
    first = await anext(aiter(hits))  # next(iter(hits))
    assert (first.start, first.end) == (20, 40)


async def test_a_streamed_analysis(emulator: Emulator, client: AsyncTwelveLabs, film: Path) -> None:
    emulator.answer("POST /analyze", "A red car, then the sea.")
    asset_id = await upload(client, film)
    text = ""
    async for event in client.analyze_stream(  # async for
        video=VideoContext_AssetId(asset_id=asset_id), prompt="What happens?", temperature=0.2, max_tokens=512
    ):
        if isinstance(event, TextGeneration):  # event.event_type == "text_generation"
            text += event.text
    assert text == "A red car, then the sea."


async def test_videos_with_metadata(client: AsyncTwelveLabs, film: Path) -> None:
    index = await create_index(client)
    asset_id = await upload(client, film)
    indexed_asset = await client.indexes.indexed_assets.create(index_id=index.id, asset_id=asset_id)
    await client.indexes.indexed_assets.wait_for_done(index.id, indexed_asset.id)
    await client.indexes.indexed_assets.update(
        index_id=index.id, indexed_asset_id=indexed_asset.id, user_metadata={"category": "cars", "rating": 4}
    )
    response = client.indexes.indexed_assets.list(  # no await: it would return one page
        index_id=index.id,
        page=1,
        page_limit=10,
        sort_by="created_at",
        sort_option="desc",
        duration={"gte": 10, "lte": 90},
        user_metadata={"category": "cars"},
    )
    videos = [video async for video in response]  # async for
    assert [video.id for video in videos] == [indexed_asset.id]
    assert videos[0].system_metadata.filename == "film.mp4"
    video = await client.indexes.indexed_assets.retrieve(index_id=index.id, indexed_asset_id=indexed_asset.id)
    assert video.user_metadata == {"category": "cars", "rating": 4}
    await client.indexes.indexed_assets.delete(index_id=index.id, indexed_asset_id=indexed_asset.id)
    assert [video async for video in client.indexes.indexed_assets.list(index_id=index.id)] == []
    await client.indexes.delete(index_id=index.id)

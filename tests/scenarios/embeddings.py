"""Embeddings with the version 1 and version 2 endpoints."""

from __future__ import annotations

from datetime import UTC, datetime

from scenarios.setup import AUDIO, IMAGE, VIDEO, Harness, ids, scenario
from twelvelabs_async.emulator import samples

STARTED_AFTER = datetime(2020, 1, 1, tzinfo=UTC)


async def create_v1_task_id(harness: Harness) -> str:
    return (await harness.client.embed.tasks.create(model_name="marengo3.0", video_file=VIDEO)).id


async def create_task_id(harness: Harness) -> str:
    source = {"media_source": {"asset_id": await harness.create_asset("car.wav", AUDIO)}}
    return (await harness.client.embed.v_2.tasks.create(input_type="audio", model_name="marengo3.0", audio=source)).id


@scenario("embed.create")
async def embed_all(harness: Harness) -> None:
    created = await harness.run(
        harness.client.embed.create(model_name="marengo3.0", text="a car", image_file=IMAGE, audio_file=AUDIO)
    )
    for found in (created.text_embedding, created.image_embedding, created.audio_embedding):
        assert found is not None
        assert len(found.segments[0].float_) == 512


@scenario("embed.tasks.list")
async def list_v1_tasks(harness: Harness) -> None:
    created = await create_v1_task_id(harness)
    assert ids(await harness.run(harness.client.embed.tasks.list(status="ready", started_at=STARTED_AFTER))) == [
        created
    ]


@scenario("embed.tasks.create", EmbedTask=1)
async def create_v1_task(harness: Harness) -> None:
    created = await harness.run(
        harness.client.embed.tasks.create(
            model_name="marengo3.0", video_file=samples.video(12), video_embedding_scope=["clip", "video"]
        )
    )
    found = await harness.client.embed.tasks.retrieve(created.id)
    assert found.video_embedding is not None
    assert {segment.embedding_scope for segment in found.video_embedding.segments} == {"clip", "video"}


@scenario("embed.tasks.retrieve")
async def retrieve_v1_task(harness: Harness) -> None:
    created = await create_v1_task_id(harness)
    found = await harness.run(harness.client.embed.tasks.retrieve(created, embedding_option=["visual"]))
    assert found.id == created
    assert found.video_embedding is not None
    assert {segment.embedding_option for segment in found.video_embedding.segments} == {"visual"}


@scenario("embed.tasks.status")
async def get_v1_task_status(harness: Harness) -> None:
    created = await create_v1_task_id(harness)
    found = await harness.run(harness.client.embed.tasks.status(created))
    assert (found.id, found.status) == (created, "ready")


@scenario("embed.v_2.create")
async def embed_text(harness: Harness) -> None:
    created = await harness.run(
        harness.client.embed.v_2.create(input_type="text", model_name="marengo3.0", text={"input_text": "a car"})
    )
    assert len(created.data[0].embedding) == 512


@scenario("embed.v_2.tasks.list")
async def list_tasks(harness: Harness) -> None:
    created = await create_task_id(harness)
    assert ids(await harness.run(harness.client.embed.v_2.tasks.list(status="ready", started_at=STARTED_AFTER))) == [
        created
    ]


@scenario("embed.v_2.tasks.create", EmbedTask=1)
async def create_task(harness: Harness) -> None:
    created = await harness.run(
        harness.client.embed.v_2.tasks.create(
            input_type="video",
            model_name="marengo3.0",
            video={"media_source": {"asset_id": await harness.create_asset()}, "embedding_scope": ["asset"]},
        )
    )
    found = await harness.client.embed.v_2.tasks.retrieve(created.id)
    assert {vector.embedding_scope for vector in found.data} == {"asset"}


@scenario("embed.v_2.tasks.retrieve")
async def retrieve_task(harness: Harness) -> None:
    created = await create_task_id(harness)
    found = await harness.run(harness.client.embed.v_2.tasks.retrieve(created))
    assert (found.id, found.status) == (created, "ready")
    assert found.data

"""Embeddings, in the newer and the older form."""

from __future__ import annotations

from datetime import UTC, datetime

from scenes.stage import FILM, PICTURE, SOUND, Stage, ids, scene
from twelvelabs_async.emulator import samples

OLD = datetime(2020, 1, 1, tzinfo=UTC)


async def old_task(stage: Stage) -> str:
    return (await stage.client.embed.tasks.create(model_name="marengo3.0", video_file=FILM)).id


async def task(stage: Stage) -> str:
    source = {"media_source": {"asset_id": await stage.asset("car.wav", SOUND)}}
    return (await stage.client.embed.v_2.tasks.create(input_type="audio", model_name="marengo3.0", audio=source)).id


@scene("embed.create")
async def embed_all(stage: Stage) -> None:
    made = await stage.act(
        stage.client.embed.create(model_name="marengo3.0", text="a car", image_file=PICTURE, audio_file=SOUND)
    )
    for found in (made.text_embedding, made.image_embedding, made.audio_embedding):
        assert found is not None
        assert len(found.segments[0].vector) == 512


@scene("embed.tasks.list")
async def list_old_tasks(stage: Stage) -> None:
    made = await old_task(stage)
    assert ids(await stage.act(stage.client.embed.tasks.list(status="ready", started_at=OLD))) == [made]


@scene("embed.tasks.create", EmbedTask=1)
async def create_old_task(stage: Stage) -> None:
    made = await stage.act(
        stage.client.embed.tasks.create(
            model_name="marengo3.0", video_file=samples.video(12), video_embedding_scope=["clip", "video"]
        )
    )
    found = await stage.client.embed.tasks.retrieve(made.id)
    assert found.video_embedding is not None
    assert {segment.embedding_scope for segment in found.video_embedding.segments} == {"clip", "video"}


@scene("embed.tasks.retrieve")
async def retrieve_old_task(stage: Stage) -> None:
    made = await old_task(stage)
    found = await stage.act(stage.client.embed.tasks.retrieve(made, embedding_option=["visual"]))
    assert found.id == made
    assert found.video_embedding is not None
    assert {segment.embedding_option for segment in found.video_embedding.segments} == {"visual"}


@scene("embed.tasks.status")
async def look_at_old_task(stage: Stage) -> None:
    made = await old_task(stage)
    found = await stage.act(stage.client.embed.tasks.status(made))
    assert (found.id, found.status) == (made, "ready")


@scene("embed.v_2.create")
async def embed_text(stage: Stage) -> None:
    made = await stage.act(
        stage.client.embed.v_2.create(input_type="text", model_name="marengo3.0", text={"input_text": "a car"})
    )
    assert len(made.data[0].vector) == 512


@scene("embed.v_2.tasks.list")
async def list_tasks(stage: Stage) -> None:
    made = await task(stage)
    assert ids(await stage.act(stage.client.embed.v_2.tasks.list(status="ready", started_at=OLD))) == [made]


@scene("embed.v_2.tasks.create", EmbedTask=1)
async def create_task(stage: Stage) -> None:
    made = await stage.act(
        stage.client.embed.v_2.tasks.create(
            input_type="video",
            model_name="marengo3.0",
            video={"media_source": {"asset_id": await stage.asset()}, "embedding_scope": ["asset"]},
        )
    )
    found = await stage.client.embed.v_2.tasks.retrieve(made.id)
    assert {vector.embedding_scope for vector in found.data} == {"asset"}


@scene("embed.v_2.tasks.retrieve")
async def retrieve_task(stage: Stage) -> None:
    made = await task(stage)
    found = await stage.act(stage.client.embed.v_2.tasks.retrieve(made))
    assert (found.id, found.status) == (made, "ready")
    assert found.data

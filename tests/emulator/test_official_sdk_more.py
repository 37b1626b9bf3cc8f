"""Embeddings, entities, knowledge stores and connections with the official client."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from twelvelabs_async.emulator import Emulator, RemoteFile, Timing, samples

twelvelabs: Any = pytest.importorskip("twelvelabs")

RunFlow = Callable[[Callable[[Any], Awaitable[None]]], Awaitable[None]]

FILM = samples.video(20)


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    monkeypatch.delenv("TWELVELABS_BASE_URL", raising=False)
    async with Emulator(timing=Timing(asset=0, indexing=0)) as started:
        yield started


@pytest.fixture
def run_flow(emulator: Emulator) -> RunFlow:
    """Run a function with the official client, in a thread with its own event loop."""

    async def run_in_thread(flow: Callable[[Any], Awaitable[None]]) -> None:
        async def run_with_client() -> None:
            async with httpx.AsyncClient() as connection:
                await flow(
                    twelvelabs.AsyncTwelveLabs(
                        base_url=emulator.base_url, api_key=emulator.api_key, httpx_client=connection
                    )
                )

        await asyncio.to_thread(asyncio.run, run_with_client())

    return run_in_thread


async def test_version_1_embeddings(run_flow: RunFlow) -> None:
    async def flow(client: Any) -> None:
        created = await client.embed.create(model_name="marengo3.0", text="a red car", image_file=samples.image())
        assert len(created.text_embedding.segments[0].float_) == 512
        assert created.image_embedding.segments
        film = ("film.mp4", io.BytesIO(FILM))
        task = await client.embed.tasks.create(
            model_name="marengo3.0", video_file=film, video_clip_length=5, video_embedding_scope=["clip", "video"]
        )
        assert (await client.embed.tasks.wait_for_done(task.id, sleep_interval=0.01)).status == "ready"
        retrieved = await client.embed.tasks.retrieve(task.id, embedding_option=["visual"])
        assert [segment.end_offset_sec for segment in retrieved.video_embedding.segments] == [5, 10, 15, 20, 20]
        assert [entry.id async for entry in await client.embed.tasks.list(status="ready")] == [task.id]

    await run_flow(flow)


async def test_version_2_embeddings(run_flow: RunFlow) -> None:
    async def flow(client: Any) -> None:
        embed = client.embed.v_2
        created = await embed.create(input_type="text", model_name="marengo3.0", text={"input_text": "a red car"})
        assert len(created.data[0].embedding) == 512
        asset = await client.assets.create(method="direct", filename="film.mp4", file=FILM)
        source = {"media_source": {"asset_id": asset.id}, "embedding_option": ["visual"]}
        task = await embed.tasks.create(
            input_type="video", model_name="marengo3.5", video=source, embedding_dimension=128
        )
        assert task.metadata.embedding_dimension == 128
        retrieved = await embed.tasks.retrieve(task.id)
        assert (retrieved.status, retrieved.metadata.input_type) == ("ready", "video")
        assert {len(entry.embedding) for entry in retrieved.data} == {128}
        assert [entry.id async for entry in await embed.tasks.list()] == [task.id]
        with pytest.raises(twelvelabs.BadRequestError) as caught:
            await embed.create(input_type="text", model_name="marengo3.5", text={"input_text": "a"})
        assert caught.value.body["error"]["code"] == "parameter_invalid"
        with pytest.raises(twelvelabs.NotFoundError):
            await embed.tasks.retrieve("0" * 24)

    await run_flow(flow)


async def test_entities(run_flow: RunFlow) -> None:
    async def flow(client: Any) -> None:
        first_asset, second_asset = [
            await client.assets.create(method="direct", filename=f"{name}.png", file=samples.image())
            for name in ("ann", "bob")
        ]
        team = await client.entity_collections.create(name="team")
        assert (await client.entity_collections.update(team.id, description="ours")).description == "ours"
        entities = client.entity_collections.entities
        ann = await entities.create(team.id, name="Ann", asset_ids=[first_asset.id], metadata={"number": 7})
        assert (ann.status, ann.metadata) == ("ready", {"number": 7})
        bulk_result = await entities.create_bulk(team.id, entities=[{"name": "Bob", "asset_ids": [second_asset.id]}])
        assert (bulk_result.success_count, bulk_result.failed_count) == (1, 0)
        assert (await entities.create_assets(team.id, ann.id, asset_ids=[second_asset.id])).asset_ids == [
            first_asset.id,
            second_asset.id,
        ]
        assert (await entities.delete_assets(team.id, ann.id, asset_ids=[first_asset.id])).asset_ids == [
            second_asset.id
        ]
        assert {entry.name async for entry in await entities.list_by_asset(second_asset.id)} == {"Ann", "Bob"}
        assert [entry.name async for entry in await entities.list(team.id, name="Ann")] == ["Ann"]
        await entities.delete(team.id, ann.id)
        await client.entity_collections.delete(team.id)
        assert [entry async for entry in await client.entity_collections.list()] == []

    await run_flow(flow)


async def test_knowledge_stores(run_flow: RunFlow) -> None:
    async def flow(client: Any) -> None:
        film = await client.assets.create(method="direct", filename="red_car.mp4", file=FILM)
        store = await client.knowledge_stores.create(name="films", metadata={"year": 1999, "tags": ["a"]})
        item = await client.knowledge_store_items.create(store.id, asset_id=film.id)
        assert (item.status, item.system_metadata.duration) == ("ready", 20)
        collections = client.knowledge_store_item_collections
        collection = await collections.create(store.id, name="best")
        assert (await collections.add_items(store.id, collection.id, item_ids=[item.id])).member_count == 1
        assert [entry.id async for entry in await collections.list_items(store.id, collection.id)] == [item.id]
        await collections.remove_items(store.id, collection.id, item_ids=[item.id])
        assert [entry.id async for entry in await client.knowledge_store_items.list(store.id, status=["ready"])] == [
            item.id
        ]
        result = await client.knowledge_stores.search(
            store.id,
            query={"text": "car"},
            filter={"item_id": {"in": [item.id]}},
            group_by="item",
            include_metadata=True,
        )
        assert result.data[0].matches[0].modalities == result.effective_search_options.video.modalities == ["visual"]
        assert result.data[0].metadata.system.duration == 20
        assert (await client.knowledge_stores.update(store.id, name="other")).item_count == 1
        await client.knowledge_stores.delete(store.id)
        assert [entry async for entry in await client.knowledge_stores.list()] == []

    await run_flow(flow)


async def test_connections_and_imports(run_flow: RunFlow, emulator: Emulator) -> None:
    connection = emulator.connect(files={"1": RemoteFile(filename="film.mp4", content=FILM), "2": "a.zip"})

    async def flow(client: Any) -> None:
        connectors = client.data_connectors
        uri = await connectors.create_redirect_uri(redirect_uri="https://example.com/back")
        with pytest.raises(twelvelabs.ConflictError):
            await connectors.create_redirect_uri(redirect_uri="https://example.com/back")
        assert [entry.id for entry in (await connectors.list_redirect_uris()).data] == [uri.id]
        # The official client takes the path for a URL with the scheme "connections".
        with pytest.raises(httpx.UnsupportedProtocol):
            await connectors.authorize_connection(provider="google_drive", redirect_uri="https://example.com/back")
        assert [entry.id for entry in (await connectors.list_connections()).data] == [connection.id]
        assert (await connectors.create_connection_picker_token(connection.id)).expires_in == 3600
        created = await client.imports.import_files(connection.id, items=[{"source_id": "1"}, {"source_id": "2"}])
        assert [(item.action, item.status) for item in created.items] == [("created", "ready"), ("rejected", None)]
        assert created.items[1].error.code == "unsupported_media_type"
        assert (await client.imports.retrieve_import(connection.id, created.id)).item_count == 2
        assert [entry.id for entry in (await client.imports.list_imports(connection.id)).data] == [created.id]
        transcription = await client.assets.retrieve_transcription(created.items[0].asset_id, include=["words"])
        assert (transcription.status, transcription.words[0].value) == ("ready", "film")
        await connectors.delete_connection(connection.id)
        with pytest.raises(twelvelabs.NotFoundError):
            await connectors.retrieve_connection(connection.id)

    await run_flow(flow)

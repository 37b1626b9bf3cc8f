"""Checked by mypy and pyright and never run: the types of embeddings, entities, knowledge stores and imports."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from twelvelabs_async import AsyncTwelveLabs, EmbeddingView, WaitResult, clips
from twelvelabs_async.models import (
    AssetDetail,
    BulkEntities,
    Connection,
    ConnectionAuthorization,
    CreatedEmbeddingTask,
    EmbeddingResponse,
    Embeddings,
    EmbeddingTask,
    Entity,
    EntityCollection,
    Import,
    ImportDetail,
    ImportResult,
    IndexedAsset,
    KnowledgeStore,
    KnowledgeStoreItem,
    MediaEmbeddingTask,
    MediaSource,
    PickerToken,
    RedirectUri,
    SearchClip,
    StoreItemCollection,
    StoreSearchHit,
    VideoInput,
)
from twelvelabs_async.pagination import Paginator


async def embeddings(client: AsyncTwelveLabs) -> None:
    newer = client.embed.v_2
    text = await newer.create(input_type="text", model_name="marengo3.0", text={"input_text": "a dog"})
    assert_type(text, Embeddings)
    assert_type(text.data[0].embedding, array[float])
    video = VideoInput(media_source=MediaSource(asset_id="a"), embedding_option=["visual"])
    assert_type(await newer.create(input_type="video", model_name="marengo3.0", video=video), Embeddings)
    await newer.create(input_type="video", model_name="pegasus1.5", video=video)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # not an embedding model
    assert_type(
        await newer.tasks.create(input_type="video", model_name="marengo3.5", video={"media_source": {"url": "x"}}),
        EmbeddingTask,
    )
    assert_type(newer.tasks.list(), Paginator[MediaEmbeddingTask])
    assert_type(newer.tasks.wait_for_all(["t"]), AsyncIterator[WaitResult[EmbeddingTask]])
    view = EmbeddingView.from_response(await newer.tasks.wait_for_done("t"))
    assert_type(view[0].start, float | None)
    assert_type(view.filter(option="visual").to_numpy(), NDArray[np.float32])
    older = client.embed
    assert_type(await older.create(model_name="marengo3.0", text="a dog"), EmbeddingResponse)
    assert_type(await older.tasks.create(model_name="marengo3.0", video_file=b"x"), CreatedEmbeddingTask)
    assert_type(await older.tasks.retrieve("t"), MediaEmbeddingTask)


async def entities(client: AsyncTwelveLabs) -> None:
    collections = client.entity_collections
    assert_type(await collections.create(name="people"), EntityCollection)
    assert_type(collections.list(sort_by="name"), Paginator[EntityCollection])
    collections.list(sort_by="size")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # unknown sort key
    created = await collections.entities.create_bulk("c", entities=[{"name": "Ada", "asset_ids": ["a"]}])
    assert_type(created, BulkEntities)
    assert_type(await collections.entities.delete_assets("c", "e", asset_ids=["a"]), Entity)
    assert_type(await collections.entities.wait_for_done("c", "e"), Entity)


async def stores(client: AsyncTwelveLabs) -> None:
    assert_type(await client.knowledge_stores.create(name="films", metadata={"a": ["b"]}), KnowledgeStore)
    hits = client.knowledge_stores.search("s", query="a dog", filter={"asset_type": {"eq": "video"}})
    assert_type(hits, Paginator[StoreSearchHit])
    async for hit in hits:
        assert_type(hit.matches[0].start_sec, float)
    assert_type(await client.knowledge_store_items.create("s", asset_id="a"), KnowledgeStoreItem)
    assert_type(client.knowledge_store_items.list("s", status=["ready"]), Paginator[KnowledgeStoreItem])
    item_collections = client.knowledge_store_item_collections
    assert_type(await item_collections.add_items("s", "c", item_ids=["i"]), StoreItemCollection)
    assert_type(item_collections.list_items("s", "c"), Paginator[KnowledgeStoreItem])


async def imports(client: AsyncTwelveLabs) -> None:
    connectors = client.data_connectors
    authorization = await connectors.authorize_connection(provider="google_drive", redirect_uri="https://x.example")
    assert_type(authorization, ConnectionAuthorization)
    assert_type(connectors.list_connections(), Paginator[Connection])
    assert_type(connectors.list_redirect_uris(), Paginator[RedirectUri])
    assert_type(await connectors.create_connection_picker_token("c"), PickerToken)
    assert_type(await client.imports.import_files("c", items=["x"]), ImportResult)
    assert_type(client.imports.list_imports("c"), Paginator[Import])
    assert_type(await client.imports.wait_for_done("c", "m"), ImportDetail)


async def wait_for_many(client: AsyncTwelveLabs) -> None:
    async for outcome in client.indexes.indexed_assets.wait_for_all("i", ["a", "b"]):
        assert_type(outcome, WaitResult[IndexedAsset])
        assert_type(outcome.result(), IndexedAsset)
        assert_type(outcome.item, IndexedAsset | None)
    async with client.assets.temporary("film.mp4") as asset:
        assert_type(asset, AssetDetail)


async def search_results(client: AsyncTwelveLabs) -> None:
    results = await client.search.query(index_id="i", search_options=["visual"], query_text="x").to_list()
    assert_type(clips.merge(results, gap=2), list[clips.Clip])
    assert_type(clips.group_by_video(results), dict[str, tuple[SearchClip, ...]])

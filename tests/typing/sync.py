"""Checked by mypy and pyright and never run: the types of `TwelveLabs` and of raw responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, assert_type

import attrs

from twelvelabs_async import AsyncTwelveLabs, Page, RawResponse, TwelveLabs, WaitResult
from twelvelabs_async.ingest import IngestResult, Summary
from twelvelabs_async.models import (
    Analysis,
    AnalysisTask,
    AnalyzeEvent,
    Asset,
    AssetDetail,
    CreatedIndex,
    Embeddings,
    EmbeddingTask,
    Entity,
    Index,
    IndexedAsset,
    IndexedAssetDetailed,
    KnowledgeStore,
    SearchItem,
    StructuredAnalysis,
)
from twelvelabs_async.rate_limits import CategoryLimits
from twelvelabs_async.raw_responses import RawPaginator, RawStream
from twelvelabs_async.resources.analyze import AnalyzeStream
from twelvelabs_async.sync import SyncPager


@attrs.frozen
class Summarized:
    title: str


def methods(client: TwelveLabs, video: dict[str, Any]) -> None:
    assert_type(client.indexes.retrieve("i"), Index)
    assert_type(client.indexes.create(index_name="a", models=[]), CreatedIndex)
    assert_type(client.indexes.ensure("a", []), Index)
    assert_type(client.indexes.delete("i"), None)
    assert_type(client.indexes.list(), SyncPager[Index])
    assert_type(client.indexes.list().items, tuple[Index, ...])
    assert_type(client.indexes.list().total, int | None)
    assert_type(client.indexes.list().to_list(3), list[Index])
    assert_type(client.indexes.list().pages(), Iterator[Page[Index]])
    assert_type(client.indexes.list().prefetch(2), SyncPager[Index])
    assert_type([index for index in client.indexes.list()], list[Index])  # noqa: C416  # tests iteration
    assert_type(client.indexes.indexed_assets.list("i"), SyncPager[IndexedAsset])
    assert_type(client.indexes.indexed_assets.retrieve("i", "a"), IndexedAssetDetailed)
    assert_type(client.assets.upload("a.mp4"), Asset)
    assert_type(client.assets.upload("a.mp4", wait=True), AssetDetail)
    assert_type(client.assets.temporary("a.mp4"), AbstractContextManager[AssetDetail])
    assert_type(client.assets.wait_for_all(["a"]), Iterator[WaitResult[AssetDetail]])
    assert_type(client.search.query(index_id="i", search_options=["visual"], query_text="a"), SyncPager[SearchItem])
    assert_type(client.analyze(video=video, prompt="?"), Analysis)
    assert_type(client.analyze(video=video, prompt="?", schema=Summarized), StructuredAnalysis[Summarized])
    stream = client.analyze_stream(video=video, prompt="?")
    for event in stream:
        assert_type(event, AnalyzeEvent)
    assert_type(stream.text(), str)
    assert_type(stream.final(), Analysis)
    with client.analyze_stream(video=video, prompt="?") as entered:
        assert_type(entered.text_so_far, str)
    assert_type(client.analyze_async.tasks.retrieve("t"), AnalysisTask)
    assert_type(
        client.embed.v_2.create(input_type="text", model_name="marengo3.0", text={"input_text": "a"}), Embeddings
    )
    assert_type(client.embed.v_2.tasks.retrieve("t"), EmbeddingTask)
    assert_type(client.entity_collections.entities.retrieve("c", "e"), Entity)
    assert_type(client.knowledge_stores.retrieve("k"), KnowledgeStore)
    assert_type(client.request("GET", "/x"), dict[str, Any])
    assert_type(client.request("GET", "/x", response_type=Index), Index)
    assert_type(client.with_options(timeout=3), TwelveLabs)
    assert_type(client.limits, Mapping[str, CategoryLimits])
    assert_type(client.closed, bool)
    assert_type(client.indexes.retrieve("i").to_dict(), dict[str, Any])
    assert_type(Index.from_dict({}), Index)
    for page in client.indexes.list().pages():
        assert_type(page.has_next, bool)
    with TwelveLabs("key", default_headers={"X-Team": "a"}) as other_client:
        assert_type(other_client, TwelveLabs)
    for result in client.ingest("videos/", index_id="i"):
        assert_type(result, IngestResult)
    assert_type(client.ingest("videos/", index_id="i").summary(), Summary)


def mistakes(client: TwelveLabs) -> None:
    client.indexes.retreive("i")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # misspelled
    client.indexes.retrieve(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # not a string
    client.indexes.list(limit=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # no such parameter
    TwelveLabs(session=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # a session needs an event loop


def raw_responses_without_await(client: TwelveLabs, video: dict[str, Any]) -> None:
    raw = client.with_raw_response
    assert_type(raw.indexes.retrieve("i"), RawResponse[Index])
    assert_type(raw.indexes.list().data.items, tuple[Index, ...])
    assert_type(raw.indexes.list().pages(), Iterator[RawResponse[Page[Index]]])
    assert_type(raw.analyze(video=video, prompt="?").data, Analysis)
    with raw.analyze_stream(video=video, prompt="?") as response:
        assert_type(response.data.text(), str)
    assert_type(raw.request("GET", "/x"), RawResponse[dict[str, Any]])


async def raw_responses(client: AsyncTwelveLabs, video: dict[str, Any]) -> None:
    raw = client.with_raw_response
    response = await raw.indexes.retrieve("i")
    assert_type(response, RawResponse[Index])
    assert_type(response.status_code, int)
    assert_type(response.request_id, str | None)
    assert_type(raw.indexes.list(), RawPaginator[Index])
    assert_type(await raw.indexes.list(), RawResponse[Page[Index]])
    async for page in raw.indexes.list().pages():
        assert_type(page, RawResponse[Page[Index]])
    assert_type(raw.analyze_stream(video=video, prompt="?"), RawStream[AnalyzeStream])
    assert_type(await raw.analyze(video=video, prompt="?"), RawResponse[Analysis])

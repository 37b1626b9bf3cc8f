"""Checked by mypy and pyright and never run: the types of results and arguments of resource methods."""

from __future__ import annotations

from array import array
from datetime import datetime
from typing import Any, Literal, assert_type

from twelvelabs_async.models import (
    Asset,
    AssetDetail,
    AssetTranscription,
    ChunkInfo,
    CompletedChunk,
    CreatedIndex,
    CreatedIndexingTask,
    IncompleteUpload,
    Index,
    IndexedAsset,
    IndexedAssetCreated,
    IndexedAssetDetailed,
    IndexedAssetSummary,
    IndexingTask,
    PresignedUrls,
    Range,
    ReportedChunks,
    SearchClip,
    SearchItem,
    SearchResults,
    UploadSession,
    UploadStatus,
    Video,
    VideoDetail,
)
from twelvelabs_async.pagination import Page, Paginator
from twelvelabs_async.requests import FilePart
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.indexes import Indexes
from twelvelabs_async.resources.multipart_upload import MultipartUpload
from twelvelabs_async.resources.search import Search
from twelvelabs_async.resources.tasks import Tasks


async def lists(assets: Assets) -> None:
    paginator = assets.list(asset_types=["video"], asset_ids=("a", "b"))
    assert_type(paginator, Paginator[AssetDetail])
    page = await paginator
    assert_type(page, Page[AssetDetail])
    assert_type(page.items, tuple[AssetDetail, ...])
    assert_type(page[0], AssetDetail)
    assert_type(page.total, int | None)
    async for asset in paginator:
        assert_type(asset, AssetDetail)
    async for each_page in paginator.pages():
        assert_type(each_page, Page[AssetDetail])
    assert_type(await paginator.to_list(10), list[AssetDetail])
    assets.list(asset_types="video")
    assets.list(asset_types="hologram")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # unknown type
    assets.list(asset_types=["hologram"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]  # unknown type


def callback(asset: AssetDetail) -> None:
    """A callback may be a function."""
    assert_type(asset.status, Literal["failed", "processing", "ready"])


async def async_callback(asset: AssetDetail) -> None:
    """A callback may be a coroutine function."""
    callback(asset)


async def media(assets: Assets, part: FilePart) -> None:
    assert_type(await assets.create(method="direct", file=b"x", user_metadata={"a": 1, "b": ["x"]}), Asset)
    assert_type(await assets.create(method="direct", file=part), Asset)
    detail = await assets.retrieve("a")
    assert_type(detail, AssetDetail)
    assert_type(detail.id, str)
    assert_type(detail.status, Literal["failed", "processing", "ready"])
    assert_type(detail.created_at, datetime | None)
    assert_type(detail.user_metadata, dict[str, Any])
    assert_type(await assets.retrieve_transcription("a", include=["words"]), AssetTranscription)
    assert_type(await assets.wait_for_done("a", callback=callback), AssetDetail)
    assert_type(await assets.wait_for_done("a", callback=async_callback), AssetDetail)
    await assets.update_user_metadata("a", user_metadata={"gone": None, "kept": "x"})
    await assets.replace_user_metadata("a", user_metadata={"gone": None})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]  # only update_user_metadata accepts None
    await assets.create(method="unknown")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # unknown method


async def indexes(indexes: Indexes) -> None:
    assert_type(await indexes.create(index_name="films", models=[{"model_name": "marengo3.0"}]), CreatedIndex)
    assert_type(indexes.list(), Paginator[Index])
    assert_type(await indexes.retrieve("i"), Index)
    indexed = indexes.indexed_assets
    assert_type(indexed.list("i", duration=Range(gte=5), fps={"lte": 30}, width=1920), Paginator[IndexedAsset])
    assert_type(indexed.list("i", user_metadata={"a": "x", "b": 1.5, "c": True}), Paginator[IndexedAsset])
    assert_type(indexed.list_by_asset("a"), Paginator[IndexedAssetSummary])
    assert_type(await indexed.create("i", asset_id="a"), IndexedAssetCreated)
    detailed = await indexed.retrieve("i", "x", embedding_option=["visual"])
    assert_type(detailed, IndexedAssetDetailed)
    if detailed.embedding is not None:
        assert_type(detailed.embedding.video_embedding.segments[0].float_, array[float])
    assert_type(await indexed.wait_for_done("i", "x"), IndexedAssetDetailed)
    assert_type(indexes.videos.list("i"), Paginator[Video])
    assert_type(await indexes.videos.retrieve("i", "v"), VideoDetail)


async def searches(search: Search, part: FilePart) -> None:
    paginator = search.query(index_id="i", search_options=["visual", "audio"], query_text="x", filter={"id": ["v"]})
    assert_type(paginator, Paginator[SearchItem])
    async for item in paginator:
        assert_type(item.start, float | None)
        assert_type(item.clips, tuple[SearchClip, ...])
    search.query(index_id="i", search_options=["visual"], query_media_file=[b"1", part])
    search.query(index_id="i", search_options=["visual"], query_media_url="https://x.example/1.jpg")
    search.query(index_id="i", search_options="visual")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a string is not a list
    results = await search.create(index_id="i", search_options=["visual"], query_media_file=b"1")
    assert_type(results, SearchResults)
    assert_type(await search.retrieve(results.page_info.next_page_token or ""), SearchResults)


async def uploads(uploads: MultipartUpload, chunk: CompletedChunk) -> None:
    assert_type(await uploads.create(filename="a.mp4", type="video", total_size=1), UploadSession)
    assert_type(await uploads.get_additional_presigned_urls("u", start=1, count=5), PresignedUrls)
    assert_type(await uploads.report_chunk_batch("u", completed_chunks=[chunk]), ReportedChunks)
    assert_type(await uploads.retrieve("u"), UploadStatus)
    assert_type(uploads.get_status("u"), Paginator[ChunkInfo])
    assert_type(uploads.list_incomplete_uploads(), Paginator[IncompleteUpload])


async def tasks(tasks: Tasks) -> None:
    assert_type(await tasks.create(index_id="i", video_url="https://x.example/a.mp4"), CreatedIndexingTask)
    assert_type(await tasks.retrieve("t"), IndexingTask)
    assert_type(tasks.list(status=["ready"]), Paginator[IndexingTask])
    assert_type(await tasks.wait_for_done("t"), IndexingTask)

"""The requests of resource methods, recorded by a fake executor."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from support import FastClock

from twelvelabs_async._codec.converter import encode, structure
from twelvelabs_async.errors import InvalidInputError, NotFoundError, ProcessingFailedError, WaitTimeoutError
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.models.common import Range
from twelvelabs_async.requests import FilePart, Form, Request
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.indexed_assets import IndexedAssets, Videos
from twelvelabs_async.resources.indexes import Indexes
from twelvelabs_async.resources.multipart_upload import MultipartUpload
from twelvelabs_async.resources.search import Search
from twelvelabs_async.resources.tasks import Tasks

# Some resources are deprecated and warn with each call.
pytestmark = pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")

PAGE: dict[str, Any] = {"data": [], "page_info": {"page": 1, "total_page": 1}}


class RecordingExecutor:
    """Records all requests, and returns the configured responses in order; the last one is repeated."""

    def __init__(self) -> None:
        self.clock = FastClock()
        self.requests: list[Request[Any]] = []
        self.responses: list[Any] = [{}]

    def set_responses(self, *responses: Any) -> None:
        self.responses = list(responses)

    async def execute(self, request: Request[Any]) -> Any:
        request.path()
        self.requests.append(request)
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return None if request.response_type is type(None) else structure(response, request.response_type)

    @property
    def last_request(self) -> Request[Any]:
        return self.requests[-1]

    @property
    def form(self) -> list[tuple[str, str]]:
        assert self.last_request.form is not None
        return list(self.last_request.form.fields)

    @property
    def files(self) -> list[tuple[str, str, Any, str]]:
        assert self.last_request.form is not None
        return [(file.name, file.filename, file.content, file.content_type) for file in self.last_request.form.files]

    @property
    def json(self) -> Any:
        """The decoded JSON body of the last request."""
        return json.loads(cast("bytes", encode(self.last_request).content))


@pytest.fixture
def executor() -> RecordingExecutor:
    return RecordingExecutor()


@pytest.fixture
def assets(executor: RecordingExecutor) -> Assets:
    return Assets(cast("Any", executor))


@pytest.fixture
def indexed_assets(executor: RecordingExecutor) -> IndexedAssets:
    return IndexedAssets(cast("Any", executor))


@pytest.fixture
def search(executor: RecordingExecutor) -> Search:
    return Search(cast("Any", executor))


@pytest.fixture
def multipart_upload(executor: RecordingExecutor) -> MultipartUpload:
    return MultipartUpload(cast("Any", executor))


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        (Range(gte=1, lte=2.5), "duration%5Bgte%5D=1&duration%5Blte%5D=2.5"),
        (Range(lte=7), "duration%5Blte%5D=7"),
        ({"gte": 3}, "duration%5Bgte%5D=3"),
        (12.5, "duration=12.5"),
        (0, "duration=0"),
    ],
)
async def test_a_range_is_sent_as_its_bounds_and_a_number_unchanged(
    executor: RecordingExecutor, indexed_assets: IndexedAssets, limit: Any, sent: str
) -> None:
    executor.set_responses(PAGE)
    await indexed_assets.list("i", duration=limit, page_limit=None)
    assert executor.last_request.path() == f"/indexes/i/indexed-assets?{sent}"


@pytest.mark.parametrize(
    "limit", [Range(), {}, {"gt": 1}, {"gte": "1"}, True, "5", float("nan"), {"lte": float("inf")}]
)
def test_an_invalid_range_is_rejected(indexed_assets: IndexedAssets, limit: Any) -> None:
    """The platform ignores an invalid range and returns an unfiltered list."""
    with pytest.raises(InvalidInputError, match="duration"):
        indexed_assets.list("i", duration=limit)


async def test_user_metadata_filters_are_sent_as_plain_query_parameters(
    executor: RecordingExecutor, indexed_assets: IndexedAssets
) -> None:
    executor.set_responses(PAGE)
    await indexed_assets.list("i", page_limit=None, user_metadata={"category": "news", "year": 2026, "aired": True})
    assert executor.last_request.path() == "/indexes/i/indexed-assets?category=news&year=2026&aired=true"


@pytest.mark.parametrize("key", ["page", "filename", "duration", "duration[gte]", "user_metadata", "status"])
def test_a_user_metadata_filter_named_like_a_parameter_is_rejected(indexed_assets: IndexedAssets, key: str) -> None:
    """Otherwise a filter by a metadata key `page` would set the page number."""
    with pytest.raises(InvalidInputError, match="same name"):
        indexed_assets.list("i", user_metadata={key: "x"})


async def test_videos_can_be_filtered_by_a_user_metadata_key_named_status(
    executor: RecordingExecutor,
) -> None:
    executor.set_responses(PAGE)
    await Videos(cast("Any", executor)).list("i", page_limit=None, user_metadata={"status": "draft"})
    assert executor.last_request.path() == "/indexes/i/videos?status=draft"


def test_a_user_metadata_filter_by_a_list_is_rejected(indexed_assets: IndexedAssets) -> None:
    with pytest.raises(InvalidInputError, match="must be a string, number or boolean"):
        indexed_assets.list("i", user_metadata=cast("Any", {"tags": ["a", "b"]}))


async def test_options_with_several_values_are_repeated(
    executor: RecordingExecutor, indexed_assets: IndexedAssets, assets: Assets
) -> None:
    executor.set_responses(PAGE)
    await indexed_assets.list("i", status=["ready", "failed"], page_limit=None)
    assert executor.last_request.path() == "/indexes/i/indexed-assets?status=ready&status=failed"
    await assets.list(asset_ids=("a", "b"), asset_types=["video"], page_limit=None)
    assert executor.last_request.path() == "/assets?asset_ids=a&asset_ids=b&asset_types=video"


def calls_with_list_arguments(executor: RecordingExecutor, values: Any) -> Iterable[Callable[[], Any]]:
    assets, indexed_assets, search = (
        Assets(cast("Any", executor)),
        IndexedAssets(cast("Any", executor)),
        Search(cast("Any", executor)),
    )
    return (
        lambda: assets.list(asset_ids=values),
        lambda: assets.list(asset_types=values),
        lambda: indexed_assets.list("i", status=values),
        lambda: Tasks(cast("Any", executor)).list(status=values),
        lambda: search.query(index_id="i", search_options=values, query_text="x"),
        lambda: search.query(index_id="i", search_options=["visual"], transcription_options=values, query_text="x"),
    )


@pytest.mark.parametrize("values", ["", b"visual", [], ()])
@pytest.mark.parametrize("call_index", range(6))
def test_an_empty_or_invalid_list_of_values_is_rejected(
    executor: RecordingExecutor, call_index: int, values: Any
) -> None:
    with pytest.raises(InvalidInputError):
        list(calls_with_list_arguments(executor, values))[call_index]()
    assert not executor.requests


@pytest.mark.parametrize("call_index", [4, 5])
def test_a_string_in_place_of_a_list_of_search_options_is_rejected(
    executor: RecordingExecutor, call_index: int
) -> None:
    with pytest.raises(InvalidInputError, match="must be a list, got 'visual'"):
        list(calls_with_list_arguments(executor, "visual"))[call_index]()


@pytest.mark.parametrize("call_index", range(4))
async def test_a_filter_takes_one_value_or_a_list(executor: RecordingExecutor, call_index: int) -> None:
    executor.set_responses(PAGE)
    await list(calls_with_list_arguments(executor, "visual"))[call_index]()
    assert "=visual" in executor.last_request.path()


@pytest.mark.parametrize("limits", [{"page": 0}, {"page_limit": 0}, {"page_limit": 51}, {"page": -1}])
def test_invalid_page_numbers_and_limits_are_rejected_when_the_list_is_created(limits: dict[str, int]) -> None:
    executor = RecordingExecutor()
    for list_method in (
        Assets(cast("Any", executor)).list,
        Tasks(cast("Any", executor)).list,
        MultipartUpload(cast("Any", executor)).list_incomplete_uploads,
    ):
        with pytest.raises(InvalidInputError, match="page"):
            cast("Any", list_method)(**limits)


async def test_a_list_requests_large_pages_and_only_when_iterated(executor: RecordingExecutor, assets: Assets) -> None:
    executor.set_responses(PAGE)
    paginator = assets.list(filename="film")
    assert not executor.requests
    assert [asset async for asset in paginator] == []
    assert executor.last_request.path() == "/assets?filename=film&page_limit=50"


async def test_a_page_of_an_upload_status_lists_its_uploaded_chunks(
    executor: RecordingExecutor, multipart_upload: MultipartUpload
) -> None:
    chunks = [{"index": 1, "status": "completed"}, {"index": 2, "status": "pending"}]
    executor.set_responses(
        {"upload_id": "u", "status": "active", "uploaded_chunks": chunks, "page_info": {"total_page": 1}}
    )
    page = await multipart_upload.get_status("u")
    assert [(chunk.index, chunk.status) for chunk in page] == [(1, "completed"), (2, "pending")]
    assert page.extra["status"] == "active"
    status = await multipart_upload.retrieve("u")
    assert (status.status, len(status.uploaded_chunks)) == ("active", 2)


@pytest.mark.parametrize("invalid_id", ["", " ", "a/b", "..", "a\nb", 7, None])
async def test_an_invalid_id_is_rejected_before_a_request_is_sent(executor: RecordingExecutor, invalid_id: Any) -> None:
    """`delete("..")` must not send a request for the parent resource."""
    assets, indexed_assets = Assets(cast("Any", executor)), IndexedAssets(cast("Any", executor))
    calls: list[Callable[[], Any]] = [
        lambda: assets.delete(invalid_id, force=True),
        lambda: assets.retrieve_transcription(invalid_id),
        lambda: indexed_assets.create("i", asset_id=invalid_id),
        lambda: indexed_assets.delete("i", invalid_id),
        lambda: indexed_assets.list_by_asset(invalid_id),
        lambda: Videos(cast("Any", executor)).list(invalid_id),
        lambda: Indexes(cast("Any", executor)).videos.delete(invalid_id, "v"),
        lambda: Tasks(cast("Any", executor)).create(index_id=invalid_id, video_url="https://x.example/a.mp4"),
        lambda: Search(cast("Any", executor)).query(index_id=invalid_id, search_options=["visual"], query_text="x"),
        lambda: Search(cast("Any", executor)).retrieve(invalid_id),
    ]
    for call in calls:
        with pytest.raises(InvalidInputError):
            await call()
    assert not executor.requests


async def test_a_file_is_sent_as_a_form_with_the_fields_first(executor: RecordingExecutor, assets: Assets) -> None:
    executor.set_responses({"_id": "a", "status": "processing"})
    metadata: dict[str, Any] = {"tags": ["a", "b"], "né": 1.5, "ok": True}
    asset = await assets.create(
        method="direct",
        file=b"bytes",
        filename="film.mp4",
        enable_hls=False,
        enable_thumbnail=True,
        user_metadata=metadata,
    )
    assert asset.id == "a"
    assert executor.form == [
        ("method", "direct"),
        ("filename", "film.mp4"),
        ("enable_hls", "false"),
        ("enable_thumbnail", "true"),
        ("user_metadata", '{"tags":["a","b"],"né":1.5,"ok":true}'),
    ]
    assert executor.files == [("file", "film.mp4", b"bytes", "video/mp4")]


async def test_a_file_part_from_the_caller_keeps_its_filename_and_content_type(
    executor: RecordingExecutor, assets: Assets
) -> None:
    executor.set_responses({"_id": "a", "status": "processing"})
    part = FilePart(name="whatever", filename="a.mp4", content=b"x", size=1, content_type="video/mp4")
    await assets.create(method="direct", file=part)
    assert executor.files == [("file", "a.mp4", b"x", "video/mp4")]
    assert executor.form == [("method", "direct")]


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "direct"},
        {"method": "url"},
        {"method": "direct", "url": "https://x.example/a"},
        {"method": "direct", "file": b"x", "url": "https://x.example/a"},
        {"method": "url", "file": b"x"},
        {"method": "url", "url": "https://x.example/a", "file": b"x"},
        {"method": "direct", "file": b""},
        {"method": "direct", "file": "film.mp4"},
        {"method": "direct", "file": Path("film.mp4")},
        {"method": "direct", "file": FilePart(name="", filename="a", content=b"", size=0)},
        {"method": "direct", "file": b"x", "user_metadata": {"a": {"b": 1}}},
        {"method": "direct", "file": b"x", "user_metadata": {"a": None}},
    ],
    ids=repr,
)
async def test_invalid_asset_arguments_are_rejected_before_a_request_is_sent(
    executor: RecordingExecutor, assets: Assets, arguments: Any
) -> None:
    with pytest.raises(InvalidInputError):
        await assets.create(**arguments)
    assert not executor.requests


@pytest.mark.parametrize(
    "url",
    ["", "film.mp4", "/films/a.mp4", "file:///films/a", "ftp://x.example/a", "https://", "http://a b", "http://[", 7],
)
async def test_a_url_that_the_platform_cannot_fetch_is_rejected(
    executor: RecordingExecutor, assets: Assets, url: Any
) -> None:
    with pytest.raises(InvalidInputError, match="must be an http or https URL"):
        await assets.create(method="url", url=url)
    with pytest.raises(InvalidInputError, match="video_url"):
        await Tasks(cast("Any", executor)).create(index_id="i", video_url=url)
    assert not executor.requests


async def test_an_asset_is_deleted_with_force_only_on_request(executor: RecordingExecutor, assets: Assets) -> None:
    await assets.delete("a")
    assert executor.last_request.path() == "/assets/a"
    await assets.delete("a", force=True)
    assert executor.last_request.path() == "/assets/a?force=true"


async def test_none_in_an_update_of_user_metadata_is_sent(executor: RecordingExecutor, assets: Assets) -> None:
    change = {"keep": "x", "gone": None}
    await assets.update_user_metadata("a", user_metadata=change)
    assert (executor.last_request.operation, executor.json) == (
        "PATCH /assets/{asset_id}/user-metadata",
        {"user_metadata": change},
    )
    await Indexes(cast("Any", executor)).indexed_assets.update("i", "x", user_metadata=change)
    assert executor.json == {"user_metadata": change}
    await Indexes(cast("Any", executor)).videos.update("i", "x", user_metadata=change)
    assert executor.json == {"user_metadata": change}


async def test_none_in_a_replacement_of_user_metadata_is_rejected(executor: RecordingExecutor, assets: Assets) -> None:
    with pytest.raises(InvalidInputError, match="gone"):
        await assets.replace_user_metadata("a", user_metadata=cast("Any", {"gone": None}))
    await assets.replace_user_metadata("a", user_metadata={})
    assert (executor.last_request.method, executor.json) == ("PUT", {"user_metadata": {}})


async def test_transcription_units_are_sent_as_repeated_parameters(executor: RecordingExecutor, assets: Assets) -> None:
    executor.set_responses({"status": "ready", "words": [{"start": 0, "end": 1, "value": "hi"}]})
    transcription = await assets.retrieve_transcription("a", include=["words", "utterances"])
    assert executor.last_request.path() == "/assets/a/transcription?include=words&include=utterances"
    assert transcription.words[0].value == "hi"


async def test_embeddings_and_transcription_of_an_indexed_asset_are_requested_by_parameter(
    executor: RecordingExecutor, indexed_assets: IndexedAssets
) -> None:
    executor.set_responses({"_id": "x", "status": "ready"})
    await indexed_assets.retrieve("i", "x", embedding_option=["visual", "audio"], transcription=True)
    assert executor.last_request.path() == (
        "/indexes/i/indexed-assets/x?embedding_option=visual&embedding_option=audio&transcription=true"
    )


async def test_a_task_requires_either_a_file_or_a_url(executor: RecordingExecutor) -> None:
    executor.set_responses({"_id": "t", "video_id": "v"})
    tasks = Tasks(cast("Any", executor))
    await tasks.create(index_id="i", video_file=b"x", enable_video_stream=False, user_metadata={"a": 1})
    assert executor.form == [("index_id", "i"), ("enable_video_stream", "false"), ("user_metadata", '{"a":1}')]
    assert executor.files == [("video_file", "upload", b"x", "video/mp4")]
    for arguments in ({}, {"video_file": b"x", "video_url": "https://x.example/a"}):
        with pytest.raises(InvalidInputError, match="one of"):
            await tasks.create(index_id="i", **cast("Any", arguments))


async def test_completed_chunks_may_be_models_or_dicts_and_are_sent_with_all_fields(
    executor: RecordingExecutor, multipart_upload: MultipartUpload
) -> None:
    """The platform requires `proof_type`, which has a default in the model."""
    chunk_dict = {"chunk_index": 2, "proof": "f", "proof_type": "etag", "chunk_size": 3}
    await multipart_upload.report_chunk_batch(
        "u", completed_chunks=[CompletedChunk(chunk_index=1, proof="e", chunk_size=5), chunk_dict]
    )
    first = {"chunk_index": 1, "proof": "e", "proof_type": "etag", "chunk_size": 5}
    assert executor.json == {"completed_chunks": [first, chunk_dict]}


async def test_invalid_upload_arguments_are_rejected_before_a_request_is_sent(
    executor: RecordingExecutor, multipart_upload: MultipartUpload
) -> None:
    for arguments in ({"filename": " ", "total_size": 1}, {"filename": "a", "total_size": 0}):
        with pytest.raises(InvalidInputError):
            await multipart_upload.create(type="video", **cast("Any", arguments))
    for start, count in ((0, 1), (1, 0), (1, 51)):
        with pytest.raises(InvalidInputError, match=r"(start|count) must be a whole number"):
            await multipart_upload.get_additional_presigned_urls("u", start=start, count=count)
    with pytest.raises(InvalidInputError, match="completed_chunks"):
        await multipart_upload.report_chunk_batch("u", completed_chunks=[])
    assert not executor.requests


async def test_a_search_repeats_its_options_and_encodes_its_filter(executor: RecordingExecutor, search: Search) -> None:
    executor.set_responses({"data": []})
    await search.create(
        index_id="i",
        search_options=["visual", "transcription"],
        query_text="café",
        transcription_options=["lexical"],
        group_by="video",
        operator="and",
        page_limit=5,
        filter={"duration": Range(gte=60), "category": "nouvelles é"},
        include_user_metadata=True,
    )
    assert sorted(executor.form) == [
        ("filter", '{"duration":{"gte":60},"category":"nouvelles é"}'),
        ("group_by", "video"),
        ("include_user_metadata", "true"),
        ("index_id", "i"),
        ("operator", "and"),
        ("page_limit", "5"),
        ("query_text", "café"),
        ("search_options", "transcription"),
        ("search_options", "visual"),
        ("transcription_options", "lexical"),
    ]
    assert executor.last_request.retry_class == "billable"


async def test_a_filter_string_must_be_a_json_object(executor: RecordingExecutor, search: Search) -> None:
    executor.set_responses({"data": []})
    await search.create(index_id="i", search_options=["visual"], query_text="x", filter='{"id": ["a"]}')
    assert ("filter", '{"id": ["a"]}') in executor.form
    for invalid_filter in ("{", "[1]", "text", ""):
        with pytest.raises(InvalidInputError, match="filter"):
            search.query(index_id="i", search_options=["visual"], query_text="x", filter=invalid_filter)


async def test_query_images_are_sent_in_order_with_their_media_type(
    executor: RecordingExecutor, search: Search
) -> None:
    executor.set_responses({"data": []})
    second = FilePart(name="", filename="b.jpg", content=b"2", size=1, content_type="image/jpeg")
    await search.create(index_id="i", search_options=["visual"], query_media_file=[b"1", second])
    assert executor.form == [("index_id", "i"), ("search_options", "visual"), ("query_media_type", "image")]
    assert executor.files == [
        ("query_media_file", "upload", b"1", "application/octet-stream"),
        ("query_media_file", "b.jpg", b"2", "image/jpeg"),
    ]


@pytest.mark.parametrize("urls", ["https://x.example/1.jpg", ["https://x.example/1.jpg"], ("https://x.example/1.jpg",)])
async def test_a_single_query_url_needs_no_list(executor: RecordingExecutor, search: Search, urls: Any) -> None:
    executor.set_responses({"data": []})
    await search.create(index_id="i", search_options=["visual"], query_media_url=urls)
    assert [text for name, text in executor.form if name == "query_media_url"] == ["https://x.example/1.jpg"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"query_text": " "},
        {"query_media_url": []},
        {"query_media_file": b""},
        {"query_media_file": 5},
        {"query_media_file": ["https://x.example/a.jpg"]},
        {"query_media_url": "a.jpg"},
        {"query_media_url": ["https://x.example"] * 11},
        {"query_text": "x", "page_limit": 0},
        {"query_text": "x", "page_limit": 51},
    ],
    ids=repr,
)
async def test_a_search_with_an_invalid_query_is_rejected_before_a_request_is_sent(
    executor: RecordingExecutor, search: Search, arguments: Any
) -> None:
    with pytest.raises(InvalidInputError):
        search.query(index_id="i", search_options=["visual"], **arguments)
    with pytest.raises(InvalidInputError):
        await search.create(index_id="i", search_options=["visual"], **arguments)
    assert not executor.requests


async def test_later_search_pages_use_the_token_and_keep_include_user_metadata(
    executor: RecordingExecutor, search: Search
) -> None:
    """Without `include_user_metadata`, later pages would have no user metadata."""
    pool = {"total_count": 2, "index_id": "i"}
    executor.set_responses(
        {
            "data": [{"video_id": "a", "rank": 1}],
            "page_info": {"next_page_token": "t-1", "total_results": 2},
            "search_pool": pool,
        },
        {"data": [{"video_id": "b", "rank": 2}], "page_info": {"prev_page_token": "t-0"}},
    )
    paginator = search.query(index_id="i", search_options=["visual"], query_text="x", include_user_metadata=True)
    assert not executor.requests
    pages = [page async for page in paginator.pages()]
    assert [item.video_id for page in pages for item in page] == ["a", "b"]
    assert (pages[0].total, pages[0].extra["search_pool"]) == (2, pool)
    assert [request.operation for request in executor.requests] == ["POST /search", "GET /search/{page-token}"]
    assert executor.last_request.path() == "/search/t-1?include_user_metadata=true"
    assert executor.last_request.retry_class == "safe"


async def test_search_results_contain_the_search_pool_and_the_next_page_token(
    executor: RecordingExecutor, search: Search
) -> None:
    executor.set_responses(
        {
            "data": [{"id": "v", "clips": [{"start": 1, "end": 2.5, "video_id": "v", "rank": 1}]}],
            "page_info": {"next_page_token": "t", "page_expires_at": "2026-10-01T00:00:00Z", "total_inner_matches": 1},
            "search_pool": {"total_count": 3, "total_duration": 60, "index_id": "i"},
        }
    )
    results = await search.create(index_id="i", search_options=["visual"], query_text="x", group_by="video")
    assert results.data[0].clips[0].end == 2.5
    assert results.page_info.next_page_token == "t"
    assert results.search_pool.total_duration == 60.0


async def test_wait_for_done_calls_the_callback_at_each_poll_and_returns_the_ready_asset(
    executor: RecordingExecutor, assets: Assets
) -> None:
    executor.set_responses(
        {"_id": "a", "status": "processing"}, {"_id": "a", "status": "who knows"}, {"_id": "a", "status": "ready"}
    )
    statuses: list[str] = []
    ready_asset = await assets.wait_for_done(
        "a", sleep_interval=2, callback=lambda asset: statuses.append(asset.status)
    )
    assert ready_asset.status == "ready"
    assert statuses == ["processing", "who knows", "ready"]
    assert executor.clock.sleeps == [2, 2]


async def test_wait_for_done_for_a_failed_asset_raises_an_error_with_the_reason(
    executor: RecordingExecutor, assets: Assets
) -> None:
    executor.set_responses({"_id": "a", "status": "failed", "error": {"message": "no video stream"}})
    with pytest.raises(ProcessingFailedError, match="no video stream") as caught:
        await assets.wait_for_done("a")
    assert (caught.value.resource_type, caught.value.id) == ("asset", "a")


async def test_wait_for_done_for_an_unknown_id_raises_immediately(
    executor: RecordingExecutor, indexed_assets: IndexedAssets
) -> None:
    executor.set_responses(NotFoundError(message="no such asset"))
    with pytest.raises(NotFoundError):
        await indexed_assets.wait_for_done("i", "x")
    assert executor.last_request.path() == "/indexes/i/indexed-assets/x"


async def test_wait_for_done_raises_wait_timeout_error_after_the_timeout(
    executor: RecordingExecutor, indexed_assets: IndexedAssets
) -> None:
    executor.set_responses({"_id": "x", "status": "queued"})
    waits: dict[str, Awaitable[Any]] = {
        "indexed asset": indexed_assets.wait_for_done("i", "x", timeout=60),
        "indexing task": Tasks(cast("Any", executor)).wait_for_done("x", timeout=60),
    }
    for kind, wait in waits.items():
        with pytest.raises(WaitTimeoutError, match="still queued") as caught:
            await wait
        assert (caught.value.resource_type, caught.value.last_seen.id) == (kind, "x")


def video(id: str) -> dict[str, Any]:
    hls = {"status": "COMPLETE", "video_url": f"https://cdn/{id}.m3u8", "thumbnail_urls": [f"https://cdn/{id}.jpg"]}
    return {"_id": id, "system_metadata": {"filename": f"{id}.mp4"}, "hls": hls}


def video_page(*ids: str, number: int = 1, pages: int = 1) -> dict[str, Any]:
    return {
        "data": [video(id) for id in ids],
        "page_info": {"page": number, "limit_per_page": 50, "total_page": pages, "total_results": 50 * pages},
    }


HITS: dict[str, Any] = {
    "data": [
        {"video_id": "v1", "start": 1.0, "end": 2.0, "rank": 1, "user_metadata": {"place": "Oslo"}},
        {"video_id": "v2", "start": 3.0, "end": 4.0, "rank": 2, "thumbnail_url": "https://cdn/hit.jpg"},
        {"video_id": "v1", "start": 5.0, "end": 6.0, "rank": 3},
    ],
    "page_info": {"total_results": 3},
}


async def test_query_with_videos_reads_the_videos_from_one_page_of_the_list(
    search: Search, executor: RecordingExecutor
) -> None:
    executor.set_responses(HITS, video_page("v0", "v1", "v2"))
    hits = await search.query_with_videos(index_id="i", search_options=["visual"], query_text="x")
    assert [hit.filename for hit in hits] == ["v1.mp4", "v2.mp4", "v1.mp4"]
    assert hits[0].user_metadata == {"place": "Oslo"}
    assert [hit.hls_url for hit in hits[:2]] == ["https://cdn/v1.m3u8", "https://cdn/v2.m3u8"]
    assert [hit.thumbnail_url for hit in hits[:2]] == ["https://cdn/v1.jpg", "https://cdn/hit.jpg"]
    assert [request.method for request in executor.requests] == ["POST", "GET"]
    assert ("include_user_metadata", "true") in (executor.requests[0].form or Form.build()).fields


async def test_few_videos_of_a_large_index_are_requested_individually(
    search: Search, executor: RecordingExecutor
) -> None:
    executor.set_responses(HITS, video_page("v1", pages=2000), video("v2"))
    hits = await search.query_with_videos(index_id="i", search_options=["visual"], query_text="x")
    assert [hit.filename for hit in hits] == ["v1.mp4", "v2.mp4", "v1.mp4"]
    assert [request.path().partition("?")[0] for request in executor.requests[1:]] == [
        "/indexes/i/videos",
        "/indexes/i/videos/v2",
    ]


async def test_a_search_result_whose_video_was_deleted_is_kept(search: Search, executor: RecordingExecutor) -> None:
    executor.set_responses(HITS, video_page("v1"), NotFoundError(status_code=404))
    hits = await search.query_with_videos(index_id="i", search_options=["visual"], query_text="x")
    assert (hits[1].video, hits[1].filename, hits[1].hls_url) == (None, None, None)
    assert hits[1].thumbnail_url == "https://cdn/hit.jpg"


async def test_a_search_without_results_requests_no_video(search: Search, executor: RecordingExecutor) -> None:
    executor.set_responses({"data": [], "page_info": {}})
    assert await search.query_with_videos(index_id="i", search_options=["visual"], query_text="x") == []
    assert len(executor.requests) == 1

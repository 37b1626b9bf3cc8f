"""Requests that the platform rejects get the same status and code from the emulator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

LONG_TEXT = "word " * 501
LONG_WORD = "a" * 10_000
IMAGE_QUERY = {"query_text": None, "query_media_type": "image"}
JPEG = b"\xff\xd8\xff\xc0\0\x11\x08\x01\0\x01\0" + bytes(100)
"""The header of a JPEG file of 256x256 pixels."""


@pytest.fixture
async def index(make_index: CreateResource) -> str:
    return await make_index("films")


@pytest.fixture
async def video(index: str, make_video: CreateResource) -> str:
    return await make_video(index, "red_car.mp4", samples.video(60))


@pytest.fixture
def search(call: SendRequest, form: Form, index: str) -> SendRequest:
    async def send(filename: str = "upload", /, **fields: Any) -> tuple[int, Any]:
        fields = {"index_id": index, "search_options": "visual", "query_text": "red", **fields}
        present_fields = {name: value for name, value in fields.items() if value is not None}
        return await call("POST", "/search", data=form(filename, **present_fields))

    return send


@pytest.mark.usefixtures("video")
@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        pytest.param({"query_text": LONG_TEXT}, 400, "parameter_invalid", id="501 words"),
        pytest.param({"query_text": LONG_WORD}, 400, "parameter_invalid", id="a word of 10,000 letters"),
        pytest.param({"query_text": "   "}, 400, "parameter_invalid", id="blank text"),
        pytest.param({"query_text": "\t\n"}, 400, "parameter_invalid", id="white space"),
        pytest.param({"query_text": None}, 400, "parameter_not_provided", id="no query"),
        pytest.param({"search_options": None}, 400, "parameter_not_provided", id="no options"),
        pytest.param({"search_options": "smell"}, 400, "search_option_not_supported", id="unknown option"),
        pytest.param({"index_id": "0" * 24}, 404, "resource_not_exist", id="unknown index"),
        *(
            pytest.param({"page_limit": value}, 400, "parameter_invalid", id=f"page_limit {value}")
            for value in (-1, 0, 51, 1000, 1.5, "ten")
        ),
        pytest.param({"sort_option": "size"}, 400, "parameter_invalid", id="unknown order"),
        pytest.param({"threshold": "huge"}, 400, "parameter_invalid", id="unknown threshold"),
        pytest.param({"group_by": "mood"}, 400, "parameter_invalid", id="unknown group"),
        pytest.param({"operator": "xor"}, 400, "parameter_invalid", id="unknown operator"),
        *(
            pytest.param({"filter": {"id": value}}, 400, "search_filter_invalid", id=f"filter id {value!r}")
            for value in ([], "0" * 24, ["short"], [1], [None], {"gte": 1}, 7, True)
        ),
        pytest.param({"filter": {"id": ["0" * 24]}}, 400, "search_video_not_in_same_index", id="unknown video"),
        *(
            pytest.param({"filter": {"filename": value}}, 400, "search_filter_invalid", id=f"filename {value!r}")
            for value in (123, True, ["a.mp4"], {"gte": 1})
        ),
        pytest.param({"filter": '{"year": NaN}'}, 400, "search_filter_invalid", id="NaN in a filter"),
        *(
            pytest.param({**IMAGE_QUERY, "query_media_url": url}, 400, "parameter_invalid", id=f"image URL {url}")
            for url in (
                "not-a-url",
                "ftp://example.com/a.jpg",
                "https://example.com/a.mp4",
                "https://nowhere.invalid/a.jpg",
            )
        ),
        *(
            pytest.param({**IMAGE_QUERY, "query_media_file": content}, 400, "parameter_invalid", id=f"{content[:12]!r}")
            for content in (b"This is not an image file", samples.video(), b"\x89PN")
        ),
    ],
)
async def test_a_search_is_rejected_like_on_the_platform(
    search: SendRequest, fields: dict[str, Any], status: int, code: str
) -> None:
    actual_status, error = await search(**fields)
    assert (actual_status, error["code"]) == (status, code)


async def test_the_id_of_a_video_in_another_index_is_rejected(
    search: SendRequest, make_index: CreateResource, make_video: CreateResource, video: str
) -> None:
    video_of_other_index = await make_video(await make_index("others"), "blue_car.mp4")
    status, error = await search(filter={"id": [video, video_of_other_index]})
    assert (status, error["code"]) == (400, "search_video_not_in_same_index")
    assert video_of_other_index in error["message"]
    assert video not in error["message"]


async def test_the_id_of_a_deleted_video_is_rejected(
    call: SendRequest, search: SendRequest, index: str, video: str
) -> None:
    assert (await search(filter={"id": [video]}))[1]["data"]
    await call("DELETE", f"/indexes/{index}/indexed-assets/{video}")
    assert (await search(filter={"id": [video]}))[1]["code"] == "search_video_not_in_same_index"


@pytest.mark.usefixtures("video")
@pytest.mark.parametrize(
    "fields",
    [
        {"filter": {"duration": -1}},
        {"filter": {"duration": {"gte": -10, "lte": -1}}},
        {"query_text": "word " * 500},
        {"sort_option": "score", "threshold": "low"},
        {"filter": "null"},
    ],
)
async def test_unusual_but_valid_searches_succeed(search: SendRequest, fields: dict[str, Any]) -> None:
    assert (await search(**fields))[0] == 200


async def test_an_image_is_recognised_by_its_content(search: SendRequest, video: str) -> None:
    for content in (samples.image(), JPEG):
        status, response = await search("picture.dat", **IMAGE_QUERY, query_media_file=content)
        assert (status, response["data"][0]["video_id"]) == (200, video)


async def test_every_file_is_accepted_without_inspection(
    serve: Callable[..., Awaitable[Emulator]], connect: Callable[..., Awaitable[aiohttp.ClientSession]], form: Form
) -> None:
    session = await connect(await serve(inspect_media=False))
    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    async with session.post("indexes", json={"index_name": "films", "models": models}) as response:
        index = (await response.json())["_id"]
    data = form(index_id=index, search_options="visual", query_media_type="image", query_media_file=b"no image")
    async with session.post("search", data=data) as response:
        assert response.status == 200


URL = {"url": "https://example.com/a.jpg"}
IMAGE_INPUT = {"input_type": "image", "model_name": "marengo3.0"}
MULTI_INPUT = {"input_type": "multi_input", "model_name": "marengo3.5"}
MULTI_INPUT_BODY = {**MULTI_INPUT, "multi_input": {"input_text": "a car"}}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        *(
            pytest.param(
                "POST",
                "/embed-v2",
                {**MULTI_INPUT_BODY, "embedding_dimension": value},
                400,
                "parameter_invalid",
                id=f"{value!r} dimensions",
            )
            for value in (0, 64, 129, 513, 1024, "256", True, 128.5)
        ),
        *(
            pytest.param(
                "POST",
                "/embed-v2",
                {**IMAGE_INPUT, "image": {"media_source": source}},
                400,
                "media_url_not_exists",
                id=f"embed {source}",
            )
            for source in (
                {"asset_id": "0" * 24},
                {"url": "not-a-url"},
                {"url": "https://nowhere.invalid/a.jpg"},
            )
        ),
        pytest.param(
            "POST",
            "/embed-v2",
            {**MULTI_INPUT, "multi_input": {"media_sources": [{"media_type": "image", "url": "not-a-url"}]}},
            400,
            "media_url_not_exists",
            id="one of several sources",
        ),
        *(
            pytest.param(
                "POST",
                "/embed-v2",
                {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": text}},
                400,
                "parameter_invalid",
                id=f"embed the text {text[:5]!r}",
            )
            for text in (LONG_TEXT, LONG_WORD, " ")
        ),
        *(
            pytest.param(
                "POST",
                "/indexes",
                {"index_name": "a", "models": [{"model_name": model, "model_options": ["visual"]}]},
                400,
                "parameter_invalid",
                id=f"index with {model}",
            )
            for model in ("marengo2.6", "marengo2.7", "marengo3.5", "pegasus1.1", "pegasus1.2", "pegasus1.5", "x", 3)
        ),
        *(
            pytest.param(
                "POST",
                "/analyze",
                {"video": {"type": "url", "url": url}, "prompt": "What?"},
                400,
                "video_file_broken",
                id=url,
            )
            for url in ("https://www.youtube.com/watch?v=x", "https://youtu.be/x")
        ),
        *(
            pytest.param("POST", path, body, 410, "endpoint_deprecated", id=f"{path} {body}")
            for path in ("/summarize", "/gist")
            for body in (None, {"video_id": "0" * 24, "type": "summary"})
        ),
        *(
            pytest.param("GET", f"../{path}", None, 404, "endpoint_not_exists", id=path)
            for path in ("v1.3/v1.3/indexes", "indexes", "v1.4/indexes", "v2/indexes", "v1.3/nothing", "")
        ),
        pytest.param("GET", "../v1.2/indexes", None, 400, "api_upgrade_required", id="version 1.2"),
        *(
            pytest.param("GET", f"{path}?page_limit={value}", None, 400, "parameter_invalid", id=f"{path} {value}")
            for path in ("/indexes", "/assets", "/tasks", "/analyze/tasks", "/embed/tasks", "/embed-v2/tasks")
            for value in (0, 51)
        ),
    ],
)
async def test_a_request_is_rejected_like_on_the_platform(
    call: SendRequest, method: str, path: str, body: Any, status: int, code: str
) -> None:
    actual_status, error = await call(method, path, json=body)
    assert (actual_status, error.get("error", error)["code"]) == (status, code)


@pytest.mark.parametrize("text", [LONG_TEXT, " "])
async def test_every_query_text_has_the_same_limits(call: SendRequest, form: Form, text: str) -> None:
    data = form(model_name="marengo3.0", text=text)
    assert (await call("POST", "/embed", data=data))[1]["code"] == "parameter_invalid"
    _, store = await call("POST", "/knowledge-stores", json={"name": "films"})
    body = {"query": {"text": text}}
    status, error = await call("POST", f"/knowledge-stores/{store['_id']}/search", json=body)
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_metadata_is_strict_json(call: SendRequest, form: Form) -> None:
    data = form(method="direct", file=samples.video(), user_metadata="null")
    assert "user_metadata" not in (await call("POST", "/assets", data=data))[1]
    for text in ('{"a": NaN}', '{"a": 1e999}', "[" * 100_000, json.dumps({"a": None}).replace("null", '"\\ud800"')):
        data = form(method="direct", file=samples.video(), user_metadata=text)
        assert (await call("POST", "/assets", data=data))[0] == 400


@pytest.mark.parametrize("model", ["pegasus1.1", "pegasus1.2", "marengo2.6", "marengo2.7", "Marengo-retrieval-2.7"])
async def test_a_retired_model_is_rejected_with_the_same_message_by_every_operation(
    call: SendRequest, form: Form, model: str
) -> None:
    index = {"index_name": "a", "models": [{"model_name": model, "model_options": ["visual"]}]}
    analysis = {"model_name": model, "video": URL, "prompt": "a"}
    embedding = {"input_type": "text", "model_name": model, "text": {"input_text": "a"}}
    video = {"input_type": "video", "model_name": model, "video": {"media_source": URL}}
    batch = {"model_name": model, "analysis_mode": "general", "requests": [{"asset_id": "0" * 24}]}
    responses = [
        await call("POST", "/indexes", json=index),
        await call("POST", "/analyze", json=analysis),
        await call("POST", "/analyze/tasks", json=analysis),
        await call("POST", "/analyze/batches", json=batch),
        await call("POST", "/embed", data=form(model_name=model, text="a")),
        await call("POST", "/embed/tasks", data=form(model_name=model, video_url="https://example.com/a.mp4")),
        await call("POST", "/embed-v2", json=embedding),
        await call("POST", "/embed-v2/tasks", json=video),
    ]
    for status, body in responses:
        error = body.get("error", body)
        assert (status, error["code"]) == (400, "parameter_invalid")
        assert error["message"].startswith(f"{model} has been sunset. Use one of ")


async def test_an_invalid_option_is_rejected_with_the_message_of_the_platform(call: SendRequest) -> None:
    models = [{"model_name": "marengo3.0", "model_options": ["conversation"]}]
    _, error = await call("POST", "/indexes", json={"index_name": "a", "models": models})
    assert error == {
        "code": "parameter_invalid",
        "message": "The model_options parameter is invalid. You should use one of the following values: visual, audio.",
    }


@pytest.mark.parametrize(
    ("path", "expected_text"),
    [
        ("../indexes", "the base URL must end with /v1.3"),
        ("../v1.3/v1.3/indexes", "the version twice"),
        ("../v1.4/indexes", "version 1.4"),
    ],
)
async def test_a_wrong_base_url_is_explained(call: SendRequest, path: str, expected_text: str) -> None:
    assert expected_text in (await call("GET", path))[1]["message"]


async def test_a_nested_null_counts_as_absent_but_not_in_metadata(
    call: SendRequest, make_asset: CreateResource, make_source: Callable[..., Awaitable[dict[str, str]]]
) -> None:
    definition = {"id": "a", "description": "b", "fields": None, "time_ranges": None, "media_sources": None}
    response_format = {"type": "segment_definitions", "segment_definitions": [definition], "segment_time_format": None}
    body = {
        "video": {**await make_source(), "filename": None},
        "analysis_mode": "time_based_metadata",
        "response_format": response_format,
    }
    assert (await call("POST", "/analyze/tasks", json=body))[0] == 202
    asset = await make_asset(user_metadata={"a": "1", "b": "2"})
    await call("PATCH", f"/assets/{asset}/user-metadata", json={"user_metadata": {"a": None}})
    assert (await call("GET", f"/assets/{asset}"))[1]["user_metadata"] == {"b": "2"}


async def test_too_many_levels_of_json_are_rejected(call: SendRequest) -> None:
    for body in (b"[" * 50_000, b'{"a":' * 50_000, b'{"a":' * 900 + b"1" + b"}" * 900):
        headers = {"content-type": "application/json"}
        status, error = await call("POST", "/indexes", data=body, headers=headers)
        assert (status, error["code"]) in {(400, "parameter_invalid"), (400, "parameter_not_provided")}

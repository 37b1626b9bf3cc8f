"""Every response matches the OpenAPI description of the API.

The description is not part of this project; these tests run only if a copy is available.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from description import SPEC_PATH, ApiSpec

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator._api import OPERATIONS

pytestmark = pytest.mark.skipif(not SPEC_PATH.exists(), reason="no copy of the OpenAPI description")

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

IMAGE = ("a.png", samples.image())


@pytest.fixture(scope="module")
def description() -> ApiSpec:
    return ApiSpec(json.loads(SPEC_PATH.read_text()))


@pytest.fixture
async def call(call: SendRequest, emulator: Emulator, description: ApiSpec) -> AsyncIterator[SendRequest]:
    """Send requests, and validate every response at the end of the test."""
    violations: list[str] = []

    async def compare(method: str, path: str, **options: Any) -> tuple[int, Any]:
        status, content = await call(method, path, **options)
        operation = emulator.requests[-1].route
        schema = description.response_schema(operation, status)
        if schema is None:
            assert content is None
        else:
            violations.extend(description.violations(content, schema, f"{operation} {status}: "))
        return status, content

    yield compare
    assert not violations


async def test_every_operation_exists(description: ApiSpec) -> None:
    paths = description.document["paths"].items()
    validate_stream = {f"{method.upper()} {path}" for path, methods in paths for method in methods}
    assert {operation.name for operation in OPERATIONS} == validate_stream


async def test_assets_match_the_description(
    call: SendRequest, form: Form, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    metadata = {"a": 1, "b": ["c"], "d": True, "e": 0.5, "f": "g"}
    film = await make_asset("film.mp4", user_metadata=metadata)
    for name, content in (("a.wav", samples.audio()), ("a.png", samples.image()), ("a.md", b"x"), ("b.mp4", b"x")):
        await make_asset(name, content)
    await call("POST", "/assets", data=form(method="url", url="https://example.com/a.mp4"))
    for seconds in (0, 10):
        advance(seconds)
        await call("GET", "/assets")
        await call("GET", f"/assets/{film}")
        await call("GET", f"/assets/{film}/transcription?include=words&include=sentences&include=utterances")
    await call("GET", f"/assets/{film}/indexed-assets")
    for method in ("PUT", "PATCH", "DELETE"):
        await call(method, f"/assets/{film}/user-metadata", json={"user_metadata": {"a": 2}})
    await call("DELETE", f"/assets/{film}")
    await call("GET", f"/assets/{film}")
    await call("POST", "/assets", data=form(method="url"))


async def test_uploads_match_the_description(call: SendRequest) -> None:
    uploads, content = "/assets/multipart-uploads", samples.video(size=2500)
    _, created = await call("POST", uploads, json={"filename": "a.mp4", "type": "video", "total_size": 2500})
    path = f"{uploads}/{created['upload_id']}"
    await call("GET", uploads)
    await call("POST", path + "/presigned-urls", json={"start": 1, "count": 2})
    for entry in created["upload_urls"]:
        index = entry["chunk_index"]
        collection_path = content[(index - 1) * 1000 : index * 1000]
        headers = created["upload_headers"]
        async with (
            aiohttp.ClientSession() as storage,
            storage.put(entry["url"], data=collection_path, headers=headers) as response,
        ):
            proof = response.headers["ETag"]
        report = {"chunk_index": index, "proof": proof, "proof_type": "etag", "chunk_size": len(collection_path)}
        await call(
            "POST", path, json={"completed_chunks": [report | {"chunk_size": len(collection_path) - (index == 2)}]}
        )
        await call("GET", path)
    await call("GET", f"{uploads}/{'0' * 24}")


async def test_indexes_and_videos_match_the_description(
    call: SendRequest,
    form: Form,
    make_index: CreateResource,
    make_video: CreateResource,
    advance: Callable[[float], None],
) -> None:
    index = await make_index(addons=["thumbnail"])
    video = await make_video(index, enable_video_stream=True, user_metadata={"a": 1, "b": [], "c": ["d"]})
    for collection in ("indexed-assets", "videos"):
        path = f"/indexes/{index}/{collection}"
        await call("GET", path)
        await call("PATCH", f"{path}/{video}", json={"user_metadata": {"a": 1}})
        await call("GET", f"{path}/{video}?embedding_option=visual&transcription=true")
    data = form("film.mp4", index_id=index, video_file=samples.video())
    _, task = await call("POST", "/tasks", data=data)
    for seconds in (0, 30, 30):
        advance(seconds)
        await call("GET", "/tasks")
        await call("GET", f"/tasks/{task['_id']}")
        await call("GET", f"/indexes/{index}/indexed-assets/{task['video_id']}")
    await call("GET", "/indexes")
    await call("GET", f"/indexes/{index}")
    await call("PUT", f"/indexes/{index}", json={"index_name": "other"})
    await call("POST", f"/indexes/{index}/indexed-assets", json={})
    for path in (f"/tasks/{task['_id']}", f"/indexes/{index}/videos/{video}", f"/indexes/{index}"):
        await call("DELETE", path)


async def test_searches_match_the_description(
    call: SendRequest, form: Form, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index(addons=["thumbnail"])
    for number in range(3):
        await make_video(index, f"car {number}.mp4", samples.video(60), user_metadata={"number": number})
    options = ["visual", "transcription"]
    for group in ("clip", "video"):
        fields = {"index_id": index, "search_options": options, "query_text": "car", "include_user_metadata": True}
        _, response = await call("POST", "/search", data=form(**fields, group_by=group, page_limit=1))
        await call("GET", f"/search/{response['page_info']['next_page_token']}")
    await call("GET", "/search/nonsense")
    await call("POST", "/search", data=form(index_id=index))


async def test_version_1_embeddings_match_the_description(
    call: SendRequest, form: Form, advance: Callable[[float], None]
) -> None:
    files = {"image_file": samples.image(), "audio_file": samples.audio()}
    await call("POST", "/embed", data=form(model_name="marengo3.0", text="a", **files))
    await call("POST", "/embed", data=form(model_name="marengo3.0", image_url="https://a.invalid/b.png"))
    await call("POST", "/embed", data=form(model_name="other"))
    video = {"model_name": "marengo3.0", "video_file": samples.video(), "video_embedding_scope": ["clip", "video"]}
    _, task = await call("POST", "/embed/tasks", data=form(**video))
    await call("GET", f"/embed/tasks/{task['_id']}")
    await call("GET", "/embed/tasks")
    for seconds in (0, 50):
        advance(seconds)
        await call("GET", f"/embed/tasks/{task['_id']}/status")
    await call("GET", f"/embed/tasks/{task['_id']}")


async def test_synchronous_embeddings_match_the_description(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    film = {"asset_id": await make_asset("a.mp4")}
    sound = {"asset_id": await make_asset("a.wav", samples.audio())}
    photo = {"asset_id": await make_asset(*IMAGE)}
    advance(10)
    embedding_types = ["separate_embedding", "fused_embedding"]
    fixed = {"strategy": "fixed", "fixed": {"duration_sec": 5}}
    for input_type, input_fields in {
        "text": {"input_text": "a"},
        "image": {"media_source": photo},
        "text_image": {"media_source": {"url": "https://example.com/a.png"}, "input_text": "a"},
        "audio": {"media_source": sound, "embedding_type": embedding_types},
        "video": {"media_source": film, "segmentation": fixed},
        "multi_input": {"input_text": "a"},
    }.items():
        body = {"input_type": input_type, "model_name": "marengo3.0", input_type: input_fields}
        assert (await call("POST", "/embed-v2", json=body))[0] == 200
    input_fields = {"media_sources": [{"media_type": "image", **photo}]}
    body = {"input_type": "multi_input", "model_name": "marengo3.5", "embedding_uncertainty": True}
    assert (await call("POST", "/embed-v2", json=body | {"multi_input": input_fields}))[0] == 200
    await call("POST", "/embed-v2", json={"input_type": "text", "model_name": "marengo3.5"})


async def test_embedding_tasks_match_the_description(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    film, sound, photo = await make_asset(), await make_asset("a.wav", samples.audio()), await make_asset(*IMAGE)
    pages, text = await make_asset("a.pdf", b"%PDF"), await make_asset("a.txt", b"A. B. C.")
    advance(10)
    local = {"embedding_scope": ["local"]}
    segmentation = {"sequential": {"strategy": "sentence", "max_sentences": 1}}
    for input_type, input_fields in (
        ("video", {"media_source": {"asset_id": film}, **local}),
        ("document", {"media_source": {"url": "https://a.invalid/a.pdf"}}),
        ("audio", {"media_source": {"asset_id": sound}, **local}),
        ("image", {"media_source": {"asset_id": photo}}),
        ("document", {"media_source": {"asset_id": pages}, "segmentation": {"spatial": {"strategy": "quadrants"}}}),
        ("document", {"media_source": {"asset_id": text}, "segmentation": segmentation, **local}),
    ):
        options = {"embedding_dimension": 256, "embedding_uncertainty": input_type != "document"}
        body = {"input_type": input_type, "model_name": "marengo3.5", input_type: input_fields, **options}
        assert (await call("POST", "/embed-v2/tasks", json=body))[0] == 202
    await call("POST", "/embed-v2/tasks", json={"input_type": "text", "model_name": "marengo3.5"})
    await call("GET", f"/embed-v2/tasks/{'0' * 24}")
    for seconds in (0, 50):
        advance(seconds)
        _, tasks = await call("GET", "/embed-v2/tasks")
        for task in tasks["data"]:
            await call("GET", f"/embed-v2/tasks/{task['_id']}")


async def test_entities_match_the_description(call: SendRequest, make_asset: CreateResource) -> None:
    asset, other = await make_asset("a.png", samples.image()), await make_asset("b.png", samples.image())
    _, collection = await call("POST", "/entity-collections", json={"name": "team", "description": "of ours"})
    await call("POST", "/entity-collections", json={})
    collection_path = f"/entity-collections/{collection['_id']}"
    body = {"name": "Ann", "metadata": {"a": 1, "b": 0.5, "c": True}, "asset_ids": [asset]}
    _, entity = await call("POST", collection_path + "/entities", json=body)
    await call("POST", collection_path + "/entities/bulk", json={"entities": [body, {"name": "Bob", "asset_ids": []}]})
    for path in ("/entity-collections", collection_path, collection_path + "/entities", f"/assets/{asset}/entities"):
        await call("GET", path)
    path = f"{collection_path}/entities/{entity['_id']}"
    await call("GET", path)
    await call("PATCH", path, json={"name": "Anna"})
    await call("POST", path + "/assets", json={"asset_ids": [other]})
    await call("DELETE", path + "/assets", json={"asset_ids": [other]})
    await call("DELETE", path + "/assets", json={"asset_ids": [asset]})
    await call("PATCH", collection_path, json={"name": "squad"})
    await call("DELETE", path)
    await call("DELETE", collection_path)


async def test_knowledge_stores_match_the_description(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    film, photo = await make_asset("car.mp4", samples.video(60)), await make_asset("car.png", samples.image())
    config = {"enrichment_config": {"type": "description", "description": "cars"}}
    metadata = {"a": 1, "b": ["c"], "d": True, "e": 0.5, "f": "g"}
    _, store = await call(
        "POST", "/knowledge-stores", json={"name": "cars", "ingestion_config": config, "metadata": metadata}
    )
    store_path = f"/knowledge-stores/{store['_id']}"
    _, item = await call("POST", store_path + "/items", json={"asset_id": film, "metadata": metadata})
    await call("POST", store_path + "/items", json={"asset_id": photo, "asset_type": "image"})
    _, collection = await call("POST", store_path + "/item-collections", json={"name": "best", "metadata": metadata})
    collection_path = f"{store_path}/item-collections/{collection['_id']}"
    for seconds in (0, 20, 40):
        advance(seconds)
        for path in ("/knowledge-stores", store_path, store_path + "/items", f"{store_path}/items/{item['_id']}"):
            await call("GET", path)
    await call("POST", collection_path + "/items/add", json={"item_ids": [item["_id"]]})
    for path in (store_path + "/item-collections", collection_path, collection_path + "/items"):
        await call("GET", path)
    for path in (store_path, collection_path):
        await call("PATCH", path, json={"name": "fast"})
    await call("POST", collection_path + "/items/remove", json={"item_ids": [item["_id"]]})
    for group in ("none", "item"):
        body = {"query": {"text": "car"}, "group_by": group, "page_size": 1, "include_metadata": True}
        _, response = await call("POST", store_path + "/search", json=body)
        await call("POST", store_path + "/search", json=body | {"page_token": response["next_page_token"]})
        await call("POST", store_path + "/search", json=body | {"page_token": "nonsense"})
        advance(900)
        await call("POST", store_path + "/search", json=body | {"page_token": response["next_page_token"]})
    await call(
        "POST", store_path + "/search", json={"query": {"text": "car"}, "filter": {"asset_type": {"eq": "image"}}}
    )
    for path in (collection_path, f"{store_path}/items/{item['_id']}", store_path):
        await call("DELETE", path)


async def test_connections_match_the_description(call: SendRequest, emulator: Emulator) -> None:
    uris = "/connections/redirect-uris"
    _, uri = await call("POST", uris, json={"redirect_uri": "https://example.com/back"})
    for redirect_uri in ("https://example.com/back", "http://example.com/back", None):
        await call("POST", uris, json={"redirect_uri": redirect_uri})
    body = {"provider": "google_drive", "redirect_uri": "https://example.com/back", "custom_id": "me"}
    await call("POST", "/connections:authorize", json=body)
    connection = emulator.connect(files={"1": "film.mp4", "2": "notes.zip"}, custom_id="me")
    connection_path = f"/connections/{connection.id}"
    await call("POST", connection_path + "/picker-token")
    items = [{"source_id": "1"}, {"source_id": "2"}, {"source_id": "3"}]
    _, created = await call("POST", connection_path + "/imports", json={"items": items})
    for path in (
        uris,
        "/connections",
        connection_path,
        connection_path + "/imports",
        f"{connection_path}/imports/{created['_id']}",
    ):
        await call("GET", path)
    await call("GET", f"{connection_path}/imports/{'0' * 24}")
    connection.status = "expired"
    for path in (connection_path + "/picker-token", connection_path + "/imports"):
        await call("POST", path, json={"items": items})
    await call("DELETE", f"{uris}/{uri['_id']}")
    for _ in range(2):
        await call("DELETE", connection_path)


async def validate_stream(
    session: aiohttp.ClientSession, description: ApiSpec, method: str, path: str, operation: str, **options: Any
) -> int:
    """Validate every line or event of a stream, and return their number."""
    method_name, template = operation.split()
    async with session.request(method, path, **options) as response:
        text = await response.text()
        content = description.document["paths"][template][method_name.lower()]["responses"]["200"]["content"]
        schema = content[response.content_type]["schema"]
    events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith(("{", "data: {"))]
    assert not [violation for event in events for violation in description.violations(event, schema, operation)]
    return len(events)


ANALYZE_PROMPT = {"input_text": "Is <@it> there?"}
IMAGE_REFERENCE = {"name": "it", "media_type": "image", "url": "https://example.com/it.png"}
SEGMENTS = {
    "type": "segment_definitions",
    "segment_time_format": "seconds",
    "segment_definitions": [
        {
            "id": "scene",
            "description": "A scene",
            "media_sources": [IMAGE_REFERENCE],
            "time_ranges": [{"start_time": 0, "end_time": 4}],
            "fields": [
                {"name": "mood", "type": "string", "description": "Mood", "enum": ["calm"]},
                {"name": "at", "type": "timestamp", "description": "When", "format": "seconds"},
                {"name": "tags", "type": "array", "description": "Tags", "items": {"type": "string"}},
            ],
        }
    ],
}


async def test_analyses_match_the_description(
    call: SendRequest,
    emulator: Emulator,
    session: aiohttp.ClientSession,
    description: ApiSpec,
    make_source: Callable[..., Awaitable[dict[str, str]]],
    advance: Callable[[float], None],
) -> None:
    video = await make_source(seconds=600)
    truncated_request = {"video": video, "prompt": "What?", "max_tokens": 512}
    await call("POST", "/analyze", json=truncated_request | {"stream": False})
    await call("POST", "/analyze", json={})
    await call("POST", "/analyze", json=truncated_request | {"video": {"type": "asset_id", "asset_id": "0" * 24}})
    assert await validate_stream(session, description, "POST", "analyze", "POST /analyze", json=truncated_request) > 10
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    bodies: list[dict[str, Any]] = [
        truncated_request | {"custom_id": "a", "temperature": 0.2, "start_time": 0, "end_time": 600},
        {"video": video, "prompt": "What?", "response_format": {"type": "json_schema", "json_schema": schema}},
        {"video": video, "prompt_v2": ANALYZE_PROMPT | {"media_sources": [IMAGE_REFERENCE]}},
        {"video": video, "analysis_mode": "time_based_metadata", "response_format": SEGMENTS},
        {"image": [{"name": "it", "url": IMAGE_REFERENCE["url"]}], "model_name": "pegasus1.6", "prompt": "What?"},
        {"video": video, "prompt": "To fail"},
        {"video": video, "prompt": "To be canceled"},
    ]
    task: Any = None
    for body in bodies:
        if body.get("prompt") == "To fail":
            emulator.faults.add("POST /analyze/tasks", processing_error="The video is dark.")
        _, task = await call("POST", "/analyze/tasks", json=body)
    task_path = f"/analyze/tasks/{task['task_id']}"
    advance(10)
    await call("DELETE", task_path)
    await call("POST", task_path + "/cancel")
    for seconds in (0, 20):
        advance(seconds)
        _, listed = await call("GET", "/analyze/tasks")
        assert len(listed["data"]) == len(bodies)
        for entry in listed["data"]:
            await call("GET", f"/analyze/tasks/{entry['task_id']}")
    await call("POST", f"/analyze/tasks/{listed['data'][-1]['task_id']}/cancel")
    await call("DELETE", task_path)
    for method, path in (("GET", task_path), ("DELETE", task_path), ("POST", task_path + "/cancel")):
        await call(method, path)
    await call("POST", "/analyze/tasks", json={})
    await call("GET", "/analyze/tasks?status=other")


async def test_batches_match_the_description(
    call: SendRequest,
    session: aiohttp.ClientSession,
    description: ApiSpec,
    make_source: Callable[..., Awaitable[dict[str, str]]],
    advance: Callable[[float], None],
) -> None:
    videos = [await make_source(seconds=seconds) for seconds in (60, 3 * 3600)]
    requests = [{"video": video, "custom_id": f"n{number}"} for number, video in enumerate([*videos, videos[0]])]
    batch = {"model_name": "pegasus1.5", "analysis_mode": "general", "defaults": {"prompt": {"input_text": "What?"}}}
    _, first = await call("POST", "/analyze/batches", json=batch | {"requests": requests})
    _, second = await call("POST", "/analyze/batches", json=batch | {"requests": [{"video": videos[0]}] * 3})
    advance(30)
    await call("POST", f"/analyze/batches/{second['batch_id']}/cancel")
    await call("DELETE", f"/analyze/batches/{second['batch_id']}")
    for seconds in (0, 100):
        advance(seconds)
        await call("GET", "/analyze/batches")
        for entry in (first, second):
            path = f"analyze/batches/{entry['batch_id']}"
            await call("GET", f"/{path}")
            operation = "GET /analyze/batches/{batch_id}/results"
            assert await validate_stream(session, description, "GET", path + "/results", operation) == 3
    for item in (*first["items"], *second["items"]):
        await call("GET", f"/analyze/tasks/{item['task_id']}")
    for entry in (first, second):
        for method, path in (("POST", "/cancel"), ("DELETE", ""), ("GET", ""), ("GET", "/results")):
            await call(method, f"/analyze/batches/{entry['batch_id']}{path}")
    await call("POST", "/analyze/batches", json=batch)
    await call("GET", "/analyze/batches?status=failed")


async def test_responses_match_the_description(
    call: SendRequest,
    session: aiohttp.ClientSession,
    description: ApiSpec,
    make_asset: CreateResource,
    advance: Callable[[float], None],
) -> None:
    _, store = await call("POST", "/knowledge-stores", json={"name": "cars"})
    for asset in (await make_asset(), await make_asset(*IMAGE)):
        await call("POST", f"/knowledge-stores/{store['_id']}/items", json={"asset_id": asset})
    advance(100)
    message = {"type": "message", "role": "user", "content": "Who?"}
    body = {"knowledge_store_id": store["_id"], "input": [message], "include": ["intermediate_outputs"]}
    _, response = await call("POST", "/responses", json=body)
    assert len(response["output"][-1]["content"][0]["annotations"]) == 2
    await call("POST", "/responses", json=body | {"input": [message | {"content": "a " * 4999}]})
    await call("POST", "/responses", json=body | {"input": []})
    streamed = body | {"stream": True}
    assert await validate_stream(session, description, "POST", "responses", "POST /responses", json=streamed) > 10

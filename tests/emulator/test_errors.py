"""Invalid requests, and requests without an API key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

ID = "0" * 24


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"x-api-key": ""}])
async def test_a_request_without_a_valid_key_is_rejected(emulator: Emulator, headers: dict[str, str]) -> None:
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{emulator.base_url}/indexes") as response,
    ):
        assert response.status == 401
        assert (await response.json())["code"] == "api_key_invalid"
    assert emulator.requests[-1].with_key is bool(headers)


async def test_every_response_has_version_and_trace_id(session: aiohttp.ClientSession) -> None:
    trace_ids: set[str] = set()
    for path in ("indexes", "nowhere", f"indexes/{ID}"):
        async with session.get(path) as response:
            assert response.headers["X-Api-Version"] == "1.3"
            trace_ids.add(response.headers["x-trace-id"])
    assert len(trace_ids) == 3


async def test_an_unknown_path_is_not_found(call: SendRequest) -> None:
    status, error = await call("GET", "/nowhere")
    assert (status, error["code"]) == (404, "endpoint_not_exists")


@pytest.mark.parametrize(
    "body", ["{", "[]", '{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"\\uDC00": 1}', '{"a": ' + "[" * 100_000]
)
async def test_a_body_that_is_not_a_json_object_is_rejected(call: SendRequest, body: str) -> None:
    status, error = await call("POST", "/indexes", data=body, headers={"content-type": "application/json"})
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_an_unsupported_http_method_is_not_allowed(session: aiohttp.ClientSession) -> None:
    async with session.patch("indexes") as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "POST"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/indexes/{ID}"),
        ("PUT", f"/indexes/{ID}"),
        ("DELETE", f"/indexes/{ID}"),
        ("GET", f"/indexes/{ID}/indexed-assets"),
        ("POST", f"/indexes/{ID}/indexed-assets"),
        ("GET", f"/indexes/{ID}/videos"),
        ("DELETE", f"/indexes/{ID}/videos/{ID}"),
        ("GET", f"/assets/{ID}"),
        ("DELETE", f"/assets/{ID}"),
        ("GET", f"/assets/{ID}/transcription"),
        ("GET", f"/assets/{ID}/indexed-assets"),
        ("DELETE", f"/assets/{ID}/user-metadata"),
        ("GET", f"/tasks/{ID}"),
        ("DELETE", f"/tasks/{ID}"),
    ],
)
async def test_an_unknown_id_is_not_found(call: SendRequest, method: str, path: str) -> None:
    status, error = await call(method, path)
    assert (status, error["code"]) == (404, "resource_not_exist")
    status, error = await call(method, path.replace(ID, "abc", 1))
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_a_video_is_found_in_its_own_index_only(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    first_index, second_index = await make_index("films"), await make_index("songs")
    video = await make_video(first_index)
    assert (await call("GET", f"/indexes/{second_index}/videos/{video}"))[0] == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "parameter_not_provided"),
        ({"index_name": "a"}, "parameter_not_provided"),
        ({"index_name": 5, "models": []}, "parameter_invalid"),
        ({"index_name": "a", "models": []}, "parameter_invalid"),
        ({"index_name": "a", "models": ["marengo3.0"]}, "parameter_invalid"),
        (
            {"index_name": "a", "models": [{"model_name": "pegasus1.2", "model_options": ["visual"]}]},
            "parameter_invalid",
        ),
        ({"index_name": "a", "models": [{"model_name": "x", "model_options": ["visual"]}]}, "parameter_invalid"),
        ({"index_name": "a", "models": [{"model_name": "marengo3.0", "model_options": ["logo"]}]}, "parameter_invalid"),
    ],
)
async def test_an_invalid_index_is_rejected(call: SendRequest, body: dict[str, Any], code: str) -> None:
    status, error = await call("POST", "/indexes", json=body)
    assert (status, error["code"]) == (400, code)


async def test_models_of_an_index_cannot_be_changed(call: SendRequest, make_index: CreateResource) -> None:
    status, error = await call("PUT", f"/indexes/{await make_index()}", json={"index_name": "a", "models": []})
    assert (status, error["code"]) == (400, "index_engine_cannot_be_changed")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "parameter_not_provided"),
        ({"method": "pigeon"}, "parameter_invalid"),
        ({"method": "direct"}, "parameter_not_provided"),
        ({"method": "direct", "file": b""}, "parameter_invalid"),
        ({"method": "url"}, "parameter_not_provided"),
        ({"method": "url", "url": "film.mp4"}, "parameter_invalid"),
        ({"method": "url", "url": "https://a.b/c.mp4", "enable_hls": "maybe"}, "parameter_invalid"),
        ({"method": "url", "url": "https://a.b/c.mp4", "user_metadata": "{"}, "parameter_invalid"),
        ({"method": "url", "url": "https://a.b/c.mp4", "user_metadata": "[]"}, "parameter_invalid"),
        ({"method": "url", "url": "https://a.b/c.mp4", "user_metadata": {"a": {"b": 1}}}, "parameter_invalid"),
        ({"method": "url", "url": "https://a.b/c.mp4", "user_metadata": {"a": [1]}}, "parameter_invalid"),
        ({"method": "url", "url": "https://a.b/c.mp4", "user_metadata": {"a": 2**53}}, "parameter_invalid"),
    ],
)
async def test_an_invalid_asset_is_rejected(call: SendRequest, form: Form, fields: dict[str, Any], code: str) -> None:
    status, error = await call("POST", "/assets", data=form("film.mp4", **fields))
    assert (status, error["code"]) == (400, code)


async def test_a_form_is_required_for_assets(call: SendRequest) -> None:
    for path in ("/assets", "/tasks", "/search"):
        status, error = await call("POST", path, json={})
        assert (status, error["code"]) == (400, "content_type_invalid")


async def test_a_missing_required_field_is_rejected(
    call: SendRequest, make_index: CreateResource, make_asset: CreateResource
) -> None:
    asset, path = await make_asset(), f"/indexes/{await make_index()}/indexed-assets"
    for method in ("PUT", "PATCH"):
        assert (await call(method, f"/assets/{asset}/user-metadata", json={}))[1]["code"] == "parameter_not_provided"
        assert (await call(method, f"/assets/{asset}/user-metadata", json={"user_metadata": 5}))[0] == 400
    assert (await call("POST", path, json={}))[1]["code"] == "parameter_not_provided"
    assert (await call("POST", path, json={"asset_id": asset, "enable_video_stream": "yes"}))[0] == 400


async def test_an_image_cannot_be_indexed(
    call: SendRequest, make_index: CreateResource, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    index, asset = await make_index(), await make_asset("cat.png", samples.image())
    advance(10)
    status, error = await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset})
    assert (status, error["code"]) == (400, "unsupported_file_type")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"data": b"{", "headers": {"content-type": "application/json"}}, "parameter_invalid"),
        ({"json": []}, "parameter_invalid"),
        ({"data": b"{}", "headers": {"content-type": "text/plain"}}, "content_type_invalid"),
    ],
)
async def test_the_content_type_and_syntax_of_a_body_are_checked(
    call: SendRequest, options: dict[str, Any], code: str
) -> None:
    status, error = await call("POST", "/indexes", **options)
    assert (status, error["code"]) == (400, code)


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\nno name\r\n--x--\r\n", b"--x\r\nnonsense"])
async def test_an_invalid_form_is_rejected(call: SendRequest, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert (await call("POST", "/assets", data=body, headers=headers))[0] == 400


@pytest.mark.parametrize(
    "path", ["/assets?asset_types=smell", f"/assets/{ID}?force=maybe", "/tasks?status=lost", "/tasks?duration=long"]
)
async def test_invalid_query_parameters_are_rejected(
    call: SendRequest, form: Form, make_index: CreateResource, path: str
) -> None:
    data = form(index_id=await make_index(), video_url="https://example.com/film.mp4")
    _, created = await call("POST", "/tasks", data=data)
    assert created
    _, assets = await call("GET", "/assets")
    method = "DELETE" if "force" in path else "GET"
    assert (await call(method, path.replace(ID, assets["data"][0]["_id"])))[0] == 400


async def test_an_unexpected_exception_is_a_500_response(
    call: SendRequest, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.state.indexes = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    status, error = await call("GET", "/indexes")
    assert (status, error["code"]) == (500, "internal_server_error")
    assert "AttributeError" in caplog.text


async def test_requests_are_recorded(call: SendRequest, emulator: Emulator, make_asset: CreateResource) -> None:
    await make_asset("film.mp4", samples.video(size=5000))
    await call("GET", "/assets?page=2")
    uploaded, listed = emulator.requests
    assert (uploaded.method, uploaded.route, uploaded.status) == ("POST", "POST /assets", 201)
    assert uploaded.size > 5000
    assert uploaded.headers["content-type"].startswith("multipart/form-data")
    assert (listed.path, listed.with_key, listed.size) == ("/v1.3/assets?page=2", True, 0)
    assert emulator.requests.for_operation("GET /assets") == [listed]
    emulator.requests.clear()
    assert len(emulator.requests) == 0


async def test_the_request_log_has_a_maximum_size(
    serve: Callable[..., Awaitable[Emulator]], connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
) -> None:
    emulator = await serve(request_log_size=2)
    session = await connect(emulator)
    for path in ("indexes", "assets", "tasks"):
        async with session.get(path):
            pass
    assert [request.route for request in emulator.requests] == ["GET /assets", "GET /tasks"]

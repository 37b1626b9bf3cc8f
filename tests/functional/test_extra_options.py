"""Headers, query parameters and body fields of the caller: what is sent, overridden and rejected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest
from support import KEY, RawRequest, RawServer, raw_response

from twelvelabs_async import AsyncTwelveLabs, BadRequestError, InvalidInputError
from twelvelabs_async.emulator import Emulator, Timing

ASSET = {"_id": "a" * 24, "method": "direct", "status": "ready", "filename": "x.mp4", "file_type": "video/mp4"}


async def respond(request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    if "/indexes" in request.target and request.method == "GET":
        page = 2 if "page=2" in request.target else 1
        info = {"page": page, "limit_per_page": 1, "total_page": 2, "total_results": 2}
        return raw_response(200, json.dumps({"data": [{"_id": f"{page:024}", "index_name": "x"}], "page_info": info}))
    if request.method == "DELETE":
        return raw_response(204, b"")
    if request.target.endswith("/analyze") and b'"stream":true' in request.body:
        return raw_response(200, '{"event_type":"stream_end"}\n')
    return raw_response(200, json.dumps(ASSET))


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer(respond) as running:
        yield running


@pytest.fixture
async def client(server: RawServer) -> AsyncIterator[AsyncTwelveLabs]:
    headers = {"X-Gateway": "blue", "x-team": "search", "user-agent": "portal/3"}
    async with AsyncTwelveLabs(KEY, base_url=server.base_url, default_headers=headers) as opened:
        yield opened


def form_fields(request: RawRequest) -> list[tuple[str, str]]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message: Any = BytesParser(policy=HTTP).parsebytes(head + request.body)
    return [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True).decode())
        for part in message.iter_parts()
    ]


async def test_default_headers_are_sent_with_each_request(client: AsyncTwelveLabs, server: RawServer) -> None:
    await client.indexes.delete("i" * 24)
    await client.with_options(timeout=5).assets.create(method="direct", file=b"x" * 20)
    async for _ in client.analyze_stream(video={"type": "url", "url": "https://a.example/b.mp4"}, prompt="?"):
        pass
    assert len(server.requests) == 3
    for request in server.requests:
        assert (request.headers["X-Gateway"], request.headers["X-Team"]) == ("blue", "search")
        assert request.headers.getall("User-Agent") == ["portal/3"]
        assert request.headers.getall("x-api-key") == [KEY]


async def test_request_headers_override_extra_headers_which_override_defaults(
    client: AsyncTwelveLabs, server: RawServer
) -> None:
    options = client.with_options(extra_headers={"X-TEAM": "video"})
    await options.request("GET", "/x")
    await options.with_options(extra_headers={"x-second": "2"}).request("GET", "/x")
    await options.request("GET", "/x", headers={"x-Team": "one"})
    await client.request("GET", "/x")
    assert [request.headers.getall("X-Team") for request in server.requests] == [
        ["video"],
        ["video"],
        ["one"],
        ["search"],
    ]
    assert [request.headers.get("X-Second") for request in server.requests] == [None, "2", None, None]


async def test_extra_headers_override_the_accept_header_of_a_stream(client: AsyncTwelveLabs, server: RawServer) -> None:
    options = client.with_options(extra_headers={"accept": "application/x-ndjson"})
    async for _ in options.analyze_stream(video={"type": "url", "url": "https://a.example/b.mp4"}, prompt="?"):
        pass
    assert server.requests[0].headers.getall("Accept") == ["application/x-ndjson"]


async def test_extra_query_is_sent_with_each_page(client: AsyncTwelveLabs, server: RawServer) -> None:
    options = client.with_options(extra_query={"trial": True, "page_limit": 1, "tags": ["a", "b c"]})
    assert len(await options.indexes.list(page_limit=5).to_list()) == 2
    assert [request.target.partition("?")[2] for request in server.requests] == [
        "page_limit=1&trial=true&tags=a&tags=b+c",
        "page_limit=1&page=2&trial=true&tags=a&tags=b+c",
    ]


async def test_extra_body_overrides_top_level_json_fields(client: AsyncTwelveLabs, server: RawServer) -> None:
    options = client.with_options(extra_body={"prompt": "mine", "seed": 7, "nested": {"a": [1, None]}, "none": None})
    await options.request("POST", "/x", json={"prompt": "theirs", "kept": {"x": 1}})
    await options.with_options(extra_body={"seed": 8}).request("POST", "/x")
    await options.request("DELETE", "/x", json={"id": 1}, response_type=type(None))
    await options.request("GET", "/x")
    extra: dict[str, Any] = {"prompt": "mine", "seed": 7, "nested": {"a": [1, None]}, "none": None}
    first, second, third, fourth = server.requests
    assert json.loads(first.body) == {**extra, "kept": {"x": 1}}
    assert json.loads(second.body) == {**extra, "seed": 8}
    assert json.loads(third.body) == {**extra, "id": 1}
    assert fourth.body == b""


async def test_extra_body_overrides_form_fields(client: AsyncTwelveLabs, server: RawServer) -> None:
    body = {"method": "odd", "level": 2, "list": ["a", "b"], "dict": {"ä": 1}, "filename": None}
    options = client.with_options(extra_body=body)
    await options.assets.create(method="direct", file=b"x" * 20, filename="clip.mp4")
    assert form_fields(server.requests[0]) == [
        ("method", "odd"),
        ("level", "2"),
        ("list", "a"),
        ("list", "b"),
        ("dict", '{"ä":1}'),
        ("file", "x" * 20),
    ]


async def test_extra_body_is_rejected_if_it_cannot_be_merged(client: AsyncTwelveLabs, server: RawServer) -> None:
    with pytest.raises(InvalidInputError, match="not a JSON object"):
        await client.with_options(extra_body={"a": 1}).request("POST", "/x", json=[1])
    with pytest.raises(InvalidInputError, match="sends a file of this name"):
        await client.with_options(extra_body={"file": "a"}).assets.create(method="direct", file=b"x" * 20)
    with pytest.raises(InvalidInputError, match="user_metadata"):
        client.with_options(extra_body={"user_metadata": {}}).ingest("x", index_id="i" * 24)
    assert server.requests == []


async def test_later_changes_to_option_dicts_have_no_effect(client: AsyncTwelveLabs, server: RawServer) -> None:
    headers, body, query = {"X-A": "1"}, {"deep": {"a": 1}}, {"tags": ["a"]}
    options = client.with_options(extra_headers=headers, extra_body=body, extra_query=query)
    headers["X-A"] = "2"
    body["deep"]["a"] = 2
    query["tags"].append("b")
    await options.request("POST", "/x")
    assert server.requests[0].headers["X-A"] == "1"
    assert json.loads(server.requests[0].body) == {"deep": {"a": 1}}
    assert server.requests[0].target.endswith("/x?tags=a")


async def send_with(client: AsyncTwelveLabs, name: str, headers: Any) -> None:
    if name == "default_headers":
        AsyncTwelveLabs(KEY, default_headers=headers)
    elif name == "extra_headers":
        client.with_options(extra_headers=headers)
    else:
        await client.request("GET", "/x", headers=headers)


@pytest.mark.parametrize("name", ["default_headers", "extra_headers", "headers"])
@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-API-Key": "k"}, "api_key="),
        ({"x_api_key": "k"}, "api_key="),
        ({"HOST": "a.example"}, "the client sets it"),
        ({"Content-Length": "1"}, "the client sets it"),
        ({"content-type": "text/plain"}, "the client sets it"),
        ({"Transfer-Encoding": "chunked"}, "the client sets it"),
        ({"connection": "close"}, "the client sets it"),
        ({"X-A": "a\r\nX-B: b"}, "without line breaks"),
        ({"X-A": "a\n"}, "without line breaks"),
        ({"X-A": "a\0"}, "printable ASCII"),
        ({"X-A": "Zürich"}, "printable ASCII"),
        ({"X-A": b"a"}, "must be a string, got bytes"),
        ({"X-A": 1}, "must be a string, got int"),
        ({"X-A": None}, "must be a string, got NoneType"),
        ({"X A": "a"}, "invalid header name"),
        ({"X-A\r\nX-B": "a"}, "invalid header name"),
        ({"": "a"}, "non-empty strings"),
        ({b"X-A": "a"}, "non-empty strings"),
        ({"X-A": "a", "x-a": "b"}, "twice"),
        ([("X-A", "a")], "must be a dict"),
        ("X-A: a", "must be a dict"),
    ],
)
async def test_headers_that_cannot_be_sent_are_rejected(
    client: AsyncTwelveLabs, server: RawServer, name: str, headers: Any, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        await send_with(client, name, headers)
    assert name in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("name", ["default_headers", "extra_headers"])
async def test_a_client_wide_idempotency_key_is_rejected(client: AsyncTwelveLabs, name: str) -> None:
    with pytest.raises(InvalidInputError, match="idempotency_key="):
        await send_with(client, name, {"idempotency-key": "1"})


async def test_a_post_with_an_idempotency_key_is_retried(emulator: Emulator) -> None:
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as opened:
        emulator.faults.add("POST /analyze/tasks", status=503, headers={"retry-after-ms": "1"})
        with pytest.raises(BadRequestError, match="resource_not_exist"):  # after the retry
            await opened.request(
                "POST",
                "/analyze/tasks",
                json={"model_name": "pegasus1.5", "video": {"type": "asset_id", "asset_id": "f" * 24}, "prompt": "?"},
                headers={"idempotency-key": "one"},
            )
        assert [request.status for request in emulator.requests] == [503, 400]


@pytest.mark.parametrize("option", ["extra_query", "extra_body"])
@pytest.mark.parametrize(
    "value",
    [
        {"a": b"bytes"},
        {"a": object()},
        {"a": float("nan")},
        {"a": "\ud800"},
        {"\ud800": "a"},
        {"": 1},
        {1: 1},
        [("a", 1)],
        "a=1",
    ],
)
def test_values_that_cannot_be_sent_are_rejected(option: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=option + "|^a |UTF-8"):
        AsyncTwelveLabs(KEY).with_options(**{option: value})


async def test_a_secret_header_is_in_no_repr_and_no_error(client: AsyncTwelveLabs) -> None:
    options = client.with_options(extra_headers={"Authorization": "Bearer s3cr3t"}, extra_body={"token": "s3cr3t"})
    assert "s3cr3t" not in repr(vars(options)) + repr(options)
    with pytest.raises(InvalidInputError) as caught:
        client.with_options(extra_headers={"Authorization": "Bearer s3cr3t\n"})
    assert "s3cr3t" not in str(caught.value)


async def test_a_client_with_options_shares_the_pool_and_leaves_it_open(
    client: AsyncTwelveLabs, server: RawServer
) -> None:
    async with client.with_options(extra_headers={"X-A": "1"}) as options:
        await options.request("GET", "/x")
    await client.request("GET", "/x")
    assert server.connection_count == 1
    assert options.limits == client.limits
    assert not client.closed
    await client.close()
    assert options.closed


async def test_uploads_to_storage_have_no_extra_headers(tmp_path: Any) -> None:
    sent_headers: list[Any] = []
    async with Emulator(timing=Timing(asset=0)) as emulator:
        options = AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, default_headers={"X-Gateway": "blue"})
        async with options:
            transport: Any = options._executor.transport
            send = transport._exchange_with_idle_timeout

            async def record(session: Any, method: str, url: Any, headers: Any, *rest: Any) -> Any:
                sent_headers.append(dict(headers))
                return await send(session, method, url, headers, *rest)

            transport._exchange_with_idle_timeout = record
            extended = options.with_options(extra_headers={"X-Trial": "1"})
            (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 9_000_000)
            await extended.assets.upload(tmp_path / "clip.mp4", method="multipart")
    storage_headers = [headers for headers in sent_headers if "x-api-key" not in headers]
    assert storage_headers
    assert not any({"X-Gateway", "X-Trial"} & headers.keys() for headers in storage_headers)


def test_a_client_without_extra_options_has_the_default_executor() -> None:
    client = AsyncTwelveLabs(KEY)
    executor_type = type(client._executor)
    assert type(client.with_options(timeout=1)._executor) is executor_type
    assert type(client.with_options(extra_headers={"X-A": "1"})._executor) is not executor_type

"""The storage behind presigned URLs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
PutChunk = Callable[..., Awaitable[tuple[int, str, str]]]

UPLOADS = "/assets/multipart-uploads"
CHUNK = bytes(1000)


async def test_a_url_works_once(upload: dict[str, Any], put: PutChunk) -> None:
    url, headers = upload["upload_urls"][0]["url"], upload["upload_headers"]
    assert (await put(url, CHUNK, headers))[0] == 200
    status, body, _ = await put(url, CHUNK, headers)
    assert status == 403
    assert "<Code>AccessDenied</Code>" in body


async def test_a_url_expires(upload: dict[str, Any], put: PutChunk, advance: Callable[[float], None]) -> None:
    advance(3600)
    status, body, _ = await put(upload["upload_urls"][0]["url"], CHUNK, upload["upload_headers"])
    assert status == 403
    assert "expired" in body


@pytest.mark.parametrize("change", [("signature=", "signature=0"), ("expires=1", "expires=2"), ("/1?", "/2?")])
async def test_a_changed_url_is_rejected(upload: dict[str, Any], put: PutChunk, change: tuple[str, str]) -> None:
    status, body, _ = await put(upload["upload_urls"][0]["url"].replace(*change), CHUNK, upload["upload_headers"])
    assert status == 403
    assert "SignatureDoesNotMatch" in body


async def test_the_upload_headers_of_a_session_are_not_required(upload: dict[str, Any], put: PutChunk) -> None:
    assert upload["upload_headers"] == {"x-upload-session": upload["upload_id"]}
    assert (await put(upload["upload_urls"][0]["url"], CHUNK, {}))[0] == 200


@pytest.mark.parametrize("headers", [None, {"x-amz-acl": "private", "content-type": "video/mp4"}])
async def test_upload_headers_can_be_required_by_a_setting(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    put: PutChunk,
    headers: dict[str, str] | None,
) -> None:
    emulator = await serve(chunk_size=1000, upload_headers=headers, require_upload_headers=True)
    body = {"filename": "f.mp4", "type": "video", "total_size": 1000}
    async with (await connect(emulator)).post("assets/multipart-uploads", json=body) as response:
        upload = await response.json()
    assert upload["upload_headers"] == (headers or {"x-upload-session": upload["upload_id"]})
    url = upload["upload_urls"][0]["url"]
    status, text, _ = await put(url, CHUNK, {})
    assert status == 403
    assert "SignatureDoesNotMatch" in text
    assert (await put(url, CHUNK, dict.fromkeys(upload["upload_headers"], "wrong")))[0] == 403
    assert (await put(url, CHUNK, upload["upload_headers"]))[0] == 200


@pytest.mark.parametrize("content", [CHUNK[:-1], CHUNK + b"x", b""])
async def test_a_chunk_must_have_its_exact_size(upload: dict[str, Any], put: PutChunk, content: bytes) -> None:
    url, headers = upload["upload_urls"][0]["url"], upload["upload_headers"]
    assert (await put(url, content, headers))[0] == 400
    assert (await put(url, CHUNK, headers))[0] == 200


async def test_a_chunk_requires_a_content_length(upload: dict[str, Any], put: PutChunk) -> None:
    async def blocks() -> Any:
        yield CHUNK

    assert (await put(upload["upload_urls"][0]["url"], blocks(), upload["upload_headers"]))[0] == 411


async def test_the_storage_has_no_other_operations(emulator: Emulator) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(emulator.storage_url + "/secret") as response:
            assert (response.status, response.content_type) == (404, "application/xml")
        async with session.get(emulator.storage_url + "/uploads/a/1") as response:
            assert response.status == 405
        async with session.put(emulator.storage_url + "/uploads/a/1") as response:
            assert response.status == 404


async def test_a_new_upload_includes_only_the_first_urls(call: SendRequest) -> None:
    body = {"filename": "f.mp4", "type": "video", "total_size": 60_000}
    _, created = await call("POST", UPLOADS, json=body)
    assert [entry["chunk_index"] for entry in created["upload_urls"]] == list(range(1, 11))
    path = f"{UPLOADS}/{created['upload_id']}/presigned-urls"
    _, new_urls = await call("POST", path, json={"start": 11, "count": 50})
    assert [entry["chunk_index"] for entry in new_urls["upload_urls"]] == list(range(11, 61))
    assert (await call("POST", path, json={"start": 55, "count": 50}))[1]["count"] == 6
    for invalid_body in ({"start": 11, "count": 51}, {"start": 0, "count": 1}, {"start": 61, "count": 1}, {"start": 1}):
        assert (await call("POST", path, json=invalid_body))[0] == 400


@pytest.fixture
def partial_requests(emulator: Emulator, upload: dict[str, Any]) -> dict[str, tuple[str, bytes]]:
    """URLs and partial requests by origin."""
    url = upload["upload_urls"][0]["url"]
    storage = (
        f"PUT {url.removeprefix(emulator.storage_url)} HTTP/1.1",
        f"x-upload-session: {upload['upload_id']}",
        f"Content-Length: {len(CHUNK)}",
    )
    api = (
        "POST /v1.3/assets HTTP/1.1",
        f"x-api-key: {emulator.api_key}",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Length: 9999",
    )
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return {
        "storage": (emulator.storage_url, "\r\n".join((*storage, "Host: localhost", "\r\n")).encode()),
        "api": (emulator.base_url, "\r\n".join((*api, "Host: localhost", "\r\n")).encode() + form),
    }


@pytest.mark.parametrize("origin", ["storage", "api"])
async def test_an_interrupted_request_has_no_effect(
    emulator: Emulator,
    upload: dict[str, Any],
    partial_requests: dict[str, tuple[str, bytes]],
    put: PutChunk,
    wait_until: Callable[[Callable[[], bool]], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
    origin: str,
) -> None:
    url, request_start = partial_requests[origin]
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write(request_start + b"x" * 300)
    await wait_until(lambda: emulator.in_flight == 1)
    writer.transport.abort()
    await wait_until(lambda: emulator.in_flight == 0)
    assert emulator.requests[-1].status == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert (await put(upload["upload_urls"][0]["url"], CHUNK, upload["upload_headers"]))[0] == 200

"""Somebody sends chunks to presigned URLs, at an origin that knows nothing of keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator

Call = Callable[..., Awaitable[tuple[int, Any]]]
Put = Callable[..., Awaitable[tuple[int, str, str]]]

UPLOADS = "/assets/multipart-uploads"
CHUNK = bytes(1000)


async def test_a_url_works_once(upload: dict[str, Any], put: Put) -> None:
    url, headers = upload["upload_urls"][0]["url"], upload["upload_headers"]
    assert (await put(url, CHUNK, headers))[0] == 200
    status, body, _ = await put(url, CHUNK, headers)
    assert status == 403
    assert "<Code>AccessDenied</Code>" in body


async def test_a_url_expires(upload: dict[str, Any], put: Put, advance: Callable[[float], None]) -> None:
    advance(3600)
    status, body, _ = await put(upload["upload_urls"][0]["url"], CHUNK, upload["upload_headers"])
    assert status == 403
    assert "expired" in body


@pytest.mark.parametrize("change", [("signature=", "signature=0"), ("expires=1", "expires=2"), ("/1?", "/2?")])
async def test_a_url_cannot_be_changed(upload: dict[str, Any], put: Put, change: tuple[str, str]) -> None:
    status, body, _ = await put(upload["upload_urls"][0]["url"].replace(*change), CHUNK, upload["upload_headers"])
    assert status == 403
    assert "SignatureDoesNotMatch" in body


async def test_the_headers_that_came_along_have_to_be_sent(upload: dict[str, Any], put: Put) -> None:
    status, body, _ = await put(upload["upload_urls"][0]["url"], CHUNK, {})
    assert status == 403
    assert "SignatureDoesNotMatch" in body


@pytest.mark.parametrize("content", [CHUNK[:-1], CHUNK + b"x", b""])
async def test_a_chunk_has_its_exact_size(upload: dict[str, Any], put: Put, content: bytes) -> None:
    url, headers = upload["upload_urls"][0]["url"], upload["upload_headers"]
    assert (await put(url, content, headers))[0] == 400
    assert (await put(url, CHUNK, headers))[0] == 200


async def test_a_chunk_comes_with_its_length(upload: dict[str, Any], put: Put) -> None:
    async def pieces() -> Any:
        yield CHUNK

    assert (await put(upload["upload_urls"][0]["url"], pieces(), upload["upload_headers"]))[0] == 411


async def test_the_storage_knows_nothing_but_chunks(emulator: Emulator) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(emulator.storage_url + "/secret") as response:
            assert (response.status, response.content_type) == (404, "application/xml")
        async with session.get(emulator.storage_url + "/uploads/a/1") as response:
            assert response.status == 405
        async with session.put(emulator.storage_url + "/uploads/a/1") as response:
            assert response.status == 404


async def test_only_some_urls_come_at_first(call: Call) -> None:
    body = {"filename": "f.mp4", "type": "video", "total_size": 60_000}
    _, created = await call("POST", UPLOADS, json=body)
    assert [entry["chunk_index"] for entry in created["upload_urls"]] == list(range(1, 11))
    path = f"{UPLOADS}/{created['upload_id']}/presigned-urls"
    _, more = await call("POST", path, json={"start": 11, "count": 50})
    assert [entry["chunk_index"] for entry in more["upload_urls"]] == list(range(11, 61))
    assert (await call("POST", path, json={"start": 55, "count": 50}))[1]["count"] == 6
    for wrong in ({"start": 11, "count": 51}, {"start": 0, "count": 1}, {"start": 61, "count": 1}, {"start": 1}):
        assert (await call("POST", path, json=wrong))[0] == 400


@pytest.fixture
def unfinished(emulator: Emulator, upload: dict[str, Any]) -> dict[str, tuple[str, bytes]]:
    """The beginnings of requests by origin, with the address each goes to."""
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
        "storage": (emulator.storage_url, "\r\n".join((*storage, "Host: a", "\r\n")).encode()),
        "api": (emulator.base_url, "\r\n".join((*api, "Host: a", "\r\n")).encode() + form),
    }


@pytest.mark.parametrize("origin", ["storage", "api"])
async def test_a_caller_who_leaves_in_the_middle_does_no_harm(
    emulator: Emulator,
    upload: dict[str, Any],
    unfinished: dict[str, tuple[str, bytes]],
    put: Put,
    until: Callable[[Callable[[], bool]], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
    origin: str,
) -> None:
    address, beginning = unfinished[origin]
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
    writer.write(beginning + b"x" * 300)
    await until(lambda: emulator.in_flight == 1)
    writer.transport.abort()
    await until(lambda: emulator.in_flight == 0)
    assert emulator.requests[-1].status == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert (await put(upload["upload_urls"][0]["url"], CHUNK, upload["upload_headers"]))[0] == 200

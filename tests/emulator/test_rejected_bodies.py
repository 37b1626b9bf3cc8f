"""Clients receive a response that is sent before the end of the request body."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest

from twelvelabs_async.emulator import Emulator, _net

SIZE = 32 << 20
"""Bytes of a body that is larger than the buffers of both sides."""

WaitUntil = Callable[[Callable[[], bool]], Awaitable[None]]


def blocks() -> Iterator[bytes]:
    for _ in range(SIZE >> 16):
        yield bytes(1 << 16)


def send_with_httpx(method: str, url: str, headers: dict[str, str]) -> int:
    with httpx.Client() as client:
        return client.request(method, url, headers=headers, content=blocks()).status_code


def send_with_http_client(method: str, url: str, headers: dict[str, str]) -> int:
    """Send the whole body before the response is read, as many clients do."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body=blocks(), headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("send", [send_with_httpx, send_with_http_client])
async def test_a_client_receives_a_rejection_during_the_body(
    emulator: Emulator, upload: dict[str, Any], send: Callable[[str, str, dict[str, str]], int]
) -> None:
    length_header = {"content-length": str(SIZE)}
    key_headers = {"x-api-key": emulator.api_key, **length_header}
    part_url = upload["upload_urls"][0]["url"]
    cases = {
        ("PUT", part_url.replace("signature=", "signature=0")): (length_header, 403),
        ("PUT", part_url): (length_header, 400),
        ("PUT", f"{emulator.storage_url}/nothing"): (length_header, 404),
        ("POST", f"{emulator.base_url}/assets"): (length_header, 401),
        ("POST", f"{emulator.base_url}/nothing"): (key_headers, 404),
        ("POST", f"{emulator.base_url}/search"): (key_headers, 400),
    }
    for (method, url), (headers, status) in cases.items():
        assert await asyncio.to_thread(send, method, url, headers) == status
    emulator.faults.add("POST /assets", status=503, after_body_kib=1)
    assert await asyncio.to_thread(send, "POST", f"{emulator.base_url}/assets", key_headers) == 503


async def test_a_connection_serves_further_requests_after_a_rejection(emulator: Emulator) -> None:
    def send() -> list[int]:
        with httpx.Client(base_url=emulator.base_url, headers={"x-api-key": emulator.api_key}) as client:
            return [client.post("/search", content=bytes(1 << 20)).status_code, client.get("/indexes").status_code]

    assert await asyncio.to_thread(send) == [400, 200]


async def test_a_client_that_stops_sending_is_disconnected(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_net, "DRAIN_TIMEOUT", 0.01)
    address = urlsplit(emulator.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"POST /v1.3/assets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
    assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_a_client_may_disconnect_after_a_rejection(
    emulator: Emulator, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(emulator.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"POST /v1.3/assets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
    assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
    writer.transport.abort()
    await wait_until(lambda: len(emulator.requests) == 1)
    async with aiohttp.ClientSession() as session, session.get(f"{emulator.base_url}/indexes") as response:
        assert response.status == 401
    assert not caplog.records

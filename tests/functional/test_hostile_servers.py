"""P17: hostile responses do no harm. P18: every failure is an error of the library."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import sys
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from support import KEY, FastClock, RawHandler, RawRequest, RawServer, always_respond, raw_response

from twelvelabs_async import (
    APIConnectionError,
    APIError,
    AsyncTwelveLabs,
    InternalServerError,
    MalformedResponseError,
    TwelveLabsError,
)
from twelvelabs_async._http.transport import MAX_RESPONSE_SIZE
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.emulator._api import OPERATIONS

MIB = 1 << 20


def gzip_bomb(size: int) -> bytes:
    """Return a gzip file of `size` zero bytes; one compressed block is repeated."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = compressor.compress(b"") + compressor.flush(zlib.Z_FULL_FLUSH)
    first_block = compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    repeated_block = compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return head + first_block + repeated_block * (size // MIB)


async def endless(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


async def endless_head(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while True:
        number += 1
        writer.write(b"".join(b"X-%d-%d: %s\r\n" % (number, line, b"y" * 1000) for line in range(64)))
        await writer.drain()


async def endless_line(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"y" * 65536)
        await writer.drain()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in kilobytes")
@pytest.mark.parametrize(
    "handler",
    [always_respond(raw_response(body=gzip_bomb(512 * MIB), headers={"Content-Encoding": "gzip"})), endless],
    ids=["gzip bomb", "endless body"],
)
async def test_p17_an_endless_body_is_rejected_at_the_size_limit(handler: RawHandler) -> None:
    async with RawServer(handler) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(MalformedResponseError, match=str(MAX_RESPONSE_SIZE)) as caught:
            await client.request("GET", "/x")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= 96 * 1024
        assert not caught.value.retryable


@pytest.mark.parametrize("handler", [endless_head, endless_line])
async def test_p17_an_endless_response_head_is_a_connection_error(handler: RawHandler) -> None:
    async with RawServer(handler) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.request("GET", "/x")
        assert len(str(caught.value)) < 1500
        assert str(caught.value).isprintable()


async def test_p17_a_huge_error_body_has_a_short_message() -> None:
    body = json.dumps({"code": "c" * MIB, "message": "m\n" * MIB, "docs_url": "d" * MIB}).encode()
    async with (
        RawServer(always_respond(raw_response(500, body))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client,
    ):
        with pytest.raises(InternalServerError) as caught:
            await client.request("GET", "/x")
        assert len(str(caught.value)) <= 1500
        assert str(caught.value).isprintable()


def ok_response(*lines: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"Content-Length: %d" % len(body), b"", b""]) + body


MALFORMED_RESPONSES: dict[str, bytes] = {
    "nothing HTTP": b"220 smtp ready\r\n\r\n",
    "binary": bytes(range(256)) * 10,
    "empty line": b"\r\n\r\n\r\n",
    "no version": b"200 OK\r\n\r\n",
    "status with letters": b"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status zero": b"HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "two lengths": ok_response(b"Content-Length: 7"),
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "length with letters": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
    "length and chunks": ok_response(b"Transfer-Encoding: chunked"),
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "huge chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
    "no gzip": ok_response(b"Content-Encoding: gzip", body=b"no gzip at all"),
    "broken gzip": ok_response(b"Content-Encoding: gzip", body=gzip.compress(b"{}" * 999)[:-20] + b"x" * 20),
    "unknown coding": ok_response(b"Content-Encoding: rot13", body=b"\x00\x01"),
    "no deflate": ok_response(b"Content-Encoding: deflate", body=b"\xff\xff\xff"),
    "header without name": ok_response(b": x"),
    "header with a break": ok_response(b"X: a\x00b"),
    "folded header": ok_response(b"X: a\r\n\tb", body=b"["),
    "not UTF-8": ok_response(b"Content-Type: application/json", body=b'{"a": "\xff"}'),
    "odd charset": ok_response(b"Content-Type: application/json; charset=none", body=b"["),
    "a byte order mark": ok_response(body=b"\xef\xbb\xbf[]"),
    "a list": ok_response(body=b"[]"),
    "a number": ok_response(body=b"7"),
    "deep": ok_response(body=b"[" * 100_000),
    "huge number": ok_response(body=b"1" * 10_000),
    "half a surrogate": ok_response(body=b'["\\ud800"]'),
}


@pytest.mark.parametrize("raw", MALFORMED_RESPONSES.values(), ids=MALFORMED_RESPONSES)
async def test_p18_every_malformed_response_raises_an_api_error(raw: bytes, clock: FastClock) -> None:

    async def respond_and_close(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    async with (
        RawServer(respond_and_close) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, timeout=5) as client,
    ):
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: client.request("GET", "/x"),
            lambda: client.request("POST", "/x", json={}),
            lambda: client.indexes.retrieve("a"),
        ]
        for call in calls:
            with pytest.raises(APIError) as caught:
                await call()
            error = caught.value
            assert error.operation
            assert error.attempts >= 1
            assert str(error).isprintable()
            assert len(str(error)) < 1500


PAGES: list[object] = [
    {},
    {"data": None, "page_info": []},
    {"data": 7},
    {"data": [7]},
    {"data": {}},
    {"data": [{}]},
    {"data": [{"_id": None}]},
    {"data": [], "page_info": "x"},
    {"data": [], "page_info": {"total_page": "x"}},
    {"data": [], "page_info": {"next_page_token": 7}},
    {"data": [], "page_info": {"next_page_token": "../x"}},
]


@pytest.mark.parametrize("page", PAGES, ids=str)
async def test_p18_a_page_of_any_shape_is_parsed_or_raises_a_library_error(page: object, clock: FastClock) -> None:
    handler = always_respond(raw_response(body=json.dumps(page)))
    async with RawServer(handler) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client:
        search = client.search.query(index_id="a", search_options=["visual"], query_text="x")
        for items in (client.indexes.list(), client.assets.list(), search):
            await expect_result_or_library_error(items.to_list(3))


async def expect_result_or_library_error(call: Coroutine[Any, Any, object]) -> None:
    """Fail if a call raises anything but an error of the library that names its operation."""
    try:
        await call
    except TwelveLabsError as error:
        named = error.operation if isinstance(error, APIError) else str(error)
        assert named


@pytest.mark.parametrize("page_info", [{}, {"page_info": {"page": None}}])
async def test_p17_an_endlessly_repeated_page_is_an_error(page_info: dict[str, Any], clock: FastClock) -> None:
    page = raw_response(body=json.dumps({"data": [{"_id": str(n), "index_name": "x"} for n in range(50)], **page_info}))
    async with (
        RawServer(always_respond(page)) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
    ):
        with pytest.raises(MalformedResponseError, match="same page"):
            await client.indexes.list().to_list()
        assert len(server.requests) == 2


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "404": {"status": 404},
    "junk": {"status": 200, "body": b"\x00junk"},
    "page": {"html": True},
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "truncated": {"truncate": True},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_p18_every_operation_raises_an_api_error_for_every_fault(
    emulator: Emulator, client: AsyncTwelveLabs, fault: dict[str, Any]
) -> None:
    asyncio.get_running_loop().set_debug(False)
    emulator.faults.add("*", **fault, times=None)
    one_retry = client.with_options(max_retries=1)
    for operation in OPERATIONS:
        segments = operation.path_template.split("/")
        ids = {segment[1:-1]: "0" * 24 for segment in segments if segment.startswith("{")}
        method: Any = operation.method
        with pytest.raises(APIError) as caught:
            await one_retry.request(
                method, operation.path_template, path_params=ids, json={} if method != "GET" else None
            )
        assert caught.value.operation == operation.name

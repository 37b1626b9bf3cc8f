"""P17: nothing a server says can hurt. P18: every failure is one of ours."""

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


def bomb(size: int) -> bytes:
    """A gzip file of `size` zeros; one block of them is packed once and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block + again * (size // MIB)


async def endless(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


async def endless_head(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while True:
        number += 1
        writer.write(b"".join(b"X-%d-%d: %s\r\n" % (number, line, b"y" * 1000) for line in range(64)))
        await writer.drain()


async def endless_line(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"y" * 65536)
        await writer.drain()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in kilobytes")
@pytest.mark.parametrize(
    "answer",
    [always_respond(raw_response(body=bomb(512 * MIB), headers={"Content-Encoding": "gzip"})), endless],
    ids=["gzip bomb", "endless body"],
)
async def test_p17_an_endless_body_is_rejected_at_the_size_limit(answer: RawHandler) -> None:
    async with RawServer(answer) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(MalformedResponseError, match=str(MAX_RESPONSE_SIZE)) as caught:
            await client.request("GET", "/x")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before <= 96 * 1024
        assert not caught.value.retryable


@pytest.mark.parametrize("answer", [endless_head, endless_line])
async def test_p17_an_endless_response_head_is_a_connection_error(answer: RawHandler) -> None:
    async with RawServer(answer) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client:
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


def headed(*lines: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"Content-Length: %d" % len(body), b"", b""]) + body


STRANGE: dict[str, bytes] = {
    "nothing HTTP": b"220 smtp ready\r\n\r\n",
    "binary": bytes(range(256)) * 10,
    "empty line": b"\r\n\r\n\r\n",
    "no version": b"200 OK\r\n\r\n",
    "status with letters": b"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status zero": b"HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "two lengths": headed(b"Content-Length: 7"),
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "length with letters": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
    "length and chunks": headed(b"Transfer-Encoding: chunked"),
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "huge chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
    "no gzip": headed(b"Content-Encoding: gzip", body=b"no gzip at all"),
    "broken gzip": headed(b"Content-Encoding: gzip", body=gzip.compress(b"{}" * 999)[:-20] + b"x" * 20),
    "unknown coding": headed(b"Content-Encoding: rot13", body=b"\x00\x01"),
    "no deflate": headed(b"Content-Encoding: deflate", body=b"\xff\xff\xff"),
    "header without name": headed(b": x"),
    "header with a break": headed(b"X: a\x00b"),
    "folded header": headed(b"X: a\r\n\tb", body=b"["),
    "not UTF-8": headed(b"Content-Type: application/json", body=b'{"a": "\xff"}'),
    "odd charset": headed(b"Content-Type: application/json; charset=none", body=b"["),
    "a byte order mark": headed(body=b"\xef\xbb\xbf[]"),
    "a list": headed(body=b"[]"),
    "a number": headed(body=b"7"),
    "deep": headed(body=b"[" * 100_000),
    "huge number": headed(body=b"1" * 10_000),
    "half a surrogate": headed(body=b'["\\ud800"]'),
}


@pytest.mark.parametrize("raw", STRANGE.values(), ids=STRANGE)
async def test_p18_every_malformed_response_raises_an_api_error(raw: bytes, clock: FastClock) -> None:
    """P18, P20."""

    async def say_and_close(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    async with (
        RawServer(say_and_close) as server,
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
    """P18, P20."""
    answer = always_respond(raw_response(body=json.dumps(page)))
    async with RawServer(answer) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client:
        search = client.search.query(index_id="a", search_options=["visual"], query_text="x")
        for items in (client.indexes.list(), client.assets.list(), search):
            await outcome(items.to_list(3))


async def outcome(call: Coroutine[Any, Any, object]) -> None:
    """Fail if a call ends in anything but a result or an error of ours that names its operation."""
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
    once = client.with_options(max_retries=1)
    for operation in OPERATIONS:
        steps = operation.path_template.split("/")
        ids = {step[1:-1]: "0" * 24 for step in steps if step.startswith("{")}
        method: Any = operation.method
        with pytest.raises(APIError) as caught:
            await once.request(method, operation.path_template, path_params=ids, json={} if method != "GET" else None)
        assert caught.value.operation == operation.name

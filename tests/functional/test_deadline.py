"""P6: one deadline for all attempts and waits of a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from support import KEY, FastClock, RawHandler, RawRequest, RawServer, eventually, raw_response

from twelvelabs_async import APIConnectionError, APIError, APITimeoutError, AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.requests import FilePart, Form

TIMEOUT = 0.4
MACHINE_DELAY = 60.0
"""Seconds by which a loaded machine may be late; the servers below stall for an hour or never end their response."""


async def stall(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(3600)
    return raw_response()


async def send_body_slowly(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def send_head_slowly(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        writer.write(b"X-%d: y\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.02)


async def send_100_continue_endlessly(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


async def fail(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0.01)
    return raw_response(503, headers={"retry-after-ms": "10"})


async def measure_failure(call: Coroutine[Any, Any, object]) -> tuple[float, APIError]:
    start = time.monotonic()
    with pytest.raises(APIError) as caught:
        await call
    return time.monotonic() - start, caught.value


@pytest.mark.parametrize("handler", [stall, send_body_slowly, send_head_slowly, send_100_continue_endlessly, fail])
async def test_p6_a_call_ends_at_its_deadline_and_sends_nothing_after_it(handler: RawHandler) -> None:
    async with (
        RawServer(handler) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, timeout=TIMEOUT, max_retries=10_000) as client,
    ):
        elapsed, error = await measure_failure(client.request("GET", "/x"))
        assert elapsed <= TIMEOUT + MACHINE_DELAY
        assert error.give_up_reason in {"deadline", "retry_budget_exhausted"}
        sent = len(server.requests)
        await asyncio.sleep(0.1)
        assert len(server.requests) == sent


async def test_p6_waiting_for_a_free_connection_counts_towards_the_deadline() -> None:
    async with (
        RawServer(stall) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=1) as client,
    ):
        first = asyncio.create_task(client.request("GET", "/x"))
        await asyncio.sleep(0.05)
        elapsed, error = await measure_failure(client.with_options(timeout=TIMEOUT).request("GET", "/y"))
        assert elapsed <= TIMEOUT + MACHINE_DELAY
        assert isinstance(error, APITimeoutError)
        assert len(server.requests) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_p6_waiting_for_a_rate_limit_counts_towards_the_deadline() -> None:
    """An exhausted window without a reset time allows one request at a time."""

    async def report_limit_then_stall(request: RawRequest, writer: asyncio.StreamWriter) -> bytes | None:
        if len(server.requests) == 1:
            return raw_response(headers={"X-Ratelimit-Limit": "1", "X-Ratelimit-Remaining": "0"})
        return await stall(request, writer)

    async with (
        RawServer(report_limit_then_stall) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        await client.request("GET", "/x")
        first = asyncio.create_task(client.request("GET", "/x"))
        await eventually(lambda: len(server.requests) == 2)
        elapsed, error = await measure_failure(client.with_options(timeout=TIMEOUT).request("GET", "/x"))
        assert elapsed <= TIMEOUT + MACHINE_DELAY
        assert isinstance(error, APITimeoutError)
        assert not error.sent
        assert len(server.requests) == 2
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize("stall_point", ["before", "after", "body"])
async def test_p6_a_stalled_response_times_out_at_the_deadline(emulator: Emulator, stall_point: Any) -> None:
    emulator.faults.add("GET /indexes", stall=stall_point)
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, timeout=TIMEOUT) as client:
        elapsed, error = await measure_failure(_list(client))
        assert elapsed <= TIMEOUT + MACHINE_DELAY
        assert isinstance(error, APITimeoutError)
        assert isinstance(error, TimeoutError)
        assert error.retryable
        await eventually(lambda: emulator.in_flight == 0)


async def _list(client: AsyncTwelveLabs) -> object:
    return await client.indexes.list()


async def test_p6_an_upload_has_an_idle_timeout_instead_of_a_deadline() -> None:
    """A large upload may take longer than the timeout as long as bytes are sent."""

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(6):
            await asyncio.sleep(0.3)
            yield b"x"

    async def answer(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0)
        return raw_response()

    part = FilePart(name="file", filename="a", content=blocks, size=6)
    async with (
        RawServer(answer) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, timeout=1.5, idle_timeout=60) as client,
    ):
        assert await client.request("POST", "/x", form=Form.build(files=[part])) == {}
        assert len(server.requests) == 1

    async with (
        RawServer(stall) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, timeout=0.2, idle_timeout=1) as client,
    ):
        elapsed, error = await measure_failure(client.request("POST", "/x", form=Form.build(files=[part])))
        assert elapsed <= MACHINE_DELAY
        assert isinstance(error, APITimeoutError)
        assert error.ambiguous


async def test_p22_a_wait_continues_after_a_poll_times_out(emulator: Emulator) -> None:
    """A timeout of one poll does not end the wait."""
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        created = await client.assets.create(method="url", url="https://media.example/a.mp4")
        emulator.faults.add("GET /assets/{asset_id}", stall="before")
        client_with_timeout = client.with_options(timeout=TIMEOUT)
        asset = await client_with_timeout.assets.wait_for_done(created.id, sleep_interval=0.01)
        assert asset.status == "ready"
        assert len(emulator.requests.for_operation("GET /assets/{asset_id}")) >= 2


async def test_an_unreachable_server_raises_a_connection_error_after_all_attempts(clock: FastClock) -> None:
    async with AsyncTwelveLabs(KEY, base_url="http://127.0.0.1:9/v1.3", clock=clock) as client:
        _, error = await measure_failure(client.request("POST", "/x", json={}))
        assert isinstance(error, APIConnectionError)
        assert (error.sent, error.ambiguous, error.retryable, error.attempts) == (False, False, True, 4)

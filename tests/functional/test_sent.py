"""A failed write is ambiguous only if the head of its request was written to a connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import aiohttp
import pytest
import trustme
from support import KEY, FastClock, RawRequest, RawServer, always_respond, eventually, raw_response, respond_in_order

from twelvelabs_async import APIConnectionError, APIError, APITimeoutError, AsyncTwelveLabs
from twelvelabs_async._http.body import Body, IdleTimer, encode_json
from twelvelabs_async._http.connections import KEEPALIVE_IDLE, Attempt
from twelvelabs_async.requests import FilePart, Form

INDEX: dict[str, Any] = {
    "index_name": "one",
    "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}],
}


async def stall(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(3600)
    return b""


async def failed_write(client: AsyncTwelveLabs) -> APIConnectionError:
    """Send a write that fails, and return its error."""
    with pytest.raises(APIConnectionError) as caught:
        await client.request("POST", "/x", json={})
    return caught.value


def upload_form(blocks: Callable[[], AsyncIterator[bytes]], size: int) -> Any:
    return Form.build(files=[FilePart(name="file", filename="a.mp4", content=blocks, size=size)])


async def test_a_timeout_while_waiting_for_a_connection_is_not_ambiguous() -> None:
    async with (
        RawServer(stall) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=1) as client,
    ):
        first = asyncio.create_task(client.request("GET", "/first"))
        await eventually(lambda: len(server.requests) == 1)
        error = await failed_write(client.with_options(timeout=0.1))
        assert isinstance(error, APITimeoutError)
        assert (error.sent, error.ambiguous, error.retryable) == (False, False, True)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_timeout_during_the_tls_handshake_is_not_ambiguous() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1.3"
        async with AsyncTwelveLabs(KEY, base_url=url, timeout=0.1) as client:
            error = await failed_write(client)
        assert (error.sent, error.ambiguous) == (False, False)


async def test_an_unfinished_tls_handshake_ends_with_the_connect_timeout(clock: FastClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1.3"
        async with AsyncTwelveLabs(KEY, base_url=url, connect_timeout=0.05, max_retries=1, clock=clock) as client:
            error = await failed_write(client)
        assert (error.sent, error.ambiguous, error.attempts) == (False, False, 2)


async def test_a_timeout_after_the_request_was_written_is_ambiguous() -> None:
    async with RawServer(stall) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, timeout=1) as client:
        error = await failed_write(client)
    assert (error.sent, error.ambiguous) == (True, True)


async def test_a_request_whose_body_does_not_start_is_not_sent() -> None:
    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b"x"

    async with RawServer(stall) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        attempt = Attempt()
        body = Body(content=nothing, size=1, content_type="video/mp4")
        put = client._executor.transport.put_to_storage(f"{server.origin}/p", {}, body, attempt, idle_timeout=0.1)
        with pytest.raises(APITimeoutError) as caught:
            await put
    assert not attempt.sent
    assert not caught.value.sent


@pytest.mark.parametrize("status", [520, 522, 524, 530, 425])
async def test_a_write_with_an_inconclusive_status_is_ambiguous(status: int) -> None:
    async with (
        RawServer(always_respond(raw_response(status, b"<html>"))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        with pytest.raises(APIError) as caught:
            await client.indexes.create(**INDEX)
        assert (caught.value.ambiguous, len(server.requests)) == (True, 1)


@pytest.mark.parametrize("status", [300, 304])
async def test_a_3xx_status_without_a_location_is_not_a_redirect(status: int) -> None:
    async with (
        RawServer(always_respond(raw_response(status, b""))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        with pytest.raises(APIError) as caught:
            await client.request("GET", "/x")
    assert (caught.value.status_code, caught.value.code) == (status, None)
    assert "redirect" not in str(caught.value)


# Data on idle connections.


def index_response(id: str) -> bytes:
    return raw_response(body=f'{{"_id": "{id}", "index_name": "x", "models": []}}')


async def respond_twice(request: RawRequest, writer: asyncio.StreamWriter) -> bytes:
    writer.write(index_response(request.target.rpartition("/")[2]))
    await writer.drain()
    await asyncio.sleep(0.01)  # until the client has read the first response
    return index_response("of-another-request")


@pytest.mark.parametrize("external_session", [False, True])
async def test_an_unsolicited_response_is_not_used_for_the_next_call(*, external_session: bool) -> None:
    async with RawServer(respond_twice) as server, aiohttp.ClientSession() as session:
        async with AsyncTwelveLabs(
            KEY, base_url=server.base_url, session=session if external_session else None, max_retries=0
        ) as client:
            for id in ("a", "b", "c"):
                assert (await client.indexes.retrieve(id)).id == id
                await asyncio.sleep(0.05)
        assert (len(server.requests), server.connection_count) == (3, 3)


async def test_an_upload_does_not_use_an_idle_connection_with_unsolicited_data() -> None:
    async with (
        RawServer(respond_twice) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client,
    ):
        for id in ("a", "b"):
            await client.request("POST", f"/{id}", form=upload_form(lambda: blocks(3), 3))
            await asyncio.sleep(0.05)
        assert [len(request.body) for request in server.requests] == [
            len(request.body) for request in server.requests[:1]
        ] * 2


async def test_data_received_before_the_request_is_sent_is_a_connection_error(clock: FastClock) -> None:
    connections = 0

    async def send_greeting(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"220 smtp ready\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(send_greeting, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1.3"
    async with server, AsyncTwelveLabs(KEY, base_url=url, max_retries=1, clock=clock) as client:
        with pytest.raises(APIConnectionError):
            await client.request("GET", "/x")
        assert connections <= 2
        await asyncio.sleep(0.1)


# Timeouts of uploads.


async def blocks(count: int, size: int = 1, pause: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(count):
        await asyncio.sleep(pause)
        yield bytes(size)


async def test_the_idle_timer_starts_when_the_upload_has_a_connection() -> None:
    """An upload that waits for a connection is not idle, although it sends no bytes."""

    async def respond_late(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.8)
        return raw_response()

    async with (
        RawServer(respond_late) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=1, idle_timeout=2.5, max_retries=0) as client,
    ):
        await client.request("GET", "/x")
        uploads = [client.request("POST", "/x", form=upload_form(lambda: blocks(2), 2)) for _ in range(5)]
        assert await asyncio.gather(*uploads) == [{}] * 5


async def test_an_explicit_timeout_covers_an_upload_until_its_first_byte() -> None:
    async with (
        RawServer(stall) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=1) as client,
    ):
        first = asyncio.create_task(client.request("GET", "/first"))
        await eventually(lambda: len(server.requests) == 1)
        with pytest.raises(APITimeoutError) as caught:
            await client.with_options(timeout=0.1).request("POST", "/x", form=upload_form(lambda: blocks(2), 2))
        assert (caught.value.sent, caught.value.ambiguous, caught.value.give_up_reason) == (False, False, "deadline")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_the_transfer_time_of_an_upload_does_not_reduce_its_retries() -> None:
    async with (
        RawServer(respond_in_order([raw_response(503), raw_response()])) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, timeout=2, clock=FastClock()) as client,
    ):
        form = upload_form(lambda: blocks(3, pause=0.05), 3)
        assert await client.request("POST", "/x", form=form, retry_class="idempotent") == {}
        assert len(server.requests) == 2


@pytest.mark.oldest_python
async def test_a_slow_transfer_is_not_idle() -> None:
    """The last block takes longer than `idle_timeout`, but the server reads parts of it continuously."""
    size, read = 64 << 20, 0  # the operating system buffers about 10 MiB

    async def read_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal read
        head = await reader.readuntil(b"\r\n\r\n")
        total = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while read < total:
            read += len(await reader.read(1 << 19))
            await asyncio.sleep(0.05)
        writer.write(raw_response())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(read_slowly, "127.0.0.1", 0, limit=1 << 16)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1.3"
    async with server, AsyncTwelveLabs(KEY, base_url=url, idle_timeout=4, max_retries=0) as client:
        form = upload_form(lambda: blocks(1, size), size)
        assert await client.request("POST", "/x", form=form) == {}
    assert read >= size


async def test_the_idle_timer_ends_a_stalled_transfer() -> None:
    class SlowTransport:
        """A transport that sends one byte per check until 20 are left."""

        remaining = 40

        def get_write_buffer_size(self) -> int:
            self.remaining = max(20, self.remaining - 1)
            return self.remaining

        def get_extra_info(self, _name: str) -> None:
            return None

    async def wait(transport: Any) -> None:
        async with asyncio.timeout(None) as timeout:
            timer = IdleTimer(timeout, 0.08)
            timer.start(transport)
            try:
                await asyncio.sleep(3600)
            finally:
                timer.stop()

    transport = SlowTransport()
    with pytest.raises(TimeoutError):
        await wait(transport)
    assert transport.remaining == 20


# Storage.


async def test_retry_after_of_storage_is_respected(clock: FastClock) -> None:
    responses = [raw_response(429, headers={"Retry-After": "7"}), raw_response(503, headers={"Retry-After": "9"})]
    async with (
        RawServer(respond_in_order([*responses, raw_response(headers={"ETag": '"x-1"'})])) as storage,
        AsyncTwelveLabs(KEY, base_url=storage.base_url, clock=clock) as client,
    ):

        async def get_url() -> str:
            await asyncio.sleep(0)
            return f"{storage.origin}/part"

        response = await client._executor.put_to_storage(
            get_url, {}, encode_json(b"{}"), verify_response=lambda _: None
        )
        assert response.status == 200
        assert len(storage.requests) == 3
    first, second = clock.sleeps
    assert 7 <= first <= 7 * 1.25 + 0.5
    assert 9 <= second <= 9 * 1.25 + 0.5


@pytest.mark.parametrize("cause", ["name", "date", "authority"])
async def test_a_certificate_error_contains_a_hint_for_its_cause(cause: str) -> None:
    trusted, other = trustme.CA(), trustme.CA()
    authority = other if cause == "authority" else trusted
    name = "example.org" if cause == "name" else "localhost"
    dates: dict[str, Any] = {}
    if cause == "date":
        dates = {"not_before": datetime(2019, 1, 1), "not_after": datetime(2020, 1, 1)}  # noqa: DTZ001  # trustme needs them
    context, trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert(name, **dates).configure_cert(context)
    trusted.configure_trust(trust)

    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/v1.3"
    async with server, AsyncTwelveLabs(KEY, base_url=url, ssl=trust) as client:
        error = await failed_write(client)
    assert (error.sent, error.ambiguous, error.attempts) == (False, False, 1)
    hints = {"name": "another name", "date": "check the clock", "authority": "SSL_CERT_FILE"}
    assert [hint for hint in hints.values() if hint in str(error)] == [hints[cause]]


async def test_the_tls_settings_of_the_caller_are_used() -> None:
    authority, context, trust = (
        trustme.CA(),
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.create_default_context(),
    )
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(trust)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw_response())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}/v1.3"
    async with server, AsyncTwelveLabs(KEY, base_url=url, ssl=trust) as client:
        assert await client.request("GET", "/x") == {}


async def test_apm_agents_can_add_headers_to_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elastic APM does this; headers that it adds to one request are not in the next request."""
    request = aiohttp.ClientSession._request
    count = 0

    async def send_with_trace_header(
        self: aiohttp.ClientSession, *arguments: Any, **keywords: Any
    ) -> aiohttp.ClientResponse:
        nonlocal count
        count += 1
        keywords["headers"][f"X-Trace-{count}"] = "1"
        return await request(self, *arguments, **keywords)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", send_with_trace_header)
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        await client.request("GET", "/x")
        await client.request("POST", "/x", json={})
        await client.request("POST", "/x", form=upload_form(lambda: blocks(1), 1))
    added = [[name for name in request.headers if name.startswith("X-Trace-")] for request in server.requests]
    assert added == [["X-Trace-1"], ["X-Trace-2"], ["X-Trace-3"]]


@pytest.mark.parametrize("external_session", [False, True], ids=["own connector", "external session"])
async def test_all_connections_use_tcp_keep_alive(*, external_session: bool) -> None:
    async with (
        RawServer(always_respond(raw_response())) as server,
        aiohttp.ClientSession() as session,
        AsyncTwelveLabs(KEY, base_url=server.base_url, session=session if external_session else None) as client,
    ):
        await client.request("GET", "/x")
        connector: Any = client._executor.transport._get_connector()
        ((connection, _),) = next(iter(connector._conns.values()))
        connection_socket = connection.transport.get_extra_info("socket")
        assert connection_socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert connection_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == KEEPALIVE_IDLE

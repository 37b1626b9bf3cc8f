"""A server may reject an upload and close the connection before it has read the body."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import Self

import aiohttp
import pytest
import trustme
from support import KEY, FastClock, RawRequest, RawServer, raw_response
from typing_extensions import override

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs, PermissionDeniedError
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.transport import HttpTransport
from twelvelabs_async._options import Settings, resolve_api_key
from twelvelabs_async.requests import FilePart, Method

BLOCK = bytes(16 * 1024)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Value of the socket option `SO_LINGER` with which closing a connection resets it."""


TRUNCATED_BODY = b'{"code": "api_allowed_for_paid_plan", "message": "Your plan does not include this'


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}], ids=["lost connection", "wrong encoding"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_error_response_with_a_damaged_body_keeps_its_status(method: Method, headers: dict[str, str]) -> None:
    async def reject(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(raw_response(403, TRUNCATED_BODY, headers, content_length=len(TRUNCATED_BODY) + 100))
        await writer.drain()
        writer.close()

    async with RawServer(reject) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        with pytest.raises(PermissionDeniedError) as caught:
            await client.request(method, "/x", json=None if method == "GET" else {})
    assert headers or "Your plan does not include this" in caught.value.message
    assert (caught.value.ambiguous, len(server.requests)) == (False, 1)


class EarlyServer:
    """Responds after the head of a request, and closes the connection without reading the body.

    The request body runs the server between two of its blocks, so the response arrives and the connection closes
    before the client's loop can read.
    """

    def __init__(self, *responses: bytes, reset: bool = False) -> None:
        self._responses = deque(responses)
        self._reset = reset
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self.origin = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body; between its blocks, accept the connection and respond."""
        yield BLOCK
        await asyncio.sleep(0)
        connection, _ = self._listening.accept()
        with connection:
            connection.setblocking(False)
            assert b"\r\n\r\n" in connection.recv(1000)
            connection.sendall(self._responses.popleft())
            if self._reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        yield BLOCK
        yield BLOCK

    @property
    def body(self) -> Body:
        return Body(content=self.blocks, size=3 * len(BLOCK), content_type="video/mp4")

    @property
    def file(self) -> FilePart:
        return FilePart(name="file", filename="a.mp4", content=self.blocks, size=3 * len(BLOCK))


class EarlyTlsServer(EarlyServer):
    """The same server over HTTPS, in a thread; the body blocks the client's loop until the server has responded."""

    def __init__(self, *responses: bytes, reset: bool = False) -> None:
        super().__init__(*responses, reset=reset)
        self._listening.setblocking(True)
        self.origin = f"https://localhost:{self._listening.getsockname()[1]}"
        authority, self.client_context = trustme.CA(), ssl.create_default_context()
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(self._context)
        authority.configure_trust(self.client_context)
        self._closed = Event()
        self._thread = Thread(target=self._serve)

    @override
    def __enter__(self) -> Self:
        self._thread.start()
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self._responses.clear()
        socket.create_connection(self._listening.getsockname()).close()  # ends the wait of the thread for a connection
        self._thread.join()
        super().__exit__()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            if not self._responses:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                assert b"\r\n\r\n" in encrypted.recv(1000)
                encrypted.sendall(self._responses.popleft())
                if self._reset:
                    encrypted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._closed.set()

    @override
    async def blocks(self) -> AsyncIterator[bytes]:
        yield BLOCK
        while not self._closed.is_set():
            assert self._thread.is_alive()
        self._closed.clear()
        yield BLOCK
        yield BLOCK


@asynccontextmanager
async def open_transport(server: EarlyServer, *, external_session: bool = False) -> AsyncGenerator[HttpTransport]:
    """A transport with its own session or with an external one."""
    settings = Settings(api_key=resolve_api_key(KEY), base_url=f"{server.origin}/v1.3")
    context = server.client_context if isinstance(server, EarlyTlsServer) else None
    connector = aiohttp.TCPConnector(ssl=context or True)
    async with aiohttp.ClientSession(connector=connector) as session:
        transport = (
            HttpTransport(settings, session=session)
            if external_session
            else HttpTransport(settings, ssl_context=context)
        )
        try:
            yield transport
        finally:
            await transport.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}], ids=["kept alive", "close"])
@pytest.mark.parametrize("status", [401, 403, 413, 429, 503])
async def test_a_response_before_the_end_of_the_request_body_is_returned(
    status: int,
    headers: dict[str, str],
    reset: bool,  # noqa: FBT001  # a pytest parameter
) -> None:
    response = raw_response(status, b'{"code": "early"}', headers)
    with EarlyServer(response, response, reset=reset) as server:
        async with open_transport(server) as transport:
            sent = await transport.send("POST", "/assets", server.body, Attempt(), idle_timeout=10)
            stored = await transport.put_to_storage(
                f"{server.origin}/part", {}, server.body, Attempt(), idle_timeout=10
            )
    assert (sent.status, stored.status) == (status, status)
    assert sent.body == stored.body == b'{"code": "early"}'


async def test_a_connection_lost_without_a_response_counts_as_sent() -> None:
    with EarlyServer(b"") as server:
        async with open_transport(server) as transport:
            with pytest.raises(APIConnectionError) as caught:
                await transport.send("POST", "/assets", server.body, Attempt(), idle_timeout=10)
    assert caught.value.sent
    assert caught.value.retryable


async def test_an_upload_with_an_early_429_waits_and_is_retried() -> None:
    """If the 429 were lost, the upload would be ambiguous and would not be retried."""
    clock = FastClock()
    start = clock.monotonic()
    with EarlyServer(raw_response(429, b"{}", {"Retry-After": "3"}), raw_response(403)) as server:
        async with AsyncTwelveLabs(KEY, base_url=f"{server.origin}/v1.3", clock=clock) as client:
            with pytest.raises(PermissionDeniedError):
                await client.assets.create(method="direct", file=server.file)
    assert clock.monotonic() - start >= 3


async def test_a_success_before_the_whole_body_was_sent_is_ambiguous() -> None:
    """The server may have stored the beginning of the file."""
    created = b'{"_id": "6298d673f1090f1100476d4c", "status": "processing"}'
    with EarlyServer(raw_response(201, created)) as server:
        async with AsyncTwelveLabs(KEY, base_url=f"{server.origin}/v1.3") as client:
            with pytest.raises(APIConnectionError, match="before it had the whole body") as caught:
                await client.assets.create(method="direct", file=server.file)
    assert caught.value.ambiguous


def event_loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if name == "uvloop":
        factory = pytest.importorskip("uvloop", reason="uvloop does not run on Windows").new_event_loop
    return factory


@pytest.mark.parametrize("external_session", [False, True], ids=["own connector", "external session"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("server_type", [EarlyServer, EarlyTlsServer], ids=["http", "https"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_p30_an_early_rejection_is_read_on_each_loop_with_and_without_tls(
    loop: str,
    server_type: type[EarlyServer],
    reset: bool,  # noqa: FBT001  # a parameter
    external_session: bool,  # noqa: FBT001  # a pytest parameter
) -> None:
    response = raw_response(429, b'{"code": "early"}', {"Connection": "close"})

    async def send() -> list[int]:
        with server_type(*[response] * 5, reset=reset) as server:
            async with open_transport(server, external_session=external_session) as transport:
                responses = [
                    await transport.send("POST", "/assets", server.body, Attempt(), idle_timeout=10) for _ in range(5)
                ]
        return [response.status for response in responses]

    with asyncio.Runner(loop_factory=event_loop_factory(loop)) as runner:
        assert runner.run(send()) == [429] * 5


@pytest.mark.parametrize("server_type", [EarlyServer, EarlyTlsServer], ids=["http", "https"])
async def test_p14_a_failed_write_does_not_show_the_url(server_type: type[EarlyServer]) -> None:
    with server_type(b"", reset=True) as server:
        async with open_transport(server) as transport:
            url = f"{server.origin}/part?X-Amz-Signature=signed"
            with pytest.raises(APIConnectionError) as caught:
                await transport.put_to_storage(url, {}, server.body, Attempt(), idle_timeout=10)
    assert "://" not in str(caught.value)
    assert "signed" not in str(caught.value)

"""A server may refuse an upload by its head, and close the connection while the body is still on its way."""

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
AT_ONCE = struct.pack("ii", 1, 0)
"""What makes closing a connection reset it."""


CUT_OFF = b'{"code": "api_allowed_for_paid_plan", "message": "Your plan does not include this'


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Encoding": "gzip"}], ids=["the connection is lost", "the encoding is wrong"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refusal_whose_body_is_damaged_is_still_a_refusal(method: Method, headers: dict[str, str]) -> None:
    async def reject(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(raw_response(403, CUT_OFF, headers, content_length=len(CUT_OFF) + 100))
        await writer.drain()
        writer.close()

    async with RawServer(reject) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        with pytest.raises(PermissionDeniedError) as caught:
            await client.request(method, "/x", json=None if method == "GET" else {})
    assert headers or "Your plan does not include this" in caught.value.message
    assert (caught.value.ambiguous, len(server.requests)) == (False, 1)


class EarlyServer:
    """Answers once it has a head, and closes without reading the rest.

    The body plays the server between two of its blocks, so that the answer comes, and the connection goes, in the very
    moment in which the client's loop cannot have read anything yet.
    """

    def __init__(self, *answers: bytes, reset: bool = False) -> None:
        self._answers = deque(answers)
        self._reset = reset
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self.origin = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body, and the server."""
        yield BLOCK
        await asyncio.sleep(0)
        connection, _ = self._listening.accept()
        with connection:
            connection.setblocking(False)
            assert b"\r\n\r\n" in connection.recv(1000)
            connection.sendall(self._answers.popleft())
            if self._reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        yield BLOCK
        yield BLOCK

    @property
    def body(self) -> Body:
        return Body(content=self.blocks, size=3 * len(BLOCK), content_type="video/mp4")

    @property
    def file(self) -> FilePart:
        return FilePart(name="file", filename="a.mp4", content=self.blocks, size=3 * len(BLOCK))


class EarlyTlsServer(EarlyServer):
    """The same over https, in a thread; the body waits for it without giving the client's loop a chance to read."""

    def __init__(self, *answers: bytes, reset: bool = False) -> None:
        super().__init__(*answers, reset=reset)
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
        self._answers.clear()
        socket.create_connection(self._listening.getsockname()).close()  # the thread waits for a connection
        self._thread.join()
        super().__exit__()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            if not self._answers:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                assert b"\r\n\r\n" in encrypted.recv(1000)
                encrypted.sendall(self._answers.popleft())
                if self._reset:
                    encrypted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
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
async def sessions_for(server: EarlyServer, *, borrowed: bool = False) -> AsyncGenerator[HttpTransport]:
    """What sends, and is closed."""
    settings = Settings(api_key=resolve_api_key(KEY), base_url=f"{server.origin}/v1.3")
    context = server.client_context if isinstance(server, EarlyTlsServer) else None
    connector = aiohttp.TCPConnector(ssl=context or True)
    async with aiohttp.ClientSession(connector=connector) as session:
        sessions = (
            HttpTransport(settings, session=session) if borrowed else HttpTransport(settings, ssl_context=context)
        )
        try:
            yield sessions
        finally:
            await sessions.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("last_words", [{}, {"Connection": "close"}], ids=["kept alive", "close"])
@pytest.mark.parametrize("status", [401, 403, 413, 429, 503])
async def test_a_response_before_the_end_of_the_request_body_is_returned(
    status: int,
    last_words: dict[str, str],
    reset: bool,  # noqa: FBT001  # a parameter
) -> None:
    answer = raw_response(status, b'{"code": "early"}', last_words)
    with EarlyServer(answer, answer, reset=reset) as server:
        async with sessions_for(server) as sessions:
            sent = await sessions.send("POST", "/assets", server.body, Attempt(), idle_timeout=10)
            stored = await sessions.put_to_storage(f"{server.origin}/part", {}, server.body, Attempt(), idle_timeout=10)
    assert (sent.status, stored.status) == (status, status)
    assert sent.body == stored.body == b'{"code": "early"}'


async def test_a_connection_lost_without_a_response_counts_as_sent() -> None:
    with EarlyServer(b"") as server:
        async with sessions_for(server) as sessions:
            with pytest.raises(APIConnectionError) as caught:
                await sessions.send("POST", "/assets", server.body, Attempt(), idle_timeout=10)
    assert caught.value.sent
    assert caught.value.retryable


async def test_an_upload_with_an_early_429_waits_and_is_retried() -> None:
    """Were the 429 lost, nobody could know whether the asset had been made, and nothing would be sent again."""
    clock = FastClock()
    started = clock.monotonic()
    with EarlyServer(raw_response(429, b"{}", {"Retry-After": "3"}), raw_response(403)) as server:
        async with AsyncTwelveLabs(KEY, base_url=f"{server.origin}/v1.3", clock=clock) as client:
            with pytest.raises(PermissionDeniedError):
                await client.assets.create(method="direct", file=server.file)
    assert clock.monotonic() - started >= 3


async def test_a_success_before_the_body_was_sent_is_ambiguous() -> None:
    """The server may have stored what it had: the beginning of a video."""
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


@pytest.mark.parametrize("borrowed", [False, True], ids=["own connector", "borrowed"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("server_type", [EarlyServer, EarlyTlsServer], ids=["http", "https"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_p30_an_early_rejection_is_read_on_each_loop_with_and_without_tls(
    loop: str,
    server_type: type[EarlyServer],
    reset: bool,  # noqa: FBT001  # a parameter
    borrowed: bool,  # noqa: FBT001  # a parameter
) -> None:
    answer = raw_response(429, b'{"code": "early"}', {"Connection": "close"})

    async def send() -> list[int]:
        with server_type(*[answer] * 5, reset=reset) as server:
            async with sessions_for(server, borrowed=borrowed) as sessions:
                responses = [
                    await sessions.send("POST", "/assets", server.body, Attempt(), idle_timeout=10) for _ in range(5)
                ]
        return [response.status for response in responses]

    with asyncio.Runner(loop_factory=event_loop_factory(loop)) as runner:
        assert runner.run(send()) == [429] * 5


@pytest.mark.parametrize("server_type", [EarlyServer, EarlyTlsServer], ids=["http", "https"])
async def test_p14_a_failed_write_does_not_show_the_url(server_type: type[EarlyServer]) -> None:
    with server_type(b"", reset=True) as server:
        async with sessions_for(server) as sessions:
            url = f"{server.origin}/part?X-Amz-Signature=signed"
            with pytest.raises(APIConnectionError) as caught:
                await sessions.put_to_storage(url, {}, server.body, Attempt(), idle_timeout=10)
    assert "://" not in str(caught.value)
    assert "signed" not in str(caught.value)

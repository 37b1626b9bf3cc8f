"""A server may refuse an upload by its head, and close the connection while the body is still on its way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import pytest
from support import KEY, FastClock, http

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs
from twelvelabs_async.body import Body
from twelvelabs_async.request import FilePart
from twelvelabs_async.session import SessionManager
from twelvelabs_async.settings import Settings, find_api_key

BLOCK = bytes(16 * 1024)
AT_ONCE = struct.pack("ii", 1, 0)
"""What makes closing a connection reset it."""


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


@asynccontextmanager
async def sessions_for(server: EarlyServer) -> AsyncGenerator[SessionManager]:
    """What sends, and is closed."""
    sessions = SessionManager(Settings(api_key=find_api_key(KEY), base_url=f"{server.origin}/v1.3"))
    try:
        yield sessions
    finally:
        await sessions.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("last_words", [{}, {"Connection": "close"}], ids=["kept alive", "close"])
@pytest.mark.parametrize("status", [401, 403, 413, 429, 503])
async def test_an_answer_that_came_before_the_end_of_a_body_counts(
    status: int,
    last_words: dict[str, str],
    reset: bool,  # noqa: FBT001  # a parameter
) -> None:
    answer = http(status, b'{"code": "early"}', last_words)
    with EarlyServer(answer, answer, reset=reset) as server:
        async with sessions_for(server) as sessions:
            sent = await sessions.send("POST", "/assets", server.body, idle=10)
            stored = await sessions.store(f"{server.origin}/part", {}, server.body, idle=10)
    assert (sent.status, stored.status) == (status, status)
    assert sent.body == stored.body == b'{"code": "early"}'


async def test_a_connection_that_breaks_without_an_answer_is_in_doubt() -> None:
    with EarlyServer(b"") as server:
        async with sessions_for(server) as sessions:
            with pytest.raises(APIConnectionError) as caught:
                await sessions.send("POST", "/assets", server.body, idle=10)
    assert caught.value.sent
    assert caught.value.retryable


async def test_an_upload_refused_early_for_its_rate_waits_and_is_sent_again() -> None:
    """Were the 429 lost, nobody could know whether the asset had been made, and nothing would be sent again."""
    created = b'{"_id": "6298d673f1090f1100476d4c", "status": "processing"}'
    clock = FastClock()
    with EarlyServer(http(429, b"{}", {"Retry-After": "3"}), http(201, created)) as server:
        async with AsyncTwelveLabs(KEY, base_url=f"{server.origin}/v1.3", clock=clock) as client:
            asset = await client.assets.create(method="direct", file=server.file)
    assert asset.id == "6298d673f1090f1100476d4c"
    assert max(clock.sleeps) >= 3

"""What several test files need: clocks, servers that misbehave, and a server that is only arithmetic."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from email.utils import formatdate
from http import HTTPStatus
from types import NoneType
from typing import Any, Final, Self, TypeVar, cast

import attrs
from multidict import CIMultiDict

from twelvelabs_async.api import Api
from twelvelabs_async.body import Body
from twelvelabs_async.clock import Clock
from twelvelabs_async.emulator import virtual
from twelvelabs_async.errors import APIConnectionError, TwelveLabsError
from twelvelabs_async.policy.budget import Budget
from twelvelabs_async.policy.limiter import RateLimiter
from twelvelabs_async.policy.retry import RetryQuota
from twelvelabs_async.policy.store import MemoryStore
from twelvelabs_async.reply import OpenReply, Reply
from twelvelabs_async.request import Method, Request, RetryClass
from twelvelabs_async.session import SessionManager
from twelvelabs_async.settings import Options

T = TypeVar("T")

KEY: Final = "tlk_NEVER_TO_BE_SEEN_0123456789"
"""The key of clients that talk to raw servers; tests look for it where it must not be."""

NOWHERE: Final = "http://127.0.0.1:9/v1.3"
"""An address nobody listens at."""


class FastClock:
    """The machine's time, and a sleep that jumps ahead instead of waiting."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead

    def time(self) -> float:
        return time.time() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        until = self.monotonic() + seconds
        await asyncio.sleep(0)
        self.ahead += max(0.0, until - self.monotonic())


class LoopClock(virtual.LoopClock):
    """Time as the running loop tells it, also what the wall shows: for `virtually`."""

    EPOCH: Final = virtual.EPOCH

    def __init__(self, *, wrong_by: float = 0.0) -> None:
        super().__init__(virtual.EPOCH + wrong_by)


virtually = virtual.run


def said(
    status: int = 200, content: object = None, headers: Mapping[str, str] | None = None, *, raw: bytes | None = None
) -> Reply:
    """An answer as `SessionManager.send` gives it."""
    body = raw if raw is not None else json.dumps({} if content is None else content).encode()
    return Reply(status=status, headers=CIMultiDict(headers or {}), body=body)


Answering = Callable[[str, str], Awaitable[Reply]]


class FakeSession:
    """Stands for the session manager: the answers come from a function, and nothing is sent."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.sent: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []

    def check(self) -> None:
        """Usable everywhere."""

    async def send(self, method: str, path: str, body: Body, *, idle: float | None = None) -> Reply:
        del idle
        self.sent.append((method, path))
        start = body.start()
        self.bodies.append(start if isinstance(start, bytes) else b"")
        return await self._answer(method, path)

    async def store(self, url: str, headers: Mapping[str, str], body: Body, *, idle: float) -> Reply:
        del headers, body, idle
        self.sent.append(("PUT", url))
        return await self._answer("PUT", url)


def road(
    answer: Answering,
    clock: Clock,
    *,
    options: Options | None = None,
    quota: RetryQuota | None = None,
) -> tuple[Api, FakeSession]:
    """The whole road above a session that is a function."""
    session = FakeSession(answer)
    api = Api(
        session=cast("SessionManager", session),
        limiter=RateLimiter(clock),
        quota=quota or RetryQuota(),
        clock=clock,
        options=options or Options(),
    )
    return api, session


def budget_of(limiter: RateLimiter, category: str) -> Budget:
    """What a limiter without a store of its own knows of a category."""
    assert isinstance(limiter.store, MemoryStore)
    return limiter.store.budget(category)


def ask(method: Method = "GET", template: str = "/x", *, retry: RetryClass = "safe", json: Any = None) -> Request[Any]:
    """A request whose answer is a JSON object."""
    return Request(method=method, template=template, into=dict, retry=retry, json=json)


def forget(method: Method = "DELETE", template: str = "/x", *, retry: RetryClass = "idempotent") -> Request[None]:
    """A request whose answer does not matter."""
    return Request(method=method, template=template, into=NoneType, retry=retry)


def in_turn(*replies: Reply | TwelveLabsError) -> Answering:
    """Answers one after the other, the last one for ever."""
    left = deque(replies)

    async def answer(_method: str, _path: str) -> Reply:
        await asyncio.sleep(0)
        reply = left.popleft() if len(left) > 1 else left[0]
        if isinstance(reply, TwelveLabsError):
            raise attrs.evolve(cast("APIConnectionError", reply))
        return reply

    return answer


@attrs.define
class CountingServer:
    """Fixed windows as the platform has them: whole seconds in the headers, refused calls not counted."""

    limit: int
    seconds: float
    clock: Clock
    latency: Callable[[], float] = lambda: 0.05
    """Seconds of each half of the way."""
    headers: bool = True
    retry_after: bool = True
    served: int = 0
    refused: int = 0
    busiest: int = 0
    """Most calls served in one window."""
    opened: float = -1e9
    used: int = 0

    async def answer(self, _method: str, _path: str) -> Reply:
        await asyncio.sleep(self.latency())
        now = self.clock.time()
        if now >= self.opened + self.seconds:
            self.opened, self.used = now, 0
        refused = self.used >= self.limit
        self.used += not refused
        self.busiest = max(self.busiest, self.used)
        told = {"Date": formatdate(now, usegmt=True)}
        end = self.opened + self.seconds
        if self.headers:
            told |= {
                "X-Ratelimit-Limit": str(self.limit),
                "X-Ratelimit-Remaining": str(self.limit - self.used),
                "X-Ratelimit-Reset": str(-int(-end // 1)),
            }
        if refused and self.retry_after and self.headers:
            told["Retry-After"] = str(-int(-(end - now) // 1))
        self.served += not refused
        self.refused += refused
        await asyncio.sleep(self.latency())
        return said(429 if refused else 200, headers=told)


@attrs.frozen
class Got:
    """One request as a raw server read it."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes
    connection: int
    """Which connection it came on, from 0."""
    nth: int
    """Which request on this connection, from 0."""


def http(
    status: int = 200, body: bytes | str = b"{}", headers: Mapping[str, str] | None = None, *, length: int | None = None
) -> bytes:
    """An answer as bytes; `length` may lie."""
    content = body.encode() if isinstance(body, str) else body
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Odd"
    told = {"Content-Type": "application/json", "Content-Length": str(len(content) if length is None else length)}
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {text}" for name, text in {**told, **(headers or {})}.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


RawAnswer = Callable[[Got, asyncio.StreamWriter], Awaitable[bytes | None]]
"""Gives the bytes to send, or writes them itself; closing the writer ends the connection."""


class RawServer:
    """A server that does exactly what a test says, also what no HTTP library would do."""

    def __init__(self, answer: RawAnswer) -> None:
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.requests: list[Got] = []
        self.connections = 0
        self.open = 0
        """Connections open now."""
        self.port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1.3"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        _when_gone(reader, task.cancel)
        number, self.connections = self.connections, self.connections + 1
        self.open += 1
        try:
            await self._serve(reader, writer, number)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nth = 0
        while not writer.is_closing():
            got = await _read_request(reader, number, nth)
            self.requests.append(got)
            answer = await self._answer(got, writer)
            if answer is not None and not writer.is_closing():
                writer.write(answer)
                await writer.drain()
            nth += 1


def _when_gone(reader: asyncio.StreamReader, then: Callable[[], object]) -> None:
    """Call `then` when the peer has left, whatever is being awaited at the time."""
    for name in ("feed_eof", "set_exception"):
        inner = getattr(reader, name)

        def both(*arguments: Any, inner: Callable[..., None] = inner) -> None:
            inner(*arguments)
            then()

        setattr(reader, name, both)


async def _read_request(reader: asyncio.StreamReader, connection: int, nth: int) -> Got:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    headers = CIMultiDict[str]()
    for line in rest:
        name, _, text = line.partition(":")
        headers.add(name, text.strip())
    method, target, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return Got(method, target, headers, body, connection, nth)


def parts_of(body: Body, content: bytes) -> list[Message[str, str]]:
    """The parts of a form as the standard library's parser of mail reads them."""
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message = message_from_bytes(head + content, policy=HTTP)
    assert message.is_multipart()
    return [part for part in message.walk() if part is not message]


def always(answer: bytes) -> RawAnswer:
    """A raw server that says one thing."""

    async def say(_got: Got, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0)
        return answer

    return say


def one_by_one(answers: Sequence[bytes | None]) -> RawAnswer:
    """Each answer once, then the last one for ever; None cuts the connection."""
    left = deque(answers)

    async def say(_got: Got, writer: asyncio.StreamWriter) -> bytes | None:
        answer = left.popleft() if len(left) > 1 else left[0]
        if answer is None:
            writer.transport.abort()
        await asyncio.sleep(0)
        return answer

    return say


async def eventually(holds: Callable[[], bool], *, within: float = 2.0) -> None:
    """Wait until something is true, or fail."""
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.005)


@contextmanager
def collecting(caught: list[Mapping[str, Any]]) -> Generator[None]:
    """Collect what the running loop would complain about."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: caught.append(context))
    try:
        yield
    finally:
        loop.set_exception_handler(before)


@asynccontextmanager
async def quiet() -> AsyncGenerator[None]:
    """Fail if the loop complains about anything."""
    caught: list[Mapping[str, Any]] = []
    with collecting(caught):
        yield
        await asyncio.sleep(0)
    assert not caught


class PiecesReply:
    """An answer that comes in the pieces a test made up; an error among them is raised."""

    status = 200

    def __init__(self, pieces: Sequence[bytes | TwelveLabsError]) -> None:
        self.headers: Mapping[str, str] = CIMultiDict({"x-trace-id": "trace-7"})
        self.left = deque(pieces)
        self.closed = 0

    async def piece(self, idle: float) -> bytes:
        assert idle > 0
        await asyncio.sleep(0)
        piece = self.left.popleft() if self.left else b""
        if isinstance(piece, TwelveLabsError):
            raise piece
        return piece

    def close(self) -> None:
        self.closed += 1


class PiecesRoad:
    """A road for streams only: each of them is the same pieces."""

    clock: Clock = LoopClock()
    options = Options()

    def __init__(self, *pieces: bytes | TwelveLabsError) -> None:
        self._pieces = pieces
        self.replies: list[PiecesReply] = []
        self.requests: list[Request[Any]] = []
        self.accepted: list[str] = []

    async def call(self, request: Request[T]) -> T:
        raise AssertionError(request)

    async def store(self, *_: Any, **__: Any) -> Reply:
        raise AssertionError

    async def open(self, request: Request[Any], *, accept: str) -> OpenReply:
        await asyncio.sleep(0)
        self.requests.append(request)
        self.accepted.append(accept)
        self.replies.append(PiecesReply(self._pieces))
        return cast("OpenReply", self.replies[-1])

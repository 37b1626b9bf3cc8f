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
from memory_store import MemoryStore
from multidict import CIMultiDict

from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._core.retry import RetryBudget
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._http.transport import HttpTransport, Response, StreamingResponse
from twelvelabs_async._options import Options
from twelvelabs_async._rate_limit.limiter import Permit, RateLimiter
from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.clock import Clock
from twelvelabs_async.emulator import virtual_time
from twelvelabs_async.errors import APIConnectionError, TwelveLabsError
from twelvelabs_async.requests import Method, Request, RetryClass

T = TypeVar("T")

KEY: Final = "tlk_NEVER_TO_BE_SEEN_0123456789"
"""The key of clients that talk to raw servers; tests look for it where it must not be."""

UNREACHABLE_URL: Final = "http://127.0.0.1:9/v1.3"
"""An address nobody listens at."""


class FastClock:
    """The machine's time, and a sleep that jumps ahead instead of waiting."""

    def __init__(self) -> None:
        self.offset = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.offset

    def time(self) -> float:
        return time.time() + self.offset

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        until = self.monotonic() + seconds
        await asyncio.sleep(0)
        self.offset += max(0.0, until - self.monotonic())


class LoopClock(virtual_time.LoopClock):
    """Time as the running loop tells it, also what the wall shows: for `virtually`."""

    EPOCH: Final = virtual_time.EPOCH

    def __init__(self, *, skew: float = 0.0) -> None:
        super().__init__(virtual_time.EPOCH + skew)


run_in_virtual_time = virtual_time.run


def fake_response(
    status: int = 200,
    content: object = None,
    headers: Mapping[str, str] | None = None,
    *,
    raw_body: bytes | None = None,
) -> Response:
    """An answer as `SessionManager.send` gives it."""
    body = raw_body if raw_body is not None else json.dumps({} if content is None else content).encode()
    return Response(status=status, headers=CIMultiDict(headers or {}), body=body)


ResponseHandler = Callable[[str, str], Awaitable[Response]]


class FakeSession:
    """Stands for the session manager: the answers come from a function, and nothing is sent."""

    not_found_hint = ""
    base_path = "/v1.3"

    def __init__(self, handler: ResponseHandler) -> None:
        self._handler = handler
        self.sent: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []

    def ensure_usable(self) -> None:
        """Usable everywhere."""

    async def send(
        self, method: str, path: str, body: Body, attempt: Attempt, *, idle_timeout: float | None = None
    ) -> Response:
        del idle_timeout
        self.sent.append((method, path))
        start = body.open()
        self.bodies.append(start if isinstance(start, bytes) else b"")
        return await self._answer(method, path, attempt)

    async def put_to_storage(
        self, url: str, headers: Mapping[str, str], body: Body, attempt: Attempt, *, idle_timeout: float
    ) -> Response:
        del headers, body, idle_timeout
        self.sent.append(("PUT", url))
        return await self._answer("PUT", url, attempt)

    async def _answer(self, method: str, path: str, attempt: Attempt) -> Response:
        attempt.sent = True
        try:
            return await self._handler(method, path)
        except APIConnectionError as error:
            attempt.sent = error.sent
            raise


def make_executor(
    handler: ResponseHandler,
    clock: Clock,
    *,
    options: Options | None = None,
    budget: RetryBudget | None = None,
) -> tuple[RequestExecutor, FakeSession]:
    """The whole road above a session that is a function."""
    session = FakeSession(handler)
    api = RequestExecutor(
        transport=cast("HttpTransport", session),
        limiter=RateLimiter(clock),
        retry_budget=budget or RetryBudget(),
        clock=clock,
        options=options or Options(),
    )
    return api, session


def category_state(limiter: RateLimiter, category: str) -> CategoryState:
    """The state of a category, where it is in the memory of this process."""
    if limiter.store is None:
        return limiter.category_queue(category).state
    assert isinstance(limiter.store, MemoryStore)
    return limiter.store.category_state(category)


@asynccontextmanager
async def holding(permit: Permit) -> AsyncGenerator[Permit]:
    """Hold a permit as an attempt does: whatever ends the block ends the permit."""
    try:
        yield permit
    except BaseException as error:
        permit.release(sent=not (isinstance(error, APIConnectionError) and not error.sent))
        raise
    else:
        permit.release(sent=False)
    finally:
        await permit.report_to_store()


def json_request(
    method: Method = "GET", path_template: str = "/x", *, retry_class: RetryClass = "safe", json: Any = None
) -> Request[Any]:
    """A request whose answer is a JSON object."""
    return Request(method=method, path_template=path_template, response_type=dict, retry_class=retry_class, json=json)


def no_content_request(
    method: Method = "DELETE", path_template: str = "/x", *, retry_class: RetryClass = "idempotent"
) -> Request[None]:
    """A request whose answer does not matter."""
    return Request(method=method, path_template=path_template, response_type=NoneType, retry_class=retry_class)


def responses_in_order(*responses: Response | TwelveLabsError) -> ResponseHandler:
    """Answers one after the other, the last one for ever."""
    left = deque(responses)

    async def answer(_method: str, _path: str) -> Response:
        await asyncio.sleep(0)
        reply = left.popleft() if len(left) > 1 else left[0]
        if isinstance(reply, TwelveLabsError):
            raise attrs.evolve(cast("APIConnectionError", reply))
        return reply

    return answer


@attrs.define
class FixedWindowServer:
    """Fixed windows as the platform has them: whole seconds in the headers, refused calls not counted."""

    limit: int
    window_seconds: float
    clock: Clock
    latency: Callable[[], float] = lambda: 0.05
    """Seconds of each half of the way."""
    send_headers: bool = True
    send_retry_after: bool = True
    accepted: int = 0
    rejected: int = 0
    max_accepted_per_window: int = 0
    """Most calls served in one window."""
    window_start: float = -1e9
    window_used: int = 0

    async def handle(self, _method: str, _path: str) -> Response:
        await asyncio.sleep(self.latency())
        now = self.clock.time()
        if now >= self.window_start + self.window_seconds:
            self.window_start, self.window_used = now, 0
        limited = self.window_used >= self.limit
        self.window_used += not limited
        self.max_accepted_per_window = max(self.max_accepted_per_window, self.window_used)
        limit_headers = {"Date": formatdate(now, usegmt=True)}
        end = self.window_start + self.window_seconds
        if self.send_headers:
            limit_headers |= {
                "X-Ratelimit-Limit": str(self.limit),
                "X-Ratelimit-Remaining": str(self.limit - self.window_used),
                "X-Ratelimit-Reset": str(-int(-end // 1)),
            }
        if limited and self.send_retry_after and self.send_headers:
            limit_headers["Retry-After"] = str(-int(-(end - now) // 1))
        self.accepted += not limited
        self.rejected += limited
        await asyncio.sleep(self.latency())
        return fake_response(429 if limited else 200, headers=limit_headers)


@attrs.frozen
class RawRequest:
    """One request as a raw server read it."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes
    connection_index: int
    """Which connection it came on, from 0."""
    request_index: int
    """Which request on this connection, from 0."""


def raw_response(
    status: int = 200,
    body: bytes | str = b"{}",
    headers: Mapping[str, str] | None = None,
    *,
    content_length: int | None = None,
) -> bytes:
    """An answer as bytes; `content_length` may lie."""
    content = body.encode() if isinstance(body, str) else body
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Odd"
    limit_headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content) if content_length is None else content_length),
    }
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *(f"{name}: {text}" for name, text in {**limit_headers, **(headers or {})}.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


RawHandler = Callable[[RawRequest, asyncio.StreamWriter], Awaitable[bytes | None]]
"""Gives the bytes to send, or writes them itself; closing the writer ends the connection."""


class RawServer:
    """A server that does exactly what a test says, also what no HTTP library would do."""

    def __init__(self, handler: RawHandler) -> None:
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.requests: list[RawRequest] = []
        self.connection_count = 0
        self.open_connections = 0
        """Connections open now."""
        self.port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1.3"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._on_connection, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        _on_disconnect(reader, task.cancel)
        number, self.connection_count = self.connection_count, self.connection_count + 1
        self.open_connections += 1
        try:
            await self._serve(reader, writer, number)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nth = 0
        while not writer.is_closing():
            got = await _read_request(reader, number, nth)
            self.requests.append(got)
            answer = await self._handler(got, writer)
            if answer is not None and not writer.is_closing():
                writer.write(answer)
                await writer.drain()
            nth += 1


def _on_disconnect(reader: asyncio.StreamReader, callback: Callable[[], object]) -> None:
    """Call `callback` when the peer has left, whatever is being awaited at the time."""
    for name in ("feed_eof", "set_exception"):
        inner = getattr(reader, name)

        def both(*arguments: Any, inner: Callable[..., None] = inner) -> None:
            inner(*arguments)
            callback()

        setattr(reader, name, both)


async def _read_request(reader: asyncio.StreamReader, connection_index: int, request_index: int) -> RawRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    headers = CIMultiDict[str]()
    for line in rest:
        name, _, text = line.partition(":")
        headers.add(name, text.strip())
    method, target, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return RawRequest(method, target, headers, body, connection_index, request_index)


def parse_form_parts(body: Body, content: bytes) -> list[Message[str, str]]:
    """The parts of a form as the standard library's parser of mail reads them."""
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message = message_from_bytes(head + content, policy=HTTP)
    assert message.is_multipart()
    return [part for part in message.walk() if part is not message]


def always_respond(response: bytes) -> RawHandler:
    """A raw server that says one thing."""

    async def handler(_got: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0)
        return response

    return handler


def respond_in_order(responses: Sequence[bytes | None]) -> RawHandler:
    """Each answer once, then the last one for ever; None cuts the connection."""
    left = deque(responses)

    async def handler(_got: RawRequest, writer: asyncio.StreamWriter) -> bytes | None:
        answer = left.popleft() if len(left) > 1 else left[0]
        if answer is None:
            writer.transport.abort()
        await asyncio.sleep(0)
        return answer

    return handler


async def eventually(condition: Callable[[], bool], *, timeout: float = 60) -> None:
    """Wait until something is true, or fail."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.005)


@contextmanager
def collect_loop_errors(errors: list[Mapping[str, Any]]) -> Generator[None]:
    """Collect what the running loop would complain about."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: errors.append(context))
    try:
        yield
    finally:
        loop.set_exception_handler(before)


@asynccontextmanager
async def fail_on_loop_errors() -> AsyncGenerator[None]:
    """Fail if the loop complains about anything."""
    caught: list[Mapping[str, Any]] = []
    with collect_loop_errors(caught):
        yield
        await asyncio.sleep(0)
    assert not caught


class FakeStreamingResponse:
    """An answer that comes in the pieces a test made up; an error among them is raised."""

    status = 200
    report = None

    def __init__(self, chunks: Sequence[bytes | TwelveLabsError]) -> None:
        self.headers: Mapping[str, str] = CIMultiDict({"x-trace-id": "trace-7"})
        self.remaining = deque(chunks)
        self.close_count = 0

    async def read_chunk(self, idle_timeout: float) -> bytes:
        assert idle_timeout > 0
        await asyncio.sleep(0)
        piece = self.remaining.popleft() if self.remaining else b""
        if isinstance(piece, TwelveLabsError):
            raise piece
        return piece

    def close(self) -> None:
        self.close_count += 1


class FakeStreamingExecutor:
    """A road for streams only: each of them is the same pieces."""

    clock: Clock = LoopClock()
    options = Options()
    redactor = Redactor()

    def __init__(self, *chunks: bytes | TwelveLabsError) -> None:
        self._chunks = chunks
        self.responses: list[FakeStreamingResponse] = []
        self.requests: list[Request[Any]] = []
        self.accepted: list[str] = []

    async def execute(self, request: Request[T]) -> T:
        raise AssertionError(request)

    async def put_to_storage(self, *_: Any, **__: Any) -> Response:
        raise AssertionError

    async def open_stream(self, request: Request[Any], *, accept: str) -> StreamingResponse:
        await asyncio.sleep(0)
        self.requests.append(request)
        self.accepted.append(accept)
        self.responses.append(FakeStreamingResponse(self._chunks))
        return cast("StreamingResponse", self.responses[-1])

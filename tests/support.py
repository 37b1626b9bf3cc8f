"""Shared test helpers: clocks, raw HTTP servers with arbitrary responses, and fakes of the transport."""

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
"""API key of clients that use raw servers; tests check that it does not leak."""

UNREACHABLE_URL: Final = "http://127.0.0.1:9/v1.3"
"""A URL on which no server listens."""


class FastClock:
    """A clock whose `sleep` advances the time instead of waiting."""

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
    """A clock that reads both times from the running event loop, for `run_in_virtual_time`."""

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
    """Return a response of the type that `HttpTransport.send` returns."""
    body = raw_body if raw_body is not None else json.dumps({} if content is None else content).encode()
    return Response(status=status, headers=CIMultiDict(headers or {}), body=body)


ResponseHandler = Callable[[str, str], Awaitable[Response]]


class FakeSession:
    """A fake transport: the responses come from a function, and nothing is sent."""

    not_found_hint = ""
    base_path = "/v1.3"

    def __init__(self, handler: ResponseHandler) -> None:
        self._handler = handler
        self.sent: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []

    def ensure_usable(self) -> None:
        """Always usable."""

    async def send(
        self, method: str, path: str, body: Body, attempt: Attempt, *, idle_timeout: float | None = None
    ) -> Response:
        del idle_timeout
        self.sent.append((method, path))
        start = body.open()
        self.bodies.append(start if isinstance(start, bytes) else b"")
        return await self._respond(method, path, attempt)

    async def put_to_storage(
        self, url: str, headers: Mapping[str, str], body: Body, attempt: Attempt, *, idle_timeout: float
    ) -> Response:
        del headers, body, idle_timeout
        self.sent.append(("PUT", url))
        return await self._respond("PUT", url, attempt)

    async def _respond(self, method: str, path: str, attempt: Attempt) -> Response:
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
    """Return an executor whose responses come from `handler`, and its fake transport."""
    session = FakeSession(handler)
    executor = RequestExecutor(
        transport=cast("HttpTransport", session),
        limiter=RateLimiter(clock),
        retry_budget=budget or RetryBudget(),
        clock=clock,
        options=options or Options(),
    )
    return executor, session


def category_state(limiter: RateLimiter, category: str) -> CategoryState:
    """Return the state of a category whose store is in this process."""
    if limiter.store is None:
        return limiter.category_queue(category).state
    assert isinstance(limiter.store, MemoryStore)
    return limiter.store.category_state(category)


@asynccontextmanager
async def holding(permit: Permit) -> AsyncGenerator[Permit]:
    """Hold a permit for the block as an attempt does, and release it when the block ends or raises."""
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
    """Return a request whose response is a JSON object."""
    return Request(method=method, path_template=path_template, response_type=dict, retry_class=retry_class, json=json)


def no_content_request(
    method: Method = "DELETE", path_template: str = "/x", *, retry_class: RetryClass = "idempotent"
) -> Request[None]:
    """Return a request whose response body is ignored."""
    return Request(method=method, path_template=path_template, response_type=NoneType, retry_class=retry_class)


def responses_in_order(*responses: Response | TwelveLabsError) -> ResponseHandler:
    """Return a handler that returns or raises the responses in order, and repeats the last one."""
    remaining_responses = deque(responses)

    async def respond(_method: str, _path: str) -> Response:
        await asyncio.sleep(0)
        response = remaining_responses.popleft() if len(remaining_responses) > 1 else remaining_responses[0]
        if isinstance(response, TwelveLabsError):
            raise attrs.evolve(cast("APIConnectionError", response))
        return response

    return respond


@attrs.define
class FixedWindowServer:
    """A server with the platform's fixed windows: headers in whole seconds, rejected requests not counted."""

    limit: int
    window_seconds: float
    clock: Clock
    latency: Callable[[], float] = lambda: 0.05
    """Seconds in each direction."""
    send_headers: bool = True
    send_retry_after: bool = True
    accepted: int = 0
    rejected: int = 0
    max_accepted_per_window: int = 0
    """Highest number of requests accepted in one window."""
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
    """A request as received by a raw server."""

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes
    connection_index: int
    """Position of its connection, from 0."""
    request_index: int
    """Position of the request on its connection, from 0."""


def raw_response(
    status: int = 200,
    body: bytes | str = b"{}",
    headers: Mapping[str, str] | None = None,
    *,
    content_length: int | None = None,
) -> bytes:
    """Return a response as bytes; `content_length` may be wrong."""
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
"""Returns the bytes to send, or writes them itself; closing the writer ends the connection."""


class RawServer:
    """A server that sends exactly the bytes of a test, which may violate HTTP."""

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
        request_index = 0
        while not writer.is_closing():
            request = await _read_request(reader, number, request_index)
            self.requests.append(request)
            response = await self._handler(request, writer)
            if response is not None and not writer.is_closing():
                writer.write(response)
                await writer.drain()
            request_index += 1


def _on_disconnect(reader: asyncio.StreamReader, callback: Callable[[], object]) -> None:
    """Call `callback` when the peer disconnects, even while the handler awaits something else."""
    for name in ("feed_eof", "set_exception"):
        original = getattr(reader, name)

        def wrapper(*arguments: Any, original: Callable[..., None] = original) -> None:
            original(*arguments)
            callback()

        setattr(reader, name, wrapper)


async def _read_request(reader: asyncio.StreamReader, connection_index: int, request_index: int) -> RawRequest:
    header_block = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *header_lines = header_block.strip().split("\r\n")
    headers = CIMultiDict[str]()
    for line in header_lines:
        name, _, text = line.partition(":")
        headers.add(name, text.strip())
    method, target, _ = request_line.split(" ")
    body = await reader.readexactly(int(headers.get("Content-Length", "0")))
    return RawRequest(method, target, headers, body, connection_index, request_index)


def parse_form_parts(body: Body, content: bytes) -> list[Message[str, str]]:
    """Return the parts of a form, parsed by the standard library's email parser."""
    header = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message = message_from_bytes(header + content, policy=HTTP)
    assert message.is_multipart()
    return [part for part in message.walk() if part is not message]


def always_respond(response: bytes) -> RawHandler:
    """Return a handler that sends the same response to every request."""

    async def handler(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0)
        return response

    return handler


def respond_in_order(responses: Sequence[bytes | None]) -> RawHandler:
    """Return a handler that sends the responses in order, and repeats the last one; None aborts the connection."""
    remaining_responses = deque(responses)

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> bytes | None:
        response = remaining_responses.popleft() if len(remaining_responses) > 1 else remaining_responses[0]
        if response is None:
            writer.transport.abort()
        await asyncio.sleep(0)
        return response

    return handler


async def eventually(condition: Callable[[], bool], *, timeout: float = 60) -> None:
    """Wait until `condition` is true; after `timeout` seconds, raise `TimeoutError`."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.005)


@contextmanager
def collect_loop_errors(errors: list[Mapping[str, Any]]) -> Generator[None]:
    """Append to `errors` each context passed to the exception handler of the running event loop."""
    loop = asyncio.get_running_loop()
    previous_handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: errors.append(context))
    try:
        yield
    finally:
        loop.set_exception_handler(previous_handler)


@asynccontextmanager
async def fail_on_loop_errors() -> AsyncGenerator[None]:
    """Fail if the exception handler of the running event loop is called."""
    errors: list[Mapping[str, Any]] = []
    with collect_loop_errors(errors):
        yield
        await asyncio.sleep(0)
    assert not errors


class FakeStreamingResponse:
    """A streaming response with the given chunks; an error among them is raised."""

    status = 200
    report = None

    def __init__(self, chunks: Sequence[bytes | TwelveLabsError]) -> None:
        self.headers: Mapping[str, str] = CIMultiDict({"x-trace-id": "trace-7"})
        self.remaining = deque(chunks)
        self.close_count = 0

    async def read_chunk(self, idle_timeout: float) -> bytes:
        assert idle_timeout > 0
        await asyncio.sleep(0)
        chunk = self.remaining.popleft() if self.remaining else b""
        if isinstance(chunk, TwelveLabsError):
            raise chunk
        return chunk

    def close(self) -> None:
        self.close_count += 1


class FakeStreamingExecutor:
    """A fake executor that only opens streams, each with the same chunks."""

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

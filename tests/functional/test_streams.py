"""Streams over HTTP, from servers that close the connection, stall or respond with an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
from support import KEY, FastClock, RawHandler, RawRequest, RawServer, eventually, raw_response, respond_in_order

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.errors import ClientStateError, NotFoundError, RateLimitError, StreamError
from twelvelabs_async.models.analyze import VideoAsset
from twelvelabs_async.resources.analyze import AnalyzeStream

VIDEO = VideoAsset(asset_id="a1")

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
START = b'{"event_type":"stream_start","metadata":{"generation_id":"g"}}\n'
END = b'{"event_type":"stream_end","finish_reason":"stop","metadata":{"generation_id":"g"}}\n'


def text_line(text: str) -> bytes:
    return json.dumps({"event_type": "text_generation", "text": text}).encode() + b"\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


COMPLETE_RESPONSE = HEAD + chunk(START) + chunk(text_line("all ")) + chunk(text_line("of it") + END) + chunk(b"")
PARTIAL_RESPONSE = HEAD + chunk(START) + chunk(text_line("half"))

StartServer = Callable[..., Awaitable[tuple[RawServer, AsyncTwelveLabs]]]


@pytest.fixture
async def serve() -> AsyncIterator[StartServer]:
    """Start raw servers and their clients, which are closed at the end of the test."""
    opened: list[Any] = []

    async def start_server(handler: RawHandler, **options: Any) -> tuple[RawServer, AsyncTwelveLabs]:
        server = await RawServer(handler).__aenter__()
        client = AsyncTwelveLabs(KEY, base_url=server.base_url, **options)
        opened.extend((server, client))
        return server, client

    yield start_server
    for resource in reversed(opened):
        await resource.__aexit__(None, None, None)


def send_then(content: bytes, *, after: str) -> RawHandler:
    """Return a handler that sends `content`, and then resets or closes the connection, or stalls."""

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        match after:
            case "reset":
                await asyncio.sleep(0.02)  # a reset would discard data that the client has not read
                writer.transport.abort()
            case "close":
                writer.close()
            case _:
                await wait_for_close(writer)

    return handler


async def wait_for_close(writer: asyncio.StreamWriter) -> None:
    """Wait until the client has closed the connection, and close the writer."""
    reader: asyncio.StreamReader = cast("Any", writer.transport.get_protocol())._stream_reader
    while not reader.at_eof():
        await asyncio.sleep(0.005)
    writer.close()


def open_stream(client: AsyncTwelveLabs) -> AnalyzeStream:
    return client.analyze_stream(video=VIDEO, prompt="What happens?")


async def test_a_stream_is_received_completely(serve: StartServer) -> None:
    server, client = await serve(respond_in_order([COMPLETE_RESPONSE]))
    async with open_stream(client) as stream:
        assert [type(event).__name__ async for event in stream] == [
            "StreamStart",
            "TextGeneration",
            "TextGeneration",
            "StreamEnd",
        ]
    assert (await stream.final()).data == "all of it"
    assert json.loads(server.requests[0].body)["stream"] is True
    assert "application/x-ndjson" in server.requests[0].headers["Accept"]


async def test_a_stream_in_small_packets_is_received_completely(serve: StartServer) -> None:
    async def send_in_small_packets(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        for offset in range(0, len(COMPLETE_RESPONSE), 7):
            writer.write(COMPLETE_RESPONSE[offset : offset + 7])
            await writer.drain()
            await asyncio.sleep(0)

    _, client = await serve(send_in_small_packets)
    assert await open_stream(client).text() == "all of it"


async def test_a_connection_is_reused_for_consecutive_streams(serve: StartServer) -> None:
    """The body ends after the last event; a client that does not read its end cannot reuse the connection."""

    async def end_body_late(_request: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(COMPLETE_RESPONSE.removesuffix(chunk(b"")))
        await writer.drain()
        await asyncio.sleep(0.01)
        return chunk(b"")

    server, client = await serve(end_body_late)
    for _ in range(3):
        assert await open_stream(client).text() == "all of it"
    assert server.connection_count == 1


async def test_a_body_that_never_ends_does_not_delay_the_caller(serve: StartServer) -> None:
    server, client = await serve(send_then(COMPLETE_RESPONSE.removesuffix(chunk(b"")), after="silence"))
    async with asyncio.timeout(30):  # `idle_timeout` for the end of the body is 60 s
        assert await open_stream(client).text() == "all of it"
    await eventually(lambda: server.open_connections == 0)


@pytest.mark.parametrize("after", ["reset", "close"])
@pytest.mark.parametrize(
    "sent", [PARTIAL_RESPONSE, PARTIAL_RESPONSE[:-9], HEAD, PARTIAL_RESPONSE.replace(b"chunked", b"identity")]
)
async def test_p19_an_interrupted_stream_raises_stream_error_and_is_not_retried(
    serve: StartServer, after: str, sent: bytes
) -> None:
    """A retry would repeat events that the caller has received, and would be billed again."""
    server, client = await serve(send_then(sent, after=after))
    with pytest.raises(StreamError) as caught:
        await open_stream(client).final()
    assert "half".startswith(caught.value.text)
    assert caught.value.operation == "POST /analyze"
    assert len(server.requests) == 1
    await eventually(lambda: server.open_connections == 0)


async def test_p19_a_stalled_stream_raises_stream_error(serve: StartServer) -> None:
    server, client = await serve(send_then(PARTIAL_RESPONSE, after="silence"), idle_timeout=1)
    with pytest.raises(StreamError, match="1 s") as caught:
        await open_stream(client).text()
    assert caught.value.text == "half"
    assert len(server.requests) == 1
    await eventually(lambda: server.open_connections == 0)


async def test_a_stream_may_take_longer_than_the_timeout_of_a_call(serve: StartServer) -> None:
    """`timeout` ends when the response starts; `idle_timeout` applies to the rest."""

    async def send_slowly(_request: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD + chunk(START))
        for _ in range(8):
            await asyncio.sleep(0.25)
            writer.write(chunk(text_line(".")))
        return chunk(END) + chunk(b"")

    _, client = await serve(send_slowly, timeout=1.5, idle_timeout=60)
    assert await open_stream(client).text() == "." * 8


async def test_a_429_or_503_before_the_stream_is_retried(serve: StartServer) -> None:
    clock = FastClock()
    start = clock.monotonic()
    rate_limited = raw_response(429, b"", {"Retry-After": "2"})
    server, client = await serve(
        respond_in_order([rate_limited, raw_response(503, b"busy"), COMPLETE_RESPONSE]), clock=clock
    )
    assert await open_stream(client).text() == "all of it"
    assert len(server.requests) == 3
    assert len({request.body for request in server.requests}) == 1
    assert clock.monotonic() - start >= 2


async def test_an_error_response_to_a_stream_request_raises_its_api_error(serve: StartServer) -> None:
    server, client = await serve(respond_in_order([raw_response(404, b'{"code":"resource_not_exist"}')]))
    with pytest.raises(NotFoundError) as caught:
        await open_stream(client).__aenter__()
    assert caught.value.code == "resource_not_exist"
    _, client_without_retries = await serve(respond_in_order([raw_response(429, b"")]), max_retries=0)
    with pytest.raises(RateLimitError):
        await open_stream(client_without_retries).text()
    assert len(server.requests) == 1


async def test_p21_a_cancelled_stream_closes_its_socket(serve: StartServer) -> None:
    server, client = await serve(send_then(PARTIAL_RESPONSE, after="silence"))
    event_received = asyncio.Event()

    async def read() -> None:
        async for _ in open_stream(client):
            event_received.set()

    task = asyncio.create_task(read())
    await event_received.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: server.open_connections == 0)


async def test_p21_cancelling_before_the_response_closes_the_socket(serve: StartServer) -> None:
    server, client = await serve(send_then(b"", after="silence"))
    task = asyncio.create_task(open_stream(client).text())
    await eventually(lambda: len(server.requests) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: server.open_connections == 0)


async def test_p21_leaving_the_loop_early_closes_the_socket(serve: StartServer) -> None:
    server, client = await serve(send_then(PARTIAL_RESPONSE, after="silence"))
    async for _ in open_stream(client):
        break
    await eventually(lambda: server.open_connections == 0)


async def test_leaving_the_block_early_closes_the_socket(serve: StartServer) -> None:
    server, client = await serve(send_then(PARTIAL_RESPONSE, after="silence"))
    async with open_stream(client):
        await eventually(lambda: server.open_connections == 1)
    await eventually(lambda: server.open_connections == 0)


async def test_closing_a_stream_ends_the_task_that_reads_it_with_client_state_error(serve: StartServer) -> None:
    server, client = await serve(send_then(PARTIAL_RESPONSE, after="silence"))
    stream, received = open_stream(client), asyncio.Event()

    async def read() -> None:
        async for _ in stream:
            received.set()

    task = asyncio.create_task(read())
    await received.wait()
    await stream.close()
    with pytest.raises(ClientStateError, match="closed before its end"):
        await task
    await eventually(lambda: server.open_connections == 0)


async def test_closing_a_stream_before_its_response_ends_the_task_that_opens_it(serve: StartServer) -> None:
    release = asyncio.Event()

    async def respond_later(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await release.wait()
        return COMPLETE_RESPONSE

    server, client = await serve(respond_later)
    stream = open_stream(client)
    task = asyncio.create_task(stream.text())
    await eventually(lambda: len(server.requests) == 1)
    await stream.close()
    release.set()
    with pytest.raises(ClientStateError, match="closed before its end"):
        await task


async def test_a_second_reader_of_a_stream_gets_client_state_error_and_the_first_gets_all_events(
    serve: StartServer,
) -> None:
    rest = asyncio.Event()

    async def respond(_request: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(PARTIAL_RESPONSE)
        await rest.wait()
        return chunk(text_line(" and half") + END) + chunk(b"")

    server, client = await serve(respond)
    stream = open_stream(client)
    first = asyncio.create_task(stream.text())
    for condition in (lambda: len(server.requests) == 1, lambda: stream.text_so_far == "half"):
        await eventually(condition)
        with pytest.raises(ClientStateError, match="another task"):
            await stream.text()
    rest.set()
    assert await first == "half and half"
    assert len(server.requests) == 1


async def test_closing_the_client_ends_a_stream_with_client_state_error(serve: StartServer) -> None:
    _, client = await serve(send_then(PARTIAL_RESPONSE, after="silence"))
    stream = open_stream(client)
    task = asyncio.create_task(stream.text())
    await eventually(lambda: stream.text_so_far == "half")
    await client.close()
    with pytest.raises(ClientStateError, match="client was closed"):
        await task


async def test_p21_concurrent_streams_leave_no_open_connections(serve: StartServer) -> None:
    server, client = await serve(respond_in_order([COMPLETE_RESPONSE]))
    texts = await asyncio.gather(*(open_stream(client).text() for _ in range(50)))
    assert set(texts) == {"all of it"}
    await client.close()
    await eventually(lambda: server.open_connections == 0)


async def test_p19_interrupted_batch_results_raise_stream_error(serve: StartServer) -> None:
    item = b'{"task_id":"t1","custom_id":null,"status":"queued"}\n'
    server, client = await serve(send_then(HEAD + chunk(item), after="close"))
    results = client.analyze_async.batches.results("b1")
    async with results:
        iterator = aiter(results)
        assert (await anext(iterator)).task_id == "t1"
        with pytest.raises(StreamError) as caught:
            await anext(iterator)
    assert caught.value.retryable
    assert server.requests[0].target == "/v1.3/analyze/batches/b1/results"


async def test_keepalive_events_prevent_the_idle_timeout_of_an_agent_stream(serve: StartServer) -> None:
    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD)
        for number in range(6):
            await asyncio.sleep(0.2)
            writer.write(chunk(b'event: keepalive\ndata: {"type":"keepalive","sequence_number":%d}\n\n' % number))
        completed = (
            b'data: {"type":"response.completed","sequence_number":9,"response":{"id":"r","status":"completed"}}\n\n'
        )
        return chunk(completed) + chunk(b"data: [DONE]\n\n") + chunk(b"")

    server, client = await serve(handler, idle_timeout=1)
    stream = client.responses.create_stream(knowledge_store_id="ks_1", input="Well?")
    assert (await stream.final()).id == "r"
    assert server.requests[0].headers["Accept"] == "text/event-stream"


async def test_an_interrupted_agent_request_is_not_retried(serve: StartServer) -> None:
    """With a session, a retry would add another turn to the conversation."""
    server, client = await serve(send_then(HEAD + chunk(b"data: {"), after="close"))
    with pytest.raises(StreamError) as caught:
        await client.responses.create_stream(knowledge_store_id="ks_1", input="Well?").text()
    assert caught.value.ambiguous
    assert not caught.value.retryable
    assert len(server.requests) == 1

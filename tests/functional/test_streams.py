"""Streams through a real socket, from a server that breaks off, stalls and refuses."""

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


def said(text: str) -> bytes:
    return json.dumps({"event_type": "text_generation", "text": text}).encode() + b"\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


WHOLE = HEAD + chunk(START) + chunk(said("all ")) + chunk(said("of it") + END) + chunk(b"")
HALF = HEAD + chunk(START) + chunk(said("half"))

Open = Callable[..., Awaitable[tuple[RawServer, AsyncTwelveLabs]]]


@pytest.fixture
async def serve() -> AsyncIterator[Open]:
    """A raw server and a client of it, both closed at the end."""
    opened: list[Any] = []

    async def start(answer: RawHandler, **options: Any) -> tuple[RawServer, AsyncTwelveLabs]:
        server = await RawServer(answer).__aenter__()
        client = AsyncTwelveLabs(KEY, base_url=server.base_url, **options)
        opened.extend((server, client))
        return server, client

    yield start
    for one in reversed(opened):
        await one.__aexit__(None, None, None)


def then(content: bytes, *, after: str) -> RawHandler:
    """Sends `content`, and then resets, closes, or says nothing more."""

    async def answer(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        match after:
            case "reset":
                await asyncio.sleep(0.02)  # what was sent must have been read: a reset takes it along
                writer.transport.abort()
            case "close":
                writer.close()
            case _:
                await client_left(writer)

    return answer


async def client_left(writer: asyncio.StreamWriter) -> None:
    """Wait until the other side has closed its end, and close ours."""
    reader: asyncio.StreamReader = cast("Any", writer.transport.get_protocol())._stream_reader
    while not reader.at_eof():
        await asyncio.sleep(0.005)
    writer.close()


def stream_of(client: AsyncTwelveLabs) -> AnalyzeStream:
    return client.analyze_stream(video=VIDEO, prompt="What happens?")


async def test_a_stream_is_received_completely(serve: Open) -> None:
    server, client = await serve(respond_in_order([WHOLE]))
    async with stream_of(client) as stream:
        assert [type(event).__name__ async for event in stream] == [
            "StreamStart",
            "TextGeneration",
            "TextGeneration",
            "StreamEnd",
        ]
    assert (await stream.final()).data == "all of it"
    assert json.loads(server.requests[0].body)["stream"] is True
    assert "application/x-ndjson" in server.requests[0].headers["Accept"]


async def test_a_stream_in_small_packets_is_received_completely(serve: Open) -> None:
    async def trickle(_got: RawRequest, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(WHOLE), 7):
            writer.write(WHOLE[at : at + 7])
            await writer.drain()
            await asyncio.sleep(0)

    _, client = await serve(trickle)
    assert await stream_of(client).text() == "all of it"


async def test_a_connection_serves_one_stream_after_the_other(serve: Open) -> None:
    """The end of the body comes after the last event; without waiting for it each stream would cost a connection."""

    async def late_end(_got: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(WHOLE.removesuffix(chunk(b"")))
        await writer.drain()
        await asyncio.sleep(0.01)
        return chunk(b"")

    server, client = await serve(late_end)
    for _ in range(3):
        assert await stream_of(client).text() == "all of it"
    assert server.connection_count == 1


async def test_a_body_that_never_ends_does_not_delay_the_caller(serve: Open) -> None:
    server, client = await serve(then(WHOLE.removesuffix(chunk(b"")), after="silence"))
    async with asyncio.timeout(30):  # the end of the body is waited for during `idle_timeout`, 60 s
        assert await stream_of(client).text() == "all of it"
    await eventually(lambda: server.open_connections == 0)


@pytest.mark.parametrize("after", ["reset", "close"])
@pytest.mark.parametrize("sent", [HALF, HALF[:-9], HEAD, HALF.replace(b"chunked", b"identity")])
async def test_p19_an_interrupted_stream_raises_stream_error_and_is_not_retried(
    serve: Open, after: str, sent: bytes
) -> None:
    """What came has been seen; a repetition would say it twice, and be billed twice."""
    server, client = await serve(then(sent, after=after))
    with pytest.raises(StreamError) as caught:
        await stream_of(client).final()
    assert "half".startswith(caught.value.text)
    assert caught.value.operation == "POST /analyze"
    assert len(server.requests) == 1
    await eventually(lambda: server.open_connections == 0)


async def test_p19_a_stalled_stream_raises_stream_error(serve: Open) -> None:
    server, client = await serve(then(HALF, after="silence"), idle_timeout=1)
    with pytest.raises(StreamError, match="1 s") as caught:
        await stream_of(client).text()
    assert caught.value.text == "half"
    assert len(server.requests) == 1
    await eventually(lambda: server.open_connections == 0)


async def test_a_stream_may_take_longer_than_the_timeout_of_a_call(serve: Open) -> None:
    """The deadline ends when the response begins; `idle_timeout` covers the rest."""

    async def slowly(_got: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD + chunk(START))
        for _ in range(8):
            await asyncio.sleep(0.25)
            writer.write(chunk(said(".")))
        return chunk(END) + chunk(b"")

    _, client = await serve(slowly, timeout=1.5, idle_timeout=60)
    assert await stream_of(client).text() == "." * 8


async def test_a_429_or_503_before_the_stream_is_retried(serve: Open) -> None:
    clock = FastClock()
    started = clock.monotonic()
    limited = raw_response(429, b"", {"Retry-After": "2"})
    server, client = await serve(respond_in_order([limited, raw_response(503, b"busy"), WHOLE]), clock=clock)
    assert await stream_of(client).text() == "all of it"
    assert len(server.requests) == 3
    assert len({request.body for request in server.requests}) == 1
    assert clock.monotonic() - started >= 2


async def test_a_refused_stream_raises_the_same_error_as_any_call(serve: Open) -> None:
    server, client = await serve(respond_in_order([raw_response(404, b'{"code":"resource_not_exist"}')]))
    with pytest.raises(NotFoundError) as caught:
        await stream_of(client).__aenter__()
    assert caught.value.code == "resource_not_exist"
    _, limited = await serve(respond_in_order([raw_response(429, b"")]), max_retries=0)
    with pytest.raises(RateLimitError):
        await stream_of(limited).text()
    assert len(server.requests) == 1


async def test_p21_a_cancelled_stream_closes_its_socket(serve: Open) -> None:
    server, client = await serve(then(HALF, after="silence"))
    came = asyncio.Event()

    async def read() -> None:
        async for _ in stream_of(client):
            came.set()

    task = asyncio.create_task(read())
    await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: server.open_connections == 0)


async def test_p21_cancelling_before_the_response_closes_the_socket(serve: Open) -> None:
    server, client = await serve(then(b"", after="silence"))
    task = asyncio.create_task(stream_of(client).text())
    await eventually(lambda: len(server.requests) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: server.open_connections == 0)


async def test_p21_leaving_the_loop_early_closes_the_socket(serve: Open) -> None:
    server, client = await serve(then(HALF, after="silence"))
    async for _ in stream_of(client):
        break
    await eventually(lambda: server.open_connections == 0)


async def test_leaving_the_block_early_closes_the_socket(serve: Open) -> None:
    server, client = await serve(then(HALF, after="silence"))
    async with stream_of(client):
        await eventually(lambda: server.open_connections == 1)
    await eventually(lambda: server.open_connections == 0)


async def test_closing_a_stream_ends_the_task_that_reads_it_with_client_state_error(serve: Open) -> None:
    server, client = await serve(then(HALF, after="silence"))
    stream, received = stream_of(client), asyncio.Event()

    async def read() -> None:
        async for _ in stream:
            received.set()

    task = asyncio.create_task(read())
    await received.wait()
    await stream.close()
    with pytest.raises(ClientStateError, match="closed before its end"):
        await task
    await eventually(lambda: server.open_connections == 0)


async def test_closing_a_stream_before_its_response_ends_the_task_that_opens_it(serve: Open) -> None:
    answer = asyncio.Event()

    async def respond_later(_got: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await answer.wait()
        return WHOLE

    server, client = await serve(respond_later)
    stream = stream_of(client)
    task = asyncio.create_task(stream.text())
    await eventually(lambda: len(server.requests) == 1)
    await stream.close()
    answer.set()
    with pytest.raises(ClientStateError, match="closed before its end"):
        await task


async def test_a_second_reader_of_a_stream_gets_client_state_error_and_the_first_one_all_events(serve: Open) -> None:
    rest = asyncio.Event()

    async def respond(_got: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HALF)
        await rest.wait()
        return chunk(said(" and half") + END) + chunk(b"")

    server, client = await serve(respond)
    stream = stream_of(client)
    first = asyncio.create_task(stream.text())
    for condition in (lambda: len(server.requests) == 1, lambda: stream.text_so_far == "half"):
        await eventually(condition)
        with pytest.raises(ClientStateError, match="another task"):
            await stream.text()
    rest.set()
    assert await first == "half and half"
    assert len(server.requests) == 1


async def test_closing_the_client_ends_a_stream_with_client_state_error(serve: Open) -> None:
    _, client = await serve(then(HALF, after="silence"))
    stream = stream_of(client)
    task = asyncio.create_task(stream.text())
    await eventually(lambda: stream.text_so_far == "half")
    await client.close()
    with pytest.raises(ClientStateError, match="client was closed"):
        await task


async def test_p21_concurrent_streams_leave_no_open_connections(serve: Open) -> None:
    server, client = await serve(respond_in_order([WHOLE]))
    texts = await asyncio.gather(*(stream_of(client).text() for _ in range(50)))
    assert set(texts) == {"all of it"}
    await client.close()
    await eventually(lambda: server.open_connections == 0)


async def test_p19_interrupted_batch_results_raise_stream_error(serve: Open) -> None:
    item = b'{"task_id":"t1","custom_id":null,"status":"queued"}\n'
    server, client = await serve(then(HEAD + chunk(item), after="close"))
    results = client.analyze_async.batches.results("b1")
    async with results:
        came = aiter(results)
        assert (await anext(came)).task_id == "t1"
        with pytest.raises(StreamError) as caught:
            await anext(came)
    assert caught.value.retryable
    assert server.requests[0].target == "/v1.3/analyze/batches/b1/results"


async def test_keepalive_events_prevent_the_idle_timeout_of_an_agent_stream(serve: Open) -> None:
    async def answer(_got: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(HEAD)
        for number in range(6):
            await asyncio.sleep(0.2)
            writer.write(chunk(b'event: keepalive\ndata: {"type":"keepalive","sequence_number":%d}\n\n' % number))
        done = b'data: {"type":"response.completed","sequence_number":9,"response":{"id":"r","status":"completed"}}\n\n'
        return chunk(done) + chunk(b"data: [DONE]\n\n") + chunk(b"")

    server, client = await serve(answer, idle_timeout=1)
    stream = client.responses.create_stream(knowledge_store_id="ks_1", input="Well?")
    assert (await stream.final()).id == "r"
    assert server.requests[0].headers["Accept"] == "text/event-stream"


async def test_an_interrupted_agent_request_is_not_retried(serve: Open) -> None:
    """With a session, each repetition would be a further turn of the conversation."""
    server, client = await serve(then(HEAD + chunk(b"data: {"), after="close"))
    with pytest.raises(StreamError) as caught:
        await client.responses.create_stream(knowledge_store_id="ks_1", input="Well?").text()
    assert caught.value.ambiguous
    assert not caught.value.retryable
    assert len(server.requests) == 1

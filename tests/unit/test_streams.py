"""Decoding of streams: events do not depend on packet boundaries, and truncated streams raise errors."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from support import FakeStreamingExecutor, eventually

from twelvelabs_async._core import stream_decoders as module
from twelvelabs_async._core.stream_decoders import JsonLinesDecoder, ServerSentEventsDecoder, StreamDecoder
from twelvelabs_async.errors import (
    APIConnectionError,
    APITimeoutError,
    ClientStateError,
    InvalidInputError,
    MalformedResponseError,
    StreamError,
)
from twelvelabs_async.models.analyze import AnalyzeEvent, StreamEnd, StreamStart, TextGeneration
from twelvelabs_async.models.common import UnknownEvent
from twelvelabs_async.requests import Request
from twelvelabs_async.resources.analyze import AnalyzeStream
from twelvelabs_async.resources.responses import ResponseStream

TEXTS = [
    "Zwei Züge 🚄 fahren",
    "line\u2028separator\u0085and\u2029more",
    "cr\rlf\ncrlf\r\n in JSON",
    "",
    "\x1e\x0b end",
]

START = {"event_type": "stream_start", "metadata": {"generation_id": "gen-1"}}
END = {
    "event_type": "stream_end",
    "finish_reason": "stop",
    "metadata": {"generation_id": "gen-1", "usage": {"output_tokens": 5, "input_tokens": 9}},
}


def text_event(text: str) -> dict[str, Any]:
    return {"event_type": "text_generation", "text": text}


def ndjson(*events: object) -> bytes:
    """Return events as JSON lines without escaped non-ASCII characters."""
    return b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events
    )


COMPLETE_STREAM = ndjson(START, *map(text_event, TEXTS), END)


def request(retry: Any = "billable") -> Request[Any]:
    return Request(method="POST", path_template="/analyze", response_type=dict, retry_class=retry, json={})


def stream_of(*chunks: Any, retry: Any = "billable") -> tuple[AnalyzeStream, FakeStreamingExecutor]:
    executor = FakeStreamingExecutor(*chunks)
    return AnalyzeStream(executor, request(retry)), executor


async def events_of(stream: AnalyzeStream) -> list[AnalyzeEvent]:
    return [event async for event in stream]


def decode_all(decoder: StreamDecoder, chunks: Iterable[bytes]) -> list[bytes]:
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return [*frames, *decoder.flush()]


def split_everywhere(content: bytes) -> Iterator[list[bytes]]:
    """Yield the content in one chunk, in two chunks split at each position, and byte by byte."""
    yield [content]
    yield from ([content[:position], content[position:]] for position in range(1, len(content)))
    yield [content[position : position + 1] for position in range(len(content))]


MESSAGE = "Your plan does not include this."


@pytest.mark.parametrize(
    "body",
    [
        ndjson({"code": "x", "message": MESSAGE}),
        ndjson(START, text_event("hi"), {"event_type": "error", "error": "failed", "detail": MESSAGE}),
        ndjson(START, {"error": {"code": "x", "message": MESSAGE}}),
        ndjson(START, {"event_type": "stream_end", "error": MESSAGE}),
        ndjson(START) + MESSAGE.encode(),
        f"<html><title>{MESSAGE}</title></html>".encode(),
    ],
)
async def test_an_error_in_place_of_an_event_raises_stream_error_with_its_message(body: bytes) -> None:
    with pytest.raises(StreamError, match=MESSAGE):
        await stream_of(body)[0].final()


@pytest.mark.parametrize(
    "body",
    [
        sse({"type": "response.failed", "message": MESSAGE}),
        sse({"type": "response.failed", "error": {"message": MESSAGE}, "response": {"id": "r", "status": "failed"}}),
        b"event: error\ndata: " + json.dumps({"code": "x", "message": MESSAGE}).encode() + b"\n\n",
        b"event: error\ndata: " + MESSAGE.encode() + b"\n\n",
        json.dumps({"code": "x", "message": MESSAGE}).encode(),
        f"<html>\n<title>{MESSAGE}</title>\n</html>".encode(),
    ],
)
async def test_an_error_in_place_of_an_agent_event_raises_stream_error_with_its_message(body: bytes) -> None:
    stream = ResponseStream(FakeStreamingExecutor(body), request())
    with pytest.raises(StreamError, match=MESSAGE):
        await stream.final()


async def test_events_do_not_depend_on_packet_boundaries() -> None:
    """A character, a line or a frame may begin in one packet and end in the next."""
    expected = [StreamStart, *[TextGeneration] * len(TEXTS), StreamEnd]
    for chunks in split_everywhere(COMPLETE_STREAM):
        stream, _ = stream_of(*chunks)
        events = await events_of(stream)
        assert [type(event) for event in events] == expected
        assert await stream.text() == "".join(TEXTS)


async def test_p19_a_stream_truncated_at_any_point_raises_stream_error() -> None:
    """A partial text must not be returned as the complete text."""
    for length in range(len(COMPLETE_STREAM.rstrip())):
        stream, _ = stream_of(*filter(None, [COMPLETE_STREAM[:length]]))
        with pytest.raises(StreamError) as caught:
            await stream.final()
        assert "".join(TEXTS).startswith(caught.value.text)
        assert caught.value.text == stream.text_so_far
        assert caught.value.retryable


async def test_the_last_line_needs_no_newline() -> None:
    stream, _ = stream_of(COMPLETE_STREAM.rstrip())
    assert await stream.text() == "".join(TEXTS)


@pytest.mark.parametrize("size", [1, 1_000_000])
async def test_events_after_the_final_event_are_ignored(size: int) -> None:
    """Otherwise the result would depend on packet boundaries."""
    content = COMPLETE_STREAM + b"no JSON at all\n" + ndjson(text_event("more"))
    stream, _ = stream_of(*(content[position : position + size] for position in range(0, len(content), size)))
    assert len(await events_of(stream)) == len(TEXTS) + 2
    assert await stream.text() == "".join(TEXTS)


async def test_blank_lines_and_carriage_returns_are_ignored() -> None:
    stream, _ = stream_of(b"\n\r\n \n", COMPLETE_STREAM.replace(b"\n", b"\r\n\n"))
    assert len(await events_of(stream)) == len(TEXTS) + 2


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b"null", b"\xff\xfe\xfd", b'{"event_type": "text_generation", "text": 5}']
)
async def test_p19_an_invalid_line_raises_stream_error_with_the_text_so_far(line: bytes) -> None:
    stream, _ = stream_of(ndjson(START, text_event("so ")), ndjson(text_event("far")) + line + b"\n" + ndjson(END))
    async with stream:
        events = aiter(stream)
        for _ in range(3):
            await anext(events)
        with pytest.raises(StreamError) as caught:
            await anext(events)
    assert caught.value.text == "so far"
    assert caught.value.event_count == 3


@pytest.mark.parametrize(
    "failure", [APIConnectionError(message="gone", retryable=True), APITimeoutError(message="slow")]
)
async def test_a_connection_failure_raises_stream_error_with_the_text_so_far(failure: APIConnectionError) -> None:
    stream, executor = stream_of(ndjson(START, text_event("half")), failure)
    with pytest.raises(StreamError, match=failure.message) as caught:
        await stream.text()
    error = caught.value
    assert (error.text, error.event_count, error.operation) == ("half", 2, "POST /analyze")
    assert (error.status_code, error.request_id) == (200, "trace-7")
    assert error.retryable is failure.retryable
    assert executor.responses[0].close_count


async def test_a_failed_stream_raises_the_same_error_again() -> None:
    stream, executor = stream_of(ndjson(START))
    for _ in range(2):
        with pytest.raises(StreamError, match="before its final event"):
            await stream.final()
    assert len(executor.requests) == 1


async def test_unknown_events_keep_all_fields() -> None:
    unknown_event = {"event_type": "thinking", "depth": 3}
    stream, _ = stream_of(ndjson(START, unknown_event, {"no": "type"}, {"event_type": 5}, END))
    events = await events_of(stream)
    assert [type(event) for event in events] == [StreamStart, *[UnknownEvent] * 3, StreamEnd]
    assert (events[1].extra, getattr(events[1], "kind", None)) == (unknown_event, "thinking")


@pytest.mark.parametrize(
    "event",
    [
        {"event_type": "error", "message": "out of memory"},
        {"event_type": "analysis.error", "error": {"message": "out of memory"}},
        {"error": {"message": "out of memory"}},
        {"error": "out of memory"},
        {"event_type": "stream_end", "finish_reason": "stop", "error": {"message": "out of memory"}},
        {"event_type": "stream_end", "error": {"message": "out of memory"}},
    ],
)
async def test_p19_an_error_event_raises_an_error_with_the_text_so_far(event: dict[str, Any]) -> None:
    stream, _ = stream_of(ndjson(START, text_event("half"), event))
    with pytest.raises(StreamError, match="out of memory") as caught:
        await events_of(stream)
    assert caught.value.text == "half"
    assert not caught.value.retryable


async def test_a_text_truncated_at_the_token_limit_is_not_an_error() -> None:
    """At the token limit, the platform reports an error that is only a warning."""
    stream, _ = stream_of(
        ndjson(START, text_event("half"), {**END, "finish_reason": "length", "error": {"message": "output truncated"}})
    )
    final = await stream.final()
    assert (final.data, final.finish_reason) == ("half", "length")
    assert final.error is not None
    assert final.error.message == "output truncated"


@pytest.mark.parametrize("size", [1, 1000])
async def test_p17_an_endless_line_is_rejected_at_the_length_limit(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless line does not exhaust the memory."""
    monkeypatch.setattr(module, "MAX_LINE_LENGTH", 5000)
    stream, executor = stream_of(*[b"x" * size] * (20_000 // size))
    with pytest.raises(StreamError, match="a line is longer than 5000 bytes"):
        await stream.text()
    assert sum(map(len, executor.responses[0].remaining)) > 14_000 - size  # type: ignore[arg-type]  # all chunks are bytes


async def test_a_large_line_is_decoded() -> None:
    text = "Zug " * 500_000
    content = ndjson(START, text_event(text), END)
    stream, _ = stream_of(*(content[position : position + 65_536] for position in range(0, len(content), 65_536)))
    assert await stream.text() == text


@pytest.mark.parametrize("make_decoder", [JsonLinesDecoder, ServerSentEventsDecoder])
def test_the_line_length_limit_does_not_depend_on_packet_boundaries(
    make_decoder: Callable[[], StreamDecoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LINE_LENGTH", 10)
    content = b"data: 1\n\n" + b"x" * 11 + b"\n\n"
    for chunks in split_everywhere(content):
        with pytest.raises(MalformedResponseError):
            decode_all(make_decoder(), chunks)


def test_the_limit_of_a_frame_counts_all_of_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_LENGTH", 100)
    with pytest.raises(MalformedResponseError, match="an event is longer"):
        decode_all(ServerSentEventsDecoder(), [b"data: 12345\n"] * 20)


async def test_iterating_closes_the_connection_at_the_end() -> None:
    stream, executor = stream_of(COMPLETE_STREAM)
    await events_of(stream)
    assert executor.responses[0].close_count == 1


async def test_breaking_out_of_the_loop_closes_the_connection() -> None:
    stream, executor = stream_of(
        *(COMPLETE_STREAM[position : position + 10] for position in range(0, len(COMPLETE_STREAM), 10))
    )
    async for _ in stream:
        break
    gc.collect()
    await eventually(lambda: executor.responses[0].close_count == 1)
    assert executor.responses[0].remaining
    with pytest.raises(ClientStateError, match="call the method again"):
        await stream.text()


async def test_an_entered_stream_resumes_after_a_break() -> None:
    stream, executor = stream_of(
        *(COMPLETE_STREAM[position : position + 10] for position in range(0, len(COMPLETE_STREAM), 10))
    )
    async with stream:
        async for event in stream:
            assert isinstance(event, StreamStart)
            break
        rest = await events_of(stream)
        assert [response.close_count for response in executor.responses] == [0]
        assert await stream.text() == "".join(TEXTS)
        assert await events_of(stream) == []
    assert len(rest) == len(TEXTS) + 1
    assert executor.responses[0].close_count == 1
    assert len(executor.requests) == 1


async def test_a_stream_closed_during_iteration_raises_client_state_error() -> None:
    async def read(stream: AnalyzeStream) -> None:
        async for _ in stream:
            await stream.close()

    stream, _ = stream_of(ndjson(START), ndjson(END))
    with pytest.raises(ClientStateError, match="closed before its end"):
        await read(stream)


async def test_an_unused_stream_sends_no_request() -> None:
    stream, executor = stream_of(COMPLETE_STREAM)
    await stream.close()
    assert not executor.requests
    with pytest.raises(ClientStateError):
        await events_of(stream)


async def test_a_stream_can_be_used_once() -> None:
    stream, executor = stream_of(COMPLETE_STREAM)
    assert len(await events_of(stream)) == len(TEXTS) + 2
    with pytest.raises(ClientStateError):
        await events_of(stream)
    assert len(executor.requests) == 1


async def test_text_and_final_can_be_called_repeatedly() -> None:
    stream, executor = stream_of(COMPLETE_STREAM)
    assert await stream.text() == await stream.text() == (await stream.final()).text
    assert len(executor.requests) == 1


async def test_an_error_in_the_loop_body_propagates_and_closes_the_connection() -> None:
    async def read(stream: AnalyzeStream) -> None:
        async with stream:
            async for _ in stream:
                raise ZeroDivisionError

    stream, executor = stream_of(ndjson(START), ndjson(END))
    with pytest.raises(ZeroDivisionError):
        await read(stream)
    assert executor.responses[0].close_count == 1


async def test_a_truncated_stream_of_a_write_raises_an_ambiguous_error() -> None:
    """The request may have been executed although no response arrived, so it is not retried."""
    stream, _ = stream_of(ndjson(START), retry="non_idempotent")
    with pytest.raises(StreamError) as caught:
        await stream.text()
    assert caught.value.ambiguous
    assert not caught.value.retryable


async def test_a_reported_failure_is_not_ambiguous() -> None:
    stream, _ = stream_of(ndjson(START, {"event_type": "error", "message": "no"}), retry="non_idempotent")
    with pytest.raises(StreamError) as caught:
        await stream.text()
    assert not caught.value.ambiguous


def test_an_invalid_id_is_rejected_when_the_stream_is_created() -> None:
    invalid_request = Request[Any](
        method="GET", path_template="/x/{id}", response_type=dict, retry_class="safe", path_params={"id": "../y"}
    )
    with pytest.raises(InvalidInputError):
        AnalyzeStream(FakeStreamingExecutor(), invalid_request)


AGENT_EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": {"id": "r", "status": "in_progress"}},
    *({"type": "response.output_text.delta", "sequence_number": 4 + n, "delta": text} for n, text in enumerate(TEXTS)),
    {"type": "response.completed", "sequence_number": 99, "response": {"id": "r", "status": "completed"}},
]
FRAMES = sse(*AGENT_EVENTS) + b"data: [DONE]\n\n"


async def test_events_of_frames_do_not_depend_on_packet_boundaries() -> None:
    expected = [event["type"] for event in AGENT_EVENTS]
    for chunks in split_everywhere(FRAMES):
        stream = ResponseStream(FakeStreamingExecutor(*chunks), request())
        assert [getattr(event, "type", None) async for event in stream] == expected
        assert stream.text_so_far == "".join(TEXTS)


async def test_p19_frames_truncated_at_any_point_raise_stream_error() -> None:
    """A frame is complete after its blank line."""
    complete = len(sse(*AGENT_EVENTS))
    for length in range(complete):
        stream = ResponseStream(FakeStreamingExecutor(*filter(None, [FRAMES[:length]])), request())
        with pytest.raises(StreamError):
            await stream.text()
    assert await ResponseStream(FakeStreamingExecutor(FRAMES[:complete]), request()).text() == "".join(TEXTS)


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b": a comment\n\n", []),
        (b":\n\n\n\n", []),
        (b"data: [DONE]\n\n", []),
        (b"data:\n\n", []),
        (b"event: keepalive\n\n", []),
        (b"id: 7\nretry: 1000\nevent: x\ndata: {}\n\n", [b"{}"]),
        (b"data:{}\n\n", [b"{}"]),
        (b'data: {"a":\ndata: 1}\n\n', [b'{"a":\n1}']),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"]),
        (b"\xef\xbb\xbfdata: 1\n\n", [b"1"]),
        (b"data: 1\n: between\ndata: 2\n\n", [b"1\n2"]),
        (b"data: 1\n\ndata: 2\n", [b"1"]),
        (b"dat: 1\ndatax: 2\n\n", []),
        (b'{"message": "no"}', [b'{"message": "no"}']),
        (b"<html>\n<title>no</title>\n", [b"<html>\n<title>no</title>"]),
        (b'data: 1\n\n{"message": "no"}', [b"1"]),
        ("data: \u2028\u0085\n\n".encode(), ["\u2028\u0085".encode()]),
    ],
)
def test_frames_are_decoded_according_to_the_sse_grammar(encoded: bytes, expected: list[bytes]) -> None:
    for chunks in split_everywhere(encoded):
        assert decode_all(ServerSentEventsDecoder(), chunks) == expected


def test_decoded_chunks_of_a_long_stream_are_not_kept() -> None:
    frames = JsonLinesDecoder()
    assert list(frames.feed(b"1\n2\n3")) == [b"1", b"2"]
    assert list(frames.flush()) == [b"3"]
    assert list(frames.flush()) == []

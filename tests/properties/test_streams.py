"""Streams yield the same events with any chunk boundaries."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import FakeStreamingExecutor, run_in_virtual_time

from twelvelabs_async._core.stream_decoders import JsonLinesDecoder, ServerSentEventsDecoder, StreamDecoder
from twelvelabs_async.errors import StreamError
from twelvelabs_async.requests import Request
from twelvelabs_async.resources.analyze import AnalyzeStream

SCALARS = st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.booleans() | st.none()
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), SCALARS, max_size=4)
POSITIONS = st.lists(st.integers(min_value=0, max_value=10_000), max_size=20)


def split(content: bytes, positions: list[int]) -> list[bytes]:
    boundaries = sorted({position % (len(content) + 1) for position in positions} | {0, len(content)})
    return [chunk for a, b in itertools.pairwise(boundaries) if (chunk := content[a:b])]


def decode_all(decoder: StreamDecoder, chunks: list[bytes]) -> list[Any]:
    return [json.loads(text) for chunk in chunks for text in decoder.feed(chunk)] + [
        json.loads(text) for text in decoder.flush()
    ]


def as_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def as_frame(value: dict[str, Any]) -> bytes:
    return b": comment\ndata: " + as_line(value) + b"\n"


@pytest.mark.parametrize(("make_decoder", "encode"), [(JsonLinesDecoder, as_line), (ServerSentEventsDecoder, as_frame)])
@given(values=st.lists(OBJECTS, max_size=6), positions=POSITIONS)
def test_p19_any_chunk_boundaries_produce_the_same_events(
    make_decoder: Callable[[], StreamDecoder],
    encode: Callable[[dict[str, Any]], bytes],
    values: list[dict[str, Any]],
    positions: list[int],
) -> None:
    content = b"".join(map(encode, values))
    assert decode_all(make_decoder(), split(content, positions)) == values


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=6),
    removed=st.integers(min_value=1, max_value=200),
    positions=POSITIONS,
)
def test_p19_a_stream_returns_the_whole_text_or_raises_an_error_with_its_beginning(
    texts: list[str], removed: int, positions: list[int]
) -> None:
    events = [{"event_type": "text_generation", "text": text} for text in texts]
    content = b"".join(map(as_line, [*events, {"event_type": "stream_end", "finish_reason": "stop"}]))

    def stream(content: bytes) -> AnalyzeStream:
        request = Request[Any](method="POST", path_template="/analyze", response_type=dict, retry_class="billable")
        return AnalyzeStream(FakeStreamingExecutor(*split(content, positions)), request)

    async def read() -> None:
        assert await stream(content).text() == "".join(texts)
        with pytest.raises(StreamError) as caught:
            await stream(content[: -1 - removed]).text()
        assert "".join(texts).startswith(caught.value.text)

    run_in_virtual_time(read())


@given(garbage=st.lists(st.binary(min_size=1, max_size=50), max_size=8))
def test_p18_an_invalid_stream_raises_stream_error(garbage: list[bytes]) -> None:
    request = Request[Any](method="POST", path_template="/analyze", response_type=dict, retry_class="billable")

    async def read() -> None:
        with pytest.raises(StreamError):
            await AnalyzeStream(FakeStreamingExecutor(*garbage), request).text()

    run_in_virtual_time(read())

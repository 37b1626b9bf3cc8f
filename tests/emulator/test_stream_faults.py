"""Faults injected into streams."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator
from twelvelabs_async.emulator._state.entities import KnowledgeStore
from twelvelabs_async.emulator._streams import fragments

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
WaitUntil = Callable[[Callable[[], bool]], Awaitable[None]]

URL = {"type": "url", "url": "https://example.com/clip.mp4"}
ANALYZE_REQUEST = {"video": URL, "prompt": "What happens?"}
RESPONSE_REQUEST = {
    "knowledge_store_id": "ks_1",
    "input": [{"type": "message", "role": "user", "content": "Who?"}],
    "stream": True,
}
STREAMS = [("analyze", ANALYZE_REQUEST), ("responses", RESPONSE_REQUEST)]


def add_store(emulator: Emulator) -> None:
    emulator.state.knowledge.stores["ks_1"] = KnowledgeStore(
        id="ks_1", name="store", description=None, ingestion_config=None, metadata={}, created_at=0, updated_at=0
    )


@pytest.fixture
def read(emulator: Emulator, session: aiohttp.ClientSession) -> Callable[[str, Any], Awaitable[bytes]]:
    """Read a stream; an exception gets a note with the content that was read before it."""
    add_store(emulator)

    async def read_stream(path: str, body: Any) -> bytes:
        content = b""
        async with session.post(path, json=body) as response:
            assert response.status == 200
            try:
                async for block in response.content.iter_any():
                    content += block
            except aiohttp.ClientError as error:
                error.add_note(content.decode(errors="replace"))
                raise
        return content

    return read_stream


Read = Callable[[str, Any], Awaitable[bytes]]


@pytest.mark.parametrize(("path", "body"), STREAMS)
@pytest.mark.parametrize("stream_fault", ["cut", "reset"])
async def test_a_stream_can_be_interrupted(
    emulator: Emulator, read: Read, path: str, body: Any, stream_fault: Any
) -> None:
    complete = (await read(path, body)).decode()
    fault = emulator.faults.add(f"POST /{path}", stream=stream_fault)
    expected = aiohttp.ClientPayloadError if stream_fault == "cut" else aiohttp.ClientError
    with pytest.raises(expected) as caught:
        await read(path, body)
    partial = caught.value.__notes__[0]
    assert 0 < len(partial) < len(complete)
    assert not partial.endswith("\n")
    assert fault.hits == 1
    assert emulator.requests[-1].status == 0
    assert len(await read(path, body)) == len(complete)


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_line_of_a_stream_can_be_invalid_json(emulator: Emulator, read: Read, path: str, body: Any) -> None:
    complete = (await read(path, body)).split(b"\n")
    emulator.faults.add(f"POST /{path}", stream="broken-line")
    lines = (await read(path, body)).split(b"\n")
    assert len(lines) == len(complete)
    (broken_line,) = [line for line, intact in zip(lines, complete, strict=True) if len(line) != len(intact)]
    with pytest.raises(ValueError, match=r"line 1|delimiter|Expecting|Unterminated"):
        json.loads(broken_line.removeprefix(b"data: "))
    emulator.faults.assert_all_hit()


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_the_end_of_a_stream_can_be_missing(emulator: Emulator, read: Read, path: str, body: Any) -> None:
    emulator.faults.add(f"POST /{path}", stream="no-end")
    text = (await read(path, body)).decode()
    assert text.endswith("\n")
    assert "stream_end" not in text
    assert "response.completed" not in text
    assert "[DONE]" not in text
    assert ("text_generation" if path == "analyze" else "output_item.done") in text


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_stream_can_have_an_error_event(emulator: Emulator, read: Read, path: str, body: Any) -> None:
    emulator.faults.add(f"POST /{path}", stream="error-event")
    text = (await read(path, body)).decode()
    if path == "analyze":
        assert json.loads(text.splitlines()[-1])["event_type"] == "error"
    else:
        assert text.endswith("data: [DONE]\n\n")
        assert json.loads(text.split("data: ")[-2])["response"]["status"] == "failed"
    assert "completed" not in text
    emulator.faults.assert_all_hit()


@pytest.mark.parametrize("stream_fault", ["cut", "broken-line", "no-end", "error-event"])
async def test_stream_faults_apply_to_batch_results(
    emulator: Emulator, session: aiohttp.ClientSession, call: SendRequest, make_source: MakeSource, stream_fault: Any
) -> None:
    request = {"video": await make_source(), "prompt": {"input_text": "What?"}}
    body = {"model_name": "pegasus1.5", "analysis_mode": "general", "requests": [request] * 3}
    _, created = await call("POST", "/analyze/batches", json=body)
    emulator.faults.add("GET /analyze/batches/{id}/results", stream=stream_fault)
    async with session.get(f"analyze/batches/{created['batch_id']}/results") as response:
        if stream_fault == "cut":
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
            return
        lines = (await response.text()).splitlines()
    assert len(lines) == (3 if stream_fault == "broken-line" else 2)
    emulator.faults.assert_all_hit()


async def test_a_response_that_is_not_a_stream_is_not_counted_as_a_hit(
    emulator: Emulator, call: SendRequest, read: Read
) -> None:
    fault = emulator.faults.add("POST /analyze", stream="no-end")
    status, _ = await call("POST", "/analyze", json=ANALYZE_REQUEST | {"stream": False})
    assert (status, fault.hits) == (200, 0)
    assert (await call("POST", "/analyze", json={}))[0] == 400
    with pytest.raises(AssertionError, match="POST /analyze"):
        emulator.faults.assert_all_hit()
    assert b"stream_end" not in await read("analyze", ANALYZE_REQUEST)
    emulator.faults.assert_all_hit()


async def test_other_faults_apply_to_streams(emulator: Emulator, read: Read, wait_until: WaitUntil) -> None:
    emulator.faults.add("POST /analyze", truncate=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await read("analyze", ANALYZE_REQUEST)
    emulator.faults.add("POST /analyze", stall="body")
    async with (
        aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}) as session,
        session.post(emulator.base_url + "/analyze", json=ANALYZE_REQUEST) as response,
    ):
        assert (await response.content.readline()).startswith(b'{"event_type": "stream_start"')
        assert emulator.in_flight == 1
    await wait_until(lambda: emulator.in_flight == 0)
    emulator.faults.add("POST /analyze", status=503)
    with pytest.raises(AssertionError):
        await read("analyze", ANALYZE_REQUEST)


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_stream_can_be_fragmented(serve: Serve, connect: Connect, path: str, body: Any) -> None:
    emulator = await serve(fragment_streams=True)
    add_store(emulator)
    session = await connect(emulator)
    blocks: list[bytes] = []
    async with session.post(path, json=body) as response:
        async for block, _ in response.content.iter_chunks():
            blocks.append(block)
    content = b"".join(blocks)
    assert "\u2028".encode() in content
    assert len(blocks) > 40
    assert any(block[0] & 0xC0 == 0x80 for block in blocks if block), "a block starts within a character"
    assert any(block.startswith(b"\n") for block in blocks), "a block starts before the end of a line"
    if path == "analyze":
        events = [json.loads(line) for line in content.decode().split("\n") if line]
        assert b"\n\n" in content
        assert events[-1]["event_type"] == "stream_end"
        assert "“naïve café” aloud, then 日本語 🎬\u2028" in "".join(event.get("text", "") for event in events)
    else:
        assert b'"type": "keepalive"' in content
        assert b"\n: still here\n" in content
        assert content.endswith(b"data: [DONE]\n\n")


def test_fragments_contain_the_whole_content() -> None:
    content = "a\n\nü€🎬 end".encode()
    parts = list(fragments(content))
    assert b"".join(parts) == content
    assert all(parts)
    assert list(fragments(b"")) == []

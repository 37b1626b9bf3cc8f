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
Until = Callable[[Callable[[], bool]], Awaitable[None]]

URL = {"type": "url", "url": "https://example.com/clip.mp4"}
ANALYZE = {"video": URL, "prompt": "What happens?"}
ASK = {"knowledge_store_id": "ks_1", "input": [{"type": "message", "role": "user", "content": "Who?"}], "stream": True}
STREAMS = [("analyze", ANALYZE), ("responses", ASK)]


def with_store(emulator: Emulator) -> None:
    emulator.state.knowledge.stores["ks_1"] = KnowledgeStore(
        id="ks_1", name="store", description=None, ingestion_config=None, metadata={}, created_at=0, updated_at=0
    )


@pytest.fixture
def read(emulator: Emulator, session: aiohttp.ClientSession) -> Callable[[str, Any], Awaitable[bytes]]:
    """Read a stream; attach the content read so far to an exception."""
    with_store(emulator)

    async def do(path: str, body: Any) -> bytes:
        got = b""
        async with session.post(path, json=body) as response:
            assert response.status == 200
            try:
                async for piece in response.content.iter_any():
                    got += piece
            except aiohttp.ClientError as error:
                error.add_note(got.decode(errors="replace"))
                raise
        return got

    return do


Read = Callable[[str, Any], Awaitable[bytes]]


@pytest.mark.parametrize(("path", "body"), STREAMS)
@pytest.mark.parametrize("kind", ["cut", "reset"])
async def test_a_stream_can_be_interrupted(emulator: Emulator, read: Read, path: str, body: Any, kind: Any) -> None:
    whole = (await read(path, body)).decode()
    fault = emulator.faults.add(f"POST /{path}", stream=kind)
    expected = aiohttp.ClientPayloadError if kind == "cut" else aiohttp.ClientError
    with pytest.raises(expected) as broken:
        await read(path, body)
    got = broken.value.__notes__[0]
    assert 0 < len(got) < len(whole)
    assert not got.endswith("\n")
    assert fault.hits == 1
    assert emulator.requests[-1].status == 0
    assert len(await read(path, body)) == len(whole)


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_line_of_a_stream_can_be_invalid_json(emulator: Emulator, read: Read, path: str, body: Any) -> None:
    whole = (await read(path, body)).split(b"\n")
    emulator.faults.add(f"POST /{path}", stream="broken-line")
    found = (await read(path, body)).split(b"\n")
    assert len(found) == len(whole)
    (broken,) = [line for line, good in zip(found, whole, strict=True) if len(line) != len(good)]
    with pytest.raises(ValueError, match=r"line 1|delimiter|Expecting|Unterminated"):
        json.loads(broken.removeprefix(b"data: "))
    emulator.faults.assert_all_hit()


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_the_end_of_a_stream_can_be_missing(emulator: Emulator, read: Read, path: str, body: Any) -> None:
    emulator.faults.add(f"POST /{path}", stream="no-end")
    found = (await read(path, body)).decode()
    assert found.endswith("\n")
    assert "stream_end" not in found
    assert "response.completed" not in found
    assert "[DONE]" not in found
    assert ("text_generation" if path == "analyze" else "output_item.done") in found


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_stream_can_have_an_error_event(emulator: Emulator, read: Read, path: str, body: Any) -> None:
    emulator.faults.add(f"POST /{path}", stream="error-event")
    found = (await read(path, body)).decode()
    if path == "analyze":
        assert json.loads(found.splitlines()[-1])["event_type"] == "error"
    else:
        assert found.endswith("data: [DONE]\n\n")
        assert json.loads(found.split("data: ")[-2])["response"]["status"] == "failed"
    assert "completed" not in found
    emulator.faults.assert_all_hit()


@pytest.mark.parametrize("kind", ["cut", "broken-line", "no-end", "error-event"])
async def test_stream_faults_apply_to_batch_results(
    emulator: Emulator, session: aiohttp.ClientSession, call: SendRequest, make_source: MakeSource, kind: Any
) -> None:
    request = {"video": await make_source(), "prompt": {"input_text": "What?"}}
    body = {"model_name": "pegasus1.5", "analysis_mode": "general", "requests": [request] * 3}
    _, created = await call("POST", "/analyze/batches", json=body)
    emulator.faults.add("GET /analyze/batches/{id}/results", stream=kind)
    async with session.get(f"analyze/batches/{created['batch_id']}/results") as response:
        if kind == "cut":
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
            return
        lines = (await response.text()).splitlines()
    assert len(lines) == (3 if kind == "broken-line" else 2)
    emulator.faults.assert_all_hit()


async def test_a_response_that_is_not_a_stream_is_not_counted_as_a_hit(
    emulator: Emulator, call: SendRequest, read: Read
) -> None:
    fault = emulator.faults.add("POST /analyze", stream="no-end")
    status, _ = await call("POST", "/analyze", json=ANALYZE | {"stream": False})
    assert (status, fault.hits) == (200, 0)
    assert (await call("POST", "/analyze", json={}))[0] == 400
    with pytest.raises(AssertionError, match="POST /analyze"):
        emulator.faults.assert_all_hit()
    assert b"stream_end" not in await read("analyze", ANALYZE)
    emulator.faults.assert_all_hit()


async def test_other_faults_apply_to_streams(emulator: Emulator, read: Read, until: Until) -> None:
    emulator.faults.add("POST /analyze", truncate=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await read("analyze", ANALYZE)
    emulator.faults.add("POST /analyze", stall="body")
    async with (
        aiohttp.ClientSession(headers={"x-api-key": emulator.api_key}) as session,
        session.post(emulator.base_url + "/analyze", json=ANALYZE) as response,
    ):
        assert (await response.content.readline()).startswith(b'{"event_type": "stream_start"')
        assert emulator.in_flight == 1
    await until(lambda: emulator.in_flight == 0)
    emulator.faults.add("POST /analyze", status=503)
    with pytest.raises(AssertionError):
        await read("analyze", ANALYZE)


@pytest.mark.parametrize(("path", "body"), STREAMS)
async def test_a_stream_can_be_fragmented(serve: Serve, connect: Connect, path: str, body: Any) -> None:
    emulator = await serve(fragment_streams=True)
    with_store(emulator)
    session = await connect(emulator)
    got: list[bytes] = []
    async with session.post(path, json=body) as response:
        async for piece, _ in response.content.iter_chunks():
            got.append(piece)
    whole = b"".join(got)
    assert "\u2028".encode() in whole
    assert len(got) > 40
    assert any(piece[0] & 0xC0 == 0x80 for piece in got if piece), "within a character"
    assert any(piece.startswith(b"\n") for piece in got), "before the end of a line"
    if path == "analyze":
        events = [json.loads(line) for line in whole.decode().split("\n") if line]
        assert b"\n\n" in whole
        assert events[-1]["event_type"] == "stream_end"
        assert "“naïve café” aloud, then 日本語 🎬\u2028" in "".join(event.get("text", "") for event in events)
    else:
        assert b'"type": "keepalive"' in whole
        assert b"\n: still here\n" in whole
        assert whole.endswith(b"data: [DONE]\n\n")


def test_fragments_contain_the_whole_content() -> None:
    content = "a\n\nü€🎬 end".encode()
    found = list(fragments(content))
    assert b"".join(found) == content
    assert all(found)
    assert list(fragments(b"")) == []

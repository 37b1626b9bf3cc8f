"""Transcription of assets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twelvelabs_async.emulator import samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Advance = Callable[[float], None]


@pytest.fixture
async def path(make_asset: CreateResource) -> str:
    return f"/assets/{await make_asset('red_car.mp4', samples.video(12))}/transcription"


async def test_a_transcription_is_ready_when_its_asset_is_ready(call: SendRequest, path: str, advance: Advance) -> None:
    assert await call("GET", path) == (200, {"status": "processing"})
    advance(10)
    status, body = await call("GET", path)
    assert (status, body.keys()) == (200, {"status", "words"})
    assert [word["value"] for word in body["words"]] == ["red", "car", "mp4"] * 2
    assert [word["start"] for word in body["words"]] == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("query", ["include=sentences&include=utterances", "include=sentences,utterances"])
async def test_other_parts_are_returned_on_request(call: SendRequest, path: str, advance: Advance, query: str) -> None:
    advance(10)
    _, body = await call("GET", f"{path}?{query}")
    assert body.keys() == {"status", "sentences", "utterances"}
    assert body["sentences"][0] == {"start": 0, "end": 6, "value": "red car mp4"}
    assert {part["speaker"] for part in body["utterances"]} == {"A"}


async def test_a_silent_asset_has_no_transcription(
    call: SendRequest, make_asset: CreateResource, advance: Advance
) -> None:
    for name, content in (("a.mp4", samples.video(sound=False)), ("a.png", samples.image()), ("a.md", b"a")):
        asset = await make_asset(name, content)
        advance(10)
        status, body = await call("GET", f"/assets/{asset}/transcription")
        assert (status, body["code"]) == (404, "resource_not_exist")
    assert (await call("GET", f"/assets/{'0' * 24}/transcription"))[0] == 404


async def test_unknown_parts_are_rejected(call: SendRequest, path: str) -> None:
    assert (await call("GET", f"{path}?include=letters"))[0] == 400

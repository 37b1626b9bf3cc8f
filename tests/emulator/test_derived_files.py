"""URLs of streams and thumbnails have the form that the platform uses."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
Advance = Callable[[float], None]

CLIP = Path(__file__).parents[1] / "data" / "media" / "bars.mp4"
ACCOUNT = r"https?://[^/]+/[0-9a-f]{24}/assets/"


def is_stream(url: str, asset: str) -> bool:
    return re.fullmatch(f"{ACCOUNT}{asset}/hlses/playlist\\.m3u8", url) is not None


def is_thumbnail(url: str, asset: str) -> bool:
    return re.fullmatch(f"{ACCOUNT}{asset}/thumbnails/[0-9.]+\\.jpeg", url) is not None


async def test_an_asset_has_urls_like_those_of_the_platform(
    call: SendRequest, make_asset: CreateResource, advance: Advance
) -> None:
    asset = await make_asset()
    advance(10)
    _, response = await call("GET", f"/assets/{asset}")
    assert is_stream(response["hls"]["manifest_url"], asset)
    assert is_thumbnail(response["thumbnail"]["representative_url"], asset)


@pytest.mark.parametrize(
    ("filename", "content", "fields"),
    [
        ("a.wav", samples.audio(), {"hls"}),
        ("a.png", samples.image(), {"thumbnail"}),
        ("a.pdf", b"%PDF-1.4", {"thumbnail"}),
        ("a.txt", b"A.", set[str]()),
        ("a.md", b"A.", set[str]()),
    ],
)
async def test_the_type_of_a_file_determines_its_derived_files(
    call: SendRequest, make_asset: CreateResource, advance: Advance, filename: str, content: bytes, fields: set[str]
) -> None:
    asset = await make_asset(filename, content)
    for status in ("processing", "ready"):
        _, response = await call("GET", f"/assets/{asset}")
        derived = response.keys() & {"hls", "thumbnail"}
        assert (derived, {response[name]["status"] for name in derived}) == (fields, {status} if fields else set())
        advance(10)


async def test_a_video_its_hits_and_its_citations_have_the_urls_of_its_asset(
    call: SendRequest, form: Form, make_index: CreateResource, make_video: CreateResource, advance: Advance
) -> None:
    index = await make_index(addons=["thumbnail"])
    video = await make_video(index, "sailing.mp4", CLIP.read_bytes(), enable_video_stream=True)
    _, body = await call("GET", f"/indexes/{index}/indexed-assets/{video}")
    asset = body["asset_id"]
    assert is_stream(body["hls"]["video_url"], asset)
    data = form(index_id=index, search_options="visual", query_text="sailing")
    _, hits = await call("POST", "/search", data=data)
    _, store = await call("POST", "/knowledge-stores", json={"name": "films"})
    await call("POST", f"/knowledge-stores/{store['_id']}/items", json={"asset_id": asset})
    advance(50)
    message = {"type": "message", "role": "user", "content": "Who?"}
    _, answer = await call("POST", "/responses", json={"knowledge_store_id": store["_id"], "input": [message]})
    (citation,) = answer["output"][0]["content"][0]["annotations"]
    assert is_stream(citation["hls_url"], asset)
    thumbnails = [*body["hls"]["thumbnail_urls"], *(hit["thumbnail_url"] for hit in hits["data"])]
    assert all(is_thumbnail(url, asset) for url in (*thumbnails, citation["thumbnail_url"]))
    assert (await call("DELETE", f"/assets/{asset}?force=true"))[0] == 204
    async with aiohttp.ClientSession() as session:
        for url in thumbnails:
            async with session.get(url) as response:
                assert (response.status, response.content_type) == (200, "image/jpeg"), "the indexed video still exists"

"""URLs that do not lead to a media file: pages of video platforms, sharing links, and other types of files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator._media.rules import url_problem

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
Advance = Callable[[float], None]

WEB_PAGES = (
    "https://www.youtube.com/watch?v=x",
    "https://youtu.be/x",
    "https://vimeo.com/123",
    "https://drive.google.com/file/d/abc/view",
    "https://www.dropbox.com/s/abc/film.mp4?dl=0",
)
FILE_URLS = (
    "https://example.com/film.mp4",
    "https://example.com/download?id=5",
    "https://example.com/film.v2",
    "https://example.com/watch.php",
    "https://player.vimeo.com/external/1.hd.mp4?s=2",
    "https://www.dropbox.com/s/abc/film.mp4?dl=1",
    "https://drive.google.com/uc?export=download&id=abc",
    "https://notyoutube.com/film",
)


@pytest.mark.parametrize(
    "url", [*WEB_PAGES, "https://example.com/a.exe", "https://example.com/a.DOCX", "https://a.invalid/a"]
)
async def test_an_asset_fails_if_its_url_does_not_lead_to_a_media_file(
    call: SendRequest, form: Form, advance: Advance, url: str
) -> None:
    status, created = await call("POST", "/assets", data=form(method="url", url=url))
    assert (status, created["status"]) == (201, "processing")
    advance(10)
    _, asset = await call("GET", f"/assets/{created['_id']}")
    assert (asset["status"], asset["error"]["message"]) == ("failed", url_problem(url))


@pytest.mark.parametrize("url", FILE_URLS)
async def test_other_urls_may_lead_to_a_file(call: SendRequest, form: Form, advance: Advance, url: str) -> None:
    _, created = await call("POST", "/assets", data=form(method="url", url=url))
    advance(10)
    _, asset = await call("GET", f"/assets/{created['_id']}")
    assert (asset["status"], asset["file_type"]) == ("ready", "video/mp4")


@pytest.mark.parametrize("url", WEB_PAGES)
async def test_a_web_page_is_rejected_by_every_operation(
    call: SendRequest, form: Form, make_index: CreateResource, advance: Advance, url: str
) -> None:
    index = await make_index()
    status, error = await call("POST", "/tasks", data=form(index_id=index, video_url=url))
    assert (status, error["code"]) == (400, "video_file_broken")
    _, embedding = await call("POST", "/embed/tasks", data=form(model_name="marengo3.0", video_url=url))
    advance(60)
    assert (await call("GET", f"/embed/tasks/{embedding['_id']}/status"))[1]["status"] == "failed"
    if not url.endswith(".mp4?dl=0"):
        _, embedded = await call("POST", "/embed", data=form(model_name="marengo3.0", image_url=url))
        assert embedded["image_embedding"]["error_message"] == url_problem(url)
    query = {"index_id": index, "search_options": "visual", "query_media_type": "image", "query_media_url": url}
    status, error = await call("POST", "/search", data=form(**query))
    assert (status, error["code"]) == (400, "parameter_invalid")
    embed_request = {"input_type": "video", "model_name": "marengo3.0", "video": {"media_source": {"url": url}}}
    for path in ("/embed-v2", "/embed-v2/tasks"):
        status, error = await call("POST", path, json=embed_request)
        assert (status, error["error"]["code"]) == (400, "media_url_not_exists")
    analyze_request = {"video": {"type": "url", "url": url}, "prompt": "What?"}
    status, error = await call("POST", "/analyze", json=analyze_request)
    assert (status, error["code"]) == (400, "video_file_broken")
    status, error = await call("POST", "/analyze/tasks", json=analyze_request)
    assert (status, error["error"]["code"]) == (400, "video_file_broken")

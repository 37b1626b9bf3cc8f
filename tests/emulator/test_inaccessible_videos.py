"""Unreadable videos are rejected when the request arrives, if the platform can detect the error by then."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Advance = Callable[[float], None]

URLS = ("https://nowhere.invalid/a.mp4", "https://example.com/a.exe", "https://vimeo.com/123")
ACCESSIBLE_VIDEO = {"type": "url", "url": "https://example.com/a.mp4"}


@pytest.mark.parametrize("url", URLS)
async def test_a_video_at_a_url_must_be_accessible(
    call: SendRequest, form: Form, make_index: CreateResource, url: str
) -> None:
    body = {"video": {"type": "url", "url": url}, "prompt": "What?"}
    for path in ("/analyze", "/analyze/tasks"):
        status, response = await call("POST", path, json=body)
        assert (status, response.get("error", response)["code"]) == (400, "video_file_broken")
    data = form(index_id=await make_index(), video_url=url)
    status, error = await call("POST", "/tasks", data=data)
    assert (status, error["code"]) == (400, "video_file_broken")
    body = {"input_type": "video", "model_name": "marengo3.0", "video": {"media_source": {"url": url}}}
    for path in ("/embed-v2", "/embed-v2/tasks"):
        status, response = await call("POST", path, json=body)
        assert (status, response["error"]["code"]) == (400, "media_url_not_exists")
        assert response["error"]["message"] == f"Cannot find media url '{url}'. Please use an existing url."


@pytest.mark.parametrize(
    ("kind", "url"), [("image", "https://a.invalid/a.png"), ("document", "https://a.invalid/a.pdf")]
)
async def test_an_image_or_document_at_a_url_is_fetched_later(
    call: SendRequest, advance: Advance, kind: str, url: str
) -> None:
    body = {"input_type": kind, "model_name": "marengo3.5", kind: {"media_source": {"url": url}}}
    status, task = await call("POST", "/embed-v2/tasks", json=body)
    assert (status, task["status"]) == (202, "processing")
    advance(50)
    _, task = await call("GET", f"/embed-v2/tasks/{task['_id']}")
    assert (task["status"], task["data"], task["error"].keys()) == ("failed", None, {"message"})


async def test_an_analysis_that_fails_has_an_error_and_no_result(
    call: SendRequest, emulator: Emulator, advance: Advance
) -> None:
    emulator.faults.add("POST /analyze/tasks", processing_error="The video is dark.")
    status, task = await call("POST", "/analyze/tasks", json={"video": ACCESSIBLE_VIDEO, "prompt": "What?"})
    assert status == 202
    advance(20)
    _, task = await call("GET", f"/analyze/tasks/{task['task_id']}")
    assert (task["status"], task["error"]["message"]) == ("failed", "The video is dark.")
    assert "result" not in task


async def test_an_inline_video_may_last_two_hours_and_another_one_four(
    call: SendRequest, make_source: MakeSource
) -> None:
    async def analyze(video: dict[str, str]) -> tuple[int, Any]:
        return await call("POST", "/analyze/tasks", json={"video": video, "prompt": "What?", "end_time": 60})

    def inline(seconds: float) -> dict[str, str]:
        return {"type": "base64_string", "base64_string": base64.b64encode(samples.video(seconds)).decode()}

    assert (await analyze(inline(7200)))[0] == 202
    status, response = await analyze(inline(7201))
    assert (status, response["error"]["code"]) == (400, "video_duration_too_long")
    assert (await analyze(await make_source(seconds=14_400)))[0] == 202
    assert (await analyze(await make_source(seconds=14_401)))[0] == 400

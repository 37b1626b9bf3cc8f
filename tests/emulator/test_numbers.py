"""Invalid numbers, and other values in place of a number, never cause a response with status 500."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import samples
from twelvelabs_async.emulator._json import parse_integer, parse_number

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

NON_ASCII_DIGITS = ("\uff11\uff10", "\u0663")
"""Digits outside ASCII."""
INVALID_NUMBERS = (
    *NON_ASCII_DIGITS,
    "nan",
    "inf",
    "-Infinity",
    "1e400",
    "1_0",
    "+5",
    " 5",
    "5 ",
    "0x5",
    "",
    ".",
    "-",
    "9" * 500,
)
HUGE = "9" * 5000
"""An integer with more digits than Python converts."""


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-0", 0), ("007", 7), ("-12.50", -12.5), ("5.", 5), (".5", 0.5), ("1e3", 1000)]
)
def test_a_number_has_the_notation_of_json(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", INVALID_NUMBERS)
def test_a_number_that_only_python_accepts_is_rejected(text: str) -> None:
    for parse in (parse_number, parse_integer):
        if text != "9" * 500 or parse is parse_integer:
            with pytest.raises(ValueError, match="is not a"):
                parse(text)


@pytest.mark.parametrize("text", [text for text in INVALID_NUMBERS if text] + [HUGE])
async def test_the_numbers_of_a_form_and_a_query_are_checked(call: SendRequest, form: Form, text: str) -> None:
    video = {"model_name": "marengo3.0", "video_url": "https://example.com/a.mp4"}
    offsets = {"video_start_offset_sec": text, "video_end_offset_sec": text}
    for fields in (offsets, {"video_clip_length": text}):
        status, error = await call("POST", "/embed/tasks", data=form(**video, **fields))
        assert (status, error["code"]) == (400, "parameter_invalid")
    for name in ("page", "page_limit"):
        status, error = await call("GET", "/indexes", params={name: text})
        assert (status, error["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("number", [HUGE, "2_0", "٢", "-1", "0", "x", ""])
async def test_a_search_token_with_another_page_is_expired(
    call: SendRequest, form: Form, make_index: CreateResource, make_video: CreateResource, number: str
) -> None:
    index = await make_index()
    for name in ("red_car.mp4", "red_bus.mp4"):
        await make_video(index, name, samples.video(8))
    fields = {"index_id": index, "search_options": "visual", "query_text": "red", "page_limit": 1}
    _, response = await call("POST", "/search", data=form(**fields))
    token = response["page_info"]["next_page_token"].rpartition("-")[0]
    status, error = await call("GET", f"/search/{token}-{number}")
    assert (status, set(error)) == (400, {"error_code", "message"})


STORE = {"name": "films"}
VIDEO = {"type": "url", "url": "https://example.com/a.mp4"}
UNREACHABLE_VIDEO = {"type": "url", "url": "https://nowhere.invalid/a.mp4"}
MULTI_INPUT = {"input_type": "multi_input", "model_name": "marengo3.5"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/analyze", {"video": VIDEO, "prompt": "What?", "start_time": "NUMBER"}),
        ("/analyze", {"video": UNREACHABLE_VIDEO, "prompt": "What?", "end_time": "NUMBER"}),
        ("/analyze/tasks", {"video": UNREACHABLE_VIDEO, "prompt": "What?", "start_time": "NUMBER"}),
        ("/analyze", {"video": VIDEO, "prompt": "What?", "analysis_mode": ["general"]}),
        ("/assets/multipart-uploads", {"filename": "a.mp4", "type": "video", "total_size": "NUMBER"}),
        (
            "/embed-v2",
            MULTI_INPUT | {"multi_input": {"media_sources": [{"media_type": ["image"], "url": "https://a/b.png"}]}},
        ),
    ],
)
@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "1e308", "1e400", HUGE])
async def test_a_json_number_may_have_any_size(call: SendRequest, path: str, body: Any, number: str) -> None:
    content = json.dumps(body).replace('"NUMBER"', number)
    status, _ = await call("POST", path, data=content, headers={"content-type": "application/json"})
    assert status in {400, 202}


async def test_a_selection_with_a_huge_number_does_not_exist(call: SendRequest) -> None:
    _, store = await call("POST", "/knowledge-stores", json=STORE)
    question = {"type": "message", "role": "user", "content": f"What is {{{{sel:{HUGE}}}}}?"}
    body = {"knowledge_store_id": store["_id"], "input": [question], "stream": False}
    status, error = await call("POST", "/responses", json=body)
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_the_storage_has_no_chunk_with_a_huge_number(upload: dict[str, Any]) -> None:
    url = upload["upload_urls"][0]["url"]
    async with aiohttp.ClientSession() as session:
        for number in (HUGE[:4500], "%D9%A1", "-1", "0"):
            async with session.put(url.replace("/1?", f"/{number}?"), data=b"x") as response:
                assert response.status == 404


async def test_invalid_utf8_in_a_filename_is_replaced(call: SendRequest, advance: Callable[[float], None]) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
    body = (
        part % (b"method", b"", b"direct") + part % (b"file", b'; filename="\xff.mp4"', samples.video()) + b"--x--\r\n"
    )
    _, asset = await call("POST", "/assets", data=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert asset["filename"] == "\ufffd.mp4"
    advance(10)
    video = {"type": "asset_id", "asset_id": asset["_id"]}
    assert (await call("POST", "/analyze", json={"video": video, "prompt": "What?", "stream": False}))[0] == 200

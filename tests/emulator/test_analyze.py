"""Synchronous analysis of videos and images, streamed or in one response."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, Window, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]

PROMPT = "What happens in this video?"
URL = {"type": "url", "url": "https://example.com/clip.mp4"}
IMAGE = {"name": "one", "url": "https://example.com/one.png"}
BROKEN = {"type": "base64_string", "base64_string": base64.b64encode(b"a text").decode()}
NO_VIDEO = {"type": "base64_string", "base64_string": base64.b64encode(samples.image()).decode()}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


async def test_the_text_contains_the_file_name_and_the_prompt(call: SendRequest, make_source: MakeSource) -> None:
    video = await make_source("red car.mp4")
    status, response = await call("POST", "/analyze", json={"video": video, "prompt": PROMPT, "stream": False})
    assert status == 200
    assert response["data"].startswith("red car.mp4: an answer to What happens in this video.")
    assert "From 54 to 60 seconds" in response["data"]
    assert response["finish_reason"] == "stop"
    assert response["usage"]["output_tokens"] > 60
    assert "error" not in response


@pytest.mark.parametrize("stream", [{}, {"stream": True}])
async def test_responses_are_streamed_by_default(
    session: aiohttp.ClientSession, call: SendRequest, make_source: MakeSource, stream: dict[str, bool]
) -> None:
    body = {"video": await make_source(), "prompt": PROMPT}
    async with session.post("analyze", json=body | stream) as response:
        assert response.content_type == "application/x-ndjson"
        assert response.headers["Transfer-Encoding"] == "chunked"
        start, *texts, end = lines(await response.text())
    _, complete = await call("POST", "/analyze", json=body | {"stream": False})
    assert start == {"event_type": "stream_start", "metadata": {"generation_id": end["metadata"]["generation_id"]}}
    assert {event["event_type"] for event in texts} == {"text_generation"}
    assert "".join(event["text"] for event in texts) == complete["data"]
    assert (end["event_type"], end["finish_reason"]) == ("stream_end", "stop")
    assert end["metadata"]["usage"] == complete["usage"]


async def test_a_long_text_is_truncated_at_max_tokens(call: SendRequest, make_source: MakeSource) -> None:
    body = {"video": await make_source(seconds=600), "prompt": PROMPT, "stream": False}
    _, complete = await call("POST", "/analyze", json=body)
    _, truncated = await call("POST", "/analyze", json=body | {"max_tokens": 512})
    assert complete["usage"]["output_tokens"] > 512
    assert (truncated["finish_reason"], truncated["usage"]["output_tokens"]) == ("length", 512)
    assert complete["data"].startswith(truncated["data"])
    assert "512" in truncated["error"]["message"]
    _, first_minute = await call("POST", "/analyze", json=body | {"max_tokens": 512, "end_time": 60})
    assert first_minute["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"prompt": PROMPT}, 400, "parameter_not_provided"),
        ({"video": URL}, 400, "parameter_not_provided"),
        ({"video": URL, "prompt": ""}, 400, "parameter_invalid"),
        ({"video_id": "1" * 24, "prompt": PROMPT}, 400, "parameter_unknown"),
        ({"video": URL, "image": [IMAGE], "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": "film", "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": {"type": "video_id", "video_id": "x"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": {"type": "asset_id"}, "prompt": PROMPT}, 400, "parameter_not_provided"),
        ({"video": {"type": "asset_id", "asset_id": "x"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": {"type": "asset_id", "asset_id": "1" * 24}, "prompt": PROMPT}, 404, "resource_not_exist"),
        ({"video": {"type": "url", "url": "ftp://x"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": {"type": "url", "url": "https://a.invalid/a.mp4"}, "prompt": PROMPT}, 400, "video_file_broken"),
        ({"video": {"type": "url", "url": "https://a.com/a.png"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": {"type": "base64_string", "base64_string": "!"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": {"type": "base64_string", "base64_string": "µ"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": BROKEN, "prompt": PROMPT}, 400, "video_file_broken"),
        ({"video": NO_VIDEO, "prompt": PROMPT}, 400, "video_file_broken"),
        ({"video": URL | {"base64_string": "AAAA"}, "prompt": PROMPT}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "model_name": "pegasus1.2"}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "model_name": ""}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "temperature": 1.1}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "temperature": True}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "max_tokens": 511}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "max_tokens": 98_305}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "max_tokens": "unlimited"}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "stream": "no"}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "start_time": 5, "end_time": 5.5}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "end_time": 4000}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "analysis_mode": "time_based_metadata"}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "min_segment_duration": 5}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "prompt_v2": {"input_text": "a"}}, 400, "parameter_invalid"),
        ({"video": URL, "prompt_v2": "a"}, 400, "parameter_invalid"),
        ({"video": URL, "prompt_v2": {"input_text": "is <@it> there?"}}, 400, "parameter_invalid"),
        ({"video": URL, "prompt_v2": {"input_text": "a", "media_sources": [IMAGE]}}, 400, "parameter_not_provided"),
        ({"video": URL, "prompt": PROMPT, "response_format": "json"}, 400, "parameter_invalid"),
        ({"video": URL, "prompt": PROMPT, "response_format": {"type": "json_schema"}}, 400, "parameter_not_provided"),
        ({"video": URL, "prompt": PROMPT, "response_format": {"type": "text"}}, 400, "parameter_invalid"),
    ],
)
async def test_invalid_fields_are_rejected(call: SendRequest, fields: dict[str, Any], status: int, code: str) -> None:
    actual_status, error = await call("POST", "/analyze", json=fields)
    assert (actual_status, error["code"]) == (status, code)


@pytest.mark.parametrize(
    ("images", "extra_fields"),
    [
        ([IMAGE], {"model_name": "pegasus1.5"}),
        ([IMAGE], {"prompt": None}),
        ([IMAGE], {"prompt_v2": {"input_text": "a"}}),
        ([IMAGE], {"start_time": 1}),
        ([], {}),
        ([IMAGE] * 21, {}),
        ([IMAGE, IMAGE], {}),
        ([IMAGE | {"name": "a b"}], {}),
        ([IMAGE | {"asset_id": "1" * 24}], {}),
        ([{"name": "one"}], {}),
        ([{"name": "one", "url": "http://example.com/one.png"}], {}),
        ([{"name": "one", "url": "https://example.invalid/one.png"}], {}),
        ([IMAGE, IMAGE | {"name": "two"}], {"prompt": "only <@one>"}),
    ],
)
async def test_invalid_image_requests_are_rejected(
    call: SendRequest, images: list[Any], extra_fields: dict[str, Any]
) -> None:
    body = {"image": images, "model_name": "pegasus1.6", "prompt": "Compare", "stream": False} | extra_fields
    assert (await call("POST", "/analyze", json=body))[0] == 400


async def test_images_are_described(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("two.png", samples.image())
    advance(10)
    inline = base64.b64encode(samples.image()).decode().rstrip("=")
    images = [IMAGE, {"name": "two", "asset_id": asset}, {"name": "three", "base64_string": inline}]
    body = {"image": images, "model_name": "pegasus1.6", "prompt": "Compare <@one>, <@two>, <@three>", "stream": False}
    status, response = await call("POST", "/analyze", json=body)
    assert status == 200
    assert all(f"{name} shows" in response["data"] for name in ("one.png", "two.png", "inline.png"))
    film = await make_asset()
    advance(10)
    images[1]["asset_id"] = film
    assert (await call("POST", "/analyze", json=body))[0] == 400


async def test_a_prompt_can_refer_to_images(call: SendRequest) -> None:
    source = IMAGE | {"name": "it", "media_type": "image"}
    prompt = {"input_text": "Is <@it> there?", "media_sources": [source]}
    body = {"video": URL, "prompt_v2": prompt, "stream": False}
    assert (await call("POST", "/analyze", json=body))[0] == 200


async def test_a_video_must_exist_and_have_a_valid_duration(
    call: SendRequest, make_asset: CreateResource, make_source: MakeSource
) -> None:
    unprocessed = {"type": "asset_id", "asset_id": await make_asset()}
    body = {"prompt": PROMPT, "stream": False}
    status, error = await call("POST", "/analyze", json=body | {"video": unprocessed})
    assert (status, error["code"]) == (400, "asset_not_ready")
    for seconds, code in ((0.5, "video_duration_too_short"), (3601, "video_duration_too_long")):
        video = await make_source(seconds=seconds)
        status, error = await call("POST", "/analyze", json=body | {"video": video})
        assert (status, error["code"]) == (400, code)
    assert (await call("POST", "/analyze", json=body | {"video": await make_source(seconds=3600)}))[0] == 200
    inline = {"type": "base64_string", "base64_string": base64.b64encode(samples.video()).decode()}
    assert (await call("POST", "/analyze", json=body | {"video": inline}))[0] == 200


SCHEMA: dict[str, Any] = {
    "type": "object",
    "$defs": {"mood": {"enum": ["calm", "tense"]}, "tree": {"properties": {"next": {"$ref": "#/$defs/tree"}}}},
    "properties": {
        "note": {"type": "string"},
        "title": {"type": "string"},
        "code": {"type": "string", "pattern": r"^[A-Z]{3}-\d{2,}(x|y)?[^a]\w\s[^a-z0-9_]\D.?$"},
        "uuid": {"type": "string", "format": "uuid"},
        "day": {"type": "string", "format": "date"},
        "count": {"type": "integer", "exclusiveMinimum": 3, "maximum": 5},
        "most": {"type": "integer", "maximum": -5},
        "share": {"type": "number"},
        "good": {"type": "boolean"},
        "nothing": {"type": "null"},
        "mood": {"$ref": "#/$defs/mood"},
        "fixed": {"const": 7},
        "maybe": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "tree": {"$ref": "#/$defs/tree"},
        "at": {"type": "timestamp", "format": "seconds"},
        "scenes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "start_time": {"type": "string"},
                    "end_time": {"type": "integer"},
                    "at": {"type": "timestamp", "format": "hh:mm:ss.fff"},
                    "words": {"type": "array", "items": {"properties": {"end_time": {"type": "number"}}}},
                },
            },
        },
    },
    "required": ["title", "scenes"],
}


async def analyze_with_schema(call: SendRequest, video: Any, schema: Any, **more: Any) -> tuple[int, Any]:
    form = {"type": "json_schema", "json_schema": schema}
    body = {"video": video, "prompt": PROMPT, "stream": False, "response_format": form, **more}
    return await call("POST", "/analyze", json=body)


async def test_a_response_matches_its_schema(call: SendRequest, make_source: MakeSource) -> None:
    status, response = await analyze_with_schema(call, await make_source(), SCHEMA)
    assert status == 200
    value = json.loads(response["data"])
    assert list(value)[:3] == ["title", "note", "code"], "the first required property comes first"
    assert re.fullmatch(SCHEMA["properties"]["code"]["pattern"], value["code"])
    assert re.fullmatch(r"[0-9a-f-]{36}", value["uuid"])
    assert value["day"] == "2026-01-01"
    assert value["count"] in {4, 5}
    assert value["most"] <= -5
    assert isinstance(value["share"], float)
    assert isinstance(value["good"], bool)
    assert value["nothing"] is None
    assert value["mood"] in {"calm", "tense"}
    assert value["fixed"] == 7
    assert isinstance(value["maybe"], int)
    assert all(isinstance(tag, str) for tag in value["tags"])
    assert value["tags"]
    assert len(value["scenes"]) == 10
    last = value["scenes"][-1]
    assert (last["start_time"], last["end_time"], last["at"]) == ("00:00:54.000", 60, "00:00:54.000")
    assert [word["end_time"] for word in last["words"]] == [60.0, 60.0]


async def test_a_long_json_document_is_truncated(call: SendRequest, make_source: MakeSource) -> None:
    _, response = await analyze_with_schema(call, await make_source(seconds=600), SCHEMA, max_tokens=512)
    assert response["finish_reason"] == "length"
    with pytest.raises(ValueError, match="line 1"):
        json.loads(response["data"])


def object_schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "status"),
    [
        (object_schema(a={"type": "string", "minLength": 1}), 422),
        (object_schema(a={"type": "string", "maxLength": 1}), 422),
        ({"type": "object", "additionalProperties": False}, 422),
        (object_schema(a={"type": "array", "uniqueItems": True}), 422),
        (object_schema(a={"type": "array", "maxItems": 2}), 422),
        (object_schema(a={"type": "array", "minItems": 2}), 422),
        (object_schema(a={"type": "number", "minimum": 2}), 422),
        (object_schema(a={"type": "string", "format": "email"}), 422),
        (object_schema(a={"type": "string", "pattern": "("}), 422),
        (object_schema(a={"oneOf": [{"type": "string"}]}), 422),
        (object_schema(a={"anyOf": [{"type": "string", "minLength": 1}]}), 422),
        (object_schema(a={"type": "date"}), 422),
        (object_schema(a={"enum": []}), 422),
        (object_schema(a={"type": "array", "minItems": []}), 422),
        (object_schema(a={"type": "integer", "minimum": "a"}), 422),
        (object_schema(a={"type": "integer", "minimum": 3, "maximum": 1}), 422),
        (object_schema(a={"enum": [[]]}), 422),
        (object_schema(a={"$ref": "#/$defs/none"}), 422),
        (object_schema(a={"$ref": "a"}) | {"$defs": {"a": {"type": "string"}}}, 422),
        ({"type": "object", "$defs": {"a": {"type": "string", "minLength": 1}}}, 422),
        (object_schema(a="string"), 400),
        ("object", 400),
        (object_schema(a={"type": "timestamp"}), 400),
        (object_schema(a=object_schema(b={"type": "timestamp", "format": "seconds"})), 400),
        (object_schema(a={"anyOf": [{"type": "timestamp", "format": "seconds"}]}), 400),
        ({"type": "timestamp", "format": "seconds"}, 400),
        (object_schema(start_time={"type": "boolean"}), 400),
        (object_schema(a=object_schema(end_time={"type": "string", "format": "time"})), 400),
        (object_schema(start_time={"enum": [True]}), 400),
        (object_schema(end_time={"const": None}), 400),
        (object_schema(start_time={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"type": "object"}}}, 400),
        (object_schema(start_time={"anyOf": [{"$ref": "#/$defs/a"}]}) | {"$defs": {"a": {"enum": [False]}}}, 400),
        (object_schema(a={"items": {"type": "string", "minLength": 1}}), 422),
        (object_schema(a={"type": "string", "properties": {"b": {"maxLength": 1}}}), 422),
        (object_schema(a={"type": "array", "prefixItems": []}), 422),
        (object_schema(a={"type": "number", "multipleOf": 2}), 422),
        ({"type": "object", "if": {}}, 422),
        (object_schema(start_time={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"type": "number"}}}, 200),
        (object_schema(start_time={"enum": [1, 2.5]}, end_time={"const": "00:01"}), 200),
        (object_schema(start_time={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"anyOf": [{"type": "number"}]}}}, 200),
        (object_schema(a={"type": "string", "title": "A", "default": "b", "examples": ["c"]}), 200),
        (object_schema(a={"items": {"type": "string"}}), 200),
        (object_schema(a={"type": ["string", "null"]}), 200),
        (object_schema(a={"type": "array", "items": object_schema(b={"type": "timestamp", "format": "seconds"})}), 200),
    ],
)
async def test_unsupported_schemas_are_rejected(call: SendRequest, schema: Any, status: int) -> None:
    actual_status, response = await analyze_with_schema(call, URL, schema)
    assert actual_status == status
    if status == 422:
        assert response["code"] == "response_format_invalid"


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (320, 640, "video_resolution_too_low"),
        (5200, 2160, "video_resolution_too_high"),
        (1920, 700, "video_resolution_invalid_aspect_ratio"),
        (360, 864, None),
    ],
)
async def test_a_video_must_have_a_valid_resolution(
    call: SendRequest,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    width: int,
    height: int,
    code: str | None,
) -> None:
    pytest.importorskip("pymediainfo")
    film = samples.video(width=width, height=height)
    asset = await make_asset("film.mp4", film)
    advance(10)
    inline = {"type": "base64_string", "base64_string": base64.b64encode(film).decode()}
    for video in ({"type": "asset_id", "asset_id": asset}, inline):
        status, response = await call("POST", "/analyze", json={"video": video, "prompt": PROMPT, "stream": False})
        assert (status, response.get("code")) == (400 if code else 200, code)
        status, response = await call("POST", "/analyze/tasks", json={"video": video, "prompt": PROMPT})
        assert (status, response.get("error", {}).get("code")) == (400 if code else 202, code)


async def test_a_documented_429_response_has_no_body(serve: Serve, connect: Connect) -> None:
    session = await connect(await serve(plan=Plan(windows={"analyze": Window(1)}, bodies="documented")))
    body = {"video": URL, "prompt": PROMPT}
    async with session.post("analyze", json=body) as response:
        assert (response.status, response.headers["X-Ratelimit-Remaining"]) == (200, "0")
    async with session.post("analyze", json=body) as response:
        assert (response.status, await response.read()) == (429, b"")
        assert response.headers["Retry-After"] == "60"
    assert Plan.named("developer").windows_for("analyze")[0] == Window(60)


async def test_the_same_seed_produces_the_same_texts(serve: Serve, connect: Connect) -> None:
    body = {"video": URL, "prompt": PROMPT, "stream": False}
    texts: list[str] = []
    for seed in (1, 1, 2):
        session = await connect(await serve(seed=seed))
        async with session.post("analyze", json=body) as response:
            texts.append(await response.text())
    assert texts[0] == texts[1] != texts[2]

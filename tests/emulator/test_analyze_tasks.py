"""Analysis tasks: status, idempotency, cancellation, segments."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Advance = Callable[[float], None]

URL = {"type": "url", "url": "https://example.com/clip.mp4"}
PROMPT = "Summarize this video in a few sentences, please."
TASKS = "/analyze/tasks"
IMAGE = base64.b64encode(samples.image()).decode()


async def create_task(call: SendRequest, **fields: Any) -> str:
    body = {"video": URL, "prompt": PROMPT} | fields
    status, created = await call("POST", TASKS, json={name: value for name, value in body.items() if value is not None})
    assert (status, created["status"]) == (202, "queued")
    return str(created["task_id"])


async def test_the_status_of_a_task_changes_over_time(call: SendRequest, advance: Advance) -> None:
    task = await create_task(call, custom_id="a-1_B")
    statuses: list[str] = []
    response: Any = None
    for _ in range(6):
        _, response = await call("GET", f"{TASKS}/{task}")
        statuses.append(response["status"])
        assert ("result" in response, "completed_at" in response) == ((response["status"] == "ready"),) * 2
        advance(4)
    assert statuses == ["queued", "pending", "processing", "processing", "processing", "ready"]
    assert (response["task_id"], response["custom_id"]) == (task, "a-1_B")
    assert response["completed_at"] == "2026-01-01T00:00:20Z"
    assert response["video_source"].items() > URL.items()
    assert response["video_source"]["system_metadata"]["duration"] >= 30
    defaults = {"temperature": 0.2, "max_tokens": 4096}
    assert response["request_params"] == {"analysis_mode": "general", "prompt": PROMPT, **defaults}
    result = response["result"]
    assert result["data"].startswith("clip.mp4: an answer to Summarize")
    assert (result["finish_reason"], sorted(result["usage"])) == ("stop", ["input_tokens", "output_tokens"])
    assert (await call("GET", f"{TASKS}/{task}"))[1] == response, "a result does not change"


async def test_a_truncated_text_has_a_warning(call: SendRequest, advance: Advance, make_source: MakeSource) -> None:
    task = await create_task(call, video=await make_source(seconds=600), max_tokens=512)
    advance(20)
    _, response = await call("GET", f"{TASKS}/{task}")
    assert (response["status"], response["result"]["finish_reason"]) == ("ready", "length")
    assert "512" in response["error"]["message"]


async def test_the_same_idempotency_key_returns_the_same_task(call: SendRequest, advance: Advance) -> None:
    body = {"video": URL, "prompt": PROMPT}
    ids: list[str] = []
    for key in ("a", "a", "b"):
        _, created = await call("POST", TASKS, json=body, headers={"Idempotency-Key": key})
        ids.append(created["task_id"])
    assert ids[0] == ids[1] != ids[2]
    assert len((await call("GET", TASKS))[1]["data"]) == 2
    advance(20)
    _, repeated = await call("POST", TASKS, json=body, headers={"Idempotency-Key": "a"})
    assert repeated == {"task_id": ids[0], "status": "ready"}
    await call("DELETE", f"{TASKS}/{ids[0]}")
    _, new_task = await call("POST", TASKS, json=body, headers={"Idempotency-Key": "a"})
    assert new_task["task_id"] not in ids


async def test_the_list_is_newest_first_and_can_be_filtered(
    call: SendRequest, advance: Advance, make_source: MakeSource
) -> None:
    video = await make_source()
    first = await create_task(call, video=video)
    advance(20)
    definitions = [{"id": "a", "description": "b"}, {"id": "c", "description": "d"}]
    form = {"type": "segment_definitions", "segment_definitions": definitions}
    second = await create_task(call, analysis_mode="time_based_metadata", response_format=form, prompt=None)

    async def list_ids(**query: str) -> list[str]:
        status, response = await call("GET", TASKS, params=query)
        assert status == 200
        return [task["task_id"] for task in response["data"]]

    assert await list_ids() == [second, first]
    assert await list_ids(status="ready") == [first]
    assert await list_ids(analysis_mode="time_based_metadata") == [second]
    assert await list_ids(asset_id=video["asset_id"]) == [first]
    assert await list_ids(video_url=URL["url"]) == [second]
    assert await list_ids(page="2", page_limit="1") == [first]
    _, response = await call("GET", TASKS)
    assert response["data"][1]["request_params"]["prompt"] == PROMPT[:30]
    assert response["data"][0]["request_params"]["response_format"]["segment_definitions"] == definitions[:1]
    status, error = await call("GET", TASKS, params={"status": "done"})
    assert (status, error["code"]) == (400, "parameter_invalid"), "errors of the list are not nested"


async def test_errors_of_single_tasks_are_nested(call: SendRequest, emulator: Emulator) -> None:
    missing = f"{TASKS}/{'0' * 24}"
    for method, path in (("GET", missing), ("DELETE", missing), ("POST", missing + "/cancel")):
        status, error = await call(method, path)
        assert (status, error["error"]["code"]) == (404, "resource_not_exist")
    status, error = await call("POST", TASKS, json={"prompt": PROMPT})
    assert (status, error["error"]["code"]) == (400, "parameter_not_provided")
    status, error = await call(
        "POST", TASKS, json={"prompt": PROMPT, "video": {"type": "asset_id", "asset_id": "0" * 24}}
    )
    assert (status, error["error"]["code"]) == (400, "resource_not_exist")
    async with (
        aiohttp.ClientSession(headers={"x-api-key": "wrong"}) as session,
        session.post(emulator.base_url + missing + "/cancel") as response,
    ):
        assert (response.status, (await response.json())["code"]) == (401, "api_key_invalid")


async def test_a_task_can_be_canceled_until_it_ends(call: SendRequest, advance: Advance) -> None:
    task = await create_task(call)
    path = f"{TASKS}/{task}"
    advance(5)
    for _ in range(2):
        assert await call("POST", path + "/cancel") == (200, {"task_id": task, "status": "canceled"})
        advance(5)
    _, response = await call("GET", path)
    assert (response["status"], response["error"]["code"]) == ("canceled", "user_canceled")
    assert response["completed_at"] == "2026-01-01T00:00:05Z"
    finished_task = await create_task(call)
    advance(20)
    status, error = await call("POST", f"{TASKS}/{finished_task}/cancel")
    assert (status, error["error"]["code"]) == (409, "task_cannot_be_canceled")


async def test_a_task_cannot_be_deleted_while_it_is_processing(call: SendRequest, advance: Advance) -> None:
    path = f"{TASKS}/{await create_task(call)}"
    advance(10)
    status, error = await call("DELETE", path)
    assert (status, error["error"]["code"]) == (409, "task_cannot_be_deleted")
    advance(10)
    assert await call("DELETE", path) == (204, None)
    assert (await call("GET", path))[0] == 404


FIELDS: list[dict[str, Any]] = [
    {"name": "what", "type": "string", "description": "What is there"},
    {"name": "mood", "type": "string", "description": "How it feels", "enum": ["calm", "tense"]},
    {"name": "loud", "type": "boolean", "description": "Whether it is loud"},
    {"name": "people", "type": "integer", "description": "How many"},
    {"name": "share", "type": "number", "description": "How much"},
    {"name": "tags", "type": "array", "description": "Words", "items": {"type": "string"}},
    {"name": "peak", "type": "timestamp", "description": "When", "format": "hh:mm:ss"},
    {
        "name": "events",
        "type": "time_array",
        "description": "What happens",
        "items": {"type": "object", "fields": [{"name": "who", "type": "string", "description": "Who"}]},
    },
]


def segmentation_request(definition: dict[str, Any], **more: Any) -> dict[str, Any]:
    definition = {"id": "scene", "description": "A scene"} | definition
    form = {"type": "segment_definitions", "segment_definitions": [definition]}
    body: dict[str, Any] = {"prompt": None, "analysis_mode": "time_based_metadata", "response_format": form}
    return body | {"model_name": "pegasus1.6"} | more


async def segments_of(call: SendRequest, advance: Advance, task: str) -> list[dict[str, Any]]:
    advance(20)
    _, response = await call("GET", f"{TASKS}/{task}")
    assert (response["status"], response["result"]["finish_reason"]) == ("ready", "stop")
    segments = json.loads(response["result"]["data"])
    assert list(segments) == ["scene"]
    return list(segments["scene"])


async def test_segments_cover_the_video_and_have_their_fields(
    call: SendRequest, advance: Advance, make_source: MakeSource
) -> None:
    task = await create_task(call, video=await make_source(seconds=60), **segmentation_request({"fields": FIELDS}))
    segments = await segments_of(call, advance, task)
    assert [segments[0]["start_time"], segments[-1]["end_time"]] == [0, 60]
    assert all(before["end_time"] == after["start_time"] for before, after in pairwise(segments))
    for segment in segments:
        values = segment["metadata"]
        assert list(values) == [field["name"] for field in FIELDS]
        assert values["mood"] in {"calm", "tense"}
        assert [type(values[name]) for name in ("what", "loud", "people", "share")] == [str, bool, int, float]
        assert values["peak"].startswith("00:00:")
        assert all(isinstance(tag, str) for tag in values["tags"])
        assert sorted(values["events"][0]) == ["end_time", "start_time", "who"]


async def test_segments_respect_the_duration_limits(
    call: SendRequest, advance: Advance, make_source: MakeSource
) -> None:
    video = await make_source(seconds=60)
    for limits, count in (({"min_segment_duration": 25}, 2), ({"max_segment_duration": 5}, 12)):
        task = await create_task(call, video=video, **segmentation_request({}, **limits))
        assert len(await segments_of(call, advance, task)) == count
    body = segmentation_request(
        {"time_ranges": [{"start_time": 5, "end_time": 10}, {"start_time": 10, "end_time": 20}]}
    )
    body["response_format"]["segment_time_format"] = "hh:mm:ss.fff"
    segments = await segments_of(call, advance, await create_task(call, video=video, **body))
    assert [(segment["start_time"], segment["end_time"]) for segment in segments] == [
        ("00:00:05.000", "00:00:10.000"),
        ("00:00:10.000", "00:00:20.000"),
    ]


async def test_segments_match_the_described_scenes(
    emulator: Emulator, call: SendRequest, advance: Advance, make_source: MakeSource
) -> None:
    emulator.describe("film.mp4", [(0, 5, "a red car"), (5, 40, "a blue boat"), (45, 46, "a gull")])
    video = await make_source(seconds=60)

    async def segment_times(definition: dict[str, Any], **limits: float) -> list[tuple[float, float]]:
        task = await create_task(call, video=video, **segmentation_request(definition, **limits))
        return [(segment["start_time"], segment["end_time"]) for segment in await segments_of(call, advance, task)]

    assert await segment_times({}) == [(0, 5), (5, 40), (45, 46)]
    assert await segment_times({}, min_segment_duration=2) == [(0, 5), (5, 40)]
    assert await segment_times({}, max_segment_duration=20) == [(0, 5), (5, 22.5), (22.5, 40), (45, 46)]
    assert await segment_times({"time_ranges": [{"start_time": 2, "end_time": 8}]}) == [(2, 5), (5, 8)]


async def test_segments_that_exceed_max_tokens_fail(
    call: SendRequest, advance: Advance, make_source: MakeSource
) -> None:
    video = await make_source(seconds=3600)
    for limit, status in ((2048, "failed"), ("unlimited", "ready")):
        task = await create_task(call, video=video, **segmentation_request({"fields": FIELDS}, max_tokens=limit))
        advance(20)
        _, response = await call("GET", f"{TASKS}/{task}")
        assert response["status"] == status
        assert response.get("error", {}).get("code") == ("token_limit_exceeded" if status == "failed" else None)


def definition_with_events(*fields: dict[str, Any]) -> dict[str, Any]:
    """Return a segment definition with a field of events; `fields` are the fields of an event."""
    event_fields = [{"name": "who", "type": "string", "description": "Who"} | field for field in fields]
    items = {"type": "object", "fields": event_fields}
    return {"fields": [{"name": "events", "type": "time_array", "description": "Events", "items": items}]}


def definition_with_time_ranges(*pairs: tuple[float, float]) -> dict[str, Any]:
    return {"time_ranges": [{"start_time": start, "end_time": end} for start, end in pairs]}


@pytest.mark.parametrize(
    "fields",
    [
        {"custom_id": ""},
        {"custom_id": "a b"},
        {"custom_id": "a" * 65},
        {"analysis_mode": "other"},
        segmentation_request({}) | {"prompt": PROMPT},
        segmentation_request({}) | {"response_format": None},
        segmentation_request({}, max_tokens=512),
        segmentation_request({}, max_tokens="unlimited", model_name="pegasus1.5"),
        segmentation_request(definition_with_time_ranges((0, 5)), max_tokens="unlimited"),
        segmentation_request({"description": None}),
        segmentation_request({"id": ""}),
        segmentation_request(definition_with_time_ranges((0, 1))),
        segmentation_request(definition_with_time_ranges((0, 5), (4, 8))),
        segmentation_request(definition_with_time_ranges((0, 5)), min_segment_duration=3),
        segmentation_request(definition_with_time_ranges((0, 5)), start_time=1),
        segmentation_request({"time_ranges": [{"start_time": 1}]}),
        segmentation_request({}, min_segment_duration=1),
        segmentation_request({}, min_segment_duration=5, max_segment_duration=4),
        segmentation_request({"fields": [FIELDS[0] | {"name": "metadata"}]}),
        segmentation_request({"fields": [FIELDS[0] | {"type": "text"}]}),
        segmentation_request({"fields": [FIELDS[0] | {"format": "seconds"}]}),
        segmentation_request({"fields": [FIELDS[0] | {"enum": []}]}),
        segmentation_request({"fields": [FIELDS[0] | {"items": {"type": "string"}}]}),
        segmentation_request({"fields": [FIELDS[5] | {"items": None}]}),
        segmentation_request({"fields": [FIELDS[5] | {"items": {"type": "object"}}]}),
        segmentation_request({"fields": [FIELDS[5] | {"items": {"type": "string", "fields": []}}]}),
        segmentation_request({"fields": [FIELDS[6] | {"format": None}]}),
        segmentation_request({"fields": [FIELDS[7]]}, model_name="pegasus1.5"),
        segmentation_request(definition_with_events({"type": "integer", "enum": ["1"]})),
        segmentation_request(definition_with_events({"type": "array", "items": {"type": "string"}, "enum": ["1"]})),
        segmentation_request(definition_with_events({"items": {"type": "string"}})),
        segmentation_request(definition_with_events({}, {})),
        segmentation_request(definition_with_events({"type": "timestamp", "format": "seconds"})),
        segmentation_request(definition_with_events({"name": "start_time"})),
        {"response_format": {"type": "json_schema", "json_schema": {}, "segment_time_format": "seconds"}},
        {"model_name": ""},
        {"analysis_mode": ""},
        {"video": URL | {"asset_id": "0" * 24}},
        segmentation_request({"media_sources": [{"name": "a", "media_type": "video", "url": "https://a.com/a.png"}]}),
    ],
)
async def test_invalid_fields_are_rejected(call: SendRequest, fields: dict[str, Any]) -> None:
    body = {"video": URL, "prompt": PROMPT} | fields
    status, error = await call("POST", TASKS, json={name: value for name, value in body.items() if value is not None})
    assert status == 400
    assert error["error"]["code"] in {"parameter_invalid", "parameter_not_provided"}


async def test_only_a_part_of_a_long_video_can_be_analyzed(call: SendRequest, make_source: MakeSource) -> None:
    video = await make_source(seconds=3 * 3600)
    await create_task(call, video=video, end_time=7200)
    status, error = await call("POST", TASKS, json={"video": video, "prompt": PROMPT})
    assert (status, error["error"]["code"]) == (400, "video_duration_too_long")


async def test_a_task_includes_its_request_parameters(call: SendRequest) -> None:
    source = {"name": "it", "media_type": "image", "base64_string": IMAGE}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    task = await create_task(
        call,
        prompt=None,
        prompt_v2={"input_text": f"<@it> {PROMPT}", "media_sources": [source]},
        temperature=0.5,
        max_tokens=600,
        start_time=1,
        response_format={"type": "json_schema", "json_schema": schema},
    )
    _, response = await call("GET", f"{TASKS}/{task}")
    expected_source = {"name": "it", "media_type": "image"}
    assert response["request_params"] == {
        "analysis_mode": "general",
        "prompt_v2": {"input_text": f"<@it> {PROMPT}", "media_sources": [expected_source]},
        "temperature": 0.5,
        "max_tokens": 600,
        "start_time": 1,
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
    _, listed = await call("GET", TASKS)
    listed_params = listed["data"][0]["request_params"]
    assert listed_params["response_format"] == {"type": "json_schema"}
    assert len(listed_params["prompt_v2"]["input_text"]) == 30


async def test_an_image_task_has_no_video_source(call: SendRequest, advance: Advance) -> None:
    image = {"name": "one", "url": "https://example.com/one.png"}
    task = await create_task(call, video=None, image=[image], model_name="pegasus1.6")
    advance(20)
    _, response = await call("GET", f"{TASKS}/{task}")
    assert "video_source" not in response
    assert response["request_params"]["image"] == [image | {"media_type": "image"}]
    assert "one.png shows" in response["result"]["data"]

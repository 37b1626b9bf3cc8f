"""Batches of analysis tasks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Timing

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Advance = Callable[[float], None]

BATCHES = "/analyze/batches"
DAY = 86_400
COUNTS = ("queued", "processing", "ready", "failed", "canceled")


def batch_request(*requests: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"model_name": "pegasus1.5", "analysis_mode": "general", "requests": list(requests)}
    return body | {"defaults": {"prompt": {"input_text": "What happens?"}}} | more


@pytest.fixture
def create_batch(call: SendRequest) -> CreateResource:
    async def create(*requests: dict[str, Any], **more: Any) -> str:
        status, created = await call("POST", BATCHES, json=batch_request(*requests, **more))
        assert (status, created["status"], created["total_items"]) == (201, "pending", len(requests))
        return str(created["batch_id"])

    return create


@pytest.fixture
def results(session: aiohttp.ClientSession) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    async def read(identifier: str) -> list[dict[str, Any]]:
        async with session.get(f"analyze/batches/{identifier}/results") as response:
            assert (response.status, response.content_type) == (200, "application/jsonl")
            return [json.loads(line) for line in (await response.text()).splitlines()]

    return read


Results = Callable[[str], Awaitable[list[dict[str, Any]]]]


@pytest.mark.parametrize("defaults", [[], "", 0, False])
async def test_defaults_that_are_not_an_object_are_rejected(
    call: SendRequest, make_source: MakeSource, defaults: object
) -> None:
    body = batch_request({"video": await make_source(), "prompt": {"input_text": "What happens?"}}, defaults=defaults)
    status, error = await call("POST", BATCHES, json=body)
    assert (status, "defaults" in json.dumps(error)) == (400, True)


async def test_items_complete_one_after_another(
    call: SendRequest, create_batch: CreateResource, results: Results, make_source: MakeSource, advance: Advance
) -> None:
    video = await make_source()
    identifier = await create_batch(*({"video": video, "custom_id": f"n{number}"} for number in range(4)))
    history: list[tuple[str, tuple[int, ...]]] = []
    response: Any = None
    for _ in range(6):
        _, response = await call("GET", f"{BATCHES}/{identifier}")
        counts = Counter(line["status"] for line in await results(identifier))
        assert [response[f"{name}_items"] for name in COUNTS] == [counts[name] for name in COUNTS]
        history.append((response["status"], tuple(counts[name] for name in COUNTS[:3])))
        advance(20)
    assert history == [
        ("pending", (4, 0, 0)),
        ("processing", (3, 1, 0)),
        ("processing", (2, 2, 0)),
        ("processing", (1, 2, 1)),
        ("processing", (0, 2, 2)),
        ("completed", (0, 0, 4)),
    ]
    assert response["completed_at"] == "2026-01-01T00:01:50Z"
    assert "canceled_at" not in response


async def test_each_result_has_its_custom_id_status_and_data(
    call: SendRequest, create_batch: CreateResource, results: Results, make_source: MakeSource, advance: Advance
) -> None:
    long_video = await make_source("long.mp4", 3 * 3600)
    short_video = await make_source("short.mp4")
    overrides = {"prompt": {"input_text": "Who is there?"}, "end_time": 30, "max_tokens": 600}
    identifier = await create_batch(
        {"video": long_video, "custom_id": "long"}, {"video": short_video}, {"video": short_video} | overrides
    )
    advance(100)
    first, second, third = await results(identifier)
    assert (first["custom_id"], first["status"]) == ("long", "failed")
    assert first["error"]["code"] == "video_duration_too_long"
    assert (second["custom_id"], second["status"]) == (None, "ready")
    assert second["data"]["data"].startswith("short.mp4: an answer to What happens.")
    assert third["data"]["data"].startswith("short.mp4: an answer to Who is there.")
    assert "seconds it shows" in third["data"]["data"]
    assert "From 30" not in third["data"]["data"]
    _, task = await call("GET", f"/analyze/tasks/{third['task_id']}")
    assert (task["batch_id"], task["result"]) == (identifier, third["data"])
    assert task["request_params"]["max_tokens"] == 600
    _, listed = await call("GET", "/analyze/tasks")
    assert {entry["task_id"] for entry in listed["data"]} == {first["task_id"], second["task_id"], third["task_id"]}
    for method, path in (("POST", "/cancel"), ("DELETE", "")):
        status, error = await call(method, f"/analyze/tasks/{third['task_id']}{path}")
        assert status == 409, error


async def test_canceling_completes_started_items(
    call: SendRequest, create_batch: CreateResource, results: Results, make_source: MakeSource, advance: Advance
) -> None:
    video = await make_source()
    identifier = await create_batch(*[{"video": video}] * 4)
    path = f"{BATCHES}/{identifier}"
    advance(30)
    for _ in range(2):
        status, response = await call("POST", path + "/cancel")
        assert (status, response["status"]) == (202, "canceling")
        assert [response[f"{name}_items"] for name in COUNTS] == [0, 1, 0, 0, 3]
    assert (await call("DELETE", path))[1]["error"]["code"] == "batch_not_terminal"
    advance(30)
    _, response = await call("GET", path)
    assert (response["status"], response["ready_items"]) == ("canceled", 1)
    assert response["canceled_at"] == "2026-01-01T00:01:05Z"
    finished, *others = await results(identifier)
    assert (finished["status"], {line["status"] for line in others}) == ("ready", {"canceled"})
    _, task = await call("GET", f"/analyze/tasks/{others[0]['task_id']}")
    assert task["error"]["code"] == "batch_canceled"
    status, error = await call("POST", path + "/cancel")
    assert (status, error["error"]["code"]) == (409, "batch_canceled")
    assert (await call("DELETE", path))[0] == 204
    assert (await call("GET", path))[0] == 404
    assert (await call("GET", f"/analyze/tasks/{finished['task_id']}"))[0] == 404


async def test_a_finished_batch_cannot_be_canceled(
    call: SendRequest, create_batch: CreateResource, make_source: MakeSource, advance: Advance
) -> None:
    identifier = await create_batch({"video": await make_source()})
    advance(100)
    status, error = await call("POST", f"{BATCHES}/{identifier}/cancel")
    assert (status, error["error"]["code"]) == (409, "batch_completed")


async def test_a_batch_expires_after_a_day(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    advance: Advance,
) -> None:
    emulator = await serve(timing=Timing(asset=0, batch=1.7 * DAY), inspect_media=False)
    session = await connect(emulator)
    data = aiohttp.FormData({"method": "url", "url": "https://example.com/a.mp4"}, default_to_multipart=True)
    async with session.post("assets", data=data) as response:
        video = {"type": "asset_id", "asset_id": (await response.json())["_id"]}
    async with session.post("analyze/batches", json=batch_request(*[{"video": video}] * 4)) as response:
        identifier = (await response.json())["batch_id"]
    advance(DAY)
    async with session.get(f"analyze/batches/{identifier}/results") as response:
        entries = [json.loads(line) for line in (await response.text()).splitlines()]
    assert [line["status"] for line in entries] == ["ready", "failed", "failed", "canceled"]
    assert entries[1]["error"]["code"] == "batch_processing_timeout"
    async with session.get(f"analyze/batches/{identifier}") as response:
        response_body = await response.json()
    assert (response_body["status"], response_body["expired_at"]) == ("expired", response_body["expires_at"])
    async with session.post(f"analyze/batches/{identifier}/cancel") as response:
        assert (await response.json())["error"]["code"] == "batch_expired"
    async with session.get(f"analyze/tasks/{entries[3]['task_id']}") as response:
        assert (await response.json())["error"]["code"] == "batch_expired"
    advance(29 * DAY)
    async with session.get(f"analyze/batches/{identifier}") as response:
        assert response.status == 404, "results are kept for 30 days"


async def test_the_number_of_active_batches_is_limited(
    call: SendRequest, create_batch: CreateResource, make_source: MakeSource, advance: Advance
) -> None:
    video = await make_source()
    for _ in range(5):
        await create_batch({"video": video})
    status, error = await call("POST", BATCHES, json=batch_request({"video": video}))
    assert (status, error["error"]["code"]) == (429, "too_many_requests")
    advance(100)
    await create_batch({"video": video})


async def test_the_list_is_newest_first_and_can_be_filtered(
    call: SendRequest, create_batch: CreateResource, make_source: MakeSource, advance: Advance
) -> None:
    video = await make_source()
    first = await create_batch({"video": video})
    advance(100)
    form = {"type": "segment_definitions", "segment_definitions": [{"id": "a", "description": "b"}]}
    second = await create_batch(
        {"video": video}, analysis_mode="time_based_metadata", defaults={"response_format": form}
    )
    for query, expected in (
        ("", [second, first]),
        ("?status=completed", [first]),
        ("?status=completed&status=pending", [second, first]),
        ("?analysis_mode=time_based_metadata", [second]),
    ):
        _, response = await call("GET", BATCHES + query)
        assert [entry["batch_id"] for entry in response["data"]] == expected
    status, error = await call("GET", BATCHES + "?status=failed")
    assert (status, error["error"]["code"]) == (400, "parameter_invalid")


async def test_one_invalid_request_rejects_the_batch(
    call: SendRequest, make_source: MakeSource, make_asset: CreateResource
) -> None:
    video = await make_source()
    unprocessed = {"type": "asset_id", "asset_id": await make_asset()}
    missing = {"type": "asset_id", "asset_id": "0" * 24}
    valid = {"video": video}
    cases: list[tuple[dict[str, Any], int]] = [
        (batch_request(), 400),
        (batch_request(*[valid] * 1001), 400),
        (batch_request(valid, {"video": missing}), 404),
        (batch_request(valid, {"video": unprocessed}), 409),
        (batch_request(valid, {"video": {"type": "asset_id", "asset_id": "x"}}), 400),
        (batch_request(valid, {"video": {"type": "url", "url": "https://example.com/a.mp4"}}), 400),
        (batch_request(valid, {}), 400),
        (batch_request(valid | {"custom_id": "a"}, valid | {"custom_id": "a"}), 400),
        (batch_request(valid | {"custom_id": ""}), 400),
        (batch_request(valid, model_name="pegasus1.6"), 400),
        (batch_request(valid, model_name=None), 400),
        (batch_request(valid, analysis_mode="other"), 400),
        (batch_request(valid, defaults={}), 400),
        (batch_request(valid, defaults=[1]), 400),
        (batch_request(valid, valid | {"prompt": "text"}), 400),
    ]
    for body, expected in cases:
        status, error = await call("POST", BATCHES, json=body)
        assert status == expected, body
        assert error["error"]["message"]
    assert (await call("GET", BATCHES))[1]["data"] == []
    assert (await call("GET", "/analyze/tasks"))[1]["data"] == []


async def test_a_batch_can_have_a_thousand_videos(
    create_batch: CreateResource, results: Results, make_source: MakeSource, advance: Advance
) -> None:
    video = await make_source(seconds=10)
    identifier = await create_batch(*[{"video": video}] * 1000)
    advance(100)
    assert Counter(line["status"] for line in await results(identifier)) == {"ready": 1000}


async def test_an_unknown_batch_is_not_found(call: SendRequest) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/results")):
        status, error = await call(method, f"{BATCHES}/{'0' * 24}{path}")
        assert (status, error["error"]["code"]) == (404, "resource_not_exist")

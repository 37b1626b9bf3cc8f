"""The admin API controls the emulator over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, SystemClock, Timing

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Serve = Callable[..., Awaitable[Emulator]]

SEARCH = {"status": 400}


@pytest.fixture
async def call_admin(emulator: Emulator) -> AsyncIterator[SendRequest]:
    """Send a request to the admin API at `/_emulator`, without an API key."""
    origin = emulator.base_url.removesuffix("/v1.3")
    async with aiohttp.ClientSession() as session:

        async def send(method: str, path: str, body: object = None) -> tuple[int, Any]:
            options: dict[str, Any] = {} if body is None else {"json": body}
            async with session.request(method, f"{origin}/_emulator/{path}", **options) as response:
                return response.status, await response.json() if response.status != 204 else None

        yield send


async def test_the_state_has_every_kind_of_object(
    call_admin: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    video = await make_video(index)
    status, state = await call_admin("GET", "state")
    assert status == 200
    assert [entry["_id"] for entry in state["indexes"]] == [index]
    assert [(entry["_id"], entry["status"]) for entry in state["indexed_assets"]] == [(video, "ready")]
    assert state["assets"][0]["filename"] == "film.mp4"
    assert (state["in_flight"], state["time"]) == (0, "2026-01-01T00:01:00.000Z")


async def test_a_fault_accepts_the_same_options_as_in_python(
    call_admin: SendRequest, call: SendRequest, emulator: Emulator
) -> None:
    fault = {"operation": "GET /indexes", "status": 503, "headers": {"Retry-After": "7"}, "body": "no", "times": 2}
    status, received = await call_admin("POST", "faults", fault)
    assert (status, received) == (201, {**fault, "seen": 0, "hits": 0})
    with pytest.raises(ValueError, match="Expecting value"):
        await call("GET", "/indexes")
    assert (await call_admin("GET", "faults"))[1] == [{**fault, "seen": 1, "hits": 1}]
    with pytest.raises(AssertionError, match="1 of 2"):
        emulator.faults.assert_all_hit()
    assert (await call_admin("DELETE", "faults"))[0] == 204
    assert (await call("GET", "/indexes"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "expected_text"),
    [
        ("faults", {"status": 503}, "operation"),
        ("faults", {"operation": "GET /nothing"}, "GET /nothing"),
        ("faults", {"operation": "*", "statsu": 503}, "statsu"),
        ("faults", {"operation": "*", "reset": "later"}, "later"),
        ("faults", {"operation": "*", "probability": 2}, "probability"),
        ("faults", {"operation": "*", "corrupt": True}, "storage"),
        ("faults", [], "object"),
        ("clock/advance", {"seconds": -1}, "negative"),
        ("clock/advance", {}, "seconds"),
        ("clock/advance", {"seconds": 1e300}, "2169"),
        ("clock/advance", {"seconds": 10**400}, "too large"),
        ("clock/advance", {"seconds": [1]}, "number"),
        ("faults", {"operation": "*", "status": 99999}, "status"),
        ("faults", {"operation": "*", "status": 0}, "status"),
        ("faults", {"operation": "*", "status": -1}, "status"),
        ("faults", {"operation": "*", "status": 101}, "status"),
        ("faults", {"operation": "*", "delay": "nan"}, "finite"),
        ("faults", {"operation": "*", "trickle": "inf"}, "finite"),
        ("faults", {"operation": "*", "status": 500, "headers": {"a b": "c"}}, "header"),
        ("faults", {"operation": "*", "status": 500, "headers": {"a": "b\r\nc: d"}}, "header"),
        ("faults", {"operation": "*", "content_type": "a\nb"}, "header"),
        ("scenes", {"filename": "a.mp4", "scenes": [[0, 1e300, "a"]]}, "604800"),
        ("scenes", {"filename": "a.mp4", "scenes": [[0, "nan", "a"]]}, "604800"),
    ],
)
async def test_an_invalid_request_returns_an_error_message(
    serve: Serve, path: str, body: object, expected_text: str
) -> None:
    emulator = await serve(clock=SystemClock())
    url = f"{emulator.base_url.removesuffix('/v1.3')}/_emulator/{path}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        assert response.status == 400
        assert expected_text in (await response.json())["error"]


async def test_advancing_the_clock_completes_processing(serve: Serve, connect: Any) -> None:
    emulator = await serve(clock=SystemClock(rate=0, start=1_767_225_600), timing=Timing(asset=60))
    session = await connect(emulator)
    async with session.post("assets", data={"method": "url", "url": "https://example.com/a.mp4"}) as response:
        assert response.status == 400
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("method", "url")
    form.add_field("url", "https://example.com/a.mp4")
    async with session.post("assets", data=form) as response:
        asset = await response.json()
    assert asset["status"] == "processing"
    url = f"{emulator.base_url.removesuffix('/v1.3')}/_emulator/clock/advance"
    async with session.post(url, json={"seconds": 60}) as response:
        assert await response.json() == {"time": "2026-01-01T00:01:00.000Z"}
    async with session.get(f"assets/{asset['_id']}") as response:
        assert (await response.json())["status"] == "ready"
        assert response.headers["Date"] == "Thu, 01 Jan 2026 00:01:00 GMT"


async def test_advancing_an_unsupported_clock_is_rejected(call_admin: SendRequest) -> None:
    assert (await call_admin("POST", "clock/advance", {"seconds": 1}))[0] == 400


async def test_a_reset_over_http_restarts_the_ids(
    call_admin: SendRequest, make_index: CreateResource, emulator: Emulator, call: SendRequest
) -> None:
    first = await make_index()
    emulator.faults.add("POST /search", status=500)
    assert (await call_admin("POST", "reset"))[0] == 204
    emulator.faults.assert_all_hit()
    assert (await call("GET", "/indexes"))[1]["data"] == []
    assert await make_index() == first
    assert len(emulator.requests) == 2


async def test_recorded_requests_can_be_listed(call_admin: SendRequest, call: SendRequest) -> None:
    await call("GET", "/indexes", params={"page": "2"})
    await call("GET", "/assets")
    status, requests = await call_admin("GET", "requests?route=GET%20/indexes")
    assert status == 200
    assert [(request["route"], request["path"], request["status"]) for request in requests] == [
        ("GET /indexes", "/v1.3/indexes?page=2", 200)
    ]
    assert len((await call_admin("GET", "requests"))[1]) == 2, "requests to the admin API are not recorded"
    await call_admin("DELETE", "requests")
    assert (await call_admin("GET", "requests"))[1] == []


async def test_a_plan_can_be_changed_and_its_limits_listed(call_admin: SendRequest, call: SendRequest) -> None:
    plan = {"default": {"limit": 1, "seconds": 60}, "windows": {"search": [{"limit": 5}, {"limit": 9, "seconds": 10}]}}
    assert (await call_admin("PUT", "plan", {**plan, "headers": "none"}))[0] == 204
    assert [(await call("GET", "/indexes"))[0] for _ in range(2)] == [200, 429]
    _, received = await call_admin("GET", "limits")
    assert received["refusals"] == [{"category": "other", "dimension": "Request", "count": 1}]
    assert [
        (window["category"], window["limit"], window["used"], window["organisation"]) for window in received["windows"]
    ] == [("other", 1, 1, "default")]
    assert (await call_admin("PUT", "plan", {"name": "developer-2", "sliding": True}))[0] == 204
    assert (await call("GET", "/indexes"))[0] == 200
    assert (await call_admin("PUT", "plan", {"name": "enterprise"}))[0] == 400
    assert (await call_admin("PUT", "plan", {"windows": {"search": {"limit": "many"}}}))[0] == 400


@pytest.mark.parametrize(
    "plan",
    [
        {"default": {"limit": -5}},
        {"default": {"limit": 10**30}},
        {"default": {"limit": 5, "seconds": 0}},
        {"default": {"limit": 5, "seconds": -5}},
        {"default": {"limit": 5, "seconds": 1e300}},
        {"default": {"limit": 5, "seconds": "nan"}},
        {"default": {"limit": 5, "dimension": "Mood"}},
        {"windows": {"search": [{"limit": 1}, {"limit": -1}]}},
        {"total_minutes": -1},
        {"index_days": -5},
        {"index_days": 10**9},
        {"name": "free", "index_days": 10**9},
        {"headers": "loud"},
    ],
)
async def test_an_invalid_plan_is_rejected_and_changes_nothing(
    call_admin: SendRequest, call: SendRequest, make_index: CreateResource, plan: dict[str, Any]
) -> None:
    status, error = await call_admin("PUT", "plan", plan)
    assert status == 400
    assert error["error"]
    await make_index()
    assert (await call("GET", "/indexes"))[0] == 200
    assert (await call_admin("GET", "state"))[0] == 200


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"seconds": NaN}', b"\xff"])
async def test_a_body_that_is_not_json_is_rejected(emulator: Emulator, body: bytes) -> None:
    url = f"{emulator.base_url.removesuffix('/v1.3')}/_emulator/clock/advance"
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
        assert response.status == 400


async def test_a_value_with_too_many_levels_is_rejected(emulator: Emulator) -> None:
    url = f"{emulator.base_url.removesuffix('/v1.3')}/_emulator/timing"
    body = b'{"asset": ' + b"[" * 900 + b"]" * 900 + b"}"
    async with aiohttp.ClientSession() as session, session.put(url, data=body) as response:
        assert response.status == 400

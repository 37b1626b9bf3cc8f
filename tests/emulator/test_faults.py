"""Somebody wants to know what happens when things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]

BODY = {"index_name": "films", "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}]}


async def test_a_status_comes_as_often_as_it_was_asked_for(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.faults.add("GET /indexes", status=503, headers={"Retry-After": "7"}, times=2, after=1)
    seen: list[tuple[int, str | None]] = []
    for _ in range(4):
        async with session.get("indexes") as response:
            seen.append((response.status, response.headers.get("Retry-After")))
    assert seen == [(200, None), (503, "7"), (503, "7"), (200, None)]
    emulator.faults.assert_all_hit()


async def test_the_body_can_be_anything(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.faults.add("*", status=429, body=b"")
    emulator.faults.add("*", status=502, html=True)
    emulator.faults.add("*", html=True)
    emulator.faults.add("*", status=400, body='{"error":{}}')
    seen: list[tuple[int, str, int]] = []
    for path in ("indexes", "assets", "no-such-thing", "tasks"):
        async with session.get(path) as response:
            seen.append((response.status, response.content_type, len(await response.read())))
    assert [entry[0] for entry in seen] == [429, 502, 200, 400]
    assert seen[0][2] == 0
    assert seen[1][1] == seen[2][1] == "text/html"
    assert seen[3][1:] == ("application/json", 12)


async def test_names_of_path_parameters_do_not_matter(call: Call, emulator: Emulator, make_index: Make) -> None:
    index = await make_index()
    for name in ("{index-id}", "{index_id}", "{id}"):
        emulator.faults.add(f"GET /indexes/{name}", status=500)
        assert (await call("GET", f"/indexes/{index}"))[0] == 500
    assert (await call("GET", f"/indexes/{index}"))[0] == 200


async def test_a_fault_for_no_operation_is_a_mistake(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="POST /serach"):
        emulator.faults.add("POST /serach", status=500)


async def test_a_reset_before_leaves_nothing_done(call: Call, emulator: Emulator) -> None:
    emulator.faults.add("POST /indexes", reset="before")
    with pytest.raises(aiohttp.ClientOSError):
        await call("POST", "/indexes", json=BODY)
    assert (await call("GET", "/indexes"))[1]["data"] == []


async def test_a_reset_after_leaves_the_work_done(call: Call, emulator: Emulator) -> None:
    emulator.faults.add("POST /indexes", reset="after")
    with pytest.raises(aiohttp.ClientOSError):
        await call("POST", "/indexes", json=BODY)
    assert len((await call("GET", "/indexes"))[1]["data"]) == 1
    assert [received.status for received in emulator.requests] == [0, 200]


async def test_an_answer_can_break_off(call: Call, emulator: Emulator) -> None:
    emulator.faults.add("GET /indexes", truncate=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await call("GET", "/indexes")
    assert (await call("GET", "/indexes"))[0] == 200


@pytest.mark.parametrize(("moment", "made"), [("before", 0), ("after", 1), ("body", 1)])
async def test_an_answer_can_stay_away(call: Call, emulator: Emulator, moment: Any, made: int) -> None:
    emulator.faults.add("POST /indexes", stall=moment)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await call("POST", "/indexes", json=BODY)
    assert len((await call("GET", "/indexes"))[1]["data"]) == made


async def test_a_delay_goes_by_the_clock(call: Call, emulator: Emulator, clock: Any, make_index: Make) -> None:
    emulator.faults.add("POST /indexes", delay=30)
    before = clock.time()
    index = await make_index()
    assert clock.time() == before + 30
    assert (await call("GET", f"/indexes/{index}"))[1]["created_at"] == "2026-01-01T00:00:30Z"


async def test_the_storage_can_fail_too(call: Call, emulator: Emulator) -> None:
    upload = {"filename": "f.mp4", "type": "video", "total_size": 3}
    _, created = await call("POST", "/assets/multipart-uploads", json=upload)
    emulator.faults.add("storage", status=500)
    url, headers = created["upload_urls"][0]["url"], created["upload_headers"]
    seen: list[int] = []
    for _ in range(2):
        async with aiohttp.ClientSession() as session, session.put(url, data=b"abc", headers=headers) as response:
            seen.append(response.status)
    assert seen == [500, 200]


async def test_p25_faults_that_never_struck_are_named(emulator: Emulator, call: Call) -> None:
    emulator.faults.add("POST /search", status=500)
    emulator.faults.add("GET /indexes", status=500, times=2)
    emulator.faults.add("GET /assets", status=500, times=None)
    await call("GET", "/indexes")
    with pytest.raises(
        AssertionError, match=r"POST /search \(0 of 1\), GET /indexes \(1 of 2\), GET /assets \(0 of any"
    ):
        emulator.faults.assert_all_hit()
    emulator.faults.clear()
    emulator.faults.assert_all_hit()


async def test_a_stalled_request_is_in_flight_until_the_caller_leaves(
    call: Call, emulator: Emulator, until: Until
) -> None:
    emulator.faults.add("GET /indexes", stall="before")
    task = asyncio.ensure_future(call("GET", "/indexes"))
    await until(lambda: emulator.in_flight == 1)
    task.cancel()
    await until(lambda: emulator.in_flight == 0)
    assert emulator.requests[-1].status == 0


async def test_stopping_ends_a_stall(call: Call, emulator: Emulator, until: Until) -> None:
    emulator.faults.add("POST /indexes", stall="before", times=None)
    task = asyncio.ensure_future(call("POST", "/indexes", json=BODY))
    await until(lambda: emulator.in_flight == 1)
    await emulator.stop()
    with pytest.raises(aiohttp.ClientError):
        await task
    assert emulator.in_flight == 0

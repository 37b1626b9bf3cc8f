"""`reset()` restores everything that a test can change, so that tests can share one emulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, SystemClock, ThreadedEmulator, Timing, Window, samples

START = 1_767_225_600.0
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
Change = Callable[[Emulator, aiohttp.ClientSession], Awaitable[None]]


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    clock = SystemClock(rate=0, start=START)
    async with Emulator(clock=clock, plan="free", timing=Timing(asset=5), api_keys={"second": "other"}) as running:
        yield running


@pytest.fixture
async def session(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(emulator.base_url + "/", headers={"x-api-key": emulator.api_key}) as opened:
        yield opened


async def visible_state(emulator: Emulator) -> dict[str, Any]:
    """Return everything that the public members and the admin API show."""
    origin = emulator.base_url.removesuffix("/v1.3")
    async with aiohttp.request("GET", f"{origin}/_emulator/state") as response:
        objects = await response.json()
    return {
        "objects": objects,
        "ids": emulator.state.ids.object_id(),
        "descriptions": dict(emulator.state.descriptions.by_filename),
        "plan": emulator.plan,
        "index_days": emulator.plan.index_days,
        "timing": emulator.timing,
        "limits": emulator.limits,
        "rate_limited": dict(emulator.rate_limited),
        "faults": list(emulator.faults),
        "requests": list(emulator.requests),
        "endpoints": emulator.webhooks.endpoints,
        "deliveries": list(emulator.webhooks.deliveries),
        "poll_counts": dict(emulator.service.poll_counts),
    }


async def create_objects(_emulator: Emulator, session: aiohttp.ClientSession) -> None:
    async with session.post("indexes", json={"index_name": "films", "models": MODELS}) as response:
        assert response.status == 201
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("method", "direct")
    form.add_field("file", samples.video(3), filename="clip.mp4")
    async with session.post("assets", data=form) as response:
        assert response.status == 201


async def create_objects_of_another_organization(_emulator: Emulator, session: aiohttp.ClientSession) -> None:
    body = {"index_name": "films", "models": MODELS}
    async with session.post("indexes", json=body, headers={"x-api-key": "second"}) as response:
        assert response.status == 201


async def start_upload(_emulator: Emulator, session: aiohttp.ClientSession) -> None:
    body = {"filename": "clip.mp4", "type": "video", "total_size": 10}
    async with session.post("assets/multipart-uploads", json=body) as response:
        assert response.status == 201


async def connect_account(emulator: Emulator, _session: aiohttp.ClientSession) -> None:
    emulator.connect(files={"1": "clip.mp4"})


async def describe(emulator: Emulator, _session: aiohttp.ClientSession) -> None:
    emulator.describe("clip.mp4", [(0, 3, "a red car")])


async def add_fault(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.faults.add("GET /indexes", status=503, times=None)
    async with session.get("indexes") as response:
        assert response.status == 503


async def change_plan(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.plan = Plan(default=Window(1), index_days=3)
    for status in (200, 429):
        async with session.get("indexes") as response:
            assert response.status == status


async def change_timing(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.timing = Timing(polls=3)
    await create_objects(emulator, session)
    async with session.get("assets") as response:
        assert response.status == 200


async def advance_clock(emulator: Emulator, _session: aiohttp.ClientSession) -> None:
    emulator.advance(3600)


async def add_webhook(emulator: Emulator, _session: aiohttp.ClientSession) -> None:
    emulator.webhooks.add("http://127.0.0.1:9/webhook", secret="secret")


CHANGES = [
    create_objects,
    create_objects_of_another_organization,
    start_upload,
    connect_account,
    describe,
    add_fault,
    change_plan,
    change_timing,
    advance_clock,
    add_webhook,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_reset_restores_the_initial_state(
    emulator: Emulator, session: aiohttp.ClientSession, change: Change
) -> None:
    emulator.reset()
    before = await visible_state(emulator)
    await change(emulator, session)
    assert await visible_state(emulator) != before
    emulator.reset()
    assert await visible_state(emulator) == before


async def test_reset_after_all_changes_gives_the_same_responses(
    emulator: Emulator, session: aiohttp.ClientSession
) -> None:
    async def responses() -> list[object]:
        body = {"index_name": "films", "models": MODELS}
        async with session.post("indexes", json=body) as created, session.get("indexes") as listed:
            return [await created.json(), await listed.json(), created.headers["Date"]]

    first = await responses()
    for change in CHANGES:
        emulator.reset()
        await change(emulator, session)
    emulator.reset()
    assert await responses() == first


async def test_reset_over_http_restores_the_initial_state(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    before = await visible_state(emulator)
    emulator.reset()
    for change in (describe, add_webhook, advance_clock):
        await change(emulator, session)
    async with session.post(f"{emulator.base_url.removesuffix('/v1.3')}/_emulator/reset") as response:
        assert response.status == 204
    assert await visible_state(emulator) == before


async def test_reset_deletes_uploaded_files(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    await start_upload(emulator, session)
    (upload,) = emulator.state.uploads.values()
    path = upload.spool_path
    assert path is not None
    assert path.exists()
    emulator.reset()
    assert not path.exists()


async def test_a_request_in_flight_is_not_recorded_after_a_reset(
    emulator: Emulator, session: aiohttp.ClientSession
) -> None:
    emulator.faults.add("GET /indexes", stall="before")
    request = asyncio.ensure_future(session.get("indexes"))
    while not emulator.in_flight:
        await asyncio.sleep(0.001)
    emulator.reset()
    request.cancel()
    while emulator.in_flight:
        await asyncio.sleep(0.001)
    assert list(emulator.requests) == []


async def test_reset_keeps_the_monotonic_time_of_the_clock(emulator: Emulator) -> None:
    clock = emulator.service.clock
    assert isinstance(clock, SystemClock)
    emulator.advance(3600)
    monotonic = clock.monotonic()
    emulator.reset()
    assert clock.time() == START
    assert clock.monotonic() >= monotonic


async def test_reset_ends_sleeps_on_the_clock() -> None:
    clock = SystemClock(rate=0, start=START)
    clock.advance(3600)
    sleeping = asyncio.ensure_future(clock.sleep(60))
    await asyncio.sleep(0)
    clock.reset()
    await sleeping
    assert clock.time() == START


def test_reset_of_a_threaded_emulator_restores_its_timing() -> None:
    with ThreadedEmulator(timing=Timing(asset=5)) as emulator:
        emulator.timing = Timing(asset=0)
        assert emulator.timing == Timing(asset=0)
        emulator.reset()
        assert emulator.timing == Timing(asset=5)

"""The web backends of `examples/web`, each served for real and talked to over HTTP, in front of the emulator."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import pytest
from support import eventually

from twelvelabs_async import webhooks
from twelvelabs_async.emulator import Emulator, Plan, samples
from twelvelabs_async.emulator.plans import Window

SECRET: Final = "whsec_of_the_desk"
CLIP: Final = samples.video(seconds=10)


@pytest.fixture
async def browser(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(address) as session:
        yield session


async def bring(browser: aiohttp.ClientSession, name: str = "red-boat.mp4", *, wait: bool = True) -> str:
    async with browser.post("/videos", params={"filename": name}, data=CLIP) as answer:
        assert answer.status == 202
        made: str = (await answer.json())["id"]
    while wait and await state(browser, made) != "ready":
        await asyncio.sleep(0.01)
    return made


async def state(browser: aiohttp.ClientSession, asset_id: str) -> str:
    async with browser.get(f"/videos/{asset_id}") as answer:
        found: str = (await answer.json())["state"]
    assert not found.startswith("failed")
    return found


async def test_a_video_is_brought_indexed_and_found(browser: aiohttp.ClientSession) -> None:
    await bring(browser)
    async with browser.get("/search", params={"q": "boat"}) as answer:
        (first, *_) = await answer.json()
    assert first["video"] == "red-boat.mp4"
    assert 0 <= first["from"] < first["to"] <= 10
    async with browser.get("/") as answer:
        assert "Video desk" in await answer.text()


async def test_a_video_nobody_brought_is_not_found(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/videos/nothing") as answer:
        assert answer.status == 404


async def test_an_upload_passes_through_while_it_arrives(browser: aiohttp.ClientSession, emulator: Emulator) -> None:
    """Storage has parts of it when only half has come from the browser: nothing waits for the whole body."""
    film = samples.video(seconds=60, size=30 * 2**20)
    more = asyncio.Event()

    async def halves() -> AsyncIterator[bytes]:
        for at in range(0, len(film), 2**20):
            if at >= len(film) // 2:
                await more.wait()
            yield film[at : at + 2**20]

    async def bringing() -> str:
        length = {"Content-Length": str(len(film))}
        async with browser.post("/videos?filename=a.mp4", data=halves(), headers=length) as answer:
            made: str = (await answer.json())["id"]
            return made

    coming = asyncio.create_task(bringing())
    await eventually(lambda: len(emulator.requests.of("storage")) > 0, within=10)
    more.set()
    made = await coming
    while await state(browser, made) != "ready":
        await asyncio.sleep(0.01)


async def test_a_description_comes_while_it_is_written(browser: aiohttp.ClientSession) -> None:
    made = await bring(browser)
    async with browser.get(f"/videos/{made}/description", params={"prompt": "What happens?"}) as answer:
        assert answer.content_type == "text/event-stream"
        frames = (await answer.text()).split("\n\n")
    kinds = [frame.partition("\n")[0] for frame in frames if frame]
    assert kinds[-1] == "event: end"
    assert kinds.count("event: text") > 1
    assert json.loads(frames[0].partition("data: ")[2])


async def test_a_browser_that_leaves_ends_the_call_behind_it(
    browser: aiohttp.ClientSession, emulator: Emulator
) -> None:
    made = await bring(browser)
    emulator.faults.add("POST /analyze", stall="body")
    answer = await browser.get(f"/videos/{made}/description", params={"prompt": "What happens?"})
    await answer.content.readany()
    assert emulator.in_flight == 1
    answer.close()
    await eventually(lambda: emulator.in_flight == 0, within=1)


async def test_a_report_is_there_when_its_webhook_has_come(
    browser: aiohttp.ClientSession, address: str, emulator: Emulator
) -> None:
    made = await bring(browser)
    emulator.webhooks.add(f"{address}/webhook", secret=SECRET)
    async with browser.post(f"/videos/{made}/reports", params={"prompt": "Report."}) as answer:
        assert answer.status == 202
        task = (await answer.json())["id"]
    async with browser.get(f"/reports/{task}", params={"patience": "20"}) as answer:
        report = await answer.json()
    assert report["status"] == "ready"
    assert report["text"]


async def test_a_webhook_of_somebody_else_is_refused_and_one_that_comes_twice_counts_once(
    browser: aiohttp.ClientSession,
) -> None:
    body = json.dumps({"id": "whe_1", "type": "analyze.task.ready", "data": {"id": "t1"}}).encode()
    now = str(int(time.time()))
    for secret, status in (("another", 401), (SECRET, 200), (SECRET, 200)):
        signature = f"t={now},v1={webhooks.sign(body, secret, now)}"
        async with browser.post("/webhook", data=body, headers={webhooks.HEADER: signature}) as answer:
            assert answer.status == status


class TestWithOneSearchADay:
    @pytest.fixture
    def plan(self) -> Plan:
        return Plan(windows={"search": Window(1, 86_400)})

    async def test_a_used_up_quota_is_a_503_that_says_when_to_come_back(
        self, browser: aiohttp.ClientSession, emulator: Emulator
    ) -> None:
        async with browser.get("/search", params={"q": "boat"}) as answer:
            assert answer.status == 200
        async with browser.get("/search", params={"q": "boat"}) as answer:
            assert answer.status == 503
            assert 86_000 < int(answer.headers["Retry-After"]) <= 86_500
        assert len(emulator.requests.of("POST /search")) == 1


async def test_a_body_of_unknown_length_is_refused(browser: aiohttp.ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield CLIP

    async with browser.post("/videos?filename=a.mp4", data=pieces()) as answer:
        assert answer.status == 411

"""The web backends of `examples/web`, over HTTP, with the emulator as their API."""

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
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import Emulator, Plan, samples
from twelvelabs_async.emulator.plans import Window

SECRET: Final = "whsec_of_the_desk"
CLIP: Final = samples.video(seconds=10)
FILM: Final = (SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4").read_bytes()


@pytest.fixture
async def browser(backend_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(backend_url) as session:
        yield session


async def upload(browser: aiohttp.ClientSession, name: str = "red-boat.mp4", *, wait: bool = True) -> str:
    async with browser.post("/videos", params={"filename": name}, data=CLIP) as answer:
        assert answer.status == 202
        asset_id: str = (await answer.json())["id"]
    while wait and await state(browser, asset_id) != "ready":
        await asyncio.sleep(0.01)
    return asset_id


async def state(browser: aiohttp.ClientSession, asset_id: str) -> str:
    async with browser.get(f"/videos/{asset_id}") as answer:
        found: str = (await answer.json())["state"]
    assert not found.startswith("failed")
    return found


async def test_an_uploaded_video_is_indexed_and_found(browser: aiohttp.ClientSession) -> None:
    await upload(browser)
    async with browser.get("/search", params={"q": "boat"}) as answer:
        (first, *_) = await answer.json()
    assert first["video"] == "red-boat.mp4"
    assert 0 <= first["from"] < first["to"] <= 10
    async with browser.get("/") as answer:
        assert "Video desk" in await answer.text()


async def test_the_list_contains_uploads_and_earlier_videos_of_the_index(
    browser: aiohttp.ClientSession, emulator: Emulator
) -> None:
    earlier = emulator.add_video("desk", "earlier.mp4", [(0, 5, "a boat")])
    asset_id = await upload(browser)
    async with browser.get("/videos") as answer:
        videos = await answer.json()
    assert videos == [
        {"id": asset_id, "video": "red-boat.mp4", "state": "ready"},
        {"id": earlier.asset.id, "video": "earlier.mp4", "state": "ready"},
    ]


async def test_a_video_and_its_results_have_images(browser: aiohttp.ClientSession) -> None:
    async with browser.post("/videos", params={"filename": "sailing.mp4"}, data=FILM) as answer:
        asset_id = (await answer.json())["id"]
    while await state(browser, asset_id) != "ready":
        await asyncio.sleep(0.01)
    async with browser.get("/search", params={"q": "sailing"}) as answer:
        (first, *_) = await answer.json()
    for url in (f"/videos/{asset_id}/thumbnail", first["image"]):
        async with browser.get(url) as answer:
            assert (answer.status, answer.content_type) == (200, "image/jpeg")


async def test_an_unknown_video_is_not_found(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/videos/nothing") as answer:
        assert answer.status == 404


async def test_an_upload_is_forwarded_while_it_arrives(browser: aiohttp.ClientSession, emulator: Emulator) -> None:
    """Storage receives parts before the second half has left the browser."""
    film = samples.video(seconds=60, size=30 * 2**20)
    more = asyncio.Event()

    async def halves() -> AsyncIterator[bytes]:
        for at in range(0, len(film), 2**20):
            if at >= len(film) // 2:
                await more.wait()
            yield film[at : at + 2**20]

    async def post_video() -> str:
        length = {"Content-Length": str(len(film))}
        async with browser.post("/videos?filename=a.mp4", data=halves(), headers=length) as answer:
            asset_id: str = (await answer.json())["id"]
            return asset_id

    posting = asyncio.create_task(post_video())
    await eventually(lambda: len(emulator.requests.for_operation("storage")) > 0, timeout=60)
    more.set()
    asset_id = await posting
    while await state(browser, asset_id) != "ready":
        await asyncio.sleep(0.01)


async def test_a_description_is_streamed(browser: aiohttp.ClientSession) -> None:
    asset_id = await upload(browser)
    async with browser.get(f"/videos/{asset_id}/description", params={"prompt": "What happens?"}) as answer:
        assert answer.content_type == "text/event-stream"
        frames = (await answer.text()).split("\n\n")
    kinds = [frame.partition("\n")[0] for frame in frames if frame]
    assert kinds[-1] == "event: end"
    assert kinds.count("event: text") > 1
    assert json.loads(frames[0].partition("data: ")[2])


async def test_a_disconnected_browser_cancels_the_api_call(browser: aiohttp.ClientSession, emulator: Emulator) -> None:
    asset_id = await upload(browser)
    emulator.faults.add("POST /analyze", stall="body")
    answer = await browser.get(f"/videos/{asset_id}/description", params={"prompt": "What happens?"})
    await answer.content.readany()
    assert emulator.in_flight == 1
    answer.close()
    await eventually(lambda: emulator.in_flight == 0, timeout=30)


async def test_a_report_is_returned_when_its_webhook_has_arrived(
    browser: aiohttp.ClientSession, backend_url: str, emulator: Emulator
) -> None:
    asset_id = await upload(browser)
    emulator.webhooks.add(f"{backend_url}/webhook", secret=SECRET)
    async with browser.post(f"/videos/{asset_id}/reports", params={"prompt": "Report."}) as answer:
        assert answer.status == 202
        task = (await answer.json())["id"]
    async with browser.get(f"/reports/{task}", params={"timeout": "20"}) as answer:
        report = await answer.json()
    assert report["status"] == "ready"
    assert report["text"]


async def test_a_webhook_with_a_wrong_signature_is_rejected_and_a_repeated_one_accepted(
    browser: aiohttp.ClientSession,
) -> None:
    body = json.dumps({"id": "whe_1", "type": "analyze.task.ready", "data": {"id": "t1"}}).encode()
    now = str(int(time.time()))
    for secret, status in (("another", 401), (SECRET, 200), (SECRET, 200)):
        signature = f"t={now},v1={webhooks.sign(body, secret, now)}"
        async with browser.post("/webhook", data=body, headers={webhooks.SIGNATURE_HEADER: signature}) as answer:
            assert answer.status == status


class TestWithOneSearchADay:
    @pytest.fixture
    def plan(self) -> Plan:
        return Plan(windows={"search": Window(1, 86_400)})

    async def test_an_exhausted_quota_is_a_503_with_retry_after(
        self, browser: aiohttp.ClientSession, emulator: Emulator
    ) -> None:
        async with browser.get("/search", params={"q": "boat"}) as answer:
            assert answer.status == 200
        async with browser.get("/search", params={"q": "boat"}) as answer:
            assert answer.status == 503
            assert 86_000 < int(answer.headers["Retry-After"]) <= 86_500
        assert len(emulator.requests.for_operation("POST /search")) == 1


async def test_a_body_of_unknown_length_is_refused(browser: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield CLIP

    async with browser.post("/videos?filename=a.mp4", data=chunks()) as answer:
        assert answer.status == 411

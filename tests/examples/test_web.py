"""The web backends in `examples/web`, over HTTP, with the emulator as their API."""

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

SECRET: Final = "whsec_of_the_library"
CLIP: Final = samples.video(seconds=10)
FILM: Final = (SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4").read_bytes()


@pytest.fixture
async def browser(backend_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(backend_url) as session:
        yield session


async def upload(browser: aiohttp.ClientSession, name: str = "red-boat.mp4", *, wait: bool = True) -> str:
    async with browser.post("/videos", params={"filename": name}, data=CLIP) as response:
        assert response.status == 202
        asset_id: str = (await response.json())["id"]
    while wait and await get_state(browser, asset_id) != "ready":
        await asyncio.sleep(0.01)
    return asset_id


async def get_state(browser: aiohttp.ClientSession, asset_id: str) -> str:
    async with browser.get(f"/videos/{asset_id}") as response:
        state: str = (await response.json())["state"]
    assert not state.startswith("failed")
    return state


async def test_an_uploaded_video_is_indexed_and_found(browser: aiohttp.ClientSession) -> None:
    await upload(browser)
    async with browser.get("/search", params={"q": "boat"}) as response:
        (first, *_) = await response.json()
    assert first["video"] == "red-boat.mp4"
    assert 0 <= first["from"] < first["to"] <= 10
    async with browser.get("/") as response:
        assert "Video library" in await response.text()


async def test_the_list_contains_uploads_and_earlier_videos_of_the_index(
    browser: aiohttp.ClientSession, emulator: Emulator
) -> None:
    earlier = emulator.add_video("library", "earlier.mp4", [(0, 5, "a boat")])
    asset_id = await upload(browser)
    async with browser.get("/videos") as response:
        videos = await response.json()
    assert videos == [
        {"id": asset_id, "video": "red-boat.mp4", "state": "ready"},
        {"id": earlier.asset.id, "video": "earlier.mp4", "state": "ready"},
    ]


async def test_a_video_and_its_results_have_images(browser: aiohttp.ClientSession) -> None:
    async with browser.post("/videos", params={"filename": "sailing.mp4"}, data=FILM) as response:
        asset_id = (await response.json())["id"]
    while await get_state(browser, asset_id) != "ready":
        await asyncio.sleep(0.01)
    async with browser.get("/search", params={"q": "sailing"}) as response:
        (first, *_) = await response.json()
    for url in (f"/videos/{asset_id}/thumbnail", first["image"]):
        async with browser.get(url) as response:
            assert (response.status, response.content_type) == (200, "image/jpeg")


async def test_an_unknown_video_is_not_found(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/videos/nothing") as response:
        assert response.status == 404


async def test_an_upload_is_forwarded_while_it_arrives(browser: aiohttp.ClientSession, emulator: Emulator) -> None:
    """The storage receives parts before the browser has sent the second half."""
    film = samples.video(seconds=60, size=30 * 2**20)
    send_second_half = asyncio.Event()

    async def send_halves() -> AsyncIterator[bytes]:
        for offset in range(0, len(film), 2**20):
            if offset >= len(film) // 2:
                await send_second_half.wait()
            yield film[offset : offset + 2**20]

    async def post_video() -> str:
        length = {"Content-Length": str(len(film))}
        async with browser.post("/videos?filename=a.mp4", data=send_halves(), headers=length) as response:
            asset_id: str = (await response.json())["id"]
            return asset_id

    upload_task = asyncio.create_task(post_video())
    await eventually(lambda: len(emulator.requests.for_operation("storage")) > 0, timeout=60)
    send_second_half.set()
    asset_id = await upload_task
    while await get_state(browser, asset_id) != "ready":
        await asyncio.sleep(0.01)


async def test_a_description_is_streamed(browser: aiohttp.ClientSession) -> None:
    asset_id = await upload(browser)
    async with browser.get(f"/videos/{asset_id}/description", params={"prompt": "What happens?"}) as response:
        assert response.content_type == "text/event-stream"
        frames = (await response.text()).split("\n\n")
    event_lines = [frame.partition("\n")[0] for frame in frames if frame]
    assert event_lines[-1] == "event: end"
    assert event_lines.count("event: text") > 1
    assert json.loads(frames[0].partition("data: ")[2])


async def test_a_disconnected_browser_cancels_the_api_call(browser: aiohttp.ClientSession, emulator: Emulator) -> None:
    asset_id = await upload(browser)
    emulator.faults.add("POST /analyze", stall="body")
    response = await browser.get(f"/videos/{asset_id}/description", params={"prompt": "What happens?"})
    await response.content.readany()
    assert emulator.in_flight == 1
    response.close()
    await eventually(lambda: emulator.in_flight == 0, timeout=30)


async def test_a_report_is_returned_after_its_webhook_arrives(
    browser: aiohttp.ClientSession, backend_url: str, emulator: Emulator
) -> None:
    asset_id = await upload(browser)
    emulator.webhooks.add(f"{backend_url}/webhook", secret=SECRET)
    async with browser.post(f"/videos/{asset_id}/reports", params={"prompt": "Report."}) as response:
        assert response.status == 202
        task = (await response.json())["id"]
    async with browser.get(f"/reports/{task}", params={"timeout": "20"}) as response:
        report = await response.json()
    assert report["status"] == "ready"
    assert report["text"]


async def test_a_webhook_with_a_wrong_signature_is_rejected_and_a_repeated_webhook_accepted(
    browser: aiohttp.ClientSession,
) -> None:
    body = json.dumps({"id": "whe_1", "type": "analyze.task.ready", "data": {"id": "t1"}}).encode()
    now = str(int(time.time()))
    for secret, status in (("another", 401), (SECRET, 200), (SECRET, 200)):
        signature = f"t={now},v1={webhooks.sign(body, secret, now)}"
        async with browser.post("/webhook", data=body, headers={webhooks.SIGNATURE_HEADER: signature}) as response:
            assert response.status == status


class TestOneSearchPerDay:
    @pytest.fixture
    def plan(self) -> Plan:
        return Plan(windows={"search": Window(1, 86_400)})

    async def test_an_exhausted_quota_is_a_503_with_retry_after(
        self, browser: aiohttp.ClientSession, emulator: Emulator
    ) -> None:
        async with browser.get("/search", params={"q": "boat"}) as response:
            assert response.status == 200
        async with browser.get("/search", params={"q": "boat"}) as response:
            assert response.status == 503
            assert 86_000 < int(response.headers["Retry-After"]) <= 86_500
        assert len(emulator.requests.for_operation("POST /search")) == 1


async def test_a_body_of_unknown_length_is_rejected(browser: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield CLIP

    async with browser.post("/videos?filename=a.mp4", data=chunks()) as response:
        assert response.status == 411

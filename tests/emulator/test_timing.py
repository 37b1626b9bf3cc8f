"""Processing times by the clock, by the number of polls, and by the duration of the media."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, SystemClock, Timing, samples

Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
Form = Callable[..., aiohttp.FormData]
Advance = Callable[[float], None]

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]


class ApiSession:
    """A session with methods that create objects and read their status."""

    def __init__(self, session: aiohttp.ClientSession, form: Form) -> None:
        self._session = session
        self._form = form

    async def get(self, path: str) -> Any:
        async with self._session.get(path) as response:
            assert response.status == 200
            return await response.json()

    async def statuses(self, path: str, count: int) -> list[str]:
        return [(await self.get(path))["status"] for _ in range(count)]

    async def post(self, path: str, **body: Any) -> Any:
        options: dict[str, Any] = (
            {"data": self._form("a.mp4", **body)} if "file" in body or "video_file" in body else {"json": body}
        )
        async with self._session.post(path, **options) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def asset(self, seconds: float = 60) -> str:
        return str((await self.post("assets", method="direct", file=samples.video(seconds)))["_id"])

    async def index(self) -> str:
        return str((await self.post("indexes", index_name="films", models=MODELS))["_id"])


@pytest.fixture
def open_session(serve: Serve, connect: Connect, form: Form) -> Callable[..., Awaitable[ApiSession]]:
    async def open_with_timing(**timing: Any) -> ApiSession:
        return ApiSession(await connect(await serve(timing=Timing(**timing))), form)

    return open_with_timing


async def test_processing_can_finish_after_a_number_of_polls(open_session: Any) -> None:
    api = await open_session(polls=2)
    asset = await api.asset()
    assert await api.statuses(f"assets/{asset}", 4) == ["processing", "processing", "ready", "ready"]
    index = await api.index()
    video = (await api.post(f"indexes/{index}/indexed-assets", asset_id=asset))["_id"]
    assert (await api.get(f"indexes/{index}/indexed-assets"))["data"][0]["status"] == "pending", (
        "a list counts as a poll"
    )
    assert await api.statuses(f"indexes/{index}/indexed-assets/{video}", 2) == ["indexing", "ready"]


async def test_polls_are_counted_for_each_object(open_session: Any) -> None:
    api = await open_session(polls=1)
    first, second = await api.asset(), await api.asset()
    assert await api.statuses(f"assets/{first}", 2) == ["processing", "ready"]
    assert await api.statuses(f"assets/{second}", 2) == ["processing", "ready"]


async def test_polls_apply_to_every_kind_of_object(open_session: Any) -> None:
    api = await open_session(polls=1, asset=0)
    asset, index = await api.asset(), await api.index()
    source = {"type": "asset_id", "asset_id": asset}
    analysis = (await api.post("analyze/tasks", video=source, prompt="What?"))["task_id"]
    assert await api.statuses(f"analyze/tasks/{analysis}", 2) == ["queued", "ready"]
    batch = await api.post(
        "analyze/batches",
        model_name="pegasus1.5",
        analysis_mode="general",
        requests=[{"video": source, "prompt": {"input_text": "What?"}}],
    )
    assert await api.statuses(f"analyze/batches/{batch['batch_id']}", 2) == ["pending", "completed"]
    embedding = (await api.post("embed/tasks", model_name="marengo3.0", video_file=samples.video(8)))["_id"]
    assert await api.statuses(f"embed/tasks/{embedding}/status", 2) == ["processing", "ready"]
    task = await api.post("tasks", index_id=index, video_file=samples.video(8))
    assert await api.statuses(f"tasks/{task['_id']}", 2) == ["pending", "ready"]
    video = await api.get(f"indexes/{index}/indexed-assets/{task['video_id']}")
    assert (video["status"], "indexed_at" in video) == ("ready", True)


async def test_processing_time_grows_with_the_duration(open_session: Any, advance: Advance) -> None:
    api = await open_session(asset=0, indexing=0, realtime=0.5)
    short_asset, long_asset = await api.asset(20), await api.asset(600)
    advance(10)
    assert await api.statuses(f"assets/{short_asset}", 1) == ["ready"]
    assert await api.statuses(f"assets/{long_asset}", 1) == ["processing"]
    advance(290)
    assert await api.statuses(f"assets/{long_asset}", 1) == ["ready"]
    index = await api.index()
    video = await api.post(f"indexes/{index}/indexed-assets", asset_id=short_asset)
    advance(9.9)
    assert await api.statuses(f"indexes/{index}/indexed-assets/{video['_id']}", 1) == ["indexing"]
    advance(0.1)
    assert await api.statuses(f"indexes/{index}/indexed-assets/{video['_id']}", 1) == ["ready"]


async def test_a_clock_can_run_fast() -> None:
    clock = SystemClock(rate=1000)
    before = clock.time()
    await clock.sleep(10)
    assert clock.time() >= before + 10


async def test_a_stopped_clock_can_be_advanced() -> None:
    clock = SystemClock(rate=0, start=100)
    sleeping = asyncio.ensure_future(clock.sleep(60))
    await asyncio.sleep(0)
    clock.advance(59)
    for _ in range(3):
        await asyncio.sleep(0)
    assert (clock.time(), sleeping.done()) == (159, False)
    clock.advance(1)
    await sleeping
    assert clock.time() == 160


@pytest.mark.parametrize(
    ("settings", "timing"),
    [
        ({"seconds": 0}, Timing.immediate()),
        ({"seconds": 5, "batch": 9}, Timing(asset=5, indexing=5, analysis=5, batch=9)),
        ({"polls": 3}, Timing(polls=3)),
        ({"realtime": 0.5}, Timing(realtime=0.5)),
        ({"asset": 0, "indexing": 0}, Timing(asset=0, indexing=0)),
        ({}, Timing()),
    ],
)
async def test_the_timing_can_be_changed_over_http(
    settings: dict[str, float], timing: Timing, serve: Serve, connect: Connect
) -> None:
    emulator = await serve(timing=Timing(asset=7))
    session, url = await connect(emulator), emulator.base_url.removesuffix("/v1.3") + "/_emulator/timing"
    async with session.put(url, json=settings) as response:
        assert response.status == 204
    assert emulator.timing == timing
    async with session.get(url) as response:
        assert Timing(**await response.json()) == timing
    emulator.reset()
    assert emulator.timing == Timing(asset=7)


@pytest.mark.parametrize(
    "settings",
    [{"speed": 1}, {"asset": -1}, {"asset": "1"}, {"asset": None}, {"polls": 1.5}, {"polls": True}, {"asset": 1e999}],
)
async def test_an_invalid_timing_changes_nothing(settings: dict[str, Any], serve: Serve, connect: Connect) -> None:
    emulator = await serve(timing=Timing(asset=7))
    session, url = await connect(emulator), emulator.base_url.removesuffix("/v1.3") + "/_emulator/timing"
    async with session.put(url, json=settings) as response:
        assert response.status == 400
        assert (await response.json())["error"]
    assert emulator.timing == Timing(asset=7)


def test_an_invalid_timing_names_its_field() -> None:
    with pytest.raises(ValueError, match="indexing must be a non-negative number, got -1"):
        Timing(indexing=-1)
    for name in ("indexing", "realtime", "polls", "url_lifetime", "webhook_retry"):
        with pytest.raises(ValueError, match=f"{name} must be at most 1000000000, got "):
            Timing.of({name: 10**10})
    assert Timing(asset=10**9, realtime=10**9).for_media(1e300).asset == 10**9
    with pytest.raises(ValueError, match="at most 1 together"):
        Timing(pending_share=0.8, queued_share=0.8)


def test_time_cannot_go_backwards() -> None:
    with pytest.raises(ValueError, match="negative"):
        SystemClock(rate=-1)
    with pytest.raises(ValueError, match="negative"):
        SystemClock().advance(-1)

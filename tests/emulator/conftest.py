"""An emulator on a clock that moves only when a test says so, and short ways to talk to it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Timing, samples

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]
Put = Callable[..., Awaitable[tuple[int, str, str]]]

UPLOADS = "/assets/multipart-uploads"

TIMING = Timing(asset=10, indexing=50, analysis=20, batch=100)


class HandMovedClock:
    """Starts on the first of January 2026."""

    def __init__(self) -> None:
        self.now = 1_767_225_600.0

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float, /) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.fixture
def advance(clock: HandMovedClock) -> Callable[[float], None]:
    """Let seconds pass."""

    def move(seconds: float) -> None:
        clock.now += seconds

    return move


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def serve(stack: AsyncExitStack, clock: HandMovedClock) -> Callable[..., Awaitable[Emulator]]:
    """Start an emulator with settings of the test's own."""

    async def start(**settings: Any) -> Emulator:
        settings = {"clock": clock, "timing": TIMING, **settings}
        return await stack.enter_async_context(Emulator(**settings))

    return start


@pytest.fixture
async def emulator(serve: Callable[..., Awaitable[Emulator]]) -> Emulator:
    return await serve(chunk_size=1000)


@pytest.fixture
def connect(stack: AsyncExitStack) -> Callable[[Emulator], Awaitable[aiohttp.ClientSession]]:
    """Open a session that has the key; its paths have no slash in front."""

    async def open_session(emulator: Emulator) -> aiohttp.ClientSession:
        headers = {"x-api-key": emulator.api_key}
        return await stack.enter_async_context(aiohttp.ClientSession(emulator.base_url + "/", headers=headers))

    return open_session


@pytest.fixture
async def session(
    emulator: Emulator, connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
) -> aiohttp.ClientSession:
    return await connect(emulator)


@pytest.fixture
def call(session: aiohttp.ClientSession) -> Call:
    """Send a request, and give status and JSON of the answer."""
    return caller(session)


def caller(session: aiohttp.ClientSession) -> Call:
    async def send(method: str, path: str, **options: Any) -> tuple[int, Any]:
        # A path with a colon in it would be taken for a URL of its own.
        async with session.request(method, "./" + path.lstrip("/"), **options) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    return send


@pytest.fixture
def other(emulator: Emulator, stack: AsyncExitStack) -> Callable[[str], Awaitable[Call]]:
    """Call with another key."""

    async def open_session(key: str) -> Call:
        session = aiohttp.ClientSession(emulator.base_url + "/", headers={"x-api-key": key})
        return caller(await stack.enter_async_context(session))

    return open_session


@pytest.fixture
def restart(
    emulator: Emulator, connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
) -> Callable[[], Awaitable[Call]]:
    """Stop the emulator, start it again, and give a new way to call it."""

    async def do() -> Call:
        await emulator.stop()
        await emulator.start()
        return caller(await connect(emulator))

    return do


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for something that the other side does in its own time."""

    async def wait(come_true: Callable[[], bool]) -> None:
        for _ in range(5000):
            if come_true():
                return
            await asyncio.sleep(0.001)
        pytest.fail("it never came true")

    return wait


@pytest.fixture
def form() -> Callable[..., aiohttp.FormData]:
    """Write a multipart form: bytes become a file, a list a repeated field, a dictionary JSON."""

    def write(filename: str = "upload", /, **fields: Any) -> aiohttp.FormData:
        written = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, values in fields.items():
            several = cast("list[Any]", values)
            for value in several if isinstance(values, list) else [values]:
                if isinstance(value, bytes):
                    written.add_field(name, io.BytesIO(value), filename=filename)
                else:
                    written.add_field(name, json.dumps(value) if isinstance(value, dict | bool) else str(value))
        return written

    return write


@pytest.fixture
def make_index(call: Call) -> Make:
    async def make(name: str = "films", *options: str, **fields: Any) -> str:
        models = [{"model_name": "marengo3.0", "model_options": options or ["visual", "audio"]}]
        status, body = await call("POST", "/indexes", json={"index_name": name, "models": models, **fields})
        assert status == 201
        return str(body["_id"])

    return make


@pytest.fixture
def make_asset(call: Call, form: Callable[..., aiohttp.FormData]) -> Make:
    async def make(filename: str = "film.mp4", content: bytes | None = None, **fields: Any) -> str:
        data = form(filename, method="direct", **fields, file=content or samples.video())
        status, body = await call("POST", "/assets", data=data)
        assert status == 201
        return str(body["_id"])

    return make


@pytest.fixture
def make_source(make_asset: Make, advance: Callable[[float], None]) -> Callable[..., Awaitable[dict[str, str]]]:
    """Upload a video and wait until it can be analyzed."""

    async def make(filename: str = "film.mp4", seconds: float = 60) -> dict[str, str]:
        asset = await make_asset(filename, samples.video(seconds))
        advance(TIMING.asset)
        return {"type": "asset_id", "asset_id": asset}

    return make


@pytest.fixture
def make_video(call: Call, make_asset: Make, advance: Callable[[float], None]) -> Make:
    """Upload a file, index it and wait until it is ready."""

    async def make(index: str, filename: str = "film.mp4", content: bytes | None = None, **fields: Any) -> str:
        asset = await make_asset(filename, content)
        advance(TIMING.asset)
        status, body = await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset, **fields})
        assert status == 202
        advance(TIMING.indexing)
        return str(body["_id"])

    return make


@pytest.fixture
def film() -> bytes:
    """A file of three chunks."""
    return samples.video(20, size=2500)


@pytest.fixture
async def upload(call: Call) -> Any:
    """An upload session for the film."""
    status, created = await call("POST", UPLOADS, json={"filename": "f.mp4", "type": "video", "total_size": 2500})
    assert status == 201
    return created


@pytest.fixture
def put() -> Callable[..., Awaitable[tuple[int, str, str]]]:
    """Send bytes to a presigned URL, and give status, body and proof."""

    async def send(url: str, content: Any, headers: dict[str, str]) -> tuple[int, str, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.put(url, data=content, headers={"content-type": "application/octet-stream", **headers}) as response,
        ):
            return response.status, await response.text(), response.headers.get("ETag", "")

    return send


@pytest.fixture
def send(call: Call, put: Put, film: bytes) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Send chunks to fresh URLs, and give the report to make of it."""

    async def send_all(upload: dict[str, Any], *indexes: int) -> list[dict[str, Any]]:
        report: list[dict[str, Any]] = []
        for index in indexes:
            path = f"{UPLOADS}/{upload['upload_id']}/presigned-urls"
            _, more = await call("POST", path, json={"start": index, "count": 1})
            content = film[(index - 1) * 1000 : index * 1000]
            status, _, proof = await put(more["upload_urls"][0]["url"], content, upload["upload_headers"])
            assert status == 200
            report.append({"chunk_index": index, "proof": proof, "proof_type": "etag", "chunk_size": len(content)})
        return report

    return send_all

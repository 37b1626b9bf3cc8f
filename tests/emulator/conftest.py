"""Fixtures with an emulator on a manual clock, and functions that send requests to it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import aiohttp
import pytest
from shared import reset_after_use

from twelvelabs_async.emulator import Emulator, Timing, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
PutChunk = Callable[..., Awaitable[tuple[int, str, str]]]

UPLOADS = "/assets/multipart-uploads"

TIMING = Timing(asset=10, indexing=50, analysis=20, batch=100)


class ManualClock:
    """A clock that starts on 1 January 2026 and only advances on request."""

    START = 1_767_225_600.0

    def __init__(self) -> None:
        self.now = self.START

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float, /) -> None:
        self.now += seconds


@pytest.fixture(scope="module")
def shared_clock() -> ManualClock:
    """The clock of all emulators of a module; tests use `clock`."""
    return ManualClock()


@pytest.fixture
def clock(shared_clock: ManualClock) -> ManualClock:
    """A clock reset to its start."""
    shared_clock.now = shared_clock.START
    return shared_clock


@pytest.fixture
def advance(clock: ManualClock) -> Callable[[float], None]:
    """Advance the clock by a number of seconds."""

    def move(seconds: float) -> None:
        clock.now += seconds

    return move


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def serve(stack: AsyncExitStack, clock: ManualClock) -> Callable[..., Awaitable[Emulator]]:
    """Start an emulator with settings of the test."""

    async def start(**settings: Any) -> Emulator:
        settings = {"clock": clock, "timing": TIMING, **settings}
        return await stack.enter_async_context(Emulator(**settings))

    return start


@pytest.fixture(scope="module")
async def shared_emulator(shared_clock: ManualClock) -> AsyncIterator[Emulator]:
    """An emulator with small chunks; tests use `emulator`."""
    async with Emulator(clock=shared_clock, timing=TIMING, chunk_size=1000) as running:
        yield running


@pytest.fixture
async def emulator(
    request: pytest.FixtureRequest, shared_emulator: Emulator, serve: Callable[..., Awaitable[Emulator]]
) -> AsyncIterator[Emulator]:
    """The emulator of the module, reset; a test marked `own_emulator` gets an emulator of its own."""
    if request.node.get_closest_marker("own_emulator"):
        yield await serve(chunk_size=1000)
        return
    async with reset_after_use(shared_emulator) as emulator:
        yield emulator


@pytest.fixture
def connect(stack: AsyncExitStack) -> Callable[[Emulator], Awaitable[aiohttp.ClientSession]]:
    """Open a session with the API key; its paths have no leading slash."""

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
def call(session: aiohttp.ClientSession) -> SendRequest:
    """Send a request, and return the status and the JSON of the response."""
    return request_sender(session)


def request_sender(session: aiohttp.ClientSession) -> SendRequest:
    async def send(method: str, path: str, **options: Any) -> tuple[int, Any]:
        # Without the dot, aiohttp would take a path with a colon for an absolute URL.
        async with session.request(method, "./" + path.lstrip("/"), **options) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    return send


@pytest.fixture
def call_with_key(emulator: Emulator, stack: AsyncExitStack) -> Callable[[str], Awaitable[SendRequest]]:
    """Send requests with another API key."""

    async def open_session(key: str) -> SendRequest:
        session = aiohttp.ClientSession(emulator.base_url + "/", headers={"x-api-key": key})
        return request_sender(await stack.enter_async_context(session))

    return open_session


@pytest.fixture
def restart(
    emulator: Emulator, connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
) -> Callable[[], Awaitable[SendRequest]]:
    """Restart the emulator, and return a function that sends requests to it."""

    async def restart_emulator() -> SendRequest:
        await emulator.stop()
        await emulator.start()
        return request_sender(await connect(emulator))

    return restart_emulator


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait until a condition is true."""

    async def poll(condition: Callable[[], bool]) -> None:
        for _ in range(5000):
            if condition():
                return
            await asyncio.sleep(0.001)
        pytest.fail("timed out")

    return poll


@pytest.fixture
def form() -> Callable[..., aiohttp.FormData]:
    """Build a multipart form: bytes become a file, a list a repeated field, a dict JSON."""

    def build(filename: str = "upload", /, **fields: Any) -> aiohttp.FormData:
        data = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, values in fields.items():
            items = cast("list[Any]", values)
            for value in items if isinstance(values, list) else [values]:
                if isinstance(value, bytes):
                    data.add_field(name, io.BytesIO(value), filename=filename)
                else:
                    data.add_field(name, json.dumps(value) if isinstance(value, dict | bool) else str(value))
        return data

    return build


@pytest.fixture
def make_index(call: SendRequest) -> CreateResource:
    async def make(name: str = "films", *options: str, **fields: Any) -> str:
        models = [{"model_name": "marengo3.0", "model_options": options or ["visual", "audio"]}]
        status, body = await call("POST", "/indexes", json={"index_name": name, "models": models, **fields})
        assert status == 201
        return str(body["_id"])

    return make


@pytest.fixture
def make_asset(call: SendRequest, form: Callable[..., aiohttp.FormData]) -> CreateResource:
    async def make(filename: str = "film.mp4", content: bytes | None = None, **fields: Any) -> str:
        data = form(filename, method="direct", **fields, file=content or samples.video())
        status, body = await call("POST", "/assets", data=data)
        assert status == 201
        return str(body["_id"])

    return make


@pytest.fixture
def make_source(
    make_asset: CreateResource, advance: Callable[[float], None]
) -> Callable[..., Awaitable[dict[str, str]]]:
    """Upload a video and wait until it can be analyzed."""

    async def make(filename: str = "film.mp4", seconds: float = 60) -> dict[str, str]:
        asset = await make_asset(filename, samples.video(seconds))
        advance(TIMING.asset)
        return {"type": "asset_id", "asset_id": asset}

    return make


@pytest.fixture
def make_video(call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]) -> CreateResource:
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
async def upload(call: SendRequest) -> Any:
    """An upload session for the film."""
    status, created = await call("POST", UPLOADS, json={"filename": "f.mp4", "type": "video", "total_size": 2500})
    assert status == 201
    return created


@pytest.fixture
def put() -> Callable[..., Awaitable[tuple[int, str, str]]]:
    """Send bytes to a presigned URL, and return status, body and ETag."""

    async def send(url: str, content: Any, headers: dict[str, str]) -> tuple[int, str, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.put(url, data=content, headers={"content-type": "application/octet-stream", **headers}) as response,
        ):
            return response.status, await response.text(), response.headers.get("ETag", "")

    return send


@pytest.fixture
def send(call: SendRequest, put: PutChunk, film: bytes) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Upload chunks to new presigned URLs, and return the list that reports them."""

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

"""The web backends in `examples/web`, served over HTTP with the emulator as their API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from aiohttp import web
from support import eventually

from twelvelabs_async.emulator import Emulator, Plan, Timing

EXAMPLES_DIR: Final = Path(__file__).parents[2] / "examples" / "web"
SECRET: Final = "whsec_of_the_library"


@asynccontextmanager
async def serve_fastapi() -> AsyncGenerator[str]:
    config = uvicorn.Config(import_module("fastapi_app").app, port=0, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    server_task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started or server_task.done(), timeout=60)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await server_task


@asynccontextmanager
async def serve_aiohttp() -> AsyncGenerator[str]:
    runner = web.AppRunner(import_module("aiohttp_app").application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def plan() -> Plan | None:
    return None


@pytest.fixture
async def emulator(plan: Plan | None) -> AsyncIterator[Emulator]:
    async with Emulator(plan=plan, timing=Timing(asset=0, indexing=0, analysis=0)) as running:
        yield running


@pytest.fixture(params=[serve_fastapi, serve_aiohttp])
async def backend_url(
    request: pytest.FixtureRequest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The URL of a backend, configured by environment variables."""
    asyncio.get_running_loop().set_debug(False)
    monkeypatch.syspath_prepend(str(EXAMPLES_DIR))
    monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
    monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
    monkeypatch.setenv("TWELVELABS_WEBHOOK_SECRET", SECRET)
    async with request.param() as url:
        yield url

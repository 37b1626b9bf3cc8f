"""Name look-ups, file reads and large JSON do not wait for each other, nor for threads of the application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support import KEY, RawRequest, RawServer, raw_response

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._concurrency import DNS_THREADS, FILE_THREADS, JSON_THREADS, SCAN_THREADS

POOLS = {"names": DNS_THREADS, "files": FILE_THREADS, "json": JSON_THREADS, "scans": SCAN_THREADS}
LARGE = b'{"items": [' + b",".join([b'"0123456789"'] * 300_000) + b"]}"
ASSET = b'{"_id": "6298d673f1090f1100476d4c", "status": "ready"}'


async def answer(got: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0)
    return raw_response(body=ASSET if got.method == "POST" else LARGE if got.target.endswith("large") else b"{}")


@asynccontextmanager
async def blocked(name: str) -> AsyncGenerator[None]:
    """Block all threads of a pool, or the default threads of the event loop, during the block."""
    release = threading.Event()
    loop = asyncio.get_running_loop()
    waits = [
        POOLS[name].run(release.wait) if name in POOLS else loop.run_in_executor(None, release.wait) for _ in range(64)
    ]
    try:
        yield
    finally:
        release.set()
        await asyncio.gather(*waits)


@pytest.mark.parametrize("name", ["names", "files", "json", "scans", "default"])
async def test_a_blocked_thread_pool_does_not_delay_the_others(name: str, tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(bytes(1 << 20))
    async with RawServer(answer) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as by_address:
        by_name_url = server.base_url.replace("127.0.0.1", "localhost")

        async def look_up() -> object:
            async with AsyncTwelveLabs(KEY, base_url=by_name_url) as client:
                return await client.request("GET", "/small")

        uses: dict[str, Callable[[], Awaitable[object]]] = {
            "names": look_up,
            "files": lambda: by_address.assets.upload(film, method="direct"),
            "json": lambda: by_address.request("GET", "/large"),
        }
        async with blocked(name):
            for other, use in uses.items():
                if other != name:
                    await use()
        for use in uses.values():
            await use()

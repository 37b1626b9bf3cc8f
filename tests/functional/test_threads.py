"""DNS look-ups, file reads and JSON decoding use separate thread pools, which do not delay each other."""

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


async def respond(request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0)
    return raw_response(
        body=ASSET if request.method == "POST" else LARGE if request.target.endswith("large") else b"{}"
    )


@asynccontextmanager
async def block_pool(name: str) -> AsyncGenerator[None]:
    """Keep all threads of a pool, or the default threads of the event loop, busy inside the block."""
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
    async with RawServer(respond) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as ip_client:
        localhost_url = server.base_url.replace("127.0.0.1", "localhost")

        async def look_up() -> object:
            async with AsyncTwelveLabs(KEY, base_url=localhost_url) as client:
                return await client.request("GET", "/small")

        operations: dict[str, Callable[[], Awaitable[object]]] = {
            "names": look_up,
            "files": lambda: ip_client.assets.upload(film, method="direct"),
            "json": lambda: ip_client.request("GET", "/large"),
        }
        async with block_pool(name):
            for other, operation in operations.items():
                if other != name:
                    await operation()
        for operation in operations.values():
            await operation()

"""The backend, with one of the two clients: `python -m benchmarks.web.backend ours|official BASE_URL KEY INDEX_ID`.

It prints its port. `POST /videos` uploads a video, `GET /search` searches, and `GET /lag` returns the lag of the event
loop. With the official client, the whole body must be in memory before it can be uploaded.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import twelvelabs
import uvicorn
from fastapi import FastAPI, Request

from benchmarks.web.lag import LagMonitor
from twelvelabs_async import AsyncTwelveLabs


class BackendClient(Protocol):
    """The interface of a client of the backend."""

    async def upload(self, request: Request, size: int) -> str | None:
        """Upload a video and return its id."""
        ...

    async def search(self, query: str) -> int:
        """Search and return the number of results."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class AsyncBackendClient:
    """`twelvelabs_async`."""

    def __init__(self, base_url: str, key: str, index_id: str) -> None:
        self._client = AsyncTwelveLabs(key, base_url=base_url)
        self._index_id = index_id

    async def upload(self, request: Request, size: int) -> str | None:
        """Forward the body in chunks while it arrives."""
        return (await self._client.assets.upload(request.stream(), filename="film.mp4", size=size)).id

    async def search(self, query: str) -> int:
        """Get one page of results."""
        results = self._client.search.query(index_id=self._index_id, search_options=["visual"], query_text=query)
        return len(await results.to_list(10))

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()


class OfficialBackendClient:
    """`twelvelabs`."""

    def __init__(self, base_url: str, key: str, index_id: str) -> None:
        # `search` is declared as a class without `query`.
        self._client: Any = twelvelabs.AsyncTwelveLabs(api_key=key, base_url=base_url)
        self._index_id = index_id

    async def upload(self, request: Request, size: int) -> str | None:
        """Read the whole body, then send it."""
        del size
        content = await request.body()
        created = await self._client.assets.create(method="direct", file=("film.mp4", content), filename="film.mp4")
        return str(created.id)

    async def search(self, query: str) -> int:
        """Get one page of results."""
        results = await self._client.search.query(
            index_id=self._index_id, search_options=["visual"], query_text=query, page_limit=10
        )
        return len(results.items or [])

    async def close(self) -> None:
        """Do nothing, because the client has no method to close it."""


def create_app(kind: str, *client_args: str) -> FastAPI:
    """Create the application."""
    monitor = LagMonitor()
    client: BackendClient = (AsyncBackendClient if kind == "ours" else OfficialBackendClient)(*client_args)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        watch_task = asyncio.create_task(monitor.watch())
        yield
        watch_task.cancel()
        await client.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/videos", status_code=202)
    async def upload(request: Request) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return {"id": await client.upload(request, int(request.headers["content-length"]))}

    @app.get("/search")
    async def search(q: str) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return {"hits": await client.search(q)}

    @app.get("/lag")
    async def lag_samples() -> list[float]:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return monitor.drain()

    return app


async def serve(kind: str, *client_args: str) -> None:
    """Print the port and serve until standard input is closed."""
    server = uvicorn.Server(uvicorn.Config(create_app(kind, *client_args), port=0, log_level="warning"))
    server_task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no notification
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await server_task


if __name__ == "__main__":
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(serve(*sys.argv[1:]))

"""The backend, on one of the two clients: `python -m benchmarks.web.backend ours|official BASE_URL KEY INDEX_ID`.

It prints its port. `POST /videos` takes a video in, `GET /search` looks for moments, `GET /lag` tells how late the loop
has been. On the official client a body has to be whole in memory before it can be sent on.
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

from benchmarks.web.lag import Lag
from twelvelabs_async import AsyncTwelveLabs


class Desk(Protocol):
    """What the backend wants of a client."""

    async def take_in(self, request: Request, size: int) -> str | None:
        """Send a video on; its identifier."""
        ...

    async def find(self, words: str) -> int:
        """How many moments were found."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Ours:
    """`twelvelabs_async`."""

    def __init__(self, base_url: str, key: str, index_id: str) -> None:
        self._client = AsyncTwelveLabs(key, base_url=base_url)
        self._index_id = index_id

    async def take_in(self, request: Request, size: int) -> str | None:
        """Pass the body on as it arrives."""
        return (await self._client.assets.upload(request.stream(), filename="film.mp4", size=size)).id

    async def find(self, words: str) -> int:
        """One page of hits."""
        found = self._client.search.query(index_id=self._index_id, search_options=["visual"], query_text=words)
        return len(await found.collect(10))

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()


class Official:
    """`twelvelabs`."""

    def __init__(self, base_url: str, key: str, index_id: str) -> None:
        # Typed as Any: its search is declared as a class that has no `query`.
        self._client: Any = twelvelabs.AsyncTwelveLabs(api_key=key, base_url=base_url)
        self._index_id = index_id

    async def take_in(self, request: Request, size: int) -> str | None:
        """Keep the body, then send it."""
        del size
        content = await request.body()
        made = await self._client.assets.create(method="direct", file=("film.mp4", content), filename="film.mp4")
        return str(made.id)

    async def find(self, words: str) -> int:
        """One page of hits."""
        found = await self._client.search.query(
            index_id=self._index_id, search_options=["visual"], query_text=words, page_limit=10
        )
        return len(found.items or [])

    async def close(self) -> None:
        """It cannot be closed."""


def application(kind: str, *where: str) -> FastAPI:
    """The backend."""
    lag = Lag()
    desk: Desk = (Ours if kind == "ours" else Official)(*where)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        watching = asyncio.create_task(lag.watch())
        yield
        watching.cancel()
        await desk.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/videos", status_code=202)
    async def upload(request: Request) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]  # FastAPI calls it
        return {"id": await desk.take_in(request, int(request.headers["content-length"]))}

    @app.get("/search")
    async def search(q: str) -> dict[str, int]:  # pyright: ignore[reportUnusedFunction]  # the same
        return {"hits": await desk.find(q)}

    @app.get("/lag")
    async def late() -> list[float]:  # pyright: ignore[reportUnusedFunction]  # the same
        return lag.take()

    return app


async def serve(kind: str, *where: str) -> None:
    """Print the port, and serve until standard input ends."""
    server = uvicorn.Server(uvicorn.Config(application(kind, *where), port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it tells nobody when it has
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(serve(*sys.argv[1:]))

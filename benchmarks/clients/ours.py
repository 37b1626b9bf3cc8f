"""This project's client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.answers import INDEX_ID, PREFIX
from benchmarks.clients import PART_CONCURRENCY, REMOTE_VIDEO, SMALL_FILE_NAME
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path


class AsyncClient:
    """`twelvelabs_async` with its defaults."""

    def __init__(self, origin: str) -> None:
        self._client = AsyncTwelveLabs("key", base_url=origin + PREFIX)

    async def get(self) -> str | None:
        """Get an index and return its id."""
        return (await self._client.indexes.retrieve(INDEX_ID)).id

    async def list(self, ahead: int = 0) -> int:
        """List all indexes."""
        count = 0
        async for _ in self._client.indexes.list().prefetch(ahead):
            count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """Upload bytes in one request."""
        return (await self._client.assets.create(method="direct", file=content, filename=SMALL_FILE_NAME)).id

    async def upload_large(self, path: Path) -> str | None:
        """Upload a file in parts."""
        return (await self._client.assets.upload(path, method="multipart", concurrency=PART_CONCURRENCY)).id

    async def embed(self, video: str = REMOTE_VIDEO) -> int:
        """Get the embeddings of a video and return the number of vectors."""
        source = {"media_source": {"url": video}}
        response = await self._client.embed.v_2.create(input_type="video", model_name="marengo3.0", video=source)
        return len(response.data)

    async def events(self) -> AsyncIterator[str | None]:
        """Yield the texts of a streamed analysis."""
        from twelvelabs_async.models.analyze import TextGeneration, VideoUrl  # noqa: PLC0415  # only this case needs it

        async for event in self._client.analyze_stream(video=VideoUrl(url=REMOTE_VIDEO), prompt="What happens?"):
            if isinstance(event, TextGeneration):
                yield event.text

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Wait for all tasks by polling lists."""
        results = self._client.tasks.wait_for_all(task_ids, sleep_interval=1.0)
        return len([outcome.result() async for outcome in results])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def make(origin: str) -> AsyncClient:
    """Create a client of the server at `origin`."""
    return AsyncClient(origin)

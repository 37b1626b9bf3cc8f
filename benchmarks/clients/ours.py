"""This project's client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.answers import INDEX_ID, PREFIX
from benchmarks.clients import AT_ONCE, NAME, VIDEO
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path


class Ours:
    """`twelvelabs_async`, with what it does by default."""

    def __init__(self, origin: str) -> None:
        self._client = AsyncTwelveLabs("key", base_url=origin + PREFIX)

    async def get(self) -> str | None:
        """One index."""
        return (await self._client.indexes.retrieve(INDEX_ID)).id

    async def list(self, ahead: int = 0) -> int:
        """All indexes."""
        count = 0
        async for _ in self._client.indexes.list().prefetch(ahead):
            count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """An asset in one request."""
        return (await self._client.assets.create(method="direct", file=content, filename=NAME)).id

    async def upload_large(self, path: Path) -> str | None:
        """An asset in parts."""
        return (await self._client.assets.upload(path, method="multipart", concurrency=AT_ONCE)).id

    async def embed(self, video: str = VIDEO) -> int:
        """The embeddings of a video."""
        source = {"media_source": {"url": video}}
        found = await self._client.embed.v_2.create(input_type="video", model_name="marengo3.0", video=source)
        return len(found.data)

    async def events(self) -> AsyncIterator[str | None]:
        """An analysis while it is written."""
        from twelvelabs_async.models.analyze import TextGeneration, VideoUrl  # noqa: PLC0415  # not needed to begin with

        async for event in self._client.analyze_stream(video=VideoUrl(url=VIDEO), prompt="What happens?"):
            if isinstance(event, TextGeneration):
                yield event.text

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Wait for all these tasks, by reading lists."""
        outcomes = self._client.tasks.wait_for_all(task_ids, sleep_interval=1.0)
        return len([outcome.result() async for outcome in outcomes])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def make(origin: str) -> Ours:
    """A client of the server at `origin`."""
    return Ours(origin)

"""The official client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from twelvelabs import AsyncTwelveLabs, MediaSource, VideoContext_Url, VideoInputRequest

from benchmarks.answers import INDEX_ID, PER_PAGE, PREFIX
from benchmarks.clients import NAME, VIDEO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path


class Official:
    """`twelvelabs`, with what it does by default. It cannot be closed."""

    def __init__(self, origin: str) -> None:
        self._client = AsyncTwelveLabs(api_key="key", base_url=origin + PREFIX)
        # Declared as a class that has no upload_file, made as one that has.
        self._multipart: Any = self._client.multipart_upload

    async def get(self) -> str | None:
        """One index."""
        return (await self._client.indexes.retrieve(INDEX_ID)).id

    async def list(self, ahead: int = 0) -> int:
        """All indexes, page after page."""
        del ahead
        count = 0
        async for _ in await self._client.indexes.list(page_limit=PER_PAGE):
            count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """An asset in one request."""
        return (await self._client.assets.create(method="direct", file=(NAME, content), filename=NAME)).id

    async def upload_large(self, path: Path) -> str | None:
        """An asset in parts; five at once is its default."""
        return str((await self._multipart.upload_file(path)).asset_id)

    async def embed(self, video: str = VIDEO) -> int:
        """The embeddings of a video."""
        source = VideoInputRequest(media_source=MediaSource(url=video))
        found = await self._client.embed.v_2.create(input_type="video", model_name="marengo3.0", video=source)
        return len(found.data)

    async def events(self) -> AsyncIterator[str | None]:
        """An analysis while it is written."""
        async for event in self._client.analyze_stream(video=VideoContext_Url(url=VIDEO), prompt="What happens?"):
            if event.event_type == "text_generation":
                yield event.text

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Wait for all these tasks, each by itself: there is no call for many."""
        tasks: Any = self._client.tasks  # declared as a class that cannot wait, as with uploads
        done = await asyncio.gather(*(tasks.wait_for_done(task_id, sleep_interval=1.0) for task_id in task_ids))
        return sum(task.status == "ready" for task in done)

    async def close(self) -> None:
        """There is nothing to call."""


def make(origin: str) -> Official:
    """A client of the server at `origin`."""
    return Official(origin)

"""The official client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from twelvelabs import AsyncTwelveLabs, MediaSource, VideoContext_Url, VideoInputRequest

from benchmarks.answers import INDEX_ID, PER_PAGE, PREFIX
from benchmarks.clients import REMOTE_VIDEO, SMALL_FILE_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path


class OfficialClient:
    """`twelvelabs` with its defaults. It has no method to close it."""

    def __init__(self, origin: str) -> None:
        self._client = AsyncTwelveLabs(api_key="key", base_url=origin + PREFIX)
        # The declared class has no upload_file; the actual class has it.
        self._multipart: Any = self._client.multipart_upload

    async def get(self) -> str | None:
        """Get an index and return its id."""
        return (await self._client.indexes.retrieve(INDEX_ID)).id

    async def list(self, ahead: int = 0) -> int:
        """List all indexes page by page."""
        del ahead
        count = 0
        async for _ in await self._client.indexes.list(page_limit=PER_PAGE):
            count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """Upload bytes in one request."""
        return (
            await self._client.assets.create(method="direct", file=(SMALL_FILE_NAME, content), filename=SMALL_FILE_NAME)
        ).id

    async def upload_large(self, path: Path) -> str | None:
        """Upload a file in parts, five parts at a time by default."""
        return str((await self._multipart.upload_file(path)).asset_id)

    async def embed(self, video: str = REMOTE_VIDEO) -> int:
        """Get the embeddings of a video and return the number of vectors."""
        source = VideoInputRequest(media_source=MediaSource(url=video))
        response = await self._client.embed.v_2.create(input_type="video", model_name="marengo3.0", video=source)
        return len(response.data)

    async def events(self) -> AsyncIterator[str | None]:
        """Yield the texts of a streamed analysis."""
        async for event in self._client.analyze_stream(
            video=VideoContext_Url(url=REMOTE_VIDEO), prompt="What happens?"
        ):
            if event.event_type == "text_generation":
                yield event.text

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Wait for each task separately, because there is no method for several tasks."""
        tasks: Any = self._client.tasks  # the declared class has no wait_for_done
        done = await asyncio.gather(*(tasks.wait_for_done(task_id, sleep_interval=1.0) for task_id in task_ids))
        return sum(task.status == "ready" for task in done)

    async def close(self) -> None:
        """Do nothing, because the client has no method to close it."""


def make(origin: str) -> OfficialClient:
    """Create a client of the server at `origin`."""
    return OfficialClient(origin)

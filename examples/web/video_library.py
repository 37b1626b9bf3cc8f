"""The logic of a video application, for any web framework: upload, search, describe and report.

One client serves the whole process. Interactive calls and background calls share its rate limits; calls with
`priority="background"` let the others pass.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from twelvelabs_async import AsyncTwelveLabs, TwelveLabsError, webhooks
from twelvelabs_async.models import AnalyzeTaskFailed, AnalyzeTaskReady, TextGeneration

MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]

MAX_REMEMBERED_EVENTS: Final = 10_000
"""Number of webhook ids that are kept to detect repeated deliveries."""


class VideoLibrary:
    """The videos of one index.

    Open it when the application starts: `async with VideoLibrary.open(client, secret) as library`.
    """

    def __init__(self, client: AsyncTwelveLabs, index_id: str, secret: str) -> None:
        self._client = client
        self._background = client.with_options(priority="background")
        self._index_id = index_id
        self._secret = secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._states: dict[str, str] = {}
        self._filenames: dict[str, str] = {}
        """Filenames of the uploads of this process, by asset id."""
        self._seen_event_ids: OrderedDict[str, None] = OrderedDict()
        self._report_events: dict[str, asyncio.Event] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, client: AsyncTwelveLabs, secret: str, index_name: str = "library"
    ) -> AsyncGenerator[VideoLibrary]:
        """Open the library of the index with this name; cancel its background tasks at the end."""
        addons = ["thumbnail"]  # an image for each search result
        index = await client.indexes.ensure(index_name, MODELS, addons=addons, allow_other_models=True)
        library = cls(client, index.id, secret)
        try:
            yield library
        finally:
            for task in library._tasks:
                task.cancel()
            await asyncio.gather(*library._tasks, return_exceptions=True)

    async def upload(self, body: AsyncIterable[bytes], filename: str, size: int) -> str:
        """Upload a video while it arrives, index it in the background, and return its id."""
        asset = await self._client.assets.upload(body, filename=filename, size=size, enable_thumbnail=True)
        self._states[asset.id], self._filenames[asset.id] = "processing", filename
        self._start_task(self._index_asset(asset.id))
        return asset.id

    async def _index_asset(self, asset_id: str) -> None:
        try:
            await self._background.assets.wait_for_done(asset_id)
            entries = self._background.indexes.indexed_assets
            entry = await entries.create(self._index_id, asset_id=asset_id)
            self._states[asset_id] = "indexing"
            await entries.wait_for_done(self._index_id, entry.id)
        except TwelveLabsError as error:
            self._states[asset_id] = f"failed: {error}"
        else:
            self._states[asset_id] = "ready"

    def _start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def get_state(self, asset_id: str) -> str | None:
        """Return the state of an upload of this process: processing, indexing, ready or `failed: ...`; else None."""
        return self._states.get(asset_id)

    async def list_videos(self, limit: int = 50) -> list[dict[str, Any]]:
        """Return the newest videos: the uploads of this process, then the other videos of the index."""
        entries = await self._client.indexes.indexed_assets.list(self._index_id).to_list(limit)
        indexed = {entry.asset_id: entry for entry in entries if entry.asset_id}
        uploads = [
            {"id": asset_id, "video": self._filenames[asset_id], "state": state}
            for asset_id, state in reversed(self._states.items())
        ]
        earlier = [
            {"id": asset_id, "video": entry.system_metadata.filename or asset_id, "state": entry.status}
            for asset_id, entry in indexed.items()
            if asset_id not in self._states
        ]
        return (uploads + earlier)[:limit]

    async def get_thumbnail_url(self, asset_id: str) -> str | None:
        """Return the URL of the thumbnail of a video, which expires after an hour; None if there is none yet."""
        asset = await self._client.assets.retrieve(asset_id)
        return asset.thumbnail.representative_url if asset.thumbnail is not None else None

    async def search(self, query: str, limit: int = 10) -> list[dict[str, Any]]:
        """Return the best search results, each with the URL of its image."""
        hits = await self._client.search.query_with_videos(
            index_id=self._index_id, search_options=["visual"], query_text=query, limit=limit
        )
        return [
            {
                "video": hit.filename or hit.video_id,
                "from": hit.result.start,
                "to": hit.result.end,
                "rank": hit.result.rank,
                "image": hit.thumbnail_url,
            }
            for hit in hits
        ]

    async def describe(self, asset_id: str, prompt: str) -> AsyncGenerator[bytes]:
        """Stream a description as server-sent events. Closing the generator cancels the call to the platform."""
        video = {"type": "asset_id", "asset_id": asset_id}
        try:
            async with self._client.analyze_stream(video=video, prompt=prompt) as events:
                async for event in events:
                    if isinstance(event, TextGeneration):
                        yield format_event("text", event.text)
        except TwelveLabsError as error:  # the response has started, so its status cannot change
            yield format_event("failure", str(error))
        else:
            yield format_event("end", "")

    async def create_report(self, asset_id: str, prompt: str) -> str:
        """Start a report; the platform sends a webhook when it ends."""
        video = {"type": "asset_id", "asset_id": asset_id}
        task = await self._client.analyze_async.tasks.create(video=video, prompt=prompt)
        self._report_events.setdefault(task.task_id, asyncio.Event())
        return task.task_id

    async def get_report(self, task_id: str, timeout: float) -> dict[str, Any]:
        """Wait up to `timeout` seconds for the webhook of a report, then return its status and text."""
        webhook_received = self._report_events.get(task_id)
        if webhook_received is not None:
            try:
                async with asyncio.timeout(timeout):
                    await webhook_received.wait()
            except TimeoutError:
                return {"status": "processing"}
        task = await self._client.analyze_async.tasks.retrieve(task_id)
        return {"status": task.status, "text": task.result.data if task.result is not None else None}

    def handle_webhook(self, body: bytes, signature: str) -> None:
        """Verify a webhook and notify the requests that wait for its report; ignore repeated deliveries.

        Raises:
            WebhookSignatureError: The webhook is not from the platform.
        """
        event = webhooks.verify(body, signature, self._secret)
        if event.id in self._seen_event_ids:
            return
        self._seen_event_ids[event.id] = None
        if len(self._seen_event_ids) > MAX_REMEMBERED_EVENTS:
            self._seen_event_ids.popitem(last=False)
        if isinstance(event, AnalyzeTaskReady | AnalyzeTaskFailed):
            self._report_events.setdefault(event.data.id, asyncio.Event()).set()


def format_event(kind: str, text: str) -> bytes:
    """Format a server-sent event; its data is JSON, which has no line breaks."""
    return f"event: {kind}\ndata: {json.dumps(text)}\n\n".encode()

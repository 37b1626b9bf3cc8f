"""What a video desk does, whichever framework serves it: takes videos in, finds moments, describes, and reports.

One client serves the whole process. What a person waits for and what runs in the background draw on the same quota;
with `priority="bulk"` the background steps aside.
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

REMEMBERED: Final = 10_000
"""Webhooks whose identifiers are kept, so that one that comes twice counts once."""


class Desk:
    """Opened once, when the application starts: `async with Desk.open(client, secret) as desk`."""

    def __init__(self, client: AsyncTwelveLabs, index_id: str, secret: str) -> None:
        self._client = client
        self._background = client.with_options(priority="bulk")
        self._index_id = index_id
        self._secret = secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._states: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._reports: dict[str, asyncio.Event] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, client: AsyncTwelveLabs, secret: str, index: str = "desk") -> AsyncGenerator[Desk]:
        """A desk over an index of that name; what it still has in hand is cancelled at the end."""
        desk = cls(client, (await client.indexes.ensure(index, MODELS)).id, secret)
        try:
            yield desk
        finally:
            for task in desk._tasks:
                task.cancel()
            await asyncio.gather(*desk._tasks, return_exceptions=True)

    async def take_in(self, body: AsyncIterable[bytes], filename: str, size: int) -> str:
        """Pass a video on while it arrives; it is put into the index afterwards. Returns its identifier."""
        asset = await self._client.assets.upload(body, filename=filename, size=size)
        self._states[asset.id] = "processing"
        self._later(self._shelve(asset.id, filename))
        return asset.id

    async def _shelve(self, asset_id: str, filename: str) -> None:
        try:
            await self._background.assets.wait_for_done(asset_id)
            entries = self._background.indexes.indexed_assets
            entry = await entries.create(self._index_id, asset_id=asset_id)
            self._states[asset_id], self._names[entry.id] = "indexing", filename
            await entries.wait_for_done(self._index_id, entry.id)
        except TwelveLabsError as error:
            self._states[asset_id] = f"failed: {error}"
        else:
            self._states[asset_id] = "ready"

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def state(self, asset_id: str) -> str | None:
        """How far a video is: processing, indexing, ready, or `failed: ...`; None if nobody brought it here."""
        return self._states.get(asset_id)

    async def find(self, words: str, at_most: int = 10) -> list[dict[str, Any]]:
        """The moments that fit best."""
        hits = self._client.search.query(index_id=self._index_id, search_options=["visual"], query_text=words)
        return [
            {
                "video": self._names.get(hit.video_id or "", hit.video_id),
                "from": hit.start,
                "to": hit.end,
                "rank": hit.rank,
            }
            for hit in await hits.collect(at_most)
        ]

    async def describe(self, asset_id: str, prompt: str) -> AsyncGenerator[bytes]:
        """Text as server-sent events while it is written. Closing this ends the call that is behind it."""
        video = {"type": "asset_id", "asset_id": asset_id}
        try:
            async with self._client.analyze_stream(video=video, prompt=prompt) as events:
                async for event in events:
                    if isinstance(event, TextGeneration):
                        yield sent_event("text", event.text)
        except TwelveLabsError as error:  # the answer has begun: it is too late for a status
            yield sent_event("failure", str(error))
        else:
            yield sent_event("end", "")

    async def order(self, asset_id: str, prompt: str) -> str:
        """Ask for a report that is written in its own time. A webhook tells when it is there."""
        video = {"type": "asset_id", "asset_id": asset_id}
        task = await self._client.analyze_async.tasks.create(video=video, prompt=prompt)
        self._reports.setdefault(task.task_id, asyncio.Event())
        return task.task_id

    async def report(self, task_id: str, patience: float) -> dict[str, Any]:
        """A report, after waiting up to `patience` seconds for the webhook that announces it."""
        announced = self._reports.get(task_id)
        if announced is not None:
            try:
                async with asyncio.timeout(patience):
                    await announced.wait()
            except TimeoutError:
                return {"status": "processing"}
        task = await self._client.analyze_async.tasks.retrieve(task_id)
        return {"status": task.status, "text": task.result.data if task.result is not None else None}

    def receive(self, body: bytes, signature: str) -> None:
        """Take a webhook: verify it, and wake who waits for what it announces, once.

        Raises:
            WebhookSignatureError: It is not from the platform.
        """
        event = webhooks.verify(body, signature, self._secret)
        if event.id in self._seen:
            return
        self._seen[event.id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if isinstance(event, AnalyzeTaskReady | AnalyzeTaskFailed):
            self._reports.setdefault(event.data.id, asyncio.Event()).set()


def sent_event(kind: str, text: str) -> bytes:
    """One server-sent event; its data is JSON, so that line ends in it do no harm."""
    return f"event: {kind}\ndata: {json.dumps(text)}\n\n".encode()

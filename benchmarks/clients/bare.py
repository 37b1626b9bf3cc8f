"""aiohttp alone: what a careful program does that uses no client library. It checks, retries and promises nothing."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import aiohttp

from benchmarks.answers import INDEX_ID, PER_PAGE, PREFIX
from benchmarks.clients import AT_ONCE, NAME, VIDEO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

REPORT_EVERY = 16


class Bare:
    """A session with the connector that `twelvelabs_async` uses, and `json.loads`."""

    def __init__(self, origin: str) -> None:
        self._base = origin + PREFIX
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=60),
            headers={"x-api-key": "key"},
        )

    async def _ask(self, method: str, path: str, *, data: Any = None, into: Any = None) -> dict[str, Any]:
        async with self._http.request(method, self._base + path, data=data, json=into) as response:
            response.raise_for_status()
            answer: dict[str, Any] = json.loads(await response.read())
            return answer

    async def get(self) -> str | None:
        """One index."""
        return str((await self._ask("GET", f"/indexes/{INDEX_ID}"))["_id"])

    async def list(self, ahead: int = 0) -> int:
        """All indexes, page after page."""
        del ahead
        count, page, last = 0, 0, 1
        while page < last:
            page += 1
            answer = await self._ask("GET", f"/indexes?page={page}&page_limit={PER_PAGE}")
            last = answer["page_info"]["total_page"]
            for _ in answer["data"]:
                count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """An asset in one request."""
        form = aiohttp.FormData()
        form.add_field("method", "direct")
        form.add_field("filename", NAME)
        form.add_field("file", content, filename=NAME)
        return str((await self._ask("POST", "/assets", data=form))["_id"])

    async def upload_large(self, path: Path) -> str | None:
        """An asset in parts, each read in one piece in a thread."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            asked = {"filename": path.name, "type": "video", "total_size": os.fstat(descriptor).st_size}
            session = await self._ask("POST", "/assets/multipart-uploads", into=asked)
            await Parts(self._http, self._ask, session, descriptor).send()
        finally:
            os.close(descriptor)
        return str((await self._ask("GET", f"/assets/{session['asset_id']}"))["_id"])

    async def embed(self, video: str = VIDEO) -> int:
        """The embeddings of a video."""
        asked = {"input_type": "video", "model_name": "marengo3.0", "video": {"media_source": {"url": video}}}
        return len((await self._ask("POST", "/embed-v2", into=asked))["data"])

    async def events(self) -> AsyncIterator[str | None]:
        """An analysis while it is written."""
        asked = {"video": {"type": "url", "url": VIDEO}, "prompt": "What happens?", "stream": True}
        kept = b""
        async with self._http.post(f"{self._base}/analyze", json=asked) as response:
            async for piece in response.content.iter_any():
                *lines, kept = (kept + piece).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["event_type"] == "text_generation":
                        yield event["text"]

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Wait for all these tasks, each by itself."""

        async def wait(task_id: str) -> str:
            while (status := (await self._ask("GET", f"/tasks/{task_id}"))["status"]) == "indexing":  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(1)
            return str(status)

        return (await asyncio.gather(*map(wait, task_ids))).count("ready")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


class Parts:
    """One upload in parts."""

    def __init__(self, http: aiohttp.ClientSession, ask: Any, session: dict[str, Any], descriptor: int) -> None:
        self._http = http
        self._ask = ask
        self._path = f"/assets/multipart-uploads/{session['upload_id']}"
        self._size: int = session["chunk_size"]
        self._total: int = session["total_chunks"]
        self._urls: dict[int, str] = {url["chunk_index"]: url["url"] for url in session["upload_urls"]}
        self._descriptor = descriptor
        self._done: list[dict[str, Any]] = []
        self._asking = asyncio.Lock()

    async def send(self) -> None:
        """All parts, and their reports."""
        numbers = iter(range(1, self._total + 1))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work(numbers))
        await self._report()

    async def _work(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            url = await self._url(number)
            content = await asyncio.to_thread(os.pread, self._descriptor, self._size, (number - 1) * self._size)
            async with self._http.put(url, data=content) as response:
                response.raise_for_status()
                proof = response.headers["ETag"].strip('"')
            self._done.append({"chunk_index": number, "proof": proof, "proof_type": "etag", "chunk_size": len(content)})
            if len(self._done) >= REPORT_EVERY:
                await self._report()

    async def _url(self, number: int) -> str:
        async with self._asking:
            if number not in self._urls:
                asked = {"start": number, "count": min(50, self._total + 1 - number)}
                more = await self._ask("POST", f"{self._path}/presigned-urls", into=asked)
                self._urls.update({url["chunk_index"]: url["url"] for url in more["upload_urls"]})
        return self._urls.pop(number)

    async def _report(self) -> None:
        batch, self._done = self._done, []
        if batch:
            await self._ask("POST", self._path, into={"completed_chunks": batch})


def make(origin: str) -> Bare:
    """A client of the server at `origin`."""
    return Bare(origin)

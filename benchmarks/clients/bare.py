"""aiohttp without a client library: no validation and no retries."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import aiohttp

from benchmarks.answers import INDEX_ID, PER_PAGE, PREFIX
from benchmarks.clients import PART_CONCURRENCY, REMOTE_VIDEO, SMALL_FILE_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

REPORT_EVERY = 16


class BareClient:
    """A session with the connector that `twelvelabs_async` uses, and `json.loads`."""

    hashes_parts = False
    """Whether the thread that reads a part computes its MD5."""

    def __init__(self, origin: str) -> None:
        self._base = origin + PREFIX
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=60),
            headers={"x-api-key": "key"},
        )

    async def _request(self, method: str, path: str, *, data: Any = None, json_body: Any = None) -> dict[str, Any]:
        async with self._http.request(method, self._base + path, data=data, json=json_body) as response:
            response.raise_for_status()
            response_body: dict[str, Any] = json.loads(await response.read())
            return response_body

    async def get(self) -> str | None:
        """Get an index and return its id."""
        return str((await self._request("GET", f"/indexes/{INDEX_ID}"))["_id"])

    async def list(self, ahead: int = 0) -> int:
        """List all indexes page by page."""
        del ahead
        count, page, last = 0, 0, 1
        while page < last:
            page += 1
            response_body = await self._request("GET", f"/indexes?page={page}&page_limit={PER_PAGE}")
            last = response_body["page_info"]["total_page"]
            for _ in response_body["data"]:
                count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """Upload bytes in one request."""
        form = aiohttp.FormData()
        form.add_field("method", "direct")
        form.add_field("filename", SMALL_FILE_NAME)
        form.add_field("file", content, filename=SMALL_FILE_NAME)
        return str((await self._request("POST", "/assets", data=form))["_id"])

    async def upload_large(self, path: Path) -> str | None:
        """Upload a file in parts, each read in a thread."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            request_body = {"filename": path.name, "type": "video", "total_size": os.fstat(descriptor).st_size}
            session = await self._request("POST", "/assets/multipart-uploads", json_body=request_body)
            upload = MultipartUpload(self._http, self._request, session, descriptor, hashes_parts=self.hashes_parts)
            await upload.send()
        finally:
            os.close(descriptor)
        return str((await self._request("GET", f"/assets/{session['asset_id']}"))["_id"])

    async def embed(self, video: str = REMOTE_VIDEO) -> int:
        """Get the embeddings of a video and return the number of vectors."""
        request_body = {"input_type": "video", "model_name": "marengo3.0", "video": {"media_source": {"url": video}}}
        return len((await self._request("POST", "/embed-v2", json_body=request_body))["data"])

    async def events(self) -> AsyncIterator[str | None]:
        """Yield the texts of a streamed analysis."""
        request_body = {"video": {"type": "url", "url": REMOTE_VIDEO}, "prompt": "What happens?", "stream": True}
        incomplete_line = b""
        async with self._http.post(f"{self._base}/analyze", json=request_body) as response:
            async for chunk in response.content.iter_any():
                *lines, incomplete_line = (incomplete_line + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["event_type"] == "text_generation":
                        yield event["text"]

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Poll each task separately."""

        async def wait(task_id: str) -> str:
            while (status := (await self._request("GET", f"/tasks/{task_id}"))["status"]) == "indexing":  # noqa: ASYNC110  # the API has no notification
                await asyncio.sleep(1)
            return str(status)

        return (await asyncio.gather(*map(wait, task_ids))).count("ready")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


class MultipartUpload:
    """A multipart upload of one file."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        request: Any,
        session: dict[str, Any],
        descriptor: int,
        *,
        hashes_parts: bool,
    ) -> None:
        self._hashes_parts = hashes_parts
        self._http = http
        self._request = request
        self._path = f"/assets/multipart-uploads/{session['upload_id']}"
        self._size: int = session["chunk_size"]
        self._total: int = session["total_chunks"]
        self._urls: dict[int, str] = {url["chunk_index"]: url["url"] for url in session["upload_urls"]}
        self._descriptor = descriptor
        self._done: list[dict[str, Any]] = []
        self._url_lock = asyncio.Lock()

    async def send(self) -> None:
        """Send all parts and report them."""
        numbers = iter(range(1, self._total + 1))
        async with asyncio.TaskGroup() as group:
            for _ in range(PART_CONCURRENCY):
                group.create_task(self._send_parts(numbers))
        await self._report()

    async def _send_parts(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            url = await self._url(number)
            content, md5 = await asyncio.to_thread(self._read, (number - 1) * self._size)
            async with self._http.put(url, data=content) as response:
                response.raise_for_status()
                etag = response.headers["ETag"].strip('"')
            if len(etag) == len(md5) and etag != md5:
                raise ValueError(number)
            self._done.append({"chunk_index": number, "proof": etag, "proof_type": "etag", "chunk_size": len(content)})
            if len(self._done) >= REPORT_EVERY:
                await self._report()

    def _read(self, offset: int) -> tuple[bytes, str]:
        content = os.pread(self._descriptor, self._size, offset)
        return content, hashlib.md5(content, usedforsecurity=False).hexdigest() if self._hashes_parts else ""

    async def _url(self, number: int) -> str:
        async with self._url_lock:
            if number not in self._urls:
                request_body = {"start": number, "count": min(50, self._total + 1 - number)}
                new_urls = await self._request("POST", f"{self._path}/presigned-urls", json_body=request_body)
                self._urls.update({url["chunk_index"]: url["url"] for url in new_urls["upload_urls"]})
        return self._urls.pop(number)

    async def _report(self) -> None:
        batch, self._done = self._done, []
        if batch:
            await self._request("POST", self._path, json_body={"completed_chunks": batch})


def make(origin: str) -> BareClient:
    """Create a client of the server at `origin`."""
    return BareClient(origin)

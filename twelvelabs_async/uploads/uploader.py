"""Sends a source to the platform in parts, to presigned URLs.

Parts go out side by side, each with a URL of its own and a new one for each attempt. A part counts when storage has
confirmed it: the ETag it answers is compared with the MD5 of the bytes that were sent, wherever it is one. Parts are
reported in batches; the last batch completes the asset, so before it the source is checked once more: a file that
changed meanwhile would arrive as a mixture.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any, Final, Protocol, cast

from twelvelabs_async.api import STORAGE_PUT, Road
from twelvelabs_async.body import Body
from twelvelabs_async.errors import APIError, BadRequestError, GoneError, NotFoundError, TwelveLabsError, UploadError
from twelvelabs_async.models.uploads import ChunkInfo, CompletedChunk, PresignedUrls, ReportedChunks, UploadSession
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.reply import Reply
from twelvelabs_async.uploads.direct import UploadOptions, counted
from twelvelabs_async.uploads.plan import Chunk
from twelvelabs_async.uploads.source import Source
from twelvelabs_async.uploads.state import Meter, UploadState
from twelvelabs_async.uploads.urls import UrlPool

REPORT_EVERY: Final = 16
"""Confirmed parts that are reported together: what a crash may cost, at most, to send again."""

_OVER: Final = frozenset({"expired", "failed"})
"""Statuses of a session that takes nothing more, though the asset is not complete."""

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_NOT_OURS: Final = frozenset({"content-length", "host", "transfer-encoding", "connection"})


class MultipartCalls(Protocol):
    """The operations that an upload in parts is made of."""

    async def create(
        self,
        *,
        filename: str,
        type: Any,  # the API's name
        total_size: int,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: Mapping[str, Any] | None = None,
    ) -> UploadSession:
        """Open a session."""
        ...

    async def get_additional_presigned_urls(self, upload_id: str, *, start: int, count: int) -> PresignedUrls:
        """URLs for some parts."""
        ...

    async def report_chunk_batch(self, upload_id: str, *, completed_chunks: Sequence[CompletedChunk]) -> ReportedChunks:
        """Tell which parts storage has confirmed."""
        ...

    def get_status(self, upload_id: str) -> Paginator[ChunkInfo]:
        """Which parts the platform knows to be there."""
        ...


class PartsUpload:
    """One upload in parts, from its session to the last report."""

    def __init__(self, road: Road, calls: MultipartCalls, source: Source, options: UploadOptions) -> None:
        self._road = road
        self._calls = calls
        self._source = source
        self._options = options
        self._done: list[CompletedChunk] = []
        self._reporting = asyncio.Lock()
        self._taking = asyncio.Lock()

    async def run(self, resume: UploadState | None = None, proven: Sequence[CompletedChunk] = ()) -> UploadState:
        """Send all parts, or those that are missing since `resume` was saved; the asset is complete afterwards.

        Args:
            resume: Where to go on.
            proven: Parts that storage had confirmed by then; those the platform was not told of are reported now.

        Raises:
            UploadError: The source changed, or does not belong to `resume`; `state` is what to resume from.
            APIError: Storage or the platform refused it for good.
        """
        state, urls, missing = await (self._continue(resume, proven) if resume is not None else self._open())
        meter = Meter(self._source.name, self._source.size, self._options.on_progress, len(state.chunks()), state=state)
        for chunk in state.chunks():
            if chunk not in missing:
                meter.part_done(chunk.size)
        meter.tell()
        try:
            await self._send_all(state, urls, missing, meter)
            if missing:
                await self._complete(state, urls, meter)
        except (UploadError, APIError) as error:
            if meter.parts_done < meter.parts:  # the last report would complete what must not be
                with suppress(TwelveLabsError):
                    await self._report(state)  # what has arrived need not be sent again
            explained = await self._explained(error, state)
            if explained is error:
                raise
            raise explained from error
        return state

    async def _explained(self, error: UploadError | APIError, state: UploadState) -> TwelveLabsError:
        """What to raise: the platform's refusals as they are, a failed transfer with the state it reached."""
        name = self._source.name
        if isinstance(error, UploadError):
            return UploadError(message=error.message, source=error.source or name, state=state)
        if isinstance(error, NotFoundError | GoneError) or await self._is_over(error, state):
            return UploadError(message=f"the upload of {name} has expired; begin it anew", source=name)
        if error.operation == STORAGE_PUT:
            return UploadError(message=f"{name} did not arrive: {error}", source=name, state=state)
        return error

    async def _is_over(self, error: APIError, state: UploadState) -> bool:
        """Ask whether the session has ended, where a refusal may mean that as well as anything else."""
        if not isinstance(error, BadRequestError):
            return False
        try:
            page = await self._calls.get_status(state.upload_id)
        except TwelveLabsError:
            return False
        return page.extra.get("status") in _OVER

    async def _open(self) -> tuple[UploadState, UrlPool, list[Chunk]]:
        session = await self._calls.create(
            filename=self._source.name,
            type=self._options.type,
            total_size=self._source.size,
            enable_hls=self._options.enable_hls,
            enable_thumbnail=self._options.enable_thumbnail,
            user_metadata=self._options.user_metadata,
        )
        state = UploadState(
            upload_id=session.upload_id,
            asset_id=session.asset_id,
            filename=self._source.name,
            total_size=self._source.size,
            chunk_size=session.chunk_size,
            fingerprint=self._source.fingerprint,
            upload_headers=dict(session.upload_headers),
        )
        if self._options.journal is not None:
            await self._options.journal.opened(state)
        return state, self._pool(state, session.upload_urls), state.chunks()

    async def _continue(
        self, state: UploadState, proven: Sequence[CompletedChunk]
    ) -> tuple[UploadState, UrlPool, list[Chunk]]:
        if state.fingerprint != self._source.fingerprint:
            message = f"{self._source.name} is not the file whose upload had begun, or has changed since"
            raise UploadError(message=message, source=self._source.name, state=state)
        missing = await self._missing(state)
        left = {chunk.index for chunk in missing}
        self._done = [part for part in proven if part.chunk_index in left]
        if self._done:
            await self._source.verify()  # this may be all that the asset lacks
            with suppress(BadRequestError):
                await self._report(state)
            self._done.clear()  # a proof that is refused is none: the part is sent again
            missing = await self._missing(state)
        return state, self._pool(state, ()), missing

    async def _missing(self, state: UploadState) -> list[Chunk]:
        """What the platform does not know to be there. Its list is the truth, not ours."""
        there = {chunk.index async for chunk in self._calls.get_status(state.upload_id) if chunk.status == "completed"}
        return [chunk for chunk in state.chunks() if chunk.index not in there]

    def _pool(self, state: UploadState, first: Sequence[Any]) -> UrlPool:
        async def ask(start: int, count: int) -> Sequence[Any]:
            return (
                await self._calls.get_additional_presigned_urls(state.upload_id, start=start, count=count)
            ).upload_urls

        return UrlPool(first, ask, self._road.clock)

    async def _send_all(self, state: UploadState, urls: UrlPool, missing: Sequence[Chunk], meter: Meter) -> None:
        queue = iter(missing)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._options.concurrency, len(missing))):
                    group.create_task(self._work(state, urls, queue, meter))
        except BaseExceptionGroup as failures:
            failure = _first(failures)
        else:
            return
        raise failure

    async def _work(self, state: UploadState, urls: UrlPool, queue: Iterator[Chunk], meter: Meter) -> None:
        while True:
            async with self._taking if self._source.in_order else nullcontext():
                chunk = next(queue, None)
                if chunk is None:
                    return
                start = await self._source.part(chunk.offset, chunk.size)
            async with self._options.room or nullcontext():
                confirmed = await self._send(state, urls, chunk, start, meter)
            if self._options.journal is not None:
                await self._options.journal.confirmed(confirmed)
            self._done.append(confirmed)  # not around the await: a report takes the list away meanwhile
            meter.part_done()
            if len(self._done) >= REPORT_EVERY and meter.parts_done < meter.parts:
                await self._report(state)

    async def _send(
        self,
        state: UploadState,
        urls: UrlPool,
        chunk: Chunk,
        start: Callable[[Callable[[bytes], None]], AsyncIterator[bytes]],
        meter: Meter,
    ) -> CompletedChunk:
        headers = {name: text for name, text in state.upload_headers.items() if name.lower() not in _NOT_OURS}
        digest = hashlib.md5(usedforsecurity=False)
        tries = 0

        def begin() -> AsyncIterator[bytes]:
            nonlocal digest
            digest = hashlib.md5(usedforsecurity=False)
            return start(digest.update)

        async def address() -> str:
            nonlocal tries
            tries += 1
            return await urls.take(chunk.index, ahead=1 if tries > 1 else len(state.chunks()) - chunk.index + 1)

        body = Body(content=counted(begin, meter), size=chunk.size, content_type="application/octet-stream")
        reply = await self._road.store(address, headers, body, prove=lambda reply: _prove(reply, digest.hexdigest()))
        etag = reply.headers["ETag"].strip('"')
        return CompletedChunk(chunk_index=chunk.index, proof=etag, proof_type="etag", chunk_size=chunk.size)

    async def _report(self, state: UploadState) -> ReportedChunks | None:
        async with self._reporting:
            batch, self._done = self._done, []
            if not batch:
                return None
            try:
                return await self._calls.report_chunk_batch(state.upload_id, completed_chunks=batch)
            except TwelveLabsError:
                self._done = batch + self._done
                raise

    async def _complete(self, state: UploadState, urls: UrlPool, meter: Meter) -> None:
        """Report the last parts; send again, once, what the platform then still misses."""
        await self._source.verify()
        report = await self._report(state)
        if report is not None and report.url is None and (report.total_completed or 0) < len(state.chunks()):
            missing = await self._missing(state)
            await self._send_all(state, urls, missing, meter)
            await self._source.verify()
            await self._report(state)
            if await self._missing(state):
                raise UploadError(
                    message=f"parts of {self._source.name} are missing at the platform", source=self._source.name
                )


def _prove(reply: Reply, md5: str) -> None:
    """Compare storage's ETag with what was sent, where it is an MD5; others only the platform can check."""
    etag = reply.headers.get("ETag", "").strip('"').lower()
    if not etag:
        raise APIError(message="storage confirmed nothing: no ETag", status_code=reply.status, retryable=True)
    if _MD5.fullmatch(etag) and etag != md5:
        raise APIError(message="storage confirmed other bytes than were sent", status_code=reply.status, retryable=True)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure that ended the group; the others followed from it."""
    first = failures.exceptions[0]
    return _first(cast("BaseExceptionGroup[BaseException]", first)) if isinstance(first, BaseExceptionGroup) else first

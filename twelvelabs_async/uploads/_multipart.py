"""Multipart uploads: sends the parts of a source to presigned URLs, several at a time.

Each attempt to send a part uses a new URL. Storage confirms a part with an ETag, which is compared with the MD5 of the
sent bytes. Confirmed parts are reported to the API in batches. The last report completes the asset, so the source is
verified before it: a file that changed during the upload would result in an asset of mixed content.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs

from twelvelabs_async._arguments import checked_id, omit_none
from twelvelabs_async._concurrency import run_all
from twelvelabs_async._core.executor import PUT_PART, StreamingExecutor
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.transport import Response
from twelvelabs_async._options import FRAMING_HEADERS, HEADER_NAME
from twelvelabs_async._page_readers import page_number_reader
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIError,
    BadRequestError,
    GoneError,
    InvalidInputError,
    NotFoundError,
    TwelveLabsError,
    UploadError,
)
from twelvelabs_async.models.assets import (
    ChunkInfo,
    CompletedChunk,
    PresignedUrlChunk,
    PresignedUrls,
    ReportedChunks,
    UploadSession,
)
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Request
from twelvelabs_async.uploads import UploadState
from twelvelabs_async.uploads._source import Part, ProgressTracker, UploadSource
from twelvelabs_async.uploads._strategy import UploadOptions

T = TypeVar("T")

MAX_URLS_PER_REQUEST: Final = 50
"""Presigned URLs that the API returns per request."""

MAX_PARTS: Final = 100_000
"""Most parts of an upload; storage accepts 10,000."""

MAX_CHUNK_SIZE: Final = 2**53
"""Largest size of a part in bytes; a larger number is no size."""

URL_LIFETIME: Final = 3600.0
"""Seconds until a presigned URL expires."""

USABLE_LIFETIME_FRACTION: Final = 0.8
"""Fraction of the lifetime after which a URL is replaced."""

RequestUrls = Callable[[int, int], Awaitable[Sequence[PresignedUrlChunk]]]
"""Requests presigned URLs: index of the first part, number of URLs."""

_SESSIONS_PATH: Final = "/assets/multipart-uploads"
_SESSION_PATH: Final = "/assets/multipart-uploads/{upload_id}"
_URLS_PATH: Final = "/assets/multipart-uploads/{upload_id}/presigned-urls"

_ENDED_STATUSES: Final = frozenset({"expired", "failed"})
"""Statuses of an upload session that accepts no more parts."""

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_SKIPPED_HEADERS: Final = FRAMING_HEADERS - {"content-encoding", "content-type"}
"""Headers of the connection, which the client sets; storage would wait for what `Expect` announces."""


def _is_skipped(header: str) -> bool:
    return header in _SKIPPED_HEADERS or header.startswith("proxy-")


class UrlPool:
    """Presigned URLs of an upload; each is used for one PUT within an hour."""

    def __init__(self, initial_urls: Sequence[PresignedUrlChunk], request_urls: RequestUrls, clock: Clock) -> None:
        self._request_urls = request_urls
        self._clock = clock
        self._lock = asyncio.Lock()
        self._urls: dict[int, tuple[str, float]] = {}
        self._add(initial_urls)

    async def get(self, index: int, *, prefetch: int = 1) -> str:
        """Return an unused URL for a part; requests URLs for `prefetch` parts from it if there is none."""
        async with self._lock:
            url = self._pop_usable(index)
            if url is None:
                self._add(await self._request_urls(index, max(1, min(MAX_URLS_PER_REQUEST, prefetch))))
                url = self._pop_usable(index)
        if url is None:
            raise UploadError(message=f"the server returned no presigned URL for part {index}")
        if not _is_usable_url(url):
            raise UploadError(message=f"the server returned an invalid presigned URL for part {index}")
        return url

    def _pop_usable(self, index: int) -> str | None:
        url, created = self._urls.pop(index, ("", 0.0))
        age = self._clock.monotonic() - created
        return url if url and age < URL_LIFETIME * USABLE_LIFETIME_FRACTION else None

    def _add(self, urls: Sequence[PresignedUrlChunk]) -> None:
        now = self._clock.monotonic()
        self._urls.update({url.chunk_index: (url.url, now) for url in urls})


class MultipartUploader:
    """Uploads one source in parts."""

    _state: UploadState
    _urls: UrlPool
    _tracker: ProgressTracker

    def __init__(self, executor: StreamingExecutor, source: UploadSource, options: UploadOptions) -> None:
        self._executor = executor
        self._source = source
        self._options = options
        self.asset_url: str | None = None
        """URL of the complete file; None until the last part is reported."""
        self._confirmed: list[CompletedChunk] = []
        self._unreported: list[CompletedChunk] = []
        self._report_lock = asyncio.Lock()
        self._source_lock = asyncio.Lock()

    async def run(
        self, resume: UploadState | None = None, confirmed_parts: Sequence[CompletedChunk] = ()
    ) -> UploadState:
        """Send all parts, or the missing parts of an earlier upload; returns when the asset is complete.

        Args:
            resume: State of the earlier upload.
            confirmed_parts: Parts of it that storage has confirmed; those the API does not know are reported first.

        Raises:
            InvalidInputError: `resume` cannot be the state of an upload.
            UploadError: The source changed, does not belong to `resume`, or could not be sent; `state` resumes the
                upload.
            APIError: The API rejected a request.
        """
        source = self._source
        missing = await (self._create_session() if resume is None else self._resume(resume, confirmed_parts))
        state = self._state
        tracker = self._tracker = ProgressTracker(
            source.name, source.size, self._options.on_progress, state.part_count, get_state=lambda: state
        )
        for index in {*range(1, state.part_count + 1)} - {*missing}:
            tracker.count_earlier_part(state.part_range(index)[1])
        tracker.notify()
        try:
            await self._send_all(missing)
            if missing:
                await self._complete()
        except (UploadError, APIError, InvalidInputError) as error:
            if tracker.parts_done < tracker.parts:  # otherwise this report would complete the asset
                with suppress(TwelveLabsError):
                    await self._report()  # a resumed upload then skips these parts
            mapped = await self._map_error(error)
            if mapped is error:
                raise
            raise mapped from error
        return state

    async def _create_session(self) -> Sequence[int]:
        source, options = self._source, self._options
        properties = omit_none(
            filename=source.name,
            type=options.type,
            total_size=source.size,
            enable_hls=options.enable_hls,
            enable_thumbnail=options.enable_thumbnail,
            user_metadata=options.user_metadata,
        )
        session = _checked_session(
            source,
            await self._executor.execute(
                Request(
                    method="POST",
                    path_template=_SESSIONS_PATH,
                    response_type=UploadSession,
                    retry_class="leaves_orphan",
                    json=properties,
                )
            ),
        )
        self._state = UploadState(
            upload_id=session.upload_id,
            asset_id=session.asset_id,
            filename=source.name,
            total_size=source.size,
            chunk_size=session.chunk_size,
            fingerprint=source.fingerprint,
            upload_headers=dict(session.upload_headers),
        )
        self._urls = UrlPool(session.upload_urls, self._request_urls, self._executor.clock)
        if options.journal is not None:
            await options.journal.on_session_created(self._state)
        return range(1, self._state.part_count + 1)

    async def _resume(self, state: UploadState, confirmed_parts: Sequence[CompletedChunk]) -> Sequence[int]:
        if (state.fingerprint, state.total_size) != (self._source.fingerprint, self._source.size):
            message = f"{self._source.name} is not the file of the upload to resume, or has changed since"
            raise UploadError(message=message, source=self._source.name, state=state)
        if state.part_count > MAX_PARTS:
            raise InvalidInputError(
                f"resume has {state.part_count} parts, at most {MAX_PARTS} are possible; start a new upload"
            )
        self._state = state
        self._urls = UrlPool((), self._request_urls, self._executor.clock)
        missing = await self._missing_parts()
        unreported = {part.chunk_index: part for part in (*state.completed_parts, *confirmed_parts)}
        self._unreported = [unreported[index] for index in missing if index in unreported]
        if self._unreported:
            await self._source.verify()  # the report may complete the asset
            with suppress(BadRequestError):
                await self._report()
            self._unreported.clear()  # parts whose report was rejected are sent again
            missing = await self._missing_parts()
        return missing

    async def _send_all(self, missing: Sequence[int]) -> None:
        indexes = iter(missing)
        await run_all(self._worker(indexes) for _ in range(min(self._options.concurrency, len(missing))))

    async def _worker(self, indexes: Iterator[int]) -> None:
        journal, tracker = self._options.journal, self._tracker
        while True:
            async with self._source_lock if self._source.sequential else nullcontext():
                index = next(indexes, None)
                if index is None:
                    return
                part = await self._source.open_part(index, *self._state.part_range(index))
            async with self._options.part_semaphore or nullcontext():
                confirmed = await self._send_part(part)
            if journal is not None:
                await journal.on_part_uploaded(confirmed)
            self._unreported.append(confirmed)  # after the await: a report replaces the list
            self._confirmed.append(confirmed)
            tracker.part_completed(partial(_with_parts, self._state, self._confirmed, len(self._confirmed)))
            if len(self._unreported) >= self._options.report_batch_size and tracker.parts_done < tracker.parts:
                await self._report()

    async def _send_part(self, part: Part) -> CompletedChunk:
        state = self._state
        attempts = 0

        async def next_url() -> str:
            nonlocal attempts
            attempts += 1
            return await self._urls.get(part.index, prefetch=1 if attempts > 1 else state.part_count - part.index + 1)

        response = await self._executor.put_to_storage(
            next_url,
            {name: value for name, value in state.upload_headers.items() if not _is_skipped(name.lower())},
            Body(content=lambda: part.chunks(self._tracker), size=part.size, content_type="application/octet-stream"),
            verify_response=lambda response: _verify_etag(response, part.md5),
        )
        return CompletedChunk(chunk_index=part.index, proof=_etag(response), proof_type="etag", chunk_size=part.size)

    async def _complete(self) -> None:
        """Report the last parts; send parts again, once, that the API then still misses."""
        await self._source.verify()
        report = await self._report()
        if report is None or report.url is not None or report.total_completed >= self._state.part_count:
            return
        await self._send_all(await self._missing_parts())
        await self._source.verify()
        await self._report()
        if missing := await self._missing_parts():
            message = f"the API reports {len(missing)} parts of {self._source.name} as missing after they were sent"
            raise UploadError(message=message, source=self._source.name)

    async def _report(self) -> ReportedChunks | None:
        async with self._report_lock:
            batch, self._unreported = self._unreported, []
            if not batch:
                return None
            try:
                report = await self._post(_SESSION_PATH, ReportedChunks, {"completed_chunks": batch})
            except TwelveLabsError:
                self._unreported = batch + self._unreported
                raise
            self.asset_url = report.url
            return report

    async def _missing_parts(self) -> list[int]:
        """Return the parts that the API has not received; its list counts, not the local state."""
        received = {chunk.index async for chunk in self._received_parts() if chunk.status == "completed"}
        return [index for index in range(1, self._state.part_count + 1) if index not in received]

    def _received_parts(self) -> Paginator[ChunkInfo]:
        request = Request[dict[str, Any]](
            method="GET",
            path_template=_SESSION_PATH,
            response_type=dict,
            retry_class="safe",
            path_params={"upload_id": self._state.upload_id},
            query={"page_limit": 50},
        )
        return Paginator(self._executor, request, page_number_reader(ChunkInfo, "uploaded_chunks"))

    async def _request_urls(self, start: int, count: int) -> Sequence[PresignedUrlChunk]:
        return (await self._post(_URLS_PATH, PresignedUrls, {"start": start, "count": count})).upload_urls

    async def _post(self, path_template: str, response_type: type[T], json: Any) -> T:
        return await self._executor.execute(
            Request(
                method="POST",
                path_template=path_template,
                response_type=response_type,
                retry_class="idempotent",
                path_params={"upload_id": self._state.upload_id},
                json=json,
            )
        )

    async def _map_error(self, error: UploadError | APIError | InvalidInputError) -> TwelveLabsError:
        """Return the error to raise: a failed transfer gets the state to resume from, other API errors are kept."""
        name = self._source.name
        state = _with_parts(self._state, self._confirmed, len(self._confirmed))
        if isinstance(error, UploadError):
            changed = error.source_changed
            return UploadError(message=error.message, source=error.source or name, state=state, source_changed=changed)
        if isinstance(error, InvalidInputError):  # found after the session was created
            return UploadError(message=error.message, source=name, state=state)
        if isinstance(error, NotFoundError | GoneError) or await self._session_ended(error):
            return UploadError(message=f"the upload of {name} has expired; start a new upload", source=name)
        if error.operation == PUT_PART.operation:
            return UploadError(message=f"the upload of {name} failed: {error}", source=name, state=state)
        return error

    async def _session_ended(self, error: APIError) -> bool:
        """Whether a 400 means that the session has ended; requests the status of the session."""
        if not isinstance(error, BadRequestError):
            return False
        try:
            page = await self._received_parts()
        except TwelveLabsError:
            return False
        return page.extra.get("status") in _ENDED_STATUSES


def _with_parts(state: UploadState, confirmed: Sequence[CompletedChunk], count: int) -> UploadState:
    """Return a state with the first parts of a list, to which more are added meanwhile."""
    return attrs.evolve(state, completed_parts=(*state.completed_parts, *confirmed[:count]))


def _checked_session(source: UploadSource, session: UploadSession) -> UploadSession:
    """Return the session if the source can be divided and sent as it says, and its ids can be used in paths.

    Raises:
        UploadError: It cannot; there is no state, as no upload can be resumed in such a session.
    """
    try:
        checked_id("upload_id", session.upload_id)
        checked_id("asset_id", session.asset_id)
    except InvalidInputError as error:
        message = f"the server returned an invalid upload session for {source.name}: {error}"
        raise UploadError(message=message, source=source.name) from None
    for name, value in session.upload_headers.items():
        if not (HEADER_NAME.fullmatch(name) and value.replace("\t", " ").isprintable()):
            message = f"the server wants an invalid header to be sent with the parts of {source.name}"
            raise UploadError(message=message, source=source.name)
    if not 1 <= session.chunk_size <= MAX_CHUNK_SIZE or -(-source.size // session.chunk_size) > MAX_PARTS:
        raise UploadError(
            message=f"the server wants parts of {session.chunk_size} bytes for {source.size} bytes of {source.name}",
            source=source.name,
        )
    return session


def _is_usable_url(url: str) -> bool:
    """Return whether a URL can be parsed, and has no character that would end the line of a request."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return url.isprintable() and " " not in url


def _etag(response: Response) -> str:
    """Return the ETag of a response without quotes, and without the mark of a weak one; empty if there is none."""
    return response.headers.get("ETag", "").strip().removeprefix("W/").strip('"').strip()


def _verify_etag(response: Response, md5: str) -> None:
    """Compare the ETag with the MD5 of the sent bytes. An ETag of another form can only be checked by the API."""
    etag = _etag(response)
    if not (etag and etag.isascii() and etag.isprintable()):
        problem = "an ETag that is not ASCII text" if etag else "no ETag"
        raise APIError(message=f"storage returned {problem}", status_code=response.status, retryable=True)
    if _MD5.fullmatch(etag.lower()) and etag.lower() != md5:
        message = "the ETag returned by storage differs from the MD5 of the sent bytes"
        raise APIError(message=message, status_code=response.status, retryable=True)

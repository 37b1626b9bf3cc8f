"""Multipart uploads, step by step: large files are sent in chunks to presigned URLs.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content/multipart-uploads
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Unpack

import attrs

from twelvelabs_async._arguments import checked_int, omit_none, require_choice, require_type
from twelvelabs_async._core.validation import (
    NoParameters,
    checked_items,
    checked_metadata,
    checked_text,
    reject_unsupported,
)
from twelvelabs_async._page_readers import page_query
from twelvelabs_async._polling import UPLOAD_LIFECYCLE
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.assets import (
    ChunkInfo,
    CompletedChunk,
    IncompleteUpload,
    PresignedUrls,
    ReportedChunks,
    UploadSession,
    UploadStatus,
    UploadType,
)
from twelvelabs_async.models.common import ObjectLike, UserMetadata
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.uploads import UploadState
from twelvelabs_async.uploads._files import FileLike, source_of
from twelvelabs_async.uploads._multipart import MultipartUploader
from twelvelabs_async.uploads._strategy import UploadOptions, choose_strategy
from twelvelabs_async.waiting import PollCallback

CompletedChunkLike = CompletedChunk | ObjectLike
"""A `CompletedChunk`, or a dict with its fields."""


@attrs.frozen(kw_only=True)
class ChunkProgress:
    """Progress of `MultipartUpload.upload_file`."""

    total_chunks: int
    """Number of chunks."""
    completed_chunks: int
    """Number of chunks that were uploaded."""

    @property
    def percentage(self) -> float:
        """Uploaded part of the file, from 0 to 100."""
        return 100 * self.completed_chunks / self.total_chunks

    @property
    def status(self) -> str:
        """`uploading`, or `completed` with the last chunk."""
        return "completed" if self.completed_chunks == self.total_chunks else "uploading"


ChunkProgressCallback = Callable[[ChunkProgress], Awaitable[None] | None]
"""Called in the event loop after each chunk; may be a coroutine function."""


@attrs.frozen(kw_only=True)
class UploadResult:
    """A complete upload."""

    asset_id: str
    """Id of the asset, for `assets.wait_for_done`."""
    asset_url: str
    """URL of the file."""


class _ProgressJournal:
    """Reports each chunk of an upload to a callback."""

    def __init__(self, callback: ChunkProgressCallback) -> None:
        self._callback = callback
        self._total = 0
        self._completed = 0

    async def on_session_created(self, state: UploadState) -> None:
        """Note the number of chunks."""
        self._total = state.part_count

    async def on_part_uploaded(self, part: CompletedChunk) -> None:  # noqa: ARG002  # only their number counts
        """Call the callback."""
        self._completed += 1
        result = self._callback(ChunkProgress(total_chunks=self._total, completed_chunks=self._completed))
        if inspect.isawaitable(result):
            await result


class MultipartUpload(Resource):
    """Multipart uploads, step by step; `assets.upload` performs all steps."""

    async def create(
        self,
        *,
        filename: str,
        type: UploadType,
        total_size: int,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: UserMetadata | None = None,
    ) -> UploadSession:
        """Create an upload; return its chunk size and the first presigned URLs. It expires after a day.

        Args:
            filename: Name of the file on the platform.
            type: Kind of file.
            total_size: Size of the file in bytes; up to 10 GB, images up to 32 MB.
            enable_hls: Whether to create an HLS stream; the platform's default is False here.
            enable_thumbnail: Whether to create a thumbnail; the platform's default is False here.
            user_metadata: Your own metadata of the asset.

        Raises:
            BadRequestError: The name, kind or size of the file is not accepted.

        API: `POST /assets/multipart-uploads`

        Example:
            upload = await client.multipart_upload.create(filename="holiday.mp4", type="video", total_size=50_000_000)
            print(upload.total_chunks, upload.chunk_size, upload.upload_urls[0].url)
        """
        checked_text("filename", filename)
        checked_int("total_size", total_size)
        body = omit_none(
            filename=filename,
            type=type,
            total_size=total_size,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=checked_metadata(user_metadata),
        )
        return await self._send("POST", "/assets/multipart-uploads", UploadSession, body, retry_class="leaves_orphan")

    async def retrieve(self, upload_id: str, *, page: int | None = None, page_limit: int | None = 50) -> UploadStatus:
        """Return the status of an upload, with counters and one page of its chunks.

        Args:
            upload_id: Id of the upload.
            page: Page of chunks, from 1.
            page_limit: Chunks per page, 1 to 50.

        Raises:
            NotFoundError: The upload does not exist, or has expired.

        API: `GET /assets/multipart-uploads/{upload_id}`

        Example:
            status = await client.multipart_upload.retrieve(upload.upload_id)
            print(status.status, status.chunks_completed, status.chunks_pending)
        """
        query = page_query({}, page, page_limit)
        return await self._get("/assets/multipart-uploads/{upload_id}", UploadStatus, query, upload_id=upload_id)

    async def report_chunk_batch(
        self, upload_id: str, *, completed_chunks: Sequence[CompletedChunkLike]
    ) -> ReportedChunks:
        """Report uploaded chunks, in any order. Reporting a chunk twice has no effect.

        Args:
            upload_id: Id of the upload.
            completed_chunks: The chunks, each with the ETag that storage returned.

        Raises:
            NotFoundError: The upload does not exist, or has expired.

        API: `POST /assets/multipart-uploads/{upload_id}`

        Example:
            reported = await client.multipart_upload.report_chunk_batch(upload.upload_id, completed_chunks=[chunk])
            print(reported.total_completed)  # 1
        """
        body = {"completed_chunks": checked_items("completed_chunks", completed_chunks)}
        return await self._send(
            "POST",
            "/assets/multipart-uploads/{upload_id}",
            ReportedChunks,
            body,
            retry_class="idempotent",
            upload_id=upload_id,
        )

    async def get_additional_presigned_urls(self, upload_id: str, *, start: int, count: int) -> PresignedUrls:
        """Create presigned URLs for more chunks, or new ones for chunks that failed.

        Args:
            upload_id: Id of the upload.
            start: Number of the first chunk, from 1.
            count: Number of URLs, 1 to 50.

        Raises:
            NotFoundError: The upload does not exist, or has expired.

        API: `POST /assets/multipart-uploads/{upload_id}/presigned-urls`

        Example:
            more = await client.multipart_upload.get_additional_presigned_urls(upload.upload_id, start=2, count=1)
            print(more.upload_urls[0].chunk_index)  # 2
        """
        body = {"start": checked_int("start", start), "count": checked_int("count", count, 1, 50)}
        return await self._send(
            "POST",
            "/assets/multipart-uploads/{upload_id}/presigned-urls",
            PresignedUrls,
            body,
            retry_class="idempotent",
            upload_id=upload_id,
        )

    def get_status(
        self, upload_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[ChunkInfo]:
        """List the chunks of an upload, with their status. Sends nothing until awaited or iterated.

        Args:
            upload_id: Id of the upload.
            page: First page, from 1.
            page_limit: Chunks per page, 1 to 50.

        Raises:
            NotFoundError: Raised while iterating: the upload does not exist, or has expired.

        API: `GET /assets/multipart-uploads/{upload_id}`

        Example:
            async for chunk in client.multipart_upload.get_status(upload.upload_id):
                print(chunk.index, chunk.status)
        """
        return self._list(
            "/assets/multipart-uploads/{upload_id}",
            ChunkInfo,
            page,
            page_limit,
            items_key="uploaded_chunks",
            upload_id=upload_id,
        )

    async def upload_file(
        self,
        file_path: FileLike,
        *,
        filename: str | None = None,
        file_type: UploadType = "video",
        batch_size: int = 10,
        max_workers: int = 5,
        progress_callback: ChunkProgressCallback | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> UploadResult:
        """Upload a file in chunks, also a small one. `assets.upload` does the same, and can resume.

        Args:
            file_path: The file, in any form that `assets.upload` takes except a URL.
            filename: Name of the file on the platform; required if the source has none, such as bytes.
            file_type: Kind of file.
            batch_size: Number of chunks in each report to the platform.
            max_workers: Maximum number of concurrent chunks.
            progress_callback: Called with a `ChunkProgress` after each chunk; may be a coroutine function.

        Raises:
            InvalidInputError: The source is unreadable, empty or too large; nothing was sent.
            UploadError: The file was not uploaded completely, or it changed.
            APIError: The platform rejected it.

        Example:
            uploaded = await client.multipart_upload.upload_file("holiday.mp4")
            asset = await client.assets.wait_for_done(uploaded.asset_id)
        """
        reject_unsupported("multipart_upload.upload_file", unsupported)
        require_choice("file_type", file_type, UploadType)
        require_type("progress_callback", progress_callback, Callable, "a function")
        source = source_of(file_path, "file_path", filename=filename)
        if not source.name:
            raise InvalidInputError(f"{source.label} has no name; pass filename=")
        options = UploadOptions(
            type=file_type,
            concurrency=checked_int("max_workers", max_workers),
            report_batch_size=checked_int("batch_size", batch_size),
            journal=None if progress_callback is None else _ProgressJournal(progress_callback),
        )
        async with source:
            choose_strategy(source.size, options.type, filename=source.name)  # an error if it is empty or too large
            uploader = MultipartUploader(self._executor, source, options)
            state = await uploader.run()
        return UploadResult(asset_id=state.asset_id, asset_url=uploader.asset_url or "")

    async def wait_for_upload_completion(
        self,
        upload_id: str,
        *,
        sleep_interval: float | None = None,
        max_wait_time: float | None = None,
        callback: PollCallback[UploadStatus] | None = None,
    ) -> UploadStatus:
        """Wait until all chunks of an upload are reported; `assets.wait_for_done` waits until the asset is ready.

        Args:
            upload_id: Id of the upload.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            max_wait_time: Seconds to wait; None is one hour.
            callback: Called with the status after each poll.

        Raises:
            ProcessingFailedError: The upload failed, or has expired.
            WaitTimeoutError: It was not complete in time.

        Example:
            status = await client.multipart_upload.wait_for_upload_completion(complete_upload.upload_id)
            print(status.status)  # completed
        """
        return await self._poll(self.retrieve, UPLOAD_LIFECYCLE, upload_id, max_wait_time, sleep_interval, callback)

    def list_incomplete_uploads(
        self, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[IncompleteUpload]:
        """List incomplete uploads. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /assets/multipart-uploads`

        Example:
            async for upload in client.multipart_upload.list_incomplete_uploads():
                print(upload.upload_id, upload.expires_at)
        """
        return self._list("/assets/multipart-uploads", IncompleteUpload, page, page_limit)

"""Multipart uploads, step by step: large files go in chunks to presigned URLs.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content/multipart-uploads
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.models.uploads import (
    ChunkInfo,
    CompletedChunk,
    IncompleteUpload,
    PresignedUrls,
    ReportedChunks,
    UploadSession,
    UploadStatus,
    UploadType,
)
from twelvelabs_async.paginator import Paginator, first_page
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several

CompletedChunkLike = CompletedChunk | Mapping[str, Any]
"""A chunk that storage has taken, or the same as a dict."""


class MultipartUpload(Resource):
    """The steps of an upload in chunks; `assets.upload` takes all of them."""

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
        """Begin an upload: get the size of its chunks, and where the first of them go. It is forgotten after a day.

        Args:
            filename: Name the platform is to know the file by.
            type: Kind of file.
            total_size: Bytes; up to 10 GB, images up to 32 MB.
            enable_hls: Make a stream of it; here the platform's default is not to.
            enable_thumbnail: Make a picture of it; here the platform's default is not to.
            user_metadata: Your own keys on the asset.
        """
        if not filename.strip():
            raise InvalidInputError("filename is empty")
        if total_size < 1:
            raise InvalidInputError(f"a file of {total_size} bytes cannot be uploaded")
        body = given(
            filename=filename,
            type=type,
            total_size=total_size,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=checked_metadata(user_metadata),
        )
        return await self._post("/assets/multipart-uploads", UploadSession, retry="repeatable", json=body)

    async def retrieve(self, upload_id: str, *, page: int | None = None, page_limit: int | None = 50) -> UploadStatus:
        """How far an upload is, with its counters and one page of its chunks.

        Args:
            upload_id: The upload.
            page: Which page of chunks, from 1.
            page_limit: Chunks a page, 1 to 50.

        Raises:
            NotFoundError: No such upload, or it was forgotten.
        """
        query = first_page({}, page, page_limit)
        return await self._get("/assets/multipart-uploads/{upload_id}", UploadStatus, query=query, upload_id=upload_id)

    async def report_chunk_batch(
        self, upload_id: str, *, completed_chunks: Sequence[CompletedChunkLike]
    ) -> ReportedChunks:
        """Report chunks that storage has taken, in any order; to report one twice does no harm.

        Args:
            upload_id: The upload.
            completed_chunks: The chunks, with the proof storage gave for each.
        """
        return await self._post(
            "/assets/multipart-uploads/{upload_id}",
            ReportedChunks,
            retry="idempotent",
            json={"completed_chunks": several("completed_chunks", completed_chunks)},
            upload_id=upload_id,
        )

    async def get_additional_presigned_urls(self, upload_id: str, *, start: int, count: int) -> PresignedUrls:
        """More addresses for chunks, or fresh ones for those that failed or took too long.

        Args:
            upload_id: The upload.
            start: Number of the first chunk, from 1.
            count: Number of addresses, 1 to 50.
        """
        if start < 1 or not 1 <= count <= 50:
            raise InvalidInputError(f"chunks are numbered from 1, and 1 to 50 at a time; not {count} from {start}")
        return await self._post(
            "/assets/multipart-uploads/{upload_id}/presigned-urls",
            PresignedUrls,
            retry="idempotent",
            json={"start": start, "count": count},
            upload_id=upload_id,
        )

    def get_status(
        self, upload_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[ChunkInfo]:
        """The chunks of an upload, and how far each is. Sends nothing until awaited or iterated.

        Args:
            upload_id: The upload.
            page: Where to start, from 1.
            page_limit: Chunks a page, 1 to 50.
        """
        return self._list(
            "/assets/multipart-uploads/{upload_id}",
            ChunkInfo,
            page=page,
            page_limit=page_limit,
            key="uploaded_chunks",
            upload_id=upload_id,
        )

    def list_incomplete_uploads(
        self, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[IncompleteUpload]:
        """Uploads that are not complete. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list("/assets/multipart-uploads", IncompleteUpload, page=page, page_limit=page_limit)

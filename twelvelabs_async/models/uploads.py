"""Multipart uploads: large files, sent in chunks to presigned URLs.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content/multipart-uploads
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models.common import Model, PageInfo

UploadType = Literal["video", "audio", "image"]
"""Kind of file an upload in chunks can carry."""

UploadSessionStatus = Literal["active", "completed", "failed", "expired"]
"""How far an upload is; `completed` says that the file is whole, not that the asset is ready."""

ChunkStatus = Literal["completed", "pending", "failed"]
"""How far a chunk is."""

ProofType = Literal["etag"]
"""What proves that a chunk has arrived."""


@attrs.frozen(kw_only=True)
class PresignedUrlChunk(Model):
    """Where one chunk goes. Who knows the address may write there: it is a secret for as long as it is good."""

    chunk_index: int
    """Number of the chunk, from 1."""
    url: str = attrs.field(repr=False)
    """Address for one PUT."""
    expires_at: datetime | None = None
    """When the address stops being good, about an hour after it was made."""


@attrs.frozen(kw_only=True)
class UploadSession(Model):
    """An upload that was begun."""

    upload_id: str
    """Identifier of the upload, good for a day."""
    asset_id: str
    """The asset this will become; not to be used before the upload is complete."""
    chunk_size: int
    """Bytes of each chunk but the last."""
    total_chunks: int
    """Number of chunks."""
    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    """The first addresses; large files need more of them."""
    upload_headers: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Headers to send with each chunk."""
    expires_at: datetime | None = None
    """When the upload is forgotten."""


@attrs.frozen(kw_only=True)
class PresignedUrls(Model):
    """More addresses for an upload."""

    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    """The addresses."""
    upload_id: str | None = None
    """Identifier of the upload."""
    start_index: int | None = None
    """Number of the first chunk."""
    count: int | None = None
    """Number of addresses."""
    generated_at: datetime | None = None
    """When they were made."""
    expires_at: datetime | None = None
    """When they stop being good."""


@attrs.frozen(kw_only=True)
class CompletedChunk(Model):
    """A chunk that storage has taken, to be reported."""

    chunk_index: int
    """Number of the chunk, from 1."""
    proof: str
    """`ETag` of storage's answer, without its quotes."""
    chunk_size: int
    """Bytes that were sent."""
    proof_type: ProofType = "etag"
    """What the proof is."""


@attrs.frozen(kw_only=True)
class ReportedChunks(Model):
    """What the platform makes of a report."""

    processed_chunks: int = 0
    """Chunks of this report that were new."""
    duplicate_chunks: int = 0
    """Chunks of this report that it knew already."""
    total_completed: int = 0
    """Chunks reported so far, over all reports."""
    asset_id: str | None = None
    """The asset this will become."""
    url: str | None = None
    """Address of the whole file; None until every chunk is reported."""


@attrs.frozen(kw_only=True)
class ChunkInfo(Model):
    """How far one chunk is."""

    index: int
    """Number of the chunk, from 1."""
    status: ChunkStatus
    """How far it is."""
    uploaded_at: datetime | None = None
    """When it arrived; None unless it has."""
    updated_at: datetime | None = None
    """When this last changed."""
    error: str | None = None
    """Why it failed; None unless it did."""


@attrs.frozen(kw_only=True)
class UploadStatus(Model):
    """How far an upload is, and one page of its chunks."""

    upload_id: str
    """Identifier of the upload."""
    status: UploadSessionStatus
    """How far it is."""
    uploaded_chunks: tuple[ChunkInfo, ...] = ()
    """Chunks on this page."""
    chunks_completed: int = 0
    """Chunks that have arrived and are reported."""
    chunks_failed: int = 0
    """Chunks that failed."""
    chunks_pending: int = 0
    """Chunks still to come."""
    total_size: int | None = None
    """Bytes of the file."""
    uploaded_size: int | None = None
    """Bytes that have arrived."""
    created_at: datetime | None = None
    """When it was begun."""
    updated_at: datetime | None = None
    """When it last changed."""
    page_info: PageInfo = attrs.field(factory=PageInfo)
    """Where this page of chunks stands among the others."""


@attrs.frozen(kw_only=True)
class IncompleteUpload(Model):
    """An upload that is not complete. The platform tells neither its file name nor its asset."""

    upload_id: str
    """Identifier of the upload."""
    status: UploadSessionStatus
    """How far it is."""
    total_size: int
    """Bytes of the file."""
    chunk_size: int
    """Bytes of each chunk but the last."""
    total_chunks: int
    """Number of chunks."""
    created_at: datetime | None = None
    """When it was begun."""
    expires_at: datetime | None = None
    """When it is forgotten."""

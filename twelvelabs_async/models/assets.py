"""Assets: media files on the platform, and multipart uploads.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content

https://docs.twelvelabs.io/v1.3/api-reference/upload-content/multipart-uploads
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model, PageInfo

AssetStatus = Literal["failed", "processing", "ready"]
"""Status of an asset; only a `ready` asset can be used."""

AssetMethod = Literal["direct", "url", "multipart", "connector"]
"""Method by which an asset was created."""

CreateMethod = Literal["direct", "url"]
"""Method to create an asset: upload the file (`direct`), or let the platform download it (`url`)."""

AssetType = Literal["image", "video", "audio", "document"]
"""Kind of file."""

DerivedStatus = Literal["pending", "processing", "ready", "error"]
"""Status of a file derived from an asset."""

TranscriptionStatus = Literal["pending", "processing", "ready", "failed"]
"""Status of a transcription."""

TranscriptionUnit = Literal["words", "sentences", "utterances"]
"""Unit of a transcription."""


@attrs.frozen(kw_only=True)
class AssetHls(Model):
    """HLS stream of an asset."""

    status: DerivedStatus | None = None
    """Current status."""
    manifest_url: str | None = None
    """URL of the playlist (`.m3u8`); None until it is ready."""


@attrs.frozen(kw_only=True)
class AssetThumbnail(Model):
    """Thumbnail of an asset."""

    status: DerivedStatus | None = None
    """Current status."""
    representative_url: str | None = None
    """URL of the image; None until it is ready."""


@attrs.frozen(kw_only=True)
class AssetError(Model):
    """Error of an asset that failed."""

    message: str = ""
    """Message of the platform; its wording may change."""


@attrs.frozen(kw_only=True)
class AssetSourceDetails(Model):
    """The place where a connector found the file."""

    provider: str | None = None
    """Name, such as `google_drive`."""
    source_id: str | None = None
    """Id of the file at the provider."""
    original_filename: str | None = None
    """Name of the file at the provider."""
    source_link: str | None = None
    """URL of the file, to open in a browser."""


@attrs.frozen(kw_only=True)
class AssetSource(Model):
    """Source of an imported asset."""

    type: str | None = None
    """Always `connector`."""
    details: AssetSourceDetails | None = None
    """Details from the connector."""


@attrs.frozen(kw_only=True)
class VideoStream(Model):
    """A video stream of a file."""

    index: int | None = None
    """Index of the stream in the file."""
    codec: str | None = None
    """Name of the codec."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""
    fps: float | None = None
    """Declared frame rate, in frames per second."""
    avg_fps: float | None = None
    """Average frame rate, in frames per second."""
    duration_seconds: float | None = None
    """Duration in seconds."""
    bitrate_bps: int | None = None
    """Bit rate, in bits per second."""
    rotation: int | None = None
    """Rotation to apply, in degrees."""
    pixel_aspect_ratio: str | None = None
    """Ratio, such as `1:1`."""
    display_aspect_ratio: str | None = None
    """Ratio, such as `16:9`."""
    scan_type: str | None = None
    """Progressive or interlaced."""
    pixel_format: str | None = None
    """Pixel format, such as `yuv420p`."""
    bit_depth: int | None = None
    """Bits per channel."""
    color_range: str | None = None
    """Full or limited."""
    color_transfer: str | None = None
    """Transfer characteristics."""
    color_space: str | None = None
    """Matrix coefficients."""
    color_primaries: str | None = None
    """Color primaries."""


@attrs.frozen(kw_only=True)
class AudioStream(Model):
    """An audio stream of a file."""

    index: int | None = None
    """Index of the stream in the file."""
    codec: str | None = None
    """Name of the codec."""
    codec_long: str | None = None
    """Long name of the codec."""
    sample_rate: int | None = None
    """Sample rate, in Hz."""
    bit_depth: int | None = None
    """Bits per sample."""
    channels: int | None = None
    """Number of channels."""
    channel_layout: str | None = None
    """Layout, such as `stereo`."""
    bitrate_bps: int | None = None
    """Bit rate, in bits per second."""
    language: str | None = None
    """Declared language."""
    duration_seconds: float | None = None
    """Duration in seconds."""


@attrs.frozen(kw_only=True)
class TechnicalMetadata(Model):
    """Technical metadata of a file. Fields that do not apply to its kind are None."""

    file_size_bytes: int | None = None
    """Size of the file, in bytes."""
    file_mime_type: str | None = None
    """Detected media type."""
    file_container_format: str | None = None
    """Container format, such as `mov,mp4,m4a`."""
    container_creation_time: datetime | None = None
    """Creation time according to the container."""
    video_streams: tuple[VideoStream, ...] = ()
    """All video streams of the file."""
    video_codec: str | None = None
    """Codec of the main video stream."""
    video_width: int | None = None
    """Size in pixels."""
    video_height: int | None = None
    """Size in pixels."""
    video_fps: float | None = None
    """Frame rate, in frames per second."""
    video_duration_seconds: float | None = None
    """Duration of the video, in seconds."""
    video_bitrate_bps: int | None = None
    """Bit rate, in bits per second."""
    audio_streams: tuple[AudioStream, ...] = ()
    """All audio streams of the file."""
    audio_codec: str | None = None
    """Codec of the main audio stream."""
    audio_sample_rate: int | None = None
    """Sample rate, in Hz."""
    audio_channels: int | None = None
    """Number of channels."""
    audio_duration_seconds: float | None = None
    """Duration of the audio, in seconds."""
    start_timecode: str | None = None
    """Timecode of the first frame."""
    timecode_source: str | None = None
    """Place of the timecode in the file."""
    drop_frame: bool | None = None
    """Whether it is drop-frame timecode."""
    image_width: int | None = None
    """Size in pixels."""
    image_height: int | None = None
    """Size in pixels."""
    image_format: str | None = None
    """Format, such as `jpeg`."""
    image_orientation: int | None = None
    """EXIF orientation."""
    image_color_space: str | None = None
    """Color space of the image."""
    image_bit_depth: int | None = None
    """Bits per channel."""
    is_hdr: bool | None = None
    """Whether it has a high dynamic range."""
    has_audio: bool | None = None
    """Whether it has audio."""
    has_alpha: bool | None = None
    """Whether it has transparency."""
    is_animated: bool | None = None
    """Whether an image has more than one frame."""
    total_video_streams: int | None = None
    """Number of video streams."""
    total_audio_streams: int | None = None
    """Number of audio streams."""
    storage_aspect_ratio: float | None = None
    """Width divided by height, as stored."""
    geospatial_latitude: float | None = None
    """Latitude, in degrees north."""
    geospatial_longitude: float | None = None
    """Longitude, in degrees east."""
    geospatial_altitude_meters: float | None = None
    """Altitude, in meters above sea level."""
    document_page_count: int | None = None
    """Number of pages."""
    document_pdf_version: str | None = None
    """PDF version."""
    document_page_width_pt: float | None = None
    """Size in points."""
    document_page_height_pt: float | None = None
    """Size in points."""
    document_is_tagged: bool | None = None
    """Whether the PDF is tagged."""
    document_is_encrypted: bool | None = None
    """Whether it is encrypted."""
    document_language: str | None = None
    """Declared language."""
    document_title: str | None = None
    """Declared title."""
    document_author: str | None = None
    """Declared author."""
    document_subject: str | None = None
    """Declared subject."""
    document_keywords: str | None = None
    """Declared keywords."""
    document_creator_tool: str | None = None
    """Program that wrote the document."""
    document_producer: str | None = None
    """Program that produced the PDF."""
    document_creation_date: datetime | None = None
    """Declared creation time."""
    document_modification_date: datetime | None = None
    """Declared modification time."""


@attrs.frozen(kw_only=True)
class Asset(Model):
    """A media file on the platform, as returned by its creation."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: AssetStatus
    """Current status; only a `ready` asset can be indexed or used otherwise."""
    method: AssetMethod | None = None
    """Method by which it was created."""
    filename: str | None = None
    """Name of the file."""
    file_type: str | None = None
    """Media type, such as `video/mp4`."""
    created_at: datetime | None = None
    """When it was created."""
    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    source: AssetSource | None = None
    """Source of an imported asset; None for uploads."""


@attrs.frozen(kw_only=True)
class AssetDetail(Asset):
    """A media file on the platform, with all details."""

    size: int | None = None
    """Size in bytes; None until it is ready."""
    duration: float | None = None
    """Duration in seconds; None until it is ready, and for files without a duration."""
    hls: AssetHls | None = None
    """The HLS stream, if one was requested."""
    thumbnail: AssetThumbnail | None = None
    """The thumbnail, if one was requested."""
    technical_metadata: TechnicalMetadata | None = None
    """Technical metadata of the file; None while the asset is processing."""
    error: AssetError | None = None
    """The error; None unless it failed."""


@attrs.frozen(kw_only=True)
class AssetTranscriptionEntry(Model):
    """A word or a sentence."""

    start: float
    """Start, in seconds."""
    end: float
    """End, in seconds."""
    value: str
    """The spoken text."""


@attrs.frozen(kw_only=True)
class AssetTranscriptionUtterance(AssetTranscriptionEntry):
    """An utterance of one speaker."""

    speaker: str | None = None
    """Label of the speaker; None if unknown."""


@attrs.frozen(kw_only=True)
class AssetTranscriptionError(Model):
    """Error of a transcription that failed."""

    message: str = ""
    """Message of the platform; its wording may change."""


@attrs.frozen(kw_only=True)
class AssetTranscription(Model):
    """The transcription of an asset. It contains the requested units only."""

    status: TranscriptionStatus
    """Current status."""
    words: tuple[AssetTranscriptionEntry, ...] = ()
    """Result for the text."""
    sentences: tuple[AssetTranscriptionEntry, ...] = ()
    """The sentences."""
    utterances: tuple[AssetTranscriptionUtterance, ...] = ()
    """The utterances of each speaker."""
    error: AssetTranscriptionError | None = None
    """The error; None unless it failed."""


UploadType = Literal["video", "audio", "image"]
"""Kind of file that a multipart upload accepts."""

UploadSessionStatus = Literal["active", "completed", "failed", "expired"]
"""Status of an upload; `completed` means that the file is complete, not that the asset is ready."""

ChunkStatus = Literal["completed", "pending", "failed"]
"""Status of a chunk."""

ProofType = Literal["etag"]
"""Kind of proof that a chunk was uploaded."""


@attrs.frozen(kw_only=True)
class PresignedUrlChunk(Model):
    """The presigned URL of one chunk. Treat it as a secret: anyone who has it can upload until it expires."""

    chunk_index: int
    """Number of the chunk, from 1."""
    url: str = attrs.field(repr=False)
    """Presigned URL for one PUT."""
    expires_at: datetime | None = None
    """When the URL expires, about an hour after its creation."""


@attrs.frozen(kw_only=True)
class UploadSession(Model):
    """A new multipart upload."""

    upload_id: str
    """Id of the upload, valid for a day."""
    asset_id: str
    """Id of the future asset; it cannot be used until the upload is complete."""
    chunk_size: int
    """Size of a chunk in bytes; the last one may be smaller."""
    total_chunks: int
    """Number of chunks."""
    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    """The first presigned URLs; large files need more."""
    upload_headers: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Headers to send with each chunk."""
    expires_at: datetime | None = None
    """When the upload expires."""


@attrs.frozen(kw_only=True)
class PresignedUrls(Model):
    """More presigned URLs for an upload."""

    upload_urls: tuple[PresignedUrlChunk, ...] = ()
    """The presigned URLs."""
    upload_id: str | None = None
    """Id of the upload."""
    start_index: int | None = None
    """Number of the first chunk."""
    count: int | None = None
    """Number of URLs."""
    generated_at: datetime | None = None
    """When the URLs were created."""
    expires_at: datetime | None = None
    """When the URLs expire."""


@attrs.frozen(kw_only=True)
class CompletedChunk(Model):
    """An uploaded chunk, to be reported to the platform."""

    chunk_index: int
    """Number of the chunk, from 1."""
    proof: str
    """The `ETag` that storage returned, without quotes."""
    chunk_size: int
    """Number of bytes sent."""
    proof_type: ProofType = "etag"
    """Kind of proof."""


@attrs.frozen(kw_only=True)
class ReportedChunks(Model):
    """Response to a report of uploaded chunks."""

    processed_chunks: int = 0
    """Number of chunks in the report that were new."""
    duplicate_chunks: int = 0
    """Number of chunks in the report that were reported before."""
    total_completed: int = 0
    """Number of chunks reported so far."""
    asset_id: str | None = None
    """Id of the future asset."""
    url: str | None = None
    """URL of the complete file; None until every chunk is reported."""


@attrs.frozen(kw_only=True)
class ChunkInfo(Model):
    """Status of one chunk."""

    index: int
    """Number of the chunk, from 1."""
    status: ChunkStatus
    """Current status."""
    uploaded_at: datetime | None = None
    """When it was uploaded; None until then."""
    updated_at: datetime | None = None
    """When the status last changed."""
    error: str | None = None
    """The error; None unless it failed."""


@attrs.frozen(kw_only=True)
class UploadStatus(Model):
    """Status of an upload, and one page of its chunks."""

    upload_id: str
    """Id of the upload."""
    status: UploadSessionStatus
    """Current status."""
    uploaded_chunks: tuple[ChunkInfo, ...] = ()
    """The chunks of this page."""
    chunks_completed: int = 0
    """Number of chunks that were uploaded and reported."""
    chunks_failed: int = 0
    """Number of chunks that failed."""
    chunks_pending: int = 0
    """Number of chunks that are missing."""
    total_size: int | None = None
    """Size of the file, in bytes."""
    uploaded_size: int | None = None
    """Number of bytes uploaded."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """Time of the last change."""
    page_info: PageInfo = attrs.field(factory=PageInfo)
    """Position of this page of chunks."""


@attrs.frozen(kw_only=True)
class IncompleteUpload(Model):
    """An incomplete upload. The platform returns neither its file name nor its asset."""

    upload_id: str
    """Id of the upload."""
    status: UploadSessionStatus
    """Current status."""
    total_size: int
    """Size of the file, in bytes."""
    chunk_size: int
    """Size of a chunk in bytes; the last one may be smaller."""
    total_chunks: int
    """Number of chunks."""
    created_at: datetime | None = None
    """When it was created."""
    expires_at: datetime | None = None
    """When it expires."""

"""Assets: media files on the platform, before any indexing.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model

AssetStatus = Literal["failed", "processing", "ready"]
"""How far an asset is; only a `ready` one can be used."""

AssetMethod = Literal["direct", "url", "multipart", "connector"]
"""How an asset came to the platform."""

CreateMethod = Literal["direct", "url"]
"""How one request makes an asset: from bytes that are sent, or from an address."""

AssetType = Literal["image", "video", "audio", "document"]
"""A kind of file."""

DerivedStatus = Literal["pending", "processing", "ready", "error"]
"""How far something that is made from an asset is."""

TranscriptionStatus = Literal["pending", "processing", "ready", "failed"]
"""How far a transcription is."""

TranscriptionUnit = Literal["words", "sentences", "utterances"]
"""What a transcription can be cut into."""


@attrs.frozen(kw_only=True)
class AssetHls(Model):
    """An asset as a stream."""

    status: DerivedStatus | None = None
    """How far it is."""
    manifest_url: str | None = None
    """Playlist (`.m3u8`); None until it is ready."""


@attrs.frozen(kw_only=True)
class AssetThumbnail(Model):
    """A picture that stands for an asset."""

    status: DerivedStatus | None = None
    """How far it is."""
    representative_url: str | None = None
    """Address of the picture; None until it is ready."""


@attrs.frozen(kw_only=True)
class AssetError(Model):
    """Why an asset failed."""

    message: str = ""
    """The platform's words, which may change."""


@attrs.frozen(kw_only=True)
class AssetSourceDetails(Model):
    """Where a connector found the file."""

    provider: str | None = None
    """Such as `google_drive`."""
    source_id: str | None = None
    """The provider's identifier of the file."""
    original_filename: str | None = None
    """Name the file has there."""
    source_link: str | None = None
    """Address a person can open."""


@attrs.frozen(kw_only=True)
class AssetSource(Model):
    """Where an imported asset came from."""

    type: str | None = None
    """`connector`."""
    details: AssetSourceDetails | None = None
    """What the connector knows of it."""


@attrs.frozen(kw_only=True)
class VideoStream(Model):
    """One video stream of a file."""

    index: int | None = None
    """Number of the stream in the file."""
    codec: str | None = None
    """Codec."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""
    fps: float | None = None
    """Frames a second the stream declares."""
    avg_fps: float | None = None
    """Frames a second on average."""
    duration_seconds: float | None = None
    """Seconds."""
    bitrate_bps: int | None = None
    """Bits a second."""
    rotation: int | None = None
    """Degrees the picture is to be turned."""
    pixel_aspect_ratio: str | None = None
    """Such as `1:1`."""
    display_aspect_ratio: str | None = None
    """Such as `16:9`."""
    scan_type: str | None = None
    """Progressive or interlaced."""
    pixel_format: str | None = None
    """Such as `yuv420p`."""
    bit_depth: int | None = None
    """Bits a channel."""
    color_range: str | None = None
    """Full or limited."""
    color_transfer: str | None = None
    """Transfer characteristics."""
    color_space: str | None = None
    """Matrix of the colours."""
    color_primaries: str | None = None
    """Primaries of the colours."""


@attrs.frozen(kw_only=True)
class AudioStream(Model):
    """One audio stream of a file."""

    index: int | None = None
    """Number of the stream in the file."""
    codec: str | None = None
    """Codec."""
    codec_long: str | None = None
    """Codec, spelled out."""
    sample_rate: int | None = None
    """Samples a second."""
    bit_depth: int | None = None
    """Bits a sample."""
    channels: int | None = None
    """Number of channels."""
    channel_layout: str | None = None
    """Such as `stereo`."""
    bitrate_bps: int | None = None
    """Bits a second."""
    language: str | None = None
    """Language the stream declares."""
    duration_seconds: float | None = None
    """Seconds."""


@attrs.frozen(kw_only=True)
class TechnicalMetadata(Model):
    """What a look into the file revealed; what does not apply to its kind is None."""

    file_size_bytes: int | None = None
    """Size of the file, in bytes."""
    file_mime_type: str | None = None
    """Media type found in the file."""
    file_container_format: str | None = None
    """Such as `mov,mp4,m4a`."""
    container_creation_time: datetime | None = None
    """When the container says it was made."""
    video_streams: tuple[VideoStream, ...] = ()
    """Every video stream in the file."""
    video_codec: str | None = None
    """Codec of the main video stream."""
    video_width: int | None = None
    """Pixels."""
    video_height: int | None = None
    """Pixels."""
    video_fps: float | None = None
    """Frames a second."""
    video_duration_seconds: float | None = None
    """Seconds of picture."""
    video_bitrate_bps: int | None = None
    """Bits a second."""
    audio_streams: tuple[AudioStream, ...] = ()
    """Every audio stream in the file."""
    audio_codec: str | None = None
    """Codec of the main audio stream."""
    audio_sample_rate: int | None = None
    """Samples a second."""
    audio_channels: int | None = None
    """Number of channels."""
    audio_duration_seconds: float | None = None
    """Seconds of sound."""
    start_timecode: str | None = None
    """Timecode of the first frame."""
    timecode_source: str | None = None
    """Where that timecode was found."""
    drop_frame: bool | None = None
    """Whether it is drop-frame timecode."""
    image_width: int | None = None
    """Pixels."""
    image_height: int | None = None
    """Pixels."""
    image_format: str | None = None
    """Such as `jpeg`."""
    image_orientation: int | None = None
    """Orientation as EXIF numbers it."""
    image_color_space: str | None = None
    """Colour space of the picture."""
    image_bit_depth: int | None = None
    """Bits a channel."""
    is_hdr: bool | None = None
    """High dynamic range."""
    has_audio: bool | None = None
    """There is sound."""
    has_alpha: bool | None = None
    """There is transparency."""
    is_animated: bool | None = None
    """More than one frame in an image."""
    total_video_streams: int | None = None
    """Number of video streams."""
    total_audio_streams: int | None = None
    """Number of audio streams."""
    storage_aspect_ratio: float | None = None
    """Width by height of what is stored."""
    geospatial_latitude: float | None = None
    """Degrees north."""
    geospatial_longitude: float | None = None
    """Degrees east."""
    geospatial_altitude_meters: float | None = None
    """Metres above the sea."""
    document_page_count: int | None = None
    """Pages."""
    document_pdf_version: str | None = None
    """Version of PDF."""
    document_page_width_pt: float | None = None
    """Points."""
    document_page_height_pt: float | None = None
    """Points."""
    document_is_tagged: bool | None = None
    """Whether the PDF is tagged."""
    document_is_encrypted: bool | None = None
    """Whether it is encrypted."""
    document_language: str | None = None
    """Language it claims."""
    document_title: str | None = None
    """Title it claims."""
    document_author: str | None = None
    """Author it claims."""
    document_subject: str | None = None
    """Subject it claims."""
    document_keywords: str | None = None
    """Keywords it claims."""
    document_creator_tool: str | None = None
    """Program it was written with."""
    document_producer: str | None = None
    """Program that made the PDF."""
    document_creation_date: datetime | None = None
    """When it says it was made."""
    document_modification_date: datetime | None = None
    """When it says it was last changed."""


@attrs.frozen(kw_only=True)
class Asset(Model):
    """A media file on the platform, as creating one answers it."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: AssetStatus
    """Only a `ready` asset can be indexed or used otherwise."""
    method: AssetMethod | None = None
    """How it came to the platform."""
    filename: str | None = None
    """Name of the file."""
    file_type: str | None = None
    """Media type, such as `video/mp4`."""
    created_at: datetime | None = None
    """When the platform took it."""
    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    source: AssetSource | None = None
    """Where a connector found it; None for all that were uploaded."""


@attrs.frozen(kw_only=True)
class AssetDetail(Asset):
    """A media file on the platform, with all that is known about it."""

    size: int | None = None
    """Bytes; None until it is ready."""
    duration: float | None = None
    """Seconds; None until it is ready, and for what has no length."""
    hls: AssetHls | None = None
    """The stream, if one was asked for."""
    thumbnail: AssetThumbnail | None = None
    """The picture, if one was asked for."""
    technical_metadata: TechnicalMetadata | None = None
    """What a look into the file revealed; None while it is processed."""
    error: AssetError | None = None
    """Why it failed; None unless it did."""


@attrs.frozen(kw_only=True)
class AssetTranscriptionEntry(Model):
    """A word, or a sentence."""

    start: float
    """Where it begins, in seconds."""
    end: float
    """Where it ends, in seconds."""
    value: str
    """What was said."""


@attrs.frozen(kw_only=True)
class AssetTranscriptionUtterance(AssetTranscriptionEntry):
    """What one speaker said in one go."""

    speaker: str | None = None
    """Label of the speaker; None when nobody knows."""


@attrs.frozen(kw_only=True)
class AssetTranscriptionError(Model):
    """Why a transcription failed."""

    message: str = ""
    """The platform's words, which may change."""


@attrs.frozen(kw_only=True)
class AssetTranscription(Model):
    """What is said in an asset; only the units asked for are there."""

    status: TranscriptionStatus
    """How far it is."""
    words: tuple[AssetTranscriptionEntry, ...] = ()
    """Word by word."""
    sentences: tuple[AssetTranscriptionEntry, ...] = ()
    """Sentence by sentence."""
    utterances: tuple[AssetTranscriptionUtterance, ...] = ()
    """Speaker by speaker."""
    error: AssetTranscriptionError | None = None
    """Why it failed; None unless it did."""

"""Media files and images: their properties, read from headers or guessed from names, sizes and URLs."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from twelvelabs_async.emulator._state import deterministic

HEADER_SIZE: Final = 1 << 20
"""Bytes at the beginning of a file that contain its header; metadata may come before the dimensions."""
ANALYSIS_FORMATS: Final = ("JPEG", "PNG", "WebP", "GIF", "BMP")
_FORMATS_BY_CONTAINER: Final = {name.lower(): name for name in ANALYSIS_FORMATS} | {"bitmap": "BMP"}
_FORMATS_BY_MIME: Final = {f"image/{name.lower()}": name for name in ANALYSIS_FORMATS}
_NO_FRAME_MARKERS: Final = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers among those of frames that begin no frame."""


MIB = 1 << 20

GIB = 1 << 30

MIME_TYPES = {
    "video": {
        "mp4": "video/mp4",
        "m4v": "video/x-m4v",
        "mov": "video/quicktime",
        "mkv": "video/x-matroska",
        "webm": "video/webm",
        "avi": "video/x-msvideo",
        "mpg": "video/mpeg",
        "mpeg": "video/mpeg",
        "ts": "video/mp2t",
        "mts": "video/mp2t",
        "m3u8": "application/vnd.apple.mpegurl",
        "wmv": "video/x-ms-wmv",
        "flv": "video/x-flv",
        "3gp": "video/3gpp",
        "mxf": "application/mxf",
    },
    "audio": {
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "flac": "audio/flac",
        "m4a": "audio/mp4",
        "aac": "audio/aac",
        "ogg": "audio/ogg",
        "opus": "audio/opus",
    },
    "image": {
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "png": "image/png",
        "webp": "image/webp",
        "gif": "image/gif",
        "bmp": "image/bmp",
    },
    "document": {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown"},
}
"""Kind of asset -> extension -> MIME type. The `mimetypes` module is not used, because its table differs between
machines."""

OTHER_IMAGE_TYPES = {
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heif",
    "avif": "image/avif",
}
"""Extension -> MIME type of images that no model accepts."""

PDF = MIME_TYPES["document"]["pdf"]

DEFAULT_EXTENSIONS = {"video": "mp4", "audio": "wav", "image": "png", "document": "pdf"}
"""Kind -> extension that is assumed for a name without a known one."""


_GUESSED_BITRATE = 1_000_000

_GUESSED_FPS = 25.0

_SEGMENT_SECONDS = 6.0

_MAX_SEGMENTS = 10_000

UserMetadata = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and dimensions of an image; 0 if the header is incomplete."""

    format: str
    width: int
    height: int


def read_header(path: Path) -> ImageHeader | None:
    """Return the header of an image file, `None` for another file."""
    with path.open("rb") as opened:
        return parse_header(opened.read(HEADER_SIZE))


def parse_header(content: bytes) -> ImageHeader | None:
    """Return the header of an image in one of `ANALYSIS_FORMATS`, `None` for other content."""
    if content.startswith(b"\xff\xd8\xff"):
        return ImageHeader("JPEG", *_jpeg_size(content))
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageHeader("PNG", *_unpack(">2I", content, 16))
    if content.startswith((b"GIF87a", b"GIF89a")):
        return ImageHeader("GIF", *_unpack("<2H", content, 6))
    if content.startswith(b"BM"):
        core = content[14:18] == b"\x0c\0\0\0"
        width, height = _unpack("<2H" if core else "<2i", content, 18)
        return ImageHeader("BMP", width, abs(height))
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return ImageHeader("WebP", *_webp_size(content))
    return None


def _unpack(layout: str, content: bytes, offset: int) -> tuple[int, int]:
    if len(content) < offset + struct.calcsize(layout):
        return 0, 0
    width, height = struct.unpack_from(layout, content, offset)
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_MARKERS:
            height, width = _unpack(">2H", content, position + 5)
            return width, height
        fill = marker == 0xFF
        position += 1 if fill else 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return 0, 0


def _webp_size(content: bytes) -> tuple[int, int]:
    match content[12:16]:
        case b"VP8 ":
            width, height = _unpack("<2H", content, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if len(content) >= 25:
            bits = int.from_bytes(content[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(content) >= 30:
            return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
        case _:
            return 0, 0


def header_of(media: Media) -> ImageHeader:
    """Return the format and dimensions of an inspected or guessed image; the format is empty if it is another one."""
    by_container = _FORMATS_BY_CONTAINER.get((media.container or "").lower(), "")
    name = _FORMATS_BY_MIME.get(media.mime, "") if media.is_guessed else by_container
    return ImageHeader(name, media.width or 0, media.height or 0)


def filename_of(url: str) -> str:
    """Return the last segment of the path of a URL, `download` if it is empty."""
    return PurePosixPath(unquote(urlsplit(url).path)).name or "download"


MIN_DURATION, MAX_DURATION = 4.0, 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Passage:
    """Description or speech from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Properties of a file; `None` if a property is unknown or does not apply to the kind."""

    kind: str
    """`video`, `audio`, `image` or `document`."""
    mime: str
    size: int
    """Bytes."""
    digest: str
    """Hash of the content."""
    duration: float | None = None
    """Seconds."""
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    container: str | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    problem: str | None = None
    """Reason why the platform would reject the asset; `None` if it would accept it."""
    scenes: tuple[Passage, ...] = ()
    """Described scenes; empty without a description."""
    transcript: tuple[Passage, ...] = ()
    """Described speech; empty without a description."""

    @property
    def is_guessed(self) -> bool:
        """Whether the properties are guessed because the file was not inspected."""
        return self.container is None

    @property
    def has_audio(self) -> bool:
        """Whether the file has an audio track."""
        return self.audio_codec is not None


@dataclass(slots=True, kw_only=True)
class Asset:
    """A completely uploaded file."""

    id: str
    method: str
    filename: str
    media: Media
    created_at: float
    user_metadata: UserMetadata
    hls: bool
    thumbnail: bool
    retried_at: float | None = None
    """When a failed import was retried; `None` if it was not."""
    is_finished: bool = False
    """Whether it is ready whatever the timing is: it was added by a test, not uploaded."""


def playlist_url(account_url: str, asset: Asset) -> str:
    """Return the URL of the HLS stream of an asset."""
    return f"{account_url}/assets/{asset.id}/hlses/playlist.m3u8"


def thumbnail_url(account_url: str, asset: Asset, name: str = "1") -> str:
    """Return the URL of the thumbnail of an asset; there is one, whatever its name is."""
    return f"{account_url}/assets/{asset.id}/thumbnails/{name}.jpeg"


def detect_kind(filename: str) -> tuple[str, str] | None:
    """Return the kind and MIME type for a file extension, or `None` for an unknown extension."""
    extension = extension_of(filename)
    return next(((kind, types[extension]) for kind, types in MIME_TYPES.items() if extension in types), None)


def guess_kind(filename: str) -> tuple[str, str] | None:
    """Return the kind and MIME type for a file extension, also of other images, or `None` for an unknown extension."""
    other_image = OTHER_IMAGE_TYPES.get(extension_of(filename))
    return detect_kind(filename) if other_image is None else ("image", other_image)


def extension_of(filename: str) -> str:
    return PurePosixPath(filename).suffix.lower().removeprefix(".")


def guess_duration(size: int) -> float:
    """Guess the duration of a file of a size in bytes: by a bit rate of 1 Mbit/s, but at least 4 seconds."""
    return max(MIN_DURATION, round(size * 8 / _GUESSED_BITRATE, 3))


def guess_media(filename: str, size: int, digest: str) -> Media:
    """Guess the properties of a file from its name and size.

    A video has a bit rate of 1 Mbit/s, a duration of at least 4 seconds, a resolution of 1280x720 and an audio track.
    A file with an unknown extension is treated as a video.
    """
    kind, mime = guess_kind(filename) or ("video", "video/mp4")
    media = Media(kind=kind, mime=mime, size=size, digest=digest)
    match kind:
        case "video":
            return replace(
                media,
                duration=guess_duration(size),
                width=1280,
                height=720,
                fps=_GUESSED_FPS,
                video_codec="h264",
                audio_codec="aac",
                sample_rate=48_000,
                channels=2,
            )
        case "audio":
            return replace(media, duration=guess_duration(size), audio_codec="aac")
        case "image":
            return replace(media, width=1280, height=720)
        case _:
            return media


def guess_remote_media(filename: str, url: str) -> Media:
    """Guess the properties of a file from its URL, which is never fetched.

    The URL determines a duration of 30 to 299 seconds, and the duration determines the size.
    """
    seconds = 30 + deterministic.stable_int("duration", url) % 270
    return guess_media(filename, seconds * _GUESSED_BITRATE // 8, f"{deterministic.stable_int('content', url):016x}")


def guess_media_of_duration(filename: str, seconds: float) -> Media:
    """Guess the properties of a file from its name and duration."""
    digest = f"{deterministic.stable_int('content', filename, seconds):016x}"
    media = guess_media(filename, round(seconds * _GUESSED_BITRATE / 8), digest)
    return media if media.duration is None else replace(media, duration=round(float(seconds), 3))


def equal_segments(duration: float, limit: int = _MAX_SEGMENTS) -> list[tuple[float, float]]:
    """Divide a duration into at most `limit` equal segments of about 6 seconds; return the start and end of each."""
    count = max(1, round(min(duration / _SEGMENT_SECONDS, limit)))
    return [(round(duration * i / count, 3), round(duration * (i + 1) / count, 3)) for i in range(count)]

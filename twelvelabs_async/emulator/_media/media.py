"""Properties of media files, and the platform's rules for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from twelvelabs_async.emulator._state import deterministic

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
DEFAULT_EXTENSIONS = {"video": "mp4", "audio": "wav", "image": "png", "document": "pdf"}
"""Kind -> extension that is assumed for a name without a known one."""

MAX_UPLOAD_SIZES = {
    "direct": {"video": 200 * MIB, "audio": 200 * MIB, "document": 200 * MIB, "image": 32 * MIB},
    "multipart": {"video": 10 * GIB, "audio": 10 * GIB, "image": 32 * MIB},
}
"""Maximum file size in bytes, by upload method and kind."""

MIN_DURATION, MAX_DURATION = 4.0, 4 * 3600.0
MIN_SIDE = 360
MAX_LONG_SIDE, MAX_SHORT_SIDE = 5184, 2160
MAX_ASPECT_RATIO = 2.4

_GUESSED_BITRATE = 1_000_000
_GUESSED_FPS = 25.0
_SEGMENT_SECONDS = 6.0
_MAX_SEGMENTS = 10_000

UserMetadata = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class Rejection:
    """Reason why a valid file cannot be indexed."""

    code: str
    message: str


def detect_kind(filename: str) -> tuple[str, str] | None:
    """Return the kind and MIME type for a file extension, or `None` for an unknown extension."""
    extension = _extension_of(filename)
    for kind, types in MIME_TYPES.items():
        if extension in types:
            return kind, types[extension]
    return None


def guess_kind(filename: str) -> tuple[str, str] | None:
    """Return the kind and MIME type for a file extension, also of other images, or `None` for an unknown extension."""
    other_image = OTHER_IMAGE_TYPES.get(_extension_of(filename))
    return detect_kind(filename) if other_image is None else ("image", other_image)


def _extension_of(filename: str) -> str:
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
    duration = guess_duration(size)
    match kind:
        case "video":
            return Media(
                kind=kind,
                mime=mime,
                size=size,
                digest=digest,
                duration=duration,
                width=1280,
                height=720,
                fps=_GUESSED_FPS,
                video_codec="h264",
                audio_codec="aac",
                sample_rate=48_000,
                channels=2,
            )
        case "audio":
            return Media(kind=kind, mime=mime, size=size, digest=digest, duration=duration, audio_codec="aac")
        case "image":
            return Media(kind=kind, mime=mime, size=size, digest=digest, width=1280, height=720)
        case _:
            return Media(kind=kind, mime=mime, size=size, digest=digest)


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


def equal_segments(duration: float) -> list[tuple[float, float]]:
    """Divide a duration into at most 10,000 equal segments of about 6 seconds; return the start and end of each."""
    count = max(1, round(min(duration / _SEGMENT_SECONDS, _MAX_SEGMENTS)))
    return [(round(duration * i / count, 3), round(duration * (i + 1) / count, 3)) for i in range(count)]


def check_indexable(media: Media) -> Rejection | None:
    """Return why a file cannot be indexed with marengo3.0, or `None` if it can."""
    if media.kind not in {"video", "audio"}:
        return Rejection("unsupported_file_type", f"A file of type {media.mime} cannot be indexed.")
    return _check_duration(media.duration or 0.0) or check_resolution(media.width, media.height)


def _check_duration(duration: float) -> Rejection | None:
    if duration < MIN_DURATION:
        return Rejection("video_duration_too_short", f"{duration:g} s is shorter than the {MIN_DURATION:g} s required.")
    if duration > MAX_DURATION:
        return Rejection("video_duration_too_long", f"{duration:g} s is longer than the {MAX_DURATION:g} s allowed.")
    return None


def check_resolution(width: int | None, height: int | None) -> Rejection | None:
    """Return why no model accepts a resolution, or `None` if it is accepted or unknown."""
    if not width or not height:
        return None
    short, long = sorted((width, height))
    if short < MIN_SIDE:
        return Rejection("video_resolution_too_low", f"{width}x{height} is below {MIN_SIDE}x{MIN_SIDE}.")
    if long > MAX_LONG_SIDE or short > MAX_SHORT_SIDE:
        why = f"{width}x{height} is above {MAX_LONG_SIDE}x{MAX_SHORT_SIDE}."
        return Rejection("video_resolution_too_high", why)
    if long / short > MAX_ASPECT_RATIO:
        why = f"{width}x{height} is not between 1:1 and {MAX_ASPECT_RATIO}:1."
        return Rejection("video_resolution_invalid_aspect_ratio", why)
    return None

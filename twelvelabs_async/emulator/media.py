"""What is known of a file, and whether the platform would take it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from twelvelabs_async.emulator import seeded
from twelvelabs_async.emulator.passages import Passage

MIB = 1 << 20
GIB = 1 << 30

TYPES = {
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
"""Kind of asset -> extension -> MIME type. The table is our own: the one of the system differs between machines."""

LIMITS = {
    "direct": {"video": 200 * MIB, "audio": 200 * MIB, "document": 200 * MIB, "image": 32 * MIB},
    "multipart": {"video": 10 * GIB, "audio": 10 * GIB, "image": 32 * MIB},
}
"""Largest file in bytes, by the way it is uploaded and by its kind."""

SHORTEST, LONGEST = 4.0, 4 * 3600.0
LEAST_SIDE = 360
MOST_LONG_SIDE, MOST_SHORT_SIDE = 5184, 2160
MOST_STRETCHED = 2.4

_GUESSED_BITRATE = 1_000_000
_GUESSED_FPS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file by its properties; `None` is what does not apply to its kind, or is not known."""

    kind: str
    """`video`, `audio`, `image` or `document`."""
    mime: str
    size: int
    """Bytes."""
    digest: str
    """A hash that stands for the content."""
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
    """Why the platform would fail the asset."""
    scenes: tuple[Passage, ...] = ()
    """What is to be seen, if somebody told."""
    lines: tuple[Passage, ...] = ()
    """What is said, if somebody told."""

    @property
    def guessed(self) -> bool:
        """Say whether nobody looked into the file."""
        return self.container is None

    @property
    def has_sound(self) -> bool:
        """Say whether there is anything to hear."""
        return self.audio_codec is not None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a sound file cannot be indexed."""

    code: str
    message: str


def kind_of(filename: str) -> tuple[str, str] | None:
    """Return kind and MIME type by the extension, or `None` for an extension nobody knows."""
    extension = PurePosixPath(filename).suffix.lower().removeprefix(".")
    for kind, types in TYPES.items():
        if extension in types:
            return kind, types[extension]
    return None


def guess(filename: str, size: int, digest: str) -> Media:
    """Make up the properties of a file nobody looked into.

    A video is taken for 1 Mbit/s, at least 4 seconds, at 1280x720 with sound; a file of unknown extension for a video.
    """
    kind, mime = kind_of(filename) or ("video", "video/mp4")
    duration = max(SHORTEST, round(size * 8 / _GUESSED_BITRATE, 3))
    match kind:
        case "video":
            return _guessed_video(mime, size, digest, duration)
        case "audio":
            return Media(kind=kind, mime=mime, size=size, digest=digest, duration=duration, audio_codec="aac")
        case "image":
            return Media(kind=kind, mime=mime, size=size, digest=digest, width=1280, height=720)
        case _:
            return Media(kind=kind, mime=mime, size=size, digest=digest)


def _guessed_video(mime: str, size: int, digest: str, duration: float) -> Media:
    return Media(
        kind="video",
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


def guess_remote(filename: str, url: str) -> Media:
    """Make up the properties of a file at a URL, which is never fetched.

    A duration of 30 to 299 seconds follows from the URL, and the size from the duration.
    """
    seconds = 30 + seeded.number("duration", url) % 270
    return guess(filename, seconds * _GUESSED_BITRATE // 8, f"{seeded.number('content', url):016x}")


def rejection(media: Media) -> Rejection | None:
    """Return what keeps a file out of an index of marengo3.0, or `None`."""
    if media.kind not in {"video", "audio"}:
        return Rejection("unsupported_file_type", f"A file of type {media.mime} cannot be indexed.")
    return _wrong_duration(media.duration or 0.0) or _wrong_picture(media.width, media.height)


def _wrong_duration(duration: float) -> Rejection | None:
    if duration < SHORTEST:
        return Rejection("video_duration_too_short", f"{duration:g} s is shorter than the {SHORTEST:g} s required.")
    if duration > LONGEST:
        return Rejection("video_duration_too_long", f"{duration:g} s is longer than the {LONGEST:g} s allowed.")
    return None


def _wrong_picture(width: int | None, height: int | None) -> Rejection | None:
    if not width or not height:
        return None
    short, long = sorted((width, height))
    if short < LEAST_SIDE:
        return Rejection("video_resolution_too_low", f"{width}x{height} is below {LEAST_SIDE}x{LEAST_SIDE}.")
    if long > MOST_LONG_SIDE or short > MOST_SHORT_SIDE:
        why = f"{width}x{height} is above {MOST_LONG_SIDE}x{MOST_SHORT_SIDE}."
        return Rejection("video_resolution_too_high", why)
    if long / short > MOST_STRETCHED:
        why = f"{width}x{height} is not between 1:1 and {MOST_STRETCHED}:1."
        return Rejection("video_resolution_invalid_aspect_ratio", why)
    return None

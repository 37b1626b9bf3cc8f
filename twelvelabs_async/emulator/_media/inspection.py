"""Inspect media files with pymediainfo and create thumbnails with PyAV, if these libraries are installed."""

from __future__ import annotations

import asyncio
import codecs
import importlib
import re
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final

from twelvelabs_async.emulator._media.media import (
    MAX_DURATION,
    PDF,
    Media,
    detect_kind,
    guess_duration,
    guess_media,
    read_header,
)

_PREFIX_SIZE: Final = 4096
_PDF_MARK: Final = b"%PDF"
_PDF_MARK_SIZE: Final = 1024
"""Bytes at the beginning of a PDF file that contain its mark."""
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BINARY: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")
"""Bytes that no text contains, whatever its encoding, unless it begins with a byte order mark."""

_CODECS = {"avc": "h264", "hevc": "hevc", "mpeg audio": "mp3", "mpeg-4 visual": "mpeg4"}

_KINDS = {"Video": "video", "Audio": "audio", "Image": "image"}

_MARKER_SIZE = 4

_ALIAS = b"alis"
"""Marks a track of a QuickTime movie whose frames are in another file."""

_OPAQUE = (b"cmov", b"\x06\x0e\x2b\x34", b"\xd0\xcf\x11\xe0")
"""Mark compressed QuickTime headers, MXF and AAF, which can refer to other files anywhere in their content."""

_MARKERS = re.compile(b"|".join(map(re.escape, (_ALIAS, *_OPAQUE))))

THUMBNAIL_KINDS: Final = frozenset({"video", "image"})

MAX_CACHED: Final = 512
"""Maximum number of cached thumbnails of about 6 kB each."""

_WIDTH: Final = 320

_FORMAT: Final = "yuvj420p"

_NO_EXTERNAL_FILES: Final = {"protocol_whitelist": "none", "enable_drefs": "0"}
"""Options that stop PyAV from opening or fetching other files that a file refers to."""

Track = dict[str, Any]


def document_problem(path: Path, mime: str) -> str | None:
    """Return why the content of a document does not match its MIME type, `None` if it does."""
    with path.open("rb") as opened:
        prefix = opened.read(_PREFIX_SIZE)
    if mime == PDF:
        matches = _PDF_MARK in prefix[:_PDF_MARK_SIZE]
    elif prefix.startswith(_PDF_MARK):
        matches = False
    else:
        matches = prefix.startswith(_BYTE_ORDER_MARKS) or _BINARY.isdisjoint(prefix)
    return None if matches else "The extension of the document does not match its content."


def probe(path: Path, filename: str, size: int, digest: str) -> Media:
    """Return the properties of a file; guess them if pymediainfo is not available."""
    tracks = _read_tracks(path)
    media = guess_media(filename, size, digest) if tracks is None else _build_media(tracks, filename, size, digest)
    if media.problem is not None:
        return media
    if media.kind == "document":
        return replace(media, problem=document_problem(path, media.mime))
    # pymediainfo does not read the dimensions of every image format.
    header = read_header(path) if media.kind == "image" else None
    if header is None:
        return media
    if not header.width or not header.height:
        return replace(media, problem="The image file is broken.")
    return replace(media, width=header.width, height=header.height)


def _read_tracks(path: Path) -> dict[str, Track] | None:
    """Return the first track of each type, or `None` if pymediainfo cannot inspect the file.

    Uploads are untrusted: content that refers to URLs is withheld from the library, which would fetch them.
    """
    try:
        library: Any = importlib.import_module("pymediainfo").MediaInfo
    except ImportError:
        return None
    if not library.can_parse():
        return None
    with path.open("rb") as opened:
        prefix = opened.read(_PREFIX_SIZE)
        return {} if _is_text(prefix) else _parse(library, opened)


class _MaskedFile:
    """A readable file that replaces markers of references to other files with zeros."""

    def __init__(self, file: BinaryIO) -> None:
        self._opened = file
        self.seek = file.seek
        self.tell = file.tell
        self.opaque = False
        """Whether the masked content no longer identifies the file."""

    def read(self, size: int) -> bytes:
        """Return the next bytes; read a few more on both sides to mask markers that cross the edges."""
        begin = self.tell()
        margin = min(begin, _MARKER_SIZE - 1)
        self.seek(begin - margin)
        masked = _MARKERS.sub(self._mask, self._opened.read(margin + size + _MARKER_SIZE - 1))[margin:][:size]
        self.seek(begin + len(masked))
        return masked

    def _mask(self, match: re.Match[bytes]) -> bytes:
        self.opaque |= match[0] in _OPAQUE
        return bytes(_MARKER_SIZE)


def _is_text(prefix: bytes) -> bool:
    """Whether the file could be a playlist: UTF-16 may lack a byte order mark, and UTF-8 may contain a zero byte."""
    marked = prefix.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or prefix.removeprefix(codecs.BOM_UTF8).lstrip(b"\0 \t\r\n")[:1] in {b"#", b"<"}:
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(prefix)  # the prefix may end within a character
    except UnicodeDecodeError:
        return False
    return "\0" not in text


def _parse(library: Any, source: BinaryIO) -> dict[str, Track] | None:
    found: dict[str, Track] = {}
    file = _MaskedFile(source)
    try:
        for track in library.parse(file).to_data()["tracks"]:
            found.setdefault(track["track_type"], track)
    except (RuntimeError, OSError, SyntaxError):  # ElementTree.ParseError is a SyntaxError
        return None
    return None if file.opaque else found


def _build_media(tracks: dict[str, Track], filename: str, size: int, digest: str) -> Media:
    kinds = [kind for name, kind in _KINDS.items() if name in tracks]
    known = detect_kind(filename)
    if known is None and not kinds:
        mime = "application/octet-stream"
        return Media(kind="document", mime=mime, size=size, digest=digest, problem="The file type is not supported.")
    kind, mime = known or (kinds[0], f"{kinds[0]}/{_extension(tracks)}")
    media = Media(kind=kind, mime=mime, size=size, digest=digest)
    if kind == "document":
        return media
    if kind not in kinds:
        return replace(media, problem=f"The {kind} file is broken.")
    general, audio = tracks.get("General", {}), tracks.get("Audio", {})
    image = tracks.get("Video") or (tracks.get("Image", {}) if kind == "image" else {})  # not the cover of a song
    return replace(
        media,
        duration=None if kind == "image" else _duration(tracks, size),
        width=_as_int(image.get("width")),
        height=_as_int(image.get("height")),
        fps=float(image["frame_rate"]) if "frame_rate" in image else None,
        container=general.get("format"),
        video_codec=_codec(image),
        audio_codec=_codec(audio),
        sample_rate=_as_int(audio.get("sampling_rate")),
        channels=_as_int(audio.get("channel_s")),
    )


def _extension(tracks: dict[str, Track]) -> str:
    formats = str(tracks.get("General", {}).get("format", "unknown")).lower()
    return "mp4" if formats == "mpeg-4" else formats.replace(" ", "-")


def _duration(tracks: dict[str, Track], size: int) -> float:
    """Return the duration in seconds.

    Some formats do not state it, for example AAC in ADTS, raw H.264 and Matroska of a live stream. The platform decodes
    such a file; the emulator guesses, within the limits of indexing.
    """
    durations = [tracks.get(name, {}).get("duration") for name in ("Video", "Image", "Audio", "General")]
    known = next((float(duration) for duration in durations if duration), 0.0)
    return round(known / 1000, 3) if known else min(guess_duration(size), MAX_DURATION)


def _codec(track: Track) -> str | None:
    name = str(track.get("format", "")).lower()
    return _CODECS.get(name, name) or None


def _as_int(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


class ThumbnailCache:
    """The most recently created thumbnails, by the digest of the media file."""

    def __init__(self) -> None:
        self.available: bool = find_spec("av") is not None
        self._cache: dict[str, bytes] = {}

    def get(self, digest: str) -> bytes | None:
        """Return a cached thumbnail as JPEG, or `None`."""
        return self._cache.get(digest)

    async def create(self, path: Path, digest: str) -> bytes | None:
        """Create and cache the thumbnail of a file, or return `None` if that is not possible.

        The oldest thumbnails are evicted when the cache is full.
        """
        thumbnail = await asyncio.to_thread(make_thumbnail, path) if self.available else None
        if thumbnail is not None:
            self._cache[digest] = thumbnail
        while len(self._cache) > MAX_CACHED:
            del self._cache[next(iter(self._cache))]
        return thumbnail


def make_thumbnail(path: Path) -> bytes | None:
    """Return the first frame of a file as a small JPEG, or `None` if no frame can be decoded."""
    library: Any = importlib.import_module("av")
    try:
        with path.open("rb") as opened, library.open(opened, options=_NO_EXTERNAL_FILES) as container:
            frame = next(container.decode(video=0))
        height = max(2, round(frame.height * _WIDTH / frame.width / 2) * 2)
        small = frame.reformat(width=_WIDTH, height=height, format=_FORMAT)
        small.pts = 0
        encoder = library.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = _WIDTH, height, _FORMAT, Fraction(1)
        return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))
    except (library.FFmpegError, IndexError, StopIteration, ValueError):
        return None

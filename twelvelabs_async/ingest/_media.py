"""Reads the properties of a file: its container, kind, duration and resolution.

pymediainfo, from the extra `media`, reads containers; without it only the name, the size and the first bytes are known.
"""

from __future__ import annotations

import codecs
import errno
import importlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest._urls import filename_from_url
from twelvelabs_async.uploads._strategy import MediaType, media_type


@attrs.frozen(kw_only=True)
class Media:
    """Properties of a file or URL; None stands for unknown."""

    name: str
    """Name without folders."""
    size: int | None = None
    """Bytes."""
    kind: MediaType | None = None
    """Media type of the content if it was read, otherwise of the extension."""
    inspected: bool = False
    """Whether the content was read; if not, the properties below are unknown."""
    container: str | None = None
    """Container, such as `MPEG-4` or `Matroska`."""
    seconds: float | None = None
    """Duration in seconds."""
    width: int | None = None
    """Width in pixels, before any rotation."""
    height: int | None = None
    """Height in pixels, before any rotation."""
    no_streams: bool = False
    """Whether the file has neither video nor audio."""
    truncated: bool = False
    """Whether the file seems to be shorter than its header says. Complete recordings may seem so, too."""
    unrecognized: bool = False
    """Whether the content was read and is of no known format."""

    @property
    def estimated_seconds(self) -> float | None:
        """Duration in seconds, estimated from the size if it is unknown; None for a URL or an unknown media type."""
        bitrate = ASSUMED_BITRATES.get(self.kind) if self.kind else None
        if self.seconds is not None or self.size is None or bitrate is None:
            return self.seconds
        return self.size * 8 / bitrate


ASSUMED_BITRATES: Final[Mapping[MediaType, int]] = {"video": 4_000_000, "audio": 128_000}
"""Bits per second of media whose duration is unknown."""

HEADER_SIZE: Final = 4096
"""Bytes at the beginning of a file that are read to detect its format."""

_MP4_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})

_SIGNATURES: Final[Mapping[bytes, MediaType]] = {
    b"\x1a\x45\xdf\xa3": "video",  # Matroska, WebM
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "video",  # ASF, WMV
    b"FLV\x01": "video",
    b".RMF": "video",
    b"\x06\x0e\x2b\x34": "video",  # MXF
    b"\x1f\x07\x00": "video",  # DV
    b"\0\0\x01\xba": "video",  # MPEG program stream
    b"\0\0\x01\xb3": "video",  # MPEG video
    b"\0\0\0\x01": "video",  # H.264, H.265
    b"\0\0\x01": "video",
    b"OggS": "video",
    b"ID3": "audio",
    b"fLaC": "audio",
    b"MAC ": "audio",
    b"#!AMR": "audio",
    b"FORM": "audio",  # AIFF
    b"caff": "audio",
    b".snd": "audio",
    b"\x0b\x77": "audio",  # AC-3
    **{bytes((0xFF, second)): "audio" for second in (0xF1, 0xF9, 0xF2, 0xF3, 0xFA, 0xFB, 0xFC, 0xFD)},  # AAC, MP3
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"%PDF": "document",
}
"""Kinds of files by their first bytes."""

MARKER_LENGTH: Final = 4
"""Length of each marker in `REFERENCE_MARKERS`, in bytes."""

REFERENCE_MARKERS: Final = re.compile(rb"alis|cmov|\x06\x0e\x2b\x34|\xd0\xcf\x11\xe0")
"""Markers of references to other files in QuickTime, compressed QuickTime headers, MXF and AAF.

The library opens the files and URLs that a media file refers to. `MaskedFile` hides the references, so that validating
a file reads no other file and sends no request.
"""

_UTF8: Final = codecs.getincrementaldecoder("utf-8")

_Track = Mapping[str, Any]


class MaskedFile:
    """A file for the library to read, with its references to other files masked."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek: Callable[..., int] = file.seek
        self.tell: Callable[[], int] = file.tell
        self.masked_too_much: bool = False
        """Whether the library may be unable to recognize the file because of what was masked."""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes, and mask markers in them, including those that cross the edges of the block."""
        position = self.tell()
        overlap = min(position, MARKER_LENGTH - 1)
        self.seek(position - overlap)
        content = self._file.read(overlap + size + MARKER_LENGTH - 1)
        block = REFERENCE_MARKERS.sub(self._mask, content)[overlap : overlap + size]
        self.seek(position + len(block))
        return block

    def _mask(self, match: re.Match[bytes]) -> bytes:
        self.masked_too_much |= match[0] != b"alis"  # without an external track the header is still complete
        return bytes(MARKER_LENGTH)


def media_from_url(url: str) -> Media:
    """Return what a URL says about its file; sends no request."""
    name = filename_from_url(url)
    return Media(name=name, kind=_guess_type(name))


def media_of_object(name: str, size: int | None) -> Media:
    """Return what the name of an object in a bucket says about it; sends no request."""
    return Media(name=name, size=size, kind=_guess_type(name))


def probe_file(path: str | os.PathLike[str]) -> Media:
    """Read the properties of a file. Blocks: call it in a thread.

    Raises:
        OSError: The file cannot be read.
    """
    file_path = Path(path)
    if file_path.exists() and not file_path.is_file():  # opening a named pipe would block
        raise OSError(errno.EINVAL, "not a regular file")
    with file_path.open("rb") as file:
        header = file.read(HEADER_SIZE)
        media = Media(name=file_path.name, size=os.fstat(file.fileno()).st_size, kind=_guess_type(file_path.name))
        if not header:
            return media
        if _is_text(header):
            return attrs.evolve(media, inspected=True, no_streams=True)
        detected = type_of_content(header)
        media = attrs.evolve(media, kind=media.kind or detected)
        tracks = _read_tracks(file)
    if tracks is None:
        return media
    if not any("format" in track for track in tracks if track["track_type"] == "General"):
        return attrs.evolve(media, unrecognized=detected is None)
    return media_from_tracks(media, tracks)


def _guess_type(name: str) -> MediaType | None:
    try:
        return media_type(name)
    except InvalidInputError:
        return None


def is_media_library_installed() -> bool:
    """Return whether containers can be read."""
    try:
        library: Any = importlib.import_module("pymediainfo").MediaInfo
        return bool(library.can_parse())
    except ImportError:
        return False


def detect_media_type(path: str | os.PathLike[str]) -> MediaType:
    """Return the kind of a file by its extension, or by its content if the extension is unknown. Blocks.

    A file whose content is unknown, too, counts as video: the platform decides.

    Raises:
        OSError: The file cannot be read.
    """
    kind = _guess_type(Path(path).name)
    if kind is None:
        with Path(path).open("rb") as file:
            kind = type_of_content(file.read(HEADER_SIZE))
    return kind or "video"


def type_of_content(header: bytes) -> MediaType | None:
    """Return the kind of a file by the bytes that it begins with; None if they belong to no known format."""
    if header[4:8] in _MP4_BOXES:
        return "audio" if header[4:8] == b"ftyp" and header[8:11] in {b"M4A", b"M4B"} else "video"
    if any(header[start : start + 188 * 3 : 188] == b"GGG" for start in (0, 4)):  # packets of MPEG-TS and of M2TS
        return "video"
    if header.startswith(b"RIFF"):
        return "video" if header[8:12] == b"AVI " else "audio" if header[8:12] == b"WAVE" else None
    return next((kind for start, kind in _SIGNATURES.items() if header.startswith(start)), None)


def _is_text(header: bytes) -> bool:
    """Return whether a file is text in any encoding: it may be a playlist or another list of files."""
    if header.startswith((b"\xff\xfe", b"\xfe\xff")) or header.lstrip(b"\0\xef\xbb\xbf \t\r\n").startswith(
        (b"#", b"<")
    ):
        return True
    try:
        return "\0" not in _UTF8().decode(header)  # an incremental decoder accepts an incomplete last character
    except UnicodeDecodeError:
        return False


def _read_tracks(file: BinaryIO) -> list[_Track] | None:
    """Return the tracks of a file; None if the library is missing or fails."""
    try:
        library: Any = importlib.import_module("pymediainfo").MediaInfo
        if not library.can_parse():
            return None
        masked = MaskedFile(file)
        # Given a path, the library would read files with consecutive numbers as one file.
        tracks: list[_Track] = library.parse(masked, parse_speed=0).to_data()["tracks"]
    except (ImportError, RuntimeError, OSError, SyntaxError):  # SyntaxError: its XML parser failed
        return None
    return None if masked.masked_too_much else tracks


def media_from_tracks(media: Media, tracks: Sequence[_Track]) -> Media:
    """Add what the tracks of a file say; the image of a video is that of its longest track, never that of a cover."""
    general = next(track for track in tracks if track["track_type"] == "General")
    videos = [track for track in tracks if track["track_type"] == "Video" and not _is_cover(track)]
    sounds = [track for track in tracks if track["track_type"] == "Audio"]
    stills = [track for track in tracks if track["track_type"] in {"Video", "Image"} and track not in videos]
    kind: MediaType | None = "video" if videos else "audio" if sounds else "image" if stills else media.kind
    images = videos or ([] if sounds else stills)
    shown: _Track = max(images, key=_track_seconds) if images else {}
    return attrs.evolve(
        media,
        kind=kind,
        inspected=True,
        container=general.get("format"),
        seconds=max(map(_track_seconds, [*videos, *sounds]), default=0.0) or _track_seconds(general) or None,
        width=_int_or_none(shown.get("width")),
        height=_int_or_none(shown.get("height")),
        no_streams=not (videos or sounds or stills),
        truncated=general.get("istruncated") == "Yes",
    )


def _is_cover(track: _Track) -> bool:
    """Return whether a video track is a single image, such as the cover of a podcast."""
    is_image = track.get("format") in {"JPEG", "PNG", "GIF", "BMP", "WebP"}
    return str(track.get("frame_count")) == "1" or (is_image and not _track_seconds(track))


def _track_seconds(track: _Track) -> float:
    return float(track.get("duration") or 0) / 1000


def _int_or_none(value: object) -> int | None:
    return value if isinstance(value, int) else None

"""Looking into a file with pymediainfo, if it is installed."""

from __future__ import annotations

import asyncio
import codecs
import importlib
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from twelvelabs_async.emulator.media import Media, guess, kind_of

if TYPE_CHECKING:
    from pathlib import Path

_CODECS = {"avc": "h264", "hevc": "hevc", "mpeg audio": "mp3", "mpeg-4 visual": "mpeg4"}
_KINDS = {"Video": "video", "Audio": "audio", "Image": "image"}
_START = 4096
_WIDTH = 4
_ALIAS = b"alis"
"""What a track of a QuickTime movie has if its pictures are in another file."""
_OPAQUE = (b"cmov", b"\x06\x0e\x2b\x34", b"\xd0\xcf\x11\xe0")
"""Compressed headers of such movies, and the keys of MXF and AAF, which name other files anywhere."""
_LEADING = re.compile(b"|".join(map(re.escape, (_ALIAS, *_OPAQUE))))

Track = dict[str, Any]


async def probe(path: Path, filename: str, size: int, digest: str) -> Media:
    """Return the properties of a file, guessed ones when the library is not there."""
    tracks = await asyncio.to_thread(_tracks, path)
    if tracks is None:
        return guess(filename, size, digest)
    return _media(tracks, filename, size, digest)


def _tracks(path: Path) -> dict[str, Track] | None:
    """Return the first track of each type, or `None` if there is no library that can tell.

    An upload may come from anybody, so nothing that names addresses is given to the library, which would fetch them.
    """
    try:
        library: Any = importlib.import_module("pymediainfo").MediaInfo
    except ImportError:
        return None
    if not library.can_parse():
        return None
    with path.open("rb") as opened:
        start = opened.read(_START)
        return {} if _is_text(start) else _parsed(library, opened)


class _Masked:
    """A file to read, in which whatever makes the library open others is overwritten with zeros."""

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self.seek = opened.seek
        self.tell = opened.tell
        self.opaque = False
        """Whether what is left does not tell what the file is."""

    def read(self, size: int) -> bytes:
        """Return the next bytes; to mask what is cut by their edges, a few on both sides are looked at."""
        begin = self.tell()
        margin = min(begin, _WIDTH - 1)
        self.seek(begin - margin)
        masked = _LEADING.sub(self._mask, self._opened.read(margin + size + _WIDTH - 1))[margin:][:size]
        self.seek(begin + len(masked))
        return masked

    def _mask(self, found: re.Match[bytes]) -> bytes:
        self.opaque |= found[0] in _OPAQUE
        return bytes(_WIDTH)


def _is_text(start: bytes) -> bool:
    """Say whether it could be a playlist; one of UTF-16 needs no mark, and one of UTF-8 may have a zero in it."""
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or start.removeprefix(codecs.BOM_UTF8).lstrip(b"\0 \t\r\n")[:1] in {b"#", b"<"}:
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)  # the last letter may be cut in two
    except UnicodeDecodeError:
        return False
    return "\0" not in text


def _parsed(library: Any, opened: BinaryIO) -> dict[str, Track] | None:
    found: dict[str, Track] = {}
    file = _Masked(opened)
    try:
        for track in library.parse(file).to_data()["tracks"]:
            found.setdefault(track["track_type"], track)
    except (RuntimeError, OSError, SyntaxError):  # the last one is how its XML parser complains
        return None
    return None if file.opaque else found


def _media(tracks: dict[str, Track], filename: str, size: int, digest: str) -> Media:
    known = kind_of(filename)
    seen = next((kind for name, kind in _KINDS.items() if name in tracks), None)
    if known is None and seen is None:
        mime = "application/octet-stream"
        return Media(kind="document", mime=mime, size=size, digest=digest, problem="The file type is not supported.")
    kind, mime = known or (str(seen), f"{seen}/{_extension(tracks)}")
    if kind == "document":
        return Media(kind=kind, mime=mime, size=size, digest=digest)
    if not any(_KINDS[name] == kind for name in _KINDS if name in tracks):
        return Media(kind=kind, mime=mime, size=size, digest=digest, problem=f"The {kind} file is broken.")
    return _detailed(tracks, Media(kind=kind, mime=mime, size=size, digest=digest))


def _extension(tracks: dict[str, Track]) -> str:
    formats = str(tracks.get("General", {}).get("format", "unknown")).lower()
    return "mp4" if formats == "mpeg-4" else formats.replace(" ", "-")


def _detailed(tracks: dict[str, Track], media: Media) -> Media:
    general, audio = tracks.get("General", {}), tracks.get("Audio", {})
    picture = tracks.get("Video") or tracks.get("Image", {})
    duration = picture.get("duration") or audio.get("duration") or general.get("duration")
    return Media(
        kind=media.kind,
        mime=media.mime,
        size=media.size,
        digest=media.digest,
        duration=None if media.kind == "image" else round(float(duration or 0) / 1000, 3),
        width=_whole(picture.get("width")),
        height=_whole(picture.get("height")),
        fps=float(picture["frame_rate"]) if "frame_rate" in picture else None,
        container=general.get("format"),
        video_codec=_codec(picture),
        audio_codec=_codec(audio),
        sample_rate=_whole(audio.get("sampling_rate")),
        channels=_whole(audio.get("channel_s")),
    )


def _codec(track: Track) -> str | None:
    name = str(track.get("format", "")).lower()
    return _CODECS.get(name, name) or None


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None

"""Looking into a file with pymediainfo, if it is installed."""

from __future__ import annotations

import asyncio
import codecs
import importlib
from typing import TYPE_CHECKING, Any, BinaryIO

from twelvelabs_async.emulator.media import Media, guess, kind_of

if TYPE_CHECKING:
    from pathlib import Path

_CODECS = {"avc": "h264", "hevc": "hevc", "mpeg audio": "mp3", "mpeg-4 visual": "mpeg4"}
_KINDS = {"Video": "video", "Audio": "audio", "Image": "image"}
_START = 4096
_ADDRESSES = b"\x06\x0e\x2b\x34"
"""How MXF begins, whose packages name other files. Such names the library follows, as those of playlists."""

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
        if start.startswith(_ADDRESSES):
            return None
        return {} if _is_text(start) else _parsed(library, opened)


def _is_text(start: bytes) -> bool:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)  # the last letter may be cut in two
    except UnicodeDecodeError:
        return False
    return "\0" not in text


def _parsed(library: Any, opened: BinaryIO) -> dict[str, Track] | None:
    found: dict[str, Track] = {}
    try:
        for track in library.parse(opened).to_data()["tracks"]:
            found.setdefault(track["track_type"], track)
    except (RuntimeError, OSError, SyntaxError):  # the last one is how its XML parser complains
        return None
    return found


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

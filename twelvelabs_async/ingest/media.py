"""What is known of a file before any of it is sent: by its name, its size, and a look inside where a library can.

pymediainfo is used when it is installed (the extra `media`). Without it the name and the size have to do; nothing is
held against a file for what could not be found out.
"""

from __future__ import annotations

import codecs
import errno
import importlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.uploads.plan import MediaType, media_type

GUESSED_BITS: Final[Mapping[MediaType, int]] = {"video": 4_000_000, "audio": 128_000}
"""Bits of a second of media nobody looked into: what a phone or a camera writes when it saves space."""

START: Final = 4096
"""Bytes at the beginning of a file that tell whether it is text."""

LONGEST_NAME: Final = 4
"""Bytes of each name in `NAMING`."""

NAMING: Final = re.compile(rb"alis|cmov|\x06\x0e\x2b\x34|\xd0\xcf\x11\xe0")
"""What stands before the names of other files in QuickTime, in its compressed headers, in MXF and in AAF. The library
opens and fetches whatever it finds so, and what playlists hold; with `Blinkers` on, looking at a file asks nobody."""

_UTF8: Final = codecs.getincrementaldecoder("utf-8")

_TRACKS: Final[Mapping[str, MediaType]] = {"Video": "video", "Audio": "audio", "Image": "image"}

_Track = Mapping[str, Any]


class Blinkers:
    """A file as the library may see it: with nothing in it that leads to others."""

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self.seek: Callable[..., int] = opened.seek
        self.tell: Callable[[], int] = opened.tell
        self.blind: bool = False
        """Whether so much was hidden that the library cannot know what the file is."""

    def read(self, size: int) -> bytes:
        """As of a file; a name that reaches over the edges of what is read is hidden, too."""
        at = self.tell()
        before = min(at, LONGEST_NAME - 1)
        self.seek(at - before)
        seen = self._opened.read(before + size + LONGEST_NAME - 1)
        piece = NAMING.sub(self._hidden, seen)[before : before + size]
        self.seek(at + len(piece))
        return piece

    def _hidden(self, found: re.Match[bytes]) -> bytes:
        self.blind |= found[0] != b"alis"  # of a track elsewhere, the header still tells all
        return bytes(LONGEST_NAME)


@attrs.frozen(kw_only=True)
class Media:
    """A file or an address by its properties; None is what is not known."""

    name: str
    """Without folders."""
    size: int | None = None
    """Bytes."""
    kind: MediaType | None = None
    """What is in it, else what its extension promises."""
    looked: bool = False
    """Whether somebody looked inside; if not, what follows is unknown."""
    container: str | None = None
    """Such as `MPEG-4` or `Matroska`."""
    seconds: float | None = None
    """Duration."""
    width: int | None = None
    """Pixels as stored, before any rotation."""
    height: int | None = None
    """Pixels."""
    empty_inside: bool = False
    """There is neither picture nor sound in it."""
    cut: bool = False
    """It ends before its own header says so."""

    @property
    def estimated_seconds(self) -> float | None:
        """The duration, guessed from the size if nobody looked; None for an address or an unknown kind."""
        bits = GUESSED_BITS.get(self.kind) if self.kind else None
        if self.seconds is not None or self.size is None or bits is None:
            return self.seconds
        return self.size * 8 / bits


def of_address(url: str) -> Media:
    """What an address tells about the file behind it; nothing is fetched."""
    name = unquote(PurePosixPath(urlsplit(url).path).name)
    return Media(name=name, kind=_kind(name))


def of_file(path: str | os.PathLike[str]) -> Media:
    """What a file on disk is. Blocks: call it in a thread.

    Raises:
        OSError: It cannot be read.
    """
    where = Path(path)
    if where.exists() and not where.is_file():  # opening a pipe would wait for somebody to write into it
        raise OSError(errno.EINVAL, "it is no regular file")
    with where.open("rb") as opened:
        start = opened.read(START)
        known = Media(name=where.name, size=os.fstat(opened.fileno()).st_size, kind=_kind(where.name))
        if not start:
            return known
        if _is_text(start):
            return attrs.evolve(known, looked=True, empty_inside=True)
        tracks = _tracks(opened)
    return known if tracks is None else _detailed(known, tracks)


def _is_text(start: bytes) -> bool:
    """Whether it may be a playlist or a description of other files, in whatever encoding."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.lstrip(b"\0\xef\xbb\xbf \t\r\n").startswith((b"#", b"<")):
        return True
    try:
        return "\0" not in _UTF8().decode(start)  # whose last character may be cut in two
    except UnicodeDecodeError:
        return False


def _kind(name: str) -> MediaType | None:
    try:
        return media_type(name)
    except InvalidInputError:
        return None


def _tracks(opened: BinaryIO) -> dict[str, _Track] | None:
    """The first track of each type; None if there is no library, it failed, or has never seen such a file."""
    try:
        library: Any = importlib.import_module("pymediainfo").MediaInfo
        if not library.can_parse():
            return None
        found: dict[str, _Track] = {}
        seen = Blinkers(opened)
        # Given a path it would take files that are numbered in a row for one long one.
        for track in library.parse(seen, parse_speed=0).to_data()["tracks"]:
            found.setdefault(track["track_type"], track)
    except (ImportError, RuntimeError, OSError, SyntaxError):  # the last one is how its XML parser complains
        return None
    return found if "format" in found.get("General", {}) and not seen.blind else None


def _detailed(known: Media, tracks: Mapping[str, _Track]) -> Media:
    general, sound = tracks.get("General", {}), tracks.get("Audio", {})
    picture = tracks.get("Video") or tracks.get("Image", {})
    return attrs.evolve(
        known,
        kind=next((kind for name, kind in _TRACKS.items() if name in tracks), known.kind),
        looked=True,
        container=general.get("format"),
        seconds=max(_seconds(picture), _seconds(sound)) or _seconds(general) or None,
        width=_whole(picture.get("width")),
        height=_whole(picture.get("height")),
        empty_inside=not tracks.keys() & _TRACKS.keys(),
        cut=general.get("istruncated") == "Yes",
    )


def _seconds(track: _Track) -> float:
    return float(track.get("duration") or 0) / 1000


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None

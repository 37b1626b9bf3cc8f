"""Thumbnails, where the library `av` is installed to look at pictures."""

from __future__ import annotations

import asyncio
import importlib
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

KINDS: Final = frozenset({"video", "image"})
MOST: Final = 512
"""Thumbnails that are remembered, of about 6 KB each."""
_WIDTH: Final = 320
_FORMAT: Final = "yuvj420p"
_ALONE: Final = {"protocol_whitelist": "none", "enable_drefs": "0"}
"""Whatever else a file names, be it a movie or a list, is neither opened nor fetched."""


class Pictures:
    """The latest thumbnails, by the content they were made of."""

    def __init__(self) -> None:
        self.possible: bool = find_spec("av") is not None
        self._known: dict[str, bytes] = {}

    def of(self, digest: str) -> bytes | None:
        """Return the thumbnail of some content as JPEG, if there is one."""
        return self._known.get(digest)

    async def take(self, path: Path, digest: str) -> bytes | None:
        """Make the thumbnail of a file, and forget the oldest if there are too many; nothing if that cannot be."""
        made = await asyncio.to_thread(thumbnail, path) if self.possible else None
        if made is not None:
            self._known[digest] = made
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return made


def thumbnail(path: Path) -> bytes | None:
    """Return the first picture of a file, small and as JPEG, or nothing if there is none that can be read."""
    library: Any = importlib.import_module("av")
    try:
        with path.open("rb") as opened, library.open(opened, options=_ALONE) as container:
            frame = next(container.decode(video=0))
        height = max(2, round(frame.height * _WIDTH / frame.width / 2) * 2)
        small = frame.reformat(width=_WIDTH, height=height, format=_FORMAT)
        small.pts = 0
        encoder = library.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = _WIDTH, height, _FORMAT, Fraction(1)
        return b"".join(bytes(packet) for packet in (*encoder.encode(small), *encoder.encode(None)))
    except (library.FFmpegError, IndexError, StopIteration, ValueError):
        return None

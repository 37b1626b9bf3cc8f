"""Decides how a file is sent, before any of it is read. Pure.

Limits as of https://docs.twelvelabs.io/v1.3/api-reference/upload-content. The documentation does not say whether a
megabyte is 10**6 or 2**20 bytes: a way is chosen by the smaller reading, and a file is refused by the larger one.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final, Literal

import attrs

from twelvelabs_async.errors import InvalidInputError

MediaType = Literal["video", "audio", "image", "document"]
"""What a file is, by its extension."""

Way = Literal["direct", "multipart", "url"]
"""One request with the file in it, many to presigned URLs, or an address the platform fetches itself."""

DIRECT_UP_TO: Final = 200 * 10**6
"""Bytes that one request may carry."""

LARGEST: Final[dict[MediaType, int]] = {
    "video": 10 * 2**30,
    "audio": 10 * 2**30,
    "image": 32 * 2**20,
    "document": 200 * 2**20,
}
"""Bytes of a file of each kind that the platform takes at all."""

_EXTENSIONS: Final[dict[MediaType, str]] = {
    "video": "3g2 3gp asf avi dv f4v flv m1v m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf ogv rm rmvb ts vob webm wmv",
    "audio": "aac ac3 aif aiff alac amr ape au caf flac m4a m4b mka mp2 mp3 oga ogg opus wav wma",
    "image": "jpeg jpg png",
    "document": "md pdf txt",
}
_KINDS: Final[dict[str, MediaType]] = {ext: kind for kind, names in _EXTENSIONS.items() for ext in names.split()}
_CONTENT_TYPES: Final = {"mkv": "video/x-matroska", "ts": "video/mp2t", "mts": "video/mp2t", "m4a": "audio/mp4"}


def media_type(filename: str) -> MediaType:
    """What a file is, by its extension.

    Raises:
        InvalidInputError: The extension is none the platform is known to take.
    """
    extension = PurePath(filename).suffix.lower().lstrip(".")
    kind = _KINDS.get(extension)
    if kind is None:
        what = f"extension .{extension}" if extension else "a name without an extension"
        raise InvalidInputError(f"{filename!r}: {what} tells no media type; pass type= if you know it to be one")
    return kind


def content_type(filename: str) -> str:
    """The media type to declare for a file, by its extension."""
    known = _CONTENT_TYPES.get(PurePath(filename).suffix.lower().lstrip("."))
    return known or mimetypes.guess_type(filename)[0] or "application/octet-stream"


def choose(size: int, kind: MediaType, *, filename: str, direct_up_to: int = DIRECT_UP_TO) -> Way:
    """How a file of `size` bytes is sent.

    Raises:
        InvalidInputError: It is empty, or larger than the platform takes.
    """
    if size <= 0:
        raise InvalidInputError(f"{filename!r} is empty")
    if size > LARGEST[kind]:
        raise InvalidInputError(f"{filename!r} has {size} bytes; the platform takes {LARGEST[kind]} of {kind}")
    return "direct" if size <= direct_up_to or kind == "document" else "multipart"


@attrs.frozen
class Chunk:
    """One part of a file."""

    index: int
    """Number, from 1."""
    offset: int
    """First byte."""
    size: int
    """Bytes."""


def chunks(total: int, chunk_size: int) -> Iterator[Chunk]:
    """The parts of a file of `total` bytes: all of `chunk_size` bytes but the last."""
    for index, offset in enumerate(range(0, total, chunk_size), start=1):
        yield Chunk(index, offset, min(chunk_size, total - offset))

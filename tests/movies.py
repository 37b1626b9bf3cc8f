"""QuickTime reference movies, whose tracks are in other files, as written by video editors."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEDIA: Final = Path(__file__).parent / "data" / "media"
_CONTAINER_BOXES: Final = {b"moov", b"trak", b"mdia", b"minf", b"dinf"}


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        yield kind, data[offset + 8 : offset + size]
        offset += size


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def alias_box(path: Path, *, flags: int = 0) -> bytes:
    """Return a data reference to a file; with the flag 1 it refers to its own file."""
    name, volume = path.name.encode(), b"disk"
    record = struct.pack(">4xHHHB27s4xH2x", 0, 2, 0, len(volume), volume, 0x482B)
    record += struct.pack(">4xB63s16xhh16x", len(name), name, 1, 1)
    for kind, text in ((2, volume + b":" + str(path)[1:].replace("/", ":").encode()), (18, str(path).encode())):
        record += struct.pack(">HH", kind, len(text)) + text + bytes(len(text) % 2)
    return box(b"alis", struct.pack(">I", flags) + record + struct.pack(">hH", -1, 0))


def reference_movie(target: Path, *, track_type: bytes = b"", compressed: bool = False) -> bytes:
    """Return a movie without media that refers to the tracks of `target`, only to those of `track_type` if given.

    With `compressed`, its header is compressed.
    """
    movie = _rewrite_boxes(target.read_bytes(), alias_box(target), track_type)
    if not compressed:
        return movie
    parts = dict(boxes(movie))
    header = box(b"moov", parts[b"moov"])
    body = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(header)) + zlib.compress(header))
    return box(b"ftyp", parts[b"ftyp"]) + box(b"moov", box(b"cmov", body))


def _rewrite_boxes(data: bytes, data_reference: bytes, track_type: bytes) -> bytes:
    rewritten = b""
    for kind, body in boxes(data):
        if kind == b"trak" and track_type not in body:
            continue
        if kind in _CONTAINER_BOXES:
            rewritten += box(kind, _rewrite_boxes(body, data_reference, track_type))
        elif kind == b"dref":
            rewritten += box(kind, struct.pack(">II", 0, 1) + data_reference)
        elif kind != b"mdat":
            rewritten += box(kind, body)
    return rewritten

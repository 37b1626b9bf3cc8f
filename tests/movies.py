"""QuickTime movies whose tracks are in other files, as editing programs write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEDIA: Final = Path(__file__).parent / "data" / "media"
_CONTAINER_BOXES: Final = {b"moov", b"trak", b"mdia", b"minf", b"dinf"}


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def alias_box(path: Path, *, flags: int = 0) -> bytes:
    """A data reference to a file; with the flag 1 it is the file it stands in."""
    name, volume = path.name.encode(), b"disk"
    record = struct.pack(">4xHHHB27s4xH2x", 0, 2, 0, len(volume), volume, 0x482B)
    record += struct.pack(">4xB63s16xhh16x", len(name), name, 1, 1)
    for kind, text in ((2, volume + b":" + str(path)[1:].replace("/", ":").encode()), (18, str(path).encode())):
        record += struct.pack(">HH", kind, len(text)) + text + bytes(len(text) % 2)
    return box(b"alis", struct.pack(">I", flags) + record + struct.pack(">hH", -1, 0))


def reference_movie(target: Path, *, track_type: bytes = b"", compressed: bool = False) -> bytes:
    """The header of the movie `target`, which finds its media there; of one kind of track if `track_type` says so.

    Packed, its header is compressed.
    """
    head = _rewrite_boxes(target.read_bytes(), alias_box(target), track_type)
    if not compressed:
        return head
    parts = dict(boxes(head))
    whole = box(b"moov", parts[b"moov"])
    body = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(whole)) + zlib.compress(whole))
    return box(b"ftyp", parts[b"ftyp"]) + box(b"moov", box(b"cmov", body))


def _rewrite_boxes(data: bytes, data_reference: bytes, track_type: bytes) -> bytes:
    out = b""
    for kind, body in boxes(data):
        if kind == b"trak" and track_type not in body:
            continue
        if kind in _CONTAINER_BOXES:
            out += box(kind, _rewrite_boxes(body, data_reference, track_type))
        elif kind == b"dref":
            out += box(kind, struct.pack(">II", 0, 1) + data_reference)
        elif kind != b"mdat":
            out += box(kind, body)
    return out

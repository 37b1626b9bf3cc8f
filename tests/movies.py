"""QuickTime movies whose tracks are in other files, as editing programs write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEDIA: Final = Path(__file__).parent / "data" / "media"
_FOLDERS: Final = {b"moov", b"trak", b"mdia", b"minf", b"dinf"}


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def alias(path: Path, *, flags: int = 0) -> bytes:
    """A data reference to a file; with the flag 1 it is the file it stands in."""
    name, volume = path.name.encode(), b"disk"
    record = struct.pack(">4xHHHB27s4xH2x", 0, 2, 0, len(volume), volume, 0x482B)
    record += struct.pack(">4xB63s16xhh16x", len(name), name, 1, 1)
    for kind, text in ((2, volume + b":" + str(path)[1:].replace("/", ":").encode()), (18, str(path).encode())):
        record += struct.pack(">HH", kind, len(text)) + text + bytes(len(text) % 2)
    return box(b"alis", struct.pack(">I", flags) + record + struct.pack(">hH", -1, 0))


def referring(target: Path, *, only: bytes = b"", packed: bool = False) -> bytes:
    """The header of the movie `target`, which finds its media there; of one kind of track if `only` says so.

    Packed, its header is compressed.
    """
    head = _rewritten(target.read_bytes(), alias(target), only)
    if not packed:
        return head
    parts = dict(boxes(head))
    whole = box(b"moov", parts[b"moov"])
    body = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(whole)) + zlib.compress(whole))
    return box(b"ftyp", parts[b"ftyp"]) + box(b"moov", box(b"cmov", body))


def _rewritten(data: bytes, entry: bytes, only: bytes) -> bytes:
    out = b""
    for kind, body in boxes(data):
        if kind == b"trak" and only not in body:
            continue
        if kind in _FOLDERS:
            out += box(kind, _rewritten(body, entry, only))
        elif kind == b"dref":
            out += box(kind, struct.pack(">II", 0, 1) + entry)
        elif kind != b"mdat":
            out += box(kind, body)
    return out

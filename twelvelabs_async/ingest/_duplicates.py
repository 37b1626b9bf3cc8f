"""Decides whether two files are the same video. A file is called a duplicate only if its content was compared.

Files with the same name, size and modification time may differ: two cameras number their files alike, and copying tools
reset times. The key of a file therefore contains a digest of three samples of it. Most other files have another digest;
the rest are compared byte for byte.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from twelvelabs_async._concurrency import SCAN_THREADS
from twelvelabs_async._system import open_for_reading, uri_to_path
from twelvelabs_async.ingest.ledger import Entry
from twelvelabs_async.ingest.sources import Dedupe, Item
from twelvelabs_async.uploads._source import modified_ns

SAMPLE_SIZE: Final = 64 * 1024
"""Bytes of each sample: at the beginning, in the middle and at the end of a file."""

_BLOCK_SIZE: Final = 2**20


async def compute_dedupe_key(item: Item, dedupe: Dedupe) -> str:
    """Return a key that is equal for files that may be the same; empty if only the path identifies the file.

    Raises:
        OSError: The file cannot be read.
    """
    if item.is_url or dedupe == "path" or (dedupe == "name" and item.has_key):
        return ""
    if item.is_object:
        name = item.name if dedupe == "name" else ""
        return f"object-{item.size}-{item.etag}-{name}" if item.etag else ""
    if dedupe == "name":
        return f"{item.size}-{item.mtime_ns}-{await SCAN_THREADS.run(_sample_digest, item.source)}-{item.name}"
    return await SCAN_THREADS.run(_file_digest, item.source)


async def is_same_video(item: Item, entry: Entry, dedupe: Dedupe) -> bool:
    """Return whether an item has the content of the entry with the same key; no if the other file cannot be read."""
    if dedupe == "content" or item.is_object:  # objects with the same size and ETag have the same content
        return True
    return await SCAN_THREADS.run(have_same_content, item.source, uri_to_path(entry.uri), entry.size, entry.mtime_ns)


def have_same_content(path: str, other: str, size: int, mtime_ns: int) -> bool:
    """Return whether two files have the same content; no if the other one cannot be read or has changed.

    Args:
        path: A file.
        other: The other file.
        size: Size of the other file when it was found, in bytes.
        mtime_ns: Modification time of the other file when it was found, in nanoseconds since the epoch.
    """
    try:
        with _open_regular(path) as file, _open_regular(other) as other_file:
            status = os.fstat(other_file.fileno())
            if (status.st_size, modified_ns(status)) != (size, mtime_ns):
                return False
            return os.path.sameopenfile(file.fileno(), other_file.fileno()) or _have_same_bytes(file, other_file)
    except (OSError, ValueError):
        return False


def _open_regular(path: str) -> io.BufferedReader:
    """Open a file; a pipe or a device may have taken its place, and would never end.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    file = os.fdopen(open_for_reading(Path(path)), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(f"{path} is not a regular file")


def _have_same_bytes(file: BinaryIO, other: BinaryIO) -> bool:
    while block := file.read(_BLOCK_SIZE):
        if block != other.read(_BLOCK_SIZE):
            return False
    return not other.read(1)


def _sample_digest(path: str) -> str:
    digest = hashlib.blake2b(digest_size=12)
    with _open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        for start in (0, size // 2 - SAMPLE_SIZE // 2, size - SAMPLE_SIZE):
            file.seek(max(0, start))
            digest.update(file.read(SAMPLE_SIZE))
    return digest.hexdigest()


def _file_digest(path: str) -> str:
    with _open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

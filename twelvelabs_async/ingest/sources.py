"""Sources of an ingestion: files, folders, globs, URLs and buckets, expanded to the items that they stand for.

`Item.uri` identifies an item. Whatever a source is, its item can be stored and shown: what is wrong with it becomes the
`problem` of that one item.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from os import PathLike
from typing import Literal

import attrs

from twelvelabs_async._arguments import describe
from twelvelabs_async._core.validation import checked_metadata
from twelvelabs_async._system import portable_path
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest._remote_sources import content_version, is_bucket_url, is_url
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.uploads._source import safe_filename

PathOrUrl = str | PathLike[str]
"""A file, a folder, a glob such as `videos/*.mp4`, an http(s) URL, or an `s3://`, `gs://` or `az://` URL of an object,
a folder or a glob."""


def _storable(string: str) -> str:
    """Return a string that databases and JSON accept: NUL and undecodable bytes are escaped."""
    if not isinstance(string, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"the texts of an Item must be strings, got {describe(string)}")
    return string.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _filename(name: str) -> str:
    return safe_filename(portable_path(name))


def _metadata(metadata: UserMetadata | None) -> UserMetadata | None:
    return checked_metadata(metadata)  # whose annotations cannot be evaluated here


@attrs.frozen
class Item:
    """One file, URL or object to ingest, or the reason why it cannot be ingested."""

    source: str
    """Path or URL."""
    uri: str = attrs.field(converter=_storable)
    """Real path, or URL without user name, password and signature; the same for each name of the same file. A path
    whose bytes are no text is a `file://` URL."""
    problem: str = attrs.field(default="", converter=_storable)
    """Why the item cannot be ingested; empty if it can."""
    name: str = attrs.field(default="", converter=_filename)
    """Name of the file; empty for a URL without one."""
    size: int = 0
    """Bytes; 0 for a URL."""
    mtime_ns: int = 0
    """Modification time, in nanoseconds since the epoch; 0 for a URL."""
    user_metadata: UserMetadata | None = attrs.field(default=None, hash=False, converter=_metadata)
    """User metadata of this item alone."""
    has_key: bool = False
    """Whether the caller has identified the item, so that `uri` is the key."""
    etag: str = ""
    """ETag of an object in a bucket; empty for others."""

    @property
    def is_url(self) -> bool:
        """Whether the item is an http(s) URL, which the platform fetches."""
        return "://" in self.source and is_url(self.source)

    @property
    def is_object(self) -> bool:
        """Whether the item is an object in a bucket."""
        return "://" in self.source and is_bucket_url(self.source)

    @property
    def version(self) -> int:
        """Distinguishes the contents of one path: a number that stands for the ETag, or the modification time."""
        return content_version(self.etag) if self.etag else self.mtime_ns


IngestSource = PathOrUrl | Item | tuple[PathOrUrl, UserMetadata | None] | tuple[PathOrUrl, UserMetadata | None, str]
"""A file, a folder, a glob or a URL, alone, with user metadata for its assets, or with metadata and a key; or an item.

The key identifies a file or URL in the ledger instead of its path or URL: two sources with the same key are the same
video. Pass one if URLs differ in more than a signature.
"""

IngestSources = IngestSource | Iterable[IngestSource] | AsyncIterable[IngestSource]
"""One source, or an iterable or async iterable of sources."""

Validator = Callable[[Item], Awaitable[str]]
"""Checks an item before its upload. Returns why it must not be sent, or an empty string."""

Dedupe = Literal["path", "name", "content"]
"""Which files are duplicates:

- `path`: files with the same path.
- `name`: files with the same name, size and modification time, and with the same content if both can be read.
- `content`: files with the same content.
"""

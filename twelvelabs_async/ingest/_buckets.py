"""Objects in buckets as sources: `s3://`, `gs://` and `az://` URLs, read by obstore from the extra `cloud`.

Credentials come from the environment, as obstore reads it, and stay in its stores. The ETag of an object says which
content was found; a signed URL is only passed to the platform and is no identity.
"""

from __future__ import annotations

import asyncio
import fnmatch
import glob
import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs
from typing_extensions import override

from twelvelabs_async._concurrency import FILES
from twelvelabs_async._text import cut_queries, install_command, printable
from twelvelabs_async.errors import InvalidInputError, UploadError
from twelvelabs_async.uploads._source import Part, UploadSource

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, S3Store

    BucketStore = AzureStore | GCSStore | S3Store
    """Reads and signs the objects of a bucket."""

BUCKET_SCHEMES: Final = ("s3", "gs", "az")
"""Schemes of buckets: Amazon S3 and compatible storage, Google Cloud Storage, Azure Blob Storage."""

SIGNED_URL_LIFETIME: Final = timedelta(hours=6)
"""Time that the platform has to fetch an object."""

FETCH_SIZE: Final = 4 * 2**20
"""Bytes that one request to storage reads. Each part that is sent at the same time keeps as many in memory."""

_LIST_PAGE_SIZE: Final = 1000

_XML_ELEMENT: Final = re.compile(r"<[^>]*>[^<]*")


@attrs.frozen(kw_only=True)
class BucketObject:
    """An object in a bucket."""

    key: str
    """Key of the object."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Modification time, in nanoseconds since the epoch."""
    etag: str
    """ETag, which changes with the content; empty if the storage has none."""


@attrs.frozen
class BucketPath:
    """A URL of a bucket, taken apart."""

    scheme: str
    """One of `BUCKET_SCHEMES`."""
    bucket: str
    """Name of the bucket or container."""
    key: str
    """Key of an object, folder, or glob."""

    @property
    def bucket_url(self) -> str:
        """URL of the bucket."""
        return f"{self.scheme}://{self.bucket}"

    def url_of(self, key: str) -> str:
        """Return the URL of an object in the bucket."""
        return f"{self.bucket_url}/{key}"


def is_bucket_url(source: str) -> bool:
    """Return whether a source is the URL of a bucket."""
    scheme, separator, _ = source.partition("://")
    return bool(separator) and scheme.lower() in BUCKET_SCHEMES


def parse_bucket_url(url: str) -> BucketPath:
    """Take a URL apart.

    Raises:
        InvalidInputError: It has no bucket, or it has credentials, which belong into the environment.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if "@" in bucket:
        raise InvalidInputError("a URL of a bucket must not have credentials; set them in the environment")
    if not bucket:
        raise InvalidInputError(f"the URL has no bucket; pass {scheme}://bucket/key")
    return BucketPath(scheme.lower(), bucket, key)


def open_bucket(path: BucketPath) -> BucketStore:
    """Return the store of a bucket, with the credentials of the environment. Sends no request.

    Raises:
        InvalidInputError: The extra `cloud` is not installed, or the settings in the environment are not valid.
    """
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415  # an extra
        from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415  # an extra
    except ImportError:
        raise InvalidInputError(f"{path.scheme}:// URLs need: {install_command('cloud')}") from None
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
    options: ClientConfig = {"allow_http": True} if endpoint.startswith("http://") else {}
    stores: dict[str, type[BucketStore]] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    try:
        return stores[path.scheme].from_url(path.bucket_url, client_options=options)
    except (BaseError, ValueError) as error:
        raise InvalidInputError(f"cannot open {path.bucket_url}: {_reason(error)}") from None


def list_objects(store: BucketStore, key: str) -> Iterator[BucketObject]:
    """Yield the objects that a key, a folder or a glob stands for, page by page. Blocks: call it in a thread.

    `*` matches within a folder and `**` any number of folders. A glob that matches a folder stands for its content.
    Names that start with a dot are left out, unless the pattern has them.

    Raises:
        UploadError: The bucket cannot be read.
    """
    label = key or "the bucket"
    with _storage_errors(label):
        import obstore  # noqa: PLC0415  # an extra

        if key and not key.endswith("/"):
            try:
                yield _object_of(obstore.head(store, key))
            except FileNotFoundError:
                pass
            else:
                return
        pattern = [part for part in key.split("/") if part]
        folder = pattern[: next((i for i, part in enumerate(pattern) if glob.has_magic(part)), len(pattern))]
        prefix = "/".join(folder) or None
        pages: Any = obstore.list(store, prefix, chunk_size=_LIST_PAGE_SIZE)  # pyright: ignore[reportUnknownMemberType]  # it may return tables of another package
        for page in pages:
            for meta in page:
                if _matches(meta["path"].split("/"), pattern):
                    yield _object_of(meta)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a key, or a folder that it is in, matches a pattern."""
    if not pattern:
        return not any(part.startswith(".") for part in parts)
    if pattern[0] == "**":
        visible = next((i for i, part in enumerate(parts) if part.startswith(".")), len(parts))
        return any(_matches(parts[start:], pattern[1:] or ["*"]) for start in range(visible + 1))
    if not parts or (parts[0].startswith(".") and not pattern[0].startswith(".")):
        return False
    return (parts[0] == pattern[0] or fnmatch.fnmatchcase(parts[0], pattern[0])) and _matches(parts[1:], pattern[1:])


def _object_of(meta: Any) -> BucketObject:
    return BucketObject(
        key=meta["path"],
        size=meta["size"],
        mtime_ns=int(meta["last_modified"].timestamp() * 10**6) * 1000,
        etag=meta["e_tag"] or "",
    )


def content_version(etag: str) -> int:
    """Return a number of 63 bits that differs for contents with different ETags."""
    return int.from_bytes(hashlib.blake2b(etag.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1


async def sign_url(store: BucketStore, path: BucketPath) -> str:
    """Return a URL by which anyone can read an object for some hours.

    Raises:
        UploadError: The credentials cannot sign.
    """
    import obstore  # noqa: PLC0415  # an extra

    with _storage_errors(path.url_of(path.key)):
        return await obstore.sign_async(store, "GET", path.key, SIGNED_URL_LIFETIME)


async def is_public(url: str) -> bool:
    """Return whether the host of a URL is on the public internet, as far as this machine can resolve it."""
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(address[4][0]).is_global for address in found)


class ObjectSource(UploadSource):
    """An object in a bucket, read by ranges.

    Args:
        store: Store of the bucket.
        path: URL of the object, taken apart.
        name: Filename.
        size: Size that was found, in bytes.
        etag: ETag that was found; the content of another one is not read.
        version: Identifies the content in the fingerprint.
    """

    def __init__(self, store: BucketStore, path: BucketPath, *, name: str, size: int, etag: str, version: int) -> None:
        super().__init__(name, path.url_of(path.key))
        self._store = store
        self._key = path.key
        self._etag = etag
        self.size = size
        self.fingerprint = f"{size}-{version}-{self.name}"

    @override
    async def open(self) -> None:
        """Check that the object is still what was found.

        Raises:
            UploadError: It has changed, is gone, or cannot be read.
        """
        await self.verify()

    @override
    async def verify(self) -> None:
        found = await FILES.run(self._head)
        if (found.size, found.etag) != (self.size, self._etag):
            raise _changed(self.label)

    def _head(self) -> BucketObject:
        import obstore  # noqa: PLC0415  # an extra

        with _storage_errors(self.label):
            return _object_of(obstore.head(self._store, self._key))

    @override
    async def open_part(self, index: int, offset: int, size: int) -> Part:
        reader = _RangeReader(self, offset + size)
        return Part(index, offset, size, partial(self._read_in_thread, reader.read))

    @override
    def _read(self, offset: int, size: int) -> bytes:
        import obstore  # noqa: PLC0415  # an extra

        with _storage_errors(self.label):
            options: Any = {"range": (offset, offset + size), "if_match": self._etag or None}
            block = bytes(obstore.get(self._store, self._key, options=options).bytes())
        if len(block) != size:
            raise _changed(self.label)
        return block

    def read_range(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`. Blocks: call it in a thread."""
        return self._read(offset, size)


class _RangeReader:
    """Reads a part in larger ranges than it is sent in."""

    def __init__(self, source: ObjectSource, end: int) -> None:
        self._source = source
        self._end = end
        self._start = 0
        self._content = b""

    def read(self, offset: int, size: int) -> bytes:
        if not self._start <= offset <= offset + size <= self._start + len(self._content):
            self._start = offset
            self._content = self._source.read_range(offset, min(max(size, FETCH_SIZE), self._end - offset))
        position = offset - self._start
        return self._content[position : position + size]


def _changed(label: str) -> UploadError:
    message = f"{label} has changed since it was found; run again to ingest it as it is now"
    return UploadError(message=message, source=label, source_changed=True)


@contextmanager
def _storage_errors(label: str) -> Generator[None]:
    """Raise errors of obstore as UploadError, without signatures, credentials and debugging output."""
    from obstore.exceptions import BaseError, PreconditionError  # noqa: PLC0415  # an extra

    try:
        yield
    except FileNotFoundError:
        raise UploadError(message=f"{label} does not exist", source=label, source_changed=True) from None
    except PreconditionError:
        raise _changed(label) from None
    except (BaseError, OSError, ValueError) as error:
        raise UploadError(message=f"cannot read {label}: {_reason(error)}", source=label) from None


def _reason(error: Exception) -> str:
    """Return the first line of an error of obstore, without what the storage has repeated."""
    line = _XML_ELEMENT.sub("", str(error).partition("\n")[0])
    return printable(cut_queries(line)).strip(" :")

"""Sources that are not files: web addresses, and objects in buckets, which obstore reads (extra `cloud`).

A signature is a temporary password, which differs each time the same file is signed and must not be stored. It is
removed only if the parameters of a known scheme are there together: `token` alone may say which file it is.

URLs of buckets are `s3://`, `gs://` and `az://`. Their credentials come from the environment, as obstore reads it, and
stay in its stores. The ETag of an object says which content was found; a signed URL is only passed to the platform and
is no identity.
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
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import attrs
from typing_extensions import override

from twelvelabs_async._concurrency import FILE_THREADS
from twelvelabs_async._text import cut_queries, install_command, printable
from twelvelabs_async.errors import InvalidInputError, UploadError
from twelvelabs_async.uploads._source import Part, UploadSource

_UNIX_TIME: Final = r"\d{9,11}"

_AKAMAI: Final = r"(?=.*\bhmac=)(?=.*\bexp=).*"

_UNENCODED: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")

BUCKET_SCHEMES: Final = ("s3", "gs", "az")
"""Schemes of buckets: Amazon S3 and compatible storage, Google Cloud Storage, Azure Blob Storage."""

SIGNED_URL_LIFETIME: Final = timedelta(hours=6)
"""Time that the platform has to fetch an object."""

FETCH_SIZE: Final = 4 * 2**20
"""Bytes that one request to storage reads. Each part that is sent at the same time keeps as many in memory."""

_LIST_PAGE_SIZE: Final = 1000

_XML_ELEMENT: Final = re.compile(r"<[^>]*>[^<]*")


def _names(names: str | frozenset[str]) -> frozenset[str]:
    return frozenset(names.split()) if isinstance(names, str) else names


@attrs.frozen(kw_only=True)
class SignatureScheme:
    """How a storage service or a CDN signs URLs. Names of parameters are in lower case."""

    required: frozenset[str] = attrs.field(converter=_names)
    """Parameters that all of its URLs have."""
    optional: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    """Other parameters of a signature."""
    values: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Regular expressions for the values of parameters whose names are too common to be recognized alone."""
    host: str = ""
    """Regular expression for the host; empty for any host."""

    def parameters_in(self, host: str, values: Mapping[str, str]) -> frozenset[str]:
        """Return the parameters of this signature; none if the URL is not signed by this scheme."""
        recognized = (
            values.keys() >= self.required
            and re.search(self.host, host)
            and all(re.fullmatch(pattern, values[name]) for name, pattern in self.values.items())
        )
        return (self.required | self.optional) & values.keys() if recognized else frozenset()


SIGNATURE_SCHEMES: Final[Mapping[str, SignatureScheme]] = {
    "S3 v4": SignatureScheme(
        required="x-amz-signature",
        optional="x-amz-algorithm x-amz-content-sha256 x-amz-credential x-amz-date x-amz-expires x-amz-security-token "
        "x-amz-signedheaders x-amz-user-agent",
    ),
    "S3 v2": SignatureScheme(required="awsaccesskeyid expires signature", optional="x-amz-security-token"),
    "Google Cloud Storage v4": SignatureScheme(
        required="x-goog-signature",
        optional="x-goog-algorithm x-goog-content-sha256 x-goog-credential x-goog-date x-goog-expires "
        "x-goog-signedheaders",
    ),
    "Google Cloud Storage v2": SignatureScheme(required="expires googleaccessid signature"),
    "Google Cloud CDN": SignatureScheme(required="expires keyname signature", optional="urlprefix"),
    "CloudFront": SignatureScheme(required="key-pair-id signature", optional="expires hash-algorithm policy"),
    "Azure": SignatureScheme(
        required="sig sv", optional="saoid scid sdd se si sip ske skoid sks skt sktid skv sp spr sr srt ss st suoid"
    ),
    "Alibaba OSS v4": SignatureScheme(
        required="x-oss-signature",
        optional="x-oss-additional-headers x-oss-credential x-oss-date x-oss-expires x-oss-security-token "
        "x-oss-signature-version",
    ),
    "Alibaba OSS v1": SignatureScheme(required="expires ossaccesskeyid signature", optional="security-token"),
    "Alibaba CDN": SignatureScheme(required="auth_key", values={"auth_key": _UNIX_TIME + "-[^-]+-[^-]+-[0-9a-f]{32}"}),
    "Tencent COS": SignatureScheme(
        required="q-signature",
        optional="q-ak q-header-list q-key-time q-sign-algorithm q-sign-time q-url-param-list x-cos-security-token",
    ),
    "Tencent CDN": SignatureScheme(required="txsecret txtime"),
    "Huawei OBS": SignatureScheme(required="accesskeyid expires signature", optional="x-obs-security-token"),
    "Volcengine TOS": SignatureScheme(
        required="x-tos-signature",
        optional="x-tos-algorithm x-tos-credential x-tos-date x-tos-expires x-tos-security-token x-tos-signedheaders",
    ),
    "Qiniu": SignatureScheme(required="e token", values={"e": _UNIX_TIME, "token": "[^:]+:[^:]+"}),
    "Backblaze B2": SignatureScheme(required="authorization", host=r"(^|\.)backblazeb2\.com$"),
    **{
        f"Akamai {name}": SignatureScheme(required=name, values={name: _AKAMAI})
        for name in ("hdnts", "hdnea", "__token__", "__gda__")
    },
    "Fastly": SignatureScheme(required="token", values={"token": _UNIX_TIME + "_(0x)?[0-9a-f]{40,64}"}),
    "Cloudflare": SignatureScheme(required="verify", values={"verify": _UNIX_TIME + "-[A-Za-z0-9+/=_-]{43,}"}),
    "Bunny": SignatureScheme(
        required="expires token",
        optional="token_countries token_countries_blocked token_path",
        values={"expires": _UNIX_TIME, "token": "(HS256-)?[A-Za-z0-9_-]{22,43}"},
    ),
    "nginx secure_link": SignatureScheme(required="expires md5"),
    "nginx secure_link, short names": SignatureScheme(
        required="e st", values={"e": _UNIX_TIME, "st": "[A-Za-z0-9_-]{22}"}
    ),
    "Discord": SignatureScheme(required="ex hm is", host=r"(^|\.)discordapp\.(com|net)$"),
}
"""Schemes by name."""


def is_url(source: str) -> bool:
    """Return whether a source is an http(s) URL."""
    return source[:8].lower().startswith(("http://", "https://"))


def filename_from_url(url: str) -> str:
    """Return the file name in the path of a URL; empty if there is none."""
    parts = _split(url)
    return PurePosixPath(unquote(parts.path)).name if parts is not None else ""


def url_problem(url: str) -> str:
    """Return why a URL cannot be requested; empty if it can."""
    if _UNENCODED.search(url):
        return "not a valid URL: it contains characters that must be percent-encoded"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"not a valid URL: {error}"
    return "" if host else "not a valid URL: it has no host"


def redact_url(url: str) -> str:
    """Return a URL without user name, password and signature, and with a digest in place of all other secrets.

    Two URLs give the same string if they differ only in a signature of one of `SIGNATURE_SCHEMES`, or in a password.
    """
    parts = _split(url)
    if parts is None:
        return _digest(url)
    user, _, host = parts.netloc.rpartition("@")
    host = host.lower()
    base = f"{parts.scheme.lower()}://{host}{parts.path}"
    rest = [*_unsigned_parameters(host, parts.query), f"#{parts.fragment}", f"{user.partition(':')[0]}@"]
    return base if rest == ["#", "@"] else f"{base}?{_digest('&'.join(rest))}"


def is_signed(url: str) -> bool:
    """Return whether `redact_url` leaves out something that may distinguish two files."""
    parts = _split(url)
    if parts is None:
        return False
    user, _, host = parts.netloc.rpartition("@")
    return ":" in user or bool(_signature_parameters(host.lower(), parts.query))


def _unsigned_parameters(host: str, query: str) -> Iterable[str]:
    """Return the parameters that are no signature, sorted by name; not decoded, because `%fe` and `%ff` differ."""
    signature = _signature_parameters(host, query)
    pairs = [(_parameter_name(pair), pair) for pair in query.split("&") if pair]
    return [pair for name, pair in sorted(pairs, key=lambda named: named[0]) if name not in signature]


def _signature_parameters(host: str, query: str) -> frozenset[str]:
    values = {_parameter_name(pair): unquote(pair.partition("=")[2]) for pair in query.split("&") if pair}
    host = host.partition(":")[0]
    found = (scheme.parameters_in(host, values) for scheme in SIGNATURE_SCHEMES.values())
    return frozenset(name for names in found for name in names)


def _parameter_name(pair: str) -> str:
    return unquote(pair.partition("=")[0]).lower()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _digest(string: str) -> str:
    return hashlib.blake2b(string.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, S3Store

    BucketStore = AzureStore | GCSStore | S3Store
    """Reads and signs the objects of a bucket."""


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
        prefix = "/".join(takewhile(lambda part: not glob.has_magic(part), pattern)) or None
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
        found = await FILE_THREADS.run(self._head)
        if (found.size, found.etag) != (self.size, self._etag):
            raise _changed(self.label)

    def _head(self) -> BucketObject:
        import obstore  # noqa: PLC0415  # an extra

        with _storage_errors(self.label):
            return _object_of(obstore.head(self._store, self._key))

    @override
    async def open_part(self, index: int, offset: int, size: int) -> Part:
        reader = _RangeReader(self._read, offset + size)
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


class _RangeReader:
    """Reads a part in larger ranges than it is sent in."""

    def __init__(self, read_range: Callable[[int, int], bytes], end: int) -> None:
        self._read_range = read_range
        self._end = end
        self._start = 0
        self._content = b""

    def read(self, offset: int, size: int) -> bytes:
        if not self._start <= offset <= offset + size <= self._start + len(self._content):
            self._start = offset
            self._content = self._read_range(offset, min(max(size, FETCH_SIZE), self._end - offset))
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

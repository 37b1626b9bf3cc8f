"""Settings and options of a client: API key, base URL, timeouts, limits and headers. Nothing here does I/O."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final, Literal, SupportsIndex, TypeVar, cast
from urllib.parse import urlsplit

import attrs
from multidict import CIMultiDict
from typing_extensions import override
from yarl import URL

from twelvelabs_async._arguments import (
    describe,
    named_values,
    non_negative,
    non_negative_int,
    one_of,
    positive,
    positive_finite,
    require_type,
)
from twelvelabs_async.errors import InvalidInputError

DEFAULT_BASE_URL: Final = "https://api.twelvelabs.io/v1.3"
DEFAULT_TIMEOUT: Final = 60.0
"""Default deadline of a call, in seconds."""

LONG_TIMEOUT: Final = 600.0
"""Default deadline of a call in `LONG_OPERATIONS`, in seconds."""

LONG_OPERATIONS: Final = frozenset({"POST /analyze", "POST /embed", "POST /embed-v2", "POST /responses"})
"""Operations whose response comes after the work, which may take minutes."""

Priority = Literal["interactive", "background"]
"""Which calls go first when they wait for a rate limit: `interactive` ones."""

API_KEY_VARIABLES: Final = ("TWELVELABS_API_KEY", "TWELVE_LABS_API_KEY")
BASE_URL_VARIABLE: Final = "TWELVELABS_BASE_URL"

_V = TypeVar("_V")


MAX_HOST_LENGTH: Final = 253
"""Longest name of a host in DNS."""

_HOST_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""One part of the name of a host; container networks have names with underscores."""


HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header, a token of RFC 9110."""

FRAMING_HEADERS: Final = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive"}
    | {"proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that describe the body and the connection, which this client and its HTTP library set."""

REFUSED_HEADERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(FRAMING_HEADERS, "the client sets it"),
    "x-api-key": "pass the key as api_key= when you create the client",
}
"""Headers that a caller cannot set, in lower case, and why."""

SINGLE_REQUEST_HEADERS: Final[Mapping[str, str]] = {
    "idempotency-key": "its value belongs to one request; pass idempotency_key= to the method that has it",
}
"""Headers that a caller cannot set for all requests of a client."""


class _MaskedString(str):
    """A string whose `repr` is masked, so that a traceback with local variables does not show it."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return "'***'"

    @override
    def __getitem__(self, key: SupportsIndex | slice) -> str:
        return _MaskedString(super().__getitem__(key))  # rich shows the first 80 characters of a long string


class _MaskedBytes(bytes):
    """Bytes whose `repr` is masked, likewise."""

    @override
    def __repr__(self) -> str:
        return "b'***'"


def masked(value: _V) -> _V:
    """Return a string or bytes as an object whose `repr` is masked, and any other value unchanged."""
    if isinstance(value, bytes):
        return cast("_V", _MaskedBytes(value))
    return cast("_V", _MaskedString(value)) if isinstance(value, str) else value


class Secret:
    """A string that `repr`, `str` and `vars` do not show, and that cannot be copied or pickled."""

    __slots__ = ("__text",)

    def __init__(self, value: str) -> None:
        self.__text = _MaskedString(value)

    def reveal(self) -> str:
        """Return the string; its `repr` is masked too."""
        return self.__text

    @override
    def __repr__(self) -> str:
        return "Secret('***')"

    @override
    def __reduce__(self) -> Any:
        raise TypeError("an API key must not be copied or pickled")


def resolve_api_key(explicit: str | None) -> Secret:
    """Return the API key from the argument, else from the environment.

    Raises:
        InvalidInputError: There is none, or it cannot be the value of a header.
    """
    key = masked(explicit)
    if key is None:
        key = masked(next(filter(None, map(os.environ.get, API_KEY_VARIABLES)), None))
    if key is not None and not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"api_key must be a string, got {type(key).__name__.replace('_MaskedBytes', 'bytes')}")
    if not key:
        raise InvalidInputError(f"no API key; pass api_key= or set {API_KEY_VARIABLES[0]}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInputError("the API key contains whitespace, a non-ASCII or a non-printable character")
    return Secret(key)


def resolve_base_url(explicit: str | None, *, allow_http: bool) -> str:
    """Return the base URL from the argument, the environment or the default, without a trailing slash.

    Raises:
        InvalidInputError: It is not a base URL, or is plain `http` to another host without `allow_http`.
    """
    text = masked(explicit if explicit is not None else os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL)
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"base_url must be a string like {DEFAULT_BASE_URL}, got {type(text).__name__}")
    if any(c.isspace() or not c.isprintable() for c in text):
        raise InvalidInputError("base_url must not contain whitespace or non-printable characters")
    if "@" in text.partition("://")[2].partition("/")[0]:  # checked before any variable has a part of it
        raise InvalidInputError("base_url must not contain a user name or a password; pass the API key as api_key=")
    text = text.rstrip("/")
    try:
        parts = urlsplit(text)
        _ = parts.port
        if parts.hostname:
            url = URL(text)
            _ = url.host  # an IDNA name is decoded when it is read
            if not text.isascii():
                text = str(url)  # with an IDNA host and an escaped path
                parts = urlsplit(text)
    except ValueError as error:
        raise InvalidInputError(f"base_url must be a URL like {DEFAULT_BASE_URL}: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInputError(f"base_url must be a URL like {DEFAULT_BASE_URL}, got {parts.hostname or text!r}")
    if not _is_host(parts.hostname) or parts.port == 0:
        raise InvalidInputError(f"base_url must have the name or IP address of a host, got {describe(parts.netloc)}")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname):
        raise InvalidInputError(
            f"refusing to send the API key over plain http:// to {parts.hostname}; use https:// or pass allow_http=True"
        )
    return text


def _is_host(host: str) -> bool:
    """Return whether a text can be the name of a host, or is an IP address."""
    if ":" in host:  # only an IP address has colons
        return True
    name = host.removesuffix(".")
    return len(name) <= MAX_HOST_LENGTH and all(map(_HOST_LABEL.fullmatch, name.split(".")))


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_ssl_context(value: object) -> None:
    """Check the optional TLS settings of connections.

    Raises:
        InvalidInputError: They are not an `SSLContext`, or are those of a server.
    """
    require_type("ssl", value, ssl.SSLContext, "an ssl.SSLContext, such as ssl.create_default_context(cafile=...)")
    if isinstance(value, ssl.SSLContext) and value.protocol == ssl.PROTOCOL_TLS_SERVER:
        raise InvalidInputError("ssl must be an SSLContext for clients; use ssl.create_default_context()")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Options:
    """Options of calls; `client.with_options(...)` returns a client with a changed copy."""

    timeout: float | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    """Deadline of a whole call in seconds, including queues, attempts and delays. None depends on the operation, and
    excludes the queue for a rate limit, which `max_wait` bounds."""
    max_retries: int = attrs.field(default=3, validator=non_negative_int)
    """Maximum number of retries."""
    max_wait: float = attrs.field(default=120.0, validator=non_negative)
    """Longest wait for a rate limit in seconds, or 0; a longer one raises `QuotaExhaustedError` immediately."""
    idle_timeout: float = attrs.field(default=60.0, validator=positive)
    """Seconds without data after which the transfer of an upload or a stream fails; a transfer has no deadline."""
    priority: Priority = attrs.field(default="interactive", validator=one_of(Priority))
    """Priority of calls that wait for a rate limit."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Settings:
    """Settings of a client, which all its views share."""

    api_key: Secret
    """API key, sent as `x-api-key` to the origin of `base_url` only."""
    base_url: str
    """Base URL with the API version, without a trailing slash."""
    connection_limit: int = attrs.field(default=100, validator=non_negative_int)
    """Maximum number of open connections to all hosts; 0 is no limit."""
    connect_timeout: float = attrs.field(default=10.0, validator=positive_finite)
    """Timeout for opening a connection, in seconds."""
    user_agent: str = "twelvelabs-async"
    """`User-Agent` of each request, unless it is one of `default_headers`."""
    default_headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Headers of each request to the API."""


def checked_headers(name: str, headers: object, *, single_request: bool = False) -> CIMultiDict[str]:
    """Return headers as a new mapping whose names are case-insensitive.

    Args:
        name: Name of the parameter, for errors.
        headers: The headers.
        single_request: Whether they are sent with one request only.

    Raises:
        InvalidInputError: They are not a mapping of strings, a name or a value cannot be sent, or the client sets the
            header itself. The error does not show the value.
    """
    forbidden = REFUSED_HEADERS if single_request else {**REFUSED_HEADERS, **SINGLE_REQUEST_HEADERS}
    checked = CIMultiDict[str]()
    for header, value in named_values(name, headers).items():
        if not HEADER_NAME.fullmatch(header):
            raise InvalidInputError(f"{name} has the invalid header name {describe(header)}")
        reason = forbidden.get(header.lower().replace("_", "-"))
        if reason is not None:
            raise InvalidInputError(f"{name} must not contain {header}: {reason}")
        if not isinstance(value, str):
            raise InvalidInputError(f"{name}[{header!r}] must be a string, got {type(value).__name__}")
        text = str.__str__(value)
        if not text.isascii() or not text.replace("\t", " ").isprintable():
            raise InvalidInputError(f"{name}[{header!r}] must be printable ASCII without line breaks")
        if header in checked:
            raise InvalidInputError(f"{name} contains {header} twice, in different case")
        checked[header] = text
    return checked

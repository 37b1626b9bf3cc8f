"""Which headers a caller may add to requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from multidict import CIMultiDict

from twelvelabs_async._arguments import describe
from twelvelabs_async.errors import InvalidInputError

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
        if not value.isascii() or not value.replace("\t", " ").isprintable():
            raise InvalidInputError(f"{name}[{header!r}] must be printable ASCII without line breaks")
        if header in checked:
            raise InvalidInputError(f"{name} contains {header} twice, in different case")
        checked[header] = str.__str__(value)
    return checked


def named_values(name: str, value: object) -> Mapping[str, Any]:
    """Return headers, query parameters or fields by name.

    Raises:
        InvalidInputError: It is not a dict, or a key is not a string.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{name} must be a dict, got {describe(value)}")
    for key in cast("Mapping[object, object]", value):
        if not isinstance(key, str) or not key:
            raise InvalidInputError(f"keys of {name} must be non-empty strings, got {describe(key)}")
    return cast("Mapping[str, Any]", value)

"""Maps error responses, and exceptions of aiohttp, TLS and the system, to the exceptions of this package.

The platform has four shapes of error bodies (flat, nested under `error`, an integer `error_code`, and empty). Gateways,
firewalls, storage and frameworks have others, in plain text, HTML, XML and JSON. The class of the exception depends on
the status only; its message is whatever can be read.

No message about a connection contains a URL, because it may be signed, or the credentials of a proxy.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import ssl
import unicodedata
from collections.abc import Callable, Mapping
from email.message import Message
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp

from twelvelabs_async._http.connections import UnsolicitedDataError
from twelvelabs_async._text import body_excerpt, cut_queries, printable
from twelvelabs_async.errors import APIConnectionError, APIError, APITimeoutError, InternalServerError

MAX_ERROR_BODY_SIZE: Final = 64 * 1024
"""Bytes of an error body that are parsed."""

MAX_TEXT_LENGTH: Final = 300
"""Characters of a message that is not marked as one: plain text, or the text of an HTML page."""

MESSAGE_FIELDS: Final = (
    "message", "detail", "details", "error_description", "errormessage", "error_message", "msg", "reason",
    "description", "faultstring", "text", "error", "errors", "fault", "data", "status_message", "title",
)  # fmt: skip
"""Fields that contain the message or lead to it, in lower case; the first that has a sentence wins."""

_PHRASES: Final = frozenset(status.phrase.casefold() for status in HTTPStatus)
"""Names of statuses, which say no more than the status itself."""

CODE_FIELDS: Final = ("code", "error_code", "errorcode", "__type")
"""Fields with an error code, in lower case."""

MAX_DEPTH: Final = 5
"""Levels of a JSON document in which a message is looked for."""

_HTML: Final = re.compile(r"<(?:!doctype\s{1,9})?html\b|<(?:head|body|title|h1|p)\b", re.IGNORECASE)
_XML_CODE: Final = re.compile(r"<Code(?:\s[^<>]{0,200})?>([^<]{1,100})</Code>", re.IGNORECASE)
_XML_MESSAGE: Final = re.compile(r"<Message(?:\s[^<>]{0,200})?>([^<]{1,1000})</Message>", re.IGNORECASE)
_CDATA: Final = re.compile(r"<!\[CDATA\[([^\]]{0,1000})\]\]>")
_COMMENT: Final = re.compile(r"<!--.{0,10000}?-->", re.DOTALL)
_CONTROL: Final = re.compile("[\\x00-\\x08\\x0e-\\x1a\\x1c-\\x1f]")
_RULE: Final = re.compile(r"([^\w\s])\1{3,}")
"""A line that only separates, such as `*****`."""
_TAG: Final = re.compile(r"<[^<>]*>")
_SCRIPT_START: Final = re.compile(r"<(?:script|style)", re.IGNORECASE)
_SCRIPT_END: Final = re.compile(r"</(?:script|style)", re.IGNORECASE)
_JSON_STRING_FIELD: Final = re.compile(r'"([A-Za-z_]{1,40})"\s{0,10}:\s{0,10}"((?:[^"\\]|\\.){1,1000})', re.DOTALL)


_ERROR_CLASSES_BY_STATUS: dict[int, type[APIError]] = {
    kind.STATUS: kind for kind in APIError.__subclasses__() if kind.STATUS is not None and kind.STATUS < 500
}

TRANSIENT_PROXY_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses of a proxy after which the connection may succeed."""

_DATE_ERRORS: Final = frozenset({9, 10})
"""Codes of OpenSSL: the certificate is not valid yet, or has expired."""

_NAME_ERRORS: Final = frozenset({62, 63, 64})
"""Codes of OpenSSL: the host, e-mail or IP address is another one."""


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    retry_after: float | None = None,
    *,
    hide: Callable[[str], str] = cut_queries,
) -> APIError:
    """Return the error for a response whose `status` is not 2xx.

    Args:
        status: HTTP status.
        headers: Headers of the response.
        body: Its body, or the start of it.
        retry_after: Seconds to wait before a retry, if the response says.
        hide: Removes secrets from the body before it is parsed and shortened.
    """
    if 300 <= status < 400 and "Location" in headers:
        return _redirect_error(status, headers)
    text = hide(_decode(body[:MAX_ERROR_BODY_SIZE], headers.get("Content-Type", "")))
    fields = parse_error_body(text)
    return error_class_for_status(status)(
        message=str(fields.get("message") or _status_phrase(status)),
        status_code=status,
        code=_optional_string(fields.get("code")),
        docs_url=_optional_string(fields.get("docs_url")),
        details=fields.get("details"),
        request_id=request_id_from_headers(headers),
        retry_after=retry_after,
        headers=headers,
        body=body_excerpt(text),
    )


def request_id_from_headers(headers: Mapping[str, str]) -> str | None:
    """Return the platform's id of the request."""
    found = headers.get("x-trace-id") or headers.get("x-request-id")
    return printable(found[:200]) if found else None


def _redirect_error(status: int, headers: Mapping[str, str]) -> APIError:
    try:
        host = urlsplit(headers.get("Location", "")).hostname or "another path"
    except ValueError:
        host = "an unreadable URL"
    return APIError(
        message=f"redirected to {host}; not followed, because the API key is sent to the origin of base_url only",
        status_code=status,
        code="redirect_refused",
        request_id=request_id_from_headers(headers),
    )


def _decode(body: bytes, content_type: str) -> str:
    """Return the body as a string. Bytes that are not of its encoding are replaced: the rest can still be read."""
    header = Message()
    header["Content-Type"] = content_type
    declared = header.get_content_charset("windows-1252")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        declared = "utf-16"
    encodings = ["utf-8", declared]
    if declared.startswith(("utf-16", "utf-32")):  # most of whose bytes are valid UTF-8 as well
        encodings.reverse()
    for encoding, errors in ((encodings[0], "strict"), (declared, "replace")):
        try:
            return body.decode(encoding, errors).removeprefix("\ufeff")
        except (LookupError, UnicodeError):
            continue
    return body.decode("utf-8", "replace")


def parse_error_body(text: str) -> dict[str, Any]:
    """Return `code`, `message`, `docs_url` and `details` from a body of any shape; empty if it has none."""
    text = text.strip()
    if text.startswith("<"):
        return _parse_markup(text)
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        found = _truncated_fields(text) if text.startswith(("{", "[")) else {}
        if not found:
            return {"message": _readable(text)}
    if isinstance(found, list):
        found = {"errors": cast("list[object]", found)}
    if not isinstance(found, dict):
        return {"message": found if isinstance(found, str) else None}
    top = cast("dict[str, Any]", found)
    first = _first_error(top)
    objects = [_nested_error(top), top, first, _nested_error(first)]
    return {
        "message": message_in(top),
        "code": _find_code(objects),
        "docs_url": next((one["docs_url"] for one in objects if "docs_url" in one), None),
        "details": next((one["details"] for one in objects if "details" in one), None),
    }


def message_in(error: Mapping[str, Any]) -> str | None:
    """Return the message in a JSON object that reports an error; None if it has none."""
    messages = list(filter(None, (_find_message(_nested_error(error)), _find_message(error), _find_sentence(error))))
    return next(filter(_is_sentence, messages), next(iter(messages), None))


def _nested_error(top: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object under `error` or `fault`, or the outer object itself."""
    nested = (top[name] for name in ("error", "fault") if isinstance(top.get(name), dict))
    return cast("dict[str, Any]", next(nested, top))


def _parse_markup(text: str) -> dict[str, Any]:
    """Return `code` and `message` of an XML document, or the visible text of an HTML page."""
    text = _COMMENT.sub(" ", text)
    if _HTML.search(text):
        return {"message": _html_text(text)}
    text = _CDATA.sub(lambda match: match[1].replace("<", "&lt;"), text)
    code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
    return {
        "code": code and code[1],
        "message": _unescape(message[1]) if message else _html_text(_XML_CODE.sub(" ", text)),
    }


def _truncated_fields(text: str) -> dict[str, Any]:
    """Return the strings of a JSON object that was cut off or is damaged; the first of each name."""
    fields: dict[str, Any] = {}
    for name, value in _JSON_STRING_FIELD.findall(text):
        try:
            fields.setdefault(name, json.loads(f'"{value}"', strict=False))
        except ValueError:
            fields.setdefault(name, value)
    return fields


def _find_message(value: Any, depth: int = MAX_DEPTH) -> str | None:
    """Return the first message in a JSON value, from its outermost level inwards.

    A sentence is preferred to a single word, such as `forbidden`, and to the name of a status.
    """
    if isinstance(value, str):
        return value.strip() or None
    if depth == 0 or not value:
        return None
    if isinstance(value, list):
        found = filter(None, (_find_message(item, depth - 1) for item in cast("list[object]", value)[:3]))
        return "; ".join(found) or None
    if not isinstance(value, dict):
        return None
    fields = {name.lower(): inner for name, inner in cast("dict[str, Any]", value).items()}
    names: tuple[str, ...] = MESSAGE_FIELDS
    if isinstance(fields.get("error"), str) and "error_description" not in fields:
        names = ("message", "error", *MESSAGE_FIELDS)
    short: str | None = None
    for name in names:
        message = _find_message(fields.get(name), depth - 1) or (name == "errors" and _by_field(fields.get(name)))
        if message and _is_sentence(message):
            return f"{location}: {message}" if (location := _location(fields.get("loc"))) else message
        short = short or message or None
    return short


def _is_sentence(message: str) -> bool:
    return message.casefold() not in _PHRASES and (" " in message or not message.isascii())


def _find_sentence(value: Any, depth: int = MAX_DEPTH) -> str | None:
    """Return the first sentence anywhere in a JSON value: frameworks name their fields as they like."""
    if isinstance(value, str):
        return value.strip() if _is_sentence(value.strip()) else None
    if depth == 0 or not isinstance(value, dict | list):
        return None
    if isinstance(value, list):
        items: list[tuple[str, Any]] = [("", item) for item in cast("list[object]", value)[:3]]
    else:
        items = [pair for pair in cast("dict[str, Any]", value).items() if pair[0].lower() not in CODE_FIELDS]
    for name, inner in items:
        if found := _find_sentence(inner, depth - 1):
            return f"{name}: {found}" if name and isinstance(inner, list) else found
    return None


def _by_field(errors: Any) -> str | None:
    """Return the messages of an object with a list of them for each invalid field."""
    if not isinstance(errors, dict):
        return None
    found = ((name, _find_message(value, 2)) for name, value in list(cast("dict[str, Any]", errors).items())[:3])
    return "; ".join(f"{name}: {message}" for name, message in found if message) or None


def _location(value: Any) -> str:
    """Return the path of an invalid field, as FastAPI reports it."""
    return ".".join(map(str, cast("list[object]", value))) if isinstance(value, list) else ""


def _first_error(top: Mapping[str, Any]) -> dict[str, Any]:
    errors = top.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return cast("dict[str, Any]", errors[0])
    return {}


def _find_code(objects: list[dict[str, Any]]) -> Any:
    for one in objects:
        fields = {name.lower(): value for name, value in one.items()}
        for name in CODE_FIELDS:
            if _optional_string(fields.get(name)) is not None:
                return fields[name]
        if "error_description" in fields:
            return fields.get("error")
    return None


def _html_text(text: str) -> str:
    """Return the visible text of an HTML page, which begins with its title."""
    head, *scripts = _SCRIPT_START.split(text)
    rest = (_SCRIPT_END.split(script, maxsplit=1)[1:] for script in scripts)
    visible = " ".join([head, *(piece for pieces in rest for piece in pieces)])
    return _readable(_unescape(_TAG.sub(" ", visible)))


def _unescape(text: str) -> str:
    from html import unescape  # noqa: PLC0415  # its table of entities would be imported with the client

    return unescape(text)


def _readable(text: str) -> str:
    """Return the start of a text in one line; empty if most of it is not text."""
    line = printable(_RULE.sub(" ", text))
    is_binary = _CONTROL.search(text) is not None or "\ufffd" in line[:20]
    if is_binary or sum(map(_is_readable, line)) < 0.8 * len(line):
        return ""
    return line if len(line) <= MAX_TEXT_LENGTH else line[: MAX_TEXT_LENGTH - 1] + "…"


def _is_readable(character: str) -> bool:
    """Return whether a character can be part of a text. Vowel signs of Indian languages are marks, not letters."""
    return character.isalnum() or character in " .,:;-_'\"()/" or unicodedata.category(character).startswith("M")


def _optional_string(value: Any) -> str | None:
    return printable(str(value)[:200]) if isinstance(value, str | int) else None


def _status_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


def error_class_for_status(status: int) -> type[APIError]:
    """Return the exception class for an HTTP status; `APIError` if it has none of its own."""
    return InternalServerError if status >= 500 else _ERROR_CLASSES_BY_STATUS.get(status, APIError)


def map_exception(  # noqa: C901, PLR0912  # a case for each kind of exception
    error: Exception, host: str, *, sent: bool = True, proxy: str | None = None, idle_timeout: float | None = None
) -> APIConnectionError:
    """Return the error for an exception of a request.

    Args:
        error: The exception.
        host: Host of the request.
        sent: Whether the head of the request was written to a connection.
        proxy: Host and port of the proxy, if there is one.
        idle_timeout: Seconds after which a `TimeoutError` was raised.
    """
    drop_tracebacks(error)
    if proxy is not None:
        host = f"{host} by way of the proxy {proxy}"
    kind: type[APIConnectionError] = APIConnectionError
    retryable = True
    match error:
        case aiohttp.ClientConnectorCertificateError():
            message, retryable = _certificate_message(error.certificate_error, host), False
        case aiohttp.ServerFingerprintMismatch():
            message, retryable = f"the certificate of {host} does not have the expected fingerprint", False
        case UnsolicitedDataError():
            message = f"{host} sent data before the request"
        case aiohttp.ConnectionTimeoutError():
            kind, message = APITimeoutError, f"timed out connecting to {host}"
        case aiohttp.ClientConnectorError():
            message = f"cannot connect to {host}: {_reason(error.os_error)}"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            message, retryable = "not the URL of a server", False
        case aiohttp.ClientHttpProxyError():
            message, retryable = _proxy_message(error, host), error.status in TRANSIENT_PROXY_STATUSES
        case aiohttp.ClientResponseError():
            message, retryable = f"{host} sent an invalid HTTP response: {error.message}", False
        case aiohttp.ClientPayloadError():
            message = f"{host} closed the connection in the middle of the response"
        case aiohttp.ServerDisconnectedError():
            message = f"{host} closed the connection without a response"
        case TimeoutError() if idle_timeout is not None:
            kind, message = APITimeoutError, f"no data to or from {host} for {idle_timeout:g} s"
        case OSError():
            message = f"the connection to {host} was lost: {_reason(error)}"
        case _:
            message = f"the request to {host} failed: {type(error).__name__}"
    return kind(message=message, retryable=retryable, sent=sent)


def drop_tracebacks(error: BaseException) -> None:
    """Drop the tracebacks of an exception and its causes: aiohttp may keep them, and with them the caller's frames."""
    chain: BaseException | None = error
    while chain is not None:
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__


def _reason(error: OSError) -> str:
    """Return what the system says of an error; the texts of aiohttp contain the URL."""
    if not isinstance(error, aiohttp.ClientError):
        return error.strerror or type(error).__name__
    return "the other side has closed it" if error.errno is None else os.strerror(error.errno)


def _proxy_message(error: aiohttp.ClientHttpProxyError, host: str) -> str:
    """Describe the answer of a proxy that refused to connect; the server has no part in it."""
    needs_password = error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    hint = "; put the user name and the password into the URL of the proxy" if needs_password else ""
    return f"cannot connect to {host}: the proxy answered {error.status} {error.message}{hint}"


def _certificate_message(error: Exception, host: str) -> str:
    """Say whether the date, the name or the authority of a certificate is wrong, and what helps."""
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
    if code in _DATE_ERRORS:
        return f"the certificate of {host} is not valid today ({reason}); check the clock of this machine"
    if code in _NAME_ERRORS:
        return f"the certificate of {host} is for another name ({reason}); check base_url"
    return (
        f"the certificate of {host} is not trusted ({reason}); if a company's proxy signs the certificates here, set "
        "SSL_CERT_FILE to a file that contains its authority, too, or pass ssl="
    )

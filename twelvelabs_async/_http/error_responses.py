"""Maps error responses to exceptions.

The platform has four shapes of error bodies (flat, nested under `error`, an integer `error_code`, and empty). Gateways,
firewalls, storage and frameworks have others, in plain text, HTML, XML and JSON. The class of the exception depends on
the status only; its message is whatever can be read.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from email.message import Message
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

from twelvelabs_async._text import body_excerpt, cut_queries, printable
from twelvelabs_async.errors import APIError, InternalServerError

MAX_ERROR_BODY_SIZE: Final = 64 * 1024
"""Bytes of an error body that are parsed."""

MAX_TEXT_LENGTH: Final = 300
"""Characters of a message that is not marked as one: plain text, or the text of an HTML page."""

MESSAGE_FIELDS: Final = (
    "message", "detail", "details", "error_description", "errormessage", "error_message", "msg", "reason",
    "description", "faultstring", "title", "text", "error", "errors", "fault", "data", "status_message",
)  # fmt: skip
"""Fields that contain the message or lead to it, in lower case; the first that does wins."""

CODE_FIELDS: Final = ("code", "error_code", "errorcode", "__type")
"""Fields with an error code, in lower case."""

MAX_DEPTH: Final = 5
"""Levels of a JSON document in which a message is looked for."""

_XML_CODE: Final = re.compile(r"<Code>([^<]{1,100})</Code>", re.IGNORECASE)
_XML_MESSAGE: Final = re.compile(r"<Message>([^<]{1,1000})</Message>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")
_SCRIPT_START: Final = re.compile(r"<(?:script|style)", re.IGNORECASE)
_SCRIPT_END: Final = re.compile(r"</(?:script|style)", re.IGNORECASE)
_JSON_STRING_FIELD: Final = re.compile(r'"([A-Za-z_]{1,40})"\s{0,10}:\s{0,10}"((?:[^"\\]|\\.){1,1000})', re.DOTALL)


def error_from_response(
    status: int, headers: Mapping[str, str], body: bytes, retry_after: float | None = None
) -> APIError:
    """Return the error for a response whose `status` is not 2xx; `retry_after` is in seconds."""
    if 300 <= status < 400 and "Location" in headers:
        return _redirect_error(status, headers)
    text = cut_queries(_decode(body[:MAX_ERROR_BODY_SIZE], headers.get("Content-Type", "")))
    fields = _parse_error_body(text)
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
    encoding = "utf-16" if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        header = Message()
        header["Content-Type"] = content_type
        try:
            return body.decode(header.get_content_charset(encoding), "replace")
        except (LookupError, UnicodeError):
            return body.decode("utf-8", "replace")


def _parse_error_body(text: str) -> dict[str, Any]:
    """Return `code`, `message`, `docs_url` and `details` from a body of any shape; empty if it has none."""
    text = text.strip()
    if text.startswith("<"):
        code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
        if code or message:
            return {"code": code and code[1], "message": message and _unescape(message[1])}
        return {"message": _html_text(text)}
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        if not text.startswith(("{", "[")):
            return {"message": _readable(text)}
        found = _truncated_fields(text)
    if isinstance(found, list):
        found = {"errors": cast("list[object]", found)}
    if not isinstance(found, dict):
        return {"message": found if isinstance(found, str) else None}
    top = cast("dict[str, Any]", found)
    nested = next(
        (cast("dict[str, Any]", top[name]) for name in ("error", "fault") if isinstance(top.get(name), dict)), top
    )
    objects = [nested, top, *_first_error(top)]
    return {
        "message": _find_message(nested) or _find_message(top),
        "code": _find_code(objects),
        "docs_url": next((one["docs_url"] for one in objects if "docs_url" in one), None),
        "details": next((one["details"] for one in objects if "details" in one), None),
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
    """Return the first message in a JSON value, from its outermost level inwards."""
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
    for name in names:
        message = _find_message(fields.get(name), depth - 1) or (name == "errors" and _by_field(fields.get(name)))
        if message:
            return f"{location}: {message}" if (location := _location(fields.get("loc"))) else message
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


def _first_error(top: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    errors = top.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        first = cast("dict[str, Any]", errors[0])
        yield first
        if isinstance(first.get("error"), dict):
            yield first["error"]


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
    line = printable(text)
    letters = sum(character.isalnum() or character in " .,:;-_'\"()/" for character in line)
    if letters < 0.8 * len(line) or "\ufffd" in line[:20]:
        return ""
    return line if len(line) <= MAX_TEXT_LENGTH else line[: MAX_TEXT_LENGTH - 1] + "…"


def _optional_string(value: Any) -> str | None:
    return printable(str(value)[:200]) if isinstance(value, str | int) else None


def _status_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "unknown status"


_ERROR_CLASSES_BY_STATUS: dict[int, type[APIError]] = {
    kind.STATUS: kind for kind in APIError.__subclasses__() if kind.STATUS is not None and kind.STATUS < 500
}


def error_class_for_status(status: int) -> type[APIError]:
    """Return the exception class for an HTTP status; `APIError` if it has none of its own."""
    return InternalServerError if status >= 500 else _ERROR_CLASSES_BY_STATUS.get(status, APIError)

"""Error bodies that gateways, firewalls and web frameworks send instead of the API's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, get_args

ErrorFormat = Literal[
    "text", "html", "detail", "errors", "title", "error_description", "invalid-utf8", "truncated", "empty"
]
"""Format of an error body: plain text; a web page whose title is the message; a JSON object with `detail`, as of
FastAPI, with a list `errors`, with `title`, as in RFC 9457, or with `error` and `error_description`, as in OAuth; an
error of the API with a byte that is not UTF-8, or cut off after the message; or nothing."""
FORMATS: Final[tuple[str, ...]] = get_args(ErrorFormat)

_JSON = "application/json"


class ErrorBody(NamedTuple):
    """A body and its content type."""

    content: bytes
    content_type: str


def error_body(error_format: ErrorFormat, status: int, code: str, message: str) -> ErrorBody:
    """Return an error body."""
    return _BUILDERS[error_format](status, code, message)


def _text(_status: int, _code: str, message: str) -> ErrorBody:
    return ErrorBody(message.encode(), "text/plain")


def _html(_status: int, _code: str, message: str) -> ErrorBody:
    page = f"<!DOCTYPE html><html><head><title>{message}</title></head><body><h1>Sorry</h1></body></html>"
    return ErrorBody(page.encode(), "text/html")


def _detail(_status: int, _code: str, message: str) -> ErrorBody:
    return _json({"detail": message})


def _errors(_status: int, code: str, message: str) -> ErrorBody:
    return _json({"errors": [{"code": code, "message": message}]})


def _title(status: int, _code: str, message: str) -> ErrorBody:
    content = json.dumps({"type": "about:blank", "title": message, "status": status})
    return ErrorBody(content.encode(), "application/problem+json")


def _error_description(_status: int, code: str, message: str) -> ErrorBody:
    return _json({"error": code, "error_description": message})


def _invalid_utf8(_status: int, code: str, message: str) -> ErrorBody:
    content = json.dumps({"code": code, "message": f"{message} @"}).encode()
    return ErrorBody(content.replace(b"@", b"\xff"), _JSON)


def _truncated(_status: int, code: str, message: str) -> ErrorBody:
    content = json.dumps({"code": code, "message": message, "docs_url": "https://docs.twelvelabs.io/errors"})
    return ErrorBody(content[:-20].encode(), _JSON)


def _empty(_status: int, _code: str, _message: str) -> ErrorBody:
    return ErrorBody(b"", _JSON)


def _json(content: dict[str, object]) -> ErrorBody:
    return ErrorBody(json.dumps(content).encode(), _JSON)


_BUILDERS: Final[dict[str, Callable[[int, str, str], ErrorBody]]] = {
    "text": _text,
    "html": _html,
    "detail": _detail,
    "errors": _errors,
    "title": _title,
    "error_description": _error_description,
    "invalid-utf8": _invalid_utf8,
    "truncated": _truncated,
    "empty": _empty,
}

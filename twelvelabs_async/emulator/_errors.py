"""Error responses of the API and of the storage, and the error bodies of gateways, firewalls and web frameworks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args
from xml.sax.saxutils import escape

INJECTED_CODE = "injected_fault"
INJECTED_MESSAGE = "The emulator was asked to fail."
"""Code and message of the error of a fault."""
PLAN_LIMIT_STATUSES: Mapping[str, int] = {
    "plan_limit_exceeded": 429,
    "usage_limit_exceeded": 400,
    "api_allowed_for_paid_plan": 403,
}
"""Status by the code of an error that the account's plan causes."""

T = TypeVar("T")

ErrorShape = Literal["flat", "nested", "page", "empty"]
"""Shape of an error body: `flat` in general, `nested` below `error` for newer operations, `page` for an invalid search
token, `empty` for a 429 response of some operations."""

_NESTED_OPERATIONS = {
    "POST /embed-v2",
    "POST /embed-v2/tasks",
    "GET /embed-v2/tasks/{task_id}",
    "POST /analyze/tasks",
    "GET /analyze/tasks/{task_id}",
    "DELETE /analyze/tasks/{task_id}",
    "POST /analyze/tasks/{task_id}/cancel",
    "GET /analyze/batches",
    "POST /analyze/batches",
    "GET /analyze/batches/{batch_id}",
    "DELETE /analyze/batches/{batch_id}",
    "POST /analyze/batches/{batch_id}/cancel",
    "GET /analyze/batches/{batch_id}/results",
}
"""Operations with nested errors, except for status 401."""
_SEARCH_PAGE_OPERATION = "GET /search/{page-token}"

TOKEN_EXPIRED_CODE = 40001
"""The API types this code as an integer without documenting a value; this one is invented."""


ErrorFormat = Literal[
    "text", "html", "detail", "errors", "title", "error_description", "invalid-utf8", "truncated", "empty"
]
"""Format of an error body: plain text; a web page whose title is the message; a JSON object with `detail`, as of
FastAPI, with a list `errors`, with `title`, as in RFC 9457, or with `error` and `error_description`, as in OAuth; an
error of the API with a byte that is not UTF-8, or cut off after the message; or nothing."""

FORMATS: Final[tuple[str, ...]] = get_args(ErrorFormat)

_JSON = "application/json"


class ApiError(Exception):
    """An error response of the API."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        shape: ErrorShape = "flat",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.shape: ErrorShape = shape
        self.headers: dict[str, str] = dict(headers or {})

    def body(self) -> bytes:
        """Return the JSON body, which may be empty."""
        if self.shape == "empty":
            return b""
        code: dict[str, Any] = {"error_code": TOKEN_EXPIRED_CODE} if self.shape == "page" else {"code": self.code}
        content = code | {"message": self.message}
        return json.dumps({"error": content} if self.shape == "nested" else content).encode()


class StorageError(Exception):
    """An error response of the storage, in XML."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> bytes:
        """Return the XML body."""
        inner = f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


def error_shape(operation: str, status: int) -> ErrorShape:
    """Return the shape of an error of an operation."""
    if operation in _NESTED_OPERATIONS and status != 401:
        return "nested"
    return "page" if operation == _SEARCH_PAGE_OPERATION and status == 400 else "flat"


def invalid_parameter(parameter: str, reason: str) -> ApiError:
    """Return the error for a parameter with an invalid value."""
    return ApiError(400, "parameter_invalid", f"The {parameter} parameter is invalid: {reason}.")


def missing_parameter(parameter: str) -> ApiError:
    """Return the error for a missing parameter."""
    return ApiError(400, "parameter_not_provided", f"The {parameter} parameter is required but was not provided.")


def require_found(value: T | None, kind: str, identifier: str) -> T:
    """Return an object that was looked up by its id.

    Raises:
        ApiError: It is None.
    """
    if value is None:
        raise not_found(kind, identifier)
    return value


def not_found(kind: str, identifier: str) -> ApiError:
    """Return the error for an unknown id."""
    return ApiError(404, "resource_not_exist", f"There is no {kind} with the id {identifier}.")


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

"""Error responses of the API and of the storage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar
from xml.sax.saxutils import escape

INJECTED_CODE = "injected_fault"
INJECTED_MESSAGE = "The emulator was asked to fail."
"""Code and message of the error of a fault."""

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


class _ResponseError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class ApiError(_ResponseError):
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
        super().__init__(status, code, message)
        self.shape: ErrorShape = shape
        self.headers: dict[str, str] = dict(headers or {})

    def body(self) -> bytes:
        """Return the JSON body, which may be empty."""
        if self.shape == "empty":
            return b""
        code: dict[str, Any] = {"error_code": TOKEN_EXPIRED_CODE} if self.shape == "page" else {"code": self.code}
        content = code | {"message": self.message}
        return json.dumps({"error": content} if self.shape == "nested" else content).encode()


class StorageError(_ResponseError):
    """An error response of the storage, in XML."""

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

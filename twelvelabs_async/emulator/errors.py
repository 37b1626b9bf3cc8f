"""Refusals, in the shapes the API gives them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Shape = Literal["flat", "nested", "page", "empty"]
"""`flat` is the rule; `nested` puts that below `error`, as newer groups do; `page` is what a bad search token gets;
`empty` is a 429 of a search."""

_NESTED = {
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
"""Operations whose refusals are nested, except that of the key."""
_PAGE = "GET /search/{page-token}"

TOKEN_EXPIRED_CODE = 40001
"""The API types this code as an integer and documents no value, so this one is made up."""


class ApiError(Exception):
    """An answer other than success, raised wherever a handler finds out."""

    def __init__(
        self, status: int, code: str, message: str, *, shape: Shape = "flat", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.shape: Shape = shape
        self.headers: dict[str, str] = dict(headers or {})

    def body(self) -> bytes:
        """Return the JSON to send, which may be nothing at all."""
        if self.shape == "empty":
            return b""
        code: dict[str, Any] = {"error_code": TOKEN_EXPIRED_CODE} if self.shape == "page" else {"code": self.code}
        content = code | {"message": self.message}
        return json.dumps({"error": content} if self.shape == "nested" else content).encode()


class StorageError(Exception):
    """A refusal of the storage behind presigned URLs, which speaks XML."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> bytes:
        """Return the XML document to send."""
        inner = f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


def shape_of(operation: str, status: int) -> Shape:
    """Return the shape that refusals of an operation have, if nothing special is the matter."""
    if operation in _NESTED and status != 401:
        return "nested"
    return "page" if operation == _PAGE and status == 400 else "flat"


def invalid(parameter: str, why: str) -> ApiError:
    """Return the refusal of a parameter's value."""
    return ApiError(400, "parameter_invalid", f"The {parameter} parameter is invalid: {why}.")


def missing(parameter: str) -> ApiError:
    """Return the refusal of a request that lacks a required parameter."""
    return ApiError(400, "parameter_not_provided", f"The {parameter} parameter is required but was not provided.")


def unknown(kind: str, identifier: str) -> ApiError:
    """Return the refusal of an id that names nothing."""
    return ApiError(404, "resource_not_exist", f"There is no {kind} with the id {identifier}.")


def choice(parameter: str, value: object, choices: Iterable[str]) -> str:
    """Return the value if it is one of the choices.

    Raises:
        ApiError: It is not.
    """
    allowed = tuple(choices)
    if value not in allowed:
        raise invalid(parameter, f"it must be one of {', '.join(allowed)}")
    return str(value)

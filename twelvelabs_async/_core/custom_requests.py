"""Checks the arguments of `AsyncTwelveLabs.request`, which may name any endpoint, and builds the request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from twelvelabs_async._arguments import describe
from twelvelabs_async._codec.converter import can_structure
from twelvelabs_async._core.sent_headers import checked_headers, named_values
from twelvelabs_async._options import require_choice, require_type
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import Form, Method, Request, RetryClass

_PATH_TEMPLATE: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}|\{[A-Za-z][A-Za-z0-9_-]*\})*")
"""A path with variables in braces, without a query and a fragment."""

_RETRY_CLASS_BY_METHOD: Final[Mapping[str, RetryClass]] = {"GET": "safe", "POST": "non_idempotent"}
"""Retry class by HTTP method. A POST without a retry class is not retried."""


def custom_request(
    *,
    method: object,
    path_template: object,
    response_type: object,
    path_params: object,
    query: object,
    json: object,
    form: object,
    headers: object,
    retry_class: object,
) -> Request[Any]:
    """Return a request to any endpoint; the arguments are those of `AsyncTwelveLabs.request`.

    Raises:
        InvalidInputError: One of them cannot be sent, or has the wrong type.
    """
    if method is None:
        raise InvalidInputError("method must be an HTTP method such as 'GET', got None")
    require_choice("method", method, Method)
    require_choice("retry_class", retry_class, RetryClass)
    require_type("form", form, Form, "a Form, such as Form.build(name=value)")
    if form is not None and json is not None:
        raise InvalidInputError("a request has one body; pass json= or form=, not both")
    if not can_structure(response_type):
        raise InvalidInputError(
            f"response_type must be a model, dict, or type(None), got {getattr(response_type, '__name__', '')!r}"
            if isinstance(response_type, type)
            else f"response_type must be a class: a model, dict, or type(None), got {describe(response_type)}"
        )
    name = str.__str__(cast("str", method))
    return Request(
        method=cast("Method", name),
        path_template=_checked_template(path_template),
        response_type=cast("type[Any]", response_type),
        retry_class=cast("RetryClass", retry_class) or _RETRY_CLASS_BY_METHOD.get(name, "idempotent"),
        path_params={} if path_params is None else named_values("path_params", path_params),
        query={} if query is None else named_values("query", query),
        json=json,
        allow_null_items=True,
        form=cast("Form | None", form),
        headers={} if headers is None else checked_headers("headers", headers, single_request=True),
    )


def _checked_template(path_template: object) -> str:
    """Return a path that begins with a slash: another one could change the host that gets the API key."""
    if not isinstance(path_template, str):
        raise InvalidInputError(f"path_template must be a path like /indexes, got {describe(path_template)}")
    path = str.__str__(path_template)
    if not path.startswith("/"):
        raise InvalidInputError(f"path_template must be a path that begins with '/', got {describe(path)}")
    if "?" in path or "#" in path:
        raise InvalidInputError("path_template must not contain '?' or '#'; pass parameters as query=")
    if not _PATH_TEMPLATE.fullmatch(path):
        raise InvalidInputError(
            f"path_template has a character that a path cannot contain, {describe(path)}; write a variable such as "
            "{name} there, and pass its value in path_params"
        )
    if not {".", ".."}.isdisjoint(path.lower().replace("%2e", ".").split("/")):
        raise InvalidInputError(f"path_template must not contain the segment '.' or '..', got {describe(path)}")
    return path

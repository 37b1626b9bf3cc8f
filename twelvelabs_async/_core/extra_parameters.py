"""Headers, query parameters and fields that a caller adds to requests, and requests to any endpoint.

A client without them has a plain `RequestExecutor`, so that its requests take no time for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlencode

import attrs
from multidict import CIMultiDict
from typing_extensions import override

from twelvelabs_async._arguments import describe, named_values, query_pairs, require_choice, require_type
from twelvelabs_async._codec.converter import can_structure, json_bytes, to_wire
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._core.retry import RETRY_CLASS_BY_METHOD
from twelvelabs_async._http.transport import StreamingResponse
from twelvelabs_async._options import checked_headers
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import Form, Method, Request, RetryClass

T = TypeVar("T")

_PATH_TEMPLATE: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}|\{[A-Za-z][A-Za-z0-9_-]*\})*")
"""A path with variables in braces, without a query and a fragment."""


def _checked_query(query: object) -> dict[str, Any]:
    given = named_values("extra_query", query)
    try:
        checked = deepcopy(dict(given))  # the caller may change its lists later
    except Exception:  # noqa: BLE001  # the values are the caller's
        raise InvalidInputError("extra_query must contain scalars, lists and dicts only") from None
    try:
        urlencode(list(query_pairs(checked)))
    except UnicodeEncodeError:
        raise InvalidInputError("extra_query cannot be encoded as UTF-8") from None
    return checked


def _checked_body(body: object) -> dict[str, Any]:
    checked = dict(named_values("extra_body", body))
    try:
        json_bytes(checked, allow_null_items=True)
    except UnicodeEncodeError:
        raise InvalidInputError("extra_body cannot be encoded as UTF-8") from None
    return cast("dict[str, Any]", to_wire(checked, "extra_body", allow_null_items=True))


@attrs.frozen(kw_only=True)
class ExtraParameters:
    """What a client adds to each request to the API. Its repr shows no values, which may be secret."""

    headers: CIMultiDict[str] = attrs.field(factory=CIMultiDict[str], repr=False)
    """Headers; those of a single request win."""
    query: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Query parameters; they win over those of a request."""
    body: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Fields of JSON objects and forms; they win over those of a request."""

    def merged_with(self, headers: object, query: object, body: object) -> ExtraParameters:
        """Return a copy with more headers, query parameters and fields, which win over those here; None adds nothing.

        Raises:
            InvalidInputError: One of them cannot be sent.
        """
        all_headers = self.headers.copy()
        all_headers.update({} if headers is None else checked_headers("extra_headers", headers))
        return ExtraParameters(
            headers=all_headers,
            query={**self.query, **({} if query is None else _checked_query(query))},
            body={**self.body, **({} if body is None else _checked_body(body))},
        )

    def added_to(self, request: Request[T]) -> Request[T]:
        """Return a request with the headers, the query parameters and, if it has a body, the fields.

        A POST, PUT or PATCH without a body gets one.

        Raises:
            InvalidInputError: The fields cannot be added to the body.
        """
        headers = self.headers.copy()
        headers.update(request.headers)
        changes: dict[str, Any] = {"headers": headers, "query": {**request.query, **self.query}}
        if self.body and request.form is not None:
            changes["form"] = self._with_fields(request.form)
        elif self.body and (request.json is not None or request.method in {"POST", "PUT", "PATCH"}):
            changes |= {"json": self._with_members(request), "allow_null_items": True}
        return attrs.evolve(request, **changes)

    def _with_members(self, request: Request[Any]) -> dict[str, Any]:
        sent = to_wire({} if request.json is None else request.json, allow_null_items=request.allow_null_items)
        if not isinstance(sent, dict):
            raise InvalidInputError(f"extra_body cannot be added to {request.operation}: its body is not a JSON object")
        return {**cast("dict[str, Any]", sent), **self.body}

    def _with_fields(self, form: Form) -> Form:
        """Replace the fields of the same names. A mapping is sent as JSON, as the API expects; None leaves it out."""
        for file in form.files:
            if file.name in self.body:
                raise InvalidInputError(f"extra_body must not contain {file.name}: the form sends a file of this name")
        plain = {
            name: json_bytes(value).decode() if isinstance(value, dict) else value for name, value in self.body.items()
        }
        kept = (field for field in form.fields if field[0] not in self.body)
        return attrs.evolve(form, fields=(*kept, *query_pairs(plain)))


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ExtendedExecutor(RequestExecutor):
    """An executor that adds `extras` to each request to the API, and nothing to uploads to storage."""

    extras: ExtraParameters = attrs.field(factory=ExtraParameters)
    """What is added."""

    @override
    async def execute(self, request: Request[T]) -> T:
        return await super().execute(self.extras.added_to(request))

    @override
    async def open_stream(self, request: Request[Any], *, accept: str) -> StreamingResponse:
        return await super().open_stream(self.extras.added_to(request), accept=accept)


def extended(
    executor: RequestExecutor, *, headers: object = None, query: object = None, body: object = None
) -> ExtendedExecutor:
    """Return an executor that shares everything with `executor`, and adds more; None adds nothing.

    Raises:
        InvalidInputError: One of them cannot be sent.
    """
    extras = executor.extras if isinstance(executor, ExtendedExecutor) else ExtraParameters()
    fields = {field.name: getattr(executor, field.name) for field in attrs.fields(RequestExecutor) if field.init}
    return ExtendedExecutor(extras=extras.merged_with(headers, query, body), **fields)


def require_free(executor: RequestExecutor, field: str, caller: str) -> None:
    """Raise `InvalidInputError` if `extra_body` has a field that `caller` needs for itself."""
    if isinstance(executor, ExtendedExecutor) and field in executor.extras.body:
        raise InvalidInputError(f"extra_body must not contain {field} when {caller} sends requests")


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
        retry_class=cast("RetryClass", retry_class) or RETRY_CLASS_BY_METHOD[name],
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

"""The request that a handler receives, the response that it returns, and the operation that it implements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from aiohttp import web
from multidict import MultiMapping

from twelvelabs_async.emulator._api.validation import Form, parse_flag, read_form, require_choice, require_object_id
from twelvelabs_async.emulator._errors import ApiError, require_found
from twelvelabs_async.emulator._json import parse_json, without_nulls
from twelvelabs_async.emulator._limits import UsageMeter
from twelvelabs_async.emulator._media.media import Asset
from twelvelabs_async.emulator._state.entities import Index
from twelvelabs_async.emulator._state.service import Service

USAGE = web.RequestKey("usage", UsageMeter)
"""Key of the usage meter in a request."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response; its content is JSON, a `Stream`, or None for an empty body."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


NO_CONTENT = ApiResponse(status=204)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A request to an operation, and the service as its organization sees it."""

    service: Service
    request: web.Request

    @property
    def query(self) -> MultiMapping[str]:
        """The query parameters."""
        return self.request.query

    def path_param(self, name: str) -> str:
        """Return a path parameter."""
        return self.request.match_info[name.replace("-", "_")]

    def path_id(self, name: str, prefix: str = "") -> str:
        """Return a path parameter that is an object id, or with a prefix a UUID behind it, in lower case.

        Raises:
            ApiError: It is neither.
        """
        return require_object_id(name, self.path_param(name), prefix)

    def find(
        self, objects: Mapping[str, T], name: str, kind: str, *, prefix: str = "", where: Callable[[T], bool] = bool
    ) -> T:
        """Return the object whose id is a path parameter.

        Raises:
            ApiError: The parameter is not an id, or there is no such object that meets the condition.
        """
        identifier = self.path_id(name, prefix)
        found = objects.get(identifier)
        return require_found(found if found is not None and where(found) else None, kind, identifier)

    @property
    def index(self) -> Index:
        """The index whose id is in the path.

        Raises:
            ApiError: The parameter is not an id, or there is no such index.
        """
        return self.service.index(self.path_id("index-id"))

    @property
    def asset(self) -> Asset:
        """The asset whose id is in the path.

        Raises:
            ApiError: The parameter is not an id, or there is no such asset.
        """
        return self.service.asset(self.path_id("asset_id"))

    @property
    def usage(self) -> UsageMeter:
        """Counts what the request uses of the limits."""
        return self.request[USAGE]

    def query_flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean query parameter, the default if it is absent."""
        return parse_flag(name, self.query.get(name), default=default)

    def query_choices(self, name: str, choices: Iterable[str], default: Sequence[str] = ()) -> list[str]:
        """Return all values of a query parameter, the default if it is absent.

        Raises:
            ApiError: A value is not one of the choices.
        """
        allowed = tuple(choices)
        return [require_choice(name, value, allowed) for value in self.query.getall(name, default)]

    async def json(self) -> dict[str, Any]:
        """Return the JSON object in the body, without optional properties that are null.

        An empty body counts as an empty object, because the official client sends one when no field is set.

        Raises:
            ApiError: The content type is not JSON, or the body is not a JSON object.
        """
        raw = await self.request.read()
        if not raw:
            return {}
        if self.request.content_type != "application/json":
            raise ApiError(400, "content_type_invalid", "The content type must be application/json.")
        try:
            body = without_nulls(parse_json(raw))
        except ValueError as error:
            raise ApiError(400, "parameter_invalid", "The request body is not valid JSON.") from error
        if not isinstance(body, dict):
            raise ApiError(400, "parameter_invalid", "The request body must be a JSON object.")
        return cast("dict[str, Any]", body)

    def form(self) -> AbstractAsyncContextManager[Form]:
        """Read the multipart form in the body; its files are deleted at the end of the block.

        Raises:
            ApiError: The body is not a multipart form.
        """
        return read_form(self.request, self.service.spool)


Handler = Callable[[RequestContext], Awaitable[ApiResponse]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API: method, path template as in the API reference, and handler."""

    method: str
    path_template: str
    handler: Handler

    @property
    def name(self) -> str:
        """Method and path template, the name of the operation in faults and limits."""
        return f"{self.method} {self.path_template}"

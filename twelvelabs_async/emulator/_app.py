"""The web applications of both origins, the API and the storage: middlewares and routes."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache, partial

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from twelvelabs_async._version import __version__
from twelvelabs_async.emulator import _storage
from twelvelabs_async.emulator._admin.api import ADMIN_PREFIX
from twelvelabs_async.emulator._api import OPERATIONS, UNDESCRIBED_OPERATIONS
from twelvelabs_async.emulator._api.context import USAGE, Operation, RequestContext
from twelvelabs_async.emulator._errors import ApiError, error_shape
from twelvelabs_async.emulator._faults import AbortedResponse, inject_fault, wait_for_disconnect
from twelvelabs_async.emulator._limits import UsageMeter
from twelvelabs_async.emulator._net import drain_body
from twelvelabs_async.emulator._operations import CATEGORIES, CONTENT_DEPENDENT, OTHER_CATEGORY, STORAGE
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator._streams import Stream, StreamedResponse
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.request_log import RecordedRequest, RequestLog

RECORDED_HEADERS = ("accept", "accept-encoding", "content-length", "content-type", "transfer-encoding", "user-agent")
"""Request headers in the request log."""

API_PREFIX = "/v1.3"
API_VERSION = "1.3"
JSON_TYPE = "application/json; charset=UTF-8"
KEY_HEADER = "x-api-key"
SERVER = f"twelvelabs-emulator/{__version__}"
"""The `Server` header, by which programs see that results are synthetic."""
MAX_JSON_BODY = 64 << 20
"""Bytes of a JSON body; the fields and files of a form have limits of their own."""

CLIENT_DISCONNECTED = (ConnectionError, web.RequestPayloadError)
"""Exceptions that reading a body raises when the client disconnects."""

_EMPTY_429_OPERATIONS = {"POST /search", "POST /analyze", "POST /knowledge-stores/{knowledge_store_id}/search"}
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_VERSION_OF_PATH = re.compile(r"/v([\d.]+)/")
_OLD_VERSIONS = {"1", "1.0", "1.1", "1.2"}
_logger = logging.getLogger(__name__)


def _router_path(operation: Operation) -> str:
    """Return the path template for the router of aiohttp, which allows no dashes in parameter names."""
    segments = operation.path_template.split("/")
    return "/".join(segment.replace("-", "_") if segment.startswith("{") else segment for segment in segments)


OPERATION_NAMES = {
    (operation.method, API_PREFIX + _router_path(operation)): operation.name for operation in OPERATIONS
} | {("PUT", _storage.UPLOAD_PATH): STORAGE}


def build_api(middlewares: Middlewares, admin: web.Application, reject_other_hosts: Middleware) -> web.Application:
    """Return the application of the API, with the admin application below `ADMIN_PREFIX`."""
    api_middlewares = [
        drain_body,
        middlewares.record_request,
        middlewares.inject_faults,
        middlewares.handle_errors,
        middlewares.authenticate,
        middlewares.rate_limit,
        middlewares.persist,
    ]
    api = web.Application(middlewares=api_middlewares)
    for operation in (*OPERATIONS, *UNDESCRIBED_OPERATIONS):
        handler = _make_handler(middlewares.service, operation)
        api.router.add_route(operation.method, _router_path(operation), handler)
    # The middlewares of an application also run for its sub-applications, so the root has only one: the admin
    # application is outside of those of the API. Paths below neither prefix get the middlewares of the API one by one.
    not_found: Handler = _raise_not_found
    for middleware in reversed(api_middlewares):
        not_found = partial(middleware, handler=not_found)
    root = web.Application(middlewares=[reject_other_hosts], client_max_size=MAX_JSON_BODY)
    root.on_response_prepare.append(middlewares.add_default_headers)
    root.add_subapp(ADMIN_PREFIX, admin)
    root.add_subapp(API_PREFIX, api)
    root.router.add_route("*", "/{path:.*}", not_found)
    return root


async def _raise_not_found(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


def build_storage(middlewares: Middlewares, reject_other_hosts: Middleware) -> web.Application:
    """Return the application of the storage, the origin of presigned URLs."""
    app = web.Application(
        middlewares=[
            reject_other_hosts,
            drain_body,
            middlewares.record_request,
            middlewares.inject_faults,
            _storage.handle_errors,
            middlewares.persist,
        ]
    )
    handlers = _storage.Storage(middlewares.service)
    app.router.add_put(_storage.UPLOAD_PATH, handlers.put)
    app.router.add_get(_storage.FILE_PATH, handlers.get)
    app.router.add_get(_storage.THUMBNAIL_PATH, handlers.thumbnail)
    return app


@dataclass(slots=True)
class _Arrival:
    """When a request arrived."""

    time: float
    reset_count: int
    recorded: bool = False
    """Whether the request is in the request log."""


_ARRIVAL = web.RequestKey("arrival", _Arrival)


class Middlewares:
    """The middlewares of both origins, and the state they share."""

    def __init__(
        self,
        *,
        service: Service,
        organizations_by_key: Mapping[str, str],
        faults: Faults,
        request_log: RequestLog,
    ) -> None:
        self.service = service
        self.in_flight = 0
        """Requests being processed on both origins."""
        self.stopping = asyncio.Event()
        """Set to end the responses that a fault has stalled."""
        self._organizations_by_key = organizations_by_key
        self._faults = faults
        self._request_log = request_log
        self._reset_count = 0

    def reset(self) -> None:
        """Do not record the requests that are being processed."""
        self._reset_count += 1

    @web.middleware
    async def record_request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Add the request to the request log when it ends, or when a fault stalls it."""
        request[_ARRIVAL] = _Arrival(self.service.now(), self._reset_count)
        status = 0
        self.in_flight += 1
        try:
            response = await handler(request)
            if isinstance(response, StreamedResponse):
                await response.send(request)
            status = 0 if isinstance(response, AbortedResponse) else response.status
            return response
        except CLIENT_DISCONNECTED:
            return AbortedResponse()
        finally:
            self.in_flight -= 1
            self._record(request, status)

    def _record(self, request: web.Request, status: int) -> None:
        """Add a request to the request log once, unless the emulator was reset after the request arrived."""
        arrival = request[_ARRIVAL]
        if arrival.recorded or arrival.reset_count != self._reset_count:
            return
        arrival.recorded = True
        recorded = RecordedRequest(
            method=request.method,
            route=_operation_name(request),
            path=request.path_qs,
            status=status,
            headers={name: request.headers[name] for name in RECORDED_HEADERS if name in request.headers},
            with_key=KEY_HEADER in request.headers,
            size=request.content.total_bytes,
            time=arrival.time,
        )
        self._request_log.append(recorded)

    async def _stall(self, request: web.Request) -> AbortedResponse:
        # A client that gives up and continues finds the request in the log.
        self._record(request, 0)
        return await wait_for_disconnect(request, self.stopping)

    @web.middleware
    async def inject_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Apply the fault that is due for this operation, if any."""
        fault = self._faults.trigger(_operation_name(request))
        if fault is None:
            return await handler(request)
        return await inject_fault(fault, request, handler, self.service, self._stall)

    @web.middleware
    async def handle_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Convert exceptions into error responses of the API."""
        try:
            return await handler(request)
        except ApiError as error:
            if error.shape == "flat":
                error.shape = error_shape(_operation_name(request), error.status)
            return _error_response(error)
        except CLIENT_DISCONNECTED:
            raise
        except web.HTTPException as error:
            return _error_response(_routing_error(request, error))
        except Exception:
            _logger.exception("unhandled exception in %s %s", request.method, request.path)
            message = "The emulator raised an unexpected exception; its log has the traceback."
            return _error_response(ApiError(500, "internal_server_error", message))

    @web.middleware
    async def authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Require a known API key, and attach a usage meter of its organization to the request."""
        organization = self._organizations_by_key.get(request.headers.get(KEY_HEADER, ""))
        if organization is None:
            raise ApiError(401, "api_key_invalid", "The API key is missing, wrong or expired.")
        empty_429_body = _operation_name(request) in _EMPTY_429_OPERATIONS
        request[USAGE] = UsageMeter(self.service.limiter, organization, empty_429_body=empty_429_body)
        return await handler(request)

    @web.middleware
    async def rate_limit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the request, reject it if a limit is exceeded, and add the rate-limit headers."""
        operation, usage = _operation_name(request), request[USAGE]
        try:
            if operation not in CONTENT_DEPENDENT:
                usage.count_request(CATEGORIES.get(operation, OTHER_CATEGORY))
            response = await handler(request)
        except ApiError as error:
            error.headers.update(usage.headers)
            raise
        response.headers.update(usage.headers)
        return response

    @web.middleware
    async def persist(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Save the state after a successful request that may have changed it, before the response is sent."""
        response = await handler(request)
        if request.method not in _SAFE_METHODS and response.status < 400:
            await self.service.save()
        return response

    async def add_default_headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every response of the API has."""
        response.headers["Date"] = _http_date(int(self.service.now()))
        response.headers["Server"] = SERVER
        response.headers.setdefault("X-Api-Version", API_VERSION)
        response.headers.setdefault("tl-report", "backend")
        response.headers.setdefault("x-trace-id", self.service.state.ids.trace_id())


def _make_handler(root_service: Service, operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        service = root_service.for_organization(request[USAGE].organization)
        response = await operation.handler(RequestContext(service, request))
        if request.method == "GET":
            service.count_polls(response.content)
        if isinstance(response.content, Stream):
            fragmented = service.settings.fragment_streams
            return StreamedResponse(response.content, response.status, response.headers, fragmented=fragmented)
        if response.content is None:
            return web.Response(status=response.status, headers=response.headers)
        headers = {"Content-Type": JSON_TYPE, **response.headers}
        return web.Response(status=response.status, body=json.dumps(response.content).encode(), headers=headers)

    return handle


def _operation_name(request: web.Request) -> str:
    """Return the name of the requested operation, an empty string if no route matches."""
    resource = request.match_info.route.resource
    return "" if resource is None else OPERATION_NAMES.get((request.method, resource.canonical), "")


def _routing_error(request: web.Request, error: web.HTTPException) -> ApiError:
    path = request.path
    if isinstance(error, web.HTTPMethodNotAllowed):
        message = f"The method {request.method} is not allowed here."
        return ApiError(405, "method_not_allowed", message, headers={"Allow": error.headers["Allow"]})
    if not isinstance(error, web.HTTPNotFound):
        return ApiError(error.status, "request_refused", f"{path}: {error.reason}")
    match = _VERSION_OF_PATH.match(path)
    version = match[1] if match else None
    if version in _OLD_VERSIONS:
        return ApiError(400, "api_upgrade_required", f"{path}: this needs version {API_VERSION} of the API.")
    if version is None:
        reason = f"the path has no version; the base URL must end with {API_PREFIX}"
    elif version != API_VERSION:
        reason = f"version {version} of the API does not exist; the base URL must end with {API_PREFIX}"
    elif path.startswith(API_PREFIX * 2):
        reason = f"the path has the version twice; {API_PREFIX} belongs to the base URL only"
    else:
        reason = "there is no such endpoint"
    return ApiError(404, "endpoint_not_exists", f"{path}: {reason}.")


@lru_cache(maxsize=1)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _error_response(error: ApiError) -> web.Response:
    body = error.body()
    headers = error.headers | ({"Content-Type": JSON_TYPE} if body else {})
    return web.Response(status=error.status, body=body, headers=headers)

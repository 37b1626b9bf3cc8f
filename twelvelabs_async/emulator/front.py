"""What every request passes through before it reaches its handler."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import web

from twelvelabs_async.emulator.errors import ApiError, shape_of
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.journal import KEPT_HEADERS, Journal, Received
from twelvelabs_async.emulator.limits import METER, Meter
from twelvelabs_async.emulator.plans import BY_CONTENT, CATEGORIES, OTHER
from twelvelabs_async.emulator.spoiling import Cut, spoil
from twelvelabs_async.emulator.streaming import StreamedResponse

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

    from twelvelabs_async.emulator.limits import Limiter
    from twelvelabs_async.emulator.world import World

API_VERSION = "1.3"
KEY_HEADER = "x-api-key"

GONE = (ConnectionError, web.RequestPayloadError)
"""What reading a body raises when the caller leaves in the middle of it."""

_EMPTY_REFUSALS = {"POST /search", "POST /analyze", "POST /knowledge-stores/{knowledge_store_id}/search"}
_READING = {"GET", "HEAD", "OPTIONS"}
_OLD = re.compile(r"/v1\.[0-2]/")
"""Where older versions of the API were."""
_logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Front:
    """The middlewares of both origins, and what they keep."""

    world: World
    keys: Mapping[str, str]
    """Organisation by API key."""
    faults: Faults
    limiter: Limiter
    journal: Journal
    stopping: asyncio.Event
    names: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Operation by verb and path template of the router."""
    in_flight: int = 0

    def operation(self, request: web.Request) -> str:
        """Return the name of the operation a request is for, nothing if there is none."""
        resource = request.match_info.route.resource
        return "" if resource is None else self.names.get((request.method, resource.canonical), "")

    @web.middleware
    async def record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Write every request down."""
        arrived, status = self.world.now(), 0
        self.in_flight += 1
        try:
            response = await handler(request)
            if isinstance(response, StreamedResponse):
                await response.send(request)
            status = 0 if isinstance(response, Cut) else response.status
            return response
        except GONE:
            return Cut()
        finally:
            self.in_flight -= 1
            self._note(request, arrived, status)

    def _note(self, request: web.Request, arrived: float, status: int) -> None:
        headers = request.headers
        received = Received(
            method=request.method,
            route=self.operation(request),
            path=request.path_qs,
            status=status,
            headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
            with_key=KEY_HEADER in headers,
            size=request.content.total_bytes,
            time=arrived,
        )
        self.journal.append(received)

    @web.middleware
    async def fail(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the faults that were asked for happen."""
        fault = self.faults.take(self.operation(request))
        if fault is None:
            return await handler(request)
        return await spoil(fault, request, handler, self.world, self.stopping)

    @web.middleware
    async def keep(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Write down what a request has changed, before it is answered."""
        response = await handler(request)
        if request.method not in _READING and response.status < 400:
            await self.world.save()
        return response

    @web.middleware
    async def explain(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn refusals into the JSON of the API."""
        try:
            return await handler(request)
        except ApiError as error:
            if error.shape == "flat":
                error.shape = shape_of(self.operation(request), error.status)
            return refusal(error)
        except GONE:
            raise
        except web.HTTPMethodNotAllowed as error:
            why = f"The method {request.method} is not allowed here."
            return refusal(ApiError(405, "method_not_allowed", why, headers={"Allow": error.headers["Allow"]}))
        except web.HTTPException as error:
            return refusal(_no_endpoint(request.path, error))
        except Exception:
            _logger.exception("%s failed in the emulator", request.method)
            return refusal(ApiError(500, "internal_server_error", "The emulator has a bug; its log tells more."))

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Ask for the key, and remember whose objects and limits it opens."""
        organisation = self.keys.get(request.headers.get(KEY_HEADER, ""))
        if organisation is None:
            raise ApiError(401, "api_key_invalid", "The API key is missing, wrong or expired.")
        METER.set(Meter(self.limiter, organisation, empty=self.operation(request) in _EMPTY_REFUSALS))
        return await handler(request)

    @web.middleware
    async def limit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count, refuse what is too much, and tell how much is left."""
        operation, meter = self.operation(request), METER.get()
        try:
            if operation not in BY_CONTENT:
                meter.count(CATEGORIES.get(operation, OTHER))
            response = await handler(request)
        except ApiError as error:
            error.headers.update(meter.headers)
            raise
        response.headers.update(meter.headers)
        return response

    async def stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put on every answer what the API puts on every answer."""
        response.headers["Date"] = _date(int(self.world.now()))
        response.headers.setdefault("X-Api-Version", API_VERSION)
        response.headers.setdefault("x-trace-id", self.world.state.ids.trace())


def _no_endpoint(path: str, error: web.HTTPException) -> ApiError:
    if _OLD.match(path):
        return ApiError(400, "api_upgrade_required", f"{path}: this needs version {API_VERSION} of the API.")
    code = "endpoint_not_exists" if isinstance(error, web.HTTPNotFound) else "request_refused"
    return ApiError(error.status, code, f"{path}: {error.reason}")


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def refusal(error: ApiError) -> web.Response:
    """Return a refusal as an answer."""
    body = error.body()
    headers = error.headers | ({"Content-Type": "application/json"} if body else {})
    return web.Response(status=error.status, body=body, headers=headers)


def answer(content: object, status: int, headers: Mapping[str, str]) -> web.Response:
    """Return content as an answer; no content means no body."""
    if content is None:
        return web.Response(status=status, headers=headers)
    body = json.dumps(content).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)

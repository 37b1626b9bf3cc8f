"""The two origins as applications: routes, and the middlewares in front of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from twelvelabs_async.emulator import control, storage
from twelvelabs_async.emulator.call import Call, Operation
from twelvelabs_async.emulator.faults import STORAGE
from twelvelabs_async.emulator.front import Front, answer
from twelvelabs_async.emulator.handlers import OPERATIONS
from twelvelabs_async.emulator.limits import METER
from twelvelabs_async.emulator.streaming import Stream, StreamedResponse

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

PREFIX = "/v1.3"
LARGEST_TEXT = 64 << 20
"""Bytes of a JSON body; the texts and files of a form have limits of their own."""


def route_of(operation: Operation) -> str:
    """Return the path template as the router wants it, which takes no dashes in names."""
    steps = operation.template.split("/")
    return PREFIX + "/".join(step.replace("-", "_") if step.startswith("{") else step for step in steps)


NAMES = {(operation.method, route_of(operation)): operation.name for operation in OPERATIONS} | {
    ("PUT", storage.PATH): STORAGE
}


def build_api(front: Front, controls: control.Control) -> web.Application:
    """Return the API, and beside it what is asked of the emulator itself, which passes none of the middlewares."""
    app = web.Application(middlewares=[_chain(front, controls)], client_max_size=LARGEST_TEXT)
    app.on_response_prepare.append(front.stamp)
    app.router.add_routes(controls.routes())
    for operation in OPERATIONS:
        app.router.add_route(operation.method, route_of(operation), _bind(front, operation))
    return app


def _chain(front: Front, controls: control.Control) -> Middleware:
    @web.middleware
    async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(control.PREFIX):
            return await controls.admit(request, partial(front.keep, handler=handler))
        for layer in (front.keep, front.limit, front.admit, front.explain, front.fail, front.record):
            handler = partial(layer, handler=handler)
        return await handler(request)

    return pass_through


def _bind(front: Front, operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        world = front.world.of(METER.get().organisation)
        reply = await operation.handler(Call(world, request))
        if request.method == "GET":
            world.look(reply.content)
        if isinstance(reply.content, Stream):
            awkward = world.settings.awkward_streams
            return StreamedResponse(reply.content, reply.status, reply.headers, awkward=awkward)
        return answer(reply.content, reply.status, reply.headers)

    return handle


def build_storage(front: Front) -> web.Application:
    """Return the storage behind the presigned URLs."""
    app = web.Application(middlewares=[front.record, front.fail, storage.explain, front.keep])
    origin = storage.Storage(front.world)
    app.router.add_put(storage.PATH, origin.put)
    app.router.add_get(storage.FILE, origin.get)
    app.router.add_get(storage.THUMBNAIL, origin.thumbnail)
    return app

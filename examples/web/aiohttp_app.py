"""A video desk with aiohttp.

Needs `pip install twelvelabs-async`; run in this folder:

TWELVELABS_API_KEY=... TWELVELABS_WEBHOOK_SECRET=... python aiohttp_app.py
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from desk import Desk

from twelvelabs_async import APIError, AsyncTwelveLabs, QuotaExhaustedError, WebhookSignatureError, webhooks

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

PAGE = Path(__file__).with_name("page.html")
DESK = web.AppKey("desk", Desk)


async def desk(app: web.Application) -> AsyncGenerator[None]:
    """One client for all requests. Nobody waits longer than five seconds for a quota: see `explain`."""
    secret = os.environ.get("TWELVELABS_WEBHOOK_SECRET", "whsec")
    async with AsyncTwelveLabs(max_wait=5) as client, Desk.open(client, secret) as opened:
        app[DESK] = opened
        yield


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn failures of the platform into answers: a used-up quota says when to come back."""
    try:
        return await handler(request)
    except QuotaExhaustedError as error:
        later = {"Retry-After": str(math.ceil(error.retry_after or 1))}
        return web.json_response({"error": str(error)}, status=503, headers=later)
    except APIError as error:
        return web.json_response({"error": str(error)}, status=404 if error.status_code == 404 else 502)


routes = web.RouteTableDef()


@routes.get("/")
async def page(_: web.Request) -> web.FileResponse:
    """What people see."""
    return web.FileResponse(PAGE)


@routes.post("/videos")
async def upload(request: web.Request) -> web.Response:
    """Take a video in: the body passes through in blocks, and is nowhere kept."""
    if request.content_length is None:
        raise web.HTTPLengthRequired
    body = request.content.iter_any()
    asset_id = await request.app[DESK].take_in(body, _asked(request, "filename"), request.content_length)
    return web.json_response({"id": asset_id}, status=202)


@routes.get("/videos/{asset_id}")
async def state(request: web.Request) -> web.Response:
    """How far a video is."""
    asset_id = request.match_info["asset_id"]
    found = request.app[DESK].state(asset_id)
    if found is None:
        raise web.HTTPNotFound(text="nobody brought this video here")
    return web.json_response({"id": asset_id, "state": found})


@routes.get("/search")
async def search(request: web.Request) -> web.Response:
    """Moments that fit the words."""
    return web.json_response(await request.app[DESK].find(_asked(request, "q")))


@routes.get("/videos/{asset_id}/description")
async def describe(request: web.Request) -> web.StreamResponse:
    """A description while it is written. When the browser leaves, so does the call to the platform."""
    prompt = _asked(request, "prompt")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    async with aclosing(request.app[DESK].describe(request.match_info["asset_id"], prompt)) as pieces:
        async for piece in pieces:
            await response.write(piece)
    return response


@routes.post("/videos/{asset_id}/reports")
async def order(request: web.Request) -> web.Response:
    """Order a report."""
    task_id = await request.app[DESK].order(request.match_info["asset_id"], _asked(request, "prompt"))
    return web.json_response({"id": task_id}, status=202)


@routes.get("/reports/{task_id}")
async def report(request: web.Request) -> web.Response:
    """A report, as soon as a webhook has announced it."""
    try:
        patience = float(request.query.get("patience", "30"))
    except ValueError:
        raise web.HTTPBadRequest(text="patience is a number of seconds") from None
    patience = min(60.0, max(0.0, patience))
    return web.json_response(await request.app[DESK].report(request.match_info["task_id"], patience))


@routes.post("/webhook")
async def receive(request: web.Request) -> web.Response:
    """What the platform tells."""
    try:
        request.app[DESK].receive(await request.read(), request.headers.get(webhooks.HEADER, ""))
    except WebhookSignatureError:
        return web.Response(status=401)
    return web.Response()


def _asked(request: web.Request, name: str) -> str:
    try:
        return request.query[name]
    except KeyError:
        raise web.HTTPBadRequest(text=f"{name} is missing") from None


def application() -> web.Application:
    """The application, whose handlers are cancelled when their browser leaves."""
    app = web.Application(middlewares=[explain], handler_args={"handler_cancellation": True})
    app.cleanup_ctx.append(desk)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1")

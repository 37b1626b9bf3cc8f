"""A video library with aiohttp.

Needs `python -m pip install ../..`; run in this folder:

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
from video_library import VideoLibrary

from twelvelabs_async import APIError, AsyncTwelveLabs, QuotaExhaustedError, WebhookSignatureError, webhooks

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

PAGE = Path(__file__).with_name("page.html")
LIBRARY_KEY = web.AppKey("library", VideoLibrary)


async def library_context(app: web.Application) -> AsyncGenerator[None]:
    """Share one client among all requests. Calls wait at most 5 seconds for a rate limit (see `handle_errors`)."""
    secret = os.environ.get("TWELVELABS_WEBHOOK_SECRET", "whsec")
    async with AsyncTwelveLabs(max_wait=5) as client, VideoLibrary.open(client, secret) as library:
        app[LIBRARY_KEY] = library
        yield


@web.middleware
async def handle_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Convert errors of the platform to responses; an exhausted rate limit becomes a 503 with Retry-After."""
    try:
        return await handler(request)
    except QuotaExhaustedError as error:
        headers = {"Retry-After": str(math.ceil(error.retry_after or 1))}
        return web.json_response({"error": str(error)}, status=503, headers=headers)
    except APIError as error:
        return web.json_response({"error": str(error)}, status=404 if error.status_code == 404 else 502)


routes = web.RouteTableDef()


@routes.get("/")
async def page(_: web.Request) -> web.FileResponse:
    """Return the page."""
    return web.FileResponse(PAGE)


@routes.post("/videos")
async def upload(request: web.Request) -> web.Response:
    """Upload a video; the body is forwarded in chunks and not stored."""
    if request.content_length is None:
        raise web.HTTPLengthRequired
    body = request.content.iter_any()
    asset_id = await request.app[LIBRARY_KEY].upload(body, _required_query(request, "filename"), request.content_length)
    return web.json_response({"id": asset_id}, status=202)


@routes.get("/videos")
async def list_videos(request: web.Request) -> web.Response:
    """List the newest videos."""
    return web.json_response(await request.app[LIBRARY_KEY].list_videos())


@routes.get("/videos/{asset_id}/thumbnail")
async def get_thumbnail(request: web.Request) -> web.Response:
    """Redirect to the thumbnail of a video."""
    url = await request.app[LIBRARY_KEY].get_thumbnail_url(request.match_info["asset_id"])
    raise web.HTTPNotFound if url is None else web.HTTPFound(url)


@routes.get("/videos/{asset_id}")
async def get_state(request: web.Request) -> web.Response:
    """Return the state of a video."""
    asset_id = request.match_info["asset_id"]
    state = request.app[LIBRARY_KEY].get_state(asset_id)
    if state is None:
        raise web.HTTPNotFound(text="unknown video")
    return web.json_response({"id": asset_id, "state": state})


@routes.get("/search")
async def search(request: web.Request) -> web.Response:
    """Search the videos."""
    return web.json_response(await request.app[LIBRARY_KEY].search(_required_query(request, "q")))


@routes.get("/videos/{asset_id}/description")
async def describe(request: web.Request) -> web.StreamResponse:
    """Stream a description. A browser that disconnects cancels the call to the platform."""
    prompt = _required_query(request, "prompt")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    async with aclosing(request.app[LIBRARY_KEY].describe(request.match_info["asset_id"], prompt)) as chunks:
        async for chunk in chunks:
            await response.write(chunk)
    return response


@routes.post("/videos/{asset_id}/reports")
async def create_report(request: web.Request) -> web.Response:
    """Start a report."""
    task_id = await request.app[LIBRARY_KEY].create_report(
        request.match_info["asset_id"], _required_query(request, "prompt")
    )
    return web.json_response({"id": task_id}, status=202)


@routes.get("/reports/{task_id}")
async def get_report(request: web.Request) -> web.Response:
    """Return a report when its webhook has arrived."""
    try:
        timeout = float(request.query.get("timeout", "30"))
    except ValueError:
        raise web.HTTPBadRequest(text="timeout is a number of seconds") from None
    timeout = min(60.0, max(0.0, timeout))
    return web.json_response(await request.app[LIBRARY_KEY].get_report(request.match_info["task_id"], timeout))


@routes.post("/webhook")
async def handle_webhook(request: web.Request) -> web.Response:
    """Receive a webhook."""
    try:
        request.app[LIBRARY_KEY].handle_webhook(
            await request.read(), request.headers.get(webhooks.SIGNATURE_HEADER, "")
        )
    except WebhookSignatureError:
        return web.Response(status=401)
    return web.Response()


def _required_query(request: web.Request, name: str) -> str:
    try:
        return request.query[name]
    except KeyError:
        raise web.HTTPBadRequest(text=f"{name} is missing") from None


def application() -> web.Application:
    """Create the application, whose handlers are cancelled when the browser disconnects."""
    app = web.Application(middlewares=[handle_errors], handler_args={"handler_cancellation": True})
    app.cleanup_ctx.append(library_context)
    app.add_routes(routes)
    return app


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1")

"""A video desk with FastAPI.

Needs `python -m pip install '../..[cli]' fastapi uvicorn`; run in this folder:

TWELVELABS_API_KEY=... TWELVELABS_WEBHOOK_SECRET=... uvicorn fastapi_app:app
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from desk import Desk
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from twelvelabs_async import APIError, AsyncTwelveLabs, QuotaExhaustedError, WebhookSignatureError, webhooks

PAGE = Path(__file__).with_name("page.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Share one client among all requests. A call waits for a rate limit for at most 5 seconds: see `busy`."""
    secret = os.environ.get("TWELVELABS_WEBHOOK_SECRET", "whsec")
    async with AsyncTwelveLabs(max_wait=5) as client, Desk.open(client, secret) as desk:
        app.state.desk = desk
        yield


def get_desk(request: Request) -> Desk:
    """Return the desk of this application."""
    return cast("Desk", request.app.state.desk)


DeskDependency = Annotated[Desk, Depends(get_desk)]
app = FastAPI(title="Video desk", lifespan=lifespan)


@app.exception_handler(QuotaExhaustedError)
async def handle_quota_exhausted(_: Request, error: QuotaExhaustedError) -> JSONResponse:
    """Convert an exhausted rate limit to a 503 with Retry-After."""
    return JSONResponse(
        {"error": str(error)}, status_code=503, headers={"Retry-After": str(math.ceil(error.retry_after or 1))}
    )


@app.exception_handler(APIError)
async def handle_api_error(_: Request, error: APIError) -> JSONResponse:
    """Convert any other error of the platform to a 502."""
    return JSONResponse({"error": str(error)}, status_code=404 if error.status_code == 404 else 502)


@app.get("/")
async def page() -> FileResponse:
    """Return the page."""
    return FileResponse(PAGE)


@app.post("/videos", status_code=202)
async def upload(request: Request, filename: str, desk: DeskDependency) -> dict[str, str]:
    """Upload a video; the body is forwarded in chunks and not stored."""
    size = request.headers.get("content-length", "")
    if not size.isdigit():
        raise HTTPException(411, "a Content-Length is needed")
    return {"id": await desk.upload(request.stream(), filename, int(size))}


@app.get("/videos")
async def list_videos(desk: DeskDependency) -> list[dict[str, Any]]:
    """List the newest videos."""
    return await desk.list_videos()


@app.get("/videos/{asset_id}/thumbnail")
async def get_thumbnail(asset_id: str, desk: DeskDependency) -> RedirectResponse:
    """Redirect to the thumbnail of a video."""
    url = await desk.get_thumbnail_url(asset_id)
    if url is None:
        raise HTTPException(404, "no thumbnail yet")
    return RedirectResponse(url, status_code=302)


@app.get("/videos/{asset_id}")
async def get_state(asset_id: str, desk: DeskDependency) -> dict[str, str]:
    """Return the state of a video."""
    found = desk.get_state(asset_id)
    if found is None:
        raise HTTPException(404, "unknown video")
    return {"id": asset_id, "state": found}


@app.get("/search")
async def search(q: str, desk: DeskDependency) -> list[dict[str, Any]]:
    """Search the videos."""
    return await desk.search(q)


@app.get("/videos/{asset_id}/description")
async def describe(asset_id: str, prompt: str, desk: DeskDependency) -> StreamingResponse:
    """Stream a description. A browser that disconnects cancels the call to the platform."""
    return StreamingResponse(desk.describe(asset_id, prompt), media_type="text/event-stream")


@app.post("/videos/{asset_id}/reports", status_code=202)
async def create_report(asset_id: str, prompt: str, desk: DeskDependency) -> dict[str, str]:
    """Start a report."""
    return {"id": await desk.create_report(asset_id, prompt)}


@app.get("/reports/{task_id}")
async def get_report(
    task_id: str, desk: DeskDependency, timeout: Annotated[float, Query(ge=0, le=60)] = 30.0
) -> dict[str, Any]:
    """Return a report when its webhook has arrived."""
    return await desk.get_report(task_id, timeout)


@app.post("/webhook")
async def handle_webhook(request: Request, desk: DeskDependency) -> Response:
    """Receive a webhook."""
    try:
        desk.handle_webhook(await request.body(), request.headers.get(webhooks.SIGNATURE_HEADER, ""))
    except WebhookSignatureError:
        return Response(status_code=401)
    return Response()

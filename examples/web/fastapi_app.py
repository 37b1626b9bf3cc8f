"""A video library with FastAPI.

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

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from video_library import VideoLibrary

from twelvelabs_async import APIError, AsyncTwelveLabs, QuotaExhaustedError, WebhookSignatureError, webhooks

PAGE = Path(__file__).with_name("page.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Share one client among all requests. Calls wait at most 5 seconds for a rate limit (`handle_quota_exhausted`)."""
    secret = os.environ.get("TWELVELABS_WEBHOOK_SECRET", "whsec")
    async with AsyncTwelveLabs(max_wait=5) as client, VideoLibrary.open(client, secret) as library:
        app.state.library = library
        yield


def get_library(request: Request) -> VideoLibrary:
    """Return the video library of this application."""
    return cast("VideoLibrary", request.app.state.library)


LibraryDependency = Annotated[VideoLibrary, Depends(get_library)]
app = FastAPI(title="Video library", lifespan=lifespan)


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
async def upload(request: Request, filename: str, library: LibraryDependency) -> dict[str, str]:
    """Upload a video; the body is forwarded in chunks and not stored."""
    size = request.headers.get("content-length", "")
    if not size.isdigit():
        raise HTTPException(411, "a Content-Length is needed")
    return {"id": await library.upload(request.stream(), filename, int(size))}


@app.get("/videos")
async def list_videos(library: LibraryDependency) -> list[dict[str, Any]]:
    """List the newest videos."""
    return await library.list_videos()


@app.get("/videos/{asset_id}/thumbnail")
async def get_thumbnail(asset_id: str, library: LibraryDependency) -> RedirectResponse:
    """Redirect to the thumbnail of a video."""
    url = await library.get_thumbnail_url(asset_id)
    if url is None:
        raise HTTPException(404, "no thumbnail yet")
    return RedirectResponse(url, status_code=302)


@app.get("/videos/{asset_id}")
async def get_state(asset_id: str, library: LibraryDependency) -> dict[str, str]:
    """Return the state of a video."""
    state = library.get_state(asset_id)
    if state is None:
        raise HTTPException(404, "unknown video")
    return {"id": asset_id, "state": state}


@app.get("/search")
async def search(q: str, library: LibraryDependency) -> list[dict[str, Any]]:
    """Search the videos."""
    return await library.search(q)


@app.get("/videos/{asset_id}/description")
async def describe(asset_id: str, prompt: str, library: LibraryDependency) -> StreamingResponse:
    """Stream a description. A browser that disconnects cancels the call to the platform."""
    return StreamingResponse(library.describe(asset_id, prompt), media_type="text/event-stream")


@app.post("/videos/{asset_id}/reports", status_code=202)
async def create_report(asset_id: str, prompt: str, library: LibraryDependency) -> dict[str, str]:
    """Start a report."""
    return {"id": await library.create_report(asset_id, prompt)}


@app.get("/reports/{task_id}")
async def get_report(
    task_id: str, library: LibraryDependency, timeout: Annotated[float, Query(ge=0, le=60)] = 30.0
) -> dict[str, Any]:
    """Return a report when its webhook has arrived."""
    return await library.get_report(task_id, timeout)


@app.post("/webhook")
async def handle_webhook(request: Request, library: LibraryDependency) -> Response:
    """Receive a webhook."""
    try:
        library.handle_webhook(await request.body(), request.headers.get(webhooks.SIGNATURE_HEADER, ""))
    except WebhookSignatureError:
        return Response(status_code=401)
    return Response()

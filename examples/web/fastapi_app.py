"""A video desk with FastAPI.

Needs `pip install twelvelabs-async fastapi uvicorn`; run in this folder:

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
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from twelvelabs_async import APIError, AsyncTwelveLabs, QuotaExhaustedError, WebhookSignatureError, webhooks

PAGE = Path(__file__).with_name("page.html")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """One client for all requests. Nobody waits longer than five seconds for a quota: see `busy`."""
    secret = os.environ.get("TWELVELABS_WEBHOOK_SECRET", "whsec")
    async with AsyncTwelveLabs(max_wait=5) as client, Desk.open(client, secret) as desk:
        app.state.desk = desk
        yield


def at_desk(request: Request) -> Desk:
    """The desk of this application."""
    return cast("Desk", request.app.state.desk)


TheDesk = Annotated[Desk, Depends(at_desk)]
app = FastAPI(title="Video desk", lifespan=lifespan)


@app.exception_handler(QuotaExhaustedError)
async def busy(_: Request, error: QuotaExhaustedError) -> JSONResponse:
    """The quota of the platform is used up: say so, and when to come back."""
    return JSONResponse(
        {"error": str(error)}, status_code=503, headers={"Retry-After": str(math.ceil(error.retry_after or 1))}
    )


@app.exception_handler(APIError)
async def failed(_: Request, error: APIError) -> JSONResponse:
    """Any other failure of the platform."""
    return JSONResponse({"error": str(error)}, status_code=404 if error.status_code == 404 else 502)


@app.get("/")
async def page() -> FileResponse:
    """What people see."""
    return FileResponse(PAGE)


@app.post("/videos", status_code=202)
async def upload(request: Request, filename: str, desk: TheDesk) -> dict[str, str]:
    """Take a video in: the body passes through in blocks, and is nowhere kept."""
    size = request.headers.get("content-length", "")
    if not size.isdigit():
        raise HTTPException(411, "a Content-Length is needed")
    return {"id": await desk.take_in(request.stream(), filename, int(size))}


@app.get("/videos/{asset_id}")
async def state(asset_id: str, desk: TheDesk) -> dict[str, str]:
    """How far a video is."""
    found = desk.state(asset_id)
    if found is None:
        raise HTTPException(404, "nobody brought this video here")
    return {"id": asset_id, "state": found}


@app.get("/search")
async def search(q: str, desk: TheDesk) -> list[dict[str, Any]]:
    """Moments that fit the words."""
    return await desk.find(q)


@app.get("/videos/{asset_id}/description")
async def describe(asset_id: str, prompt: str, desk: TheDesk) -> StreamingResponse:
    """A description while it is written. When the browser leaves, so does the call to the platform."""
    return StreamingResponse(desk.describe(asset_id, prompt), media_type="text/event-stream")


@app.post("/videos/{asset_id}/reports", status_code=202)
async def order(asset_id: str, prompt: str, desk: TheDesk) -> dict[str, str]:
    """Order a report."""
    return {"id": await desk.order(asset_id, prompt)}


@app.get("/reports/{task_id}")
async def report(task_id: str, desk: TheDesk, patience: Annotated[float, Query(ge=0, le=60)] = 30.0) -> dict[str, Any]:
    """A report, as soon as a webhook has announced it."""
    return await desk.report(task_id, patience)


@app.post("/webhook")
async def receive(request: Request, desk: TheDesk) -> Response:
    """What the platform tells."""
    try:
        desk.receive(await request.body(), request.headers.get(webhooks.HEADER, ""))
    except WebhookSignatureError:
        return Response(status_code=401)
    return Response()

"""Analysis tasks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import paging, progress
from twelvelabs_async.emulator.analyses import MODES, Analysis, Ask
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, unknown
from twelvelabs_async.emulator.handlers import analyze_views, asking, assets

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

STATUSES = ("queued", "pending", "processing", "ready", "failed", "canceled")
LONGEST, LONGEST_WINDOW = 4 * 3600.0, 2 * 3600.0
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def create(call: Call) -> Reply:
    """POST /analyze/tasks; a key that came before gives the task that it made, whatever the request is now."""
    world, kept = call.world, call.world.state.analyses
    body = await call.json()
    key = call.request.headers.get("Idempotency-Key")
    task = kept.tasks.get(kept.keys.get(key, "")) if key else None
    if task is None:
        task = Analysis(
            id="", custom_id=read_custom_id(body, "custom_id"), ask=_read(world, body), created_at=world.now()
        )
        task.id = world.state.ids.object()
        kept.tasks[task.id] = task
        if key:
            kept.keys[key] = task.id
    return Reply({"task_id": task.id, "status": progress.status(world, task)}, 202)


def _read(world: World, body: dict[str, Any]) -> Ask:
    try:
        return asking.read(world, body, longest=LONGEST, longest_window=LONGEST_WINDOW)
    except ApiError as error:
        # What cannot be analyzed is all the same here.
        error.status = 400 if error.status == 404 else error.status
        raise


def read_custom_id(body: dict[str, Any], where: str) -> str | None:
    """Return the caller's name for a task.

    Raises:
        ApiError: It is too long, or has other characters than names have.
    """
    given = body.get("custom_id")
    if given is not None and not (isinstance(given, str) and _CUSTOM_ID.fullmatch(given)):
        raise invalid(where, "it must be 1 to 64 letters, digits, hyphens and underscores")
    return given


async def list_(call: Call) -> Reply:
    """GET /analyze/tasks; the tasks of batches are in it."""
    world, query = call.world, call.query
    progress.batches(world)
    if "video_url" in query:
        assets.check_url("video_url", query["video_url"])
    status = choice("status", query["status"], STATUSES) if "status" in query else None
    mode = choice("analysis_mode", query["analysis_mode"], MODES) if "analysis_mode" in query else None
    found = [
        task
        for task in world.state.analyses.tasks.values()
        if status in {None, progress.status(world, task)}
        and mode in {None, task.ask.mode}
        and _from(task, "asset_id", query.get("asset_id"))
        and _from(task, "url", query.get("video_url"))
    ]
    in_order = paging.newest_first(found)
    return Reply(paging.page(query, in_order, lambda task: analyze_views.task(world, task, brief=True)))


def _from(task: Analysis, type_: str, reference: str | None) -> bool:
    video = task.ask.video
    return reference is None or (video is not None and (video.type, video.reference) == (type_, reference))


async def retrieve(call: Call) -> Reply:
    """GET /analyze/tasks/{task_id}."""
    return Reply(analyze_views.task(call.world, _find(call), brief=False))


async def delete(call: Call) -> Reply:
    """DELETE /analyze/tasks/{task_id}."""
    task = _find(call)
    if progress.status(call.world, task) == "processing":
        raise ApiError(409, "task_cannot_be_deleted", f"The task {task.id} is being processed.")
    if task.batch is not None:
        raise ApiError(409, "task_cannot_be_deleted", f"The task {task.id} is deleted with its batch only.")
    del call.world.state.analyses.tasks[task.id]
    return NO_CONTENT


async def cancel(call: Call) -> Reply:
    """POST /analyze/tasks/{task_id}/cancel; once more does no harm."""
    task = _find(call)
    status = progress.status(call.world, task)
    if task.batch is not None:
        raise ApiError(409, "task_cannot_be_canceled", f"The task {task.id} is canceled with its batch only.")
    if status in {"ready", "failed"}:
        raise ApiError(409, "task_cannot_be_canceled", f"The task {task.id} is {status}.")
    if task.canceled_at is None:
        task.canceled_at = call.world.now()
    return Reply({"task_id": task.id, "status": "canceled"})


def _find(call: Call) -> Analysis:
    progress.batches(call.world)
    identifier = call.text("task_id")
    task = call.world.state.analyses.tasks.get(identifier.lower())
    if task is None:
        raise unknown("analysis task", identifier)
    return task


OPERATIONS = (
    Operation("GET", "/analyze/tasks", list_),
    Operation("POST", "/analyze/tasks", create),
    Operation("GET", "/analyze/tasks/{task_id}", retrieve),
    Operation("DELETE", "/analyze/tasks/{task_id}", delete),
    Operation("POST", "/analyze/tasks/{task_id}/cancel", cancel),
)

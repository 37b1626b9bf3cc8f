"""Video indexing tasks, the older endpoints that upload and index a video in one request."""

from __future__ import annotations

from typing import Any

from twelvelabs_async.emulator._api import assets, indexed_assets, listing, serializers
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import Form, parse_user_metadata_json
from twelvelabs_async.emulator._errors import ApiError, missing_parameter
from twelvelabs_async.emulator._json import rfc3339_seconds
from twelvelabs_async.emulator._media import media
from twelvelabs_async.emulator._media.rules import check_indexable
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Task
from twelvelabs_async.emulator._state.service import Service

STATUSES = ("ready", "uploading", "validating", "pending", "queued", "indexing", "failed")
MAX_SIZES = dict.fromkeys(media.MIME_TYPES, 2 * media.GIB)


async def create_task(context: RequestContext) -> ApiResponse:
    """POST /tasks."""
    service = context.service
    async with context.form() as form:
        index = service.index(form.require("index_id"))
        stream = form.flag("enable_video_stream", default=True)
        user_metadata = parse_user_metadata_json(form.get("user_metadata"))
        filename, info = await _video(context, form)
    context.usage.count_media(info.duration)
    method = "direct" if form.file("video_file") else "url"
    asset = assets.add_asset(service, method, filename, info)
    wait = service.timing.for_media(info.duration).asset
    video = indexed_assets.add_video(service, index, asset, user_metadata=user_metadata, stream=stream, delay=wait)
    task = Task(id=service.state.ids.object_id(), video=video, created_at=service.now())
    service.state.tasks[task.id] = task
    return ApiResponse({"_id": task.id, "video_id": video.id}, 201)


async def _video(context: RequestContext, form: Form) -> tuple[str, media.Media]:
    if file := form.file("video_file"):
        if media.detect_kind(file.filename) is None and not file.content_type.startswith("video/"):
            raise _broken_video(f"{file.filename} has neither a known extension nor the type of a video.")
        filename = file.filename
        info = await assets.inspect_form_file(context.service, "video_file", file, filename, MAX_SIZES)
    elif url := form.get("video_url"):
        filename, info = assets.media_from_url("video_url", url)
    else:
        raise missing_parameter("video_file or video_url")
    if info.kind != "video":
        raise _broken_video(f"its type is {info.mime}.")
    if info.problem is not None:
        raise _broken_video(info.problem)
    if rejection := check_indexable(info):
        raise ApiError(400, rejection.code, rejection.message)
    return filename, info


def _broken_video(problem: str) -> ApiError:
    message = f"The video file is corrupted or in an unsupported format: {problem}"
    return ApiError(400, "video_file_broken", message)


async def list_tasks(context: RequestContext) -> ApiResponse:
    """GET /tasks."""
    service = context.service
    listing.validate_bounds(context.query)
    statuses = context.query_choices("status", STATUSES, STATUSES)
    found_tasks = [
        task
        for task in service.state.tasks.values()
        if progress.task_status(service, task) in statuses and _matches_filters(context, task)
    ]
    in_order = listing.sort_items(context.query, found_tasks, lambda task: _updated_at(service, task))
    return listing.page_response(context, in_order, lambda task: task_view(service, task))


def _matches_filters(context: RequestContext, task: Task) -> bool:
    query, video = context.query, task.video
    return (
        listing.equals(query, "index_id", video.index_id)
        and listing.equals(query, "filename", video.asset.filename)
        and listing.in_ranges(query, serializers.system_metadata(video))
        and listing.at_or_after(query, created_at=task.created_at, updated_at=_updated_at(context.service, task))
    )


async def retrieve_task(context: RequestContext) -> ApiResponse:
    """GET /tasks/{task_id}."""
    task = _find(context)
    return ApiResponse(task_view(context.service, task) | serializers.hls(context.service, task.video))


async def delete_task(context: RequestContext) -> ApiResponse:
    """DELETE /tasks/{task_id}; the video of a ready task must be deleted first."""
    task = _find(context)
    status = progress.task_status(context.service, task)
    if status not in {"ready", "failed"}:
        raise ApiError(400, "task_cannot_be_deleted", f"The task {task.id} cannot be deleted: its status is {status}.")
    if status == "ready" and task.video.id in context.service.state.videos:
        message = f"The task {task.id} cannot be deleted: delete its video {task.video.id} first."
        raise ApiError(400, "task_cannot_be_deleted", message)
    del context.service.state.tasks[task.id]
    return NO_CONTENT


def _find(context: RequestContext) -> Task:
    return context.find(context.service.state.tasks, "task_id", "task")


def _updated_at(service: Service, task: Task) -> float:
    return progress.indexed_at(service, task.video) or task.created_at


def task_view(service: Service, task: Task) -> dict[str, Any]:
    """Return a task as JSON."""
    metadata = serializers.system_metadata(task.video)
    return {
        "_id": task.id,
        "video_id": task.video.id,
        "index_id": task.video.index_id,
        "status": progress.task_status(service, task),
        "created_at": rfc3339_seconds(task.created_at),
        "updated_at": rfc3339_seconds(_updated_at(service, task)),
        "system_metadata": {
            name: metadata[name] for name in ("filename", "duration", "width", "height") if name in metadata
        },
    }


OPERATIONS = (
    Operation("GET", "/tasks", list_tasks),
    Operation("POST", "/tasks", create_task),
    Operation("GET", "/tasks/{task_id}", retrieve_task),
    Operation("DELETE", "/tasks/{task_id}", delete_task),
)

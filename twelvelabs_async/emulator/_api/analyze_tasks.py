"""Analysis tasks and batches."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, cast

from twelvelabs_async.emulator._api import analyze, assets, listing, validation
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import require_choice, required_object_list
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter, require_found
from twelvelabs_async.emulator._faults import FAULT
from twelvelabs_async.emulator._generation import analysis
from twelvelabs_async.emulator._json import rfc3339_seconds
from twelvelabs_async.emulator._media.media import MAX_DURATION
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import (
    MODES,
    SEGMENTS_MODE,
    Analysis,
    AnalyzeRequest,
    Batch,
    Json,
    MediaSource,
)
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator._streams import Stream, ndjson_line

TASK_STATUSES = ("queued", "pending", "processing", "ready", "failed", "canceled")
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
BATCH_MODELS = ("pegasus1.5",)
MAX_REQUESTS = 1000
MAX_ACTIVE_BATCHES = 5
MAX_TOTAL_SECONDS = 2000 * 3600
BATCH_STATUSES = ("pending", "processing", "canceling", "canceled", "completed", "expired")
_BRIEF_PROMPT_LENGTH = 30
"""Maximum length of a prompt in lists."""
_ECHOED_FIELDS = ("temperature", "max_tokens", "start_time", "end_time")
_ECHOED_SEGMENT_FIELDS = ("min_segment_duration", "max_segment_duration")
DEFAULTABLE_FIELDS = ("prompt", "response_format", *_ECHOED_FIELDS, *_ECHOED_SEGMENT_FIELDS)
"""Fields of `defaults`, which each request can override."""


async def create_task(context: RequestContext) -> ApiResponse:
    """POST /analyze/tasks; returns the task that a known Idempotency-Key created, or 409 if a fault asks for it."""
    service, state = context.service, context.service.state.analyses
    body = await context.json()
    key = context.request.headers.get("Idempotency-Key")
    task = state.tasks.get(state.idempotency_keys.get(key, "")) if key else None
    if task is not None and FAULT in context.request and context.request[FAULT].idempotency_conflict:
        raise ApiError(409, "idempotency_key_in_use", f"The Idempotency-Key has created the task {task.id} already.")
    if task is None:
        custom_id, request = _read_custom_id(body, "custom_id"), await _read_task_request(service, body)
        context.usage.count_media(request.media_seconds)
        now, task_id = service.now(), service.state.ids.object_id()
        task = state.tasks[task_id] = Analysis(id=task_id, custom_id=custom_id, request=request, created_at=now)
        if key:
            state.idempotency_keys[key] = task.id
    return ApiResponse({"task_id": task.id, "status": progress.analysis_status(service, task)}, 202)


async def _read_task_request(service: Service, body: dict[str, Any]) -> AnalyzeRequest:
    try:
        return await analyze.read_request(
            service, "POST /analyze/tasks", body, max_duration=MAX_DURATION, max_window=analysis.MAX_WINDOW
        )
    except ApiError as error:
        # Unlike the synchronous endpoint, tasks answer 400 for an unknown asset.
        error.status = 400 if error.status == 404 else error.status
        raise


def _read_custom_id(body: dict[str, Any], field_path: str) -> str | None:
    """Return the custom id of a task.

    Raises:
        ApiError: It is too long, or contains other characters.
    """
    value = body.get("custom_id")
    if value is not None and not (isinstance(value, str) and _CUSTOM_ID.fullmatch(value)):
        raise invalid_parameter(field_path, "it must be 1 to 64 letters, digits, hyphens and underscores")
    return value


async def list_tasks(context: RequestContext) -> ApiResponse:
    """GET /analyze/tasks, including the tasks of batches."""
    service, query = context.service, context.query
    if "video_url" in query:
        assets.check_url("video_url", query["video_url"])
    status = require_choice("status", query["status"], TASK_STATUSES) if "status" in query else None
    mode = require_choice("analysis_mode", query["analysis_mode"], MODES) if "analysis_mode" in query else None
    found_tasks = [
        task
        for task in service.state.analyses.tasks.values()
        if status in {None, progress.analysis_status(service, task)}
        and mode in {None, task.request.mode}
        and _has_source(task, "asset_id", query.get("asset_id"))
        and _has_source(task, "url", query.get("video_url"))
    ]
    in_order = listing.newest_first(found_tasks)
    return listing.page_response(context, in_order, lambda task: task_view(service, task, brief=True))


def _has_source(task: Analysis, type_: str, reference: str | None) -> bool:
    video = task.request.video
    return reference is None or (video is not None and (video.type, video.reference) == (type_, reference))


async def retrieve_task(context: RequestContext) -> ApiResponse:
    """GET /analyze/tasks/{task_id}."""
    return ApiResponse(task_view(context.service, _find_task(context), brief=False))


async def delete_task(context: RequestContext) -> ApiResponse:
    """DELETE /analyze/tasks/{task_id}."""
    task = _find_task(context)
    if progress.analysis_status(context.service, task) == "processing":
        raise ApiError(409, "task_cannot_be_deleted", f"The task {task.id} is being processed.")
    if task.batch is not None:
        raise ApiError(409, "task_cannot_be_deleted", f"The task {task.id} belongs to a batch; delete the batch.")
    del context.service.state.analyses.tasks[task.id]
    return NO_CONTENT


async def cancel_task(context: RequestContext) -> ApiResponse:
    """POST /analyze/tasks/{task_id}/cancel; canceling a canceled task has no effect."""
    task = _find_task(context)
    status = progress.analysis_status(context.service, task)
    if task.batch is not None:
        raise ApiError(409, "task_cannot_be_canceled", f"The task {task.id} belongs to a batch; cancel the batch.")
    if status in {"ready", "failed"}:
        raise ApiError(409, "task_cannot_be_canceled", f"The task {task.id} is {status}.")
    if task.canceled_at is None:
        task.canceled_at = context.service.now()
    return ApiResponse({"task_id": task.id, "status": "canceled"})


def _find_task(context: RequestContext) -> Analysis:
    identifier = context.path_param("task_id")
    return require_found(context.service.state.analyses.tasks.get(identifier.lower()), "analysis task", identifier)


async def create_batch(context: RequestContext) -> ApiResponse:
    """POST /analyze/batches; one invalid request rejects the whole batch."""
    service, body = context.service, await context.json()
    for name in ("model_name", "analysis_mode"):
        if body.get(name) is None:
            raise missing_parameter(name)
    model = validation.require_model(body["model_name"], BATCH_MODELS)
    mode = require_choice("analysis_mode", body["analysis_mode"], MODES)
    requests = required_object_list(body, "requests", 1, MAX_REQUESTS)
    names = _custom_ids(requests)
    analyze_requests = [await _item_request(service, body, entry, position) for position, entry in enumerate(requests)]
    if sum(request.end - request.start for request in analyze_requests) > MAX_TOTAL_SECONDS:
        raise invalid_parameter("requests", f"the total duration must be at most {MAX_TOTAL_SECONDS // 3600} hours")
    statuses = [progress.batch_status(service, batch) for batch in service.state.analyses.batches.values()]
    if sum(status in progress.ACTIVE for status in statuses) >= MAX_ACTIVE_BATCHES:
        raise ApiError(429, "too_many_requests", f"At most {MAX_ACTIVE_BATCHES} batches can be active.")
    context.usage.count_media(sum(request.media_seconds or 0.0 for request in analyze_requests))
    now = service.now()
    batch = Batch(
        id=service.state.ids.object_id(),
        model=model,
        mode=mode,
        created_at=now,
        expires_at=now + service.timing.batch_lifetime,
    )
    for position, (custom_id, request) in enumerate(zip(names, analyze_requests, strict=True)):
        task = Analysis(
            id=service.state.ids.object_id(),
            custom_id=custom_id,
            request=request,
            created_at=now,
            batch=batch,
            position=position,
        )
        batch.items.append(task)
        service.state.analyses.tasks[task.id] = task
    service.state.analyses.batches[batch.id] = batch
    return ApiResponse(_batch_creation_view(service, batch), 201)


def _custom_ids(requests: list[Json]) -> list[str | None]:
    names = [_read_custom_id(entry, f"requests.{position}.custom_id") for position, entry in enumerate(requests)]
    duplicates = sorted(str(name) for name, count in Counter(names).items() if name is not None and count > 1)
    if duplicates:
        raise invalid_parameter("requests.custom_id", f"each must be unique, got duplicates of {duplicates}")
    return names


async def _item_request(service: Service, body: Json, entry: Json, position: int) -> AnalyzeRequest:
    video = entry.get("video")
    if not isinstance(video, dict) or cast("Json", video).get("type") != "asset_id":
        raise invalid_parameter(f"requests.{position}.video", "it must be an asset")
    defaults = validation.optional_object(body, "defaults") or {}
    merged: Json = {"model_name": body["model_name"], "analysis_mode": body["analysis_mode"], "video": video}
    for source in (defaults, entry):
        merged |= {name: source[name] for name in DEFAULTABLE_FIELDS if source.get(name) is not None}
    if "prompt" in merged:
        merged["prompt_v2"] = merged.pop("prompt")
    try:
        # The window is not limited here: a longer one fails when the item is processed.
        return await analyze.read_request(
            service, "POST /analyze/batches", merged, max_duration=MAX_DURATION, models=BATCH_MODELS
        )
    except ApiError as error:
        if error.code == assets.ASSET_NOT_READY:
            error.status = 409
        error.message = error.message.replace("The prompt_v2", "The prompt", 1)  # its name in batches
        raise


def _batch_creation_view(service: Service, batch: Batch) -> Json:
    return {
        "batch_id": batch.id,
        "status": progress.batch_status(service, batch),
        "total_items": len(batch.items),
        "created_at": rfc3339_seconds(batch.created_at),
        "expires_at": rfc3339_seconds(batch.expires_at),
        "items": [{"task_id": item.id, "custom_id": item.custom_id} for item in batch.items],
    }


async def list_batches(context: RequestContext) -> ApiResponse:
    """GET /analyze/batches."""
    service = context.service
    statuses = context.query_choices("status", BATCH_STATUSES, BATCH_STATUSES)
    modes = context.query_choices("analysis_mode", MODES, MODES)
    found_batches = [
        batch
        for batch in service.state.analyses.batches.values()
        if batch.mode in modes and progress.batch_status(service, batch) in statuses
    ]
    return listing.page_response(context, listing.newest_first(found_batches), lambda batch: batch_view(service, batch))


async def retrieve_batch(context: RequestContext) -> ApiResponse:
    """GET /analyze/batches/{batch_id}."""
    return ApiResponse(batch_view(context.service, _find_batch(context)))


async def delete_batch(context: RequestContext) -> ApiResponse:
    """DELETE /analyze/batches/{batch_id}."""
    batch = _find_batch(context)
    status = progress.batch_status(context.service, batch)
    if status in progress.ACTIVE:
        raise ApiError(409, "batch_not_terminal", f"The batch {batch.id} is {status}; cancel it first.")
    context.service.state.analyses.delete_batch(batch)
    return NO_CONTENT


async def cancel_batch(context: RequestContext) -> ApiResponse:
    """POST /analyze/batches/{batch_id}/cancel; items that are being processed are completed."""
    service, batch = context.service, _find_batch(context)
    status = progress.batch_status(service, batch)
    if status not in progress.ACTIVE:
        raise ApiError(409, f"batch_{status}", f"The batch {batch.id} is {status}.")
    if batch.canceled_at is None:
        batch.canceled_at = service.now()
    # A batch without started items is canceled already, but this response always says "canceling".
    view = batch_view(service, batch) | {"status": "canceling"}
    view.pop("canceled_at", None)
    return ApiResponse(view, 202)


async def retrieve_batch_results(context: RequestContext) -> ApiResponse:
    """GET /analyze/batches/{batch_id}/results."""
    batch = _find_batch(context)
    frames = tuple(ndjson_line(_batch_result_view(context.service, item)) for item in batch.items)
    failure = ndjson_line({"error": {"code": "internal_server_error", "message": "The results broke off."}})
    return ApiResponse(Stream("application/jsonl", frames, terminal_frames=0, error_frames=(failure,)))


def _find_batch(context: RequestContext) -> Batch:
    identifier = context.path_param("batch_id")
    return require_found(context.service.state.analyses.batches.get(identifier.lower()), "batch", identifier)


def task_view(service: Service, task: Analysis, *, brief: bool) -> Json:
    """Return a task as JSON; `brief` shortens the request parameters, as in lists."""
    status = progress.analysis_status(service, task)
    view: Json = {"task_id": task.id, "custom_id": task.custom_id, "status": status}
    if task.request.video is not None:
        view["video_source"] = video_source_view(task.request.video, include_duration=status != "queued")
    view["request_params"] = _request_params(task, brief=brief)
    view["created_at"] = rfc3339_seconds(task.created_at)
    if (ended := progress.analysis_ended_at(service, task)) is not None:
        view["completed_at"] = rfc3339_seconds(ended)
    if status == "ready":
        result = progress.ensure_result(service, task)
        view |= {"result": analysis.serialize_result(result), **analysis.serialize_warning(result)}
    view |= error_view(service, task)
    if task.batch is not None:
        view["batch_id"] = task.batch.id
    elif deliveries := service.webhooks.delivery_status(task.id, service.organization):
        view["webhooks"] = deliveries
    return view


def error_view(service: Service, task: Analysis) -> Json:
    """Return the error of a failed task, an empty dict for other tasks."""
    reason = progress.failure_reason(service, task)
    return {"error": {"code": reason[0], "message": reason[1]}} if reason else {}


def video_source_view(source: MediaSource, *, include_duration: bool) -> Json:
    """Return the source of a video as JSON."""
    view: Json = {"type": source.type}
    if source.reference is not None:
        view[source.type] = source.reference
    if include_duration and source.media.duration is not None:
        view["system_metadata"] = {"duration": source.media.duration}
    return view


def _request_params(task: Analysis, *, brief: bool) -> Json:
    request, body = task.request, task.request.body
    names = (*_ECHOED_FIELDS, *(_ECHOED_SEGMENT_FIELDS if request.mode == SEGMENTS_MODE else ()))
    view: Json = {"analysis_mode": request.mode, **_echoed_defaults(request)}
    view |= {name: body[name] for name in names if body.get(name) is not None}
    if body.get("prompt") is not None:
        view["prompt"] = _truncate(body["prompt"], brief=brief)
    if prompt := body.get("prompt_v2"):
        view["prompt_v2"] = {"input_text": _truncate(prompt["input_text"], brief=brief), **_media_sources(prompt)}
    if body.get("image") is not None:
        view["image"] = [_image_reference(entry) for entry in body["image"]]
    if form := body.get("response_format"):
        view["response_format"] = _response_format_view(form, brief=brief)
    return view


def _echoed_defaults(request: AnalyzeRequest) -> Json:
    """Return the defaults that a task shows for parameters that its request does not have."""
    view: Json = {"temperature": analyze.DEFAULT_TEMPERATURE, "max_tokens": analyze.TOKEN_LIMITS[request.mode][1]}
    if request.mode == SEGMENTS_MODE and not any(one.get("time_ranges") for one in request.definitions):
        view["min_segment_duration"] = analyze.MIN_SEGMENT_DURATION
    return view


def _truncate(text: str, *, brief: bool) -> str:
    return text[:_BRIEF_PROMPT_LENGTH] if brief else text


def _response_format_view(response_format: Json, *, brief: bool) -> Json:
    view: Json = {"type": response_format["type"]}
    if response_format["type"] == "json_schema":
        return view if brief else view | {"json_schema": response_format["json_schema"]}
    definitions = [definition | _media_sources(definition) for definition in response_format["segment_definitions"]]
    view["segment_definitions"] = definitions[:1] if brief else definitions
    if "segment_time_format" in response_format:
        view["segment_time_format"] = response_format["segment_time_format"]
    return view


def _media_sources(entry: Json) -> Json:
    sources: list[Json] | None = entry.get("media_sources")
    return {} if sources is None else {"media_sources": [_image_reference(source) for source in sources]}


def _image_reference(entry: Json) -> Json:
    reference = {name: entry[name] for name in ("url", "asset_id") if entry.get(name) is not None}
    return {"name": entry["name"], "media_type": "image", **reference}


def batch_view(service: Service, batch: Batch) -> Json:
    """Return a batch with its item counts as JSON."""
    status = progress.batch_status(service, batch)
    item_statuses = [progress.analysis_status(service, item) for item in batch.items]
    view: Json = {
        "batch_id": batch.id,
        "analysis_mode": batch.mode,
        "model_name": batch.model,
        "status": status,
        "total_items": len(item_statuses),
        "created_at": rfc3339_seconds(batch.created_at),
        "expires_at": rfc3339_seconds(batch.expires_at),
        **{
            f"{name}_items": item_statuses.count(name)
            for name in ("queued", "processing", "ready", "failed", "canceled")
        },
    }
    if status not in progress.ACTIVE:
        view[f"{status}_at"] = rfc3339_seconds(progress.batch_ended_at(service, batch))
    return view


def _batch_result_view(service: Service, item: Analysis) -> dict[str, Any]:
    """Return the line of an item in the results of a batch."""
    status = progress.analysis_status(service, item)
    view: Json = {"task_id": item.id, "custom_id": item.custom_id, "status": status}
    if status == "ready":
        view["data"] = analysis.serialize_result(progress.ensure_result(service, item))
    return view | (error_view(service, item) if status == "failed" else {})


OPERATIONS = (
    Operation("GET", "/analyze/tasks", list_tasks),
    Operation("POST", "/analyze/tasks", create_task),
    Operation("GET", "/analyze/tasks/{task_id}", retrieve_task),
    Operation("DELETE", "/analyze/tasks/{task_id}", delete_task),
    Operation("POST", "/analyze/tasks/{task_id}/cancel", cancel_task),
    Operation("GET", "/analyze/batches", list_batches),
    Operation("POST", "/analyze/batches", create_batch),
    Operation("GET", "/analyze/batches/{batch_id}", retrieve_batch),
    Operation("DELETE", "/analyze/batches/{batch_id}", delete_batch),
    Operation("POST", "/analyze/batches/{batch_id}/cancel", cancel_batch),
    Operation("GET", "/analyze/batches/{batch_id}/results", retrieve_batch_results),
)

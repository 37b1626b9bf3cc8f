"""Version 1 of the embedding endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twelvelabs_async.emulator._api import assets, listing, serializers, tasks, validation
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import Form, check_text, require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._generation.embeddings import EmbedRequest, EmbedTask, Span, VectorSpec
from twelvelabs_async.emulator._json import DAY, rfc3339_millis
from twelvelabs_async.emulator._media import rules
from twelvelabs_async.emulator._media.media import Media, header_of
from twelvelabs_async.emulator._media.rules import check_indexable, marengo_problem
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.service import Service

MODELS = ("marengo3.0",)
AUDIO_CLIP_LENGTH = 6.0
MAX_AUDIO_DURATION = 600.0
MAX_SIZES = rules.MAX_UPLOAD_SIZES["direct"]
TRUNCATIONS = ("none", "start", "end")

View = dict[str, Any]
STATUSES = ("processing", "ready", "failed")
OPTIONS = ("visual", "audio", "transcription")
SCOPES = ("clip", "video")
OFFSETS = ("video_start_offset_sec", "video_end_offset_sec")
DEFAULT_CLIP_LENGTH = 6.0
MIN_CLIP_LENGTH, MAX_CLIP_LENGTH = 2.0, 10.0
TASK_RETENTION = 7 * DAY
"""Seconds for which embeddings are available."""


async def create_embeddings(context: RequestContext) -> ApiResponse:
    """POST /embed."""
    async with context.form() as form:
        inputs = {
            "text": form.get("text"),
            "image": form.get("image_url") or form.file("image_file"),
            "audio": form.get("audio_url") or form.file("audio_file"),
        }
        kinds = [kind for kind, value in inputs.items() if value is not None]
        context.usage.count_request(*(f"embed-{kind}" for kind in kinds))
        model = validation.require_model(form.require("model_name"), MODELS)
        if not kinds:
            raise missing_parameter("text, image_url, image_file, audio_url or audio_file")
        form.choice("text_truncate", TRUNCATIONS)
        view: View = {"model_name": model}
        for kind in kinds:
            view[f"{kind}_embedding"] = await _EMBEDDERS[kind](context, form)
    return ApiResponse(view)


async def _text(context: RequestContext, form: Form) -> View:
    text = check_text("text", form.require("text"))
    return {
        "segments": [{"float": embeddings.vector(context.service.settings.seed, f"text:{text}", VectorSpec(text=text))}]
    }


async def _image(context: RequestContext, form: Form) -> View:
    info, names = await _read_file(context.service, form, "image")
    if info.problem:
        return {"error_message": info.problem, "metadata": names}
    vector = embeddings.vector(context.service.settings.seed, info.digest, VectorSpec())
    return {"segments": [{"float": vector}], "metadata": names}


async def _audio(context: RequestContext, form: Form) -> View:
    offset = form.number("audio_start_offset_sec") or 0.0
    info, names = await _read_file(context.service, form, "audio")
    if info.problem:
        return {"error_message": info.problem, "metadata": names}
    duration = info.duration or 0.0
    if not 0 <= offset < duration:
        raise invalid_parameter("audio_start_offset_sec", f"it must be from 0 to less than the duration, {duration:g}")
    if duration > MAX_AUDIO_DURATION:
        raise invalid_parameter("audio_file", f"{duration:g} s is longer than the {MAX_AUDIO_DURATION:g} s allowed")
    context.usage.count_media(duration - offset)
    spans = embeddings.fixed_spans((offset, duration), AUDIO_CLIP_LENGTH)
    seed = context.service.settings.seed
    segments = [
        {
            "float": embeddings.vector(seed, info.digest, spec),
            "start_offset_sec": spec.start,
            "end_offset_sec": spec.end,
        }
        for spec in embeddings.file_vector_specs(["audio"], ["clip"], (offset, duration), spans)
    ]
    return {"segments": segments, "metadata": names}


async def _read_file(service: Service, form: Form, kind: str) -> tuple[Media, View]:
    """Return an image or an audio file, and its source."""
    info, names = await _read_media(service, form, kind, MAX_SIZES)
    if info.kind != kind or (info.problem is not None and "input_filename" in names):
        raise invalid_parameter(f"{kind}_file", f"its kind must be {kind}")
    if kind == "image" and info.problem is None and (problem := marengo_problem(header_of(info))):
        raise invalid_parameter("image_file" if "input_filename" in names else "image_url", problem)
    return info, names


async def _read_media(service: Service, form: Form, kind: str, limits: dict[str, int]) -> tuple[Media, View]:
    """Return a media file and its source; a URL takes precedence over a file."""
    if url := form.get(f"{kind}_url"):
        _, info = assets.media_from_url(f"{kind}_url", url, kind=kind)
        return info, {"input_url": url}
    if file := form.file(f"{kind}_file"):
        info = await assets.inspect_form_file(service, f"{kind}_file", file, file.filename, limits)
        return info, {"input_filename": file.filename}
    raise missing_parameter(f"{kind}_file or {kind}_url")


_EMBEDDERS = {"text": _text, "image": _image, "audio": _audio}


async def create_task(context: RequestContext) -> ApiResponse:
    """POST /embed/tasks."""
    context.usage.count_request("embed-video")
    async with context.form() as form:
        model = validation.require_model(form.require("model_name"), MODELS)
        given_length = form.number("video_clip_length")
        clip_length = DEFAULT_CLIP_LENGTH if given_length is None else given_length
        if not MIN_CLIP_LENGTH <= clip_length <= MAX_CLIP_LENGTH:
            reason = f"it must be from {MIN_CLIP_LENGTH:g} to {MAX_CLIP_LENGTH:g} seconds"
            raise invalid_parameter("video_clip_length", reason)
        start, end = _offsets(form)
        given_scopes = form.fields.get("video_embedding_scope", ["clip"])
        scopes = list(dict.fromkeys(require_choice("video_embedding_scope", scope, SCOPES) for scope in given_scopes))
        info, names = await _video(context.service, form)
    span = read_span(OFFSETS, start, end, info.duration or 0.0)
    # Only what was sent is checked: a video that is shorter than the default is one clip.
    restricted = given_length is not None or start is not None
    if restricted and clip_length > span[1] - span[0] and info.problem is None:
        raise invalid_parameter("video_clip_length", "it is longer than the time between the offsets")
    context.usage.count_media(span[1] - span[0])
    options = embeddings.applicable_options(info, OPTIONS)
    metadata = {
        **names,
        "video_clip_length": clip_length,
        "video_embedding_scope": scopes,
        "duration": info.duration or 0.0,
        "video_embedding_option": options,
    }
    specs = embeddings.file_vector_specs(options, scopes, span, embeddings.fixed_spans(span, clip_length))
    vectors = tuple(embeddings.with_described_text(info, specs))
    request = EmbedRequest(digest=info.digest, vectors=vectors, metadata=metadata)
    return ApiResponse({"_id": add_task(context, 1, model, request, info.problem).id})


def add_task(
    context: RequestContext, version: int, model: str, request: EmbedRequest, problem: str | None
) -> EmbedTask:
    """Create a task, and start to process it."""
    state, now = context.service.state, context.service.now()
    task = EmbedTask(
        id=state.ids.object_id(), version=version, model=model, request=request, created_at=now, problem=problem
    )
    state.embed_tasks[task.id] = task
    return task


def _offsets(form: Form) -> tuple[float | None, float | None]:
    """Return start and end of the part to embed, None for both if the request has neither."""
    start, end = map(form.number, OFFSETS)
    if (start is None) != (end is None):
        raise missing_parameter(OFFSETS[start is not None])
    return start, end


async def _video(service: Service, form: Form) -> tuple[Media, View]:
    """Return a video and its source."""
    info, names = await _read_media(service, form, "video", tasks.MAX_SIZES)
    if info.problem is not None and "input_filename" in names:
        raise ApiError(400, "video_file_broken", info.problem)
    if info.kind != "video":
        raise ApiError(400, "video_file_broken", f"The file must be a video, got type {info.mime}.")
    check_file(info)
    return info, names


def check_file(info: Media) -> None:
    """Check that a file can be embedded; one that cannot be fetched fails during processing.

    Raises:
        ApiError: The duration or the resolution is not supported.
    """
    if info.problem is None and (rejection := check_indexable(info)):
        raise ApiError(400, rejection.code, rejection.message)


def read_span(names: tuple[str, str], given_start: float | None, given_end: float | None, duration: float) -> Span:
    """Return start and end of the part to embed, by default the whole file; `names` are those of the parameters."""
    start, end = given_start or 0.0, duration if given_end is None else given_end
    if start < 0 or (duration and start >= duration):
        raise invalid_parameter(names[0], f"it must be from 0 to less than the duration, {duration:g}")
    if given_end is not None and (end <= start or (duration and end > duration)):
        raise invalid_parameter(names[1], f"it must be after the start and not after the end, {duration:g}")
    return start, end


async def list_tasks(context: RequestContext) -> ApiResponse:
    """GET /embed/tasks."""
    return list_tasks_of_version(context, 1, lambda task: {"video_embedding": {"metadata": task.request.metadata}})


def list_tasks_of_version(
    context: RequestContext, version: int, extra_fields: Callable[[EmbedTask], dict[str, Any]]
) -> ApiResponse:
    """Return a page of the tasks of one version, by default those of the last seven days."""
    service, query = context.service, context.query
    listing.validate_bounds(query)
    statuses = context.query_choices("status", STATUSES, STATUSES)
    recent = "started_at" not in query and "ended_at" not in query
    tasks_of_version = [
        task
        for task in service.state.embed_tasks.values()
        if task.version == version
        and progress.embed_status(service, task) in statuses
        and listing.at_or_after(query, started_at=task.created_at)
        and ("ended_at" not in query or task.created_at <= listing.time_bound(query, "ended_at"))
        and not (recent and _is_expired(service, task))
    ]
    in_order = listing.newest_first(tasks_of_version)
    return listing.page_response(context, in_order, lambda task: task_view(service, task) | extra_fields(task))


def task_view(service: Service, task: EmbedTask) -> dict[str, Any]:
    """Return the fields that all views of a task have."""
    status = progress.embed_status(service, task)
    seconds = 0 if status == "processing" else progress.embed_timing(service, task).indexing
    return {
        "_id": task.id,
        "model_name": task.model,
        "status": status,
        "created_at": rfc3339_millis(task.created_at),
        "updated_at": rfc3339_millis(task.created_at + seconds),
    }


def _is_expired(service: Service, task: EmbedTask) -> bool:
    return service.now() >= task.created_at + TASK_RETENTION


def find_task(context: RequestContext, version: int) -> EmbedTask | None:
    """Return the task in the path, None if its embeddings are no longer available."""
    task = context.service.state.embed_tasks.get(context.path_param("task_id"))
    return task if task and task.version == version and not _is_expired(context.service, task) else None


def _find_task_or_400(context: RequestContext) -> EmbedTask:
    task = find_task(context, 1)
    if task is None:
        raise invalid_parameter("task_id", f"unknown embedding task {context.path_param('task_id')}")
    return task


async def retrieve_task_status(context: RequestContext) -> ApiResponse:
    """GET /embed/tasks/{task_id}/status."""
    task = _find_task_or_400(context)
    view = {"_id": task.id, "status": progress.embed_status(context.service, task), "model_name": task.model}
    return ApiResponse(view | {"video_embedding": {"metadata": task.request.metadata}})


async def retrieve_task(context: RequestContext) -> ApiResponse:
    """GET /embed/tasks/{task_id}."""
    task = _find_task_or_400(context)
    options = context.query_choices("embedding_option", serializers.EMBEDDING_OPTIONS)
    view = task_view(context.service, task)
    embedded: dict[str, Any] = {"metadata": task.request.metadata}
    if view["status"] == "ready":
        specs = [spec for spec in task.request.vectors if not options or spec.option in options]
        embedded["segments"] = serializers.segments(context.service, task.request.digest, specs)
    return ApiResponse(view | {"video_embedding": embedded})


OPERATIONS = (
    Operation("POST", "/embed", create_embeddings),
    Operation("GET", "/embed/tasks", list_tasks),
    Operation("POST", "/embed/tasks", create_task),
    Operation("GET", "/embed/tasks/{task_id}", retrieve_task),
    Operation("GET", "/embed/tasks/{task_id}/status", retrieve_task_status),
)

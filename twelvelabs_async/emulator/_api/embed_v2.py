"""Version 2 of the embedding endpoints."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator._api import embed, embed_inputs, retired, validation
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.embed_inputs import NEW_MODEL, OLD_MODEL
from twelvelabs_async.emulator._api.validation import require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter, not_found
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._generation.embeddings import EmbedRequest, EmbedTask, VectorSpec
from twelvelabs_async.emulator._media.urls import is_web_page
from twelvelabs_async.emulator._state import deterministic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twelvelabs_async.emulator._api.context import RequestContext
    from twelvelabs_async.emulator._api.embed_inputs import Source
    from twelvelabs_async.emulator._api.validation import JsonObject

MODELS = (OLD_MODEL, NEW_MODEL)
INPUT_TYPES = ("text", "image", "text_image", "audio", "video", "multi_input")
CATEGORIES = {"text_image": "embed-text-image"}
MAX_SIZE = 36 << 20
MAX_IMAGE_SIZE = 32 << 20
MAX_DURATION = 600.0
NEW_MODEL_PARAMETERS = ("auto_truncate", "embedding_uncertainty", "embedding_dimension")
MEDIA_TYPES: dict[str, tuple[str, ...]] = {OLD_MODEL: ("image",), NEW_MODEL: ("image", "video", "audio", "document")}
MAX_SOURCES = 10
DIMENSIONS = (128, 256, deterministic.DIMENSIONS)
MAX_MULTI_TOKENS = {OLD_MODEL: validation.MAX_TEXT_TOKENS, NEW_MODEL: 2000}
MAX_SOURCE_SIZE = 32 << 20
MAX_SOURCE_DURATION = 30.0
SYNC_PAGES_PER_MEGABYTE = 16
TOKENS_PER_UNIT = {"image": 256, "video": 300, "audio": 50, "document": 256}
"""Invented: tokens per image, page of a document, and second of video or audio."""
_REFERENCE = re.compile(r"<@([^<>]+)>")
TASK_INPUT_TYPES = ("audio", "video", "image", "document")
TASK_MAX_SIZES = {"audio": MAX_SIZE, "video": MAX_SIZE, "image": MAX_IMAGE_SIZE, "document": 512 << 20}
TASK_CATEGORIES = {"document": "embed-text"}
"""The category of documents is not documented."""
IMAGE_OPTIONS = {"embedding_option": "visual", "embedding_type": "separate_embedding", "embedding_scope": "asset"}
_LIST_FIELD_NAMES = {
    "video": {"clip_length": "video_clip_length", "embedding_scopes": "video_embedding_scope"},
    "audio": {"start_offset_sec": "start_offset_sec", "end_offset_sec": "end_offset_sec"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModelOptions:
    """Parameters that only the newer model supports."""

    truncate: bool
    uncertainty: bool
    dimensions: int

    def apply_to(self, request: EmbedRequest, model: str) -> EmbedRequest:
        """Return the embedding request with these parameters applied."""
        if model == OLD_MODEL:
            return request
        metadata = None if request.metadata is None else request.metadata | {"embedding_dimension": self.dimensions}
        return replace(request, metadata=metadata, dimensions=self.dimensions, uncertainty=self.uncertainty)


def _read_new_model_options(body: JsonObject, model: str) -> NewModelOptions:
    """Return the parameters that only the newer model supports.

    Raises:
        ApiError: They are used with the older model.
    """
    for name in NEW_MODEL_PARAMETERS:
        if model == OLD_MODEL and body.get(name) is not None:
            raise invalid_parameter(name, f"it needs {NEW_MODEL}")
    return NewModelOptions(
        truncate=validation.optional_bool(body, "auto_truncate"),
        uncertainty=validation.optional_bool(body, "embedding_uncertainty"),
        dimensions=_read_dimensions(body),
    )


def _read_dimensions(body: JsonObject) -> int:
    value = body.get("embedding_dimension", deterministic.DIMENSIONS)
    if value is None:
        return deterministic.DIMENSIONS
    if isinstance(value, bool) or value not in DIMENSIONS:
        raise invalid_parameter("embedding_dimension", f"it must be one of {', '.join(map(str, DIMENSIONS))}")
    return int(value)


async def create_embeddings(context: RequestContext) -> ApiResponse:
    """POST /embed-v2."""
    body = await context.json()
    kind = require_choice("input_type", body.get("input_type"), INPUT_TYPES)
    context.count_request(
        *(_multi_categories(body) if kind == "multi_input" else [CATEGORIES.get(kind, f"embed-{kind}")])
    )
    model = retired.require_model(body.get("model_name"), MODELS)
    options = _read_new_model_options(body, model)
    inputs = validation.required_object(body, kind)
    if kind == "multi_input":
        request = await _build_multi_request(
            context, inputs, model, truncate=options.truncate, uncertainty=options.uncertainty
        )
    elif model == NEW_MODEL:
        raise invalid_parameter("input_type", f"{NEW_MODEL} supports multi_input only")
    else:
        request = await _EMBEDDERS[kind](context, inputs, kind)
    request = options.apply_to(request, model)
    view: dict[str, Any] = {"data": embeddings.serialize_vectors(context.service.settings.seed, request)}
    view |= {
        name: value for name, value in (("metadata", request.metadata), ("usage", request.usage)) if value is not None
    }
    return ApiResponse(view)


async def _text(_context: RequestContext, body: JsonObject, _kind: str) -> EmbedRequest:
    text = validation.check_text("input_text", validation.required_string(body, "input_text"))
    return EmbedRequest(digest=f"text:{text}", vectors=(VectorSpec(text=text),))


async def _image(context: RequestContext, body: JsonObject, kind: str) -> EmbedRequest:
    text = None
    if kind == "text_image":
        text = validation.check_text("input_text", validation.required_string(body, "input_text"))
    source = await _read_source(context, body, "image", MAX_IMAGE_SIZE)
    embed_inputs.check_image(source, f"{kind}.media_source")
    digest = source.media.digest if text is None else f"{source.media.digest}:{text}"
    return EmbedRequest(
        digest=digest, vectors=(VectorSpec(text=text or ""),), metadata={"input_type": kind, **source.input_metadata}
    )


async def _timed(context: RequestContext, body: JsonObject, kind: str) -> EmbedRequest:
    source = await _read_source(context, body, kind, MAX_SIZE)
    if (source.media.duration or 0.0) > MAX_DURATION:
        message = f"{source.media.duration:g} s is longer than the {MAX_DURATION:g} s allowed; a task takes more."
        raise ApiError(400, "video_duration_too_long" if kind == "video" else "audio_duration_too_long", message)
    context.count_media(source.media.duration)
    return embed_inputs.build_timed_request(body, source, OLD_MODEL, task=False)


async def _read_source(context: RequestContext, body: JsonObject, kind: str, max_size: int) -> embed_inputs.Source:
    if body.get("media_source") is None:
        raise missing_parameter(f"{kind}.media_source")
    media_source = validation.required_object(body, "media_source")
    source = await embed_inputs.read_source(context, media_source, kind, max_size=max_size, too_large_status=413)
    embed_inputs.check_readable(source, "media_source")
    return source


_EMBEDDERS = {"text": _text, "image": _image, "text_image": _image, "audio": _timed, "video": _timed}


def _multi_categories(body: JsonObject) -> list[str]:
    """Return the rate-limit categories of a request.

    They are not documented. The emulator counts the category of each file, and text if there are no files.
    """
    multi_input = validation.optional_object(body, "multi_input") or {}
    kinds = [str(entry.get("media_type")) for entry in _media_sources(multi_input)]
    if multi_input.get("input_text") and kinds and set(kinds) == {"image"}:
        return ["embed-text-image"]
    return [f"embed-{kind}" for kind in kinds if kind in {"image", "video", "audio"}] or ["embed-text"]


async def _build_multi_request(
    context: RequestContext, multi_input: JsonObject, model: str, *, truncate: bool, uncertainty: bool
) -> EmbedRequest:
    """Return the embedding to compute for a text and files.

    Raises:
        ApiError: The text and the files cannot be combined.
    """
    text = validation.optional_string(multi_input, "input_text") or ""
    files = [await _read_multi_source(context, entry, model) for entry in _media_sources(multi_input)]
    kinds = [kind for _, kind, _ in files]
    _check_text(text, [name for name, _, _ in files])
    _check_combination(text, [(kind, source) for _, kind, source in files])
    if uncertainty and ((text and files) or "document" in kinds):
        raise invalid_parameter("embedding_uncertainty", "it requires either a text or files, and no documents")
    count, maximum = embeddings.count_tokens(text), MAX_MULTI_TOKENS[model]
    if text and not truncate:
        validation.check_text("input_text", text, maximum)
    text = " ".join(text.split()[:maximum]) if count > maximum else text
    digest = ":".join([f"text:{text}", *(source.media.digest for _, _, source in files)])
    metadata = {"input_type": "multi_input"}
    usage = (
        None
        if model == OLD_MODEL
        else _multi_usage(text, [(kind, source) for _, kind, source in files], truncated=count > maximum)
    )
    return EmbedRequest(digest=digest, vectors=(VectorSpec(text=text),), metadata=metadata, usage=usage)


def _media_sources(multi_input: JsonObject) -> list[JsonObject]:
    if multi_input.get("media_sources") is None:
        return []
    return validation.required_object_list(multi_input, "media_sources", 0, MAX_SOURCES)


async def _read_multi_source(context: RequestContext, entry: JsonObject, model: str) -> tuple[str | None, str, Source]:
    kind = require_choice("media_type", entry.get("media_type"), MEDIA_TYPES[model])
    source = await embed_inputs.read_source(context, entry, kind, max_size=MAX_SOURCE_SIZE, too_large_status=413)
    embed_inputs.check_readable(source, "media_sources")
    if model == OLD_MODEL:
        embed_inputs.check_image(source, "multi_input.media_sources")
    if source.url is None:
        _check_size(source, kind)
    return validation.optional_string(entry, "name"), kind, source


def _check_size(source: Source, kind: str) -> None:
    """Reject a file that is too large; files at URLs are not checked, because their properties are generated."""
    if source.media.size > MAX_SOURCE_SIZE:
        message = f"The file has {source.media.size} bytes, and {MAX_SOURCE_SIZE} are allowed."
        raise ApiError(413, "media_filesize_too_large", message)
    if (source.media.duration or 0.0) > MAX_SOURCE_DURATION:
        message = f"{source.media.duration:g} s is longer than the {MAX_SOURCE_DURATION:g} s allowed."
        raise ApiError(400, "video_duration_too_long" if kind == "video" else "audio_duration_too_long", message)
    if kind == "document" and embed_inputs.is_pdf(source):
        count = embeddings.count_pages(source.content, source.media.digest)
        if problem := embed_inputs.page_problem(source, count, SYNC_PAGES_PER_MEGABYTE):
            raise ApiError(413, "media_filesize_too_large", problem)


def _check_text(text: str, names: Sequence[str | None]) -> None:
    given_names = [name for name in names if name is not None]
    if len(set(given_names)) < len(given_names):
        raise invalid_parameter("media_sources", "each name must be unique")
    for name in _REFERENCE.findall(text):
        if name not in given_names:
            raise invalid_parameter("input_text", f"unknown media source {name}")


def _check_combination(text: str, files: Sequence[tuple[str, Source]]) -> None:
    if not text.strip() and not files:
        raise invalid_parameter("multi_input", "it must have input_text, media_sources or both")
    pdf = any(kind == "document" and embed_inputs.is_pdf(source) for kind, source in files)
    if pdf and (text or len(files) > 1):
        raise invalid_parameter("media_sources", "a PDF must be the only source, and without text")
    if {kind for kind, _ in files} == {"document"} and (text or len(files) > 1):
        raise invalid_parameter("media_sources", "a text can be combined with images, video and audio only")
    if len({kind for kind, _ in files}) > 1 and not text:
        raise invalid_parameter("input_text", "it is required with sources of different types")


def _multi_usage(text: str, files: Sequence[tuple[str, Source]], *, truncated: bool) -> dict[str, Any]:
    counts: dict[str, int] = {"text": embeddings.count_tokens(text)} if text else {}
    for kind, source in files:
        length = source.media.duration if kind in {"video", "audio"} else 1
        counts[kind] = counts.get(kind, 0) + max(1, round(TOKENS_PER_UNIT[kind] * (length or 1)))
    reason = {"truncation_reason": "model_context_window"} if truncated else {}
    return {"input_tokens": counts, "truncated": truncated, **reason}


async def create_task(context: RequestContext) -> ApiResponse:
    """POST /embed-v2/tasks."""
    body = await context.json()
    kind = require_choice("input_type", body.get("input_type"), TASK_INPUT_TYPES)
    context.count_request(TASK_CATEGORIES.get(kind, f"embed-{kind}"))
    model = retired.require_model(body.get("model_name"), MODELS)
    if body.get("auto_truncate") is not None:
        raise invalid_parameter("auto_truncate", "tasks do not support it")
    options = _read_new_model_options(body, model)
    if model == OLD_MODEL and kind not in {"audio", "video"}:
        raise invalid_parameter("input_type", f"{kind} needs {NEW_MODEL}")
    inputs = validation.required_object(body, kind)
    if inputs.get("media_source") is None:
        raise missing_parameter(f"{kind}.media_source")
    media_source = validation.required_object(inputs, "media_source")
    source = await embed_inputs.read_source(context, media_source, kind, max_size=TASK_MAX_SIZES[kind])
    if kind in {"audio", "video"} and source.url is not None and is_web_page(source.url):
        # The platform checks that it can play the file before it creates a task.
        embed_inputs.check_readable(source, f"{kind}.media_source")
    request, problem = _build_task_request(inputs, source, model)
    if options.uncertainty:
        _check_uncertainty(source, request)
    request = replace(
        options.apply_to(request, model), usage=None if model == OLD_MODEL else _task_usage(source, request)
    )
    context.count_media(source.media.duration)
    task = embed.add_task(context, 2, model, request, problem)
    view: dict[str, Any] = {"_id": task.id, "status": "processing", "data": None}
    if model == NEW_MODEL:
        view["metadata"] = {"embedding_dimension": options.dimensions}
    return ApiResponse(view, 202, {"Location": f"{context.request.path}/{task.id}"})


def _build_task_request(body: JsonObject, source: Source, model: str) -> tuple[EmbedRequest, str | None]:
    match source.media.kind:
        case "document":
            return embed_inputs.build_document_request(body, source)
        case "image":
            return _image_task_request(body, source), source.media.problem
        case _:
            return embed_inputs.build_timed_request(body, source, model, task=True), source.media.problem


def _image_task_request(body: JsonObject, source: Source) -> EmbedRequest:
    for name, only in IMAGE_OPTIONS.items():
        validation.optional_choices(body, name, (only,))
    spec = VectorSpec(option="visual", scope="asset")
    metadata = {
        "input_type": "image",
        **source.input_metadata,
        "embedding_options": ["visual"],
        "embedding_scopes": ["asset"],
    }
    return EmbedRequest(digest=source.media.digest, vectors=(spec,), metadata=metadata)


def _check_uncertainty(source: Source, request: EmbedRequest) -> None:
    """Reject an uncertainty for embeddings that combine several segments."""
    if source.media.kind == "image":
        return
    if source.media.kind == "document" and embed_inputs.is_pdf(source):
        raise invalid_parameter("embedding_uncertainty", "PDF files have no uncertainty")
    if any(spec.scope == "asset" for spec in request.vectors):
        raise invalid_parameter("embedding_uncertainty", "it needs an embedding_scope without asset")


def _task_usage(source: Source, request: EmbedRequest) -> dict[str, Any]:
    kind = source.media.kind
    length = source.media.duration if kind in {"video", "audio"} else len(request.vectors)
    return {"input_tokens": {kind: max(1, round(TOKENS_PER_UNIT[kind] * (length or 1)))}, "truncated": False}


async def list_tasks(context: RequestContext) -> ApiResponse:
    """GET /embed-v2/tasks."""
    return embed.list_tasks_of_version(context, 2, _task_summary)


def _task_summary(task: EmbedTask) -> dict[str, Any]:
    """Return the metadata as in lists, with the field names of version 1."""
    metadata = task.request.metadata or {}
    kind = metadata["input_type"]
    words = {
        "input_url": "input_url",
        "input_filename": "input_filename",
        "duration": "duration",
        "embedding_options": f"{kind}_embedding_option",
        "embedding_scopes": f"{kind}_embedding_scope",
    } | _LIST_FIELD_NAMES.get(kind, {})
    return {f"{kind}_embedding": {"metadata": {new: metadata[old] for old, new in words.items() if old in metadata}}}


async def retrieve_task(context: RequestContext) -> ApiResponse:
    """GET /embed-v2/tasks/{task_id}."""
    task = embed.find_task(context, 2)
    if task is None:
        raise not_found("embedding task", context.path_param("task_id"))
    view = embed.task_view(context.service, task)
    del view["model_name"]
    ready = view["status"] == "ready"
    view |= {
        "data": embeddings.serialize_vectors(context.service.settings.seed, task.request) if ready else None,
        "metadata": task.request.metadata,
    }
    if view["status"] == "failed":
        view["error"] = {"message": task.problem}
    if ready and task.request.usage is not None:
        view["usage"] = task.request.usage
    return ApiResponse(view)


OPERATIONS = (
    Operation("POST", "/embed-v2", create_embeddings),
    Operation("GET", "/embed-v2/tasks", list_tasks),
    Operation("POST", "/embed-v2/tasks", create_task),
    Operation("GET", "/embed-v2/tasks/{task_id}", retrieve_task),
)

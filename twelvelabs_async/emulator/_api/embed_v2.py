"""Version 2 of the embedding endpoints."""

from __future__ import annotations

import asyncio
import base64
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twelvelabs_async.emulator._api import assets, embed, serializers, validation
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import JsonObject, require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter, not_found
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._generation.embeddings import EmbedRequest, EmbedTask, Span, VectorSpec
from twelvelabs_async.emulator._media.media import DEFAULT_EXTENSIONS, PDF, Media, header_of
from twelvelabs_async.emulator._media.rules import marengo_problem
from twelvelabs_async.emulator._state import deterministic

SOURCE_FIELDS = ("url", "base64_string", "asset_id")

OLD_MODEL, NEW_MODEL = "marengo3.0", "marengo3.5"
TIMED_OPTIONS: dict[str, tuple[str, ...]] = {
    "video": ("visual", "audio", "transcription"),
    "audio": ("audio", "transcription"),
}
SEPARATE, FUSED = "separate_embedding", "fused_embedding"
EMBEDDING_TYPES = (SEPARATE, FUSED)
FIXED_BOUNDS, DYNAMIC_BOUNDS = (2, 10), (2, 5)
FUSED_OPTION = "fused"
OFFSETS = ("start_sec", "end_sec")
DOCUMENT_OPTION_SCOPES = {
    True: {("visual", "local"), ("visual", "asset"), ("text", "asset")},
    False: {("text", "local"), ("text", "asset")},
}
"""Allowed pairs of option and scope, for PDF files (True) and other documents (False)."""
QUADRANTS = ("top_left", "top_right", "bottom_left", "bottom_right")
TASK_PAGES_PER_MEGABYTE = 64
MODELS = (OLD_MODEL, NEW_MODEL)
INPUT_TYPES = ("text", "image", "text_image", "audio", "video", "multi_input")
MAX_SIZE = 36 << 20
MAX_IMAGE_SIZE = 32 << 20
MAX_INLINE_DURATION = 600.0
TOO_LONG_CODES = {"video": "video_duration_too_long", "audio": "audio_duration_too_long"}
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
    "video": {"clip_length": "video_clip_length"},
    "audio": {"start_offset_sec": "start_offset_sec", "end_offset_sec": "end_offset_sec"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A media file and its origin."""

    media: Media
    name: str | None = None
    """Name by which the text of a multimodal input refers to it."""
    url: str | None = None
    filename: str | None = None
    """Name of the asset; None for a URL or an inline file."""
    content: bytes | None = None
    """Content of an inline file; None for a URL or an asset."""

    def metadata(self, input_type: str, **fields: Any) -> dict[str, Any]:
        """Return the metadata of an embedding, with the origin of the file."""
        origin = serializers.compact(input_url=self.url, input_filename=self.filename)
        return {"input_type": input_type, **origin, **fields}


async def read_source(
    context: RequestContext, value: dict[str, Any], kind: str, *, max_size: int, too_large_status: int = 400
) -> Source:
    """Return the media file that a media source refers to.

    Args:
        context: The request.
        value: The media source, with exactly one of `SOURCE_FIELDS`.
        kind: The required kind of media.
        max_size: Maximum bytes of an inline file.
        too_large_status: Status of the error for a larger one.

    Raises:
        ApiError: The media source is invalid, or its file is of another kind or too large.
    """
    named = [name for name in SOURCE_FIELDS if value.get(name) is not None]
    if len(named) != 1 or not isinstance(value[named[0]], str):
        raise invalid_parameter("media_source", f"it must have exactly one of {', '.join(SOURCE_FIELDS)}")
    name = named[0]
    source = await _READERS[name](context, value[name], kind)
    if source.media.kind != kind:
        message = f"The kind of the file must be {kind}, got type {source.media.mime}."
        raise ApiError(400, "unsupported_file_type", message)
    if source.content is not None and len(source.content) > max_size:
        message = f"The file has {len(source.content)} bytes, and {max_size} are allowed."
        raise ApiError(too_large_status, "media_filesize_too_large", message)
    return source


def no_media(source: str) -> ApiError:
    """Return the error for a URL or an asset id that refers to nothing, in the words of the platform."""
    return ApiError(400, "media_url_not_exists", f"Cannot find media url '{source}'. Please use an existing url.")


def check_readable(source: Source, field_path: str) -> None:
    """Check that a file can be fetched and is valid.

    Raises:
        ApiError: It cannot, or it is not.
    """
    if source.media.problem is None:
        return
    reason = source.media.problem.rstrip(".")
    raise invalid_parameter(field_path, reason) if source.url is None else no_media(source.url)


def check_image(source: Source, field_path: str) -> None:
    """Check that an image meets the requirements of the older model.

    Raises:
        ApiError: It does not.
    """
    if problem := marengo_problem(header_of(source.media)):
        raise invalid_parameter(field_path, problem)


async def _from_url(context: RequestContext, url: str, kind: str) -> Source:
    if not assets.is_url(url):
        raise no_media(url)
    filename, info = assets.media_from_url("url", url, kind=kind)
    return Source(media=context.service.state.descriptions.apply_to(filename, info), url=url)


async def _from_base64(context: RequestContext, encoded: str, kind: str) -> Source:
    try:
        content = await asyncio.to_thread(base64.b64decode, encoded, validate=True)
    except ValueError as error:
        raise invalid_parameter("base64_string", "it must be valid base64") from error
    if not content:
        raise invalid_parameter("base64_string", "it is empty")
    extension = "txt" if kind == "document" and not content.startswith(b"%PDF") else DEFAULT_EXTENSIONS[kind]
    filename = f"upload.{extension}"
    info = await assets.inspect_content(context.service, filename, content)
    if info.problem is not None:
        raise invalid_parameter("base64_string", f"its kind must be {kind}")
    return Source(media=info, content=content)


async def _from_asset(context: RequestContext, asset_id: str, _kind: str) -> Source:
    asset = context.service.state.assets.get(asset_id)
    if asset is None:
        raise no_media(asset_id)
    assets.require_ready(context.service, asset, "used")
    return Source(media=asset.media, filename=asset.filename)


_READERS = {"url": _from_url, "base64_string": _from_base64, "asset_id": _from_asset}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Segmentation of a file."""

    dynamic: bool
    seconds: int

    def segments(self, span: Span, digest: str) -> list[Span]:
        """Return start and end of each segment."""
        if self.dynamic:
            return embeddings.dynamic_spans(span, self.seconds, digest)
        return embeddings.fixed_spans(span, self.seconds)


def build_timed_request(body: JsonObject, source: Source, model: str, *, task: bool) -> EmbedRequest:
    """Return the embeddings to compute for an audio or video file.

    Raises:
        ApiError: The model does not accept the file or a parameter.
    """
    media = source.media
    embed.check_file(media)
    known_options = [name for name in TIMED_OPTIONS[media.kind] if model == OLD_MODEL or name != "transcription"]
    options = validation.optional_choices(body, "embedding_option", known_options) or known_options
    allowed_scopes = ("clip", "asset", "local") if task and model == NEW_MODEL else ("clip", "asset")
    scopes = validation.optional_choices(body, "embedding_scope", allowed_scopes) or ["clip", "asset"]
    kinds = _timed_types(body, options, model)
    _check_time_based_metadata(body, kinds, model)
    segmentation = _timed_segmentation(validation.optional_object(body, "segmentation"), media.kind, model, task=task)
    start, end = (validation.optional_number(body, name) for name in OFFSETS)
    span = embed.read_span(OFFSETS, start, end, media.duration or 0.0)
    embedded_options = embeddings.applicable_options(media, options) if SEPARATE in kinds else []
    embedded_options += [FUSED_OPTION] if FUSED in kinds else []
    offsets = {"duration": media.duration or 0.0, "start_offset_sec": span[0], "end_offset_sec": span[1]}
    metadata = source.metadata(media.kind, embedding_options=options, embedding_scopes=scopes, **offsets)
    if media.kind == "video" and not segmentation.dynamic:
        metadata["clip_length"] = segmentation.seconds
    specs = embeddings.file_vector_specs(embedded_options, scopes, span, segmentation.segments(span, media.digest))
    vectors = tuple(embeddings.with_described_text(media, specs))
    return EmbedRequest(digest=media.digest, vectors=vectors, metadata=metadata)


def _timed_types(body: JsonObject, options: Sequence[str], model: str) -> list[str]:
    value = validation.optional_choices(body, "embedding_type", EMBEDDING_TYPES)
    if value is None:
        return [SEPARATE]
    if len(options) == 1 and model == OLD_MODEL:
        raise invalid_parameter("embedding_type", "it needs at least two values of embedding_option")
    return value


def _check_time_based_metadata(body: JsonObject, kinds: Sequence[str], model: str) -> None:
    has_metadata = body.get("time_based_metadata") is not None
    if has_metadata and (model == OLD_MODEL or FUSED not in kinds):
        raise invalid_parameter("time_based_metadata", f"it needs {NEW_MODEL} and {FUSED}")
    if FUSED in kinds and model == NEW_MODEL and not has_metadata:
        raise missing_parameter("time_based_metadata")
    for note in validation.optional_object_list(body, "time_based_metadata"):
        start, end = validation.optional_number(note, "start"), validation.optional_number(note, "end")
        validation.required_string(note, "text")
        if start is None or end is None or not 0 <= start <= end:
            raise invalid_parameter("time_based_metadata", "an entry must have start and end, with 0 <= start <= end")


def _timed_segmentation(value: JsonObject | None, kind: str, model: str, *, task: bool) -> Segmentation:
    if value is not None and (task and model == NEW_MODEL) != ("temporal" in value):
        required = "a temporal object" if model == NEW_MODEL else "strategy"
        raise invalid_parameter("segmentation", f"with {model} it must have {required}")
    if model == NEW_MODEL:
        temporal = validation.optional_object(value or {}, "temporal")
        return _read_segmentation(temporal, default=Segmentation(dynamic=True, seconds=2))
    if kind == "video":
        return _read_segmentation(value, default=Segmentation(dynamic=True, seconds=4))
    return _read_segmentation(value, default=Segmentation(dynamic=False, seconds=6), strategies=("fixed",))


def _read_segmentation(
    value: JsonObject | None, default: Segmentation, strategies: Sequence[str] = ("fixed", "dynamic")
) -> Segmentation:
    if value is None:
        return default
    strategy = require_choice("strategy", value.get("strategy"), strategies)
    details = validation.required_object(value, strategy)
    name, bounds = ("duration_sec", FIXED_BOUNDS) if strategy == "fixed" else ("min_duration_sec", DYNAMIC_BOUNDS)
    return Segmentation(dynamic=strategy == "dynamic", seconds=validation.required_int(details, name, *bounds))


def is_pdf(source: Source) -> bool:
    """Return whether a document is a PDF file."""
    return source.media.mime == PDF


def build_document_request(body: JsonObject, source: Source) -> tuple[EmbedRequest, str | None]:
    """Return the embeddings to compute for a document, and the processing error, None if there is none.

    Raises:
        ApiError: The parameters conflict with each other or with the file.
    """
    pdf = is_pdf(source)
    options = validation.optional_choices(body, "embedding_option", ("visual", "text")) or ["visual" if pdf else "text"]
    scopes = validation.optional_choices(body, "embedding_scope", ("local", "asset")) or ["local" if pdf else "asset"]
    for pair in ((option, scope) for option in options for scope in scopes):
        if pair not in DOCUMENT_OPTION_SCOPES[pdf]:
            reason = f"{' with the scope '.join(pair)} does not exist for {source.media.mime}"
            raise invalid_parameter("embedding_option", reason)
    if FUSED in (validation.optional_choices(body, "embedding_type", EMBEDDING_TYPES) or []):
        raise invalid_parameter("embedding_type", "a document has a single modality, which cannot be fused")
    local, problem = _pages(body, source, scopes) if pdf else (_chunks(body, source, scopes), None)
    metadata = source.metadata("document", embedding_options=options, embedding_scopes=scopes)
    whole = [VectorSpec(option=option, scope="asset") for option in options]
    specs = [spec for scope in scopes for spec in (local if scope == "local" else whole)]
    request = EmbedRequest(digest=source.media.digest, vectors=tuple(specs), metadata=metadata)
    return request, problem or source.media.problem


def _document_segmentation(body: JsonObject, scopes: Iterable[str], expected: str, forbidden: str) -> JsonObject | None:
    value = validation.optional_object(body, "segmentation")
    if value is None:
        return None
    if value.get(forbidden) is not None or value.get(expected) is None:
        raise invalid_parameter("segmentation", f"for this file it must have {expected} only")
    if "local" not in scopes:
        raise invalid_parameter("segmentation", "it needs the scope local")
    return validation.optional_object(value, expected)


def _pages(body: JsonObject, source: Source, scopes: Iterable[str]) -> tuple[list[VectorSpec], str | None]:
    segmentation = _document_segmentation(body, scopes, "spatial", "sequential") or {}
    strategy = require_choice("strategy", segmentation.get("strategy", "standard"), ("standard", "quadrants"))
    with_quadrants = strategy == "quadrants"
    count = embeddings.count_pages(source.content, source.media.digest)
    specs: list[VectorSpec] = []
    for number in range(1, count + 1):
        position: dict[str, Any] = {"start_page_number": number, "end_page_number": number}
        parts = [{}, *({"quadrant": quadrant} for quadrant in QUADRANTS if with_quadrants)]
        specs += [VectorSpec(option="visual", scope="page", position=position | part) for part in parts]
    return specs, page_problem(source, count * 5 if with_quadrants else count, TASK_PAGES_PER_MEGABYTE)


def page_problem(source: Source, count: int, per_megabyte: int) -> str | None:
    """Return the error for a PDF file with too many pages for its size, None if it has not."""
    allowed = embeddings.max_pages(source.media.size, per_megabyte)
    return f"The file has {count} pages, and {allowed} are allowed for its size." if count > allowed else None


def _chunks(body: JsonObject, source: Source, scopes: Iterable[str]) -> list[VectorSpec]:
    segmentation = _document_segmentation(body, scopes, "sequential", "spatial")
    if "local" not in scopes:
        return []
    if segmentation is None:
        raise missing_parameter("segmentation.sequential")
    require_choice("strategy", segmentation.get("strategy"), ("sentence",))
    count = embeddings.count_sentences(source.content, source.media.digest)
    maximum = validation.required_int(segmentation, "max_sentences", 1, validation.MAX_SAFE_INTEGER)
    overlap = validation.optional_int(segmentation, "overlap_sentences", 0, maximum - 1) or 0
    chunks = embeddings.count_chunks(count, maximum, overlap)
    return [VectorSpec(option="text", scope="chunk", position={"chunk_index": index}) for index in range(chunks)]


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
    if isinstance(value, bool) or value not in DIMENSIONS:
        raise invalid_parameter("embedding_dimension", f"it must be one of {', '.join(map(str, DIMENSIONS))}")
    return int(value)


async def create_embeddings(context: RequestContext) -> ApiResponse:
    """POST /embed-v2."""
    body = await context.json()
    kind = require_choice("input_type", body.get("input_type"), INPUT_TYPES)
    categories = _multi_categories(body) if kind == "multi_input" else [f"embed-{kind.replace('_', '-')}"]
    context.usage.count_request(*categories)
    model = validation.require_model(body.get("model_name"), MODELS)
    options = _read_new_model_options(body, model)
    inputs = validation.required_object(body, kind)
    if kind == "multi_input":
        request = await _build_multi_request(context, inputs, model, options)
    elif model == NEW_MODEL:
        raise invalid_parameter("input_type", f"{NEW_MODEL} supports multi_input only")
    else:
        request = await _EMBEDDERS[kind](context, inputs, kind)
    request = options.apply_to(request, model)
    view: dict[str, Any] = {"data": embeddings.serialize_vectors(context.service.settings.seed, request)}
    return ApiResponse(view | serializers.compact(metadata=request.metadata, usage=request.usage))


async def _text(_context: RequestContext, body: JsonObject, _kind: str) -> EmbedRequest:
    text = validation.check_text("input_text", validation.required_string(body, "input_text"))
    return EmbedRequest(digest=f"text:{text}", vectors=(VectorSpec(text=text),))


async def _image(context: RequestContext, body: JsonObject, kind: str) -> EmbedRequest:
    text = None
    if kind == "text_image":
        text = validation.check_text("input_text", validation.required_string(body, "input_text"))
    source = await _read_inline_source(context, body, "image", MAX_IMAGE_SIZE)
    check_image(source, f"{kind}.media_source")
    digest = source.media.digest if text is None else f"{source.media.digest}:{text}"
    return EmbedRequest(digest=digest, vectors=(VectorSpec(text=text or ""),), metadata=source.metadata(kind))


async def _timed(context: RequestContext, body: JsonObject, kind: str) -> EmbedRequest:
    source = await _read_inline_source(context, body, kind, MAX_SIZE)
    if (source.media.duration or 0.0) > MAX_INLINE_DURATION:
        message = (
            f"{source.media.duration:g} s is longer than the {MAX_INLINE_DURATION:g} s allowed; a task takes more."
        )
        raise ApiError(400, TOO_LONG_CODES[kind], message)
    context.usage.count_media(source.media.duration)
    return build_timed_request(body, source, OLD_MODEL, task=False)


async def _read_inline_source(context: RequestContext, body: JsonObject, kind: str, max_size: int) -> Source:
    media_source = validation.required_object(body, "media_source", kind)
    source = await read_source(context, media_source, kind, max_size=max_size, too_large_status=413)
    check_readable(source, "media_source")
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
    context: RequestContext, multi_input: JsonObject, model: str, options: NewModelOptions
) -> EmbedRequest:
    """Return the embedding to compute for a text and files.

    Raises:
        ApiError: The text and the files cannot be combined.
    """
    text = validation.optional_string(multi_input, "input_text") or ""
    sources = [await _read_multi_source(context, entry, model) for entry in _media_sources(multi_input)]
    _check_references(text, sources)
    _check_combination(text, sources)
    if options.uncertainty and ((text and sources) or any(source.media.kind == "document" for source in sources)):
        raise invalid_parameter("embedding_uncertainty", "it requires either a text or files, and no documents")
    count, maximum = embeddings.count_tokens(text), MAX_MULTI_TOKENS[model]
    if text and not options.truncate:
        validation.check_text("input_text", text, maximum)
    text = " ".join(text.split()[:maximum]) if count > maximum else text
    digest = ":".join([f"text:{text}", *(source.media.digest for source in sources)])
    metadata = {"input_type": "multi_input"}
    usage = None if model == OLD_MODEL else _multi_usage(text, sources, truncated=count > maximum)
    return EmbedRequest(digest=digest, vectors=(VectorSpec(text=text),), metadata=metadata, usage=usage)


def _media_sources(multi_input: JsonObject) -> list[JsonObject]:
    return validation.optional_object_list(multi_input, "media_sources", 0, MAX_SOURCES)


async def _read_multi_source(context: RequestContext, entry: JsonObject, model: str) -> Source:
    kind = require_choice("media_type", entry.get("media_type"), MEDIA_TYPES[model])
    source = await read_source(context, entry, kind, max_size=MAX_SOURCE_SIZE, too_large_status=413)
    check_readable(source, "media_sources")
    if model == OLD_MODEL:
        check_image(source, "multi_input.media_sources")
    if source.url is None:
        _check_size(source)
    return replace(source, name=validation.optional_string(entry, "name"))


def _check_size(source: Source) -> None:
    """Reject a file that is too large; files at URLs are not checked, because their properties are generated."""
    if source.media.size > MAX_SOURCE_SIZE:
        message = f"The file has {source.media.size} bytes, and {MAX_SOURCE_SIZE} are allowed."
        raise ApiError(413, "media_filesize_too_large", message)
    if (source.media.duration or 0.0) > MAX_SOURCE_DURATION:
        message = f"{source.media.duration:g} s is longer than the {MAX_SOURCE_DURATION:g} s allowed."
        raise ApiError(400, TOO_LONG_CODES[source.media.kind], message)
    if is_pdf(source):
        count = embeddings.count_pages(source.content, source.media.digest)
        if problem := page_problem(source, count, SYNC_PAGES_PER_MEGABYTE):
            raise ApiError(413, "media_filesize_too_large", problem)


def _check_references(text: str, sources: Sequence[Source]) -> None:
    names = [source.name for source in sources if source.name is not None]
    if len(set(names)) < len(names):
        raise invalid_parameter("media_sources", "each name must be unique")
    for name in _REFERENCE.findall(text):
        if name not in names:
            raise invalid_parameter("input_text", f"unknown media source {name}")


def _check_combination(text: str, sources: Sequence[Source]) -> None:
    if not text.strip() and not sources:
        raise invalid_parameter("multi_input", "it must have input_text, media_sources or both")
    kinds = {source.media.kind for source in sources}
    combined = bool(text) or len(sources) > 1
    if combined and any(is_pdf(source) for source in sources):
        raise invalid_parameter("media_sources", "a PDF must be the only source, and without text")
    if combined and kinds == {"document"}:
        raise invalid_parameter("media_sources", "a text can be combined with images, video and audio only")
    if len(kinds) > 1 and not text:
        raise invalid_parameter("input_text", "it is required with sources of different types")


def _multi_usage(text: str, sources: Sequence[Source], *, truncated: bool) -> dict[str, Any]:
    counts = Counter({"text": embeddings.count_tokens(text)} if text else {})
    for source in sources:
        counts[source.media.kind] += _count_tokens(source.media, units=1)
    reason = {"truncation_reason": "model_context_window"} if truncated else {}
    return {"input_tokens": counts, "truncated": truncated, **reason}


async def create_task(context: RequestContext) -> ApiResponse:
    """POST /embed-v2/tasks."""
    body = await context.json()
    kind = require_choice("input_type", body.get("input_type"), TASK_INPUT_TYPES)
    context.usage.count_request(TASK_CATEGORIES.get(kind, f"embed-{kind}"))
    model = validation.require_model(body.get("model_name"), MODELS)
    if body.get("auto_truncate") is not None:
        raise invalid_parameter("auto_truncate", "tasks do not support it")
    options = _read_new_model_options(body, model)
    if model == OLD_MODEL and kind not in {"audio", "video"}:
        raise invalid_parameter("input_type", f"{kind} needs {NEW_MODEL}")
    inputs = validation.required_object(body, kind)
    media_source = validation.required_object(inputs, "media_source", kind)
    source = await read_source(context, media_source, kind, max_size=TASK_MAX_SIZES[kind])
    if kind in {"audio", "video"} and source.url is not None:
        # The platform checks that it can play the file before it creates a task.
        check_readable(source, f"{kind}.media_source")
    request, problem = _build_task_request(inputs, source, model)
    if options.uncertainty:
        _check_uncertainty(source, request)
    request = replace(
        options.apply_to(request, model), usage=None if model == OLD_MODEL else _task_usage(source, request)
    )
    context.usage.count_media(source.media.duration)
    task = embed.add_task(context, 2, model, request, problem)
    view: dict[str, Any] = {"_id": task.id, "status": "processing", "data": None}
    if model == NEW_MODEL:
        view["metadata"] = {"embedding_dimension": options.dimensions}
    return ApiResponse(view, 202, {"Location": f"{context.request.path}/{task.id}"})


def _build_task_request(body: JsonObject, source: Source, model: str) -> tuple[EmbedRequest, str | None]:
    match source.media.kind:
        case "document":
            return build_document_request(body, source)
        case "image":
            return _image_task_request(body, source), source.media.problem
        case _:
            return build_timed_request(body, source, model, task=True), source.media.problem


def _image_task_request(body: JsonObject, source: Source) -> EmbedRequest:
    for name, only in IMAGE_OPTIONS.items():
        validation.optional_choices(body, name, (only,))
    spec = VectorSpec(option="visual", scope="asset")
    metadata = source.metadata("image", embedding_options=["visual"], embedding_scopes=["asset"])
    return EmbedRequest(digest=source.media.digest, vectors=(spec,), metadata=metadata)


def _check_uncertainty(source: Source, request: EmbedRequest) -> None:
    """Reject an uncertainty for embeddings that combine several segments."""
    if source.media.kind == "image":
        return
    if is_pdf(source):
        raise invalid_parameter("embedding_uncertainty", "PDF files have no uncertainty")
    if any(spec.scope == "asset" for spec in request.vectors):
        raise invalid_parameter("embedding_uncertainty", "it needs an embedding_scope without asset")


def _task_usage(source: Source, request: EmbedRequest) -> dict[str, Any]:
    tokens = _count_tokens(source.media, units=len(request.vectors))
    return {"input_tokens": {source.media.kind: tokens}, "truncated": False}


def _count_tokens(media: Media, units: int) -> int:
    """Return the tokens of a file: for its seconds, or for a number of images or pages."""
    length = media.duration if media.kind in {"video", "audio"} else units
    return max(1, round(TOKENS_PER_UNIT[media.kind] * (length or 1)))


async def list_tasks(context: RequestContext) -> ApiResponse:
    """GET /embed-v2/tasks."""
    return embed.list_tasks_of_version(context, 2, _task_summary)


def _task_summary(task: EmbedTask) -> dict[str, Any]:
    """Return the metadata as in lists, with the field names of version 1."""
    metadata = task.request.metadata or {}
    kind = metadata["input_type"]
    words = {
        **{name: name for name in ("input_url", "input_filename", "duration")},
        "embedding_options": f"{kind}_embedding_option",
        "embedding_scopes": f"{kind}_embedding_scope",
        **_LIST_FIELD_NAMES.get(kind, {}),
    }
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

"""Synchronous analysis, and the validation of analysis requests."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, cast

from twelvelabs_async.emulator._api import assets, validation
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import (
    optional_bool,
    optional_int,
    optional_number,
    optional_object,
    optional_object_list,
    require_choice,
    required_object,
    required_object_list,
    required_string,
)
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._generation import analysis, structured
from twelvelabs_async.emulator._generation.structured import TIME_FORMATS
from twelvelabs_async.emulator._media import media
from twelvelabs_async.emulator._media.media import header_of, parse_header
from twelvelabs_async.emulator._media.rules import analysis_problem, check_resolution
from twelvelabs_async.emulator._state.entities import (
    GENERAL_MODE,
    MODES,
    SEGMENTS_MODE,
    AnalysisResult,
    AnalyzeRequest,
    Json,
    MediaSource,
)
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator._streams import Stream, ndjson_line

MAX_SYNC_DURATION = 3600.0
MAX_INLINE_DURATION = 7200.0
STREAM_FAILURE = {"code": "internal_server_error", "message": "The analysis broke off."}
MODELS = ("pegasus1.5", "pegasus1.6")
NEWEST_MODEL = "pegasus1.6"
TOKEN_LIMITS = {GENERAL_MODE: (512, 4096, 98_304), SEGMENTS_MODE: (2048, 32_768, 98_304)}
"""Minimum, default and maximum of `max_tokens`, by mode."""
DEFAULT_TEMPERATURE = 0.2
MAX_IMAGES = 20
MAX_REFERENCES = 4
MAX_INLINE_SIZES = {"video": 30 * media.MIB, "image": 20 * media.MIB}
MIN_WINDOW = 1.0
"""Seconds."""
SOURCE_TYPES = ("url", "asset_id", "base64_string")
_MODE_FORMATS = {GENERAL_MODE: ("json_schema",), SEGMENTS_MODE: ("segment_definitions",)}
_NAME = re.compile(r"\w+", re.ASCII)
_PLACEHOLDER = re.compile(r"<@([^<>]*)>")
MAX_DEFINITIONS = 20
MAX_ENUM_VALUES = 100
MIN_SEGMENT_DURATION, MAX_SEGMENT_DURATION = 2.0, 7200.0
"""Seconds."""
SCALAR_TYPES = ("string", "boolean", "number", "integer")
RESERVED_NAMES = ("start_time", "end_time", "metadata")
DEFINITIONS_PATH = "response_format.segment_definitions"


async def analyze(context: RequestContext) -> ApiResponse:
    """POST /analyze."""
    service, body = context.service, await context.json()
    stream = optional_bool(body, "stream", default=True)
    if body.get("analysis_mode", GENERAL_MODE) != GENERAL_MODE:
        raise invalid_parameter("analysis_mode", f"the synchronous endpoint supports {GENERAL_MODE} only")
    request = await read_request(service, "POST /analyze", body, max_duration=MAX_SYNC_DURATION)
    settings = service.settings
    result = analysis.compute_result(
        request, service.state.ids.uuid_token("generation"), seed=settings.seed, multibyte=settings.fragment_streams
    )
    if result.failure:
        code, message = result.failure
        raise ApiError(400, code, message)
    context.usage.count_media(request.media_seconds)
    context.usage.count_tokens(len(result.tokens))
    return ApiResponse(_stream(result, fragmented=settings.fragment_streams) if stream else _response_view(result))


def _response_view(result: AnalysisResult) -> dict[str, object]:
    return {
        "id": result.generation_id,
        "data": result.text,
        "finish_reason": result.finish_reason,
        "usage": result.usage,
        **analysis.serialize_warning(result),
    }


def _stream(result: AnalysisResult, *, fragmented: bool) -> Stream:
    identifier = result.generation_id
    end = {
        "event_type": "stream_end",
        "finish_reason": result.finish_reason,
        "metadata": {"generation_id": identifier, "usage": result.usage},
        **analysis.serialize_warning(result),
    }
    texts = analysis.stream_chunks(result.tokens)
    frames = [
        ndjson_line({"event_type": "stream_start", "metadata": {"generation_id": identifier}}),
        *([b"\n"] if fragmented else []),
        *(ndjson_line({"event_type": "text_generation", "text": text}) for text in texts),
        ndjson_line(end),
    ]
    # The API documents no event for a failure within a stream.
    failure = ndjson_line({"event_type": "error", "error": STREAM_FAILURE})
    return Stream("application/x-ndjson", tuple(frames), terminal_frames=1, error_frames=(failure,))


async def read_request(
    service: Service,
    operation: str,
    body: Json,
    *,
    max_duration: float,
    max_window: float | None = None,
    models: tuple[str, ...] = MODELS,
) -> AnalyzeRequest:
    """Validate the body of an analysis request.

    Args:
        service: The service with the assets.
        operation: The operation, for an answer that a test gave.
        body: The body.
        max_duration: Maximum duration of a video, in seconds.
        max_window: Maximum duration of the analyzed part, in seconds (default: `max_duration`).
        models: Allowed models; the first one is the default.

    Raises:
        ApiError: The body is invalid.
    """
    if "video_id" in body:
        raise ApiError(400, "parameter_unknown", "The video_id parameter is no longer supported; use video.")
    model = validation.require_model(body.get("model_name", models[0]), models)
    mode = require_choice("analysis_mode", body.get("analysis_mode", GENERAL_MODE), MODES)
    if body.get("video") is not None and body.get("image") is not None:
        raise invalid_parameter("image", "it cannot be used together with video")
    if body.get("video") is None and body.get("image") is None:
        raise missing_parameter("video or image")
    images = _images(service, body, model, mode) if body.get("image") is not None else ()
    video = await _video(service, body) if body.get("video") is not None else None
    prompt = _prompt(service, body, mode)
    _check_placeholders(prompt, images, body)
    optional_number(body, "temperature", minimum=0, maximum=1)
    if video is not None and video.type == "base64_string":
        max_duration = min(max_duration, MAX_INLINE_DURATION)
    start, end = _window(body, video, max_duration, max_window or max_duration)
    schema, definitions = _response_format(service, body, mode, model, (start, end))
    max_tokens = _max_tokens(body, mode, model, definitions)
    topic = prompt or "\n".join(definition["description"] for definition in definitions)
    return AnalyzeRequest(
        body=body,
        model=model,
        mode=mode,
        video=video,
        images=images,
        prompt=prompt,
        start=start,
        end=end,
        max_tokens=max_tokens,
        schema=schema,
        definitions=definitions,
        answer=service.answers.find(operation, topic, body),
    )


async def _video(service: Service, body: Json) -> MediaSource:
    video = required_object(body, "video")
    source_type = require_choice("video.type", video.get("type"), SOURCE_TYPES)
    if sum(video.get(name) is not None for name in SOURCE_TYPES) > 1:
        raise invalid_parameter("video", f"it must have exactly one of {', '.join(SOURCE_TYPES)}")
    reference = required_string(video, source_type, "video")
    if source_type == "base64_string":
        source = await _inline_video(service, _decode_inline("video", reference, "video"))
    else:
        source = _stored_or_remote(service, "video", "video", source_type, reference)
    if source.media.kind != "video":
        raise invalid_parameter("video", f"it must be a video, got a file of type {source.media.mime}")
    if rejection := check_resolution(source.media.width, source.media.height):
        raise ApiError(400, rejection.code, rejection.message)
    return source


def _stored_or_remote(service: Service, name: str, kind: str, source_type: str, reference: str) -> MediaSource:
    """Return the file of an asset or at a URL."""
    if source_type == "url":
        filename, info = assets.media_from_url(name, reference, kind=kind)
        if kind == "video" and info.problem is not None:
            raise ApiError(400, "video_file_broken", f"{reference}: {info.problem}")
        info = service.state.descriptions.apply_to(filename, info)
    else:
        asset = service.asset(validation.require_object_id(f"{name}.asset_id", reference))
        assets.require_ready(service, asset, "analyzed")
        filename, info = asset.filename, asset.media
    return MediaSource(type=source_type, reference=reference, filename=filename, media=info)


def _decode_inline(field_path: str, encoded: str, kind: str) -> bytes:
    try:
        content = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError as error:
        raise invalid_parameter(field_path, "base64_string must be valid base64") from error
    if len(content) > MAX_INLINE_SIZES[kind]:
        message = f"The {kind} has {len(content)} bytes, and {MAX_INLINE_SIZES[kind]} are allowed."
        raise ApiError(400, assets.too_large_code(kind), message)
    return content


async def _inline_video(service: Service, content: bytes) -> MediaSource:
    filename = "inline.mp4"
    info = await assets.inspect_content(service, filename, content, keep=False)
    if info.problem is not None:
        raise ApiError(400, "video_file_broken", info.problem)
    return MediaSource(type="base64_string", reference=None, filename=filename, media=info)


def _inline_image(service: Service, field_path: str, content: bytes) -> MediaSource:
    filename = "inline.png"
    info = media.guess_media(filename, len(content), hashlib.sha256(content).hexdigest())
    if service.settings.inspect_media:
        header = parse_header(content)
        if problem := analysis_problem(header):
            raise invalid_parameter(field_path, problem)
        if header is not None:
            info = replace(info, width=header.width, height=header.height)
    return MediaSource(type="base64_string", reference=None, filename=filename, media=info)


def _images(service: Service, body: Json, model: str, mode: str) -> tuple[MediaSource, ...]:
    if model != NEWEST_MODEL:
        raise invalid_parameter("image", f"it needs the model {NEWEST_MODEL}")
    if mode != GENERAL_MODE:
        raise invalid_parameter("image", "images cannot be segmented")
    if body.get("prompt_v2") is not None:
        raise invalid_parameter("prompt_v2", "it cannot be used together with image")
    entries = required_object_list(body, "image", 1, MAX_IMAGES)
    names = [required_string(entry, "name", "image") for entry in entries]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise invalid_parameter("image.name", "names must be unique, and consist of letters, digits and underscores")
    return tuple(_image(service, "image", entry) for entry in entries)


def _image(service: Service, field_path: str, entry: Json) -> MediaSource:
    given_types = [kind for kind in SOURCE_TYPES if entry.get(kind) is not None]
    if len(given_types) != 1:
        raise invalid_parameter(field_path, f"an image must have exactly one of {', '.join(SOURCE_TYPES)}")
    reference = required_string(entry, given_types[0], field_path)
    if given_types[0] == "base64_string":
        return _inline_image(service, field_path, _decode_inline(field_path, reference, "image"))
    if given_types[0] == "url" and not reference.lower().startswith("https://"):
        raise invalid_parameter(field_path, "the URL of an image must use https")
    source = _stored_or_remote(service, field_path, "image", given_types[0], reference)
    if source.media.problem or source.media.kind != "image":
        reason = source.media.problem or f"it must be an image, got a file of type {source.media.mime}"
        raise invalid_parameter(field_path, reason)
    if problem := analysis_problem(header_of(source.media)):
        raise invalid_parameter(field_path, problem)
    return source


def _reference_names(service: Service, field_path: str, entry: Json) -> list[str]:
    """Return the names of the images in the `media_sources` of a prompt or a segment definition.

    Raises:
        ApiError: An image is invalid.
    """
    sources = optional_object_list(entry, "media_sources", 0, MAX_REFERENCES)
    for source in sources:
        require_choice(f"{field_path}.media_sources.media_type", source.get("media_type"), ("image",))
        _image(service, f"{field_path}.media_sources", source)
    return [required_string(source, "name", f"{field_path}.media_sources") for source in sources]


def _prompt(service: Service, body: Json, mode: str) -> str:
    plain, with_images = body.get("prompt"), body.get("prompt_v2")
    if mode == SEGMENTS_MODE:
        if plain is not None or with_images is not None:
            reason = "with segments, only response_format.segment_definitions describes the task"
            raise invalid_parameter("prompt", reason)
        return ""
    if plain is not None and with_images is not None:
        raise invalid_parameter("prompt_v2", "it cannot be used together with prompt")
    if with_images is None:
        return required_string(body, "prompt")
    prompt_v2 = required_object(body, "prompt_v2")
    prompt = required_string(prompt_v2, "input_text", "prompt_v2")
    names = _reference_names(service, "prompt_v2", prompt_v2)
    if unknown := sorted(set(_PLACEHOLDER.findall(prompt)) - set(names)):
        raise invalid_parameter("prompt_v2.input_text", f"{unknown} are not names of media_sources")
    return prompt


def _check_placeholders(prompt: str, images: tuple[MediaSource, ...], body: Json) -> None:
    if images:
        names = {entry["name"] for entry in body["image"]}
        used = set(_PLACEHOLDER.findall(prompt))
        if used and used != names:
            raise invalid_parameter("prompt", "it must refer to every image or to none")


def _window(body: Json, video: MediaSource | None, max_duration: float, max_window: float) -> tuple[float, float]:
    start, end = optional_number(body, "start_time"), optional_number(body, "end_time")
    if video is None:
        if start is not None or end is not None:
            raise invalid_parameter("start_time", "it cannot be used with image")
        return 0.0, 0.0
    seconds = video.media.duration or 0.0
    if seconds < MIN_WINDOW:
        message = f"The video must have at least {MIN_WINDOW:g} s, got {seconds:g} s."
        raise ApiError(400, "video_duration_too_short", message)
    first, last = start or 0.0, seconds if end is None else end
    if first < 0 or last > seconds or last - first < MIN_WINDOW:
        reason = f"the window must have at least {MIN_WINDOW:g} s and end at {seconds:g} s or before"
        raise invalid_parameter("end_time", reason)
    if seconds > max_duration or last - first > max_window:
        message = (
            f"At most {max_window:g} s of a video of at most {max_duration:g} s can be analyzed, "
            f"got {last - first:g} s of {seconds:g} s."
        )
        raise ApiError(400, "video_duration_too_long", message)
    return first, last


def _response_format(
    service: Service, body: Json, mode: str, model: str, window: tuple[float, float]
) -> tuple[Json | None, tuple[Json, ...]]:
    response_format = optional_object(body, "response_format")
    if response_format is None:
        if mode == SEGMENTS_MODE:
            raise missing_parameter("response_format")
        _check_no_segments(body)
        return None, ()
    format_type = require_choice("response_format.type", response_format.get("type"), _MODE_FORMATS[mode])
    if format_type == "segment_definitions":
        definitions = _read_segment_definitions(response_format, body, model, window)
        for definition in definitions:
            _reference_names(service, "segment_definitions", definition)
        return None, definitions
    _check_no_segments(body)
    if "segment_time_format" in response_format:
        raise invalid_parameter("response_format.segment_time_format", "it needs the type segment_definitions")
    if "json_schema" not in response_format:
        raise missing_parameter("response_format.json_schema")
    return structured.validate_schema(response_format["json_schema"]), ()


def _check_no_segments(body: Mapping[str, Any]) -> None:
    for name in ("min_segment_duration", "max_segment_duration"):
        if body.get(name) is not None:
            raise invalid_parameter(name, f"it needs the analysis_mode {SEGMENTS_MODE}")


def _max_tokens(body: Json, mode: str, model: str, definitions: tuple[Json, ...]) -> int | Literal["unlimited"]:
    minimum, default, maximum = TOKEN_LIMITS[mode]
    if body.get("max_tokens") == "unlimited":
        has_ranges = any(definition.get("time_ranges") for definition in definitions)
        if mode != SEGMENTS_MODE or model != NEWEST_MODEL or has_ranges:
            raise invalid_parameter("max_tokens", f"unlimited needs {SEGMENTS_MODE}, {NEWEST_MODEL} and no time_ranges")
        return "unlimited"
    max_tokens = optional_int(body, "max_tokens", minimum, maximum)
    return default if max_tokens is None else max_tokens


def _read_segment_definitions(
    response_format: Json, body: Json, model: str, window: tuple[float, float]
) -> tuple[Json, ...]:
    """Return the segment definitions of a request.

    Args:
        response_format: The response format.
        body: The body of the request.
        model: Name of the model; only the newest one supports fields of type `time_array`.
        window: Start and end of the analyzed part, in seconds.

    Raises:
        ApiError: A definition is invalid, or conflicts with other parameters.
    """
    require_choice(
        "response_format.segment_time_format", response_format.get("segment_time_format", "seconds"), TIME_FORMATS
    )
    definitions = required_object_list(response_format, "segment_definitions", 1, MAX_DEFINITIONS, "response_format")
    ids = [required_string(definition, "id", DEFINITIONS_PATH) for definition in definitions]
    if len(set(ids)) < len(ids):
        raise invalid_parameter(f"{DEFINITIONS_PATH}.id", "it must be unique")
    types = ("array", "timestamp", "time_array") if model == NEWEST_MODEL else ("array", "timestamp")
    for definition in definitions:
        required_string(definition, "description", DEFINITIONS_PATH)
        fields = optional_object_list(definition, "fields", 0, 1000, DEFINITIONS_PATH)
        _check_definition_fields(fields, f"{DEFINITIONS_PATH}.fields", types)
    has_limits = _has_duration_limits(body)
    if any(definition.get("time_ranges") is not None for definition in definitions):
        if has_limits or body.get("start_time") is not None or body.get("end_time") is not None:
            reason = "it takes the place of start_time, end_time and segment durations"
            raise invalid_parameter(f"{DEFINITIONS_PATH}.time_ranges", reason)
        for definition in definitions:
            _check_ranges(definition, window)
    return tuple(definitions)


def _has_duration_limits(body: Json) -> bool:
    shortest = optional_number(body, "min_segment_duration", minimum=MIN_SEGMENT_DURATION, maximum=MAX_SEGMENT_DURATION)
    longest = optional_number(body, "max_segment_duration", minimum=MIN_SEGMENT_DURATION, maximum=MAX_SEGMENT_DURATION)
    if shortest is not None and longest is not None and longest < shortest:
        raise invalid_parameter("max_segment_duration", "it must not be below min_segment_duration")
    return shortest is not None or longest is not None


def _check_ranges(definition: Json, window: tuple[float, float]) -> None:
    path = f"{DEFINITIONS_PATH}.time_ranges"
    ranges: list[tuple[float, float]] = []
    for entry in optional_object_list(definition, "time_ranges", 1, 1000, DEFINITIONS_PATH):
        start, end = optional_number(entry, "start_time", path), optional_number(entry, "end_time", path)
        if start is None or end is None:
            raise missing_parameter(f"{path}.start_time and end_time")
        if end - start < MIN_SEGMENT_DURATION or start < window[0] or end > window[1]:
            raise invalid_parameter(path, f"a range must last {MIN_SEGMENT_DURATION:g} s and lie within the video")
        ranges.append((start, end))
    if any(before[1] > after[0] for before, after in pairwise(sorted(ranges))):
        raise invalid_parameter(path, "ranges must not overlap")


def _check_definition_fields(fields: Sequence[Json], field_path: str, extra_types: tuple[str, ...]) -> None:
    for field in fields:
        name = required_string(field, "name", field_path)
        if name in RESERVED_NAMES:
            raise invalid_parameter(f"{field_path}.name", f"{name} is reserved")
        required_string(field, "description", field_path)
        kind = require_choice(f"{field_path}.type", field.get("type"), (*SCALAR_TYPES, *extra_types))
        _check_format(field, kind, field_path)
        _check_enum(field, kind, field_path)
        _check_items(field, kind, field_path)


def _check_event_fields(fields: Sequence[Json], field_path: str) -> None:
    """Check the fields of an event; their rules are stricter than those of other fields.

    Raises:
        ApiError: A field is invalid.
    """
    _check_definition_fields(fields, field_path, ("array",))
    names = [field["name"] for field in fields]
    if len(set(names)) < len(names):
        raise invalid_parameter(f"{field_path}.name", "it must be unique within the item")
    for field in fields:
        if field["type"] != "string" and field.get("enum") is not None:
            raise invalid_parameter(f"{field_path}.enum", "only fields of the type string have an enum")
        if field["type"] != "array" and field.get("items") is not None:
            raise invalid_parameter(f"{field_path}.items", "only fields of the type array have items")


def _check_format(field: Json, kind: str, field_path: str) -> None:
    value = field.get("format")
    if kind == "timestamp":
        require_choice(f"{field_path}.format", value, TIME_FORMATS)
    elif value is not None:
        raise invalid_parameter(f"{field_path}.format", "only timestamps have a format")


def _check_enum(field: Json, kind: str, field_path: str) -> None:
    value = field.get("enum")
    values = cast("list[Any]", value)
    right_length = isinstance(value, list) and 1 <= len(values) <= MAX_ENUM_VALUES
    valid = right_length and all(isinstance(entry, str) for entry in values)
    if value is not None and (kind == "timestamp" or not valid):
        reason = f"it must be a list of 1 to {MAX_ENUM_VALUES} texts, and timestamps have none"
        raise invalid_parameter(f"{field_path}.enum", reason)


def _check_items(field: Json, kind: str, field_path: str) -> None:
    value = field.get("items")
    if kind not in {"array", "time_array"}:
        if value is not None:
            raise invalid_parameter(f"{field_path}.items", "only lists have items")
        return
    if not isinstance(value, dict):
        raise missing_parameter(f"{field_path}.items")
    items = cast("Json", value)
    if kind == "array":
        require_choice(f"{field_path}.items.type", items.get("type"), SCALAR_TYPES)
        if items.get("fields") is not None:
            raise invalid_parameter(f"{field_path}.items.fields", "only items of a time_array have fields")
        return
    require_choice(f"{field_path}.items.type", items.get("type"), ("object",))
    fields = required_object_list(items, "fields", 1, 1000, f"{field_path}.items")
    _check_event_fields(fields, f"{field_path}.items.fields")


OPERATIONS = (Operation("POST", "/analyze", analyze),)

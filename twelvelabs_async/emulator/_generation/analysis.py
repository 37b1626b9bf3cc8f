"""Generated text and video segments of analyses; they depend only on the request and the seed."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator._generation.structured import Sampler, format_time, select_time
from twelvelabs_async.emulator._generation.templates import schema_of_prompt
from twelvelabs_async.emulator._generation.time_names import role_of
from twelvelabs_async.emulator._media.media import Passage, equal_segments
from twelvelabs_async.emulator._state.deterministic import invent_scene, stable_int
from twelvelabs_async.emulator._state.entities import SEGMENTS_MODE, AnalysisResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from twelvelabs_async.emulator._state.entities import AnalyzeRequest, Json, MediaSource

TOKENS_PER_SECOND = 30
TOKENS_PER_IMAGE = 1000
MAX_DURATION = 7200.0
"""Maximum duration of a video that one analysis covers, in seconds."""
MULTIBYTE_TEXT = " Somebody reads “naïve café” aloud, then 日本語 🎬\u2028and the picture fades."
"""Characters of two, three and four bytes, and a line separator that does not end a line of a stream."""
MAX_SPANS = 120
DEFAULT_SEGMENT_SECONDS = 12.0
"""Duration of a segment, unless the request limits it, in seconds."""
_MAX_WORDS = 12
_TOKENS_PER_CHUNK = 4
"""Number of tokens per event of a stream."""
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")


def compute_result(request: AnalyzeRequest, generation_id: str, *, seed: int, multibyte: bool) -> AnalysisResult:
    """Generate the result of an analysis."""
    seconds = 0.0 if request.video is None else request.end - request.start
    failure, warning, tokens = _failure(request, seconds), None, tuple[str, ...]()
    if failure is not None:
        return AnalysisResult(generation_id=generation_id, tokens=(), input_tokens=0, failure=failure)
    input_tokens = round(TOKENS_PER_SECOND * seconds) + TOKENS_PER_IMAGE * len(request.images)
    input_tokens += len(tokenize(request.prompt))
    tokens = tokenize(_generate(request, seed, multibyte=multibyte))
    if request.max_tokens != "unlimited" and len(tokens) > request.max_tokens:
        warning = f"The response reached the maximum length of {request.max_tokens} tokens."
        tokens = tokens[: request.max_tokens]
        if request.mode == SEGMENTS_MODE:
            failure, warning, tokens = ("token_limit_exceeded", warning), None, ()
    return AnalysisResult(
        generation_id=generation_id, tokens=tokens, input_tokens=input_tokens, warning=warning, failure=failure
    )


def _failure(request: AnalyzeRequest, seconds: float) -> tuple[str, str] | None:
    if seconds > MAX_DURATION:
        message = f"{seconds:g} s are more than the {MAX_DURATION:g} s that can be analyzed at once."
        return "video_duration_too_long", message
    problem = next((source.media.problem for source in request.sources if source.media.problem), None)
    return ("asset_unavailable", problem) if problem else None


def _generate(request: AnalyzeRequest, seed: int, *, multibyte: bool) -> str:
    if request.answer is not None:
        return request.answer
    if request.mode == SEGMENTS_MODE:
        return json.dumps(_make_segments(request, seed), ensure_ascii=False)
    schema = schema_of_prompt(request.prompt) if request.schema is None else request.schema
    scenes = [] if request.video is None else _scenes(request.video, request.start, request.end, seed)
    if schema is None:
        return _write_answer(request, scenes, seed, multibyte=multibyte)
    default_string = _write_answer(request, [], seed, multibyte=multibyte)
    times = [(scene.start, scene.end) for scene in scenes]
    return json.dumps(Sampler(schema, default_string, times, seed).sample(), ensure_ascii=False)


def _write_answer(request: AnalyzeRequest, scenes: Iterable[Passage], seed: int, *, multibyte: bool) -> str:
    """Return a text with the file names, the prompt and the scenes."""
    names = ", ".join(source.filename for source in request.sources)
    text = f"{names}: an answer to {summarize_prompt(request.prompt)}."
    if multibyte:
        text += MULTIBYTE_TEXT
    for scene in scenes:
        text += f" From {scene.start:g} to {scene.end:g} seconds it shows {scene.text}."
    for source in request.sources:
        if source.media.kind == "image":
            text += f" {source.filename} shows {invent_scene(seed, source.media.digest)}."
    return text


def _scenes(source: MediaSource, start: float, end: float, seed: int) -> list[Passage]:
    """Return the described scenes between two times of a video, or invented ones without a description."""
    if source.media.scenes:
        clipped = (Passage(max(start, one.start), min(end, one.end), one.text) for one in source.media.scenes)
        return [scene for scene in clipped if scene.start < scene.end]
    return [
        Passage(first, last, invent_scene(seed, source.filename, first))
        for first, last in describable_spans(start, end)
    ]


def describable_spans(start: float, end: float) -> list[tuple[float, float]]:
    """Divide a video into spans to describe, at most `MAX_SPANS`."""
    spans = equal_segments(end - start)
    if len(spans) > MAX_SPANS:
        step = (end - start) / MAX_SPANS
        spans = [(round(i * step, 3), round((i + 1) * step, 3)) for i in range(MAX_SPANS)]
    return [(round(start + first, 3), round(start + last, 3)) for first, last in spans]


def tokenize(text: str) -> tuple[str, ...]:
    """Split a text into tokens: words and punctuation marks, each with the space before it."""
    return tuple(_TOKEN.findall(text))


def summarize_prompt(prompt: str) -> str:
    """Return the first words of a prompt."""
    return " ".join(re.findall(r"[^\W_]+", prompt)[:_MAX_WORDS])


def stream_chunks(tokens: tuple[str, ...]) -> Iterator[str]:
    """Yield the text in the chunks in which it is streamed."""
    return ("".join(tokens[i : i + _TOKENS_PER_CHUNK]) for i in range(0, len(tokens), _TOKENS_PER_CHUNK))


def serialize_result(result: AnalysisResult) -> Json:
    """Return the result of a task as the API serializes it."""
    return {
        "generation_id": result.generation_id,
        "data": result.text,
        "finish_reason": result.finish_reason,
        "usage": result.usage,
    }


def serialize_warning(result: AnalysisResult) -> Json:
    """Return the field with the warning about a truncated text, or an empty object."""
    return {"error": {"message": result.warning}} if result.warning else {}


def _make_segments(request: AnalyzeRequest, seed: int) -> dict[str, list[Json]]:
    """Return the segments by id of their definition."""
    time_format = request.body.get("response_format", {}).get("segment_time_format") or "seconds"
    segments: dict[str, list[Json]] = {}
    for definition in request.definitions:
        fields: list[Json] = definition.get("fields") or []
        segments[definition["id"]] = [
            {
                "start_time": format_time(start, time_format),
                "end_time": format_time(end, time_format),
                "metadata": {
                    field["name"]: _field_value(
                        field, start, end, time_format, (seed, definition["id"], field["name"], start)
                    )
                    for field in fields
                },
            }
            for first, last in _time_ranges(request, definition)
            for start, end in _segment_range(first, last, request)
        ]
    return segments


def _time_ranges(request: AnalyzeRequest, definition: Json) -> Iterator[tuple[float, float]]:
    ranges = definition.get("time_ranges") or [{"start_time": request.start, "end_time": request.end}]
    return ((float(entry["start_time"]), float(entry["end_time"])) for entry in ranges)


def _segment_range(start: float, end: float, request: AnalyzeRequest) -> list[tuple[float, float]]:
    """Return the described scenes within a time range, or equal segments without a description.

    A scene that is too long is divided, and a scene that is too short is omitted.
    """
    shortest, longest = _duration_limits(request)
    scenes = [scene for source in request.sources for scene in source.media.scenes]
    if not scenes:
        return _split_evenly(start, end, shortest, longest)
    found: list[tuple[float, float]] = []
    for scene in scenes:
        first, last = max(start, scene.start), min(end, scene.end)
        if first < last and last - first > longest:
            found += _split_evenly(first, last, shortest, longest)
        elif first < last and last - first >= shortest:
            found.append((first, last))
    return found


def _duration_limits(request: AnalyzeRequest) -> tuple[float, float]:
    shortest = float(request.body.get("min_segment_duration") or 0.0)
    return shortest, float(request.body.get("max_segment_duration") or math.inf)


def _split_evenly(start: float, end: float, shortest: float, longest: float) -> list[tuple[float, float]]:
    """Divide a time range into equal segments within the limits; return none if it is too short."""
    seconds = end - start
    if seconds < shortest:
        return []
    preferred = min(max(DEFAULT_SEGMENT_SECONDS, shortest), longest)
    count = max(1, math.floor(seconds / preferred), math.ceil(seconds / longest))
    return list(pairwise(round(start + seconds * i / count, 3) for i in range(count + 1)))


def _field_value(field: Json, start: float, end: float, time_format: str, key: tuple[object, ...]) -> Any:
    match field["type"]:
        case "timestamp":
            return format_time(start, field["format"])
        case "array":
            return [_scalar(field["items"]["type"], field.get("enum"), (*key, i)) for i in range(2)]
        case "time_array":
            return [
                {
                    "start_time": format_time(start, time_format),
                    "end_time": format_time(end, time_format),
                    **{
                        inner["name"]: _field_value(inner, start, end, time_format, (*key, inner["name"]))
                        for inner in field["items"]["fields"]
                    },
                }
            ]
        case "number" | "integer" if role := role_of(field["name"], field, field["type"]):
            time = select_time(role, (start, end))
            return int(time) if field["type"] == "integer" else time
        case kind:
            return _scalar(kind, field.get("enum"), key)


def _scalar(kind: str, choices: list[str] | None, key: tuple[object, ...]) -> Any:
    number = stable_int(*key)
    if choices:
        return choices[number % len(choices)]
    match kind:
        case "boolean":
            return number % 2 == 0
        case "integer":
            return number % 100
        case "number":
            return number % 1000 / 10
        case _:
            return invent_scene(*key)

"""Generated text and segments of analyses, and JSON that prompts ask for; they depend on the request and the seed.

Many applications ask for JSON by an example in the prompt instead of a schema:
`{"ok": true/false, "scenes": [{"start": 0.0, "mood": ".."}]}`. Such a template is converted to a JSON schema, so that
the answer has its shape. Templates are rarely valid JSON: they have comments, ellipses, alternatives and types in place
of values.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from twelvelabs_async.emulator._generation.structured import (
    Sampler,
    format_time,
    is_satisfiable,
    select_time,
    time_role_of,
)
from twelvelabs_async.emulator._media.media import Passage, equal_segments
from twelvelabs_async.emulator._state.deterministic import invent_scene, stable_int
from twelvelabs_async.emulator._state.entities import SEGMENTS_MODE, AnalysisResult, AnalyzeRequest, Json, MediaSource

Schema = dict[str, Any]

MAX_TEMPLATE_DEPTH = 20
MAX_ATTEMPTS = 200
"""Number of brackets that are tried as the start of a template."""
_SPACE = re.compile(r"(?:\s|,|…|\.\.\.|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
"""Characters between two values; commas and comments are not checked."""
_KEY = re.compile(r"""\s*(?:"([^"\n]{1,200})"|'([^'\n]{1,200})'|<?([A-Za-z_$][\w$-]{0,199})>?)\s*(?:\?\s*)?[:=]\s*""")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'')
_BARE = re.compile(r"<[^<>\n]*>|[^,{}\[\]\"'\n]+")
_ALTERNATIVES = re.compile(r"\||/|\bor\b")
_CLOCK = re.compile(r"(\d{1,2}:)?\d{1,2}:\d{2}(\.\d+)?")
_OPENING = re.compile(r"[{\[]")
_TYPE_WORDS = {
    "boolean": {"bool", "boolean", "true", "false"},
    "integer": {"int", "integer", "count"},
    "number": {"float", "number", "double", "decimal", "num", "seconds", "sec", "secs"},
    "string": {"str", "string", "text"},
}
_JSON_REQUEST = re.compile(
    r"\b(?:in|as|into|only|valid|returns?|respond|reply|answer|output|produce|generate|give|provide|write|als)\b"
    r"[^.?!\n]{0,40}?\bjson\b(?! files?\b)(?: (?P<list>array|list)\b)?|\bjson (?:object|array|list|only|with)\b",
    re.IGNORECASE,
)
"""Words that ask for JSON. "What is JSON?" does not."""
_FIELD_LIST = re.compile(
    r"\b(?:keys?|fields?|properties|attributes|with)\b(?: named| called)?:?\s+(?!keys?\b|fields?\b|properties\b)"
    r"(?P<names>[\w `'\"*-]{1,60}(?:,[\w `'\"*-]{1,60}){0,30})",
    re.IGNORECASE,
)
_FIELD_SEPARATOR = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
_ARTICLE = re.compile(r"(?:an?|the|its|their)\s+", re.IGNORECASE)
_FIELD_NAME = re.compile(r"[A-Za-z_][\w-]{0,60}")
_NUMBER_NAMES = frozenset({"score", "confidence", "count", "rating", "number", "probability"})
_WORD = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_BOUNDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?(?:-|\u2013|to|\.\.) ?(\d{1,9}(?:\.\d{1,9})?)")
_NAME = re.compile(r"[\w-]+( [\w-]+)?")


TOKENS_PER_SECOND = 30

TOKENS_PER_IMAGE = 1000

MAX_WINDOW = 7200.0
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


def schema_of_prompt(prompt: str) -> Schema | None:
    """Return the schema of the JSON that a prompt asks for; `None` if it asks for none.

    It is that of the longest template or JSON schema in the prompt. Without either, a prompt such as "answer in JSON
    with the fields title and start" gets an object with these fields, and "a JSON list of ..." a list of such objects.
    """
    return _schema_of_template(prompt) or _schema_of_request(prompt)


def _schema_of_request(prompt: str) -> Schema | None:
    request = _JSON_REQUEST.search(prompt)
    if request is None:
        return None
    properties: dict[str, Schema] = {}
    for name in _field_names(prompt[request.start() :]) or ["answer"]:
        is_number = not _NUMBER_NAMES.isdisjoint(_WORD.findall(name.lower())) or time_role_of(name, {}, "number")
        properties[name] = {"type": "number" if is_number else "string"}
    fields: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "array", "items": fields} if request["list"] else fields


def _field_names(text: str) -> list[str]:
    listed = _FIELD_LIST.search(text)
    names: list[str] = []
    for part in _FIELD_SEPARATOR.split(listed["names"]) if listed is not None else ():
        name = _ARTICLE.sub("", part.strip()).strip("'\"`*")
        if not _FIELD_NAME.fullmatch(name):
            break
        names.append(name)
    return list(dict.fromkeys(names))


def _schema_of_template(prompt: str) -> Schema | None:
    """Return the schema of the longest template in a prompt, or the longest JSON schema; `None` without either."""
    best: Schema | None = None
    length = position = 0
    for _ in range(MAX_ATTEMPTS):
        opened = _OPENING.search(prompt, position)
        if opened is None:
            break
        start = opened.start()
        position, schema = _read_template(prompt, start) or (start + 1, None)
        if schema is not None and position - start > length:
            length, best = position - start, schema
    # A schema in a prompt may be invalid, or describe an enormous document.
    return best if best is not None and is_satisfiable(best) else None


def _read_template(prompt: str, start: int) -> tuple[int, Schema] | None:
    """Return the end and the schema of the template at a position, `None` if there is none."""
    try:
        value, end = json.JSONDecoder().raw_decode(prompt, start)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(value, dict) and isinstance(cast("Schema", value).get("properties"), dict):
            return end, cast("Schema", value)
    reader = _Reader(prompt, start)
    try:
        schema = reader.read_value(0)
    except _NoTemplateError:
        return None
    # Without quotation marks around the names it may be code of any kind.
    is_template = _has_properties(schema) and (reader.quoted or "json" in prompt.lower())
    return (reader.position, schema) if is_template else None


def _has_properties(schema: Schema) -> bool:
    return bool(schema.get("properties")) or ("items" in schema and _has_properties(schema["items"]))


class _NoTemplateError(Exception):
    """The text is not a template."""


@dataclass(slots=True)
class _Reader:
    """Reads a template from a text."""

    text: str
    position: int
    quoted: bool = True
    """Whether all names are in quotation marks."""

    def read_value(self, depth: int) -> Schema:
        """Read an object, an array, or the text in place of another value."""
        if depth > MAX_TEMPLATE_DEPTH:
            raise _NoTemplateError
        match self.text[self.position : self.position + 1]:
            case "{":
                return self._read_object(depth)
            case "[":
                return self._read_array(depth)
            case _:
                return self._read_leaf()

    def _read_object(self, depth: int) -> Schema:
        properties: dict[str, Schema] = {}
        self.position += 1
        while not self._skip_to("}"):
            key = self._match(_KEY)
            if key is None:
                raise _NoTemplateError
            self.quoted &= key[3] is None
            properties[next(filter(None, key.groups()))] = self.read_value(depth + 1)
        return {"type": "object", "properties": properties, "required": list(properties)}

    def _read_array(self, depth: int) -> Schema:
        items: list[Schema] = []
        self.position += 1
        while not self._skip_to("]"):
            items.append(self.read_value(depth + 1))
        return {"type": "array", "items": items[0] if items else {"type": "string"}}

    def _read_leaf(self) -> Schema:
        """Read strings and words up to the end of the value: `"low" | "high"`, `number (0-10)`, `string[]`."""
        strings: list[str] = []
        words = ""
        while found := self._match(_QUOTED) or self._match(_BARE):
            if found[0][0] in "\"'":
                strings.append(found[0][1:-1])
            else:
                words += found[0].split("//")[0]
        is_list = self.text.startswith("[]", self.position)
        self.position += 2 * is_list
        if not strings and not words.strip():
            raise _NoTemplateError
        schema = _schema_of_strings(strings) if strings else _schema_of_words(words.strip(" \t\r<>"))
        return {"type": "array", "items": schema} if is_list else schema

    def _skip_to(self, end: str) -> bool:
        """Skip space, commas, comments and ellipses, and then `end` if it follows; return whether it did."""
        self._match(_SPACE)
        if self.position >= len(self.text):
            raise _NoTemplateError
        if self.text[self.position] != end:
            return False
        self.position += 1
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found


def _schema_of_strings(strings: list[str]) -> Schema:
    """Return the schema of one string, or of several alternatives."""
    choices = strings if len(strings) > 1 else [choice.strip() for choice in _ALTERNATIVES.split(strings[0])]
    if len(choices) > 1 and all(_NAME.fullmatch(choice) for choice in choices):
        kinds = {_kind_of_words(choice) for choice in choices}
        return {"type": "boolean"} if kinds == {"boolean"} else {"type": "string", "enum": choices}
    text = strings[0].strip(" <>")
    if _kind_of_words(text) in {"boolean", "integer", "number"} and len(_WORD.findall(text.lower())) == 1:
        return _schema_of_words(text)
    if strings[0].upper() == "YYYY-MM-DD":
        return {"type": "string", "format": "date"}
    if _CLOCK.fullmatch(text):
        return {"type": "string", "description": "mm:ss" if text.count(":") == 1 else "hh:mm:ss"}
    return {"type": "string", "description": strings[0]}


def _schema_of_words(text: str) -> Schema:
    """Return the schema of a value that is not in quotation marks."""
    if text == "null":
        return {"type": "null"}
    bounds = _BOUNDS.search(text)
    if bounds is not None:
        low, high = (float(bound) for bound in bounds.groups())
        kind = "number" if _kind_of_words(text) == "number" or "." in bounds[0].replace("..", "") else "integer"
        return {"type": kind, "minimum": low, "maximum": high} if low < high else {"type": kind}
    if _NUMBER.fullmatch(text):
        if "." not in text:
            return {"type": "integer"}
        return {"type": "number", "minimum": 0, "maximum": 1} if 0 < float(text) <= 1 else {"type": "number"}
    return {"type": _kind_of_words(text) or "string", "description": text}


def _kind_of_words(text: str) -> str | None:
    words = {*_WORD.findall(text.lower())}
    return next((kind for kind, names in _TYPE_WORDS.items() if words & names), None)


def compute_result(request: AnalyzeRequest, generation_id: str, *, seed: int, multibyte: bool) -> AnalysisResult:
    """Generate the result of an analysis."""
    seconds = 0.0 if request.video is None else request.end - request.start
    warning = failure = None
    if seconds > MAX_WINDOW:
        message = f"{seconds:g} s are more than the {MAX_WINDOW:g} s that can be analyzed at once."
        failure = "video_duration_too_long", message
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
        return _clip_scenes(source.media.scenes, start, end)
    return [
        Passage(first, last, invent_scene(seed, source.filename, first))
        for first, last in describable_spans(start, end)
    ]


def _clip_scenes(scenes: Iterable[Passage], start: float, end: float) -> list[Passage]:
    clipped = (Passage(max(start, one.start), min(end, one.end), one.text) for one in scenes)
    return [scene for scene in clipped if scene.start < scene.end]


def describable_spans(start: float, end: float) -> list[tuple[float, float]]:
    """Divide a video into spans to describe, at most `MAX_SPANS`."""
    spans = equal_segments(end - start, MAX_SPANS)
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
        ranges = definition.get("time_ranges") or [{"start_time": request.start, "end_time": request.end}]
        found = segments[definition["id"]] = []
        for entry in ranges:
            for start, end in _segment_range(float(entry["start_time"]), float(entry["end_time"]), request):
                metadata = {
                    field["name"]: _field_value(
                        field, start, end, time_format, (seed, definition["id"], field["name"], start)
                    )
                    for field in fields
                }
                found.append(_format_range(start, end, time_format) | {"metadata": metadata})
    return segments


def _format_range(start: float, end: float, time_format: str) -> Json:
    return {"start_time": format_time(start, time_format), "end_time": format_time(end, time_format)}


def _segment_range(start: float, end: float, request: AnalyzeRequest) -> list[tuple[float, float]]:
    """Return the described scenes within a time range, or equal segments without a description.

    A scene that is too long is divided, and a scene that is too short is omitted.
    """
    shortest = float(request.body.get("min_segment_duration") or 0.0)
    longest = float(request.body.get("max_segment_duration") or math.inf)
    scenes = [scene for source in request.sources for scene in source.media.scenes]
    if not scenes:
        return _split_evenly(start, end, shortest, longest)
    found: list[tuple[float, float]] = []
    for scene in _clip_scenes(scenes, start, end):
        if scene.end - scene.start > longest:
            found += _split_evenly(scene.start, scene.end, shortest, longest)
        elif scene.end - scene.start >= shortest:
            found.append((scene.start, scene.end))
    return found


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
            values = {
                inner["name"]: _field_value(inner, start, end, time_format, (*key, inner["name"]))
                for inner in field["items"]["fields"]
            }
            return [_format_range(start, end, time_format) | values]
        case "number" | "integer" if role := time_role_of(field["name"], field, field["type"]):
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

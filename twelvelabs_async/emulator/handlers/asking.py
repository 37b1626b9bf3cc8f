"""Reading what an analysis is asked."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from twelvelabs_async.emulator import media, schema_dialect
from twelvelabs_async.emulator.analyses import GENERAL, MODES, SEGMENTS, Ask, Json, Source
from twelvelabs_async.emulator.bodies import number, objects, text
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.handlers import segment_definitions
from twelvelabs_async.emulator.handlers.assets import take_url

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import Asset
    from twelvelabs_async.emulator.world import World

MODELS = ("pegasus1.5", "pegasus1.6")
NEWEST = "pegasus1.6"
TOKENS = {GENERAL: (512, 4096, 98_304), SEGMENTS: (2048, 32_768, 98_304)}
"""Least, usual and largest length of an answer, by mode."""
MOST_IMAGES = 20
MOST_REFERENCES = 4
LARGEST_VIDEO, LARGEST_IMAGE = 30 * media.MIB, 20 * media.MIB
SHORTEST_WINDOW = 1.0
"""Seconds."""
NOT_READY = "asset_not_ready"
SOURCES = ("url", "asset_id", "base64_string")
_MODES_FORMATS = {GENERAL: ("json_schema",), SEGMENTS: ("segment_definitions",)}
_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)
_NAME = re.compile(r"\w+", re.ASCII)
_PLACEHOLDER = re.compile(r"<@([^>]*)>")


def read(world: World, body: Json, *, longest: float, longest_window: float, models: tuple[str, ...] = MODELS) -> Ask:
    """Return what a request asks for.

    Args:
        world: Where its assets are.
        body: The request.
        longest: Seconds that a video may have.
        longest_window: Seconds of it that may be looked at.
        models: Models that can be asked.

    Raises:
        ApiError: It is not in order.
    """
    if "video_id" in body:
        raise ApiError(400, "parameter_unknown", "The video_id parameter is not supported any more; use video.")
    model = choice("model_name", body.get("model_name") or models[0], models)
    mode = choice("analysis_mode", body.get("analysis_mode") or GENERAL, MODES)
    if body.get("video") is not None and body.get("image") is not None:
        raise invalid("image", "it cannot be used together with video")
    if body.get("video") is None and body.get("image") is None:
        raise missing("video or image")
    images = _images(world, body, model, mode) if body.get("image") is not None else ()
    video = _video(world, body["video"]) if body.get("video") is not None else None
    prompt = _prompt(world, body, mode)
    _check_placeholders(prompt, images, body)
    number(body, "temperature", 0, 1)
    start, end = _window(body, video, longest, longest_window)
    schema, definitions = _format(world, body, mode, model, (start, end))
    return Ask(
        given=body,
        model=model,
        mode=mode,
        video=video,
        images=images,
        prompt=prompt,
        start=start,
        end=end,
        max_tokens=_max_tokens(body, mode, model, definitions),
        schema=schema,
        definitions=definitions,
    )


def _video(world: World, given: Any) -> Source:
    if not isinstance(given, dict):
        raise invalid("video", "it must be an object")
    entry = cast("Json", given)
    kind = choice("video.type", entry.get("type"), SOURCES)
    source = _source(world, "video", "video", kind, text(entry, kind, "video"))
    if source.media.problem is None and source.media.kind != "video":
        raise invalid("video", f"a file of type {source.media.mime} is no video")
    return source


def _source(world: World, name: str, kind: str, type_: str, given: str) -> Source:
    match type_:
        case "url":
            filename, look = take_url(name, given)
            look = world.state.descriptions.put_on(filename, look)
        case "asset_id":
            asset = _ready_asset(world, name, given)
            filename, look = asset.filename, asset.media
        case _:
            filename, look = _inline(name, kind, given)
            return Source(type=type_, reference=None, filename=filename, media=look)
    return Source(type=type_, reference=given, filename=filename, media=look)


def _ready_asset(world: World, name: str, asset_id: str) -> Asset:
    if not _OBJECT_ID.fullmatch(asset_id):
        raise invalid(f"{name}.asset_id", "it must be 24 hexadecimal digits")
    asset = world.asset(asset_id.lower())
    status = world.asset_status(asset)
    if status != "ready":
        raise ApiError(400, NOT_READY, f"The asset {asset.id} cannot be analyzed: its status is {status}.")
    return asset


def _inline(name: str, kind: str, given: str) -> tuple[str, media.Media]:
    try:
        content = base64.b64decode(given + "=" * (-len(given) % 4), validate=True)
    except ValueError as error:
        raise invalid(name, "the base64_string cannot be decoded") from error
    largest = LARGEST_VIDEO if kind == "video" else LARGEST_IMAGE
    if len(content) > largest:
        code = "video_filesize_too_large" if kind == "video" else "media_filesize_too_large"
        raise ApiError(400, code, f"The {kind} has {len(content)} bytes, and {largest} are allowed.")
    filename = f"inline.{'mp4' if kind == 'video' else 'png'}"
    return filename, media.guess(filename, len(content), hashlib.sha256(content).hexdigest())


def _images(world: World, body: Json, model: str, mode: str) -> tuple[Source, ...]:
    if model != NEWEST:
        raise invalid("image", f"it needs the model {NEWEST}")
    if mode != GENERAL:
        raise invalid("image", "images cannot be segmented")
    if body.get("prompt_v2") is not None:
        raise invalid("prompt_v2", "it cannot be used together with image")
    entries = objects(body, "image", 1, MOST_IMAGES)
    names = [text(entry, "name", "image") for entry in entries]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise invalid("image.name", "names are unique, and of letters, digits and underscores")
    return tuple(_image(world, "image", entry) for entry in entries)


def _image(world: World, where: str, entry: Json) -> Source:
    given = [kind for kind in SOURCES if entry.get(kind) is not None]
    if len(given) != 1:
        raise invalid(where, f"an image has exactly one of {', '.join(SOURCES)}")
    reference = text(entry, given[0], where)
    if given[0] == "url" and not reference.startswith("https://"):
        raise invalid(where, "the URL of an image begins with https")
    source = _source(world, where, "image", given[0], reference)
    if source.media.problem or (given[0] == "asset_id" and source.media.kind != "image"):
        raise invalid(where, source.media.problem or f"a file of type {source.media.mime} is no image")
    return source


def references(world: World, where: str, entry: Json) -> list[str]:
    """Return the names of the images that a prompt or a definition of segments refers to.

    Raises:
        ApiError: One of them is not in order.
    """
    if entry.get("media_sources") is None:
        return []
    found = objects(entry, "media_sources", 0, MOST_REFERENCES)
    for source in found:
        choice(f"{where}.media_sources.media_type", source.get("media_type"), ("image",))
        _image(world, f"{where}.media_sources", source)
    return [text(source, "name", f"{where}.media_sources") for source in found]


def _prompt(world: World, body: Json, mode: str) -> str:
    plain, structured = body.get("prompt"), body.get("prompt_v2")
    if mode == SEGMENTS:
        if plain is not None or structured is not None:
            raise invalid("prompt", "segments are described by their definitions alone")
        return ""
    if plain is not None and structured is not None:
        raise invalid("prompt_v2", "it cannot be used together with prompt")
    if structured is None:
        return text(body, "prompt")
    if not isinstance(structured, dict):
        raise invalid("prompt_v2", "it must be an object")
    prompt = text(cast("Json", structured), "input_text", "prompt_v2")
    names = references(world, "prompt_v2", cast("Json", structured))
    if unknown := sorted(set(_PLACEHOLDER.findall(prompt)) - set(names)):
        raise invalid("prompt_v2.input_text", f"{unknown} are not among the media_sources")
    return prompt


def _check_placeholders(prompt: str, images: tuple[Source, ...], body: Json) -> None:
    if images:
        names = {entry["name"] for entry in body["image"]}
        used = set(_PLACEHOLDER.findall(prompt))
        if used and used != names:
            raise invalid("prompt", "it must refer to every image or to none")


def _window(body: Json, video: Source | None, longest: float, longest_window: float) -> tuple[float, float]:
    start, end = number(body, "start_time"), number(body, "end_time")
    if video is None or video.media.problem:
        if video is None and (start is not None or end is not None):
            raise invalid("start_time", "images have no time")
        return start or 0.0, end or 0.0
    seconds = video.media.duration or 0.0
    if seconds < SHORTEST_WINDOW:
        raise ApiError(400, "video_duration_too_short", f"{seconds:g} s are less than {SHORTEST_WINDOW:g} s.")
    first, last = start or 0.0, seconds if end is None else end
    if first < 0 or last > seconds or last - first < SHORTEST_WINDOW:
        raise invalid("end_time", f"the window must last {SHORTEST_WINDOW:g} s and lie within {seconds:g} s")
    if seconds > longest or last - first > longest_window:
        why = f"{last - first:g} s of {seconds:g} s are more than {longest_window:g} s of {longest:g} s."
        raise ApiError(400, "video_duration_too_long", why)
    return first, last


def _format(
    world: World, body: Json, mode: str, model: str, window: tuple[float, float]
) -> tuple[Json | None, tuple[Json, ...]]:
    given = body.get("response_format")
    if given is None:
        if mode == SEGMENTS:
            raise missing("response_format")
        _check_no_segments(body)
        return None, ()
    if not isinstance(given, dict):
        raise invalid("response_format", "it must be an object")
    form = cast("Json", given)
    kind = choice("response_format.type", form.get("type"), _MODES_FORMATS[mode])
    if kind == "segment_definitions":
        definitions = segment_definitions.read(form, body, timed_lists=model == NEWEST, window=window)
        for definition in definitions:
            references(world, "segment_definitions", definition)
        return None, definitions
    _check_no_segments(body)
    if "json_schema" not in form:
        raise missing("response_format.json_schema")
    return schema_dialect.check(form["json_schema"]), ()


def _check_no_segments(body: Mapping[str, Any]) -> None:
    for name in ("min_segment_duration", "max_segment_duration"):
        if body.get(name) is not None:
            raise invalid(name, f"it needs the analysis_mode {SEGMENTS}")


def _max_tokens(body: Json, mode: str, model: str, definitions: tuple[Json, ...]) -> int | Literal["unlimited"]:
    given = body.get("max_tokens")
    least, usual, most = TOKENS[mode]
    if given is None:
        return usual
    if given == "unlimited":
        if mode != SEGMENTS or model != NEWEST or any(definition.get("time_ranges") for definition in definitions):
            raise invalid("max_tokens", f"unlimited needs {SEGMENTS}, {NEWEST} and no time_ranges")
        return "unlimited"
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise invalid("max_tokens", f"it must be a whole number from {least} to {most}")
    return given

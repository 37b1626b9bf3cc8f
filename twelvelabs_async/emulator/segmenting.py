"""Segments of a video, with the fields that their definitions ask for."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import prose, seeded
from twelvelabs_async.emulator.schema_samples import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twelvelabs_async.emulator.analyses import Ask, Json

USUAL = 12.0
"""Seconds of a segment, if nobody asks for others."""


def segments(ask: Ask, seed: int) -> dict[str, list[Json]]:
    """Return the segments by definition."""
    form = ask.given.get("response_format", {}).get("segment_time_format") or "seconds"
    return {
        definition["id"]: [
            {
                "start_time": timestamp(start, form),
                "end_time": timestamp(end, form),
                "metadata": {
                    field["name"]: _value(field, start, end, form, (seed, definition["id"], field["name"], start))
                    for field in _fields(definition)
                },
            }
            for first, last in _ranges(ask, definition)
            for start, end in _cut(first, last, ask)
        ]
        for definition in ask.definitions
    }


def _fields(definition: Json) -> list[Json]:
    return definition.get("fields") or []


def _ranges(ask: Ask, definition: Json) -> Iterator[tuple[float, float]]:
    ranges = definition.get("time_ranges") or [{"start_time": ask.start, "end_time": ask.end}]
    return ((float(entry["start_time"]), float(entry["end_time"])) for entry in ranges)


def _cut(start: float, end: float, ask: Ask) -> list[tuple[float, float]]:
    """Return the scenes that somebody declared in a stretch, as far as they lie in it; without any, equal parts.

    A scene that is too long is cut itself, and one that is too short is left out.
    """
    scenes = [scene for source in ask.sources for scene in source.media.scenes]
    if not scenes:
        return _parts(start, end, ask)
    clipped = [(max(start, scene.start), min(end, scene.end)) for scene in scenes]
    return [part for first, last in clipped if first < last for part in _within(first, last, ask)]


def _within(start: float, end: float, ask: Ask) -> list[tuple[float, float]]:
    longest = float(ask.given.get("max_segment_duration") or math.inf)
    if end - start > longest:
        return _parts(start, end, ask)
    return [(start, end)] if end - start >= float(ask.given.get("min_segment_duration") or 0.0) else []


def _parts(start: float, end: float, ask: Ask) -> list[tuple[float, float]]:
    """Cut a stretch into equal parts that are neither too short nor too long; none if that cannot be."""
    shortest = float(ask.given.get("min_segment_duration") or 0.0)
    longest = float(ask.given.get("max_segment_duration") or math.inf)
    seconds = end - start
    if seconds < shortest:
        return []
    wish = min(max(USUAL, shortest), longest)
    count = max(1, math.floor(seconds / wish), math.ceil(seconds / longest))
    edges = [round(start + seconds * i / count, 3) for i in range(count + 1)]
    return list(pairwise(edges))


def _value(field: Json, start: float, end: float, form: str, key: tuple[object, ...]) -> Any:
    match field["type"]:
        case "timestamp":
            return timestamp(start, field["format"])
        case "array":
            return [_scalar(field["items"]["type"], field.get("enum"), (*key, i)) for i in range(2)]
        case "time_array":
            return [
                {
                    "start_time": timestamp(start, form),
                    "end_time": timestamp(end, form),
                    **{
                        inner["name"]: _value(inner, start, end, form, (*key, inner["name"]))
                        for inner in field["items"]["fields"]
                    },
                }
            ]
        case kind:
            return _scalar(kind, field.get("enum"), key)


def _scalar(kind: str, choices: list[str] | None, key: tuple[object, ...]) -> Any:
    drawn = seeded.number(*key)
    if choices:
        return choices[drawn % len(choices)]
    match kind:
        case "boolean":
            return drawn % 2 == 0
        case "integer":
            return drawn % 100
        case "number":
            return drawn % 1000 / 10
        case _:
            return prose.scene(*key)

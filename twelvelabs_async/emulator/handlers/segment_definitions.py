"""What kinds of segments are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator.bodies import number, objects, text
from twelvelabs_async.emulator.errors import choice, invalid, missing
from twelvelabs_async.emulator.schema_dialect import TIME_FORMATS

if TYPE_CHECKING:
    from twelvelabs_async.emulator.analyses import Json

MOST = 20
MOST_CHOICES = 100
SHORTEST = 2.0
"""Seconds."""
SCALARS = ("string", "boolean", "number", "integer")
RESERVED = ("start_time", "end_time", "metadata")
WHERE = "response_format.segment_definitions"


def read(form: Json, body: Json, *, timed_lists: bool, window: tuple[float, float]) -> tuple[Json, ...]:
    """Return the definitions of a request.

    Args:
        form: Its response format.
        body: The request.
        timed_lists: Whether its model knows lists of events.
        window: What is looked at, in seconds.

    Raises:
        ApiError: One of them is not in order, or does not go together with the rest.
    """
    choice("response_format.segment_time_format", form.get("segment_time_format", "seconds"), TIME_FORMATS)
    definitions = objects(form, "segment_definitions", 1, MOST, "response_format")
    ids = [text(definition, "id", WHERE) for definition in definitions]
    if len(set(ids)) < len(ids):
        raise invalid(f"{WHERE}.id", "it must be unique")
    for definition in definitions:
        text(definition, "description", WHERE)
        if definition.get("fields") is not None:
            fields = objects(definition, "fields", 0, 1000, WHERE)
            _check_fields(fields, f"{WHERE}.fields", ("array", "timestamp", *(("time_array",) if timed_lists else ())))
    limits = _limits(body)
    if any(definition.get("time_ranges") is not None for definition in definitions):
        if limits or body.get("start_time") is not None or body.get("end_time") is not None:
            raise invalid(f"{WHERE}.time_ranges", "it takes the place of start_time, end_time and segment durations")
        for definition in definitions:
            _check_ranges(definition, window)
    return tuple(definitions)


def _limits(body: Json) -> bool:
    shortest = number(body, "min_segment_duration", SHORTEST, 7200)
    longest = number(body, "max_segment_duration", SHORTEST, 7200)
    if shortest is not None and longest is not None and longest < shortest:
        raise invalid("max_segment_duration", "it must not be below min_segment_duration")
    return shortest is not None or longest is not None


def _check_ranges(definition: Json, window: tuple[float, float]) -> None:
    where = f"{WHERE}.time_ranges"
    if definition.get("time_ranges") is None:
        return
    ranges: list[tuple[float, float]] = []
    for entry in objects(definition, "time_ranges", 1, 1000, WHERE):
        start, end = number(entry, "start_time", where=where), number(entry, "end_time", where=where)
        if start is None or end is None:
            raise missing(f"{where}.start_time and end_time")
        if end - start < SHORTEST or start < window[0] or (window[1] and end > window[1]):
            raise invalid(where, f"a range must last {SHORTEST:g} s and lie within the video")
        ranges.append((start, end))
    if any(before[1] > after[0] for before, after in pairwise(sorted(ranges))):
        raise invalid(where, "ranges must not overlap")


def _check_fields(fields: Sequence[Json], where: str, others: tuple[str, ...]) -> None:
    for field in fields:
        name = text(field, "name", where)
        if name in RESERVED:
            raise invalid(f"{where}.name", f"{name} is reserved")
        text(field, "description", where)
        kind = choice(f"{where}.type", field.get("type"), (*SCALARS, *others))
        _check_format(field, kind, where)
        _check_enum(field, kind, where)
        _check_items(field, kind, where)


def _check_format(field: Json, kind: str, where: str) -> None:
    given = field.get("format")
    if kind == "timestamp":
        choice(f"{where}.format", given, TIME_FORMATS)
    elif given is not None:
        raise invalid(f"{where}.format", "only timestamps have one")


def _check_enum(field: Json, kind: str, where: str) -> None:
    given = field.get("enum")
    if given is None:
        return
    values = cast("list[Any]", given)
    if (
        kind == "timestamp"
        or not isinstance(given, list)
        or not 1 <= len(values) <= MOST_CHOICES
        or not all(isinstance(one, str) for one in values)
    ):
        raise invalid(f"{where}.enum", f"it must be a list of 1 to {MOST_CHOICES} texts, and timestamps have none")


def _check_items(field: Json, kind: str, where: str) -> None:
    given = field.get("items")
    if kind not in {"array", "time_array"}:
        if given is not None:
            raise invalid(f"{where}.items", "only lists have items")
        return
    if not isinstance(given, dict):
        raise missing(f"{where}.items")
    items = cast("Json", given)
    if kind == "array":
        choice(f"{where}.items.type", items.get("type"), SCALARS)
        if items.get("fields") is not None:
            raise invalid(f"{where}.items.fields", "only a time_array has them")
        return
    choice(f"{where}.items.type", items.get("type"), ("object",))
    _check_fields(objects(items, "fields", 1, 1000, f"{where}.items"), f"{where}.items.fields", ("array",))

"""The part of JSON schema that an analysis understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator.errors import ApiError, invalid
from twelvelabs_async.emulator.schema_samples import BROKEN, is_sound

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

WHERE = "response_format.json_schema"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string", "timestamp")
REFUSED = ("minLength", "maxLength", "additionalProperties", "uniqueItems", "maxItems", "oneOf", "allOf", "not")
BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
STRING_FORMATS = ("uuid", "date-time", "date", "time")
TIME_FORMATS = ("seconds", "hh:mm:ss", "hh:mm:ss.fff")
RESERVED = ("start_time", "end_time")
_BOUNDARY_TYPES = ("number", "integer", "string", "timestamp")


def check(schema: Any) -> Schema:
    """Return a schema that is understood.

    Raises:
        ApiError: It uses something that is not.
    """
    root = _object(schema, WHERE)
    try:
        _Check(root).schema(root, WHERE, "", timestamps=0)
        sound = is_sound(root)
    except BROKEN:
        sound = False
    if not sound:
        raise _unsupported(WHERE, "it is no JSON schema")
    return root


def _object(value: Any, where: str) -> Schema:
    if not isinstance(value, dict):
        raise invalid(where, "it must be a JSON schema")
    return cast("Schema", value)


def _unsupported(where: str, why: str) -> ApiError:
    return ApiError(422, "response_format_invalid", f"{where}: {why}")


class _Check:
    def __init__(self, root: Schema) -> None:
        self._definitions = cast("dict[str, Any]", root.get("$defs", {}))
        for name, definition in self._definitions.items():
            self.schema(_object(definition, f"{WHERE}.$defs.{name}"), f"{WHERE}.$defs.{name}", "", timestamps=None)

    def schema(self, schema: Schema, where: str, name: str, *, timestamps: int | None) -> None:
        """Check a schema; `timestamps` counts the levels below the root, where times may stand, or is `None`."""
        for word in REFUSED:
            if word in schema:
                raise _unsupported(where, f"{word} is not supported")
        if "$ref" in schema:
            self._reference(schema["$ref"], where)
        for value in cast("list[Any]", [schema["const"]] if "const" in schema else schema.get("enum", [])):
            if isinstance(value, list | dict):
                raise _unsupported(where, "const and enum take booleans, null, numbers and strings")
        for position, choice in enumerate(cast("list[Any]", schema.get("anyOf", []))):
            self.schema(_object(choice, where), f"{where}.anyOf.{position}", name, timestamps=None)
        for kind in _types(schema, where):
            self._typed(kind, schema, where, name, timestamps=timestamps)

    def _reference(self, reference: Any, where: str) -> None:
        known = isinstance(reference, str) and reference.removeprefix("#/$defs/") in self._definitions
        if not known or reference == "#":
            raise _unsupported(where, f"{reference!r} points to nothing in $defs")

    def _typed(self, kind: str, schema: Schema, where: str, name: str, *, timestamps: int | None) -> None:
        if name in RESERVED and (kind not in _BOUNDARY_TYPES or (kind == "string" and "format" in schema)):
            raise invalid(
                where, "start_time and end_time are numbers, integers, timestamps, or strings without a format"
            )
        if kind != "integer" and (word := next((word for word in BOUNDS if word in schema), None)):
            raise _unsupported(where, f"{word} is supported for integers only")
        match kind:
            case "object":
                self._properties(schema, where, timestamps=timestamps)
            case "array":
                self._items(schema, where, timestamps=timestamps)
            case "string":
                _check_string(schema, where)
            case "timestamp":
                _check_timestamp(schema, where, allowed=timestamps in {1, 3})
            case _:
                return

    def _properties(self, schema: Schema, where: str, *, timestamps: int | None) -> None:
        # The root is level 0, its properties 1, the items of a list among them 2, and the properties of these 3.
        below = timestamps + 1 if timestamps in {0, 2} else None
        for name, entry in _object(schema.get("properties", {}), where).items():
            inside = f"{where}.properties.{name}"
            self.schema(_object(entry, inside), inside, name, timestamps=below)

    def _items(self, schema: Schema, where: str, *, timestamps: int | None) -> None:
        if schema.get("minItems", 0) not in {0, 1}:
            raise _unsupported(where, "minItems may be 0 or 1")
        if "items" in schema:
            inside = f"{where}.items"
            self.schema(_object(schema["items"], inside), inside, "", timestamps=2 if timestamps == 1 else None)


def _types(schema: Schema, where: str) -> Iterator[str]:
    given: Any = schema.get("type", "object" if "properties" in schema else [])
    several = cast("list[Any]", given)
    kinds = several if isinstance(given, list) else [given]
    for kind in kinds:
        if kind not in TYPES:
            raise _unsupported(where, f"the type {kind!r} is not one of {', '.join(TYPES)}")
        yield kind


def _check_string(schema: Schema, where: str) -> None:
    if "format" in schema and schema["format"] not in STRING_FORMATS:
        raise _unsupported(where, f"the format of a string is one of {', '.join(STRING_FORMATS)}")
    try:
        re.compile(schema.get("pattern", ""))
    except (re.error, TypeError) as error:
        raise _unsupported(where, "the pattern is no regular expression") from error


def _check_timestamp(schema: Schema, where: str, *, allowed: bool) -> None:
    if schema.get("format") not in TIME_FORMATS:
        allowed_values = ", ".join(TIME_FORMATS)
        why = f"{where}.format: format is required for timestamp type; allowed values: {allowed_values}"
        raise ApiError(400, "parameter_invalid", why)
    if not allowed:
        raise invalid(where, "a timestamp is a property of the root, or of the objects in a list there")

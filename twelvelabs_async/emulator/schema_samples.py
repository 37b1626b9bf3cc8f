"""JSON that satisfies a schema."""

from __future__ import annotations

import importlib
import math
import re
import uuid
from collections.abc import Sequence
from typing import Any, cast

from twelvelabs_async.emulator import prose, seeded

DEEP = 5
"""Objects within each other after which only what is required appears."""
TOO_DEEP = 24
_MOMENTS = {"date-time": "2026-01-01T12:30:00Z", "date": "2026-01-01", "time": "12:30:00Z"}
_BOUNDARIES = {"start_time": 0, "end_time": 1}

Schema = dict[str, Any]


def timestamp(seconds: float, form: str) -> float | str:
    """Write a time within a video: a number, or hours, minutes and seconds."""
    if form == "seconds":
        return seconds
    scale = 1000 if form == "hh:mm:ss.fff" else 1
    units = max(0, math.floor(seconds * scale + 0.5))
    whole, rest = divmod(units, scale)
    text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{text}.{rest:03}" if scale > 1 else text


class Sampler:
    """Makes one document; the same schema and seed give the same.

    Args:
        root: The schema.
        phrase: A text for properties that ask for no particular one.
        parts: Stretches of a video; a list of objects that is not within another has one object for each.
        seed: Decides what is open.
    """

    def __init__(self, root: Schema, phrase: str, parts: Sequence[tuple[float, float]], seed: int) -> None:
        self._root = root
        self._phrase = phrase
        self._parts = list(parts) or [(0.0, 0.0)]
        self._seed = seed

    def sample(self) -> Any:
        """Return the document."""
        return self._any(self._root, "", 0, self._parts[0], listed=False)

    def _any(self, schema: Schema, path: str, depth: int, part: tuple[float, float], *, listed: bool) -> Any:
        if depth > TOO_DEEP:
            return None
        if "$ref" in schema:
            return self._any(self._resolve(schema["$ref"]), path, depth + 1, part, listed=listed)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][seeded.number(self._seed, path) % len(schema["enum"])]
        for word in ("anyOf", "oneOf"):
            if choices := cast("list[Schema]", schema.get(word, [])):
                nothing = [choice for choice in choices if choice.get("type") == "null"]
                something = [choice for choice in choices if choice.get("type") != "null"]
                chosen = (nothing or something) if depth > DEEP else (something or nothing)
                return self._any(chosen[0], path, depth + 1, part, listed=listed)
        return self._typed(_kind(schema), schema, path, depth, part, listed=listed)

    def _typed(
        self, kind: str, schema: Schema, path: str, depth: int, part: tuple[float, float], *, listed: bool
    ) -> Any:
        boundary = _BOUNDARIES.get(path.rpartition("/")[2])
        match kind:
            case "object":
                return self._object(schema, path, depth, part, listed=listed)
            case "array":
                return self._array(schema, path, depth, part, listed=listed)
            case "timestamp":
                return timestamp(part[boundary or 0], schema["format"])
            case "string":
                return timestamp(part[boundary], "hh:mm:ss.fff") if boundary is not None else self._string(schema, path)
            case "integer":
                return round(part[boundary]) if boundary is not None else self._number(schema, path, 1)
            case "number":
                return part[boundary] if boundary is not None else self._number(schema, path, 0.5)
            case "boolean":
                return seeded.number(self._seed, path) % 2 == 0
            case _:
                return None

    def _object(self, schema: Schema, path: str, depth: int, part: tuple[float, float], *, listed: bool) -> Any:
        properties = cast("dict[str, Schema]", schema.get("properties", {}))
        required = [name for name in properties if name in schema.get("required", [])]
        names = required if depth > DEEP else list(properties)
        if required and names[0] not in required:
            names = [required[0], *(name for name in names if name != required[0])]
        return {name: self._any(properties[name], f"{path}/{name}", depth + 1, part, listed=listed) for name in names}

    def _array(self, schema: Schema, path: str, depth: int, part: tuple[float, float], *, listed: bool) -> list[Any]:
        items = cast("Schema", schema.get("items", {"type": "string"}))
        least = int(schema.get("minItems", 0))
        if depth > DEEP:
            parts = [part] * least
        elif not listed and _kind(self._resolve(items["$ref"]) if "$ref" in items else items) == "object":
            parts = self._parts
        else:
            parts = [part] * max(2, least)
        parts = parts[: int(schema.get("maxItems", len(parts)))]
        parts += parts[-1:] * (least - len(parts))
        return [self._any(items, f"{path}/{i}", depth + 1, one, listed=True) for i, one in enumerate(parts)]

    def _number(self, schema: Schema, path: str, step: float) -> Any:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if low is not None and "minimum" not in schema:
            low = math.floor(low + step) if step == 1 else low + (min(step, (high - low) / 4) if high else step)
        if high is not None and "maximum" not in schema:
            high = math.ceil(high - step) if step == 1 else high - min(step, (high - low) / 4 if low else step)
        if step == 1:
            low, high = (None if low is None else math.ceil(low)), (None if high is None else math.floor(high))
        if low is None:
            low = 0 if high is None else min(0, high)
        if high is None:
            high = low + 100
        if high < low:
            raise ValueError(f"nothing is between {low} and {high}")
        spread = int((high - low) / step)
        return low + step * (seeded.number(self._seed, path) % (spread + 1))

    def _string(self, schema: Schema, path: str) -> str:
        if "pattern" in schema:
            return from_pattern(schema["pattern"])
        if schema.get("format") == "uuid":
            drawn = seeded.number(self._seed, path, 0) << 64 | seeded.number(self._seed, path, 1)
            return str(uuid.UUID(int=drawn, version=4))
        if schema.get("format") in _MOMENTS:
            return _MOMENTS[schema["format"]]
        text = f"{prose.scene(self._seed, path)}, {self._phrase}" if path.count("/") > 1 else self._phrase
        return text.ljust(int(schema.get("minLength", 0)), ".")[: schema.get("maxLength", len(text) + 10_000)]

    def _resolve(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found[step] if step else found
        return cast("Schema", found)


def _kind(schema: Schema) -> str:
    kind: Any = schema.get("type", "object" if "properties" in schema else "string")
    if not isinstance(kind, list):
        return str(kind)
    return next((str(one) for one in cast("list[object]", kind) if one != "null"), "null")


def from_pattern(pattern: str) -> str:
    """Return a text that matches a regular expression; for one that is beyond this, a text that nearly does."""
    # The library's own parser has no public name, and a second one would be a second opinion.
    parser: Any = importlib.import_module("re._parser")
    return _spell(parser.parse(pattern))


def _spell(parsed: Any) -> str:
    text = ""
    for operation, given in parsed:
        match str(operation):
            case "LITERAL":
                text += chr(given)
            case "NOT_LITERAL":
                text += "a" if chr(given) != "a" else "b"
            case "ANY":
                text += "a"
            case "IN":
                text += _one_of(given)
            case "BRANCH":
                text += _spell(given[1][0])
            case "SUBPATTERN":
                text += _spell(given[-1])
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = given
                text += _spell(inner) * (least or min(1, most))
            case _:
                # Anchors and the like take no room.
                continue
    return text


_CLASSES = {"CATEGORY_DIGIT": "7", "CATEGORY_WORD": "w", "CATEGORY_SPACE": " "}


def _one_of(choices: Sequence[tuple[Any, Any]]) -> str:
    """Return a character of a class; of one that is told by what is not in it, one that is not."""
    first, given = choices[0]
    match str(first):
        case "LITERAL":
            return chr(given)
        case "RANGE":
            return chr(given[0])
        case "CATEGORY":
            return _CLASSES.get(str(given), "-")
        case _:
            excluded = {chr(given) for kind, given in choices[1:] if str(kind) == "LITERAL"}
            ranges = [given for kind, given in choices[1:] if str(kind) == "RANGE"]
            free = (
                character
                for character in "aA0-_ %~"
                if character not in excluded and not any(low <= ord(character) <= high for low, high in ranges)
            )
            return next(free, "\u00e9")


BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, re.error)
"""What a schema raises that makes no sense."""


def is_sound(schema: Schema) -> bool:
    """Say whether there can be a document for a schema."""
    try:
        Sampler(schema, "", [], 0).sample()
    except BROKEN:
        return False
    return True

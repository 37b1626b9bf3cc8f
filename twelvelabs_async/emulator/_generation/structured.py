"""JSON schemas of structured output: validation, and generation of matching JSON."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

from twelvelabs_async.emulator._errors import ApiError, invalid_parameter
from twelvelabs_async.emulator._state.deterministic import invent_scene, stable_int, stable_uuid

TimeRole = Literal["start", "end", "point", "duration", "range"]
"""The start of a passage, its end, a time within it, its length, or its start and end in a list."""

_START = frozenset(["start", "starts", "begin", "begins", "beginning", "from", "in", "onset", "first", "t0"])
_END = frozenset(["end", "ends", "ending", "stop", "stops", "finish", "until", "till", "to", "out", "last", "t1"])
_AMBIGUOUS = frozenset(
    ["starts", "begins", "from", "in", "first", "ends", "stops", "until", "till", "to", "out", "last"]
)
"""Words that name a time if the value is a number, and may name anything if it is a string."""
_DURATION = frozenset(["duration", "length", "elapsed", "runtime"])
_RANGE = frozenset(["range", "interval", "span", "window", "bounds", "timerange", "timespan", "timestamps", "times"])
_ROLE_WORDS: dict[TimeRole, frozenset[str]] = {"start": _START, "end": _END, "range": _RANGE, "duration": _DURATION}
_MILLISECONDS = frozenset(["ms", "msec", "millis", "millisecond", "milliseconds"])
_UNITS = _MILLISECONDS | frozenset(["s", "sec", "secs", "second", "seconds"])
_TIMES = frozenset(["time", "timestamp", "timecode", "ts", "tc", "moment"])
_FILLERS = (
    _UNITS
    | _TIMES
    | frozenset(
        ["at", "of", "offset", "point", "position", "pos", "t", "video", "clip", "scene", "segment", "chapter", "shot"]
    )
)
"""Words that do not change which time a name means."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d?|\d+")
_CLOCK = re.compile(r"\b(?:h{1,2}:)?m{1,2}:ss(?:\.[fms]+)?\b", re.IGNORECASE)


Schema = dict[str, Any]

ROOT_PATH = "response_format.json_schema"

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string", "timestamp")
_VALUE_TYPES: dict[type[object], str] = {str: "string", bool: "boolean", type(None): "null"}
"""Types of the values in `const` and `enum`; all others are numbers."""

UNSUPPORTED_KEYWORDS = (
    "minLength",
    "maxLength",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "uniqueItems",
    "maxItems",
    "prefixItems",
    "unevaluatedItems",
    "contains",
    "minContains",
    "maxContains",
    "multipleOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
)
"""Keywords of JSON schema that constrain a value, and that the platform does not list as supported."""

BOUND_KEYWORDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")

STRING_FORMATS = ("uuid", "date-time", "date", "time")

TIME_FORMATS = ("seconds", "hh:mm:ss", "hh:mm:ss.fff")

RESERVED_NAMES = ("start_time", "end_time")

_BOUNDARY_TYPES = ("number", "integer", "string", "timestamp")

OPTIONAL_MAX_DEPTH = 5
"""Nesting depth below which only required properties are generated."""

MAX_DEPTH = 24

_FORMAT_EXAMPLES = {"date-time": "2026-01-01T12:30:00Z", "date": "2026-01-01", "time": "12:30:00Z"}

_CLOCK_FORMATS = ("hh:mm:ss.fff", "hh:mm:ss", "mm:ss", "m:ss", "h:mm:ss", "ss", "s")
"""Formats of a time in a string; the first that matches the pattern of the string is used."""

_CLASS_EXAMPLES = {"CATEGORY_DIGIT": "7", "CATEGORY_WORD": "w", "CATEGORY_SPACE": " "}

MAX_VALUES = 20_000
"""Maximum number of values in a generated document."""

MAX_STRING_LENGTH = 100_000

SCHEMA_ERRORS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error)
"""Exceptions that an invalid schema may raise."""


def time_role_of(name: str, schema: dict[str, Any], kind: str, parent: TimeRole | None = None) -> TimeRole | None:
    """Return which time a property holds, `None` for another property.

    Args:
        name: Name of the property, or the index of an item of an array.
        schema: Its schema; the description counts if the name says nothing.
        kind: Its type.
        parent: TimeRole of the object or array that contains it: `seconds` within `start` is a start.
    """
    words = _words_of(name)
    if name.isdigit() and parent == "range":
        return "start" if name == "0" else "end"
    if parent is not None and (name.isdigit() or (words and set(words) <= _FILLERS)):
        return parent
    clock = kind == "string" and clock_format(schema) is not None
    found = _role_of_words(words, is_text=kind == "string" and not clock)
    if found is None and kind in {"number", "integer"}:
        found = _role_of_description(schema)
    return "point" if found is None and clock else found


def _role_of_words(words: list[str], *, is_text: bool) -> TimeRole | None:
    marks = {*words} - _FILLERS
    if not words or (is_text and len(words) == 1 and marks <= _AMBIGUOUS and marks):
        return None
    if len(marks) == 1:
        for role, names in _ROLE_WORDS.items():
            if marks <= names and not (is_text and role == "duration"):
                return role
    if words[-1] in _TIMES or words[0] in _TIMES or (not is_text and words[-1] in _UNITS - {"s"}):
        return "duration" if marks & _DURATION else "point"
    return None


def _role_of_description(schema: dict[str, Any]) -> TimeRole | None:
    words = {*_words_of(_description(schema))}
    if not words & (_TIMES | _UNITS):
        return None
    starts, ends = words & _START - _AMBIGUOUS, words & _END - _AMBIGUOUS
    if starts and ends:
        return "point"
    return "duration" if words & _DURATION else "start" if starts else "end" if ends else None


def is_in_milliseconds(name: str, schema: dict[str, Any]) -> bool:
    """Return whether a time is in milliseconds instead of seconds."""
    return bool(_MILLISECONDS & {*_words_of(name), *_words_of(_description(schema))})


def clock_format(schema: dict[str, Any]) -> str | None:
    """Return the format that a description names, such as `mm:ss` for `start of the scene (MM:SS)`."""
    found = _CLOCK.search(_description(schema))
    return found[0].lower() if found else None


def _description(schema: dict[str, Any]) -> str:
    text = schema.get("description")
    return text if isinstance(text, str) else ""


def _words_of(name: str) -> list[str]:
    """Split a name in snake, kebab or camel case into words in lower case: `startTimeMs` has three."""
    return [word.lower() for word in _WORD.findall(name)]


def validate_schema(schema: Any) -> Schema:
    """Check a JSON schema and return it.

    Raises:
        ApiError: The schema is invalid or uses unsupported keywords.
    """
    root = _require_object(schema, ROOT_PATH)
    try:
        _SchemaValidator(root).validate(root, ROOT_PATH, "", level=0)
        valid = is_satisfiable(root)
    except SCHEMA_ERRORS:
        valid = False
    if not valid:
        raise _unsupported(ROOT_PATH, "it is not a valid JSON schema")
    return root


def _require_object(value: Any, path: str) -> Schema:
    if not isinstance(value, dict):
        raise invalid_parameter(path, "it must be a JSON schema")
    return cast("Schema", value)


def _unsupported(path: str, reason: str) -> ApiError:
    return ApiError(422, "response_format_invalid", f"{path}: {reason}")


class _SchemaValidator:
    """Checks a schema against the supported part of JSON schema."""

    def __init__(self, root: Schema) -> None:
        self._definitions = cast("dict[str, Any]", root.get("$defs", {}))
        self._resolving: set[str] = set()
        for name, definition in self._definitions.items():
            self.validate(definition, f"{ROOT_PATH}.$defs.{name}", "", level=None)

    def validate(self, value: Any, path: str, name: str, *, level: int | None) -> None:
        """Check a schema; `level` is its depth below the root while timestamps may follow, otherwise `None`."""
        schema = _require_object(value, path)
        if keyword := next(filter(schema.__contains__, UNSUPPORTED_KEYWORDS), None):
            raise _unsupported(path, f"{keyword} is not supported")
        if "$ref" in schema:
            self._check_reference(schema["$ref"], path, name)
        for allowed in cast("list[object]", [schema["const"]] if "const" in schema else schema.get("enum", [])):
            if isinstance(allowed, list | dict):
                raise _unsupported(path, "const and enum may contain only booleans, null, numbers and strings")
            if "type" not in schema:
                _check_boundary(_VALUE_TYPES.get(type(allowed), "number"), schema, path, name)
        for position, choice in enumerate(cast("list[Any]", schema.get("anyOf", []))):
            self.validate(_require_object(choice, path), f"{path}.anyOf.{position}", name, level=None)
        kinds = _types_of(schema, [])
        if unknown := [kind for kind in kinds if kind not in TYPES]:
            raise _unsupported(path, f"the type {unknown[0]!r} is not one of {', '.join(TYPES)}")
        for kind in kinds:
            _check_type(str(kind), schema, path, name, level=level)
        self._check_parts(schema, kinds, path, level=level)

    def _check_parts(self, schema: Schema, kinds: list[object], path: str, *, level: int | None) -> None:
        """Check the schemas of the properties and of the items."""
        # Unsupported keywords count in every schema, whatever the type of its parent is.
        # Level 0 is the root, 1 its properties, 2 the items of its arrays, 3 the properties of these items.
        inner_level = level + 1 if level in {0, 2} and "object" in kinds else None
        for name, entry in _require_object(schema.get("properties", {}), path).items():
            self.validate(entry, f"{path}.properties.{name}", name, level=inner_level)
        if "items" in schema:
            inner_level = 2 if level == 1 and "array" in kinds else None
            self.validate(schema["items"], f"{path}.items", "", level=inner_level)

    def _check_reference(self, reference: Any, path: str, name: str) -> None:
        prefix, _, definition = reference.rpartition("/") if isinstance(reference, str) else ("", "", "")
        if prefix != "#/$defs" or definition not in self._definitions:
            raise _unsupported(path, f"{reference!r} refers to nothing in $defs")
        if name in RESERVED_NAMES and reference not in self._resolving:
            self._resolving.add(reference)
            self.validate(self._definitions[definition], path, name, level=None)
            self._resolving.remove(reference)


def _check_type(kind: str, schema: Schema, path: str, name: str, *, level: int | None) -> None:
    _check_boundary(kind, schema, path, name)
    if kind != "integer" and (keyword := next(filter(schema.__contains__, BOUND_KEYWORDS), None)):
        raise _unsupported(path, f"{keyword} is supported for integers only")
    match kind:
        case "array" if schema.get("minItems", 0) not in {0, 1}:
            raise _unsupported(path, "minItems may be 0 or 1")
        case "string":
            if "format" in schema and schema["format"] not in STRING_FORMATS:
                raise _unsupported(path, f"the format of a string must be one of {', '.join(STRING_FORMATS)}")
            try:
                re.compile(schema.get("pattern", ""))
            except (re.error, TypeError, RecursionError, OverflowError, Warning) as error:
                raise _unsupported(path, "the pattern is not a valid regular expression") from error
        case "timestamp":
            if schema.get("format") not in TIME_FORMATS:
                allowed_values = ", ".join(TIME_FORMATS)
                why = f"{path}.format: format is required for timestamp type; allowed values: {allowed_values}"
                raise ApiError(400, "parameter_invalid", why)
            if level not in {1, 3}:
                raise invalid_parameter(
                    path, "a timestamp must be a property of the root, or of objects in an array of the root"
                )
        case _:
            return


def _check_boundary(kind: str, schema: Schema, path: str, name: str) -> None:
    """Reject a property `start_time` or `end_time` of a type that it cannot have."""
    if name in RESERVED_NAMES and (kind not in _BOUNDARY_TYPES or (kind == "string" and "format" in schema)):
        raise invalid_parameter(
            path, "start_time and end_time must be numbers, integers, timestamps, or strings without a format"
        )


def format_time(seconds: float, time_format: str) -> float | str:
    """Format a time within a video as a number (`seconds`), or as a clock shows it, for instance as `mm:ss`."""
    return seconds if time_format == "seconds" else format_clock(seconds, time_format)


def format_clock(seconds: float, clock: str) -> str:
    """Format a time as hours, minutes and seconds; the first of them in `clock` contains the larger ones."""
    clock, _, fraction = clock.partition(".")
    units = max(0, math.floor(seconds * 10 ** len(fraction) + 0.5))
    whole, rest = divmod(units, 10 ** len(fraction))
    parts = clock.split(":")
    numbers: list[int] = []
    for _ in parts[1:]:
        whole, last = divmod(whole, 60)
        numbers.insert(0, last)
    text = ":".join(f"{number:0{len(part)}}" for number, part in zip([whole, *numbers], parts, strict=True))
    return f"{text}.{rest:0{len(fraction)}}" if fraction else text


class _Position(NamedTuple):
    """Position of a value in the generated document."""

    path: str
    depth: int
    time_range: tuple[float, float]
    in_array: bool
    parent: TimeRole | None = None
    """Which time the containing object or array holds."""

    @property
    def name(self) -> str:
        """Name of the property, or index of the item."""
        return self.path.rpartition("/")[2]

    def child(self, name: object = None) -> _Position:
        """Return the position one level deeper, optionally with a name or index."""
        return self._replace(path=self.path if name is None else f"{self.path}/{name}", depth=self.depth + 1)


class Sampler:
    """Generates a JSON document that matches a schema; the same schema and seed produce the same document.

    Args:
        root: The schema.
        default_string: Value of strings without a format or pattern.
        time_ranges: Segments of a video; an array of objects outside other arrays has one object for each.
        seed: Determines values that the schema does not.
    """

    def __init__(
        self, root: Schema, default_string: str, time_ranges: Sequence[tuple[float, float]], seed: int
    ) -> None:
        self._root = root
        self._default_string = default_string
        self._time_ranges = list(time_ranges) or [(0.0, 0.0)]
        self._seed = seed
        self._values = 0

    def sample(self) -> Any:
        """Generate the document.

        Raises:
            ValueError: It has more than `MAX_VALUES` values, or a string of more than `MAX_STRING_LENGTH` characters.
        """
        return self._sample(self._root, _Position("", 0, self._time_ranges[0], in_array=False))

    def _sample(self, schema: Schema, at: _Position) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ValueError(f"a document has more than {MAX_VALUES} values")
        if at.depth > MAX_DEPTH:
            return None
        if "$ref" in schema:
            return self._sample(self._resolve(schema["$ref"]), at.child())
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][stable_int(self._seed, at.path) % len(schema["enum"])]
        for keyword in ("anyOf", "oneOf"):
            if choices := cast("list[Schema]", schema.get(keyword, [])):
                # Deeply nested values are null if possible, others are not.
                nullable = at.depth > OPTIONAL_MAX_DEPTH
                chosen = min(choices, key=lambda choice: (choice.get("type") == "null") != nullable)
                return self._sample(chosen, at.child())
        return self._sample_type(_kind(schema), schema, at)

    def _sample_type(self, kind: str, schema: Schema, at: _Position) -> Any:
        role = time_role_of(at.name, schema, kind, at.parent)
        match kind:
            case "object":
                return self._object(schema, at._replace(parent=role))
            case "array":
                return self._array(schema, at._replace(parent=role))
            case "timestamp":
                return format_time(select_time(role or "point", at.time_range), schema["format"])
            case "string":
                time = None if role is None else _format_text(select_time(role, at.time_range), schema)
                return self._string(schema, at.path) if time is None else time
            case "integer":
                return self._number(schema, at.path, 1) if role is None else self._whole_time(role, schema, at)
            case "number":
                if role is None:
                    return self._number(schema, at.path, 0.5)
                return select_time(role, at.time_range) * (1000 if is_in_milliseconds(at.name, schema) else 1)
            case "boolean":
                return stable_int(self._seed, at.path) % 2 == 0
            case _:
                return None

    def _whole_time(self, role: TimeRole, schema: Schema, at: _Position) -> int:
        """Return a time as an integer; the end is after the start and not after the end of the video if possible."""
        scale = 1000 if is_in_milliseconds(at.name, schema) else 1
        start, end = (math.floor(time * scale) for time in at.time_range)
        if start == end and end < math.floor(self._time_ranges[-1][1] * scale):
            end += 1
        elif start == end:
            start = max(0, start - 1)
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        return int(max(low, min(high, select_time(role, (start, end)))))

    def _object(self, schema: Schema, at: _Position) -> Any:
        properties = cast("dict[str, Schema]", schema.get("properties", {}))
        required = [name for name in properties if name in schema.get("required", [])]
        names = required if at.depth > OPTIONAL_MAX_DEPTH else list(properties)
        if required and names[0] not in required:
            names = [required[0], *(name for name in names if name != required[0])]
        return {name: self._sample(properties[name], at.child(name)) for name in names}

    def _array(self, schema: Schema, at: _Position) -> list[Any]:
        items = cast("Schema", schema.get("items", {"type": "string"}))
        least = int(schema.get("minItems", 0))
        if least > MAX_VALUES:
            raise ValueError(f"a list has more than {MAX_VALUES} items")
        if at.depth > OPTIONAL_MAX_DEPTH:
            ranges = [at.time_range] * least
        elif not at.in_array and _kind(self._resolve(items["$ref"]) if "$ref" in items else items) == "object":
            ranges = self._time_ranges
        else:
            ranges = [at.time_range] * max(2, least)
        ranges = ranges[: int(schema.get("maxItems", len(ranges)))]
        ranges += ranges[-1:] * (least - len(ranges))
        return [
            self._sample(items, at.child(i)._replace(time_range=time_range, in_array=True))
            for i, time_range in enumerate(ranges)
        ]

    def _number(self, schema: Schema, path: str, step: float) -> Any:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if low is not None and "minimum" not in schema:
            low = math.floor(low + step) if step == 1 else low + (step if high is None else min(step, (high - low) / 4))
        if high is not None and "maximum" not in schema:
            high = math.ceil(high - step) if step == 1 else high - min(step, step if low is None else (high - low) / 4)
        if step == 1:
            low, high = (None if low is None else math.ceil(low)), (None if high is None else math.floor(high))
        if low is None:
            low = 0 if high is None else min(0, high)
        if high is None:
            high = low + 100
        if high < low:
            raise ValueError(f"no value between {low} and {high}")
        spread = int((high - low) / step)
        return low + step * (stable_int(self._seed, path) % (spread + 1))

    def _string(self, schema: Schema, path: str) -> str:
        if "pattern" in schema:
            return example_of_pattern(schema["pattern"])
        if schema.get("format") == "uuid":
            return stable_uuid(self._seed, path)
        if schema.get("format") in _FORMAT_EXAMPLES:
            return _FORMAT_EXAMPLES[schema["format"]]
        text = (
            f"{invent_scene(self._seed, path)}, {self._default_string}" if path.count("/") > 1 else self._default_string
        )
        shortest = _check_length(int(schema.get("minLength", 0)))
        return text.ljust(shortest, ".")[: schema.get("maxLength", len(text) + 10_000)]

    def _resolve(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found[step] if step else found
        return cast("Schema", found)


def select_time(role: TimeRole, time_range: tuple[float, float]) -> float:
    """Return the time that a property holds, for a passage of a video."""
    start, end = time_range
    return {"start": start, "end": end, "point": start, "duration": round(end - start, 3), "range": start}[role]


def _format_text(seconds: float, schema: Schema) -> str | None:
    """Return a time in the format and pattern of a string, `None` if none is possible."""
    if "format" in schema:
        return None
    clock = clock_format(schema)
    formats = _CLOCK_FORMATS if clock is None else (clock, *_CLOCK_FORMATS)
    texts = (format_clock(seconds, one) for one in formats)
    return next((text for text in texts if re.search(schema.get("pattern", ""), text)), None)


def _types_of(schema: Schema, default: object) -> list[object]:
    """Return the types of a schema; without `type`, the one that its keywords imply."""
    implied = "object" if "properties" in schema else "array" if "items" in schema else default
    kinds: Any = schema.get("type", implied)
    return cast("list[object]", kinds) if isinstance(kinds, list) else [kinds]


def _kind(schema: Schema) -> str:
    return next((str(kind) for kind in _types_of(schema, "string") if kind != "null"), "null")


def example_of_pattern(pattern: str) -> str:
    """Return a string that matches a regular expression; the string may not match if it has assertions."""
    # The parser of the standard library is private, but a parser of our own could interpret a pattern differently.
    parser: Any = importlib.import_module("re._parser")
    return _expand(parser.parse(pattern))


def _check_length(length: int) -> int:
    if length > MAX_STRING_LENGTH:
        raise ValueError(f"a string has more than {MAX_STRING_LENGTH} characters")
    return length


def _expand(tokens: Any) -> str:
    text = ""
    for operation, argument in tokens:
        match str(operation):
            case "LITERAL":
                text += chr(argument)
            case "NOT_LITERAL":
                text += "a" if chr(argument) != "a" else "b"
            case "ANY":
                text += "a"
            case "IN":
                text += _pick_character(argument)
            case "BRANCH":
                text += _expand(argument[1][0])
            case "SUBPATTERN":
                text += _expand(argument[-1])
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = argument
                repeated, count = _expand(inner), least or min(1, most)
                _check_length(len(repeated) * count)
                text += repeated * count
            case _:
                # Anchors and other assertions match no characters.
                continue
    return text


def _pick_character(choices: Sequence[tuple[Any, Any]]) -> str:
    """Return a character that matches a character class, which may be negated."""
    first, argument = choices[0]
    match str(first):
        case "LITERAL":
            return chr(argument)
        case "RANGE":
            return chr(argument[0])
        case "CATEGORY":
            return _CLASS_EXAMPLES.get(str(argument), "-")
        case _:
            ranges = [argument for kind, argument in choices[1:] if str(kind) == "RANGE"]
            ranges += [(argument, argument) for kind, argument in choices[1:] if str(kind) == "LITERAL"]
            free = (one for one in "aA0-_ %~" if not any(low <= ord(one) <= high for low, high in ranges))
            return next(free, "\u00e9")


def is_satisfiable(schema: Schema) -> bool:
    """Whether a document can match a schema."""
    try:
        Sampler(schema, "", [], 0).sample()
    except SCHEMA_ERRORS:
        return False
    return True

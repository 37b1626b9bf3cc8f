"""Structured answers: an attrs class as the JSON schema the platform takes, and the platform's text as a value of it.

The platform knows a part of draft 2020-12, and refuses what it does not know with status 422 after the video was sent;
here it is refused before. Its answers are JSON as text: it may stand in a code fence, be escaped once too often, or be
cut off in the middle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints, overload

import attrs

from twelvelabs_async.codec import structure_closed
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError, StructuredOutputError

V = TypeVar("V")

REFUSED: Final = frozenset(
    {"minLength", "maxLength", "additionalProperties", "uniqueItems", "maxItems", "oneOf", "allOf", "not"}
)
"""Keywords of JSON schema that the platform answers with an error."""

PLAIN: Final[Mapping[Any, str]] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}

METADATA_KEY: Final = "schema"
"""`attrs.field(metadata={"schema": {...}})` adds keywords to the schema of a field."""

_FENCE: Final = re.compile(r"^\s*```[\w-]*[ \t]*\n(.*?)\n?\s*```\s*$", re.DOTALL)


def format_of(schema: type[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """The `response_format` that asks for JSON of this shape.

    Args:
        schema: An attrs class, or a JSON schema of an object.

    Raises:
        InvalidInputError: It has something in it that the platform does not know.
    """
    return {"type": "json_schema", "json_schema": json_schema(schema)}


def json_schema(schema: type[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of an attrs class, or a schema as it is, once it is known that the platform takes it.

    A class may have fields of `str`, `int`, `float`, `bool`, `Literal`, other attrs classes, and lists, tuples and
    optional ones of these. Fields without a default are required; let the first one be, else the platform moves it.

    Raises:
        InvalidInputError: It has something in it that the platform does not know.

    Example:
        @attrs.frozen
        class Scene:
            title: str
            mood: Literal["calm", "tense"]
            start: float = attrs.field(metadata={"schema": {"type": "timestamp", "format": "seconds"}})
    """
    if isinstance(schema, Mapping):
        made = dict(schema)
    elif attrs.has(schema):
        made = _of_class(schema, ())
    else:
        raise InvalidInputError(f"schema must be an attrs class or a JSON schema, not {schema!r:.100}")
    if made.get("type", "object") != "object":
        raise InvalidInputError(f"the root of a schema must be an object, not {made['type']!r:.100}")
    _check(made, "schema")
    return made


@overload
def parse(
    text: str, schema: type[V], *, finish_reason: str | None = None, usage: Any = None, operation: str = ""
) -> V: ...
@overload
def parse(
    text: str, schema: Mapping[str, Any], *, finish_reason: str | None = None, usage: Any = None, operation: str = ""
) -> dict[str, Any]: ...
def parse(
    text: str,
    schema: type[Any] | Mapping[str, Any],
    *,
    finish_reason: str | None = None,
    usage: Any = None,
    operation: str = "",
) -> Any:
    """A text of the platform as the value it stands for.

    Args:
        text: What was written: `data` of an analysis or of the result of a task.
        schema: What was asked for: an attrs class, or a JSON schema for a `dict`.
        finish_reason: How the text ended; one that was cut is no value, whatever it looks like.
        usage: What it cost, for the error.
        operation: Where it came from, for the error.

    Raises:
        StructuredOutputError: It was cut, is not JSON, or has another shape; `text` on it is what came.
    """
    told: dict[str, Any] = {"text": text, "finish_reason": finish_reason, "usage": usage, "operation": operation}
    if finish_reason == "length":
        message = "the answer was cut at the limit of tokens, so it is no whole JSON; raise max_tokens, or ask for less"
        raise StructuredOutputError(message=message, **told)
    try:
        into: type[Any] = dict if isinstance(schema, Mapping) else schema
        return structure_closed(_loads(text), into)
    except (ValueError, RecursionError) as error:
        message, path = f"the answer is not JSON: {error}", ""
    except MalformedResponseError as error:
        message, path = f"the answer has another shape: {error.message}", error.path
    raise StructuredOutputError(message=message, path=path, body=text.encode()[:1000], retryable=True, **told)


def _loads(text: str) -> Any:
    """JSON out of a text, its fence taken off, and unescaped if it was escaped as a whole."""
    fenced = _FENCE.match(text)
    bare = (fenced[1] if fenced else text).strip()
    try:
        found = _strict(bare)
    except ValueError:
        if not bare.startswith(('{\\"', "{\\n", '[\\"')):
            raise
        found = _strict(f'"{bare}"')
    return _strict(found) if isinstance(found, str) else found


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _of_class(kind: type[Any], around: tuple[type[Any], ...]) -> dict[str, Any]:
    if kind in around:
        raise InvalidInputError(f"{kind.__name__} contains itself; a schema must have an end")
    hints = _hints(kind)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in _fields(kind):
        place = f"{kind.__name__}.{field.name}"
        more: Mapping[str, Any] = field.metadata.get(METADATA_KEY, {})
        properties[field.name] = {**_of(hints[field.name], place, (*around, kind)), **more}
        if field.default is attrs.NOTHING:
            required.append(field.name)
    if not properties:
        raise InvalidInputError(f"{kind.__name__} has no fields")
    return {"type": "object", "properties": properties, "required": required}


def _fields(kind: type[Any]) -> list[attrs.Attribute[Any]]:
    return [field for field in attrs.fields(kind) if field.init and field.name != "extra"]


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(kind)
    except NameError as error:
        raise InvalidInputError(f"a type of {kind.__name__} cannot be found: {error}") from None


def _of(kind: Any, place: str, around: tuple[type[Any], ...]) -> dict[str, Any]:
    """The schema of one type."""
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    if attrs.has(kind):
        return _of_class(kind, around)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType} and (len({*inner} - {NoneType}) == 1 or {*inner} <= PLAIN.keys()):
        return {"anyOf": [_of(one, place, around) for one in inner]}
    if origin is Literal:
        return _of_literal(inner, place)
    if origin is list or (origin is tuple and inner[-1] is Ellipsis):
        return {"type": "array", "items": _of(inner[0], place, around)}
    raise InvalidInputError(f"{place} is {kind!r:.100}, of which the platform knows no schema")


def _of_literal(members: tuple[Any, ...], place: str) -> dict[str, Any]:
    kinds = {PLAIN.get(type(member)) for member in members}
    if not kinds <= {"string", "boolean", "integer"}:
        raise InvalidInputError(f"{place} has values the platform cannot list: text, numbers and booleans can be")
    names = {"number" if kind == "integer" else kind for kind in kinds}  # enum is not known for integers
    return {"enum": list(members), **({"type": names.pop()} if len(names) == 1 else {})}


def _check(schema: Any, place: str) -> None:
    """Refuse keywords that the platform refuses, wherever a schema stands."""
    if not isinstance(schema, Mapping):
        raise InvalidInputError(f"{place} must be a JSON schema, not {type(schema).__name__}")
    found = cast("Mapping[str, Any]", schema)
    bad = sorted(REFUSED & found.keys())
    if bad:
        raise InvalidInputError(f"{place} has {', '.join(bad)}, which the platform refuses; take it out")
    if found.get("minItems", 0) not in {0, 1}:
        raise InvalidInputError(f"{place} has a minItems other than 0 and 1, which the platform refuses")
    for key in ("properties", "$defs"):
        for name, inner in cast("Mapping[str, Any]", found.get(key) or {}).items():
            _check(inner, f"{place}.{key}.{name}")
    if "items" in found:
        _check(found["items"], f"{place}.items")
    for at, inner in enumerate(cast("list[Any]", found.get("anyOf") or ())):
        _check(inner, f"{place}.anyOf[{at}]")

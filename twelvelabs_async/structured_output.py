"""Structured output: build a JSON schema from an attrs class, and parse the response into an instance of it.

The API supports a subset of JSON schema draft 2020-12 and rejects other keywords with status 422 after the video was
sent; here they are rejected before. The response is a JSON string that may be inside a code fence, escaped twice, or
truncated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Final, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints, overload

import attrs

from twelvelabs_async._arguments import describe
from twelvelabs_async._codec.converter import structure_strict
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError, StructuredOutputError

_V = TypeVar("_V")

_UNSUPPORTED_KEYWORDS: Final = frozenset(
    {"minLength", "maxLength", "additionalProperties", "uniqueItems", "maxItems", "oneOf", "allOf", "not"}
)
"""JSON schema keywords that the API rejects."""

_SCALAR_TYPES: Final[Mapping[Any, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}

_METADATA_KEY: Final = "schema"
"""Metadata key of extra keywords for the schema of a field: `attrs.field(metadata={"schema": {...}})`."""

_FENCE: Final = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?\s*```", re.DOTALL)
_DOCUMENT_START: Final = re.compile(r'\{\s*(?:\\*"|\}|\\n)|\[\s*(?:[\[{}\]"\d]|\\+")')
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


@attrs.frozen(kw_only=True)
class StructuredText(Generic[_V]):
    """A value that was parsed from generated text."""

    value: _V
    """The value."""
    repaired: bool = False
    """Whether the text was not a JSON document alone, in a code fence or not; check such values."""
    trailing_text: str = ""
    """Text after the document."""


def response_format_for(schema: type[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the `response_format` for a schema.

    Args:
        schema: An attrs class, or a JSON schema of an object.

    Raises:
        InvalidInputError: The schema contains a type or keyword that the API does not support.

    Example:
        from twelvelabs_async.structured_output import parse_structured, response_format_for

        @attrs.frozen
        class Scene:
            title: str

        video = VideoAsset(asset_id=asset.id)
        analysis = await client.analyze(video=video, prompt="What happens?", response_format=response_format_for(Scene))
        print(parse_structured(analysis.text, Scene).title)
    """
    return {"type": "json_schema", "json_schema": json_schema(schema)}


def json_schema(schema: type[Any] | Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an attrs class; a JSON schema is checked and returned unchanged.

    Supported field types are `str`, `int`, `float`, `bool`, `Literal`, attrs classes, and lists, tuples and optionals
    of these. Fields without a default are required. Make the first field required: the API moves optional fields
    behind the required ones.

    Raises:
        InvalidInputError: The schema contains a type or keyword that the API does not support.

    Example:
        from twelvelabs_async.structured_output import json_schema

        @attrs.frozen
        class Scene:
            title: str
            start: float = attrs.field(metadata={"schema": {"type": "timestamp", "format": "seconds"}})

        print(json_schema(Scene)["required"])  # ['title', 'start']
    """
    if isinstance(schema, Mapping):
        result = dict(schema)
    elif _is_attrs_class(schema):
        result = _class_schema(schema, ())
    else:
        raise InvalidInputError(f"schema must be an attrs class or a JSON schema, got {schema!r:.100}")
    if result.get("type", "object") != "object":
        raise InvalidInputError(f"the root of a schema must have the type 'object', got {result['type']!r:.100}")
    _check_supported(result, "schema")
    return result


@overload
def parse_structured(
    text: str, schema: type[_V], *, finish_reason: str | None = None, usage: Any = None, operation: str = ""
) -> _V: ...
@overload
def parse_structured(
    text: str, schema: Mapping[str, Any], *, finish_reason: str | None = None, usage: Any = None, operation: str = ""
) -> dict[str, Any]: ...
def parse_structured(
    text: str,
    schema: type[Any] | Mapping[str, Any],
    *,
    finish_reason: str | None = None,
    usage: Any = None,
    operation: str = "",
) -> Any:
    """Parse generated text into a value of the schema; `parse_structured_text` also says whether it was repaired.

    Args:
        text: Generated text: `data` of an analysis, or of the result of an analysis task.
        schema: The requested schema: an attrs class, or a JSON schema for a `dict`.
        finish_reason: Why generation ended; `length` means that the text is truncated.
        usage: Token usage, for the error.
        operation: Operation that returned the text, for the error.

    Raises:
        InvalidInputError: `text` is not a string.
        StructuredOutputError: The text is truncated, contains no JSON document, or does not match the schema; `text`
            on the error contains it.

    Example:
        from twelvelabs_async.structured_output import parse_structured

        @attrs.frozen
        class Scene:
            title: str

        print(parse_structured('{"title": "A boat"}', Scene).title)  # A boat
    """
    return parse_structured_text(text, schema, finish_reason=finish_reason, usage=usage, operation=operation).value


@overload
def parse_structured_text(
    text: str, schema: type[_V], *, finish_reason: str | None = None, usage: Any = None, operation: str = ""
) -> StructuredText[_V]: ...
@overload
def parse_structured_text(
    text: str, schema: Mapping[str, Any], *, finish_reason: str | None = None, usage: Any = None, operation: str = ""
) -> StructuredText[dict[str, Any]]: ...
def parse_structured_text(
    text: str,
    schema: type[Any] | Mapping[str, Any],
    *,
    finish_reason: str | None = None,
    usage: Any = None,
    operation: str = "",
) -> StructuredText[Any]:
    """Parse generated text into a value of the schema, and keep the text after it.

    Text around the document, a repeated document, surplus braces, and quotes that are escaped from some point on are
    repaired; the result says so.

    Args:
        text: Generated text: `data` of an analysis, or of the result of an analysis task.
        schema: The requested schema: an attrs class, or a JSON schema for a `dict`.
        finish_reason: Why generation ended; `length` means that the text is truncated.
        usage: Token usage, for the error.
        operation: Operation that returned the text, for the error.

    Raises:
        InvalidInputError: `text` is not a string.
        StructuredOutputError: As for `parse_structured`.

    Example:
        from twelvelabs_async.structured_output import parse_structured_text

        @attrs.frozen
        class Scene:
            title: str

        parsed = parse_structured_text('Here it is: {"title": "A boat"}', Scene)
        print(parsed.value.title, parsed.repaired)  # A boat True
    """
    context: dict[str, Any] = {"text": text, "finish_reason": finish_reason, "usage": usage, "operation": operation}
    if finish_reason == "length":
        message = "the response was truncated at the token limit; raise max_tokens or request fewer fields"
        raise StructuredOutputError(message=message, **context)
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"text must be the generated text, got {describe(text)}")
    try:
        found = _loads(text)
        root: type[Any] = dict  # of each schema
        value = structure_strict(found.value, root)
        return attrs.evolve(found, value=value if isinstance(schema, Mapping) else structure_strict(value, schema))
    except (ValueError, RecursionError) as error:
        message, path = f"the response is not JSON: {error}", ""
    except MalformedResponseError as error:
        message, path = f"the response does not match the schema: {error.message}", error.path
    raise StructuredOutputError(
        message=message, path=path, body=text[:1000].encode(errors="replace")[:1000], retryable=True, **context
    )


def _loads(text: str) -> StructuredText[Any]:
    """Parse the JSON document in a text; only a fence, or a string that contains the document, is no repair."""
    content = text.strip()
    fenced = _FENCE.fullmatch(content)
    try:
        value = json.loads(fenced[1] if fenced else content, parse_constant=_reject_constant)
    except ValueError:
        repaired = _find_document(content)
        if repaired is None:
            raise
        return repaired
    return _loads(value) if isinstance(value, str) and value != text else StructuredText(value=value)


def _find_document(text: str) -> StructuredText[Any] | None:
    """Return the first JSON object in a text, else the last list before it, and what follows; None if there is none.

    In a truncated document, a later object would be a part of it.
    """
    found: tuple[Any, str, int] | None = None
    start = _DOCUMENT_START.search(text)
    while start is not None:
        try:
            found = value, text, end = _decode_at(text, start.start())
        except ValueError:
            break
        if isinstance(value, dict):
            break
        start = _DOCUMENT_START.search(text, end)  # a list such as [1] may be a footnote before the document
    return found and StructuredText(value=found[0], repaired=True, trailing_text=found[1][found[2] :].strip())


def _decode_at(text: str, start: int) -> tuple[Any, str, int]:
    """Return the JSON document at `start`, the text, and where the document ends in it.

    If the document is invalid, the escapes from there on are undone in the text: a model sometimes begins to escape
    quotes within a document.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        if "\\" not in text[error.pos :]:
            raise
        text = text[: error.pos] + _ESCAPE.sub(_unescape, text[error.pos :])
        value, end = _DECODER.raw_decode(text, start)
    return value, text, end


def _unescape(escape: re.Match[str]) -> str:
    return str(json.loads(f'"{escape[0]}"')) if escape[1][0] in '"\\/bfnrtu' and escape[1] != "u" else escape[1]


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_DECODER: Final = json.JSONDecoder(parse_constant=_reject_constant, strict=False)


def _class_schema(schema_class: type[Any], ancestors: tuple[type[Any], ...]) -> dict[str, Any]:
    if schema_class in ancestors:
        raise InvalidInputError(f"{schema_class.__name__} contains itself; recursive schemas are not supported")
    try:
        hints = get_type_hints(schema_class)
    except NameError as error:
        raise InvalidInputError(f"cannot resolve a type annotation of {schema_class.__name__}: {error}") from None
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in attrs.fields(schema_class):
        if not field.init or field.name == "extra":
            continue
        path = f"{schema_class.__name__}.{field.name}"
        keywords: Mapping[str, Any] = field.metadata.get(_METADATA_KEY, {})
        properties[field.name] = {**_type_schema(hints[field.name], path, (*ancestors, schema_class)), **keywords}
        if field.default is attrs.NOTHING:
            required.append(field.name)
    if not properties:
        raise InvalidInputError(f"{schema_class.__name__} has no fields")
    return {"type": "object", "properties": properties, "required": required}


def _is_attrs_class(value: Any) -> bool:
    """Return whether a value is an attrs class, not an instance of one or a generic class with its parameters."""
    return isinstance(value, type) and attrs.has(value)


def _type_schema(annotation: Any, path: str, ancestors: tuple[type[Any], ...]) -> dict[str, Any]:
    if annotation in _SCALAR_TYPES:
        return {"type": _SCALAR_TYPES[annotation]}
    if _is_attrs_class(annotation):
        return _class_schema(annotation, ancestors)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType} and (len({*inner} - {NoneType}) == 1 or {*inner} <= _SCALAR_TYPES.keys()):
        return {"anyOf": [_type_schema(one, path, ancestors) for one in inner]}
    if origin is Literal:
        return _literal_schema(inner, path)
    if origin is list or (origin is tuple and inner[-1] is Ellipsis):
        return {"type": "array", "items": _type_schema(inner[0], path, ancestors)}
    raise InvalidInputError(f"{path} has the unsupported type {annotation!r:.100}")


def _literal_schema(values: tuple[Any, ...], path: str) -> dict[str, Any]:
    kinds = {_SCALAR_TYPES.get(type(member)) for member in values}
    if not kinds <= {"string", "boolean", "integer"}:
        raise InvalidInputError(f"{path} has unsupported Literal values; use strings, integers or booleans")
    names = {"number" if kind == "integer" else kind for kind in kinds}  # the API rejects enum for integers
    return {"enum": list(values), **({"type": names.pop()} if len(names) == 1 else {})}


def _check_supported(schema: Any, path: str) -> None:
    """Raise `InvalidInputError` for keywords that the API rejects, at any depth."""
    if not isinstance(schema, Mapping):
        raise InvalidInputError(f"{path} must be a JSON schema, got {type(schema).__name__}")
    keywords = cast("Mapping[str, Any]", schema)
    unsupported = sorted(_UNSUPPORTED_KEYWORDS & keywords.keys())
    if unsupported:
        raise InvalidInputError(f"{path} contains keywords that the API does not support: {', '.join(unsupported)}")
    if keywords.get("minItems", 0) not in {0, 1}:
        raise InvalidInputError(f"{path}.minItems must be 0 or 1, got {keywords['minItems']!r:.100}")
    for key in ("properties", "$defs"):
        for name, inner in cast("Mapping[str, Any]", keywords.get(key) or {}).items():
            _check_supported(inner, f"{path}.{key}.{name}")
    if "items" in keywords:
        _check_supported(keywords["items"], f"{path}.items")
    for index, inner in enumerate(cast("list[Any]", keywords.get("anyOf") or ())):
        _check_supported(inner, f"{path}.anyOf[{index}]")

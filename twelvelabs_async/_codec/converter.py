"""Converts JSON to models and back, with one cattrs converter whose hooks are compiled on first use of a type.

- `_id` in JSON is `id` in a model. Unknown fields are kept in `extra`, and sent back.
- `null` for a field with a default counts as absent. A value of the wrong type is an error with its path, and is never
  converted.
- A `Literal` accepts unknown members: the API may add some.
- Dates are RFC 3339, with any fraction, in UTC if they have no timezone. An unreadable date is None, and its string is
  kept in `extra`, so that it does not fail a whole page.
- Vectors become `array('d')`, which takes an eighth of the memory of a list of floats.
"""

from __future__ import annotations

import dataclasses
import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from twelvelabs_async._arguments import plain_name, plain_scalar, read_object
from twelvelabs_async._codec.codegen import (
    as_bool,
    as_datetime,
    as_dict,
    as_float,
    as_int,
    as_scalar,
    as_str,
    as_vector,
    can_generate_constructor,
    generate_constructor,
    is_literal,
    make_extra_collector,
    require_sequence,
    structure_closed_literal,
    type_mismatch,
)
from twelvelabs_async._concurrency import JSON_THREADS
from twelvelabs_async._http.body import NO_BODY, Body, encode_form, encode_json
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError
from twelvelabs_async.models._interop import SDK_FIELD_NAMES, wire_names
from twelvelabs_async.models.common import Model, SupportsModelDump
from twelvelabs_async.requests import Request

T = TypeVar("T")

THREAD_THRESHOLD: Final = 256 * 1024
"""Responses with more bytes are decoded in a thread; for smaller ones, starting the thread takes longer."""

MIN_VECTOR_LENGTH: Final = 16
"""Smallest number of floats in a list that is converted to an array during parsing."""


async def decode(body: bytes, response_type: type[T]) -> T:
    """Decode the body of a response as `response_type`, in a thread if it is large.

    Raises:
        MalformedResponseError: It is not JSON (`retryable`: it may be truncated), or does not match the type.
    """
    if len(body) > THREAD_THRESHOLD:
        return await JSON_THREADS.run(decode_now, body, response_type, _parse_large)
    return decode_now(body, response_type)


def decode_now(body: bytes, response_type: type[T], parse: ParseFunction | None = None) -> T:
    """Decode a body as `response_type`, in the thread of the caller.

    Raises:
        MalformedResponseError: See `decode`.
    """
    parse = parse or _cached_parser()
    if response_type is NoneType:
        return cast("T", None)
    try:
        data = parse(body)
    except (ValueError, RecursionError) as error:
        if cast("Any", response_type) is dict and not body.strip():
            return cast("T", {})
        problem = f"not JSON: {error}" if body.strip() else "empty"
        raise MalformedResponseError(message=f"the response is {problem}", body=body[:1000], retryable=True) from None
    return structure(data, response_type, body=body)


def structure(data: Any, target_type: type[T], *, path: str = "$", body: bytes = b"") -> T:
    """Convert parsed JSON to `target_type`.

    Raises:
        MalformedResponseError: It does not match the type; the `path` of the error begins with `path`.
    """
    try:
        found: T = _structure_hook(target_type)(data, target_type)
    except Exception:  # noqa: BLE001  # the detailed converter finds out what is wrong, and where
        lines = _error_messages(data, target_type, _build_converter(detailed=True), path)
    else:
        return found
    raise _shape_error(lines, path, body)


def can_structure(target_type: object) -> bool:
    """Return whether parsed JSON can be converted to a type."""
    if target_type is None or target_type is NoneType:  # only the class is a type
        return target_type is NoneType
    try:
        _structure_hook(target_type)
    except Exception:  # noqa: BLE001  # cattrs and attrs raise many kinds
        return False
    return True


def structure_strict(data: Any, target_type: type[T]) -> T:
    """Convert parsed JSON to a type of the caller, whose `Literal`s accept no unknown members.

    Raises:
        MalformedResponseError: It does not match the type.
    """
    converter = _build_converter(detailed=True, strict=True)
    try:
        return converter.structure(data, target_type)
    except Exception:  # noqa: BLE001  # as above
        lines = _error_messages(data, target_type, converter, "$")
    raise _shape_error(lines, "$", b"")


def _shape_error(messages: list[str], path: str, body: bytes) -> MalformedResponseError:
    first_path = messages[0].rpartition(" @ ")[2]
    return MalformedResponseError(message="; ".join(messages[:3]), path=first_path or path, body=body[:1000])


def _error_messages(data: Any, target_type: Any, converter: Converter, path: str) -> list[str]:
    try:
        converter.structure(data, target_type)
    except BaseValidationError as error:
        return transform_error(error, path=path, format_exception=_format_error)
    except Exception as error:  # noqa: BLE001  # a scalar at the top has no path
        return [f"{_format_error(error, target_type)} @ {path}"]
    return [f"does not match {target_type} @ {path}"]


def _format_error(error: BaseException, _: Any) -> str:
    if isinstance(error, KeyError):
        return f"required field {error.args[0]!r} is missing"
    return str(error)


def to_dict(value: Any) -> Any:
    """Convert models, at any depth, to JSON types with the API's field names; fields that are None are omitted.

    Dataclasses and pydantic models become objects, too.

    Raises:
        InvalidInputError: The value contains itself, is nested too deeply, or a method of an object in it has failed.
    """
    try:
        return read_object("the value", value, _FAST.unstructure)
    except RecursionError:
        raise InvalidInputError("the value contains itself, or is nested too deeply") from None


def _parse_large(body: bytes) -> Any:
    return json.loads(body, object_hook=_vectors_to_arrays)


def _vectors_to_arrays(json_object: dict[str, Any]) -> dict[str, Any]:
    """Convert the vectors of an object to arrays during parsing, so that their lists of floats are freed early."""
    for name in ("float", "embedding"):
        value: Any = json_object.get(name)
        if value.__class__ is list and len(value) >= MIN_VECTOR_LENGTH:
            try:
                json_object[name] = array("d", value)
            except (TypeError, OverflowError):
                continue  # not a vector: the converter reports it
    return json_object


def _model_structure_hook(converter: Converter, model_class: type[Model]) -> Callable[[Any, Any], Model]:
    if not converter.detailed_validation and can_generate_constructor(model_class):
        return generate_constructor(converter, model_class, wire_names(model_class))
    return _detailed_model_hook(converter, model_class)


def _detailed_model_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Model]:
    """Return the hook for a model, which may be generic, and may have a type argument then."""
    model_class: type[Model] = get_origin(kind) or kind
    names = wire_names(model_class)
    build = make_dict_structure_fn(
        kind[Any] if getattr(kind, "__parameters__", ()) else kind,
        converter,
        **_wire_overrides(names),
        _cattrs_detailed_validation=converter.detailed_validation,
    )
    collect_extra = make_extra_collector(model_class, names)
    id_is_underscored = names.get("id") == "_id"

    def hook(data: Any, _: Any) -> Model:
        if not isinstance(data, dict):
            raise type_mismatch(f"an object ({model_class.__name__})", data)
        found = cast("dict[str, Any]", data)
        if None in found.values():
            found = {name: value for name, value in found.items() if value is not None}
        if id_is_underscored and "_id" not in found and "id" in found:
            found = {"_id" if name == "id" else name: value for name, value in found.items()}
        model: Model = build(found, model_class)
        extra = collect_extra(found, model)
        if extra:
            object.__setattr__(model, "extra", extra)
        return model

    return hook


def _model_unstructure_hook(converter: Converter, model_class: type[Any]) -> Callable[[Any], dict[str, Any]]:
    dump = make_dict_unstructure_fn(model_class, converter, **_wire_overrides(wire_names(model_class)))

    def unstructure(value: Any) -> dict[str, Any]:
        if value.__class__ is not model_class:  # a dict, a dataclass or a subclass in a field of this class
            return cast("dict[str, Any]", converter.unstructure(value))
        plain = {name: item for name, item in dump(value).items() if item is not None}
        return {**plain, **getattr(value, "extra", {})}

    return unstructure


def _wire_overrides(names: Mapping[str, str]) -> dict[str, Any]:
    renamed = {name: override(rename=wire) for name, wire in names.items() if wire != name}
    return {"extra": override(omit=True), **renamed}


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list


def _is_sequence(annotation: Any) -> bool:
    """Return whether values of a type are structured as tuples."""
    origin = get_origin(annotation)
    return origin is Sequence or (origin is tuple and get_args(annotation)[-1] is Ellipsis)


def _is_object_union(annotation: Any) -> bool:
    """Return whether a type is that of an object in a request: a model, or an `ObjectLike`."""
    return get_origin(annotation) in {Union, UnionType} and SupportsModelDump in get_args(annotation)


def _object_union_hook(annotation: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    """Return the hook that reads an object of a request back: as the first model that has all its fields."""
    members = get_args(annotation)
    models: list[type[Model]] = [member for member in members if _is_model(member)]

    def hook(value: Any, _: Any) -> Any:
        if value is None and NoneType in members:
            return None
        if value.__class__ in members and not isinstance(value, dict):  # a model, or a number
            return value
        if not isinstance(value, dict):
            raise type_mismatch("an object", value)
        structured = [found for model in models[1:] if (found := _try_structure(converter, value, model)) is not None]
        if not structured:
            return converter.structure(value, models[0])  # pyright: ignore[reportUnknownArgumentType]  # a JSON object
        first = _try_structure(converter, value, models[0])
        candidates = structured if first is None else [first, *structured]
        return next((one for one in candidates if not one.extra), candidates[0])

    return hook


def _try_structure(converter: Converter, value: Any, model_class: type[Model]) -> Model | None:
    try:
        return converter.structure(value, model_class)
    except Exception:  # noqa: BLE001  # cattrs raises many kinds
        return None


def _is_scalar_union(annotation: Any) -> bool:
    kinds = [member for member in get_args(annotation) if member is not NoneType]
    return get_origin(annotation) in {Union, UnionType} and len(kinds) > 1 and {*kinds} <= {str, int, float, bool}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Model)


def _is_pydantic_model(kind: Any) -> bool:
    return isinstance(kind, type) and callable(getattr(kind, "model_dump", None))


def _unstructure_pydantic_model(value: SupportsModelDump) -> Any:
    """Return what the official client sends for its models: unset fields are left out, constants such as `type` not."""
    return value.model_dump(by_alias=True, exclude_none=True)


def _dataclass_unstructure_hook(converter: Converter, kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    names = [field.name for field in dataclasses.fields(kind)]

    def unstructure(value: Any) -> dict[str, Any]:
        fields = {name: getattr(value, name) for name in names}
        return {name: converter.unstructure(item) for name, item in fields.items() if item is not None}

    return unstructure


def _unstructure_datetime(value: datetime) -> Any:
    return value if value.tzinfo is None else plain_scalar(value, "")  # `to_wire` refuses a naive one by name


@cache  # most programs use one of them
def _build_converter(*, detailed: bool, strict: bool = False) -> Converter:
    converter = Converter(detailed_validation=detailed)
    for kind, hook in ((str, as_str), (bool, as_bool), (int, as_int), (float, as_float), (datetime, as_datetime)):
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_func(lambda kind: kind == datetime | None, as_datetime)
    # A response may have a string that a newer version of the API has added to a `Literal`.
    converter.register_structure_hook_func(is_literal, structure_closed_literal if strict else as_str)
    converter.register_structure_hook_func(_is_scalar_union, as_scalar)
    converter.register_structure_hook_factory(
        _is_list, lambda kind, conv: require_sequence(list_structure_factory(kind, conv))
    )
    converter.register_structure_hook_factory(
        _is_sequence, lambda kind, conv: require_sequence(homogenous_tuple_structure_factory(kind, conv))
    )
    converter.register_structure_hook_factory(_is_object_union, _object_union_hook)
    converter.register_structure_hook_func(lambda kind: isinstance(kind, TypeVar), lambda value, _: value)
    converter.register_structure_hook_func(lambda kind: kind is dict, as_dict)
    converter.register_structure_hook_func(lambda kind: kind is array, as_vector)
    converter.register_structure_hook_factory(_is_model, lambda kind, conv: _model_structure_hook(conv, kind))
    converter.register_structure_hook_factory(
        lambda kind: _is_model(get_origin(kind)), lambda kind, conv: _detailed_model_hook(conv, kind)
    )
    converter.register_unstructure_hook(datetime, _unstructure_datetime)
    converter.register_unstructure_hook(Path, lambda path: path)  # `to_wire` refuses it, as in forms and queries
    converter.register_unstructure_hook_func(lambda kind: kind is array, list)
    converter.register_unstructure_hook_factory(
        dataclasses.is_dataclass, lambda kind, conv: _dataclass_unstructure_hook(conv, kind)
    )
    converter.register_unstructure_hook_func(_is_pydantic_model, _unstructure_pydantic_model)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and attrs.has(kind), lambda kind, conv: _model_unstructure_hook(conv, kind)
    )
    return converter


_FAST: Final = _build_converter(detailed=False)
_structure_hook: Final[Callable[[Any], Callable[[Any, Any], Any]]] = cache(_FAST.get_structure_hook)


def encode(request: Request[Any]) -> Body:
    """Encode the body of a request.

    Raises:
        InvalidInputError: It cannot be encoded as JSON or as UTF-8.
    """
    body = NO_BODY
    try:
        if request.form is not None:
            body = encode_form(request.form)
        elif request.json is not None:
            body = encode_json(json_bytes(request.json, allow_null_items=request.allow_null_items))
    except InvalidInputError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"the body of {request.operation} cannot be encoded: {error}") from None
    return attrs.evolve(body, extra_headers=request.headers) if request.headers else body


def json_bytes(value: Any, *, allow_null_items: bool = False) -> bytes:
    """Encode a JSON body: models become objects with the API's field names, and None in a model is left out."""
    return json.dumps(
        to_wire(value, allow_null_items=allow_null_items), separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


USER_DEFINED_FIELDS: Final = frozenset({"user_metadata", "metadata", "json_schema", "schema"})
"""Fields whose value is an object of the caller's own; its keys are sent as they are."""


def to_wire(value: Any, name: str = "", *, allow_null_items: bool = False) -> Any:
    """Like `to_dict`, and rename the fields of plain dicts that are spelled as in the official SDK.

    Args:
        value: Models, dicts, lists and scalars.
        name: Name of the parameter, for errors; empty for a dict of parameters.
        allow_null_items: Whether lists may contain None.

    Raises:
        InvalidInputError: A dict has both spellings of a field or a key that is no string, a list contains None, a
            scalar cannot be sent (see `plain_scalar`), the value contains itself, or a method of an object in it has
            failed.
    """
    try:
        plain = read_object(name or "the body", value, _FAST.unstructure)
        return _plain_json(plain, name, renamed=True, null_items=allow_null_items)
    except RecursionError:
        raise InvalidInputError(f"{name or 'the body'} contains itself, or is nested too deeply") from None


def _plain_json(value: Any, name: str, *, renamed: bool, null_items: bool) -> Any:
    if value is None:
        return None
    if isinstance(value, list | tuple | set | frozenset):
        items = cast("list[Any]", value)
        if not null_items and any(item is None for item in items):
            raise InvalidInputError(f"{name} must not contain None")
        return [
            _plain_json(item, f"{name}[{position}]", renamed=renamed, null_items=null_items)
            for position, item in enumerate(items)
        ]
    if not isinstance(value, dict):
        return plain_scalar(value, name)
    fields: dict[str, Any] = {}
    for given, item in cast("dict[object, Any]", value).items():
        key = plain_name(given, name or "the body")
        wire = SDK_FIELD_NAMES.get(key, key) if renamed else key
        if wire in fields or (wire != key and wire in value):
            raise InvalidInputError(f"{wire!r} is given twice, also as {key!r}; pass one of them")
        path = f"{name}.{key}" if name else key
        own = wire in USER_DEFINED_FIELDS
        fields[wire] = _plain_json(item, path, renamed=renamed and not own, null_items=null_items or own)
    return fields


# Parsers of JSON

ParseFunction = Callable[[bytes], Any]
"""Parses JSON; raises `ValueError` or `RecursionError` for anything else."""

_STDLIB_DECODER: Final = json.JSONDecoder()


def select_parser() -> ParseFunction:
    """Return the fastest parser: msgspec where it is installed (extra `fast`), else the standard library.

    msgspec is stricter. What it rejects goes to `json`, which accepts `NaN`, half of a surrogate pair, numbers that no
    float can hold and a byte order mark, and has the better messages: the result is the same with and without msgspec.
    """
    try:
        from msgspec import MsgspecError  # noqa: PLC0415  # an extra
        from msgspec.json import Decoder  # noqa: PLC0415  # an extra
    except ImportError:
        return stdlib_loads
    decode_json = Decoder().decode

    def parse_with_msgspec(data: bytes) -> Any:
        try:
            return decode_json(data)
        except (MsgspecError, RecursionError):
            return json.loads(data)

    return parse_with_msgspec


def stdlib_loads(data: bytes) -> Any:
    """Do what `json.loads` does, without detecting the encoding of UTF-8, which takes longer than a short document."""
    try:
        text = data.decode()
        value, end = _STDLIB_DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return json.loads(data)
    return value if end == len(text) or not text[end:].strip(" \t\r\n") else json.loads(data)


_cached_parser: Final = cache(select_parser)


def parse_json(data: bytes) -> Any:
    """Parse JSON. The parser is imported at the first call, not with the client.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    return _cached_parser()(data)

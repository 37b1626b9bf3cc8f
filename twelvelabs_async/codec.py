"""JSON to models and back: one converter, built once, its hooks compiled when a type is first met.

- `_id` on the wire is `id` here. Fields the platform adds are kept in `extra`, so nothing is lost on the way back.
- `null` for a field with a default is its absence. A value of the wrong type is an error with the path to it, never a
  guess: the text `"None"` for a missing name would be worse than an exception.
- Members of a `Literal` are what is known today; a new one passes as it came.
- Dates are read tolerantly: RFC 3339 with any fraction, UTC when they name no zone. One that cannot be read is None,
  and stays in `extra`: a broken date must not cost a page.
- Vectors become `array('d')`, an eighth of the memory of a list of floats; in large answers already while parsing.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections.abc import Callable, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from twelvelabs_async.body import NO_BODY, Body, encode_form, encode_json
from twelvelabs_async.constructors import constructor, has_constructor
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError
from twelvelabs_async.leaves import (
    as_bool,
    as_datetime,
    as_dict,
    as_float,
    as_int,
    as_known,
    as_open,
    as_scalar,
    as_str,
    as_vector,
    only_lists,
    wrong,
)
from twelvelabs_async.models.common import Model
from twelvelabs_async.parser import parse
from twelvelabs_async.request import Request

T = TypeVar("T")

THREAD_FROM: Final = 256 * 1024
"""Bytes of JSON from which decoding leaves the event loop's thread; below it the hand-over costs more."""

VECTOR_FROM: Final = 16
"""Numbers in a row that are taken for a vector while parsing."""


async def decode(body: bytes, into: type[T]) -> T:
    """The body of an answer as `into`, in a thread if it is large.

    Raises:
        MalformedResponseError: It is no JSON (`retryable`: it may have been cut off), or has another shape.
    """
    if len(body) > THREAD_FROM:
        return await asyncio.to_thread(_decode, body, into, _vectors)
    return _decode(body, into, None)


def _decode(body: bytes, into: type[T], hook: Callable[[dict[str, Any]], Any] | None) -> T:
    if into is NoneType:
        return cast("T", None)
    if not body.strip() and cast("Any", into) is dict:
        return cast("T", {})
    try:
        data = parse(body) if hook is None else json.loads(body, object_hook=hook)
    except (ValueError, RecursionError) as error:
        why = f"is not JSON: {error}" if body.strip() else "is empty"
        raise MalformedResponseError(message=f"the answer {why}", body=body[:1000], retryable=True) from None
    return structure(data, into, body=body)


def structure(data: Any, into: type[T], *, path: str = "$", body: bytes = b"") -> T:
    """Parsed JSON as `into`.

    Raises:
        MalformedResponseError: The shape is another; its `path` begins with `path`.
    """
    try:
        return _FAST.structure(data, into)
    except Exception:  # noqa: BLE001  # whatever went wrong, the exact converter finds out where
        lines = _explain(data, into, _EXACT, path)
    raise _misshapen(lines, path, body)


def structure_closed(data: Any, into: type[T]) -> T:
    """Parsed JSON as a type of the caller's own, whose literals have no other members than they name.

    Raises:
        MalformedResponseError: The shape is another.
    """
    try:
        return _CLOSED.structure(data, into)
    except Exception:  # noqa: BLE001  # as above
        lines = _explain(data, into, _CLOSED, "$")
    raise _misshapen(lines, "$", b"")


def _misshapen(lines: list[str], path: str, body: bytes) -> MalformedResponseError:
    where = lines[0].rpartition(" @ ")
    return MalformedResponseError(message="; ".join(lines[:3]), path=where[2] or path, body=body[:1000])


def _explain(data: Any, into: Any, exact: Converter, path: str) -> list[str]:
    try:
        exact.structure(data, into)
    except BaseValidationError as error:
        return transform_error(error, path=path, format_exception=_say)
    except Exception as error:  # noqa: BLE001  # a scalar at the top has no path
        return [f"{_say(error, into)} @ {path}"]
    return [f"cannot be read as {into} @ {path}"]


def _say(error: BaseException, _: Any) -> str:
    if isinstance(error, KeyError):
        return f"required field {error.args[0]!r} is missing"
    return str(error)


def to_dict(value: Any) -> Any:
    """A model, or any nesting of models, as plain JSON types under the API's own names; what is None is left out."""
    return _FAST.unstructure(value)


def from_dict(data: Any, into: type[T]) -> T:
    """The reverse of `to_dict`.

    Raises:
        MalformedResponseError: The shape is another.
    """
    return structure(data, into)


def _vectors(found: dict[str, Any]) -> dict[str, Any]:
    """Turn vectors into arrays as soon as their object is parsed: the list of floats never piles up."""
    for name in ("float", "embedding"):
        value: Any = found.get(name)
        if value.__class__ is list and len(value) >= VECTOR_FROM:
            try:
                found[name] = array("d", value)
            except (TypeError, OverflowError):
                continue  # not a vector: the converter will say what it should have been
    return found


def _model_hook(converter: Converter, kind: type[Model]) -> Callable[[Any, Any], Model]:
    if not converter.detailed_validation and has_constructor(kind):
        return constructor(converter, kind, _wires(kind))
    return _exact_hook(converter, kind)


def _exact_hook(converter: Converter, kind: type[Model]) -> Callable[[Any, Any], Model]:
    wires = _wires(kind)
    build = make_dict_structure_fn(
        kind, converter, **_overrides(wires), _cattrs_detailed_validation=converter.detailed_validation
    )
    known = frozenset(wires.values())
    dates = tuple((f.name, wires[f.name]) for f in attrs.fields(kind) if f.type == datetime | None)
    id_is_underscored = wires.get("id") == "_id"

    def hook(data: Any, _: Any) -> Model:
        if not isinstance(data, dict):
            raise wrong(f"an object ({kind.__name__})", data)
        found = cast("dict[str, Any]", data)
        if None in found.values():
            found = {name: value for name, value in found.items() if value is not None}
        if id_is_underscored and "_id" not in found and "id" in found:
            found = {"_id" if name == "id" else name: value for name, value in found.items()}
        model = build(found, kind)
        new = found.keys() - known if not found.keys() <= known else ()
        unread = [wire for name, wire in dates if getattr(model, name) is None and wire in found]
        if new or unread:
            object.__setattr__(model, "extra", {name: found[name] for name in (*new, *unread)})
        return model

    return hook


def _unmodel_hook(converter: Converter, kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    dump = make_dict_unstructure_fn(kind, converter, **_overrides(_wires(kind)))

    def unhook(value: Any) -> dict[str, Any]:
        plain = {name: item for name, item in dump(value).items() if item is not None}
        return {**plain, **getattr(value, "extra", {})}

    return unhook


def _wires(kind: type[Any]) -> dict[str, str]:
    """The API's name of each field."""
    return {field.name: field.metadata.get("wire", field.name) for field in attrs.fields(kind) if field.name != "extra"}


def _overrides(wires: Mapping[str, str]) -> dict[str, Any]:
    return {
        "extra": override(omit=True),
        **{name: override(rename=wire) for name, wire in wires.items() if wire != name},
    }


def _is_literal(kind: Any) -> bool:
    return str(get_origin(kind)) == "typing.Literal"


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis


def _is_scalar_union(kind: Any) -> bool:
    kinds = [member for member in get_args(kind) if member is not NoneType]
    return get_origin(kind) in {Union, UnionType} and len(kinds) > 1 and {*kinds} <= {str, int, float, bool}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _build(*, detailed: bool, closed: bool = False) -> Converter:
    converter = Converter(detailed_validation=detailed)
    for kind, hook in ((str, as_str), (bool, as_bool), (int, as_int), (float, as_float), (datetime, as_datetime)):
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_func(lambda kind: kind == datetime | None, as_datetime)
    converter.register_structure_hook_func(_is_literal, as_known if closed else as_open)
    converter.register_structure_hook_func(_is_scalar_union, as_scalar)
    converter.register_structure_hook_factory(_is_list, lambda k, conv: only_lists(list_structure_factory(k, conv)))
    converter.register_structure_hook_factory(
        _is_tuple, lambda k, conv: only_lists(homogenous_tuple_structure_factory(k, conv))
    )
    converter.register_structure_hook_func(lambda kind: kind is dict, as_dict)
    converter.register_structure_hook_func(lambda kind: kind is array, as_vector)
    converter.register_structure_hook_factory(_is_model, lambda kind, conv: _model_hook(conv, kind))
    converter.register_unstructure_hook(datetime, lambda moment: moment.isoformat().replace("+00:00", "Z"))
    converter.register_unstructure_hook_func(lambda kind: kind is array, list)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and attrs.has(kind), lambda kind, conv: _unmodel_hook(conv, kind)
    )
    return converter


_FAST: Final = _build(detailed=False)
_EXACT: Final = _build(detailed=True)
_CLOSED: Final = _build(detailed=True, closed=True)


def encode(request: Request[Any]) -> Body:
    """The body of a request, the same bytes for each attempt.

    Raises:
        InvalidInputError: It cannot be written as JSON, or as UTF-8.
    """
    body = NO_BODY
    try:
        if request.form is not None:
            body = encode_form(request.form)
        elif request.json is not None:
            body = encode_json(json_bytes(request.json))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"the body of {request.operation} cannot be sent: {error}") from None
    return attrs.evolve(body, beside=request.headers) if request.headers else body


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """A JSON body; models in it are turned into the API's names, None in an object of ours is left out."""
    return json.dumps(to_dict(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

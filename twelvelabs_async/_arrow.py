"""Builds Arrow tables of models with arro3: each type of a field has its type of a column. Imported on first use."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from itertools import accumulate, chain
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin

import attrs
from arro3.core import Array, DataType, Field, Table

from twelvelabs_async._codec.converter import to_dict
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models._interop import wire_names

core: Final[Any] = import_module("arro3.core")  # some of its functions have parameters of unknown types

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
TIMESTAMP: Final = DataType.timestamp("us", tz="UTC")

Values = Sequence[Any]
"""The values of a column; None where there is none."""


@attrs.frozen
class ColumnType:
    """The type of a column, and the function that builds its array."""

    type: DataType
    build: Callable[[Values], Array]


def table_of(models: Sequence[Any], model_class: Any) -> Table:
    """Return a table with one row for each model.

    Raises:
        InvalidInputError: A value does not fit its column.
    """
    columns: dict[str, Any] = {}
    for wire, field in _fields(model_class):
        columns[wire] = build_column(wire, field.type, [getattr(model, field.name) for model in models])
    if hasattr(model_class, "extra"):
        columns["extra"] = JSON_TEXT.build([model.extra or None for model in models])
    return cast("Table", core.Table.from_pydict(columns))


def build_column(name: str, annotation: Any, values: Values) -> Array:
    """Return the array of a column.

    Args:
        name: Name of the column, for errors.
        annotation: Type of the values in Python.
        values: The values.

    Raises:
        InvalidInputError: A value does not fit.
    """
    try:
        return _vectors(values) if annotation is array else _column(annotation, ()).build(values)
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InvalidInputError(f"a value of {name!r} does not fit its column: {error}") from None


def _column(annotation: Any, within: tuple[Any, ...]) -> ColumnType:
    """Return the column for a type; a model that is `within` itself is JSON."""
    members = [member for member in _members(annotation) if member is not NoneType]
    if len(members) != 1:
        return JSON_TEXT
    (member,) = members
    if get_origin(member) is Literal:
        member = get_args(member)[0].__class__
    if member in SCALARS:
        return SCALARS[member]
    if get_origin(member) is tuple and get_args(member)[1:] == (Ellipsis,):
        return _list(_column(get_args(member)[0], within))
    if attrs.has(member) and member not in within and _fields(member):
        return _struct(member, within)
    return JSON_TEXT


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)


@cache
def _fields(model_class: Any) -> tuple[tuple[str, attrs.Attribute[Any]], ...]:
    """Return the fields of a model by the API's names, without `extra`."""
    fields = attrs.fields_dict(attrs.resolve_types(model_class))
    return tuple((wire, fields[name]) for name, wire in wire_names(model_class).items())


def _scalar(kind: DataType, convert: Callable[[Any], Any] | None = None) -> ColumnType:
    def build(values: Values) -> Array:
        return Array(values if convert is None else _converted(convert, values), kind)

    return ColumnType(kind, build)


def _converted(convert: Callable[[Any], Any], values: Values) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


def _text(value: str) -> str:
    """Return a string without surrogates, which JSON allows and UTF-8 does not."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _microseconds(value: datetime) -> int:
    return (value - EPOCH) // MICROSECOND


def _timestamps(values: Values) -> Array:
    return Array(_converted(_microseconds, values), DataType.int64()).cast(TIMESTAMP)


def _mask(values: Values) -> Array:
    return Array([value is None for value in values], DataType.bool())


def _list(item: ColumnType) -> ColumnType:
    kind = DataType.list(Field("item", item.type))

    def build(values: Values) -> Array:
        lists: list[Sequence[Any]] = [() if value is None else value for value in values]
        offsets = Array(list(accumulate(map(len, lists), initial=0)), DataType.int32())
        return cast(
            "Array", core.list_array(offsets, item.build([*chain.from_iterable(lists)]), type=kind, mask=_mask(values))
        )

    return ColumnType(kind, build)


def _vectors(values: Values) -> Array:
    """Return vectors as lists of a fixed size if all have the same length, as vector stores require."""
    lengths = {len(value) for value in values if value is not None}
    if len(lengths) != 1 or 0 in lengths:
        return VECTOR.build(values)
    (length,) = lengths
    empty = (0.0,) * length
    numbers = chain.from_iterable(empty if value is None else value for value in values)
    kind = DataType.list(Field("item", DataType.float32()), length)
    return cast("Array", core.fixed_size_list_array(_float32(numbers), length, type=kind, mask=_mask(values)))


def _float32(numbers: Iterable[float]) -> Array:
    packed = array("f", numbers)
    return cast("Array", core.Array.from_buffer(packed) if packed else Array([], DataType.float32()))


def _struct(model_class: Any, within: tuple[Any, ...]) -> ColumnType:
    columns = [(wire, field.name, _column(field.type, (*within, model_class))) for wire, field in _fields(model_class)]
    fields = [Field(wire, column.type) for wire, _, column in columns]

    def build(values: Values) -> Array:
        arrays = [column.build([getattr(value, name, None) for value in values]) for _, name, column in columns]
        return cast("Array", core.struct_array(arrays, fields=fields, mask=_mask(values)))

    return ColumnType(DataType.struct(fields), build)


JSON_TEXT: Final = _scalar(DataType.string(), lambda value: json.dumps(to_dict(value)))
VECTOR: Final = _list(ColumnType(DataType.float32(), _float32))
SCALARS: Final[Mapping[Any, ColumnType]] = {
    str: _scalar(DataType.string(), _text),
    bool: _scalar(DataType.bool()),
    int: _scalar(DataType.int64()),
    float: _scalar(DataType.float64()),
    datetime: ColumnType(TIMESTAMP, _timestamps),
    array: VECTOR,
}

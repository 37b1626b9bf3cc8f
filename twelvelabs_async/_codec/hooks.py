"""Strict cattrs structure hooks for scalars: a value of another type is an error, never converted."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, cast, get_args

from twelvelabs_async.models.common import Vector

JSON_TYPE_NAMES: Final = {"NoneType": "null", "dict": "object", "list": "array", "bool": "boolean"}
"""JSON names of Python types."""


def type_mismatch(expected: str, value: Any) -> TypeError:
    """Return the error for a value of an unexpected type."""
    got = type(value).__name__
    return TypeError(f"expected {expected}, got {JSON_TYPE_NAMES.get(got, got)}")


def as_str(value: Any, _: Any) -> str:
    """Structure a string."""
    if isinstance(value, str):
        return value
    raise type_mismatch("str", value)


def as_bool(value: Any, _: Any) -> bool:
    """Structure a boolean; 0 and 1 are not booleans."""
    if isinstance(value, bool):
        return value
    raise type_mismatch("bool", value)


def as_int(value: Any, _: Any) -> int:
    """Structure an integer, also one that is written as a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the API writes some integers as 12.0
    raise type_mismatch("int", value)


def as_float(value: Any, _: Any) -> float:
    """Structure a number."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    raise type_mismatch("float", value)


def as_datetime(value: Any, _: Any) -> datetime | None:
    """Structure an RFC 3339 date, in UTC if it has no timezone; None if it is not one."""
    if not isinstance(value, str):
        return None
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def as_dict(value: Any, _: Any) -> dict[str, Any]:
    """Structure an object as a dict, unchanged."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise type_mismatch("an object", value)


def as_vector(value: Any, _: Any) -> Vector:
    """Structure a list of numbers as an array."""
    if isinstance(value, array):
        return cast("Vector", value)
    try:
        return array("d", value)
    except TypeError:
        raise type_mismatch("a list of numbers", value) from None


def structure_open_literal(value: Any, _: Any) -> str:
    """Structure a member of a `Literal`, or any other string."""
    return as_str(value, None)


def structure_closed_literal(value: Any, target_type: Any) -> Any:
    """Structure a member of a `Literal`, and nothing else."""
    for member in get_args(target_type):
        if value == member and isinstance(value, bool) is isinstance(member, bool):
            return member
    raise TypeError(f"expected one of {get_args(target_type)}, got {value!r:.100}")


def as_scalar(value: Any, target_type: Any) -> Any:
    """Structure a union of scalars, such as `int | str`."""
    kinds = get_args(target_type)
    if type(value) in kinds or (type(value) is int and float in kinds):
        return value
    if type(value) is float and int in kinds:
        return as_int(value, None)
    raise type_mismatch(str(target_type), value)


def require_sequence(structure_sequence: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Wrap a hook for sequences so that it rejects strings and objects, which can be iterated too."""

    def hook(value: Any, target_type: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise type_mismatch("an array", value)
        return structure_sequence(value, target_type)

    return hook

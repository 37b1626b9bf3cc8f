"""The leaves of a JSON document, each told from what it is not: structure hooks for cattrs, without state."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, cast, get_args

from twelvelabs_async.models.common import Vector

JSON_NAMES: Final = {"NoneType": "null", "dict": "object", "list": "array", "bool": "boolean"}
"""What JSON calls types of Python."""


def wrong(expected: str, value: Any) -> TypeError:
    """The error for a value of another type."""
    got = type(value).__name__
    return TypeError(f"expected {expected}, not {JSON_NAMES.get(got, got)}")


def as_str(value: Any, _: Any) -> str:
    """A text."""
    if isinstance(value, str):
        return value
    raise wrong("str", value)


def as_bool(value: Any, _: Any) -> bool:
    """True or false, not 1 or 0."""
    if isinstance(value, bool):
        return value
    raise wrong("bool", value)


def as_int(value: Any, _: Any) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)  # whole numbers arrive as 12.0 here and there
    raise wrong("int", value)


def as_float(value: Any, _: Any) -> float:
    """A number."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    raise wrong("float", value)


def as_datetime(value: Any, _: Any) -> datetime | None:
    """A moment as RFC 3339 has it, in UTC if it names no zone; None if it cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_dict(value: Any, _: Any) -> dict[str, Any]:
    """An object, as it is."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise wrong("an object", value)


def as_vector(value: Any, _: Any) -> Vector:
    """Numbers, as an array of them."""
    if isinstance(value, array):
        return cast("Vector", value)
    try:
        return array("d", value)
    except TypeError:
        raise wrong("a list of numbers", value) from None


def as_open(value: Any, _: Any) -> str:
    """A member of a `Literal`, known or new."""
    return as_str(value, None)


def as_known(value: Any, kind: Any) -> Any:
    """A member of a `Literal` that has no others."""
    for member in get_args(kind):
        if value == member and isinstance(value, bool) is isinstance(member, bool):
            return member
    raise TypeError(f"expected one of {get_args(kind)}, not {value!r:.100}")


def as_scalar(value: Any, kind: Any) -> Any:
    """One of several plain types, such as `int | str`."""
    kinds = get_args(kind)
    if type(value) in kinds or (type(value) is int and float in kinds):
        return value
    if type(value) is float and int in kinds:
        return as_int(value, None)
    raise wrong(str(kind), value)


def only_lists(structure_all: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Refuse what else can be iterated: a text would become its letters, an object its keys."""

    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise wrong("an array", value)
        return structure_all(value, kind)

    return hook

"""Checks single arguments, such as ids, numbers and choices, encodes them for requests, and describes them in errors.

Functions that begin with `checked_` return the argument, and those that begin with `require_` return nothing. Functions
with three parameters are validators of attrs.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeVar, cast, get_args

import attrs

from twelvelabs_async._text import error_text
from twelvelabs_async.errors import InvalidInputError

_T = TypeVar("_T")
_R = TypeVar("_R")

PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_~-]+")
"""Ids that need no escaping, as the platform creates them."""

MAX_ID_LENGTH: Final = 4096
"""Longest value of a path variable in characters; page tokens have hundreds."""

MAX_QUERY_DEPTH: Final = 8
"""Deepest mapping in a query."""

DEFAULT_PAGE_LIMIT: Final = 10
"""Items per page when the request has no `page_limit`."""

MAX_INTEGER: Final = 2**64
"""No number in a request has more than 64 bits."""

MAX_NUMBER: Final = 2**53
"""Largest integer of a setting; beyond it, a float is not exact."""

_PATH_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
"""A variable in a path template."""


@lru_cache(maxsize=256)  # there are fewer operations
def parse_template(path_template: str) -> tuple[str, Mapping[str, str]]:
    """Return the template as a format for `%`, and the names of its variables in the API by those in Python."""
    names: list[str] = _PATH_VARIABLE.findall(path_template)
    shape = _PATH_VARIABLE.sub(
        lambda variable: f"%({variable[1].replace('-', '_')})s", path_template.replace("%", "%%")
    )
    return shape, {name.replace("-", "_"): name for name in names}


def checked_id(name: str, value: object) -> str:
    """Return `value` if it can be one segment of a path.

    Raises:
        InvalidInputError: It is not a string, is empty, `.` or `..`, or contains a slash or a control character.
    """
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} must be a string, got {describe(value)}")
    text = str.__str__(value)
    if PLAIN_ID.fullmatch(text) and len(text) <= MAX_ID_LENGTH:
        return text
    if text.strip() in {"", ".", ".."}:
        raise InvalidInputError(f"{name} must not be empty, '.' or '..', got {text!r}")
    if any(c in "/\\" or unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text):
        raise InvalidInputError(f"{name} must not contain slashes or control characters, got {describe(text)}")
    if len(text) > MAX_ID_LENGTH:
        raise InvalidInputError(f"{name} must have at most {MAX_ID_LENGTH} characters, got {len(text)}")
    return text


_Fields = dict[object, Any]
"""A dict of a caller; its keys are not checked yet."""


def query_pairs(query: Mapping[str, Any], *, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Return the name and value pairs of a query or form: one for each value of a list, mappings as `name[key]`.

    Raises:
        InvalidInputError: A value is not a scalar, or a list or mapping of scalars; see `encode_scalar`.
    """
    for given, value in query.items():
        name = given if given.__class__ is str else plain_name(given, "the query")
        match value:
            case None:
                continue
            case list() | tuple() | set() | frozenset():
                items = cast("Collection[Any]", value)
                if any(item is None for item in items):
                    raise InvalidInputError(f"{name} must not contain None")
                yield from ((name, encode_scalar(item, name)) for item in items)
            case dict() if depth < MAX_QUERY_DEPTH:
                fields = read_object(name, cast("_Fields", value), lambda given: dict(given.items()))
                named = {f"{name}[{plain_name(key, name)}]": item for key, item in fields.items()}
                yield from query_pairs(named, depth=depth + 1)
            case _:
                yield name, encode_scalar(value, name)


def encode_scalar(value: object, name: str) -> str:
    """Encode a scalar for a query or a form.

    Raises:
        InvalidInputError: See `plain_scalar`.
    """
    scalar = plain_scalar(value, name)
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return str(scalar)


def plain_name(key: object, name: str) -> str:
    """Return a key of a dict as it is sent: a plain string, also for a member of a `str` enum.

    Args:
        key: The key.
        name: Name of the dict, for errors.

    Raises:
        InvalidInputError: It is not a string.
    """
    if isinstance(key, Enum):
        return plain_name(key.value, name)
    if not isinstance(key, str):
        raise InvalidInputError(f"keys of {name} must be strings, got {describe(key)}")
    return str.__str__(key)


def plain_scalar(value: object, name: str) -> str | int | float:
    """Return a scalar as it is sent in queries, forms and JSON: an `Enum` by its value, a `datetime` as RFC 3339.

    Args:
        value: The value.
        name: Name of the parameter, for errors.

    Raises:
        InvalidInputError: It is not a scalar, a number is not finite, or a datetime has no timezone.
    """
    match value:
        case Enum():
            return plain_scalar(value.value, name)
        case str():
            return str.__str__(value)
        case bool() | int() if abs(value) < MAX_INTEGER:
            return value
        case float() if math.isfinite(value):
            return value
        case datetime() if value.tzinfo is None:
            raise InvalidInputError(f"{name} is a naive datetime, {value.isoformat()}; pass a timezone-aware datetime")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case int():
            raise InvalidInputError(f"{name} is too large: an integer of {value.bit_length()} bits")
        case float():
            raise InvalidInputError(f"{name} must be a finite number, got {value}")
        case _:
            kinds = "a string, a number, a boolean or a date"
            raise InvalidInputError(f"{name} must be {kinds}, got {describe(value)}")


def checked_int(name: str, value: object, minimum: int = 1, maximum: int = MAX_INTEGER) -> int:
    """Return a whole number.

    Raises:
        InvalidInputError: It is not a whole number, or is out of range.
    """
    if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
        return value
    bounds = f"at least {minimum}" if maximum == MAX_INTEGER else f"from {minimum} to {maximum}"
    raise InvalidInputError(f"{name} must be a whole number, {bounds}, got {describe(value)}")


def describe(value: object) -> str:
    """Return a short description of an argument for an error: a scalar itself, and the type of anything else."""
    if isinstance(value, str):
        text = str.__str__(value)
        return repr(text if len(text) <= 40 else f"{text[:40]}…")
    if isinstance(value, float | bool | None) or (type(value) is int and abs(value) < 10**20):
        return repr(value)
    return type(value).__name__


def omit_none(**values: Any) -> dict[str, Any]:
    """Return the arguments that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def require_number(name: str, value: object, *, allow_zero: bool = False, finite: bool = False) -> None:
    """Check a number, such as seconds.

    Raises:
        InvalidInputError: It is not a number, is NaN or too small, or is infinite although it must be `finite`.
    """
    wanted = f"{name} must be a {'finite ' if finite else ''}number {'at least' if allow_zero else 'above'} 0"
    if isinstance(value, timedelta):
        raise InvalidInputError(f"{wanted}, got a timedelta; pass its total_seconds()")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(f"{wanted}, got {describe(value)}")
    too_large = isinstance(value, int) and value > MAX_NUMBER
    in_range = value >= 0 if allow_zero else value > 0
    if not in_range or too_large or (finite and value == math.inf):
        raise InvalidInputError(f"{wanted}, got {describe(value)}")


def require_type(name: str, value: object, kind: Any, expected: str) -> None:
    """Check an optional setting.

    Raises:
        InvalidInputError: It is neither None nor of this type.
    """
    if value is not None and not isinstance(value, kind):
        raise InvalidInputError(f"{name} must be {expected}, got {describe(value)}")


def positive(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate a positive number; infinity is one."""
    require_number(attribute.name, value)


def positive_finite(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate a finite positive number."""
    require_number(attribute.name, value, finite=True)


def non_negative(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate a number of 0 or more; infinity is one."""
    require_number(attribute.name, value, allow_zero=True)


def require_bool(name: str, value: object) -> None:
    """Raise `InvalidInputError` if a value is not True or False."""
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name} must be True or False, got {describe(value)}")


def boolean(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate True or False."""
    require_bool(attribute.name, value)


def non_negative_int(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate an integer of 0 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
        raise InvalidInputError(f"{attribute.name} must be a non-negative integer, got {describe(value)}")


def positive_int(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate an integer of 1 or more."""
    checked_int(attribute.name, value)


def require_choice(name: str, value: object, literal: Any) -> None:
    """Check an optional setting whose values are the members of a `Literal`.

    Raises:
        InvalidInputError: It is neither None nor one of them.
    """
    if value is not None and not (isinstance(value, str) and value in get_args(literal)):
        raise InvalidInputError(f"{name} must be one of {', '.join(get_args(literal))}, got {describe(value)}")


def one_of(literal: Any) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Return a validator for the members of a `Literal`."""

    def validate(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None:
            raise InvalidInputError(f"{attribute.name} must not be None")
        require_choice(attribute.name, value, literal)

    return validate


def named_values(name: str, value: object) -> Mapping[str, Any]:
    """Return headers, query parameters or fields by name.

    Raises:
        InvalidInputError: It is not a dict, or a key is not a string.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{name} must be a dict, got {describe(value)}")
    for key in read_object(name, cast("Mapping[object, Any]", value), lambda fields: dict(fields.items())):
        if not isinstance(key, str) or not key:
            raise InvalidInputError(f"keys of {name} must be non-empty strings, got {describe(key)}")
    return cast("Mapping[str, Any]", value)


def read_object(name: str, value: _T, read: Callable[[_T], _R]) -> _R:
    """Return what `read` makes of an object of the caller, whose methods may raise anything.

    Raises:
        InvalidInputError: They have raised an exception.
        RecursionError: The object contains itself.
    """
    try:
        return read(value)
    except (RecursionError, InvalidInputError):
        raise
    except Exception as error:
        raise InvalidInputError(f"{name} cannot be read: {error_text(error)}") from error

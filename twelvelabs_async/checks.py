"""Input that is refused before anything is sent, with words that say what is wrong with it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from twelvelabs_async.errors import InvalidInputError

LARGEST_INTEGER: Final = 2**53 - 1
"""The platform keeps integers of 53 bits."""


def checked_metadata(
    metadata: Mapping[str, Any] | None, *, deleting: bool = False, name: str = "user_metadata"
) -> dict[str, Any] | None:
    """User metadata as the platform takes it: flat, with plain values. `deleting` allows None, which removes a key.

    `name` is what the operation calls it.

    Raises:
        InvalidInputError: A value is a map, a list of other things than text, or an integer of more than 53 bits.
    """
    if metadata is None:
        return None
    for key, value in metadata.items():
        if not (key and isinstance(key, str)):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
            raise InvalidInputError(f"a key of {name} must be text, not {key!r}")
        _check_value(f"{name}[{key!r}]", value, deleting=deleting)
    return dict(metadata)


def _check_value(place: str, value: Any, *, deleting: bool) -> None:
    match value:
        case float() if not math.isfinite(value):
            raise InvalidInputError(f"{place} is {value}, which JSON has no word for")
        case bool() | str() | float():
            return
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise InvalidInputError(f"{place} has more than 53 bits; send it as text")
        case None if deleting:
            return
        case list() | tuple() if all(isinstance(item, str) for item in value):  # pyright: ignore[reportUnknownVariableType]  # any list
            return
        case _:
            kind = type(value).__name__
            raise InvalidInputError(f"{place} is a {kind}; values are text, numbers, booleans or lists of text")


def metadata_text(metadata: Mapping[str, Any] | None) -> str | None:
    """User metadata as the one form field the platform wants: JSON text."""
    checked = checked_metadata(metadata)
    return None if checked is None else json.dumps(checked, ensure_ascii=False, separators=(",", ":"))

"""The keys and values that users hang on their assets and videos."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator.errors import invalid

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import UserMetadata

PARAMETER = "user_metadata"
WIDEST_INTEGER = (1 << 53) - 1


def read(value: object) -> UserMetadata:
    """Return new metadata; empty strings, empty lists and null are left out.

    Raises:
        ApiError: It is no flat object.
    """
    return {key: entry for key, entry in _checked(value).items() if entry not in (None, "", [])}


def read_text(text: str | None) -> UserMetadata:
    """Return the metadata of a form, where it is JSON in a field.

    Raises:
        ApiError: It is no flat JSON object.
    """
    if not text:
        return {}
    try:
        return read(json.loads(text))
    except ValueError as error:
        raise invalid(PARAMETER, "it is no JSON") from error


def merge(old: UserMetadata, value: object) -> UserMetadata:
    """Return the old metadata with changes; null deletes a key, an empty string or list changes nothing.

    Raises:
        ApiError: The changes are no flat object.
    """
    changes = _checked(value)
    kept = {key: entry for key, entry in old.items() if changes.get(key, entry) is not None}
    return kept | {key: entry for key, entry in changes.items() if entry not in (None, "", [])}


def _checked(value: object) -> UserMetadata:
    if not isinstance(value, dict):
        raise invalid(PARAMETER, "it must be an object")
    entries = cast("dict[str, Any]", value)
    for key, entry in entries.items():
        if not _is_flat(entry):
            raise invalid(PARAMETER, f"the value of {key} must be a string, a number, a boolean or a list of strings")
    return entries


def _is_flat(entry: object) -> bool:
    if isinstance(entry, list):
        return all(isinstance(item, str) for item in cast("list[object]", entry))
    if isinstance(entry, int):
        return abs(entry) <= WIDEST_INTEGER
    return entry is None or isinstance(entry, str | float)


def fits(entry: object, wanted: str) -> bool:
    """Say whether a value is the one a query parameter spells out."""
    if isinstance(entry, list):
        return wanted in cast("list[object]", entry)
    if isinstance(entry, bool):
        return wanted.lower() == str(entry).lower()
    if isinstance(entry, int | float):
        return _number(wanted) == entry
    return entry == wanted


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

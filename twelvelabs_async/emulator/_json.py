"""Values in JSON, queries and forms: strict JSON with null as absence, numbers and timestamps.

`int` and `float` accept more than a JSON number: `nan`, `inf`, `1_0`, spaces, a plus sign and digits of any script.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import cast

FREE_FORM = frozenset({"user_metadata", "metadata", "json_schema", "schema"})
"""Properties whose content is the client's own; a null in it has a meaning."""


_INTEGER = re.compile(r"-?[0-9]{1,400}")

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def parse_json(document: str | bytes) -> object:
    """Parse JSON; NaN, infinity, unpaired surrogates and too many levels raise `ValueError`."""
    try:
        content: object = json.loads(document, parse_constant=_parse_finite, parse_float=_parse_finite)
    except RecursionError as error:
        raise ValueError("it has too many levels") from error
    lower = document.lower()
    if "\\ud" in lower if isinstance(lower, str) else b"\\ud" in lower:
        json.dumps(content, ensure_ascii=False).encode()
    return content


def without_nulls(value: object) -> object:
    """Return a JSON value without the properties that are null, except in `FREE_FORM` properties.

    Raises:
        ValueError: It has too many levels.
    """
    try:
        return _without_nulls(value)
    except RecursionError as error:
        raise ValueError("it has too many levels") from error


def _without_nulls(value: object) -> object:
    if isinstance(value, list):
        return [_without_nulls(entry) for entry in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    return {
        name: entry if name in FREE_FORM else _without_nulls(entry)
        for name, entry in cast("dict[str, object]", value).items()
        if entry is not None
    }


def _parse_finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError(f"{literal} is not a JSON number")
    return value


def parse_integer(text: str) -> int:
    """Parse an integer of at most 400 digits.

    Raises:
        ValueError: The string is not such an integer.
    """
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text[:50]!r} is not an integer")
    return int(text)


def parse_number(text: str) -> float:
    """Parse a finite number.

    Raises:
        ValueError: The string is not a number, or it is too large.
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:50]!r} is not a number")
    return value


MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def rfc3339_millis(seconds: float) -> str:
    """Format a time with milliseconds, as the asset and upload endpoints do."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_seconds(seconds: float) -> str:
    """Format a time in whole seconds, as the task endpoints do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micros(seconds: float) -> str:
    """Format a time with microseconds, or without a fraction if it is whole.

    Emulators repeat the ids of indexes; the time at which an index was created distinguishes them.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def parse_rfc3339(value: str) -> float:
    """Parse an RFC 3339 timestamp; one without an offset counts as UTC.

    Raises:
        ValueError: The string is not a timestamp.
    """
    parsed = datetime.fromisoformat(value)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()

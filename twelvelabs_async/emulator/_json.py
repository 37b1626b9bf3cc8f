"""Strict JSON, and null as absence."""

from __future__ import annotations

import json
import math
from typing import cast

FREE_FORM = frozenset({"user_metadata", "metadata", "json_schema", "schema"})
"""Properties whose content is the client's own; a null in it has a meaning."""


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

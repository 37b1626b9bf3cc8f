"""What callers may pass, in the form the API takes it. What cannot be right is refused before anything is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs

from twelvelabs_async.codec import json_bytes
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import MetadataValue, Range, RangeLike
from twelvelabs_async.request import FilePart, given

T = TypeVar("T")

FileLike = bytes | FilePart
"""A file: its bytes, or a part with a name, a media type and a way to open it."""

MetadataFilter = Mapping[str, str | float | bool]
"""User metadata to look for: each key has to have exactly this value."""

MetadataChange = Mapping[str, MetadataValue | None]
"""User metadata to set; None removes a key."""

SearchFilter = Mapping[str, Any] | str
"""Conditions on what is searched, as a dict or as JSON text."""

UNNAMED: Final = "upload"
"""Name of a file whose caller gave none."""

BOUNDS: Final = frozenset({"gte", "lte"})

VIDEO_LIST: Final = frozenset(
    {"page", "page_limit", "sort_by", "sort_option", "filename", "duration", "fps", "width", "height", "size"}
    | {"created_at", "updated_at", "user_metadata"}
)
"""Query parameters of lists of videos, beside which no key of user metadata can have the same name."""


def several(name: str, values: Sequence[T] | None) -> tuple[T, ...] | None:
    """The values of an option that takes several.

    Raises:
        InvalidInputError: It is one text, whose letters would be taken for values, or it is empty.
    """
    if values is None:
        return None
    if isinstance(values, str | bytes):
        raise InvalidInputError(f"{name} takes several values; put {values!r} into a list")
    if not values:
        raise InvalidInputError(f"{name} is empty")
    return tuple(values)


def ranges(**limits: RangeLike | None) -> dict[str, Any]:
    """Numeric filters as query parameters.

    Raises:
        InvalidInputError: A bound has another name than `gte` or `lte`, is missing, or is no number.
    """
    return {name: _bounds(name, limit) for name, limit in limits.items() if limit is not None}


def _bounds(name: str, limit: RangeLike) -> dict[str, float] | float:
    if isinstance(limit, Range):
        limit = given(gte=limit.gte, lte=limit.lte)
    if not isinstance(limit, Mapping):
        return _number(name, limit)
    if not limit or limit.keys() - BOUNDS:
        raise InvalidInputError(f"{name} is bounded by gte, lte or both, not by {sorted(limit)}")
    return {bound: _number(f"{name}[{bound}]", value) for bound, value in limit.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInputError(f"{name} must be a number, not {value!r}")
    return value


def with_metadata(
    query: dict[str, Any], metadata: MetadataFilter | None, *, reserved: frozenset[str]
) -> dict[str, Any]:
    """A query with a filter for each key of `metadata`, which the API reads as parameters of their own.

    Raises:
        InvalidInputError: A key is the name of a parameter in `reserved`, or a value cannot be compared.
    """
    for key, value in (metadata or {}).items():
        if key.partition("[")[0] in reserved:
            raise InvalidInputError(f"the API cannot filter by user_metadata[{key!r}]: a parameter has the same name")
        if not isinstance(value, str | int | float):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
            raise InvalidInputError(f"user_metadata[{key!r}] can be compared with text, a number or a boolean only")
    return {**query, **(metadata or {})}


def file_part(name: str, file: object, *, filename: str | None = None) -> FilePart:
    """A file as the part `name` of a form.

    Raises:
        InvalidInputError: It is empty, or neither bytes nor a `FilePart`.
    """
    match file:
        case bytes():
            part = FilePart(name=name, filename=filename or UNNAMED, content=file, size=len(file))
        case FilePart():
            part = attrs.evolve(file, name=name, filename=filename or file.filename)
        case _:
            raise InvalidInputError(f"{name} must be bytes or a FilePart, not {type(file).__name__}")
    if part.size <= 0:
        raise InvalidInputError(f"{name} is empty")
    return part


def file_parts(name: str, files: FileLike | Sequence[FileLike] | None) -> list[FilePart]:
    """None, one or several files as parts of the same name.

    Raises:
        InvalidInputError: One of them is empty, or neither bytes nor a `FilePart`.
    """
    if isinstance(files, list | tuple):
        return [file_part(name, file) for file in files]
    return [] if files is None else [file_part(name, files)]


def checked_url(url: str, name: str = "url") -> str:
    """`url` if the platform could fetch it.

    Raises:
        InvalidInputError: It is not an absolute http or https address.
    """
    try:
        parts = urlsplit(url)
    except (ValueError, AttributeError) as error:
        raise InvalidInputError(f"{name} is no address: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(c.isspace() for c in url):
        raise InvalidInputError(f"{name} must be an http or https address, not {url[:40]!r}")
    return url


def filter_text(conditions: SearchFilter | None) -> str | None:
    """A search filter as the one form field the platform wants: JSON text.

    Raises:
        InvalidInputError: It is text, and not that of a JSON object.
    """
    if conditions is None:
        return None
    if not isinstance(conditions, str):
        return json_bytes(conditions).decode()
    try:
        read = json.loads(conditions)
    except ValueError as error:
        raise InvalidInputError(f"filter is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise InvalidInputError("filter must be a JSON object")
    return conditions

"""Checks arguments with fields, such as metadata, filters and inputs, and converts them to what the API expects."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Any, Final, TypedDict, TypeVar, cast
from urllib.parse import urlsplit

from twelvelabs_async._arguments import describe, named_values, omit_none, read_object
from twelvelabs_async._codec.converter import to_dict, to_wire
from twelvelabs_async._text import shown_url
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.analyze import AnalyzeImageInput, AnalyzePromptV2, VideoContext
from twelvelabs_async.models.common import MetadataValue, ObjectLike, RangeLike

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer that the API keeps exactly."""


T = TypeVar("T")

S = TypeVar("S", bound=str)

MetadataFilter = Mapping[str, str | float | bool | None]
"""User metadata to filter by: each key must have exactly this value; None does not filter."""

MetadataUpdate = Mapping[str, MetadataValue | None]
"""User metadata to set; None removes a key."""

SearchFilter = ObjectLike | str
"""Conditions of a search, as a dict or as a JSON string."""

RANGE_OPERATORS: Final = frozenset({"gte", "lte"})

VIDEO_LIST_PARAMS: Final = frozenset(
    {"page", "page_limit", "sort_by", "sort_option", "filename", "duration", "fps", "width", "height", "size"}
    | {"created_at", "updated_at", "user_metadata"}
)
"""Query parameters of lists of videos, whose names no key of user metadata can have."""

UNSUPPORTED_PARAMETERS: Final[Mapping[str, str]] = {
    "adjust_confidence_level": "not a parameter of API v1.3, which returns no confidence",
    "engine_id": "use model_name=",
    "index_id": "pass an asset, as in video={'type': 'asset_id', 'asset_id': '...'}",
    "max_retries": "use client.with_options(max_retries=...)",
    "options": "use search_options=",
    "query": "use query_text=",
    "request_options": "use client.with_options(...)",
    "retry_delay": "the pause before a retry grows with each attempt",
    "sort_option": "not a parameter of API v1.3; results are ordered by rank",
    "threshold": "not a parameter of API v1.3, which returns no score",
    "video_id": "pass an asset, as in video={'type': 'asset_id', 'asset_id': '...'}; in an index, indexed_asset_id=",
}
"""Parameters of other versions of the API or the official client, and what to do instead."""

MAX_ANALYSIS_IMAGES: Final = 20
"""Maximum number of images per analysis."""


def checked_metadata(
    metadata: Mapping[str, Any] | None, *, allow_none: bool = False, name: str = "user_metadata"
) -> dict[str, Any] | None:
    """Return user metadata as a dict: flat, with scalar values or lists of strings.

    Args:
        metadata: The metadata.
        allow_none: Whether None, which removes a key, is a valid value.
        name: Name of the parameter, for errors.

    Raises:
        InvalidInputError: A key or a value is not valid.
    """
    if metadata is None:
        return None
    return {
        key: _checked_value(f"{name}[{key!r}]", value, allow_none=allow_none)
        for key, value in named_values(name, metadata).items()
    }


def _checked_value(label: str, value: Any, *, allow_none: bool) -> Any:
    """Return a value of user metadata; that of a member of an enum."""
    match value:
        case Enum():
            return _checked_value(label, value.value, allow_none=allow_none)
        case float() if not math.isfinite(value):
            raise InvalidInputError(f"{label} must be finite, got {value}")
        case bool() | str() | float():
            return value
        case int() if abs(value) > MAX_SAFE_INTEGER:
            raise InvalidInputError(f"{label} must fit into 53 bits, got {value}; pass it as a string")
        case int():
            return value
        case None if allow_none:
            return None
        case list() | tuple() if all(isinstance(item, str) for item in value):  # pyright: ignore[reportUnknownVariableType]  # any list
            return cast("object", value)
        case _:
            kind = describe(value)
            raise InvalidInputError(f"{label} must be a string, number, boolean or list of strings, got {kind}")


def metadata_json(metadata: Mapping[str, Any] | str | None) -> str | None:
    """Encode user metadata as JSON, for a form field. A string is JSON already, as the official SDK takes it.

    Raises:
        InvalidInputError: It is not JSON, or a key or a value is not valid.
    """
    if isinstance(metadata, str):
        metadata = checked_mapping("user_metadata", _parse_object("user_metadata", metadata))
    checked = checked_metadata(metadata)
    return None if checked is None else json.dumps(checked, ensure_ascii=False, separators=(",", ":"))


def checked_sequence(name: str, values: Sequence[T] | None) -> tuple[T, ...] | None:
    """Return the values of a parameter that takes a list.

    Raises:
        InvalidInputError: It is a string, whose characters would be sent as values, or is empty.
    """
    return None if values is None else checked_items(name, values)


def checked_items(name: str, values: Sequence[T]) -> tuple[T, ...]:
    """Return the values of a required parameter that takes a list; see `checked_sequence`.

    Raises:
        InvalidInputError: It is not a list, or is empty.
    """
    if isinstance(values, str | bytes | bytearray | memoryview) or not isinstance(
        cast("object", values), Sequence | AbstractSet
    ):
        raise InvalidInputError(f"{name} must be a list, got {describe(values)}")
    found = read_object(name, values, tuple)
    if not found:
        raise InvalidInputError(f"{name} must not be empty")
    return found


def one_or_more(name: str, value: S | Sequence[S] | None) -> tuple[S, ...] | None:
    """Return the values of a parameter that takes one value or a list.

    Raises:
        InvalidInputError: It is neither a string nor a list, or is empty.
    """
    if isinstance(value, str):
        checked_text(name, value)
        one: Any = value
        return (one,)
    return checked_sequence(name, value)


def checked_text(name: str, value: str) -> str:
    """Return a parameter that must be a string with content.

    Raises:
        InvalidInputError: It is not a string, or is blank.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"{name} must be a string, got {describe(value)}")
    if not str.strip(value):
        raise InvalidInputError(f"{name} must not be empty")
    return str.__str__(value)


def is_given(value: object) -> bool:
    """Return whether an optional text is given: it is neither None nor blank. Its type is checked later."""
    return value is not None and not (isinstance(value, str) and str.strip(value) == "")


def checked_mapping(name: str, value: object) -> Mapping[str, Any]:
    """Return a parameter that must be a dict, or an object with fields, as a dict.

    Raises:
        InvalidInputError: It is neither a dict, a model, a dataclass nor a pydantic model.
    """
    fields = _fields(name, value)
    if not isinstance(fields, Mapping):
        raise InvalidInputError(f"{name} must be a dict, got {describe(value)}")
    return cast("Mapping[str, Any]", fields)


def _fields(name: str, value: object) -> object:
    """Return an object with fields as a dict, and anything else as it is."""
    if isinstance(value, Mapping):
        return read_object(name, cast("Mapping[object, Any]", value), lambda fields: dict(fields.items()))
    try:
        return to_dict(value)
    except RecursionError:
        raise InvalidInputError(f"{name} contains itself, or is nested too deeply") from None


def range_filters(**filters: RangeLike | None) -> dict[str, Any]:
    """Convert numeric filters to query parameters.

    Raises:
        InvalidInputError: A filter has other keys than `gte` and `lte`, none of them, or a value is not a number.
    """
    return {name: _range_filter(name, limit) for name, limit in filters.items() if limit is not None}


def _range_filter(name: str, bounds: RangeLike) -> dict[str, float] | float:
    fields = _fields(name, bounds)
    if not isinstance(fields, Mapping):
        return _number(name, fields)
    limits = {key: value for key, value in cast("Mapping[object, object]", fields).items() if value is not None}
    if not limits or limits.keys() - RANGE_OPERATORS:
        given = ", ".join(describe(key) for key in limits)
        raise InvalidInputError(f"{name} accepts the keys gte and lte, got {given or 'none'}")
    return {str(bound): _number(f"{name}[{bound}]", value) for bound, value in limits.items()}


def _number(name: str, value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER
    ):
        raise InvalidInputError(f"{name} must be a number, got {describe(value)}")
    return value


def add_metadata_filters(
    query: dict[str, Any], metadata: MetadataFilter | None, *, reserved: frozenset[str]
) -> dict[str, Any]:
    """Add filters by user metadata to a query, where each key is a parameter.

    Raises:
        InvalidInputError: A key has the name of a parameter in `reserved`, or a value is not a scalar.
    """
    filters: Mapping[str, Any] = {} if metadata is None else checked_mapping("user_metadata", metadata)
    for key, value in filters.items():
        if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
            raise InvalidInputError(f"keys of user_metadata must be strings, got {describe(key)}")
        if key.partition("[")[0] in reserved:
            raise InvalidInputError(f"cannot filter by user_metadata[{key!r}]: a query parameter has the same name")
        if value is not None and not isinstance(value, str | int | float):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
            raise InvalidInputError(
                f"user_metadata[{key!r}] must be a string, number or boolean, got {type(value).__name__}"
            )
    return {**query, **filters}


def checked_url(url: str, name: str = "url") -> str:
    """Return `url` if it is an absolute http or https URL.

    Raises:
        InvalidInputError: It is not; the message does not contain its query, which may be a signature.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"{name} must be an http or https URL, got {describe(url)}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidInputError(f"{name} must be an http or https URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or any(c.isspace() for c in url):
        hint = " without whitespace" if any(c.isspace() for c in url) else ""
        raise InvalidInputError(f"{name} must be an http or https URL{hint}, got {describe(shown_url(url))}")
    return str.__str__(url)


def filter_json(conditions: SearchFilter | None) -> str | None:
    """Encode a search filter as JSON, for a form field.

    Raises:
        InvalidInputError: It is a string that is not a JSON object.
    """
    if conditions is None:
        return None
    if not isinstance(conditions, str):
        fields = to_wire(checked_mapping("filter", conditions), "filter")
        return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    _parse_object("filter", conditions)
    return conditions


def _parse_object(name: str, document: str) -> dict[str, Any]:
    """Parse a parameter that is a JSON object as text."""
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name} must be a JSON object: {error}") from None
    if not isinstance(parsed, dict):
        raise InvalidInputError(f"{name} must be a JSON object, got {describe(document)}")
    return cast("dict[str, Any]", parsed)


class NoParameters(TypedDict):
    """The type of `**unsupported`: type checkers accept no keyword; `reject_unsupported` raises an error for one."""


def reject_unsupported(method: str, unsupported: Mapping[str, object]) -> None:
    """Raise `InvalidInputError` for keyword arguments that a method does not have."""
    for name in unsupported:
        hint = UNSUPPORTED_PARAMETERS.get(name, "it is not a parameter of the API")
        raise InvalidInputError(f"{method} has no parameter {name!r}: {hint}")


def analysis_input(
    *,
    video: VideoContext | ObjectLike | None,
    image: Sequence[AnalyzeImageInput | ObjectLike] | None,
    prompt: str | None,
    prompt_v_2: AnalyzePromptV2 | ObjectLike | None,
) -> dict[str, Any]:
    """Validate the input of an analysis and return it as fields of the body."""
    if (video is None) == (image is None):
        raise InvalidInputError("pass exactly one of video= and image=")
    if prompt is not None and prompt_v_2 is not None:
        raise InvalidInputError("pass prompt= or prompt_v_2=, not both")
    if prompt is not None:
        checked_text("prompt", prompt)
    if image is not None and prompt is None:
        raise InvalidInputError("image= requires prompt=")
    images = checked_sequence("image", image)
    if images is not None and len(images) > MAX_ANALYSIS_IMAGES:
        raise InvalidInputError(f"image must contain 1 to {MAX_ANALYSIS_IMAGES} images, got {len(images)}")
    return omit_none(video=video, image=images, prompt=prompt, prompt_v2=prompt_v_2)

"""The filter of a search: a JSON object in a form field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator.errors import ApiError

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import Video

NUMERIC = {"duration", "width", "height", "size"}
_BOUNDS = {"gte", "lte"}


def read(text: str | None) -> dict[str, Any]:
    """Return the conditions, all of which a video has to meet.

    Raises:
        ApiError: It is no JSON object, or a condition is none of those that exist.
    """
    if text is None:
        return {}
    try:
        conditions: object = json.loads(text)
    except ValueError as error:
        raise _refusal("it is no JSON") from error
    if not isinstance(conditions, dict):
        raise _refusal("it must be an object")
    for name, condition in cast("dict[str, Any]", conditions).items():
        _check(name, condition)
    return cast("dict[str, Any]", conditions)


def _refusal(why: str) -> ApiError:
    return ApiError(400, "search_filter_invalid", f"The filter is invalid: {why}.")


def _check(name: str, condition: object) -> None:
    match condition:
        case dict():
            bounds = cast("dict[str, object]", condition)
            if not bounds or bounds.keys() - _BOUNDS or not all(_is_number(bound) for bound in bounds.values()):
                raise _refusal(f"the range of {name} must have gte, lte or both, and they must be numbers")
        case list():
            if name != "id" or not all(isinstance(entry, str) for entry in cast("list[object]", condition)):
                raise _refusal(f"{name} cannot be compared with a list, only id can, with a list of strings")
        case str() | bool() | int() | float():
            if name in NUMERIC and not _is_number(condition):
                raise _refusal(f"{name} must be compared with a number")
        case _:
            raise _refusal(f"{name} cannot be compared with null")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fits(conditions: dict[str, Any], video: Video) -> bool:
    """Say whether a video meets all conditions; what has another name than system metadata is user metadata."""
    media = video.asset.media
    system: dict[str, Any] = {
        "id": video.id,
        "filename": video.asset.filename,
        "duration": media.duration,
        "width": media.width,
        "height": media.height,
        "size": media.size,
    }
    values = {**video.asset.user_metadata, **video.user_metadata, **system}
    return all(_meets(values.get(name), condition) for name, condition in conditions.items())


def _meets(value: Any, condition: Any) -> bool:
    if isinstance(condition, dict):
        bounds = cast("dict[str, float]", condition)
        low, high = bounds.get("gte"), bounds.get("lte")
        return _is_number(value) and (low is None or value >= low) and (high is None or value <= high)
    if isinstance(condition, list):
        return value in condition
    if isinstance(value, list):
        return condition in value
    return isinstance(value, bool) == isinstance(condition, bool) and value == condition

"""Filters, order and pages of lists."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from multidict import MultiMapping

from twelvelabs_async.emulator._api.context import ApiResponse, RequestContext
from twelvelabs_async.emulator._api.validation import require_choice
from twelvelabs_async.emulator._errors import invalid_parameter
from twelvelabs_async.emulator._json import parse_integer, parse_number, parse_rfc3339

TIME_FIELDS = ("created_at", "updated_at", "started_at", "ended_at")
INTEGER_FIELDS = ("width", "height")
RANGE_FIELDS = ("duration", "fps", "width", "height", "size")
_NOT_METADATA = {"page", "page_limit", "sort_by", "sort_option", "status", "filename", "created_at", "updated_at"}
_BRACKETED = re.compile(r"user_metadata\[(.+)\]")
_COMPARISONS = {"gte": operator.ge, "lte": operator.le, None: operator.eq}
_TIME_RANGE = re.compile(rf"({'|'.join(TIME_FIELDS)})\[(gte|lte)\]")
_RANGE = re.compile(rf"({'|'.join(RANGE_FIELDS)})(?:\[(gte|lte)\])?")
DEFAULT_PAGE_LIMIT = 10
MAX_PAGE_LIMIT = 50
T = TypeVar("T")


def validate_bounds(query: MultiMapping[str]) -> None:
    """Validate all bounds of a query, even if the list is empty.

    Raises:
        ApiError: A bound is not a number or not a timestamp.
    """
    for name in TIME_FIELDS:
        if name in query:
            time_bound(query, name)
    for key, value in query.items():
        if _TIME_RANGE.fullmatch(key):
            time_bound(query, key)
        if match := _RANGE.fullmatch(key):
            limit = _parse_bound(key, value)
            if match[1] in INTEGER_FIELDS and not limit.is_integer():
                raise invalid_parameter(key, "it must be an integer")


def equals(query: MultiMapping[str], name: str, value: str) -> bool:
    """Return whether a string equals the query parameter, True if the parameter is absent."""
    return query.get(name, value) == value


def at_or_after(query: MultiMapping[str], **times: float) -> bool:
    """Return whether each time is at or after the query parameter of its name; an absent parameter allows all times.

    `name[gte]` is the same bound, `name[lte]` is the last time.

    Raises:
        ApiError: A parameter is not a timestamp.
    """
    return all(
        (key := name + suffix) not in query or compare(time, time_bound(query, key))
        for name, time in times.items()
        for suffix, compare in (("", operator.ge), ("[gte]", operator.ge), ("[lte]", operator.le))
    )


def time_bound(query: MultiMapping[str], name: str) -> float:
    """Return a query parameter that is a timestamp, in seconds since the epoch.

    Raises:
        ApiError: It is not a timestamp.
    """
    try:
        return parse_rfc3339(query[name])
    except ValueError as error:
        raise invalid_parameter(name, "it must be a timestamp in RFC 3339 format") from error


def in_ranges(query: MultiMapping[str], values: Mapping[str, Any]) -> bool:
    """Return whether numbers are in the ranges of a query: `name[gte]`, `name[lte]`, or `name` for an exact value.

    Raises:
        ApiError: A bound is not a number.
    """
    for key, value in query.items():
        if match := _RANGE.fullmatch(key):
            name, bound = match.groups()
            actual = values.get(name)
            if actual is None or not _COMPARISONS[bound](actual, _parse_bound(key, value)):
                return False
    return True


def _parse_bound(name: str, value: str) -> float:
    try:
        return parse_number(value)
    except ValueError as error:
        raise invalid_parameter(name, "it must be a number") from error


def matches_user_metadata(query: MultiMapping[str], user_metadata: Mapping[str, Any]) -> bool:
    """Return whether user metadata have the values in a query, given as `key=value` or `user_metadata[key]=value`."""
    for name, expected in query.items():
        bracketed = _BRACKETED.fullmatch(name)
        if not bracketed and (name in _NOT_METADATA or _RANGE.fullmatch(name) or _TIME_RANGE.fullmatch(name)):
            continue
        if not _metadata_value_matches(user_metadata.get(bracketed[1] if bracketed else name), expected):
            return False
    return True


def _metadata_value_matches(value: object, expected: str) -> bool:
    if isinstance(value, list):
        return expected in cast("list[object]", value)
    if isinstance(value, bool):
        return expected.lower() == str(value).lower()
    if isinstance(value, int | float):
        try:
            return parse_number(expected) == value
        except ValueError:
            return False
    return value == expected


class HasCreatedAt(Protocol):
    """An object with a creation time."""

    @property
    def created_at(self) -> float:
        """Creation time, in seconds since the epoch."""
        ...


HasCreatedAtT = TypeVar("HasCreatedAtT", bound=HasCreatedAt)


def paginate(
    query: MultiMapping[str], items: Sequence[T], view: Callable[[T], Mapping[str, Any]], *, name: str = "data"
) -> dict[str, Any]:
    """Return the requested page of items as JSON; a page after the last one is empty.

    Raises:
        ApiError: The page number or the page size is out of bounds.
    """
    page = parse_positive_int("page", query.get("page", "1"))
    limit = parse_positive_int("page_limit", query.get("page_limit", str(DEFAULT_PAGE_LIMIT)), MAX_PAGE_LIMIT)
    start = (page - 1) * limit
    info = {
        "page": page,
        "limit_per_page": limit,
        "total_page": -(-len(items) // limit),
        "total_results": len(items),
    }
    return {name: [view(item) for item in items[start : start + limit]], "page_info": info}


def page_response(context: RequestContext, items: Sequence[T], view: Callable[[T], Mapping[str, Any]]) -> ApiResponse:
    """Return the response with the requested page of items.

    Raises:
        ApiError: The page number or the page size is out of bounds.
    """
    return ApiResponse(paginate(context.query, items, view))


def parse_positive_int(parameter: str, text: str, maximum: int | None = None) -> int:
    """Parse an integer of at least 1.

    Raises:
        ApiError: The string is not an integer, or the integer is out of bounds.
    """
    bounds = "it must be an integer from 1" + (f" to {maximum}" if maximum else "")
    try:
        value = parse_integer(text)
    except ValueError as error:
        raise invalid_parameter(parameter, bounds) from error
    if value < 1 or (maximum is not None and value > maximum):
        raise invalid_parameter(parameter, bounds)
    return value


def newest_first(items: Sequence[HasCreatedAtT]) -> list[HasCreatedAtT]:
    """Return the items in the default order, newest first; of items with equal times the last one is first."""
    return sorted(items, key=lambda item: item.created_at)[::-1]


def sort_items(
    query: MultiMapping[str],
    items: Sequence[HasCreatedAtT],
    updated_at: Callable[[HasCreatedAtT], float],
    name: Callable[[HasCreatedAtT], str] | None = None,
) -> list[HasCreatedAtT]:
    """Return the items in the order of the parameters `sort_by` and `sort_option`.

    Args:
        query: The query parameters.
        items: The items, oldest first.
        updated_at: Returns the time of the last change of an item.
        name: Returns the name of an item, for lists that can be sorted by name.

    Raises:
        ApiError: A parameter has an unknown value.
    """
    keys: dict[str, Callable[[HasCreatedAtT], Any]] = {
        "created_at": lambda item: item.created_at,
        "updated_at": updated_at,
    }
    if name is not None:
        keys["name"] = name
    by = require_choice("sort_by", query.get("sort_by", "created_at"), keys)
    option = require_choice("sort_option", query.get("sort_option", "desc"), ("asc", "desc"))
    # Sorting is stable, which makes the order of items with equal keys deterministic.
    ascending = sorted(items, key=keys[by])
    return ascending if option == "asc" else ascending[::-1]

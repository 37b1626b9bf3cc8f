"""Filters of lists, as query parameters."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import metadata
from twelvelabs_async.emulator.clock import parse_moment
from twelvelabs_async.emulator.errors import choice, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from multidict import MultiMapping

MOMENTS = ("created_at", "updated_at", "started_at", "ended_at")
WHOLE = ("width", "height")
RANGED = ("duration", "fps", "width", "height", "size")
_NOT_METADATA = {"page", "page_limit", "sort_by", "sort_option", "status", "filename", "created_at", "updated_at"}
_BRACKETED = re.compile(r"user_metadata\[(.+)\]")
_RANGE = re.compile(rf"({'|'.join(RANGED)})(?:\[(gte|lte)\])?")


def check(query: MultiMapping[str]) -> None:
    """Look at all bounds of a query, so that a wrong one is found also where there is nothing to compare it with.

    Raises:
        ApiError: A bound is no number, or no moment.
    """
    for name in MOMENTS:
        if name in query:
            _moment(query, name)
    for key, text in query.items():
        if match := _RANGE.fullmatch(key):
            limit = _bound(key, text)
            if match[1] in WHOLE and not limit.is_integer():
                raise invalid(key, "it must be a whole number")


def exactly(query: MultiMapping[str], name: str, value: str) -> bool:
    """Say whether a text is the one asked for, if one is."""
    return query.get(name, value) == value


def since(query: MultiMapping[str], name: str, value: float) -> bool:
    """Say whether a moment is at or after the one asked for, if one is.

    Raises:
        ApiError: What is asked for is no moment.
    """
    return name not in query or value >= _moment(query, name)


def until(query: MultiMapping[str], name: str, value: float) -> bool:
    """Say whether a moment is at or before the one asked for, if one is.

    Raises:
        ApiError: What is asked for is no moment.
    """
    return name not in query or value <= _moment(query, name)


def _moment(query: MultiMapping[str], name: str) -> float:
    try:
        return parse_moment(query[name])
    except ValueError as error:
        raise invalid(name, "it must be a date in the RFC 3339 format") from error


def statuses(query: MultiMapping[str], allowed: Iterable[str]) -> set[str]:
    """Return the statuses asked for, or all of them.

    Raises:
        ApiError: One of them does not exist.
    """
    known = tuple(allowed)
    return {choice("status", status, known) for status in query.getall("status", list(known))}


def within(query: MultiMapping[str], values: Mapping[str, Any]) -> bool:
    """Say whether numbers are in the ranges asked for: `name[gte]`, `name[lte]`, or a bare name for that very number.

    Raises:
        ApiError: A bound is no number.
    """
    for key, text in query.items():
        if match := _RANGE.fullmatch(key):
            name, bound = match.groups()
            if not _in_bound(values.get(name), bound, _bound(key, text)):
                return False
    return True


def _in_bound(value: float | None, bound: str | None, limit: float) -> bool:
    if value is None:
        return False
    if bound is None:
        return value == limit
    return value >= limit if bound == "gte" else value <= limit


def _bound(name: str, text: str) -> float:
    try:
        limit = float(text)
    except ValueError as error:
        raise invalid(name, "it must be a number") from error
    if not math.isfinite(limit):
        raise invalid(name, "it must be a number")
    return limit


def described(query: MultiMapping[str], user_metadata: Mapping[str, Any]) -> bool:
    """Say whether user metadata has what is asked for, as `key=value` or `user_metadata[key]=value`."""
    for name, text in query.items():
        bracketed = _BRACKETED.fullmatch(name)
        if not bracketed and (name in _NOT_METADATA or _RANGE.fullmatch(name)):
            continue
        if not metadata.fits(user_metadata.get(bracketed[1] if bracketed else name), text):
            return False
    return True

"""What every model has, and what several groups share."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

WIRE_ID: dict[str, str] = {"wire": "_id"}
"""Metadata of a field that is `id` here and `_id` in the API's answers."""

MetadataValue = str | int | float | bool | list[str]
"""What a value of user metadata may be; maps within maps are refused by the platform."""

UserMetadata = Mapping[str, MetadataValue]
"""Your own keys on an asset, an indexed asset or a video."""

if TYPE_CHECKING:
    Vector = array[float]
    """An embedding."""
else:
    Vector = array  # has no subscript before Python 3.12

M = TypeVar("M", bound="Model")


@attrs.frozen(kw_only=True)
class Model:
    """An object of the API. What it holds beyond its fields is kept in `extra`."""

    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Fields the platform sent that this version does not know, and dates it could not read, as they came."""


@attrs.frozen(kw_only=True)
class UnknownEvent(Model):
    """An event of a stream that is newer than this version; all of it is in `extra`."""

    kind: str = ""
    """What the event calls itself."""


@attrs.frozen(kw_only=True)
class PageInfo(Model):
    """Where a page stands among the others."""

    page: int | None = None
    """Number of the page, from 1."""
    limit_per_page: int | None = None
    """Items on a full page."""
    total_page: int | None = None
    """Number of pages."""
    total_results: int | None = None
    """Number of items on all pages."""


@attrs.frozen(kw_only=True)
class Range:
    """Bounds of a numeric filter; one of them is enough."""

    gte: float | None = None
    """Lower bound, included."""
    lte: float | None = None
    """Upper bound, included."""


RangeLike = Range | Mapping[str, float] | float
"""A range, the same as a dict such as `{"gte": 5}`, or one exact number."""

Moment = datetime | str
"""A point in time: an aware `datetime`, or RFC 3339 text."""

Ids = Sequence[str]
"""Several identifiers."""

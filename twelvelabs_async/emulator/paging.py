"""Numbered pages, which every list of the API has, and the order of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from twelvelabs_async.emulator.errors import choice, invalid

if TYPE_CHECKING:
    from multidict import MultiMapping

DEFAULT_LIMIT = 10
MOST = 50

T = TypeVar("T")


class Dated(Protocol):
    """What a list can be sorted by."""

    @property
    def created_at(self) -> float:
        """When the object was made."""
        ...


DatedT = TypeVar("DatedT", bound=Dated)


def page(
    query: MultiMapping[str], items: Sequence[T], view: Callable[[T], Mapping[str, Any]], *, name: str = "data"
) -> dict[str, Any]:
    """Return one page of items as the API writes them; a page past the end is empty.

    Raises:
        ApiError: The number of the page or its size is out of bounds.
    """
    number = whole("page", query.get("page", "1"))
    limit = whole("page_limit", query.get("page_limit", str(DEFAULT_LIMIT)), MOST)
    start = (number - 1) * limit
    info = {
        "page": number,
        "limit_per_page": limit,
        "total_page": -(-len(items) // limit),
        "total_results": len(items),
    }
    return {name: [view(item) for item in items[start : start + limit]], "page_info": info}


def whole(parameter: str, text: str, most: int | None = None) -> int:
    """Read a number from 1 up.

    Raises:
        ApiError: It is none, or above the maximum.
    """
    bounds = "it must be a whole number from 1" + (f" to {most}" if most else "")
    try:
        value = int(text)
    except ValueError as error:
        raise invalid(parameter, bounds) from error
    if value < 1 or (most is not None and value > most):
        raise invalid(parameter, bounds)
    return value


def newest_first(items: Sequence[DatedT]) -> list[DatedT]:
    """Return the items in the order of most lists; of those of one moment, the one made last."""
    return sorted(items, key=lambda item: item.created_at)[::-1]


def ordered(
    query: MultiMapping[str],
    items: Sequence[DatedT],
    updated_at: Callable[[DatedT], float],
    name: Callable[[DatedT], str] | None = None,
) -> list[DatedT]:
    """Return the items in the order that `sort_by` and `sort_option` ask for; `name` is for lists that know names.

    Raises:
        ApiError: One of them has an unknown value.
    """
    keys: dict[str, Callable[[DatedT], Any]] = {"created_at": lambda item: item.created_at, "updated_at": updated_at}
    if name is not None:
        keys["name"] = name
    by = choice("sort_by", query.get("sort_by", "created_at"), keys)
    option = choice("sort_option", query.get("sort_option", "desc"), ("asc", "desc"))
    # Sorting is stable, and objects are kept oldest first: that settles the order of those of one moment.
    found = sorted(items, key=keys[by])
    return found if option == "asc" else found[::-1]

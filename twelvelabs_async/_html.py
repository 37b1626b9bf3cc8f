"""HTML tables of objects, which notebooks show instead of `repr`. All text is escaped."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final, TypeGuard, cast

import attrs

MAX_ROWS: Final = 100
"""Number of rows of a table; others are counted in its caption."""

MAX_CELL_LENGTH: Final = 200
"""Number of characters in a cell; longer text is cut."""

_EMPTY: Final[tuple[object, ...]] = (None, "", (), {})
"""Values that a table leaves out."""


def shown_fields(item: object) -> dict[str, Any]:
    """Return the fields of an attrs object that its `repr` shows, and the vectors, which it does not show."""
    if not _is_attrs_object(item):
        return {"value": item}
    fields = [(field, getattr(item, field.name)) for field in attrs.fields(type(item))]
    shown: dict[str, Any] = {field.name: value for field, value in fields if field.repr or isinstance(value, array)}
    return {name: value for name, value in shown.items() if value not in _EMPTY}


def object_table(item: object, *more: tuple[str, object]) -> str:
    """Return a table with a row for each field of an attrs object, and for each of `more`."""
    rows = [*shown_fields(item).items(), *more]
    lines = [f"<tr><th>{escape(name)}</th><td>{_cell(value, nested=True)}</td></tr>" for name, value in rows]
    return f"<table><caption>{escape(type(item).__name__)}</caption>{''.join(lines)}</table>"


def row_table(rows: Sequence[Mapping[str, object]], caption: str) -> str:
    """Return a table with a row for each mapping, and a column for each of their keys."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    lines = [f"<tr>{''.join(f'<td>{_cell(row.get(name))}</td>' for name in columns)}</tr>" for row in rows[:MAX_ROWS]]
    cut = f", the first {MAX_ROWS}" if len(rows) > MAX_ROWS else ""
    return f"<table><caption>{escape(caption)}{cut}</caption><tr>{head}</tr>{''.join(lines)}</table>"


def items_table(items: Iterable[object], caption: str) -> str:
    """Return a table with a row for each attrs object."""
    return row_table([shown_fields(item) for item in items], caption)


def _is_attrs_object(value: object) -> TypeGuard[attrs.AttrsInstance]:
    return attrs.has(type(value))


def _cell(value: object, *, nested: bool = False) -> str:
    """Return the content of a cell; a tuple of objects becomes a table if it may be `nested`."""
    if value is None:
        return ""
    if isinstance(value, array):
        return f"{len(cast('array[float]', value))} numbers"
    if isinstance(value, datetime):
        return escape(value.isoformat(sep=" ", timespec="seconds"))
    if not isinstance(value, tuple):
        return _cut(str(value))
    items = cast("tuple[object, ...]", value)
    if not any(map(_is_attrs_object, items)):
        return _cut(", ".join(map(str, items)))
    return items_table(items, f"{len(items)} items") if nested else f"{len(items)} items"


def _cut(text: str) -> str:
    cut = text if len(text) <= MAX_CELL_LENGTH else f"{text[: MAX_CELL_LENGTH - 1]}…"
    if text == cut and text.startswith(("https://", "http://")):
        return f'<a href="{escape(text)}" rel="noopener noreferrer">{escape(text)}</a>'
    return escape(cut)

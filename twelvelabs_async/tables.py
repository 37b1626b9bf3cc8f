"""Tables of models: as dicts, and as Arrow data that polars, DuckDB, pandas, Parquet and vector stores read.

The columns follow from the type of the models, not from their values: all pages of a list have the same columns, also
an empty one. They have the API's field names. Arrow tables need the extra `arrow`.

- Vectors are lists of float32; of a fixed size, as vector stores require, if all vectors have the same length.
- A model within a model is a struct.
- Values of any other type, such as `user_metadata`, are strings that contain JSON. Fields that this version does not
  know are in the column `extra`, as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs
from typing_extensions import override

import twelvelabs_async
from twelvelabs_async._arguments import describe
from twelvelabs_async._codec.converter import to_dict
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import InvalidInputError

if TYPE_CHECKING:
    import arro3.core

    ArrowTable = arro3.core.Table
    """An Arrow table of arro3; evaluated only if an annotation is, so that nothing else needs arro3."""

else:

    def __getattr__(name: str) -> Any:
        """Import the type of Arrow tables when an annotation is evaluated."""
        if name != "ArrowTable":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from arro3.core import Table as ArrowTable  # noqa: PLC0415  # an optional dependency

        return ArrowTable


_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Tabular:
    """A sequence of models that can be read as a table: a `Page`, an `EmbeddingView` or a `Table`."""

    __slots__ = ()

    def _models(self) -> tuple[Sequence[Any], type[Any] | None]:
        """Return the models, and their type if it is known."""
        raise NotImplementedError

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one dict of JSON types for each model, with the API's field names and without fields that are None.

        Example:
            page = await client.assets.list()
            for row in page.to_dicts():
                print(row["_id"], row.get("filename"))
        """
        models, _ = self._models()
        return [to_dict(model) for model in models]

    def to_arrow(self) -> twelvelabs_async.tables.ArrowTable:
        """Return an Arrow table with one row for each model.

        Raises:
            ImportError: arro3 is not installed.
            InvalidInputError: The models are of different types, are no models, or a value does not fit its column.

        Example:
            table = (await client.assets.list()).to_arrow()
            print(table.num_rows, table.column_names)
        """
        try:
            from twelvelabs_async._arrow import table_of  # noqa: PLC0415  # an optional dependency
        except ImportError as error:
            raise ImportError(f"an Arrow table needs arro3: {install_command('arrow')}") from error
        models, kind = self._models()
        return table_of(models, _checked_type(models, kind))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the table as an Arrow C stream in a PyCapsule; other libraries call this.

        Args:
            requested_schema: PyCapsule of the schema that the caller prefers.
        """
        return self.to_arrow().__arrow_c_stream__(requested_schema)


@attrs.frozen
class Table(Tabular, Generic[_T_co]):
    """Models that can be read as a table; `as_table` creates it."""

    items: tuple[_T_co, ...]
    """The models."""
    item_type: type[Any] | None = None
    """Type of the models, which decides the columns; None for the type of the first one."""

    @override
    def _models(self) -> tuple[Sequence[Any], type[Any] | None]:
        return self.items, self.item_type

    def __iter__(self) -> Iterator[_T_co]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def as_table(models: Iterable[_T], item_type: type[_T] | None = None) -> Table[_T]:
    """Return models of one type as a table.

    Args:
        models: The models, such as the result of `to_list`. An iterator is read to its end.
        item_type: Type of the models. Without it, a table of no models has no columns.

    Raises:
        InvalidInputError: `models` is not an iterable.

    Example:
        from twelvelabs_async import as_table

        assets = await client.assets.list().to_list()
        table = as_table(assets).to_arrow()
        print(table.num_rows, table.column_names)
    """
    if not isinstance(models, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"models must be an iterable of models, got {describe(models)}")
    return Table(tuple(models), item_type)


@attrs.frozen
class _NoColumns:
    """The type of the rows of a table without models: it has no columns."""


def _checked_type(models: Sequence[Any], kind: type[Any] | None) -> type[Any]:
    """Return the type of all models.

    Raises:
        InvalidInputError: They are of different types, or of a type that has no fields.
    """
    expected: type[Any] = kind or (models[0].__class__ if models else _NoColumns)
    if not attrs.has(expected):
        raise InvalidInputError(f"the rows of a table are models, got {expected.__name__}")
    for model in models:
        if not isinstance(model, expected):
            names = f"{expected.__name__} and {type(model).__name__}"
            raise InvalidInputError(f"the rows of a table are models of one type, got {names}; make one table of each")
    return expected

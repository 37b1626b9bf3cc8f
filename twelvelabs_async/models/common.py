"""The base class of all models, and models that several resources share."""

# No `from __future__ import annotations`: modules of models inherit the annotation of `extra`, and could not evaluate
# its text, because they do not import all names in it.

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import attrs
from typing_extensions import override

from twelvelabs_async.models._interop import (
    OTHER_ATTRIBUTES,
    PYDANTIC_METHODS,
    object_schema,
    pydantic_schema,
    pydantic_serializer,
    serialization,
    wire_names,
)


class SupportsModelDump(Protocol):
    """A pydantic model, such as those of the official SDK."""

    def model_dump(self, *, by_alias: bool, exclude_none: bool) -> dict[str, Any]:
        """Return the fields as a dict."""
        ...


class DataclassInstance(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    """The fields of its class."""


ObjectLike = Mapping[str, Any] | SupportsModelDump | DataclassInstance
"""An object in a request as a dict, a dataclass or a pydantic model, with the names of the API or the official SDK."""

MetadataValue = str | int | float | bool | list[str]
"""A value of user metadata; the platform rejects nested objects."""

UserMetadata = Mapping[str, MetadataValue]
"""Your own metadata of an asset, an indexed asset or a video."""

if TYPE_CHECKING:
    Vector = array[float]
    """An embedding vector."""
else:
    Vector = array  # has no subscript before Python 3.12


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _attribute_hint(model: "Model", name: str) -> str:
    """Return what to use instead of an attribute that a model does not have; an empty string if that is unknown."""
    if name in model.extra:
        return f"; this version does not know the field, its value is .extra[{name!r}]"
    if name in PYDANTIC_METHODS:
        return f"; use {PYDANTIC_METHODS[name]}"
    names = {wire: name for name, wire in wire_names(type(model)).items()}
    replacement = names.get(name) or OTHER_ATTRIBUTES.get(name)
    return f"; use .{replacement}" if replacement in names.values() else ""


class Convertible:
    """Base class of objects with `to_dict` and `to_json`, which pydantic and FastAPI serialize by them."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types under the API's names, with those in `extra`. None is left out.

        Example:
            index = await client.indexes.retrieve(index.id)
            print(index.to_dict()["_id"])
        """
        converted: dict[str, Any] = serialization().to_dict(self)
        return converted

    def to_json(self, *, indent: int | None = None) -> str:
        """Return what `to_dict` returns as JSON.

        Args:
            indent: Number of spaces for each level; None writes one line.

        Example:
            index = await client.indexes.retrieve(index.id)
            print(index.to_json(indent=2))
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    if not TYPE_CHECKING:  # read by pydantic only

        @property
        def __pydantic_serializer__(self) -> Any:
            """Serializes objects where pydantic knows no type, such as in a field of type `Any`."""
            return pydantic_serializer()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic and FastAPI return objects in their JSON form, and accept those with `from_dict` in it."""
        return pydantic_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the JSON schema for the documentation of a web API."""
        return {"title": cls.__name__, "type": "object"}


@attrs.frozen(kw_only=True)
class Model(Convertible):
    """An object of the API. JSON fields without an attribute are kept in `extra`."""

    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Unmodified JSON fields that this version does not know, and dates that could not be parsed."""

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()  # of Generic
        # attrs generates what a class does not have itself, and would take 40 % of the import of the models for these.
        for name in ("__eq__", "__hash__", "__repr__"):
            if name not in cls.__dict__:
                setattr(cls, name, getattr(Model, name))

    @override
    def __eq__(self, other: object) -> bool:
        """Return whether `other` is of the same class and has equal fields."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in attrs.fields(type(self)))

    @override
    @recursive_repr()
    def __repr__(self) -> str:
        """Return the class and its fields, without vectors, secrets and `extra`."""
        fields = (field.name for field in attrs.fields(type(self)) if field.repr)
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in fields)})"

    @override
    def __hash__(self) -> int:
        """Return a hash of the fields that have one: dicts, lists and vectors are left out."""
        values = (getattr(self, field.name) for field in attrs.fields(type(self)))
        return hash((type(self), *filter(_is_hashable, values)))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Create an object from the JSON types that `to_dict` returns; unknown fields are kept in `extra`.

        Raises:
            MalformedResponseError: `data` has another shape; `path` on the error says where.

        Example:
            from twelvelabs_async.models import Index

            index = Index.from_dict({"_id": "652d4c2f9a1b3c4d5e6f7a8b", "index_name": "holiday"})
            print(index.id, index.index_name)
        """
        created: Self = serialization().from_dict(data, cls)
        return created

    @override
    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return object_schema(cls)

    def _repr_html_(self) -> str:
        """Return a table of the fields, for notebooks."""
        from twelvelabs_async._html import object_table  # noqa: PLC0415  # notebooks only

        return object_table(self)

    if not TYPE_CHECKING:  # type checkers report unknown attributes themselves

        def __getattr__(self, name: str) -> Any:
            """Raise an error that names the attribute to use."""
            hint = "" if name == "extra" or name.startswith("__") else _attribute_hint(self, name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    if not TYPE_CHECKING:  # a model is no collection; this is for `dict(model)`, as with pydantic's models

        def __iter__(self) -> Iterator[tuple[str, Any]]:
            """Yield the fields as JSON types under the API's names; FastAPI reads objects like this."""
            return iter(self.to_dict().items())


@attrs.frozen(kw_only=True)
class UnknownEvent(Model):
    """A stream event of a type that this version does not know; its fields are in `extra`."""

    kind: str = ""
    """Type of the event."""


@attrs.frozen(kw_only=True)
class PageInfo(Model):
    """Position of a page."""

    page: int | None = None
    """Number of the page, from 1."""
    limit_per_page: int | None = None
    """Maximum number of items per page."""
    total_page: int | None = None
    """Number of pages."""
    total_results: int | None = None
    """Total number of items."""


@attrs.frozen(kw_only=True)
class Range(Model):
    """Bounds of a numeric filter; set one or both."""

    gte: float | None = None
    """Lower bound, inclusive."""
    lte: float | None = None
    """Upper bound, inclusive."""


RangeLike = Range | ObjectLike | float
"""A `Range`, a dict such as `{"gte": 5}`, or one exact number."""

DatetimeLike = datetime | str
"""A point in time: an aware `datetime`, or an RFC 3339 string."""

Ids = Sequence[str]
"""Several ids."""

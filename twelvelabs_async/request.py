"""One request as a value: what to send, and the type of what comes back.

Nothing here does I/O. The path template is written exactly as the API reference prints it and, with the verb, is the
identity of an operation: in errors, in logs, for the rate limiter and for the contract test.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Generic, Literal, TypeVar, cast
from urllib.parse import quote, urlencode

import attrs

from twelvelabs_async.errors import InvalidInputError

T = TypeVar("T")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

RetryClass = Literal["safe", "idempotent", "compute", "repeatable", "reconcile", "unsafe"]
"""What a repetition of the operation would do.

`safe` reads; `idempotent` reaches the same state again; `compute` is harmless but billed again; `repeatable` leaves an
orphan that expires. `reconcile` and `unsafe` would do a write twice: they are repeated only when the first one surely
did not happen.
"""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_~-]+")
"""Ids as the platform makes them: nothing in them has to be escaped or can lead elsewhere."""

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
"""What stands for a value in a template."""

OpenBody = Callable[[], AsyncIterator[bytes]]
"""Starts the bytes of a body from the beginning, as often as it is called."""


@attrs.frozen(kw_only=True)
class FilePart:
    """A file within a form. Its bytes are opened anew for each attempt."""

    name: str
    """Name of the form's field."""
    filename: str
    """Name the platform is to know the file by."""
    content: bytes | OpenBody = attrs.field(repr=False)
    """The bytes, or what opens them."""
    size: int
    """Length in bytes."""
    content_type: str = "application/octet-stream"
    """Media type of the file."""


@attrs.frozen(kw_only=True)
class Form:
    """A `multipart/form-data` body: fields first, files last, a list as one part for each value."""

    fields: tuple[tuple[str, str], ...] = ()
    """Name and text of each field, in order."""
    files: tuple[FilePart, ...] = ()
    """Files, in order."""


@attrs.frozen(kw_only=True)
class Request(Generic[T]):
    """What to send, and the type of what comes back."""

    method: Method
    """HTTP verb."""
    template: str
    """Path as the API reference prints it, such as `/indexes/{index-id}`."""
    into: type[T]
    """Type the answer is structured into; `dict` keeps the JSON object, `NoneType` ignores the body."""
    retry: RetryClass
    """What a repetition would do."""
    ids: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Values of the template's variables, by name; `_` and `-` in a name are the same."""
    query: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Query parameters; lists are repeated, None is left out."""
    json: Any = None
    """A JSON body, or None."""
    form: Form | None = None
    """A form body, or None."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Headers of this operation only, the same on each attempt."""
    media_seconds: float | None = None
    """Length of the media the operation works on, if known: some limits count it."""

    @property
    def operation(self) -> str:
        """Verb and template, the name of the operation."""
        return f"{self.method} {self.template}"

    def path(self) -> str:
        """The template with each variable as one escaped segment, and the query.

        Raises:
            InvalidInputError: A value cannot be a path segment, or a variable has no value.
        """
        path = self.template
        if "{" in path:
            shape, variables = _shape(path)
            path = shape % tuple([_fill(name, keyword, self.ids) for name, keyword in variables])
        if not self.query:
            return path
        try:
            pairs = urlencode(list(query_pairs(self.query)))
        except UnicodeEncodeError:
            raise InvalidInputError(f"the query of {self.operation} cannot be written as UTF-8") from None
        return f"{path}?{pairs}" if pairs else path


@lru_cache(maxsize=256)  # there are fewer operations
def _shape(template: str) -> tuple[str, list[tuple[str, str]]]:
    """A template with `%s` for each of its variables; and their names, as they are and as keywords of Python."""
    names: list[str] = _VARIABLE.findall(template)
    return _VARIABLE.sub("%s", template.replace("%", "%%")), [(name, name.replace("-", "_")) for name in names]


def _fill(name: str, keyword: str, ids: Mapping[str, object]) -> str:
    value = ids[keyword] if keyword in ids else _spelled(name, keyword, ids)
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return quote(checked_id(value, name), safe="")


def _spelled(name: str, keyword: str, ids: Mapping[str, object]) -> object:
    """The value of a variable that is spelled with `-`."""
    for other, value in ids.items():
        if other.replace("-", "_") == keyword:
            return value
    raise InvalidInputError(f"no value for {{{name}}}")


def checked_id(value: object, name: str = "id") -> str:
    """`value` if it can stand as one path segment.

    Raises:
        InvalidInputError: It is no text, is empty, `.` or `..`, or holds a slash or a control character.
    """
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} must be a str, not {type(value).__name__}")
    if value.strip() in {"", ".", ".."}:
        raise InvalidInputError(f"{name} is {value!r}, which names nothing")
    if any(c in "/\\" or unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in value):
        raise InvalidInputError(f"{name} holds a slash or a control character: {value!r}")
    return value


def query_pairs(query: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Pairs as the API reads them: lists repeated, maps as `name[key]`, booleans in lower case."""
    for name, value in query.items():
        match value:
            case None:
                continue
            case list() | tuple():
                yield from ((name, wire_text(item)) for item in cast("Iterable[Any]", value))
            case dict():
                named = cast("dict[str, Any]", value)
                yield from query_pairs({f"{name}[{key}]": item for key, item in named.items()})
            case _:
                yield name, wire_text(value)


def wire_text(value: object) -> str:
    """One scalar as the API spells it in queries and forms.

    Raises:
        InvalidInputError: A moment without a time zone, which could be any of two dozen.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            if value.tzinfo is None:
                raise InvalidInputError(f"{value.isoformat()} names no time zone; pass an aware datetime")
            return value.isoformat().replace("+00:00", "Z")
        case _:
            return str(value)


def given(**values: Any) -> dict[str, Any]:
    """The arguments that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def form(files: Sequence[FilePart] = (), **fields: Any) -> Form:
    """A form of the fields that are not None, and the files."""
    return Form(fields=tuple(query_pairs(fields)), files=tuple(files))

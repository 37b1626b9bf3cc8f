"""Requests as values: what to send, and the type of the response.

Nothing here does I/O. The path template is spelled as in the API reference and, with the method, names the operation:
in errors, in logs, for the rate limiter and in the contract test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, Generic, Literal, Self, TypeVar, cast
from urllib.parse import quote, urlencode

import attrs

from twelvelabs_async._arguments import PLAIN_ID, checked_id, checked_int, describe, parse_template, query_pairs
from twelvelabs_async.errors import InvalidInputError

_T = TypeVar("_T")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

RetryClass = Literal["safe", "idempotent", "billable", "leaves_orphan", "verify_first", "non_idempotent"]
"""Effect of a second attempt of the operation.

- `safe`: nothing, it only reads.
- `idempotent`: reach the same state again.
- `billable`: do the same work again, which is billed again.
- `leaves_orphan`: leave an unused resource behind, which expires.
- `verify_first`, `non_idempotent`: write twice. They are retried only if the first attempt certainly did nothing. The
  caller of a `verify_first` operation can check whether it succeeded.
"""


BodyFactory = Callable[[], AsyncIterator[bytes]]
"""Returns the chunks of a body, from the first one, each time it is called."""


def _validate_string(_: Any, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise InvalidInputError(f"{attribute.name} of a FilePart must be a string, got {describe(value)}")


def _validate_content(_: Any, __: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bytes) and not callable(value):
        raise InvalidInputError(
            f"content of a FilePart must be bytes or a function that returns an async iterator, got {describe(value)}"
        )


def _validate_size(part: FilePart, _: attrs.Attribute[Any], value: object) -> None:
    size = checked_int("size of a FilePart", value, 0)
    if isinstance(part.content, bytes) and size != len(part.content):
        raise InvalidInputError(f"content of a FilePart has {len(part.content)} bytes, but size is {size}")


@attrs.frozen(kw_only=True)
class FilePart:
    """A file in a form. Its content is opened again for each attempt.

    Raises:
        InvalidInputError: A value has the wrong type, or `size` is not the number of bytes in `content`.
    """

    name: str = attrs.field(validator=_validate_string)
    """Name of the form field."""
    filename: str = attrs.field(validator=_validate_string)
    """Filename that is sent to the platform."""
    content: bytes | BodyFactory = attrs.field(repr=False, validator=_validate_content)
    """The bytes, or a function that opens them."""
    size: int = attrs.field(validator=_validate_size)
    """Size in bytes; sending a stream of another size raises `UploadError`."""
    content_type: str = attrs.field(default="application/octet-stream", validator=_validate_string)
    """Media type of the file."""


def _checked_fields(fields: object) -> tuple[tuple[str, str], ...]:
    """Return the fields of a form as pairs of strings."""
    pairs = _as_tuple("fields", fields, "pairs of name and value")
    for pair in pairs:
        match pair:
            case (str(), str()):
                continue
            case _:
                message = f"fields of a Form must be pairs of strings, got {describe(pair)}; use Form.build"
                raise InvalidInputError(message)
    return cast("tuple[tuple[str, str], ...]", pairs)


def _checked_files(files: object) -> tuple[FilePart, ...]:
    """Return the files of a form."""
    parts = _as_tuple("files", files, "FilePart objects")
    for part in parts:
        if not isinstance(part, FilePart):
            raise InvalidInputError(f"files of a Form must be FilePart objects, got {describe(part)}")
    return cast("tuple[FilePart, ...]", parts)


def _as_tuple(name: str, values: object, expected: str) -> tuple[object, ...]:
    if isinstance(values, tuple | list):
        return tuple(cast("Sequence[object]", values))
    raise InvalidInputError(f"{name} of a Form must be a list of {expected}, got {describe(values)}")


@attrs.frozen(kw_only=True)
class Form:
    """A `multipart/form-data` body: first the fields, then the files; a list is sent as one part for each value."""

    fields: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_checked_fields)
    """Name and value of each field, in order."""
    files: tuple[FilePart, ...] = attrs.field(default=(), converter=_checked_files)
    """Files, in order."""

    @classmethod
    def build(cls, files: Sequence[FilePart] = (), **fields: Any) -> Self:
        """Build a form from files and fields. A field that is None is left out; a list is sent as several fields.

        Raises:
            InvalidInputError: `files` is not a list of files, or the value of a field is not a scalar, nor a list or
                dict of scalars.

        Example:
            form = Form.build(model_name="marengo3.0", embedding_scope=["clip", "video"])
            print(form.fields[0])  # ('model_name', 'marengo3.0')
        """
        return cls(fields=tuple(query_pairs(fields)), files=_checked_files(files))


_EMPTY: Final[Mapping[str, Any]] = {}
"""Shared by all requests, and never changed."""


@attrs.frozen(kw_only=True)
class Request(Generic[_T]):
    """A request to the API, and the type of its response."""

    method: Method
    """HTTP method."""
    path_template: str
    """Path as in the API reference, such as `/indexes/{index-id}`."""
    response_type: type[_T]
    """Type of the decoded response; `dict` keeps the JSON object, `NoneType` ignores the body."""
    retry_class: RetryClass
    """Effect of a second attempt."""
    path_params: Mapping[str, str] = attrs.field(default=_EMPTY, hash=False)
    """Values of the variables in the template, by name; `_` and `-` in a name are the same."""
    query: Mapping[str, Any] = attrs.field(default=_EMPTY, hash=False)
    """Query parameters; a list is sent as one parameter for each value, None is omitted."""
    json: Any = attrs.field(default=None, hash=False)
    """A JSON body, or None."""
    allow_null_items: bool = False
    """Whether lists in `json` may contain None, which no operation of the API takes."""
    form: Form | None = None
    """A form body, or None."""
    headers: Mapping[str, str] = attrs.field(default=_EMPTY, repr=False, hash=False)
    """Additional headers, the same on each attempt."""
    media_seconds: float | None = None
    """Duration of the media that the operation processes, if known: some limits count it."""

    @property
    def operation(self) -> str:
        """Method and template, such as `GET /indexes/{index-id}`."""
        return f"{self.method} {self.path_template}"

    def path(self) -> str:
        """Return the encoded path and query; each variable fills one segment of the path.

        Raises:
            InvalidInputError: A value cannot be a path segment, or is missing.

        Example:
            request = Request(
                method="GET",
                path_template="/indexes/{index-id}",
                response_type=dict,
                retry_class="safe",
                path_params={"index_id": "6650ä"},
            )
            print(request.path())  # /indexes/6650%C3%A4
        """
        path = self.path_template
        if "{" in path:
            shape, variables = parse_template(path)
            path = shape % {keyword: _expand(name, keyword, self.path_params) for keyword, name in variables.items()}
        if not self.query:
            return path
        try:
            pairs = urlencode(list(query_pairs(self.query)))
        except UnicodeEncodeError:
            raise InvalidInputError(f"the query of {self.operation} cannot be encoded as UTF-8") from None
        return f"{path}?{pairs}" if pairs else path


def _expand(name: str, python_name: str, path_params: Mapping[str, object]) -> str:
    value = path_params[python_name] if python_name in path_params else _lookup(name, python_name, path_params)
    if isinstance(value, str) and PLAIN_ID.fullmatch(value):
        return value
    return quote(checked_id(name, value), safe="")


def _lookup(name: str, python_name: str, path_params: Mapping[str, object]) -> object:
    """Return the value of a variable that the caller spelled with `-`."""
    for other, value in path_params.items():
        if other.replace("-", "_") == python_name:
            return value
    raise InvalidInputError(f"missing path parameter {name}")

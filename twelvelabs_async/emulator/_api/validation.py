"""Read and validate request bodies: fields of JSON, names of models, and multipart forms.

Every function for JSON takes the object that holds the field, the name of the field, and `parent`, the path of that
object in the body. An invalid field raises an `ApiError` with status 400 that names the field by its path, for instance
`response_format.segment_definitions.id`. A field that is null counts as absent.

The fields of a form are kept in memory, its files are written to the spool.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http import HttpProcessingError

from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._json import parse_json, parse_number
from twelvelabs_async.emulator._media.media import UserMetadata
from twelvelabs_async.emulator._spool import UploadHasher, UploadSpool

T = TypeVar("T")
JsonObject = dict[str, Any]

MAX_SAFE_INTEGER = (1 << 53) - 1
MAX_TEXT_TOKENS = 500
"""Maximum number of tokens of a search query and of most texts to embed."""

RETIRED_MODELS = frozenset(
    {"marengo2.5", "marengo2.6", "marengo2.7", "Marengo-retrieval-2.6", "Marengo-retrieval-2.7"}
    | {"pegasus1", "pegasus1.1", "pegasus1.2"}
)
_OBJECT_ID, _OBJECT_ID_FORM = r"(?i:[0-9a-f]{24})", "24 hexadecimal digits"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CHUNK_SIZE = 1 << 18
_MAX_FIELD_SIZE = 1 << 20


def check_text(name: str, text: str, max_tokens: int = MAX_TEXT_TOKENS) -> str:
    """Return a query or a text to embed.

    Raises:
        ApiError: The text is blank, or has more than `max_tokens` tokens.
    """
    if not text.strip():
        raise invalid_parameter(name, "it must not be empty")
    if (count := embeddings.count_tokens(text)) > max_tokens:
        raise invalid_parameter(name, f"it must have at most {max_tokens} tokens, got {count}")
    return text


def require_choice(field_path: str, value: object, choices: Iterable[str]) -> str:
    """Return the value if it is one of the choices.

    Raises:
        ApiError: It is not, or it is absent.
    """
    allowed = tuple(choices)
    if require_given(value, field_path) not in allowed:
        choices_text = f"You should use one of the following values: {', '.join(allowed)}."
        raise ApiError(400, "parameter_invalid", f"The {field_path} parameter is invalid. {choices_text}")
    return str(value)


def require_given(value: T | None, field_path: str) -> T:
    """Return the value of a required field.

    Raises:
        ApiError: The field is absent.
    """
    if value is None:
        raise missing_parameter(field_path)
    return value


def _optional(body: JsonObject, name: str, parent: str, kind: type[T], noun: str) -> T | None:
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise invalid_parameter(_join(parent, name), f"it must be {noun}")
    return value


def optional_string(body: JsonObject, name: str, parent: str = "") -> str | None:
    """Return a string, None if it is absent."""
    return _optional(body, name, parent, str, "a string")


def required_string(body: JsonObject, name: str, parent: str = "", *, max_length: int | None = None) -> str:
    """Return a string that is not blank and has at most `max_length` characters."""
    value = require_given(optional_string(body, name, parent), _join(parent, name))
    if not value.strip():
        raise invalid_parameter(_join(parent, name), "it must not be empty")
    if max_length is not None and len(value) > max_length:
        raise invalid_parameter(_join(parent, name), f"it must have at most {max_length} characters, got {len(value)}")
    return value


def optional_bool(body: JsonObject, name: str, parent: str = "", *, default: bool = False) -> bool:
    """Return a boolean, the default if it is absent."""
    value = _optional(body, name, parent, bool, "a boolean")
    return default if value is None else value


def optional_number(
    body: JsonObject,
    name: str,
    parent: str = "",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
) -> float | None:
    """Return a number within inclusive bounds, None if it is absent."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid_parameter(_join(parent, name), "it must be a number")
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        raise invalid_parameter(_join(parent, name), f"it must be a number from {minimum} to {maximum}")
    try:
        return float(value)
    except OverflowError as error:
        raise invalid_parameter(_join(parent, name), "it is too large") from error


def optional_int(body: JsonObject, name: str, minimum: int, maximum: int | None = None, parent: str = "") -> int | None:
    """Return an integer within inclusive bounds, None if it is absent."""
    value = body.get(name)
    if value is None:
        return None
    in_bounds = isinstance(value, int) and value >= minimum and (maximum is None or value <= maximum)
    if isinstance(value, bool) or not in_bounds:
        bounds = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise invalid_parameter(_join(parent, name), f"it must be an integer {bounds}")
    return int(value)


def required_int(body: JsonObject, name: str, minimum: int, maximum: int | None = None, parent: str = "") -> int:
    """Return an integer within inclusive bounds."""
    return require_given(optional_int(body, name, minimum, maximum, parent), _join(parent, name))


def required_list(
    body: JsonObject, name: str, min_items: int = 1, max_items: int | None = None, parent: str = ""
) -> list[Any]:
    """Return a list with `min_items` to `max_items` entries."""
    value = require_given(body.get(name), _join(parent, name))
    entries = cast("list[Any]", value)
    if not isinstance(value, list) or len(entries) < min_items or (max_items is not None and len(entries) > max_items):
        bounds = f"at least {min_items}" if max_items is None else f"{min_items} to {max_items}"
        raise invalid_parameter(_join(parent, name), f"it must be a list with {bounds} entries")
    return entries


def required_object_list(
    body: JsonObject, name: str, min_items: int = 1, max_items: int | None = None, parent: str = ""
) -> list[JsonObject]:
    """Return a list of `min_items` to `max_items` objects."""
    entries = required_list(body, name, min_items, max_items, parent)
    if not all(isinstance(entry, dict) for entry in entries):
        raise invalid_parameter(_join(parent, name), "its entries must be objects")
    return entries


def optional_object_list(
    body: JsonObject, name: str, min_items: int = 1, max_items: int | None = None, parent: str = ""
) -> list[JsonObject]:
    """Return a list of `min_items` to `max_items` objects, an empty one if it is absent."""
    return [] if body.get(name) is None else required_object_list(body, name, min_items, max_items, parent)


def required_string_list(
    body: JsonObject, name: str, min_items: int = 1, max_items: int | None = None, parent: str = ""
) -> list[str]:
    """Return a list of `min_items` to `max_items` strings, without duplicates."""
    entries = required_list(body, name, min_items, max_items, parent)
    if not all(isinstance(entry, str) for entry in entries):
        raise invalid_parameter(_join(parent, name), "its entries must be strings")
    return list(dict.fromkeys(entries))


def optional_choices(body: JsonObject, name: str, choices: Iterable[str], parent: str = "") -> list[str] | None:
    """Return a list of at least one of the choices, None if it is absent."""
    if body.get(name) is None:
        return None
    allowed = tuple(choices)
    entries = required_string_list(body, name, parent=parent)
    return [require_choice(_join(parent, name), entry, allowed) for entry in entries]


def optional_object(body: JsonObject, name: str, parent: str = "") -> JsonObject | None:
    """Return an object, None if it is absent."""
    return cast("JsonObject | None", _optional(body, name, parent, dict, "an object"))


def required_object(body: JsonObject, name: str, parent: str = "") -> JsonObject:
    """Return an object."""
    return require_given(optional_object(body, name, parent), _join(parent, name))


def is_scalar(value: object) -> bool:
    """Return whether a value is a string, a boolean or a number; an integer may have at most 53 bits."""
    return isinstance(value, str | float) or (isinstance(value, int) and abs(value) <= MAX_SAFE_INTEGER)


def is_metadata_value(value: object) -> bool:
    """Return whether a value may be in metadata: a scalar or a list of strings."""
    if isinstance(value, list):
        return all(isinstance(item, str) for item in cast("list[object]", value))
    return is_scalar(value)


def parse_user_metadata(value: object) -> UserMetadata:
    """Return user metadata without null, empty strings and empty lists.

    Raises:
        ApiError: The value is not a flat object.
    """
    return {key: entry for key, entry in _check_user_metadata(value).items() if entry not in (None, "", [])}


def parse_user_metadata_json(document: str | None) -> UserMetadata:
    """Return the user metadata of a form field, which contains JSON.

    Raises:
        ApiError: The field does not contain a flat JSON object.
    """
    if not document:
        return {}
    try:
        value = parse_json(document)
    except ValueError as error:
        raise invalid_parameter("user_metadata", "it is not valid JSON") from error
    return {} if value is None else parse_user_metadata(value)


def merge_user_metadata(current: UserMetadata, value: object) -> UserMetadata:
    """Return user metadata after a change: null deletes a key, an empty string or list changes nothing.

    Raises:
        ApiError: The change is not a flat object.
    """
    changes = _check_user_metadata(value)
    kept = {key: entry for key, entry in current.items() if changes.get(key, entry) is not None}
    return kept | {key: entry for key, entry in changes.items() if entry not in (None, "", [])}


def _check_user_metadata(value: object) -> UserMetadata:
    if not isinstance(value, dict):
        raise invalid_parameter("user_metadata", "it must be an object")
    entries = cast("dict[str, Any]", value)
    for key, entry in entries.items():
        if entry is not None and not is_metadata_value(entry):
            raise invalid_parameter(
                "user_metadata", f"the value of {key} must be a string, a number, a boolean or a list of strings"
            )
    return entries


def _join(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form; it is deleted when the request has been answered."""

    filename: str
    size: int
    digest: str
    path: Path
    content_type: str
    """Media type that the client sent; empty if it sent none."""


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form; an empty field counts as absent, because the official client sends None as an empty field."""

    fields: dict[str, list[str]]
    files: dict[str, list[FormFile]]

    def get(self, name: str) -> str | None:
        """Return the last value of a field, None if it is absent."""
        values = self.fields.get(name)
        return values[-1] if values else None

    def require(self, name: str) -> str:
        """Return the last value of a required field.

        Raises:
            ApiError: The field is absent.
        """
        return require_given(self.get(name), name)

    def choice(self, name: str, choices: Iterable[str]) -> str | None:
        """Return a field that is one of the choices, None if it is absent."""
        value = self.get(name)
        return None if value is None else require_choice(name, value, choices)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean field."""
        return parse_flag(name, self.get(name), default=default)

    def number(self, name: str) -> float | None:
        """Return a number, None if the field is absent."""
        value = self.get(name)
        try:
            return None if value is None else parse_number(value)
        except ValueError as error:
            raise invalid_parameter(name, "it must be a number") from error

    def file(self, name: str) -> FormFile | None:
        """Return the last file of a field, None if it is absent."""
        files = self.files.get(name)
        return files[-1] if files else None


@asynccontextmanager
async def read_form(request: web.Request, spool: UploadSpool) -> AsyncGenerator[Form]:
    """Read the multipart form in the body; its files are deleted at the end of the block.

    Raises:
        ApiError: The body is not a multipart form.
    """
    if request.content_type != "multipart/form-data":
        raise ApiError(400, "content_type_invalid", "The content type must be multipart/form-data.")
    form = Form({}, {})
    async with AsyncExitStack() as stack:
        try:
            reader = MultipartReader(request.headers, cast("StreamReader", PushbackReader(request.content)))
            await read_parts(reader, form, spool, stack)
        except (HttpProcessingError, ValueError, LookupError, AssertionError) as error:
            raise ApiError(400, "parameter_invalid", "The form cannot be read.") from error
        yield form


def parse_flag(name: str, value: str | None, *, default: bool) -> bool:
    """Parse a boolean of a form or a query."""
    return default if value is None else require_choice(name, value.lower(), ("true", "false")) == "true"


class PushbackReader:
    """A request body that accepts unread data.

    `MultipartReader` reads beyond the end of a part, and unreads the beginning of the next one.
    `StreamReader.unread_data` emits a DeprecationWarning, which fails programs that turn warnings into errors;
    suppressing it would affect all threads of the process.
    """

    def __init__(self, stream: StreamReader) -> None:
        self._stream = stream
        self._buffer = b""

    async def read(self, n: int) -> bytes:
        """Return at least one byte and at most `n`, none at the end of the body."""
        if not self._buffer:  # a StreamReader logs a warning when it is read again at its end
            return b"" if self._stream.at_eof() else await self._stream.read(n)
        piece, self._buffer = self._buffer[:n], self._buffer[n:]
        return piece

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Return the rest of the line, with its line feed."""
        end = self._buffer.find(b"\n") + 1
        if end:
            return await self.read(end)
        start, self._buffer = self._buffer, b""
        return start + await self._stream.readline(max_line_length=max_line_length)

    def at_eof(self) -> bool:
        """Return whether the whole body has been read."""
        return not self._buffer and self._stream.at_eof()

    def unread_data(self, data: bytes) -> None:
        """Insert data before the unread part of the body."""
        self._buffer = data + self._buffer


async def read_parts(reader: MultipartReader, form: Form, spool: UploadSpool, stack: AsyncExitStack) -> None:
    """Add the parts of a body to a form."""
    async for part in reader:
        if not isinstance(part, BodyPartReader) or not part.name:
            raise ApiError(400, "parameter_invalid", "A part of the form has no name.")
        if part.filename is not None:
            path = await stack.enter_async_context(spool.temporary_file())
            form.files.setdefault(part.name, []).append(await _spool_file(part, path))
        else:
            add_field(form, part.name, await _read_field(part))


def add_field(form: Form, name: str, value: str) -> None:
    """Add a field to a form, unless its value is empty."""
    if value:
        form.fields.setdefault(name, []).append(value)


async def _spool_file(part: BodyPartReader, path: Path) -> FormFile:
    hasher = UploadHasher(path)
    while chunk := await part.read_chunk(_CHUNK_SIZE):
        await hasher.feed(bytes(chunk))
    content_type = part.headers.get("Content-Type", "")
    # A name that is not UTF-8 has unpaired surrogates, which no response can contain.
    filename = (part.filename or "upload").encode(errors="surrogateescape").decode(errors="replace")
    return FormFile(filename, hasher.size, await hasher.finish(), path, content_type)


async def _read_field(part: BodyPartReader) -> str:
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK_SIZE):
        content += chunk
        if len(content) > _MAX_FIELD_SIZE:
            raise ApiError(400, "parameter_invalid", f"A field of the form is longer than {_MAX_FIELD_SIZE} bytes.")
    return content.decode(part.get_charset(default="utf-8"))


def require_object_id(field_path: str, value: str, prefix: str = "") -> str:
    """Return an object id, or with a prefix a UUID behind it, in lower case.

    Raises:
        ApiError: The value is not 24 hexadecimal digits, or not the prefix followed by a UUID.
    """
    pattern, form = (rf"{prefix}_(?i:{_UUID})", f"a UUID behind {prefix}_") if prefix else (_OBJECT_ID, _OBJECT_ID_FORM)
    if not re.fullmatch(pattern, value):
        raise invalid_parameter(field_path, f"it must be {form}")
    return value.lower()


def change(found: object, updated_at: float, **changes: Any) -> None:
    """Change the fields of an object whose new value is not `None`."""
    for name, value in {**changes, "updated_at": updated_at}.items():
        if value is not None:
            setattr(found, name, value)


def optional_name(body: JsonObject) -> str | None:
    """Return the name of an object, None if it is absent."""
    return required_string(body, "name") if "name" in body else None


def require_model(value: object, models: Collection[str]) -> str:
    """Return the name of a model if it is one of `models`.

    Raises:
        ApiError: The model has been retired, or the operation does not support it.
    """
    if isinstance(value, str) and value in RETIRED_MODELS:
        raise ApiError(400, "parameter_invalid", f"{value} has been sunset. Use one of {', '.join(models)}.")
    return require_choice("model_name", value, models)

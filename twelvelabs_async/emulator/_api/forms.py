"""Read multipart forms: fields are kept in memory, files are written to the spool."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader
from aiohttp.http import HttpProcessingError

from twelvelabs_async.emulator._api.validation import require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._numbers import parse_number
from twelvelabs_async.emulator._spool import UploadHasher

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from aiohttp import web

    from twelvelabs_async.emulator._spool import UploadSpool

_CHUNK_SIZE = 1 << 18
_MAX_FIELD_SIZE = 1 << 20


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
        value = self.get(name)
        if value is None:
            raise missing_parameter(name)
        return value

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
            await read_parts(_multipart_reader(request), form, spool, stack)
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
        limit = {} if max_line_length is None else {"max_line_length": max_line_length}
        return start + await self._stream.readline(**limit)

    def at_eof(self) -> bool:
        """Return whether the whole body has been read."""
        return not self._buffer and self._stream.at_eof()

    def unread_data(self, data: bytes) -> None:
        """Insert data before the unread part of the body."""
        self._buffer = data + self._buffer


def _multipart_reader(request: web.Request) -> MultipartReader:
    return MultipartReader(request.headers, cast("StreamReader", PushbackReader(request.content)))


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

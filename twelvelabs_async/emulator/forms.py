"""Multipart forms as they come in: texts are kept, files go to the spool."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader
from aiohttp.http import HttpProcessingError

from twelvelabs_async.emulator.errors import ApiError, choice, missing
from twelvelabs_async.emulator.spool import Intake

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from aiohttp import web

    from twelvelabs_async.emulator.spool import Spool

_PIECE = 1 << 18
_LARGEST_TEXT = 1 << 20


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file that came in a form, and lives until the request is answered."""

    filename: str
    size: int
    digest: str
    path: Path


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form; an empty field counts as absent, for that is how the official client writes None."""

    texts: dict[str, list[str]]
    files: dict[str, list[FormFile]]

    def text(self, name: str) -> str | None:
        """Return the field's last value."""
        values = self.texts.get(name)
        return values[-1] if values else None

    def required(self, name: str) -> str:
        """Return the field's value.

        Raises:
            ApiError: The field is absent.
        """
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean field."""
        return read_flag(name, self.text(name), default=default)

    def file(self, name: str) -> FormFile | None:
        """Return the file of that name."""
        files = self.files.get(name)
        return files[-1] if files else None


@asynccontextmanager
async def read_form(request: web.Request, spool: Spool) -> AsyncGenerator[Form]:
    """Give the form in the body; its files are deleted at the end of the block.

    Raises:
        ApiError: The body is no multipart form.
    """
    if request.content_type != "multipart/form-data":
        raise ApiError(400, "content_type_invalid", "The content type must be multipart/form-data.")
    form = Form({}, {})
    async with AsyncExitStack() as stack:
        try:
            await _read_parts(_parts(request), form, spool, stack)
        except (HttpProcessingError, ValueError, LookupError, AssertionError) as error:
            raise ApiError(400, "parameter_invalid", "The form cannot be read.") from error
        yield form


def read_flag(name: str, text: str | None, *, default: bool) -> bool:
    """Read a boolean as forms and queries write it."""
    return default if text is None else choice(name, text.lower(), ("true", "false")) == "true"


class Pushback:
    """A body of which some can be put back.

    The reader of multipart forms reads on to find the end of a part, and puts back what is of the next one. A stream of
    aiohttp warns when that is done to it, which is an error where warnings are, and turning the warning off for a while
    is heard in every thread of the process.
    """

    def __init__(self, stream: StreamReader) -> None:
        self._stream = stream
        self._kept = b""

    async def read(self, n: int) -> bytes:
        """Return what is there, at most n bytes, and nothing only at the end."""
        if not self._kept:
            return await self._stream.read(n)
        piece, self._kept = self._kept[:n], self._kept[n:]
        return piece

    async def readline(self, *, max_line_length: int | None = None) -> bytes:
        """Return all up to a line feed, or to the end."""
        end = self._kept.find(b"\n") + 1
        if end:
            return await self.read(end)
        start, self._kept = self._kept, b""
        limit = {} if max_line_length is None else {"max_line_length": max_line_length}
        return start + await self._stream.readline(**limit)

    def at_eof(self) -> bool:
        """Tell whether all has been read."""
        return not self._kept and self._stream.at_eof()

    def unread_data(self, data: bytes) -> None:
        """Put that back in front."""
        self._kept = data + self._kept


def _parts(request: web.Request) -> MultipartReader:
    return MultipartReader(request.headers, cast("StreamReader", Pushback(request.content)))


async def _read_parts(reader: MultipartReader, form: Form, spool: Spool, stack: AsyncExitStack) -> None:
    async for part in reader:
        if not isinstance(part, BodyPartReader) or not part.name:
            raise ApiError(400, "parameter_invalid", "A part of the form has no name.")
        if part.filename is not None:
            path = await stack.enter_async_context(spool.temporary())
            form.files.setdefault(part.name, []).append(await _take_in(part, path))
        elif text := await _text(part):
            form.texts.setdefault(part.name, []).append(text)


async def _take_in(part: BodyPartReader, path: Path) -> FormFile:
    intake = Intake(path)
    while piece := await part.read_chunk(_PIECE):
        await intake.feed(bytes(piece))
    return FormFile(part.filename or "upload", intake.size, await intake.finish(), path)


async def _text(part: BodyPartReader) -> str:
    content = bytearray()
    while piece := await part.read_chunk(_PIECE):
        content += piece
        if len(content) > _LARGEST_TEXT:
            raise ApiError(400, "parameter_invalid", "A text of the form is too long.")
    return content.decode(part.get_charset(default="utf-8"))

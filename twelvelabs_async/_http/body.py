"""Request bodies: encoded ones, which are the same bytes for each attempt, and streamed ones.

Forms are encoded here: aiohttp sends a form with a streamed file without `Content-Length`, which the upload endpoints
reject, and takes longer for a small form than the request itself.

A timer ends a transfer when no byte has moved. It measures at the connection, not by chunks: on a slow line, a chunk of
512 KiB takes minutes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Any, Final, cast

import attrs

from twelvelabs_async._system import unacknowledged_bytes, unread_bytes
from twelvelabs_async._text import error_text
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError, UploadError
from twelvelabs_async.requests import BodyFactory, FilePart, Form

MAX_READ_TURNS: Final = 10
"""Maximum number of turns of the event loop for which the next block waits until data of the server is read."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Body:
    """An encoded request body."""

    content: bytes | BodyFactory = attrs.field(default=b"", repr=False)
    """The bytes, or a function that opens a stream of them."""
    size: int = 0
    """Size in bytes."""
    content_type: str | None = None
    """Media type; None without a body."""
    extra_headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Headers of the operation."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the body, and `extra_headers`."""
        if self.content_type is None:
            return {**self.extra_headers}
        return {"Content-Type": self.content_type, "Content-Length": str(self.size), **self.extra_headers}

    def open(self) -> bytes | AsyncIterator[bytes] | None:
        """Return the bytes, or a stream that starts at the first byte."""
        if isinstance(self.content, bytes):
            return self.content or None
        return self.content()


NO_BODY: Final = Body()


def encode_form(form: Form, *, boundary: str = "") -> Body:
    """Encode a `multipart/form-data` body: as bytes if no file is streamed, else as a stream of known size."""
    delimiter = boundary or secrets.token_hex(16)
    pieces: list[bytes | FilePart] = [_field(delimiter, name, value) for name, value in form.fields]
    for file in form.files:
        pieces += [_file_part_headers(delimiter, file), file, b"\r\n"]
    pieces.append(f"--{delimiter}--\r\n".encode())
    size = sum(piece.size if isinstance(piece, FilePart) else len(piece) for piece in pieces)
    content_type = f"multipart/form-data; boundary={delimiter}"
    contents = [piece.content if isinstance(piece, FilePart) else piece for piece in pieces]
    in_memory = [content for content in contents if isinstance(content, bytes)]
    if len(in_memory) == len(contents):
        return Body(content=b"".join(in_memory), size=size, content_type=content_type)
    return Body(content=lambda: _iter_pieces(pieces), size=size, content_type=content_type)


def _field(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{_escape_name(name)}"\r\n\r\n{value}\r\n'.encode()


def _file_part_headers(boundary: str, file: FilePart) -> bytes:
    disposition = f'form-data; name="{_escape_name(file.name)}"; filename="{_escape_name(file.filename)}"'
    content_type = _escape_line_breaks(file.content_type)
    return f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {content_type}\r\n\r\n".encode()


def _escape_name(name: str) -> str:
    """Escape a name in a form header as browsers do."""
    return _escape_line_breaks(name.replace('"', "%22"))


def _escape_line_breaks(string: str) -> str:
    return string.replace("\r", "%0D").replace("\n", "%0A")


async def _iter_pieces(pieces: list[bytes | FilePart]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece.content, bytes):
            yield piece.content
        else:
            async for chunk in _iter_file(piece, piece.content):
                yield chunk


async def _iter_file(file: FilePart, open_content: BodyFactory) -> AsyncIterator[bytes]:
    """Yield the bytes of a streamed file.

    Raises:
        UploadError: The stream cannot be read, or does not have the size of the file.
    """
    sent = 0
    try:
        async for chunk in _checked_stream(open_content()):
            block = _checked_chunk(chunk)
            sent += len(block)
            if sent > file.size:
                break
            yield block
    except InvalidInputError as error:
        raise UploadError(message=f"cannot send {file.filename!r}: {error}", source=file.filename) from error
    except TwelveLabsError:
        raise
    except Exception as error:  # the stream is the caller's
        message = f"cannot read {file.filename!r} during the upload: {error_text(error)}"
        raise UploadError(message=message, source=file.filename) from error
    if sent != file.size:
        comparison = "more" if sent > file.size else "fewer"
        message = f"the content of {file.filename!r} has {comparison} bytes than declared: {sent} of {file.size}"
        raise UploadError(message=message, source=file.filename)


def _checked_stream(content: object) -> AsyncIterable[object]:
    if isinstance(content, AsyncIterable):
        return cast("AsyncIterable[object]", content)
    raise InvalidInputError(f"its content must be an async iterator of bytes, got {type(content).__name__}")


def _checked_chunk(chunk: object) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, bytearray | memoryview):
        return bytes(cast("Any", chunk))
    raise InvalidInputError(f"its content must consist of bytes, got {type(chunk).__name__}")


def encode_json(data: bytes) -> Body:
    """Return a body with encoded JSON."""
    return Body(content=data, size=len(data), content_type="application/json")


async def iter_chunks(content: bytes, chunk_size: int = 512 * 1024) -> AsyncIterator[bytes]:
    """Yield bytes in chunks, so that progress can be reported."""
    view = memoryview(content)
    for start in range(0, len(view), chunk_size):
        yield bytes(view[start : start + chunk_size])


class IdleTimer:
    """Expires `timeout` when no byte was sent or received for `seconds`. Does not run before `start`."""

    def __init__(self, timeout: asyncio.Timeout, seconds: float) -> None:
        self.seconds = seconds
        self._timeout = timeout
        self._handle: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._written = 0
        self._arrived = 0
        self._last_activity = 0.0

    def start(self, transport: asyncio.Transport) -> None:
        """Start to watch a connection."""
        self.stop()
        self._transport = transport
        self._last_activity = asyncio.get_running_loop().time()
        self._check(transport)

    async def let_loop_read(self) -> None:
        """Let the event loop read what has arrived before more is written: the server may have rejected the request.

        uvloop drops a connection at the first failed write, together with unread data.
        """
        for _ in range(MAX_READ_TURNS):
            await asyncio.sleep(0)
            if self._transport is None or not has_unread_data(self._transport):
                return

    def stop(self) -> None:
        """Stop the timer."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None

    def count_written(self, byte_count: int) -> None:
        """Count bytes that are about to be handed to the connection."""
        self._written += byte_count

    def on_received(self) -> None:
        """Count the arrival of data."""
        self._last_activity = asyncio.get_running_loop().time()

    def _check(self, transport: asyncio.Transport) -> None:
        """Check whether the connection has moved bytes since the last check; eight times in `seconds`."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        arrived = self._written - unsent_bytes(transport)
        if arrived != self._arrived:
            self._arrived, self._last_activity = arrived, now
        left = self._last_activity + self.seconds - now
        if left > 0:
            self._handle = loop.call_later(min(left, self.seconds / 8), self._check, transport)
        elif not self._timeout.expired():
            self._timeout.reschedule(now)


def unsent_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes that were written to a connection have not reached the other side, as far as is known."""
    connected = transport.get_extra_info("socket")
    in_system = 0 if connected is None else unacknowledged_bytes(connected)
    return transport.get_write_buffer_size() + in_system


def has_unread_data(transport: asyncio.Transport) -> bool:
    """Return whether data has arrived that the event loop has not read yet, as far as is known."""
    connected = transport.get_extra_info("socket")
    return connected is not None and unread_bytes(connected) > 0


class RequestBodyStream:
    """A streamed body: checks its size, keeps the error of its source, and reports its first chunk."""

    def __init__(self, body: Body, timer: IdleTimer, on_first_chunk: Callable[[], None]) -> None:
        self._body = body
        self._timer = timer
        self._on_first_chunk = on_first_chunk
        self.failure: Exception | None = None
        self.is_complete: bool = not body.size
        """Whether all chunks were passed on."""

    async def iter_chunks(self) -> AsyncIterator[bytes]:
        """Yield the chunks, once."""
        content, sent = self._body.open(), 0
        try:
            async for chunk in iter_chunks(content or b"") if isinstance(content, bytes | None) else content:
                if sent:
                    await self._timer.let_loop_read()
                elif chunk:
                    self._on_first_chunk()
                sent += len(chunk)
                if sent > self._body.size:
                    break
                self._timer.count_written(len(chunk))
                self.is_complete = sent == self._body.size
                yield chunk
            self._check_size(sent)
        except Exception as error:
            self.failure = error
            raise

    def _check_size(self, sent: int) -> None:
        if sent != self._body.size:
            comparison = "longer" if sent > self._body.size else "shorter"
            raise InvalidInputError(f"request body {comparison} than declared: {sent} of {self._body.size} bytes")

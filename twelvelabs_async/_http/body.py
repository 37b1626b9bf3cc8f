"""Encoded request bodies, which are the same bytes for each attempt.

Forms are encoded here: aiohttp sends a form with a streamed file without `Content-Length`, which the upload endpoints
reject, and takes longer for a small form than the request itself.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any, Final, cast

import attrs

from twelvelabs_async._text import error_text
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError, UploadError
from twelvelabs_async.requests import BodyFactory, FilePart, Form


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
    if all(isinstance(file.content, bytes) for file in form.files):
        whole = b"".join(_content_bytes(piece) for piece in pieces)
        return Body(content=whole, size=size, content_type=content_type)
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


def _content_bytes(piece: bytes | FilePart) -> bytes:
    content: Any = piece.content if isinstance(piece, FilePart) else piece
    return bytes(content)


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

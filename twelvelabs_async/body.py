"""Bodies as they go over the wire, started anew for each attempt with the same bytes.

Forms are written by hand: aiohttp's own sends a form with a streamed file in chunks of unknown total length, which
storage and upload endpoints refuse, and costs more than the request itself for a small one.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import attrs

from twelvelabs_async.request import FilePart, Form, OpenBody


@attrs.frozen(kw_only=True)
class Body:
    """What a request carries."""

    content: bytes | OpenBody = attrs.field(default=b"", repr=False)
    """All of it, or what starts it from the beginning."""
    size: int = 0
    """Length in bytes."""
    content_type: str | None = None
    """Media type, or None for no body."""
    beside: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Headers of the operation that go along."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers that describe the body, and those that go along."""
        if self.content_type is None:
            return {**self.beside}
        return {"Content-Type": self.content_type, "Content-Length": str(self.size), **self.beside}

    def start(self) -> bytes | AsyncIterator[bytes] | None:
        """The bytes, from the first one on."""
        if isinstance(self.content, bytes):
            return self.content or None
        return self.content()


NO_BODY: Final = Body()


def encode_form(form: Form, *, boundary: str = "") -> Body:
    """A `multipart/form-data` body: in one piece if no file is streamed, else as a stream of known length."""
    mark = boundary or secrets.token_hex(16)
    pieces: list[bytes | FilePart] = [_field(mark, name, text) for name, text in form.fields]
    for file in form.files:
        pieces += [_file_head(mark, file), file, b"\r\n"]
    pieces.append(f"--{mark}--\r\n".encode())
    size = sum(piece.size if isinstance(piece, FilePart) else len(piece) for piece in pieces)
    content_type = f"multipart/form-data; boundary={mark}"
    if all(isinstance(file.content, bytes) for file in form.files):
        whole = b"".join(_bytes(piece) for piece in pieces)
        return Body(content=whole, size=size, content_type=content_type)
    return Body(content=lambda: _stream(pieces), size=size, content_type=content_type)


def _field(mark: str, name: str, text: str) -> bytes:
    return f'--{mark}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{text}\r\n'.encode()


def _file_head(mark: str, file: FilePart) -> bytes:
    disposition = f'form-data; name="{_quoted(file.name)}"; filename="{_quoted(file.filename)}"'
    kind = _one_line(file.content_type)
    return f"--{mark}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n".encode()


def _quoted(text: str) -> str:
    """A name as browsers quote it within a form's header."""
    return _one_line(text.replace('"', "%22"))


def _one_line(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A")


def _bytes(piece: bytes | FilePart) -> bytes:
    content: Any = piece.content if isinstance(piece, FilePart) else piece
    return bytes(content)


async def _stream(pieces: list[bytes | FilePart]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
        elif isinstance(piece.content, bytes):
            yield piece.content
        else:
            async for block in piece.content():
                yield block


def encode_json(data: bytes) -> Body:
    """A body of JSON text."""
    return Body(content=data, size=len(data), content_type="application/json")


async def in_blocks(content: bytes, size: int = 512 * 1024) -> AsyncIterator[bytes]:
    """Bytes at hand, piece by piece, so that progress can be seen."""
    view = memoryview(content)
    for start in range(0, len(view), size):
        yield bytes(view[start : start + size])

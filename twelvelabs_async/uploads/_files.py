"""The forms in which callers pass a file, and how each becomes a source of an upload.

`source_of` is the only function that decides what an argument is. It does no I/O, so that a wrong argument is an error
in the call it was passed to.
"""

from __future__ import annotations

import inspect
import io
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from typing_extensions import Buffer

from twelvelabs_async._arguments import describe
from twelvelabs_async._text import error_text, shown_url
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.requests import FilePart
from twelvelabs_async.uploads._source import (
    READ_BLOCK_SIZE,
    BytesSource,
    FileObjectSource,
    FileSource,
    StreamSource,
    UploadSource,
    call_file_method,
    require_readable,
    safe_filename,
)

B_co = TypeVar("B_co", bound="bytes | Awaitable[bytes]", covariant=True)


class SupportsRead(Protocol[B_co]):
    """An open binary file, whose `read` may be a coroutine function."""

    def read(self, size: int, /) -> B_co:
        """Return up to `size` bytes."""
        ...


class SupportsReadChunk(Protocol):
    """A body part of aiohttp."""

    def read_chunk(self, size: int) -> Awaitable[bytes | bytearray]:
        """Return up to `size` bytes."""
        ...


class HasFile(Protocol):
    """A file field of aiohttp."""

    @property
    def file(self) -> SupportsRead[Any]:
        """The open file."""
        ...


FileContent = (
    str
    | os.PathLike[str]
    | Buffer
    | SupportsRead[bytes]
    | SupportsRead[Awaitable[bytes]]
    | SupportsReadChunk
    | HasFile
    | AsyncIterable[bytes]
)
"""A path, bytes, an open binary file, an upload of a web framework, or an async iterable of bytes."""

FileLike = FileContent | FilePart | tuple[str | None, FileContent] | tuple[str | None, FileContent, str | None]
"""A file: its content, or a tuple of filename, content and, optionally, media type."""

ACCEPTED: Final = (
    "a path, bytes, a file opened in binary mode, an upload of a web framework, an async iterator of bytes, "
    "or a tuple (filename, content) or (filename, content, media type)"
)

MAX_PATH_LENGTH: Final = 4096
"""Longest path of any operating system, in characters."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(data):")
_BYTE_FORMATS: Final = frozenset({"B", "b", "c"})


def source_of(
    file: object, argument: str, *, filename: str | None = None, size: int | None = None, media_type: str | None = None
) -> UploadSource:
    """Return the source for any form of a file, not opened yet.

    Args:
        file: What the caller has passed.
        argument: Name of the parameter, for errors.
        filename: Name of the file on the platform; None takes it from `file`.
        size: Size in bytes; None takes it from `file`.
        media_type: Media type; None guesses it from the name.

    Raises:
        InvalidInputError: It is not a file.
    """
    filename = _checked_filename(filename)
    _check_size(size)
    if isinstance(file, tuple):
        return _source_of_tuple(cast("Any", file), argument, filename, size)
    try:
        if isinstance(file, FilePart):
            source = _source_of_part(file, argument, filename, size)
        else:
            source = _source_of_content(file, argument, filename, size)
            source.content_type = media_type
    except InvalidInputError:
        raise
    except Exception as error:  # the object is the caller's
        reason = f"{type(file).__name__} raised {error_text(error)}"
        raise InvalidInputError(f"{argument} cannot be read: {reason}") from error
    return source


def _source_of_part(part: FilePart, argument: str, filename: str | None, size: int | None) -> UploadSource:
    size = part.size if size is None else size
    if isinstance(part.content, bytes):
        source: UploadSource = BytesSource(part.content, filename or part.filename, size)
    else:
        content: Any = part.content()
        if not isinstance(content, AsyncIterable):
            expected = "bytes or a function that returns an async iterator of bytes"
            raise InvalidInputError(f"the content of {argument} must be {expected}, got {describe(content)}")
        source = StreamSource(aiter(cast("AsyncIterable[object]", content)), filename or part.filename, size)
    source.content_type = part.content_type
    return source


def _source_of_tuple(file: tuple[Any, ...], argument: str, filename: str | None, size: int | None) -> UploadSource:
    if len(file) not in {2, 3} or isinstance(file[1], tuple | FilePart):
        raise InvalidInputError(f"{argument} must be {ACCEPTED}, got a tuple of {len(file)} values")
    media_type = file[2] if len(file) == 3 else None
    if media_type is not None and not isinstance(media_type, str):
        raise InvalidInputError(f"the media type of {argument} must be a string, got {describe(media_type)}")
    media_type = media_type if media_type is None else str.__str__(media_type)
    named = filename or _checked_filename(file[0])
    return source_of(file[1], argument, filename=named, size=size, media_type=media_type)


def _source_of_content(file: Any, argument: str, filename: str | None, size: int | None) -> UploadSource:
    read = getattr(file, "read", None)
    name = filename or _name_of(file)
    if isinstance(file, str) or (hasattr(file, "__fspath__") and not callable(getattr(file, "seek", None))):
        return FileSource(_checked_path(file, argument), filename, size)
    if (content := _as_bytes(file, argument)) is not None:
        return BytesSource(content, filename, size)
    if isinstance(file, type):
        raise InvalidInputError(f"{argument} must be {ACCEPTED}, got the class {file.__name__}")
    if callable(getattr(file, "read_chunk", None)):  # aiohttp; its `read` takes no size
        return StreamSource(_iter_body_part(file), name, size)
    if callable(read):
        return _source_of_file_object(file, argument, name, size)
    inner = getattr(file, "file", None)
    if callable(getattr(inner, "read", None)):
        return _source_of_file_object(inner, argument, name or _name_of(inner), size)
    if isinstance(file, AsyncIterable):
        return StreamSource(aiter(cast("AsyncIterable[object]", file)), name, size)
    raise InvalidInputError(f"{argument} must be {ACCEPTED}, got {describe(file)}")


def _source_of_file_object(file: Any, argument: str, name: str | None, size: int | None) -> UploadSource:
    if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "encoding", None), str):
        raise InvalidInputError(f"{argument} is a file opened in text mode; open it with mode 'rb'")
    if getattr(file, "closed", False) is True:
        raise InvalidInputError(f"{argument} is a closed file")
    if size is None:
        size = _size_of(file)
    can_seek = callable(getattr(file, "seek", None)) and (size is not None or callable(getattr(file, "tell", None)))
    if can_seek and _is_seekable(file):
        return FileObjectSource(file, name, size)
    return StreamSource(_iter_file_object(file, name or f"the {type(file).__name__}"), name, size)


def _is_seekable(file: Any) -> bool:
    """Return the answer of `file.seekable()`; True if there is none without waiting."""
    method = getattr(file, "seekable", None)
    return not callable(method) or inspect.iscoroutinefunction(method) or method() is not False


def _size_of(file: Any) -> int | None:
    size = getattr(file, "size", None)
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


async def _iter_file_object(file: Any, label: str) -> AsyncIterator[object]:
    await require_readable(file, label)
    if not _takes_size(file.read):
        raise InvalidInputError(
            f"{label} has a read() without a size; pass what it returns, or an async iterator of it"
        )
    while (block := await call_file_method(file.read, READ_BLOCK_SIZE)) is None or block:
        yield block  # None is no end, and refused


def _takes_size(read: Callable[..., Any]) -> bool:
    """Return whether `read` can be called with a size, unlike that of a response of aiohttp or httpx."""
    try:
        inspect.signature(read).bind(READ_BLOCK_SIZE)
    except TypeError:
        return False
    except ValueError:  # of a function in C, which has no signature
        return True
    return True


async def _iter_body_part(part: Any) -> AsyncIterator[object]:
    decode = getattr(part, "decode", None)
    while (block := await part.read_chunk(READ_BLOCK_SIZE)) is None or block:
        yield decode(block) if callable(decode) and block else block


def _checked_path(file: Any, argument: str) -> Path:
    """Return a path that can be opened without surprises."""
    try:
        path = str.__str__(os.fsdecode(file))
    except Exception as error:  # the path is the caller's
        raise InvalidInputError(f"{argument} has no path: {error_text(error)}") from error
    if not path:
        raise InvalidInputError(f"{argument} is an empty path")
    url = shown_url(path)
    shown = repr(url if len(url) <= 80 else f"{url[:80]}…")
    scheme = _SCHEME.match(path.lstrip())
    if scheme is not None:
        raise InvalidInputError(f"{argument} {_explain_url((scheme[1] or scheme[2]).lower())}, got {shown}")
    if "\0" in path or len(path) > MAX_PATH_LENGTH:
        problem = "contains a NUL character" if "\0" in path else f"has {len(path)} characters"
        raise InvalidInputError(
            f"a string as {argument} is a path, and this one {problem}; pass the content of a file as bytes: {shown}"
        )
    return Path(path)


def _explain_url(scheme: str) -> str:
    match scheme:
        case "http" | "https":
            return "is a URL where a file is expected; pass it in the parameter for URLs"
        case "file":
            return "is a file:// URL; pass the path without file://"
        case "data":
            return "is a data: URL; decode it and pass its bytes"
        case _:
            return f"is a {scheme}:// URL, which must be opened first; pass the open file, for example of fsspec"


def _as_bytes(file: Any, argument: str) -> bytes | memoryview | None:
    """Return the content of a bytes-like object, copied if it may change; None for other objects."""
    if isinstance(file, bytes):
        return file
    try:
        view = memoryview(file)
    except TypeError:
        return None
    except (BufferError, ValueError) as error:
        raise InvalidInputError(f"{argument} cannot be read: {error}") from None
    if view.format not in _BYTE_FORMATS:
        raise InvalidInputError(f"{argument} must be bytes, got items of format {view.format!r}; use its tobytes()")
    return view.cast("B") if view.readonly and view.c_contiguous and view.nbytes else view.tobytes()


def _name_of(file: object) -> str | None:
    """Return the last part of the filename that a file object has, if it has one."""
    for attribute in ("filename", "name", "path"):
        name = getattr(file, attribute, None)
        if isinstance(name, bytes):
            name = os.fsdecode(name)
        if not isinstance(name, str):
            continue
        path = re.split("[?#]", name, maxsplit=1)[0] if _SCHEME.match(name) else name  # without the signature of a URL
        if (last := re.split(r"[/\\]", path)[-1]) and not last.startswith("<"):
            return safe_filename(last)
    return None


def _checked_filename(filename: object) -> str | None:
    if filename is None:
        return None
    if not (isinstance(filename, str) and str.strip(filename)):
        raise InvalidInputError(f"filename must be a non-empty string, got {describe(filename)}")
    return str.__str__(filename)


def _check_size(size: object) -> None:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise InvalidInputError(f"size must be a number of bytes, got {describe(size)}")

"""Sources of an upload: a file on disk, bytes, an open file object or a stream, read part by part.

Blocks of 512 KiB are read and hashed in a thread, one block ahead of the network, so that a slow disk does not block
the event loop and a large file does not fill memory. A memory map would be faster for cached files, but it blocks the
event loop for others, and kills the process when the file is truncated.

A source is created without I/O. `async with` opens it, and closes it in any case: it owns what its threads open.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import io
import os
import re
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, Self, cast

import attrs
from typing_extensions import override

from twelvelabs_async._arguments import describe
from twelvelabs_async._concurrency import FILE_THREADS
from twelvelabs_async._system import open_for_reading, read_at
from twelvelabs_async._text import error_text, shown_url
from twelvelabs_async.errors import InvalidInputError, UploadError
from twelvelabs_async.requests import FilePart
from twelvelabs_async.uploads import OnProgress, UploadProgress, UploadState
from twelvelabs_async.uploads._strategy import content_type

READ_BLOCK_SIZE: Final = 512 * 1024
"""Bytes per read."""

MAX_BUFFERED_STREAM: Final = 16 * 2**20
"""Bytes of a stream of unknown size that are kept in memory; a larger stream needs `size`."""

NO_DATA_NOW: Final = (
    "its read() returned None, as that of a non-blocking file without data does; open the file in blocking mode"
)
"""Why a file object cannot be read to its end."""

ChecksumUpdate = Callable[[bytes], None]
"""Adds bytes to a checksum."""


@attrs.define
class ProgressTracker:
    """Counts the bytes and parts of an upload and calls `on_progress`."""

    filename: str
    total: int
    on_progress: OnProgress | None = None
    parts: int = 0
    parts_done: int = 0
    get_state: Callable[[], UploadState] | None = None
    _sent: int = 0

    def add(self, byte_count: int) -> None:
        """Count sent bytes; a negative number takes back bytes that must be sent again."""
        self._sent += byte_count
        self.notify()

    def part_completed(self, get_state: Callable[[], UploadState]) -> None:
        """Count a part that storage has confirmed; `get_state` returns a state that holds it."""
        self.parts_done += 1
        self.get_state = get_state
        self.notify()

    def count_earlier_part(self, size: int) -> None:
        """Count a part that an earlier run has sent."""
        self.parts_done += 1
        self._sent += size

    def notify(self) -> None:
        """Call `on_progress`."""
        if self.on_progress is not None:
            self.on_progress(
                UploadProgress(
                    filename=self.filename,
                    sent=self._sent,
                    total=self.total,
                    parts_done=self.parts_done,
                    parts=self.parts,
                    get_state=self.get_state,
                )
            )


@attrs.define(eq=False)
class Part:
    """A range of bytes of a source. Each attempt to send it reads it again with `chunks`."""

    index: int
    offset: int
    size: int
    start_read: Callable[[int, int, ChecksumUpdate | None], asyncio.Future[bytes]]
    _sent: int = attrs.field(init=False, default=0)
    _digest: Any = attrs.field(init=False, default=None)

    @property
    def md5(self) -> str:
        """MD5 of the bytes that the last attempt read, in hexadecimal digits."""
        return str(self._digest.hexdigest())

    async def chunks(
        self, tracker: ProgressTracker, *, hashed: bool = True, before_last: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of the part, reading one block ahead.

        Args:
            tracker: Counts the bytes; those of the previous attempt are taken back.
            hashed: Whether to compute `md5`.
            before_last: Called before the last block is yielded; an exception keeps the request incomplete.

        Raises:
            UploadError: The source cannot be read, or has become shorter than the part.
        """
        digest = self._digest = hashlib.md5(usedforsecurity=False)
        if self._sent:
            tracker.add(-self._sent)
        self._sent = 0
        offset, end = self.offset, self.offset + self.size
        update = digest.update if hashed else None
        next_block = self.start_read(offset, min(READ_BLOCK_SIZE, self.size), update)
        while offset < end:
            block = await next_block
            offset += len(block)
            if offset < end:
                next_block = self.start_read(offset, min(READ_BLOCK_SIZE, end - offset), update)
            elif before_last is not None:
                await before_last()
            yield block
            self._sent += len(block)
            tracker.add(len(block))


class UploadSource(ABC):
    """Content with a name and a size, read part by part."""

    sequential: ClassVar[bool] = False
    """Whether parts must be opened in order."""
    size: int
    """Size in bytes; known once the source is open."""
    fingerprint: str
    """Identifies the content: another file, or a changed file, has another one. Known once the source is open."""

    def __init__(self, name: str | None, label: str, given_size: int | None = None) -> None:
        self.given_size = given_size
        """Size in bytes that the caller has passed, or that a file object has as an attribute; None if unknown."""
        self.name = safe_filename(name or "")
        """Filename for the platform; empty if the source has none."""
        self.label = label
        """Name of the source in errors."""
        self.content_type: str | None = None
        """Media type, if the caller has passed one."""
        self._pending_reads: set[asyncio.Future[bytes]] = set()

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @abstractmethod
    async def open(self) -> None:
        """Open the source, and set `size` and `fingerprint`.

        Raises:
            InvalidInputError: The source cannot be read.
        """

    async def open_part(self, index: int, offset: int, size: int) -> Part:
        """Return the part with `size` bytes from `offset`; the first part has index 1."""
        return Part(index, offset, size, self._start_read)

    def _require_given_size(self, size: int) -> None:
        """Compare the size with the one that the caller has passed.

        Raises:
            InvalidInputError: They differ.
        """
        if self.given_size is not None and size != self.given_size:
            raise InvalidInputError(
                f"{self.label} has {size} bytes, but its given size is {self.given_size}; pass size={size} or omit it"
            )

    @abstractmethod
    async def verify(self) -> None:
        """Raise `UploadError` if the content has changed since the source was opened."""

    @abstractmethod
    def _read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; called in a thread."""

    def _start_read(self, offset: int, size: int, update: ChecksumUpdate | None) -> asyncio.Future[bytes]:
        return self._read_in_thread(self._read, offset, size, update)

    def _read_in_thread(
        self, read: Callable[[int, int], bytes], offset: int, size: int, update: ChecksumUpdate | None
    ) -> asyncio.Future[bytes]:
        def read_block() -> bytes:
            block = read(offset, size)
            if update is not None:
                update(block)
            return block

        return self._track_read(FILE_THREADS.run(read_block))

    def _track_read(self, future: asyncio.Future[bytes]) -> asyncio.Future[bytes]:
        self._pending_reads.add(future)
        future.add_done_callback(self._on_read_done)
        return future

    def _on_read_done(self, future: asyncio.Future[bytes]) -> None:
        self._pending_reads.discard(future)
        if not future.cancelled():
            future.exception()  # marks it as retrieved: an abandoned read is not awaited

    def _error(self, message: str, *, changed: bool = False) -> UploadError:
        return UploadError(message=message, source=self.label, source_changed=changed)

    def _read_error(self, error: BaseException) -> UploadError:
        reason = (error.strerror if isinstance(error, OSError) else None) or error_text(error)
        return self._error(f"cannot read {self.label} during the upload: {reason}")

    async def aclose(self) -> None:
        """Close the source after the last read, also of attempts that were given up."""
        if self._pending_reads:  # else there may be no event loop
            await asyncio.gather(*self._pending_reads, return_exceptions=True)


class _ThreadSafeFile:
    """A file on disk, read by several threads. `close` closes it, or the last thread that uses it at that time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._users = 0
        self._closed = False

    def open(self) -> os.stat_result:
        with self._in_use():
            self._descriptor = open_for_reading(self._path)
            return os.fstat(self._descriptor)

    def read(self, offset: int, size: int) -> bytes:
        with self._in_use():
            if self._descriptor is None:
                raise ValueError("the file is not open")
            return read_at(self._descriptor, offset, size)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._close_if_unused()

    @contextmanager
    def _in_use(self) -> Generator[None]:
        with self._lock:
            if self._closed:
                raise ValueError("the file is closed")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._closed and not self._users and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FileSource(UploadSource):
    """A file on disk."""

    def __init__(self, path: Path, name: str | None, given_size: int | None = None) -> None:
        super().__init__(name or path.name, safe_filename(shown_url(str(path))), given_size)
        self.path = path
        self._file = _ThreadSafeFile(path)

    @override
    async def open(self) -> None:
        try:
            stat_result = await FILE_THREADS.run(self._open)
        except InvalidInputError:
            raise
        except (OSError, ValueError) as error:  # the path may not be valid
            reason = error.strerror if isinstance(error, OSError) else None
            raise InvalidInputError(f"cannot read {self.label}: {reason or error}") from None
        self.size, self._version = stat_result.st_size, _version(stat_result)
        self._require_given_size(self.size)
        # Without device and inode, which change when a drive is connected again.
        self.fingerprint = f"{self.size}-{modified_ns(stat_result)}-{self.name}"

    def _open(self) -> os.stat_result:
        self._check_kind(self.path.stat().st_mode)  # opening a pipe would wait for a writer
        stat_result = self._file.open()
        self._check_kind(stat_result.st_mode)
        return stat_result

    def _check_kind(self, mode: int) -> None:
        if stat.S_ISREG(mode):
            return
        if stat.S_ISDIR(mode):
            raise InvalidInputError(f"{self.label} is a folder; upload its files one by one or ingest the folder")
        kind = "a named pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise InvalidInputError(f"{self.label} is {kind}, not a file; pass its content as an async iterator with size=")

    @override
    def _read(self, offset: int, size: int) -> bytes:
        try:
            block = self._file.read(offset, size)
        except OSError as error:
            raise self._read_error(error) from error
        if not block:
            raise self._error(f"{self.label} became shorter during the upload", changed=True)
        return block

    @override
    async def verify(self) -> None:
        """Compare the file at this path with the file that was opened."""
        try:
            version = _version(await FILE_THREADS.run(self.path.stat))
        except OSError:
            version = None
        if version != self._version:
            raise self._error(f"{self.label} changed during the upload", changed=True)

    @override
    async def aclose(self) -> None:
        try:
            await super().aclose()
        finally:
            self._file.close()


_UNDECODABLE: Final = re.compile("[\\ud800-\\udfff]")
_CONTROL_CHARACTERS: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")


def safe_filename(name: str) -> str:
    """Return a name that any server can read: undecodable bytes and control characters are replaced."""
    return _CONTROL_CHARACTERS.sub("_", _UNDECODABLE.sub("\N{REPLACEMENT CHARACTER}", name))


def modified_ns(stat_result: os.stat_result) -> int:
    """Return a modification time in nanoseconds as a 64-bit number, in which dates after 2262 start over."""
    return (stat_result.st_mtime_ns + 2**63) % 2**64 - 2**63


def _version(stat_result: os.stat_result) -> tuple[int, int, int]:
    """Return what changes when a file is written or replaced."""
    return stat_result.st_size, modified_ns(stat_result), stat_result.st_ino


class BytesSource(UploadSource):
    """Bytes in memory."""

    def __init__(self, content: bytes | memoryview, name: str | None, given_size: int | None = None) -> None:
        super().__init__(name, name or "the content", given_size)
        self.content = content
        self.size = len(content)
        self._require_given_size(self.size)
        digest = hashlib.blake2b(digest_size=8)
        for sample in (content[:READ_BLOCK_SIZE], content[-READ_BLOCK_SIZE:]):
            digest.update(sample)
        self.fingerprint = f"bytes-{self.size}-{digest.hexdigest()}"

    @override
    async def open(self) -> None:
        """Do nothing: bytes are open."""

    @override
    def _read(self, offset: int, size: int) -> bytes:
        return bytes(self.content[offset : offset + size])

    @override
    async def verify(self) -> None:
        """Do nothing: bytes do not change."""

    @override
    async def aclose(self) -> None:
        await super().aclose()
        if isinstance(self.content, memoryview):
            self.content.release()  # a memory map can then be closed


class FileObjectSource(UploadSource):
    """An open file object that can seek; its methods may be coroutines. The caller closes it."""

    def __init__(self, file: Any, name: str | None, size: int | None) -> None:
        super().__init__(name, name or f"the {type(file).__name__}", size)
        self._file = file
        self._asynchronous = inspect.iscoroutinefunction(file.read)
        self._version: tuple[int, int, int] | None = None
        self._position_lock = threading.Lock()
        self._async_position_lock = asyncio.Lock()

    @override
    async def open(self) -> None:
        try:
            await require_readable(self._file, self.label)
            size = await self._measure()
            await call_file_method(self._file.seek, 0)
        except InvalidInputError:
            raise
        except Exception as error:  # the file object is the caller's
            raise InvalidInputError(f"cannot read {self.label}: {error_text(error)}") from error
        self._require_given_size(size)
        self.size, self.fingerprint = size, f"file-{size}"
        self._version = await FILE_THREADS.run(_open_file_version, self._file)

    async def _measure(self) -> int:
        """Return the size in bytes.

        An object that cannot say where its end is has the given size if it ends there.

        Raises:
            InvalidInputError: It does not end there, or its answer is no size.
        """
        file = self._file
        if self.given_size is None or await self._can_seek_to_end():
            await call_file_method(file.seek, 0, io.SEEK_END)
            size = await call_file_method(file.tell)
            if isinstance(size, bool) or not isinstance(size, int) or size < 0:
                raise InvalidInputError(f"cannot read {self.label}: its tell() returned {describe(size)}")
            return size
        given = self.given_size
        await call_file_method(file.seek, given)
        longer = await call_file_method(file.read, 1)
        await call_file_method(file.seek, max(given - 1, 0))
        if longer or (given and not await call_file_method(file.read, 1)):
            comparison = "longer" if longer else "shorter"
            raise InvalidInputError(
                f"{self.label} is {comparison} than its given size of {given} bytes; pass its true size"
            )
        return given

    async def _can_seek_to_end(self) -> bool:
        """Return whether the object has `tell`, and its `seek` takes a second argument; that of Starlette does not."""
        if not callable(getattr(self._file, "tell", None)):
            return False
        try:
            await call_file_method(self._file.seek, 0, io.SEEK_END)
        except TypeError:
            return False
        return True

    @override
    def _start_read(self, offset: int, size: int, update: ChecksumUpdate | None) -> asyncio.Future[bytes]:
        if not self._asynchronous:
            return self._read_in_thread(self._read, offset, size, update)
        return self._track_read(asyncio.ensure_future(self._read_asynchronously(offset, size, update)))

    @override
    def _read(self, offset: int, size: int) -> bytes:
        try:
            with self._position_lock:
                self._file.seek(offset)
                block = self._file.read(size)
        except Exception as error:  # the file object is the caller's
            raise self._read_error(error) from error
        return self._checked(block, size)

    async def _read_asynchronously(self, offset: int, size: int, update: ChecksumUpdate | None) -> bytes:
        try:
            async with self._async_position_lock:
                await self._file.seek(offset)
                block = await self._file.read(size)
        except Exception as error:  # the file object is the caller's
            raise self._read_error(error) from error
        block = self._checked(block, size)
        if update is not None:
            await FILE_THREADS.run(update, block)
        return block

    def _checked(self, block: object, size: int) -> bytes:
        """Return a block of up to `size` bytes that the file has returned."""
        try:
            content = checked_block(block, self.label)
        except InvalidInputError as error:
            raise self._error(error.message) from error
        if not content:
            raise self._error(f"{self.label} became shorter during the upload")
        if len(content) > size:
            raise self._error(f"cannot read {self.label}: its read({size}) returned {len(content)} bytes")
        return content

    @override
    async def verify(self) -> None:
        """Compare the size of the file, and the modification time of one on disk, with those when it was opened."""
        await asyncio.gather(*self._pending_reads, return_exceptions=True)  # they use the position in the file
        try:
            size = await self._measure()
        except InvalidInputError as error:
            raise self._error(f"{self.label} changed during the upload: {error}") from error
        except Exception as error:  # the file object is the caller's
            raise self._read_error(error) from error
        if size != self.size or await FILE_THREADS.run(_open_file_version, self._file) != self._version:
            raise self._error(f"{self.label} changed during the upload", changed=True)


def _open_file_version(file: object) -> tuple[int, int, int] | None:
    """Return what changes when a file that `open` has returned is written; None for other objects.

    The descriptor of another object may cost work: `SpooledTemporaryFile` writes its content to disk for it.
    """
    if not isinstance(file, io.FileIO | io.BufferedReader | io.BufferedRandom):
        return None
    try:
        return _version(os.fstat(file.fileno()))
    except (OSError, ValueError):  # it has no descriptor
        return None


async def call_file_method(method: Callable[..., Any], *arguments: Any) -> Any:
    """Call a method of a file object: in a thread, unless it is a coroutine function."""
    if inspect.iscoroutinefunction(method):
        return await method(*arguments)
    result = await FILE_THREADS.run(method, *arguments)
    return await result if inspect.isawaitable(result) else result


async def require_readable(file: Any, label: str) -> None:
    """Ask a file object whether it can be read, if it can answer.

    Raises:
        InvalidInputError: It can only be written.
    """
    readable, writable = getattr(file, "readable", None), getattr(file, "writable", None)
    if not (callable(readable) and callable(writable)) or await call_file_method(readable) is not False:
        return
    if await call_file_method(writable) is True:  # `io.RawIOBase` may answer False to both, and have `read`
        raise InvalidInputError(f"{label} is a file opened for writing only; open it with mode 'rb'")


def checked_block(block: object, label: str) -> bytes:
    """Return a block that a source of the caller has returned, as bytes.

    Raises:
        InvalidInputError: It is not bytes.
    """
    if isinstance(block, bytes):
        return block
    if isinstance(block, bytearray | memoryview):
        try:
            return bytes(cast("Any", block))
        except ValueError as error:
            raise InvalidInputError(f"{label} has a block that cannot be read: {error}") from error
    if block is None:
        raise InvalidInputError(f"cannot read {label}: {NO_DATA_NOW}")
    raise InvalidInputError(f"{label} must consist of bytes, got {type(block).__name__}")


class StreamSource(UploadSource):
    """An async iterator of bytes; only open parts are in memory. The caller closes the iterator.

    Args:
        stream: The iterator.
        name: Filename.
        size: Size in bytes; None reads a short stream into memory.
    """

    sequential = True

    def __init__(self, stream: AsyncIterator[object], name: str | None, size: int | None) -> None:
        super().__init__(name, name or "the stream", size)
        self._stream = stream
        self._leftover = b""
        self._consumed: int = 0

    @override
    async def open(self) -> None:
        """Read a stream of unknown size, or the first block of another: what cannot be read must not be announced."""
        size = self.given_size
        if size is not None:
            while size and not self._leftover:
                block = await self._next_block()
                if block is None:
                    self._require_given_size(0)
                self._leftover = block or b""
        else:
            content, extra = await self._read_up_to(MAX_BUFFERED_STREAM)
            if extra or (len(content) == MAX_BUFFERED_STREAM and (await self._read_up_to(1))[0]):
                raise InvalidInputError(f"a stream of more than {MAX_BUFFERED_STREAM} bytes needs size=")
            self._leftover, size = content, len(content)
        self.size, self.fingerprint = size, f"stream-{size}"

    @override
    async def open_part(self, index: int, offset: int, size: int) -> Part:
        """Read the next part into memory, so that it can be sent more than once."""
        if offset != self._consumed:
            raise self._error("a stream can only be read once, from its start")
        content, self._leftover = await self._read_up_to(size, self._leftover)
        self._consumed += len(content)
        if len(content) < size:
            raise self._error(f"the stream ended {size - len(content)} bytes early")
        view = memoryview(content)

        def read(start: int, count: int) -> bytes:
            return bytes(view[start - offset : start - offset + count])

        return Part(index, offset, size, partial(self._read_in_thread, read))

    @override
    def _read(self, offset: int, size: int) -> bytes:
        raise NotImplementedError("parts of a stream are in memory")

    @override
    async def verify(self) -> None:
        """Check that the stream is not longer than its announced size."""
        extra, _ = await self._read_up_to(1, self._leftover)
        if extra:
            raise self._error(f"the stream is longer than its size of {self.size} bytes")

    async def _read_up_to(self, size: int, leftover: bytes = b"") -> tuple[bytes, bytes]:
        """Return up to `size` bytes of `leftover` and the stream, and the bytes read after them."""
        blocks, total = [leftover], len(leftover)
        while total < size and (block := await self._next_block()) is not None:
            blocks.append(block)
            total += len(block)
        content = b"".join(blocks)
        return content[:size], content[size:]

    async def _next_block(self) -> bytes | None:
        """Return the next block, or None at the end."""
        try:
            block = await anext(self._stream)
        except StopAsyncIteration:
            return None
        except InvalidInputError:
            raise
        except Exception as error:  # the stream is the caller's
            raise self._read_error(error) from error
        return checked_block(block, self.label)


async def make_form_part(
    source: UploadSource,
    field: str,
    on_progress: OnProgress | None = None,
    *,
    before_last: Callable[[], Awaitable[None]] | None = None,
) -> FilePart:
    """Return the whole source as the file of a form.

    The source is verified before its last block is sent: a file that changes during the upload never arrives complete,
    and sending it raises `UploadError`.

    Args:
        source: The source, open.
        field: Name of the field of the form.
        on_progress: Receives the progress.
        before_last: Called before the last block as well; an exception keeps the request incomplete.
    """

    async def verify() -> None:
        await source.verify()
        if before_last is not None:
            await before_last()

    tracker = ProgressTracker(source.name, source.size, on_progress)
    part = await source.open_part(1, 0, source.size)
    return FilePart(
        name=field,
        filename=source.name,
        content=lambda: part.chunks(tracker, hashed=False, before_last=verify),
        size=source.size,
        content_type=source.content_type or content_type(source.name),
    )

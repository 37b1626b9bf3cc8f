"""What is uploaded: a file, bytes, or a stream. Each gives its parts as often as they have to be sent.

Files are read with `pread` in a thread, 512 KiB at a time and one block ahead, so that neither a slow disk stops the
event loop nor a large file fills memory. A map of the file would be faster from the cache, but stalls on a cold one
and kills the process when the file shrinks.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from twelvelabs_async.body import in_blocks
from twelvelabs_async.errors import InvalidInputError, UploadError

BLOCK: Final = 512 * 1024
"""Bytes read at a time."""

SMALL_STREAM: Final = 16 * 2**20
"""Bytes of a stream of unknown length that are kept in memory; a longer one needs its size."""

Watch = Callable[[bytes], None]
"""Sees each block before it is sent: hashes it, in the thread that read it."""


class Source(Protocol):
    """Something that has a size and gives its bytes."""

    name: str
    size: int
    in_order: bool
    """Whether parts must be taken one after the other."""

    @property
    def fingerprint(self) -> str:
        """What tells this content from a later one under the same name."""
        ...

    async def part(self, offset: int, size: int) -> Callable[[Watch], AsyncIterator[bytes]]:
        """What starts the bytes from `offset`, as often as it is called."""
        ...

    async def verify(self) -> None:
        """Raise `UploadError` if the content is not what it was at the beginning."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


def known_as(name: str) -> str:
    """A file's name as the platform is told it: on disk it need not be text, there it has to be."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class FileSource:
    """A file on disk."""

    in_order = False

    def __init__(self, path: Path, name: str, descriptor: int, status: os.stat_result) -> None:
        self.path = path
        self.name = name
        self.size: int = status.st_size
        self._status = status
        self._descriptor = descriptor
        self._reads: set[asyncio.Future[bytes]] = set()

    @classmethod
    async def open(cls, path: Path, name: str | None) -> FileSource:
        """Open a file.

        Raises:
            InvalidInputError: It does not exist, is no regular file, or cannot be read.
        """
        return await asyncio.to_thread(cls._open, path, name)

    @classmethod
    def _open(cls, path: Path, name: str | None) -> FileSource:
        if path.is_dir():
            raise InvalidInputError(f"{path} is a folder; upload its files one by one, or use the ingest command")
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise InvalidInputError(f"cannot read {path}: {error.strerror}") from None
        return cls(path, known_as(name or path.name), descriptor, os.fstat(descriptor))

    @property
    def fingerprint(self) -> str:
        """Size, time of the last change, and which file it is."""
        return _fingerprint(self._status)

    async def part(self, offset: int, size: int) -> Callable[[Watch], AsyncIterator[bytes]]:
        """What reads `size` bytes from `offset`."""
        return lambda watch: self._blocks(offset, size, watch)

    async def _blocks(self, offset: int, size: int, watch: Watch) -> AsyncIterator[bytes]:
        end = offset + size
        ahead = self._read(offset, min(BLOCK, size), watch)
        while offset < end:
            block = await ahead
            if not block:
                raise UploadError(message=f"{self.path} became shorter while it was uploaded", source=str(self.path))
            offset += len(block)
            if offset < end:
                ahead = self._read(offset, min(BLOCK, end - offset), watch)
            yield block

    def _read(self, offset: int, size: int, watch: Watch) -> asyncio.Future[bytes]:
        def read() -> bytes:
            block = os.pread(self._descriptor, size, offset)
            watch(block)
            return block

        reading = asyncio.get_running_loop().run_in_executor(None, read)
        self._reads.add(reading)
        reading.add_done_callback(self._read_ended)
        return reading

    def _read_ended(self, reading: asyncio.Future[bytes]) -> None:
        self._reads.discard(reading)
        if not reading.cancelled():
            reading.exception()  # an abandoned read may fail unseen

    async def verify(self) -> None:
        """Compare the file under this path with what it was when it was opened."""
        try:
            now = _fingerprint(await asyncio.to_thread(os.stat, self.path))
        except OSError:
            now = "gone"
        if now != self.fingerprint:
            raise UploadError(message=f"{self.path} changed while it was uploaded", source=str(self.path))

    async def close(self) -> None:
        """Close the file when no thread reads it any more."""
        await asyncio.gather(*self._reads, return_exceptions=True)
        os.close(self._descriptor)


class BytesSource:
    """Bytes at hand."""

    in_order = False
    fingerprint = "bytes"

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self.size: int = len(content)
        self._content = memoryview(content)

    async def part(self, offset: int, size: int) -> Callable[[Watch], AsyncIterator[bytes]]:
        """What gives the slice."""
        return lambda watch: _seen(bytes(self._content[offset : offset + size]), watch)

    async def verify(self) -> None:
        """Bytes do not change."""

    async def close(self) -> None:
        """Nothing is open."""


class StreamSource:
    """An async iterator of bytes whose length is known; only the parts on their way are in memory."""

    in_order = True
    fingerprint = "stream"

    def __init__(self, stream: AsyncIterator[bytes], name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._stream = stream
        self._left = b""
        self._taken = 0

    async def part(self, offset: int, size: int) -> Callable[[Watch], AsyncIterator[bytes]]:
        """Take the next `size` bytes out of the stream and keep them until they have arrived."""
        if offset != self._taken:
            raise UploadError(message="a stream can only be read once, from its beginning", source=self.name)
        content, self._left = await take(self._stream, size, self._left)
        self._taken += len(content)
        if len(content) < size:
            raise UploadError(message=f"the stream ended {size - len(content)} bytes early", source=self.name)
        return lambda watch: _seen(content, watch)

    async def verify(self) -> None:
        """Raise if there is more in the stream than was announced."""
        more, _ = await take(self._stream, 1, self._left)
        if more:
            raise UploadError(message=f"the stream is longer than the {self.size} bytes announced", source=self.name)

    async def close(self) -> None:
        """The stream belongs to the caller."""


async def take(stream: AsyncIterator[bytes], size: int, left: bytes = b"") -> tuple[bytes, bytes]:
    """Up to `size` bytes of `left` and the stream, and what was read beyond them."""
    pieces, have = [left], len(left)
    while have < size:
        try:
            piece = await anext(stream)
        except StopAsyncIteration:
            break
        pieces.append(piece)
        have += len(piece)
    whole = b"".join(pieces)
    return whole[:size], whole[size:]


async def _seen(content: bytes, watch: Watch) -> AsyncIterator[bytes]:
    async for block in in_blocks(content, BLOCK):
        await asyncio.to_thread(watch, block)
        yield block


def _fingerprint(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_dev}-{status.st_ino}"


async def open_source(
    source: str | os.PathLike[str] | bytes | AsyncIterable[bytes], *, filename: str | None, size: int | None
) -> Source:
    """Whatever can be uploaded, as a `Source`.

    Raises:
        InvalidInputError: It cannot be read, has no name, or is a long stream of unknown size.
    """
    if isinstance(source, str | os.PathLike):
        return await FileSource.open(Path(source), filename)
    if filename is None:
        raise InvalidInputError("bytes and streams need filename=, with an extension that tells what they are")
    if isinstance(source, bytes | bytearray | memoryview):
        return BytesSource(bytes(source), filename)
    stream = aiter(source)
    if size is not None:
        return StreamSource(stream, filename, size)
    start, rest = await take(stream, SMALL_STREAM)
    if rest or (len(start) == SMALL_STREAM and (await take(stream, 1))[0]):
        raise InvalidInputError(f"a stream of more than {SMALL_STREAM} bytes needs size=")
    return BytesSource(start, filename)


@asynccontextmanager
async def closing(source: Source) -> AsyncGenerator[Source, None]:
    """Let go of the source whatever happens."""
    try:
        yield source
    finally:
        await source.close()


__all__ = ["BytesSource", "FileSource", "Source", "StreamSource", "closing", "open_source"]

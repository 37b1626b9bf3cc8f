"""Request bodies of uploads: hash and count them, and write them to temporary files if they are to be inspected."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from hashlib import md5
from pathlib import Path

BATCH_SIZE = 1 << 20
"""Bytes per batch for the hashing thread: small enough for the CPU cache, large enough to outweigh the thread
switch."""


class UploadSpool:
    """Files for request bodies while the emulator runs.

    Args:
        create: Creates an empty file that outlives the emulator and returns its path. By default, files are created in
            a temporary directory, which is deleted.
    """

    def __init__(self, create: Callable[[], Path] | None = None) -> None:
        self._create = create
        self._directory: Path | None = None

    async def open(self) -> None:
        """Create the temporary directory."""
        if self._create is None:
            self._directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="twelvelabs-emulator-"))

    async def create_file(self) -> Path:
        """Create an empty file and return its path."""
        if self._create is not None:
            return await asyncio.to_thread(self._create)
        if self._directory is None:
            raise RuntimeError("the emulator is not running")
        descriptor, path = await asyncio.to_thread(tempfile.mkstemp, dir=self._directory)
        os.close(descriptor)
        return Path(path)

    @asynccontextmanager
    async def temporary_file(self) -> AsyncGenerator[Path]:
        """Create an empty file that is deleted at the end of the block."""
        path = await self.create_file()
        try:
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def delete(self) -> None:
        """Delete the temporary directory with its files."""
        directory, self._directory = self._directory, None
        if directory is not None:
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


class UploadHasher:
    """Hashes a request body and optionally writes it to a file.

    A thread hashes one batch while the event loop reads the next, because hashing takes about as long as reading. The
    file is opened and closed for each batch, so that an interrupted upload leaves no open file.

    Args:
        path: An existing file to write to; `None` only hashes and counts.
        offset: Position of the body in the file, in bytes.
    """

    def __init__(self, path: Path | None, offset: int = 0) -> None:
        self.size: int = 0
        self._path = path
        self._offset = offset
        self._hash = md5(usedforsecurity=False)
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._running: asyncio.Future[None] | None = None

    async def feed(self, chunk: bytes) -> None:
        """Add the next bytes; wait if the thread is still busy with the previous batch."""
        self.size += len(chunk)
        self._pending.append(chunk)
        self._pending_size += len(chunk)
        if self._pending_size >= BATCH_SIZE:
            await self._flush()

    async def finish(self) -> str:
        """Return the MD5 of all bytes in hex."""
        await self._flush()
        if self._running is not None:
            await self._running
        return self._hash.hexdigest()

    async def _flush(self) -> None:
        if self._running is not None:
            await self._running
        batch, self._pending, self._pending_size = self._pending, [], 0
        self._running = asyncio.get_running_loop().run_in_executor(None, self._process_batch, batch)
        self._running.add_done_callback(_retrieve_exception)

    def _process_batch(self, batch: list[bytes]) -> None:
        content = b"".join(batch)
        self._hash.update(content)
        if self._path is not None:
            with self._path.open("r+b") as file:
                file.seek(self._offset)
                file.write(content)
        self._offset += len(content)


def _retrieve_exception(future: asyncio.Future[None]) -> None:
    """Mark the exception as retrieved: the last batch of a client that has disconnected is not awaited."""
    if not future.cancelled():
        future.exception()

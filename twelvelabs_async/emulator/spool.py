"""Bodies on their way: hashed, counted, and kept in a file only if somebody will look into it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import asynccontextmanager
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BATCH = 1 << 20
"""Bytes that travel to the thread at once: few enough to stay in cache, enough to pay for the trip."""


class Spool:
    """A directory for bodies, which is there while the emulator runs.

    Args:
        folder: A directory that is there, and stays; without one, a temporary one is made and deleted.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._given = folder
        self._folder: Path | None = None

    async def open(self) -> None:
        """Make the directory."""
        self._folder = self._given or Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="twelvelabs-emulator-"))

    async def file(self) -> Path:
        """Return a new empty file."""
        if self._folder is None:
            raise RuntimeError("the emulator does not run")
        number, path = await asyncio.to_thread(tempfile.mkstemp, dir=self._folder)
        os.close(number)
        return Path(path)

    @asynccontextmanager
    async def temporary(self) -> AsyncGenerator[Path]:
        """Give a new empty file that is deleted at the end of the block."""
        path = await self.file()
        try:
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def delete(self) -> None:
        """Delete the directory with all that is in it, unless it was given."""
        folder, self._folder = self._folder, None
        if folder is not None and self._given is None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Intake:
    """Takes in a body piece by piece.

    A thread hashes one batch while the event loop reads the next, for hashing takes about as long as reading. The file
    is opened anew for each batch, so that a caller who leaves in the middle leaves nothing open.
    """

    def __init__(self, path: Path | None, offset: int = 0) -> None:
        self.size: int = 0
        self._path = path
        self._offset = offset
        self._hash = md5(usedforsecurity=False)
        self._waiting: list[bytes] = []
        self._weight = 0
        self._running: asyncio.Future[None] | None = None

    async def feed(self, piece: bytes) -> None:
        """Take the next bytes, and wait if the thread is behind."""
        self.size += len(piece)
        self._waiting.append(piece)
        self._weight += len(piece)
        if self._weight >= BATCH:
            await self._hand_over()

    async def finish(self) -> str:
        """Return the MD5 of all bytes in hex."""
        await self._hand_over()
        if self._running is not None:
            await self._running
        return self._hash.hexdigest()

    async def _hand_over(self) -> None:
        if self._running is not None:
            await self._running
        batch, self._waiting, self._weight = self._waiting, [], 0
        self._running = asyncio.get_running_loop().run_in_executor(None, self._digest, batch)

    def _digest(self, batch: list[bytes]) -> None:
        content = b"".join(batch)
        self._hash.update(content)
        if self._path is not None:
            with self._path.open("r+b") as file:
                file.seek(self._offset)
                file.write(content)
        self._offset += len(content)

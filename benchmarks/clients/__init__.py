"""The clients, with one interface. This module does not import them, because imports are measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from benchmarks.answers import SHORT_VIDEO_NAME

OURS: Final = "ours"
OFFICIAL: Final = "official"
BARE: Final = "aiohttp"
WITHOUT_SNIFFIO: Final = "plain"
HASHING: Final = "hashing"
CLIENTS: Final = (OURS, OFFICIAL, BARE)

MODULES: Final = {
    OURS: "benchmarks.clients.ours",
    OFFICIAL: "benchmarks.clients.official",
    BARE: "benchmarks.clients.bare",
    WITHOUT_SNIFFIO: "benchmarks.clients.plain",
    HASHING: "benchmarks.clients.hashing",
}

PART_CONCURRENCY: Final = 5
"""Concurrent parts of a large upload; the default of the official client."""

REMOTE_VIDEO: Final = "https://videos.example/holiday.mp4"
"""URL of a video."""

SHORT_VIDEO: Final = f"https://videos.example/{SHORT_VIDEO_NAME}.mp4"
"""URL of a video with few vectors."""

SMALL_FILE_NAME: Final = "clip.mp4"
"""Filename of each small file."""


class Client(Protocol):
    """The operations that are measured."""

    async def get(self) -> str | None:
        """Get an index and return its id."""
        ...

    async def list(self, ahead: int = 0) -> int:
        """List all indexes, 50 per page, and return their number; prefetch `ahead` pages if supported."""
        ...

    async def upload_small(self, content: bytes) -> str | None:
        """Upload bytes in one request and return the id of the asset."""
        ...

    async def upload_large(self, path: Path) -> str | None:
        """Upload a file in parts and return the id of the asset."""
        ...

    async def embed(self, video: str = REMOTE_VIDEO) -> int:
        """Get the embeddings of a video and return the number of vectors."""
        ...

    def events(self) -> AsyncIterator[str | None]:
        """Yield the texts of a streamed analysis."""
        ...

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Poll tasks once a second until all are done and return how many are ready."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class ClientModule(Protocol):
    """The interface of a client module."""

    def make(self, origin: str) -> Client:
        """Create a client of the server at `origin`."""
        ...


def load(name: str) -> ClientModule:
    """Import the module of a client."""
    return cast("ClientModule", import_module(MODULES[name]))

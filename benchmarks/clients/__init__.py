"""The clients, each behind the same face. Nothing here imports them: that is part of what is measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from benchmarks.answers import SECONDS

OURS: Final = "ours"
OFFICIAL: Final = "official"
BARE: Final = "aiohttp"
PLAIN: Final = "plain"
CLIENTS: Final = (OURS, OFFICIAL, BARE)

MODULES: Final = {
    OURS: "benchmarks.clients.ours",
    OFFICIAL: "benchmarks.clients.official",
    BARE: "benchmarks.clients.bare",
    PLAIN: "benchmarks.clients.plain",
}

AT_ONCE: Final = 5
"""Parts of a large upload on their way at once; what the official client does unless told otherwise."""

VIDEO: Final = "https://videos.example/holiday.mp4"
"""A video that is somewhere else."""

SHORT: Final = f"https://videos.example/{SECONDS}.mp4"
"""Another one, of which there are few vectors."""

NAME: Final = "clip.mp4"
"""Name of each small file."""


class Client(Protocol):
    """The work, as each client does it."""

    async def get(self) -> str | None:
        """One index; its id."""
        ...

    async def list(self, ahead: int = 0) -> int:
        """All indexes, 50 a page; how many there were. Reads so many pages ahead if it can."""
        ...

    async def upload_small(self, content: bytes) -> str | None:
        """An asset from bytes, in one request; its id."""
        ...

    async def upload_large(self, path: Path) -> str | None:
        """An asset from a file, in parts; its id."""
        ...

    async def embed(self, video: str = VIDEO) -> int:
        """The embeddings of a video in one answer; how many vectors."""
        ...

    def events(self) -> AsyncIterator[str | None]:
        """The texts of an analysis while it is written."""
        ...

    async def wait(self, task_ids: Sequence[str]) -> int:
        """Wait for all these tasks, looking once a second; how many are ready."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Maker(Protocol):
    """The module of a client."""

    def make(self, origin: str) -> Client:
        """A client of the server at `origin`."""
        ...


def load(name: str) -> Maker:
    """Import a client."""
    return cast("Maker", import_module(MODULES[name]))

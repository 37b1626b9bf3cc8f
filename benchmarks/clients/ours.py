"""This project's client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.answers import INDEX_ID, PREFIX
from benchmarks.clients import AT_ONCE, NAME
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from pathlib import Path


class Ours:
    """`twelvelabs_async`, with what it does by default."""

    def __init__(self, origin: str) -> None:
        self._client = AsyncTwelveLabs("key", base_url=origin + PREFIX)

    async def get(self) -> str | None:
        """One index."""
        return (await self._client.indexes.retrieve(INDEX_ID)).id

    async def list(self) -> int:
        """All indexes."""
        count = 0
        async for _ in self._client.indexes.list():
            count += 1
        return count

    async def upload_small(self, content: bytes) -> str | None:
        """An asset in one request."""
        return (await self._client.assets.create(method="direct", file=content, filename=NAME)).id

    async def upload_large(self, path: Path) -> str | None:
        """An asset in parts."""
        return (await self._client.assets.upload(path, method="multipart", concurrency=AT_ONCE)).id

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def make(origin: str) -> Ours:
    """A client of the server at `origin`."""
    return Ours(origin)

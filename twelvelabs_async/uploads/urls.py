"""Keeps presigned URLs at hand: each is good for one PUT and one hour, and the first answer has only some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import MalformedResponseError
from twelvelabs_async.models.uploads import PresignedUrlChunk

AT_ONCE: Final = 50
"""URLs the platform hands out in one request."""

LIFETIME: Final = 3600.0
"""Seconds a URL is good for."""

RENEW_AFTER: Final = 0.8
"""Share of the lifetime after which a URL is not used any more."""

AskForUrls = Callable[[int, int], Awaitable[Sequence[PresignedUrlChunk]]]
"""Asks the platform for URLs from a chunk on: first chunk, how many."""


class UrlPool:
    """Gives a URL for each part, and a new one for each further attempt."""

    def __init__(self, first: Sequence[PresignedUrlChunk], ask: AskForUrls, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = asyncio.Lock()
        self._urls: dict[int, tuple[str, float]] = {}
        self._keep(first)

    async def take(self, index: int, *, ahead: int = 1) -> str:
        """A URL for part `index` that nobody has used; `ahead` parts from it on are going to need one too."""
        async with self._lock:
            found = self._fresh(index)
            if found is None:
                self._keep(await self._ask(index, max(1, min(AT_ONCE, ahead))))
                found = self._fresh(index)
        if found is None:
            raise MalformedResponseError(message=f"asked for a URL for part {index}, got none for it")
        return found

    def _fresh(self, index: int) -> str | None:
        url, since = self._urls.pop(index, ("", 0.0))
        return url if url and self._clock.monotonic() - since < LIFETIME * RENEW_AFTER else None

    def _keep(self, urls: Sequence[PresignedUrlChunk]) -> None:
        now = self._clock.monotonic()
        self._urls.update({url.chunk_index: (url.url, now) for url in urls})

"""Looks at one source before anything is spent on it: a clip of three seconds costs no upload."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import attrs

from twelvelabs_async.api import Road
from twelvelabs_async.errors import APIError
from twelvelabs_async.ingest.media import Media, of_address, of_file
from twelvelabs_async.ingest.rules import Rules, page, refusal, rules_of, way_of
from twelvelabs_async.resources.indexes import Indexes
from twelvelabs_async.uploads.plan import Way


@attrs.frozen(kw_only=True)
class Checked:
    """What would be done with a source."""

    media: Media
    """What it is, as far as known."""
    way: Way | None
    """How it would be sent; None if it is too large, or cannot be read."""
    refusal: str = ""
    """Why it would come to nothing, in a sentence with the actual and the allowed value; empty if it may work."""


class _Named(Protocol):
    """Something with a path or an address."""

    @property
    def source(self) -> str: ...


def checker(models: Iterable[str]) -> Callable[[_Named], Awaitable[str]]:
    """What `client.ingest(check=...)` takes: refuses what an index of these models would.

    Example:
        client.ingest("videos/", index_id=index.id, check=checker(model.model_name for model in index.models))
    """
    rules = rules_of(models)

    async def look(item: _Named) -> str:
        return (await check(item.source, rules)).refusal

    return look


class IndexChecker:
    """Refuses what an index would refuse for what it is; the models of the index are asked for once.

    A file that seems to be cut off is not refused for that: it may be whole, and the platform can tell.

    Args:
        road: To the platform.
        index_id: The index.
    """

    def __init__(self, road: Road, index_id: str) -> None:
        self._indexes = Indexes(road)
        self._index_id = index_id
        self._rules: Sequence[Rules] | None = None
        self._asking = asyncio.Lock()

    async def __call__(self, item: _Named) -> str:
        """Why an item is not to be sent; an empty text lets it pass."""
        async with self._asking:
            if self._rules is None:
                self._rules = await self._ask()
        checked = await check(item.source, self._rules)
        if checked.media.cut and not checked.media.empty_inside:  # as one looks that has a few bytes behind its end
            return refusal(attrs.evolve(checked.media, cut=False), checked.way, self._rules)
        return checked.refusal

    async def _ask(self) -> Sequence[Rules]:
        try:
            index = await self._indexes.retrieve(self._index_id)
        except APIError:
            return ()  # what is wrong will be told where it matters, or has passed until then
        return rules_of(model.model_name for model in index.models)


async def check(source: str, rules: Sequence[Rules] = ()) -> Checked:
    """Look at a path or an address. Files are looked into in a thread; addresses are not fetched.

    Args:
        source: Path of a file, or http(s) address.
        rules: Those of the models of the index, from `rules_of`.
    """
    if source.startswith(("http://", "https://")):
        media = of_address(source)
        return Checked(media=media, way="url", refusal=page(source) or refusal(media, "url", rules))
    try:
        media = await asyncio.to_thread(of_file, source)
    except OSError as error:
        return Checked(media=Media(name=source), way=None, refusal=f"cannot be read: {error.strerror}")
    way = way_of(media, address=False)
    return Checked(media=media, way=way, refusal=refusal(media, way, rules))

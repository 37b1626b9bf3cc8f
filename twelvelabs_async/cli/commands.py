"""Searching on the command line, and how an index is named there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from twelvelabs_async.cli.codes import Code
from twelvelabs_async.cli.render import Hit, Screen
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import BadRequestError, NotFoundError
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.models.search import SearchItem, SearchOption

MODELS: Final[tuple[dict[str, Any], ...]] = ({"model_name": "marengo3.0", "model_options": ["visual", "audio"]},)
"""What an index made here is made for."""

SOME: Final = 10
"""How many names are offered instead of an unknown one."""

LARGEST_PAGE: Final = 50
"""Results the platform puts on one page at most."""

_ID: Final = re.compile("[0-9a-f]{24}")
_OPTIONS: Final[tuple[SearchOption, ...]] = ("visual", "audio")


async def search(
    index: str,
    words: str,
    *,
    limit: int,
    options: Sequence[SearchOption] | None,
    base_url: str | None,
    screen: Screen,
) -> Code:
    """Search an index, and show the hits."""
    async with AsyncTwelveLabs(base_url=base_url) as client:
        found = await by_id(client, index) or await by_name(client, index)
        if found is None:
            screen.error(f"there is no index {index!r}{await _others(client)}")
            return Code.FAILED
        items = await find(client, found.id, words, limit=limit, options=options or _all_of(found))
        names = await _names(client, found.id, {item.video_id for item in items if item.video_id})
    hits = as_hits(words, items, names)
    for hit in hits:
        screen.record(attrs.asdict(hit))
    if not screen.json:
        _show(hits, found, words, screen)
    return Code.OK


async def find(
    client: AsyncTwelveLabs, index_id: str, words: str, *, limit: int, options: Sequence[SearchOption]
) -> list[SearchItem]:
    """The best hits."""
    asked = client.search.query(
        index_id=index_id, search_options=options, query_text=words, page_limit=min(limit, LARGEST_PAGE)
    )
    return await asked.collect(limit)


def as_hits(query: str, items: Iterable[SearchItem], names: Mapping[str, str]) -> list[Hit]:
    """Search results with the names of their files; a video without a name goes by its id."""
    return [
        Hit(
            query=query,
            rank=item.rank,
            video_id=item.video_id,
            filename=names.get(item.video_id or "") or item.video_id or "?",
            start=item.start,
            end=item.end,
        )
        for item in items
    ]


def _show(hits: Sequence[Hit], index: Index, words: str, screen: Screen) -> None:
    if hits:
        screen.hits(hits, with_query=False)
    else:
        screen.say(f"nothing found for {words!r} in {index.index_name} ({index.video_count} videos)")


def _all_of(index: Index) -> list[SearchOption]:
    made_for = {option for model in index.models for option in model.model_options}
    return [option for option in _OPTIONS if option in made_for] or ["visual"]


async def by_id(client: AsyncTwelveLabs, text: str) -> Index | None:
    """The index with this id; a text that only looks like an id may still be a name."""
    if not _ID.fullmatch(text):
        return None
    try:
        return await client.indexes.retrieve(text)
    except (NotFoundError, BadRequestError):
        return None


async def by_name(client: AsyncTwelveLabs, name: str) -> Index | None:
    """The index with this name, if there is one."""
    async for index in client.indexes.list(index_name=name):
        if index.index_name == name:
            return index
    return None


async def _others(client: AsyncTwelveLabs) -> str:
    names = [index.index_name for index in await client.indexes.list().collect(SOME)]
    return f"; there are: {', '.join(names)}" if names else "; there are none yet"


async def _names(client: AsyncTwelveLabs, index_id: str, video_ids: Iterable[str]) -> dict[str, str]:
    async def name(video_id: str) -> tuple[str, str]:
        try:
            video = await client.indexes.indexed_assets.retrieve(index_id, video_id)
        except (NotFoundError, BadRequestError):
            return video_id, ""
        return video_id, video.system_metadata.filename or ""

    return dict(await asyncio.gather(*map(name, video_ids)))

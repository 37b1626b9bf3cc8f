"""The commands that need a key: each returns its exit code."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import attrs

from twelvelabs_async.cli.board import board
from twelvelabs_async.cli.codes import Code, of_outcomes
from twelvelabs_async.cli.render import Hit, Screen, counted, outcome_record
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import BadRequestError, NotFoundError
from twelvelabs_async.ingest import Outcome, PathOrUrl
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


async def ingest(paths: Sequence[str], *, index: str, concurrency: int, base_url: str | None, screen: Screen) -> Code:
    """Bring files into an index, which is made if there is none of this name."""
    async with AsyncTwelveLabs(base_url=base_url) as client:
        found = await _by_id(client, index) or await client.indexes.ensure(index, MODELS)
        screen.say(f"into the index {found.index_name} ({found.id})")
        return of_outcomes(await carry(client, paths, index_id=found.id, concurrency=concurrency, screen=screen))


async def carry(
    client: AsyncTwelveLabs,
    sources: PathOrUrl | Sequence[PathOrUrl],
    *,
    index_id: str,
    screen: Screen,
    concurrency: int = 4,
    sleep_interval: float | None = None,
) -> list[Outcome]:
    """Ingest, and show how it gets on."""
    started = time.monotonic()
    ended: list[Outcome] = []
    show = board(screen)
    running = client.ingest(
        sources,
        index_id=index_id,
        concurrency=concurrency,
        sleep_interval=sleep_interval,
        on_event=show.event,
    )
    try:
        with show:
            async with aclosing(running):
                async for outcome in running:
                    show.outcome(outcome)
                    screen.record(outcome_record(outcome))
                    ended.append(outcome)
    finally:  # whoever interrupts wants to know, too
        screen.say(f"{counted(ended)} in {time.monotonic() - started:.1f} s")
    return ended


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
        found = await _by_id(client, index) or await _by_name(client, index)
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


async def _by_id(client: AsyncTwelveLabs, text: str) -> Index | None:
    """The index with this id; a text that only looks like an id may still be a name."""
    if not _ID.fullmatch(text):
        return None
    try:
        return await client.indexes.retrieve(text)
    except (NotFoundError, BadRequestError):
        return None


async def _by_name(client: AsyncTwelveLabs, name: str) -> Index | None:
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

"""Reads what a caller names, one item at a time and never all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from os import PathLike, fspath
from typing import Final, cast

import attrs

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest.addresses import is_address
from twelvelabs_async.ingest.plan import Item, PathOrUrl, expand
from twelvelabs_async.models.common import UserMetadata

Source = PathOrUrl | tuple[PathOrUrl, UserMetadata]
"""A file, a folder, a glob or an address, alone or with your own keys for its assets."""

Sources = Source | Iterable[Source] | AsyncIterable[Source]
"""One source or any number of them."""

AT_ONCE: Final = 256
"""Files that are looked at in one visit to a thread."""


async def items_of(sources: Sources) -> AsyncGenerator[Item, None]:
    """Every item that `sources` stand for, read as they are taken.

    Raises:
        InvalidInputError: A source is neither a path nor an address, or its keys cannot be sent.
    """
    async for some in _some(sources):
        found = _expanded(some)
        if all(_plain_address(source) for source in some):  # nothing to look up on disk
            for item in found:
                yield item
            continue
        while batch := await asyncio.to_thread(list, islice(found, AT_ONCE)):
            for item in batch:
                yield item


async def _some(sources: Sources) -> AsyncIterator[Sequence[Source]]:
    """Sources as they come: lists a few at a time, whatever may produce them on the way one by one."""
    if isinstance(sources, str | PathLike) or _is_pair(sources):
        yield [cast("Source", sources)]
    elif isinstance(sources, AsyncIterable):
        async for source in sources:
            yield [source]
    else:
        several = cast("Iterable[Source]", sources)
        at_once, left = AT_ONCE if isinstance(sources, list | tuple) else 1, iter(several)
        while some := list(islice(left, at_once)):
            yield some


def _is_pair(sources: object) -> bool:
    return (
        isinstance(sources, tuple) and len(cast("Sequence[object]", sources)) == 2 and isinstance(sources[1], Mapping)
    )


def _plain_address(source: Source) -> bool:
    path, _ = _parted(source)
    return is_address(fspath(path))


def _expanded(some: Sequence[Source]) -> Iterator[Item]:
    for source in some:
        path, metadata = _parted(source)
        for item in expand(path):
            yield attrs.evolve(item, user_metadata=metadata) if metadata is not None else item


def _parted(source: Source) -> tuple[PathOrUrl, UserMetadata | None]:
    path, metadata = source if isinstance(source, tuple) else (source, None)
    if not isinstance(path, str | PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"a source is a path or an address, not {type(path).__name__}")
    return path, checked_metadata(metadata)

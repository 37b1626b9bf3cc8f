"""`twelvelabs-async search`: print the results of a search, or write them as a page."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async._cli.clients import open_client
from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.hits_page import file_url, render_hits, stream_url
from twelvelabs_async._cli.index_lookup import default_search_options, require_index, search_index, to_rows
from twelvelabs_async._cli.ledger import find_default_ledger, open_existing_ledger
from twelvelabs_async._cli.pages import PageArgs, write_page
from twelvelabs_async._system import uri_to_path
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import TwelveLabsError
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.models.search import SearchHit, SearchOption

_EMULATOR: Final = "twelvelabs-emulator"
"""What the emulator sends as its `Server` header."""


async def run_search(
    index: str,
    query: str,
    *,
    limit: int,
    options: Sequence[SearchOption] | None,
    page: PageArgs | None,
    videos: Path | None,
    base_url: str | None,
    screen: Screen,
) -> ExitCode:
    """Search an index and print the results, or write them as a page."""
    async with open_client(base_url, screen) as client:
        found = await require_index(client, index)
        hits = await search_index(
            client, found.id, query, limit=limit, options=options or default_search_options(found)
        )
        needs_files = page is not None or screen.has_links
        files = await find_files(client.base_url, found, hits, videos) if needs_files else {}
        synthetic = page is not None and await _is_emulator(client, found)
    for row in to_rows(query, hits):
        screen.print_json(attrs.asdict(row))
    if not screen.json:
        _print_hits(query, hits, files, found, screen)
    if page is None:
        return ExitCode.OK
    text = await render_hits(
        {query: hits},
        title=f"“{query}”",
        index_name=found.index_name,
        synthetic=synthetic,
        files=files,
        screen=screen,
    )
    written = await write_page(page, text, screen)
    return ExitCode.OK if written else ExitCode.OUTPUT_ERROR


def _print_hits(query: str, hits: Sequence[SearchHit], files: Mapping[str, str], index: Index, screen: Screen) -> None:
    if not hits:
        screen.print(f"no results for {query!r} in {index.index_name} ({index.video_count} videos)")
        return
    screen.hits(to_rows(query, hits), with_query=False, links=video_links(hits, files))


def video_links(hits: Iterable[SearchHit], files: Mapping[str, str]) -> dict[str, str]:
    """Return URLs by video id: of the file, else of the stream."""
    urls = {hit.video_id or "": file_url(files.get(hit.video_id or "", "")) or stream_url(hit) for hit in hits}
    return {video_id: url for video_id, url in urls.items() if url}


async def _is_emulator(client: AsyncTwelveLabs, index: Index) -> bool:
    response = await client.with_raw_response.indexes.retrieve(index.id)
    return response.headers.get("Server", "").startswith(_EMULATOR)


async def find_files(base_url: str, index: Index, hits: Iterable[SearchHit], folder: Path | None) -> dict[str, str]:
    """Return the paths or URLs of videos by video id: files of a folder by their names, and entries of the ledger.

    Args:
        base_url: Base URL of the API.
        index: The index of the results.
        hits: Search results.
        folder: Folder with the videos, searched with its subfolders; None for none.
    """
    names = {hit.video_id: hit.filename or "" for hit in hits if hit.video_id}
    found = await _files_of_ledger(base_url, index, set(names))
    if folder is not None:
        by_name = await asyncio.to_thread(_files_by_name, folder, set(names.values()))
        found |= {video_id: by_name[name] for video_id, name in names.items() if name in by_name}
    return found


def _files_by_name(folder: Path, names: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for parent, _, filenames in os.walk(folder):
        for name in names.intersection(filenames) - found.keys():
            found[name] = str(Path(parent, name).absolute())
    return found


async def _files_of_ledger(base_url: str, index: Index, video_ids: set[str]) -> dict[str, str]:
    """Return the files and URLs that this machine has ingested; none if the ledger cannot be read."""
    ledger = await find_default_ledger(base_url, index)
    found: dict[str, str] = {}
    try:
        async with open_existing_ledger(ledger, access="read") as opened:
            if opened is not None:
                async for entry in opened.entries():
                    if entry.indexed_asset_id in video_ids:
                        found[entry.indexed_asset_id or ""] = entry.uri
    except TwelveLabsError:
        return {}
    return await asyncio.to_thread(_existing, found)


def _existing(sources: Mapping[str, str]) -> dict[str, str]:
    found = {video_id: uri_to_path(uri) for video_id, uri in sources.items()}
    return {video_id: source for video_id, source in found.items() if _can_be_played(source)}


def _can_be_played(source: str) -> bool:
    """Return whether what a ledger knows of a video is a URL or the path of a file; it may also be a key."""
    if source.startswith(("http://", "https://")):
        return True
    try:
        return Path(source).is_absolute() and Path(source).is_file()
    except (OSError, ValueError):  # a folder that cannot be read, or a name that is too long
        return False

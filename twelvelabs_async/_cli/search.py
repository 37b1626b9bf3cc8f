"""`twelvelabs-async search`: print the results of a search, or write them as a page."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async import frames
from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen, format_duration, format_size, format_timecode, plural
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.indexes import enabled_options, require_index, to_rows
from twelvelabs_async._cli.ledger import find_default_ledger, open_existing_ledger
from twelvelabs_async._cli.pages import PageArgs, jpeg_url, render_page, write_page
from twelvelabs_async._system import uri_to_path
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError
from twelvelabs_async.frames import HitFrame
from twelvelabs_async.ingest._remote_sources import is_url
from twelvelabs_async.ingest._stages import INGEST_TOKEN_KEY
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.models.search import SearchHit, SearchOption

FRAME_TIMEOUT: Final = 30.0
"""Seconds for the frames of one video."""

MIN_MARK_WIDTH: Final = 0.6
"""Smallest width of a result in the strip of its video, in percent."""

MAX_PAGE_LIMIT: Final = 50
"""Results per page at most."""

_EMULATOR: Final = "twelvelabs-emulator"
"""What the emulator sends as its `Server` header."""


@attrs.frozen(kw_only=True)
class HitView:
    """One search result on the page."""

    anchor: str
    rank: int | None
    start: float
    end: float
    timecodes: str
    length: str
    """Duration of the result, such as `6 s`."""
    words: str
    """What is said in it; empty unless the platform returned it."""
    image: str
    """The frame as a `data:` URL; empty if there is none."""
    problem: str
    """Why there is no frame."""
    left: float
    """Position in the strip of the video, in percent."""
    width: float
    """Width in the strip of the video, in percent."""


@attrs.frozen(kw_only=True)
class VideoGroup:
    """A video and its results."""

    name: str
    facts: Sequence[tuple[str, str]]
    """Names and values: properties of the file, and user metadata."""
    duration: float | None
    file: str
    """URL of the video file; empty if it is not known."""
    stream: str
    """URL of the HLS playlist; empty if there is none."""
    cards: Sequence[HitView]


async def render_hits(
    searches: Mapping[str, Sequence[SearchHit]],
    *,
    title: str,
    index_name: str,
    synthetic: bool,
    files: Mapping[str, str],
    screen: Screen,
) -> str:
    """Return the page of one or more searches.

    Args:
        searches: Results by query.
        title: Title of the page.
        index_name: Name of the index.
        synthetic: Whether an emulator generated the results.
        files: Absolute paths or URLs of videos by video id.
        screen: Prints why there are no frames.
    """
    hits = [hit for found in searches.values() for hit in found]
    remaining = iter(await _extract_frames(hits, files, screen))
    sections = [
        (query, _groups(number, [next(remaining) for _ in results], files))
        for number, (query, results) in enumerate(searches.items(), start=1)
    ]
    videos = len({hit.video_id for hit in hits})
    return await asyncio.to_thread(
        render_page,
        "hits.html",
        script="hits.js",
        media=True,
        title=title,
        subtitle=f"{plural(len(hits), 'result')} in {plural(videos, 'video')} of the index {index_name}",
        synthetic=synthetic,
        searches=sections,
    )


async def _extract_frames(hits: Sequence[SearchHit], files: Mapping[str, str], screen: Screen) -> list[HitFrame]:
    try:
        return await frames.extract_hits(hits, files=files, timeout=FRAME_TIMEOUT)
    except InvalidInputError as error:  # the extra is not installed
        screen.print(f"the page has no frames: {error}", style="yellow")
        return [HitFrame(hit=hit, frame=None, origin=None, error="") for hit in hits]


def _groups(number: int, found: Sequence[HitFrame], files: Mapping[str, str]) -> list[VideoGroup]:
    """Group results by video, videos in the order of their best results."""
    by_video: dict[str, list[HitFrame]] = {}
    for one in found:
        by_video.setdefault(one.hit.video_id or "", []).append(one)
    return [_group(f"{number}-{place}", group, files) for place, group in enumerate(by_video.values(), start=1)]


def _group(prefix: str, found: Sequence[HitFrame], files: Mapping[str, str]) -> VideoGroup:
    hit = found[0].hit
    duration = hit.video.system_metadata.duration if hit.video is not None else None
    return VideoGroup(
        name=hit.filename or hit.video_id or "unknown video",
        facts=[(name, value) for name, value in _facts(hit) if value],
        duration=duration,
        file=file_url(files.get(hit.video_id or "", "")),
        stream=stream_url(hit),
        cards=[_card(f"hit-{prefix}-{place}", one, duration) for place, one in enumerate(found, start=1)],
    )


def _facts(hit: SearchHit) -> Iterator[tuple[str, str]]:
    if hit.video is not None:
        file = hit.video.system_metadata
        yield "duration", format_duration(file.duration)
        yield "size", f"{file.width} x {file.height}" if file.width and file.height else ""
        yield "file", format_size(file.size)
    for name, value in sorted(hit.user_metadata.items()):
        if name != INGEST_TOKEN_KEY:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _card(anchor: str, one: HitFrame, duration: float | None) -> HitView:
    result = one.hit.result
    start = result.start or 0.0
    end = max(start, result.end or start)
    whole = max(duration or 0.0, end, 0.001)
    width = max(MIN_MARK_WIDTH, 100 * (end - start) / whole)
    return HitView(
        anchor=anchor,
        rank=result.rank,
        start=round(start, 3),
        end=round(end, 3),
        timecodes=f"{format_timecode(start)} - {format_timecode(end)}",
        length=f"{end - start:.1f} s",
        words=result.transcription or "",
        image=jpeg_url(one.frame.jpeg) if one.frame else "",
        problem=one.error if one.frame is None else "",
        left=round(min(100 - width, 100 * start / whole), 2),
        width=round(width, 2),
    )


def file_url(source: str) -> str:
    """Return the URL of a path; a URL is returned as it is."""
    return source if not source or is_url(source) else Path(source).absolute().as_uri()


def stream_url(hit: SearchHit) -> str:
    """Return the URL of the HLS playlist; empty if there is none, or if it has another scheme than HTTP."""
    return hit.hls_url if hit.hls_url and is_url(hit.hls_url) else ""


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
    """Search an index and print the results, or write them as a page.

    Raises:
        InvalidInputError: The query is empty.
    """
    if not query:
        raise InvalidInputError("QUERY must not be empty")
    async with open_client(base_url, screen) as client:
        found = await require_index(client, index)
        hits = await client.search.query_with_videos(
            index_id=found.id,
            search_options=options or enabled_options(found),
            query_text=query,
            limit=limit,
            page_limit=min(limit, MAX_PAGE_LIMIT),
        )
        needs_files = page is not None or screen.has_links
        files = await find_files(client.base_url, found, hits, videos) if needs_files else {}
        synthetic = page is not None and await _is_emulator(client, found)
    rows = to_rows(query, hits)
    for row in rows:
        screen.print_json(attrs.asdict(row))
    if rows and not screen.json:
        screen.hits(rows, with_query=False, links=video_links(hits, files))
    elif not screen.json:
        screen.print(f"no results for {query!r} in {found.index_name} ({found.video_count} videos)")
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


def video_links(hits: Iterable[SearchHit], files: Mapping[str, str]) -> dict[str, str]:
    """Return URLs by video id: of the file, else of the stream."""
    urls = {hit.video_id or "": file_url(files.get(hit.video_id or "", "")) or stream_url(hit) for hit in hits}
    return {video_id: url for video_id, url in urls.items() if url}


async def _is_emulator(client: AsyncTwelveLabs, index: Index) -> bool:
    response = await client.with_raw_response.indexes.retrieve(index.id)
    return response.headers.get("Server", "").startswith(_EMULATOR)


async def find_files(base_url: str, index: Index, hits: Sequence[SearchHit], folder: Path | None) -> dict[str, str]:
    """Return the paths or URLs of videos by video id: files of a folder by their names, and entries of the ledger.

    Args:
        base_url: Base URL of the API.
        index: The index of the results.
        hits: Search results.
        folder: Folder with the videos, searched with its subfolders; None for none.
    """
    found = await _files_of_ledger(base_url, index, {hit.video_id for hit in hits if hit.video_id})
    return found if folder is None else found | await asyncio.to_thread(files_in_folder, folder, hits)


def files_in_folder(folder: Path, hits: Iterable[SearchHit]) -> dict[str, str]:
    """Return the absolute paths of videos by video id: files of a folder and its subfolders by their names."""
    names = {hit.video_id: hit.filename for hit in hits if hit.video_id and hit.filename}
    paths: dict[str, str] = {}
    for parent, _, filenames in os.walk(folder):
        for name in set(names.values()).intersection(filenames) - paths.keys():
            paths[name] = str(Path(parent, name).absolute())
    return {video_id: paths[name] for video_id, name in names.items() if name in paths}


async def _files_of_ledger(base_url: str, index: Index, video_ids: set[str]) -> dict[str, str]:
    """Return the files and URLs that this machine has ingested; none if the ledger cannot be read."""
    ledger = await find_default_ledger(base_url, index)
    found: dict[str, str] = {}
    try:
        async with open_existing_ledger(ledger, access="read") as opened:
            if opened is not None:
                async for entry in opened.entries():
                    if entry.indexed_asset_id in video_ids:
                        found[entry.indexed_asset_id or ""] = uri_to_path(entry.uri)
    except TwelveLabsError:
        return {}
    return {video_id: source for video_id, source in found.items() if await asyncio.to_thread(_can_be_played, source)}


def _can_be_played(source: str) -> bool:
    """Return whether the source in a ledger is a URL or the path of a file; it may also be a key."""
    if is_url(source):
        return True
    try:
        return Path(source).is_absolute() and Path(source).is_file()
    except (OSError, ValueError):  # a folder that cannot be read, or a name that is too long
        return False

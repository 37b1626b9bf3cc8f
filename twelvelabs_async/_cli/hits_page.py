"""Page of search results: a card for each with its frame, times and words, grouped by video."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async import frames
from twelvelabs_async._cli.console import Screen, format_duration, format_size, format_timecode
from twelvelabs_async._cli.pages import render_page
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.frames import HitFrame
from twelvelabs_async.ingest._stages import INGEST_TOKEN_KEY
from twelvelabs_async.models.search import SearchHit

FRAME_TIMEOUT: Final = 30.0
"""Seconds for the frames of one video."""

MIN_MARK_WIDTH: Final = 0.6
"""Smallest width of a result in the strip of its video, in percent."""

_URL_SCHEMES: Final = ("http://", "https://")


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


@attrs.frozen(kw_only=True)
class SearchSection:
    """A query and its results."""

    query: str
    groups: Sequence[VideoGroup]


@attrs.frozen(kw_only=True)
class HitsPage:
    """All values of the page."""

    title: str
    subtitle: str
    synthetic: bool
    """Whether an emulator generated the results."""
    searches: Sequence[SearchSection]


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
    found = await _extract_frames(hits, files, screen)
    remaining = iter(found)
    sections = [
        SearchSection(query=query, groups=_groups(number, [next(remaining) for _ in results], files))
        for number, (query, results) in enumerate(searches.items(), start=1)
    ]
    videos = len({hit.video_id for hit in hits})
    subtitle = f"{_plural(len(hits), 'result')} in {_plural(videos, 'video')} of the index {index_name}"
    page = HitsPage(title=title, subtitle=subtitle, synthetic=synthetic, searches=sections)
    return await asyncio.to_thread(render_page, "hits.html", script="hits.js", media=True, page=page)


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
        yield "file", "" if file.size is None else format_size(file.size)
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
        image=_data_url(one),
        problem=one.error if one.frame is None else "",
        left=round(min(100 - width, 100 * start / whole), 2),
        width=round(width, 2),
    )


def _data_url(one: HitFrame) -> str:
    return "" if one.frame is None else f"data:image/jpeg;base64,{base64.b64encode(one.frame.jpeg).decode()}"


def file_url(source: str) -> str:
    """Return the URL of a path; a URL is returned as it is."""
    if not source or source.lower().startswith(_URL_SCHEMES):
        return source
    return Path(source).absolute().as_uri()


def stream_url(hit: SearchHit) -> str:
    """Return the URL of the HLS playlist; empty if there is none, or if it has another scheme than HTTP."""
    url = hit.hls_url or ""
    return url if url.lower().startswith(_URL_SCHEMES) else ""


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

"""Helpers for search results: group them by video, merge neighbours, format timecodes.

The API returns no score. `rank` is the order of the results, and these functions compute no other ranking.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from twelvelabs_async._arguments import describe
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.search import SearchClip, SearchItem

_MAX_SECONDS: Final = 2**53
"""Largest time in seconds; beyond it, a float is not exact."""


@attrs.frozen(kw_only=True)
class Clip:
    """A part of a video, merged from one or more search results."""

    video_id: str
    """Id of the video in the index."""
    start: float
    """Start in seconds."""
    end: float
    """End in seconds."""
    rank: int | None
    """Lowest rank of its results, 1 for the best; None if no result has a rank."""
    results: tuple[SearchClip, ...]
    """Its results, sorted by start."""

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return self.end - self.start

    @property
    def timecodes(self) -> str:
        """Start and end, such as `01:07.5-01:12.0`."""
        return f"{timecode(self.start)}-{timecode(self.end)}"


def flatten(results: Iterable[SearchClip]) -> Iterator[SearchClip]:
    """Yield one result per clip, each with its video id; expands results that are grouped by video.

    Raises:
        InvalidInputError: `results` are not search results, or a result has no video id.

    Example:
        from twelvelabs_async import clips

        videos = client.search.query(index_id=index.id, search_options=["visual"], query_text="boat", group_by="video")
        for hit in clips.flatten(await videos):
            print(hit.video_id, hit.start, hit.end)
    """
    if not isinstance(results, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"results must be a list of search results, got {describe(results)}")
    for result in results:
        if not isinstance(result, SearchClip):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
            raise InvalidInputError(f"results must be a list of search results, got one of {describe(result)}")
        if isinstance(result, SearchItem) and result.clips:
            video_id = result.id or result.video_id
            for clip in result.clips:
                metadata = clip.user_metadata or result.user_metadata
                yield _require_video_id(attrs.evolve(clip, video_id=clip.video_id or video_id, user_metadata=metadata))
        else:
            yield _require_video_id(result)


def _require_video_id(clip: SearchClip) -> SearchClip:
    if not clip.video_id:
        raise InvalidInputError("a search result has no video id")
    return clip


def group_by_video(results: Iterable[SearchClip]) -> dict[str, tuple[SearchClip, ...]]:
    """Return results by video id: videos sorted by their best rank, results of a video sorted by start.

    Args:
        results: Search results, grouped by video or not.

    Raises:
        InvalidInputError: `results` are not search results, or a result has no video id.

    Example:
        from twelvelabs_async import clips

        hits = await client.search.query(index_id=index.id, search_options=["visual"], query_text="a boat")
        for video_id, found in clips.group_by_video(hits).items():
            print(video_id, [clips.timecode(hit.start) for hit in found])
    """
    by_video: dict[str, list[SearchClip]] = {}
    for clip in sorted(flatten(results), key=lambda clip: _rank_key(clip.rank)):
        by_video.setdefault(str(clip.video_id), []).append(clip)
    return {video_id: tuple(sorted(clips, key=_start)) for video_id, clips in by_video.items()}


def merge(results: Iterable[SearchClip], *, gap: float = 0.0) -> list[Clip]:
    """Merge adjacent results of each video into clips, sorted by rank.

    Args:
        results: Search results, grouped by video or not.
        gap: Maximum number of seconds between two results that are merged.

    Raises:
        InvalidInputError: `gap` is negative or not a number, or `results` cannot be grouped; see `group_by_video`.

    Example:
        from twelvelabs_async import clips

        hits = await client.search.query(index_id=index.id, search_options=["visual"], query_text="a boat").to_list(100)
        for clip in clips.merge(hits, gap=2):
            print(clip.video_id, clip.timecodes)
    """
    gap = _checked_seconds("gap", gap, math.inf)
    merged = [
        _merge_run(video_id, run)
        for video_id, clips in group_by_video(results).items()
        for run in _adjacent_runs(clips, gap)
    ]
    return sorted(merged, key=lambda clip: _rank_key(clip.rank))


def _adjacent_runs(clips: Iterable[SearchClip], gap: float) -> Iterator[list[SearchClip]]:
    """Split results of one video, sorted by start, where the gap is larger than `gap` seconds."""
    run: list[SearchClip] = []
    end = -math.inf
    for clip in clips:
        if run and _start(clip) > end + gap:
            yield run
            run, end = [], -math.inf
        run.append(clip)
        end = max(end, _end(clip))
    if run:
        yield run


def _merge_run(video_id: str, results: list[SearchClip]) -> Clip:
    ranks = [result.rank for result in results if result.rank is not None]
    return Clip(
        video_id=video_id,
        start=_start(results[0]),
        end=max(map(_end, results)),
        rank=min(ranks, default=None),
        results=tuple(results),
    )


def _start(clip: SearchClip) -> float:
    return clip.start or 0.0


def _end(clip: SearchClip) -> float:
    return max(_start(clip), clip.end or 0.0)


def _rank_key(rank: int | None) -> float:
    return math.inf if rank is None else rank


def timecode(seconds: float) -> str:
    """Format seconds as `mm:ss.s`, or as `h:mm:ss.s` from one hour.

    Raises:
        InvalidInputError: `seconds` is negative, above 2**53 or not a number.

    Example:
        from twelvelabs_async.clips import timecode

        print(timecode(67.5), timecode(3725))  # 01:07.5 1:02:05.0
    """
    seconds = _checked_seconds("seconds", seconds, _MAX_SECONDS)
    minutes, tenths = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    short = f"{minutes:02}:{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{short}" if hours else short


def _checked_seconds(name: str, value: object, maximum: float) -> float:
    """Return a number of seconds; numbers of other libraries, such as numpy, are numbers too."""
    number: Any = value
    try:
        seconds = math.nan if isinstance(value, str | bytes | bytearray | bool) else float(number)
    except Exception:  # noqa: BLE001  # the conversion is the caller's
        seconds = math.nan
    if not 0 <= seconds <= maximum:
        bounds = "0 or more" if maximum == math.inf else f"from 0 to {maximum}"
        raise InvalidInputError(f"{name} must be a number of seconds, {bounds}, got {describe(value)}")
    return seconds

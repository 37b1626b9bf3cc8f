"""What to do with the results of a search: put them together by video, join neighbours, write time codes. Pure.

The platform gives no score, only an order; `rank` is that order, and nothing here makes up another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.search import SearchClip, SearchItem


@attrs.frozen(kw_only=True)
class Clip:
    """A stretch of a video that one or several neighbouring results make up."""

    video_id: str
    """The video, as the index knows it."""
    start: float
    """Where it begins, in seconds."""
    end: float
    """Where it ends, in seconds."""
    rank: int | None
    """The best rank of its results: 1 is best; None if none of them had one."""
    hits: tuple[SearchClip, ...]
    """The results it is made of, in order of time."""

    @property
    def duration(self) -> float:
        """Its length in seconds."""
        return self.end - self.start

    @property
    def timecodes(self) -> str:
        """Where it begins and ends, such as `01:07.5-01:12.0`."""
        return f"{timecode(self.start)}-{timecode(self.end)}"


def flat(results: Iterable[SearchClip]) -> Iterator[SearchClip]:
    """The stretches that were found, each with its video, also of results that are grouped by video.

    Raises:
        InvalidInputError: A result belongs to no video.
    """
    for result in results:
        if isinstance(result, SearchItem) and result.clips:
            video_id, metadata = result.id or result.video_id, result.user_metadata
            for clip in result.clips:
                whole = attrs.evolve(
                    clip, video_id=clip.video_id or video_id, user_metadata=clip.user_metadata or metadata
                )
                yield _checked(whole)
        else:
            yield _checked(result)


def _checked(clip: SearchClip) -> SearchClip:
    if not clip.video_id:
        raise InvalidInputError("a result names no video")
    return clip


def by_video(results: Iterable[SearchClip]) -> dict[str, tuple[SearchClip, ...]]:
    """Stretches by video, in order of time; the videos in the order of their best stretches.

    Args:
        results: Of a search, grouped or not.

    Raises:
        InvalidInputError: A result belongs to no video.
    """
    found: dict[str, list[SearchClip]] = {}
    for clip in sorted(flat(results), key=lambda clip: _worth(clip.rank)):
        found.setdefault(str(clip.video_id), []).append(clip)
    return {video_id: tuple(sorted(clips, key=_start)) for video_id, clips in found.items()}


def merge(results: Iterable[SearchClip], *, gap: float = 0.0) -> list[Clip]:
    """Results with their neighbours joined, best first.

    Args:
        results: Of a search, grouped or not.
        gap: Seconds between two stretches of one video that are still bridged.

    Raises:
        InvalidInputError: `gap` is below 0, or a result belongs to no video.

    Example:
        for clip in clips.merge(await client.search.query(...).collect(100), gap=2):
            print(clip.video_id, clip.timecodes)
    """
    if not gap >= 0:
        raise InvalidInputError(f"gap is 0 seconds or more, not {gap}")
    joined = [
        _joined(video_id, neighbours)
        for video_id, found in by_video(results).items()
        for neighbours in _neighbours(found, gap)
    ]
    return sorted(joined, key=lambda clip: _worth(clip.rank))


def _neighbours(found: Iterable[SearchClip], gap: float) -> Iterator[list[SearchClip]]:
    """Stretches of one video, in order of time, as runs that touch."""
    run: list[SearchClip] = []
    end = -math.inf
    for clip in found:
        if run and _start(clip) > end + gap:
            yield run
            run, end = [], -math.inf
        run.append(clip)
        end = max(end, _end(clip))
    if run:
        yield run


def _joined(video_id: str, hits: list[SearchClip]) -> Clip:
    ranks = [hit.rank for hit in hits if hit.rank is not None]
    return Clip(
        video_id=video_id,
        start=_start(hits[0]),
        end=max(map(_end, hits)),
        rank=min(ranks, default=None),
        hits=tuple(hits),
    )


def _start(clip: SearchClip) -> float:
    return clip.start or 0.0


def _end(clip: SearchClip) -> float:
    return max(_start(clip), clip.end or 0.0)


def _worth(rank: int | None) -> float:
    return math.inf if rank is None else rank


def timecode(seconds: float) -> str:
    """Seconds as `mm:ss.s`, and from an hour on as `h:mm:ss.s`.

    Raises:
        InvalidInputError: They are below 0, or endless.
    """
    if not (math.isfinite(seconds) and seconds >= 0):
        raise InvalidInputError(f"there is no time code for {seconds} seconds")
    minutes, tenths = divmod(round(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02}:{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{tail}" if hours else tail

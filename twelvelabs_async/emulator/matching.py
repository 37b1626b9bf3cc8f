"""Which stretches of which videos fit a query.

Nothing is understood here. The words of the query are looked for in file names and metadata, and in the scenes and the
transcripts of files that have any: there, a hit is the scene or the sentence itself. The time codes of other files
follow from the query and the content. So a test can tell in advance what is found, and gets the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import moments, seeded
from twelvelabs_async.emulator.passages import segments, terms
from twelvelabs_async.emulator.state import Hit, Video

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CLIPS = 4

Ranked = tuple[int, int, tuple[float, float]]
"""A clip after what orders it, less first: words in common, negative, and a number that follows from the seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for."""

    text: str
    images: tuple[str, ...]
    """Hashes or URLs; with images but without text every video fits more or less."""
    options: frozenset[str]
    every_option: bool
    seed: int

    @property
    def key(self) -> str:
        """The query in one text, for everything that follows from it."""
        return f"{self.seed}:{self.text.lower()}:{','.join(self.images)}"


def hits(query: Query, videos: Iterable[Video]) -> list[Hit]:
    """Return the fitting clips, best first, with rank 1 for the best.

    More words in common are better; between equals the query decides in a way that is stable and arbitrary.
    """
    wanted = terms(query.text)
    found = [(*ranked, video) for video in videos for ranked in _of_video(query, wanted, video)]
    found.sort(key=lambda item: item[:2])
    return [Hit(video, start, end, rank) for rank, (_, _, (start, end), video) in enumerate(found, 1)]


def _of_video(query: Query, wanted: frozenset[str], video: Video) -> list[Ranked]:
    named = wanted & moments.names(video.asset, video.user_metadata)
    described = moments.of(video.asset, video.user_metadata)
    fitting = moments.fitting(wanted, described, query.options, every=query.every_option)
    if fitting:
        return [(-len(named | common), _order(query, video, m.start), (m.start, m.end)) for m, common in fitting]
    if query.text and not named:
        return []
    stretches = [(moment.start, moment.end) for moment in described]
    return [(-len(named), order, clip) for order, clip in _some(query, video, stretches)]


def _some(query: Query, video: Video, stretches: list[tuple[float, float]]) -> list[tuple[int, tuple[float, float]]]:
    """Return up to four clips of a video with the number that orders them; the first fits whatever the options are."""
    digest = video.asset.media.digest
    clips = stretches or segments(video.asset.media.duration or 0.0)
    numbered = sorted((_order(query, video, clip[0]), clip) for clip in clips)
    most = 1 + seeded.number("clips", query.key, digest) % MOST_CLIPS
    return [(order, clip) for at, (order, clip) in enumerate(numbered[:most]) if at == 0 or _seen(query, order)]


def _order(query: Query, video: Video, start: float) -> int:
    return seeded.number(query.key, video.asset.media.digest, video.id, start)


def _seen(query: Query, order: int) -> bool:
    fitting = [seeded.number(option, order) % 3 > 0 for option in query.options]
    return all(fitting) if query.every_option else any(fitting)


def by_video(found: Iterable[Hit]) -> list[list[Hit]]:
    """Return the hits in groups of one video each, the video with the best hit first."""
    groups: dict[str, list[Hit]] = {}
    for hit in found:
        groups.setdefault(hit.video.id, []).append(hit)
    return list(groups.values())

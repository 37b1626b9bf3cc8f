"""Which stretches of which videos fit a query.

Nothing is understood here: the words of the query are looked for in file names and metadata, and the time codes follow
from the query and the content. So a test can tell in advance which videos are found, and gets the same clips each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import seeded, speech
from twelvelabs_async.emulator.state import Hit, Video

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CLIPS = 4


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
    found: list[tuple[int, int, Video, tuple[float, float]]] = []
    for video in videos:
        common = _common_words(query, video)
        if common or not query.text:
            found += [(-common, order, video, clip) for order, clip in _clips(query, video)]
    found.sort(key=lambda item: item[:2])
    return [Hit(video, start, end, rank) for rank, (_, _, video, (start, end)) in enumerate(found, 1)]


def _common_words(query: Query, video: Video) -> int:
    values = [*video.user_metadata.values(), *video.asset.user_metadata.values()]
    known = speech.words(" ".join(map(str, [video.asset.filename, *values])))
    return len(set(speech.words(query.text)) & set(known))


def _clips(query: Query, video: Video) -> list[tuple[int, tuple[float, float]]]:
    """Return up to four clips of a video with the number that orders them; the first fits whatever the options are."""
    stretches = speech.segments(video.asset.media.duration or 0.0)
    digest = video.asset.media.digest
    numbered = sorted((seeded.number(query.key, digest, video.id, start), (start, end)) for start, end in stretches)
    most = 1 + seeded.number("clips", query.key, digest) % MOST_CLIPS
    return [(order, clip) for at, (order, clip) in enumerate(numbered[:most]) if at == 0 or _seen(query, order)]


def _seen(query: Query, order: int) -> bool:
    fitting = [seeded.number(option, order) % 3 > 0 for option in query.options]
    return all(fitting) if query.every_option else any(fitting)


def by_video(found: Iterable[Hit]) -> list[list[Hit]]:
    """Return the hits in groups of one video each, the video with the best hit first."""
    groups: dict[str, list[Hit]] = {}
    for hit in found:
        groups.setdefault(hit.video.id, []).append(hit)
    return list(groups.values())

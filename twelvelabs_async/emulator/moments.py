"""The moments of a file that was described, and those that fit what is looked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import speech
from twelvelabs_async.emulator.passages import Passage, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from twelvelabs_async.emulator.state import Asset

SEEN = "visual"
"""The one way of looking for things that are seen; all others listen."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A scene, or a sentence outside all scenes, by the words that describe it."""

    start: float
    end: float
    seen: frozenset[str]
    heard: frozenset[str]

    def common(self, wanted: frozenset[str], option: str) -> frozenset[str]:
        """Return the words that fit in one way of looking."""
        return wanted & (self.seen if option == SEEN else self.heard)


def names(asset: Asset, metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return the words of a file's name and metadata; those of a transcript belong to its moments."""
    noted = [*metadata.items(), *asset.user_metadata.items()]
    values = [str(value) for key, value in noted if key != speech.TRANSCRIPT]
    return terms(" ".join([asset.filename, *values]))


def of(asset: Asset, metadata: Mapping[str, Any]) -> list[Moment]:
    """Return the moments of a file in order, none of a file that nobody described.

    A sentence whose middle falls into a scene is heard in that scene.
    """
    scenes, lines = asset.media.scenes, speech.transcript(asset, metadata)
    found = [_moment(scene, terms(scene.text), [line for line in lines if _inside(line, scene)]) for scene in scenes]
    outside = [line for line in lines if not any(_inside(line, scene) for scene in scenes)]
    found += [_moment(line, frozenset(), [line]) for line in outside]
    return sorted(found, key=lambda moment: (moment.start, moment.end))


def _inside(line: Passage, scene: Passage) -> bool:
    return scene.start <= (line.start + line.end) / 2 < scene.end


def _moment(where: Passage, seen: frozenset[str], lines: Iterable[Passage]) -> Moment:
    heard = frozenset(word for line in lines for word in terms(line.text))
    return Moment(where.start, where.end, seen, heard)


def fitting(
    wanted: frozenset[str], moments: Iterable[Moment], options: Collection[str], *, every: bool
) -> list[tuple[Moment, frozenset[str]]]:
    """Return the moments that have words in common with what is wanted, and those words.

    Args:
        wanted: What is looked for.
        moments: Where.
        options: The ways of looking.
        every: Whether a moment has to fit in each of them, and not in any one.
    """
    found: list[tuple[Moment, frozenset[str]]] = []
    for moment in moments:
        shares = [moment.common(wanted, option) for option in options]
        if all(shares) if every else any(shares):
            found.append((moment, frozenset[str]().union(*shares)))
    return found

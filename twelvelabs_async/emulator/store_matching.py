"""Which items of a knowledge store fit a query, by the rules of the search in indexes: common words decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import seeded, speech

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twelvelabs_async.emulator.library import Item

MOST_CLIPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An image as a whole, or a clip of a video."""

    item: Item
    clip: tuple[float, float] | None = None
    modalities: tuple[str, ...] = ()


def matches(seed: int, text: str, modalities: Sequence[str], items: Iterable[Item]) -> list[Match]:
    """Return what fits, best first: more words in common are better, and between equals the query decides."""
    key = f"{seed}:{text.lower()}"
    found: list[tuple[int, int, Match]] = []
    for item in items:
        if common := _common_words(text, item):
            found += [(-common, order, match) for order, match in _of_item(key, modalities, item)]
    return [match for _, _, match in sorted(found, key=lambda entry: entry[:2])]


def _common_words(text: str, item: Item) -> int:
    values = [*item.metadata.values(), *item.asset.user_metadata.values()]
    known = speech.words(" ".join(map(str, [item.asset.filename, *values])))
    return len(set(speech.words(text)) & set(known))


def _of_item(key: str, modalities: Sequence[str], item: Item) -> list[tuple[int, Match]]:
    digest = item.asset.media.digest
    if item.asset.media.kind == "image":
        return [(seeded.number(key, digest), Match(item=item))]
    stretches = speech.segments(item.asset.media.duration or 0.0)
    numbered = sorted((seeded.number(key, digest, item.id, clip[0]), clip) for clip in stretches)
    most = 1 + seeded.number("clips", key, digest) % MOST_CLIPS
    return [
        (order, Match(item=item, clip=clip, modalities=_matched(modalities, order))) for order, clip in numbered[:most]
    ]


def _matched(modalities: Sequence[str], order: int) -> tuple[str, ...]:
    """Return the modalities in which a clip fits, at least the first of those asked for."""
    first, *rest = modalities
    return (first, *(modality for modality in rest if seeded.number(modality, order) % 2))


def by_item(found: Iterable[Match]) -> list[list[Match]]:
    """Return the matches in groups of one item each, the item with the best match first."""
    groups: dict[str, list[Match]] = {}
    for match in found:
        groups.setdefault(match.item.id, []).append(match)
    return list(groups.values())

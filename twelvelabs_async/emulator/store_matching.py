"""Which items of a knowledge store fit a query, by the rules of the search in indexes: common words decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import moments, seeded
from twelvelabs_async.emulator.passages import segments, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twelvelabs_async.emulator.library import Item
    from twelvelabs_async.emulator.moments import Moment

MOST_CLIPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An image as a whole, or a clip of a video."""

    item: Item
    clip: tuple[float, float] | None = None
    modalities: tuple[str, ...] = ()


Ranked = tuple[int, int, Match]
"""A match after what orders it, less first: words in common, negative, and a number that follows from the seed."""


def matches(seed: int, text: str, modalities: Sequence[str], items: Iterable[Item]) -> list[Match]:
    """Return what fits, best first: more words in common are better, and between equals the query decides."""
    key, wanted = f"{seed}:{text.lower()}", terms(text)
    found = [ranked for item in items for ranked in _of_item(key, wanted, modalities, item)]
    return [match for _, _, match in sorted(found, key=lambda entry: entry[:2])]


def _of_item(key: str, wanted: frozenset[str], modalities: Sequence[str], item: Item) -> list[Ranked]:
    named = wanted & moments.names(item.asset, item.metadata)
    described = moments.of(item.asset, item.metadata)
    if item.asset.media.kind != "image":
        fitting = moments.fitting(wanted, described, modalities, every=False)
        if fitting:
            return [(-len(named | common), *_told(key, wanted, modalities, item, m)) for m, common in fitting]
    stretches = [(moment.start, moment.end) for moment in described]
    return [(-len(named), *ranked) for ranked in _some(key, modalities, item, stretches)] if named else []


def _told(key: str, wanted: frozenset[str], modalities: Sequence[str], item: Item, moment: Moment) -> tuple[int, Match]:
    how = tuple(modality for modality in modalities if moment.common(wanted, modality))
    order = seeded.number(key, item.asset.media.digest, item.id, moment.start)
    return order, Match(item=item, clip=(moment.start, moment.end), modalities=how)


def _some(
    key: str, modalities: Sequence[str], item: Item, stretches: list[tuple[float, float]]
) -> list[tuple[int, Match]]:
    digest = item.asset.media.digest
    if item.asset.media.kind == "image":
        return [(seeded.number(key, digest), Match(item=item))]
    clips = stretches or segments(item.asset.media.duration or 0.0)
    numbered = sorted((seeded.number(key, digest, item.id, clip[0]), clip) for clip in clips)
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

"""How a video falls into stretches, and what is said in them: its own file name, over and over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twelvelabs_async.emulator.state import Asset

SECONDS = 6.0
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; an underscore separates words too."""
    return _WORD.findall(text.lower())


def segments(duration: float) -> list[tuple[float, float]]:
    """Return start and end of stretches of the same length, about 6 seconds each."""
    count = max(1, round(duration / SECONDS))
    return [(round(duration * i / count, 3), round(duration * (i + 1) / count, 3)) for i in range(count)]


def sentences(asset: Asset) -> list[dict[str, Any]]:
    """Return what is said in each stretch of an asset, nothing if it is silent."""
    if not asset.media.has_sound:
        return []
    said = " ".join(words(asset.filename)) or "silence"
    return [{"start": start, "end": end, "value": said} for start, end in segments(asset.media.duration or 0.0)]


def spoken_words(asset: Asset) -> Iterator[dict[str, Any]]:
    """Return what is said word by word."""
    for sentence in sentences(asset):
        said = sentence["value"].split()
        step = (sentence["end"] - sentence["start"]) / len(said)
        for position, word in enumerate(said):
            start = sentence["start"] + position * step
            yield {"start": round(start, 3), "end": round(start + step, 3), "value": word}

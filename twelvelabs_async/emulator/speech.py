"""What is said in a file: its transcript if there is one, otherwise its own file name, over and over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import captions
from twelvelabs_async.emulator.passages import Passage, segments, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from twelvelabs_async.emulator.state import Asset

TRANSCRIPT = "transcript"
"""The key of user metadata that may hold one."""


def transcript(asset: Asset, more: Mapping[str, Any] | None = None) -> tuple[Passage, ...]:
    """Return what is known to be said in an asset, as it was described or as its metadata have it.

    Args:
        asset: The file.
        more: Further metadata, of the place where the asset is indexed.
    """
    noted = (asset.user_metadata | dict(more or {})).get(TRANSCRIPT)
    if asset.media.lines or not isinstance(noted, str):
        return asset.media.lines
    return captions.read(noted, asset.media.duration or 0.0)


def sentences(asset: Asset) -> list[dict[str, Any]]:
    """Return what is said in an asset sentence by sentence, nothing if it is silent."""
    if not asset.media.has_sound:
        return []
    return [{"start": line.start, "end": line.end, "value": line.text} for line in _lines(asset)]


def _lines(asset: Asset) -> tuple[Passage, ...]:
    said = " ".join(words(asset.filename)) or "silence"
    stretches = segments(asset.media.duration or 0.0)
    return transcript(asset) or tuple(Passage(start, end, said) for start, end in stretches)


def within(asset: Asset, start: float, end: float) -> str:
    """Return what is said between two moments."""
    return " ".join(line["value"] for line in sentences(asset) if line["start"] < end and start < line["end"])


def spoken_words(asset: Asset) -> Iterator[dict[str, Any]]:
    """Return what is said word by word."""
    for sentence in sentences(asset):
        said = sentence["value"].split()
        step = (sentence["end"] - sentence["start"]) / len(said)
        for position, word in enumerate(said):
            start = sentence["start"] + position * step
            yield {"start": round(start, 3), "end": round(start + step, 3), "value": word}

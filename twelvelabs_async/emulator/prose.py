"""What a model says about a video: not much, and always the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import seeded
from twelvelabs_async.emulator.passages import Passage, segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twelvelabs_async.emulator.analyses import Source

SCENES = ("a street", "a kitchen", "two cats", "a red car", "an empty room", "a crowd", "the sea", "a stage")
AWKWARD = " Somebody reads “naïve café” aloud, then 日本語 🎬\u2028and the picture fades."
"""Characters of two, three and four bytes, and a line separator that is no end of a line."""
MOST_STRETCHES = 120
_MOST_WORDS = 12
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")


def tokens(text: str) -> tuple[str, ...]:
    """Return the pieces by which length is counted: words and signs, each with the space before it."""
    return tuple(_TOKEN.findall(text))


def stretches(start: float, end: float) -> list[tuple[float, float]]:
    """Return the parts of a video of which something is said; a long one has longer parts."""
    parts = segments(end - start)
    if len(parts) > MOST_STRETCHES:
        step = (end - start) / MOST_STRETCHES
        parts = [(round(i * step, 3), round((i + 1) * step, 3)) for i in range(MOST_STRETCHES)]
    return [(round(start + first, 3), round(start + last, 3)) for first, last in parts]


def scene(*parts: object) -> str:
    """Return something to be seen, which depends on the parts alone."""
    return SCENES[seeded.number("scene", *parts) % len(SCENES)]


def scenes(source: Source, start: float, end: float, seed: int) -> list[Passage]:
    """Return what is to be seen between two moments of a video: what it was described to show, or something."""
    if told := source.media.scenes:
        shown = (Passage(max(start, one.start), min(end, one.end), one.text) for one in told)
        return [one for one in shown if one.start < one.end]
    return [Passage(first, last, scene(seed, source.filename, first)) for first, last in stretches(start, end)]


def asked(prompt: str) -> str:
    """Return a prompt in a few words."""
    return " ".join(re.findall(r"[^\W_]+", prompt)[:_MOST_WORDS])


def about(sources: Sequence[Source], prompt: str, parts: Iterable[Passage], *, seed: int, awkward: bool) -> str:
    """Return a text that names its subject and the words of its prompt."""
    names = ", ".join(source.filename for source in sources)
    text = f"{names}: an answer to {asked(prompt)}."
    if awkward:
        text += AWKWARD
    for part in parts:
        text += f" From {part.start:g} to {part.end:g} seconds it shows {part.text}."
    for source in sources:
        if source.media.kind == "image":
            text += f" {source.filename} shows {scene(seed, source.media.digest)}."
    return text

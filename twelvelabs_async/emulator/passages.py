"""Stretches of a file with words to them, and how words are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECONDS = 6.0
"""Length of a stretch of a file of which nothing is known."""
_WORD = re.compile(r"[^\W_]+")
_FILLERS = frozenset(_WORD.findall("a an and are as at by for from in is it its of on or that the this to was with"))


@dataclass(frozen=True, slots=True)
class Passage:
    """What is seen or said from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; an underscore separates words too."""
    return _WORD.findall(text.lower())


def terms(text: str) -> frozenset[str]:
    """Return the words of a text by which it is found: no fillers, and no plurals.

    A text of nothing but fillers is found by them.
    """
    found = words(text)
    return frozenset(_singular(word) for word in found if word not in _FILLERS) or frozenset(found)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def segments(duration: float) -> list[tuple[float, float]]:
    """Return start and end of stretches of the same length, about 6 seconds each."""
    count = max(1, round(duration / SECONDS))
    return [(round(duration * i / count, 3), round(duration * (i + 1) / count, 3)) for i in range(count)]

"""Embeddings: what is to be embedded, and the vectors, which follow from the content alone.

Texts, and stretches of files that were described, are near each other when they have words in common.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import seeded
from twelvelabs_async.emulator.passages import terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twelvelabs_async.emulator.media import Media

MIB = 1 << 20
SHORTEST_SEGMENT = 2.0
"""Seconds; what is left at the end and shorter is not embedded."""
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_PAGE = re.compile(rb"/Type\s*/Page\b")

Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One vector to be made."""

    option: str | None = None
    scope: str | None = None
    start: float | None = None
    end: float | None = None
    place: dict[str, Any] = field(default_factory=dict[str, Any])
    """Where it is in a document, in the terms of the API."""
    told: str = ""
    """What it says or shows, as far as that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything that one request asks for."""

    digest: str
    pieces: tuple[Piece, ...]
    metadata: dict[str, Any] | None = None
    dimensions: int = seeded.DIMENSIONS
    uncertainty: bool = False
    usage: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class EmbedTask:
    """An embedding that takes its time."""

    id: str
    version: int
    """1 or 2: the two families of endpoints do not see each other's tasks."""
    model: str
    work: Work
    created_at: float
    problem: str | None = None
    """Why it will fail."""


def data(seed: int, work: Work) -> list[dict[str, Any]]:
    """Return the vectors as the newer endpoints write them."""
    return [_entry(seed, work, piece) for piece in work.pieces]


def _entry(seed: int, work: Work, piece: Piece) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "embedding": vector(seed, work.digest, piece)[: work.dimensions],
        "embedding_option": piece.option,
        "embedding_scope": piece.scope,
        "start_sec": piece.start,
        "end_sec": piece.end,
        **piece.place,
    }
    if work.uncertainty:
        noise = seeded.vector("uncertainty", seed, work.digest, piece.option, piece.scope, piece.start, piece.place)
        entry["embedding_uncertainty"] = [abs(value) for value in noise[: work.dimensions]]
    return entry


def vector(seed: int, digest: str, piece: Piece) -> list[float]:
    """Return a vector of length 1; the same stretch of the same content has the same one, whoever asks."""
    own = seeded.vector(seed, digest, piece.option, piece.scope, piece.start, piece.end, *piece.place.values())
    return seeded.among([seeded.term(seed, word) for word in sorted(terms(piece.told))], own)


def told(media: Media, pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces of a file with what it was described to show and say in them."""
    return [replace(piece, told=_within(media, piece)) for piece in pieces]


def _within(media: Media, piece: Piece) -> str:
    seen = media.scenes if piece.option not in {"audio", "transcription"} else ()
    heard = media.lines if piece.option != "visual" else ()
    start, end = piece.start or 0.0, math.inf if piece.end is None else piece.end
    return " ".join(passage.text for passage in (*seen, *heard) if passage.start < end and start < passage.end)


def of_file(options: Iterable[str], scopes: Iterable[str], span: Stretch, stretches: Sequence[Stretch]) -> list[Piece]:
    """Return the pieces of a file with a duration: one for each stretch, one for the whole, and that by option."""
    return [
        Piece(option=option, scope="clip" if scope == "local" else scope, start=start, end=end)
        for scope in scopes
        for start, end in ([span] if scope in {"asset", "video"} else stretches)
        for option in options
    ]


def fixed(span: Stretch, length: float) -> list[Stretch]:
    """Cut a span into stretches of one length."""
    start, end = span
    count = max(1, math.ceil((end - start) / length))
    cuts = [round(start + position * length, 3) for position in range(count)] + [end]
    return _long_enough(cuts)


def dynamic(span: Stretch, least: float, digest: str) -> list[Stretch]:
    """Cut a span where the content seems to change, which the content decides."""
    start, end = span
    cuts = [start]
    while True:
        longer = seeded.number("cut", digest, cuts[-1]) % 1000 / 1000 * least
        cut = round(cuts[-1] + least + longer, 3)
        if cut + least > end:
            return _long_enough([*cuts, end])
        cuts.append(cut)


def _long_enough(cuts: Sequence[float]) -> list[Stretch]:
    found = list(itertools.pairwise(cuts))
    return [stretch for at, stretch in enumerate(found) if at == 0 or stretch[1] - stretch[0] >= SHORTEST_SEGMENT]


def heard(media: Media, options: Iterable[str]) -> list[str]:
    """Return the options that apply to a file, which has to have sound for some."""
    return [option for option in options if option == "visual" or media.has_sound]


def tokens(text: str) -> int:
    """Count the tokens of a text, here its words."""
    return len(text.split())


def pages(content: bytes | None, digest: str) -> int:
    """Count the pages of a PDF; of one that nobody kept, up to 8 are made up."""
    if content is None:
        return 1 + seeded.number("pages", digest) % 8
    return max(1, len(_PAGE.findall(content)))


def page_allowance(size: int, pages_per_megabyte: int) -> int:
    """Return how many pages a PDF of a size may have."""
    return pages_per_megabyte * max(1, math.ceil(size / MIB))


def sentences(content: bytes | None, digest: str) -> int:
    """Count the sentences of a text; of one that nobody kept, 3 to 12 are made up."""
    if content is None:
        return 3 + seeded.number("sentences", digest) % 10
    found = _SENTENCE.findall(content.decode(errors="replace"))
    return max(1, sum(bool(sentence.strip()) for sentence in found))


def chunks(count: int, most: int, overlap: int) -> int:
    """Return how many chunks of `most` sentences cover a text when each repeats some of the one before."""
    return max(1, math.ceil((count - overlap) / (most - overlap)))

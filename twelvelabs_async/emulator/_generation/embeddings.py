"""Embeddings: requests, and vectors that depend only on the content.

Texts and described segments of files are close to each other if they have common words.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from twelvelabs_async.emulator._media.descriptions import search_terms
from twelvelabs_async.emulator._media.media import MIB, Media
from twelvelabs_async.emulator._state import deterministic

SHORTEST_SEGMENT = 2.0
"""Minimum length of the last segment in seconds; a shorter one is not embedded."""
MAX_TOKEN_LENGTH = 12
"""Number of characters of a word above which it counts as several tokens."""
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_PAGE = re.compile(rb"/Type\s*/Page\b")

Span = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSpec:
    """A vector to compute."""

    option: str | None = None
    scope: str | None = None
    start: float | None = None
    end: float | None = None
    position: dict[str, Any] = field(default_factory=dict[str, Any])
    """Position in a document, as the API serializes it."""
    text: str = ""
    """Known text or description of the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRequest:
    """A validated embedding request."""

    digest: str
    vectors: tuple[VectorSpec, ...]
    metadata: dict[str, Any] | None = None
    dimensions: int = deterministic.DIMENSIONS
    uncertainty: bool = False
    usage: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class EmbedTask:
    """An embedding task."""

    id: str
    version: int
    """1 or 2: the endpoints of one version do not return the tasks of the other."""
    model: str
    request: EmbedRequest
    created_at: float
    problem: str | None = None
    """Reason why it will fail; `None` if it will succeed."""


def serialize_vectors(seed: int, request: EmbedRequest) -> list[dict[str, Any]]:
    """Return the vectors as the version 2 endpoints serialize them."""
    entries: list[dict[str, Any]] = []
    for spec in request.vectors:
        entry: dict[str, Any] = {
            "embedding": vector(seed, request.digest, spec)[: request.dimensions],
            "embedding_option": spec.option,
            "embedding_scope": spec.scope,
            "start_sec": spec.start,
            "end_sec": spec.end,
            **spec.position,
        }
        if request.uncertainty:
            noise = deterministic.unit_vector(
                "uncertainty", seed, request.digest, spec.option, spec.scope, spec.start, spec.position
            )
            entry["embedding_uncertainty"] = [abs(value) for value in noise[: request.dimensions]]
        entries.append(entry)
    return entries


def vector(seed: int, digest: str, spec: VectorSpec) -> list[float]:
    """Return the vector of length 1 of a segment; it depends on the seed, the content and the segment only."""
    own = deterministic.unit_vector(
        seed, digest, spec.option, spec.scope, spec.start, spec.end, *spec.position.values()
    )
    return deterministic.blend_vectors(
        [deterministic.term_vector(seed, word) for word in sorted(search_terms(spec.text))], own
    )


def with_described_text(media: Media, specs: Iterable[VectorSpec]) -> list[VectorSpec]:
    """Add the described scenes and speech of a file to its vectors."""
    return [replace(spec, text=_described_text(media, spec)) for spec in specs]


def _described_text(media: Media, spec: VectorSpec) -> str:
    scenes = media.scenes if spec.option not in {"audio", "transcription"} else ()
    transcript = media.transcript if spec.option != "visual" else ()
    start, end = spec.start or 0.0, math.inf if spec.end is None else spec.end
    return " ".join(passage.text for passage in (*scenes, *transcript) if passage.start < end and start < passage.end)


def file_vector_specs(
    options: Iterable[str], scopes: Iterable[str], span: Span, clip_spans: Sequence[Span]
) -> list[VectorSpec]:
    """Return the vectors of a file with a duration: for each scope, segment and option."""
    return [
        VectorSpec(option=option, scope="clip" if scope == "local" else scope, start=start, end=end)
        for scope in scopes
        for start, end in ([span] if scope in {"asset", "video"} else clip_spans)
        for option in options
    ]


def fixed_spans(span: Span, length: float) -> list[Span]:
    """Divide a span into segments of equal length."""
    start, end = span
    count = max(1, math.ceil((end - start) / length))
    cuts = [round(start + position * length, 3) for position in range(count)] + [end]
    return _drop_short_spans(cuts)


def dynamic_spans(span: Span, min_length: float, digest: str) -> list[Span]:
    """Divide a span into segments of at least `min_length` at times that depend on the content."""
    start, end = span
    cuts = [start]
    while True:
        extra = deterministic.stable_int("cut", digest, cuts[-1]) % 1000 / 1000 * min_length
        cut = round(cuts[-1] + min_length + extra, 3)
        if cut + min_length > end:
            return _drop_short_spans([*cuts, end])
        cuts.append(cut)


def _drop_short_spans(cuts: Sequence[float]) -> list[Span]:
    first, *others = itertools.pairwise(cuts)
    return [first, *((start, end) for start, end in others if end - start >= SHORTEST_SEGMENT)]


def applicable_options(media: Media, options: Iterable[str]) -> list[str]:
    """Return the options that apply to a file; all but `visual` require an audio track."""
    return [option for option in options if option == "visual" or media.has_audio]


def count_tokens(text: str) -> int:
    """Count the tokens of a text: one for each word, and more for a word of over `MAX_TOKEN_LENGTH` characters."""
    return sum(-(-len(word) // MAX_TOKEN_LENGTH) for word in text.split())


def count_pages(content: bytes | None, digest: str) -> int:
    """Count the pages of a PDF; return an arbitrary number from 1 to 8 without its content."""
    if content is None:
        return 1 + deterministic.stable_int("pages", digest) % 8
    return max(1, len(_PAGE.findall(content)))


def max_pages(size: int, pages_per_megabyte: int) -> int:
    """Return the maximum number of pages of a PDF of a size in bytes."""
    return pages_per_megabyte * max(1, math.ceil(size / MIB))


def count_sentences(content: bytes | None, digest: str) -> int:
    """Count the sentences of a text; return an arbitrary number from 3 to 12 without its content."""
    if content is None:
        return 3 + deterministic.stable_int("sentences", digest) % 10
    found = _SENTENCE.findall(content.decode(errors="replace"))
    return max(1, sum(bool(sentence.strip()) for sentence in found))


def count_chunks(count: int, chunk_size: int, overlap: int) -> int:
    """Return the number of chunks of `chunk_size` sentences, each of which repeats `overlap` of the previous one."""
    return max(1, math.ceil((count - overlap) / (chunk_size - overlap)))

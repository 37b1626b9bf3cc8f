"""Embeddings of PDF files and texts, page by page or chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, fields
from twelvelabs_async.emulator.embedding import Piece, Work
from twelvelabs_async.emulator.errors import choice, invalid, missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.handlers.sources import Source

PAIRS = {
    True: {("visual", "local"), ("visual", "asset"), ("text", "asset")},
    False: {("text", "local"), ("text", "asset")},
}
"""By whether it is a PDF: which option goes with which scope."""
QUADRANTS = ("top_left", "top_right", "bottom_left", "bottom_right")
PAGES_PER_MEGABYTE = 64


def is_pdf(source: Source) -> bool:
    """Say whether a document has pages."""
    return source.media.mime == "application/pdf"


def work(body: Body, source: Source) -> tuple[Work, str | None]:
    """Return what is to be made of a document, and why that will fail.

    Raises:
        ApiError: The parameters do not fit each other or the file.
    """
    pdf = is_pdf(source)
    options = fields.choices(body, "embedding_option", ("visual", "text")) or ["visual" if pdf else "text"]
    scopes = fields.choices(body, "embedding_scope", ("local", "asset")) or ["local" if pdf else "asset"]
    for pair in ((option, scope) for option in options for scope in scopes):
        if pair not in PAIRS[pdf]:
            raise invalid("embedding_option", f"{' with the scope '.join(pair)} does not exist for {source.media.mime}")
    if "fused_embedding" in (fields.choices(body, "embedding_type", ("separate_embedding", "fused_embedding")) or []):
        raise invalid("embedding_type", "a document has a single modality, which cannot be fused")
    local, problem = _pages(body, source, scopes) if pdf else (_chunks(body, source, scopes), None)
    metadata = {"input_type": "document", **source.names, "embedding_options": options, "embedding_scopes": scopes}
    pieces = [piece for scope in scopes for piece in (local if scope == "local" else _whole(options))]
    return Work(digest=source.media.digest, pieces=tuple(pieces), metadata=metadata), problem or source.media.problem


def _whole(options: Iterable[str]) -> list[Piece]:
    return [Piece(option=option, scope="asset") for option in options]


def _segmentation(body: Body, scopes: Iterable[str], wanted: str, unwanted: str) -> Body | None:
    given = fields.part(body, "segmentation")
    if given is None:
        return None
    if given.get(unwanted) is not None or given.get(wanted) is None:
        raise invalid("segmentation", f"for this file it must have {wanted}, and nothing else")
    if "local" not in scopes:
        raise invalid("segmentation", "it needs the scope local")
    return fields.part(given, wanted)


def _pages(body: Body, source: Source, scopes: Iterable[str]) -> tuple[list[Piece], str | None]:
    given = _segmentation(body, scopes, "spatial", "sequential") or {}
    quartered = choice("strategy", given.get("strategy") or "standard", ("standard", "quadrants")) == "quadrants"
    count = embedding.pages(source.content, source.media.digest)
    pieces: list[Piece] = []
    for number in range(1, count + 1):
        place: dict[str, Any] = {"start_page_number": number, "end_page_number": number}
        pieces.append(Piece(option="visual", scope="page", place=place))
        quarters = QUADRANTS if quartered else ()
        pieces += [Piece(option="visual", scope="page", place=place | {"quadrant": quarter}) for quarter in quarters]
    return pieces, page_problem(source, count * 5 if quartered else count, PAGES_PER_MEGABYTE)


def page_problem(source: Source, count: int, per_megabyte: int) -> str | None:
    """Return why a PDF has too many pages for its size, if it has."""
    allowed = embedding.page_allowance(source.media.size, per_megabyte)
    return f"The file has {count} pages, and {allowed} are allowed for its size." if count > allowed else None


def _chunks(body: Body, source: Source, scopes: Iterable[str]) -> list[Piece]:
    if "local" not in scopes:
        _segmentation(body, scopes, "sequential", "spatial")
        return []
    given = _segmentation(body, scopes, "sequential", "spatial")
    if given is None:
        raise missing("segmentation.sequential")
    choice("strategy", given.get("strategy"), ("sentence",))
    count = embedding.sentences(source.content, source.media.digest)
    most = fields.whole(given, "max_sentences", 1, fields.WIDEST_INTEGER)
    if most is None:
        raise missing("max_sentences")
    overlap = fields.whole(given, "overlap_sentences", 0, most - 1) or 0
    chunks = embedding.chunks(count, most, overlap)
    return [Piece(option="text", scope="chunk", place={"chunk_index": index}) for index in range(chunks)]

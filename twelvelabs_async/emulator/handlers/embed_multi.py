"""One embedding of a text together with several files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, fields
from twelvelabs_async.emulator.embedding import Piece, Work
from twelvelabs_async.emulator.errors import ApiError, choice, invalid
from twelvelabs_async.emulator.handlers import embed_documents, sources
from twelvelabs_async.emulator.handlers.embed_timed import NEW, OLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twelvelabs_async.emulator.call import Call
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.handlers.sources import Source

KINDS: dict[str, tuple[str, ...]] = {OLD: ("image",), NEW: ("image", "video", "audio", "document")}
MOST_SOURCES = 10
MOST_TOKENS = {OLD: 500, NEW: 2000}
LARGEST = 32 << 20
LONGEST = 30.0
PAGES_PER_MEGABYTE = 16
TOKENS = {"image": 256, "video": 300, "audio": 50, "document": 256}
"""Made up: for an image, a page of a document, and a second of the rest."""
_REFERENCE = re.compile(r"<@([^<>]+)>")


def categories(body: Body) -> list[str]:
    """Return the categories a request counts in, as far as it can be read at all.

    Nobody says which those are. Here it is what each of its files counts in, and text where there is nothing else.
    """
    given = fields.part(body, "multi_input") or {}
    kinds = [entry.get("media_type") for entry in _entries(given)]
    if given.get("input_text") and kinds and set(kinds) == {"image"}:
        return ["embed-text-image"]
    return [f"embed-{kind}" for kind in kinds if kind in {"image", "video", "audio"}] or ["embed-text"]


async def work(call: Call, given: Body, model: str, *, truncate: bool, uncertainty: bool) -> Work:
    """Return the one vector to be made.

    Raises:
        ApiError: The text and the files do not go together.
    """
    text = fields.text(given, "input_text") or ""
    files = [await _take(call, entry, model) for entry in _entries(given)]
    kinds = [kind for _, kind, _ in files]
    _check_text(text, [name for name, _, _ in files])
    _check_mixture(text, [(kind, source) for _, kind, source in files])
    if uncertainty and ((text and files) or "document" in kinds):
        raise invalid("embedding_uncertainty", "it needs either a text or files, and no documents")
    count, most = embedding.tokens(text), MOST_TOKENS[model]
    if count > most and not truncate:
        raise invalid("input_text", f"it has {count} tokens, and {most} are allowed")
    text = " ".join(text.split()[:most]) if count > most else text
    digest = ":".join([f"text:{text}", *(source.media.digest for _, _, source in files)])
    metadata = {"input_type": "multi_input"}
    usage = None if model == OLD else _usage(text, [(kind, source) for _, kind, source in files], cut=count > most)
    return Work(digest=digest, pieces=(Piece(told=text),), metadata=metadata, usage=usage)


def _entries(given: Body) -> list[Body]:
    if given.get("media_sources") is None:
        return []
    return fields.parts(given, "media_sources", 0, MOST_SOURCES)


async def _take(call: Call, entry: Body, model: str) -> tuple[str | None, str, Source]:
    kind = choice("media_type", entry.get("media_type"), KINDS[model])
    source = await sources.take(call, entry, kind, largest=LARGEST, too_large=413)
    if source.media.problem is not None:
        raise invalid("media_sources", source.media.problem.rstrip("."))
    if source.url is None:
        _check_size(source, kind)
    return fields.text(entry, "name"), kind, source


def _check_size(source: Source, kind: str) -> None:
    """Refuse a file that is too large; of one at a URL nothing is known that could be too much."""
    if source.media.size > LARGEST:
        why = f"The file has {source.media.size} bytes, and {LARGEST} are allowed."
        raise ApiError(413, "media_filesize_too_large", why)
    if (source.media.duration or 0.0) > LONGEST:
        why = f"{source.media.duration:g} s is longer than the {LONGEST:g} s allowed."
        raise ApiError(400, "video_duration_too_long" if kind == "video" else "audio_duration_too_long", why)
    if kind == "document" and embed_documents.is_pdf(source):
        count = embedding.pages(source.content, source.media.digest)
        if problem := embed_documents.page_problem(source, count, PAGES_PER_MEGABYTE):
            raise ApiError(413, "media_filesize_too_large", problem)


def _check_text(text: str, names: Sequence[str | None]) -> None:
    given = [name for name in names if name is not None]
    if len(set(given)) < len(given):
        raise invalid("media_sources", "each name must be unique")
    for name in _REFERENCE.findall(text):
        if name not in given:
            raise invalid("input_text", f"there is no media source with the name {name}")


def _check_mixture(text: str, files: Sequence[tuple[str, Source]]) -> None:
    if not text.strip() and not files:
        raise invalid("multi_input", "it must have input_text, media_sources or both")
    pdf = any(kind == "document" and embed_documents.is_pdf(source) for kind, source in files)
    if pdf and (text or len(files) > 1):
        raise invalid("media_sources", "a PDF must be the only source, and without text")
    if {kind for kind, _ in files} == {"document"} and (text or len(files) > 1):
        raise invalid("media_sources", "a text can be combined only with an image, a video or sound")
    if len({kind for kind, _ in files}) > 1 and not text:
        raise invalid("input_text", "sources of different types need a text")


def _usage(text: str, files: Sequence[tuple[str, Source]], *, cut: bool) -> dict[str, Any]:
    counts: dict[str, int] = {"text": embedding.tokens(text)} if text else {}
    for kind, source in files:
        length = source.media.duration if kind in {"video", "audio"} else 1
        counts[kind] = counts.get(kind, 0) + max(1, round(TOKENS[kind] * (length or 1)))
    reason = {"truncation_reason": "model_context_window"} if cut else {}
    return {"input_tokens": counts, "truncated": cut, **reason}

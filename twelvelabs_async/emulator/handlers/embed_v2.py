"""Embeddings at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, fields, seeded
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.embedding import Piece, Work
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.handlers import embed_multi, embed_timed, sources
from twelvelabs_async.emulator.handlers.embed_timed import NEW, OLD

if TYPE_CHECKING:
    from twelvelabs_async.emulator.fields import Body

MODELS = (OLD, NEW)
TYPES = ("text", "image", "text_image", "audio", "video", "multi_input")
CATEGORIES = {"text_image": "embed-text-image"}
MOST_TOKENS = 500
LARGEST = 36 << 20
LARGEST_IMAGE = 32 << 20
LONGEST = 600.0
NEW_ONLY = ("auto_truncate", "embedding_uncertainty", "embedding_dimension")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What only the newer model offers."""

    truncate: bool
    uncertainty: bool
    dimensions: int

    def put_on(self, work: Work, model: str) -> Work:
        """Return work with that."""
        if model == OLD:
            return work
        metadata = None if work.metadata is None else work.metadata | {"embedding_dimension": self.dimensions}
        return replace(work, metadata=metadata, dimensions=self.dimensions, uncertainty=self.uncertainty)


def read_extras(body: Body, model: str) -> Extras:
    """Return what only the newer model offers.

    Raises:
        ApiError: It is asked of the older one.
    """
    for name in NEW_ONLY:
        if model == OLD and body.get(name) is not None:
            raise invalid(name, f"it needs {NEW}")
    return Extras(
        truncate=fields.flag(body, "auto_truncate"),
        uncertainty=fields.flag(body, "embedding_uncertainty"),
        dimensions=fields.whole(body, "embedding_dimension", 1, seeded.DIMENSIONS) or seeded.DIMENSIONS,
    )


async def create(call: Call) -> Reply:
    """POST /embed-v2."""
    body = await call.json()
    kind = choice("input_type", body.get("input_type"), TYPES)
    call.count(*(embed_multi.categories(body) if kind == "multi_input" else [CATEGORIES.get(kind, f"embed-{kind}")]))
    model = choice("model_name", body.get("model_name"), MODELS)
    extras = read_extras(body, model)
    given = fields.required_part(body, kind)
    if kind == "multi_input":
        work = await embed_multi.work(call, given, model, truncate=extras.truncate, uncertainty=extras.uncertainty)
    elif model == NEW:
        raise invalid("input_type", f"{NEW} takes nothing but multi_input here")
    else:
        work = await _MAKERS[kind](call, given, kind)
    work = extras.put_on(work, model)
    view: dict[str, Any] = {"data": embedding.data(call.world.settings.seed, work)}
    view |= {name: value for name, value in (("metadata", work.metadata), ("usage", work.usage)) if value is not None}
    return Reply(view)


def read_text(body: Body) -> str:
    """Return the text to embed.

    Raises:
        ApiError: It is absent, empty or too long.
    """
    text = fields.required_text(body, "input_text")
    if embedding.tokens(text) > MOST_TOKENS:
        raise invalid("input_text", f"it has {embedding.tokens(text)} tokens, and {MOST_TOKENS} are allowed")
    return text


async def _text(_call: Call, given: Body, _kind: str) -> Work:
    text = read_text(given)
    return Work(digest=f"text:{text}", pieces=(Piece(told=text),))


async def _image(call: Call, given: Body, kind: str) -> Work:
    text = read_text(given) if kind == "text_image" else None
    source = await _take(call, given, "image", LARGEST_IMAGE)
    digest = source.media.digest if text is None else f"{source.media.digest}:{text}"
    return Work(digest=digest, pieces=(Piece(told=text or ""),), metadata={"input_type": kind, **source.names})


async def _timed(call: Call, given: Body, kind: str) -> Work:
    source = await _take(call, given, kind, LARGEST)
    if (source.media.duration or 0.0) > LONGEST:
        why = f"{source.media.duration:g} s is longer than the {LONGEST:g} s allowed; a task takes more."
        raise ApiError(400, "video_duration_too_long" if kind == "video" else "audio_duration_too_long", why)
    call.spend(source.media.duration)
    return embed_timed.work(given, source, OLD, task=False)


async def _take(call: Call, given: Body, kind: str, largest: int) -> sources.Source:
    if given.get("media_source") is None:
        raise missing(f"{kind}.media_source")
    media_source = fields.required_part(given, "media_source")
    source = await sources.take(call, media_source, kind, largest=largest, too_large=413)
    if source.media.problem is not None:
        raise invalid("media_source", source.media.problem.rstrip("."))
    return source


_MAKERS = {"text": _text, "image": _image, "text_image": _image, "audio": _timed, "video": _timed}

OPERATIONS = (Operation("POST", "/embed-v2", create),)

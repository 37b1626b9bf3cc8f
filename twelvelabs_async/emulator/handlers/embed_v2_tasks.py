"""Embeddings that take their time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, fields
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.embedding import EmbedTask, Piece, Work
from twelvelabs_async.emulator.errors import choice, invalid, missing, unknown
from twelvelabs_async.emulator.handlers import embed_documents, embed_tasks, embed_timed, sources
from twelvelabs_async.emulator.handlers.embed_multi import TOKENS
from twelvelabs_async.emulator.handlers.embed_timed import NEW, OLD
from twelvelabs_async.emulator.handlers.embed_v2 import LARGEST, LARGEST_IMAGE, MODELS, read_extras

if TYPE_CHECKING:
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.handlers.sources import Source

TYPES = ("audio", "video", "image", "document")
LARGEST_FILES = {"audio": LARGEST, "video": LARGEST, "image": LARGEST_IMAGE, "document": 512 << 20}
CATEGORIES = {"document": "embed-text"}
"""Nobody says what a document counts as."""
ONLY_CHOICE = {"embedding_option": "visual", "embedding_type": "separate_embedding", "embedding_scope": "asset"}
_LISTED = {
    "video": {"clip_length": "video_clip_length", "embedding_scopes": "video_embedding_scope"},
    "audio": {"start_offset_sec": "start_offset_sec", "end_offset_sec": "end_offset_sec"},
}


async def create(call: Call) -> Reply:
    """POST /embed-v2/tasks."""
    body = await call.json()
    kind = choice("input_type", body.get("input_type"), TYPES)
    call.count(CATEGORIES.get(kind, f"embed-{kind}"))
    model = choice("model_name", body.get("model_name"), MODELS)
    if body.get("auto_truncate") is not None:
        raise invalid("auto_truncate", "a task has no such parameter")
    extras = read_extras(body, model)
    if model == OLD and kind not in {"audio", "video"}:
        raise invalid("input_type", f"{kind} needs {NEW}")
    given = fields.required_part(body, kind)
    if given.get("media_source") is None:
        raise missing(f"{kind}.media_source")
    media_source = fields.required_part(given, "media_source")
    source = await sources.take(call, media_source, kind, largest=LARGEST_FILES[kind])
    work, problem = _work(given, source, model)
    if extras.uncertainty:
        _check_certain(source, work)
    work = replace(extras.put_on(work, model), usage=None if model == OLD else _usage(source, work))
    call.spend(source.media.duration)
    task = embed_tasks.add(call, 2, model, work, problem)
    view: dict[str, Any] = {"_id": task.id, "status": "processing", "data": None}
    if model == NEW:
        view["metadata"] = {"embedding_dimension": extras.dimensions}
    return Reply(view, 202, {"Location": f"{call.request.path}/{task.id}"})


def _work(given: Body, source: Source, model: str) -> tuple[Work, str | None]:
    match source.media.kind:
        case "document":
            return embed_documents.work(given, source)
        case "image":
            return _image(given, source), source.media.problem
        case _:
            return embed_timed.work(given, source, model, task=True), source.media.problem


def _image(given: Body, source: Source) -> Work:
    for name, only in ONLY_CHOICE.items():
        fields.choices(given, name, (only,))
    piece = Piece(option="visual", scope="asset")
    metadata = {
        "input_type": "image",
        **source.names,
        "embedding_options": ["visual"],
        "embedding_scopes": ["asset"],
    }
    return Work(digest=source.media.digest, pieces=(piece,), metadata=metadata)


def _check_certain(source: Source, work: Work) -> None:
    """Refuse to tell the uncertainty of what is made of a whole file with several parts."""
    if source.media.kind == "image":
        return
    if source.media.kind == "document" and embed_documents.is_pdf(source):
        raise invalid("embedding_uncertainty", "there is none for a PDF")
    if any(piece.scope == "asset" for piece in work.pieces):
        raise invalid("embedding_uncertainty", "it needs an embedding_scope without asset")


def _usage(source: Source, work: Work) -> dict[str, Any]:
    kind = source.media.kind
    length = source.media.duration if kind in {"video", "audio"} else len(work.pieces)
    return {"input_tokens": {kind: max(1, round(TOKENS[kind] * (length or 1)))}, "truncated": False}


async def list_(call: Call) -> Reply:
    """GET /embed-v2/tasks."""
    return embed_tasks.listed(call, 2, _summary)


def _summary(task: EmbedTask) -> dict[str, Any]:
    """Return the metadata as the list words them, which still speaks the language of the older endpoints."""
    metadata = task.work.metadata or {}
    kind = metadata["input_type"]
    words = {
        "input_url": "input_url",
        "input_filename": "input_filename",
        "duration": "duration",
        "embedding_options": f"{kind}_embedding_option",
        "embedding_scopes": f"{kind}_embedding_scope",
    } | _LISTED.get(kind, {})
    return {f"{kind}_embedding": {"metadata": {new: metadata[old] for old, new in words.items() if old in metadata}}}


async def retrieve(call: Call) -> Reply:
    """GET /embed-v2/tasks/{task_id}."""
    task = embed_tasks.find(call, 2)
    if task is None:
        raise unknown("embedding task", call.text("task_id"))
    view = embed_tasks.view(call.world, task)
    del view["model_name"]
    ready = view["status"] == "ready"
    view |= {
        "data": embedding.data(call.world.settings.seed, task.work) if ready else None,
        "metadata": task.work.metadata,
    }
    if view["status"] == "failed":
        view["error"] = {"message": task.problem}
    if ready and task.work.usage is not None:
        view["usage"] = task.work.usage
    return Reply(view)


OPERATIONS = (
    Operation("GET", "/embed-v2/tasks", list_),
    Operation("POST", "/embed-v2/tasks", create),
    Operation("GET", "/embed-v2/tasks/{task_id}", retrieve),
)

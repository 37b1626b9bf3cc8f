"""Embeddings of videos that take their time, in the older form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, filters, paging
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.embedding import EmbedTask, Work
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.forms import Form
from twelvelabs_async.emulator.handlers import assets, embed, tasks, views
from twelvelabs_async.emulator.media import rejection

if TYPE_CHECKING:
    from twelvelabs_async.emulator.embedding import Stretch
    from twelvelabs_async.emulator.media import Media
    from twelvelabs_async.emulator.world import World

STATUSES = ("processing", "ready", "failed")
OPTIONS = ("visual", "audio", "transcription")
SCOPES = ("clip", "video")
DEFAULT_CLIP = 6.0
LEAST_CLIP, MOST_CLIP = 2.0, 10.0
KEPT = 7 * 86_400.0
"""Seconds for which embeddings are stored."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a video is to be cut."""

    clip: float
    start: float | None
    end: float | None
    scopes: tuple[str, ...]


async def create(call: Call) -> Reply:
    """POST /embed/tasks."""
    call.count("embed-video")
    async with call.form() as form:
        model = choice("model_name", form.required("model_name"), embed.MODELS)
        wish = _wish(form)
        look, names = await _video(call.world, form)
    span = _span(wish, look.duration or 0.0)
    if wish.clip > span[1] - span[0] and look.problem is None:
        raise invalid("video_clip_length", "it is longer than the time between the offsets")
    call.spend(span[1] - span[0])
    options = embedding.heard(look, OPTIONS)
    metadata = {
        **names,
        "video_clip_length": wish.clip,
        "video_embedding_scope": list(wish.scopes),
        "duration": look.duration or 0.0,
        "video_embedding_option": options,
    }
    pieces = embedding.of_file(options, wish.scopes, span, embedding.fixed(span, wish.clip))
    work = Work(digest=look.digest, pieces=tuple(embedding.told(look, pieces)), metadata=metadata)
    return Reply({"_id": add(call, 1, model, work, look.problem).id})


def add(call: Call, version: int, model: str, work: Work, problem: str | None) -> EmbedTask:
    """Make a task, whose processing begins now."""
    state, now = call.world.state, call.world.now()
    task = EmbedTask(id=state.ids.object(), version=version, model=model, work=work, created_at=now, problem=problem)
    state.embed_tasks[task.id] = task
    return task


def _wish(form: Form) -> _Wish:
    clip = embed.number(form, "video_clip_length")
    clip = DEFAULT_CLIP if clip is None else clip
    if not LEAST_CLIP <= clip <= MOST_CLIP:
        raise invalid("video_clip_length", f"it must be from {LEAST_CLIP:g} to {MOST_CLIP:g} seconds")
    scopes = form.texts.get("video_embedding_scope", ["clip"])
    start, end = (embed.number(form, f"video_{side}_offset_sec") for side in ("start", "end"))
    if (start is None) != (end is None):
        raise missing("video_start_offset_sec" if start is None else "video_end_offset_sec")
    return _Wish(clip, start, end, tuple(dict.fromkeys(choice("video_embedding_scope", s, SCOPES) for s in scopes)))


async def _video(world: World, form: Form) -> tuple[Media, dict[str, str]]:
    """Return the video; a URL goes before a file."""
    if url := form.text("video_url"):
        _, look = assets.take_url("video_url", url)
        names = {"input_url": url}
    elif file := form.file("video_file"):
        look = await assets.take_file(world, "video_file", file, file.filename, tasks.LIMITS)
        names = {"input_filename": file.filename}
        if look.problem is not None:
            raise ApiError(400, "video_file_broken", look.problem)
    else:
        raise missing("video_file or video_url")
    if look.kind != "video":
        raise ApiError(400, "video_file_broken", f"A file of type {look.mime} is no video.")
    if look.problem is None and (refused := rejection(look)):
        raise ApiError(400, refused.code, refused.message)
    return look, names


def _span(wish: _Wish, duration: float) -> Stretch:
    start, end = wish.start or 0.0, duration if wish.end is None else wish.end
    if start < 0 or (duration and start >= duration):
        raise invalid("video_start_offset_sec", f"it must be from 0 to less than the duration, {duration:g}")
    if wish.end is not None and (end <= start or (duration and end > duration)):
        raise invalid("video_end_offset_sec", f"it must be after the start and not after the end, {duration:g}")
    return start, end


async def list_(call: Call) -> Reply:
    """GET /embed/tasks."""
    return listed(call, 1, lambda task: {"video_embedding": {"metadata": task.work.metadata}})


def listed(call: Call, version: int, more: Callable[[EmbedTask], dict[str, Any]]) -> Reply:
    """Return the page of one family's tasks, without their vectors; by default those of the last seven days."""
    world, query = call.world, call.query
    filters.check(query)
    wanted = filters.statuses(query, STATUSES)
    recent = "started_at" not in query and "ended_at" not in query
    found = [
        task
        for task in world.state.embed_tasks.values()
        if task.version == version
        and world.embed_status(task) in wanted
        and filters.since(query, "started_at", task.created_at)
        and filters.until(query, "ended_at", task.created_at)
        and not (recent and _is_old(world, task))
    ]
    return Reply(paging.page(query, paging.newest_first(found), lambda task: view(world, task) | more(task)))


def view(world: World, task: EmbedTask) -> dict[str, Any]:
    """Return what every view of a task has."""
    status = world.embed_status(task)
    done = task.created_at if status == "processing" else task.created_at + world.embed_timing(task).indexing
    return {
        "_id": task.id,
        "model_name": task.model,
        "status": status,
        "created_at": moment(task.created_at),
        "updated_at": moment(done),
    }


def _is_old(world: World, task: EmbedTask) -> bool:
    return world.now() >= task.created_at + KEPT


def find(call: Call, version: int) -> EmbedTask | None:
    """Return the task that the path names, while its embeddings are stored."""
    task = call.world.state.embed_tasks.get(call.text("task_id"))
    return task if task and task.version == version and not _is_old(call.world, task) else None


def _find(call: Call) -> EmbedTask:
    task = find(call, 1)
    if task is None:
        raise invalid("task_id", f"there is no embedding task with the id {call.text('task_id')}")
    return task


async def status(call: Call) -> Reply:
    """GET /embed/tasks/{task_id}/status."""
    task = _find(call)
    shown = {"_id": task.id, "status": call.world.embed_status(task), "model_name": task.model}
    return Reply(shown | {"video_embedding": {"metadata": task.work.metadata}})


async def retrieve(call: Call) -> Reply:
    """GET /embed/tasks/{task_id}."""
    task = _find(call)
    options = [
        choice("embedding_option", option, views.EMBEDDING_OPTIONS)
        for option in call.query.getall("embedding_option", [])
    ]
    shown = view(call.world, task)
    if shown["status"] == "processing":
        raise invalid("task_id", f"the task {task.id} is not done yet")
    embedded: dict[str, Any] = {"metadata": task.work.metadata}
    if shown["status"] == "ready":
        embedded["segments"] = _segments(call.world.settings.seed, task.work, options)
    return Reply(shown | {"video_embedding": embedded})


def _segments(seed: int, work: Work, options: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "float": embedding.vector(seed, work.digest, piece),
            "start_offset_sec": piece.start,
            "end_offset_sec": piece.end,
            "embedding_option": piece.option,
            "embedding_scope": piece.scope,
        }
        for piece in work.pieces
        if not options or piece.option in options
    ]


OPERATIONS = (
    Operation("GET", "/embed/tasks", list_),
    Operation("POST", "/embed/tasks", create),
    Operation("GET", "/embed/tasks/{task_id}", retrieve),
    Operation("GET", "/embed/tasks/{task_id}/status", status),
)

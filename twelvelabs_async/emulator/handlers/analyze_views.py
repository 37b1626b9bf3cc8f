"""Analysis tasks and batches as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import answering, progress
from twelvelabs_async.emulator.analyses import SEGMENTS, Json, Source
from twelvelabs_async.emulator.clock import second

if TYPE_CHECKING:
    from twelvelabs_async.emulator.analyses import Analysis, Batch
    from twelvelabs_async.emulator.world import World

_SHORT = 30
"""Characters of a prompt in lists."""
_ECHOED = ("temperature", "max_tokens", "start_time", "end_time")
_ECHOED_SEGMENTS = ("min_segment_duration", "max_segment_duration")


def task(world: World, task_: Analysis, *, brief: bool) -> Json:
    """Return a task; a brief one, as in lists, shows less of its request."""
    status = progress.status(world, task_)
    view: Json = {"task_id": task_.id, "custom_id": task_.custom_id, "status": status}
    if task_.ask.video is not None:
        view["video_source"] = video_source(task_.ask.video, seen=status != "queued")
    view["request_params"] = _request(task_, brief=brief)
    view["created_at"] = second(task_.created_at)
    if (ended := progress.ended_at(world, task_)) is not None:
        view["completed_at"] = second(ended)
    if status == "ready":
        outcome = progress.outcome(world, task_)
        view |= {"result": answering.result(outcome), **answering.warning(outcome)}
    view |= error(world, task_)
    if task_.batch is not None:
        view["batch_id"] = task_.batch.id
    elif deliveries := world.webhooks.told(task_.id, world.organisation):
        view["webhooks"] = deliveries
    return view


def error(world: World, task_: Analysis) -> Json:
    """Return why a task has no result, nothing if it has one."""
    reason = progress.reason(world, task_)
    return {"error": {"code": reason[0], "message": reason[1]}} if reason else {}


def video_source(source: Source, *, seen: bool) -> Json:
    """Return where a video came from; its length is known once it has been seen."""
    view: Json = {"type": source.type}
    if source.reference is not None:
        view[source.type] = source.reference
    if seen and source.media.duration is not None:
        view["system_metadata"] = {"duration": source.media.duration}
    return view


def _request(task_: Analysis, *, brief: bool) -> Json:
    ask, given = task_.ask, task_.ask.given
    names = (*_ECHOED, *(_ECHOED_SEGMENTS if ask.mode == SEGMENTS else ()))
    view: Json = {"analysis_mode": ask.mode}
    view |= {name: given[name] for name in names if given.get(name) is not None}
    if given.get("prompt") is not None:
        view["prompt"] = _cut(given["prompt"], brief=brief)
    if prompt := given.get("prompt_v2"):
        view["prompt_v2"] = {"input_text": _cut(prompt["input_text"], brief=brief), **_references(prompt)}
    if given.get("image") is not None:
        view["image"] = [_reference(entry) for entry in given["image"]]
    if form := given.get("response_format"):
        view["response_format"] = _format(form, brief=brief)
    return view


def _cut(text: str, *, brief: bool) -> str:
    return text[:_SHORT] if brief else text


def _format(form: Json, *, brief: bool) -> Json:
    view: Json = {"type": form["type"]}
    if form["type"] == "json_schema":
        return view if brief else view | {"json_schema": form["json_schema"]}
    definitions = [definition | _references(definition) for definition in form["segment_definitions"]]
    view["segment_definitions"] = definitions[:1] if brief else definitions
    if "segment_time_format" in form:
        view["segment_time_format"] = form["segment_time_format"]
    return view


def _references(entry: Json) -> Json:
    found: list[Json] | None = entry.get("media_sources")
    return {} if found is None else {"media_sources": [_reference(source) for source in found]}


def _reference(entry: Json) -> Json:
    kept = {name: entry[name] for name in ("url", "asset_id") if entry.get(name) is not None}
    return {"name": entry["name"], "media_type": "image", **kept}


def batch(world: World, batch_: Batch) -> Json:
    """Return a batch with its counts."""
    status = progress.batch_status(world, batch_)
    found = [progress.status(world, item) for item in batch_.items]
    view: Json = {
        "batch_id": batch_.id,
        "analysis_mode": batch_.mode,
        "model_name": batch_.model,
        "status": status,
        "total_items": len(found),
        "created_at": second(batch_.created_at),
        "expires_at": second(batch_.expires_at),
        **{f"{name}_items": found.count(name) for name in ("queued", "processing", "ready", "failed", "canceled")},
    }
    if status not in progress.ACTIVE:
        view[f"{status}_at"] = second(progress.batch_ended_at(world, batch_))
    return view


def result(world: World, item: Analysis) -> dict[str, Any]:
    """Return a line of the results of a batch."""
    status = progress.status(world, item)
    view: Json = {"task_id": item.id, "custom_id": item.custom_id, "status": status}
    if status == "ready":
        view["data"] = answering.result(progress.outcome(world, item))
    return view | (error(world, item) if status == "failed" else {})

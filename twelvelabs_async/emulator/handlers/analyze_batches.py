"""Analyses by the hundred."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator import paging, progress
from twelvelabs_async.emulator.analyses import MODES, Analysis, Ask, Batch, Json
from twelvelabs_async.emulator.bodies import objects
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import second
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing, unknown
from twelvelabs_async.emulator.handlers import analyze_views, asking
from twelvelabs_async.emulator.handlers.analyze_tasks import LONGEST, read_custom_id
from twelvelabs_async.emulator.streaming import Stream, line

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

MODELS = ("pegasus1.5",)
MOST_REQUESTS = 1000
MOST_ACTIVE = 5
MOST_SECONDS = 2000 * 3600
STATUSES = ("pending", "processing", "canceling", "canceled", "completed", "expired")
SHARED = (
    "prompt",
    "response_format",
    "temperature",
    "max_tokens",
    "min_segment_duration",
    "max_segment_duration",
    "start_time",
    "end_time",
)
"""What the defaults may hold, and each request in its place."""


async def create(call: Call) -> Reply:
    """POST /analyze/batches; nothing is done if one of the requests is not in order."""
    world, body = call.world, await call.json()
    for name in ("model_name", "analysis_mode"):
        if body.get(name) is None:
            raise missing(name)
    model = choice("model_name", body["model_name"], MODELS)
    mode = choice("analysis_mode", body["analysis_mode"], MODES)
    requests = objects(body, "requests", 1, MOST_REQUESTS)
    names = _names(requests)
    asks = [_ask(world, body, entry, position) for position, entry in enumerate(requests)]
    if sum(ask.end - ask.start for ask in asks) > MOST_SECONDS:
        raise invalid("requests", f"together they may be of {MOST_SECONDS // 3600} hours at most")
    if sum(progress.batch_status(world, batch) in progress.ACTIVE for batch in progress.batches(world)) >= MOST_ACTIVE:
        raise ApiError(429, "too_many_requests", f"There are {MOST_ACTIVE} active batches already.")
    now = world.now()
    batch = Batch(
        id=world.state.ids.object(),
        model=model,
        mode=mode,
        created_at=now,
        expires_at=now + world.timing.batch_lifetime,
    )
    for position, (custom_id, ask) in enumerate(zip(names, asks, strict=True)):
        task = Analysis(
            id=world.state.ids.object(), custom_id=custom_id, ask=ask, created_at=now, batch=batch, position=position
        )
        batch.items.append(task)
        world.state.analyses.tasks[task.id] = task
    world.state.analyses.batches[batch.id] = batch
    return Reply(_created(world, batch), 201)


def _names(requests: list[Json]) -> list[str | None]:
    names = [read_custom_id(entry, f"requests.{position}.custom_id") for position, entry in enumerate(requests)]
    twice = sorted(str(name) for name, count in Counter(names).items() if name is not None and count > 1)
    if twice:
        raise invalid("requests.custom_id", f"{twice} come more than once")
    return names


def _ask(world: World, body: Json, entry: Json, position: int) -> Ask:
    video = entry.get("video")
    if not isinstance(video, dict) or cast("Json", video).get("type") != "asset_id":
        raise invalid(f"requests.{position}.video", "it must be an asset")
    defaults: Any = body.get("defaults") or {}
    if not isinstance(defaults, dict):
        raise invalid("defaults", "it must be an object")
    merged: Json = {"model_name": body["model_name"], "analysis_mode": body["analysis_mode"], "video": video}
    for source in (cast("Json", defaults), entry):
        merged |= {name: source[name] for name in SHARED if source.get(name) is not None}
    if "prompt" in merged:
        merged["prompt_v2"] = merged.pop("prompt")
    try:
        # What is too long to be looked at fails on its own, later.
        return asking.read(world, merged, longest=LONGEST, longest_window=LONGEST, models=MODELS)
    except ApiError as error:
        if error.code == asking.NOT_READY:
            error.status = 409
        raise


def _created(world: World, batch: Batch) -> Json:
    return {
        "batch_id": batch.id,
        "status": progress.batch_status(world, batch),
        "total_items": len(batch.items),
        "created_at": second(batch.created_at),
        "expires_at": second(batch.expires_at),
        "items": [{"task_id": item.id, "custom_id": item.custom_id} for item in batch.items],
    }


async def list_(call: Call) -> Reply:
    """GET /analyze/batches."""
    world, query = call.world, call.query
    statuses = {choice("status", status, STATUSES) for status in query.getall("status", STATUSES)}
    modes = {choice("analysis_mode", mode, MODES) for mode in query.getall("analysis_mode", MODES)}
    found = [
        batch
        for batch in progress.batches(world)
        if batch.mode in modes and progress.batch_status(world, batch) in statuses
    ]
    return Reply(paging.page(query, paging.newest_first(found), lambda batch: analyze_views.batch(world, batch)))


async def retrieve(call: Call) -> Reply:
    """GET /analyze/batches/{batch_id}."""
    return Reply(analyze_views.batch(call.world, _find(call)))


async def delete(call: Call) -> Reply:
    """DELETE /analyze/batches/{batch_id}."""
    batch = _find(call)
    status = progress.batch_status(call.world, batch)
    if status in progress.ACTIVE:
        raise ApiError(409, "batch_not_terminal", f"The batch {batch.id} is {status}; cancel it first.")
    call.world.state.analyses.delete_batch(batch)
    return NO_CONTENT


async def cancel(call: Call) -> Reply:
    """POST /analyze/batches/{batch_id}/cancel; what is being processed is done to its end."""
    world, batch = call.world, _find(call)
    status = progress.batch_status(world, batch)
    if status not in progress.ACTIVE:
        raise ApiError(409, f"batch_{status}", f"The batch {batch.id} is {status}.")
    if batch.canceled_at is None:
        batch.canceled_at = world.now()
    view: dict[str, Any] = analyze_views.batch(world, batch)
    # A batch of which nothing had begun is canceled already, and says so only when somebody asks again.
    return Reply({name: value for name, value in view.items() if name != "canceled_at"} | {"status": "canceling"}, 202)


async def results(call: Call) -> Reply:
    """GET /analyze/batches/{batch_id}/results."""
    batch = _find(call)
    frames = tuple(line(analyze_views.result(call.world, item)) for item in batch.items)
    failure = line({"error": {"code": "internal_server_error", "message": "The results broke off."}})
    return Reply(Stream("application/jsonl", frames, end=0, failure=(failure,)))


def _find(call: Call) -> Batch:
    identifier = call.text("batch_id")
    found = next((batch for batch in progress.batches(call.world) if batch.id == identifier.lower()), None)
    if found is None:
        raise unknown("batch", identifier)
    return found


OPERATIONS = (
    Operation("GET", "/analyze/batches", list_),
    Operation("POST", "/analyze/batches", create),
    Operation("GET", "/analyze/batches/{batch_id}", retrieve),
    Operation("DELETE", "/analyze/batches/{batch_id}", delete),
    Operation("POST", "/analyze/batches/{batch_id}/cancel", cancel),
    Operation("GET", "/analyze/batches/{batch_id}/results", results),
)

"""Legacy tasks, which take in a video and index it in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import filters, media, metadata, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import second
from twelvelabs_async.emulator.errors import ApiError, missing, unknown
from twelvelabs_async.emulator.forms import Form
from twelvelabs_async.emulator.handlers import assets, indexed_assets, views
from twelvelabs_async.emulator.state import Task

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

STATUSES = ("ready", "uploading", "validating", "pending", "queued", "indexing", "failed")
LIMITS = dict.fromkeys(media.TYPES, 2 * media.GIB)


async def create(call: Call) -> Reply:
    """POST /tasks."""
    world = call.world
    async with call.form() as form:
        index = world.index(form.required("index_id"))
        stream = form.flag("enable_video_stream", default=True)
        user_metadata = metadata.read_text(form.text("user_metadata"))
        filename, look = await _video(call, form)
    call.spend(look.duration)
    method = "direct" if form.file("video_file") else "url"
    asset = assets.add(world, method=method, filename=filename, look=look, hls=False, thumbnail=False, user_metadata={})
    wait = world.timing.of(look.duration).asset
    video = indexed_assets.add(call, index, asset, user_metadata=user_metadata, stream=stream, wait=wait)
    task = Task(id=world.state.ids.object(), video=video, created_at=world.now(), fetched=method == "url")
    world.state.tasks[task.id] = task
    return Reply({"_id": task.id, "video_id": video.id}, 201)


async def _video(call: Call, form: Form) -> tuple[str, media.Media]:
    if file := form.file("video_file"):
        return file.filename, await assets.take_file(call.world, "video_file", file, file.filename, LIMITS)
    if url := form.text("video_url"):
        return assets.take_url("video_url", url)
    raise missing("video_file or video_url")


async def list_(call: Call) -> Reply:
    """GET /tasks."""
    world = call.world
    filters.check(call.query)
    wanted = filters.statuses(call.query, STATUSES)
    found = [task for task in world.state.tasks.values() if world.task_status(task) in wanted and _fits(call, task)]
    in_order = paging.ordered(call.query, found, lambda task: _updated_at(world, task))
    return Reply(paging.page(call.query, in_order, lambda task: view(world, task)))


def _fits(call: Call, task: Task) -> bool:
    query, video = call.query, task.video
    return (
        filters.exactly(query, "index_id", video.index_id)
        and filters.exactly(query, "filename", video.asset.filename)
        and filters.within(query, views.system_metadata(video))
        and filters.since(query, "created_at", task.created_at)
        and filters.since(query, "updated_at", _updated_at(call.world, task))
    )


async def retrieve(call: Call) -> Reply:
    """GET /tasks/{task_id}."""
    task = _find(call)
    shown = view(call.world, task)
    return Reply(shown | {"hls": views.hls(call.world, task.video)} if task.video.stream else shown)


async def delete(call: Call) -> Reply:
    """DELETE /tasks/{task_id}; the video stays."""
    task = _find(call)
    status = call.world.task_status(task)
    if status not in {"ready", "failed"}:
        raise ApiError(400, "task_cannot_be_deleted", f"The task {task.id} cannot be deleted: its status is {status}.")
    del call.world.state.tasks[task.id]
    return NO_CONTENT


def _find(call: Call) -> Task:
    identifier = call.id("task_id")
    task = call.world.state.tasks.get(identifier)
    if task is None:
        raise unknown("task", identifier)
    return task


def _updated_at(world: World, task: Task) -> float:
    return world.indexed_at(task.video) or task.created_at


def view(world: World, task: Task) -> dict[str, Any]:
    """Return a task as the API shows it."""
    metadata_ = views.system_metadata(task.video)
    return {
        "_id": task.id,
        "video_id": task.video.id,
        "index_id": task.video.index_id,
        "status": world.task_status(task),
        "created_at": second(task.created_at),
        "updated_at": second(_updated_at(world, task)),
        "system_metadata": {
            name: metadata_[name] for name in ("filename", "duration", "width", "height") if name in metadata_
        },
    }


OPERATIONS = (
    Operation("GET", "/tasks", list_),
    Operation("POST", "/tasks", create),
    Operation("GET", "/tasks/{task_id}", retrieve),
    Operation("DELETE", "/tasks/{task_id}", delete),
)

"""Indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator import filters, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import second
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.state import Index

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

MODELS = ("marengo3.0", "marengo3.5")
OPTIONS = ("visual", "audio")
ADDONS = ("thumbnail",)


async def create(call: Call) -> Reply:
    """POST /indexes."""
    body = await call.json()
    world = call.world
    name = _free_name(world, body.get("index_name"))
    now = world.now()
    index = Index(
        id=world.state.ids.object(),
        name=name,
        models=[_model(model) for model in _list("models", body.get("models"))],
        addons=[choice("addons", addon, ADDONS) for addon in _list("addons", body.get("addons", []), least=0)],
        created_at=now,
        updated_at=now,
        expires_at=world.index_expiry(),
    )
    world.state.indexes[index.id] = index
    return Reply({"_id": index.id}, 201)


def _free_name(world: World, name: object, besides: str | None = None) -> str:
    if not name:
        raise missing("index_name")
    if not isinstance(name, str):
        raise invalid("index_name", "it must be a string")
    if any(index.name == name for index in world.indexes() if index.id != besides):
        raise ApiError(400, "index_name_already_exists", f"An index named {name} already exists.")
    return name


def _list(name: str, value: object, *, least: int = 1) -> list[Any]:
    if value is None:
        raise missing(name)
    entries = cast("list[Any]", value)
    if not isinstance(value, list) or len(entries) < least:
        raise invalid(name, f"it must be a list with at least {least} entries")
    return entries


def _model(model: object) -> dict[str, Any]:
    if not isinstance(model, dict):
        raise invalid("models", "each entry must be an object")
    given = cast("dict[str, Any]", model)
    if given.get("model_name") == "pegasus1.2":
        raise invalid("model_name", "pegasus1.2 has been retired, new indexes cannot use it")
    options = _list("model_options", given.get("model_options"))
    return {
        "model_name": choice("model_name", given.get("model_name"), MODELS),
        "model_options": [choice("model_options", option, OPTIONS) for option in options],
    }


async def list_(call: Call) -> Reply:
    """GET /indexes."""
    query, world = call.query, call.world
    filters.check(query)
    found = [index for index in world.indexes() if _fits(call, index)]
    in_order = paging.ordered(query, found, lambda index: index.updated_at)
    return Reply(paging.page(query, in_order, lambda index: view(world, index)))


def _fits(call: Call, index: Index) -> bool:
    query = call.query
    wanted = {option for option in query.get("model_options", "").split(",") if option}
    family = query.get("model_family", "")
    return (
        filters.exactly(query, "index_name", index.name)
        and wanted <= index.options
        and any(model["model_name"].startswith(family) for model in index.models)
        and filters.since(query, "created_at", index.created_at)
        and filters.since(query, "updated_at", index.updated_at)
    )


async def retrieve(call: Call) -> Reply:
    """GET /indexes/{index-id}."""
    return Reply(view(call.world, call.world.index(call.id("index-id"))))


async def update(call: Call) -> Reply:
    """PUT /indexes/{index-id}."""
    index = call.world.index(call.id("index-id"))
    body = await call.json()
    if "models" in body:
        raise ApiError(400, "index_engine_cannot_be_changed", "The models of an index cannot be changed.")
    if "model_options" in body or "addons" in body:
        raise ApiError(400, "index_option_cannot_be_changed", "The options of an index cannot be changed.")
    index.name = _free_name(call.world, body.get("index_name"), besides=index.id)
    index.updated_at = call.world.now()
    return NO_CONTENT


async def delete(call: Call) -> Reply:
    """DELETE /indexes/{index-id}."""
    call.world.state.delete_index(call.world.index(call.id("index-id")).id)
    return NO_CONTENT


def view(world: World, index: Index) -> dict[str, Any]:
    """Return an index as the API shows it."""
    videos = world.ready_videos(index.id)
    return {
        "_id": index.id,
        "index_name": index.name,
        "models": index.models,
        "addons": index.addons,
        "video_count": len(videos),
        "total_duration": round(sum(video.asset.media.duration or 0 for video in videos), 3),
        "created_at": second(index.created_at),
        "updated_at": second(index.updated_at),
        "expires_at": None if index.expires_at is None else second(index.expires_at),
    }


OPERATIONS = (
    Operation("GET", "/indexes", list_),
    Operation("POST", "/indexes", create),
    Operation("GET", "/indexes/{index-id}", retrieve),
    Operation("PUT", "/indexes/{index-id}", update),
    Operation("DELETE", "/indexes/{index-id}", delete),
)

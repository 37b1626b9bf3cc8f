"""Entities of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, filters, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import ApiError, invalid, missing, unknown
from twelvelabs_async.emulator.handlers import entity_collections, views
from twelvelabs_async.emulator.library import Entity

if TYPE_CHECKING:
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.state import UserMetadata
    from twelvelabs_async.emulator.world import World

ALL = "/entity-collections/{entity_collection_id}/entities"
ONE = ALL + "/{entity_id}"
STATUSES = ("processing", "ready")


async def create(call: Call) -> Reply:
    """POST /entity-collections/{entity_collection_id}/entities."""
    collection = entity_collections.find(call)
    return Reply(_view(call.world, _add(call.world, collection.id, await call.json())), 201)


def _add(world: World, collection_id: str, body: Body) -> Entity:
    now = world.now()
    name, description, metadata = fields.required_text(body, "name"), fields.text(body, "description"), _metadata(body)
    asset_ids = _asset_ids(world, body)
    entity = Entity(
        id=world.state.ids.object(),
        collection_id=collection_id,
        name=name,
        description=description,
        metadata=metadata,
        asset_ids=asset_ids,
        created_at=now,
        updated_at=now,
        starts_at=now,
    )
    world.state.library.entities[entity.id] = entity
    return entity


def _metadata(body: Body) -> UserMetadata:
    found = fields.part(body, "metadata") or {}
    for key, value in found.items():
        if not fields.is_scalar(value):
            raise invalid("metadata", f"the value of {key} must be a string, a number or a boolean")
    return found


def _asset_ids(world: World, body: Body) -> list[str]:
    found = fields.texts(body, "asset_ids")
    for asset_id in found:
        if asset_id not in world.state.assets:
            raise invalid("asset_ids", f"there is no asset with the id {asset_id}")
    return found


async def create_bulk(call: Call) -> Reply:
    """POST /entity-collections/{entity_collection_id}/entities/bulk; what is wrong with one does not stop the rest."""
    collection = entity_collections.find(call)
    made: list[Entity] = []
    errors: list[dict[str, Any]] = []
    given_entities = fields.parts(await call.json(), "entities")
    _check_shape(given_entities)
    for index, given in enumerate(given_entities):
        try:
            made.append(_add(call.world, collection.id, given))
        except ApiError as error:
            where: dict[str, Any] = {"entity_index": index, "entity_name": str(given.get("name") or "")}
            errors.append(where | {"error_reason": error.message})
    entities = [{"_id": one.id, "name": one.name, "status": call.world.entity_status(one)} for one in made]
    counts = {"success_count": len(made), "failed_count": len(errors)}
    return Reply(counts | {"entities": entities, "errors": errors}, 201)


def _check_shape(entities: list[Body]) -> None:
    for index, given in enumerate(entities):
        for name in ("name", "asset_ids"):
            if given.get(name) is None:
                raise missing(f"entities.{index}.{name}")


async def list_(call: Call) -> Reply:
    """GET /entity-collections/{entity_collection_id}/entities."""
    world, query = call.world, call.query
    collection = entity_collections.find(call)
    wanted = filters.statuses(query, STATUSES)
    found = [
        entity
        for entity in world.state.library.entities_of(collection.id)
        if entity_collections.is_named(query, entity.name) and world.entity_status(entity) in wanted
    ]
    in_order = paging.ordered(query, found, lambda entity: entity.updated_at, lambda entity: entity.name)
    return Reply(paging.page(query, in_order, lambda entity: _view(world, entity)))


async def list_by_asset(call: Call) -> Reply:
    """GET /assets/{asset_id}/entities."""
    world = call.world
    found = paging.newest_first(world.state.library.entities_with(world.asset(call.id("asset_id")).id))
    return Reply(paging.page(call.query, found, lambda entity: _view(world, entity)))


def _find(call: Call) -> Entity:
    collection = entity_collections.find(call)
    identifier = call.id("entity_id")
    found = call.world.state.library.entities.get(identifier)
    if found is None or found.collection_id != collection.id:
        raise unknown("entity", identifier)
    return found


async def retrieve(call: Call) -> Reply:
    """GET /entity-collections/{entity_collection_id}/entities/{entity_id}."""
    return Reply(_view(call.world, _find(call)))


async def update(call: Call) -> Reply:
    """PATCH /entity-collections/{entity_collection_id}/entities/{entity_id}; metadata is replaced as a whole."""
    entity = _find(call)
    body = await call.json()
    name = entity.name if body.get("name") is None else fields.required_text(body, "name")
    description, metadata = fields.text(body, "description"), _metadata(body)
    entity.name = name
    if description is not None:
        entity.description = description
    if body.get("metadata") is not None:
        entity.metadata = metadata
    entity.updated_at = call.world.now()
    return Reply(_view(call.world, entity))


async def delete(call: Call) -> Reply:
    """DELETE /entity-collections/{entity_collection_id}/entities/{entity_id}."""
    del call.world.state.library.entities[_find(call).id]
    return NO_CONTENT


async def add_assets(call: Call) -> Reply:
    """POST /entity-collections/{entity_collection_id}/entities/{entity_id}/assets; those it has already stay."""
    entity = _find(call)
    given = _asset_ids(call.world, await call.json())
    return _with_assets(call.world, entity, list(dict.fromkeys([*entity.asset_ids, *given])))


async def remove_assets(call: Call) -> Reply:
    """DELETE /entity-collections/{entity_collection_id}/entities/{entity_id}/assets; those it has not do not matter."""
    entity = _find(call)
    given = fields.texts(await call.json(), "asset_ids")
    left = [asset_id for asset_id in entity.asset_ids if asset_id not in given]
    if not left:
        raise invalid("asset_ids", "an entity must keep at least one asset")
    return _with_assets(call.world, entity, left)


def _with_assets(world: World, entity: Entity, asset_ids: list[str]) -> Reply:
    if asset_ids != entity.asset_ids:
        entity.asset_ids = asset_ids
        entity.updated_at = entity.starts_at = world.now()
    return Reply(_view(world, entity))


def _view(world: World, entity: Entity) -> dict[str, Any]:
    return views.compact(
        {
            "_id": entity.id,
            "entity_collection_id": entity.collection_id,
            "name": entity.name,
            "description": entity.description,
            "metadata": entity.metadata,
            "asset_ids": entity.asset_ids,
            "status": world.entity_status(entity),
            "created_at": moment(entity.created_at),
            "updated_at": moment(entity.updated_at),
        }
    )


OPERATIONS = (
    Operation("GET", ALL, list_),
    Operation("POST", ALL, create),
    Operation("POST", ALL + "/bulk", create_bulk),
    Operation("GET", ONE, retrieve),
    Operation("PATCH", ONE, update),
    Operation("DELETE", ONE, delete),
    Operation("POST", ONE + "/assets", add_assets),
    Operation("DELETE", ONE + "/assets", remove_assets),
    Operation("GET", "/assets/{asset_id}/entities", list_by_asset),
)

"""Entity collections and their entities."""

from __future__ import annotations

from typing import Any

from multidict import MultiMapping

from twelvelabs_async.emulator._api import listing, serializers, validation
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import JsonObject
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._json import rfc3339_millis
from twelvelabs_async.emulator._media.media import UserMetadata
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Entity, EntityCollection
from twelvelabs_async.emulator._state.service import Service

ENTITIES_PATH = "/entity-collections/{entity_collection_id}/entities"
ENTITY_PATH = ENTITIES_PATH + "/{entity_id}"
STATUSES = ("processing", "ready")


async def create_collection(context: RequestContext) -> ApiResponse:
    """POST /entity-collections."""
    body = await context.json()
    now = context.service.now()
    name, description = validation.required_string(body, "name"), validation.optional_string(body, "description")
    collection = EntityCollection(
        id=context.service.state.ids.object_id(), name=name, description=description, created_at=now, updated_at=now
    )
    context.service.state.knowledge.collections[collection.id] = collection
    return ApiResponse(collection_view(collection), 201)


async def list_collections(context: RequestContext) -> ApiResponse:
    """GET /entity-collections."""
    collections = context.service.state.knowledge.collections.values()
    named = [one for one in collections if _name_matches(context.query, one.name)]
    in_order = listing.sort_items(context.query, named, lambda one: one.updated_at, lambda one: one.name)
    return listing.page_response(context, in_order, collection_view)


def _name_matches(query: MultiMapping[str], name: str) -> bool:
    """Return whether a name contains the `name` parameter, ignoring case.

    Whether the API compares the whole name is not documented.
    """
    return query.get("name", "").lower() in name.lower()


def _find_collection(context: RequestContext) -> EntityCollection:
    """Return the collection in the path.

    Raises:
        ApiError: The collection does not exist.
    """
    return context.find(context.service.state.knowledge.collections, "entity_collection_id", "entity collection")


async def retrieve_collection(context: RequestContext) -> ApiResponse:
    """GET /entity-collections/{entity_collection_id}."""
    return ApiResponse(collection_view(_find_collection(context)))


async def update_collection(context: RequestContext) -> ApiResponse:
    """PATCH /entity-collections/{entity_collection_id}."""
    collection = _find_collection(context)
    body = await context.json()
    name, description = validation.optional_name(body), validation.optional_string(body, "description")
    validation.change(collection, context.service.now(), name=name, description=description)
    return ApiResponse(collection_view(collection))


async def delete_collection(context: RequestContext) -> ApiResponse:
    """DELETE /entity-collections/{entity_collection_id}."""
    context.service.state.knowledge.delete_collection(_find_collection(context).id)
    return NO_CONTENT


def collection_view(collection: EntityCollection) -> dict[str, Any]:
    """Return an entity collection as JSON."""
    return serializers.compact(
        _id=collection.id,
        name=collection.name,
        description=collection.description,
        created_at=rfc3339_millis(collection.created_at),
        updated_at=rfc3339_millis(collection.updated_at),
    )


async def create_entity(context: RequestContext) -> ApiResponse:
    """POST /entity-collections/{entity_collection_id}/entities."""
    collection = _find_collection(context)
    entity = _add_entity(context.service, collection.id, await context.json())
    return ApiResponse(entity_view(context.service, entity), 201)


def _add_entity(service: Service, collection_id: str, body: JsonObject) -> Entity:
    now = service.now()
    entity = Entity(
        collection_id=collection_id,
        name=validation.required_string(body, "name"),
        description=validation.optional_string(body, "description"),
        metadata=_metadata(body),
        asset_ids=_asset_ids(service, body),
        created_at=now,
        updated_at=now,
        processing_started_at=now,
        id=service.state.ids.object_id(),  # the last argument, so that an invalid body takes no id
    )
    service.state.knowledge.entities[entity.id] = entity
    return entity


def _metadata(body: JsonObject) -> UserMetadata:
    metadata = validation.optional_object(body, "metadata") or {}
    for key, value in metadata.items():
        if not validation.is_scalar(value):
            raise invalid_parameter("metadata", f"the value of {key} must be a string, a number or a boolean")
    return metadata


def _asset_ids(service: Service, body: JsonObject) -> list[str]:
    asset_ids = validation.required_string_list(body, "asset_ids")
    for asset_id in asset_ids:
        if asset_id not in service.state.assets:
            raise invalid_parameter("asset_ids", f"unknown asset {asset_id}")
    return asset_ids


async def create_entities(context: RequestContext) -> ApiResponse:
    """POST /entity-collections/{entity_collection_id}/entities/bulk; an invalid entity does not affect the others."""
    collection = _find_collection(context)
    created: list[Entity] = []
    errors: list[dict[str, Any]] = []
    given_entities = validation.required_object_list(await context.json(), "entities")
    for index, body in enumerate(given_entities):
        for name in ("name", "asset_ids"):
            if body.get(name) is None:
                raise missing_parameter(f"entities.{index}.{name}")
    for index, body in enumerate(given_entities):
        try:
            created.append(_add_entity(context.service, collection.id, body))
        except ApiError as error:
            failure: dict[str, Any] = {"entity_index": index, "entity_name": str(body.get("name") or "")}
            errors.append(failure | {"error_reason": error.message})
    entities = [
        {"_id": entity.id, "name": entity.name, "status": progress.entity_status(context.service, entity)}
        for entity in created
    ]
    counts = {"success_count": len(created), "failed_count": len(errors)}
    return ApiResponse(counts | {"entities": entities, "errors": errors}, 201)


async def list_entities(context: RequestContext) -> ApiResponse:
    """GET /entity-collections/{entity_collection_id}/entities."""
    service, query = context.service, context.query
    collection = _find_collection(context)
    statuses = context.query_choices("status", STATUSES, STATUSES)
    entities = [
        entity
        for entity in service.state.knowledge.entities_of(collection.id)
        if _name_matches(query, entity.name) and progress.entity_status(service, entity) in statuses
    ]
    in_order = listing.sort_items(query, entities, lambda entity: entity.updated_at, lambda entity: entity.name)
    return listing.page_response(context, in_order, lambda entity: entity_view(service, entity))


async def list_entities_of_asset(context: RequestContext) -> ApiResponse:
    """GET /assets/{asset_id}/entities."""
    service = context.service
    entities = listing.newest_first(service.state.knowledge.entities_showing(context.asset.id))
    return listing.page_response(context, entities, lambda entity: entity_view(service, entity))


def _find_entity(context: RequestContext) -> Entity:
    collection, entities = _find_collection(context), context.service.state.knowledge.entities
    return context.find(entities, "entity_id", "entity", where=lambda one: one.collection_id == collection.id)


async def retrieve_entity(context: RequestContext) -> ApiResponse:
    """GET /entity-collections/{entity_collection_id}/entities/{entity_id}."""
    return ApiResponse(entity_view(context.service, _find_entity(context)))


async def update_entity(context: RequestContext) -> ApiResponse:
    """PATCH /entity-collections/{entity_collection_id}/entities/{entity_id}; metadata is replaced, not merged."""
    entity = _find_entity(context)
    body = await context.json()
    name, description = validation.optional_name(body), validation.optional_string(body, "description")
    metadata = _metadata(body) if "metadata" in body else None
    validation.change(entity, context.service.now(), name=name, description=description, metadata=metadata)
    return ApiResponse(entity_view(context.service, entity))


async def delete_entity(context: RequestContext) -> ApiResponse:
    """DELETE /entity-collections/{entity_collection_id}/entities/{entity_id}."""
    del context.service.state.knowledge.entities[_find_entity(context).id]
    return NO_CONTENT


async def add_assets(context: RequestContext) -> ApiResponse:
    """POST /entity-collections/{entity_collection_id}/entities/{entity_id}/assets; assets it has are ignored."""
    entity = _find_entity(context)
    body = _asset_ids(context.service, await context.json())
    return _replace_assets(context.service, entity, list(dict.fromkeys([*entity.asset_ids, *body])))


async def remove_assets(context: RequestContext) -> ApiResponse:
    """DELETE /entity-collections/{entity_collection_id}/entities/{entity_id}/assets; assets it lacks are ignored."""
    entity = _find_entity(context)
    body = validation.required_string_list(await context.json(), "asset_ids")
    left = [asset_id for asset_id in entity.asset_ids if asset_id not in body]
    if not left:
        raise invalid_parameter("asset_ids", "an entity must keep at least one asset")
    return _replace_assets(context.service, entity, left)


def _replace_assets(service: Service, entity: Entity, asset_ids: list[str]) -> ApiResponse:
    if asset_ids != entity.asset_ids:
        entity.asset_ids = asset_ids
        entity.updated_at = entity.processing_started_at = service.now()
    return ApiResponse(entity_view(service, entity))


def entity_view(service: Service, entity: Entity) -> dict[str, Any]:
    """Return an entity as JSON."""
    return serializers.compact(
        _id=entity.id,
        entity_collection_id=entity.collection_id,
        name=entity.name,
        description=entity.description,
        metadata=entity.metadata,
        status=progress.entity_status(service, entity),
        created_at=rfc3339_millis(entity.created_at),
        updated_at=rfc3339_millis(entity.updated_at),
    ) | {"asset_ids": entity.asset_ids}


OPERATIONS = (
    Operation("GET", "/entity-collections", list_collections),
    Operation("POST", "/entity-collections", create_collection),
    Operation("GET", "/entity-collections/{entity_collection_id}", retrieve_collection),
    Operation("PATCH", "/entity-collections/{entity_collection_id}", update_collection),
    Operation("DELETE", "/entity-collections/{entity_collection_id}", delete_collection),
    Operation("GET", ENTITIES_PATH, list_entities),
    Operation("POST", ENTITIES_PATH, create_entity),
    Operation("POST", ENTITIES_PATH + "/bulk", create_entities),
    Operation("GET", ENTITY_PATH, retrieve_entity),
    Operation("PATCH", ENTITY_PATH, update_entity),
    Operation("DELETE", ENTITY_PATH, delete_entity),
    Operation("POST", ENTITY_PATH + "/assets", add_assets),
    Operation("DELETE", ENTITY_PATH + "/assets", remove_assets),
    Operation("GET", "/assets/{asset_id}/entities", list_entities_of_asset),
)

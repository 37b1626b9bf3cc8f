"""Collections of entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import unknown
from twelvelabs_async.emulator.handlers import views
from twelvelabs_async.emulator.library import EntityCollection

if TYPE_CHECKING:
    from multidict import MultiMapping


async def create(call: Call) -> Reply:
    """POST /entity-collections."""
    body = await call.json()
    now = call.world.now()
    name, description = fields.required_text(body, "name"), fields.text(body, "description")
    collection = EntityCollection(
        id=call.world.state.ids.object(), name=name, description=description, created_at=now, updated_at=now
    )
    call.world.state.library.collections[collection.id] = collection
    return Reply(_view(collection), 201)


async def list_(call: Call) -> Reply:
    """GET /entity-collections."""
    found = [kept for kept in call.world.state.library.collections.values() if is_named(call.query, kept.name)]
    in_order = paging.ordered(call.query, found, lambda kept: kept.updated_at, lambda kept: kept.name)
    return Reply(paging.page(call.query, in_order, _view))


def is_named(query: MultiMapping[str], name: str) -> bool:
    """Say whether a name has in it what is asked for, in upper or lower case.

    Nobody says whether the API compares the whole name; who relies on that finds out here.
    """
    return query.get("name", "").lower() in name.lower()


def find(call: Call) -> EntityCollection:
    """Return the collection that the path names.

    Raises:
        ApiError: There is none.
    """
    identifier = call.id("entity_collection_id")
    found = call.world.state.library.collections.get(identifier)
    if found is None:
        raise unknown("entity collection", identifier)
    return found


async def retrieve(call: Call) -> Reply:
    """GET /entity-collections/{entity_collection_id}."""
    return Reply(_view(find(call)))


async def update(call: Call) -> Reply:
    """PATCH /entity-collections/{entity_collection_id}."""
    collection = find(call)
    body = await call.json()
    name, description = fields.text(body, "name"), fields.text(body, "description")
    if name is not None:
        collection.name = fields.required_text(body, "name")
    if description is not None:
        collection.description = description
    collection.updated_at = call.world.now()
    return Reply(_view(collection))


async def delete(call: Call) -> Reply:
    """DELETE /entity-collections/{entity_collection_id}."""
    call.world.state.library.delete_collection(find(call).id)
    return NO_CONTENT


def _view(collection: EntityCollection) -> dict[str, Any]:
    return views.compact(
        {
            "_id": collection.id,
            "name": collection.name,
            "description": collection.description,
            "created_at": moment(collection.created_at),
            "updated_at": moment(collection.updated_at),
        }
    )


OPERATIONS = (
    Operation("GET", "/entity-collections", list_),
    Operation("POST", "/entity-collections", create),
    Operation("GET", "/entity-collections/{entity_collection_id}", retrieve),
    Operation("PATCH", "/entity-collections/{entity_collection_id}", update),
    Operation("DELETE", "/entity-collections/{entity_collection_id}", delete),
)

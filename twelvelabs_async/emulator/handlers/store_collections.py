"""Collections of items within a knowledge store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import invalid, unknown
from twelvelabs_async.emulator.handlers import knowledge_stores, store_items, views
from twelvelabs_async.emulator.library import ItemCollection

if TYPE_CHECKING:
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.library import KnowledgeStore

ALL = knowledge_stores.ONE + "/item-collections"
ONE = ALL + "/{collection_id}"
MOST_ITEMS = 500
"""In one request."""


async def create(call: Call) -> Reply:
    """POST /knowledge-stores/{knowledge_store_id}/item-collections."""
    store = knowledge_stores.find(call)
    body = await call.json()
    state, now = call.world.state, call.world.now()
    name, description = _free_name(call, store, body), fields.text(body, "description")
    labels = knowledge_stores.metadata(body)
    collection = ItemCollection(
        id=state.ids.ordered("ksic"),
        store_id=store.id,
        name=name,
        description=description,
        metadata=labels,
        item_ids=[],
        created_at=now,
        updated_at=now,
    )
    state.library.item_collections[collection.id] = collection
    return Reply(_view(collection), 201)


def _free_name(call: Call, store: KnowledgeStore, body: Body, besides: str | None = None) -> str:
    name = fields.required_text(body, "name")
    if any(kept.name == name for kept in call.world.state.library.collections_of(store.id) if kept.id != besides):
        raise invalid("name", f"there is an item collection named {name} already")
    return name


async def list_(call: Call) -> Reply:
    """GET /knowledge-stores/{knowledge_store_id}/item-collections."""
    found = call.world.state.library.collections_of(knowledge_stores.find(call).id)
    in_order = paging.ordered(call.query, found, lambda kept: kept.updated_at, lambda kept: kept.name)
    return Reply(paging.page(call.query, in_order, _view))


def _find(call: Call) -> ItemCollection:
    store = knowledge_stores.find(call)
    collection_id = knowledge_stores.identifier(call, "collection_id", "ksic")
    found = call.world.state.library.item_collections.get(collection_id)
    if found is None or found.store_id != store.id:
        raise unknown("item collection", collection_id)
    return found


async def retrieve(call: Call) -> Reply:
    """GET /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}."""
    return Reply(_view(_find(call)))


async def update(call: Call) -> Reply:
    """PATCH /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}; metadata is replaced whole."""
    collection = _find(call)
    body = await call.json()
    name = collection.name
    if body.get("name") is not None:
        name = _free_name(call, knowledge_stores.find(call), body, besides=collection.id)
    description, labels = fields.text(body, "description"), knowledge_stores.metadata(body)
    collection.name = name
    collection.description = collection.description if description is None else description
    collection.metadata = collection.metadata if body.get("metadata") is None else labels
    collection.updated_at = call.world.now()
    return Reply(_view(collection))


async def delete(call: Call) -> Reply:
    """DELETE /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}; its items stay in the store."""
    del call.world.state.library.item_collections[_find(call).id]
    return NO_CONTENT


async def list_items(call: Call) -> Reply:
    """GET /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items."""
    world = call.world
    items = [world.state.library.items[item_id] for item_id in _find(call).item_ids]
    return Reply(paging.page(call.query, paging.newest_first(items), lambda item: store_items.view(world, item)))


async def add_items(call: Call) -> Reply:
    """POST /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/add."""
    collection = _find(call)
    given = fields.texts(await call.json(), "item_ids", 1, MOST_ITEMS)
    known = {item.id for item in call.world.state.library.items_of(collection.store_id)}
    for item_id in given:
        if item_id not in known:
            raise invalid("item_ids", f"there is no item with the id {item_id} in the store")
    _put(call, collection, list(dict.fromkeys([*collection.item_ids, *given])))
    return Reply(_view(collection))


async def remove_items(call: Call) -> Reply:
    """POST /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/remove."""
    collection = _find(call)
    given = fields.texts(await call.json(), "item_ids", 1, MOST_ITEMS)
    _put(call, collection, [item_id for item_id in collection.item_ids if item_id not in given])
    return NO_CONTENT


def _put(call: Call, collection: ItemCollection, item_ids: list[str]) -> None:
    if item_ids != collection.item_ids:
        collection.item_ids = item_ids
        collection.updated_at = call.world.now()


def _view(collection: ItemCollection) -> dict[str, Any]:
    return views.compact(
        {
            "_id": collection.id,
            "knowledge_store_id": collection.store_id,
            "name": collection.name,
            "description": collection.description,
            "metadata": collection.metadata,
            "member_count": len(collection.item_ids),
            "created_at": moment(collection.created_at),
            "updated_at": moment(collection.updated_at),
        }
    )


OPERATIONS = (
    Operation("GET", ALL, list_),
    Operation("POST", ALL, create),
    Operation("GET", ONE, retrieve),
    Operation("PATCH", ONE, update),
    Operation("DELETE", ONE, delete),
    Operation("GET", ONE + "/items", list_items),
    Operation("POST", ONE + "/items/add", add_items),
    Operation("POST", ONE + "/items/remove", remove_items),
)

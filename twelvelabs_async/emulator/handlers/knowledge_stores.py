"""Knowledge stores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, unknown
from twelvelabs_async.emulator.handlers import views
from twelvelabs_async.emulator.library import KnowledgeStore

if TYPE_CHECKING:
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.state import UserMetadata
    from twelvelabs_async.emulator.world import World

ONE = "/knowledge-stores/{knowledge_store_id}"
MOST_PAIRS = 10
LONGEST_VALUE = 2048
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def identifier(call: Call, name: str, prefix: str) -> str:
    """Return an id of the newer form from the path.

    Raises:
        ApiError: It is no UUID behind the prefix.
    """
    value = call.text(name)
    stem, _, rest = value.partition("_")
    if stem != prefix or not _UUID.fullmatch(rest):
        raise invalid(name, f"it must be a UUID behind {prefix}_")
    return value.lower()


def metadata(body: Body) -> UserMetadata:
    """Return the metadata of a store or a collection.

    Raises:
        ApiError: It is too large, or no flat object.
    """
    return fields.labels(body, pairs=MOST_PAIRS, longest=LONGEST_VALUE)


async def create(call: Call) -> Reply:
    """POST /knowledge-stores."""
    body = await call.json()
    state, now = call.world.state, call.world.now()
    name, description = fields.required_text(body, "name"), fields.text(body, "description")
    config, labels = _config(body), metadata(body)
    store = KnowledgeStore(
        id=state.ids.ordered("ks"),
        name=name,
        description=description,
        ingestion_config=config,
        metadata=labels,
        created_at=now,
        updated_at=now,
    )
    state.library.stores[store.id] = store
    return Reply(view(call.world, store), 201)


def _config(body: Body) -> dict[str, Any] | None:
    config = fields.part(body, "ingestion_config")
    if config is None:
        return None
    enrichment = fields.required_part(config, "enrichment_config")
    if choice("type", enrichment.get("type"), ("json_schema", "description")) == "description":
        fields.required_text(enrichment, "description")
        return config
    schema = fields.required_part(enrichment, "json_schema")
    choice("json_schema.type", schema.get("type"), ("object",))
    for key, entry in fields.required_part(schema, "properties").items():
        if not isinstance(entry, dict) or "description" not in entry:
            raise ApiError(422, "parameter_invalid", f"The property {key} of the json_schema has no description.")
    return config


async def list_(call: Call) -> Reply:
    """GET /knowledge-stores."""
    stores = list(call.world.state.library.stores.values())
    in_order = paging.ordered(call.query, stores, lambda store: store.updated_at)
    return Reply(paging.page(call.query, in_order, lambda store: view(call.world, store)))


def find(call: Call) -> KnowledgeStore:
    """Return the store that the path names.

    Raises:
        ApiError: There is none.
    """
    store_id = identifier(call, "knowledge_store_id", "ks")
    found = call.world.state.library.stores.get(store_id)
    if found is None:
        raise unknown("knowledge store", store_id)
    return found


async def retrieve(call: Call) -> Reply:
    """GET /knowledge-stores/{knowledge_store_id}."""
    return Reply(view(call.world, find(call)))


async def update(call: Call) -> Reply:
    """PATCH /knowledge-stores/{knowledge_store_id}; metadata is replaced as a whole."""
    store = find(call)
    body = await call.json()
    if body.get("ingestion_config") is not None:
        raise invalid("ingestion_config", "it cannot be changed")
    name = store.name if body.get("name") is None else fields.required_text(body, "name")
    description, labels = fields.text(body, "description"), metadata(body)
    store.name = name
    store.description = store.description if description is None else description
    store.metadata = store.metadata if body.get("metadata") is None else labels
    store.updated_at = call.world.now()
    return Reply(view(call.world, store))


async def delete(call: Call) -> Reply:
    """DELETE /knowledge-stores/{knowledge_store_id}; its items go with it."""
    call.world.state.library.delete_store(find(call).id)
    return NO_CONTENT


def view(world: World, store: KnowledgeStore) -> dict[str, Any]:
    """Return a store as the API shows it."""
    return views.compact(
        {
            "_id": store.id,
            "name": store.name,
            "description": store.description,
            "ingestion_config": store.ingestion_config,
            "item_count": len(world.state.library.items_of(store.id)),
            "created_at": moment(store.created_at),
            "updated_at": moment(store.updated_at),
            "metadata": store.metadata,
        }
    )


OPERATIONS = (
    Operation("GET", "/knowledge-stores", list_),
    Operation("POST", "/knowledge-stores", create),
    Operation("GET", ONE, retrieve),
    Operation("PATCH", ONE, update),
    Operation("DELETE", ONE, delete),
)

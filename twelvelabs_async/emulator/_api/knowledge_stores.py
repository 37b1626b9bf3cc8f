"""Knowledge stores, their items, item collections and search."""

from __future__ import annotations

import base64
import json
from typing import Any, Final, cast

from twelvelabs_async.emulator import _search
from twelvelabs_async.emulator._api import listing, serializers, validation
from twelvelabs_async.emulator._api.assets import ASSET_NOT_READY
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import JsonObject, require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter
from twelvelabs_async.emulator._json import rfc3339_millis
from twelvelabs_async.emulator._media import descriptions, media
from twelvelabs_async.emulator._media.media import Asset, UserMetadata
from twelvelabs_async.emulator._search import Match
from twelvelabs_async.emulator._state import deterministic, progress
from twelvelabs_async.emulator._state.entities import Item, ItemCollection, KnowledgeStore
from twelvelabs_async.emulator._state.service import Service

STORE_PATH = "/knowledge-stores/{knowledge_store_id}"
MAX_METADATA_KEYS = 10
MAX_METADATA_KEY_LENGTH = 128
MAX_METADATA_VALUE_LENGTH = 2048
ITEMS_PATH = STORE_PATH + "/items"
ITEM_PATH = ITEMS_PATH + "/{item_id}"
ITEM_STATUSES = ("queued", "pending", "processing", "ready", "failed")
MAX_ITEM_SIZES = {"video": 10 * media.GIB, "image": 32 * media.MIB}
MAX_ITEM_METADATA_KEYS = 50
MAX_ITEM_METADATA_VALUE_LENGTH = 8192
COLLECTIONS_PATH = STORE_PATH + "/item-collections"
COLLECTION_PATH = COLLECTIONS_PATH + "/{collection_id}"
MAX_ITEMS_PER_REQUEST = 500
SEARCHABLE_KINDS = ("video", "image")
MODALITIES = ("visual", "audio")


ENRICHMENT_KEYWORDS: Final = frozenset(
    {"type", "title", "description", "enum", "minimum", "maximum", "format"}
    | {"properties", "required", "additionalProperties"}
    | {"items", "prefixItems", "minItems", "maxItems"}
)
ENRICHMENT_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


def _read_metadata(
    body: JsonObject, max_keys: int = MAX_METADATA_KEYS, max_value_length: int = MAX_METADATA_VALUE_LENGTH
) -> UserMetadata:
    """Return the `metadata` of a request, an empty dict if it is absent.

    The default limits are those of stores and collections.

    Raises:
        ApiError: The metadata are not a flat object, or exceed a limit.
    """
    metadata = validation.optional_object(body, "metadata") or {}
    if len(metadata) > max_keys:
        raise invalid_parameter("metadata", f"it must have at most {max_keys} keys, got {len(metadata)}")
    for key, value in metadata.items():
        if len(key) > MAX_METADATA_KEY_LENGTH:
            raise invalid_parameter("metadata", f"a key must have at most {MAX_METADATA_KEY_LENGTH} characters")
        if not validation.is_metadata_value(value):
            raise invalid_parameter(
                "metadata", f"the value of {key} must be a string, a number, a boolean or a list of strings"
            )
        if isinstance(value, str) and len(value) > max_value_length:
            raise invalid_parameter("metadata", f"the value of {key} must have at most {max_value_length} characters")
    return metadata


async def create_store(context: RequestContext) -> ApiResponse:
    """POST /knowledge-stores."""
    body = await context.json()
    state, now = context.service.state, context.service.now()
    name, description = validation.required_string(body, "name"), validation.optional_string(body, "description")
    config, metadata = _ingestion_config(body), _read_metadata(body)
    store = KnowledgeStore(
        id=state.ids.prefixed_id("ks"),
        name=name,
        description=description,
        ingestion_config=config,
        metadata=metadata,
        created_at=now,
        updated_at=now,
    )
    state.knowledge.stores[store.id] = store
    return ApiResponse(store_view(context.service, store), 201)


def _ingestion_config(body: JsonObject) -> dict[str, Any] | None:
    config = validation.optional_object(body, "ingestion_config")
    if config is None:
        return None
    enrichment = validation.required_object(config, "enrichment_config")
    if require_choice("type", enrichment.get("type"), ("json_schema", "description")) == "description":
        validation.required_string(enrichment, "description")
        return config
    schema = validation.required_object(enrichment, "json_schema")
    require_choice("json_schema.type", schema.get("type"), ("object",))
    validation.required_object(schema, "properties")
    validate_enrichment_schema(schema)
    return config


async def list_stores(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores."""
    stores = list(context.service.state.knowledge.stores.values())
    in_order = listing.sort_items(context.query, stores, lambda store: store.updated_at)
    return listing.page_response(context, in_order, lambda store: store_view(context.service, store))


def _find_store(context: RequestContext) -> KnowledgeStore:
    """Return the store in the path.

    Raises:
        ApiError: The store does not exist.
    """
    stores = context.service.state.knowledge.stores
    return context.find(stores, "knowledge_store_id", "knowledge store", prefix="ks")


async def retrieve_store(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores/{knowledge_store_id}."""
    return ApiResponse(store_view(context.service, _find_store(context)))


async def update_store(context: RequestContext) -> ApiResponse:
    """PATCH /knowledge-stores/{knowledge_store_id}; metadata is replaced, not merged."""
    store = _find_store(context)
    body = await context.json()
    if body.get("ingestion_config") is not None:
        raise invalid_parameter("ingestion_config", "it cannot be changed")
    name, description = validation.optional_name(body), validation.optional_string(body, "description")
    metadata = _read_metadata(body) if "metadata" in body else None
    validation.change(store, context.service.now(), name=name, description=description, metadata=metadata)
    return ApiResponse(store_view(context.service, store))


async def delete_store(context: RequestContext) -> ApiResponse:
    """DELETE /knowledge-stores/{knowledge_store_id}; deletes its items as well."""
    context.service.state.knowledge.delete_store(_find_store(context).id)
    return NO_CONTENT


def store_view(service: Service, store: KnowledgeStore) -> dict[str, Any]:
    """Return a store as JSON."""
    return serializers.compact(
        _id=store.id,
        name=store.name,
        description=store.description,
        ingestion_config=store.ingestion_config,
        item_count=len(service.state.knowledge.items_of(store.id)),
        created_at=rfc3339_millis(store.created_at),
        updated_at=rfc3339_millis(store.updated_at),
        metadata=store.metadata,
    )


async def create_item(context: RequestContext) -> ApiResponse:
    """POST /knowledge-stores/{knowledge_store_id}/items.

    The behavior for an asset that is already in the store is not documented; the emulator adds another item.
    """
    store = _find_store(context)
    body = await context.json()
    state = context.service.state
    metadata = _read_metadata(body, MAX_ITEM_METADATA_KEYS, MAX_ITEM_METADATA_VALUE_LENGTH)
    asset = _usable_asset(context.service, validation.required_string(body, "asset_id"))
    kind = body.get("asset_type")
    if kind is not None and require_choice("asset_type", kind, MAX_ITEM_SIZES) != asset.media.kind:
        raise invalid_parameter("asset_type", f"the asset {asset.id} is of the type {asset.media.kind}")
    item = Item(
        id=state.ids.prefixed_id("ksi"),
        store_id=store.id,
        asset=asset,
        metadata=metadata,
        created_at=context.service.now(),
    )
    state.knowledge.items[item.id] = item
    return ApiResponse(item_view(context.service, item), 202)


def _usable_asset(service: Service, asset_id: str) -> Asset:
    """Return an asset that can be added; it may still be processing, and fail later."""
    asset = service.state.assets.get(asset_id)
    if asset is None:
        raise invalid_parameter("asset_id", f"unknown asset {asset_id}")
    if asset.media.kind not in MAX_ITEM_SIZES:
        message = f"A file of type {asset.media.mime} cannot be added to a knowledge store."
        raise ApiError(400, "unsupported_file_type", message)
    if progress.asset_status(service, asset) == "failed":
        raise ApiError(400, ASSET_NOT_READY, f"The asset {asset.id} cannot be used: its status is failed.")
    if asset.media.size > MAX_ITEM_SIZES[asset.media.kind]:
        message = f"The asset has {asset.media.size} bytes, more than an item may have."
        raise ApiError(400, "media_filesize_too_large", message)
    return asset


async def list_items(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores/{knowledge_store_id}/items."""
    service = context.service
    store_id = _find_store(context).id
    statuses = context.query_choices("status", ITEM_STATUSES, ITEM_STATUSES)
    items = service.state.knowledge.items_of(store_id)
    items = [item for item in items if progress.item_status(service, item) in statuses]
    in_order = listing.sort_items(context.query, items, lambda item: _updated_at(service, item))
    return listing.page_response(context, in_order, lambda item: item_view(service, item))


def _find_item(context: RequestContext) -> Item:
    store, items = _find_store(context), context.service.state.knowledge.items
    return context.find(
        items, "item_id", "knowledge store item", prefix="ksi", where=lambda it: it.store_id == store.id
    )


async def retrieve_item(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores/{knowledge_store_id}/items/{item_id}."""
    return ApiResponse(item_view(context.service, _find_item(context)))


async def delete_item(context: RequestContext) -> ApiResponse:
    """DELETE /knowledge-stores/{knowledge_store_id}/items/{item_id}."""
    context.service.state.knowledge.delete_item(_find_item(context))
    return NO_CONTENT


def _updated_at(service: Service, item: Item) -> float:
    done = progress.item_status(service, item) in {"ready", "failed"}
    return item.created_at + service.timing.for_media(item.asset.media.duration).indexing if done else item.created_at


def item_view(service: Service, item: Item) -> dict[str, Any]:
    """Return an item as JSON."""
    return serializers.compact(
        _id=item.id,
        asset_type=item.asset.media.kind,
        asset_id=item.asset.id,
        status=progress.item_status(service, item),
        system_metadata=_item_system_metadata(item.asset) if item.asset.media.problem is None else None,
        metadata=item.metadata,
        created_at=rfc3339_millis(item.created_at),
        updated_at=rfc3339_millis(_updated_at(service, item)),
    )


def _item_system_metadata(asset: Asset) -> dict[str, Any]:
    info = asset.media
    timed = {"duration": info.duration, "fps": info.fps} if info.kind == "video" else {}
    return serializers.compact(
        asset_type=info.kind,
        filename=asset.filename,
        **timed,
        width=info.width,
        height=info.height,
        codec_name=info.video_codec,
        size=info.size,
    )


async def create_item_collection(context: RequestContext) -> ApiResponse:
    """POST /knowledge-stores/{knowledge_store_id}/item-collections."""
    store = _find_store(context)
    body = await context.json()
    state, now = context.service.state, context.service.now()
    name, description = _unused_name(context.service, store.id, body), validation.optional_string(body, "description")
    metadata = _read_metadata(body)
    collection = ItemCollection(
        id=state.ids.prefixed_id("ksic"),
        store_id=store.id,
        name=name,
        description=description,
        metadata=metadata,
        item_ids=[],
        created_at=now,
        updated_at=now,
    )
    state.knowledge.item_collections[collection.id] = collection
    return ApiResponse(collection_view(collection), 201)


def _unused_name(service: Service, store_id: str, body: JsonObject, excluded_id: str | None = None) -> str:
    name = validation.required_string(body, "name")
    collections = service.state.knowledge.collections_of(store_id)
    if any(collection.name == name for collection in collections if collection.id != excluded_id):
        raise invalid_parameter("name", f"an item collection named {name} already exists")
    return name


async def list_item_collections(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores/{knowledge_store_id}/item-collections."""
    collections = context.service.state.knowledge.collections_of(_find_store(context).id)
    in_order = listing.sort_items(context.query, collections, lambda kept: kept.updated_at, lambda kept: kept.name)
    return listing.page_response(context, in_order, collection_view)


def _find_collection(context: RequestContext) -> ItemCollection:
    store, found = _find_store(context), context.service.state.knowledge.item_collections
    return context.find(
        found, "collection_id", "item collection", prefix="ksic", where=lambda it: it.store_id == store.id
    )


async def retrieve_item_collection(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}."""
    return ApiResponse(collection_view(_find_collection(context)))


async def update_item_collection(context: RequestContext) -> ApiResponse:
    """PATCH /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}; metadata is replaced."""
    collection = _find_collection(context)
    body = await context.json()
    name, description = None, validation.optional_string(body, "description")
    if "name" in body:
        name = _unused_name(context.service, collection.store_id, body, excluded_id=collection.id)
    metadata = _read_metadata(body) if "metadata" in body else None
    validation.change(collection, context.service.now(), name=name, description=description, metadata=metadata)
    return ApiResponse(collection_view(collection))


async def delete_item_collection(context: RequestContext) -> ApiResponse:
    """DELETE /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}; its items remain in the store."""
    del context.service.state.knowledge.item_collections[_find_collection(context).id]
    return NO_CONTENT


async def list_collection_items(context: RequestContext) -> ApiResponse:
    """GET /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items."""
    service = context.service
    items = [service.state.knowledge.items[item_id] for item_id in _find_collection(context).item_ids]
    return listing.page_response(context, listing.newest_first(items), lambda item: item_view(service, item))


async def add_collection_items(context: RequestContext) -> ApiResponse:
    """POST /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/add."""
    collection = _find_collection(context)
    value = validation.required_string_list(await context.json(), "item_ids", 1, MAX_ITEMS_PER_REQUEST)
    known = {item.id for item in context.service.state.knowledge.items_of(collection.store_id)}
    for item_id in value:
        if item_id not in known:
            raise invalid_parameter("item_ids", f"unknown item {item_id} in this store")
    _set_items(context, collection, list(dict.fromkeys([*collection.item_ids, *value])))
    return ApiResponse(collection_view(collection))


async def remove_collection_items(context: RequestContext) -> ApiResponse:
    """POST /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/remove."""
    collection = _find_collection(context)
    value = validation.required_string_list(await context.json(), "item_ids", 1, MAX_ITEMS_PER_REQUEST)
    _set_items(context, collection, [item_id for item_id in collection.item_ids if item_id not in value])
    return NO_CONTENT


def _set_items(context: RequestContext, collection: ItemCollection, item_ids: list[str]) -> None:
    if item_ids != collection.item_ids:
        collection.item_ids = item_ids
        collection.updated_at = context.service.now()


def collection_view(collection: ItemCollection) -> dict[str, Any]:
    """Return an item collection as JSON."""
    return serializers.compact(
        _id=collection.id,
        knowledge_store_id=collection.store_id,
        name=collection.name,
        description=collection.description,
        metadata=collection.metadata,
        member_count=len(collection.item_ids),
        created_at=rfc3339_millis(collection.created_at),
        updated_at=rfc3339_millis(collection.updated_at),
    )


async def search_store(context: RequestContext) -> ApiResponse:
    """POST /knowledge-stores/{knowledge_store_id}/search.

    A page token contains the search, the page and its expiry; other fields of a request with a token have no effect.
    """
    store = _find_store(context)
    body = await context.json()
    _query_text(body)
    body, page = _requested_page(context, store.id, body)
    text = _query_text(body)
    kinds, ids = _filter(body)
    modalities = _modalities(body, kinds)
    grouped = require_choice("group_by", body.get("group_by", "none"), ("none", "item")) == "item"
    size = validation.optional_int(body, "page_size", 1, listing.MAX_PAGE_LIMIT) or listing.DEFAULT_PAGE_LIMIT
    with_metadata = validation.optional_bool(body, "include_metadata")
    items = [
        item
        for item in context.service.state.knowledge.items_of(store.id)
        if progress.item_status(context.service, item) == "ready"
        and item.asset.media.kind in kinds
        and (ids is None or item.id in ids)
    ]
    settings = context.service.settings
    matches = _search.find_matches(settings.seed, text, modalities or [MODALITIES[0]], items, settings.search)
    groups = _search.group_by(matches, lambda match: match.item.id) if grouped else [[match] for match in matches]
    start = page * size
    shown = enumerate(groups[start : start + size], start + 1)
    data = [_hit_view(rank, group, with_metadata=with_metadata) for rank, group in shown]
    effective = {"video": {"modalities": modalities}} if modalities else {}
    view: dict[str, Any] = {"data": data, "effective_search_options": effective}
    if start + size < len(groups):
        expires = int(context.service.now() + context.service.timing.token_lifetime)
        view["next_page_token"] = _page_token(context, store.id, body, page + 1, expires)
    return ApiResponse(view)


def _filter(body: JsonObject) -> tuple[list[str], list[str] | None]:
    """Return the kinds and the ids of the items to search, None for all items."""
    value = validation.optional_object(body, "filter") or {}
    if unknown := value.keys() - {"asset_type", "item_id"}:
        raise invalid_parameter("filter", f"unknown field {', '.join(sorted(unknown))}")
    kinds = _condition(value, "asset_type")
    for kind in kinds or []:
        require_choice("filter.asset_type", kind, SEARCHABLE_KINDS)
    return list(SEARCHABLE_KINDS) if kinds is None else kinds, _condition(value, "item_id")


def _condition(filter_: JsonObject, name: str) -> list[str] | None:
    condition = validation.optional_object(filter_, name)
    if condition is None:
        return None
    if len(condition) != 1 or not condition.keys() <= {"eq", "in"}:
        raise invalid_parameter(f"filter.{name}", "it must have either eq or in")
    if "in" in condition:
        return validation.required_string_list(condition, "in")
    return [validation.required_string(condition, "eq")]


def _modalities(body: JsonObject, kinds: list[str]) -> list[str] | None:
    """Return the modalities to compare of videos, None if the filter excludes videos."""
    options = validation.optional_object(validation.optional_object(body, "search_options") or {}, "video")
    if "video" not in kinds:
        if options is not None:
            raise invalid_parameter("search_options.video", "the filter leaves no videos to search")
        return None
    if options is None:
        return [MODALITIES[0]]
    modalities = validation.optional_choices(options, "modalities", MODALITIES)
    return validation.require_given(modalities, "search_options.video.modalities")


def _query_text(body: JsonObject) -> str:
    text = validation.required_string(validation.required_object(body, "query"), "text", "query")
    return validation.check_text("query.text", text)


def _page_token(context: RequestContext, store_id: str, body: JsonObject, page: int, expires_at: int) -> str:
    content = base64.urlsafe_b64encode(json.dumps([body, page, expires_at]).encode()).decode()
    return f"{content}.{_signature(context, store_id, content):016x}"


def _signature(context: RequestContext, store_id: str, content: str) -> int:
    return deterministic.stable_int("page", context.service.settings.seed, store_id, content)


def _requested_page(context: RequestContext, store_id: str, body: JsonObject) -> tuple[JsonObject, int]:
    """Return the search to execute, which a page token contains, and the number of the page from 0."""
    token = validation.optional_string(body, "page_token")
    if token is None:
        return body, 0
    content, _, signature = token.rpartition(".")
    if signature != f"{_signature(context, store_id, content):016x}":
        raise invalid_parameter("page_token", "it is not a token of a search in this knowledge store")
    search, page, expires_at = json.loads(base64.urlsafe_b64decode(content))
    if context.service.now() >= expires_at:
        message = "The page token has expired. Repeat the search from its start."
        raise ApiError(410, "search_page_token_expired", message)
    return search, page


def _hit_view(rank: int, group: list[Match], *, with_metadata: bool) -> dict[str, Any]:
    item = group[0].item
    view: dict[str, Any] = {"asset_type": item.asset.media.kind, "rank": rank, "item_id": item.id}
    if with_metadata:
        info = item.asset.media
        system = serializers.compact(duration=info.duration, width=info.width, height=info.height, size=info.size)
        view["metadata"] = {"system": system, "user": item.metadata}
    if item.asset.media.kind == "video":
        view["matches"] = [_match_view(match) for match in group]
    return view


def _match_view(match: Match) -> dict[str, Any]:
    start, end = match.clip or (0.0, 0.0)
    view: dict[str, Any] = {"start_sec": start, "end_sec": end, "modalities": list(match.modalities)}
    transcript = descriptions.spoken_between(match.item.asset, start, end)
    return view | ({"transcription": transcript} if transcript else {})


def validate_enrichment_schema(schema: JsonObject) -> None:
    """Check the schema of the metadata of a knowledge store, and all schemas in it.

    Raises:
        ApiError: It has an unsupported keyword, or a property without a description.
    """
    pending: list[tuple[str, JsonObject]] = [("json_schema", schema)]
    while pending:
        path, current = pending.pop()
        if unknown := sorted(current.keys() - ENRICHMENT_KEYWORDS):
            raise _unsupported_schema(path, f"the keyword {unknown[0]} is not supported")
        if "type" in current and current["type"] not in ENRICHMENT_TYPES:
            raise _unsupported_schema(path, f"type must be one of {', '.join(ENRICHMENT_TYPES)}")
        if not isinstance(current.get("additionalProperties", True), bool):
            raise _unsupported_schema(path, "additionalProperties must be a boolean")
        for name, entry in _schema_object(current.get("properties", {}), f"{path}.properties").items():
            inner_path = f"{path}.properties.{name}"
            inner = _schema_object(entry, inner_path)
            if not isinstance(inner.get("description"), str):
                raise _unsupported_schema(inner_path, "it has no description")
            pending.append((inner_path, inner))
        if "items" in current and not isinstance(current["items"], bool):
            pending.append((f"{path}.items", _schema_object(current["items"], f"{path}.items")))
        prefix: Any = current.get("prefixItems", [])
        if not isinstance(prefix, list):
            raise _unsupported_schema(f"{path}.prefixItems", "it must be a list of schemas")
        for position, entry in enumerate(cast("list[object]", prefix)):
            pending.append((f"{path}.prefixItems.{position}", _schema_object(entry, f"{path}.prefixItems.{position}")))


def _schema_object(value: object, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise _unsupported_schema(path, "it must be an object")
    return cast("JsonObject", value)


def _unsupported_schema(path: str, reason: str) -> ApiError:
    return ApiError(422, "parameter_invalid", f"The {path} parameter is invalid: {reason}.")


OPERATIONS = (
    Operation("GET", "/knowledge-stores", list_stores),
    Operation("POST", "/knowledge-stores", create_store),
    Operation("GET", STORE_PATH, retrieve_store),
    Operation("PATCH", STORE_PATH, update_store),
    Operation("DELETE", STORE_PATH, delete_store),
    Operation("GET", ITEMS_PATH, list_items),
    Operation("POST", ITEMS_PATH, create_item),
    Operation("GET", ITEM_PATH, retrieve_item),
    Operation("DELETE", ITEM_PATH, delete_item),
    Operation("GET", COLLECTIONS_PATH, list_item_collections),
    Operation("POST", COLLECTIONS_PATH, create_item_collection),
    Operation("GET", COLLECTION_PATH, retrieve_item_collection),
    Operation("PATCH", COLLECTION_PATH, update_item_collection),
    Operation("DELETE", COLLECTION_PATH, delete_item_collection),
    Operation("GET", COLLECTION_PATH + "/items", list_collection_items),
    Operation("POST", COLLECTION_PATH + "/items/add", add_collection_items),
    Operation("POST", COLLECTION_PATH + "/items/remove", remove_collection_items),
    Operation("POST", STORE_PATH + "/search", search_store),
)

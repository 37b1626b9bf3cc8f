"""Items of a knowledge store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, filters, media, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, unknown
from twelvelabs_async.emulator.handlers import knowledge_stores, views
from twelvelabs_async.emulator.library import Item

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import Asset
    from twelvelabs_async.emulator.world import World

ALL = knowledge_stores.ONE + "/items"
ONE = ALL + "/{item_id}"
STATUSES = ("queued", "pending", "processing", "ready", "failed")
LARGEST = {"video": 10 * media.GIB, "image": 32 * media.MIB}
MOST_PAIRS = 50
LONGEST_VALUE = 8192


async def create(call: Call) -> Reply:
    """POST /knowledge-stores/{knowledge_store_id}/items.

    Nobody says what happens to an asset that is in the store already: here it becomes one more item.
    """
    store = knowledge_stores.find(call)
    body = await call.json()
    state = call.world.state
    labels = fields.labels(body, pairs=MOST_PAIRS, longest=LONGEST_VALUE)
    asset = _asset(call.world, fields.required_text(body, "asset_id"))
    kind = body.get("asset_type")
    if kind is not None and choice("asset_type", kind, LARGEST) != asset.media.kind:
        raise invalid("asset_type", f"the asset {asset.id} is of the type {asset.media.kind}")
    item = Item(
        id=state.ids.ordered("ksi"), store_id=store.id, asset=asset, metadata=labels, created_at=call.world.now()
    )
    state.library.items[item.id] = item
    return Reply(view(call.world, item), 202)


def _asset(world: World, asset_id: str) -> Asset:
    """Return an asset that can become an item; one that is still processing may be broken, and then the item fails."""
    asset = world.state.assets.get(asset_id)
    if asset is None:
        raise invalid("asset_id", f"there is no asset with the id {asset_id}")
    if asset.media.kind not in LARGEST:
        raise ApiError(400, "unsupported_file_type", f"A file of type {asset.media.mime} cannot become an item.")
    if world.asset_status(asset) == "failed":
        raise ApiError(400, "asset_not_ready", f"The asset {asset.id} cannot be used: its status is failed.")
    if asset.media.size > LARGEST[asset.media.kind]:
        raise ApiError(400, "media_filesize_too_large", f"{asset.media.size} bytes are too much for an item.")
    return asset


async def list_(call: Call) -> Reply:
    """GET /knowledge-stores/{knowledge_store_id}/items."""
    world = call.world
    store = knowledge_stores.find(call)
    wanted = filters.statuses(call.query, STATUSES)
    found = [item for item in world.state.library.items_of(store.id) if world.item_status(item) in wanted]
    in_order = paging.ordered(call.query, found, lambda item: _updated_at(world, item))
    return Reply(paging.page(call.query, in_order, lambda item: view(world, item)))


def _find(call: Call) -> Item:
    store = knowledge_stores.find(call)
    item_id = knowledge_stores.identifier(call, "item_id", "ksi")
    found = call.world.state.library.items.get(item_id)
    if found is None or found.store_id != store.id:
        raise unknown("knowledge store item", item_id)
    return found


async def retrieve(call: Call) -> Reply:
    """GET /knowledge-stores/{knowledge_store_id}/items/{item_id}."""
    return Reply(view(call.world, _find(call)))


async def delete(call: Call) -> Reply:
    """DELETE /knowledge-stores/{knowledge_store_id}/items/{item_id}."""
    call.world.state.library.delete_item(_find(call))
    return NO_CONTENT


def _updated_at(world: World, item: Item) -> float:
    done = world.item_status(item) in {"ready", "failed"}
    return item.created_at + world.timing.of(item.asset.media.duration).indexing if done else item.created_at


def view(world: World, item: Item) -> dict[str, Any]:
    """Return an item as the API shows it."""
    return views.compact(
        {
            "_id": item.id,
            "asset_type": item.asset.media.kind,
            "asset_id": item.asset.id,
            "status": world.item_status(item),
            "system_metadata": _system_metadata(item.asset) if item.asset.media.problem is None else None,
            "metadata": item.metadata,
            "created_at": moment(item.created_at),
            "updated_at": moment(_updated_at(world, item)),
        }
    )


def _system_metadata(asset: Asset) -> dict[str, Any]:
    look = asset.media
    timed = {"duration": look.duration, "fps": look.fps} if look.kind == "video" else {}
    return views.compact(
        {
            "asset_type": look.kind,
            "filename": asset.filename,
            **timed,
            "width": look.width,
            "height": look.height,
            "codec_name": look.video_codec,
            "size": look.size,
        }
    )


OPERATIONS = (
    Operation("GET", ALL, list_),
    Operation("POST", ALL, create),
    Operation("GET", ONE, retrieve),
    Operation("DELETE", ONE, delete),
)

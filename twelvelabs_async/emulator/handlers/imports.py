"""Files fetched from somebody's account."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import fields, media, paging
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.connectors import Import, ImportItem
from twelvelabs_async.emulator.errors import invalid, unknown
from twelvelabs_async.emulator.handlers import assets, connections, views

if TYPE_CHECKING:
    from twelvelabs_async.emulator.connectors import Connection, RemoteFile
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.media import Media
    from twelvelabs_async.emulator.world import World

ALL = "/connections/{connection_id}/imports"
MOST_ITEMS = 100
LARGEST = {"video": 10 * media.GIB, "audio": 4 * media.GIB, "image": 32 * media.MIB}
TOO_LARGE = {"video": "video_filesize_too_large", "audio": "audio_filesize_too_large"}


async def create(call: Call) -> Reply:
    """POST /connections/{connection_id}/imports; what is refused of it does not stop the rest."""
    connection = connections.use(call)
    world = call.world
    source_ids = _source_ids(fields.parts(await call.json(), "items", 1, MOST_ITEMS))
    items = [await _fetch(world, connection, source_id) for source_id in source_ids]
    made = Import(
        id=world.state.ids.object(),
        connection_id=connection.id,
        provider=connection.provider,
        custom_id=connection.custom_id,
        items=tuple(items),
        created_at=world.now(),
    )
    world.state.connectors.imports[made.id] = made
    failures = any(item.action == "rejected" for item in items)
    return Reply({"_id": made.id, "has_failures": failures, "items": _items(world, made)}, 202)


def _source_ids(entries: list[Body]) -> list[str]:
    found = [fields.required_text(entry, "source_id") for entry in entries]
    if len(set(found)) < len(found):
        raise invalid("source_id", "it must be unique within a request")
    return found


async def _fetch(world: World, connection: Connection, source_id: str) -> ImportItem:
    connectors = world.state.connectors
    key = (connection.account_id, source_id)
    earlier = world.state.assets.get(connectors.fetched.get(key, ""))
    if earlier is not None and world.asset_status(earlier) != "failed":
        return ImportItem(source_id=source_id, action="skipped", asset_id=earlier.id)
    file = connection.files.get(source_id)
    if refused := _refusal(file):
        return ImportItem(source_id=source_id, action="rejected", code=refused[0], message=refused[1])
    if file is None:
        raise AssertionError(source_id)
    connectors.attempts[key] += 1
    look = await _look_into(world, source_id, file)
    if connectors.attempts[key] <= file.failures:
        look = replace(look, problem="The file could not be fetched from its source.")
    if earlier is not None:
        earlier.media, earlier.retried_at = look, world.now()
        return ImportItem(source_id=source_id, action="retried", asset_id=earlier.id)
    asset = assets.add(
        world, method="connector", filename=file.filename, look=look, hls=False, thumbnail=False, user_metadata={}
    )
    connectors.fetched[key] = asset.id
    return ImportItem(source_id=source_id, action="created", asset_id=asset.id)


def _refusal(file: RemoteFile | None) -> tuple[str, str] | None:
    """Return code and message if a file cannot become an asset at all."""
    if file is None:
        return "source_unavailable", "There is no such file in the account."
    if file.refusal is not None:
        return file.refusal, "The provider does not hand over the file."
    kind = (media.kind_of(file.filename) or ("unknown", ""))[0]
    if kind not in LARGEST:
        return "unsupported_media_type", f"{file.filename} is no video, audio or image."
    if _size(file) > LARGEST[kind]:
        why = f"The file has {_size(file)} bytes, and {LARGEST[kind]} are allowed for files of type {kind}."
        return TOO_LARGE.get(kind, "media_filesize_too_large"), why
    return None


def _size(file: RemoteFile) -> int:
    return file.size if file.size is not None else len(file.content or b"")


async def _look_into(world: World, source_id: str, file: RemoteFile) -> Media:
    if file.content is None:
        look = media.guess_remote(file.filename, source_id)
        return look if file.size is None else media.guess(file.filename, file.size, look.digest)
    digest = hashlib.md5(file.content, usedforsecurity=False).hexdigest()
    async with world.spool.temporary() as path:
        await asyncio.to_thread(path.write_bytes, file.content)
        return await world.look_into(path, file.filename, len(file.content), digest)


async def list_(call: Call) -> Reply:
    """GET /connections/{connection_id}/imports."""
    connection = connections.find(call)
    imports = call.world.state.connectors.imports.values()
    found = paging.newest_first([made for made in imports if made.connection_id == connection.id])
    return Reply(paging.page(call.query, found, _view))


async def retrieve(call: Call) -> Reply:
    """GET /connections/{connection_id}/imports/{import_id}."""
    connection = connections.find(call)
    identifier = call.id("import_id")
    found = call.world.state.connectors.imports.get(identifier)
    if found is None or found.connection_id != connection.id:
        raise unknown("import", identifier)
    return Reply(_view(found) | {"items": _items(call.world, found)})


def _view(made: Import) -> dict[str, Any]:
    return views.compact(
        {
            "_id": made.id,
            "connection_id": made.connection_id,
            "provider": made.provider,
            "custom_id": made.custom_id,
            "item_count": len(made.items),
            "created_at": moment(made.created_at),
        }
    )


def _items(world: World, made: Import) -> list[dict[str, Any]]:
    """Return the items with the statuses of now, without those whose assets were deleted."""
    found: list[dict[str, Any]] = []
    for item in made.items:
        view: dict[str, Any] = {"source_id": item.source_id, "action": item.action}
        asset = world.state.assets.get(item.asset_id or "")
        if asset is not None:
            found.append(view | {"asset_id": asset.id, "status": world.asset_status(asset)})
        elif item.asset_id is None:
            found.append(view | {"error": {"code": item.code, "message": item.message}})
    return found


OPERATIONS = (
    Operation("GET", ALL, list_),
    Operation("POST", ALL, create),
    Operation("GET", ALL + "/{import_id}", retrieve),
)

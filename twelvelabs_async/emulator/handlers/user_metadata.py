"""User metadata of assets."""

from __future__ import annotations

from twelvelabs_async.emulator import metadata
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.errors import missing

TEMPLATE = "/assets/{asset_id}/user-metadata"


async def replace(call: Call) -> Reply:
    """PUT /assets/{asset_id}/user-metadata."""
    asset = call.world.asset(call.id("asset_id"))
    asset.user_metadata = metadata.read(await _given(call))
    return NO_CONTENT


async def update(call: Call) -> Reply:
    """PATCH /assets/{asset_id}/user-metadata."""
    asset = call.world.asset(call.id("asset_id"))
    asset.user_metadata = metadata.merge(asset.user_metadata, await _given(call))
    return NO_CONTENT


async def _given(call: Call) -> object:
    body = await call.json()
    if "user_metadata" not in body:
        raise missing("user_metadata")
    return body["user_metadata"]


async def delete(call: Call) -> Reply:
    """DELETE /assets/{asset_id}/user-metadata."""
    call.world.asset(call.id("asset_id")).user_metadata = {}
    return NO_CONTENT


OPERATIONS = (
    Operation("PUT", TEMPLATE, replace),
    Operation("PATCH", TEMPLATE, update),
    Operation("DELETE", TEMPLATE, delete),
)

"""The state that the admin API returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]


async def test_the_state_has_entities_knowledge_stores_and_connections(
    emulator: Emulator, session: aiohttp.ClientSession, call: SendRequest, make_asset: CreateResource
) -> None:
    async def create(path: str, **fields: Any) -> str:
        status, created = await call("POST", path, json=fields)
        assert status in {201, 202}, created
        return str(created["_id"])

    image = await make_asset("face.png", samples.image())
    collection = await create("/entity-collections", name="cast")
    store = await create("/knowledge-stores", name="films")
    connection = emulator.connect(files={"film": "film.mp4"}).id
    expected_ids = {
        "entity_collections": collection,
        "entities": await create(f"/entity-collections/{collection}/entities", name="Eve", asset_ids=[image]),
        "knowledge_stores": store,
        "items": await create(f"/knowledge-stores/{store}/items", asset_id=image),
        "item_collections": await create(f"/knowledge-stores/{store}/item-collections", name="drafts"),
        "connections": connection,
        "redirect_uris": await create("/connections/redirect-uris", redirect_uri="https://app.example.com/done"),
        "imports": await create(f"/connections/{connection}/imports", items=[{"source_id": "film"}]),
    }
    async with session.get(emulator.base_url.removesuffix("/v1.3") + "/_emulator/state") as response:
        state = await response.json()
    assert {kind: [entry["_id"] for entry in state[kind]] for kind in expected_ids} == {
        kind: [identifier] for kind, identifier in expected_ids.items()
    }

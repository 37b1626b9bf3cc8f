"""Entities and their collections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twelvelabs_async.emulator import samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Advance = Callable[[float], None]

COLLECTIONS = "/entity-collections"
UNKNOWN_ID = "0" * 24


@pytest.fixture
async def photo(make_asset: CreateResource) -> str:
    return await make_asset("ann.png", samples.image())


@pytest.fixture
async def second_photo(make_asset: CreateResource) -> str:
    return await make_asset("bob.png", samples.image(600))


@pytest.fixture
async def team(call: SendRequest) -> str:
    status, body = await call("POST", COLLECTIONS, json={"name": "Team"})
    assert status == 201
    return f"{COLLECTIONS}/{body['_id']}"


@pytest.fixture
async def ann(call: SendRequest, team: str, photo: str) -> str:
    status, body = await call("POST", f"{team}/entities", json={"name": "Ann", "asset_ids": [photo]})
    assert status == 201
    return f"{team}/entities/{body['_id']}"


async def names(call: SendRequest, path: str) -> list[str]:
    status, body = await call("GET", path)
    assert status == 200
    return [entry["name"] for entry in body["data"]]


async def test_a_collection_is_created_updated_and_deleted(call: SendRequest, advance: Advance) -> None:
    _, created = await call("POST", COLLECTIONS, json={"name": "Team", "description": "of ours"})
    path = f"{COLLECTIONS}/{created['_id']}"
    assert (await call("GET", path))[1] == created
    advance(1)
    status, changed = await call("PATCH", path, json={"description": "of yours"})
    assert (status, changed["name"], changed["description"]) == (200, "Team", "of yours")
    assert changed["updated_at"] > changed["created_at"] == created["created_at"]
    assert (await call("PATCH", path, json={"name": "Squad"}))[1]["name"] == "Squad"
    assert (await call("DELETE", path))[0] == 204
    assert (await call("GET", path))[0] == 404
    assert (await call("GET", f"{COLLECTIONS}/nonsense"))[0] == 400


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 1}, {"name": "a", "description": 2}])
async def test_a_collection_needs_a_name(call: SendRequest, team: str, body: dict[str, Any]) -> None:
    assert (await call("POST", COLLECTIONS, json=body))[0] == 400
    if body:
        assert (await call("PATCH", team, json=body))[0] == 400


async def test_collections_are_listed_and_found(call: SendRequest, advance: Advance) -> None:
    for name in ("Reds", "Blues", "Blue-Reds"):
        await call("POST", COLLECTIONS, json={"name": name})
        advance(1)
    assert await names(call, COLLECTIONS) == ["Blue-Reds", "Blues", "Reds"]
    assert await names(call, f"{COLLECTIONS}?name=blue") == ["Blue-Reds", "Blues"]
    assert await names(call, f"{COLLECTIONS}?sort_by=name&sort_option=asc") == ["Blue-Reds", "Blues", "Reds"]
    assert await names(call, f"{COLLECTIONS}?page_limit=1&page=3") == ["Reds"]


async def test_an_entity_becomes_ready(call: SendRequest, ann: str, photo: str, advance: Advance) -> None:
    _, before = await call("GET", ann)
    assert (before["status"], before["asset_ids"], before["name"]) == ("processing", [photo], "Ann")
    assert ann.split("/")[2] == before["entity_collection_id"]
    advance(10)
    assert (await call("GET", ann))[1]["status"] == "ready"


async def test_new_assets_restart_processing(
    call: SendRequest, ann: str, photo: str, second_photo: str, advance: Advance
) -> None:
    advance(10)
    _, unchanged = await call("POST", f"{ann}/assets", json={"asset_ids": [photo]})
    assert unchanged["status"] == "ready", "no asset is new"
    _, extended = await call("POST", f"{ann}/assets", json={"asset_ids": [second_photo, photo]})
    assert (extended["status"], extended["asset_ids"]) == ("processing", [photo, second_photo])
    advance(10)
    _, reduced = await call("DELETE", f"{ann}/assets", json={"asset_ids": [photo, UNKNOWN_ID]})
    assert (reduced["status"], reduced["asset_ids"]) == ("processing", [second_photo])
    status, body = await call("DELETE", f"{ann}/assets", json={"asset_ids": [second_photo]})
    assert (status, body["code"]) == (400, "parameter_invalid"), "the last asset cannot be removed"
    assert (await call("DELETE", f"{ann}/assets"))[0] == 400
    assert (await call("POST", f"{ann}/assets", json={"asset_ids": [UNKNOWN_ID]}))[0] == 400


async def test_metadata_is_replaced_as_a_whole(call: SendRequest, ann: str) -> None:
    await call("PATCH", ann, json={"metadata": {"a": 1, "b": "c"}})
    _, body = await call("PATCH", ann, json={"metadata": {"d": True}, "name": "Anna", "description": "e"})
    assert (body["metadata"], body["name"], body["description"]) == ({"d": True}, "Anna", "e")
    assert (await call("PATCH", ann, json={"description": "f"}))[1]["metadata"] == {"d": True}
    assert (await call("PATCH", ann, json={"metadata": {"d": ["e"]}}))[0] == 400
    assert (await call("PATCH", ann, json={"metadata": {"d": 1 << 60}}))[0] == 400


@pytest.mark.parametrize(
    "body",
    [{"name": "a"}, {"name": "a", "asset_ids": []}, {"name": "a", "asset_ids": [UNKNOWN_ID]}, {"asset_ids": ["a"]}],
)
async def test_an_entity_needs_a_name_and_an_asset(call: SendRequest, team: str, body: dict[str, Any]) -> None:
    status, error = await call("POST", f"{team}/entities", json=body)
    assert (status, error["code"].startswith("parameter_")) == (400, True)


async def test_a_bulk_request_creates_valid_entities_only(call: SendRequest, team: str, photo: str) -> None:
    entities = [
        {"name": "Ann", "asset_ids": [photo]},
        {"name": "Bob", "asset_ids": [UNKNOWN_ID]},
        {"name": " ", "asset_ids": [photo]},
        {"name": "Cid", "asset_ids": [photo], "metadata": {"number": 7}},
    ]
    status, body = await call("POST", f"{team}/entities/bulk", json={"entities": entities})
    assert (status, body["success_count"], body["failed_count"]) == (201, 2, 2)
    assert [(entity["name"], entity["status"]) for entity in body["entities"]] == [
        ("Ann", "processing"),
        ("Cid", "processing"),
    ]
    assert [(error["entity_index"], error["entity_name"]) for error in body["errors"]] == [(1, "Bob"), (2, " ")]
    assert UNKNOWN_ID in body["errors"][0]["error_reason"]
    for invalid_entities in (None, [], ["Ann"], [{"name": "Ann"}], [entities[0], {"asset_ids": [photo]}]):
        assert (await call("POST", f"{team}/entities/bulk", json={"entities": invalid_entities}))[0] == 400


async def test_entities_are_listed_and_found(
    call: SendRequest, team: str, ann: str, photo: str, second_photo: str, advance: Advance
) -> None:
    advance(10)
    await call("POST", f"{team}/entities", json={"name": "Bob", "asset_ids": [photo, second_photo]})
    assert await names(call, f"{team}/entities") == ["Bob", "Ann"]
    assert await names(call, f"{team}/entities?name=an") == ["Ann"]
    assert await names(call, f"{team}/entities?status=ready") == ["Ann"]
    assert await names(call, f"{team}/entities?sort_by=name&sort_option=asc") == ["Ann", "Bob"]
    assert (await call("GET", f"{team}/entities?status=failed"))[0] == 400
    assert await names(call, f"/assets/{photo}/entities") == ["Bob", "Ann"]
    assert await names(call, f"/assets/{second_photo}/entities") == ["Bob"]
    assert (await call("GET", f"/assets/{UNKNOWN_ID}/entities"))[0] == 404
    assert (await call("DELETE", ann))[0] == 204
    assert await names(call, f"/assets/{photo}/entities") == ["Bob"]


async def test_deleting_a_collection_deletes_its_entities(call: SendRequest, team: str, ann: str, photo: str) -> None:
    assert (await call("DELETE", team))[0] == 204
    assert (await call("GET", ann))[0] == 404
    assert (await call("GET", f"/assets/{photo}"))[0] == 200


async def test_an_asset_is_deleted_and_removed_from_its_entities(
    call: SendRequest, team: str, ann: str, photo: str, second_photo: str
) -> None:
    _, bob = await call("POST", f"{team}/entities", json={"name": "Bob", "asset_ids": [second_photo, photo]})
    assert (await call("DELETE", f"/assets/{photo}"))[0] == 204
    assert (await call("GET", ann))[1]["asset_ids"] == []
    assert (await call("GET", f"{team}/entities/{bob['_id']}"))[1]["asset_ids"] == [second_photo]


async def test_an_entity_is_found_only_in_its_collection(call: SendRequest, ann: str) -> None:
    _, created = await call("POST", COLLECTIONS, json={"name": "Others"})
    assert (await call("GET", f"{COLLECTIONS}/{created['_id']}/entities/{ann.rpartition('/')[2]}"))[0] == 404

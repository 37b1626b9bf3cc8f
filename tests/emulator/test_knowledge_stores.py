"""Knowledge stores: items, collections, search."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twelvelabs_async.emulator import Emulator, Plan, Window, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Advance = Callable[[float], None]
Search = Callable[..., Awaitable[tuple[int, Any]]]

STORES = "/knowledge-stores"
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
UNKNOWN_UUID = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
async def store(call: SendRequest) -> str:
    status, body = await call("POST", STORES, json={"name": "films"})
    assert status == 201
    return f"{STORES}/{body['_id']}"


@pytest.fixture
def add(call: SendRequest, store: str, make_asset: CreateResource, advance: Advance) -> CreateResource:
    """Upload a file, add it to the store and wait until it is ready."""

    async def add_item(filename: str, content: bytes | None = None, **fields: Any) -> str:
        asset = await make_asset(filename, content)
        advance(10)
        status, body = await call("POST", f"{store}/items", json={"asset_id": asset, **fields})
        assert status == 202
        advance(50)
        return str(body["_id"])

    return add_item


@pytest.fixture
async def red(add: CreateResource) -> str:
    return await add("red_car.mp4", samples.video(60), metadata={"place": "Rome"})


@pytest.fixture
async def blue(add: CreateResource) -> str:
    return await add("blue_car.png", samples.image())


@pytest.fixture
def search(call: SendRequest, store: str) -> Search:
    async def send(text: Any = "car", **fields: Any) -> tuple[int, Any]:
        return await call("POST", f"{store}/search", json={"query": {"text": text}, "page_size": 50, **fields})

    return send


async def ids(call: SendRequest, path: str) -> list[str]:
    status, body = await call("GET", path)
    assert status == 200
    return [entry["_id"] for entry in body["data"]]


async def test_a_store_is_created_updated_and_deleted(call: SendRequest, advance: Advance) -> None:
    config = {"enrichment_config": {"type": "description", "description": "cars"}}
    body = {"name": "a", "description": "b", "metadata": {"c": ["d"]}, "ingestion_config": config}
    _, created = await call("POST", STORES, json=body)
    assert {name: created[name] for name in body} == body
    assert re.fullmatch(f"ks_{UUID7}", created["_id"])
    path = f"{STORES}/{created['_id']}"
    advance(1)
    _, changed = await call("PATCH", path, json={"name": "e"})
    assert (changed["name"], changed["metadata"], changed["updated_at"] > created["updated_at"]) == (
        "e",
        {"c": ["d"]},
        True,
    )
    _, changed = await call("PATCH", path, json={"metadata": {"f": 1}, "description": "g"})
    assert (changed["metadata"], changed["description"]) == ({"f": 1}, "g")
    assert "metadata" not in (await call("PATCH", path, json={"metadata": {}}))[1]
    assert (await call("PATCH", path, json={"ingestion_config": config}))[0] == 400
    assert (await call("DELETE", path))[0] == 204
    assert (await call("GET", path))[0] == 404
    for invalid_ids in ("nonsense", "ksi_" + UNKNOWN_UUID, "0" * 24):
        assert (await call("GET", f"{STORES}/{invalid_ids}"))[0] == 400


async def test_ids_are_ordered_by_time(call: SendRequest) -> None:
    created = [(await call("POST", STORES, json={"name": str(number)}))[1]["_id"] for number in range(3)]
    assert sorted(created) == created
    assert await ids(call, STORES) == created[::-1]
    assert await ids(call, f"{STORES}?sort_option=asc") == created


def store_with_schema(schema: Any) -> dict[str, Any]:
    config = {"type": "json_schema", "json_schema": {"type": "object", "properties": {}} | schema}
    return {"name": "films", "ingestion_config": {"enrichment_config": config}}


def schema_with_property(**schema: Any) -> dict[str, Any]:
    return {"properties": {"a": {"type": "string", "description": "A"} | schema}}


@pytest.mark.parametrize(
    "schema",
    [
        *(
            schema_with_property(**{keyword: value})
            for keyword, value in {
                "minLength": 1,
                "pattern": "a",
                "const": "a",
                "default": "a",
                "examples": ["a"],
                "nullable": True,
                "multipleOf": 2,
                "exclusiveMinimum": 2,
                "anyOf": [{"type": "string"}],
                "$ref": "#/$defs/a",
                "foo": 1,
            }.items()
        ),
        {"$defs": {}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"if": {}},
        schema_with_property(type=["string", "null"]),
        schema_with_property(type="date"),
        schema_with_property(description=None),
        schema_with_property(description=5),
        schema_with_property(additionalProperties={"type": "string"}),
        schema_with_property(type="array", items={"type": "string", "maxLength": 1}),
        schema_with_property(type="array", items=5),
        schema_with_property(type="array", prefixItems=[{"type": "string", "title": "A", "not": {}}]),
        schema_with_property(type="array", prefixItems={}),
        schema_with_property(type="object", properties={"b": {"type": "string"}}),
        schema_with_property(type="object", properties=[]),
        {"properties": {"a": 5}},
    ],
)
async def test_an_unsupported_keyword_of_an_enrichment_schema_is_rejected(call: SendRequest, schema: Any) -> None:
    status, error = await call("POST", "/knowledge-stores", json=store_with_schema(schema))
    assert (status, error["code"]) == (422, "parameter_invalid")


async def test_every_supported_keyword_of_an_enrichment_schema_is_accepted(call: SendRequest) -> None:
    words = {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 1, "maxItems": 3}
    place = {"type": "object", "properties": {"default": {"type": "number", "description": "A", "minimum": 1}}}
    properties = {
        "mood": {"type": "string", "description": "", "title": "Mood", "enum": ["calm", "tense"]},
        "words": words | {"description": "Words", "prefixItems": [{"type": "integer", "maximum": 3}]},
        "place": place | {"description": "Place", "required": ["default"], "additionalProperties": False},
    }
    body = store_with_schema({"title": "Films", "description": "All", "properties": properties, "required": ["mood"]})
    status, store = await call("POST", "/knowledge-stores", json=body)
    assert (status, store["ingestion_config"]) == (201, body["ingestion_config"])


INVALID: list[tuple[dict[str, Any], int]] = [
    ({}, 400),
    ({"name": " "}, 400),
    ({"ingestion_config": {}}, 400),
    ({"ingestion_config": {"enrichment_config": {"type": "other"}}}, 400),
    ({"ingestion_config": {"enrichment_config": {"type": "description"}}}, 400),
    ({"ingestion_config": {"enrichment_config": {"type": "json_schema", "json_schema": {"type": "array"}}}}, 400),
    (
        {
            "ingestion_config": {
                "enrichment_config": {
                    "type": "json_schema",
                    "json_schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                }
            }
        },
        422,
    ),
    ({"metadata": {"a": None}}, 400),
    ({"metadata": {"a": {"b": 1}}}, 400),
    ({"metadata": {"a": [1]}}, 400),
    ({"metadata": {"a": 1 << 53}}, 400),
    ({"metadata": {"a" * 129: 1}}, 400),
    ({"metadata": {"a": "b" * 2049}}, 400),
    ({"metadata": {str(key): 1 for key in range(11)}}, 400),
]


async def test_invalid_store_fields_are_rejected(call: SendRequest) -> None:
    for body, expected in INVALID:
        named_body = body if "name" in body or not body else {"name": "a", **body}
        assert (await call("POST", STORES, json=named_body))[0] == expected, body


async def test_an_item_becomes_ready(
    call: SendRequest, store: str, make_asset: CreateResource, advance: Advance
) -> None:
    asset = await make_asset("film.mp4", samples.video(60))
    metadata = {str(key): "v" * 8192 for key in range(50)}
    status, item = await call("POST", f"{store}/items", json={"asset_id": asset, "metadata": metadata})
    assert (status, item["status"], item["metadata"]) == (202, "queued", metadata)
    assert re.fullmatch(f"ksi_{UUID7}", item["_id"])
    assert (item["asset_type"], item["asset_id"]) == ("video", asset)
    assert (item["system_metadata"]["duration"], item["system_metadata"]["filename"]) == (60, "film.mp4")
    path = f"{store}/items/{item['_id']}"
    statuses = [item["status"]]
    for _ in range(5):
        advance(10)
        statuses.append((await call("GET", path))[1]["status"])
    assert statuses == ["queued", "pending", "processing", "processing", "processing", "ready"]
    assert (await call("GET", store))[1]["item_count"] == 1
    assert await ids(call, f"{store}/items?status=ready&status=failed") == [item["_id"]]
    assert await ids(call, f"{store}/items?status=queued") == []
    assert (await call("GET", f"{store}/items?status=indexing"))[0] == 400
    assert (await call("DELETE", path))[0] == 204
    assert (await call("GET", path))[0] == 404


async def test_a_broken_file_fails_its_item(
    call: SendRequest, store: str, make_asset: CreateResource, advance: Advance
) -> None:
    asset = await make_asset("film.mp4", b"no film")
    _, item = await call("POST", f"{store}/items", json={"asset_id": asset})
    advance(50)
    assert (await call("GET", f"{store}/items/{item['_id']}"))[1]["status"] == "failed"
    status, body = await call("POST", f"{store}/items", json={"asset_id": asset})
    assert (status, body["code"]) == (400, "asset_not_ready"), "the file is known to be broken"


async def test_invalid_items_are_rejected(call: SendRequest, store: str, make_asset: CreateResource) -> None:
    film, sound = await make_asset(), await make_asset("a.wav", samples.audio())
    for body in (
        {},
        {"asset_id": "0" * 24},
        {"asset_id": sound},
        {"asset_id": film, "asset_type": "image"},
        {"asset_id": film, "asset_type": "audio"},
        {"asset_id": film, "metadata": {"a": "b" * 8193}},
        {"asset_id": film, "metadata": {str(key): 1 for key in range(51)}},
    ):
        assert (await call("POST", f"{store}/items", json=body))[0] == 400
    assert (await call("POST", f"{STORES}/ks_{UNKNOWN_UUID}/items", json={"asset_id": film}))[0] == 404


async def test_an_asset_in_a_store_is_deleted_only_with_force(call: SendRequest, store: str, red: str) -> None:
    _, item = await call("GET", f"{store}/items/{red}")
    assert (await call("DELETE", f"/assets/{item['asset_id']}"))[0] == 409
    assert (await call("DELETE", f"/assets/{item['asset_id']}?force=true"))[0] == 204
    assert (await call("GET", f"{store}/items/{red}"))[1]["status"] == "ready"


async def test_items_are_added_to_collections(
    call: SendRequest, store: str, red: str, blue: str, advance: Advance
) -> None:
    status, collection = await call("POST", f"{store}/item-collections", json={"name": "best", "metadata": {"a": 1}})
    assert (status, collection["member_count"], collection["knowledge_store_id"]) == (201, 0, store.rpartition("/")[2])
    assert re.fullmatch(f"ksic_{UUID7}", collection["_id"])
    path = f"{store}/item-collections/{collection['_id']}"
    advance(1)
    for _ in range(2):
        status, body = await call("POST", f"{path}/items/add", json={"item_ids": [red, blue, red]})
        assert (status, body["member_count"]) == (200, 2)
    assert await ids(call, f"{path}/items") == [blue, red]
    for _ in range(2):
        status, response_body = await call(
            "POST", f"{path}/items/remove", json={"item_ids": [red, f"ksi_{UNKNOWN_UUID}"]}
        )
        assert (status, response_body) == (204, None)
    assert await ids(call, f"{path}/items") == [blue]
    await call("DELETE", f"{store}/items/{blue}")
    assert (await call("GET", path))[1]["member_count"] == 0
    for invalid_ids in ([], [f"ksi_{UNKNOWN_UUID}"], [red] * 501, [1], None):
        assert (await call("POST", f"{path}/items/add", json={"item_ids": invalid_ids}))[0] == 400
    assert (await call("DELETE", path))[0] == 204
    assert (await call("GET", path))[0] == 404
    assert (await call("GET", f"{store}/items/{red}"))[0] == 200


async def test_names_of_collections_are_unique_in_a_store(call: SendRequest, store: str) -> None:
    created = [await call("POST", f"{store}/item-collections", json={"name": name}) for name in ("b", "a", "a")]
    assert [status for status, _ in created] == [201, 201, 400]
    first, second = (body["_id"] for _, body in created[:2])
    path = f"{store}/item-collections"
    assert (await call("PATCH", f"{path}/{first}", json={"name": "a"}))[0] == 400
    status, body = await call("PATCH", f"{path}/{first}", json={"name": "b", "description": "c", "metadata": {"d": 1}})
    assert (status, body["description"], body["metadata"]) == (200, "c", {"d": 1})
    assert await ids(call, f"{path}?sort_by=name&sort_option=asc") == [second, first]
    _, other = await call("POST", STORES, json={"name": "other"})
    assert (await call("POST", f"{STORES}/{other['_id']}/item-collections", json={"name": "a"}))[0] == 201
    assert (await call("GET", f"{STORES}/{other['_id']}/item-collections/{first}"))[0] == 404


async def test_deleting_a_store_deletes_its_content(
    call: SendRequest, store: str, red: str, emulator: Emulator
) -> None:
    await call("POST", f"{store}/item-collections", json={"name": "best"})
    assert (await call("DELETE", store))[0] == 204
    assert (await call("GET", f"{store}/items/{red}"))[0] == 404
    library = emulator.state.knowledge
    assert not library.items
    assert not library.item_collections


async def test_a_word_of_the_name_finds_items(search: Search, red: str, blue: str) -> None:
    status, response = await search()
    assert status == 200
    assert [hit["rank"] for hit in response["data"]] == list(range(1, len(response["data"]) + 1))
    assert response["effective_search_options"] == {"video": {"modalities": ["visual"]}}
    clips = [hit for hit in response["data"] if hit["asset_type"] == "video"]
    assert {hit["item_id"] for hit in clips} == {red}
    for hit in clips:
        (match,) = hit["matches"]
        assert (match["modalities"], match["transcription"]) == (["visual"], "red car mp4")
        assert 0 <= match["start_sec"] < match["end_sec"] <= 60
    assert [hit["item_id"] for hit in response["data"] if hit["asset_type"] == "image"] == [blue]
    assert {hit["item_id"] for hit in (await search("ROME"))[1]["data"]} == {red}
    assert (await search("submarine"))[1]["data"] == []
    assert (await search("red car"))[1]["data"][0]["item_id"] == red


async def test_hits_can_be_grouped_by_item(search: Search, red: str, blue: str) -> None:
    _, ungrouped = await search()
    _, response = await search(group_by="item", include_metadata=True)
    assert {hit["item_id"] for hit in response["data"]} == {red, blue}
    video_hit = next(hit for hit in response["data"] if hit["item_id"] == red)
    assert len(video_hit["matches"]) == len(ungrouped["data"]) - 1
    assert (video_hit["metadata"]["user"], video_hit["metadata"]["system"]["duration"]) == ({"place": "Rome"}, 60)


async def test_filters_restrict_the_searched_items(search: Search, red: str, blue: str) -> None:
    async def found_ids(**fields: Any) -> set[str]:
        status, body = await search(**fields)
        assert status == 200
        return {hit["item_id"] for hit in body["data"]}

    assert await found_ids(filter={"asset_type": {"eq": "image"}}) == {blue}
    assert await found_ids(filter={"asset_type": {"in": ["video", "image"]}}) == {red, blue}
    assert await found_ids(filter={"item_id": {"eq": red}}) == {red}
    assert await found_ids(filter={"item_id": {"in": [red]}, "asset_type": {"eq": "image"}}) == set()
    assert (await search(filter={"asset_type": {"eq": "image"}}))[1]["effective_search_options"] == {}
    _, body = await search(search_options={"video": {"modalities": ["audio", "visual"]}})
    assert body["effective_search_options"] == {"video": {"modalities": ["audio", "visual"]}}


INVALID_SEARCHES: list[dict[str, Any]] = [
    {"query": {}},
    {"query": None},
    {"group_by": "video"},
    {"page_size": 51},
    {"include_metadata": "yes"},
    {"filter": {"place": {"eq": "Rome"}}},
    {"filter": {"asset_type": {}}},
    {"filter": {"asset_type": {"eq": "audio"}}},
    {"filter": {"asset_type": {"eq": "video", "in": ["video"]}}},
    {"filter": {"asset_type": {"in": []}}},
    {"search_options": {"video": {}}},
    {"search_options": {"video": {"modalities": []}}},
    {"search_options": {"video": {"modalities": ["text"]}}},
    {"search_options": {"video": {"modalities": ["visual"]}}, "filter": {"asset_type": {"eq": "image"}}},
]


async def test_invalid_search_fields_are_rejected(search: Search) -> None:
    for fields in INVALID_SEARCHES:
        status, body = await search(**fields)
        assert (status, body["code"].startswith("parameter_")) == (400, True), fields


async def test_a_page_token_identifies_its_search(search: Search, red: str, blue: str, advance: Advance) -> None:
    _, all_hits = await search()
    hits: list[Any] = []
    fields: dict[str, Any] = {"page_size": 1}
    while True:
        status, response = await search(**fields)
        assert status == 200
        hits += response["data"]
        if "next_page_token" not in response:
            break
        fields["page_token"] = response["next_page_token"]
    assert hits == all_hits["data"]
    assert {hit["item_id"] for hit in hits} == {red, blue}
    token = (await search(page_size=1))[1]["next_page_token"]
    _, second = await search(page_size=1, page_token=token)
    for ignored_fields in ({}, {"page_size": 2}, {"text": "nothing like it"}, {"filter": {"item_id": {"eq": red}}}):
        assert await search(**ignored_fields, page_token=token) == (200, second)
    for invalid_ids in ({"page_token": "nonsense"}, {"page_token": f"{token}0"}, {"query": None, "page_token": token}):
        status, body = await search(**invalid_ids)
        assert (status, body["code"].startswith("parameter_")) == (400, True)
    advance(900)
    assert (await search(page_size=1, page_token=token))[0] == 410


async def test_only_ready_items_are_found(
    call: SendRequest, store: str, search: Search, make_asset: CreateResource
) -> None:
    await call("POST", f"{store}/items", json={"asset_id": await make_asset("car.mp4")})
    assert (await search())[1]["data"] == []


async def test_a_documented_429_response_of_a_search_has_no_body(
    serve: Callable[..., Awaitable[Emulator]], connect: Callable[[Emulator], Awaitable[Any]]
) -> None:
    session = await connect(await serve(plan=Plan(windows={"knowledge-search": Window(1)}, bodies="documented")))
    responses: list[tuple[int, str]] = []
    for _ in range(2):
        async with session.post(f"knowledge-stores/ks_{UNKNOWN_UUID}/search", json={}) as response:
            responses.append((response.status, await response.text()))
    assert responses[0][0] == 404
    assert responses[1] == (429, "")

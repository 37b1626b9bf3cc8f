"""Entities and their collections."""

from __future__ import annotations

from scenarios.setup import Harness, ids, scenario


@scenario("entity_collections.list")
async def list_collections(harness: Harness) -> None:
    created = [await harness.create_entity_collection("cats"), await harness.create_entity_collection("cows")]
    listing = harness.client.entity_collections.list(sort_by="name", sort_option="desc")
    assert ids(await harness.run(listing)) == created[::-1]


@scenario("entity_collections.create", EntityCollection=1)
async def create_collection(harness: Harness) -> None:
    created = await harness.run(harness.client.entity_collections.create(name="team", description="ours"))
    assert (await harness.client.entity_collections.retrieve(created.id)).description == "ours"


@scenario("entity_collections.retrieve")
async def retrieve_collection(harness: Harness) -> None:
    created = await harness.create_entity_collection("team")
    found = await harness.run(harness.client.entity_collections.retrieve(created))
    assert (found.id, found.name) == (created, "team")


@scenario("entity_collections.update")
async def update_collection(harness: Harness) -> None:
    created = await harness.create_entity_collection("team")
    assert (await harness.run(harness.client.entity_collections.update(created, name="squad"))).name == "squad"
    assert (await harness.client.entity_collections.retrieve(created)).name == "squad"


@scenario("entity_collections.delete", EntityCollection=-1, Entity=-1)
async def delete_collection(harness: Harness) -> None:
    created = await harness.create_entity_collection()
    await harness.create_entity(created)
    await harness.run(harness.client.entity_collections.delete(created))
    assert len(await harness.client.entity_collections.list()) == 0


@scenario("entity_collections.entities.list")
async def list_entities(harness: Harness) -> None:
    collection = await harness.create_entity_collection()
    created = [await harness.create_entity(collection, name) for name in ("Ann", "Bob")]
    listing = harness.client.entity_collections.entities.list(collection, name="Bob", status="ready")
    assert ids(await harness.run(listing)) == created[1:]


@scenario("entity_collections.entities.list_by_asset")
async def list_entities_by_asset(harness: Harness) -> None:
    created = await harness.create_entity(await harness.create_entity_collection())
    [image] = await harness.client.assets.list()
    assert ids(await harness.run(harness.client.entity_collections.entities.list_by_asset(image.id))) == [created]


@scenario("entity_collections.entities.create", Entity=1)
async def create_entity(harness: Harness) -> None:
    collection, images = await harness.create_entity_collection(), [await harness.create_image()]
    creation = harness.client.entity_collections.entities.create(
        collection, name="Ann", asset_ids=images, metadata={"age": 40}
    )
    created = await harness.run(creation)
    found = await harness.client.entity_collections.entities.retrieve(collection, created.id)
    assert (found.asset_ids, found.metadata) == (tuple(images), {"age": 40})


@scenario("entity_collections.entities.create_bulk", Entity=2)
async def create_entities(harness: Harness) -> None:
    collection, images = await harness.create_entity_collection(), [await harness.create_image()]
    entities = [{"name": name, "asset_ids": images} for name in ("Ann", "Bob")]
    created = await harness.run(harness.client.entity_collections.entities.create_bulk(collection, entities=entities))
    assert created.success_count == 2
    found = await harness.client.entity_collections.entities.list(collection)
    assert {*ids(found)} == {*ids(created.entities)}


@scenario("entity_collections.entities.retrieve")
async def retrieve_entity(harness: Harness) -> None:
    collection = await harness.create_entity_collection()
    created = await harness.create_entity(collection, "Ann")
    found = await harness.run(harness.client.entity_collections.entities.retrieve(collection, created))
    assert (found.id, found.name, found.entity_collection_id) == (created, "Ann", collection)


@scenario("entity_collections.entities.update")
async def update_entity(harness: Harness) -> None:
    collection = await harness.create_entity_collection()
    created = await harness.create_entity(collection, "Ann")
    await harness.run(harness.client.entity_collections.entities.update(collection, created, metadata={"a": True}))
    found = await harness.client.entity_collections.entities.retrieve(collection, created)
    assert (found.name, found.metadata) == ("Ann", {"a": True})


@scenario("entity_collections.entities.delete", Entity=-1)
async def delete_entity(harness: Harness) -> None:
    collection = await harness.create_entity_collection()
    await harness.run(
        harness.client.entity_collections.entities.delete(collection, await harness.create_entity(collection))
    )
    assert len(await harness.client.entity_collections.entities.list(collection)) == 0


@scenario("entity_collections.entities.create_assets")
async def add_assets(harness: Harness) -> None:
    collection = await harness.create_entity_collection()
    created, image = await harness.create_entity(collection), await harness.create_image()
    await harness.run(harness.client.entity_collections.entities.create_assets(collection, created, asset_ids=[image]))
    found = await harness.client.entity_collections.entities.retrieve(collection, created)
    assert len(found.asset_ids) == 2


@scenario("entity_collections.entities.delete_assets")
async def remove_assets(harness: Harness) -> None:
    collection = await harness.create_entity_collection()
    created, image = await harness.create_entity(collection), await harness.create_image()
    entities = harness.client.entity_collections.entities
    await entities.create_assets(collection, created, asset_ids=[image])
    remaining = await harness.run(entities.delete_assets(collection, created, asset_ids=[image]))
    assert len(remaining.asset_ids) == 1
    assert image not in (await entities.retrieve(collection, created)).asset_ids

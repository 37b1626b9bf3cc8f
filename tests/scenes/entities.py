"""Entities and their collections."""

from __future__ import annotations

from scenes.stage import Stage, ids, scene


@scene("entity_collections.list")
async def list_collections(stage: Stage) -> None:
    made = [await stage.collection("cats"), await stage.collection("cows")]
    listing = stage.client.entity_collections.list(sort_by="name", sort_option="desc")
    assert ids(await stage.act(listing)) == made[::-1]


@scene("entity_collections.create", EntityCollection=1)
async def create_collection(stage: Stage) -> None:
    made = await stage.act(stage.client.entity_collections.create(name="team", description="ours"))
    assert (await stage.client.entity_collections.retrieve(made.id)).description == "ours"


@scene("entity_collections.retrieve")
async def retrieve_collection(stage: Stage) -> None:
    made = await stage.collection("team")
    found = await stage.act(stage.client.entity_collections.retrieve(made))
    assert (found.id, found.name) == (made, "team")


@scene("entity_collections.update")
async def update_collection(stage: Stage) -> None:
    made = await stage.collection("team")
    assert (await stage.act(stage.client.entity_collections.update(made, name="squad"))).name == "squad"
    assert (await stage.client.entity_collections.retrieve(made)).name == "squad"


@scene("entity_collections.delete", EntityCollection=-1, Entity=-1)
async def delete_collection(stage: Stage) -> None:
    made = await stage.collection()
    await stage.entity(made)
    await stage.act(stage.client.entity_collections.delete(made))
    assert len(await stage.client.entity_collections.list()) == 0


@scene("entity_collections.entities.list")
async def list_entities(stage: Stage) -> None:
    collection = await stage.collection()
    made = [await stage.entity(collection, name) for name in ("Ann", "Bob")]
    listing = stage.client.entity_collections.entities.list(collection, name="Bob", status="ready")
    assert ids(await stage.act(listing)) == made[1:]


@scene("entity_collections.entities.list_by_asset")
async def list_entities_of_a_picture(stage: Stage) -> None:
    made = await stage.entity(await stage.collection())
    [picture] = await stage.client.assets.list()
    assert ids(await stage.act(stage.client.entity_collections.entities.list_by_asset(picture.id))) == [made]


@scene("entity_collections.entities.create", Entity=1)
async def create_entity(stage: Stage) -> None:
    collection, pictures = await stage.collection(), [await stage.picture()]
    creation = stage.client.entity_collections.entities.create(
        collection, name="Ann", asset_ids=pictures, metadata={"age": 40}
    )
    made = await stage.act(creation)
    found = await stage.client.entity_collections.entities.retrieve(collection, made.id)
    assert (found.asset_ids, found.metadata) == (tuple(pictures), {"age": 40})


@scene("entity_collections.entities.create_bulk", Entity=2)
async def create_entities(stage: Stage) -> None:
    collection, pictures = await stage.collection(), [await stage.picture()]
    entities = [{"name": name, "asset_ids": pictures} for name in ("Ann", "Bob")]
    made = await stage.act(stage.client.entity_collections.entities.create_bulk(collection, entities=entities))
    assert made.success_count == 2
    found = await stage.client.entity_collections.entities.list(collection)
    assert {*ids(found)} == {*ids(made.entities)}


@scene("entity_collections.entities.retrieve")
async def retrieve_entity(stage: Stage) -> None:
    collection = await stage.collection()
    made = await stage.entity(collection, "Ann")
    found = await stage.act(stage.client.entity_collections.entities.retrieve(collection, made))
    assert (found.id, found.name, found.entity_collection_id) == (made, "Ann", collection)


@scene("entity_collections.entities.update")
async def update_entity(stage: Stage) -> None:
    collection = await stage.collection()
    made = await stage.entity(collection, "Ann")
    await stage.act(stage.client.entity_collections.entities.update(collection, made, metadata={"a": True}))
    found = await stage.client.entity_collections.entities.retrieve(collection, made)
    assert (found.name, found.metadata) == ("Ann", {"a": True})


@scene("entity_collections.entities.delete", Entity=-1)
async def delete_entity(stage: Stage) -> None:
    collection = await stage.collection()
    await stage.act(stage.client.entity_collections.entities.delete(collection, await stage.entity(collection)))
    assert len(await stage.client.entity_collections.entities.list(collection)) == 0


@scene("entity_collections.entities.create_assets")
async def add_pictures(stage: Stage) -> None:
    collection = await stage.collection()
    made, picture = await stage.entity(collection), await stage.picture()
    await stage.act(stage.client.entity_collections.entities.create_assets(collection, made, asset_ids=[picture]))
    found = await stage.client.entity_collections.entities.retrieve(collection, made)
    assert len(found.asset_ids) == 2


@scene("entity_collections.entities.delete_assets")
async def remove_pictures(stage: Stage) -> None:
    collection = await stage.collection()
    made, picture = await stage.entity(collection), await stage.picture()
    entities = stage.client.entity_collections.entities
    await entities.create_assets(collection, made, asset_ids=[picture])
    left = await stage.act(entities.delete_assets(collection, made, asset_ids=[picture]))
    assert len(left.asset_ids) == 1
    assert picture not in (await entities.retrieve(collection, made)).asset_ids

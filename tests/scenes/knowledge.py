"""Knowledge stores, their items, and collections of these."""

from __future__ import annotations

from scenes.stage import Stage, ids, scene


@scene("knowledge_stores.list")
async def list_stores(stage: Stage) -> None:
    made = [await stage.store("one"), await stage.store("two")]
    listing = stage.client.knowledge_stores.list(sort_by="created_at", sort_option="asc")
    assert ids(await stage.act(listing)) == made


@scene("knowledge_stores.create", KnowledgeStore=1)
async def create_store(stage: Stage) -> None:
    wish = {"enrichment_config": {"type": "description", "description": "What kinds of cars?"}}
    creation = stage.client.knowledge_stores.create(name="cars", ingestion_config=wish, metadata={"a": 1})
    made = await stage.act(creation)
    found = await stage.client.knowledge_stores.retrieve(made.id)
    assert (found.name, found.metadata) == ("cars", {"a": 1})
    assert found.ingestion_config is not None


@scene("knowledge_stores.retrieve")
async def retrieve_store(stage: Stage) -> None:
    made = await stage.store("cars")
    await stage.item(made)
    found = await stage.act(stage.client.knowledge_stores.retrieve(made))
    assert (found.id, found.name, found.item_count) == (made, "cars", 1)


@scene("knowledge_stores.update")
async def update_store(stage: Stage) -> None:
    made = await stage.store("cars")
    await stage.act(stage.client.knowledge_stores.update(made, description="fast ones"))
    found = await stage.client.knowledge_stores.retrieve(made)
    assert (found.name, found.description) == ("cars", "fast ones")


@scene("knowledge_stores.delete", KnowledgeStore=-1, Item=-1)
async def delete_store(stage: Stage) -> None:
    made = await stage.store()
    await stage.item(made)
    await stage.act(stage.client.knowledge_stores.delete(made))
    assert len(await stage.client.knowledge_stores.list()) == 0


@scene("knowledge_stores.search")
async def search_store(stage: Stage) -> None:
    store = await stage.store()
    item = await stage.item(store)
    page = await stage.act(stage.client.knowledge_stores.search(store, query="a car", group_by="item"))
    assert [hit.item_id for hit in page] == [item]
    assert page[0].matches


@scene("knowledge_store_items.list")
async def list_items(stage: Stage) -> None:
    store = await stage.store()
    made = [await stage.item(store), await stage.item(store)]
    listing = stage.client.knowledge_store_items.list(store, status=["ready"], sort_option="asc")
    assert ids(await stage.act(listing)) == made


@scene("knowledge_store_items.create", Item=1)
async def create_item(stage: Stage) -> None:
    store, picture = await stage.store(), await stage.picture()
    creation = stage.client.knowledge_store_items.create(
        store, asset_id=picture, asset_type="image", metadata={"a": "b"}
    )
    made = await stage.act(creation)
    found = await stage.client.knowledge_store_items.retrieve(store, made.id)
    assert (found.asset_id, found.asset_type, found.metadata) == (picture, "image", {"a": "b"})


@scene("knowledge_store_items.retrieve")
async def retrieve_item(stage: Stage) -> None:
    store = await stage.store()
    made = await stage.item(store)
    found = await stage.act(stage.client.knowledge_store_items.retrieve(store, made))
    assert (found.id, found.status) == (made, "ready")


@scene("knowledge_store_items.delete", Item=-1)
async def delete_item(stage: Stage) -> None:
    store = await stage.store()
    await stage.act(stage.client.knowledge_store_items.delete(store, await stage.item(store)))
    assert len(await stage.client.knowledge_store_items.list(store)) == 0


@scene("knowledge_store_item_collections.list")
async def list_folders(stage: Stage) -> None:
    store = await stage.store()
    made = [await stage.folder(store, "a"), await stage.folder(store, "b")]
    listing = stage.client.knowledge_store_item_collections.list(store, sort_by="name", sort_option="asc")
    assert ids(await stage.act(listing)) == made


@scene("knowledge_store_item_collections.create", ItemCollection=1)
async def create_folder(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    made = await stage.act(folders.create(store, name="best", description="of all", metadata={"a": 1}))
    found = await folders.retrieve(store, made.id)
    assert (found.name, found.description, found.metadata) == ("best", "of all", {"a": 1})


@scene("knowledge_store_item_collections.retrieve")
async def retrieve_folder(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    made = await stage.folder(store, "best")
    found = await stage.act(folders.retrieve(store, made))
    assert (found.id, found.name, found.knowledge_store_id) == (made, "best", store)


@scene("knowledge_store_item_collections.update")
async def update_folder(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    made = await stage.folder(store, "best")
    await stage.act(folders.update(store, made, name="worst"))
    assert (await folders.retrieve(store, made)).name == "worst"


@scene("knowledge_store_item_collections.delete", ItemCollection=-1)
async def delete_folder(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    await stage.act(folders.delete(store, await stage.folder(store)))
    assert len(await folders.list(store)) == 0


@scene("knowledge_store_item_collections.list_items")
async def list_folder(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    folder, items = await stage.folder(store), [await stage.item(store), await stage.item(store)]
    await folders.add_items(store, folder, item_ids=items[:1])
    assert ids(await stage.act(folders.list_items(store, folder))) == items[:1]


@scene("knowledge_store_item_collections.add_items")
async def add_items(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    folder, items = await stage.folder(store), [await stage.item(store), await stage.item(store)]
    found = await stage.act(folders.add_items(store, folder, item_ids=items))
    assert found.member_count == 2
    assert {*ids(await folders.list_items(store, folder))} == {*items}


@scene("knowledge_store_item_collections.remove_items")
async def remove_items(stage: Stage) -> None:
    store, folders = await stage.store(), stage.client.knowledge_store_item_collections
    folder, items = await stage.folder(store), [await stage.item(store), await stage.item(store)]
    await folders.add_items(store, folder, item_ids=items)
    await stage.act(folders.remove_items(store, folder, item_ids=items[1:]))
    assert ids(await folders.list_items(store, folder)) == items[:1]

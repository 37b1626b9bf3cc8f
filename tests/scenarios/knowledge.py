"""Knowledge stores, their items, and collections of these."""

from __future__ import annotations

from scenarios.setup import Harness, ids, scenario


@scenario("knowledge_stores.list")
async def list_stores(harness: Harness) -> None:
    made = [await harness.create_store("one"), await harness.create_store("two")]
    listing = harness.client.knowledge_stores.list(sort_by="created_at", sort_option="asc")
    assert ids(await harness.run(listing)) == made


@scenario("knowledge_stores.create", KnowledgeStore=1)
async def create_store(harness: Harness) -> None:
    wish = {"enrichment_config": {"type": "description", "description": "What kinds of cars?"}}
    creation = harness.client.knowledge_stores.create(name="cars", ingestion_config=wish, metadata={"a": 1})
    made = await harness.run(creation)
    found = await harness.client.knowledge_stores.retrieve(made.id)
    assert (found.name, found.metadata) == ("cars", {"a": 1})
    assert found.ingestion_config is not None


@scenario("knowledge_stores.retrieve")
async def retrieve_store(harness: Harness) -> None:
    made = await harness.create_store("cars")
    await harness.create_item(made)
    found = await harness.run(harness.client.knowledge_stores.retrieve(made))
    assert (found.id, found.name, found.item_count) == (made, "cars", 1)


@scenario("knowledge_stores.update")
async def update_store(harness: Harness) -> None:
    made = await harness.create_store("cars")
    await harness.run(harness.client.knowledge_stores.update(made, description="fast ones"))
    found = await harness.client.knowledge_stores.retrieve(made)
    assert (found.name, found.description) == ("cars", "fast ones")


@scenario("knowledge_stores.delete", KnowledgeStore=-1, Item=-1)
async def delete_store(harness: Harness) -> None:
    made = await harness.create_store()
    await harness.create_item(made)
    await harness.run(harness.client.knowledge_stores.delete(made))
    assert len(await harness.client.knowledge_stores.list()) == 0


@scenario("knowledge_stores.search")
async def search_store(harness: Harness) -> None:
    store = await harness.create_store()
    item = await harness.create_item(store)
    page = await harness.run(harness.client.knowledge_stores.search(store, query="a car", group_by="item"))
    assert [hit.item_id for hit in page] == [item]
    assert page[0].matches


@scenario("knowledge_store_items.list")
async def list_items(harness: Harness) -> None:
    store = await harness.create_store()
    made = [await harness.create_item(store), await harness.create_item(store)]
    listing = harness.client.knowledge_store_items.list(store, status=["ready"], sort_option="asc")
    assert ids(await harness.run(listing)) == made


@scenario("knowledge_store_items.create", Item=1)
async def create_item(harness: Harness) -> None:
    store, picture = await harness.create_store(), await harness.create_image()
    creation = harness.client.knowledge_store_items.create(
        store, asset_id=picture, asset_type="image", metadata={"a": "b"}
    )
    made = await harness.run(creation)
    found = await harness.client.knowledge_store_items.retrieve(store, made.id)
    assert (found.asset_id, found.asset_type, found.metadata) == (picture, "image", {"a": "b"})


@scenario("knowledge_store_items.retrieve")
async def retrieve_item(harness: Harness) -> None:
    store = await harness.create_store()
    made = await harness.create_item(store)
    found = await harness.run(harness.client.knowledge_store_items.retrieve(store, made))
    assert (found.id, found.status) == (made, "ready")


@scenario("knowledge_store_items.delete", Item=-1)
async def delete_item(harness: Harness) -> None:
    store = await harness.create_store()
    await harness.run(harness.client.knowledge_store_items.delete(store, await harness.create_item(store)))
    assert len(await harness.client.knowledge_store_items.list(store)) == 0


@scenario("knowledge_store_item_collections.list")
async def list_item_collections(harness: Harness) -> None:
    store = await harness.create_store()
    made = [await harness.create_item_collection(store, "a"), await harness.create_item_collection(store, "b")]
    listing = harness.client.knowledge_store_item_collections.list(store, sort_by="name", sort_option="asc")
    assert ids(await harness.run(listing)) == made


@scenario("knowledge_store_item_collections.create", ItemCollection=1)
async def create_item_collection(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    made = await harness.run(folders.create(store, name="best", description="of all", metadata={"a": 1}))
    found = await folders.retrieve(store, made.id)
    assert (found.name, found.description, found.metadata) == ("best", "of all", {"a": 1})


@scenario("knowledge_store_item_collections.retrieve")
async def retrieve_item_collection(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    made = await harness.create_item_collection(store, "best")
    found = await harness.run(folders.retrieve(store, made))
    assert (found.id, found.name, found.knowledge_store_id) == (made, "best", store)


@scenario("knowledge_store_item_collections.update")
async def update_item_collection(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    made = await harness.create_item_collection(store, "best")
    await harness.run(folders.update(store, made, name="worst"))
    assert (await folders.retrieve(store, made)).name == "worst"


@scenario("knowledge_store_item_collections.delete", ItemCollection=-1)
async def delete_item_collection(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    await harness.run(folders.delete(store, await harness.create_item_collection(store)))
    assert len(await folders.list(store)) == 0


@scenario("knowledge_store_item_collections.list_items")
async def list_collection_items(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    folder, items = (
        await harness.create_item_collection(store),
        [await harness.create_item(store), await harness.create_item(store)],
    )
    await folders.add_items(store, folder, item_ids=items[:1])
    assert ids(await harness.run(folders.list_items(store, folder))) == items[:1]


@scenario("knowledge_store_item_collections.add_items")
async def add_collection_items(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    folder, items = (
        await harness.create_item_collection(store),
        [await harness.create_item(store), await harness.create_item(store)],
    )
    found = await harness.run(folders.add_items(store, folder, item_ids=items))
    assert found.member_count == 2
    assert {*ids(await folders.list_items(store, folder))} == {*items}


@scenario("knowledge_store_item_collections.remove_items")
async def remove_collection_items(harness: Harness) -> None:
    store, folders = await harness.create_store(), harness.client.knowledge_store_item_collections
    folder, items = (
        await harness.create_item_collection(store),
        [await harness.create_item(store), await harness.create_item(store)],
    )
    await folders.add_items(store, folder, item_ids=items)
    await harness.run(folders.remove_items(store, folder, item_ids=items[1:]))
    assert ids(await folders.list_items(store, folder)) == items[:1]

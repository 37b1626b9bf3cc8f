"""Knowledge stores, their items, and item collections."""

from __future__ import annotations

from scenarios.setup import Harness, ids, scenario


@scenario("knowledge_stores.list")
async def list_stores(harness: Harness) -> None:
    created = [await harness.create_store("one"), await harness.create_store("two")]
    listing = harness.client.knowledge_stores.list(sort_by="created_at", sort_option="asc")
    assert ids(await harness.run(listing)) == created


@scenario("knowledge_stores.create", KnowledgeStore=1)
async def create_store(harness: Harness) -> None:
    ingestion_config = {"enrichment_config": {"type": "description", "description": "What kinds of cars?"}}
    creation = harness.client.knowledge_stores.create(name="cars", ingestion_config=ingestion_config, metadata={"a": 1})
    created = await harness.run(creation)
    found = await harness.client.knowledge_stores.retrieve(created.id)
    assert (found.name, found.metadata) == ("cars", {"a": 1})
    assert found.ingestion_config is not None


@scenario("knowledge_stores.retrieve")
async def retrieve_store(harness: Harness) -> None:
    created = await harness.create_store("cars")
    await harness.create_item(created)
    found = await harness.run(harness.client.knowledge_stores.retrieve(created))
    assert (found.id, found.name, found.item_count) == (created, "cars", 1)


@scenario("knowledge_stores.update")
async def update_store(harness: Harness) -> None:
    created = await harness.create_store("cars")
    await harness.run(harness.client.knowledge_stores.update(created, description="fast ones"))
    found = await harness.client.knowledge_stores.retrieve(created)
    assert (found.name, found.description) == ("cars", "fast ones")


@scenario("knowledge_stores.delete", KnowledgeStore=-1, Item=-1)
async def delete_store(harness: Harness) -> None:
    created = await harness.create_store()
    await harness.create_item(created)
    await harness.run(harness.client.knowledge_stores.delete(created))
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
    created = [await harness.create_item(store), await harness.create_item(store)]
    listing = harness.client.knowledge_store_items.list(store, status=["ready"], sort_option="asc")
    assert ids(await harness.run(listing)) == created


@scenario("knowledge_store_items.create", Item=1)
async def create_item(harness: Harness) -> None:
    store, image = await harness.create_store(), await harness.create_image()
    creation = harness.client.knowledge_store_items.create(
        store, asset_id=image, asset_type="image", metadata={"a": "b"}
    )
    created = await harness.run(creation)
    found = await harness.client.knowledge_store_items.retrieve(store, created.id)
    assert (found.asset_id, found.asset_type, found.metadata) == (image, "image", {"a": "b"})


@scenario("knowledge_store_items.retrieve")
async def retrieve_item(harness: Harness) -> None:
    store = await harness.create_store()
    created = await harness.create_item(store)
    found = await harness.run(harness.client.knowledge_store_items.retrieve(store, created))
    assert (found.id, found.status) == (created, "ready")


@scenario("knowledge_store_items.delete", Item=-1)
async def delete_item(harness: Harness) -> None:
    store = await harness.create_store()
    await harness.run(harness.client.knowledge_store_items.delete(store, await harness.create_item(store)))
    assert len(await harness.client.knowledge_store_items.list(store)) == 0


@scenario("knowledge_store_item_collections.list")
async def list_item_collections(harness: Harness) -> None:
    store = await harness.create_store()
    created = [await harness.create_item_collection(store, "a"), await harness.create_item_collection(store, "b")]
    listing = harness.client.knowledge_store_item_collections.list(store, sort_by="name", sort_option="asc")
    assert ids(await harness.run(listing)) == created


@scenario("knowledge_store_item_collections.create", ItemCollection=1)
async def create_item_collection(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    created = await harness.run(collections.create(store, name="best", description="of all", metadata={"a": 1}))
    found = await collections.retrieve(store, created.id)
    assert (found.name, found.description, found.metadata) == ("best", "of all", {"a": 1})


@scenario("knowledge_store_item_collections.retrieve")
async def retrieve_item_collection(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    created = await harness.create_item_collection(store, "best")
    found = await harness.run(collections.retrieve(store, created))
    assert (found.id, found.name, found.knowledge_store_id) == (created, "best", store)


@scenario("knowledge_store_item_collections.update")
async def update_item_collection(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    created = await harness.create_item_collection(store, "best")
    await harness.run(collections.update(store, created, name="worst"))
    assert (await collections.retrieve(store, created)).name == "worst"


@scenario("knowledge_store_item_collections.delete", ItemCollection=-1)
async def delete_item_collection(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    await harness.run(collections.delete(store, await harness.create_item_collection(store)))
    assert len(await collections.list(store)) == 0


@scenario("knowledge_store_item_collections.list_items")
async def list_collection_items(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    collection, items = (
        await harness.create_item_collection(store),
        [await harness.create_item(store), await harness.create_item(store)],
    )
    await collections.add_items(store, collection, item_ids=items[:1])
    assert ids(await harness.run(collections.list_items(store, collection))) == items[:1]


@scenario("knowledge_store_item_collections.add_items")
async def add_collection_items(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    collection, items = (
        await harness.create_item_collection(store),
        [await harness.create_item(store), await harness.create_item(store)],
    )
    found = await harness.run(collections.add_items(store, collection, item_ids=items))
    assert found.member_count == 2
    assert {*ids(await collections.list_items(store, collection))} == {*items}


@scenario("knowledge_store_item_collections.remove_items")
async def remove_collection_items(harness: Harness) -> None:
    store, collections = await harness.create_store(), harness.client.knowledge_store_item_collections
    collection, items = (
        await harness.create_item_collection(store),
        [await harness.create_item(store), await harness.create_item(store)],
    )
    await collections.add_items(store, collection, item_ids=items)
    await harness.run(collections.remove_items(store, collection, item_ids=items[1:]))
    assert ids(await collections.list_items(store, collection)) == items[:1]

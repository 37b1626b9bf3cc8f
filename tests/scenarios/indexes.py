"""Indexes, indexed assets, and searches."""

from __future__ import annotations

from scenarios.setup import IMAGE, MODELS, VIDEO, Harness, ids, scenario
from twelvelabs_async.emulator import samples


@scenario("indexes.list")
async def list_indexes(harness: Harness) -> None:
    created = [await harness.create_index("one"), await harness.create_index("two")]
    page = await harness.run(harness.client.indexes.list(sort_option="asc"))
    assert ids(page) == created


@scenario("indexes.create", Index=1)
async def create_index(harness: Harness) -> None:
    created = await harness.run(harness.client.indexes.create(index_name="films", models=MODELS, addons=["thumbnail"]))
    assert (await harness.client.indexes.retrieve(created.id)).addons == ("thumbnail",)


@scenario("indexes.retrieve")
async def retrieve_index(harness: Harness) -> None:
    found = await harness.run(harness.client.indexes.retrieve(await harness.create_index("films")))
    assert found.index_name == "films"
    assert found.models[0].model_options == ("visual", "audio")


@scenario("indexes.update")
async def update_index(harness: Harness) -> None:
    index = await harness.create_index("films")
    await harness.run(harness.client.indexes.update(index, index_name="movies"))
    assert (await harness.client.indexes.retrieve(index)).index_name == "movies"


@scenario("indexes.delete", Index=-1, Video=-1)
async def delete_index(harness: Harness) -> None:
    index = await harness.create_index()
    await harness.create_indexed_asset(index)
    await harness.run(harness.client.indexes.delete(index))
    assert len(await harness.client.indexes.list()) == 0


@scenario("indexes.indexed_assets.list")
async def list_indexed_assets(harness: Harness) -> None:
    index = await harness.create_index()
    created = [await harness.create_indexed_asset(index, name) for name in ("a.mp4", "b.mp4")]
    listing = harness.client.indexes.indexed_assets.list(index, status=["ready"], duration={"gte": 1}, filename="b.mp4")
    assert ids(await harness.run(listing)) == created[1:]


@scenario("indexes.indexed_assets.list_by_asset")
async def list_indexed_assets_by_asset(harness: Harness) -> None:
    index, asset = await harness.create_index(), await harness.create_asset()
    created = await harness.client.indexes.indexed_assets.create(index, asset_id=asset)
    page = await harness.run(harness.client.indexes.indexed_assets.list_by_asset(asset))
    assert [(indexed_asset.id, indexed_asset.index.id) for indexed_asset in page] == [(created.id, index)]


@scenario("indexes.indexed_assets.create", Video=1)
async def create_indexed_asset(harness: Harness) -> None:
    index, asset = await harness.create_index(), await harness.create_asset()
    creation = harness.client.indexes.indexed_assets.create(index, asset_id=asset, user_metadata={"year": 2026})
    created = await harness.run(creation)
    found = await harness.client.indexes.indexed_assets.retrieve(index, created.id)
    assert (found.asset_id, found.user_metadata) == (asset, {"year": 2026})


@scenario("indexes.indexed_assets.retrieve")
async def retrieve_indexed_asset(harness: Harness) -> None:
    index = await harness.create_index()
    video = await harness.create_indexed_asset(index)
    retrieval = harness.client.indexes.indexed_assets.retrieve(
        index, video, embedding_option=["visual"], transcription=True
    )
    found = await harness.run(retrieval)
    assert (found.id, found.status) == (video, "ready")
    assert found.embedding is not None
    assert found.transcription


@scenario("indexes.indexed_assets.update")
async def update_indexed_asset(harness: Harness) -> None:
    index = await harness.create_index()
    video = await harness.create_indexed_asset(index)
    await harness.run(harness.client.indexes.indexed_assets.update(index, video, user_metadata={"a": 1}))
    assert (await harness.client.indexes.indexed_assets.retrieve(index, video)).user_metadata == {"a": 1}


@scenario("indexes.indexed_assets.delete", Video=-1)
async def delete_indexed_asset(harness: Harness) -> None:
    index = await harness.create_index()
    await harness.run(harness.client.indexes.indexed_assets.delete(index, await harness.create_indexed_asset(index)))
    assert len(await harness.client.indexes.indexed_assets.list(index)) == 0


@scenario("indexes.videos.list")
async def list_videos(harness: Harness) -> None:
    index = await harness.create_index()
    created = [await harness.create_indexed_asset(index, name) for name in ("a.mp4", "b.mp4")]
    assert ids(await harness.run(harness.client.indexes.videos.list(index, filename="b.mp4"))) == created[1:]


@scenario("indexes.videos.retrieve")
async def retrieve_video(harness: Harness) -> None:
    index = await harness.create_index()
    video = await harness.create_indexed_asset(index)
    found = await harness.run(harness.client.indexes.videos.retrieve(index, video, embedding_option=["audio"]))
    assert found.id == video
    assert found.embedding is not None


@scenario("indexes.videos.update")
async def update_video(harness: Harness) -> None:
    index = await harness.create_index()
    video = await harness.create_indexed_asset(index)
    await harness.run(harness.client.indexes.videos.update(index, video, user_metadata={"a": 1}))
    assert (await harness.client.indexes.indexed_assets.retrieve(index, video)).user_metadata == {"a": 1}


@scenario("indexes.videos.delete", Video=-1)
async def delete_video(harness: Harness) -> None:
    index = await harness.create_index()
    await harness.run(harness.client.indexes.videos.delete(index, await harness.create_indexed_asset(index)))
    assert len(await harness.client.indexes.indexed_assets.list(index)) == 0


@scenario("tasks.list")
async def list_tasks(harness: Harness) -> None:
    index = await harness.create_index()
    created = await harness.client.tasks.create(index_id=index, video_file=VIDEO)
    assert ids(await harness.run(harness.client.tasks.list(index_id=index, status=["ready"]))) == [created.id]


@scenario("tasks.create", Asset=1, Video=1, Task=1)
async def create_task(harness: Harness) -> None:
    index = await harness.create_index()
    created = await harness.run(harness.client.tasks.create(index_id=index, video_file=VIDEO, user_metadata={"a": "b"}))
    assert created.video_id is not None
    assert (await harness.client.indexes.indexed_assets.retrieve(index, created.video_id)).user_metadata == {"a": "b"}


@scenario("tasks.retrieve")
async def retrieve_task(harness: Harness) -> None:
    index = await harness.create_index()
    created = await harness.client.tasks.create(index_id=index, video_file=samples.video(30))
    found = await harness.run(harness.client.tasks.retrieve(created.id))
    assert (found.status, found.index_id, found.system_metadata.duration) == ("ready", index, 30)


@scenario("tasks.delete", Task=-1)
async def delete_task(harness: Harness) -> None:
    index = await harness.create_index()
    created = await harness.client.tasks.create(index_id=index, video_file=VIDEO)
    assert created.video_id is not None
    await harness.client.indexes.videos.delete(index, created.video_id)
    await harness.run(harness.client.tasks.delete(created.id))
    assert len(await harness.client.tasks.list()) == 0


@scenario("search.create")
async def search(harness: Harness) -> None:
    index = await harness.create_index()
    video = await harness.create_indexed_asset(index, "car.mp4")
    await harness.create_indexed_asset(index, "cow.mp4")
    found = await harness.run(
        harness.client.search.create(index_id=index, search_options=["visual"], query_text="a car")
    )
    assert {hit.video_id for hit in found.data} == {video}
    assert found.search_pool.total_count == 2


@scenario("search.query", operation="search.create")
async def search_by_image(harness: Harness) -> None:
    index = await harness.create_index()
    video = await harness.create_indexed_asset(index)
    page = await harness.run(
        harness.client.search.query(
            index_id=index,
            search_options=["visual", "audio"],
            query_media_file=IMAGE,
            group_by="video",
            filter={"duration": {"gte": 10}},
        )
    )
    assert ids(page) == [video]
    assert page[0].clips


@scenario("search.retrieve")
async def retrieve_search_page(harness: Harness) -> None:
    index = await harness.create_index()
    videos = {await harness.create_indexed_asset(index), await harness.create_indexed_asset(index)}
    first = await harness.client.search.create(
        index_id=index, search_options=["visual"], query_text="car", group_by="video", page_limit=1
    )
    assert first.page_info.next_page_token is not None
    second = await harness.run(harness.client.search.retrieve(first.page_info.next_page_token))
    assert {item.id for item in (*first.data, *second.data)} == videos

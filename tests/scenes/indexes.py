"""Indexes, what is in them, and searches."""

from __future__ import annotations

from scenes.stage import FILM, MODELS, PICTURE, Stage, ids, scene
from twelvelabs_async.emulator import samples


@scene("indexes.list")
async def list_indexes(stage: Stage) -> None:
    made = [await stage.index("one"), await stage.index("two")]
    page = await stage.act(stage.client.indexes.list(sort_option="asc"))
    assert ids(page) == made


@scene("indexes.create", Index=1)
async def create_index(stage: Stage) -> None:
    made = await stage.act(stage.client.indexes.create(index_name="films", models=MODELS, addons=["thumbnail"]))
    assert (await stage.client.indexes.retrieve(made.id)).addons == ("thumbnail",)


@scene("indexes.retrieve")
async def retrieve_index(stage: Stage) -> None:
    found = await stage.act(stage.client.indexes.retrieve(await stage.index("films")))
    assert found.index_name == "films"
    assert found.models[0].model_options == ("visual", "audio")


@scene("indexes.update")
async def update_index(stage: Stage) -> None:
    index = await stage.index("films")
    await stage.act(stage.client.indexes.update(index, index_name="movies"))
    assert (await stage.client.indexes.retrieve(index)).index_name == "movies"


@scene("indexes.delete", Index=-1, Video=-1)
async def delete_index(stage: Stage) -> None:
    index = await stage.index()
    await stage.indexed(index)
    await stage.act(stage.client.indexes.delete(index))
    assert len(await stage.client.indexes.list()) == 0


@scene("indexes.indexed_assets.list")
async def list_indexed_assets(stage: Stage) -> None:
    index = await stage.index()
    made = [await stage.indexed(index, name) for name in ("a.mp4", "b.mp4")]
    listing = stage.client.indexes.indexed_assets.list(index, status=["ready"], duration={"gte": 1}, filename="b.mp4")
    assert ids(await stage.act(listing)) == made[1:]


@scene("indexes.indexed_assets.list_by_asset")
async def list_places_of_an_asset(stage: Stage) -> None:
    index, asset = await stage.index(), await stage.asset()
    made = await stage.client.indexes.indexed_assets.create(index, asset_id=asset)
    page = await stage.act(stage.client.indexes.indexed_assets.list_by_asset(asset))
    assert [(place.id, place.index.id) for place in page] == [(made.id, index)]


@scene("indexes.indexed_assets.create", Video=1)
async def create_indexed_asset(stage: Stage) -> None:
    index, asset = await stage.index(), await stage.asset()
    creation = stage.client.indexes.indexed_assets.create(index, asset_id=asset, user_metadata={"year": 2026})
    made = await stage.act(creation)
    found = await stage.client.indexes.indexed_assets.retrieve(index, made.id)
    assert (found.asset_id, found.user_metadata) == (asset, {"year": 2026})


@scene("indexes.indexed_assets.retrieve")
async def retrieve_indexed_asset(stage: Stage) -> None:
    index = await stage.index()
    video = await stage.indexed(index)
    retrieval = stage.client.indexes.indexed_assets.retrieve(
        index, video, embedding_option=["visual"], transcription=True
    )
    found = await stage.act(retrieval)
    assert (found.id, found.status) == (video, "ready")
    assert found.embedding is not None
    assert found.transcription


@scene("indexes.indexed_assets.update")
async def update_indexed_asset(stage: Stage) -> None:
    index = await stage.index()
    video = await stage.indexed(index)
    await stage.act(stage.client.indexes.indexed_assets.update(index, video, user_metadata={"a": 1}))
    assert (await stage.client.indexes.indexed_assets.retrieve(index, video)).user_metadata == {"a": 1}


@scene("indexes.indexed_assets.delete", Video=-1)
async def delete_indexed_asset(stage: Stage) -> None:
    index = await stage.index()
    await stage.act(stage.client.indexes.indexed_assets.delete(index, await stage.indexed(index)))
    assert len(await stage.client.indexes.indexed_assets.list(index)) == 0


@scene("indexes.videos.list")
async def list_videos(stage: Stage) -> None:
    index = await stage.index()
    made = [await stage.indexed(index, name) for name in ("a.mp4", "b.mp4")]
    assert ids(await stage.act(stage.client.indexes.videos.list(index, filename="b.mp4"))) == made[1:]


@scene("indexes.videos.retrieve")
async def retrieve_video(stage: Stage) -> None:
    index = await stage.index()
    video = await stage.indexed(index)
    found = await stage.act(stage.client.indexes.videos.retrieve(index, video, embedding_option=["audio"]))
    assert found.id == video
    assert found.embedding is not None


@scene("indexes.videos.update")
async def update_video(stage: Stage) -> None:
    index = await stage.index()
    video = await stage.indexed(index)
    await stage.act(stage.client.indexes.videos.update(index, video, user_metadata={"a": 1}))
    assert (await stage.client.indexes.indexed_assets.retrieve(index, video)).user_metadata == {"a": 1}


@scene("indexes.videos.delete", Video=-1)
async def delete_video(stage: Stage) -> None:
    index = await stage.index()
    await stage.act(stage.client.indexes.videos.delete(index, await stage.indexed(index)))
    assert len(await stage.client.indexes.indexed_assets.list(index)) == 0


@scene("tasks.list")
async def list_tasks(stage: Stage) -> None:
    index = await stage.index()
    made = await stage.client.tasks.create(index_id=index, video_file=FILM)
    assert ids(await stage.act(stage.client.tasks.list(index_id=index, status=["ready"]))) == [made.id]


@scene("tasks.create", Asset=1, Video=1, Task=1)
async def create_task(stage: Stage) -> None:
    index = await stage.index()
    made = await stage.act(stage.client.tasks.create(index_id=index, video_file=FILM, user_metadata={"a": "b"}))
    assert made.video_id is not None
    assert (await stage.client.indexes.indexed_assets.retrieve(index, made.video_id)).user_metadata == {"a": "b"}


@scene("tasks.retrieve")
async def retrieve_task(stage: Stage) -> None:
    index = await stage.index()
    made = await stage.client.tasks.create(index_id=index, video_file=samples.video(30))
    found = await stage.act(stage.client.tasks.retrieve(made.id))
    assert (found.status, found.index_id, found.system_metadata.duration) == ("ready", index, 30)


@scene("tasks.delete", Task=-1)
async def delete_task(stage: Stage) -> None:
    made = await stage.client.tasks.create(index_id=await stage.index(), video_file=FILM)
    await stage.act(stage.client.tasks.delete(made.id))
    assert len(await stage.client.tasks.list()) == 0


@scene("search.create")
async def search(stage: Stage) -> None:
    index = await stage.index()
    video = await stage.indexed(index, "car.mp4")
    await stage.indexed(index, "cow.mp4")
    found = await stage.act(stage.client.search.create(index_id=index, search_options=["visual"], query_text="a car"))
    assert {hit.video_id for hit in found.data} == {video}
    assert found.search_pool.total_count == 2


@scene("search.query", of="search.create")
async def search_by_picture(stage: Stage) -> None:
    index = await stage.index()
    video = await stage.indexed(index)
    page = await stage.act(
        stage.client.search.query(
            index_id=index,
            search_options=["visual", "audio"],
            query_media_file=PICTURE,
            group_by="video",
            filter={"duration": {"gte": 10}},
        )
    )
    assert ids(page) == [video]
    assert page[0].clips


@scene("search.retrieve")
async def retrieve_search_page(stage: Stage) -> None:
    index = await stage.index()
    videos = {await stage.indexed(index), await stage.indexed(index)}
    first = await stage.client.search.create(
        index_id=index, search_options=["visual"], query_text="car", group_by="video", page_limit=1
    )
    assert first.page_info.next_page_token is not None
    second = await stage.act(stage.client.search.retrieve(first.page_info.next_page_token))
    assert {item.id for item in (*first.data, *second.data)} == videos

"""Assets, and uploads in parts."""

from __future__ import annotations

from scenes.stage import CHUNK, PICTURE, Stage, ids, scene


@scene("assets.list")
async def list_assets(stage: Stage) -> None:
    made = [await stage.picture(), await stage.asset(), await stage.picture()]
    listing = stage.client.assets.list(asset_types=["image"], asset_ids=made[:2])
    assert ids(await stage.act(listing)) == made[:1]


@scene("assets.create", Asset=1)
async def create_asset(stage: Stage) -> None:
    creation = stage.client.assets.create(
        method="direct", file=PICTURE, filename="a b.png", enable_thumbnail=True, user_metadata={"a": ["b"]}
    )
    made = await stage.act(creation)
    found = await stage.client.assets.retrieve(made.id)
    assert (found.filename, found.user_metadata) == ("a b.png", {"a": ["b"]})


@scene("assets.retrieve")
async def retrieve_asset(stage: Stage) -> None:
    asset = await stage.asset("car.mp4")
    found = await stage.act(stage.client.assets.retrieve(asset))
    assert (found.id, found.filename, found.status) == (asset, "car.mp4", "ready")


@scene("assets.retrieve_transcription")
async def retrieve_transcription(stage: Stage) -> None:
    asset = await stage.asset("car.mp4")
    found = await stage.act(stage.client.assets.retrieve_transcription(asset, include=["words"]))
    assert found.status == "ready"
    assert found.words
    assert not found.sentences


@scene("assets.update_user_metadata")
async def update_metadata(stage: Stage) -> None:
    asset = await stage.asset(a="1", b="2")
    await stage.act(stage.client.assets.update_user_metadata(asset, user_metadata={"b": None, "c": 3}))
    assert (await stage.client.assets.retrieve(asset)).user_metadata == {"a": "1", "c": 3}


@scene("assets.replace_user_metadata")
async def replace_metadata(stage: Stage) -> None:
    asset = await stage.asset(a="1")
    await stage.act(stage.client.assets.replace_user_metadata(asset, user_metadata={"b": 2}))
    assert (await stage.client.assets.retrieve(asset)).user_metadata == {"b": 2}


@scene("assets.delete_user_metadata")
async def delete_metadata(stage: Stage) -> None:
    asset = await stage.asset(a="1")
    await stage.act(stage.client.assets.delete_user_metadata(asset))
    assert (await stage.client.assets.retrieve(asset)).user_metadata == {}


@scene("assets.delete", Asset=-1)
async def delete_asset(stage: Stage) -> None:
    await stage.act(stage.client.assets.delete(await stage.asset(), force=True))
    assert len(await stage.client.assets.list()) == 0


@scene("multipart_upload.list_incomplete_uploads")
async def list_uploads(stage: Stage) -> None:
    made = await stage.upload()
    page = await stage.act(stage.client.multipart_upload.list_incomplete_uploads())
    assert [upload.upload_id for upload in page] == [made.upload_id]


@scene("multipart_upload.create", Upload=1)
async def create_upload(stage: Stage) -> None:
    made = await stage.act(
        stage.client.multipart_upload.create(filename="a.mp4", type="video", total_size=3 * CHUNK - 1)
    )
    assert (made.chunk_size, made.total_chunks, len(made.upload_urls)) == (CHUNK, 3, 3)


@scene("multipart_upload.retrieve", of="multipart_upload.get_status")
async def retrieve_upload(stage: Stage) -> None:
    made = await stage.upload()
    found = await stage.act(stage.client.multipart_upload.retrieve(made.upload_id))
    assert (found.status, found.chunks_pending, found.total_size) == ("active", 2, 2 * CHUNK)


@scene("multipart_upload.get_status")
async def list_chunks(stage: Stage) -> None:
    made = await stage.upload()
    page = await stage.act(stage.client.multipart_upload.get_status(made.upload_id))
    assert [(chunk.index, chunk.status) for chunk in page] == [(1, "pending"), (2, "pending")]


@scene("multipart_upload.report_chunk_batch")
async def report_chunks(stage: Stage) -> None:
    made = await stage.upload()
    chunk = await stage.stored(made)
    told = await stage.act(stage.client.multipart_upload.report_chunk_batch(made.upload_id, completed_chunks=[chunk]))
    assert told.total_completed == 1
    assert (await stage.client.multipart_upload.retrieve(made.upload_id)).chunks_completed == 1


@scene("multipart_upload.get_additional_presigned_urls")
async def more_addresses(stage: Stage) -> None:
    made = await stage.upload()
    more = await stage.act(
        stage.client.multipart_upload.get_additional_presigned_urls(made.upload_id, start=2, count=1)
    )
    assert [chunk.chunk_index for chunk in more.upload_urls] == [2]
    assert more.upload_urls[0].url != made.upload_urls[1].url

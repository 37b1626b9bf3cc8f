"""Assets and multipart uploads."""

from __future__ import annotations

from scenarios.setup import CHUNK, IMAGE, Harness, ids, scenario


@scenario("assets.list")
async def list_assets(harness: Harness) -> None:
    created = [await harness.create_image(), await harness.create_asset(), await harness.create_image()]
    listing = harness.client.assets.list(asset_types=["image"], asset_ids=created[:2])
    assert ids(await harness.run(listing)) == created[:1]


@scenario("assets.create", Asset=1)
async def create_asset(harness: Harness) -> None:
    creation = harness.client.assets.create(
        method="direct", file=IMAGE, filename="a b.png", enable_thumbnail=True, user_metadata={"a": ["b"]}
    )
    created = await harness.run(creation)
    found = await harness.client.assets.retrieve(created.id)
    assert (found.filename, found.user_metadata) == ("a b.png", {"a": ["b"]})


@scenario("assets.retrieve")
async def retrieve_asset(harness: Harness) -> None:
    asset = await harness.create_asset("car.mp4")
    found = await harness.run(harness.client.assets.retrieve(asset))
    assert (found.id, found.filename, found.status) == (asset, "car.mp4", "ready")


@scenario("assets.retrieve_transcription")
async def retrieve_transcription(harness: Harness) -> None:
    asset = await harness.create_asset("car.mp4")
    found = await harness.run(harness.client.assets.retrieve_transcription(asset, include=["words"]))
    assert found.status == "ready"
    assert found.words
    assert not found.sentences


@scenario("assets.update_user_metadata")
async def update_metadata(harness: Harness) -> None:
    asset = await harness.create_asset(a="1", b="2")
    await harness.run(harness.client.assets.update_user_metadata(asset, user_metadata={"b": None, "c": 3}))
    assert (await harness.client.assets.retrieve(asset)).user_metadata == {"a": "1", "c": 3}


@scenario("assets.replace_user_metadata")
async def replace_metadata(harness: Harness) -> None:
    asset = await harness.create_asset(a="1")
    await harness.run(harness.client.assets.replace_user_metadata(asset, user_metadata={"b": 2}))
    assert (await harness.client.assets.retrieve(asset)).user_metadata == {"b": 2}


@scenario("assets.delete_user_metadata")
async def delete_metadata(harness: Harness) -> None:
    asset = await harness.create_asset(a="1")
    await harness.run(harness.client.assets.delete_user_metadata(asset))
    assert (await harness.client.assets.retrieve(asset)).user_metadata == {}


@scenario("assets.delete", Asset=-1)
async def delete_asset(harness: Harness) -> None:
    await harness.run(harness.client.assets.delete(await harness.create_asset(), force=True))
    assert len(await harness.client.assets.list()) == 0


@scenario("multipart_upload.list_incomplete_uploads")
async def list_uploads(harness: Harness) -> None:
    created = await harness.create_upload()
    page = await harness.run(harness.client.multipart_upload.list_incomplete_uploads())
    assert [upload.upload_id for upload in page] == [created.upload_id]


@scenario("multipart_upload.create", Upload=1)
async def create_upload(harness: Harness) -> None:
    created = await harness.run(
        harness.client.multipart_upload.create(filename="a.mp4", type="video", total_size=3 * CHUNK - 1)
    )
    assert (created.chunk_size, created.total_chunks, len(created.upload_urls)) == (CHUNK, 3, 3)


@scenario("multipart_upload.retrieve", operation="multipart_upload.get_status")
async def retrieve_upload(harness: Harness) -> None:
    created = await harness.create_upload()
    found = await harness.run(harness.client.multipart_upload.retrieve(created.upload_id))
    assert (found.status, found.chunks_pending, found.total_size) == ("active", 2, 2 * CHUNK)


@scenario("multipart_upload.get_status")
async def list_chunks(harness: Harness) -> None:
    created = await harness.create_upload()
    page = await harness.run(harness.client.multipart_upload.get_status(created.upload_id))
    assert [(chunk.index, chunk.status) for chunk in page] == [(1, "pending"), (2, "pending")]


@scenario("multipart_upload.report_chunk_batch")
async def report_chunks(harness: Harness) -> None:
    created = await harness.create_upload()
    chunk = await harness.upload_first_part(created)
    result = await harness.run(
        harness.client.multipart_upload.report_chunk_batch(created.upload_id, completed_chunks=[chunk])
    )
    assert result.total_completed == 1
    assert (await harness.client.multipart_upload.retrieve(created.upload_id)).chunks_completed == 1


@scenario("multipart_upload.get_additional_presigned_urls")
async def request_more_urls(harness: Harness) -> None:
    created = await harness.create_upload()
    additional = await harness.run(
        harness.client.multipart_upload.get_additional_presigned_urls(created.upload_id, start=2, count=1)
    )
    assert [chunk.chunk_index for chunk in additional.upload_urls] == [2]
    assert additional.upload_urls[0].url != created.upload_urls[1].url

"""Indexes and their videos."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]


async def test_index_names_are_unique(call: SendRequest, make_index: CreateResource) -> None:
    first, second = await make_index("films"), await make_index("songs")
    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    status, error = await call("POST", "/indexes", json={"index_name": "films", "models": models})
    assert (status, error["code"]) == (400, "index_name_already_exists")
    assert (await call("PUT", f"/indexes/{second}", json={"index_name": "films"}))[0] == 400
    assert (await call("PUT", f"/indexes/{first}", json={"index_name": "films"}))[0] == 204
    assert (await call("PUT", f"/indexes/{second}", json={"index_name": "tunes"}))[0] == 204
    _, response = await call("GET", "/indexes", params={"index_name": "tunes"})
    assert [entry["_id"] for entry in response["data"]] == [second]


async def test_indexes_are_listed_in_the_requested_order(
    call: SendRequest, make_index: CreateResource, advance: Callable[[float], None]
) -> None:
    first, second = await make_index("films"), await make_index("songs", "audio")

    async def list_ids(**params: str) -> list[str]:
        return [entry["_id"] for entry in (await call("GET", "/indexes", params=params))[1]["data"]]

    assert await list_ids() == [second, first]
    assert await list_ids(sort_option="asc") == [first, second]
    advance(1)
    await call("PUT", f"/indexes/{first}", json={"index_name": "movies"})
    assert await list_ids(sort_by="updated_at") == [first, second]
    assert await list_ids(model_options="visual,audio") == [first]
    assert await list_ids(model_family="pegasus") == []
    assert await list_ids(updated_at="2026-01-01T00:00:01Z") == [first]
    assert await list_ids(created_at="2026-01-01T00:00:01Z") == []
    status, error = await call("GET", "/indexes", params={"model_family": "foo"})
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_only_ready_videos_are_counted(
    call: SendRequest, make_index: CreateResource, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    index, asset = await make_index(), await make_asset("film.mp4", samples.video(20))
    advance(10)
    await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset})
    _, before = await call("GET", f"/indexes/{index}")
    assert (before["video_count"], before["total_duration"]) == (0, 0)
    assert (await call("GET", f"/indexes/{index}/videos"))[1]["data"] == []
    advance(50)
    _, after = await call("GET", f"/indexes/{index}")
    assert after["video_count"] == 1
    assert after["total_duration"] >= 4
    assert len((await call("GET", f"/indexes/{index}/videos"))[1]["data"]) == 1


async def test_the_status_of_an_indexed_asset_changes_over_time(
    call: SendRequest,
    make_index: CreateResource,
    make_asset: CreateResource,
    session: aiohttp.ClientSession,
    advance: Callable[[float], None],
) -> None:
    index, asset = await make_index(), await make_asset()
    advance(10)
    async with session.post(f"indexes/{index}/indexed-assets", json={"asset_id": asset}) as response:
        assert response.status == 202
        video = (await response.json())["_id"]
        assert response.headers["Location"].endswith(f"/indexes/{index}/indexed-assets/{video}")
    statuses: list[str] = []
    for seconds in (0, 10, 10, 29.9, 0.1):
        advance(seconds)
        _, body = await call("GET", f"/indexes/{index}/indexed-assets/{video}")
        statuses.append(body["status"])
        assert ("indexed_at" in body) == (body["status"] == "ready")
    assert statuses == ["pending", "queued", "indexing", "indexing", "ready"]


async def test_an_asset_must_be_ready_to_be_indexed(
    call: SendRequest, make_index: CreateResource, make_asset: CreateResource
) -> None:
    index, asset = await make_index(), await make_asset()
    path = f"/indexes/{index}/indexed-assets"
    status, error = await call("POST", path, json={"asset_id": asset})
    assert (status, error["code"]) == (400, "asset_not_ready")
    status, error = await call("POST", path, json={"asset_id": "0" * 24})
    assert (status, error["code"]) == (404, "resource_not_exist")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (samples.video(3.9), "video_duration_too_short"),
        (samples.video(4 * 3600 + 1), "video_duration_too_long"),
        (samples.video(width=352, height=640), "video_resolution_too_low"),
        (samples.video(width=5186, height=2160), "video_resolution_too_high"),
        (samples.video(width=400, height=1000), "video_resolution_invalid_aspect_ratio"),
    ],
)
async def test_a_video_outside_the_limits_is_rejected(
    call: SendRequest,
    make_index: CreateResource,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    content: bytes,
    code: str,
) -> None:
    pytest.importorskip("pymediainfo")
    index, asset = await make_index(), await make_asset("film.mp4", content)
    advance(10)
    status, error = await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset})
    assert (status, error["code"]) == (400, code)


async def test_the_same_asset_can_be_indexed_twice(
    call: SendRequest, make_index: CreateResource, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    index, asset = await make_index("films"), await make_asset()
    advance(10)
    for _ in range(2):
        assert (await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset}))[0] == 202
    _, response = await call("GET", f"/assets/{asset}/indexed-assets")
    assert [entry["index"] for entry in response["data"]] == [{"_id": index, "name": "films"}] * 2


async def test_videos_are_found_by_their_properties(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    pytest.importorskip("pymediainfo")
    index = await make_index()
    short_video = await make_video(index, "short.mp4", samples.video(10), user_metadata={"colour": "red", "year": 1999})
    long_video = await make_video(index, "long.mp4", samples.video(60), user_metadata={"colour": "blue"})

    async def find(query: str, collection: str = "indexed-assets") -> list[str]:
        return [entry["_id"] for entry in (await call("GET", f"/indexes/{index}/{collection}?{query}"))[1]["data"]]

    assert await find("") == [long_video, short_video]
    assert await find("duration[gte]=20&duration[lte]=100") == [long_video]
    assert await find("duration=10") == [short_video]
    assert await find("filename=long.mp4", "videos") == [long_video]
    assert await find("colour=red", "videos") == [short_video]
    assert await find("user_metadata[year]=1999") == [short_video]
    assert await find("status=failed") == []
    assert await find("status=failed&status=ready") == [long_video, short_video]
    assert await find("created_at=2030-01-01T00:00:00Z") == []


async def test_videos_are_found_by_metadata_of_every_type(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    fields = {"year": 1999, "rating": 7.5, "seen": True, "tags": ["old", "red"]}
    video = await make_video(index, "talk.wav", samples.audio(), user_metadata=fields)

    async def find(query: str) -> list[str]:
        return [entry["_id"] for entry in (await call("GET", f"/indexes/{index}/videos?{query}"))[1]["data"]]

    for query in ("year=1999", "rating=7.5", "seen=true", "tags=red", "year=1999&seen=TRUE"):
        assert await find(query) == [video]
    for query in ("year=x", "rating=8", "seen=false", "tags=blue", "nothing=1", "width[gte]=1"):
        assert await find(query) == []


async def test_metadata_of_a_video_is_merged(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    video = await make_video(index, user_metadata={"colour": "red", "year": 1999})
    path = f"/indexes/{index}/indexed-assets/{video}"
    assert (await call("PATCH", path, json={"user_metadata": {"year": None, "seen": True}}))[0] == 204
    assert (await call("PATCH", path, headers={"content-type": "application/json"}))[0] == 204
    assert (await call("GET", path))[1]["user_metadata"] == {"colour": "red", "seen": True}
    old_path = f"/indexes/{index}/videos/{video}"
    assert (await call("PATCH", old_path, json={"user_metadata": {"seen": False}}))[0] == 204
    assert (await call("GET", old_path))[1]["user_metadata"] == {"colour": "red", "seen": False}


async def test_vectors_and_transcription_are_returned_on_request(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    video = await make_video(index, "red car.mp4", samples.video(12), enable_video_stream=True)
    path = f"/indexes/{index}/indexed-assets/{video}"
    _, default_response = await call("GET", path)
    assert not {"embedding", "transcription"} & default_response.keys()
    assert default_response["hls"]["status"] == "COMPLETE"
    _, response_with_options = await call(
        "GET", path + "?embedding_option=visual&embedding_option=audio&transcription=true"
    )
    segments = response_with_options["embedding"]["video_embedding"]["segments"]
    assert {segment["embedding_option"] for segment in segments} == {"visual", "audio"}
    assert {len(segment["float"]) for segment in segments} == {512}
    assert (
        response_with_options
        == (await call("GET", path + "?embedding_option=visual&embedding_option=audio&transcription=true"))[1]
    )
    assert response_with_options["transcription"][0]["value"] == "red car mp4"


async def test_videos_and_indexes_can_be_deleted(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    first, second = await make_video(index), await make_video(index)
    assert (await call("DELETE", f"/indexes/{index}/videos/{first}"))[0] == 204
    assert (await call("GET", f"/indexes/{index}/indexed-assets/{first}"))[0] == 404
    _, response = await call("GET", f"/indexes/{index}/indexed-assets/{second}")
    assert (await call("DELETE", f"/indexes/{index}"))[0] == 204
    assert (await call("GET", f"/indexes/{index}"))[0] == 404
    assert (await call("GET", f"/assets/{response['asset_id']}/indexed-assets"))[1]["data"] == []


async def test_free_indexes_expire(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    advance: Callable[[float], None],
) -> None:
    session = await connect(await serve(plan=Plan.named("free")))
    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    async with session.post("indexes", json={"index_name": "films", "models": models}) as response:
        index = (await response.json())["_id"]
    async with session.get(f"indexes/{index}") as response:
        assert (await response.json())["expires_at"] == "2026-04-01T00:00:00Z"
    advance(90 * 86_400)
    async with session.get(f"indexes/{index}") as response:
        assert response.status == 404

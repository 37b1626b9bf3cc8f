"""Legacy tasks that upload and index a video in one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]


async def test_a_task_creates_an_asset_and_a_video(
    call: SendRequest, form: Form, make_index: CreateResource, advance: Callable[[float], None]
) -> None:
    index = await make_index()
    data = form("film.mp4", index_id=index, user_metadata={"colour": "red"}, video_file=samples.video())
    status, created = await call("POST", "/tasks", data=data)
    assert status == 201
    statuses: list[str] = []
    for seconds in (0, 5, 5, 10, 10, 30):
        advance(seconds)
        _, task = await call("GET", f"/tasks/{created['_id']}")
        statuses.append(task["status"])
    assert statuses == ["uploading", "validating", "pending", "queued", "indexing", "ready"]
    assert task["hls"]["status"] == "COMPLETE"
    _, video = await call("GET", f"/indexes/{index}/videos/{created['video_id']}")
    assert video["user_metadata"] == {"colour": "red"}
    assert (await call("GET", f"/assets/{video['asset_id']}"))[1]["filename"] == "film.mp4"


async def test_a_video_from_a_url_is_fetched_first(call: SendRequest, form: Form, make_index: CreateResource) -> None:
    data = form(index_id=await make_index(), video_url="https://example.com/film.mp4")
    _, created = await call("POST", "/tasks", data=data)
    assert (await call("GET", f"/tasks/{created['_id']}"))[1]["status"] == "uploading"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (samples.video(2), "video_duration_too_short"),
        (samples.video(4 * 3600 + 1), "video_duration_too_long"),
        (samples.video(width=320, height=180), "video_resolution_too_low"),
        (samples.video(width=5186, height=2160), "video_resolution_too_high"),
        (samples.video(width=400, height=1000), "video_resolution_invalid_aspect_ratio"),
        (b"no video", "video_file_broken"),
    ],
)
async def test_a_video_that_cannot_be_indexed_has_no_task(
    call: SendRequest, form: Form, make_index: CreateResource, content: bytes, code: str
) -> None:
    pytest.importorskip("pymediainfo")
    index = await make_index()
    status, error = await call("POST", "/tasks", data=form("film.mp4", index_id=index, video_file=content))
    assert (status, error["code"]) == (400, code)
    for path in ("/tasks", "/assets"):
        assert (await call("GET", path))[1]["data"] == []


async def test_a_failed_task_has_no_video(
    call: SendRequest, form: Form, make_index: CreateResource, emulator: Emulator, advance: Callable[[float], None]
) -> None:
    index = await make_index()
    emulator.faults.add("POST /tasks", processing_error="The video has no frames.")
    _, created = await call("POST", "/tasks", data=form("film.mp4", index_id=index, video_file=samples.video()))
    advance(60)
    assert (await call("GET", f"/tasks/{created['_id']}"))[1]["status"] == "failed"
    assert (await call("GET", f"/indexes/{index}/videos"))[1]["data"] == []
    assert (await call("GET", f"/indexes/{index}/videos/{created['video_id']}"))[0] == 404


async def test_a_task_can_be_deleted_after_its_video(
    call: SendRequest, form: Form, make_index: CreateResource, advance: Callable[[float], None]
) -> None:
    index = await make_index()
    _, created = await call("POST", "/tasks", data=form("film.mp4", index_id=index, video_file=samples.video()))
    path = f"/tasks/{created['_id']}"
    status, error = await call("DELETE", path)
    assert (status, error["code"]) == (400, "task_cannot_be_deleted")
    advance(60)
    status, error = await call("DELETE", path)
    assert (status, error["code"]) == (400, "task_cannot_be_deleted")
    assert created["video_id"] in error["message"]
    assert (await call("DELETE", f"/indexes/{index}/videos/{created['video_id']}"))[0] == 204
    assert (await call("DELETE", path))[0] == 204
    assert (await call("GET", path))[0] == 404


async def test_a_failed_task_can_be_deleted(
    call: SendRequest, form: Form, make_index: CreateResource, emulator: Emulator, advance: Callable[[float], None]
) -> None:
    emulator.faults.add("POST /tasks", processing_error="The video has no frames.")
    data = form("film.mp4", index_id=await make_index(), video_file=samples.video())
    _, created = await call("POST", "/tasks", data=data)
    advance(60)
    assert (await call("DELETE", f"/tasks/{created['_id']}"))[0] == 204


@pytest.mark.parametrize("filename", ["a.wav", "a.mp3", "a.png", "a.pdf"])
async def test_a_task_takes_videos_only(
    call: SendRequest, form: Form, make_index: CreateResource, filename: str
) -> None:
    index = await make_index()
    for fields in ({"video_file": samples.audio()}, {"video_url": f"https://example.com/{filename}"}):
        status, error = await call("POST", "/tasks", data=form(filename, index_id=index, **fields))
        assert (status, error["code"]) == (400, "video_file_broken")


async def test_tasks_are_filtered_by_their_fields(
    call: SendRequest, form: Form, make_index: CreateResource, advance: Callable[[float], None]
) -> None:
    first_index, second_index = await make_index("films"), await make_index("songs")
    tasks: list[str] = []
    for index, name in ((first_index, "a.mp4"), (second_index, "b.mp4")):
        _, created = await call("POST", "/tasks", data=form(name, index_id=index, video_file=samples.video()))
        tasks.append(created["_id"])

    async def find(query: str) -> list[str]:
        return [entry["_id"] for entry in (await call("GET", f"/tasks?{query}"))[1]["data"]]

    assert await find("") == tasks[::-1]
    assert await find(f"index_id={first_index}") == tasks[:1]
    assert await find("filename=b.mp4") == tasks[1:]
    assert await find("status=ready") == []
    advance(60)
    assert await find("status=ready&width=1280&sort_option=asc") == tasks
    assert await find("updated_at=2026-01-02T00:00:00Z") == []


@pytest.mark.parametrize("fields", [{}, {"video_url": "ftp://example.com/film.mp4"}])
async def test_a_task_needs_a_video(
    call: SendRequest, form: Form, make_index: CreateResource, fields: dict[str, str]
) -> None:
    assert (await call("POST", "/tasks", data=form(index_id=await make_index(), **fields)))[0] == 400

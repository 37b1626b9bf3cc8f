"""Embeddings of the version 1 endpoints."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, Window, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
Form = Callable[..., aiohttp.FormData]
Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
Advance = Callable[[float], None]
Embed = Callable[..., Awaitable[tuple[int, Any]]]

WEEK = 7 * 86_400
FILM = samples.video(20)


@pytest.fixture
def embed(call: SendRequest, form: Form) -> Embed:
    async def send(filename: str = "upload", /, **fields: Any) -> tuple[int, Any]:
        return await call("POST", "/embed", data=form(filename, **{"model_name": "marengo3.0", **fields}))

    return send


@pytest.fixture
def task(call: SendRequest, form: Form) -> Embed:
    async def send(filename: str = "film.mp4", /, **fields: Any) -> tuple[int, Any]:
        return await call("POST", "/embed/tasks", data=form(filename, **{"model_name": "marengo3.0", **fields}))

    return send


async def test_a_text_has_one_vector(embed: Embed) -> None:
    status, body = await embed(text="a red car")
    assert (status, body["model_name"], body.keys()) == (200, "marengo3.0", {"model_name", "text_embedding"})
    (segment,) = body["text_embedding"]["segments"]
    assert segment.keys() == {"float"}
    assert len(segment["float"]) == 512
    assert math.hypot(*segment["float"]) == pytest.approx(1, abs=1e-6)


async def test_the_parameter_text_truncate_has_three_values(embed: Embed) -> None:
    for value in ("none", "start", "end"):
        assert (await embed(text="a red car", text_truncate=value))[0] == 200
    status, error = await embed(text="a red car", text_truncate="middle")
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_the_same_input_has_the_same_vector(embed: Embed) -> None:
    (_, first), (_, second), (_, different) = [await embed(text=text) for text in ("car", "car", "bus")]
    assert first == second != different


async def test_another_seed_produces_different_vectors(
    embed: Embed, serve: Serve, connect: Connect, form: Form
) -> None:
    session = await connect(await serve(seed=8))
    async with session.post("embed", data=form(model_name="marengo3.0", text="car")) as response:
        assert await response.json() != (await embed(text="car"))[1]


async def test_images_and_audio_are_files_or_urls(embed: Embed) -> None:
    status, body = await embed("a", text="b", image_file=samples.image(), audio_file=samples.audio(13))
    assert status == 200
    assert body["image_embedding"]["metadata"] == {"input_filename": "a"}
    offsets = [(part["start_offset_sec"], part["end_offset_sec"]) for part in body["audio_embedding"]["segments"]]
    assert offsets == [(0, 6), (6, 12)], "a segment shorter than two seconds is omitted"
    url = "https://example.com/a.png"
    _, body = await embed(image_url=url)
    assert (await embed(image_url="https://example.com/a"))[1]["image_embedding"]["segments"]
    assert body["image_embedding"]["metadata"] == {"input_url": url}
    _, body = await embed("a.wav", audio_file=samples.audio(13), audio_start_offset_sec="5")
    assert body["audio_embedding"]["segments"][0]["start_offset_sec"] == 5


async def test_a_file_that_cannot_be_fetched_has_an_error_message(embed: Embed) -> None:
    status, body = await embed(text="a", audio_url="https://a.invalid/b.wav", image_url="https://a.invalid/b.png")
    assert status == 200
    for medium in ("audio", "image"):
        assert body[f"{medium}_embedding"]["error_message"]
        assert "segments" not in body[f"{medium}_embedding"]
    assert body["text_embedding"]["segments"]


INVALID: list[tuple[dict[str, Any], str]] = [
    ({}, "parameter_not_provided"),
    ({"text": "a", "model_name": "marengo9"}, "parameter_invalid"),
    ({"text": "word " * 501}, "parameter_invalid"),
    ({"image_url": "https://example.com/a.mp4"}, "parameter_invalid"),
    ({"image_file": samples.audio()}, "parameter_invalid"),
    ({"audio_file": b"no sound"}, "parameter_invalid"),
    ({"audio_file": samples.audio(), "audio_start_offset_sec": "12"}, "parameter_invalid"),
    ({"audio_file": samples.audio(), "audio_start_offset_sec": "x"}, "parameter_invalid"),
    ({"audio_file": samples.audio(601, rate=100)}, "parameter_invalid"),
]


async def test_invalid_requests_are_rejected(embed: Embed) -> None:
    for fields, code in INVALID:
        status, body = await embed(**fields)
        assert (status, body["code"]) == (400, code), fields


async def test_json_is_rejected(call: SendRequest) -> None:
    for path in ("/embed", "/embed/tasks"):
        status, body = await call("POST", path, json={"model_name": "marengo3.0", "text": "a"})
        assert (status, body["code"]) == (400, "content_type_invalid")


async def test_a_video_is_embedded_by_a_task(call: SendRequest, task: Embed, advance: Advance) -> None:
    status, created = await task(video_file=FILM, video_embedding_scope=["clip", "video"])
    assert (status, created.keys()) == (200, {"_id"})
    path = f"/embed/tasks/{created['_id']}"
    _, before = await call("GET", path + "/status")
    assert before["status"] == "processing"
    assert before["video_embedding"]["metadata"] == {
        "input_filename": "film.mp4",
        "video_clip_length": 6,
        "video_embedding_scope": ["clip", "video"],
        "duration": 20,
        "video_embedding_option": ["visual", "audio", "transcription"],
    }
    status, unfinished = await call("GET", path)
    assert (status, unfinished["status"]) == (200, "processing")
    assert "segments" not in unfinished["video_embedding"]
    advance(50)
    assert (await call("GET", path + "/status"))[1]["status"] == "ready"
    _, completed = await call("GET", path)
    visual = [part for part in completed["video_embedding"]["segments"] if part["embedding_option"] == "visual"]
    segments = [(part["embedding_scope"], part["start_offset_sec"], part["end_offset_sec"]) for part in visual]
    assert segments == [("clip", 0, 6), ("clip", 6, 12), ("clip", 12, 18), ("clip", 18, 20), ("video", 0, 20)]
    assert len(visual[0]["float"]) == 512
    _, audio_only = await call("GET", path + "?embedding_option=audio")
    assert {part["embedding_option"] for part in audio_only["video_embedding"]["segments"]} == {"audio"}


async def test_a_part_of_a_video_can_have_another_segment_length(
    call: SendRequest, task: Embed, advance: Advance
) -> None:
    fields = {"video_start_offset_sec": 5, "video_end_offset_sec": 15, "video_clip_length": 4}
    _, created = await task(video_file=samples.video(20, sound=False), **fields)
    advance(50)
    _, completed = await call("GET", f"/embed/tasks/{created['_id']}")
    assert [part["end_offset_sec"] for part in completed["video_embedding"]["segments"]] == [9, 13, 15]


async def test_a_video_that_cannot_be_fetched_fails_its_task(call: SendRequest, task: Embed, advance: Advance) -> None:
    status, created = await task(video_url="https://a.invalid/b.mp4", video_file=FILM)
    assert status == 200, "the URL has priority over the file"
    advance(50)
    _, body = await call("GET", f"/embed/tasks/{created['_id']}")
    assert (body["status"], body["video_embedding"].keys()) == ("failed", {"metadata"})


INVALID_VIDEOS: list[tuple[dict[str, Any], str]] = [
    ({}, "parameter_not_provided"),
    ({"video_file": FILM, "video_clip_length": 1}, "parameter_invalid"),
    ({"video_file": FILM, "video_clip_length": 11}, "parameter_invalid"),
    ({"video_file": FILM, "video_start_offset_sec": 1}, "parameter_not_provided"),
    ({"video_file": FILM, "video_end_offset_sec": 9}, "parameter_not_provided"),
    ({"video_file": FILM, "video_start_offset_sec": 9, "video_end_offset_sec": 9}, "parameter_invalid"),
    ({"video_file": FILM, "video_start_offset_sec": 9, "video_end_offset_sec": 21}, "parameter_invalid"),
    ({"video_file": FILM, "video_start_offset_sec": 20, "video_end_offset_sec": 21}, "parameter_invalid"),
    ({"video_file": FILM, "video_start_offset_sec": 9, "video_end_offset_sec": 12}, "parameter_invalid"),
    ({"video_file": FILM, "video_embedding_scope": "asset"}, "parameter_invalid"),
    ({"video_file": samples.video(2)}, "video_duration_too_short"),
    ({"video_file": b"no video"}, "video_file_broken"),
    ({"video_url": "https://example.com/a.mp3"}, "video_file_broken"),
]


async def test_invalid_video_fields_are_rejected(task: Embed) -> None:
    for fields, code in INVALID_VIDEOS:
        status, body = await task(**fields)
        assert (status, body["code"]) == (400, code), fields


async def test_lists_contain_tasks_of_the_last_seven_days(call: SendRequest, task: Embed, advance: Advance) -> None:
    _, old = await task(video_file=FILM)
    advance(WEEK)
    _, new = await task(video_file=FILM)

    async def ids(query: str = "") -> list[str]:
        status, body = await call("GET", f"/embed/tasks{query}")
        assert status == 200
        return [entry["_id"] for entry in body["data"]]

    assert await ids() == [new["_id"]]
    assert await ids("?started_at=2026-01-01T00:00:00Z") == [new["_id"], old["_id"]]
    assert await ids("?ended_at=2026-01-02T00:00:00Z") == [old["_id"]]
    assert await ids("?status=processing") == [new["_id"]]
    assert await ids("?status=ready") == []
    status, body = await call("GET", f"/embed/tasks/{old['_id']}")
    assert (status, body["code"]) == (400, "parameter_invalid"), "the embeddings are deleted"
    assert (await call("GET", "/embed/tasks?started_at=yesterday"))[0] == 400
    assert (await call("GET", "/embed/tasks?status=queued"))[0] == 400


async def test_each_kind_of_content_has_its_own_limit(serve: Serve, connect: Connect, form: Form) -> None:
    limit = Window(1)
    emulator = await serve(plan=Plan(windows={"embed-text": limit, "embed-image": limit, "embed-video": limit}))
    session = await connect(emulator)

    async def status(path: str = "embed", **fields: Any) -> int:
        async with session.post(path, data=form("a.mp4", model_name="marengo3.0", **fields)) as response:
            if response.status == 200:
                assert response.headers.get("X-Ratelimit-Remaining", "0") == "0"
            return response.status

    photo = "https://example.com/a.png"
    assert [await status(text="a"), await status(text="b")] == [200, 429]
    assert await status(text="a", image_url=photo) == 429, "a rejected request does not count in any category"
    assert [await status(image_url=photo), await status(image_url=photo)] == [200, 429]
    assert [await status("embed/tasks", video_file=FILM), await status("embed/tasks", video_file=FILM)] == [200, 429]
    for _ in range(2):
        assert await status(audio_url="https://example.com/a.wav") == 200
    async with session.post("embed-v2", json={"input_type": "text"}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (429, "too_many_requests")


@pytest.mark.parametrize(
    ("kinds", "text", "limited_categories"),
    [
        (["image"], "a", {"embed-text-image"}),
        (["image", "audio"], None, {"embed-image", "embed-audio"}),
        (["video", "document"], "a", {"embed-video"}),
        (["document"], None, {"embed-text"}),
        ([], "a", {"embed-text"}),
    ],
)
async def test_several_inputs_count_in_their_categories(
    serve: Serve, connect: Connect, kinds: list[str], text: str | None, limited_categories: set[str]
) -> None:
    categories = ["text", "image", "text-image", "audio", "video"]
    for category in (f"embed-{name}" for name in categories):
        session = await connect(await serve(plan=Plan(windows={category: Window(1)})))
        multi_input = {"input_text": text, "media_sources": [{"media_type": medium} for medium in kinds]}
        statuses: list[int] = []
        for _ in range(2):
            async with session.post(
                "embed-v2", json={"input_type": "multi_input", "multi_input": multi_input}
            ) as response:
                statuses.append(response.status)
        assert statuses == [400, 429 if category in limited_categories else 400]

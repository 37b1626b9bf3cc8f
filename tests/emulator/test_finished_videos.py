"""Videos that a test adds without an upload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, ThreadedEmulator, Timing

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

SCENES = [(0, 5, "a red car"), (5, 9, "a blue boat")]


@pytest.mark.parametrize("timing", [Timing(asset=99, indexing=99), Timing(polls=5), Timing(realtime=2)])
async def test_an_added_video_is_ready_and_searchable_with_any_timing(
    emulator: Emulator, call: SendRequest, form: Form, timing: Timing
) -> None:
    emulator.timing = timing
    video = emulator.add_video("films", "drive.mp4", SCENES, user_metadata={"place": "Rome"})
    _, asset = await call("GET", f"/assets/{video.asset.id}")
    assert (asset["status"], asset["filename"]) == ("ready", "drive.mp4")
    _, response = await call("GET", f"/indexes/{video.index_id}/indexed-assets/{video.id}")
    assert (response["status"], response["user_metadata"]) == ("ready", {"place": "Rome"})
    assert response["indexed_at"] == response["created_at"]
    assert response["system_metadata"]["duration"] == 9
    query = form(index_id=video.index_id, query_text="boat", search_options="visual")
    _, hits = await call("POST", "/search", data=query)
    assert [(hit["video_id"], hit["start"], hit["end"]) for hit in hits["data"]] == [(video.id, 5, 9)]


async def test_a_video_is_added_to_an_index_by_id_or_name(emulator: Emulator, make_index: CreateResource) -> None:
    index = await make_index("films")
    by_id, by_name = emulator.add_video(index, "a.mp4"), emulator.add_video("films", "b.mp4")
    assert (by_id.index_id, by_name.index_id) == (index, index)
    in_new_index = emulator.add_video("others", "c.mp4")
    assert emulator.state.indexes[in_new_index.index_id].options == {"visual", "audio"}
    assert [*emulator.state.indexes] == [index, in_new_index.index_id]


async def test_a_video_can_have_a_transcript_and_a_duration(
    emulator: Emulator, call: SendRequest, tmp_path: Path
) -> None:
    (tmp_path / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nAhoy\n")
    video = emulator.add_video("films", tmp_path / "talk.mp4", duration=90)
    assert (video.asset.filename, video.asset.media.duration) == ("talk.mp4", 90)
    _, transcription = await call("GET", f"/assets/{video.asset.id}/transcription?include=sentences")
    assert [sentence["value"] for sentence in transcription["sentences"]] == ["Ahoy"]
    assert emulator.add_video("films", "plain.mp4").asset.media.duration == 60


async def test_a_video_belongs_to_an_organization(serve: Callable[..., Awaitable[Emulator]]) -> None:
    emulator = await serve(api_keys={"second": "other"})
    emulator.add_video("films", "a.mp4", organization="other")
    assert emulator.state.videos == {}
    assert len(emulator.state.other_organizations["other"].videos) == 1


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"file": "notes.txt"}, "cannot be indexed"),
    ({"file": "a.mp4", "duration": 1}, "shorter than the 4 s"),
    ({"file": "a.mp4", "duration": 5, "scenes": SCENES}, "end of the last scene, 9 s"),
    ({"file": "a.mp4", "scenes": [(5, 1, "a car")]}, "passage"),
    ({"file": "a.mp4", "user_metadata": {"a": [[]]}}, "user_metadata"),
]


@pytest.mark.parametrize(("arguments", "reason"), INVALID)
def test_an_invalid_video_changes_nothing(arguments: dict[str, Any], reason: str) -> None:
    emulator = Emulator()
    with pytest.raises(ValueError, match=reason):
        emulator.add_video("films", **arguments)
    assert (emulator.state.indexes, emulator.state.assets, emulator.state.descriptions.by_filename) == ({}, {}, {})


def test_a_video_can_be_added_to_a_threaded_emulator() -> None:
    with ThreadedEmulator() as emulator:
        video = emulator.add_video("films", "a.mp4", SCENES)
        assert emulator.state.videos == {video.id: video}


async def test_a_video_can_be_added_over_http(
    emulator: Emulator, session: aiohttp.ClientSession, call: SendRequest
) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/videos"
    body = {"index": "films", "filename": "a.mp4", "scenes": SCENES, "transcript": "Ahoy", "user_metadata": {"a": 1}}
    async with session.post(url, json=body) as response:
        assert response.status == 201
        created = await response.json()
    status, indexed = await call("GET", f"/indexes/{created['index_id']}/indexed-assets/{created['video_id']}")
    assert (status, indexed["status"], indexed["asset_id"]) == (200, "ready", created["asset_id"])
    for invalid_body in (
        {"index": "films"},
        {"filename": "a.mp4"},
        {**body, "filename": "a.txt"},
        {**body, "speed": 1},
    ):
        async with session.post(url, json=invalid_body) as response:
            assert response.status == 400
            assert (await response.json())["error"]


async def test_a_file_is_described_without_a_transcript(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/scenes"
    async with session.post(url, json={"filename": "clip.mp4", "scenes": SCENES}) as response:
        assert response.status == 204

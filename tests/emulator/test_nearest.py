"""The search mode `nearest`: order of hits, searches without a match, and audio files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
Form = Callable[..., aiohttp.FormData]
Serve = Callable[..., Awaitable[Emulator]]
Search = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def emulator(serve: Serve) -> Emulator:
    return await serve(search="nearest")


@pytest.fixture
def search(emulator: Emulator, call: SendRequest, form: Form) -> Search:
    async def send(text: str | None, *options: str, **fields: Any) -> list[dict[str, Any]]:
        (index,) = emulator.state.indexes
        fields = {"index_id": index, "search_options": list(options or ["visual"]), "page_limit": 50, **fields}
        if text is not None:
            fields["query_text"] = text
        status, response = await call("POST", "/search", data=form(**fields))
        assert status == 200, response
        return list(response["data"])

    return send


def segments_of(hits: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    return [(hit["video_id"], hit["start"], hit["end"]) for hit in hits]


async def test_a_query_that_matches_nothing_finds_every_video(emulator: Emulator, search: Search) -> None:
    videos = {emulator.add_video("films", f"{name}.mp4", duration=60).id for name in ("red", "blue")}
    hits = await search("an otter swims")
    assert {hit["video_id"] for hit in hits} == videos
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    assert all(0 <= hit["start"] < hit["end"] <= 60 for hit in hits)
    assert segments_of(await search("an otter swims")) == segments_of(hits)
    assert {hit["video_id"] for hit in await search("red")} < videos, "words that match exclude other videos"


async def test_the_nearest_hits_are_scenes(emulator: Emulator, search: Search) -> None:
    scenes = [(0, 5, "a red car"), (5, 12, "a blue boat")]
    video = emulator.add_video("films", "clip.mp4", scenes)
    assert set(segments_of(await search("otter"))) <= {(video.id, start, end) for start, end, _ in scenes}


async def test_filters_restrict_the_nearest_hits(emulator: Emulator, search: Search) -> None:
    emulator.add_video("films", "red.mp4", user_metadata={"place": "Rome"})
    blue = emulator.add_video("films", "blue.mp4", user_metadata={"place": "Oslo"})
    assert {hit["video_id"] for hit in await search("otter", filter={"place": "Oslo"})} == {blue.id}
    assert await search("otter", filter={"place": "Bonn"}) == []


async def test_videos_with_more_matches_rank_higher(emulator: Emulator, search: Search) -> None:
    def add(name: str, scene: str, transcript: str, **metadata: Any) -> str:
        return emulator.add_video("films", name, [(0, 9, scene)], transcript=transcript, user_metadata=metadata).id

    expected_order = [
        add("car_one.mp4", "a red car", "my car", note="car"),
        add("car_two.mp4", "a red car", "my car"),
        add("car_three.mp4", "a red car", "mine"),
        add("four.mp4", "a car", "mine"),
    ]
    partial_match = add("red_car.mp4", "an empty room", "hello")
    hits = await search("car", "visual", "audio")
    assert [hit["video_id"] for hit in hits if hit["video_id"] != partial_match] == expected_order
    assert (await search("red car", "visual", "audio"))[0]["video_id"] != partial_match
    assert expected_order[3] in {hit["video_id"] for hit in hits[-2:]}


@pytest.mark.parametrize("text", ["song", "otter", None])
async def test_an_audio_file_is_not_found_by_a_visual_search(
    emulator: Emulator, search: Search, text: str | None
) -> None:
    sound = emulator.add_video("films", "song.mp3", transcript="a song").id
    film = emulator.add_video("films", "song.mp4", [(0, 9, "a song")]).id
    image: dict[str, Any] = {} if text else {"query_media_type": "image", "query_media_file": samples.image()}
    assert {hit["video_id"] for hit in await search(text, "visual", **image)} == {film}
    if text is None:
        assert {hit["video_id"] for hit in await search(text, "visual", "audio", **image)} == {film}
    else:
        assert sound in {hit["video_id"] for hit in await search(text, "audio")}
        assert {hit["video_id"] for hit in await search(text, "visual", "audio", operator="and")} <= {film}


async def test_a_silent_video_is_not_found_by_an_audio_search(search: Search, make_index: Any, make_video: Any) -> None:
    await make_video(await make_index("films"), "car.mp4", samples.video(12, sound=False))
    assert await search("car", "audio") == []
    assert await search("car", "visual", "audio")


async def test_a_knowledge_store_finds_the_nearest_items(
    emulator: Emulator, call: SendRequest, make_asset: Any, advance: Callable[[float], None]
) -> None:
    _, store = await call("POST", "/knowledge-stores", json={"name": "films"})
    path = f"/knowledge-stores/{store['_id']}"
    for name, content in {"film.mp4": samples.video(12), "picture.png": samples.image()}.items():
        asset = await make_asset(name, content)
        advance(10)
        assert (await call("POST", f"{path}/items", json={"asset_id": asset}))[0] < 300
    advance(50)
    _, response = await call("POST", f"{path}/search", json={"query": {"text": "otter"}, "group_by": "item"})
    assert len(response["data"]) == 2
    assert emulator.state.knowledge.items.keys() == {hit["item_id"] for hit in response["data"]}


@pytest.mark.parametrize("text", ["car", "otter"])
async def test_the_order_of_uploads_does_not_change_the_hits(serve: Serve, connect: Any, form: Form, text: str) -> None:
    async def search(names: list[str]) -> list[tuple[Any, ...]]:
        emulator = await serve(search="nearest")
        for name in names:
            emulator.add_video("films", name)
        (index,) = emulator.state.indexes
        query = form(index_id=index, query_text=text, search_options="visual", page_limit=50)
        async with (await connect(emulator)).post("search", data=query) as response:
            hits = (await response.json())["data"]
        return [(emulator.state.videos[hit["video_id"]].asset.filename, hit["start"], hit["end"]) for hit in hits]

    names = ["red_car.mp4", "blue_car.mp4", "old_car.mp4"]
    assert await search(names) == await search(names[::-1])


def test_an_unknown_search_mode_is_rejected() -> None:
    with pytest.raises(ValueError, match="words, nearest"):
        Emulator(search="best")  # type: ignore[arg-type]  # the value that is rejected

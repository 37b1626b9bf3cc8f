"""A test of an application tells what its videos show, and looks whether the right clip is found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
Find = Callable[..., Awaitable[list[Mapping[str, Any]]]]

SCENES = [(0, 5, "a red car"), (5, 12, "a blue boat")]
NEAR = 0.8
SRT = (
    "1\r\n00:00:01,000 --> 00:00:03,500\r\n<i>Mind the</i>\r\ngap\r\n\r\n2\r\n00:00:06,000 --> 00:00:08,000\r\nAhoy\r\n"
)


@pytest.fixture
async def index(make_index: Make) -> str:
    return await make_index("films")


@pytest.fixture
def find(call: Call, form: Form, index: str) -> Find:
    async def search(text: str, *options: str, **fields: Any) -> list[Mapping[str, Any]]:
        fields = {"index_id": index, "search_options": list(options or ["visual"]), "query_text": text, **fields}
        status, found = await call("POST", "/search", data=form(**fields))
        assert status == 200
        return list(found["data"])

    return search


def times(hits: list[Mapping[str, Any]]) -> list[tuple[float, float]]:
    return [(hit["start"], hit["end"]) for hit in hits]


async def test_a_scene_is_found_where_it_was_said_to_be(
    emulator: Emulator, index: str, make_video: Make, find: Find
) -> None:
    emulator.describe("clip.mp4", SCENES)
    video = await make_video(index, "clip.mp4", samples.video(12))
    await make_video(index, "other.mp4", samples.video(13))
    hits = await find("the blue boats")
    assert [(hit["video_id"], hit["start"], hit["end"]) for hit in hits] == [(video, 5, 12)]
    assert times(await find("red car")) == [(0, 5)]
    assert times(await find("a submarine")) == []


async def test_the_scene_with_more_words_in_common_comes_first(
    emulator: Emulator, index: str, make_video: Make, find: Find
) -> None:
    emulator.describe("clip.mp4", [*SCENES, (12, 20, "a red boat")])
    await make_video(index, "clip.mp4", samples.video(20))
    hits = await find("red boat")
    assert times(hits)[0] == (12, 20)
    assert set(times(hits)) == {(0, 5), (5, 12), (12, 20)}


async def test_a_file_can_be_described_when_it_is_there_already(
    emulator: Emulator, index: str, make_video: Make, find: Find
) -> None:
    await make_video(index, "clip.mp4", samples.video(12))
    assert await find("boat") == []
    emulator.describe("clip.mp4", SCENES)
    assert times(await find("boat")) == [(5, 12)]


async def test_the_name_finds_the_whole_film_scene_by_scene(
    emulator: Emulator, index: str, make_video: Make, find: Find
) -> None:
    emulator.describe("harbour.mp4", SCENES)
    await make_video(index, "harbour.mp4", samples.video(12))
    hits = await find("harbour")
    assert hits
    assert set(times(hits)) <= {(0, 5), (5, 12)}
    assert times(await find("harbour boat")) == [(5, 12)]


async def test_what_is_said_is_heard_and_not_seen(emulator: Emulator, index: str, make_video: Make, find: Find) -> None:
    emulator.describe("clip.mp4", transcript=SRT)
    await make_video(index, "clip.mp4", samples.video(12))
    assert await find("ahoy", "visual") == []
    (hit,) = await find("Ahoy!", "transcription")
    assert (hit["start"], hit["end"], hit["transcription"]) == (6, 8, "Ahoy")
    (hit,) = await find("gap", "visual", "audio")
    assert (hit["start"], hit["end"]) == (1, 3.5)


async def test_a_sentence_stands_for_the_scene_in_which_it_is_said(
    emulator: Emulator, index: str, make_video: Make, find: Find
) -> None:
    emulator.describe("clip.mp4", SCENES, transcript=SRT)
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("ahoy", "audio")) == [(5, 12)]
    assert times(await find("boat ahoy", "visual", "transcription", operator="and")) == [(5, 12)]
    assert times(await find("car ahoy", "visual", "transcription", operator="and")) == []


async def test_a_transcript_in_the_metadata_is_one_too(
    call: Call, index: str, make_asset: Make, find: Find, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("talk.mp4", samples.video(12), user_metadata={"transcript": SRT})
    advance(10)
    assert (await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset}))[0] == 202
    advance(50)
    assert times(await find("ahoy", "transcription")) == [(6, 8)]
    assert await find("ahoy", "visual") == []
    _, heard = await call("GET", f"/assets/{asset}/transcription?include=sentences")
    assert [sentence["value"] for sentence in heard["sentences"]] == ["Mind the gap", "Ahoy"]


async def test_words_without_times_are_spread_over_the_film(
    emulator: Emulator, index: str, make_video: Make, find: Find
) -> None:
    emulator.describe("clip.mp4", transcript="first the gap then ahoy")
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("ahoy", "transcription")) == [(6, 12)]


async def test_a_transcript_beside_the_file_is_read(
    emulator: Emulator, index: str, make_video: Make, find: Find, tmp_path: Path
) -> None:
    (tmp_path / "clip.vtt").write_text("WEBVTT\n\nintro\n00:06.000 --> 00:08.000 align:start\n- Ahoy\n")
    emulator.describe(tmp_path / "clip.mp4", SCENES)
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("ahoy", "transcription")) == [(5, 12)]


async def test_an_analysis_tells_what_the_scenes_show(emulator: Emulator, call: Call, make_source: Make) -> None:
    emulator.describe("clip.mp4", SCENES)
    source: Any = await make_source("clip.mp4", 12)
    body = {"video": source, "prompt": "Tell!", "start_time": 4, "stream": False}
    _, said = await call("POST", "/analyze", json=body)
    assert "From 4 to 5 seconds it shows a red car. From 5 to 12 seconds it shows a blue boat." in said["data"]


async def test_a_text_is_near_the_scene_that_shows_it(emulator: Emulator, call: Call, make_source: Make) -> None:
    emulator.describe("clip.mp4", SCENES)
    source: Any = await make_source("clip.mp4", 12)

    async def embed(kind: str, **given: Any) -> list[dict[str, Any]]:
        body = {"input_type": kind, "model_name": "marengo3.0", kind: given}
        status, found = await call("POST", "/embed-v2", json=body)
        assert status == 200
        return list(found["data"])

    def near(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return sum(map(float.__mul__, one["embedding"], other["embedding"])) > NEAR

    cut = {"strategy": "fixed", "fixed": {"duration_sec": 5}}
    clips = await embed(
        "video",
        media_source={"asset_id": source["asset_id"]},
        segmentation=cut,
        embedding_option=["visual"],
        embedding_scope=["clip"],
    )
    (car,), (boat,) = await embed("text", input_text="red car"), await embed("text", input_text="boats of blue")
    assert near(car, clips[0])
    assert not near(boat, clips[0])
    assert near(boat, clips[1])
    assert not near(car, clips[1])


async def test_a_store_finds_scenes_too(
    emulator: Emulator, call: Call, make_asset: Make, advance: Callable[[float], None]
) -> None:
    emulator.describe("clip.mp4", SCENES, transcript=SRT)
    asset = await make_asset("clip.mp4", samples.video(12))
    advance(10)
    _, store = await call("POST", "/knowledge-stores", json={"name": "films"})
    path = f"/knowledge-stores/{store['_id']}"
    status, _ = await call("POST", f"{path}/items", json={"asset_id": asset})
    assert status < 300
    advance(50)
    options = {"video": {"modalities": ["visual", "audio"]}}
    body = {"query": {"text": "a blue boat, ahoy"}, "search_options": options, "group_by": "item"}
    _, found = await call("POST", f"{path}/search", json=body)
    (match,) = found["data"][0]["matches"]
    assert (match["start_sec"], match["end_sec"], match["modalities"]) == (5, 12, ["visual", "audio"])
    assert match["transcription"] == "Ahoy"


async def test_a_guessed_duration_gives_way_to_what_was_told(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    form: Form,
) -> None:
    emulator = await serve(probe=False)
    emulator.describe("clip.mp4", [(30, 60, "a red car")])
    session = await connect(emulator)
    async with session.post("assets", data=form("clip.mp4", method="direct", file=b"not really")) as response:
        assert response.status == 201
    (asset,) = emulator.state.assets.values()
    assert asset.media.duration == 60


@pytest.mark.parametrize("scene", [(5, 5, "a car"), (5, 4, "a car"), (-1, 4, "a car"), (0, 4, " ")])
async def test_a_scene_that_cannot_be_is_refused(scene: tuple[float, float, str]) -> None:
    with pytest.raises(ValueError, match="passage"):
        Emulator().describe("clip.mp4", [scene])


async def test_a_file_can_be_described_over_http(
    emulator: Emulator, index: str, make_video: Make, find: Find, session: aiohttp.ClientSession
) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/scenes"
    told = {"filename": "clip.mp4", "scenes": SCENES, "transcript": SRT}
    async with session.post(url, json=told) as response:
        assert response.status == 204
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("boat ahoy", "visual", "audio")) == [(5, 12)]
    wrongs: list[dict[str, Any]] = [
        {},
        {"filename": "clip.mp4", "scenes": [[5, 0, "a car"]]},
        {"filename": "clip.mp4", "sceenes": []},
    ]
    for wrong in wrongs:
        async with session.post(url, json=wrong) as response:
            assert response.status == 400
            assert (await response.json())["error"]

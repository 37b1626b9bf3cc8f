"""Described scenes and transcripts in search, analysis and embeddings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.media import equal_segments

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]
Find = Callable[..., Awaitable[list[Mapping[str, Any]]]]

SCENES = [(0, 5, "a red car"), (5, 12, "a blue boat")]
MIN_SIMILARITY = 0.8
SRT = (
    "1\r\n00:00:01,000 --> 00:00:03,500\r\n<i>Mind the</i>\r\ngap\r\n\r\n2\r\n00:00:06,000 --> 00:00:08,000\r\nAhoy\r\n"
)


@pytest.fixture
async def index(make_index: CreateResource) -> str:
    return await make_index("films")


@pytest.fixture
def find(call: SendRequest, form: Form, index: str) -> Find:
    async def search(text: str, *options: str, **fields: Any) -> list[Mapping[str, Any]]:
        fields = {"index_id": index, "search_options": list(options or ["visual"]), "query_text": text, **fields}
        status, response = await call("POST", "/search", data=form(**fields))
        assert status == 200
        return list(response["data"])

    return search


def times(hits: list[Mapping[str, Any]]) -> list[tuple[float, float]]:
    return [(hit["start"], hit["end"]) for hit in hits]


async def test_a_scene_is_found_at_its_described_time(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    emulator.describe("clip.mp4", SCENES)
    video = await make_video(index, "clip.mp4", samples.video(12))
    await make_video(index, "other.mp4", samples.video(13))
    hits = await find("the blue boats")
    assert [(hit["video_id"], hit["start"], hit["end"]) for hit in hits] == [(video, 5, 12)]
    assert times(await find("red car")) == [(0, 5)]
    assert times(await find("a submarine")) == []


async def test_the_scene_with_more_common_words_ranks_first(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    emulator.describe("clip.mp4", [*SCENES, (12, 20, "a red boat")])
    await make_video(index, "clip.mp4", samples.video(20))
    hits = await find("red boat")
    assert times(hits)[0] == (12, 20)
    assert set(times(hits)) == {(0, 5), (5, 12), (12, 20)}


async def test_an_existing_file_can_be_described(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    await make_video(index, "clip.mp4", samples.video(12))
    assert await find("boat") == []
    emulator.describe("clip.mp4", SCENES)
    assert times(await find("boat")) == [(5, 12)]


async def test_the_file_name_finds_every_scene(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    emulator.describe("harbour.mp4", SCENES)
    await make_video(index, "harbour.mp4", samples.video(12))
    hits = await find("harbour")
    assert hits
    assert set(times(hits)) <= {(0, 5), (5, 12)}
    assert times(await find("harbour boat")) == [(5, 12)]


async def test_speech_is_not_found_with_the_visual_option(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    emulator.describe("clip.mp4", transcript=SRT)
    await make_video(index, "clip.mp4", samples.video(12))
    assert await find("ahoy", "visual") == []
    (hit,) = await find("Ahoy!", "transcription")
    assert (hit["start"], hit["end"], hit["transcription"]) == (6, 8, "Ahoy")
    (hit,) = await find("gap", "visual", "audio")
    assert (hit["start"], hit["end"]) == (1, 3.5)


async def test_a_sentence_finds_its_scene(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    emulator.describe("clip.mp4", SCENES, transcript=SRT)
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("ahoy", "audio")) == [(5, 12)]
    assert times(await find("boat ahoy", "visual", "transcription", operator="and")) == [(5, 12)]
    assert times(await find("car ahoy", "visual", "transcription", operator="and")) == []


async def test_user_metadata_may_contain_a_transcript(
    call: SendRequest, index: str, make_asset: CreateResource, find: Find, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("talk.mp4", samples.video(12), user_metadata={"transcript": SRT})
    advance(10)
    assert (await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset}))[0] == 202
    advance(50)
    assert times(await find("ahoy", "transcription")) == [(6, 8)]
    assert await find("ahoy", "visual") == []
    _, transcription = await call("GET", f"/assets/{asset}/transcription?include=sentences")
    assert [sentence["value"] for sentence in transcription["sentences"]] == ["Mind the gap", "Ahoy"]


async def test_a_transcript_without_times_is_spread_over_the_video(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find
) -> None:
    emulator.describe("clip.mp4", transcript="first the gap then ahoy")
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("ahoy", "transcription")) == [(6, 12)]


async def test_a_transcript_next_to_the_file_is_read(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find, tmp_path: Path
) -> None:
    (tmp_path / "clip.vtt").write_text("WEBVTT\n\nintro\n00:06.000 --> 00:08.000 align:start\n- Ahoy\n")
    emulator.describe(tmp_path / "clip.mp4", SCENES)
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("ahoy", "transcription")) == [(5, 12)]


async def test_an_analysis_contains_the_scenes(
    emulator: Emulator, call: SendRequest, make_source: CreateResource
) -> None:
    emulator.describe("clip.mp4", SCENES)
    source: Any = await make_source("clip.mp4", 12)
    body = {"video": source, "prompt": "Tell!", "start_time": 4, "stream": False}
    _, analysis = await call("POST", "/analyze", json=body)
    assert "From 4 to 5 seconds it shows a red car. From 5 to 12 seconds it shows a blue boat." in analysis["data"]


async def test_the_vector_of_a_text_is_close_to_its_scene(
    emulator: Emulator, call: SendRequest, make_source: CreateResource
) -> None:
    emulator.describe("clip.mp4", SCENES)
    source: Any = await make_source("clip.mp4", 12)

    async def embed(input_type: str, **input_fields: Any) -> list[dict[str, Any]]:
        body = {"input_type": input_type, "model_name": "marengo3.0", input_type: input_fields}
        status, response = await call("POST", "/embed-v2", json=body)
        assert status == 200
        return list(response["data"])

    def is_similar(first: dict[str, Any], second: dict[str, Any]) -> bool:
        return sum(map(float.__mul__, first["embedding"], second["embedding"])) > MIN_SIMILARITY

    segmentation = {"strategy": "fixed", "fixed": {"duration_sec": 5}}
    clips = await embed(
        "video",
        media_source={"asset_id": source["asset_id"]},
        segmentation=segmentation,
        embedding_option=["visual"],
        embedding_scope=["clip"],
    )
    (car,), (boat,) = await embed("text", input_text="red car"), await embed("text", input_text="boats of blue")
    assert is_similar(car, clips[0])
    assert not is_similar(boat, clips[0])
    assert is_similar(boat, clips[1])
    assert not is_similar(car, clips[1])


async def test_a_knowledge_store_finds_scenes(
    emulator: Emulator, call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
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
    _, response = await call("POST", f"{path}/search", json=body)
    (match,) = response["data"][0]["matches"]
    assert (match["start_sec"], match["end_sec"], match["modalities"]) == (5, 12, ["visual", "audio"])
    assert match["transcription"] == "Ahoy"


async def test_a_description_extends_a_guessed_duration(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    form: Form,
) -> None:
    emulator = await serve(inspect_media=False)
    emulator.describe("clip.mp4", [(30, 60, "a red car")])
    session = await connect(emulator)
    async with session.post("assets", data=form("clip.mp4", method="direct", file=b"not really")) as response:
        assert response.status == 201
    (asset,) = emulator.state.assets.values()
    assert asset.media.duration == 60


@pytest.mark.parametrize("scene", [(5, 5, "a car"), (5, 4, "a car"), (-1, 4, "a car"), (0, 4, " ")])
async def test_an_invalid_scene_is_rejected(scene: tuple[float, float, str]) -> None:
    with pytest.raises(ValueError, match="passage"):
        Emulator().describe("clip.mp4", [scene])


async def test_a_file_can_be_described_over_http(
    emulator: Emulator, index: str, make_video: CreateResource, find: Find, session: aiohttp.ClientSession
) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/scenes"
    body = {"filename": "clip.mp4", "scenes": SCENES, "transcript": SRT}
    async with session.post(url, json=body) as response:
        assert response.status == 204
    await make_video(index, "clip.mp4", samples.video(12))
    assert times(await find("boat ahoy", "visual", "audio")) == [(5, 12)]
    invalid_bodies: list[dict[str, Any]] = [
        {},
        {"filename": "clip.mp4", "scenes": [[5, 0, "a car"]]},
        {"filename": "clip.mp4", "sceenes": []},
    ]
    for invalid_body in invalid_bodies:
        async with session.post(url, json=invalid_body) as response:
            assert response.status == 400
            assert (await response.json())["error"]


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 300_000,
        " \n" * 150_000,
        "\n\t" * 150_000,
        "9" * 300_000,
        "9:" * 150_000,
        "<" * 300_000,
        "{\\" * 150_000,
        "00:00:00,000 --> " * 20_000,
        "99999999999999999999:00:00,000 --> 00:00:01,000\na",
        "00:00:00,000 --> 00:00:01,000\n" + "\n " * 150_000,
        "00:00:00,000 --> 00:00:01,000\n" + "<" * 300_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_hostile_transcript_is_parsed_in_linear_time(text: str) -> None:
    """With quadratic time, a transcript of this length would take hours."""
    assert all(cue.start < cue.end for cue in descriptions.parse_subtitles(text, 10.0))


async def test_a_hostile_transcript_in_user_metadata_does_not_prevent_searches(
    call: SendRequest, index: str, make_video: CreateResource, form: Form
) -> None:
    video = await make_video(index, "red_car.mp4", user_metadata={"transcript": "\n" * 300_000})
    data = form(index_id=index, search_options="transcription", query_text="red car")
    _, response = await call("POST", "/search", data=data)
    assert {hit["video_id"] for hit in response["data"]} == {video}


@pytest.mark.parametrize("duration", [1e12, 1e300, float("inf")])
def test_an_extreme_duration_has_a_limited_number_of_segments(duration: float) -> None:
    assert len(equal_segments(duration)) == 10_000

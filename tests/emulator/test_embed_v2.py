"""Embeddings of the version 2 endpoints."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator._api import embed_v2

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Advance = Callable[[float], None]
Embed = Callable[..., Awaitable[tuple[int, Any]]]
RunTask = Callable[..., Awaitable[Any]]

IMAGE_URL = {"url": "https://example.com/a.png"}
BOTH = ["separate_embedding", "fused_embedding"]
PDF = b"%PDF-1.7\n" + b"<</Type /Page>>\n" * 3


def inline(content: bytes) -> dict[str, str]:
    return {"base64_string": base64.b64encode(content).decode()}


FILM, SOUND, IMAGE = inline(samples.video(20)), inline(samples.audio(20)), inline(samples.image())


@pytest.fixture
def embed(call: SendRequest) -> Embed:
    """Create an embedding with the common parameters and those of an input type."""

    async def send(
        input_type: str, input_fields: Any = None, /, model: str = "marengo3.0", **options: Any
    ) -> tuple[int, Any]:
        body = {"input_type": input_type, "model_name": model, **options}
        return await call("POST", "/embed-v2", json=body if input_fields is None else body | {input_type: input_fields})

    return send


@pytest.fixture
def create_task(call: SendRequest) -> Embed:
    async def send(input_type: str, input_fields: Any, /, model: str = "marengo3.5", **options: Any) -> tuple[int, Any]:
        body = {"input_type": input_type, "model_name": model, input_type: input_fields, **options}
        return await call("POST", "/embed-v2/tasks", json=body)

    return send


@pytest.fixture
def run_task(call: SendRequest, create_task: Embed, advance: Advance) -> RunTask:
    """Create a task, wait for it and return it."""

    async def run_to_end(input_type: str, input_fields: Any, /, **options: Any) -> Any:
        status, created = await create_task(input_type, input_fields, **options)
        assert status == 202, created
        advance(50)
        return (await call("GET", f"/embed-v2/tasks/{created['_id']}"))[1]

    return run_to_end


def segments_of(body: Any, option: str = "visual") -> list[tuple[str, float, float]]:
    return [
        (entry["embedding_scope"], entry["start_sec"], entry["end_sec"])
        for entry in body["data"]
        if entry["embedding_option"] == option
    ]


async def test_text_and_images_have_one_vector(embed: Embed) -> None:
    vectors: list[list[float]] = []
    for input_type, input_fields in (
        ("text", {"input_text": "car"}),
        ("image", {"media_source": IMAGE_URL}),
        ("text_image", {"input_text": "car", "media_source": IMAGE_URL}),
        (
            "multi_input",
            {"input_text": "car <@one>", "media_sources": [{"media_type": "image", "name": "one", **IMAGE_URL}]},
        ),
    ):
        status, body = await embed(input_type, input_fields)
        (entry,) = body["data"]
        assert (status, len(entry["embedding"])) == (200, 512)
        assert [entry[name] for name in ("embedding_option", "embedding_scope", "start_sec", "end_sec")] == [None] * 4
        assert body.get("metadata", {}).get("input_type") == (None if input_type == "text" else input_type)
        assert "usage" not in body
        vectors.append(entry["embedding"])
    assert len({tuple(vector) for vector in vectors}) == 4
    assert (await embed("text", {"input_text": "car"}))[1]["data"][0]["embedding"] == vectors[0]


async def test_a_video_is_divided_into_segments(embed: Embed) -> None:
    fixed = {"strategy": "fixed", "fixed": {"duration_sec": 8}}
    status, body = await embed("video", {"media_source": FILM, "segmentation": fixed, "embedding_type": BOTH})
    assert status == 200
    assert segments_of(body) == [("clip", 0, 8), ("clip", 8, 16), ("clip", 16, 20), ("asset", 0, 20)]
    assert {entry["embedding_option"] for entry in body["data"]} == {"visual", "audio", "transcription", "fused"}
    assert body["metadata"] == {
        "input_type": "video",
        "embedding_options": ["visual", "audio", "transcription"],
        "embedding_scopes": ["clip", "asset"],
        "duration": 20,
        "start_offset_sec": 0,
        "end_offset_sec": 20,
        "clip_length": 8,
    }


async def test_dynamic_segments_have_a_minimum_length(embed: Embed) -> None:
    input_fields = {"media_source": {"url": "https://example.com/a.mp4"}, "embedding_option": ["visual"]}
    dynamic = {"strategy": "dynamic", "dynamic": {"min_duration_sec": 3}}
    _, body = await embed("video", input_fields | {"embedding_scope": ["clip"], "segmentation": dynamic})
    segments = segments_of(body)
    assert all(end - start >= 3 for _, start, end in segments)
    assert [end for _, _, end in segments[:-1]] == [start for _, start, _ in segments[1:]]
    assert (segments[0][1], segments[-1][2]) == (0, body["metadata"]["duration"])
    assert len({round(end - start, 3) for _, start, end in segments}) > 1
    assert "clip_length" not in body["metadata"]
    assert body["metadata"]["input_url"] == "https://example.com/a.mp4"


async def test_a_part_of_an_audio_file_can_be_embedded(embed: Embed) -> None:
    _, body = await embed(
        "audio", {"media_source": SOUND, "start_sec": 2, "end_sec": 12.5, "embedding_scope": ["clip"]}
    )
    assert segments_of(body, "audio") == segments_of(body, "transcription") == [("clip", 2, 8), ("clip", 8, 12.5)]
    assert body["metadata"]["start_offset_sec"] == 2


async def test_an_asset_can_be_embedded_once_it_is_ready(
    embed: Embed, make_asset: CreateResource, advance: Advance
) -> None:
    asset = await make_asset("film.mp4", samples.video(sound=False))
    input_fields = {"media_source": {"asset_id": asset}}
    status, body = await embed("video", input_fields)
    assert (status, body["error"]["code"]) == (400, "asset_not_ready")
    advance(10)
    _, body = await embed("video", input_fields)
    assert body["metadata"]["input_filename"] == "film.mp4"
    assert {entry["embedding_option"] for entry in body["data"]} == {"visual"}, "the video has no audio"
    assert (await embed("image", input_fields))[1]["error"]["code"] == "unsupported_file_type"


INVALID: list[tuple[str, Any]] = [
    ("text", None),
    ("text", {}),
    ("text", {"input_text": " "}),
    ("text", {"input_text": "word " * 501}),
    ("speech", {"input_text": "a"}),
    ("image", {}),
    ("image", {"media_source": {}}),
    ("image", {"media_source": {**IMAGE_URL, "asset_id": "0" * 24}}),
    ("image", {"media_source": {"asset_id": "0" * 24}}),
    ("image", {"media_source": {"url": "ftp://example.com/a.png"}}),
    ("image", {"media_source": {"url": "https://a.invalid/a.png"}}),
    ("image", {"media_source": {"url": "https://a.invalid/a"}}),
    ("image", {"media_source": {"base64_string": "?"}}),
    ("image", {"media_source": {"base64_string": "µ"}}),
    ("image", {"media_source": {"url": "http://["}}),
    ("image", {"media_source": {"base64_string": ""}}),
    ("image", {"media_source": SOUND}),
    ("audio", {"media_source": inline(samples.audio(2))}),
    ("audio", {"media_source": inline(samples.audio(601, rate=100))}),
    ("audio", {"media_source": SOUND, "embedding_option": ["visual"]}),
    ("audio", {"media_source": SOUND, "embedding_scope": ["local"]}),
    ("audio", {"media_source": SOUND, "embedding_option": ["audio"], "embedding_type": BOTH}),
    ("audio", {"media_source": SOUND, "segmentation": {"strategy": "dynamic", "dynamic": {"min_duration_sec": 3}}}),
    ("audio", {"media_source": SOUND, "segmentation": {"strategy": "fixed", "fixed": {"duration_sec": 1}}}),
    ("audio", {"media_source": SOUND, "segmentation": {"strategy": "fixed", "fixed": {}}}),
    ("audio", {"media_source": SOUND, "segmentation": {"strategy": "fixed"}}),
    ("audio", {"media_source": SOUND, "start_sec": 20}),
    ("audio", {"media_source": SOUND, "start_sec": 5, "end_sec": 5}),
    ("audio", {"media_source": SOUND, "end_sec": 21}),
    ("multi_input", {}),
    ("multi_input", {"input_text": "<@one>"}),
    ("multi_input", {"media_sources": [{"media_type": "video", **FILM}]}),
    ("multi_input", {"media_sources": [IMAGE_URL]}),
    ("multi_input", {"media_sources": ["a"]}),
    ("multi_input", {"media_sources": [{"media_type": "image", "name": "a", **IMAGE_URL}] * 2}),
    ("multi_input", {"media_sources": [{"media_type": "image", **IMAGE_URL}] * 11}),
]


async def test_invalid_nested_fields_are_rejected(embed: Embed) -> None:
    for input_type, input_fields in INVALID:
        status, body = await embed(input_type, input_fields)
        assert (status, body.keys()) == (400, {"error"}), (input_type, input_fields)
        assert body["error"].keys() == {"code", "message"}


async def test_the_older_model_rejects_newer_options(embed: Embed, create_task: Embed) -> None:
    options = {"auto_truncate": False, "embedding_uncertainty": True, "embedding_dimension": 512}
    for name, value in options.items():
        assert (await embed("text", {"input_text": "a"}, **{name: value}))[0] == 400
    assert (await create_task("image", {"media_source": IMAGE}, model="marengo3.0"))[0] == 400
    assert (await embed("text", {"input_text": "a"}, model="marengo9"))[0] == 400


async def test_the_newer_model_accepts_only_the_multi_input_type(embed: Embed) -> None:
    assert (await embed("text", {"input_text": "a"}, model="marengo3.5"))[0] == 400
    film, image = {"media_type": "video", **FILM}, {"media_type": "image", **IMAGE}
    input_fields = {"input_text": "a car", "media_sources": [film, image]}
    status, body = await embed("multi_input", input_fields, model="marengo3.5", embedding_dimension=128)
    assert (status, len(body["data"])) == (200, 1)
    assert body["metadata"] == {"input_type": "multi_input", "embedding_dimension": 128}
    assert body["usage"]["input_tokens"].keys() == {"text", "video", "image"}
    assert body["usage"]["truncated"] is False
    _, full_length = await embed("multi_input", input_fields, model="marengo3.5")
    assert full_length["data"][0]["embedding"][:128] == body["data"][0]["embedding"]


async def test_a_text_that_is_too_long_can_be_truncated(embed: Embed) -> None:
    input_fields = {"input_text": "word " * 2001}
    assert (await embed("multi_input", input_fields, model="marengo3.5"))[0] == 400
    status, body = await embed("multi_input", input_fields, model="marengo3.5", auto_truncate=True)
    assert status == 200
    assert body["usage"] == {
        "input_tokens": {"text": 2000},
        "truncated": True,
        "truncation_reason": "model_context_window",
    }


async def test_uncertainty_has_the_dimension_of_the_vector(embed: Embed) -> None:
    options = {"model": "marengo3.5", "embedding_uncertainty": True, "embedding_dimension": 128}
    status, body = await embed("multi_input", {"input_text": "a"}, **options)
    assert (status, len(body["data"][0]["embedding_uncertainty"])) == (200, 128)
    photo = {"media_type": "image", **IMAGE_URL}
    assert (await embed("multi_input", {"input_text": "a", "media_sources": [photo]}, **options))[0] == 400
    assert (await embed("multi_input", {"media_sources": [photo]}, **options))[0] == 200


def multi_input_of(text: str | None, *files: tuple[str, dict[str, str]]) -> dict[str, Any]:
    sources = [{"media_type": input_type, **source} for input_type, source in files]
    return {"media_sources": sources} | ({} if text is None else {"input_text": text})


TEXT_FILE, PDF_FILE = inline(b"One. Two. Three."), inline(PDF)


INPUT_COMBINATIONS: list[tuple[dict[str, Any], int]] = [
    (multi_input_of(None, ("document", PDF_FILE)), 200),
    (multi_input_of(None, ("document", TEXT_FILE)), 200),
    (multi_input_of("a", ("document", TEXT_FILE), ("image", IMAGE)), 200),
    (multi_input_of(None, ("image", IMAGE), ("image", IMAGE_URL)), 200),
    (multi_input_of("a", ("document", PDF_FILE)), 400),
    (multi_input_of(None, ("document", PDF_FILE), ("image", IMAGE)), 400),
    (multi_input_of("a", ("document", TEXT_FILE)), 400),
    (multi_input_of(None, ("document", TEXT_FILE), ("document", TEXT_FILE)), 400),
    (multi_input_of(None, ("audio", SOUND), ("image", IMAGE)), 400),
    (multi_input_of(None, ("video", inline(samples.video(31)))), 400),
    (multi_input_of(None, ("video", {"url": "https://example.com/long.mp4"})), 200),
    (multi_input_of(None, ("video", {"url": "https://a.invalid/a.mp4"})), 400),
    (multi_input_of(None, ("document", inline(PDF * 6))), 413),
]


async def test_incompatible_options_are_rejected(embed: Embed) -> None:
    for input_fields, expected in INPUT_COMBINATIONS:
        status, body = await embed("multi_input", input_fields, model="marengo3.5")
        assert (status, "error" in body) == (expected, expected != 200), input_fields


async def test_a_large_file_requires_a_task(
    embed: Embed, create_task: Embed, make_asset: CreateResource, advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_v2, "MAX_SOURCE_SIZE", 500)
    asset = await make_asset("a.mp4", samples.video(8))
    advance(10)
    for source in ({"asset_id": asset}, FILM):
        status, body = await embed("multi_input", multi_input_of(None, ("video", source)), model="marengo3.5")
        assert (status, body["error"]["code"]) == (413, "media_filesize_too_large")
    monkeypatch.setattr(embed_v2, "MAX_SIZE", 500)
    assert (await embed("video", {"media_source": FILM}))[0] == 413
    monkeypatch.setitem(embed_v2.TASK_MAX_SIZES, "video", 500)
    assert (await create_task("video", {"media_source": FILM}))[0] == 400


async def test_a_task_is_processing_before_it_is_ready(call: SendRequest, create_task: Embed, advance: Advance) -> None:
    status, created = await create_task("video", {"media_source": FILM}, embedding_dimension=256)
    expected = {"_id": created["_id"], "status": "processing", "data": None, "metadata": {"embedding_dimension": 256}}
    assert (status, created) == (202, expected)
    path = f"/embed-v2/tasks/{created['_id']}"
    _, body = await call("GET", path)
    assert (body["status"], body["data"], body["metadata"]["input_type"]) == ("processing", None, "video")
    advance(50)
    _, body = await call("GET", path)
    assert body["status"] == "ready"
    assert {len(entry["embedding"]) for entry in body["data"]} == {256}
    assert {entry["embedding_option"] for entry in body["data"]} == {"visual", "audio"}
    assert body["usage"]["input_tokens"].keys() == {"video"}
    assert body["updated_at"] > body["created_at"]


async def test_a_task_is_not_returned_by_version_1_endpoints(
    create_task: Embed, call: SendRequest, emulator: Emulator
) -> None:
    _, created = await create_task("video", {"media_source": FILM})
    assert (await call("GET", f"/embed/tasks/{created['_id']}/status"))[0] == 400, (
        "version 1 endpoints do not return it"
    )
    status, body = await call("GET", f"/embed-v2/tasks/{'0' * 24}")
    assert (status, body["error"]["code"]) == (404, "resource_not_exist")
    assert (await call("GET", "/embed-v2/tasks?page=0"))[1]["code"] == "parameter_invalid", "errors of lists are flat"
    assert emulator.requests[-1].status == 400


async def test_a_task_of_the_older_model_has_no_usage(run_task: RunTask) -> None:
    body = await run_task("video", {"media_source": FILM, "embedding_scope": ["asset"]}, model="marengo3.0")
    assert "usage" not in body
    assert segments_of(body, "transcription") == [("asset", 0, 20)]


async def test_text_is_part_of_the_fused_vector(run_task: RunTask, create_task: Embed) -> None:
    temporal = {"temporal": {"strategy": "fixed", "fixed": {"duration_sec": 10}}}
    input_fields = {"media_source": FILM, "embedding_type": ["fused_embedding"], "segmentation": temporal}
    notes = [{"start": 0, "end": 4, "text": "goal"}]
    body = await run_task("video", input_fields | {"time_based_metadata": notes, "embedding_scope": ["local"]})
    assert segments_of(body, "fused") == [("clip", 0, 10), ("clip", 10, 20)]
    assert body["metadata"]["embedding_scopes"] == ["local"]
    assert (await create_task("video", input_fields))[0] == 400
    for note in ({"start": 2, "end": 1, "text": "a"}, {"start": 1, "text": "a"}, {"start": 1, "end": 2}, "a"):
        assert (await create_task("video", input_fields | {"time_based_metadata": [note]}))[0] == 400
    assert (await create_task("video", input_fields | {"time_based_metadata": notes}, model="marengo3.0"))[0] == 400


INVALID_TASKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("video", {"media_source": FILM, "segmentation": {"strategy": "fixed", "fixed": {"duration_sec": 5}}}, {}),
    ("video", {"media_source": FILM, "segmentation": {"temporal": {"strategy": "other"}}}, {}),
    ("video", {"media_source": FILM, "segmentation": {"temporal": {}}}, {"model": "marengo3.0"}),
    ("video", {"media_source": FILM, "embedding_option": ["transcription"]}, {}),
    ("video", {"media_source": FILM, "embedding_scope": ["local"]}, {"model": "marengo3.0"}),
    ("video", {"media_source": FILM}, {"embedding_uncertainty": True}),
    ("video", {"media_source": FILM}, {"embedding_dimension": 0}),
    ("video", {"media_source": FILM}, {"embedding_dimension": 513}),
    ("video", {"media_source": FILM}, {"auto_truncate": True}),
    ("video", {}, {}),
    ("text", {"input_text": "a"}, {}),
    ("image", {"media_source": IMAGE, "embedding_scope": ["clip"]}, {}),
    ("image", {"media_source": IMAGE, "embedding_option": ["text"]}, {}),
    ("document", {"media_source": PDF_FILE}, {"embedding_uncertainty": True}),
    ("document", {"media_source": TEXT_FILE}, {"embedding_uncertainty": True}),
    ("document", {"media_source": PDF_FILE, "embedding_type": ["fused_embedding"]}, {}),
    ("document", {"media_source": PDF_FILE, "embedding_option": ["text"]}, {}),
    ("document", {"media_source": PDF_FILE, "segmentation": {}}, {}),
    ("document", {"media_source": PDF_FILE, "segmentation": {"sequential": {"strategy": "sentence"}}}, {}),
    ("document", {"media_source": TEXT_FILE, "embedding_option": ["visual"]}, {}),
    ("document", {"media_source": TEXT_FILE, "embedding_scope": ["local"]}, {}),
    ("document", {"media_source": TEXT_FILE, "segmentation": {"spatial": {"strategy": "standard"}}}, {}),
    ("document", {"media_source": TEXT_FILE, "segmentation": {"sequential": {"strategy": "sentence"}}}, {}),
]


async def test_invalid_task_fields_are_rejected(create_task: Embed) -> None:
    for input_type, input_fields, options in INVALID_TASKS:
        status, body = await create_task(input_type, input_fields, **options)
        assert (status, body.keys()) == (400, {"error"}), (input_type, input_fields, options)


async def test_an_image_has_one_vector(run_task: RunTask) -> None:
    body = await run_task("image", {"media_source": IMAGE}, embedding_uncertainty=True)
    (entry,) = body["data"]
    assert (entry["embedding_option"], entry["embedding_scope"], entry["start_sec"]) == ("visual", "asset", None)
    assert len(entry["embedding_uncertainty"]) == 512


async def test_a_pdf_is_embedded_by_page(run_task: RunTask) -> None:
    pages = await run_task("document", {"media_source": PDF_FILE})
    assert [entry["start_page_number"] for entry in pages["data"]] == [1, 2, 3]
    spatial = {"spatial": {"strategy": "quadrants"}}
    input_fields = {"media_source": PDF_FILE, "segmentation": spatial, "embedding_scope": ["local", "asset"]}
    entries = (await run_task("document", input_fields))["data"]
    assert len(entries) == 16
    assert {entry.get("quadrant") for entry in entries[:5]} == {
        None,
        "top_left",
        "top_right",
        "bottom_left",
        "bottom_right",
    }
    assert {entry["embedding_scope"] for entry in entries} == {"page", "asset"}
    assert len({tuple(entry["embedding"]) for entry in entries}) == 16
    too_long = await run_task("document", {"media_source": inline(PDF * 22)})
    assert (too_long["status"], "66 pages" in too_long["error"]["message"]) == ("failed", True)


async def test_a_text_is_embedded_by_chunk(run_task: RunTask) -> None:
    source = {"media_source": TEXT_FILE}
    assert [entry["embedding_scope"] for entry in (await run_task("document", source))["data"]] == ["asset"]
    sequential = {"strategy": "sentence", "max_sentences": 2, "overlap_sentences": 1}
    input_fields = source | {"embedding_scope": ["local"], "segmentation": {"sequential": sequential}}
    entries = (await run_task("document", input_fields, embedding_uncertainty=True))["data"]
    assert [entry["chunk_index"] for entry in entries] == [0, 1]


async def test_the_list_includes_the_metadata_of_each_embedding(
    call: SendRequest, create_task: Embed, advance: Advance
) -> None:
    film = {"url": "https://example.com/a.mp4"}
    await create_task(
        "video",
        {"media_source": film, "segmentation": {"temporal": {"strategy": "fixed", "fixed": {"duration_sec": 5}}}},
    )
    await create_task("audio", {"media_source": SOUND})
    await create_task("document", {"media_source": PDF_FILE})
    await create_task("image", {"media_source": IMAGE})
    _, body = await call("GET", "/embed-v2/tasks")
    image, document, audio, video = body["data"]
    assert image["image_embedding"]["metadata"] == {
        "image_embedding_option": ["visual"],
        "image_embedding_scope": ["asset"],
    }
    assert document["document_embedding"]["metadata"]["document_embedding_scope"] == ["local"]
    assert audio["audio_embedding"]["metadata"]["end_offset_sec"] == 20
    assert video["video_embedding"]["metadata"]["video_clip_length"] == 5
    assert video["video_embedding"]["metadata"]["input_url"] == film["url"]
    assert (video["status"], "data" in video) == ("processing", False)
    assert (await call("GET", "/embed/tasks"))[1]["data"] == []
    advance(7 * 86_400)
    assert (await call("GET", "/embed-v2/tasks"))[1]["data"] == []
    assert (await call("GET", f"/embed-v2/tasks/{image['_id']}"))[0] == 404

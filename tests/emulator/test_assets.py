"""Assets: direct uploads, inspection of media files, metadata and deletion."""

from __future__ import annotations

import asyncio
import gc
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from movies import MEDIA, reference_movie

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator._media.inspection import make_thumbnail
from twelvelabs_async.emulator._spool import BATCH_SIZE, UploadHasher

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]


async def test_a_file_is_processed_before_it_is_ready(
    call: SendRequest, form: Form, advance: Callable[[float], None]
) -> None:
    content = samples.video(20, width=640, height=480)
    status, created = await call("POST", "/assets", data=form("a b.mp4", method="direct", file=content))
    assert status == 201
    assert created["status"] == "processing"
    assert not {"size", "duration", "technical_metadata"} & created.keys()
    advance(9)
    assert (await call("GET", f"/assets/{created['_id']}"))[1]["status"] == "processing"
    advance(1)
    _, ready = await call("GET", f"/assets/{created['_id']}")
    assert ready["status"] == "ready"
    assert ready["filename"] == "a b.mp4"
    assert ready["size"] == len(content)


async def test_a_video_is_inspected(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    pytest.importorskip("pymediainfo")
    asset = await make_asset("film.mp4", samples.video(20, width=640, height=480, fps=50))
    advance(10)
    _, ready = await call("GET", f"/assets/{asset}")
    metadata = ready["technical_metadata"]
    assert ready["duration"] == 20
    assert (metadata["video_width"], metadata["video_height"], metadata["video_fps"]) == (640, 480, 50)
    assert metadata["has_audio"]


ADTS = b"\xff\xf1\x50\x40\x01\xbf\xfc" + b"\x00\xc8\x00\x80\x23\x80"
"""A silent AAC frame; a file of such frames does not contain its duration."""


@pytest.mark.parametrize(("count", "seconds"), [(430, 4.0), (100_000, 10.4)])
async def test_a_file_of_unknown_duration_has_an_estimated_duration(
    call: SendRequest,
    make_index: CreateResource,
    make_video: CreateResource,
    advance: Callable[[float], None],
    count: int,
    seconds: float,
) -> None:
    pytest.importorskip("pymediainfo")
    index = await make_index()
    video = await make_video(index, "recording.aac", ADTS * count)
    advance(100)
    _, response = await call("GET", f"/indexes/{index}/indexed-assets/{video}")
    assert (response["status"], response["system_metadata"]["duration"]) == ("ready", seconds)


@pytest.mark.parametrize(
    ("filename", "content", "file_kind"),
    [("talk.wav", samples.audio(5), "audio"), ("cat.png", samples.image(), "image"), ("notes.md", b"# x", "document")],
)
async def test_other_kinds_of_files_have_their_own_asset_type(
    call: SendRequest, make_asset: CreateResource, filename: str, content: bytes, file_kind: str
) -> None:
    asset = await make_asset(filename, content)
    await make_asset("film.mp4")
    _, response = await call("GET", "/assets", params={"asset_types": file_kind})
    assert [entry["_id"] for entry in response["data"]] == [asset]


async def test_a_broken_video_fails_with_an_error_message(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    pytest.importorskip("pymediainfo")
    asset = await make_asset("film.mp4", b"this is no video")
    advance(10)
    _, failed = await call("GET", f"/assets/{asset}")
    assert failed["status"] == "failed"
    assert "broken" in failed["error"]["message"]
    assert "duration" not in failed


@pytest.mark.parametrize("end", ["", "\0"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
async def test_references_in_a_playlist_are_not_followed(
    call: SendRequest,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    tmp_path: Path,
    encoding: str,
    end: str,
) -> None:
    """The emulator must not fetch or open a file that an upload refers to."""
    pytest.importorskip("pymediainfo")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.ts"
        (tmp_path / "private.mp4").write_bytes(samples.video(20))
        playlist = f"#EXTM3U\n#EXTINF:10,\n{tmp_path}/private.mp4\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n{end}"
        async with asyncio.timeout(60):
            asset = await make_asset("film.mp4", playlist.encode(encoding))
        with pytest.raises(BlockingIOError):
            listener.accept()
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["status"] == "failed"


@pytest.mark.parametrize("compressed", [False, True])
async def test_references_in_a_movie_are_not_followed(
    call: SendRequest,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    compressed: bool,
) -> None:
    """The audio track is in a local file and stays unknown; nothing is known of a compressed movie."""
    pytest.importorskip("pymediainfo")
    monkeypatch.chdir(tmp_path)
    private = Path(shutil.copy(MEDIA / "bars.mov", tmp_path / "private.mov"))
    asset = await make_asset("film.mov", reference_movie(private, track_type=b"vide", compressed=compressed))
    advance(10)
    _, response = await call("GET", f"/assets/{asset}")
    assert response["status"] == "ready"
    metadata = response["technical_metadata"]
    assert (metadata["video_width"], metadata["has_audio"]) == ((1280, True) if compressed else (640, False))


@pytest.mark.parametrize("file_kind", ["movie", "list"])
def test_a_thumbnail_does_not_read_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_kind: str) -> None:
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    private = Path(shutil.copy(MEDIA / "bars.mov", tmp_path / "private.mov"))
    film = tmp_path / "film.mov"
    film.write_bytes(reference_movie(private) if file_kind == "movie" else b"ffconcat version 1.0\nfile private.mov\n")
    assert make_thumbnail(private)
    assert make_thumbnail(film) is None


async def test_a_file_that_may_reference_others_is_accepted_without_inspection(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("film.mxf", b"\x06\x0e\x2b\x34" + bytes(1000))
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["status"] == "ready"


async def test_a_broken_file_becomes_ready_without_inspection(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    form: Form,
    advance: Callable[[float], None],
) -> None:
    session = await connect(await serve(inspect_media=False))
    async with session.post("assets", data=form("film.mp4", method="direct", file=b"this is no video")) as response:
        asset = (await response.json())["_id"]
    advance(10)
    async with session.get(f"assets/{asset}") as response:
        ready = await response.json()
    assert (ready["status"], ready["duration"]) == ("ready", 4)


async def test_a_url_is_accepted_without_being_fetched(
    call: SendRequest, form: Form, advance: Callable[[float], None]
) -> None:
    url = "https://example.com/films/red%20car.mp4?token=1"
    _, created = await call("POST", "/assets", data=form(method="url", url=url))
    _, with_filename = await call("POST", "/assets", data=form(method="url", url=url, filename="other.mp4"))
    advance(10)
    _, first = await call("GET", f"/assets/{created['_id']}")
    _, second = await call("GET", f"/assets/{with_filename['_id']}")
    assert (first["filename"], second["filename"]) == ("red car.mp4", "other.mp4")
    assert first["duration"] == second["duration"] >= 30


async def test_an_asset_with_an_unreachable_url_fails_during_processing(
    call: SendRequest, form: Form, advance: Callable[[float], None]
) -> None:
    _, created = await call("POST", "/assets", data=form(method="url", url="https://nowhere.invalid/film.mp4"))
    advance(10)
    assert (await call("GET", f"/assets/{created['_id']}"))[1]["status"] == "failed"


async def test_hls_and_thumbnails_are_on_by_default(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    with_hls, without_hls = await make_asset(), await make_asset(enable_hls="false", enable_thumbnail="false")
    _, before = await call("GET", f"/assets/{with_hls}")
    assert before["hls"] == {"status": "processing"}
    advance(10)
    _, after = await call("GET", f"/assets/{with_hls}")
    assert after["hls"]["manifest_url"].endswith(".m3u8")
    assert after["thumbnail"]["status"] == "ready"
    assert not {"hls", "thumbnail"} & (await call("GET", f"/assets/{without_hls}"))[1].keys()


async def test_assets_are_listed_newest_first_and_filtered(call: SendRequest, make_asset: CreateResource) -> None:
    red, blue = await make_asset("Red car.mp4"), await make_asset("blue car.mp4")
    _, all_assets = await call("GET", "/assets")
    assert [entry["_id"] for entry in all_assets["data"]] == [blue, red]
    _, by_name = await call("GET", "/assets", params={"filename": "rED"})
    assert [entry["_id"] for entry in by_name["data"]] == [red]
    _, by_id = await call("GET", "/assets", params=[("asset_ids", red), ("asset_ids", blue)])
    assert by_id["page_info"]["total_results"] == 2


async def test_metadata_is_replaced_merged_and_cleared(call: SendRequest, make_asset: CreateResource) -> None:
    asset = await make_asset(user_metadata={"colour": "red", "year": 2020, "empty": ""})

    async def metadata() -> Any:
        return (await call("GET", f"/assets/{asset}"))[1].get("user_metadata")

    path = f"/assets/{asset}/user-metadata"
    assert await metadata() == {"colour": "red", "year": 2020}
    await call("PATCH", path, json={"user_metadata": {"year": None, "tags": ["a", "b"], "colour": ""}})
    assert await metadata() == {"colour": "red", "tags": ["a", "b"]}
    await call("PUT", path, json={"user_metadata": {"seen": True, "gone": None}})
    assert await metadata() == {"seen": True}
    assert await call("DELETE", path) == (204, None)
    assert await metadata() is None


async def test_an_indexed_asset_is_deleted_only_with_force(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    video = await make_video(index)
    _, indexed = await call("GET", f"/indexes/{index}/indexed-assets/{video}")
    path = f"/assets/{indexed['asset_id']}"
    assert (await call("DELETE", path))[0] == 409
    assert (await call("DELETE", path + "?force=true"))[0] == 204
    assert (await call("GET", path))[0] == 404
    assert (await call("GET", f"/indexes/{index}/indexed-assets/{video}"))[0] == 200


async def test_the_default_transcript_of_a_video_is_its_name(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    pytest.importorskip("pymediainfo")
    spoken, silent = await make_asset("red car.mp4"), await make_asset("x.mp4", samples.video(sound=False))
    assert (await call("GET", f"/assets/{spoken}/transcription"))[1] == {"status": "processing"}
    advance(10)
    _, words = await call("GET", f"/assets/{spoken}/transcription")
    assert [entry["value"] for entry in words["words"][:3]] == ["red", "car", "mp4"]
    _, more = await call("GET", f"/assets/{spoken}/transcription?include=sentences&include=utterances")
    assert more.keys() == {"status", "sentences", "utterances"}
    assert (await call("GET", f"/assets/{silent}/transcription"))[0] == 404


async def test_the_same_seed_produces_the_same_ids(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    form: Form,
) -> None:
    ids: list[str] = []
    for seed in (1, 1, 2):
        session = await connect(await serve(seed=seed))
        async with session.post("assets", data=form(method="url", url="https://example.com/a.mp4")) as response:
            ids.append((await response.json())["_id"])
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("filename", "file_kind", "expected_fields"),
    [
        ("film.mp4", "video", {"duration"}),
        ("talk.mp3", "audio", {"duration"}),
        ("cat.jpg", "image", set[str]()),
        ("notes.pdf", "document", set[str]()),
        ("upload", "video", {"duration"}),
    ],
)
async def test_properties_are_estimated_without_pymediainfo(
    call: SendRequest,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    filename: str,
    file_kind: str,
    expected_fields: set[str],
) -> None:
    monkeypatch.setitem(sys.modules, "pymediainfo", None)
    asset = await make_asset(filename, b"%PDF" + b"x" * 999_996)
    advance(10)
    _, ready = await call("GET", f"/assets/{asset}")
    assert ready["status"] == "ready"
    assert {"duration"} & ready.keys() == expected_fields
    assert ready.get("duration", 8) == 8
    _, response = await call("GET", "/assets", params={"asset_types": file_kind})
    assert [entry["_id"] for entry in response["data"]] == [asset]


@pytest.mark.parametrize(
    ("filename", "content", "status"),
    [
        ("a.pdf", b"%PDF-1.7 a", "ready"),
        ("a.PDF", b"a blank line comes first\n%PDF-1.7", "ready"),
        ("a.pdf", b"not a pdf", "failed"),
        ("a.txt", "Grüße".encode("latin-1"), "ready"),
        ("a.txt", "Grüße".encode("utf-16"), "ready"),
        ("a.txt", b"%PDF-1.7", "failed"),
        ("a.MD", b"# Title\r\n", "ready"),
        ("a.md", samples.image(), "failed"),
    ],
)
async def test_a_document_fails_if_its_extension_does_not_match_its_content(
    call: SendRequest,
    make_asset: CreateResource,
    advance: Callable[[float], None],
    filename: str,
    content: bytes,
    status: str,
) -> None:
    asset = await make_asset(filename, content)
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["status"] == status


async def test_the_content_determines_the_kind_without_an_extension(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    pytest.importorskip("pymediainfo")
    film, audio, unknown = [await make_asset("upload", c) for c in (samples.video(), samples.audio(), b"nothing")]
    advance(10)
    assert (await call("GET", f"/assets/{film}"))[1]["file_type"] == "video/mp4"
    assert (await call("GET", f"/assets/{audio}"))[1]["file_type"] == "audio/wave"
    assert (await call("GET", f"/assets/{unknown}"))[1]["status"] == "failed"


async def test_the_reported_size_of_a_large_file_is_exact(
    call: SendRequest, make_asset: CreateResource, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("film.mp4", samples.video(size=3_000_001))
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["size"] == 3_000_001


async def test_a_failed_write_for_a_client_that_has_disconnected_is_not_reported(tmp_path: Path) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    hasher = UploadHasher(tmp_path / "deleted")
    await hasher.feed(bytes(BATCH_SIZE))
    assert hasher._running is not None
    await asyncio.wait([hasher._running])
    del hasher
    gc.collect()
    assert not reported

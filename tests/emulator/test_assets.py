"""Somebody hands files over and waits until they can be used."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from movies import MEDIA, referring

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator.pictures import thumbnail

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]


async def test_a_file_is_processed_before_it_is_ready(call: Call, form: Form, advance: Callable[[float], None]) -> None:
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


async def test_a_video_is_looked_into(call: Call, make_asset: Make, advance: Callable[[float], None]) -> None:
    pytest.importorskip("pymediainfo")
    asset = await make_asset("film.mp4", samples.video(20, width=640, height=480, fps=50))
    advance(10)
    _, ready = await call("GET", f"/assets/{asset}")
    found = ready["technical_metadata"]
    assert ready["duration"] == 20
    assert (found["video_width"], found["video_height"], found["video_fps"]) == (640, 480, 50)
    assert found["has_audio"]


@pytest.mark.parametrize(
    ("filename", "content", "kind"),
    [("talk.wav", samples.audio(5), "audio"), ("cat.png", samples.image(), "image"), ("notes.md", b"# x", "document")],
)
async def test_other_kinds_of_files_have_their_own_type(
    call: Call, make_asset: Make, filename: str, content: bytes, kind: str
) -> None:
    asset = await make_asset(filename, content)
    await make_asset("film.mp4")
    _, found = await call("GET", "/assets", params={"asset_types": kind})
    assert [entry["_id"] for entry in found["data"]] == [asset]


async def test_a_broken_video_fails_and_says_why(
    call: Call, make_asset: Make, advance: Callable[[float], None]
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
async def test_a_playlist_is_not_followed(
    call: Call, make_asset: Make, advance: Callable[[float], None], tmp_path: Path, encoding: str, end: str
) -> None:
    """An upload must not make the machine of the emulator fetch or open what it names."""
    pytest.importorskip("pymediainfo")
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0)
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/secret.ts"
        (tmp_path / "private.mp4").write_bytes(samples.video(20))
        playlist = f"#EXTM3U\n#EXTINF:10,\n{tmp_path}/private.mp4\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n{end}"
        async with asyncio.timeout(10):
            asset = await make_asset("film.mp4", playlist.encode(encoding))
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["status"] == "failed"


@pytest.mark.parametrize("packed", [False, True])
async def test_a_movie_is_not_followed(
    call: Call,
    make_asset: Make,
    advance: Callable[[float], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    packed: bool,
) -> None:
    """The sound is in a file that belongs to this machine, and stays unknown; of a packed movie nothing is known."""
    pytest.importorskip("pymediainfo")
    monkeypatch.chdir(tmp_path)
    private = Path(shutil.copy(MEDIA / "bars.mov", tmp_path / "private.mov"))
    asset = await make_asset("film.mov", referring(private, only=b"vide", packed=packed))
    advance(10)
    _, found = await call("GET", f"/assets/{asset}")
    assert found["status"] == "ready"
    told = found["technical_metadata"]
    assert (told["video_width"], told["has_audio"]) == ((1280, True) if packed else (640, False))


@pytest.mark.parametrize("kind", ["movie", "list"])
def test_a_thumbnail_shows_nothing_of_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    private = Path(shutil.copy(MEDIA / "bars.mov", tmp_path / "private.mov"))
    film = tmp_path / "film.mov"
    film.write_bytes(referring(private) if kind == "movie" else b"ffconcat version 1.0\nfile private.mov\n")
    assert thumbnail(private)
    assert thumbnail(film) is None


async def test_a_file_that_may_name_others_is_taken_by_its_name(
    call: Call, make_asset: Make, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("film.mxf", b"\x06\x0e\x2b\x34" + bytes(1000))
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["status"] == "ready"


async def test_without_a_look_into_files_everything_is_fine(
    serve: Callable[..., Awaitable[Emulator]],
    connect: Callable[[Emulator], Awaitable[aiohttp.ClientSession]],
    form: Form,
    advance: Callable[[float], None],
) -> None:
    session = await connect(await serve(probe=False))
    async with session.post("assets", data=form("film.mp4", method="direct", file=b"this is no video")) as response:
        asset = (await response.json())["_id"]
    advance(10)
    async with session.get(f"assets/{asset}") as response:
        ready = await response.json()
    assert (ready["status"], ready["duration"]) == ("ready", 4)


async def test_a_url_is_taken_without_being_fetched(call: Call, form: Form, advance: Callable[[float], None]) -> None:
    url = "https://example.com/films/red%20car.mp4?token=1"
    _, created = await call("POST", "/assets", data=form(method="url", url=url))
    _, again = await call("POST", "/assets", data=form(method="url", url=url, filename="other.mp4"))
    advance(10)
    _, first = await call("GET", f"/assets/{created['_id']}")
    _, second = await call("GET", f"/assets/{again['_id']}")
    assert (first["filename"], second["filename"]) == ("red car.mp4", "other.mp4")
    assert first["duration"] == second["duration"] >= 30


async def test_a_url_that_leads_nowhere_fails_later(call: Call, form: Form, advance: Callable[[float], None]) -> None:
    _, created = await call("POST", "/assets", data=form(method="url", url="https://nowhere.invalid/film.mp4"))
    advance(10)
    assert (await call("GET", f"/assets/{created['_id']}"))[1]["status"] == "failed"


async def test_streams_and_thumbnails_come_unless_declined(
    call: Call, make_asset: Make, advance: Callable[[float], None]
) -> None:
    given, declined = await make_asset(), await make_asset(enable_hls="false", enable_thumbnail="false")
    _, early = await call("GET", f"/assets/{given}")
    assert early["hls"] == {"status": "processing"}
    advance(10)
    _, late = await call("GET", f"/assets/{given}")
    assert late["hls"]["manifest_url"].endswith(".m3u8")
    assert late["thumbnail"]["status"] == "ready"
    assert not {"hls", "thumbnail"} & (await call("GET", f"/assets/{declined}"))[1].keys()


async def test_the_newest_asset_is_listed_first_and_can_be_looked_for(call: Call, make_asset: Make) -> None:
    red, blue = await make_asset("Red car.mp4"), await make_asset("blue car.mp4")
    _, everything = await call("GET", "/assets")
    assert [entry["_id"] for entry in everything["data"]] == [blue, red]
    _, named = await call("GET", "/assets", params={"filename": "rED"})
    assert [entry["_id"] for entry in named["data"]] == [red]
    _, picked = await call("GET", "/assets", params=[("asset_ids", red), ("asset_ids", blue)])
    assert picked["page_info"]["total_results"] == 2


async def test_metadata_is_replaced_merged_and_cleared(call: Call, make_asset: Make) -> None:
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


async def test_an_asset_in_an_index_is_deleted_by_force_only(call: Call, make_index: Make, make_video: Make) -> None:
    index = await make_index()
    video = await make_video(index)
    _, indexed = await call("GET", f"/indexes/{index}/indexed-assets/{video}")
    path = f"/assets/{indexed['asset_id']}"
    assert (await call("DELETE", path))[0] == 409
    assert (await call("DELETE", path + "?force=true"))[0] == 204
    assert (await call("GET", path))[0] == 404
    assert (await call("GET", f"/indexes/{index}/indexed-assets/{video}"))[0] == 200


async def test_what_is_said_in_a_video_is_its_name(
    call: Call, make_asset: Make, advance: Callable[[float], None]
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


async def test_the_same_requests_give_the_same_ids(
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
    ("filename", "kind", "known"),
    [
        ("film.mp4", "video", {"duration"}),
        ("talk.mp3", "audio", {"duration"}),
        ("cat.jpg", "image", set[str]()),
        ("notes.pdf", "document", set[str]()),
        ("upload", "video", {"duration"}),
    ],
)
async def test_without_the_library_properties_are_made_up(
    call: Call,
    make_asset: Make,
    advance: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    filename: str,
    kind: str,
    known: set[str],
) -> None:
    monkeypatch.setitem(sys.modules, "pymediainfo", None)
    asset = await make_asset(filename, b"x" * 1_000_000)
    advance(10)
    _, ready = await call("GET", f"/assets/{asset}")
    assert ready["status"] == "ready"
    assert {"duration"} & ready.keys() == known
    assert ready.get("duration", 8) == 8
    _, found = await call("GET", "/assets", params={"asset_types": kind})
    assert [entry["_id"] for entry in found["data"]] == [asset]


async def test_the_content_decides_where_the_name_says_nothing(
    call: Call, make_asset: Make, advance: Callable[[float], None]
) -> None:
    pytest.importorskip("pymediainfo")
    film, song, nothing = [await make_asset("upload", c) for c in (samples.video(), samples.audio(), b"nothing")]
    advance(10)
    assert (await call("GET", f"/assets/{film}"))[1]["file_type"] == "video/mp4"
    assert (await call("GET", f"/assets/{song}"))[1]["file_type"] == "audio/wave"
    assert (await call("GET", f"/assets/{nothing}"))[1]["status"] == "failed"


async def test_a_large_file_is_counted_to_the_last_byte(
    call: Call, make_asset: Make, advance: Callable[[float], None]
) -> None:
    asset = await make_asset("film.mp4", samples.video(size=3_000_001))
    advance(10)
    assert (await call("GET", f"/assets/{asset}"))[1]["size"] == 3_000_001

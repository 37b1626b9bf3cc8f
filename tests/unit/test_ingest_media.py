"""Real files, good and bad, as they are found before anything is sent."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import socket
from pathlib import Path
from types import ModuleType

import pytest
from movies import alias, referring

from twelvelabs_async.ingest.check import check
from twelvelabs_async.ingest.media import Blinkers, of_file
from twelvelabs_async.ingest.rules import refusal, rules_of

MEDIA = Path(__file__).parents[1] / "data" / "media"
RULES = rules_of(["marengo3.0"])

REFUSED = {
    "cut-after-index.mp4": "the file is cut off",
    "cut-before-index.mov": "there is no picture and no sound in it (it is cut off)",
    "huge.mp4": "its picture is 4096x2304; marengo3.0 takes up to 5184x2160",
    "short.mp4": "it is 3 s long; marengo3.0 takes 4 s to 4 h",
    "small.mp4": "its picture is 320x240; marengo3.0 takes 360x360 and more",
    "text.mp4": "there is no picture and no sound in it",
    "wide.mp4": "its picture is 1280x400, 3.20:1",
}
GOOD = sorted(path.name for path in MEDIA.iterdir() if path.name not in REFUSED)


def test_the_media_are_small_and_of_many_kinds() -> None:
    assert sum(path.stat().st_size for path in MEDIA.iterdir()) < 300_000
    assert {Path(name).suffix for name in GOOD} == {".avi", ".mkv", ".mov", ".mp3", ".mp4", ".ts", ".webm"}


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_file_is_measured_in_every_container(name: str) -> None:
    checked = await check(str(MEDIA / name), RULES)
    assert (checked.refusal, checked.way) == ("", "direct")
    assert checked.media.looked
    assert checked.media.seconds == pytest.approx(6, abs=0.5)
    if not name.endswith(".mp3"):
        assert {checked.media.width, checked.media.height} == {640, 360}


@pytest.mark.parametrize("name", sorted(REFUSED))
async def test_a_bad_file_is_refused_in_a_sentence(name: str) -> None:
    assert (await check(str(MEDIA / name), RULES)).refusal.startswith(REFUSED[name])


async def test_a_name_is_no_proof(tmp_path: Path) -> None:
    """A sound in a file that is called a video is a sound, and has no picture that could be too small."""
    shutil.copy(MEDIA / "tone.mp3", tmp_path / "tone.mp4")
    checked = await check(str(tmp_path / "tone.mp4"), RULES)
    assert (checked.refusal, checked.media.kind) == ("", "audio")


async def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert (await check(str(tmp_path / "gone.mp4"))).refusal == "cannot be read: No such file or directory"
    assert (await check(str(tmp_path))).refusal == "cannot be read: it is no regular file"
    (tmp_path / "empty.mp4").touch()
    assert (await check(str(tmp_path / "empty.mp4"))).refusal == "the file is empty"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert (await check(str(tmp_path / "pipe.mp4"))).refusal == "cannot be read: it is no regular file"


async def test_an_address_is_judged_by_its_looks_and_never_fetched() -> None:
    assert (await check("https://example.com/a.mp4?sig=1", RULES)).refusal == ""
    assert (await check("https://example.com/a.png", RULES)).refusal.startswith("it is of the kind image")
    assert (await check("https://youtu.be/x", RULES)).refusal.startswith("youtu.be gives pages")


@pytest.mark.parametrize("end", ["", "\0"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_looking_at_a_playlist_asks_nobody(tmp_path: Path, encoding: str, end: str) -> None:
    """A file that came from somewhere must not make this machine fetch what it names."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret.ts"
        playlist = tmp_path / "film.mp4"
        playlist.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n{end}", encoding=encoding)
        assert of_file(playlist).empty_inside
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("packed", [False, True])
def test_looking_at_a_movie_opens_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    """The library would find the pictures of the private film beside the sound of this one."""
    monkeypatch.chdir(tmp_path)
    private = Path(shutil.copy(MEDIA / "bars.mov", tmp_path / "private.mov"))
    movie = tmp_path / "film.mov"
    movie.write_bytes(referring(private, only=b"soun", packed=packed))
    library = importlib.import_module("pymediainfo").MediaInfo
    with movie.open("rb") as opened:
        assert library.parse(opened).video_tracks, "it would not have been followed at all"
    seen = of_file(movie)
    assert (seen.looked, seen.kind) == ((False, "video") if packed else (True, "audio"))


def test_a_movie_that_names_itself_is_measured(tmp_path: Path) -> None:
    """QuickTime writes this reference into every movie, for media that are right there."""
    movie = tmp_path / "film.mov"
    movie.write_bytes((MEDIA / "bars.mov").read_bytes().replace(b"url \0\0\0\1", b"alis\0\0\0\1"))
    assert b"alis" in movie.read_bytes()
    seen = of_file(movie)
    assert (seen.kind, seen.width) == ("video", 640)
    assert seen.seconds == pytest.approx(6, abs=0.5)


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
def test_names_are_hidden_wherever_reading_cuts_them(size: int) -> None:
    entry = alias(Path("/private.mov"))
    file = Blinkers(io.BytesIO(b"12345" + entry + b"alis"))
    read = b"".join(iter(lambda: file.read(size), b""))
    assert read == b"12345" + entry.replace(b"alis", bytes(4)) + bytes(4)
    assert not file.blind
    file = Blinkers(io.BytesIO(b"anything before \x06\x0e\x2b\x34 MXF"))
    assert b"".join(iter(lambda: file.read(size), b"")) == b"anything before \0\0\0\0 MXF"
    assert file.blind


@pytest.mark.parametrize("name", [b"\xff\xfe.mp4", b"a\x01\nb<&>.mp4", b"%2e%2e; rm -rf .mp4", "ß漢.mp4".encode()])
def test_a_file_of_any_name_is_looked_into(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    shutil.copy(MEDIA / "short.mp4", path)
    assert of_file(path).seconds == 3


def test_files_that_are_numbered_in_a_row_are_not_taken_for_one(tmp_path: Path) -> None:
    for number in range(1, 25):
        shutil.copy(MEDIA / "bars.ts", tmp_path / f"{number:05}.ts")
    assert of_file(tmp_path / "00001.ts").seconds == pytest.approx(6, abs=0.5)


def test_without_the_library_name_and_size_have_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.import_module

    def missing(name: str, package: str | None = None) -> ModuleType:
        if name == "pymediainfo":
            raise ImportError(name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    media = of_file(MEDIA / "short.mp4")
    assert refusal(media, "direct", RULES) == ""
    assert (media.looked, media.size, media.kind) == (False, 8679, "video")
    assert of_file(MEDIA / "text.mp4").empty_inside


def test_a_long_text_that_is_cut_in_a_letter_is_text(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_bytes(b"x" + "ß".encode() * 5000)
    assert of_file(tmp_path / "text.mp4").empty_inside

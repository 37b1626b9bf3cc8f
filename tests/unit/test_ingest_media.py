"""Validation of real media files."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import shutil
import socket
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from movies import alias_box, reference_movie

from twelvelabs_async.ingest._validation import (
    TRUNCATED_WARNING,
    MaskedFile,
    Media,
    detect_media_type,
    media_from_tracks,
    probe_file,
    rejection_reason,
    rules_for_models,
    validate_source,
)

MEDIA = Path(__file__).parents[1] / "data" / "media"
RULES = rules_for_models(["marengo3.0"])

REJECTED = {
    "cut-before-index.mov": "the file has neither video nor audio (it is truncated)",
    "huge.mp4": "its resolution is 4096x2304; marengo3.0 takes up to 5184x2160",
    "short.mp4": "it is 3 s long; marengo3.0 takes 4 s to 4 h",
    "small.mp4": "its resolution is 320x240; marengo3.0 takes at least 360x360",
    "text.mp4": "the file has neither video nor audio",
    "wide.mp4": "its resolution is 1280x400, an aspect ratio of 3.20:1",
}
TRUNCATED = "cut-after-index.mp4"
ACCEPTED = sorted(path.name for path in MEDIA.iterdir() if path.name not in {*REJECTED, TRUNCATED})


def test_the_sample_files_are_small_and_have_many_formats() -> None:
    assert sum(path.stat().st_size for path in MEDIA.iterdir()) < 300_000
    assert {Path(name).suffix for name in ACCEPTED} == {".avi", ".mkv", ".mov", ".mp3", ".mp4", ".ts", ".webm"}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_media_properties_are_read_from_every_container(name: str) -> None:
    checked = await validate_source(str(MEDIA / name), RULES)
    assert (checked.rejection_reason, checked.strategy) == ("", "direct")
    assert checked.media.inspected
    assert checked.media.seconds == pytest.approx(6, abs=0.5)
    if not name.endswith(".mp3"):
        assert {checked.media.width, checked.media.height} == {640, 360}


@pytest.mark.parametrize("name", sorted(REJECTED))
async def test_an_unsupported_file_is_rejected_with_a_reason(name: str) -> None:
    assert (await validate_source(str(MEDIA / name), RULES)).rejection_reason.startswith(REJECTED[name])


async def test_a_url_uses_the_url_strategy_and_the_media_type_of_its_filename() -> None:
    checked = await validate_source("https://example.com/a.mp4?signature=1", RULES)
    assert (checked.strategy, checked.rejection_reason) == ("url", "")
    assert (checked.media.name, checked.media.kind, checked.media.estimated_seconds) == ("a.mp4", "video", None)
    assert (await validate_source("https://example.com/get?id=7", RULES)).rejection_reason == ""


async def test_an_apparently_truncated_file_is_accepted_with_a_warning() -> None:
    """A recording to a pipe and a file with trailing bytes seem to be truncated, but are complete."""
    checked = await validate_source(str(MEDIA / TRUNCATED), RULES)
    assert (checked.rejection_reason, checked.warning) == ("", TRUNCATED_WARNING)
    assert (await validate_source(str(MEDIA / "bars.mp4"), RULES)).warning == ""


@pytest.mark.parametrize("name", ["noise.mp4", "noise"])
async def test_a_file_of_random_bytes_is_rejected(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x91" + hashlib.shake_128(b"noise").digest(50_000))
    assert (await validate_source(str(tmp_path / name), RULES)).rejection_reason.startswith(
        "the file has no known format"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("bars.mp4", "video"), ("bars.ts", "video"), ("bars.mkv", "video"), ("bars.avi", "video"), ("tone.mp3", "audio")],
)
def test_the_type_of_a_file_without_a_known_extension_is_detected_from_its_content(
    tmp_path: Path, name: str, kind: str
) -> None:
    for new_name in ("clip", "clip.part"):
        path = Path(shutil.copy(MEDIA / name, tmp_path / new_name))
        assert detect_media_type(path) == probe_file(path).kind == kind
    assert detect_media_type(Path(shutil.copy(MEDIA / name, tmp_path / "song.wav"))) == "audio"


def test_the_longest_video_track_is_used_instead_of_a_cover_image() -> None:
    tracks: list[dict[str, Any]] = [
        {"track_type": "General", "format": "MPEG-4"},
        {"track_type": "Image", "width": 3000, "height": 3000},
        {"track_type": "Video", "format": "JPEG", "width": 300, "height": 300},
        {"track_type": "Video", "format": "AVC", "duration": 1000, "width": 100, "height": 100},
        {"track_type": "Video", "format": "AVC", "duration": 9000, "width": 640, "height": 360},
        {"track_type": "Audio", "duration": 9500},
    ]
    media = media_from_tracks(Media(name="a.mp4"), tracks)
    assert (media.kind, media.width, media.height, media.seconds) == ("video", 640, 360, 9.5)
    media = media_from_tracks(Media(name="a.mp3"), [tracks[0], tracks[1], tracks[2], tracks[5]])
    assert (media.kind, media.width, media.no_streams) == ("audio", None, False)
    assert media_from_tracks(Media(name="a.jpg"), tracks[:2]).kind == "image"


async def test_the_media_type_depends_on_the_content_and_not_the_extension(tmp_path: Path) -> None:
    """An audio file with the extension of a video has no resolution to check."""
    shutil.copy(MEDIA / "tone.mp3", tmp_path / "tone.mp4")
    checked = await validate_source(str(tmp_path / "tone.mp4"), RULES)
    assert (checked.rejection_reason, checked.media.kind) == ("", "audio")


async def test_an_unreadable_file_is_rejected_with_the_reason(tmp_path: Path) -> None:
    assert (
        await validate_source(str(tmp_path / "gone.mp4"))
    ).rejection_reason == "cannot be read: No such file or directory"
    assert (await validate_source(str(tmp_path))).rejection_reason == "cannot be read: not a regular file"
    (tmp_path / "empty.mp4").touch()
    assert (await validate_source(str(tmp_path / "empty.mp4"))).rejection_reason == "the file is empty"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not available")
async def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert (await validate_source(str(tmp_path / "pipe.mp4"))).rejection_reason == "cannot be read: not a regular file"


async def test_a_url_is_validated_without_a_request() -> None:
    assert (await validate_source("https://example.com/a.mp4?sig=1", RULES)).rejection_reason == ""
    assert (await validate_source("https://example.com/a.png", RULES)).rejection_reason.startswith(
        "the media type is image"
    )
    assert (await validate_source("https://youtu.be/x", RULES)).rejection_reason.startswith(
        "this is a web page of YouTube"
    )


@pytest.mark.parametrize("end", ["", "\0"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_validating_a_playlist_sends_no_request(tmp_path: Path, encoding: str, end: str) -> None:
    """An untrusted file must not cause requests from this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret.ts"
        playlist = tmp_path / "film.mp4"
        playlist.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\n{url}\n#EXT-X-ENDLIST\n{end}", encoding=encoding)
        assert probe_file(playlist).no_streams
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("compressed", [False, True])
def test_validating_a_movie_opens_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, compressed: bool
) -> None:
    """The library alone would read the video track of the private file."""
    monkeypatch.chdir(tmp_path)
    private = Path(shutil.copy(MEDIA / "bars.mov", tmp_path / "private.mov"))
    movie = tmp_path / "film.mov"
    movie.write_bytes(reference_movie(private, track_type=b"soun", compressed=compressed))
    library = importlib.import_module("pymediainfo").MediaInfo
    with movie.open("rb") as file:
        assert library.parse(file).video_tracks, "the library does not follow the reference"
    media = probe_file(movie)
    assert (media.inspected, media.kind) == ((False, "video") if compressed else (True, "audio"))


def test_a_movie_with_a_reference_to_itself_is_inspected(tmp_path: Path) -> None:
    """QuickTime writes such a reference into each movie that contains its media."""
    movie = tmp_path / "film.mov"
    movie.write_bytes((MEDIA / "bars.mov").read_bytes().replace(b"url \0\0\0\1", b"alis\0\0\0\1"))
    assert b"alis" in movie.read_bytes()
    media = probe_file(movie)
    assert (media.kind, media.width) == ("video", 640)
    assert media.seconds == pytest.approx(6, abs=0.5)


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
def test_markers_are_masked_across_read_boundaries(size: int) -> None:
    entry = alias_box(Path("/private.mov"))
    file = MaskedFile(io.BytesIO(b"12345" + entry + b"alis"))
    read = b"".join(iter(lambda: file.read(size), b""))
    assert read == b"12345" + entry.replace(b"alis", bytes(4)) + bytes(4)
    assert not file.masked_too_much
    file = MaskedFile(io.BytesIO(b"anything before \x06\x0e\x2b\x34 MXF"))
    assert b"".join(iter(lambda: file.read(size), b"")) == b"anything before \0\0\0\0 MXF"
    assert file.masked_too_much


@pytest.mark.parametrize("name", [b"\xff\xfe.mp4", b"a\x01\nb<&>.mp4", b"%2e%2e; rm -rf .mp4", "ß漢.mp4".encode()])
def test_a_file_with_any_name_is_inspected(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    shutil.copy(MEDIA / "short.mp4", path)
    assert probe_file(path).seconds == 3


def test_numbered_files_are_not_read_as_one_file(tmp_path: Path) -> None:
    for number in range(1, 25):
        shutil.copy(MEDIA / "bars.ts", tmp_path / f"{number:05}.ts")
    assert probe_file(tmp_path / "00001.ts").seconds == pytest.approx(6, abs=0.5)


def test_a_file_is_not_inspected_without_pymediainfo(monkeypatch: pytest.MonkeyPatch) -> None:
    import_module = importlib.import_module

    def import_except_pymediainfo(name: str, package: str | None = None) -> ModuleType:
        if name == "pymediainfo":
            raise ImportError(name)
        return import_module(name, package)

    monkeypatch.setattr(importlib, "import_module", import_except_pymediainfo)
    media = probe_file(MEDIA / "short.mp4")
    assert rejection_reason(media, "direct", RULES) == ""
    assert (media.inspected, media.size, media.kind) == (False, 8679, "video")
    assert probe_file(MEDIA / "text.mp4").no_streams


def test_a_header_that_ends_within_a_utf8_character_is_detected_as_text(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_bytes(b"x" + "ß".encode() * 5000)
    assert probe_file(tmp_path / "text.mp4").no_streams

"""The items that the sources of an ingestion stand for."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async._system import path_to_uri, uri_to_path
from twelvelabs_async.ingest import Item, PathOrUrl, PathSkipped
from twelvelabs_async.ingest._duplicates import _sample_digest, have_same_content
from twelvelabs_async.ingest._scan import expand, iter_items


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with various files, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.mp4",
        "a.MOV",
        "notes.txt",
        "poster.png",
        "raw.xyz",
        ".hidden.mp4",
        "deep/c.mkv",
        "deep/d.wav",
        ".git/x.mp4",
    ):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def items_of(source: PathOrUrl) -> list[Item]:
    return [found for found in expand(source) if isinstance(found, Item)]


def sources(source: str) -> list[str]:
    items = items_of(source)
    assert not [item for item in items if item.problem]
    return [Path(item.source).as_posix() for item in items]


def problem(source: str) -> str:
    (item,) = items_of(source)
    assert item.source == source
    return item.problem


def test_a_folder_yields_its_media_files_sorted_and_those_of_subfolders(folder: Path) -> None:
    assert sources("videos") == ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    assert sources(str(folder / "videos/deep"))[0] == (folder / "videos/deep/c.mkv").as_posix()


@pytest.mark.usefixtures("folder")
def test_a_glob_yields_media_files_and_those_of_folders() -> None:
    assert sources("videos/*.mp4") == ["videos/b.mp4"]
    assert sources("videos/*") == ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    assert sources("**/*.mkv") == ["videos/deep/c.mkv"]


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_named_explicitly_may_have_any_type() -> None:
    """The platform may accept more types than the client knows."""
    assert sources("videos/notes.txt") == ["videos/notes.txt"]
    assert sources("videos/.hidden.mp4") == ["videos/.hidden.mp4"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(folder: Path) -> None:
    (folder / "take [1].mp4").touch()
    assert sources("take [1].mp4") == ["take [1].mp4"]


@pytest.mark.usefixtures("folder")
def test_a_source_that_matches_nothing_yields_a_problem() -> None:
    assert problem("videos/nope.mp4") == "no such file or folder"
    assert problem("videos/*.avi") == "no video or audio matches"
    assert problem("[" * 1_000_000) == "no video or audio matches"
    Path("bare").mkdir()
    assert problem("bare") == "no video or audio in this folder"


def test_a_url_is_not_expanded() -> None:
    url = "https://example.com/a*b.mp4?x=[1]"
    (item,) = items_of(url)
    assert (item.source, item.name, item.size, item.problem) == (url, "a*b.mp4", 0, "")


def test_a_link_has_the_uri_of_its_target(folder: Path) -> None:
    link = folder / "link.mp4"
    link.symlink_to(folder / "videos/b.mp4")
    assert [item.uri for item in items_of(link)] == [item.uri for item in items_of("videos/../videos/b.mp4")]


def test_dangling_links_and_link_cycles_are_not_followed(folder: Path) -> None:
    (folder / "dead.mp4").symlink_to(folder / "gone.mp4")
    (folder / "videos/circle").symlink_to(folder / "videos", target_is_directory=True)
    assert problem("dead.mp4") == "no such file or folder"
    assert len(sources("videos")) == 4


def test_a_glob_with_link_cycles_terminates_and_yields_each_file_once(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / "videos" / name).symlink_to(folder / "videos", target_is_directory=True)
    found = ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    for pattern in ("videos/**", "videos/**/*", "videos/*", "**/*", f"{folder}/videos/**/*.*"):
        assert (
            sorted(
                Path(source).relative_to(folder if Path(source).is_absolute() else ".").as_posix()
                for source in sources(pattern)
            )
            == found
        )


def test_skipped_paths_in_a_folder_are_reported(folder: Path) -> None:
    for name in ("$RECYCLE.BIN", "lost+found", ".Trash-1000", "@eaDir", ".cache"):
        (folder / "videos" / name).mkdir()
        (folder / "videos" / name / "gone.mp4").touch()
    (folder / "videos/link").symlink_to(folder / "videos/deep", target_is_directory=True)
    for name in ("1.JPG", "2.jpg", "README", ".DS_Store"):
        (folder / "videos/deep" / name).touch()
    left_out = [found for found in expand("videos/deep") if isinstance(found, PathSkipped)]
    assert sorted((Path(found.path).name, found.reason, found.suffix, found.count) for found in left_out) == [
        ("deep", "hidden file", "", 1),
        ("deep", "not video or audio", "", 1),
        ("deep", "not video or audio", ".jpg", 2),
    ]
    folders = {
        (Path(found.path).name, found.reason)
        for found in expand("videos")
        if isinstance(found, PathSkipped) and not found.reason.startswith(("not", "hidden file"))
    }
    assert folders == {
        ("$RECYCLE.BIN", "recycle bin"),
        (".Trash-1000", "recycle bin"),
        ("lost+found", "system folder"),
        ("@eaDir", "system folder"),
        (".cache", "hidden folder"),
        (".git", "hidden folder"),
        ("link", "linked folder"),
    }
    assert len(sources("videos")) == 4
    assert sources("videos/lost+found") == ["videos/lost+found/gone.mp4"]


def test_a_glob_reports_the_matching_files_it_skips(folder: Path) -> None:
    (folder / "videos/deep/notes.TXT").touch()
    assert [found.suffix for found in expand("videos/deep/*.*") if isinstance(found, PathSkipped)] == [".txt"]


@pytest.mark.parametrize("source", ["videos", "videos/**/*.mp4", "videos/*"])
def test_a_folder_that_cannot_be_read_is_an_item_and_the_others_are_read(
    folder: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "videos/closed").mkdir()
    (folder / "videos/z.mp4").touch()
    scandir, listdir = os.scandir, os.listdir

    def readable(path: str) -> str:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return path

    def scan(path: str) -> Any:
        return scandir(readable(path))

    def names_in(path: str) -> list[str]:
        return listdir(readable(path))

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(os, "listdir", names_in)
    items = items_of(source)
    assert "videos/z.mp4" in [Path(item.source).as_posix() for item in items if not item.problem]
    assert [(Path(item.source).name, item.problem) for item in items if item.problem] == [
        ("closed", "cannot read this folder: Permission denied")
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has a limit for each path")
@pytest.mark.parametrize("source", ["videos", "videos/**/*.mp4"])
def test_a_path_that_is_too_long_is_an_item_and_the_others_are_read(folder: Path, source: str) -> None:
    (folder / "videos/z.mp4").touch()
    descriptor = os.open(folder / "videos", os.O_RDONLY)
    for _ in range(22):
        os.mkdir("d" * 200, dir_fd=descriptor)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    items = items_of(source)
    assert "videos/z.mp4" in [Path(item.source).as_posix() for item in items if not item.problem]
    assert ["too long" in item.problem for item in items if item.problem] == [True]


def test_a_glob_reports_the_folders_it_does_not_enter(folder: Path) -> None:
    (folder / "videos/lost+found").mkdir()
    found = [found for found in expand("videos/**/*.mp4") if isinstance(found, PathSkipped)]
    reasons = {Path(skipped.path).name: skipped.reason for skipped in found}
    assert reasons == {".git": "hidden folder", "lost+found": "system folder"}


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
@given(st.binary(min_size=1, max_size=20), st.binary(min_size=1, max_size=20))
def test_a_uri_stands_for_one_path_whatever_its_bytes_are(one: bytes, other: bytes) -> None:
    paths = [os.fsdecode(b"/" + name) for name in (one, other)]
    uris = [path_to_uri(path) for path in paths]
    assert [uri_to_path(uri) for uri in uris] == paths
    assert (uris[0] == uris[1]) == (one == other)
    assert "\0" not in uris[0]
    uris[0].encode()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has locales")
@pytest.mark.oldest_python
def test_the_uri_and_the_name_of_a_file_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    (tmp_path / "é.mp4").touch()
    program = "import sys; from twelvelabs_async.ingest._scan import expand; "
    program += "[item] = expand(sys.argv[1]); print(ascii((item.uri, item.name, item.problem)))"
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, tmp_path / "é.mp4"],
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == ascii((os.path.realpath(tmp_path / "é.mp4"), "é.mp4", ""))


class Unreachable:
    """The path object of a cloud library, which may have to fetch the file."""

    def __init__(self, path: object) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        if isinstance(self._path, Exception):
            raise self._path
        return self._path


@pytest.mark.parametrize("path", [OSError("no network"), KeyError("x"), 5, None])
async def test_a_path_object_that_fails_is_one_failed_item(folder: Path, path: object) -> None:
    sources: Any = [Unreachable(path), folder / "videos/b.mp4"]
    failed, found = [item async for item in iter_items(sources)]
    assert failed.problem.startswith("a source has no path")
    assert (Path(found.source).name, found.problem) == ("b.mp4", "")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"a")
    os.mkfifo(tmp_path / "b.mp4")
    assert not have_same_content(str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4"), 1, 0)
    with pytest.raises(OSError, match="not a regular file"):
        _sample_digest(str(tmp_path / "b.mp4"))


async def test_a_tuple_is_one_source_if_its_second_value_is_metadata() -> None:
    async def uris(given: Any) -> list[str]:
        return [item.uri async for item in iter_items(given)]

    one, two = "https://e.com/1", "https://e.com/2"
    assert await uris((one, two)) == [one, two]
    assert await uris((one, {"a": 1})) == [one]
    assert await uris((one, None, "key")) == ["key"]
    assert await uris([(one, None), two]) == [one, two]


async def test_a_key_requires_a_single_file(folder: Path) -> None:
    (item,) = [item async for item in iter_items((folder, None, "key"))]
    assert "one file or URL" in item.problem
    (item,) = [item async for item in iter_items((folder / "videos/b.mp4", None, "key"))]
    assert (item.uri, item.problem) == ("key", "")


@given(st.lists(st.text(st.characters(categories=("L", "N", "P", "S", "Z", "C"))), max_size=4))
async def test_any_string_is_a_source_whose_items_can_be_stored(strings: list[str]) -> None:
    url = "https://e.com/good.mp4"
    items = [item async for item in iter_items([*strings, url])]
    assert len(items) > len(strings)
    assert (items[-1].uri, items[-1].problem) == (url, "")
    for item in items:
        assert "\0" not in item.uri.encode().decode() + item.problem.encode().decode()
        assert item.name.isprintable() or item.name.isascii() is False

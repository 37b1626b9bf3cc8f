"""Expansion of the sources of an ingestion into items."""

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
from typing_extensions import override

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
    return [item for item in expand(source) if isinstance(item, Item)]


def paths_of(source: str) -> list[str]:
    items = items_of(source)
    assert not [item for item in items if item.problem]
    return [Path(item.source).as_posix() for item in items]


def problem_of(source: str) -> str:
    (item,) = items_of(source)
    assert item.source == source
    return item.problem


def test_a_folder_yields_media_files_of_all_levels_in_sorted_order(folder: Path) -> None:
    assert paths_of("videos") == ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    assert paths_of(str(folder / "videos/deep"))[0] == (folder / "videos/deep/c.mkv").as_posix()


@pytest.mark.usefixtures("folder")
def test_a_glob_yields_matching_media_files_and_those_in_matching_folders() -> None:
    assert paths_of("videos/*.mp4") == ["videos/b.mp4"]
    assert paths_of("videos/*") == ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    assert paths_of("**/*.mkv") == ["videos/deep/c.mkv"]


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_named_explicitly_may_have_any_type() -> None:
    """The platform may accept types that the client does not know."""
    assert paths_of("videos/notes.txt") == ["videos/notes.txt"]
    assert paths_of("videos/.hidden.mp4") == ["videos/.hidden.mp4"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(folder: Path) -> None:
    (folder / "take [1].mp4").touch()
    assert paths_of("take [1].mp4") == ["take [1].mp4"]


@pytest.mark.usefixtures("folder")
def test_a_source_that_matches_nothing_yields_a_problem() -> None:
    assert problem_of("videos/nope.mp4") == "no such file or folder"
    assert problem_of("videos/*.avi") == "no video or audio matches"
    assert problem_of("[" * 1_000_000) == "no video or audio matches"
    Path("bare").mkdir()
    assert problem_of("bare") == "no video or audio in this folder"


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
    assert problem_of("dead.mp4") == "no such file or folder"
    assert len(paths_of("videos")) == 4


def test_a_glob_with_link_cycles_terminates_and_yields_each_file_once(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / "videos" / name).symlink_to(folder / "videos", target_is_directory=True)
    expected = ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    for pattern in ("videos/**", "videos/**/*", "videos/*", "**/*", f"{folder}/videos/**/*.*"):
        assert (
            sorted(
                Path(source).relative_to(folder if Path(source).is_absolute() else ".").as_posix()
                for source in paths_of(pattern)
            )
            == expected
        )


def test_skipped_paths_in_a_folder_are_reported(folder: Path) -> None:
    for name in ("$RECYCLE.BIN", "lost+found", ".Trash-1000", "@eaDir", ".cache"):
        (folder / "videos" / name).mkdir()
        (folder / "videos" / name / "gone.mp4").touch()
    (folder / "videos/link").symlink_to(folder / "videos/deep", target_is_directory=True)
    for name in ("1.JPG", "2.jpg", "README", ".DS_Store"):
        (folder / "videos/deep" / name).touch()
    skipped = [event for event in expand("videos/deep") if isinstance(event, PathSkipped)]
    assert sorted((Path(event.path).name, event.reason, event.suffix, event.count) for event in skipped) == [
        ("deep", "hidden file", "", 1),
        ("deep", "not video or audio", "", 1),
        ("deep", "not video or audio", ".jpg", 2),
    ]
    folders = {
        (Path(event.path).name, event.reason)
        for event in expand("videos")
        if isinstance(event, PathSkipped) and not event.reason.startswith(("not", "hidden file"))
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
    assert len(paths_of("videos")) == 4
    assert paths_of("videos/lost+found") == ["videos/lost+found/gone.mp4"]


def test_a_glob_reports_the_matching_files_it_skips(folder: Path) -> None:
    (folder / "videos/deep/notes.TXT").touch()
    assert [event.suffix for event in expand("videos/deep/*.*") if isinstance(event, PathSkipped)] == [".txt"]


@pytest.mark.parametrize("source", ["videos", "videos/**/*.mp4", "videos/*"])
def test_an_unreadable_folder_becomes_an_item_and_others_are_scanned(
    folder: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "videos/closed").mkdir()
    (folder / "videos/z.mp4").touch()
    scandir, listdir = os.scandir, os.listdir

    def check_readable(path: str) -> str:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return path

    def failing_scandir(path: str) -> Any:
        return scandir(check_readable(path))

    def failing_listdir(path: str) -> list[str]:
        return listdir(check_readable(path))

    monkeypatch.setattr(os, "scandir", failing_scandir)
    monkeypatch.setattr(os, "listdir", failing_listdir)
    items = items_of(source)
    assert "videos/z.mp4" in [Path(item.source).as_posix() for item in items if not item.problem]
    assert [(Path(item.source).name, item.problem) for item in items if item.problem] == [
        ("closed", "cannot read this folder: Permission denied")
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has a limit for each path")
@pytest.mark.parametrize("source", ["videos", "videos/**/*.mp4"])
def test_a_path_that_is_too_long_becomes_an_item_and_others_are_scanned(folder: Path, source: str) -> None:
    (folder / "videos/z.mp4").touch()
    descriptor = os.open(folder / "videos", os.O_RDONLY)
    for _ in range(22):
        os.mkdir("d" * 200, dir_fd=descriptor)
        subfolder = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = subfolder
    os.close(descriptor)
    items = items_of(source)
    assert "videos/z.mp4" in [Path(item.source).as_posix() for item in items if not item.problem]
    assert ["too long" in item.problem for item in items if item.problem] == [True]


@pytest.mark.parametrize("source", ["videos", "videos/**", "videos/**/*.mp4"])
def test_a_folder_of_a_thousand_levels_is_read(folder: Path, source: str) -> None:
    deepest = folder / "videos" / "/".join("d" * 1100)
    path = folder / "videos"
    for _ in range(1100):  # makedirs calls itself for each level
        path = path / "d"
        path.mkdir()
    (deepest / "z.mp4").touch()
    try:
        found = paths_of(source)
    finally:
        (deepest / "z.mp4").unlink()
        os.removedirs(deepest)  # pytest cannot remove them
    assert [Path(name).name for name in found if name.endswith("/z.mp4")] == ["z.mp4"]
    assert "videos/b.mp4" in found


@pytest.mark.parametrize("source", ["videos", "videos/*", "videos/**/*.mp4"])
def test_a_chain_of_links_that_is_too_long_becomes_an_item_and_others_are_read(folder: Path, source: str) -> None:
    for number in range(1100):
        (folder / f"videos/link{number:04}.mp4").symlink_to(f"link{number + 1:04}.mp4")
    (folder / "videos/link1100.mp4").touch()
    items = {Path(item.source).name: item.problem for item in items_of(source)}
    assert (items["b.mp4"], items["link1099.mp4"]) == ("", "")
    assert items["link0000.mp4"].startswith("cannot read this file: ")


def test_a_glob_reports_the_folders_it_does_not_enter(folder: Path) -> None:
    (folder / "videos/lost+found").mkdir()
    events = [event for event in expand("videos/**/*.mp4") if isinstance(event, PathSkipped)]
    reasons = {Path(event.path).name: event.reason for event in events}
    assert reasons == {".git": "hidden folder", "lost+found": "system folder"}


@pytest.mark.skipif(sys.platform == "win32", reason="filenames are not bytes on Windows")
@given(st.binary(min_size=1, max_size=20), st.binary(min_size=1, max_size=20))
def test_a_uri_converts_back_to_any_path(first: bytes, second: bytes) -> None:
    paths = [os.fsdecode(b"/" + name) for name in (first, second)]
    uris = [path_to_uri(path) for path in paths]
    assert [uri_to_path(uri) for uri in uris] == paths
    assert (uris[0] == uris[1]) == (first == second)
    assert "\0" not in uris[0]
    uris[0].encode()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has locales")
@pytest.mark.oldest_python
def test_the_uri_and_the_name_of_a_file_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    (tmp_path / "é.mp4").touch()
    program = "import sys; from twelvelabs_async.ingest._scan import expand; "
    program += "[item] = expand(sys.argv[1]); print(ascii((item.uri, item.name, item.problem)))"
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    completed = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, tmp_path / "é.mp4"],
        env=os.environ | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    assert completed.stdout.strip() == ascii((os.path.realpath(tmp_path / "é.mp4"), "é.mp4", ""))


class CloudPath:
    """A path object like that of a cloud library, which may fail to fetch the file."""

    def __init__(self, path: object) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        if isinstance(self._path, Exception):
            raise self._path
        return self._path


@pytest.mark.parametrize("path", [OSError("no network"), KeyError("x"), 5, None])
async def test_a_failing_path_object_becomes_an_item_with_a_problem(folder: Path, path: object) -> None:
    sources: Any = [CloudPath(path), folder / "videos/b.mp4"]
    failed, other = [item async for item in iter_items(sources)]
    assert failed.problem.startswith("a source has no path")
    assert (Path(other.source).name, other.problem) == ("b.mp4", "")


class FailingText(str):
    """A string of a caller that cannot be converted."""

    __slots__ = ()

    @override
    def __str__(self) -> str:
        raise RuntimeError("broken")


async def test_a_string_whose_methods_fail_is_read_as_a_plain_string(folder: Path) -> None:
    sources: list[PathOrUrl] = [FailingText(folder / "videos/b.mp4"), FailingText("https://example.com/c.mp4")]
    found = [item async for item in iter_items(sources)]
    assert [(item.name, item.problem) for item in found] == [("b.mp4", ""), ("c.mp4", "")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not available")
def test_a_comparison_with_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"a")
    os.mkfifo(tmp_path / "b.mp4")
    assert not have_same_content(str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4"), 1, 0)
    with pytest.raises(OSError, match="not a regular file"):
        _sample_digest(str(tmp_path / "b.mp4"))


async def test_a_tuple_is_one_source_if_its_second_value_is_metadata() -> None:
    async def uris(source: Any) -> list[str]:
        return [item.uri async for item in iter_items(source)]

    first, second = "https://e.com/1", "https://e.com/2"
    assert await uris((first, second)) == [first, second]
    assert await uris((first, {"a": 1})) == [first]
    assert await uris((first, None, "key")) == ["key"]
    assert await uris([(first, None), second]) == [first, second]


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

"""What is meant by the sources of an ingest."""

from __future__ import annotations

from pathlib import Path

import pytest

from twelvelabs_async.ingest import expand


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with this and that, which is also the current one."""
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


def sources(named: str) -> list[str]:
    items = list(expand(named))
    assert not [item for item in items if item.problem]
    return [Path(item.source).as_posix() for item in items]


def problem(named: str) -> str:
    (item,) = expand(named)
    assert item.source == named
    return item.problem


def test_a_folder_gives_its_media_sorted_and_those_below(folder: Path) -> None:
    assert sources("videos") == ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    assert sources(str(folder / "videos/deep"))[0] == (folder / "videos/deep/c.mkv").as_posix()


@pytest.mark.usefixtures("folder")
def test_a_glob_gives_media_and_looks_into_folders() -> None:
    assert sources("videos/*.mp4") == ["videos/b.mp4"]
    assert sources("videos/*") == ["videos/a.MOV", "videos/b.mp4", "videos/deep/c.mkv", "videos/deep/d.wav"]
    assert sources("**/*.mkv") == ["videos/deep/c.mkv"]


@pytest.mark.usefixtures("folder")
def test_what_is_named_explicitly_is_taken_as_it_is() -> None:
    """The platform may know more kinds of files than we do."""
    assert sources("videos/notes.txt") == ["videos/notes.txt"]
    assert sources("videos/.hidden.mp4") == ["videos/.hidden.mp4"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(folder: Path) -> None:
    (folder / "take [1].mp4").touch()
    assert sources("take [1].mp4") == ["take [1].mp4"]


@pytest.mark.usefixtures("folder")
def test_what_leads_to_nothing_says_so() -> None:
    assert problem("videos/nope.mp4") == "no such file or folder"
    assert problem("videos/*.avi") == "no video or audio matches"
    Path("bare").mkdir()
    assert problem("bare") == "no video or audio in this folder"


def test_an_address_is_left_alone() -> None:
    address = "https://example.com/a*b.mp4?x=[1]"
    (item,) = expand(address)
    assert (item.source, item.name, item.size, item.problem) == (address, "a*b.mp4", 0, "")


def test_a_link_is_known_by_the_path_of_its_file(folder: Path) -> None:
    link = folder / "link.mp4"
    link.symlink_to(folder / "videos/b.mp4")
    assert [item.uri for item in expand(link)] == [item.uri for item in expand("videos/../videos/b.mp4")]


def test_a_link_to_nothing_and_a_circle_of_links_are_no_files(folder: Path) -> None:
    (folder / "dead.mp4").symlink_to(folder / "gone.mp4")
    (folder / "videos/circle").symlink_to(folder / "videos", target_is_directory=True)
    assert problem("dead.mp4") == "no such file or folder"
    assert len(sources("videos")) == 4

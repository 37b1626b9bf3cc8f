"""Lists of sources, and patterns that include or exclude them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async import InvalidInputError, TwelveLabsError
from twelvelabs_async._cli.sources import LeftOut, SourceScan, SourceSelection, SourceTotal, parse_list
from twelvelabs_async.ingest import IngestSource, Item, PathSkipped


def parse(text: str) -> list[IngestSource | str]:
    """Parse a list; an invalid entry becomes a string with its problem."""
    sources = parse_list(text.splitlines(keepends=True), "list")
    return [f"{source.source}: {source.problem}" if isinstance(source, Item) else source for source in sources]


def test_each_non_empty_line_of_a_list_is_a_source() -> None:
    assert parse("a.mp4\r\n\n my video, take 2.mp4 \nhttps://e.com/a?b=1\n") == [
        "a.mp4",
        " my video, take 2.mp4 ",
        "https://e.com/a?b=1",
    ]
    assert parse("") == parse("\n \n") == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_a_column_for_the_source_and_others_for_metadata(delimiter: str) -> None:
    table = 'camera,source,key,note\n3,a.mp4,,"one\ntwo"\n\n,b.mp4,k-1,\n'.replace(",", delimiter)
    assert parse(table) == [("a.mp4", {"camera": "3", "note": "one\ntwo"}), ("b.mp4", {}, "k-1")]


def test_json_lines_keep_the_types_of_metadata() -> None:
    text = '{"source": "a.mp4", "metadata": {"take": 3, "ok": true}}\n{"source": "b.mp4", "camera": "1", "key": "k"}\n'
    assert parse(text) == [("a.mp4", {"take": 3, "ok": True}), ("b.mp4", {"camera": "1"}, "k")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("source,a\nx.mp4,1,2\n", "line 2 of list: 3 values for 2 columns"),
        ("source,a\n,1\n", "line 2 of list: it has no source"),
        ("source,a\nx.mp4,\udcff\n", "line 2 of list: the metadata is not UTF-8"),
        ('{"source": "a.mp4"\n', "line 1 of list: not valid JSON"),
        ('\n{"source": 3}\n', "line 2 of list: it has no source"),
        ('{"source": "a", "metadata": []}\n{"source": "a", "metadata": 3}\n', "line 2 of list: expected an object"),
        ('{"source": "a"}\n[' + "[" * 100_000 + "\n", "line 2 of list: not valid JSON"),
    ],
)
def test_an_invalid_entry_becomes_an_item_with_a_problem(text: str, problem: str) -> None:
    assert problem in str(parse(text)[-1])


def test_an_unclosed_quote_invalidates_only_its_line() -> None:
    assert parse('source,camera\na.mp4,"front\nb.mp4,rear\nc.mp4,"top\n\nd.mp4,"x"y\ne.mp4,"') == [
        "line 2 of list: not valid CSV: a quote is not closed",
        ("b.mp4", {"camera": "rear"}),
        "line 4 of list: not valid CSV: a quote is not closed",
        "line 6 of list: not valid CSV: ',' expected after '\"'",
        "line 7 of list: not valid CSV: a quote is not closed",
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('[\n{"source": "a.mp4"}\n]\n', "a JSON array cannot be read; write each object in a line of its own"),
        ('[{"source": "a.mp4"}]', "a JSON array"),
        ("Camera;Source\n3;a.mp4\n", "must be called 'source', got 'Source'"),
    ],
)
def test_a_list_that_is_almost_in_a_format_has_one_problem_with_a_hint(text: str, hint: str) -> None:
    (problem,) = parse(text)
    assert str(problem).startswith("line 1 of list: ")
    assert hint in str(problem)


def test_names_that_look_like_another_format_are_paths() -> None:
    assert parse("[2024] a.mp4\nb.mp4\n") == ["[2024] a.mp4", "b.mp4"]
    assert parse("Source\nb.mp4\n") == ["Source", "b.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_checking_a_pipe_does_not_open_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    SourceSelection(lists=[str(tmp_path / "pipe")]).check()  # opening it would block until a writer opens it


def test_closed_standard_input_is_rejected_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InvalidInputError, match="standard input, which is closed"):
        SourceSelection(lists=["-"]).check()


@given(st.text(st.characters(codec="utf-8") | st.sampled_from('{}",;\n\r\t\0\udcff')))
def test_any_text_can_be_parsed_as_a_list(text: str) -> None:
    for source in parse_list(text.splitlines(keepends=True), "list"):
        assert isinstance(source, str | tuple | Item)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with videos, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mov", "proxies/a.mp4", "2024/proxies/c.mp4", "2024/d.mp4", "notes.txt", "x.jpg"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


async def scan(selection: SourceSelection) -> tuple[list[Item], SourceTotal, str]:
    left_out, totals = LeftOut(), list[SourceTotal]()
    async with SourceScan(selection) as source_scan:
        await source_scan.ensure_not_empty()
        items = [item async for item in source_scan.items(on_skipped=left_out.add, on_counted=totals.append)]
    return items, totals[0], left_out.describe(source_scan.excluded)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], ["proxies"], ["2024/d.mp4", "a.mp4", "b.mov"]),
        (["*.mp4"], ["proxies/"], ["2024/d.mp4", "a.mp4"]),
        (["2024"], [], ["2024/d.mp4", "2024/proxies/c.mp4"]),
        ([], ["2024/proxies", "b.*"], ["2024/d.mp4", "a.mp4", "proxies/a.mp4"]),
        (["videos", "a.mp4"], [], ["a.mp4", "proxies/a.mp4"]),
    ],
)
async def test_patterns_apply_to_paths_below_the_source(
    folder: Path, include: list[str], exclude: list[str], expected: list[str], *, absolute: bool
) -> None:
    root = str(folder / "videos") if absolute else "videos"
    for source in (root, f"{root}/**/*"):
        items, total, left_out = await scan(SourceSelection(sources=[source], include=include, exclude=exclude))
        assert sorted(Path(item.source).relative_to(root).as_posix() for item in items) == expected
        assert total.items == len(expected)
        assert f"{5 - len(expected)} excluded by patterns" in left_out
        assert "2 not video or audio (1 .txt, 1 .jpg)" in left_out.replace("1 .jpg, 1 .txt", "1 .txt, 1 .jpg")


async def test_sources_lists_and_metadata_are_combined(folder: Path) -> None:
    (folder / "list.csv").write_text("\ufeffsource,camera\nvideos/a.mp4,1\nvideos/gone.mp4,\n", "utf-8")
    (folder / "utf16.txt").write_text("videos/b.mov\n", "utf-16")
    selection = SourceSelection(
        sources=["videos/2024/d.mp4"], lists=["list.csv", "utf16.txt"], metadata={"camera": "0", "take": "2"}
    )
    items, _, _ = await scan(selection)
    assert [(item.source, item.user_metadata) for item in items] == [
        ("videos/2024/d.mp4", {"camera": "0", "take": "2"}),
        ("videos/a.mp4", {"camera": "1", "take": "2"}),
        ("videos/gone.mp4", {"camera": "0", "take": "2"}),
        ("videos/b.mov", {"camera": "0", "take": "2"}),
    ]
    assert items[2].problem == "no such file or folder"


async def test_sources_without_items_raise_an_error(folder: Path) -> None:
    (folder / "empty").touch()
    for selection, text in (
        (SourceSelection(lists=["empty"]), "no sources"),
        (SourceSelection(sources=["gone"]), "gone: no such file or folder"),
        (SourceSelection(sources=["videos"], include=["*.mkv"]), "no file matches --include and --exclude"),
    ):
        with pytest.raises(TwelveLabsError, match=f"nothing to ingest: {text}"):
            await scan(selection)


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (SourceSelection(), "no sources"),
        (SourceSelection(lists=["gone"]), "cannot read the list gone: No such file"),
        (SourceSelection(lists=["videos"]), "it is a folder"),
        (SourceSelection(lists=["a\0b"]), "cannot read the list"),
        (SourceSelection(lists=["-", "-"]), "can be used once"),
        (SourceSelection(sources=["a"], include=[""]), "--include must be a pattern"),
        (SourceSelection(sources=["a"], exclude=["/"]), "--exclude must be a pattern"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_invalid_selection_is_rejected(selection: SourceSelection, text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        selection.check()


def test_skipped_paths_are_counted_by_reason() -> None:
    left_out = LeftOut()
    assert left_out.describe() == ""
    for event in (
        PathSkipped(path="a", reason="linked folder"),
        PathSkipped(path="b", reason="linked folder"),
        PathSkipped(path="a", reason="not video or audio", suffix=".jpg", count=3),
        PathSkipped(path="b", reason="not video or audio", count=1),
    ):
        left_out.add(event)
    assert left_out.describe(2) == (
        "2 linked folders, 4 not video or audio (3 .jpg, 1 no extension), 2 excluded by patterns"
    )

"""Lists of sources, and the patterns that select among them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async import InvalidInputError, TwelveLabsError
from twelvelabs_async._cli.sources import LeftOut, SourceScan, SourceSelection, SourceTotal, parse_list
from twelvelabs_async.ingest import IngestSource, Item, PathSkipped


def parsed(text: str) -> list[IngestSource | str]:
    """Parse a list; an entry that cannot be used is shown by its problem."""
    found = parse_list(text.splitlines(keepends=True), "list")
    return [f"{source.source}: {source.problem}" if isinstance(source, Item) else source for source in found]


def test_each_non_empty_line_of_a_list_is_a_source() -> None:
    assert parsed("a.mp4\r\n\n my video, take 2.mp4 \nhttps://e.com/a?b=1\n") == [
        "a.mp4",
        " my video, take 2.mp4 ",
        "https://e.com/a?b=1",
    ]
    assert parsed("") == parsed("\n \n") == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_a_column_for_the_source_and_others_for_metadata(delimiter: str) -> None:
    table = 'camera,source,key,note\n3,a.mp4,,"one\ntwo"\n\n,b.mp4,k-1,\n'.replace(",", delimiter)
    assert parsed(table) == [("a.mp4", {"camera": "3", "note": "one\ntwo"}), ("b.mp4", {}, "k-1")]


def test_json_lines_keep_the_types_of_metadata() -> None:
    text = '{"source": "a.mp4", "metadata": {"take": 3, "ok": true}}\n{"source": "b.mp4", "camera": "1", "key": "k"}\n'
    assert parsed(text) == [("a.mp4", {"take": 3, "ok": True}), ("b.mp4", {"camera": "1"}, "k")]


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
    assert problem in str(parsed(text)[-1])


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


async def scanned(selection: SourceSelection) -> tuple[list[Item], SourceTotal, str]:
    left_out, totals = LeftOut(), list[SourceTotal]()
    async with SourceScan(selection) as scan:
        await scan.ensure_not_empty()
        items = [item async for item in scan.items(on_skipped=left_out.add, on_counted=totals.append)]
    return items, totals[0], left_out.describe(scan.excluded)


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
        items, total, left_out = await scanned(SourceSelection(sources=[source], include=include, exclude=exclude))
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
    items, _, _ = await scanned(selection)
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
            await scanned(selection)


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
def test_an_invalid_selection_is_refused(selection: SourceSelection, text: str) -> None:
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

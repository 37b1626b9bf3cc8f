"""`export` writes the videos of an index to a file; an interrupted export resumes."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from arro3.io import read_parquet
from commands import Cli, interruptible_process, wait_until

from twelvelabs_async._cli import export
from twelvelabs_async._cli.export import ExportedSegment, format_for, rows_of
from twelvelabs_async.emulator import ThreadedEmulator
from twelvelabs_async.models.indexed_assets import IndexedAssetDetailed
from twelvelabs_async.serialization import from_dict

RETRIEVE = "GET /indexes/{index-id}/indexed-assets/{indexed-asset-id}"
COLUMNS = [
    *("video_id", "asset_id", "filename", "status", "duration", "fps", "width", "height", "size"),
    *("created_at", "indexed_at", "user_metadata"),
]
VECTOR_COLUMNS = [*COLUMNS, "id", "start", "end", "option", "scope", "vector"]

Rows = list[dict[str, Any]]


def parquet_rows(path: Path) -> Rows:
    table: Any = read_parquet(path).read_all()
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    rows = [{name: values[row] for name, values in columns.items()} for row in range(table.num_rows)]
    return [{**row, "user_metadata": json.loads(row["user_metadata"])} for row in rows]


def csv_rows(path: Path) -> Rows:
    with path.open(newline="") as file:
        rows = list[dict[str, Any]](csv.DictReader(file))
    numbers = ("vector", "user_metadata", "start", "end", "size")
    return [{**row, **{name: json.loads(row[name]) for name in numbers if row.get(name)}} for row in rows]


def json_rows(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text().splitlines()]


READERS = {".parquet": parquet_rows, ".csv": csv_rows, ".jsonl": json_rows}


@pytest.fixture
def videos(cli_emulator: ThreadedEmulator) -> list[str]:
    """The ids of seven videos in the index `holiday`."""
    scenes = [(0, 6, "a boat"), (6, 12, "a café, \ud800\n")]
    return sorted(
        cli_emulator.add_video("holiday", f"boat{n}.mp4", scenes, user_metadata={"n": n}).id for n in range(7)
    )


def retrieve_count(cli_emulator: ThreadedEmulator) -> int:
    return len(cli_emulator.requests.for_operation(RETRIEVE))


@pytest.mark.parametrize(("suffix", "read"), READERS.items())
def test_each_format_has_a_row_for_each_segment(
    suffix: str, read: Callable[[Path], Rows], cli: Cli, videos: list[str], tmp_path: Path
) -> None:
    path = tmp_path / f"holiday{suffix}"
    result = cli("export", "holiday", str(path))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("7 videos, 28 rows in ")
    rows = read(path)
    assert list(rows[0]) == VECTOR_COLUMNS
    assert list(dict.fromkeys(row["video_id"] for row in rows)) == videos
    assert len({row["id"] for row in rows}) == len(rows) == 28
    assert {row["option"] for row in rows} == {"visual", "audio"}
    assert {len(row["vector"]) for row in rows} == {512}
    assert {row["user_metadata"]["n"] for row in rows} == set(range(7))
    assert list(tmp_path.iterdir()) == [path]
    ids = [row["id"] for row in rows]
    assert cli("export", "holiday", str(path), "--overwrite").exit_code == 0
    assert [row["id"] for row in read(path)] == ids


@pytest.mark.parametrize(("suffix", "read"), READERS.items())
def test_an_export_without_vectors_has_a_row_for_each_video(
    suffix: str, read: Callable[[Path], Rows], cli: Cli, videos: list[str], tmp_path: Path
) -> None:
    path = tmp_path / f"holiday{suffix}"
    (record,) = cli("export", "holiday", str(path), "--no-vectors", "--json").records
    assert (record["videos"], record["rows"], record["bytes"]) == (7, 7, path.stat().st_size)
    rows = read(path)
    assert (list(rows[0]), [row["video_id"] for row in rows]) == (COLUMNS, videos)


def test_an_index_without_videos_has_no_rows(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    cli("indexes", "create", "empty")
    path = tmp_path / "empty.parquet"
    assert cli("export", "empty", str(path)).stdout.startswith("0 videos, 0 rows in ")
    assert parquet_rows(path) == []
    assert len(cli_emulator.state.indexes) == 1


def test_a_video_that_has_no_vectors_yet_has_one_row(tmp_path: Path) -> None:
    file_format = format_for(tmp_path / "a.parquet", ExportedSegment)
    pending = from_dict({"_id": "v", "status": "pending"}, IndexedAssetDetailed)
    file_format.write([file_format.encode(rows_of(pending, vectors=True))] * 2, tmp_path / "a.parquet")
    rows = parquet_rows(tmp_path / "a.parquet")
    assert [(row["video_id"], row["status"], row["id"], row["vector"]) for row in rows] == [
        ("v", "pending", None, None)
    ] * 2


@pytest.mark.parametrize("suffix", READERS)
def test_a_failed_export_resumes(
    suffix: str, cli: Cli, cli_emulator: ThreadedEmulator, videos: list[str], tmp_path: Path
) -> None:
    path = tmp_path / f"holiday{suffix}"
    cli_emulator.faults.add(RETRIEVE, status=403, after=3, times=1)
    command = ("export", "holiday", str(path), "--concurrency", "1")
    assert cli(*command).exit_code == 3
    assert not path.exists()
    cli_emulator.requests.clear()
    result = cli(*command)
    assert result.exit_code == 0, result.stderr
    assert "continuing with 3 of 7 videos in " in result.stdout
    assert retrieve_count(cli_emulator) == 4
    assert sorted({row["video_id"] for row in READERS[suffix](path)}) == videos


def test_a_resumed_export_drops_deleted_videos_and_rereads_changed_ones(
    cli: Cli, cli_emulator: ThreadedEmulator, videos: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "holiday.jsonl"
    cli_emulator.faults.add(RETRIEVE, status=403, after=6, times=1)
    command = ("export", "holiday", str(path), "--no-vectors", "--concurrency", "1")
    assert cli(*command).exit_code == 3
    deleted, changed = (
        request.path.split("/")[-1] for request in list(cli_emulator.requests.for_operation(RETRIEVE))[:2]
    )
    assert cli("videos", "delete", "holiday", deleted, "--yes").exit_code == 0
    (index,) = cli_emulator.state.indexes
    cli_emulator.advance(5)
    metadata = '{"user_metadata": {"n": "new"}}'
    (tmp_path / "body").write_text(metadata)
    update = ("api", "PATCH", f"/indexes/{index}/indexed-assets/{changed}", "--input", str(tmp_path / "body"))
    assert cli(*update).exit_code == 0
    assert cli(*command).exit_code == 0
    rows = {row["video_id"]: row for row in json_rows(path)}
    assert rows.keys() == {*videos} - {deleted}
    assert rows[changed]["user_metadata"] == {"n": "new"}


def test_a_killed_export_resumes(cli: Cli, cli_emulator: ThreadedEmulator, videos: list[str], tmp_path: Path) -> None:
    path = tmp_path / "holiday.parquet"
    cli_emulator.faults.add(RETRIEVE, stall="before", after=4, times=1)
    command = ("export", "holiday", str(path), "--concurrency", "1")
    with interruptible_process(*command) as process:
        wait_until(
            process, lambda: retrieve_count(cli_emulator) >= 4 and cli_emulator.run(lambda emulator: emulator.in_flight)
        )
        process.kill()
    assert "continuing with 4 of 7 videos" in cli(*command).stdout
    assert sorted({row["video_id"] for row in parquet_rows(path)}) == videos


@pytest.mark.parametrize("suffix", READERS)
def test_one_of_two_exports_to_the_same_file_is_refused(
    suffix: str, cli: Cli, cli_emulator: ThreadedEmulator, videos: list[str], tmp_path: Path
) -> None:
    path = tmp_path / f"holiday{suffix}"
    cli_emulator.faults.add(RETRIEVE, stall="before", after=4, times=1)
    command = ("export", "holiday", str(path), "--concurrency", "1")
    with interruptible_process(*command) as process:
        wait_until(
            process, lambda: retrieve_count(cli_emulator) >= 4 and cli_emulator.run(lambda emulator: emulator.in_flight)
        )
        for options in ((), ("--overwrite",)):
            result = cli(*command, *options)
            assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
            assert f"another export uses {path}.partial" in result.stderr
        process.kill()
    assert cli(*command).exit_code == 0
    assert sorted({row["video_id"] for row in READERS[suffix](path)}) == videos
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_export_does_not_replace_a_file_that_was_created_meanwhile(
    cli: Cli, videos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "holiday.jsonl"

    def create_file(spool: export.Spool) -> Iterator[bytes]:
        path.write_text("mine")
        assert spool.totals()["videos"] == len(videos)
        return iter(())

    with monkeypatch.context() as patch:
        patch.setattr(export.Spool, "parts", create_file)
        result = cli("export", "holiday", str(path))
    assert (result.exit_code, "exists; use --overwrite" in result.stderr) == (2, True)
    assert path.read_text() == "mine"
    assert "continuing with 7 of 7 videos" in cli("export", "holiday", str(path), "--overwrite").stdout
    assert sorted({row["video_id"] for row in json_rows(path)}) == videos


def test_a_failed_write_of_the_file_is_reported_with_its_path(
    cli: Cli, videos: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "holiday.csv"

    def fail(_: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        result = cli("export", "holiday", str(path))
    assert (result.exit_code, result.stderr) == (1, f"error: cannot write {path}: No space left on device\n")
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.csv.partial"]
    assert cli("export", "holiday", str(path)).exit_code == 0
    assert len(videos) == 7


@pytest.mark.usefixtures("videos")
def test_an_invalid_export_prints_an_error(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "holiday.csv"
    path.touch()
    (tmp_path / "other.csv.partial").write_bytes(b"not a database" * 100)
    for arguments, code, message in (
        (("holiday", str(path)), 2, "exists; use --overwrite, or another name"),
        (("holiday", str(tmp_path / "holiday.txt")), 2, "ends with .csv, .jsonl, .parquet, got "),
        (("holiday", str(tmp_path / "missing" / "a.csv")), 2, "there is no folder "),
        (("missing", str(tmp_path / "a.csv")), 1, "no index 'missing'"),
        (("holiday", str(tmp_path / "other.csv")), 1, "where an export keeps what it has read: "),
    ):
        result = cli("export", *arguments)
        assert (result.exit_code, message in result.stderr) == (code, True), result.stderr


def test_a_different_export_to_the_same_file_is_rejected(
    cli: Cli, cli_emulator: ThreadedEmulator, videos: list[str], tmp_path: Path
) -> None:
    path = str(tmp_path / "holiday.csv")
    cli_emulator.faults.add(RETRIEVE, status=403, after=1, times=1)
    assert cli("export", "holiday", path, "--concurrency", "1").exit_code == 3
    result = cli("export", "holiday", path, "--no-vectors")
    assert (result.exit_code, "belongs to an export of .csv of index" in result.stderr) == (2, True)
    assert len(videos) == 7

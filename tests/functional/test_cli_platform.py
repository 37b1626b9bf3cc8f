"""`indexes`, `videos`, `analyze`, `embed` and `api`, with text and with JSON output."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from commands import Cli, read_until, run_in_terminal

from twelvelabs_async.emulator import ThreadedEmulator, samples


@pytest.fixture
def video(cli_emulator: ThreadedEmulator) -> str:
    """The ID of a video in the index `holiday`."""
    return cli_emulator.add_video("holiday", "boat.mp4", [(0, 30, "a boat")], user_metadata={"camera": "front"}).id


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.usefixtures("video")
def test_indexes_are_listed_as_a_table_and_as_records(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    cli_emulator.add_video("journey", "train.mp4")
    header, newest, _ = lines(cli("indexes", "list").stdout)
    assert header == ["id", "name", "videos", "duration", "created"]
    assert newest[1:3] == ["journey", "1"]
    records = cli("indexes", "list", "--json").records
    assert [record["index_name"] for record in records] == ["journey", "holiday"]
    assert {record["_id"] for record in records} == set(cli_emulator.state.indexes)
    assert len(cli("indexes", "list", "--json", "--limit", "1").records) == 1


@pytest.mark.usefixtures("cli_emulator")
def test_an_empty_index_list_has_a_message_in_text_and_no_json_records(cli: Cli) -> None:
    assert cli("indexes", "list").stdout == "there are no indexes yet\n"
    assert cli("indexes", "list", "--json").stdout == ""


def test_an_index_is_created_with_its_options_and_deleted_by_name(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    (record,) = cli("indexes", "create", "silent", "--option", "visual", "--addon", "thumbnail", "--json").records
    (index,) = cli_emulator.state.indexes.values()
    assert (record["_id"], index.options, index.addons) == (index.id, {"visual"}, ["thumbnail"])
    result = cli("indexes", "create", "silent")
    assert (result.exit_code, "index_name_already_exists" in result.stderr) == (3, True)
    assert cli("indexes", "delete", "silent", "--yes").stdout == f"deleted index silent ({index.id})\n"
    assert not cli_emulator.state.indexes
    result = cli("indexes", "delete", "silent", "--yes")
    assert (result.exit_code, result.stderr) == (1, "error: no index 'silent'; there are no indexes yet\n")


def test_nothing_is_deleted_without_confirmation(cli: Cli, cli_emulator: ThreadedEmulator, video: str) -> None:
    for command in (("indexes", "delete", "holiday"), ("videos", "delete", "holiday", video)):
        for flags in ((), ("--json",)):
            result = cli(*command, *flags)
            assert result.exit_code == 1
            assert "pass --yes to confirm" in result.stdout + result.stderr
    assert (len(cli_emulator.state.indexes), len(cli("videos", "list", "holiday", "--json").records)) == (1, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")
def test_on_a_terminal_a_deletion_needs_confirmation(cli_emulator: ThreadedEmulator) -> None:
    cli_emulator.add_video("holiday", "boat.mp4")
    for answer, remaining in ((b"n\n", 1), (b"y\n", 0)):
        with run_in_terminal("indexes", "delete", "holiday") as (process, terminal):
            assert "with 1 video? [y/N]" in read_until(terminal, "[y/N]")
            os.write(terminal, answer)
            read_until(terminal, "never shown")
            assert process.wait(20) == (1 if remaining else 0)
        assert len(cli_emulator.state.indexes) == remaining


def test_a_video_is_listed_shown_and_deleted(cli: Cli, cli_emulator: ThreadedEmulator, video: str) -> None:
    header, row = lines(cli("videos", "list", "holiday").stdout)
    assert header == ["id", "filename", "status", "duration", "size", "created"]
    assert row[:3] == [video, "boat.mp4", "ready"]
    assert cli("videos", "list", "holiday", "--status", "failed").stdout == "no videos in holiday\n"
    details = cli("videos", "show", "holiday", video, "--transcription").stdout
    assert "filename         boat.mp4\n" in details
    assert "metadata camera  front\n" in details
    (record,) = cli("videos", "show", "holiday", video, "--json").records
    assert (record["_id"], record["user_metadata"]) == (video, {"camera": "front"})
    (record,) = cli("videos", "delete", "holiday", video, video, "--yes", "--json").records
    assert record == {"_id": video, "asset_id": record["asset_id"], "deleted": True}
    assert list(cli_emulator.state.assets) == [record["asset_id"]]
    assert cli("videos", "delete", "holiday", video, "--yes").exit_code == 3


def test_an_analysis_is_printed_as_text_or_as_a_record(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path
) -> None:
    asset = cli_emulator.add_video("holiday", "boat.mp4").asset.id
    cli_emulator.answer("POST /analyze", "First line.\nSecond line.")
    assert cli("analyze", asset, "Describe it").stdout == "First line.\nSecond line.\n"
    (record,) = cli("analyze", asset, "Describe it", "--json").records
    assert (record["data"], record["finish_reason"]) == ("First line.\nSecond line.", "stop")
    cli_emulator.answer("POST /analyze", "word " * 2000)
    result = cli("analyze", asset, "Describe it", "--max-tokens", "512")
    assert (result.exit_code, "--max-tokens" in result.stderr) == (1, True)
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"title": {"type": "string"}}}')
    cli_emulator.answer("POST /analyze", {"title": "A boat"})
    assert json.loads(cli("analyze", asset, "Find a title", "--schema", str(schema)).stdout) == {"title": "A boat"}


@pytest.mark.usefixtures("cli_emulator")
def test_analyze_rejects_a_file_and_names_the_upload_command(cli: Cli) -> None:
    result = cli("analyze", "clips/boat.mp4", "Describe it")
    assert (result.exit_code, "upload files with `ingest`" in result.stderr) == (2, True)


def test_embed_takes_text_assets_and_files(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    header, row = lines(cli("embed", "a boat").stdout)
    assert (header[-1], row[0]) == ("vector", "512")
    (record,) = cli("embed", "a boat", "--json").records
    assert len(record["embedding"]) == 512
    asset = cli_emulator.add_video("holiday", "boat.mp4").asset.id
    assert {record["embedding_scope"] for record in cli("embed", "--video", asset, "--json").records} >= {"clip"}
    image = tmp_path / "boat.png"
    image.write_bytes(samples.image())
    (record,) = cli("embed", "a boat", "--image", str(image), "--json").records
    assert len(record["embedding"]) == 512
    result = cli("embed", "a boat", "--video", asset)
    assert (result.exit_code, "TEXT with --image" in result.stderr) == (2, True)
    if Path("/dev/zero").exists():  # it has no end
        result = cli("embed", "--image", "/dev/zero")
        assert (result.exit_code, "/dev/zero is too large; --image takes files of up to" in result.stderr) == (2, True)


def test_an_unknown_command_gets_the_names_of_similar_ones_or_of_all(cli: Cli) -> None:
    result = cli("serch", "holiday")
    assert (result.exit_code, result.stderr) == (2, "error: unknown command 'serch'; commands: search\n")
    assert "commands: demo, ingest, ledger, search, indexes, " in cli("frobnicate").stderr
    assert "Available commands: list, create, delete" in cli("indexes", "frobnicate").stderr


def test_the_version_is_an_option_of_the_program_only(cli: Cli) -> None:
    assert cli("--version").exit_code == 0
    for command in (("ingest",), ("search",), ("indexes",), ("indexes", "list"), ("videos", "show")):
        result = cli(*command, "--version")
        assert (result.exit_code, result.stdout, "--version" in result.stderr) == (2, "", True)


@pytest.mark.usefixtures("cli_emulator")
def test_an_empty_query_is_named_in_the_error(cli: Cli) -> None:
    result = cli("search", "holiday", "")
    assert (result.exit_code, result.stderr) == (2, "error: QUERY must not be empty\n")


def test_api_rejects_input_with_form(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"query_text": "a boat"}')
    result = cli("api", "POST", "/search", "--form", "--input", str(body))
    assert (result.exit_code, "--input sends JSON" in result.stderr) == (2, True)
    assert not list(cli_emulator.requests)


@pytest.mark.usefixtures("video")
def test_api_sends_fields_in_the_query_or_in_the_body(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    result = cli("api", "GET", "/indexes?index_name=holiday", "-F", "page_limit=1")
    assert json.loads(result.stdout)["data"][0]["index_name"] == "holiday"
    assert result.stdout.startswith("{\n  ")
    (index,) = cli_emulator.state.indexes
    assert cli("api", "PUT", f"/indexes/{index}", "-f", "index_name=journey").stdout == ""
    assert cli_emulator.state.indexes[index].name == "journey"
    fields = ("-f", f"index_id={index}", "-f", "query_text=boat", "-f", "search_options=visual")
    assert json.loads(cli("api", "POST", "/search", "--form", *fields).stdout)["data"]
    assert cli("api", "DELETE", f"/indexes/{index}").exit_code == 0
    assert len(cli_emulator.requests.for_operation("DELETE /indexes/{index-id}")) == 1


def test_api_reads_a_body_from_a_file_or_standard_input(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"index_name": "a", "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}]}
    file = tmp_path / "index.json"
    file.write_text(json.dumps(body))
    assert cli("api", "POST", "/indexes", "--input", str(file)).exit_code == 0
    text = json.dumps({**body, "index_name": "Größe"}, ensure_ascii=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="latin-1"))
    assert cli("api", "POST", "/indexes", "--input", "-").exit_code == 0
    assert {index.name for index in cli_emulator.state.indexes.values()} == {"a", "Größe"}


def test_api_follows_page_numbers_and_tokens(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        cli_emulator.add_video("holiday", name, [(0, 30, "a boat")])
    pages = cli("api", "GET", "/assets", "-F", "page_limit=2", "--paginate", "--json").records
    assert [len(page["data"]) for page in pages] == [2, 1]
    (index,) = cli_emulator.state.indexes
    fields = ("-f", f"index_id={index}", "-f", "query_text=boat", "-f", "search_options=visual", "-f", "page_limit=1")
    pages = cli("api", "POST", "/search", "--form", *fields, "--paginate", "--json").records
    assert [len(page["data"]) for page in pages] == [1, 1, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("GET", "indexes"),
        ("GET", "https://example.com/indexes"),
        ("GET", "//example.com/indexes"),
        ("GET", "/indexes#top"),
        ("FETCH", "/indexes"),
        ("POST", "/indexes", "-f", "index_name"),
        ("POST", "/indexes", "-F", "index_name=@missing.txt"),
        ("POST", "/indexes", "--input", "missing.json"),
        ("POST", "/indexes", "--input", str(Path(__file__))),
        ("POST", "/indexes", "--input", "-", "-f", "index_name=a"),
    ],
)
@pytest.mark.usefixtures("cli_emulator")
def test_a_request_that_cannot_be_built_is_a_usage_error(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli("api", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1

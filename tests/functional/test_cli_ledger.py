"""The default ledger of `ingest`, and the commands that read ledgers."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Cli
from postgres import PostgresServer, postgres

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli import demo
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.ledger import default_ledger_path
from twelvelabs_async.emulator import Emulator, ThreadedEmulator
from twelvelabs_async.ingest import SqliteLedger
from twelvelabs_async.models.indexes import Index

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]

pytestmark = pytest.mark.oldest_python

CLIPS = sorted(demo.SAMPLE_VIDEOS.glob("*.mp4"))


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


def ledgers(state_folder: Path) -> list[Path]:
    return sorted(state_folder.rglob("*.ledger"))


def upload_count(cli_emulator: ThreadedEmulator) -> int:
    return len(cli_emulator.requests.for_operation("POST /assets"))


def test_a_second_run_of_the_same_command_uploads_nothing(
    cli: Cli, cli_emulator: ThreadedEmulator, state_folder: Path
) -> None:
    command = ("ingest", str(demo.SAMPLE_VIDEOS), "--index", "holiday")
    first = cli(*command)
    (ledger,) = ledgers(state_folder)
    assert first.stdout.splitlines()[0].endswith(f", ledger {ledger}")
    assert upload_count(cli_emulator) == 3
    second = cli(*command)
    assert (second.exit_code, upload_count(cli_emulator)) == (0, 3)
    assert re.search("^already done +3$", second.stdout, re.MULTILINE)


def test_the_option_no_ledger_creates_no_ledger(cli: Cli, cli_emulator: ThreadedEmulator, state_folder: Path) -> None:
    command = ("ingest", str(CLIPS[0]), "--index", "holiday", "--no-ledger")
    assert "no ledger" in cli(*command).stdout.splitlines()[0]
    assert cli(*command).exit_code == 0
    assert (upload_count(cli_emulator), ledgers(state_folder)) == (2, [])


def test_each_index_has_its_own_ledger_even_if_ids_are_reused(
    cli: Cli, cli_emulator: ThreadedEmulator, state_folder: Path
) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "one")
    cli("ingest", str(CLIPS[0]), "--index", "two")
    assert len(ledgers(state_folder)) == 2
    cli_emulator.reset()  # ids start over
    cli_emulator.advance(60)  # creation times have whole seconds
    cli("ingest", str(CLIPS[0]), "--index", "one")
    assert len(cli_emulator.state.assets) == 1
    assert len(ledgers(state_folder)) == 3


def test_a_state_folder_that_is_not_writable_causes_a_warning(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    result = cli("ingest", str(CLIPS[0]), "--index", "holiday")
    assert result.exit_code == 0
    assert "cannot keep a ledger in" in result.stdout
    assert len(cli_emulator.state.videos) == 1


@pytest.mark.usefixtures("cli_emulator")
def test_a_state_folder_that_is_not_readable_is_an_error(
    cli: Cli, cli_emulator: ThreadedEmulator, state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new ledger would lack the videos that are already in the index."""
    command = ("ingest", str(CLIPS[0]), "--index", "holiday")
    assert cli(*command).exit_code == 0
    exists = Path.exists

    def fail(path: Path) -> bool:
        if path.suffix == ".ledger":
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", fail)
    result = cli(*command)
    assert result.exit_code != 0
    assert "cannot look for the ledger of this index" in result.stderr
    assert len(cli_emulator.state.videos) == len(ledgers(state_folder)) == 1


@pytest.mark.usefixtures("cli_emulator")
def test_the_error_for_a_ledger_in_use_suggests_a_solution(cli: Cli, state_folder: Path) -> None:
    command = ("ingest", str(CLIPS[0]), "--index", "holiday")
    assert cli(*command).exit_code == 0
    (path,) = ledgers(state_folder)
    opened, ended = threading.Event(), threading.Event()

    async def use_ledger() -> None:
        ledger = SqliteLedger(path)
        await ledger.open()
        opened.set()
        await asyncio.to_thread(ended.wait)
        await ledger.close()

    thread = threading.Thread(target=lambda: asyncio.run(use_ledger()))
    thread.start()
    try:
        assert opened.wait(60)
        result = cli(*command)
        summary = cli("ledger", "show", str(path))
    finally:
        ended.set()
        thread.join()
    assert result.exit_code == ExitCode.FAILED
    assert "pass another --ledger or --no-ledger" in result.stderr
    assert (summary.exit_code, "1 ready" in summary.stdout) == (0, True)
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("cli_emulator")
def test_a_dry_run_reads_the_default_ledger(cli: Cli) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "holiday")
    result = cli("ingest", *map(str, CLIPS), "--index", "holiday", "--dry-run", "--json")
    assert [record["action"] for record in result.records] == ["done", "upload", "upload"]
    assert result.records[0]["asset_id"]
    assert {record["index_id"] for record in result.records} == {result.records[0]["index_id"]}


def test_a_changed_file_replaces_its_older_version(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    command = ("ingest", str(video), "--index", "holiday", "--replace")
    shutil.copy(CLIPS[0], video)
    assert cli(*command).exit_code == 0
    (older,) = cli_emulator.state.assets
    shutil.copy(CLIPS[1], video)
    result = cli(*command)
    (newer,) = cli_emulator.state.assets
    assert f"replaced  video.mp4: {newer} instead of {older}" in result.stdout
    assert len(cli_emulator.state.videos) == 1
    assert "replaced" not in cli(*command).stdout
    shutil.copy2(CLIPS[0], video)
    assert cli(*command).exit_code == 0
    assert len(cli_emulator.state.assets) == len(cli_emulator.state.videos) == 1


def test_replace_reports_that_it_keeps_older_versions_of_a_source_with_a_key(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path
) -> None:
    video, sources = tmp_path / "video.mp4", tmp_path / "list.csv"
    sources.write_text(f"source,key\n{video},k-1\n", "utf-8")
    command = ("ingest", "--from", str(sources), "--index", "holiday", "--replace")
    shutil.copy(CLIPS[0], video)
    assert "kept" not in cli(*command).stdout
    shutil.copy(CLIPS[1], video)
    result = cli(*command)
    assert result.exit_code == 0
    assert "kept      k-1: --replace cannot tell which version is current" in result.stdout
    assert all(asset in result.stdout for asset in cli_emulator.state.assets)
    assert len(cli_emulator.state.assets) == 2


def test_an_older_version_is_kept_until_the_newer_is_in_the_index(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path
) -> None:
    video = tmp_path / "video.mp4"
    command = ("ingest", str(video), "--index", "holiday", "--replace")
    shutil.copy(CLIPS[0], video)
    cli(*command)
    (older,) = cli_emulator.state.assets
    shutil.copy(CLIPS[1], video)
    cli_emulator.faults.add("POST /indexes/{index_id}/indexed-assets", status=400)
    assert cli(*command).exit_code == 1
    assert older in cli_emulator.state.assets


@pytest.mark.usefixtures("cli_emulator")
def test_ledger_show_and_export_print_all_entries(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    path = str(tmp_path / "job.ledger")
    cli_emulator.faults.add("POST /indexes/{index_id}/indexed-assets", status=400, after=1)
    cli("ingest", *map(str, CLIPS), "--index", "holiday", "--ledger", path, "--concurrency", "1")
    rows = list(csv.DictReader(io.StringIO(cli("ledger", "export", path, "--csv").stdout)))
    assert list(rows[0]) == ["path", "state", "asset_id", "indexed_asset_id", "error"]
    assert sorted(row["state"] for row in rows) == ["failed", "ready", "ready"]
    (failed,) = (row for row in rows if row["state"] == "failed")
    assert failed["error"].startswith("400")
    assert failed["asset_id"]
    assert not failed["indexed_asset_id"]
    summary = cli("ledger", "show", path)
    assert "2 ready, 1 failed" in summary.stdout
    assert re.search("^1 x BadRequestError .*while indexing; such as .*mp4: 400", summary.stdout, re.MULTILINE)
    records = cli("ledger", "show", path, "--state", "failed", "--json").records
    assert [record["path"] for record in records] == [failed["path"]]
    assert len(cli("ledger", "export", path).records) == 3


@pytest.mark.usefixtures("cli_emulator")
def test_the_default_ledger_is_found_by_the_name_of_the_index(cli: Cli) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "holiday")
    assert "1 ready" in cli("ledger", "show", "--index", "holiday").stdout
    assert "no index 'other'" in cli("ledger", "show", "--index", "other").stderr


def test_a_missing_or_invalid_ledger_is_reported_in_one_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ledger")
    for arguments in ((), ("missing",), (str(tmp_path),), (str(tmp_path / "text"),), ("a\0b",), ("mysql://u:pw@h/d",)):
        for command in ("show", "export"):
            result = cli("ledger", command, *arguments)
            assert result.exit_code in {1, 2}
            assert (result.stdout, result.stderr.count("\n")) == ("", 1)
            assert "pw" not in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"text"}


def test_the_password_of_a_ledger_database_is_never_printed(
    cli: Cli, cli_emulator: ThreadedEmulator, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.reset_database()
    report = tmp_path / "report.html"
    keywords = f"host={postgres_server.folder} user={postgres_server.user} dbname=postgres password=se3cret"
    with_password = url.replace("@", ":se3cret@", 1)
    for ledger in (with_password, keywords):
        dry = cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger, "--dry-run")
        run = cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger, "--report", str(report), "--json")
        summary = cli("ledger", "show", ledger)
        exported = cli("ledger", "export", ledger, "--csv")
        assert [result.exit_code for result in (dry, run, summary, exported)] == [0, 0, 0, 0]
        assert "ledger in the PostgreSQL database postgres" in run.stderr
        assert str(CLIPS[0]) in exported.stdout
        texts = [text for result in (dry, run, summary, exported) for text in (result.stdout, result.stderr)]
        assert not any("se3cret" in text for text in (*texts, report.read_text("utf-8")))
    assert upload_count(cli_emulator) == 1


@pytest.mark.parametrize(
    "ledger",
    [
        "postgresql://u:se3cret@127.0.0.1:1/videos",
        "postgresql://u:se/3cret@127.0.0.1:1/videos",
        "postgresql://u:x@se3cret@127.0.0.1:1/videos",
        "postgresql://u:se3cret@[h/videos",
        "host=127.0.0.1 port=1 password=se3cret",
        "password = 'se3cret",
        "mysql://u:se3cret@h/videos",
        "PostgreSQL://u:se3cret@h/videos",
    ],
)
def test_the_error_for_an_unusable_database_does_not_contain_its_password(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("ingest", str(CLIPS[0]), "--index", "x", "--ledger", ledger),
        ("ingest", str(CLIPS[0]), "--index", "x", "--ledger", ledger, "--submit"),
        ("ledger", "show", ledger),
        ("worker", "--ledger", ledger),
        ("status", "--ledger", ledger),
    ):
        result = cli(*arguments)
        assert result.exit_code in {1, 2}
        assert "3cret" not in result.stdout + result.stderr
        assert result.stderr.count("\n") == 1
        assert "127.0.0.1" in result.stderr or result.exit_code == 2
    assert not list(tmp_path.iterdir())
    assert not cli_emulator.state.indexes


@pytest.mark.usefixtures("cli_emulator")
def test_an_unresponsive_database_is_named_in_the_error(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ledger = f"postgresql://u:se3cret@127.0.0.1:{port}/videos?connect_timeout=2"
        for command in ("worker", "status"):
            result = cli(command, "--ledger", ledger)
            problem = f"cannot connect to the database of the ledger on 127.0.0.1:{port}: connection timeout expired"
            assert (result.exit_code, result.stderr) == (1, f"error: {problem}\n")


async def test_emulators_started_in_the_same_second_have_separate_ledgers() -> None:
    indexes: list[Index] = []
    for _ in range(2):
        async with Emulator() as emulator, AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
            created = await client.indexes.create(index_name="holiday", models=MODELS)
            indexes.append(await client.indexes.retrieve(created.id))
    first, second = indexes
    assert first.id == second.id
    assert default_ledger_path("http://127.0.0.1:1", first) != default_ledger_path("http://127.0.0.1:1", second)

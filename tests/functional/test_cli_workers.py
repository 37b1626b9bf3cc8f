"""`ingest --submit`, `worker` and `status`: ingestion by several machines."""

from __future__ import annotations

import io
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Cli, interruptible_process, wait_until
from postgres import PostgresServer, postgres
from typing_extensions import override

from twelvelabs_async._cli import demo
from twelvelabs_async._cli.main import run
from twelvelabs_async._text import install_command
from twelvelabs_async.emulator import ThreadedEmulator

pytestmark = pytest.mark.oldest_python

CLIPS = sorted(demo.SAMPLE_VIDEOS.glob("*.mp4"))
SHORT = Path(__file__).parents[1] / "data" / "media" / "short.mp4"


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def ledger(database_server: PostgresServer) -> str:
    """The URL of an empty database."""
    return database_server.reset_database()


def test_a_worker_processes_submitted_files_until_interrupted(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str, tmp_path: Path
) -> None:
    for clip in (*CLIPS, SHORT):
        shutil.copy(clip, tmp_path)
    command = ("ingest", str(tmp_path), "--index", "holiday", "--ledger", ledger, "--submit", "--metadata", "camera=3")
    result = cli(*command)
    assert result.exit_code == 1
    assert cli(*command, "--allow-refused").exit_code == 0
    assert "rejected  short.mp4: it is 3 s long" in result.stdout
    assert f"{len(CLIPS)} submitted, 0 already done, 0 duplicates" in result.stdout
    assert not cli_emulator.state.assets
    with interruptible_process("worker", "--ledger", ledger) as worker:
        wait_until(worker, lambda: cli("status", "--ledger", ledger, "--json").records[-1]["ready"] == len(CLIPS))
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=30)
    assert (worker.returncode, err) == (0, "")
    assert "finishing steps in progress" in out
    assert cli("status", "--ledger", ledger, "--watch").stdout == f"{len(CLIPS)} ready\n"
    assert len(cli_emulator.state.videos) == len(CLIPS)
    assert {(asset.user_metadata or {}).get("camera") for asset in cli_emulator.state.assets.values()} == {"3"}
    repeated = cli("ingest", str(CLIPS[0].parent), "--index", "holiday", "--ledger", ledger, "--submit", "--json")
    assert (repeated.exit_code, repeated.records[0]["duplicates"] + repeated.records[0]["accepted"]) == (0, len(CLIPS))


def test_workers_reject_a_ledger_in_a_file(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    del cli_emulator
    for command in (["ingest", str(CLIPS[0]), "--index", "x", "--submit"], ["worker"], ["status"]):
        result = cli(*command, "--ledger", str(tmp_path / "my.ledger"))
        assert (result.exit_code, result.stderr) == (
            2,
            "error: --ledger must be a PostgreSQL URL such as postgresql://user@host/videos\n",
        )


def test_the_status_of_an_empty_database_creates_nothing(cli: Cli, ledger: str) -> None:
    for options in ([], ["--watch"], ["--retry", "--forget"]):
        result = cli("status", "--ledger", ledger, *options)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "nothing submitted\n", "")
    assert "there is no ledger" in cli("ledger", "show", ledger).stderr


@pytest.mark.parametrize("options", [[], ["--submit"]])
def test_a_database_that_cannot_be_written_leaves_no_index_behind(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str, options: list[str]
) -> None:
    read_only = f"{ledger}&options=-cdefault_transaction_read_only%3Don"
    result = cli("ingest", str(CLIPS[0]), "--index", "x", "--ledger", read_only, *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "read-only" in result.stderr
    assert not cli_emulator.state.indexes


class ClosedPipe(io.StringIO):
    @override
    def write(self, text: str, /) -> int:
        raise BrokenPipeError


@pytest.mark.usefixtures("cli_emulator")
def test_status_watch_ends_if_its_output_pipe_is_closed(cli: Cli, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger, "--submit").exit_code == 0
    monkeypatch.setattr(sys, "stdout", ClosedPipe())
    assert run(["status", "--ledger", ledger, "--watch"]) == 0


def test_the_worker_command_without_its_extra_prints_how_to_install_it(
    cli: Cli, cli_emulator: ThreadedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cli_emulator
    monkeypatch.setitem(sys.modules, "twelvelabs_async.workers", None)
    result = cli("worker", "--ledger", "postgresql://localhost/videos")
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: workers need: {install_command('postgres')}\n",
    )


def test_a_rejected_api_key_ends_a_worker(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger, "--submit").exit_code == 0
    monkeypatch.setenv("TWELVELABS_API_KEY", "another")
    result = cli("worker", "--ledger", ledger)
    assert (result.exit_code, "401" in result.stderr) == (3, True)
    assert len(cli_emulator.state.assets) == 0
    assert cli("status", "--ledger", ledger).stdout == "1 uploading\n"

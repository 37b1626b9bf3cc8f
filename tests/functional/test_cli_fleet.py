"""The command line for many machines: hand in, work, and see how far it is."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Cli, interruptible, until
from postgres import Server, postgres

from twelvelabs_async.cli import demo
from twelvelabs_async.emulator import Emulator

CLIPS = sorted(demo.CLIPS.glob("*.mp4"))
SHORT = Path(__file__).parents[1] / "data" / "media" / "short.mp4"


@pytest.fixture(scope="module")
def database_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture
def ledger(database_server: Server) -> str:
    """The address of an empty database."""
    return database_server.emptied()


def test_what_is_handed_in_a_worker_carries_until_it_is_interrupted(
    cli: Cli, served: Emulator, ledger: str, tmp_path: Path
) -> None:
    for clip in (*CLIPS, SHORT):
        shutil.copy(clip, tmp_path)
    told = cli("ingest", str(tmp_path), "--index", "holiday", "--ledger", ledger, "--submit")
    assert told.code == 1
    assert "refused   short.mp4: it is 3 s long" in told.out
    assert f"{len(CLIPS)} handed in, 0 ready before, 0 same as another" in told.out
    assert not served.state.assets
    with interruptible("worker", "--ledger", ledger) as worker:
        until(worker, lambda: cli("status", "--ledger", ledger, "--json").records[-1]["ready"] == len(CLIPS))
        worker.send_signal(signal.SIGINT)
        out, err = worker.communicate(timeout=30)
    assert (worker.returncode, err) == (0, "")
    assert "finishing the steps under way" in out
    assert cli("status", "--ledger", ledger, "--watch").out == f"{len(CLIPS)} ready\n"
    assert len(served.state.videos) == len(CLIPS)
    again = cli("ingest", str(CLIPS[0].parent), "--index", "holiday", "--ledger", ledger, "--submit", "--json")
    assert (again.code, again.records[0]["duplicates"] + again.records[0]["accepted"]) == (0, len(CLIPS))


def test_a_ledger_in_a_file_is_for_one_machine(cli: Cli, served: Emulator, tmp_path: Path) -> None:
    del served
    for command in (["ingest", str(CLIPS[0]), "--index", "x", "--submit"], ["worker"], ["status"]):
        told = cli(*command, "--ledger", str(tmp_path / "my.ledger"))
        assert (told.code, told.err) == (
            2,
            "error: workers share a --ledger in a database, like postgresql://user@host/videos\n",
        )


def test_without_the_extra_one_line_says_what_to_install(
    cli: Cli, served: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    del served
    monkeypatch.setitem(sys.modules, "twelvelabs_async.fleet", None)
    told = cli("worker", "--ledger", "postgresql://localhost/videos")
    assert (told.code, told.err) == (2, "error: workers need: pip install 'twelvelabs-async[postgres]'\n")


def test_a_key_that_is_refused_ends_a_worker(
    cli: Cli, served: Emulator, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger, "--submit").code == 0
    monkeypatch.setenv("TWELVELABS_API_KEY", "another")
    told = cli("worker", "--ledger", ledger)
    assert (told.code, "401" in told.err) == (3, True)
    assert len(served.state.assets) == 0
    assert cli("status", "--ledger", ledger).out == "1 uploading\n"

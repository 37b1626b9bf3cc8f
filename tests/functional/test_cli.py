"""The command line as people and programs use it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import CLI_COMMAND, ENDING_SIGNALS, Cli, environment, interruptible_process, run_in_subprocess, wait_until

from twelvelabs_async import __main__, __version__
from twelvelabs_async._cli import demo
from twelvelabs_async._options import API_KEY_VARIABLES
from twelvelabs_async._text import install_command
from twelvelabs_async.emulator import ThreadedEmulator, Timing

CLIPS = sorted(demo.SAMPLE_VIDEOS.glob("*.mp4"))
TIME_CODE = re.compile(r"\d\d:\d\d\.\d")


def test_the_demo_finds_each_of_its_clips() -> None:
    """The demo is the first command that a new user runs."""
    result = run_in_subprocess("demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(CLIPS) == 3
    for clip in CLIPS:
        assert any(clip.name in line and len(TIME_CODE.findall(line)) == 2 for line in result.stdout.splitlines())
    assert "synthetic" in result.stdout
    assert "twelvelabs-async ingest FOLDER --index" in result.stdout


def test_the_clips_are_small() -> None:
    assert sum(clip.stat().st_size for clip in CLIPS) < 300_000


@pytest.fixture
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the demo process videos without delay."""
    monkeypatch.setattr(demo, "TIMING", Timing(asset=0, indexing=0))


@pytest.mark.usefixtures("without_delays")
def test_the_demo_prints_the_same_hits_each_time(cli: Cli) -> None:
    first, second = ([line for line in cli("demo").stdout.splitlines() if TIME_CODE.search(line)] for _ in range(2))
    assert first == second != []


@pytest.mark.oldest_python
@pytest.mark.usefixtures("without_delays")
def test_the_seed_of_the_demo_determines_its_hits(cli: Cli) -> None:
    hits = [
        [line for line in cli("demo", "--seed", seed).stdout.splitlines() if TIME_CODE.search(line)]
        for seed in ("1", "2", "1")
    ]
    assert hits[0] == hits[2] != hits[1]


@pytest.mark.oldest_python
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_ctrl_c_interrupts_the_demo() -> None:
    with interruptible_process("demo") as process:
        assert process.stdout is not None
        while "3 items" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert "synthetic" not in out
    assert not TIME_CODE.search(out)


@pytest.mark.usefixtures("without_delays")
def test_the_demo_reports_a_broken_video_and_continues(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    shutil.copy(CLIPS[0], tmp_path / "blue kite.mp4")
    result = cli("demo", str(tmp_path))
    assert result.exit_code == 1
    assert re.search("^failed +broken.mp4: the file has neither video nor audio", result.stdout, re.MULTILINE)
    assert re.search(r"^blue kite +1 +blue kite.mp4 +\d\d:\d\d.\d", result.stdout, re.MULTILINE)
    assert f"ingest {tmp_path}" in result.stdout


@pytest.mark.usefixtures("without_delays")
def test_the_demo_reports_a_folder_without_videos(cli: Cli, tmp_path: Path) -> None:
    result = cli("demo", str(tmp_path))
    assert result.exit_code == 1
    assert "no video or audio in this folder" in result.stdout
    assert "No videos to search" in result.stdout


@pytest.mark.usefixtures("cli_emulator")
def test_ingest_and_search_for_people(cli: Cli) -> None:
    result = cli("ingest", *map(str, CLIPS), "--index", "holiday", "--concurrency", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search("^3 ready in ", result.stdout, re.MULTILINE)
    assert "{" not in result.stdout
    result = cli("search", "holiday", "sailing boat")
    assert result.exit_code == 0
    assert "sailing-boat-at-sunset.mp4" in result.stdout
    result = cli("search", "holiday", "zebra")
    assert (result.exit_code, result.stdout) == (0, "no results for 'zebra' in holiday (3 videos)\n")


def test_ingest_and_search_for_programs(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    result = cli("ingest", str(broken), str(demo.SAMPLE_VIDEOS), "gone.mp4", "--index", "holiday", "--json")
    assert result.exit_code == 1
    status = {Path(record["source"]).name: record["status"] for record in result.records}
    assert status == {"broken.mp4": "failed", "gone.mp4": "failed"} | {clip.name: "ready" for clip in CLIPS}
    assert "3 ready, 2 failed" in result.stderr

    (index,) = cli_emulator.state.indexes.values()
    result = cli("search", index.id, "train city", "--json", "--limit", "1", "--option", "visual", "--option", "audio")
    assert result.exit_code == 0
    (record,) = result.records
    assert record["filename"] == "night-train-through-the-city.mp4"
    assert record.keys() == {"query", "rank", "video_id", "filename", "start", "end"}


def test_ingest_with_an_index_id_creates_no_other_index(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "holiday")
    (index,) = cli_emulator.state.indexes
    result = cli("ingest", str(CLIPS[1]), "--index", index)
    assert "index holiday (" in result.stdout
    assert len(cli_emulator.state.indexes) == 1


@pytest.mark.usefixtures("cli_emulator")
def test_the_error_for_an_unknown_index_lists_the_existing_indexes(cli: Cli) -> None:
    result = cli("search", "holidy", "a boat")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: no index 'holidy'; there are no indexes yet\n"
    cli("ingest", str(CLIPS[0]), "--index", "holiday")
    assert "existing indexes: holiday" in cli("search", "f" * 24, "a boat").stderr


def test_a_missing_api_key_is_reported_in_one_line(cli: Cli) -> None:
    for arguments in (("ingest", ".", "--index", "x"), ("search", "x", "y")):
        result = cli(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.count("\n") == 1
        assert "TWELVELABS_API_KEY" in result.stderr
        assert "twelvelabs-async demo" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("ingest", "--index", "x"),
        ("ingest", "a.mp4"),
        ("search", "x", "y", "--limit", "0"),
        ("search", "x", "y", "--option", "smell"),
        ("search", "x", "y", "--base-url", "http://example.com"),
    ],
)
@pytest.mark.usefixtures("cli_emulator")
def test_a_usage_error_is_reported_in_one_line(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_a_rejected_api_key_has_its_own_exit_code(
    cli: Cli, cli_emulator: ThreadedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY_VARIABLES[0], "not-the-key")
    result = cli("ingest", str(CLIPS[0]), "--index", "x")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: 401")
    assert not cli_emulator.state.indexes


def test_a_quota_exhausted_during_the_run_ends_it(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    cli_emulator.faults.add("GET /assets", status=429, headers={"Retry-After": "9999"}, times=None)
    result = cli("ingest", str(demo.SAMPLE_VIDEOS), "--index", "x", "--concurrency", "1", "--json")
    assert result.exit_code == 75
    assert "run the same command later to resume" in result.stderr
    assert {record["status"] for record in result.records} <= {"failed", "skipped"}
    assert len(result.records) == 3


def test_help_contains_the_exit_codes_and_version_is_printed(cli: Cli) -> None:
    result = cli("--help")
    assert result.exit_code == 0
    assert "130  interrupted" in result.stdout
    assert cli("--version").stdout.strip() == __version__


def test_the_command_without_its_extra_prints_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_spec(name: str) -> object:
        return None if name == "cyclopts" else name

    monkeypatch.setattr(__main__, "find_spec", find_spec)
    assert __main__.main() == 2
    assert capsys.readouterr().err == f"the command line needs cyclopts: {install_command('cli')}\n"


@pytest.mark.oldest_python
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("name", ENDING_SIGNALS)
def test_the_first_ctrl_c_finishes_items_in_progress_and_the_next_run_resumes(
    cli_emulator: ThreadedEmulator, tmp_path: Path, name: str
) -> None:
    command = [
        "ingest",
        str(demo.SAMPLE_VIDEOS),
        "--index",
        "x",
        "--concurrency",
        "1",
        "--ledger",
        str(tmp_path / "ledger"),
    ]
    cli_emulator.faults.add("POST /assets", delay=1.0)
    with interruptible_process(*command) as process:
        wait_until(process, lambda: cli_emulator.requests.for_operation("POST /assets"))
        process.send_signal(signal.Signals[name])
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert "press Ctrl-C again to stop immediately" in out
    assert "run the same command to resume" in out
    result = run_in_subprocess(*command)
    assert result.exit_code == 0
    assert "3 ready in " in result.stdout
    assert len(cli_emulator.state.assets) == 3


@pytest.mark.oldest_python
@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_the_second_ctrl_c_stops_immediately(cli_emulator: ThreadedEmulator) -> None:
    stalled = cli_emulator.faults.add("POST /assets", stall="before", times=None)
    with interruptible_process("ingest", str(CLIPS[0]), "--index", "x") as process:
        wait_until(process, lambda: stalled.hits)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        while "Ctrl-C again" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "")
    assert "no items finished in " in out


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_sigterm_interrupts_a_command_like_ctrl_c(cli_emulator: ThreadedEmulator) -> None:
    stalled = cli_emulator.faults.add("GET /indexes", stall="before", times=None)
    with interruptible_process("search", "x", "a balloon") as process:
        wait_until(process, lambda: stalled.hits)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")


@pytest.mark.oldest_python
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_ingest_completes_after_its_output_pipe_is_closed(
    cli_emulator: ThreadedEmulator, flags: tuple[str, ...]
) -> None:
    """Closing the pipe, as `| head -1` does, neither stops the ingestion nor prints a traceback."""
    command = [*CLI_COMMAND, "ingest", str(demo.SAMPLE_VIDEOS), "--index", "x", "--concurrency", "1", *flags]
    with subprocess.Popen(  # noqa: S603  # a fixed command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(10) == 0
    assert ("3 ready in " in err) if flags else (err == "")
    assert len(cli_emulator.requests.for_operation("POST /assets")) == 3


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("arguments", [("--help",), ("completion", "bash"), ("emulator", "--help")], ids=" ".join)
def test_help_into_a_closed_pipe_is_not_an_error(arguments: tuple[str, ...], unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command, variables = [*CLI_COMMAND, *arguments], {**environment(), "PYTHONUNBUFFERED": unbuffered}
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=variables, timeout=60, check=False)  # noqa: S603  # a fixed command
    os.close(write)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
@pytest.mark.parametrize(
    ("output", "reason"), [(">&-", "it is closed"), (">/dev/full", "No space left on device")], ids=["closed", "full"]
)
def test_help_of_the_emulator_that_cannot_be_written_is_an_error(output: str, reason: str) -> None:
    command = ["sh", "-c", f'exec "$@" {output}', "sh", *CLI_COMMAND, "emulator", "--help"]
    result = subprocess.run(command, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False, text=True)  # noqa: S603  # a fixed command
    assert result.returncode == 74
    assert result.stderr.splitlines()[-1] == f"error: cannot write to standard output: {reason}"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_the_emulator_prints_its_base_url_first() -> None:
    command = [*CLI_COMMAND, "emulator", "--api-key", "mine"]
    with subprocess.Popen(  # noqa: S603  # a fixed command
        command, stdout=subprocess.PIPE, env=environment(), encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1\.3\n", process.stdout.readline())
        assert process.stdout.readline() == "mine\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

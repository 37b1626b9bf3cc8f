"""The command line as a person and a program meet it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import MAIN, Cli, environment, in_a_process, interruptible, until

from twelvelabs_async import __main__, __version__
from twelvelabs_async.cli import demo
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.settings import KEY_VARIABLES

CLIPS = sorted(demo.CLIPS.glob("*.mp4"))
TIME_CODE = re.compile(r"\d\d:\d\d\.\d")


def test_the_demo_finds_each_of_its_clips() -> None:
    """The first command a newcomer runs, exactly as it is run."""
    told = in_a_process("demo")
    assert (told.code, told.err) == (0, "")
    assert len(CLIPS) == 3
    for clip in CLIPS:
        assert any(clip.name in line and len(TIME_CODE.findall(line)) == 2 for line in told.out.splitlines())
    assert "synthetic" in told.out
    assert "twelvelabs-async ingest FOLDER --index" in told.out


def test_the_clips_are_small() -> None:
    assert sum(clip.stat().st_size for clip in CLIPS) < 300_000


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that does not take its time."""
    monkeypatch.setattr(demo, "TIMING", Timing(asset=0, indexing=0))


@pytest.mark.usefixtures("hasty")
def test_the_demo_tells_of_a_broken_video_and_goes_on(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 100)
    shutil.copy(CLIPS[0], tmp_path / "blue kite.mp4")
    told = cli("demo", str(tmp_path))
    assert told.code == 1
    assert re.search("^failed +broken.mp4: there is no picture and no sound in it", told.out, re.MULTILINE)
    assert re.search(r"^blue kite +1 +blue kite.mp4 +\d\d:\d\d.\d", told.out, re.MULTILINE)
    assert f"ingest {tmp_path}" in told.out


@pytest.mark.usefixtures("hasty")
def test_the_demo_says_that_a_folder_holds_no_video(cli: Cli, tmp_path: Path) -> None:
    told = cli("demo", str(tmp_path))
    assert told.code == 1
    assert "no video or audio in this folder" in told.out
    assert "nothing to search" in told.out


@pytest.mark.usefixtures("served")
def test_ingest_and_search_for_people(cli: Cli) -> None:
    told = cli("ingest", *map(str, CLIPS), "--index", "holiday", "--concurrency", "2")
    assert (told.code, told.err) == (0, "")
    assert re.search("^3 ready in ", told.out, re.MULTILINE)
    assert "{" not in told.out
    told = cli("search", "holiday", "sailing boat")
    assert told.code == 0
    assert "sailing-boat-at-sunset.mp4" in told.out
    told = cli("search", "holiday", "zebra")
    assert (told.code, told.out) == (0, "nothing found for 'zebra' in holiday (3 videos)\n")


def test_ingest_and_search_for_programs(cli: Cli, served: Emulator, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    told = cli("ingest", str(broken), str(demo.CLIPS), "gone.mp4", "--index", "holiday", "--json")
    assert told.code == 1
    status = {Path(record["source"]).name: record["status"] for record in told.records}
    assert status == {"broken.mp4": "failed", "gone.mp4": "failed"} | {clip.name: "ready" for clip in CLIPS}
    assert "3 ready, 2 failed" in told.err

    (index,) = served.state.indexes.values()
    told = cli("search", index.id, "train city", "--json", "--limit", "1", "--option", "visual", "--option", "audio")
    assert told.code == 0
    (record,) = told.records
    assert record["filename"] == "night-train-through-the-city.mp4"
    assert record.keys() == {"query", "rank", "video_id", "filename", "start", "end"}


def test_ingest_into_an_index_named_by_its_id_makes_no_other(cli: Cli, served: Emulator) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "holiday")
    (index,) = served.state.indexes
    told = cli("ingest", str(CLIPS[1]), "--index", index)
    assert "into the index holiday" in told.out
    assert len(served.state.indexes) == 1


@pytest.mark.usefixtures("served")
def test_an_unknown_index_is_told_with_those_that_exist(cli: Cli) -> None:
    told = cli("search", "holidy", "a boat")
    assert (told.code, told.out) == (1, "")
    assert told.err == "error: there is no index 'holidy'; there are none yet\n"
    cli("ingest", str(CLIPS[0]), "--index", "holiday")
    assert "there are: holiday" in cli("search", "f" * 24, "a boat").err


def test_a_missing_key_takes_one_line(cli: Cli) -> None:
    for arguments in (("ingest", ".", "--index", "x"), ("search", "x", "y")):
        told = cli(*arguments)
        assert (told.code, told.out) == (2, "")
        assert told.err.count("\n") == 1
        assert "TWELVELABS_API_KEY" in told.err
        assert "twelvelabs-async demo" in told.err


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
@pytest.mark.usefixtures("served")
def test_wrong_usage_takes_one_line(cli: Cli, arguments: tuple[str, ...]) -> None:
    told = cli(*arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1


def test_a_refused_key_takes_one_line(cli: Cli, served: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLES[0], "not-the-key")
    told = cli("ingest", str(CLIPS[0]), "--index", "x")
    assert (told.code, told.out) == (3, "")
    assert told.err.startswith("error: 401")
    assert not served.state.indexes


def test_a_quota_that_ends_on_the_way_ends_the_run(cli: Cli, served: Emulator) -> None:
    served.faults.add("GET /assets", status=429, headers={"Retry-After": "9999"}, times=None)
    told = cli("ingest", str(demo.CLIPS), "--index", "x", "--concurrency", "1", "--json")
    assert told.code == 75
    assert "the same command continues it later" in told.err
    assert {record["status"] for record in told.records} <= {"failed", "skipped"}
    assert len(told.records) == 3


def test_help_tells_the_exit_codes_and_the_version_is_there(cli: Cli) -> None:
    for arguments in (("--help",), ("ingest", "--help")):
        told = cli(*arguments)
        assert told.code == 0
        assert "130  interrupted" in told.out
    assert cli("--version").out.strip() == __version__


def test_without_its_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_spec(name: str) -> object:
        return None if name == "cyclopts" else name

    monkeypatch.setattr(__main__, "find_spec", find_spec)
    assert __main__.main() == 2
    assert capsys.readouterr().err == "the command line needs cyclopts: pip install 'twelvelabs-async[cli]'\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_the_first_ctrl_c_finishes_what_is_on_its_way_and_the_next_run_does_the_rest(
    served: Emulator, tmp_path: Path
) -> None:
    command = ["ingest", str(demo.CLIPS), "--index", "x", "--concurrency", "1", "--ledger", str(tmp_path / "ledger")]
    served.faults.add("POST /assets", delay=1.0)
    with interruptible(*command) as process:
        until(process, lambda: served.requests.of("POST /assets"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert "Ctrl-C again stops at once" in out
    assert "the same command continues it" in out
    told = in_a_process(*command)
    assert told.code == 0
    assert "3 ready in " in told.out
    assert len(served.state.assets) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_the_second_ctrl_c_stops_at_once(served: Emulator) -> None:
    stalled = served.faults.add("POST /assets", stall="before", times=None)
    with interruptible("ingest", str(CLIPS[0]), "--index", "x") as process:
        until(process, lambda: stalled.hits)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        while "Ctrl-C again" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "")
    assert "none ended in " in out


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_reader_that_leaves_does_not_end_the_work(served: Emulator, flags: tuple[str, ...]) -> None:
    """`| head -1` must not leave half of a list behind, nor a traceback."""
    command = [*MAIN, "ingest", str(demo.CLIPS), "--index", "x", "--concurrency", "1", *flags]
    with subprocess.Popen(  # noqa: S603  # all of it is ours
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(10) == 0
    assert ("3 ready in " in err) if flags else (err == "")
    assert len(served.requests.of("POST /assets")) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_the_emulator_prints_its_address_first() -> None:
    command = [*MAIN, "emulator", "--api-key", "mine"]
    with subprocess.Popen(  # noqa: S603  # all of it is ours
        command, stdout=subprocess.PIPE, env=environment(), encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1\.3\n", process.stdout.readline())
        assert process.stdout.readline() == "mine\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

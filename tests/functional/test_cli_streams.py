"""`--json` writes the same records to a terminal, a pipe and a file, whatever standard error is."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_tree import COMMANDS, arguments_of
from commands import CLI_COMMAND, Cli, environment
from hostile import OWN_SEQUENCES
from terminals import STREAMS, Stream, run_on
from typing_extensions import override

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.main import run
from twelvelabs_async.emulator import ThreadedEmulator, samples

pytestmark = [pytest.mark.oldest_python, pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")]

WITH_JSON = {command for command in COMMANDS if any(argument.name == "--json" for argument in arguments_of(command))}

ARGUMENTS: dict[tuple[str, ...], list[str]] = {
    ("search",): ["holiday", "boat"],
    ("indexes", "list"): [],
    ("indexes", "create"): ["new"],
    ("videos", "list"): ["holiday"],
    ("videos", "show"): ["holiday", "{video}"],
    ("export",): ["holiday", "{folder}/holiday.jsonl"],
    ("analyze",): ["{asset}", "Describe it"],
    ("videos", "delete"): ["holiday", "{video}", "--yes"],
    ("embed",): ["a boat"],
    ("api",): ["GET", "/indexes"],
    ("limits",): [],
    ("doctor",): [],
    ("indexes", "delete"): ["holiday", "--yes"],
}
TESTED_ELSEWHERE = {("ingest",), ("status",), ("ledger", "show"), ("ledger", "export")}
"""Commands that other modules test."""


def test_each_command_with_records_is_covered() -> None:
    assert ARGUMENTS.keys() <= WITH_JSON <= ARGUMENTS.keys() | TESTED_ELSEWHERE


class FullDisk(io.StringIO):
    @override
    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_each_command_reports_a_failed_write_to_standard_output(
    cli_emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    video = cli_emulator.add_video("holiday", "boat.mp4", [(0, 30, "a boat")])
    names = {"video": video.id, "asset": video.asset.id, "folder": tmp_path}
    commands = [[*command, *(text.format(**names) for text in arguments)] for command, arguments in ARGUMENTS.items()]
    others = [["--help"], ["--version"], ["ingest", "--help"], ["completion", "bash"]]
    for command in (*others, *commands):
        monkeypatch.setattr(sys, "stdout", FullDisk())
        assert (command, run(command)) == (command, ExitCode.OUTPUT_ERROR)
        assert "cannot write to standard output: No space left on device" in capsys.readouterr().err


def test_a_closed_standard_output_is_reported_if_something_is_written_to_it(
    cli_emulator: ThreadedEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli_emulator.add_video("holiday", "boat.mp4", [(0, 30, "a boat")])
    monkeypatch.setattr(sys, "stdout", None)
    search = ["search", "holiday", "boat"]
    for command in (["--help"], search, [*search, "--json"], ["docs"]):
        assert (command, run(command)) == (command, ExitCode.OUTPUT_ERROR)
        assert capsys.readouterr().err == "error: cannot write to standard output: it is closed\n"
    assert run(["ingest", str(next(SAMPLE_VIDEOS.iterdir())), "--index", "holiday", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_exports_are_utf8_in_each_locale(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del cli_emulator
    ledger, film = str(tmp_path / "ledger"), tmp_path / "日本.mp4"
    film.write_bytes(samples.video(10))
    assert cli("ingest", str(film), "--index", "holiday", "--ledger", ledger).exit_code == 0
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    assert run(["ledger", "export", ledger, "--csv"]) == 0
    assert "日本.mp4,ready" in written.getvalue().decode("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="filenames are UTF-8 in each locale")
def test_lists_and_arguments_are_utf8_in_each_locale(cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    (tmp_path / "Müller.mp4").write_bytes(samples.video(10))
    (tmp_path / "list.csv").write_text("source,place\nMüller.mp4,Köln\n", "utf-8")
    completed = subprocess.run(  # noqa: S603  # our own command
        [*CLI_COMMAND, *("ingest", "--from", "list.csv", "--index", "Größe", "--metadata", "wer=Jörg")],
        env=environment({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (completed.returncode, completed.stderr) == (0, b"")
    (asset,) = cli_emulator.state.assets.values()
    assert asset.filename == "Müller.mp4"
    assert {"place": "Köln", "wer": "Jörg"}.items() <= (asset.user_metadata or {}).items()
    assert [index.name for index in cli_emulator.state.indexes.values()] == ["Größe"]


def test_closed_standard_input_is_reported_in_one_line(
    cli: Cli, cli_emulator: ThreadedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli_emulator.add_video("holiday", "boat.mp4")
    monkeypatch.setattr(sys, "stdin", None)
    for command in (["ingest", "--from", "-", "--index", "x"], ["api", "POST", "/indexes", "--input", "-"]):
        result = cli(*command)
        assert (result.exit_code, result.stderr.count("\n")) == (ExitCode.USAGE_ERROR, 1)
        assert "reads standard input, which is closed" in result.stderr
    assert "pass --yes to confirm" in cli("indexes", "delete", "holiday").stdout
    assert cli_emulator.state.indexes


RUN_ALL = """
import json, sys
from twelvelabs_async._cli.main import run
for name, arguments in json.loads(sys.argv[1]):
    code = int(run([*arguments, "--json"]))
    sys.stdout.write(json.dumps({"end of": name, "code": code}) + "\\n")
    sys.stdout.flush()
"""
"""Runs all commands in one process: starting a process takes longer than a command."""


@pytest.mark.parametrize(("stdout", "stderr"), STREAMS)
def test_json_records_are_written_to_every_kind_of_output(
    stdout: Stream, stderr: Stream, cli_emulator: ThreadedEmulator, tmp_path: Path
) -> None:
    video = cli_emulator.add_video("holiday", "boat.mp4", [(0, 30, "a boat")])
    names = {"video": video.id, "asset": video.asset.id, "folder": tmp_path}
    commands = [
        (" ".join(command), [*command, *(text.format(**names) for text in arguments)])
        for command, arguments in ARGUMENTS.items()
    ]
    program = (sys.executable, "-W", "error", "-c", RUN_ALL, json.dumps(commands))
    result = run_on(*program, stdout=stdout, stderr=stderr, folder=tmp_path)
    assert result.exit_code == 0, result.stderr
    records, exit_codes = list[object](), dict[str, int]()
    for line in result.stdout.splitlines():
        assert line.startswith("{")
        record = json.loads(line)
        if "end of" not in record:
            records.append(record)
            continue
        assert records, record
        exit_codes[record["end of"]] = record["code"]
        records.clear()
    assert exit_codes == {name: 0 for name, _ in commands}
    assert "{" not in OWN_SEQUENCES.sub("", result.stderr)

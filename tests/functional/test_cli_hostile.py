"""The terminal output never contains control characters from API responses or file names."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_tree import COMMANDS
from hostile import HOSTILE, controls_in

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._cli.main import run
from twelvelabs_async.emulator import ThreadedEmulator

COMMANDS_WITHOUT_TEST: dict[tuple[str, ...], str] = {
    ("completion",): "prints a script of its own",
    ("docs",): "prints the manual",
    ("emulator",): "is a server",
    ("status",): "needs a database, and prints by Screen.print",
    ("worker",): "needs a database, and prints by Screen.print",
}

ARGUMENTS: dict[tuple[str, ...], list[str]] = {
    ("demo",): ["{folder}"],
    ("ingest",): ["{folder}", "--index", "{index}", "--ledger", "{ledger}"],
    ("ledger", "show"): ["{ledger}"],
    ("ledger", "export"): ["{ledger}"],
    ("search",): ["{index}", "boat"],
    ("indexes", "list"): [],
    ("indexes", "create"): ["holiday"],
    ("indexes", "delete"): ["{index}", "--yes"],
    ("videos", "list"): ["{index}"],
    ("videos", "show"): ["{index}", "{video}"],
    ("videos", "delete"): ["{index}", "{video}", "--yes"],
    ("export",): ["{index}", "{folder}.csv"],
    ("analyze",): ["{asset}", "Describe it"],
    ("embed",): ["a boat"],
    ("api",): ["GET", "/indexes"],
    ("limits",): [],
    ("doctor",): [],
}


def test_each_command_is_covered() -> None:
    assert ARGUMENTS.keys() | COMMANDS_WITHOUT_TEST.keys() == COMMANDS.keys()


@pytest.fixture
def names(cli_emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Ids and paths of an index, a video and a folder, all with hostile names; the output goes to a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "400")
    video = cli_emulator.add_video("holiday", "boat.mp4", [(0, 30, "a boat")], user_metadata={"note": HOSTILE})
    video.asset.filename = HOSTILE
    (index,) = cli_emulator.state.indexes.values()
    index.name = HOSTILE
    cli_emulator.answer("POST /analyze", HOSTILE)
    folder = tmp_path / "videos"
    folder.mkdir()
    name = HOSTILE.replace("\0", "").replace("/", "")
    (folder / f"{name}.mp4").write_bytes((SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4").read_bytes())
    (folder / f"{name}2.mp4").write_bytes(b"no video" * 100)
    ids = {"index": index.id, "video": video.id, "asset": video.asset.id}
    return {**ids, "folder": str(folder), "ledger": str(tmp_path / "ledger")}


@pytest.mark.skipif(sys.platform == "win32", reason="such names do not exist")
@pytest.mark.parametrize("command", ARGUMENTS, ids=" ".join)
def test_output_contains_no_control_characters(
    command: tuple[str, ...], names: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == ("limits",):  # on a terminal, the command runs until it is interrupted
        monkeypatch.setenv("TERM", "dumb")
    if command[0] == "ledger":
        run(["ingest", names["folder"], "--index", names["index"], "--ledger", names["ledger"]])
        capsys.readouterr()
    run([*command, *(argument.format(**names) for argument in ARGUMENTS[command])])
    captured = capsys.readouterr()
    assert captured.out
    assert controls_in(captured.out + captured.err) == set()
    if command != ("analyze",):
        assert "\nforged" not in captured.out + captured.err


@pytest.mark.parametrize(
    "command", [command for command in ARGUMENTS if command[0] not in {"demo", "ledger"}], ids=" ".join
)
def test_errors_contain_no_control_characters(
    command: tuple[str, ...], names: dict[str, str], cli_emulator: ThreadedEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps({"code": HOSTILE, "message": HOSTILE})
    cli_emulator.faults.add("*", status=403, body=body, headers={"Content-Type": "application/json"}, times=None)
    run([*command, *(argument.format(**names) for argument in ARGUMENTS[command])])
    captured = capsys.readouterr()
    assert "403" in captured.out + captured.err
    assert controls_in(captured.out + captured.err) == set()
    assert "\nforged" not in captured.out + captured.err


@pytest.mark.usefixtures("names")
def test_index_names_in_errors_contain_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", HOSTILE.replace("\0", ""), "boat"]) == 1
    assert run(["search", "holiday", "boat"]) == 1
    assert controls_in(capsys.readouterr().err) == set()

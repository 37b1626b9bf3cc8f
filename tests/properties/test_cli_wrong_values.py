"""An invalid value of any argument of any command causes no traceback but one line with an error."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pymediainfo
import pytest
from command_tree import COMMANDS, arguments_of
from cyclopts import Argument

from twelvelabs_async._cli import demo
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.main import run
from twelvelabs_async._options import API_KEY_VARIABLES, BASE_URL_VARIABLE
from twelvelabs_async.emulator import ThreadedEmulator, Timing

Command = tuple[str, ...]

INVALID_VALUES = [
    "",
    "wrong",
    "-1",
    "9" * 30,
    "1.5",
    "nan",
    "x" * 5000,
    "\x1b]0;title\x07\x1b[2J\r\n",
    "caf\udce9",
    "{folder}/missing/file.json",
    "{folder}",
    "{folder}/deep.json",
    "http://[",
]
"""`{folder}` is replaced by an existing folder. An argument can contain any byte except zero."""

MORE_INVALID_VALUES = {
    "--base-url": ["http://", "ftp://127.0.0.1/x", "http://user@127.0.0.1:x"],
    "--ledger": ["postgresql://[::1/x?y=\x01"],
    "--rate-limit-store": ["sqlite:///{folder}/missing/limits.db", "redis://127.0.0.1:1/0", "redis:///x?y"],
    "--field": ["=", "a", "a=@{folder}"],
    "--input": ["{folder}/text.txt"],
}

VALID: dict[Command, list[str]] = {
    ("demo",): ["{folder}/empty"],
    ("ingest",): ["{folder}/missing.mp4", "--index", "holiday", "--ledger", "{folder}/ledger"],
    ("ledger", "show"): ["{folder}/missing"],
    ("ledger", "export"): ["{folder}/missing"],
    ("search",): ["holiday", "boat"],
    ("indexes", "create"): ["new"],
    ("indexes", "delete"): ["missing"],
    ("videos", "list"): ["holiday"],
    ("videos", "show"): ["holiday", "f" * 24],
    ("videos", "delete"): ["holiday", "f" * 24],
    ("export",): ["holiday", "{folder}/holiday.jsonl", "--overwrite"],
    ("analyze",): ["f" * 24, "Describe it"],
    ("api",): ["GET", "/indexes"],
    ("worker",): ["--ledger", "wrong"],
    ("status",): ["--ledger", "wrong"],
    ("completion",): ["bash"],
}
"""Valid arguments with which a command ends quickly; other commands need none."""


def takes_value(argument: Argument) -> bool:
    count, _ = argument.token_count()
    return int(count) > 0


CASES = [
    (command, argument.name)
    for command in COMMANDS
    for argument in arguments_of(command)
    if command != ("emulator",) and takes_value(argument)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "empty").mkdir()
    (folder / "text.txt").write_text("no JSON, no video")
    (folder / "deep.json").write_text("[" * 5_000)
    return folder


@pytest.fixture(scope="module")
def cli_emulator() -> Iterator[ThreadedEmulator]:
    # Both start a process at their first use to find a library, which must not happen in an event loop.
    import_module("trio")
    pymediainfo.MediaInfo.can_parse()
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0)) as emulator:
        emulator.add_video("holiday", "boat.mp4")
        yield emulator


@pytest.fixture
def holiday(cli_emulator: ThreadedEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure the command line for an emulator with an index `holiday`."""
    monkeypatch.setattr(demo, "TIMING", Timing(asset=0, indexing=0))
    monkeypatch.setenv(BASE_URL_VARIABLE, cli_emulator.base_url)
    monkeypatch.setenv(API_KEY_VARIABLES[0], cli_emulator.api_key)


def arguments_with(command: Command, name: str, value: str, folder: Path) -> list[str]:
    """Return valid arguments of a command, with `value` for one of them."""
    valid = [argument.replace("{folder}", str(folder)) for argument in VALID.get(command, [])]
    if name.startswith("-"):
        if name in valid:
            position = valid.index(name)
            del valid[position : position + 2]
        return [*valid, f"{name}={value}"]
    positional = [argument.name for argument in arguments_of(command) if not argument.name.startswith("-")]
    first_option = next((position for position, text in enumerate(valid) if text.startswith("--")), len(valid))
    values, options = valid[:first_option], valid[first_option:]
    position = positional.index(name)
    values[position : position + 1] = [value]
    return [*options, "--", *values]


@pytest.mark.usefixtures("holiday")
@pytest.mark.parametrize(("command", "name"), CASES, ids=[f"{' '.join(command)} {name}" for command, name in CASES])
def test_an_invalid_value_causes_no_traceback(
    command: Command, name: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for pattern in [*INVALID_VALUES, *MORE_INVALID_VALUES.get(name, [])]:
        value = pattern.replace("{folder}", str(folder))
        code = run([*command, *arguments_with(command, name, value, folder)])
        captured = capsys.readouterr()
        assert code in set(ExitCode), pattern
        assert "Traceback" not in captured.err, pattern
        assert "\x1b" not in captured.out + captured.err, pattern
        if code == ExitCode.USAGE_ERROR:
            assert captured.err.startswith("error: "), (pattern, captured.err)
            assert captured.err.count("\n") == 1, (pattern, captured.err)


EMULATOR_OPTIONS = {
    "--port": ["", "wrong", "-1", "65536", "1.5"],
    "--storage-port": ["", "wrong", "-1", "65536"],
    "--host": ["192.0.2.1", "no such host", "x" * 5000],
    "--seed": ["", "wrong", "nan"],
    "--plan": ["", "wrong"],
    "--search": ["", "wrong"],
    "--timing": ["wrong", "seconds=-1", "seconds=nan", "x" * 5000],
    "--data-dir": ["{file}", "x" * 5000],
    "--wrong": [""],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in EMULATOR_OPTIONS.items() for value in values]
)
def test_the_emulator_rejects_an_invalid_value_without_a_traceback(
    name: str, value: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SystemExit) as caught:
        run(["emulator", f"{name}={value.replace('{file}', str(file))}"])
    assert caught.value.code == 2
    assert "Traceback" not in capsys.readouterr().err

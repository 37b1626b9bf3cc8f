"""Help pages are complete, and fit the width of the terminal."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from command_tree import COMMANDS, arguments_of
from commands import CLI_COMMAND as CLI

from twelvelabs_async._cli.main import run

WITH_HELP = [command for command in COMMANDS if command != ("emulator",)]
"""Commands that print a help page; `emulator` is a program with separate help."""


def help_page(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", WITH_HELP, ids=" ".join)
def test_each_help_page_has_an_example_a_link_and_each_option(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_page(command, capsys)
    assert f"\n  twelvelabs-async {' '.join(command)}" in text
    assert "https://" in text
    for argument in arguments_of(command):
        assert argument.name in text if argument.name.startswith("-") else argument.name.upper() in text


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("command", [(), ("indexes",), ("videos",), *WITH_HELP], ids=" ".join)
def test_lines_of_help_fit_the_terminal_and_wrap_between_words(
    command: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    words = set(help_page(command, capsys).split())
    monkeypatch.setenv("COLUMNS", str(width))
    output = help_page(command, capsys)
    assert [line for line in output.splitlines() if len(line) > width and len(line.split()) > 1] == []
    assert set(output.split()) - {"\\"} <= words


def test_a_closed_pipe_causes_no_error() -> None:
    with subprocess.Popen(  # noqa: S603  # a fixed command
        [*CLI, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_contain_each_command_and_are_valid(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    for command in COMMANDS:
        assert command[-1] in script
    for option in ("--rate-limit-store", "--transcription", "--raw-field"):
        assert option.lstrip("-") in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)  # noqa: S603  # an installed shell

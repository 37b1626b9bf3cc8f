"""`--json` writes only records to standard output, whether it is a terminal, a pipe or a file."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, TextIO, cast

import attrs
import pytest
from postgres import PostgresServer, postgres

from twelvelabs_async._cli import demo
from twelvelabs_async._cli.main import run
from twelvelabs_async.emulator import ThreadedEmulator

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import pty

pytestmark = pytest.mark.oldest_python

CLIPS = sorted(demo.SAMPLE_VIDEOS.glob("*.mp4"))

OutputKind = Literal["terminal", "pipe", "file"]

COMMANDS = {
    "ingest": ("ingest", str(demo.SAMPLE_VIDEOS), "--index", "x", "--json"),
    "dry run": ("ingest", str(demo.SAMPLE_VIDEOS), "--index", "x", "--dry-run", "--json"),
    "ledger show": ("ledger", "show", "job.ledger", "--json"),
    "ledger export": ("ledger", "export", "job.ledger"),
    "search": ("search", "x", CLIPS[0].stem.replace("-", " "), "--json"),
    "indexes list": ("indexes", "list", "--json"),
    "videos list": ("videos", "list", "x", "--json"),
    "limits": ("limits", "--json"),
    "doctor": ("doctor", "--json"),
    "submit": ("ingest", str(demo.SAMPLE_VIDEOS), "--index", "x", "--submit", "--json", "--ledger", "DATABASE"),
    "status": ("status", "--json", "--ledger", "DATABASE"),
}


@attrs.define
class Output:
    """What a command wrote."""

    text: str = ""


@contextmanager
def open_output(kind: OutputKind, path: Path, output: Output) -> Generator[TextIO]:
    """Open a terminal, a pipe or a file, and store what is written to it in `output`."""
    if kind == "file":
        with _text(path.open("wb", buffering=0)) as file:
            yield file
        output.text = path.read_text("utf-8")
        return
    read_end, write_end = pty.openpty() if kind == "terminal" else os.pipe()
    blocks: list[bytes] = []

    def read() -> None:
        try:
            while block := os.read(read_end, 65536):
                blocks.append(block)
        except OSError:  # the other end of the terminal is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with _text(io.FileIO(write_end, "w")) as stream:
            yield stream
    finally:
        reader.join()
        os.close(read_end)
    output.text = b"".join(blocks).decode()


def _text(raw: io.FileIO) -> TextIO:
    """Return an unbuffered text stream that the check for blocking calls accepts."""
    return io.TextIOWrapper(cast("BinaryIO", raw), encoding="utf-8", write_through=True)


def run_with_output(
    arguments: tuple[str, ...], stdout: OutputKind, stderr: OutputKind, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Run a command, and return its standard output and standard error."""
    out, err = Output(), Output()
    with ExitStack() as stack, monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        patch.chdir(folder)
        patch.setattr(sys, "stdout", stack.enter_context(open_output(stdout, folder / "out", out)))
        patch.setattr(sys, "stderr", stack.enter_context(open_output(stderr, folder / "err", err)))
        run(arguments)
    return out.text, err.text


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.mark.parametrize("stderr", ["terminal", "pipe"])
@pytest.mark.parametrize("stdout", ["terminal", "pipe", "file"])
@pytest.mark.parametrize("command", COMMANDS)
def test_json_commands_write_only_records_to_standard_output(
    command: str,
    stdout: OutputKind,
    stderr: OutputKind,
    cli_emulator: ThreadedEmulator,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = COMMANDS[command]
    if "DATABASE" in arguments:
        server: PostgresServer = request.getfixturevalue("database_server")
        arguments = tuple(server.url if argument == "DATABASE" else argument for argument in arguments)
    if command == "limits":
        cli_emulator.plan = "documented-free"
    if command not in {"ingest", "doctor"}:
        ingest_command = ("ingest", str(CLIPS[0]), "--index", "x", "--ledger", "job.ledger")
        run_with_output(ingest_command, "pipe", "pipe", tmp_path, monkeypatch)
    out, err = run_with_output(arguments, stdout, stderr, tmp_path, monkeypatch)
    assert out, err
    assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
    assert "Traceback" not in err
    if stderr == "pipe":
        assert "\x1b" not in err


def test_progress_goes_to_standard_error_if_json_goes_to_a_file(
    cli_emulator: ThreadedEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli_emulator.faults.add("POST /assets", delay=0.5)
    out, err = run_with_output(COMMANDS["ingest"], "file", "terminal", tmp_path, monkeypatch)
    assert len(out.splitlines()) == 3
    assert "━" in err
    assert "3 ready in" in err
    assert err.rindex("\x1b[?25h") > err.rindex("\x1b[?25l"), "the cursor is hidden"

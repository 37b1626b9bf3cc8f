"""The command line and the emulator that it finds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Cli

from twelvelabs_async._options import API_KEY_VARIABLES, BASE_URL_VARIABLE
from twelvelabs_async.emulator import ThreadedEmulator, Timing


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands keep their ledgers, empty."""
    folder = tmp_path_factory.mktemp("state")
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, with its output captured, as in a pipe."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return Cli(capsys)


@pytest.fixture(scope="module")
def threaded_emulator() -> Iterator[ThreadedEmulator]:
    """An emulator in a thread of its own; tests use `cli_emulator`."""
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0)) as emulator:
        yield emulator


@pytest.fixture
def cli_emulator(threaded_emulator: ThreadedEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedEmulator]:
    """The emulator that the environment variables of the command line name; it is reset after each test."""
    monkeypatch.setenv(BASE_URL_VARIABLE, threaded_emulator.base_url)
    monkeypatch.setenv(API_KEY_VARIABLES[0], threaded_emulator.api_key)
    try:
        yield threaded_emulator
        threaded_emulator.faults.assert_all_hit()
    finally:
        while threaded_emulator.run(lambda emulator: emulator.in_flight):
            time.sleep(0.001)
        threaded_emulator.reset()

"""The command line, and an emulator that it finds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from commands import Cli

from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.settings import KEY_VARIABLES, URL_VARIABLE


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line, in a pipe."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return Cli(capsys)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator in a loop of its own, which the command line finds by the environment."""
    emulator = Emulator(timing=Timing(asset=0, indexing=0))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(10)
        monkeypatch.setenv(URL_VARIABLE, emulator.base_url)
        monkeypatch.setenv(KEY_VARIABLES[0], emulator.api_key)
        yield emulator
        asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    emulator.faults.assert_all_hit()

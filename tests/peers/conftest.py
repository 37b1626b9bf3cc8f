"""The harness for calls of the official clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scenarios.setup import CHUNK, IMAGE, TIMING, VIDEO, Harness
from shared import reset_after_use
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator


@pytest.fixture(scope="module")
def clock() -> FastClock:
    """The clock of the emulator and of this package's client, which skips every wait."""
    return FastClock()


@pytest.fixture(scope="module")
async def shared_emulator(clock: FastClock) -> AsyncIterator[Emulator]:
    async with Emulator(timing=TIMING, clock=clock, chunk_size=CHUNK) as running:
        yield running


@pytest.fixture
async def harness(shared_emulator: Emulator, clock: FastClock) -> AsyncIterator[Harness]:
    """An emulator, and a client of this package that creates the prerequisites of calls."""
    async with (
        reset_after_use(shared_emulator) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        yield Harness(client=client, emulator=emulator, clock=clock)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Paths of files to send, by name."""
    contents = {"film.mp4": VIDEO, "picture.png": IMAGE}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}

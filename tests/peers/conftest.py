"""A stage for clients by others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from scenes.stage import CHUNK, FILM, PICTURE, TIMING, Stage
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

# They send no upload headers but this one, whatever they are told to send.
HEADERS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
async def stage(clock: FastClock) -> AsyncIterator[Stage]:
    """An emulator and our client of it, which prepares what the others need."""
    async with (
        Emulator(timing=TIMING, clock=clock, chunk_size=CHUNK, upload_headers=HEADERS) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        yield Stage(client=client, emulator=emulator, clock=clock)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files to send, by name."""
    made = {"film.mp4": FILM, "picture.png": PICTURE}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in made}

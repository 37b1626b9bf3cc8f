"""A stage for the scenes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from scenes.stage import CHUNK, TIMING, Stage
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator


@pytest.fixture
async def stage(clock: FastClock) -> AsyncIterator[Stage]:
    """An emulator and its client, on one clock that jumps ahead whenever somebody sleeps."""
    asyncio.get_running_loop().set_debug(False)  # two thousand scenes of the same code; other tests watch the loop
    async with (
        Emulator(timing=TIMING, clock=clock, chunk_size=CHUNK) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        yield Stage(client=client, emulator=emulator, clock=clock)
        emulator.faults.assert_all_hit()

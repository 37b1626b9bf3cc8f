"""The harness that runs scenarios."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from scenarios.setup import CHUNK, TIMING, Harness
from shared import reset_after_use
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator


@pytest.fixture(scope="module")
def clock() -> FastClock:
    """The clock of the emulator and its clients, which skips every wait."""
    return FastClock()


@pytest.fixture(scope="module")
async def shared_emulator(clock: FastClock) -> AsyncIterator[Emulator]:
    asyncio.get_running_loop().set_debug(False)  # hundreds of scenarios run the same code; other tests debug the loop
    async with Emulator(timing=TIMING, clock=clock, chunk_size=CHUNK, require_upload_headers=True) as running:
        yield running


@pytest.fixture
async def harness(shared_emulator: Emulator, clock: FastClock) -> AsyncIterator[Harness]:
    """An emulator and its client on one clock."""
    async with (
        reset_after_use(shared_emulator) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client,
    ):
        yield Harness(client=client, emulator=emulator, clock=clock)
        emulator.faults.assert_all_hit()

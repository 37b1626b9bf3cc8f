"""An interactive call while hundreds of background calls wait for the same limit."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import attrs

from benchmarks.limits.clients import TIMEOUT
from benchmarks.limits.scenarios import prepare_target
from benchmarks.limits.virtual_time import LoopClock, run_in_virtual_time
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

BACKGROUND_CALLS: Final = 500
LIMIT: Final = 40
SECONDS: Final = 60.0
"""Length of a window, in seconds."""

START_WITHIN_WINDOWS: Final = 4
"""The interactive call starts at a random time within this number of windows."""


@attrs.frozen
class PriorityResult:
    """Figures of the interactive call."""

    latency: float
    """Seconds until its response."""
    first_slot: float
    """Seconds from its start until the next response to any call."""
    drain_time: float
    """Seconds from its start until the last background call ended."""


def measure_priority(seed: int) -> PriorityResult:
    """Run the measurement in virtual time."""
    random.seed(seed)
    return run_in_virtual_time(_measure_priority(random.Random(seed).uniform(1, START_WITHIN_WINDOWS * SECONDS)))  # noqa: S311  # not for cryptography


async def _measure_priority(start_after: float) -> PriorityResult:
    clock, plan = LoopClock(), Plan(windows={"search": Window(LIMIT, SECONDS)})
    responses: list[float] = []
    async with Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan) as emulator:
        target = await prepare_target(emulator, clock)
        async with AsyncTwelveLabs(
            target.api_key, base_url=target.base_url, clock=clock, timeout=TIMEOUT, max_wait=TIMEOUT
        ) as client:
            background = client.with_options(priority="background")

            async def search(client_view: AsyncTwelveLabs) -> float:
                await client_view.search.query(index_id=target.index_id, search_options=["visual"], query_text="a boat")
                responses.append(clock.monotonic())
                return responses[-1]

            queue = asyncio.gather(*(search(background) for _ in range(BACKGROUND_CALLS)))
            await asyncio.sleep(start_after)
            started_at = clock.monotonic()
            latency = await search(client) - started_at
            last_response = max(await queue)
    first_slot = min(time for time in responses if time > started_at) - started_at
    return PriorityResult(latency, first_slot, last_response - started_at)

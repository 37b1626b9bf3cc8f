"""An interactive call while hundreds of bulk calls wait for the same limit."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import attrs

from benchmarks.limits.callers import PATIENCE
from benchmarks.limits.scenes import ready
from benchmarks.limits.virtual import LoopClock, virtually
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

BULK: Final = 500
LIMIT: Final = 40
SECONDS: Final = 60.0
"""Length of a window."""

SPREAD: Final = 4
"""Windows over which the moment of the interactive call is drawn."""


@attrs.frozen
class Overtaking:
    """What became of the interactive call."""

    waited: float
    """Seconds until its answer."""
    freed: float
    """Seconds from its beginning until the first answer to anybody."""
    queue: float
    """Seconds until the last of the bulk calls that were there before was answered."""


def overtake(seed: int) -> Overtaking:
    """Play it in virtual time."""
    random.seed(seed)
    return virtually(_overtake(random.Random(seed).uniform(1, SPREAD * SECONDS)))  # noqa: S311  # dice, not keys


async def _overtake(after: float) -> Overtaking:
    clock, plan = LoopClock(), Plan(windows={"search": Window(LIMIT, SECONDS)})
    answers: list[float] = []
    async with Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan) as emulator:
        place = await ready(emulator, clock)
        async with AsyncTwelveLabs(
            place.api_key, base_url=place.base_url, clock=clock, timeout=PATIENCE, max_wait=PATIENCE
        ) as client:
            bulk = client.with_options(priority="bulk")

            async def search(by: AsyncTwelveLabs) -> float:
                await by.search.query(index_id=place.index_id, search_options=["visual"], query_text="a boat")
                answers.append(clock.monotonic())
                return answers[-1]

            queue = asyncio.gather(*(search(bulk) for _ in range(BULK)))
            await asyncio.sleep(after)
            began = clock.monotonic()
            waited = await search(client) - began
            last = max(await queue)
    freed = min(moment for moment in answers if moment > began) - began
    return Overtaking(waited, freed, last - began)

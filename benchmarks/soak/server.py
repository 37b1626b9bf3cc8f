"""The emulator of the soak test, in its own process, with rate limits and random faults.

It prints its base URL and key, and exits when its standard input is closed: `python -m benchmarks.soak.server SEED`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from twelvelabs_async.emulator import Emulator, Plan, Timing
from twelvelabs_async.emulator.plans import Window

FAULT_PROBABILITY: Final = 0.03
"""Probability of each fault, per request."""

PLAN: Final = Plan(
    windows={
        "search": Window(150, 5),
        "analyze": Window(25, 5),
        "upload": Window(60, 5),
        "index": Window(40, 5),
    }
)


async def serve(seed: int) -> None:
    """Serve until standard input is closed."""
    emulator = Emulator(
        plan=PLAN, timing=Timing(asset=0.1, indexing=0.3), seed=seed, inspect_media=False, max_inspected_upload=0
    )
    emulator.faults.add("*", status=503, probability=FAULT_PROBABILITY, seed=seed, times=None)
    emulator.faults.add("*", reset="before", probability=FAULT_PROBABILITY, seed=seed + 1, times=None)
    emulator.faults.add("GET /assets", reset="after", probability=FAULT_PROBABILITY, seed=seed + 2, times=None)
    emulator.faults.add("POST /search", truncate=True, probability=FAULT_PROBABILITY, seed=seed + 3, times=None)
    emulator.faults.add("POST /analyze", stream="cut", probability=FAULT_PROBABILITY, seed=seed + 4, times=None)
    async with emulator:
        print(emulator.base_url, emulator.api_key, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

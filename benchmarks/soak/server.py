"""The other end of the soak: the emulator in a process of its own, with limits and random failures.

It prints its address and its key, and ends when its standard input does: `python -m benchmarks.soak.server SEED`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from twelvelabs_async.emulator import Emulator, Plan, Timing
from twelvelabs_async.emulator.plans import Window

FAILING: Final = 0.03
"""Share of requests that each of the faults strikes."""

PLAN: Final = Plan(
    windows={
        "search": Window(150, 5),
        "analyze": Window(25, 5),
        "upload": Window(60, 5),
        "index": Window(40, 5),
    }
)


async def serve(seed: int) -> None:
    """Run until standard input ends."""
    emulator = Emulator(plan=PLAN, timing=Timing(asset=0.1, indexing=0.3), seed=seed, probe=False, spool_limit=0)
    emulator.faults.add("*", status=503, probability=FAILING, seed=seed, times=None)
    emulator.faults.add("*", reset="before", probability=FAILING, seed=seed + 1, times=None)
    emulator.faults.add("GET /assets", reset="after", probability=FAILING, seed=seed + 2, times=None)
    emulator.faults.add("POST /search", truncate=True, probability=FAILING, seed=seed + 3, times=None)
    emulator.faults.add("POST /analyze", stream="cut", probability=FAILING, seed=seed + 4, times=None)
    async with emulator:
        print(emulator.base_url, emulator.api_key, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))

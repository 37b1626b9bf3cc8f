"""One of several processes: `python -m benchmarks.limits.worker CALLER CALLS AT_ONCE PLACE`, a place as JSON.

Says when it is ready, begins when it is told to, and says how many calls failed.
"""

from __future__ import annotations

import asyncio
import json
import sys

from benchmarks.limits.callers import CALLERS, Place
from benchmarks.limits.work import work


async def main(caller: str, calls: str, at_once: str, place: str) -> None:
    """Do this process's share."""
    async with CALLERS[caller](Place(**json.loads(place))) as calls_:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(await work(lambda _: calls_.search(), int(calls), int(at_once)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

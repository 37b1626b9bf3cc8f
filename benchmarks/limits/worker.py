"""One of several processes: `python -m benchmarks.limits.worker CLIENT CALLS CONCURRENCY TARGET`; the target is JSON.

Prints `ready`, waits for a line on standard input, runs its calls, and prints the number of failed calls.
"""

from __future__ import annotations

import asyncio
import json
import sys

from benchmarks.limits.clients import CLIENTS, Target
from benchmarks.limits.work import run_concurrently, wait_for_start


async def main(client_name: str, calls: str, concurrency: str, target: str) -> None:
    """Run the calls of this process."""
    async with CLIENTS[client_name](Target(**json.loads(target))) as client:
        await wait_for_start()
        print(await run_concurrently(lambda _: client.search(), int(calls), int(concurrency)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

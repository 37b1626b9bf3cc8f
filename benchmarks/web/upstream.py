"""What stands for the platform: the emulator in a process of its own. Prints its address and its key."""

from __future__ import annotations

import asyncio
import sys

from twelvelabs_async.emulator import Emulator, Timing


async def serve() -> None:
    """Run until standard input ends."""
    async with Emulator(timing=Timing(asset=0, indexing=0), probe=False, spool_limit=0) as emulator:
        print(emulator.base_url, emulator.api_key, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())

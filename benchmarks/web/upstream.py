"""The emulator in its own process, which replaces the platform. It prints its base URL and API key."""

from __future__ import annotations

import asyncio
import sys

from twelvelabs_async.emulator import Emulator, Timing


async def serve() -> None:
    """Serve until standard input is closed."""
    async with Emulator(timing=Timing(asset=0, indexing=0), inspect_media=False, max_inspected_upload=0) as emulator:
        print(emulator.base_url, emulator.api_key, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())

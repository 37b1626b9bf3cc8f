"""`python mortal_worker.py BASE_URL KEY LEDGER [BUDGET]`: a worker in a process of its own, to be killed."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from twelvelabs_async import AsyncTwelveLabs


async def main(base_url: str, key: str, ledger: str, budget: str | None = None) -> None:
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    async with AsyncTwelveLabs(key, base_url=base_url, budget=budget) as client:
        worker = client.worker(ledger, concurrency=4, direct_up_to=60_000)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""`python -m benchmarks.fleet.child BASE_URL LEDGER BUDGET CONCURRENCY`: a worker, to be killed."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from benchmarks.ingest.child import DIRECT_UP_TO
from benchmarks.ingest.platform import KEY
from twelvelabs_async import AsyncTwelveLabs


async def main(base_url: str, ledger: str, budget: str, concurrency: str) -> None:
    """Work until asked to stop."""
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    async with AsyncTwelveLabs(KEY, base_url=base_url, budget=budget or None, allow_http=True) as client:
        worker = client.worker(ledger, concurrency=int(concurrency), direct_up_to=DIRECT_UP_TO)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

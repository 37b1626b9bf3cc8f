"""`python -m benchmarks.workers.child BASE_URL LEDGER RATE_LIMIT_STORE CONCURRENCY`: a worker process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from benchmarks.ingest.child import MULTIPART_THRESHOLD
from benchmarks.ingest.platform import API_KEY
from twelvelabs_async import AsyncTwelveLabs


async def main(base_url: str, ledger: str, rate_limit_store: str, concurrency: str) -> None:
    """Run a worker until SIGTERM."""
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    async with AsyncTwelveLabs(
        API_KEY, base_url=base_url, rate_limit_store=rate_limit_store or None, allow_http=True
    ) as client:
        worker = client.worker(ledger, concurrency=int(concurrency), multipart_threshold=MULTIPART_THRESHOLD)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""A worker in a process that tests kill: `python killable_worker.py BASE_URL KEY LEDGER [RATE_LIMIT_STORE]`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from twelvelabs_async import AsyncTwelveLabs


async def main(base_url: str, key: str, ledger: str, rate_limit_store: str | None = None) -> None:
    for name in ("procrastinate", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    async with AsyncTwelveLabs(key, base_url=base_url, rate_limit_store=rate_limit_store) as client:
        worker = client.worker(ledger, concurrency=4, multipart_threshold=60_000, lookup_timeout=10)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

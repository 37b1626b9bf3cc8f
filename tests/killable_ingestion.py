"""An ingestion in a process that tests kill: `python killable_ingestion.py BASE_URL KEY INDEX FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from twelvelabs_async import AsyncTwelveLabs


async def main(base_url: str, key: str, index_id: str, folder: str) -> int:
    ledger = Path(folder).with_suffix(".ledger")
    async with AsyncTwelveLabs(key, base_url=base_url) as client:
        ingestion = client.ingest(
            folder, index_id=index_id, ledger=ledger, multipart_threshold=60_000, lookup_timeout=10
        )
        summary = await ingestion.summary()
    return summary.inputs - summary.ready


if __name__ == "__main__":
    sys.exit(min(1, asyncio.run(main(*sys.argv[1:]))))

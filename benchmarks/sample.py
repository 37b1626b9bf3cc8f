"""One measurement in a fresh process: `python -m benchmarks.sample CLIENT WORK ORIGIN OPTIONS`, figures as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final

from benchmarks import work
from benchmarks.clients import load

WORK: Final[dict[str, work.Work]] = {
    "first": work.first,
    "sequential": work.sequential,
    "concurrent": work.concurrent,
    "paging": work.paging,
    "small_uploads": work.small_uploads,
    "large_upload": work.large_upload,
    "embeddings": work.embeddings,
    "events": work.events,
    "waiting": work.waiting,
}


async def measure(client: str, name: str, origin: str, options: str) -> None:
    """Do the work and print the figures."""
    print(json.dumps(await WORK[name](load(client), origin, **json.loads(options))))


if __name__ == "__main__":
    asyncio.run(measure(*sys.argv[1:5]))

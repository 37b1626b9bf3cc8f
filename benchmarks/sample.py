"""Takes one sample: `python -m benchmarks.sample CLIENT WORK ORIGIN OPTIONS LOOP` prints the figures as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from typing import Any, Final

from benchmarks import work
from benchmarks.clients import load

WORK: Final[dict[str, work.MeasuredFunction]] = {
    "first": work.first,
    "sequential": work.sequential,
    "concurrent": work.concurrent,
    "start_many": work.start_many,
    "paging": work.paging,
    "small_uploads": work.small_uploads,
    "large_upload": work.large_upload,
    "embeddings": work.embeddings,
    "events": work.events,
    "waiting": work.waiting,
}


async def measure(client: str, name: str, origin: str, options: str) -> None:
    """Run a function of `work` and print its figures."""
    print(json.dumps(await WORK[name](load(client), origin, **json.loads(options))))


def run(client: str, name: str, origin: str, options: str, loop: str) -> None:
    """Run the measurement on an event loop of the module `loop`."""
    module: Any = import_module(loop)  # uvloop is not installed on Windows
    with asyncio.Runner(loop_factory=module.new_event_loop) as runner:
        runner.run(measure(client, name, origin, options))


if __name__ == "__main__":
    run(*sys.argv[1:6])

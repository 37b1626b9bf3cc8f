"""Running many calls concurrently, in one process or in several."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROOT: Final = Path(__file__).parents[2]


async def start_process(module: str, *arguments: str) -> Process:
    """Start a module that calls `wait_for_start`, and wait until it is ready; a line on its input starts it."""
    command = [sys.executable, "-m", module, *arguments]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def wait_for_start() -> None:
    """Print `ready`, and wait for a line on standard input."""
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def run_concurrently(call: Callable[[int], Awaitable[object]], calls: int, concurrency: int) -> int:
    """Call `call` with each number below `calls`, with up to `concurrency` calls at a time; count the failed calls."""
    numbers, failed = iter(range(calls)), 0

    async def worker() -> None:
        nonlocal failed
        for number in numbers:
            try:
                await call(number)
            except Exception:  # noqa: BLE001  # each client raises its own exceptions
                failed += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())
    return failed

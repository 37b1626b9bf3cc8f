"""Many calls, so many at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.limits.callers import Search


async def work(do: Search, calls: int, at_once: int) -> int:
    """Make all calls, so many at a time; how many failed."""
    turns, failed = iter(range(calls)), 0

    async def one_by_one() -> None:
        nonlocal failed
        for _ in turns:
            try:
                await do()
            except Exception:  # noqa: BLE001  # whatever a client raises when it gives up
                failed += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_by_one())
    return failed

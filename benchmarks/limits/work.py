"""Many calls, so many at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def work(do: Callable[[int], Awaitable[object]], calls: int, at_once: int) -> int:
    """Make all calls by their numbers, so many at a time; how many failed."""
    turns, failed = iter(range(calls)), 0

    async def one_by_one() -> None:
        nonlocal failed
        for number in turns:
            try:
                await do(number)
            except Exception:  # noqa: BLE001  # whatever a client raises when it gives up
                failed += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_by_one())
    return failed

"""Bulk creation: one object for each source."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from twelvelabs_async._arguments import checked_int
from twelvelabs_async._core.concurrency import run_all
from twelvelabs_async.errors import TwelveLabsError
from twelvelabs_async.models.tasks import BulkFailure, BulkResult

T = TypeVar("T")


async def create_each(calls: Sequence[tuple[Any, Callable[[], Awaitable[T]]]], concurrency: int) -> BulkResult[T]:
    """Create one object for each source. An error of one source does not stop the others.

    Args:
        calls: The sources, each with the call that creates its object.
        concurrency: Maximum number of concurrent calls.
    """
    slots = asyncio.Semaphore(checked_int("concurrency", concurrency))

    async def run(create: Callable[[], Awaitable[T]]) -> T | TwelveLabsError:
        async with slots:
            try:
                return await create()
            except TwelveLabsError as error:
                return error

    outcomes = await run_all(run(create) for _, create in calls)
    return BulkResult(
        results=tuple(outcome for outcome in outcomes if not isinstance(outcome, TwelveLabsError)),
        failures=tuple(
            BulkFailure(source=calls[position][0], position=position, error=outcome)
            for position, outcome in enumerate(outcomes)
            if isinstance(outcome, TwelveLabsError)
        ),
    )

"""Concurrent calls: run several of them, get the first exception of a group, clean up in spite of a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from twelvelabs_async.errors import TwelveLabsError

T = TypeVar("T")


def first_exception(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the exception that ended the task group."""
    first = group.exceptions[0]
    return first_exception(cast("BaseExceptionGroup[Any]", first)) if isinstance(first, BaseExceptionGroup) else first


async def run_all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run calls concurrently and return their results in order; the first exception cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failures:
        raise first_exception(failures) from None
    return [task.result() for task in tasks]


@asynccontextmanager
async def shielded_cleanup(cleanup: Callable[[], Awaitable[None]], failure_note: str) -> AsyncGenerator[None, None]:
    """Run `cleanup` at the end of the block, also after an exception or a cancellation.

    A second cancellation waits for the cleanup, too.
    If both the block and the cleanup fail, the exception of the block is raised, with a note about the cleanup.

    Args:
        cleanup: What to run; it should have a deadline of its own.
        failure_note: What was not done if the cleanup fails, for the note.
    """
    try:
        yield
    except BaseException as error:
        try:
            await _run_shielded(cleanup)
        except TwelveLabsError as failure:
            error.add_note(f"{failure_note}: {failure}")
        raise
    await _run_shielded(cleanup)


async def _run_shielded(cleanup: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(cleanup())
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})  # unlike awaiting it, this does not cancel it
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is not None:
        task.exception()  # retrieved, so that asyncio does not report it
        raise cancellation
    task.result()

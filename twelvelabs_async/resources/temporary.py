"""Cleaning up that happens, however a block of code ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from twelvelabs_async.errors import TwelveLabsError


@asynccontextmanager
async def finally_doing(work: Callable[[], Awaitable[None]], what: str) -> AsyncGenerator[None, None]:
    """Do `work` when the block ends, also after an error or a cancellation; a second cancellation waits for it, too.

    If both the block and the work fail, the error of the block is raised, with a note about the work.

    Args:
        work: What to do; should have a deadline of its own.
        what: What has not been done if it fails, for the note.
    """
    try:
        yield
    except BaseException as error:
        try:
            await _to_the_end(work)
        except TwelveLabsError as failure:
            error.add_note(f"{what}: {failure}")
        raise
    await _to_the_end(work)


async def _to_the_end(work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    interrupted: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})  # unlike awaiting it, this does not cancel it
        except asyncio.CancelledError as error:
            interrupted = error
    if interrupted is not None:
        task.exception()  # looked at: the cancellation goes first
        raise interrupted
    task.result()

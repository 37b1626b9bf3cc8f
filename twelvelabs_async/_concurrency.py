"""Concurrent work: groups of tasks, clean-up in spite of cancellation, and thread pools by kind of work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

from twelvelabs_async._system import call_in_forked_children
from twelvelabs_async.errors import ClientStateError, TwelveLabsError

NO_EVENT_LOOP: Final = "no running asyncio event loop; use the client in asyncio.run(...), not under trio"

P = ParamSpec("P")
T = TypeVar("T")


def require_event_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        ClientStateError: There is none, or it is not asyncio's.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ClientStateError(NO_EVENT_LOOP) from None


class ThreadPool:
    """A thread pool of the process, created on first use; a forked process creates its own."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._executor: ThreadPoolExecutor | None = None
        call_in_forked_children(self._forget)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Call `function` in a thread; must be called in an event loop.

        Raises:
            ClientStateError: There is no event loop, the interpreter is exiting, or the system has no more threads.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix=f"twelvelabs-{self._name}")
        loop = require_event_loop()
        try:
            return loop.run_in_executor(self._executor, partial(function, *args, **kwargs))
        except RuntimeError as error:
            raise ClientStateError(f"no thread can be started for the client: {error}") from None

    def _forget(self) -> None:
        self._executor = None  # threads do not survive a fork


DNS_THREADS: Final = ThreadPool("names", 8)
"""Threads that look up host names."""

FILE_THREADS: Final = ThreadPool("files", 16)
"""Threads that read and hash the blocks of uploads."""

SCAN_THREADS: Final = ThreadPool("scans", 8)
"""Threads that list directories, and inspect and hash whole files, before an upload."""

JSON_THREADS: Final = ThreadPool("json", 2)
"""Threads that decode large responses. They hold the interpreter lock, so more of them would not be faster."""


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
        failure = first_exception(failures)
    else:
        return [task.result() for task in tasks]
    raise failure  # outside of `except`, which would replace its cause or its context


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
    loop = require_event_loop()
    task = asyncio.ensure_future(cleanup(), loop=loop)
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

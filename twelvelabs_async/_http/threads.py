"""Thread pools by kind of work, so that name look-ups, file reads and large JSON do not wait for each other.

The default threads of the event loop are left to the application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from twelvelabs_async._system import call_in_forked_children
from twelvelabs_async.errors import ClientStateError

P = ParamSpec("P")
T = TypeVar("T")


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
            ClientStateError: The interpreter is exiting, or the system has no more threads.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix=f"twelvelabs-{self._name}")
        loop = asyncio.get_running_loop()
        try:
            return loop.run_in_executor(self._executor, partial(function, *args, **kwargs))
        except RuntimeError as error:
            raise ClientStateError(f"no thread can be started for the client: {error}") from None

    def _forget(self) -> None:
        self._executor = None  # threads do not survive a fork


NAMES: Final = ThreadPool("names", 8)
"""Looks up host names."""

FILES: Final = ThreadPool("files", 16)
"""Reads and hashes the blocks of uploads."""

SCANS: Final = ThreadPool("scans", 8)
"""Lists directories, and inspects and hashes whole files, before an upload."""

JSON: Final = ThreadPool("json", 2)
"""Decodes large responses; these threads hold the interpreter lock, so more of them would not be faster."""

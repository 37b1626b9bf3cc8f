"""Virtual time with real sockets: while the event loop is idle, its clock jumps to the next timer.

Client and server share one event loop in one process, so waiting a minute for a window takes no real time. The loop
waits for threads in real time, which does not count as virtual time.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, Final, TypeVar
from unittest.mock import patch

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

EPOCH: Final = 1_900_000_000.0
"""Wall-clock time at the start of a virtual run, in seconds since the epoch."""

GRACE: Final = 0.0002
"""Real seconds to wait for data on a socket before the clock jumps."""

STEP: Final = 1e-6
"""Virtual seconds of one loop iteration. Without it, a timeout smaller than the float resolution would never expire."""


class _VirtualTimeSelector(selectors.DefaultSelector):
    """Advances the virtual clock instead of waiting, unless a thread is running."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.busy_threads = 0
        """Number of running threads."""

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += STEP
        if timeout is not None and timeout <= 0:
            return super().select(0)
        ready = super().select(None if self.busy_threads or timeout is None else GRACE)
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time."""

    def __init__(self) -> None:
        self._virtual_selector = _VirtualTimeSelector()
        super().__init__(self._virtual_selector)

    @override
    def time(self) -> float:
        return self._virtual_selector.now

    @override
    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # simpler than typeshed's TypeVarTuple
        self._virtual_selector.busy_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._on_thread_done)
        return future

    def _on_thread_done(self, _: asyncio.Future[Any]) -> None:
        self._virtual_selector.busy_threads -= 1


class LoopClock:
    """The clock of the running loop, for the client, the emulator and their threads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def monotonic(self) -> float:
        """Return the seconds since the start of the loop."""
        return self._loop.time()

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return EPOCH + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in virtual time."""
        await asyncio.sleep(seconds)


def run_in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time; `time.time` returns virtual time, too."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        loop = runner.get_loop()
        with patch("time.time", lambda: EPOCH + loop.time()):
            return runner.run(main)

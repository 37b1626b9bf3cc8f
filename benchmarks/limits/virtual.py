"""Virtual time with real sockets: while nothing happens the clock jumps to the next thing that will.

Client and server share one event loop in one process, so what one sends the other can read at once, and a minute of
waiting for a window costs nothing. Work in threads is waited for in real time, and takes none of the virtual one.
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
"""What the wall shows when a virtual run begins, in seconds since the epoch."""

GRACE: Final = 0.0002
"""Real seconds that a socket gets to deliver before the clock jumps."""

STEP: Final = 1e-6
"""Virtual seconds that one turn of the loop takes; with none, a wait too short for a float would never end."""


class _Jumping(selectors.DefaultSelector):
    """Puts on the clock what it would have waited, unless somebody real has to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.busy = 0
        """Threads at work."""

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += STEP
        if timeout is not None and timeout <= 0:
            return super().select(0)
        ready = super().select(None if self.busy or timeout is None else GRACE)
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is arithmetic."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now

    @override
    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # typeshed's TypeVarTuple adds nothing here
        self._jumping.busy += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._rest)
        return future

    def _rest(self, _: asyncio.Future[Any]) -> None:
        self._jumping.busy -= 1


class LoopClock:
    """The time of the loop it is made in, also on the wall: for client, emulator and their threads alike."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def monotonic(self) -> float:
        """Seconds since the loop began."""
        return self._loop.time()

    def time(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """`asyncio.sleep`."""
        await asyncio.sleep(seconds)


def virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end; hours pass at once, also for code that reads the wall clock itself."""
    with asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        loop = runner.get_loop()
        with patch("time.time", lambda: EPOCH + loop.time()):
            return runner.run(main)

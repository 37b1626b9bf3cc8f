"""Virtual time: hours of waiting take seconds, in the same order on every run.

```python
async def main() -> None:
    clock = LoopClock()
    async with Emulator(plan="free", clock=clock) as emulator:
        async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client:
            ...

run(main())
```

In `run`, time stops while any task is running, and advances to the next timer when all tasks are waiting. Sockets are
real, and both of their ends may be in the loop: before time advances, the system gets half a millisecond to deliver
sent data. Functions in an executor take no time. The loop does not wait for other threads and processes, unless there
is no timer.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Final, TypeVar, TypeVarTuple

from typing_extensions import override

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

EPOCH: Final = 1_900_000_000.0
"""Initial time of a `LoopClock`, in seconds since the epoch."""
_GRACE: Final = 0.0005
"""Real seconds for the system to deliver sent data before time advances."""
_DEADLOCK_TIMEOUT: Final = 1.0
"""Real seconds after which waiting without any timer is a deadlock, and after which the loop continues without waiting
for a function in an executor."""
_MIN_STEP: Final = 1e-7
"""Minimum seconds by which time advances: a smaller step may be lost to rounding, and the wait would never end."""


class LoopClock:
    """A clock that follows the running event loop, for an emulator and its clients.

    Args:
        start: Time at the start of the loop, in seconds since the epoch (default: `EPOCH`).

    Example:
        from twelvelabs_async.emulator import virtual_time

        async def wait_a_day() -> float:
            clock = virtual_time.LoopClock()
            await clock.sleep(24 * 3600)
            return clock.time() - virtual_time.EPOCH

        print(virtual_time.run(wait_a_day()))  # 86400.0
    """

    def __init__(self, start: float = EPOCH) -> None:
        self._start = start

    def monotonic(self) -> float:
        """Return the time of the event loop, in seconds."""
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._start + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds."""
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, _T], *, seed: int = 7) -> _T:
    """Run a coroutine in an event loop with virtual time, and return its result.

    Args:
        main: The coroutine.
        seed: Seed of the `random` module during the run, so that random delays are the same on every run (default: 7).

    Raises:
        RuntimeError: Deadlock: all tasks are waiting, and none of them for time.

    Example:
        from twelvelabs_async.emulator import virtual_time

        async def wait_a_day() -> str:
            await asyncio.sleep(24 * 3600)
            return "done"

        print(virtual_time.run(wait_a_day()))  # done
    """
    random_state = random.getstate()
    random.seed(seed)
    try:
        with asyncio.Runner(loop_factory=_VirtualLoop, debug=False) as runner:
            return runner.run(main)
    finally:
        random.setstate(random_state)


class _VirtualSelector(selectors.DefaultSelector):
    """A selector that advances the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.jobs: list[threading.Event] = []
        """Functions in the executor; each event is set when the loop knows the result."""
        self._slow_jobs: list[threading.Event] = []

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._let_jobs_finish()
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._slow_jobs:
            return super().select()
        if len(self.get_map()) > 1:  # the pipe of the loop itself is always registered
            time.sleep(_GRACE)
            ready = super().select(0)
        if not ready and timeout is None:
            ready = super().select(_DEADLOCK_TIMEOUT)
            if not ready:
                raise RuntimeError("deadlock: all tasks are waiting, and none of them for time")
        if not ready:
            self.now += max(_MIN_STEP, timeout or 0)
        return ready

    def _let_jobs_finish(self) -> None:
        new_jobs, self.jobs = self.jobs, []
        slow_jobs = [job for job in new_jobs if not job.wait(_DEADLOCK_TIMEOUT)]
        self._slow_jobs = [job for job in (*self._slow_jobs, *slow_jobs) if not job.is_set()]


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that waits for each function in an executor, so that everything runs in the same order each time.

    A function that takes longer than a second, perhaps because it needs the loop, runs concurrently; until it ends,
    time does not advance.
    """

    def __init__(self) -> None:
        self._virtual_selector = _VirtualSelector()
        self._thread = ThreadPoolExecutor(1)
        super().__init__(self._virtual_selector)

    @override
    def time(self) -> float:
        return self._virtual_selector.now

    @override
    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        job = self._thread.submit(func, *args)  # one thread for all executors keeps the order
        future = asyncio.wrap_future(job, loop=self)
        done = threading.Event()
        # Runs after the callback of `wrap_future`, which passes the result to the loop.
        job.add_done_callback(lambda _: done.set())
        self._virtual_selector.jobs.append(done)
        return future

    @override
    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        super().close()

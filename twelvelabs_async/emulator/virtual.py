"""Virtual time: hours of waiting run in seconds, and the same hours the next time.

```python
async def main() -> None:
    clock = LoopClock()
    async with Emulator(plan="free", clock=clock) as emulator:
        async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock) as client:
            ...

run(main())
```

In `run`, time stands still while anything is being done, and jumps to the next timer when everybody waits. Sockets are
real, and both of their ends may be in the loop: before a jump the system gets a moment to deliver what was sent. What a
thread of an executor does takes no time at all. Other processes and other threads are not waited for, unless there is
nothing else to wait for.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar, TypeVarTuple

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH: Final = 1_900_000_000.0
"""What a clock shows when a loop begins, in seconds since the epoch: the same on every run."""
GRACE: Final = 0.0005
"""Real seconds that the system gets to deliver what was sent, before time jumps."""
PATIENCE: Final = 1.0
"""Real seconds until it is a deadlock that nobody waits for time, and for a job before the loop goes on without it."""
_STEP: Final = 1e-7
"""Seconds that time moves at least: a wait that is too short for a float would never end."""


class LoopClock:
    """Time as the running loop tells it, for the emulator and for a client of it.

    Args:
        start: What it shows when the loop begins, in seconds since the epoch.
    """

    def __init__(self, start: float = EPOCH) -> None:
        self._start = start

    def monotonic(self) -> float:
        """Return the loop's own time."""
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._start + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T], *, seed: int = 7) -> T:
    """Run a coroutine in a loop of its own whose time is virtual, and return what it returns.

    Args:
        main: What to run.
        seed: Start of the `random` module while it runs, for random waits to be the same on every run.

    Raises:
        RuntimeError: Everybody waits for somebody else.
    """
    before = random.getstate()
    random.seed(seed)
    try:
        with asyncio.Runner(loop_factory=_Loop, debug=False) as runner:
            return runner.run(main)
    finally:
        random.setstate(before)


class _Selector(selectors.DefaultSelector):
    """Never waits for time: what it would have waited is put on the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.jobs: list[threading.Event] = []
        """Set when a thread has done its job, and the loop knows."""
        self._late: list[threading.Event] = []

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._let_jobs_finish()
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._late:
            return super().select()
        if len(self.get_map()) > 1:  # the loop's own pipe is always there
            time.sleep(GRACE)
            ready = super().select(0)
        if not ready and timeout is None:
            ready = self._last_chance()
        if not ready:
            self.now += max(_STEP, timeout or 0)
        return ready

    def _let_jobs_finish(self) -> None:
        fresh, self.jobs = self.jobs, []
        late = [job for job in fresh if not job.wait(PATIENCE)]
        self._late = [job for job in (*self._late, *late) if not job.is_set()]

    def _last_chance(self) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(PATIENCE)
        if not ready:
            raise RuntimeError("everybody waits for somebody else: a deadlock")
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """Waits as a whole for what threads do, so that all follows in the same order on every run.

    A job that takes long, perhaps since it needs the loop itself, is left to run beside it; then only time waits.
    """

    def __init__(self) -> None:
        self._virtual = _Selector()
        self._thread = ThreadPoolExecutor(1)
        super().__init__(self._virtual)

    @override
    def time(self) -> float:
        return self._virtual.now

    @override
    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        job = (executor or self._thread).submit(func, *args)
        future = asyncio.wrap_future(job, loop=self)
        done = threading.Event()
        # After the callback that tells the loop, which `wrap_future` has added.
        job.add_done_callback(lambda _: done.set())
        self._virtual.jobs.append(done)
        return future

    @override
    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        super().close()

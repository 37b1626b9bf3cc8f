"""The emulator for programs without an event loop: in a thread, with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from twelvelabs_async.emulator.server import Emulator

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from twelvelabs_async.emulator.describing import Told, Transcript
    from twelvelabs_async.emulator.faults import Faults
    from twelvelabs_async.emulator.journal import Journal
    from twelvelabs_async.emulator.plans import Dimension, Plan, PlanName
    from twelvelabs_async.emulator.state import State
    from twelvelabs_async.emulator.webhooks import Webhooks

P = ParamSpec("P")
T = TypeVar("T")


def _with_arguments_of(
    model: Callable[Concatenate[Any, P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, P], None]]:
    return wraps(model)


class ThreadedEmulator:
    """An `Emulator` that can be used from any thread; it takes the same arguments.

    ```python
    with ThreadedEmulator(plan="free", seed=7) as emulator:
        client = TwelveLabs(api_key=emulator.api_key, base_url=emulator.base_url)
    ```

    It can be prepared before it is started, and looked at after it was stopped; started again, it goes on with the
    state it had. What changes it runs in its thread, between two requests; `faults` may be added to at any time.
    """

    @_with_arguments_of(Emulator.__init__)
    def __init__(self, **options: Any) -> None:
        self._emulator = Emulator(**options)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def api_key(self) -> str:
        """The one key that is accepted."""
        return self._emulator.api_key

    @property
    def base_url(self) -> str:
        """Where the API is, up to and with its version."""
        return self._emulator.base_url

    @property
    def storage_url(self) -> str:
        """The origin of presigned URLs."""
        return self._emulator.storage_url

    @property
    def page_url(self) -> str:
        """Where people can look inside with a browser."""
        return self._emulator.page_url

    @property
    def faults(self) -> Faults:
        """The failures that were asked for."""
        return self._emulator.faults

    @property
    def requests(self) -> Journal:
        """The latest requests."""
        return self._emulator.requests

    @property
    def webhooks(self) -> Webhooks:
        """Who is told when tasks end."""
        return self._emulator.webhooks

    @property
    def plan(self) -> Plan:
        """What every organisation may do; a new plan holds from the next request on."""
        return self._emulator.plan

    @plan.setter
    def plan(self, plan: Plan | PlanName) -> None:
        self.run(lambda emulator: setattr(emulator, "plan", plan))

    @property
    def limits(self) -> list[dict[str, Any]]:
        """Every window that has counted, as `Emulator.limits` tells it."""
        return self.run(lambda emulator: emulator.limits)

    @property
    def refusals(self) -> Counter[tuple[str, Dimension]]:
        """How many requests the limits refused, by category and dimension."""
        return self._emulator.refusals

    @property
    def state(self) -> State:
        """All objects, those of other organisations in `others`; look while no request is on its way, or by `run`."""
        return self._emulator.state

    def describe(self, file: str | Path, scenes: Iterable[Told] = (), *, transcript: Transcript | None = None) -> None:
        """Tell what is to be seen and heard in a file, as `Emulator.describe` does."""
        told = list(scenes)
        self.run(lambda emulator: emulator.describe(file, told, transcript=transcript))

    def reset(self) -> None:
        """Forget all objects, faults, requests and what was counted, as `Emulator.reset` does."""
        self.run(Emulator.reset)

    def advance(self, seconds: float) -> None:
        """Let time pass, as `Emulator.advance` does."""
        self.run(lambda emulator: emulator.advance(seconds))

    def run(self, act: Callable[[Emulator], T]) -> T:
        """Do something with the emulator between two requests, in its thread, and return what comes of it.

        Args:
            act: What to do. It must not wait for a request to this emulator, for none is answered meanwhile.
        """
        if self._loop is None or threading.current_thread() is self._thread:
            return act(self._emulator)

        async def there() -> T:
            return act(self._emulator)

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result()

    def start(self) -> None:
        """Listen, and return when requests can come.

        Raises:
            RuntimeError: It runs already.
            OSError: A port is taken.
        """
        if self._thread is not None:
            raise RuntimeError("the emulator has been started already")
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), name="twelvelabs-emulator", daemon=True
        )
        self._thread.start()
        try:
            started.result()
        except BaseException:
            self._join()
            raise

    async def _serve(self, started: Future[None]) -> None:
        self._stopping = asyncio.Event()
        try:
            await self._emulator.start()
        except BaseException as error:  # noqa: BLE001  # it is raised where somebody waits for it
            started.set_exception(error)
            return
        self._loop = asyncio.get_running_loop()
        started.set_result(None)
        try:
            await self._stopping.wait()
        finally:
            self._loop = None
            await self._emulator.stop()

    def stop(self) -> None:
        """Close all connections and wait until the thread has ended; doing so twice is no mistake."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            loop.call_soon_threadsafe(stopping.set)
        self._join()

    def _join(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

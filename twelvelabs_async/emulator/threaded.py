"""The emulator in a thread, for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from twelvelabs_async.emulator._media.descriptions import TimedText, Transcript
from twelvelabs_async.emulator._scripted_answers import Answer, Json
from twelvelabs_async.emulator._state.entities import DEFAULT_ORGANIZATION, State, Video
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.plans import Dimension, Plan, PlanName
from twelvelabs_async.emulator.request_log import RequestLog
from twelvelabs_async.emulator.server import Emulator
from twelvelabs_async.emulator.timing import Timing
from twelvelabs_async.emulator.webhooks import Webhooks

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _with_arguments_of(
    model: Callable[Concatenate[Any, _P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, _P], None]]:
    return wraps(model)


class ThreadedEmulator:
    """An `Emulator` in a thread of its own, usable from any thread; it takes the same arguments.

    ```python
    with ThreadedEmulator(plan="free", seed=7) as emulator:
        client = TwelveLabs(api_key=emulator.api_key, base_url=emulator.base_url)
    ```

    All members except the URLs also work before the start and after the stop; a restart continues with the same state.
    Methods that change the emulator run in its thread, between two requests. `faults` can be changed from any thread.
    """

    @_with_arguments_of(Emulator.__init__)
    def __init__(self, **options: Any) -> None:
        self._emulator = Emulator(**options)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def api_key(self) -> str:
        """API key of the default organization."""
        return self._emulator.api_key

    @property
    def base_url(self) -> str:
        """URL of the API, with its version."""
        return self._emulator.base_url

    @property
    def storage_url(self) -> str:
        """Origin of presigned URLs."""
        return self._emulator.storage_url

    @property
    def dashboard_url(self) -> str:
        """URL of the dashboard, a page for browsers."""
        return self._emulator.dashboard_url

    @property
    def faults(self) -> Faults:
        """The faults to inject."""
        return self._emulator.faults

    @property
    def requests(self) -> RequestLog:
        """The request log."""
        return self._emulator.requests

    @property
    def webhooks(self) -> Webhooks:
        """The webhook endpoints and deliveries."""
        return self._emulator.webhooks

    @property
    def plan(self) -> Plan:
        """Plan of every organization, see `Emulator.plan`."""
        return self._emulator.plan

    @plan.setter
    def plan(self, plan: Plan | PlanName) -> None:
        self.run(lambda emulator: setattr(emulator, "plan", plan))

    @property
    def timing(self) -> Timing:
        """Processing times, see `Emulator.timing`."""
        return self._emulator.timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        self.run(lambda emulator: setattr(emulator, "timing", timing))

    @property
    def limits(self) -> list[dict[str, Any]]:
        """The windows that have counted anything, see `Emulator.limits`."""
        return self.run(lambda emulator: emulator.limits)

    @property
    def rate_limited(self) -> Counter[tuple[str, Dimension]]:
        """Number of requests rejected by limits, by category and dimension."""
        return self._emulator.rate_limited

    @property
    def state(self) -> State:
        """All objects (other organizations: `other_organizations`). While requests are in flight, use `run`."""
        return self._emulator.state

    def describe(
        self, file: str | Path, scenes: Iterable[TimedText] = (), *, transcript: Transcript | None = None
    ) -> None:
        """Describe the content of a file, see `Emulator.describe`.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            with ThreadedEmulator() as emulator:
                emulator.describe("boat.mp4", [(0, 5, "a harbour"), (5, 12, "a red boat")])
        """
        scene_list = list(scenes)
        self.run(lambda emulator: emulator.describe(file, scene_list, transcript=transcript))

    def add_video(
        self,
        index: str,
        file: str | Path,
        scenes: Iterable[TimedText] = (),
        *,
        transcript: Transcript | None = None,
        duration: float | None = None,
        user_metadata: Mapping[str, Any] | None = None,
        organization: str = DEFAULT_ORGANIZATION,
    ) -> Video:
        """Add a video to an index, ready to be searched, see `Emulator.add_video`.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            with ThreadedEmulator() as emulator:
                video = emulator.add_video("films", "boat.mp4", [(0, 5, "a harbour"), (5, 12, "a red boat")])
                client = TwelveLabs(emulator.api_key, base_url=emulator.base_url)
                hits = client.search.query(index_id=video.index_id, search_options=["visual"], query_text="boat")
                print(hits.items[0].start)  # 5.0
                client.close()
        """
        return self.run(
            lambda emulator: emulator.add_video(
                index,
                file,
                scenes,
                transcript=transcript,
                duration=duration,
                user_metadata=user_metadata,
                organization=organization,
            )
        )

    def answer(self, operation: str, answer: Answer | Callable[[Json], Answer], *, prompt: str | None = None) -> None:
        """Set the answer to analyses or questions, see `Emulator.answer`.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            with ThreadedEmulator() as emulator:
                emulator.answer("POST /analyze", "A boat leaves the harbour.")
        """
        self.run(lambda emulator: emulator.answer(operation, answer, prompt=prompt))

    def reset(self) -> None:
        """Restore the initial state and settings, see `Emulator.reset`.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            with ThreadedEmulator() as emulator:
                emulator.reset()
        """
        self.run(Emulator.reset)

    def advance(self, seconds: float) -> None:
        """Advance the clock by this many seconds, see `Emulator.advance`.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            with ThreadedEmulator() as emulator:
                emulator.advance(24 * 3600)  # a day
        """
        self.run(lambda emulator: emulator.advance(seconds))

    def run(self, action: Callable[[Emulator], _T]) -> _T:
        """Call a function with the emulator, in its thread and between two requests, and return the result.

        Args:
            action: The function. The emulator answers no request while it runs.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            with ThreadedEmulator() as emulator:
                print(emulator.run(lambda inner: inner.in_flight))  # 0
        """
        if self._loop is None or threading.current_thread() is self._thread:
            return action(self._emulator)

        async def call() -> _T:
            return action(self._emulator)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def start(self) -> None:
        """Start the thread, and return when the emulator accepts connections.

        Raises:
            RuntimeError: The emulator is running.
            OSError: A port is in use.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            emulator = ThreadedEmulator()
            emulator.start()
            print(emulator.base_url)
            emulator.stop()
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
        except BaseException as error:  # noqa: BLE001  # `start` raises it
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
        """Close all connections, and wait for the end of the thread; does nothing if it is not running.

        Example:
            from twelvelabs_async.emulator import ThreadedEmulator

            emulator = ThreadedEmulator()
            emulator.start()
            try:
                print(emulator.base_url)
            finally:
                emulator.stop()
        """
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

    def __exit__(self, *_: object) -> None:
        self.stop()

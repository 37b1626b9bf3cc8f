"""The event loop of a synchronous client: its thread, its client, and the calls that wait for it."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, Final, Generic, TypeVar, cast

from twelvelabs_async._http.transport import running_loop
from twelvelabs_async._system import INTERRUPTIBLE_WAIT, call_in_forked_children, keep_forever
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import ClientStateError

T = TypeVar("T")

STOP_TIMEOUT: Final = 10.0
"""Seconds to wait for the end of the thread; it is a daemon, so that the process ends even if it does not."""

CLOSED: Final = "the client is closed; create a new one"


class LoopThread:
    """A daemon thread with an event loop, which ends with `stop`.

    Args:
        on_stop: Run in the loop at its end.
    """

    def __init__(self, on_stop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._on_stop = on_stop
        self._calls: set[_Call[Any]] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="twelvelabs-loop", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the interpreter is exiting, or the system has no more threads
            raise ClientStateError(f"no thread can be started for the client: {error}") from None
        self._started.wait()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._wait_for_stop())
        for call in tuple(self._calls):  # those that came too late to be started
            call.abort()

    async def _wait_for_stop(self) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._stop_requested = asyncio.Event()
        self._started.set()
        await self._stop_requested.wait()
        await self._on_stop()

    def request_stop(self) -> None:
        """Stop the loop soon. Never waits, and so may be called by the garbage collector in any thread."""
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._stop_requested.set)

    def stop(self) -> None:
        """Stop the loop, and wait for the end of the thread; calls in progress raise `ClientStateError`."""
        self.request_stop()
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_TIMEOUT)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, in the context of the caller, and return its result or raise its exception.

        An exception in this thread, such as `KeyboardInterrupt`, cancels the coroutine and waits for its end.
        """
        call = _Call(coroutine)
        self._calls.add(call)
        try:
            self._submit(call)
            call.wait()
        except BaseException:
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(call.cancel)
                call.wait()
            raise
        finally:
            self._calls.discard(call)
        return call.take_result()

    def _submit(self, call: _Call[Any]) -> None:
        try:
            self.loop.call_soon_threadsafe(call.start)
        except RuntimeError:  # the loop is closed
            call.abort()


class _Call(Generic[T]):
    """A coroutine, and the thread that waits for it. Keeps its exception and its task no longer than necessary."""

    __slots__ = ("_coroutine", "_done", "_error", "_task", "_value")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None
        self._error: BaseException | None = None
        self._value: T | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def start(self) -> None:
        """Start the coroutine; called in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._coroutine)
        self._task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Cancel it; called in the loop."""
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """End a call that was not started, because the loop is closed."""
        if self._done.locked():
            self._coroutine.close()
            self._error = ClientStateError(CLOSED)
            self._done.release()

    def _finish(self, task: asyncio.Task[T]) -> None:
        self._task = None  # it refers to the exception, whose traceback will refer to this call
        if task.cancelled():
            self._error = ClientStateError("the client was closed during the call")
        else:
            self._error = task.exception()
            self._value = None if self._error is not None else task.result()
        self._done.release()

    def wait(self) -> None:
        """Wait for the end; signals are handled meanwhile."""
        while not self._done.acquire(timeout=INTERRUPTIBLE_WAIT):
            pass

    def take_result(self) -> T:
        """Return the result, or raise the exception, which then refers to the caller's frames only."""
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._value)
        try:
            raise error
        finally:
            del error  # this frame is in its traceback


COROUTINE_FLAGS: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class LoopClient:
    """An asynchronous client and its event loop, which starts at the first call. A forked process gets both again."""

    def __init__(self, create: Callable[..., AsyncTwelveLabs]) -> None:
        self.client: AsyncTwelveLabs = create()
        # Not read from the environment again in a forked process.
        settings = self.client._settings  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # of the same package
        self._create = partial(create, api_key=settings.api_key.reveal(), base_url=settings.base_url)
        self._lock = threading.Lock()
        self._thread: LoopThread | None = None
        self._finalizer: weakref.finalize[[], LoopClient] | None = None
        self._closed = False
        _LOOP_CLIENTS.add(self)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for it."""
        try:
            loop = running_loop()
            if loop is not None:
                self._refuse_to_block(loop)
            thread = self._thread or self._start()
        except ClientStateError:
            coroutine.close()
            raise
        return thread.run(coroutine)

    def close(self) -> None:
        """Close the client, and stop its loop. A second call does nothing."""
        with self._lock:
            self._closed, thread, self._thread = True, self._thread, None
        if thread is not None:
            thread.stop()

    def forget_parent(self) -> None:
        """Start over in a forked process, where the thread of the loop does not exist."""
        self._lock = threading.Lock()
        if self._finalizer is not None:
            self._finalizer.detach()
        if self._thread is not None:
            keep_forever((self._thread, self.client))
            self._thread = None
            self.client = self._create()

    def _start(self) -> LoopThread:
        with self._lock:
            if self._closed:
                raise ClientStateError(CLOSED)
            if self._thread is None:
                self._thread = LoopThread(self.client.close)
                self._finalizer = weakref.finalize(self, self._thread.request_stop)
                self._finalizer.atexit = False
            return self._thread

    def _refuse_to_block(self, loop: object) -> None:
        """Raise `ClientStateError` in a coroutine or in the loop of this client; a cell of a notebook may block."""
        if self._thread is not None and loop is self._thread.loop:
            raise ClientStateError("a callback of TwelveLabs must not call it, because it runs in its event loop")
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # documented
        while frame is not None and frame.f_code.co_name != "<module>" and "<cell" not in frame.f_code.co_name:
            if frame.f_code.co_flags & COROUTINE_FLAGS:
                raise ClientStateError(
                    f"TwelveLabs was called in the coroutine {frame.f_code.co_name}, and would block its event loop; "
                    "use AsyncTwelveLabs and await, or call it by asyncio.to_thread"
                )
            frame = frame.f_back


_LOOP_CLIENTS: Final[weakref.WeakSet[LoopClient]] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for loop_client in tuple(_LOOP_CLIENTS):
        loop_client.close()


def _forget_parents() -> None:
    for loop_client in tuple(_LOOP_CLIENTS):
        loop_client.forget_parent()


call_in_forked_children(_forget_parents)

"""The synchronous client over the asynchronous one: its event loop in a thread, and the calls that wait for it.

Nothing here knows the methods of the API. A facade stands for a resource or an object, looks each attribute up when it
is used, and converts what the asynchronous method returns: a coroutine is run, a list is fetched, a stream is iterated.
The types are in `sync.pyi`, which docs/make_stubs.py generates.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import re
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from functools import lru_cache, partial, wraps
from types import FrameType, TracebackType
from typing import Any, Final, Generic, NoReturn, TypeVar, cast

import attrs
from typing_extensions import override

from twelvelabs_async._http.transport import running_loop
from twelvelabs_async._system import INTERRUPTIBLE_WAIT, call_in_forked_children, keep_forever
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import ClientStateError
from twelvelabs_async.pagination import Page, Paginator
from twelvelabs_async.raw_responses import RawResponse

T = TypeVar("T")

STOP_TIMEOUT: Final = 10.0
"""Seconds to wait for the end of the thread; it is a daemon, so that the process ends even if it does not."""

CLOSED: Final = "the client is closed; create a new one"


COROUTINE_FLAGS: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

_LOOP_CLIENTS: Final[weakref.WeakSet[LoopClient]] = weakref.WeakSet()

_END: Final = object()
"""The result of an iterator that has ended."""

_ASYNCHRONOUS: Final[dict[type, bool]] = {}


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

    __slots__ = ("_coroutine", "_error", "_is_done", "_released", "_task", "_value")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[T] | None = None
        self._error: BaseException | None = None
        self._value: T | None = None
        self._is_done = False
        self._released = threading.Lock()  # at the end of the call
        self._released.acquire()

    def start(self) -> None:
        """Start the coroutine; called in the loop."""
        self._task = asyncio.get_running_loop().create_task(self._coroutine)
        self._task.add_done_callback(self._finish)

    def cancel(self) -> None:
        """Cancel it, or end it if it was not started; called in the loop."""
        if self._task is not None:
            self._task.cancel()
        else:
            self.abort()

    def abort(self) -> None:
        """End a call that was not started, because the loop is closed or its thread was interrupted."""
        if not self._is_done:
            self._coroutine.close()
            self._end(ClientStateError(CLOSED))

    def _finish(self, task: asyncio.Task[T]) -> None:
        self._task = None  # it refers to the exception, whose traceback will refer to this call
        if task.cancelled():
            self._end(ClientStateError("the client was closed during the call"))
        else:
            error = task.exception()
            self._value = None if error is not None else task.result()
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._error, self._is_done = error, True
        self._released.release()

    def wait(self) -> None:
        """Wait for the end; signals are handled meanwhile. May be called again if one of them raised an exception."""
        while not self._is_done:
            self._released.acquire(timeout=INTERRUPTIBLE_WAIT)

    def take_result(self) -> T:
        """Return the result, or raise the exception, which then refers to the caller's frames only."""
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._value)
        try:
            raise error
        finally:
            del error  # this frame is in its traceback


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
        self.closed: bool = False
        """Whether `close` was called."""
        _LOOP_CLIENTS.add(self)

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
            self.closed, thread, self._thread = True, self._thread, None
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
            if self.closed:
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


@atexit.register
def _close_all() -> None:
    for loop_client in tuple(_LOOP_CLIENTS):
        loop_client.close()


def _forget_parents() -> None:
    for loop_client in tuple(_LOOP_CLIENTS):
        loop_client.forget_parent()


call_in_forked_children(_forget_parents)


class Facade:
    """Stands for a resource, whose methods it calls in the event loop.

    Args:
        loop_client: The client, and its loop.
        find: Returns the resource of a client, of which a forked process has another one.
    """

    __slots__ = ("__weakref__", "_find", "_loop_client")

    def __init__(self, loop_client: LoopClient, find: Callable[[AsyncTwelveLabs], Any]) -> None:
        self._loop_client = loop_client
        self._find = find

    @property
    def _target(self) -> Any:
        return self._find(self._loop_client.client)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        try:
            found = getattr(self._target, name)
        except AttributeError as error:
            raise AttributeError(synchronous_text(str(error)), name=name, obj=self) from None
        if _is_asynchronous(found):
            return Facade(self._loop_client, lambda client: getattr(self._find(client), name))
        return self._method(name, found) if callable(found) else found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call an object that is a function, such as `client.analyze`."""
        return self._convert(self._target(*args, **kwargs))

    @override
    def __repr__(self) -> str:
        if not hasattr(self, "_loop_client"):  # a traceback may show it before the end of `__init__`
            return f"<{type(self).__name__} without a client>"
        return f"<synchronous {type(self._target).__name__}>"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be copied or pickled; create one in the process that uses it")

    @override
    def __dir__(self) -> list[str]:
        return [name for name in dir(self._target) if not name.startswith("_")]

    def _method(self, name: str, asynchronous: Any) -> Callable[..., Any]:
        @wraps(asynchronous)
        def method(*args: Any, **kwargs: Any) -> Any:
            called = getattr(self._target, name)
            message = getattr(called, "__deprecated__", None)
            if message is not None:
                warnings.warn(message, DeprecationWarning, stacklevel=2)  # at the line of the caller
                called = partial(called.__wrapped__, called.__self__)
            return self._convert(self._call(called, args, kwargs))

        method.__doc__ = synchronous_text(asynchronous.__doc__)
        return method

    def _call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return function(*args, **kwargs)

    def _convert(self, result: Any) -> Any:
        """Return what a synchronous caller gets for what an asynchronous method has returned."""
        if inspect.iscoroutine(result):
            result = self._loop_client.run(result)
        if isinstance(result, RawResponse):
            return cast("Any", attrs.evolve)(result, data=self._convert(cast("Any", result).data))
        if not _is_asynchronous(result):
            return result
        return (SyncPager if hasattr(result, "__await__") else SyncStream)(self._loop_client, result)


class SyncStream(Facade):
    """A stream, an ingestion or another object that lives in the event loop: iterate over it, or use it in `with`."""

    __slots__ = ("_pid",)

    def __init__(self, loop_client: LoopClient, target: Any) -> None:
        super().__init__(loop_client, lambda _: target)
        self._pid = os.getpid()

    def _require_own_process(self) -> None:
        """Refuse what a forked process cannot do with a connection of its parent.

        Raises:
            ClientStateError: The object was created in the parent process.
        """
        if self._pid != os.getpid():
            raise ClientStateError("used after fork; call the method of the client again in this process")

    def __iter__(self) -> Iterator[Any]:
        iterator = aiter(self._target)
        return self if iterator is self._target else SyncStream(self._loop_client, iterator)

    def __next__(self) -> Any:
        self._require_own_process()
        item = self._loop_client.run(_next_item(self._target))
        if item is _END:
            raise StopIteration
        return self._convert(item)

    def __enter__(self) -> Any:
        self._require_own_process()
        entered = self._loop_client.run(self._target.__aenter__())
        return self if entered is self._target else self._convert(entered)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if self._pid != os.getpid():
            return None  # the connection belongs to the parent process, whose event loop would lose it
        return cast("bool | None", self._loop_client.run(self._target.__aexit__(kind, error, traceback)))

    @override
    def _call(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self._pid != os.getpid() and getattr(function, "__name__", "") in {"close", "aclose"}:
            return None  # as in `__exit__`
        self._require_own_process()
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            return function(*args, **kwargs)
        return self._loop_client.run(_call_in_loop(function, args, kwargs))  # it may change what the loop uses


class SyncPager(SyncStream):
    """A list of the API. Its first page is fetched when it is created; iterate over it for all items.

    `items`, `total` and the other attributes of a page are those of the first page.
    """

    __slots__ = ("_page",)

    def __init__(self, loop_client: LoopClient, paginator: Any) -> None:
        super().__init__(loop_client, paginator)
        self._page = loop_client.run(_await(paginator))
        paginator.keep(self._page)  # for the first iteration

    @override
    def __repr__(self) -> str:
        return f"<SyncPager of {self._target.operation}: iterate over it, or use items>"

    def _repr_html_(self) -> str:
        """Return a table of the first page, for notebooks."""
        page: Any = getattr(self._page, "data", self._page)  # of a raw response
        return cast("str", page._repr_html_())

    @override
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or hasattr(Paginator, name):
            return super().__getattr__(name)
        return getattr(self._page, name)

    @override
    def __iter__(self) -> Iterator[Any]:
        if not hasattr(self._target, "item_batches"):
            raise TypeError("a list with raw responses is iterated by page: for response in pager.pages()")
        return self._items()

    def _items(self) -> Iterator[Any]:
        for batch in SyncStream(self._loop_client, self._target.item_batches()):
            yield from batch

    def iter_pages(self) -> Iterator[Page[Any]]:
        """The same as `pages`, by the name in the official SDK."""
        return cast("Iterator[Page[Any]]", self.pages())


async def _await(awaitable: Any) -> Any:
    return await awaitable


async def _next_item(iterator: Any) -> Any:
    if getattr(iterator, "ag_running", False):
        raise ClientStateError("another thread waits for the next item; iterate in one thread, and pass the items on")
    return await anext(iterator, _END)


async def _call_in_loop(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _is_asynchronous(target: object) -> bool:
    """Return whether an object has something to await or to iterate over asynchronously."""
    kind = type(target)
    known = _ASYNCHRONOUS.get(kind)
    if known is None:
        known = _ASYNCHRONOUS[kind] = hasattr(kind, "__aiter__") or any(
            name == "__aenter__" or inspect.iscoroutinefunction(getattr(kind, name, None)) for name in dir(kind)
        )
    return known


@lru_cache(maxsize=512)
def synchronous_text(text: str | None) -> str | None:
    """Return a docstring, or code, without `async` and `await`."""
    return text and re.sub(r"\bawait |\basync (?=with|for|def)|\bAsync(?=TwelveLabs)", "", text)

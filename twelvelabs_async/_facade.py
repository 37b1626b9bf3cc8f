"""The synchronous client over the asynchronous one: each call runs in the event loop of a thread.

Nothing here knows the methods of the API. A facade stands for a resource or an object, looks each attribute up when it
is used, and converts what the asynchronous method returns: a coroutine is run, a list is fetched, a stream is iterated.
The types are in `sync.pyi`, which docs/make_stubs.py generates.
"""

from __future__ import annotations

import inspect
import os
import re
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache, partial, wraps
from types import TracebackType
from typing import Any, Final, NoReturn, cast

import attrs
from typing_extensions import override

from twelvelabs_async._event_loop import LoopClient
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import ClientStateError
from twelvelabs_async.pagination import Page, Paginator
from twelvelabs_async.raw_responses import RawResponse

_END: Final = object()
"""The result of an iterator that has ended."""


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
        if not _is_complete(self):
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


def _is_complete(facade: Facade) -> bool:
    """Return whether `__init__` has ended; a traceback may show an object for which it has not."""
    return hasattr(facade, "_loop_client")


async def _await(awaitable: Any) -> Any:
    return await awaitable


async def _next_item(iterator: Any) -> Any:
    if getattr(iterator, "ag_running", False):
        raise ClientStateError("another thread waits for the next item; iterate in one thread, and pass the items on")
    return await anext(iterator, _END)


async def _call_in_loop(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


_ASYNCHRONOUS: Final[dict[type, bool]] = {}


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

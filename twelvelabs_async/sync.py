"""The client without `await`: the same methods, for scripts, notebooks and web frameworks without asyncio."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

from twelvelabs_async._options import masked
from twelvelabs_async._sync_client import Facade, LoopClient, SyncPager, SyncStream, synchronous_text
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.rate_limits import CategoryLimits

__all__ = ["SyncPager", "SyncStream", "TwelveLabs"]

SyncPager.__module__ = SyncStream.__module__ = __name__  # the public module


class TwelveLabs(Facade):  # noqa: D101  # has that of AsyncTwelveLabs
    __slots__ = ("_owns_loop",)
    __doc__ = synchronous_text(AsyncTwelveLabs.__doc__)

    def __init__(self, api_key: str | None = None, **options: Any) -> None:
        # A traceback may show the variables of this frame; URLs among the options may contain passwords.
        api_key, options = masked(api_key), {name: masked(value) for name, value in options.items()}
        if options.pop("session", None) is not None:
            raise InvalidInputError("session= needs an event loop; pass proxy=, ssl= or trace_configs= to TwelveLabs")
        super().__init__(LoopClient(partial(AsyncTwelveLabs, api_key=api_key, **options)), lambda client: client)
        self._owns_loop = True

    def with_options(self, **options: Any) -> Self:
        """Return a client with other options that shares the connections, rate limits and retry budget of this one.

        The options are those of `AsyncTwelveLabs.with_options`.

        Example:
            with TwelveLabs() as client:
                indexes = client.with_options(timeout=5, max_retries=0).indexes.list()
                print(indexes.total)
        """

        @lru_cache(maxsize=1)  # once in each process
        def find(client: AsyncTwelveLabs) -> AsyncTwelveLabs:
            view: AsyncTwelveLabs = self._find(client).with_options(**options)
            return view

        find(self._loop_client.client)  # raises for an invalid option
        view = object.__new__(type(self))
        Facade.__init__(view, self._loop_client, find)
        for name, value in getattr(self, "__dict__", {}).items():  # a subclass may have its own
            setattr(view, name, value)
        view._owns_loop = False
        return view

    def close(self) -> None:
        """Close the connections, and end the thread. Does nothing on a client returned by `with_options`.

        Example:
            client = TwelveLabs()
            try:
                print(client.indexes.list().total)
            finally:
                client.close()
        """
        if self._owns_loop:
            self._loop_client.close()

    aclose = close

    @property
    def closed(self) -> bool:
        """Whether the client, or the one that `with_options` was called on, is closed."""
        return self._loop_client.closed

    @property
    def limits(self) -> Mapping[str, CategoryLimits]:
        """Current rate limits by category, such as `search`, for each category that was used. Sends no request."""
        return self._loop_client.run(_limits(self._find(self._loop_client.client)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @override
    def __repr__(self) -> str:
        loop_client: LoopClient | None = getattr(self, "_loop_client", None)  # a traceback may show half of a client
        return "TwelveLabs()" if loop_client is None else f"TwelveLabs(base_url={loop_client.client.base_url!r})"


async def _limits(client: AsyncTwelveLabs) -> Mapping[str, CategoryLimits]:
    return client.limits  # in the loop, which changes them


def _signature() -> inspect.Signature:
    signature = inspect.signature(AsyncTwelveLabs, eval_str=True)
    return signature.replace(parameters=[one for one in signature.parameters.values() if one.name != "session"])


TwelveLabs.__signature__ = _signature()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

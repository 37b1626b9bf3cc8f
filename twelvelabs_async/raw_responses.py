"""Raw responses: the result of a call together with its status, headers, attempts and times.

`client.with_raw_response` has the methods of the client, which return these.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, Generic, TypeVar

import attrs
from typing_extensions import override

from twelvelabs_async.models.common import Convertible
from twelvelabs_async.pagination import Page, Paginator
from twelvelabs_async.streaming import EventStream

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_S = TypeVar("_S", bound=EventStream[Any])


@attrs.frozen(kw_only=True)
class RawResponse(Convertible, Generic[_T_co]):
    """The result of a call, and the response and the history of its request.

    A method that sends several requests has those of the last one.
    """

    data: _T_co = attrs.field(hash=False)
    """What the method returns without `with_raw_response`."""
    status_code: int
    """HTTP status."""
    headers: Mapping[str, str] = attrs.field(repr=False, hash=False)
    """Headers of the response; names are case-insensitive."""
    request_id: str | None
    """Id of the request, for the support of Twelve Labs; None if the response has none."""
    attempts: int
    """Number of attempts that were sent."""
    elapsed: float
    """Seconds from the start of the request to the end of the response, including queues and delays. For a stream, to
    the start of its body."""
    queue_time: float
    """Seconds of `elapsed` spent in the queue of the rate limiter."""


class RawPaginator(Generic[_T]):
    """A list with raw responses: await it for the first page, or iterate over `pages()`.

    Example:
        async for response in client.with_raw_response.assets.list().pages():
            print(response.request_id, len(response.data.items))
    """

    def __init__(self, paginator: Paginator[_T], respond: Callable[[Page[_T]], RawResponse[Page[_T]]]) -> None:
        self._paginator = paginator
        self._respond = respond

    @override
    def __repr__(self) -> str:
        return f"<RawPaginator of {self.operation}: await it, or use async for over its pages()>"

    @property
    def operation(self) -> str:
        """The operation, such as `GET /assets`."""
        return self._paginator.operation

    def __await__(self) -> Generator[Any, Any, RawResponse[Page[_T]]]:
        return self._fetch().__await__()

    async def _fetch(self) -> RawResponse[Page[_T]]:
        return self._respond(await self._paginator)

    def keep(self, first: RawResponse[Page[_T]]) -> None:
        """Start the next iteration with a first page that was already fetched.

        Example:
            assets = client.with_raw_response.assets.list()
            first = await assets
            assets.keep(first)
            async for response in assets.pages():  # does not request the first page again
                print(response.request_id, len(response.data.items))
        """
        self._paginator.keep(first.data)

    async def pages(self) -> AsyncIterator[RawResponse[Page[_T]]]:
        """Iterate over the pages, each with the response of its request.

        Example:
            async for response in client.with_raw_response.assets.list().pages():
                print(response.request_id, response.elapsed, len(response.data.items))
        """
        async with aclosing(self._paginator.pages()) as pages:
            async for page in pages:
                yield self._respond(page)


class RawStream(Generic[_S]):
    """A stream with its raw response.

    Example:
        video = VideoAsset(asset_id=asset.id)
        async with client.with_raw_response.analyze_stream(video=video, prompt="What happens?") as response:
            async for event in response.data:
                print(response.request_id, event)
    """

    def __init__(self, stream: _S, respond: Callable[[_S], RawResponse[_S]]) -> None:
        self._stream = stream
        self._respond = respond

    async def __aenter__(self) -> RawResponse[_S]:
        await self._stream.__aenter__()
        return self._respond(self._stream)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stream.__aexit__(kind, error, traceback)

"""Pages of a list that are asked for before they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from twelvelabs_async.request import Request

RawRequest = Request[dict[str, Any]]


class Follows(Protocol):
    """A page that may know of pages after the next one."""

    @property
    def beyond(self) -> Callable[[int], RawRequest | None]:
        """Gives the request for the page so many pages on, as far as it is known by now that there is one."""
        ...


P = TypeVar("P", bound=Follows)


class Ahead(Generic[P]):
    """Keeps up to `pages` pages on their way beyond the last one that was taken."""

    def __init__(self, fetch: Callable[[RawRequest], Coroutine[Any, Any, P]], pages: int) -> None:
        self._fetch = fetch
        self._pages = pages
        self._tasks: dict[str, asyncio.Task[P]] = {}

    async def get(self, request: RawRequest) -> P:
        """A page, at best one that has come already."""
        task = self._tasks.pop(place_of(request), None)
        page = await (self._fetch(request) if task is None else task)
        for step in range(1, self._pages + 1):
            following = page.beyond(step)
            if following is not None and place_of(following) not in self._tasks:
                self._tasks[place_of(following)] = asyncio.create_task(self._fetch(following))
        return page

    async def aclose(self) -> None:
        """Give up what nobody waits for any more."""
        tasks, self._tasks = self._tasks.values(), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def place_of(request: RawRequest) -> str:
    """What tells the requests for two pages of a list apart."""
    return f"{request.ids} {request.query} {request.json}"

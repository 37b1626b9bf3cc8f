"""Lists of the API: `await` one for its first page, or iterate over it for every item.

Each page carries the request for the next page, so `Paginator` does not depend on page numbers or tokens; the
readers in `_page_readers` do. A list ends where the API says it ends, without an extra request. A page that
cannot be read raises an error: a list must never end early without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs
from typing_extensions import override

from twelvelabs_async._arguments import DEFAULT_PAGE_LIMIT, checked_int, omit_none
from twelvelabs_async._core.executor import Executor
from twelvelabs_async.errors import APIError, BadRequestError, MalformedResponseError, NotFoundError
from twelvelabs_async.models._interop import serialization
from twelvelabs_async.models.common import Convertible
from twelvelabs_async.requests import Request
from twelvelabs_async.tables import Tabular

_T = TypeVar("_T")


_RawRequest = Request[dict[str, Any]]

_ErrorMapper = Callable[[APIError, int], APIError | None]
"""Replaces the error of a later page; gets the error and the number of items before it. None keeps the error."""

_RequestPreparer = Callable[[_RawRequest], AbstractAsyncContextManager[_RawRequest]]
"""Opens what a request needs, such as files, while it is sent."""


@attrs.frozen(kw_only=True)
class Page(Convertible, Tabular, Generic[_T]):
    """One page of a list; iterate over it for its items, or read it as a table. It can be pickled."""

    items: tuple[_T, ...]
    """Items of the page, in the order of the API."""
    number: int | None = None
    """Page number, starting at 1; None for lists with page tokens."""
    total_pages: int | None = None
    """Number of pages, if the API reports it."""
    total: int | None = None
    """Number of items on all pages, if the API reports it."""
    limit: int | None = None
    """Maximum number of items on a page; None for lists with page tokens."""
    next_request: _RawRequest | None = attrs.field(default=None, repr=False, hash=False)
    """Request for the next page; None on the last page."""
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False, hash=False)
    """Other fields of the response, such as `search_pool`, as plain JSON types."""
    item_type: type[Any] | None = attrs.field(default=None, repr=False, eq=False)
    """Type of the items, from which the columns of a table follow."""

    @override
    def _models(self) -> tuple[Sequence[Any], type[Any] | None]:
        return self.items, self.item_type

    def __iter__(self) -> Iterator[_T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> _T:
        return self.items[index]

    @override
    def to_dict(self) -> dict[str, Any]:
        """Return the items and the numbers of the page as JSON types. None is left out.

        Example:
            page = await client.indexes.list()
            print(page.to_dict()["total"], page.to_dict()["items"])
        """
        numbers = omit_none(number=self.number, total_pages=self.total_pages, total=self.total, limit=self.limit)
        return {"items": serialization().to_dict(list(self.items)), **numbers}

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.next_request is not None

    def request_ahead(self, pages: int) -> _RawRequest | None:
        """Return the request for the page that is `pages` after this one; None if it is not known to exist.

        Raises:
            InvalidInputError: `pages` is not a whole number above 0.

        Example:
            page = await client.assets.list()
            print(page.request_ahead(1))  # None
        """
        checked_int("pages", pages)
        if self.next_request is None or self.number is None or self.number + pages > (self.total_pages or 0):
            return None
        return attrs.evolve(self.next_request, query={**self.next_request.query, "page": self.number + pages})

    def _repr_html_(self) -> str:
        """Return a table with a row for each item, for notebooks."""
        from twelvelabs_async._html import items_table  # noqa: PLC0415  # notebooks only

        of_total = "" if self.total is None else f" of {self.total}"
        return items_table(self.items, f"{len(self.items)}{of_total} items")


_PageReader = Callable[[_RawRequest, dict[str, Any]], Page[_T]]
"""Builds a page from its request and the JSON body of the response."""


class Paginator(Generic[_T]):
    """A list that is fetched when it is awaited or iterated. Each use starts again at the first page.

    Items may be deleted during an iteration: when the total shrinks, it goes back as many items and skips known ones.

    Example:
        page = await client.assets.list()  # the first page
        print(page.total, len(page.items))
        async for asset in client.assets.list():  # all assets
            print(asset.filename)
    """

    def __init__(
        self,
        executor: Executor,
        first_request: _RawRequest,
        read_page: _PageReader[_T],
        *,
        map_error: _ErrorMapper | None = None,
        prepare: _RequestPreparer = nullcontext,
    ) -> None:
        self._executor = executor
        self._first_request = first_request
        self._read_page = read_page
        self._map_error = map_error
        self._prepare = prepare
        self._prefetch_pages = 0
        self._kept_page: Page[_T] | None = None

    @property
    def operation(self) -> str:
        """The operation, such as `GET /assets`."""
        return self._first_request.operation

    def keep(self, page: Page[_T]) -> None:
        """Start the next iteration with a first page that was already fetched.

        Example:
            assets = client.assets.list()
            first = await assets
            assets.keep(first)
            async for asset in assets:  # does not request the first page again
                print(asset.filename)
        """
        self._kept_page = page

    @override
    def __repr__(self) -> str:
        # asyncio.create_task() accepts coroutines only, and shows this in its error.
        use = "await it, or iterate over it with async for; asyncio.ensure_future() makes a task of it"
        return f"<Paginator of {self._first_request.operation}: {use}>"

    def prefetch(self, pages: int) -> Paginator[_T]:
        """Return a copy of the list that requests up to `pages` pages ahead during iteration.

        This hides the latency of later pages. Pages are requested in vain if the iteration stops early. Lists with
        page tokens cannot be prefetched and are read one page at a time.

        Raises:
            InvalidInputError: `pages` is negative.

        Example:
            async for found in client.indexes.indexed_assets.list(index.id).prefetch(4):
                print(found.id)
        """
        checked_int("pages", pages, 0)
        copy = Paginator(
            self._executor, self._first_request, self._read_page, map_error=self._map_error, prepare=self._prepare
        )
        copy._prefetch_pages, copy._kept_page = pages, self._kept_page
        return copy

    def __await__(self) -> Generator[Any, Any, Page[_T]]:
        return self._fetch(self._first_request).__await__()

    if not TYPE_CHECKING:  # type checkers report a list that is not awaited themselves

        def __iter__(self) -> Any:
            """Raise an error that names the statement to use."""
            raise TypeError(
                "a list is fetched while it is iterated; use `async for`, or TwelveLabs, the client without `await`"
            )

        def __getattr__(self, name: str) -> Any:
            """Raise an error that says how to get a page."""
            hint = ""
            if name in {field.name for field in attrs.fields(Page)}:
                hint = f"; await the list for its first page: (await ...).{name}. TwelveLabs needs no await"
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    async def __aiter__(self) -> AsyncGenerator[_T, None]:
        async with aclosing(self.item_batches()) as batches:
            async for batch in batches:
                for item in batch:
                    yield item

    async def item_batches(self) -> AsyncGenerator[Sequence[_T], None]:
        """Iterate over the items of each page, without those that were on an earlier page.

        Example:
            async for batch in client.assets.list().item_batches():
                print(len(batch))
        """
        seen_ids: set[str] = set()
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                ids = {id for item in page if (id := _item_id(item)) is not None}
                # An item added to the front of the list moves the last items of a page to the next page.
                repeated = ids & seen_ids
                yield [item for item in page if _item_id(item) not in repeated] if repeated else page.items
                if page.number is None:
                    seen_ids = ids
                else:
                    seen_ids |= ids

    async def pages(self) -> AsyncGenerator[Page[_T], None]:
        """Iterate over whole pages, for totals and progress.

        When the total has shrunk, items have moved to earlier pages, and the iteration continues there; such pages
        contain known items, too.

        Raises:
            MalformedResponseError: The server sent the same page twice.

        Example:
            async for page in client.assets.list().pages():
                print(page.number, page.total_pages, len(page.items))
        """
        request: _RawRequest | None = self._first_request
        seen_requests = {_request_key(self._first_request)}
        previous: Page[_T] | None = None
        total: int | None = None
        item_count = 0
        async with aclosing(_Prefetcher(self._fetch, self._prefetch_pages)) as prefetcher:
            while request is not None:
                try:
                    page = await self._fetch_next(prefetcher, request, total)
                except APIError as error:
                    mapped = self._map_error(error, item_count) if self._map_error and previous else None
                    if mapped is None:
                        raise
                    raise mapped from error
                removed = _removed_items(total, page)
                if removed > 0:
                    request = self._request_after_removal(request, page, removed)
                    await prefetcher.aclose()
                    previous, seen_requests = None, {_request_key(request)}
                total = page.total
                if removed > 0 and _page_number(request) != page.number:
                    continue
                # A list with a known number of pages ends, whatever its pages hold.
                repeated = previous is not None and page.total_pages is None and page.items == previous.items
                next_key = "" if page.next_request is None else _request_key(page.next_request)
                if (repeated and page.items) or next_key in seen_requests:
                    raise MalformedResponseError(
                        message="the server sent the same page twice", operation=request.operation
                    )
                seen_requests.add(next_key)
                yield page
                request, previous, item_count = page.next_request, page, item_count + len(page)

    async def _fetch_next(self, prefetcher: _Prefetcher[_T], request: _RawRequest, total: int | None) -> Page[_T]:
        """Return a page; if it does not exist any more because the list has shrunk, return the first page."""
        try:
            return await prefetcher.get(request)
        except (BadRequestError, NotFoundError, MalformedResponseError):
            if total is None or _page_number(request) <= _page_number(self._first_request):
                raise
            first = await self._fetch(self._first_request)
            if first.total is None or first.total >= total:
                raise
            return first

    def _request_after_removal(self, request: _RawRequest, page: Page[_T], removed: int) -> _RawRequest:
        """Return the request for the page where the next items are after `removed` items before them were deleted."""
        limit = page.limit or DEFAULT_PAGE_LIMIT
        offset = (_page_number(request) - 1) * limit - removed
        number = max(_page_number(self._first_request), offset // limit + 1)
        return attrs.evolve(request, query={**request.query, "page": number})

    async def to_list(self, limit: int | None = None) -> list[_T]:
        """Return the first `limit` items, or all items; requests only the pages this needs.

        Raises:
            InvalidInputError: `limit` is negative.

        Example:
            newest = await client.assets.list().to_list(10)
            print(len(newest))
        """
        if limit is not None:
            checked_int("limit", limit, 0)
        result: list[_T] = []
        if limit == 0:
            return result
        async with aclosing(aiter(self)) as items:
            async for item in items:
                result.append(item)
                if len(result) == limit:
                    break
        return result

    async def _fetch(self, request: _RawRequest) -> Page[_T]:
        if self._kept_page is not None and request is self._first_request:
            page, self._kept_page = self._kept_page, None
            return page
        async with self._prepare(request) as prepared:
            body = await self._executor.execute(prepared)
        try:
            return self._read_page(request, body)
        except MalformedResponseError as error:
            error.operation = request.operation
            raise


class _Prefetcher(Generic[_T]):
    """Fetches pages, and requests up to `pages` pages after the last one that was taken."""

    def __init__(self, fetch: Callable[[_RawRequest], Coroutine[Any, Any, Page[_T]]], pages: int) -> None:
        self._fetch = fetch
        self._pages = pages
        self._tasks: dict[str, asyncio.Task[Page[_T]]] = {}

    async def get(self, request: _RawRequest) -> Page[_T]:
        """Return a page, prefetched if possible."""
        task = self._tasks.pop(_request_key(request), None)
        page = await (self._fetch(request) if task is None else task)
        for step in range(1, self._pages + 1):
            following = page.request_ahead(step)
            if following is not None and _request_key(following) not in self._tasks:
                self._tasks[_request_key(following)] = asyncio.create_task(self._fetch(following))
        return page

    async def aclose(self) -> None:
        """Cancel the requests for pages that were not taken."""
        tasks, self._tasks = self._tasks.values(), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _removed_items(total: int | None, page: Page[Any]) -> int:
    """Return by how much the total of a list with numbered pages has shrunk, or 0."""
    return 0 if total is None or page.total is None or page.limit is None else max(0, total - page.total)


def _request_key(request: _RawRequest) -> str:
    return f"{request.path_params} {request.query} {request.json}"


def _page_number(request: _RawRequest) -> int:
    return cast("int", request.query.get("page") or 1)


def _item_id(item: object) -> str | None:
    id = getattr(item, "id", None) or getattr(item, "upload_id", None)
    return id if isinstance(id, str) else None

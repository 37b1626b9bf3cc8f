"""One way to walk every list: await it for a page, iterate it for everything.

The next *request* is a value on each page, so the paginator knows nothing of page numbers or tokens; two small readers
at the end of this file do. It ends where the API says so, without one request more, and treats whatever it cannot read
as an error: a list that ends early and says nothing is worse than one that fails.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Generic, TypeVar, cast

import attrs

from twelvelabs_async.ahead import Ahead, RawRequest, place_of
from twelvelabs_async.api import Caller
from twelvelabs_async.codec import structure
from twelvelabs_async.errors import (
    APIError,
    BadRequestError,
    GoneError,
    InvalidInputError,
    MalformedResponseError,
    SearchExpiredError,
)
from twelvelabs_async.models.common import Model, PageInfo
from twelvelabs_async.request import given

T = TypeVar("T")

DEFAULT_LIMIT = 10
"""Items a page has when nobody says how many."""

Reader = Callable[[RawRequest, dict[str, Any]], "Page[T]"]

Explain = Callable[[APIError, int], APIError | None]
"""Makes a better error, if it knows one, out of what a later page ended with and the number of items before it."""


def _unknown(_: int) -> None:
    return None


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """Some items of a list, and how to go on."""

    items: tuple[T, ...]
    """What is on this page, in the API's order."""
    number: int | None = None
    """Number of the page from 1; None for lists that go by token."""
    total_pages: int | None = None
    """Number of pages, if the API tells."""
    total: int | None = None
    """Items on all pages, if the API tells."""
    next: RawRequest | None = attrs.field(default=None, repr=False)
    """The request for the next page; None on the last one."""
    beyond: Callable[[int], RawRequest | None] = attrs.field(default=_unknown, repr=False, eq=False)
    """Gives the request for the page so many pages on, as far as it is known by now that there is one."""
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """What the answer held beside the items, such as `search_pool`, as plain JSON types."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> T:
        return self.items[at]


@attrs.frozen(kw_only=True)
class TokenInfo(Model):
    """Where a page of a list stands that goes by token."""

    next_page_token: str | None = None
    """Names the next page; None on the last one."""
    total_results: int | None = None
    """Items on all pages, if the API tells."""


class Paginator(Generic[T]):
    """A list that has not been asked for yet. Each use starts anew, at the first page.

    Example:
        page = await client.assets.list()             # one page
        async for asset in client.assets.list(): ...  # everything
    """

    def __init__(self, caller: Caller, first: RawRequest, read: Reader[T], *, explain: Explain | None = None) -> None:
        self._caller = caller
        self._first = first
        self._read = read
        self._explain = explain
        self._ahead = 0

    def prefetch(self, pages: int) -> Paginator[T]:
        """The same list, with up to `pages` pages on their way while one is worked on.

        It saves the time of travelling, and asks for pages in vain if the walk ends early. Lists that go by token
        cannot be read ahead and are walked as ever.

        Raises:
            InvalidInputError: `pages` is below 0.

        Example:
            async for video in client.indexes.videos.list(index_id).prefetch(4): ...
        """
        if pages < 0:
            raise InvalidInputError(f"cannot fetch {pages} pages ahead")
        copy = Paginator(self._caller, self._first, self._read, explain=self._explain)
        copy._ahead = pages
        return copy

    def __await__(self) -> Generator[Any, Any, Page[T]]:
        return self._fetch(self._first).__await__()

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        before: set[str] = set()
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                ids = {known for item in page if (known := _id(item)) is not None}
                # Something new at the front of a list pushes the last items of a page to the next one.
                again = ids & before
                for item in page:
                    if not again or _id(item) not in again:
                        yield item
                before = ids

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Whole pages, for totals and progress.

        Raises:
            MalformedResponseError: The server leads in a circle.
        """
        request: RawRequest | None = self._first
        walked = {place_of(self._first)}
        last: Page[T] | None = None
        came = 0
        async with aclosing(Ahead(self._fetch, self._ahead)) as ahead:
            while request is not None:
                try:
                    page = await ahead.get(request)
                except APIError as error:
                    better = self._explain(error, came) if self._explain and last else None
                    if better is None:
                        raise
                    raise better from error
                # A list that tells how many pages it has comes to an end, whatever is on them.
                repeated = last is not None and page.total_pages is None and page.items and page.items == last.items
                place = "" if page.next is None else place_of(page.next)
                if repeated or place in walked:
                    raise MalformedResponseError(
                        message="the server sent the same page again", operation=request.operation
                    )
                walked.add(place)
                yield page
                request, last, came = page.next, page, came + len(page)

    async def collect(self, at_most: int | None = None) -> list[T]:
        """The first `at_most` items, or all of them, asking for no page more than that takes.

        Raises:
            InvalidInputError: `at_most` is below 0.
        """
        if at_most is not None and at_most < 0:
            raise InvalidInputError(f"cannot collect {at_most} items")
        found: list[T] = []
        if at_most == 0:
            return found
        async with aclosing(aiter(self)) as items:
            async for item in items:
                found.append(item)
                if len(found) == at_most:
                    break
        return found

    async def _fetch(self, request: RawRequest) -> Page[T]:
        body = await self._caller.call(request)
        try:
            return self._read(request, body)
        except MalformedResponseError as error:
            error.operation = request.operation
            raise


def _id(item: object) -> str | None:
    found = getattr(item, "id", None)
    return found if isinstance(found, str) else None


def numbered(item: type[T], key: str = "data") -> Reader[T]:
    """Reads pages that go by `page` and `page_limit`; the items are under `key`."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        items = _items(request, body, key, item)
        info = structure(body.get("page_info") or {}, PageInfo, path="$.page_info")
        asked = cast("int", request.query.get("page") or 1)
        if asked > 1 and info.page is not None and info.page != asked:
            message = f"asked for page {asked}, the server sent page {info.page}"
            raise MalformedResponseError(message=message, operation=request.operation, path="$.page_info.page")
        if not items and info.total_page is not None and asked < info.total_page:
            message = f"page {asked} of {info.total_page} is empty"
            raise MalformedResponseError(message=message, operation=request.operation, path=f"$.{key}")
        full = info.limit_per_page or cast("int", request.query.get("page_limit") or DEFAULT_LIMIT)
        more = len(items) >= full if info.total_page is None else asked < info.total_page

        def page(number: int) -> RawRequest:
            return attrs.evolve(request, query={**request.query, "page": number})

        def beyond(pages: int) -> RawRequest | None:
            return page(asked + pages) if asked + pages <= (info.total_page or 0) else None

        return Page(
            items=items,
            number=asked,
            total_pages=info.total_page,
            total=info.total_results,
            next=page(asked + 1) if more and items else None,
            beyond=beyond,
            extra={name: value for name, value in body.items() if name != key},
        )

    return read


def by_token(item: type[T], follow: Callable[[str], RawRequest]) -> Reader[T]:
    """Reads pages that name their successor by `page_info.next_page_token`; `follow` makes the request for it."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        info = structure(body.get("page_info") or {}, TokenInfo, path="$.page_info")
        token = info.next_page_token
        return Page(
            items=_items(request, body, "data", item),
            total=info.total_results,
            next=follow(token) if token else None,
            extra={name: value for name, value in body.items() if name != "data"},
        )

    return read


def by_body_token(item: type[T]) -> Reader[T]:
    """Reads pages whose `next_page_token` goes into the body of the next request, beside all the rest of it."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        token = structure(given(next_page_token=body.get("next_page_token")), TokenInfo).next_page_token
        return Page(
            items=_items(request, body, "data", item),
            next=attrs.evolve(request, json={**request.json, "page_token": token}) if token else None,
            extra={name: value for name, value in body.items() if name != "data"},
        )

    return read


def expired(error: APIError, hits: int) -> APIError | None:
    """What became of a search whose next page is refused: the token came from the server, so it was good once."""
    if not isinstance(error, BadRequestError | GoneError):
        return None
    told = {field.name: getattr(error, field.name) for field in attrs.fields(APIError)}
    told["message"] = f"the pages of the search have expired after {hits} hits, search again: {error.message}"
    return SearchExpiredError(**told, hits=hits)


def _items(request: RawRequest, body: dict[str, Any], key: str, item: type[T]) -> tuple[T, ...]:
    if key not in body:
        message = f"a page without {key!r}"
        raise MalformedResponseError(message=message, operation=request.operation, path=f"$.{key}")
    return structure(body[key] or [], tuple[item, ...], path=f"$.{key}")  # type: ignore[valid-type]  # a type held in a variable


def first_page(query: Mapping[str, Any], page: int | None, page_limit: int | None) -> dict[str, Any]:
    """A list's query with its page parameters.

    Raises:
        InvalidInputError: A page below 1, or a page size outside 1 to 50.
    """
    if page is not None and page < 1:
        raise InvalidInputError(f"page starts at 1, not {page}")
    if page_limit is not None and not 1 <= page_limit <= 50:
        raise InvalidInputError(f"page_limit is 1 to 50, not {page_limit}")
    return {**query, **given(page=page, page_limit=page_limit)}

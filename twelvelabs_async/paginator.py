"""One way to walk every list: await it for a page, iterate it for everything.

The next *request* is a value on each page, so the paginator knows nothing of page numbers or tokens; two small readers
at the end of this file do. It ends where the API says so, without one request more, and treats whatever it cannot read
as an error: a list that ends early and says nothing is worse than one that fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast

import attrs

from twelvelabs_async.api import Caller
from twelvelabs_async.codec import structure
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError
from twelvelabs_async.models.common import PageInfo
from twelvelabs_async.request import Request, given

T = TypeVar("T")

DEFAULT_LIMIT = 10
"""Items a page has when nobody says how many."""

RawRequest = Request[dict[str, Any]]
Reader = Callable[[RawRequest, dict[str, Any]], "Page[T]"]


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
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """What the answer held beside the items, such as `search_pool`, as plain JSON types."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> T:
        return self.items[at]


class Paginator(Generic[T]):
    """A list that has not been asked for yet. Each use starts anew, at the first page.

    Example:
        page = await client.assets.list()             # one page
        async for asset in client.assets.list(): ...  # everything
    """

    def __init__(self, caller: Caller, first: RawRequest, read: Reader[T]) -> None:
        self._caller = caller
        self._first = first
        self._read = read

    def __await__(self) -> Generator[Any, Any, Page[T]]:
        return self._fetch(self._first).__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        before: frozenset[str] = frozenset()
        async for page in self.pages():
            for item in page:
                if _id(item) not in before:
                    yield item
            # Something new at the front of a list pushes the last items of a page to the next one.
            before = frozenset(filter(None, map(_id, page)))

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Whole pages, for totals and progress.

        Raises:
            MalformedResponseError: The server leads in a circle.
        """
        request: RawRequest | None = self._first
        walked: set[str] = set()
        last: Page[T] | None = None
        while request is not None:
            walked.add(request.path())
            page = await self._fetch(request)
            repeated = last is not None and page.number is None and page.items and page.items == last.items
            if repeated or (page.next is not None and page.next.path() in walked):
                raise MalformedResponseError(message="the server sent the same page again", operation=request.operation)
            yield page
            request, last = page.next, page

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
        async for item in self:
            found.append(item)
            if len(found) == at_most:
                break
        return found

    async def _fetch(self, request: RawRequest) -> Page[T]:
        return self._read(request, await self._caller.call(request))


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
        full = info.limit_per_page or cast("int", request.query.get("page_limit") or DEFAULT_LIMIT)
        more = len(items) >= full if info.total_page is None else asked < info.total_page
        return Page(
            items=items,
            number=asked,
            total_pages=info.total_page,
            total=info.total_results,
            next=attrs.evolve(request, query={**request.query, "page": asked + 1}) if more and items else None,
            extra={name: value for name, value in body.items() if name != key},
        )

    return read


def by_token(item: type[T], follow: Callable[[str], RawRequest]) -> Reader[T]:
    """Reads pages that name their successor by `page_info.next_page_token`; `follow` makes the request for it."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        info = body.get("page_info") or {}
        token = info.get("next_page_token")
        return Page(
            items=_items(request, body, "data", item),
            total=info.get("total_results"),
            next=follow(token) if token else None,
            extra={name: value for name, value in body.items() if name != "data"},
        )

    return read


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

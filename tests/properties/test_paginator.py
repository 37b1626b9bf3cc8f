"""Pagination yields every item once and in order, with one request per page."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from twelvelabs_async._page_readers import page_number_reader, page_token_reader
from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import APIError, BadRequestError, InvalidInputError, MalformedResponseError
from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Request


@attrs.frozen(kw_only=True)
class Item(Model):
    """A model with an id."""

    id: str = attrs.field(metadata=WIRE_ID)


class FakeListApi:
    """A fake executor that returns the given pages."""

    def __init__(self, pages: list[list[str]], *, report_total: bool) -> None:
        self._pages = pages
        self._report_total = report_total
        self.request_count = 0

    @property
    def clock(self) -> Clock:
        return SystemClock()

    async def execute(self, request: Request[Any]) -> Any:
        self.request_count += 1
        await asyncio.sleep(0)
        token = request.path_params.get("page_token")
        number = int(token) if token is not None else int(request.query.get("page", 1))
        data = [{"_id": item} for item in self._pages[number - 1]]
        info: dict[str, Any] = {"total_results": sum(map(len, self._pages))}
        if request.path_template == "/list":
            info |= {"page": number, "limit_per_page": 5}
            if self._report_total:
                info["total_page"] = len(self._pages)
        elif number < len(self._pages):
            info["next_page_token"] = str(number + 1)
        return {"data": data, "page_info": info}


def list_request(template: str) -> Request[dict[str, Any]]:
    return Request(method="GET", path_template=template, response_type=dict, retry_class="safe")


def search_request(token: str) -> Request[dict[str, Any]]:
    return Request(
        method="GET",
        path_template="/search/{page-token}",
        response_type=dict,
        retry_class="safe",
        path_params={"page_token": token},
    )


@st.composite
def page_lists(draw: st.DrawFn, min_size: int = 0) -> list[list[str]]:
    sizes = draw(st.lists(st.integers(max(min_size, 1), 5), max_size=8))
    sizes.append(draw(st.integers(min_size, 5)))
    names = iter(range(sum(sizes)))
    return [[f"item{next(names)}" for _ in range(size)] for size in sizes]


async def collect_ids(pages: Paginator[Item]) -> list[str]:
    return [item.id async for item in pages]


@given(page_lists(), st.integers(0, 10))
def test_prefetching_returns_the_same_items_without_additional_requests(
    pages: list[list[str]], page_count: int
) -> None:
    api = FakeListApi(pages, report_total=True)
    ids = asyncio.run(collect_ids(Paginator(api, list_request("/list"), page_number_reader(Item)).prefetch(page_count)))
    assert ids == [item for page in pages for item in page]
    assert api.request_count == len(pages)


async def test_prefetching_requests_at_most_the_given_number_of_pages() -> None:
    api = FakeListApi([["a"], ["b"], ["c"], ["d"], ["e"], ["f"]], report_total=True)
    async with aclosing(Paginator(api, list_request("/list"), page_number_reader(Item)).prefetch(3).pages()) as pages:
        await anext(pages)
        await asyncio.sleep(0)
        assert api.request_count == 4


async def test_an_iteration_that_stops_early_leaves_no_pending_request() -> None:
    """The fixture `fail_on_leaks` fails tests with pending tasks."""
    api = FakeListApi([["a"], ["b"], ["c"], ["d"]], report_total=True)
    assert await Paginator(api, list_request("/list"), page_number_reader(Item)).prefetch(2).to_list(1)
    assert len(asyncio.all_tasks()) == 1


async def test_a_prefetched_page_that_fails_raises_when_it_is_reached() -> None:
    class Failing(FakeListApi):
        @override
        async def execute(self, request: Request[Any]) -> Any:
            if request.query.get("page") == 3:
                raise APIError(message="no")
            return await super().execute(request)

    api = Failing([["a"], ["b"], ["c"], ["d"]], report_total=True)
    items = aiter(Paginator(api, list_request("/list"), page_number_reader(Item)).prefetch(3))
    assert [(await anext(items)).id, (await anext(items)).id] == ["a", "b"]
    with pytest.raises(APIError, match="no"):
        await anext(items)


async def test_prefetching_does_not_change_lists_with_page_tokens() -> None:
    api = FakeListApi([["a"], ["b"]], report_total=False)
    pages = Paginator(
        api,
        Request(
            method="GET",
            path_template="/search/{page-token}",
            response_type=dict,
            retry_class="safe",
            path_params={"page_token": "1"},
        ),
        page_token_reader(Item, search_request),
    )
    assert await collect_ids(pages.prefetch(4)) == ["a", "b"]


def test_a_negative_prefetch_count_is_rejected() -> None:
    with pytest.raises(InvalidInputError):
        Paginator(FakeListApi([], report_total=True), list_request("/list"), page_number_reader(Item)).prefetch(-1)


@given(page_lists())
def test_numbered_pages_with_a_known_total_are_requested_once_each(pages: list[list[str]]) -> None:
    api = FakeListApi(pages, report_total=True)
    ids = asyncio.run(collect_ids(Paginator(api, list_request("/list"), page_number_reader(Item))))
    assert ids == [item for page in pages for item in page]
    assert api.request_count == len(pages)


@given(st.integers(0, 40))
def test_numbered_pages_of_unknown_number_end_with_a_short_page(total: int) -> None:
    names = [f"item{number}" for number in range(total)]
    pages = [names[start : start + 5] for start in range(0, total + 1, 5)]
    api = FakeListApi(pages, report_total=False)
    ids = asyncio.run(collect_ids(Paginator(api, list_request("/list"), page_number_reader(Item))))
    assert ids == names
    assert api.request_count == len(pages)


@given(page_lists())
def test_pages_with_next_page_tokens_are_requested_once_each(pages: list[list[str]]) -> None:
    api = FakeListApi(pages, report_total=True)
    ids = asyncio.run(collect_ids(Paginator(api, list_request("/search"), page_token_reader(Item, search_request))))
    assert ids == [item for page in pages for item in page]
    assert api.request_count == len(pages)


@given(page_lists(min_size=1), st.integers(0, 50))
def test_to_list_requests_no_more_pages_than_necessary(pages: list[list[str]], limit: int) -> None:
    api = FakeListApi(pages, report_total=True)
    collected = asyncio.run(Paginator(api, list_request("/list"), page_number_reader(Item)).to_list(limit))
    items = [item for page in pages for item in page]
    assert [item.id for item in collected] == items[:limit]
    pages_needed, item_count = 0, 0
    while item_count < min(limit, len(items)):
        item_count += len(pages[pages_needed])
        pages_needed += 1
    assert api.request_count == pages_needed


@given(st.integers(6, 30), st.integers(1, 4))
def test_items_added_at_the_front_during_iteration_cause_no_duplicates(total: int, added: int) -> None:
    names = [f"item{number}" for number in range(total)]
    shifted = [f"new{number}" for number in range(added)] + names
    pages = [names[:5]] + [shifted[start : start + 5] for start in range(5, len(shifted), 5)]
    api = FakeListApi(pages, report_total=True)
    ids = asyncio.run(collect_ids(Paginator(api, list_request("/list"), page_number_reader(Item))))
    assert ids == names


async def test_p19_an_empty_page_before_the_last_one_raises_malformed_response_error() -> None:
    api = FakeListApi([["a"], [], ["b"]], report_total=True)
    with pytest.raises(MalformedResponseError, match="page 2 of 3 is empty"):
        await Paginator(api, list_request("/list"), page_number_reader(Item)).to_list()
    assert api.request_count == 3  # the third request confirms that the total has not decreased


class ShrinkingList:
    """A paginated list whose items can be deleted; pages after the last one are empty or an error."""

    def __init__(self, total: int, behavior_after_end: str) -> None:
        self.items = [f"item{number}" for number in range(total)]
        self._behavior_after_end = behavior_after_end

    @property
    def clock(self) -> Clock:
        return SystemClock()

    async def execute(self, request: Request[Any]) -> Any:
        await asyncio.sleep(0)
        number, limit = int(request.query.get("page", 1)), 3
        pages = max(1, -(-len(self.items) // limit))
        if number > pages and self._behavior_after_end == "error":
            raise BadRequestError(status_code=400)
        if number > pages and self._behavior_after_end == "last page":
            number = pages
        data = [{"_id": item} for item in self.items[(number - 1) * limit : number * limit]]
        info = {"page": number, "limit_per_page": limit, "total_page": pages, "total_results": len(self.items)}
        return {"data": data, "page_info": info}


@given(
    st.integers(0, 20),
    st.integers(0, 3),
    st.sampled_from(["empty", "error", "last page"]),
    st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_items_deleted_during_iteration_cause_no_missing_items(
    total: int, page_count: int, behavior_after_end: str, deleted: list[bool]
) -> None:
    async def iterate_and_delete() -> list[str]:
        server = ShrinkingList(total, behavior_after_end)
        ids: list[str] = []
        async for item in Paginator(server, list_request("/list"), page_number_reader(Item)).prefetch(page_count):
            ids.append(item.id)
            if deleted[len(ids) - 1]:
                server.items.remove(item.id)
        return ids

    assert asyncio.run(iterate_and_delete()) == [f"item{number}" for number in range(total)]


@given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 8))
def test_items_deleted_by_others_during_iteration_cause_no_missing_items(total: int, interval: int, count: int) -> None:
    async def iterate_while_others_delete() -> tuple[list[str], list[str]]:
        server = ShrinkingList(total, "empty")
        ids: list[str] = []
        async for item in Paginator(server, list_request("/list"), page_number_reader(Item)):
            ids.append(item.id)
            if len(ids) % interval == 0:
                del server.items[:count]
        return ids, server.items

    ids, remaining = asyncio.run(iterate_while_others_delete())
    assert len(set(ids)) == len(ids)
    assert set(remaining) <= set(ids)


async def test_a_failed_page_request_raises_its_error() -> None:
    class Failing(ShrinkingList):
        @override
        async def execute(self, request: Request[Any]) -> Any:
            if request.query.get("page") == 2:
                raise BadRequestError(message="no")
            return await super().execute(request)

    with pytest.raises(BadRequestError, match="no"):
        await Paginator(Failing(9, "empty"), list_request("/list"), page_number_reader(Item)).to_list()

"""Every item once, in order, with as many requests as there are pages, whatever the pages look like."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from twelvelabs_async.clock import Clock, SystemClock
from twelvelabs_async.errors import APIError, InvalidInputError, MalformedResponseError
from twelvelabs_async.models.common import WIRE_ID, Model
from twelvelabs_async.paginator import Paginator, by_token, numbered
from twelvelabs_async.request import Request


@attrs.frozen(kw_only=True)
class Item(Model):
    """Anything with an id."""

    id: str = attrs.field(metadata=WIRE_ID)


class Lister:
    """Answers requests for pages out of a list of pages."""

    def __init__(self, pages: list[list[str]], *, tell: bool) -> None:
        self._pages = pages
        self._tell = tell
        self.asked = 0

    @property
    def clock(self) -> Clock:
        return SystemClock()

    async def call(self, request: Request[Any]) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        token = request.ids.get("page_token")
        number = int(token) if token is not None else int(request.query.get("page", 1))
        data = [{"_id": item} for item in self._pages[number - 1]]
        info: dict[str, Any] = {"total_results": sum(map(len, self._pages))}
        if request.template == "/list":
            info |= {"page": number, "limit_per_page": 5}
            if self._tell:
                info["total_page"] = len(self._pages)
        elif number < len(self._pages):
            info["next_page_token"] = str(number + 1)
        return {"data": data, "page_info": info}


def first(template: str) -> Request[dict[str, Any]]:
    return Request(method="GET", template=template, into=dict, retry="safe")


def follow(token: str) -> Request[dict[str, Any]]:
    return Request(method="GET", template="/search/{page-token}", into=dict, retry="safe", ids={"page_token": token})


@st.composite
def page_lists(draw: st.DrawFn, least: int = 0) -> list[list[str]]:
    sizes = draw(st.lists(st.integers(max(least, 1), 5), max_size=8))
    sizes.append(draw(st.integers(least, 5)))
    names = iter(range(sum(sizes)))
    return [[f"item{next(names)}" for _ in range(size)] for size in sizes]


async def walk(pages: Paginator[Item]) -> list[str]:
    return [item.id async for item in pages]


@given(page_lists(), st.integers(0, 10))
def test_reading_ahead_gives_the_same_items_with_no_request_more(pages: list[list[str]], ahead: int) -> None:
    lister = Lister(pages, tell=True)
    found = asyncio.run(walk(Paginator(lister, first("/list"), numbered(Item)).prefetch(ahead)))
    assert found == [item for page in pages for item in page]
    assert lister.asked == len(pages)


async def test_reading_ahead_has_as_many_pages_on_their_way_as_it_was_told() -> None:
    lister = Lister([["a"], ["b"], ["c"], ["d"], ["e"], ["f"]], tell=True)
    async with aclosing(Paginator(lister, first("/list"), numbered(Item)).prefetch(3).pages()) as pages:
        await anext(pages)
        await asyncio.sleep(0)
        assert lister.asked == 4


async def test_a_walk_that_ends_early_leaves_nothing_on_its_way() -> None:
    """A task that is left fails every test."""
    lister = Lister([["a"], ["b"], ["c"], ["d"]], tell=True)
    assert await Paginator(lister, first("/list"), numbered(Item)).prefetch(2).collect(1)
    assert len(asyncio.all_tasks()) == 1


async def test_a_page_that_fails_ahead_is_told_in_its_turn() -> None:
    class Failing(Lister):
        @override
        async def call(self, request: Request[Any]) -> Any:
            if request.query.get("page") == 3:
                raise APIError(message="no")
            return await super().call(request)

    lister = Failing([["a"], ["b"], ["c"], ["d"]], tell=True)
    items = aiter(Paginator(lister, first("/list"), numbered(Item)).prefetch(3))
    assert [(await anext(items)).id, (await anext(items)).id] == ["a", "b"]
    with pytest.raises(APIError, match="no"):
        await anext(items)


async def test_pages_that_go_by_token_are_walked_as_ever() -> None:
    lister = Lister([["a"], ["b"]], tell=False)
    pages = Paginator(
        lister,
        Request(method="GET", template="/search/{page-token}", into=dict, retry="safe", ids={"page_token": "1"}),
        by_token(Item, follow),
    )
    assert await walk(pages.prefetch(4)) == ["a", "b"]


def test_fewer_pages_than_none_cannot_be_read_ahead() -> None:
    with pytest.raises(InvalidInputError):
        Paginator(Lister([], tell=True), first("/list"), numbered(Item)).prefetch(-1)


@given(page_lists())
def test_numbered_pages_that_tell_how_many_they_are(pages: list[list[str]]) -> None:
    lister = Lister(pages, tell=True)
    found = asyncio.run(walk(Paginator(lister, first("/list"), numbered(Item))))
    assert found == [item for page in pages for item in page]
    assert lister.asked == len(pages)


@given(st.integers(0, 40))
def test_numbered_pages_that_do_not_tell_end_with_one_that_is_not_full(total: int) -> None:
    names = [f"item{number}" for number in range(total)]
    pages = [names[start : start + 5] for start in range(0, total + 1, 5)]
    lister = Lister(pages, tell=False)
    found = asyncio.run(walk(Paginator(lister, first("/list"), numbered(Item))))
    assert found == names
    assert lister.asked == len(pages)


@given(page_lists())
def test_pages_that_name_their_successor(pages: list[list[str]]) -> None:
    lister = Lister(pages, tell=True)
    found = asyncio.run(walk(Paginator(lister, first("/search"), by_token(Item, follow))))
    assert found == [item for page in pages for item in page]
    assert lister.asked == len(pages)


@given(page_lists(least=1), st.integers(0, 50))
def test_collect_asks_for_no_page_more_than_it_takes(pages: list[list[str]], at_most: int) -> None:
    lister = Lister(pages, tell=True)
    found = asyncio.run(Paginator(lister, first("/list"), numbered(Item)).collect(at_most))
    items = [item for page in pages for item in page]
    assert [item.id for item in found] == items[:at_most]
    needed, seen = 0, 0
    while seen < min(at_most, len(items)):
        seen += len(pages[needed])
        needed += 1
    assert lister.asked == needed


@given(st.integers(6, 30), st.integers(1, 4))
def test_what_is_added_at_the_front_while_walking_shows_nothing_twice(total: int, added: int) -> None:
    names = [f"item{number}" for number in range(total)]
    shifted = [f"new{number}" for number in range(added)] + names
    pages = [names[:5]] + [shifted[start : start + 5] for start in range(5, len(shifted), 5)]
    lister = Lister(pages, tell=True)
    found = asyncio.run(walk(Paginator(lister, first("/list"), numbered(Item))))
    assert found == names


async def test_p19_an_empty_page_before_the_last_one_is_an_error_and_no_silent_end() -> None:
    lister = Lister([["a"], [], ["b"]], tell=True)
    with pytest.raises(MalformedResponseError, match="page 2 of 3 is empty"):
        await Paginator(lister, first("/list"), numbered(Item)).collect()
    assert lister.asked == 2

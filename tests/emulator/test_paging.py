"""Somebody walks through a long list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]


@pytest.fixture
async def names(make_index: Make) -> list[str]:
    found = [f"index {number}" for number in range(12)]
    for name in found:
        await make_index(name)
    return found


async def test_ten_come_unless_asked_otherwise(call: Call, names: list[str]) -> None:
    _, page = await call("GET", "/indexes")
    assert [entry["index_name"] for entry in page["data"]] == names[:1:-1]
    assert page["page_info"] == {"page": 1, "limit_per_page": 10, "total_page": 2, "total_results": 12}


async def test_pages_make_up_the_whole_list(call: Call, names: list[str]) -> None:
    pages: list[list[str]] = []
    for number in range(1, 5):
        _, page = await call("GET", "/indexes", params={"page": number, "page_limit": 5, "sort_option": "asc"})
        pages.append([entry["index_name"] for entry in page["data"]])
    assert pages == [names[:5], names[5:10], names[10:], []]


async def test_an_empty_list_has_no_pages(call: Call) -> None:
    _, page = await call("GET", "/assets")
    assert page["page_info"] == {"page": 1, "limit_per_page": 10, "total_page": 0, "total_results": 0}


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "page_limit=0", "page_limit=51", "page_limit=1.5"])
@pytest.mark.parametrize("path", ["/indexes", "/assets", "/tasks", "/assets/multipart-uploads"])
async def test_numbers_out_of_bounds_are_refused(call: Call, path: str, query: str) -> None:
    status, refused = await call("GET", f"{path}?{query}")
    assert (status, refused["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("query", ["sort_by=name", "sort_option=up", "created_at=yesterday"])
async def test_orders_and_dates_are_read_with_care(call: Call, make_index: Make, query: str) -> None:
    await make_index()
    assert (await call("GET", f"/indexes?{query}"))[0] == 400


@pytest.mark.parametrize(
    "path",
    [
        "tasks?width=0.5",
        "tasks?duration=nan",
        "tasks?created_at=now",
        "analyze/tasks?video_url=a",
        "embed/tasks?ended_at=x",
    ],
)
async def test_a_wrong_filter_is_refused_also_where_there_is_nothing_to_filter(call: Call, path: str) -> None:
    assert (await call("GET", path))[0] == 400

"""Pages, order and filters of lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]


@pytest.fixture
async def names(make_index: CreateResource) -> list[str]:
    created = [f"index {number}" for number in range(12)]
    for name in created:
        await make_index(name)
    return created


async def test_a_page_has_ten_items_by_default(call: SendRequest, names: list[str]) -> None:
    _, page = await call("GET", "/indexes")
    assert [entry["index_name"] for entry in page["data"]] == names[:1:-1]
    assert page["page_info"] == {"page": 1, "limit_per_page": 10, "total_page": 2, "total_results": 12}


async def test_all_pages_together_are_the_whole_list(call: SendRequest, names: list[str]) -> None:
    pages: list[list[str]] = []
    for number in range(1, 5):
        _, page = await call("GET", "/indexes", params={"page": number, "page_limit": 5, "sort_option": "asc"})
        pages.append([entry["index_name"] for entry in page["data"]])
    assert pages == [names[:5], names[5:10], names[10:], []]


async def test_an_empty_list_has_no_pages(call: SendRequest) -> None:
    _, page = await call("GET", "/assets")
    assert page["page_info"] == {"page": 1, "limit_per_page": 10, "total_page": 0, "total_results": 0}


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=-1", "page_limit=0", "page_limit=51", "page_limit=1.5"])
@pytest.mark.parametrize("path", ["/indexes", "/assets", "/tasks", "/assets/multipart-uploads"])
async def test_page_numbers_out_of_bounds_are_rejected(call: SendRequest, path: str, query: str) -> None:
    status, error = await call("GET", f"{path}?{query}")
    assert (status, error["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("query", ["sort_by=name", "sort_option=up", "created_at=yesterday"])
async def test_invalid_orders_and_timestamps_are_rejected(
    call: SendRequest, make_index: CreateResource, query: str
) -> None:
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
async def test_an_invalid_filter_is_rejected_for_an_empty_list(call: SendRequest, path: str) -> None:
    assert (await call("GET", path))[0] == 400

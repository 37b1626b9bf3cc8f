"""Requests of older official clients that the platform still supports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]


async def test_put_also_updates_the_user_metadata_of_a_video(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    video = await make_video(index)
    path = f"/indexes/{index}/videos/{video}"
    assert await call("PUT", path, json={"user_metadata": {"colour": "red"}}) == (204, None)
    assert (await call("GET", path))[1]["user_metadata"] == {"colour": "red"}
    unknown = f"/indexes/{index}/videos/{index}"
    assert (await call("PUT", unknown, json={"user_metadata": {}}))[1]["code"] == "resource_not_exist"


async def test_lists_have_both_bounds_of_a_time(
    call: SendRequest, make_index: CreateResource, make_video: CreateResource
) -> None:
    index = await make_index()
    await make_video(index)
    for path in (f"/indexes/{index}/videos", f"/indexes/{index}/indexed-assets", "/indexes"):
        for field in ("created_at", "updated_at"):
            exact = (await call("GET", path))[1]["data"][0][field]
            later = (datetime.fromisoformat(exact) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            for bound, time, count in (("gte", exact, 1), ("lte", later, 1), ("gte", later, 0)):
                status, body = await call("GET", f"{path}?{urlencode({f'{field}[{bound}]': time})}")
                assert (status, len(body["data"])) == (200, count), (path, field, bound)
            status, error = await call("GET", f"{path}?{urlencode({f'{field}[lte]': 'yesterday'})}")
            assert (status, error["code"]) == (400, "parameter_invalid")

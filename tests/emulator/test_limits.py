"""Somebody asks more than the plan allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, Window

Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]

PLAN = Plan(windows={"search": Window(2, 3), "other": (Window(3, 1), Window(4, 60))})


@pytest.fixture
async def session(serve: Serve, connect: Connect) -> aiohttp.ClientSession:
    return await connect(await serve(plan=PLAN))


async def search(session: aiohttp.ClientSession) -> tuple[int, dict[str, str], str]:
    """Send a search that is wrong in every way but counts."""
    async with session.post("search") as response:
        return response.status, dict(response.headers), await response.text()


async def statuses(session: aiohttp.ClientSession, count: int) -> list[int]:
    found: list[int] = []
    for _ in range(count):
        async with session.get("indexes") as response:
            found.append(response.status)
    return found


def limits(headers: dict[str, str]) -> dict[str, str]:
    lowered = {name.lower().removeprefix("x-ratelimit-"): value for name, value in headers.items()}
    return {name: lowered[name] for name in ("limit", "remaining", "used", "reset") if name in lowered}


async def test_the_headers_tell_what_is_left(session: aiohttp.ClientSession) -> None:
    _, headers, _ = await search(session)
    assert limits(headers) == {"limit": "2", "remaining": "1", "used": "1", "reset": "1767225603"}


async def test_too_much_is_refused_until_the_window_closes(
    session: aiohttp.ClientSession, advance: Callable[[float], None]
) -> None:
    await search(session)
    advance(0.5)
    await search(session)
    status, headers, body = await search(session)
    assert (status, body, headers["Retry-After"]) == (429, "", "3")
    assert limits(headers)["remaining"] == "0"
    advance(2.4)
    assert (await search(session))[0] == 429
    advance(0.1)
    assert (await search(session))[0] == 400


async def test_a_refusal_tells_the_limit_and_the_time(session: aiohttp.ClientSession) -> None:
    await statuses(session, 3)
    async with session.get("indexes") as response:
        refused = await response.json()
    assert refused["code"] == "too_many_requests"
    assert "(3req/1sec)" in refused["message"]
    assert "2026-01-01T00:00:01Z" in refused["message"]


async def test_every_window_of_a_category_counts(
    session: aiohttp.ClientSession, advance: Callable[[float], None]
) -> None:
    assert await statuses(session, 4) == [200, 200, 200, 429]
    advance(1)
    assert await statuses(session, 2) == [200, 429]
    advance(59)
    assert await statuses(session, 1) == [200]


async def test_categories_count_apart(serve: Serve, connect: Connect) -> None:
    session = await connect(await serve(plan=Plan(default=Window(1))))
    first = [(await search(session))[0] for _ in range(2)]
    assert first == [400, 429]
    assert await statuses(session, 2) == [200, 429]
    async with session.post("assets") as response:
        assert response.status == 400
    index = "0" * 24
    async with session.post("tasks") as response:
        assert response.status == 400
    async with session.post(f"indexes/{index}/indexed-assets") as response:
        assert response.status == 429, "the two ways to index share one category"


async def test_without_a_plan_there_is_no_limit(serve: Serve, connect: Connect) -> None:
    session = await connect(await serve())
    status, headers, _ = await search(session)
    assert (status, limits(headers)) == (400, {})


@pytest.mark.parametrize(
    ("plan", "present"),
    [
        (Plan(default=Window(1), headers="dimension"), "X-Ratelimit-Request-Remaining"),
        (Plan(default=Window(1), headers="plain"), "X-Ratelimit-Remaining"),
        (Plan(default=Window(1), headers="none"), "Retry-After"),
        (Plan(default=Window(1), retry_after=False), "X-Ratelimit-Reset"),
    ],
)
async def test_headers_come_in_several_families(serve: Serve, connect: Connect, plan: Plan, present: str) -> None:
    session = await connect(await serve(plan=plan))
    await search(session)
    async with session.post("search") as response:
        assert response.status == 429
        families = {"X-Ratelimit-Request-Remaining", "X-Ratelimit-Remaining", "Retry-After"}
        assert present in response.headers
        assert ("Retry-After" in response.headers) is plan.retry_after
        told = {name for name in families - {"Retry-After"} if name in response.headers}
        assert len(told) == (plan.headers != "none")


async def test_the_known_plans_have_their_limits() -> None:
    free, developer = Plan.named("free"), Plan.named("developer")
    assert (free.index_days, developer.index_days) == (90, None)
    assert free.windows_of("search") == (Window(600), Window(3000, 86_400))
    assert free.windows_of("other") == ()
    with pytest.raises(ValueError, match="enterprise"):
        Plan.named("enterprise")


async def test_a_refused_key_does_not_count(serve: Serve) -> None:
    emulator = await serve(plan=Plan(default=Window(1)))
    wrong: Any = {"x-api-key": "wrong"}
    async with aiohttp.ClientSession(emulator.base_url + "/") as session:
        async with session.get("indexes", headers=wrong) as response:
            assert response.status == 401
        async with session.get("indexes", headers={"x-api-key": "emulator"}) as response:
            assert response.status == 200

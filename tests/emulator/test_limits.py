"""Rate limits: windows, categories, headers and errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, SystemClock, Window, samples

Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]

PLAN = Plan(windows={"search": Window(2, 3), "other": (Window(3, 1), Window(4, 60))})


@pytest.fixture
async def session(serve: Serve, connect: Connect) -> aiohttp.ClientSession:
    return await connect(await serve(plan=PLAN))


async def search(session: aiohttp.ClientSession) -> tuple[int, dict[str, str], str]:
    """Send an invalid search, which counts towards the limit."""
    async with session.post("search") as response:
        return response.status, dict(response.headers), await response.text()


async def list_indexes(session: aiohttp.ClientSession, count: int) -> list[int]:
    statuses: list[int] = []
    for _ in range(count):
        async with session.get("indexes") as response:
            statuses.append(response.status)
    return statuses


def limit_headers(headers: dict[str, str]) -> dict[str, str]:
    lowered = {name.lower().removeprefix("x-ratelimit-"): value for name, value in headers.items()}
    return {name: lowered[name] for name in ("limit", "remaining", "used", "reset") if name in lowered}


async def test_headers_show_the_remaining_requests(session: aiohttp.ClientSession) -> None:
    _, headers, _ = await search(session)
    assert limit_headers(headers) == {"limit": "2", "remaining": "1", "used": "1", "reset": "1767225603"}


async def test_requests_beyond_the_limit_are_rejected_until_the_window_closes(
    session: aiohttp.ClientSession, advance: Callable[[float], None]
) -> None:
    await search(session)
    advance(0.5)
    await search(session)
    status, headers, body = await search(session)
    assert (status, json.loads(body)["code"], headers["Retry-After"]) == (429, "too_many_requests", "3")
    assert limit_headers(headers)["remaining"] == "0"
    advance(2.4)
    assert (await search(session))[0] == 429
    advance(0.1)
    assert (await search(session))[0] == 400


async def test_a_429_error_states_the_limit_and_the_time(session: aiohttp.ClientSession) -> None:
    await list_indexes(session, 3)
    async with session.get("indexes") as response:
        error = await response.json()
    assert error["code"] == "too_many_requests"
    assert "(3req/1sec)" in error["message"]
    assert "2026-01-01T00:00:01Z" in error["message"]


async def test_every_window_of_a_category_is_enforced(
    session: aiohttp.ClientSession, advance: Callable[[float], None]
) -> None:
    assert await list_indexes(session, 4) == [200, 200, 200, 429]
    advance(1)
    assert await list_indexes(session, 2) == [200, 429]
    advance(59)
    assert await list_indexes(session, 1) == [200]


async def test_categories_are_counted_separately(serve: Serve, connect: Connect) -> None:
    session = await connect(await serve(plan=Plan(default=Window(1))))
    first = [(await search(session))[0] for _ in range(2)]
    assert first == [400, 429]
    assert await list_indexes(session, 2) == [200, 429]
    async with session.post("assets") as response:
        assert response.status == 400
    index = "0" * 24
    async with session.post("tasks") as response:
        assert response.status == 400
    async with session.post(f"indexes/{index}/indexed-assets") as response:
        assert response.status == 429, "tasks and indexed assets share a category"


async def test_an_emulator_without_a_plan_has_no_limits(serve: Serve, connect: Connect) -> None:
    session = await connect(await serve())
    status, headers, _ = await search(session)
    assert (status, limit_headers(headers)) == (400, {})


@pytest.mark.parametrize(
    ("plan", "expected_header"),
    [
        (Plan(default=Window(1), headers="dimension"), "X-Ratelimit-Request-Remaining"),
        (Plan(default=Window(1), headers="plain"), "X-Ratelimit-Remaining"),
        (Plan(default=Window(1), headers="none"), "Retry-After"),
        (Plan(default=Window(1), retry_after=False), "X-Ratelimit-Reset"),
    ],
)
async def test_a_plan_determines_the_rate_limit_headers(
    serve: Serve, connect: Connect, plan: Plan, expected_header: str
) -> None:
    session = await connect(await serve(plan=plan))
    await search(session)
    async with session.post("search") as response:
        assert response.status == 429
        header_names = {"X-Ratelimit-Request-Remaining", "X-Ratelimit-Remaining", "Retry-After"}
        assert expected_header in response.headers
        assert ("Retry-After" in response.headers) is plan.retry_after
        reported = {name for name in header_names - {"Retry-After"} if name in response.headers}
        assert len(reported) == (plan.headers != "none")


async def test_named_plans_have_the_documented_limits() -> None:
    free, developer = Plan.named("documented-free"), Plan.named("developer")
    assert (free.index_days, developer.index_days) == (90, None)
    assert free.windows == developer.windows
    assert free.windows_for("search") == (Window(600), Window(3000, 86_400))
    assert free.windows_for("other") == ()
    expected = "25req/1min 3000req/1day 600min/1hour 3000min/1day"
    assert " ".join(window.description for window in free.windows_for("embed-video")) == expected
    expected_analyze = "240req/1min 3000req/1day 2400min/1hour 12000min/1day 120000tok/1min 1500000tok/1day"
    assert (
        " ".join(window.description for window in Plan.named("developer-3").windows_for("analyze")) == expected_analyze
    )
    assert Plan.named("developer-2", headers="none").headers == "none"
    assert Plan.named("developer-2").windows_for("embed-text") == (Window(1200), Window(12_000, 86_400))
    with pytest.raises(ValueError, match="enterprise"):
        Plan.named("enterprise")


async def test_a_request_with_an_invalid_key_is_not_counted(serve: Serve) -> None:
    emulator = await serve(plan=Plan(default=Window(1)))
    invalid_headers: Any = {"x-api-key": "wrong"}
    async with aiohttp.ClientSession(emulator.base_url + "/") as session:
        async with session.get("indexes", headers=invalid_headers) as response:
            assert response.status == 401
        async with session.get("indexes", headers={"x-api-key": "emulator"}) as response:
            assert response.status == 200


FILM_SECONDS = 60.0


@pytest.fixture
def analyze_films() -> Callable[..., Awaitable[list[int]]]:
    """Analyze films of one minute, and return the statuses of the responses."""

    async def send_all(session: aiohttp.ClientSession, count: int, path: str = "analyze") -> list[int]:
        statuses: list[int] = []
        for number in range(count):
            body: Any = {"video": {"type": "url", "url": f"https://example.com/{number}.mp4"}, "prompt": "What?"}
            body |= {"start_time": 0, "end_time": FILM_SECONDS, "stream": False}
            async with session.post(path, json=body) as response:
                statuses.append(response.status)
        return statuses

    return send_all


async def test_minutes_of_media_are_limited(
    serve: Serve, connect: Connect, advance: Callable[[float], None], analyze_films: Any
) -> None:
    plan = Plan(windows={"analyze": (Window(5), Window(2, 3600, "Duration"))}, headers="dimension")
    emulator = await serve(plan=plan)
    session = await connect(emulator)
    assert await analyze_films(session, 3) == [200, 200, 429]
    reported = {window["dimension"]: (window["limit"], window["used"]) for window in emulator.limits}
    assert reported == {"Request": (5, 2), "Duration": (2, 2.0)}, "a request rejected in one dimension counts in none"
    assert emulator.rate_limited == {("analyze", "Duration"): 1}
    advance(3599)
    assert await analyze_films(session, 1) == [429]
    advance(1)
    assert await analyze_films(session, 1) == [200]


async def test_a_429_error_about_minutes_states_minutes(serve: Serve, connect: Connect, analyze_films: Any) -> None:
    plan = Plan(windows={"analyze": (Window(50), Window(1, 3600, "Duration"))}, headers="dimension", bodies="full")
    session = await connect(await serve(plan=plan))
    await analyze_films(session, 1)
    body: Any = {"video": {"type": "url", "url": "https://example.com/1.mp4"}, "prompt": "What?"}
    async with session.post("analyze", json=body) as response:
        headers, error = response.headers, await response.json()
    assert (headers["X-Ratelimit-Duration-Remaining"], headers["Retry-After"]) == ("0", "3600")
    assert headers["X-Ratelimit-Request-Remaining"] == "49"
    assert "(1min/1hour)" in error["message"]


async def test_headers_without_a_dimension_show_requests_only(
    serve: Serve, connect: Connect, analyze_films: Any
) -> None:
    """Otherwise a client would mistake exhausted minutes for exhausted requests."""
    plan = Plan(windows={"analyze": (Window(50), Window(1, 3600, "Duration"))}, headers="plain")
    session = await connect(await serve(plan=plan))
    await analyze_films(session, 1)
    body: Any = {"video": {"type": "url", "url": "https://example.com/1.mp4"}, "prompt": "What?"}
    async with session.post("analyze", json=body) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "3600")
        assert (response.headers["X-Ratelimit-Limit"], response.headers["X-Ratelimit-Remaining"]) == ("50", "49")


async def test_minutes_are_counted_for_every_media_source(
    serve: Serve, connect: Connect, form: Any, advance: Callable[[float], None]
) -> None:
    minutes = Window(100, 86_400, "Duration")
    names = ("index", "embed-video", "embed-audio")
    emulator = await serve(plan=Plan(windows=dict.fromkeys(names, minutes), default=()))
    session = await connect(emulator)
    expected, sound = samples.video(120), samples.audio(60)

    async def create(path: str, **options: Any) -> Any:
        async with session.post(path, **options) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    def used_minutes() -> list[float]:
        reported = {window["category"]: round(window["used"], 1) for window in emulator.limits}
        return [reported.get(name, 0) for name in names]

    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    index = (await create("indexes", json={"index_name": "films", "models": models}))["_id"]
    asset = (await create("assets", data=form("a.mp4", method="direct", file=expected)))["_id"]
    advance(100)
    await create(f"indexes/{index}/indexed-assets", json={"asset_id": asset})
    assert used_minutes() == [2, 0, 0]
    await create("tasks", data=form("a.mp4", index_id=index, video_file=expected))
    assert used_minutes() == [4, 0, 0]
    await create("embed/tasks", data=form("a.mp4", model_name="marengo3.0", video_file=expected))
    assert used_minutes() == [4, 2, 0]
    await create("embed", data=form("a.wav", model_name="marengo3.0", audio_file=sound))
    assert used_minutes() == [4, 2, 1]
    source = {"media_source": {"asset_id": asset}}
    for path in ("embed-v2", "embed-v2/tasks"):
        await create(path, json={"model_name": "marengo3.0", "input_type": "video", "video": source})
    assert used_minutes() == [4, 6, 1]


async def test_output_tokens_are_counted_after_the_response(
    serve: Serve, connect: Connect, advance: Callable[[float], None], analyze_films: Any
) -> None:
    emulator = await serve(plan=Plan(windows={"analyze": (Window(9), Window(5, 60, "OutputToken"))}))
    session = await connect(emulator)
    assert await analyze_films(session, 2) == [200, 429], (
        "one response may exceed the limit, the next request is rejected"
    )
    assert emulator.limits[1]["used"] > 5
    assert emulator.rate_limited == {("analyze", "OutputToken"): 1}
    advance(60)
    assert await analyze_films(session, 1) == [200]


async def test_a_sliding_window_counts_only_the_last_seconds(
    serve: Serve, connect: Connect, advance: Callable[[float], None]
) -> None:
    session = await connect(await serve(plan=Plan(default=Window(2, 60), sliding=True)))
    assert await list_indexes(session, 1) == [200]
    advance(40)
    assert await list_indexes(session, 2) == [200, 429]
    advance(20)
    assert await list_indexes(session, 2) == [200, 429], "a fixed window would allow two requests"
    async with session.get("indexes") as response:
        assert response.headers["Retry-After"] == "40"


async def test_the_keys_of_an_organization_share_its_limits(serve: Serve) -> None:
    keys = {"first": "ours", "second": "ours", "third": "theirs"}
    emulator = await serve(plan=Plan(default=Window(2)), api_keys=keys)
    statuses: dict[str, list[int]] = {}
    async with aiohttp.ClientSession(emulator.base_url + "/") as session:
        for key in ("first", "second", "third", "emulator", "fourth", "second"):
            async with session.get("indexes", headers={"x-api-key": key}) as response:
                statuses.setdefault(key, []).append(response.status)
    assert statuses == {"first": [200], "second": [200, 429], "third": [200], "emulator": [200], "fourth": [401]}
    assert sorted(window["organisation"] for window in emulator.limits) == ["default", "ours", "theirs"]


async def test_a_plan_can_be_replaced(serve: Serve, connect: Connect) -> None:
    emulator = await serve(plan=Plan(default=Window(2)))
    session = await connect(emulator)
    assert await list_indexes(session, 3) == [200, 200, 429]
    emulator.plan = Plan(default=Window(3), headers="none")
    assert await list_indexes(session, 2) == [200, 429], "earlier requests still count"
    emulator.plan = Plan()
    assert await list_indexes(session, 9) == [200] * 9
    assert emulator.rate_limited.total() == 2


@pytest.mark.parametrize(
    ("bodies", "body_of_search", "body_of_list"),
    [("documented", False, True), ("full", True, True), ("empty", False, False)],
)
async def test_a_429_error_may_have_no_body(
    serve: Serve, connect: Connect, bodies: Any, *, body_of_search: bool, body_of_list: bool
) -> None:
    session = await connect(await serve(plan=Plan(default=Window(0), bodies=bodies)))
    for method, path, has_body in (("POST", "search", body_of_search), ("GET", "indexes", body_of_list)):
        async with session.request(method, path) as response:
            assert response.status == 429
            assert bool(await response.read()) == has_body


async def test_clock_skew_applies_to_every_time_header(serve: Serve, connect: Connect) -> None:
    """The `Date` header shows the offset."""
    clock = SystemClock(rate=0, start=1_767_225_600, skew=-90)
    session = await connect(await serve(plan=Plan(default=Window(1)), clock=clock))
    async with session.get("indexes") as response:
        assert response.headers["Date"] == "Wed, 31 Dec 2025 23:58:30 GMT"
        assert response.headers["X-Ratelimit-Reset"] == str(1_767_225_600 - 30)


@pytest.mark.parametrize("fraction", [0, 0.25, 0.9])
async def test_the_free_plan_returns_the_429_response_of_the_platform(
    serve: Serve, connect: Connect, fraction: float
) -> None:
    """The message, the headers and the date agree to the second."""
    clock = SystemClock(rate=0, start=1_767_225_600 + fraction)
    session = await connect(await serve(plan="free", clock=clock))
    for _ in range(50):
        assert (await search(session))[0] == 400
    clock.advance(20_000.3)
    async with session.post("search") as response:
        assert response.status == 429
        assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
        assert response.headers["tl-report"] == "backend"
        assert re.fullmatch(r"\d{18}", response.headers["x-trace-id"])
        reported = {name: response.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "used")}
        assert reported == {"limit": "50", "remaining": "0", "used": "50"}
        reset = int(response.headers["x-ratelimit-reset"])
        date = parsedate_to_datetime(response.headers["Date"]).timestamp()
        assert date + int(response.headers["retry-after"]) == reset
        assert reset == math.ceil(1_767_225_600 + fraction + 86_400)
        body = await response.json()
    reset_time = datetime.fromtimestamp(reset, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"You have exceeded the rate limit (50req/1day). Please try again later after {reset_time}."
    assert body == {"code": "too_many_requests", "message": message}
    clock.advance(reset - clock.time())
    assert (await search(session))[0] == 400


async def test_the_free_plan_limits_responses_without_rate_limit_headers(serve: Serve, connect: Connect) -> None:
    clock = SystemClock(rate=0, start=1_767_225_600)
    emulator = await serve(plan="free", clock=clock)
    session = await connect(emulator)
    for _ in range(15):
        async with session.post("responses", json={}) as response:
            assert (response.status, limit_headers(dict(response.headers))) == (400, {})
    clock.advance(10)
    async with session.post("responses", json={}) as response:
        assert response.status == 429
        assert "Retry-After" not in response.headers
        assert limit_headers(dict(response.headers)) == {}
        assert await response.json() == {
            "code": "plan_limit_exceeded",
            "message": "You have reached your free plan's daily Response limit (15/day). "
            "It resets at 2026-01-02T00:00:00Z.",
        }
    assert emulator.rate_limited == {("responses", "Request"): 1}
    assert await list_indexes(session, 60) == [200] * 60, "lists are not limited"


async def test_a_limit_of_the_plan_can_have_any_window(serve: Serve, connect: Connect) -> None:
    session = await connect(await serve(plan=Plan(default=Window(0, 30, plan_limit=True))))
    async with session.get("indexes") as response:
        error = await response.json()
    assert (error["code"], "other limit (0/30 s)" in error["message"].lower()) == ("plan_limit_exceeded", True)


async def test_the_minutes_of_the_free_plan_include_analysis_tasks_and_batches(serve: Serve, connect: Connect) -> None:
    emulator = await serve(plan="free")
    session = await connect(emulator)
    expected = emulator.add_video("films", "film.mp4", [(0, 7200, "a car")]).asset.id
    video = {"type": "asset_id", "asset_id": expected}

    async def send(path: str, **body: Any) -> tuple[int, str]:
        async with session.post(path, json=body) as response:
            response_body = await response.json()
            return response.status, response_body.get("error", response_body).get("code", "")

    fields = {"id": "scene", "description": "A scene"}, {"id": "ad", "description": "An advertisement"}
    segments = {"type": "segment_definitions", "segment_definitions": list(fields)}
    requests = [{"video": video, "prompt": {"input_text": "What?"}}] * 2
    batch = {"model_name": "pegasus1.5", "analysis_mode": "general", "requests": requests}
    # The total is 600 minutes; several segment definitions do not multiply them.
    mode = "time_based_metadata"
    assert await send("analyze/tasks", video=video, analysis_mode=mode, response_format=segments) == (202, "")
    assert (await send("analyze/batches", **batch))[0] == 201
    assert await send("analyze/tasks", video=video, prompt="What?") == (202, "")
    assert await send("analyze/batches", **batch) == (400, "usage_limit_exceeded")
    assert await send("analyze/tasks", video=video, prompt="What?", end_time=7199) == (202, "")
    assert await send("analyze/tasks", video=video, prompt="What?") == (400, "usage_limit_exceeded")
    short_video = {"type": "asset_id", "asset_id": emulator.add_video("films", "ad.mp4", [(0, 60, "a bus")]).asset.id}
    assert await send("analyze", video=short_video, prompt="What?") == (400, "usage_limit_exceeded")


@pytest.mark.parametrize(
    "path", ["analyze/tasks", "analyze/batches", "knowledge-stores/ks_019fb490-1e6c-7362-95c9-d61e14d6a835/search"]
)
async def test_each_billable_endpoint_allows_50_requests_a_day(serve: Serve, connect: Connect, path: str) -> None:
    session = await connect(await serve(plan="free"))
    statuses: list[int] = []
    for _ in range(51):
        async with session.post(path, json={}) as response:
            statuses.append(response.status)
    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]

"""P4: the client uses the whole quota and rarely exceeds it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import attrs
import pytest
from support import KEY, FastClock, LoopClock, RawServer, always_respond, raw_response, run_in_virtual_time

from twelvelabs_async import (
    AsyncTwelveLabs,
    QuotaExhaustedError,
    RateLimitError,
    RateLimitUpdated,
    RateLimitWaitStarted,
)
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window, samples

pytestmark = pytest.mark.oldest_python

CALLS = 120


async def run_searches(emulator: Emulator, clients: int = 1) -> tuple[int, int]:
    """Send `CALLS` searches; return the numbers of 200 and of 429 responses."""
    asyncio.get_running_loop().set_debug(False)
    opened = [AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, max_retries=20) for _ in range(clients)]
    created = await opened[0].indexes.create(
        index_name="one", models=[{"model_name": "marengo3.0", "model_options": ["visual"]}]
    )

    async def search(client: AsyncTwelveLabs) -> None:
        await client.search.query(index_id=created.id, search_options=["visual"], query_text="a boat")

    try:
        await asyncio.gather(*(search(opened[number % clients]) for number in range(CALLS)))
    finally:
        for client in opened:
            await client.close()
    statuses = [request.status for request in emulator.requests.for_operation("POST /search")]
    return statuses.count(200), statuses.count(429)


async def test_a_quota_in_headers_is_rarely_exceeded() -> None:
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        accepted, rejected = await run_searches(emulator)
    assert accepted == CALLS
    assert rejected <= 1 + 0.01 * CALLS


async def test_a_quota_without_headers_causes_few_429s() -> None:
    plan = Plan(windows={"search": Window(60, 1.0)}, headers="none")
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        accepted, rejected = await run_searches(emulator)
    assert accepted == CALLS
    assert rejected <= 0.25 * CALLS  # finding the limit costs a larger share of few calls


async def test_all_calls_of_two_clients_that_share_a_quota_succeed() -> None:
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        accepted, rejected = await run_searches(emulator, clients=2)
    assert accepted == CALLS
    assert rejected <= 0.25 * CALLS


async def test_an_exhausted_quota_blocks_operations_of_its_category_only() -> None:
    """An exhausted upload quota raises an error before an upload is sent."""
    plan = Plan(windows={"upload": Window(1, 3600.0)})
    async with (
        Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        await client.assets.create(method="url", url="https://media.example/a.mp4")
        with pytest.raises(QuotaExhaustedError) as caught:
            await client.assets.create(method="url", url="https://media.example/b.mp4")
        assert (caught.value.category, caught.value.limit) == ("upload", 1)
        assert caught.value.status_code is None
        assert caught.value.resets_at is not None
        assert len(emulator.requests.for_operation("POST /assets")) == 1
        assert len(await client.assets.list()) == 1


# In virtual time, with windows as long as those of the platform.

MODELS: list[dict[str, Any]] = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
MINUTE = 60.0


@attrs.define
class Setup:
    """An emulator with rate limits, and its client."""

    emulator: Emulator
    client: AsyncTwelveLabs
    index_id: str
    clock: LoopClock

    async def search(self, **options: Any) -> None:
        client = self.client.with_options(timeout=1e6, max_wait=1e6, max_retries=10, **options)
        await client.search.query(index_id=self.index_id, search_options=["visual"], query_text="a boat")

    def statuses(self, route: str = "POST /search") -> list[int | None]:
        return [request.status for request in self.emulator.requests.for_operation(route)]


def run_with_client(scenario: Any, plan: Plan, *, latency: float = 0.05, clock_skew: float = 0.0, seed: int = 0) -> Any:
    """Run a scenario in virtual time, with a client whose clock is `clock_skew` seconds ahead."""

    async def main() -> Any:
        random.seed(seed)
        clock, client_clock = LoopClock(), LoopClock(skew=clock_skew)
        async with (
            Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan) as emulator,
            AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=client_clock) as client,
        ):
            index = await client.indexes.create(index_name="one", models=MODELS)
            emulator.faults.add("POST /search", delay=latency, times=None)
            await asyncio.sleep(random.uniform(0, 1))  # noqa: S311  # windows do not start at whole seconds
            return await scenario(Setup(emulator, client, index.id, client_clock))

    return run_in_virtual_time(main())


async def run_all(calls: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*calls)


async def run_200_searches(setup: Setup) -> tuple[int, int, float]:
    """Run 200 searches concurrently; return the numbers of 200 and of 429 responses, and the seconds."""
    start = setup.clock.monotonic()
    await run_all([setup.search() for _ in range(200)])
    statuses = setup.statuses()
    return statuses.count(200), statuses.count(429), setup.clock.monotonic() - start


LIMIT_OF_40 = {"search": Window(40)}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("headers", ["plain", "dimension"])
@pytest.mark.parametrize("clock_skew", [0.0, 60.0, -60.0])
def test_p4_200_concurrent_calls_use_the_full_quota_without_a_429(seed: int, headers: Any, clock_skew: float) -> None:
    accepted, rejected, elapsed = run_with_client(
        run_200_searches, Plan(windows=LIMIT_OF_40, headers=headers), clock_skew=clock_skew, seed=seed
    )
    assert (accepted, rejected) == (200, 0)
    assert 4 * MINUTE / elapsed >= 0.97


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "missing_headers",
    [{}, {"retry_after": False, "bodies": "full"}, {"retry_after": False, "bodies": "empty"}],
    ids=["retry-after", "time-in-text", "nothing"],
)
def test_p4_200_concurrent_calls_without_headers_cause_few_429s(seed: int, missing_headers: Any) -> None:
    accepted, rejected, _ = run_with_client(
        run_200_searches, Plan(windows=LIMIT_OF_40, headers="none", **missing_headers), seed=seed
    )
    assert accepted == 200
    assert rejected <= 0.15 * 200


def test_p4_two_request_windows_are_respected_together() -> None:
    plan = Plan(windows={"search": (Window(40), Window(90, 600.0))})
    accepted, rejected, elapsed = run_with_client(run_200_searches, plan)
    assert (accepted, rejected) == (200, 0)
    assert 1200.0 < elapsed < 1260.0


def test_p4_a_sliding_window_is_respected() -> None:
    accepted, rejected, elapsed = run_with_client(run_200_searches, Plan(windows=LIMIT_OF_40, sliding=True))
    assert (accepted, rejected) == (200, 0)
    assert elapsed < 300.0


@pytest.mark.parametrize("limit", [20, 80])
def test_p4_a_changed_limit_is_respected(limit: int) -> None:
    async def scenario(setup: Setup) -> tuple[int, int, float]:
        calls = asyncio.create_task(run_200_searches(setup))
        await asyncio.sleep(90.0)
        setup.emulator.plan = Plan(windows={"search": Window(limit)})
        return await calls

    accepted, rejected, elapsed = run_with_client(scenario, Plan(windows=LIMIT_OF_40))
    assert (accepted, rejected) == (200, 0)
    assert elapsed < MINUTE * (1 + 160 / limit) + 70


def test_p4_a_limit_of_media_minutes_is_respected_if_durations_are_known() -> None:
    """Each window of 10 minutes allows 30 minutes of media: four of the ten films of 7 minutes."""

    async def scenario(setup: Setup) -> int:
        client = setup.client.with_options(max_wait=1e6, timeout=1e6)
        assets = [
            await client.assets.upload(samples.video(7 * 60, size=3000 + number), filename=f"{number}.mp4", wait=True)
            for number in range(10)
        ]
        index = await client.indexes.create(index_name="films", models=MODELS)
        await asyncio.gather(*(client.indexes.indexed_assets.create(index.id, asset_id=asset.id) for asset in assets))
        return setup.statuses("POST /indexes/{index-id}/indexed-assets").count(429)

    plan = Plan(windows={"index": (Window(60), Window(30, 600.0, "Duration"))}, headers="dimension")
    assert run_with_client(scenario, plan) == 0


def test_an_interactive_call_is_sent_before_500_queued_background_calls() -> None:
    async def scenario(setup: Setup) -> tuple[float, int]:
        bulk = [asyncio.create_task(setup.search(priority="background")) for _ in range(500)]
        await asyncio.sleep(90.0)
        before, start = len(setup.statuses()), setup.clock.monotonic()
        await setup.search()
        waited, searches_before = setup.clock.monotonic() - start, len(setup.statuses()) - before
        for task in bulk:
            task.cancel()
        await asyncio.gather(*bulk, return_exceptions=True)
        return waited, searches_before

    waited, searches_before = run_with_client(scenario, Plan(windows=LIMIT_OF_40))
    assert waited <= 33.0  # the rest of the window
    assert searches_before == 1


def test_p21_cancelled_calls_release_their_reservations() -> None:
    async def scenario(setup: Setup) -> None:
        await setup.search()  # its response reports the limit
        for milliseconds in range(0, 120, 7):
            tasks = [asyncio.create_task(setup.search()) for _ in range(60)]
            await asyncio.sleep(milliseconds / 1000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            limits = setup.client.limits.get("search")
            assert limits is None or (limits.waiting, limits.in_flight) == (0, 0)
        start = setup.clock.monotonic()
        await run_all([setup.search() for _ in range(40)])
        assert setup.clock.monotonic() - start <= 2 * 62.0
        assert setup.statuses().count(429) == 0

    run_with_client(scenario, Plan(windows=LIMIT_OF_40))


def test_limits_and_waits_are_reported() -> None:
    async def scenario(setup: Setup) -> list[object]:
        events = list[object]()
        async with AsyncTwelveLabs(
            setup.emulator.api_key,
            base_url=setup.emulator.base_url,
            clock=setup.clock,
            timeout=300,
            on_event=events.append,
        ) as client:
            for _ in range(3):
                await client.assets.create(method="url", url="https://media.example/a.mp4")
            limits = client.limits["upload"]
            assert (limits.limit, limits.remaining, limits.waiting, limits.in_flight) == (2, 1, 0, 0)
            assert limits.source == "headers"
        return [event for event in events if isinstance(event, RateLimitUpdated | RateLimitWaitStarted)]

    first, second, wait, last = run_with_client(scenario, Plan(windows={"upload": Window(2)}))
    assert [event.remaining for event in (first, second, last)] == [1, 0, 1]
    assert (wait.category, wait.dimension, wait.limit, wait.priority) == ("upload", "request", 2, "interactive")
    assert 59 <= wait.delay <= 62


async def test_max_wait_0_never_waits_for_a_known_limit(clock: FastClock) -> None:
    reset = {"X-Ratelimit-Limit": "1", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": str(int(clock.time()) + 30)}
    async with (
        RawServer(always_respond(raw_response(headers=reset))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, max_wait=0) as client,
    ):
        assert await client.request("GET", "/x") == {}
        with pytest.raises(QuotaExhaustedError) as caught:
            await client.request("GET", "/x")
        assert (len(server.requests), caught.value.give_up_reason) == (1, "max_wait")
    assert sum(clock.sleeps) == 0


async def test_max_wait_0_raises_the_first_429(clock: FastClock) -> None:
    rejection = raw_response(429, b'{"code": "too_many_requests"}', {"Retry-After": "3"})
    async with (
        RawServer(always_respond(rejection)) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, max_wait=0) as client,
    ):
        with pytest.raises(RateLimitError) as caught:
            await client.request("GET", "/x")
        assert (len(server.requests), caught.value.give_up_reason) == (1, "max_wait")
    assert sum(clock.sleeps) == 0


async def test_max_wait_0_waits_for_calls_in_flight_while_no_limit_is_known() -> None:
    """Calls in flight before a limit is known are not a rate limit; waiting for them takes one response."""
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_wait=0) as client,
    ):
        assert await asyncio.gather(*(client.request("GET", "/x") for _ in range(40))) == [{}] * 40

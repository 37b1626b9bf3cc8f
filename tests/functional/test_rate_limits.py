"""P4: a quota is used up, and hardly ever overrun."""

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


async def burst(emulator: Emulator, clients: int = 1) -> tuple[int, int]:
    """How many of `CALLS` searches were answered, and how many were refused on the way."""
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
    answered = [received.status for received in emulator.requests.for_operation("POST /search")]
    return answered.count(200), answered.count(429)


async def test_a_quota_in_headers_is_rarely_exceeded() -> None:
    """P4."""
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        accepted, rejected = await burst(emulator)
    assert accepted == CALLS
    assert rejected <= 1 + 0.01 * CALLS


async def test_a_quota_without_headers_causes_few_429s() -> None:
    """P4."""
    plan = Plan(windows={"search": Window(60, 1.0)}, headers="none")
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        accepted, rejected = await burst(emulator)
    assert accepted == CALLS
    assert rejected <= 0.25 * CALLS  # what is found out once is a larger share of few calls


async def test_all_calls_of_two_clients_that_share_a_quota_succeed() -> None:
    """P4."""
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        accepted, rejected = await burst(emulator, clients=2)
    assert accepted == CALLS
    assert rejected <= 0.25 * CALLS


async def test_an_exhausted_quota_blocks_operations_of_its_category_only() -> None:
    """P4: a used-up quota for uploads stops uploads, and raises before anything is sent."""
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


# In virtual time, so that windows are as long as those of the platform.

MODELS: list[dict[str, Any]] = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
MINUTE = 60.0


@attrs.define
class Setup:
    """An emulator under a plan, and a client of it."""

    emulator: Emulator
    client: AsyncTwelveLabs
    index_id: str
    clock: LoopClock

    async def search(self, **options: Any) -> None:
        client = self.client.with_options(timeout=1e6, max_wait=1e6, max_retries=10, **options)
        await client.search.query(index_id=self.index_id, search_options=["visual"], query_text="a boat")

    def statuses(self, route: str = "POST /search") -> list[int | None]:
        return [received.status for received in self.emulator.requests.for_operation(route)]


def run_with_client(scenario: Any, plan: Plan, *, latency: float = 0.05, wrong_by: float = 0.0, seed: int = 0) -> Any:
    """Run a scenario in virtual time, with a client whose clock is wrong by so many seconds."""

    async def main() -> Any:
        random.seed(seed)
        clock, mine = LoopClock(), LoopClock(skew=wrong_by)
        async with (
            Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan) as emulator,
            AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=mine) as client,
        ):
            index = await client.indexes.create(index_name="one", models=MODELS)
            emulator.faults.add("POST /search", delay=latency, times=None)
            await asyncio.sleep(random.uniform(0, 1))  # noqa: S311  # windows do not begin with a second
            return await scenario(Setup(emulator, client, index.id, mine))

    return run_in_virtual_time(main())


async def all_of(calls: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*calls)


async def two_hundred(setup: Setup) -> tuple[int, int, float]:
    """How many of 200 searches at once were answered, and refused on the way, and how long it took."""
    began = setup.clock.monotonic()
    await all_of([setup.search() for _ in range(200)])
    statuses = setup.statuses()
    return statuses.count(200), statuses.count(429), setup.clock.monotonic() - began


FORTY = {"search": Window(40)}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("headers", ["plain", "dimension"])
@pytest.mark.parametrize("wrong_by", [0.0, 60.0, -60.0])
def test_p4_200_concurrent_calls_use_the_full_quota_without_a_429(seed: int, headers: Any, wrong_by: float) -> None:
    accepted, rejected, took = run_with_client(
        two_hundred, Plan(windows=FORTY, headers=headers), wrong_by=wrong_by, seed=seed
    )
    assert (accepted, rejected) == (200, 0)
    assert 4 * MINUTE / took >= 0.97


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "silence",
    [{}, {"retry_after": False, "bodies": "full"}, {"retry_after": False, "bodies": "empty"}],
    ids=["retry-after", "time-in-text", "nothing"],
)
def test_p4_200_concurrent_calls_without_headers_cause_few_429s(seed: int, silence: Any) -> None:
    accepted, rejected, _ = run_with_client(two_hundred, Plan(windows=FORTY, headers="none", **silence), seed=seed)
    assert accepted == 200
    assert rejected <= 0.15 * 200


def test_p4_two_request_windows_are_respected_together() -> None:
    plan = Plan(windows={"search": (Window(40), Window(90, 600.0))})
    accepted, rejected, took = run_with_client(two_hundred, plan)
    assert (accepted, rejected) == (200, 0)
    assert 1200.0 < took < 1260.0


def test_p4_a_sliding_window_is_respected() -> None:
    accepted, rejected, took = run_with_client(two_hundred, Plan(windows=FORTY, sliding=True))
    assert (accepted, rejected) == (200, 0)
    assert took < 300.0


@pytest.mark.parametrize("limit", [20, 80])
def test_p4_a_changed_limit_is_respected_from_then_on(limit: int) -> None:
    async def scenario(setup: Setup) -> tuple[int, int, float]:
        calls = asyncio.create_task(two_hundred(setup))
        await asyncio.sleep(90.0)
        setup.emulator.plan = Plan(windows={"search": Window(limit)})
        return await calls

    accepted, rejected, took = run_with_client(scenario, Plan(windows=FORTY))
    assert (accepted, rejected) == (200, 0)
    assert took < MINUTE * (1 + 160 / limit) + 70


def test_p4_a_limit_of_media_minutes_is_respected_if_durations_are_known() -> None:
    """Ten films of 7 minutes, 30 minutes allowed in ten: four fit into each window."""

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


def test_an_interactive_call_waits_for_one_free_slot_while_500_bulk_calls_queue() -> None:
    async def scenario(setup: Setup) -> tuple[float, int]:
        bulk = [asyncio.create_task(setup.search(priority="background")) for _ in range(500)]
        await asyncio.sleep(90.0)
        before, began = len(setup.statuses()), setup.clock.monotonic()
        await setup.search()
        waited, overtook = setup.clock.monotonic() - began, len(setup.statuses()) - before
        for task in bulk:
            task.cancel()
        await asyncio.gather(*bulk, return_exceptions=True)
        return waited, overtook

    waited, overtook = run_with_client(scenario, Plan(windows=FORTY))
    assert waited <= 33.0  # the rest of the window
    assert overtook == 1


def test_p21_cancelled_calls_release_their_reservations() -> None:
    async def scenario(setup: Setup) -> None:
        await setup.search()  # its response reports the limit
        for moment in range(0, 120, 7):
            tasks = [asyncio.create_task(setup.search()) for _ in range(60)]
            await asyncio.sleep(moment / 1000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            found = setup.client.limits.get("search")
            assert found is None or (found.waiting, found.in_flight) == (0, 0)
        began = setup.clock.monotonic()
        await all_of([setup.search() for _ in range(40)])
        assert setup.clock.monotonic() - began <= 2 * 62.0
        assert setup.statuses().count(429) == 0

    run_with_client(scenario, Plan(windows=FORTY))


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
            found = client.limits["upload"]
            assert (found.limit, found.remaining, found.waiting, found.in_flight) == (2, 1, 0, 0)
            assert found.source == "headers"
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
    """That is no rate limit, and takes as long as a response."""
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_wait=0) as client,
    ):
        assert await asyncio.gather(*(client.request("GET", "/x") for _ in range(40))) == [{}] * 40

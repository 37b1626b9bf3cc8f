"""P4: a quota is used up, and hardly ever overrun."""

from __future__ import annotations

import asyncio

import pytest

from twelvelabs_async import AsyncTwelveLabs, QuotaExhaustedError
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

CALLS = 120


async def burst(emulator: Emulator, clients: int = 1) -> tuple[int, int]:
    """How many of `CALLS` searches were answered, and how many were refused on the way."""
    asyncio.get_running_loop().set_debug(False)
    opened = [AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, max_retries=20) for _ in range(clients)]
    made = await opened[0].indexes.create(
        index_name="one", models=[{"model_name": "marengo3.0", "model_options": ["visual"]}]
    )

    async def search(client: AsyncTwelveLabs) -> None:
        await client.search.query(index_id=made.id, search_options=["visual"], query_text="a boat")

    try:
        await asyncio.gather(*(search(opened[number % clients]) for number in range(CALLS)))
    finally:
        for client in opened:
            await client.close()
    answered = [received.status for received in emulator.requests.of("POST /search")]
    return answered.count(200), answered.count(429)


async def test_a_quota_that_is_told_is_not_overrun() -> None:
    """P4."""
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        served, refused = await burst(emulator)
    assert served == CALLS
    assert refused <= 1 + 0.01 * CALLS


async def test_a_quota_that_is_not_told_costs_few_refusals() -> None:
    """P4."""
    plan = Plan(windows={"search": Window(60, 1.0)}, headers="none")
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        served, refused = await burst(emulator)
    assert served == CALLS
    assert refused <= 0.25 * CALLS  # what is found out once is a larger share of few calls


async def test_two_clients_that_share_a_quota_both_get_through() -> None:
    """P4."""
    plan = Plan(windows={"search": Window(60, 1.0)})
    async with Emulator(timing=Timing(asset=0, indexing=0), plan=plan) as emulator:
        served, refused = await burst(emulator, clients=2)
    assert served == CALLS
    assert refused <= 0.25 * CALLS


async def test_operations_of_one_category_wait_for_each_other_and_others_do_not() -> None:
    """P4: a used-up quota for uploads stops uploads, and is told before anything is sent."""
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
        assert len(emulator.requests.of("POST /assets")) == 1
        assert len(await client.assets.list()) == 1

"""P22: every wait ends. P5: retries are spread over time. P16: an id is sent as one path segment."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import unquote

import pytest
from support import KEY, FastClock, RawServer, always_respond, raw_response, respond_in_order

from twelvelabs_async import APIError, AsyncTwelveLabs, InvalidInputError, WaitTimeoutError
from twelvelabs_async.emulator import Emulator

RETRIEVE: Final = "GET /assets/{asset_id}"
URL: Final = "https://media.example/a.mp4"


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_p22_a_permanent_error_ends_the_wait_at_the_first_poll(
    emulator: Emulator, client: AsyncTwelveLabs, status: int
) -> None:
    created = await client.assets.create(method="url", url=URL)
    emulator.faults.add(RETRIEVE, status=status)
    with pytest.raises(APIError) as caught:
        await client.assets.wait_for_done(created.id)
    assert caught.value.status_code == status
    assert len(emulator.requests.for_operation(RETRIEVE)) == 1


async def test_p22_a_wait_continues_after_many_failed_polls(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    created = await client.assets.create(method="url", url=URL)
    emulator.faults.add(RETRIEVE, status=503, times=30)
    assert (await client.assets.wait_for_done(created.id)).status == "ready"


async def test_p22_an_unknown_status_ends_the_wait_after_an_hour(clock: FastClock) -> None:
    body = '{"_id": "a", "status": "hibernating", "created_at": "2026-10-01T12:30:00Z", "method": "url"}'
    async with (
        RawServer(always_respond(raw_response(body=body))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
    ):
        with pytest.raises(WaitTimeoutError) as caught:
            await client.assets.wait_for_done("a")
        assert "hibernating" in str(caught.value)
        assert 3500 < clock.offset < 3700
        assert len(server.requests) < 400


async def test_p22_a_thousand_assets_are_polled_in_pages(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    asyncio.get_running_loop().set_debug(False)
    created = [(await client.assets.create(method="url", url=URL)).id for _ in range(1000)]
    emulator.requests.clear()
    results = [result.id async for result in client.assets.wait_for_all(created)]
    assert sorted(results) == sorted(created)
    assert len(emulator.requests) <= 2 * len(created) // 50


async def test_p5_retries_of_clients_refused_together_are_spread_by_jitter() -> None:
    """Each call has its own clock, as on a separate machine, and gets a Retry-After of eight seconds."""

    async def call_after_429() -> float:
        clock = FastClock()
        start = clock.monotonic()
        async with (
            RawServer(respond_in_order([raw_response(429, headers={"Retry-After": "8"}), raw_response()])) as server,
            AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
        ):
            await client.request("GET", "/x")
        assert clock.monotonic() - start >= 8
        return clock.offset

    waits = [await call_after_429() for _ in range(60)]
    assert max(waits) < 8 * 1.25 + 0.6
    assert max(waits) - min(waits) >= 0.25 * 8 * 0.8
    assert len({round(wait, 1) for wait in waits}) >= 15


HOSTILE_IDS: Final = [
    "../../OTHER", "..", ".", "", "a/b", "a/../b", "%2e%2e/x", "%2e%2e", "..%2fx", "a?x=1", "a#b", "a b", "a\\b",
    "a\r\nX: y", "a\x00", "é", "a;b",
]  # fmt: skip


@pytest.mark.parametrize("hostile_id", HOSTILE_IDS, ids=repr)
async def test_p16_a_hostile_id_is_rejected_or_sent_as_one_escaped_path_segment(
    hostile_id: str, clock: FastClock
) -> None:
    async with (
        RawServer(always_respond(raw_response(body='{"_id": "x"}'))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
    ):
        try:
            await client.indexes.delete(hostile_id)
        except InvalidInputError:
            assert not server.requests
            return
        (request,) = server.requests
        assert [unquote(segment) for segment in request.target.split("/")] == ["", "v1.3", "indexes", hostile_id]

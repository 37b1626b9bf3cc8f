"""Shared rate-limit stores after the clock of the machine was set back."""

from __future__ import annotations

from pathlib import Path

from twelvelabs_async._rate_limit.stores.sqlite import SqliteStore
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST
from twelvelabs_async.rate_limits import RateLimitInfo, RequiredWait, WindowInfo

DAY = 86400.0


async def test_calls_do_not_wait_until_the_clock_has_caught_up(tmp_path: Path) -> None:
    now = 2e9
    store = SqliteStore(tmp_path / "limits.db", "acme", lambda: now)
    exhausted = RateLimitInfo(server_time=now, windows={"request": WindowInfo(limit=10, remaining=0, reset=now + 30)})
    first, discarded = await store.reserve("search", SINGLE_REQUEST), await store.reserve("search", SINGLE_REQUEST)
    assert isinstance(first, int)
    assert isinstance(discarded, int)
    await store.record_response("search", first, exhausted, rate_limited=False, jitter=0.0)
    now -= 5
    assert isinstance(await store.reserve("search", SINGLE_REQUEST), RequiredWait)  # small steps discard no state
    now -= DAY
    new = await store.reserve("search", SINGLE_REQUEST)
    assert isinstance(new, int)
    state = (await store.snapshot())["search"]
    assert (state["in_flight_count"], state["windows"]) == (1, [])
    await store.release("search", discarded, sent=True)  # a reservation of the discarded state
    await store.record_response("search", new, exhausted, rate_limited=False, jitter=0.0)
    assert isinstance(await store.reserve("search", SINGLE_REQUEST), RequiredWait)
    await store.aclose()

"""P27: without rate-limit headers, callers with timeouts above the latency always make progress."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore
from support import LoopClock, holding, run_in_virtual_time

from twelvelabs_async._rate_limit.limiter import Permit, RateLimiter
from twelvelabs_async.rate_limits import RateLimitInfo

CALLERS = st.sampled_from([1, 2, 15, 16, 17, 60, 100, 400])
LATENCIES = st.sampled_from([0.05, 0.09, 0.1, 0.11, 0.3, 0.6, 2.0, 9.0])
"""Seconds."""

RELATIVE_TIMEOUTS = st.sampled_from([1.05, 1.2, 1.5, 1.99, 2.5])
"""Timeouts of callers, as multiples of the latency."""


def limiter_of(*, shared: bool) -> RateLimiter:
    clock = LoopClock()
    return RateLimiter(clock, store=MemoryStore(clock.monotonic) if shared else None)


async def acquire(limiter: RateLimiter) -> Permit:
    permit = limiter.try_acquire("c") or await limiter.try_acquire_shared("c")
    return permit or await limiter.acquire("c", max_wait=1e9)


async def call(limiter: RateLimiter, latency: float) -> None:
    async with holding(await acquire(limiter)) as permit:
        await asyncio.sleep(latency)
        permit.record_response(200, RateLimitInfo(server_time=limiter.clock.time()))


async def response_times(
    make_call: Callable[[], Awaitable[None]], callers: int, timeout: float, until: float
) -> list[float]:
    """Return the times of responses to callers that call again after a timeout of `timeout` seconds."""
    loop, times = asyncio.get_running_loop(), list[float]()

    async def caller() -> None:
        while loop.time() < until:
            try:
                async with asyncio.timeout(timeout):
                    await make_call()
            except TimeoutError:
                continue
            times.append(loop.time())

    await asyncio.gather(*(caller() for _ in range(callers)))
    return times


@given(CALLERS, LATENCIES, RELATIVE_TIMEOUTS, st.booleans())
@example(400, 0.05, 1.05, False)
@example(400, 0.6, 1.05, True)
@settings(max_examples=20)
def test_p27_timeouts_above_the_latency_allow_at_least_one_response_per_latency(
    callers: int,
    latency: float,
    timeout: float,
    shared: bool,  # noqa: FBT001  # a generated value
) -> None:
    """On average from the start, and always after the rounds have grown to the number of callers."""

    async def main() -> list[float]:
        limiter = limiter_of(shared=shared)
        times = await response_times(lambda: call(limiter, latency), callers, timeout * latency, 6 * latency + 1.5)
        queue = limiter.category_queue("c")
        assert (queue.in_flight, queue.waiting) == (0, 0)
        return times

    times = run_in_virtual_time(main())
    for number in range(1, 6):
        assert sum(time <= number * latency + 1e-6 for time in times) >= number
    late_times = [time for time in times if time >= 1.0 + timeout * latency]
    assert max((later - earlier for earlier, later in pairwise(late_times)), default=0.0) <= latency + 1e-6


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "shared"])
@pytest.mark.parametrize(("latency", "seconds"), [(0.05, 5 * 0.05), (0.6, 2 * 0.6), (0.001, 5 * 0.001)])
def test_p27_a_hundred_concurrent_calls_complete_within_a_few_latencies(
    latency: float, seconds: float, *, shared: bool
) -> None:
    async def main() -> float:
        limiter = limiter_of(shared=shared)
        await asyncio.gather(*(call(limiter, latency) for _ in range(100)))
        return limiter.clock.monotonic()

    assert run_in_virtual_time(main()) <= seconds + 1e-6


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "shared"])
def test_p27_callers_with_short_timeouts_get_most_responses_of_a_slow_server(*, shared: bool) -> None:
    async def main() -> tuple[int, int]:
        limiter = limiter_of(shared=shared)
        limited = await response_times(lambda: call(limiter, 0.6), 100, 1.0, 15.0)
        unlimited = await response_times(lambda: asyncio.sleep(0.6), 100, 1.0, limiter.clock.monotonic() + 15.0)
        return len(limited), len(unlimited)

    limited, unlimited = run_in_virtual_time(main())
    assert limited >= 0.6 * unlimited


def test_p27_callers_with_short_timeouts_resume_after_a_server_recovers_from_429s() -> None:
    """After a 429, one request tests the server, and its caller may time out before the response."""

    async def main() -> list[float]:
        limiter, loop = limiter_of(shared=False), asyncio.get_running_loop()

        async def call_recovering_server() -> None:
            async with holding(await acquire(limiter)) as permit:
                await asyncio.sleep(0.6)
                retry_after = 3.0 if loop.time() < 5.0 else None
                permit.record_response(
                    200 if retry_after is None else 429,
                    RateLimitInfo(server_time=limiter.clock.time(), retry_after=retry_after),
                )
            if retry_after is not None:
                await asyncio.sleep(10)

        return await response_times(call_recovering_server, 100, 1.0, 30.0)

    times = run_in_virtual_time(main())
    assert len([time for time in times if time > 15.0]) > 500

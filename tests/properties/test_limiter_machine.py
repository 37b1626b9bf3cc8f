"""P4 and P21 for every schedule that hypothesis generates: never above the limit of the server, and never stuck."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support import LoopClock, category_state, holding, run_in_virtual_time

from twelvelabs_async._rate_limit.headers import parse_rate_limit_headers
from twelvelabs_async._rate_limit.limiter import Permit, RateLimiter
from twelvelabs_async.rate_limits import RateLimitInfo

MAX_WAIT = 1e9


async def permit_from(limiter: RateLimiter) -> Permit:
    return limiter.try_acquire("c") or await limiter.acquire("c", max_wait=MAX_WAIT)


class Server:
    """Fixed windows that their first request opens, exact headers in whole seconds, and a count of 429 responses."""

    def __init__(self, limit: int, seconds: float, clock: LoopClock) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._opened = -1e12
        self._used = 0
        self.accepted = 0
        self.rate_limited = 0

    def count(self) -> tuple[int, dict[str, str]]:
        now = self._clock.time()
        if now >= self._opened + self._seconds:
            self._opened, self._used = now, 0
        end = self._opened + self._seconds
        allowed = self._used < self._limit
        self._used += allowed
        self.accepted += allowed
        self.rate_limited += not allowed
        headers = {
            "Date": formatdate(int(now), usegmt=True),
            "X-Ratelimit-Limit": str(self._limit),
            "X-Ratelimit-Remaining": str(self._limit - self._used),
            "X-Ratelimit-Reset": str(-int(-end // 1)),
        }
        return 200 if allowed else 429, headers


latencies = st.floats(0.001, 0.45)  # a round trip within the second after which the concurrency doubles
calls = st.lists(
    st.tuples(st.floats(0.0, 20.0), latencies, latencies, st.none() | st.floats(0.0, 5.0)), min_size=1, max_size=60
)
"""Start, seconds to the server and back, and seconds until cancellation, of each call."""


async def play(
    limit: int, seconds: float, schedule: list[Any], clock_skew: float, *, limits_known: bool = False
) -> tuple[Server, int, float]:
    server = Server(limit, seconds, LoopClock())
    limiter = RateLimiter(LoopClock(skew=clock_skew))
    done = 0

    async def call(at: float, latency: float, return_latency: float) -> None:
        nonlocal done
        await asyncio.sleep(at)
        async with holding(await permit_from(limiter)) as permit:
            await asyncio.sleep(latency)
            status, headers = server.count()
            await asyncio.sleep(return_latency)
            permit.record_response(status, parse_rate_limit_headers(headers, now=limiter.clock.time()))
        done += status == 200

    async def run(at: float, latency: float, return_latency: float, cancel_after: float | None) -> None:
        task = asyncio.create_task(call(at, latency, return_latency))
        if cancel_after is not None:
            await asyncio.wait({task}, timeout=at + cancel_after)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    if schedule and limits_known:
        await call(0.0, 0.001, 0.001)
    async with asyncio.TaskGroup() as group:
        for one in schedule:
            group.create_task(run(*one))
    queue = limiter.category_queue("c")
    assert (queue.in_flight, queue.waiting) == (0, 0)
    assert not category_state(limiter, "c").in_flight
    # After any schedule a new call gets a permit.
    async with asyncio.timeout(10 * seconds + 1000), holding(await permit_from(limiter)) as permit:
        permit.record_response(200, RateLimitInfo(server_time=limiter.clock.time()))
    return server, done, limiter.clock.monotonic()


@given(st.integers(1, 20), st.sampled_from([1.0, 2.5, 3.0, 7.0, 60.0]), calls, st.sampled_from([0.0, 5000.0, -5000.0]))
@settings(max_examples=80)
def test_p4_a_server_with_exact_headers_sends_no_429(
    limit: int, seconds: float, schedule: list[Any], clock_skew: float
) -> None:
    """The client's clock may be wrong, and responses may arrive in any order. The first response reports the limit."""
    uncancelled = [(at, latency, return_latency, None) for at, latency, return_latency, _ in schedule]
    server, done, elapsed = run_in_virtual_time(play(limit, seconds, uncancelled, clock_skew, limits_known=True))
    assert server.rate_limited == 0
    assert done == server.accepted == len(schedule) + 1
    assert elapsed <= 25 + (len(schedule) / limit + 1) * (seconds + 2 + 4) + 4 * len(schedule)


@given(st.integers(1, 20), st.sampled_from([1.0, 3.0, 60.0]), calls)
@settings(max_examples=80)
def test_p21_cancelled_calls_release_their_permit_and_no_call_waits_forever(
    limit: int, seconds: float, schedule: list[Any]
) -> None:
    """The server may have counted a cancelled call without the client knowing; then it may send a 429."""
    server, _, _ = run_in_virtual_time(play(limit, seconds, schedule, 0.0, limits_known=True))
    assert server.rate_limited <= sum(cancel_after is not None for *_, cancel_after in schedule)


header_sets = st.dictionaries(
    st.sampled_from(
        [
            "X-Ratelimit-Limit",
            "X-Ratelimit-Remaining",
            "X-Ratelimit-Used",
            "X-Ratelimit-Reset",
            "X-Ratelimit-Token-Remaining",
            "X-Ratelimit-Token-Reset",
            "Retry-After",
        ]
    ),
    st.one_of(
        st.integers(-5, 100).map(str),
        st.integers(int(LoopClock.EPOCH) - 100, int(LoopClock.EPOCH) + 100).map(str),
        st.sampled_from(["nan", "inf", "", "1e308", "-1e308", str(int(LoopClock.EPOCH) * 1000), "x"]),
    ),
)


@given(st.lists(st.tuples(st.sampled_from([200, 200, 429, 503]), header_sets), min_size=1, max_size=30))
@settings(max_examples=80)
def test_p2_headers_block_a_category_for_at_most_the_longest_accepted_wait(
    responses: list[tuple[int, dict[str, str]]],
) -> None:
    """After any headers, calls continue after the longest accepted Retry-After at most."""

    async def main() -> None:
        limiter = RateLimiter(LoopClock(), jitter=lambda: 1.0)
        remaining = iter(responses)
        no_headers: tuple[int, dict[str, str]] = (200, {})

        async def call() -> None:
            async with holding(await permit_from(limiter)) as permit:
                await asyncio.sleep(0.01)
                status, headers = next(remaining, no_headers)
                permit.record_response(status, parse_rate_limit_headers(headers, now=limiter.clock.time()))

        async with asyncio.timeout(50 * 86400.0 * len(responses)):
            await asyncio.gather(*(call() for _ in range(len(responses) + 3)))

    run_in_virtual_time(main())

"""P4 and P21 for every schedule that hypothesis can think of: never more than the server allows, and never stuck."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support import LoopClock, budget_of, virtually

from twelvelabs_async.policy.headers import Advice, read_advice
from twelvelabs_async.policy.limiter import RateLimiter, Turn

MAX_WAIT = 1e9


async def turn_at(gate: RateLimiter) -> Turn:
    return await gate.at_once("c") or await gate.queue("c", max_wait=MAX_WAIT)


class Server:
    """Fixed windows that begin with their first call, honest headers in whole seconds, and a count of refusals."""

    def __init__(self, limit: int, seconds: float, clock: LoopClock) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._opened = -1e12
        self._used = 0
        self.served = 0
        self.refused = 0

    def count(self) -> tuple[int, dict[str, str]]:
        now = self._clock.time()
        if now >= self._opened + self._seconds:
            self._opened, self._used = now, 0
        end = self._opened + self._seconds
        allowed = self._used < self._limit
        self._used += allowed
        self.served += allowed
        self.refused += not allowed
        headers = {
            "Date": formatdate(int(now), usegmt=True),
            "X-Ratelimit-Limit": str(self._limit),
            "X-Ratelimit-Remaining": str(self._limit - self._used),
            "X-Ratelimit-Reset": str(-int(-end // 1)),
        }
        return 200 if allowed else 429, headers


ways = st.floats(0.001, 0.45)  # there and back within the patience that an unmeasured category has
calls = st.lists(st.tuples(st.floats(0.0, 20.0), ways, ways, st.none() | st.floats(0.0, 5.0)), min_size=1, max_size=60)
"""When a call is made, how long it takes there and back, and after how long it is cancelled."""


async def play(limit: int, seconds: float, schedule: list[Any], wrong_by: float) -> tuple[Server, int, float]:
    server = Server(limit, seconds, LoopClock())
    gate = RateLimiter(LoopClock(wrong_by=wrong_by))
    done = 0

    async def call(at: float, there: float, back: float) -> None:
        nonlocal done
        await asyncio.sleep(at)
        async with await turn_at(gate) as turn:
            await asyncio.sleep(there)
            status, headers = server.count()
            await asyncio.sleep(back)
            await turn.answered(status, read_advice(headers, now=gate.clock.time()))
        done += status == 200

    async def run(at: float, there: float, back: float, patience: float | None) -> None:
        task = asyncio.create_task(call(at, there, back))
        if patience is not None:
            await asyncio.wait({task}, timeout=at + patience)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async with asyncio.TaskGroup() as group:
        for one in schedule:
            group.create_task(run(*one))
    lane = gate.lane("c")
    assert (lane.in_flight, lane.waiting) == (0, 0)
    assert not budget_of(gate, "c").flights
    # Whatever has happened: somebody who comes now gets a turn.
    async with asyncio.timeout(10 * seconds + 1000), await turn_at(gate) as turn:
        await turn.answered(200, Advice(server_time=gate.clock.time()))
    return server, done, gate.clock.monotonic()


@given(st.integers(1, 20), st.sampled_from([1.0, 2.5, 3.0, 7.0, 60.0]), calls, st.sampled_from([0.0, 5000.0, -5000.0]))
@settings(max_examples=80)
def test_a_server_that_tells_its_numbers_never_has_to_refuse(
    limit: int, seconds: float, schedule: list[Any], wrong_by: float
) -> None:
    """P4. The clock of the client may be wrong, answers may overtake each other, and callers may lose patience."""
    whole = [(at, there, back, None) for at, there, back, _ in schedule]
    server, done, took = virtually(play(limit, seconds, whole, wrong_by))
    assert server.refused == 0
    assert done == server.served == len(schedule)
    assert took <= 25 + (len(schedule) / limit + 1) * (seconds + 2 + 4) + 4 * len(schedule)


@given(st.integers(1, 20), st.sampled_from([1.0, 3.0, 60.0]), calls)
@settings(max_examples=80)
def test_cancelled_calls_give_their_turn_back_and_nobody_waits_for_ever(
    limit: int, seconds: float, schedule: list[Any]
) -> None:
    """P21. A call that is cancelled on its way may have been counted by the server, unseen; then it may refuse."""
    server, _, _ = virtually(play(limit, seconds, schedule, 0.0))
    assert server.refused <= sum(patience is not None for *_, patience in schedule)


advices = st.dictionaries(
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


@given(st.lists(st.tuples(st.sampled_from([200, 200, 429, 503]), advices), min_size=1, max_size=30))
@settings(max_examples=80)
def test_no_headers_however_odd_stop_a_category_for_longer_than_they_can_mean(
    answers: list[tuple[int, dict[str, str]]],
) -> None:
    """P2, P17: whatever a server has said, calls go on after at most the longest advice that is believed."""

    async def main() -> None:
        gate = RateLimiter(LoopClock(), jitter=lambda: 1.0)
        left = iter(answers)
        nothing: tuple[int, dict[str, str]] = (200, {})

        async def call() -> None:
            async with await turn_at(gate) as turn:
                await asyncio.sleep(0.01)
                status, headers = next(left, nothing)
                await turn.answered(status, read_advice(headers, now=gate.clock.time()))

        async with asyncio.timeout(50 * 86400.0 * len(answers)):
            await asyncio.gather(*(call() for _ in range(len(answers) + 3)))

    virtually(main())

"""A category that is partially loaded from a shared store for each operation behaves like one in memory."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import TypeVar

import attrs
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async._rate_limit.stores.shared import LoadedCategory, parse_state
from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.rate_limits import RateLimitInfo, RequiredWait, WindowInfo

T = TypeVar("T")

EIGHTHS = st.integers(0, 400).map(lambda eighths: eighths / 8)
"""Seconds that are exact as binary fractions."""

COSTS = st.sampled_from([{"request": 1.0}, {"request": 1.0, "duration": 30.0}, {"request": 1.0, "duration": 90.5}])
DIMENSIONS = st.sampled_from(["request", "duration", "token"])
WINDOW_INFOS = st.builds(
    WindowInfo,
    limit=st.none() | st.integers(0, 60),
    remaining=st.none() | st.sampled_from([0, 0, 1, 7, 40]),
    reset=st.none() | st.integers(90, 400).map(float) | st.just(1e13),
)


@attrs.frozen
class Step:
    """An operation, and its delay after the previous one in seconds."""

    delay: float
    operation: str
    call_index: int
    costs: Mapping[str, float]
    windows: Mapping[str, WindowInfo]
    retry_after: float | None
    jitter: float


STEPS = st.builds(
    Step,
    delay=EIGHTHS,
    operation=st.sampled_from(["reserve", "reserve", "accepted", "accepted", "429", "lost", "not sent"]),
    call_index=st.integers(0, 5),
    costs=COSTS,
    windows=st.dictionaries(DIMENSIONS, WINDOW_INFOS, max_size=2),
    retry_after=st.none() | st.integers(1, 100).map(float),
    jitter=st.sampled_from([0.0, 0.25, 1.0]),
)


class BothStates:
    """A state in memory and a stored state, which must return the same results."""

    def __init__(self, lease: float | None) -> None:
        self.lease = lease
        self.now = 100.0
        self.memory = CategoryState()
        self.stored_text = ""
        self.stored_in_flight = dict[int, str]()

    def reserve(self, costs: Mapping[str, float]) -> int | None:
        reserved = self.update(0, lambda state, now: state.reserve(costs, now, self.lease))
        return None if isinstance(reserved, RequiredWait) else reserved

    def record_response(self, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float) -> None:
        self.update(
            reservation_id,
            lambda state, now: state.record_response(
                reservation_id, info, now, rate_limited=rate_limited, jitter=jitter
            ),
        )

    def release(self, reservation_id: int, *, sent: bool) -> None:
        self.update(reservation_id, lambda state, _: state.release(reservation_id, sent=sent))

    def update(self, reservation_id: int, change: Callable[[CategoryState, float], T]) -> T:
        loaded = LoadedCategory(self.stored_text, self.now)
        if loaded.needs_in_flight:
            loaded.load_in_flight(dict(self.stored_in_flight))
        elif reservation_id in self.stored_in_flight:
            loaded.load_in_flight({reservation_id: self.stored_in_flight[reservation_id]})
        result = change(loaded.state, self.now)
        in_flight, text = loaded.changed_in_flight(), loaded.changed_text()
        assert text is not None or not in_flight, "an unchanged state is not written"
        self.stored_text = text or self.stored_text
        self.stored_in_flight |= {key: request for key, request in in_flight.items() if request is not None}
        for key in [key for key, request in in_flight.items() if request is None]:
            del self.stored_in_flight[key]
        assert change(self.memory, self.now) == result
        assert not self.stored_text or parse_state(self.stored_text) == self.memory.to_state()
        assert {key: json.loads(request) for key, request in self.stored_in_flight.items()} == {
            key: attrs.asdict(request) for key, request in self.memory.in_flight.items()
        }
        return result


@given(st.lists(STEPS, max_size=40), st.sampled_from([None, 20.0]))
def test_stored_and_in_memory_states_agree_for_any_server_response(steps: list[Step], lease: float | None) -> None:
    states, in_flight = BothStates(lease), list[int]()
    for step in steps:
        states.now += step.delay
        if step.operation == "reserve":
            reserved = states.reserve(step.costs)
            in_flight += [] if reserved is None else [reserved]
        elif in_flight:
            finish_call(step, in_flight.pop(step.call_index % len(in_flight)), states)


def finish_call(step: Step, reservation_id: int, states: BothStates) -> None:
    if step.operation in {"lost", "not sent"}:
        states.release(reservation_id, sent=step.operation == "lost")
        return
    info = RateLimitInfo(server_time=states.now, retry_after=step.retry_after, windows=step.windows)
    states.record_response(reservation_id, info, rate_limited=step.operation == "429", jitter=step.jitter)


@attrs.define(kw_only=True)
class FakePlatform:
    """A fake platform that counts requests in windows, with or without headers."""

    limit: int
    seconds: float
    headers: bool
    retry_after: bool
    opened_at: float = -1e9
    used: int = 0

    def respond(self, now: float) -> tuple[bool, RateLimitInfo]:
        if now >= self.opened_at + self.seconds:
            self.opened_at, self.used = now, 0
        rate_limited = self.used >= self.limit
        self.used += not rate_limited
        ends_at = self.opened_at + self.seconds
        windows = {
            "request": WindowInfo(limit=self.limit, remaining=self.limit - self.used, reset=float(int(ends_at) + 1))
        }
        retry_after = ends_at - now if rate_limited and self.retry_after else None
        return rate_limited, RateLimitInfo(
            server_time=float(int(now)), retry_after=retry_after, windows=windows if self.headers else {}
        )


PLATFORMS = st.builds(
    FakePlatform,
    limit=st.integers(1, 40),
    seconds=st.sampled_from([4.0, 10.0, 60.0]),
    headers=st.booleans(),
    retry_after=st.booleans(),
)


@given(PLATFORMS, st.integers(0, 2**32), st.sampled_from([None, 20.0]))
def test_stored_and_in_memory_states_agree_over_many_windows(
    platform: FakePlatform, seed: int, lease: float | None
) -> None:
    states, rng, in_flight = BothStates(lease), random.Random(seed), list[int]()  # noqa: S311  # not for cryptography
    for _ in range(150):
        states.now += rng.choice([0.0, 0.0, 1 / 64, 1 / 8, 0.5, 2.5])
        reserved = states.reserve({"request": 1.0}) if rng.random() < 0.6 else None
        if reserved is not None:
            in_flight.append(reserved)
        elif in_flight:
            reservation_id = in_flight.pop(rng.randrange(len(in_flight)))
            if rng.random() < 0.05:
                states.release(reservation_id, sent=rng.random() < 0.5)
            else:
                rate_limited, info = platform.respond(states.now)
                states.record_response(reservation_id, info, rate_limited=rate_limited, jitter=rng.choice([0.0, 0.5]))

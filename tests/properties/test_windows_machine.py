"""P4 for every sequence of events that hypothesis generates, on the arithmetic alone.

A model of the server counts in fixed windows that their first request opens. Its headers are exact, in whole seconds by
its own clock, and report the most constrained window of each dimension. Calls take time to the server and back, arrive
in any order, fail in either direction, or are never sent. Other processes use the same limits; limits change.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RequiredWait, WindowInfo

MANY: Final = st.sampled_from([100, 20, 3, 1])
"""Number of calls that one rule moves."""


@attrs.define
class Counter:
    """One window of the server."""

    dimension: str
    limit: int
    seconds: float
    opened: float = -math.inf
    used: float = 0.0

    @property
    def closes(self) -> float:
        return self.opened + self.seconds

    @property
    def remaining(self) -> float:
        return max(0.0, self.limit - self.used)

    def advance(self, now: float) -> None:
        if now >= self.closes:
            self.opened, self.used = now, 0.0


@attrs.define
class Server:
    """The limits of one category."""

    counters: list[Counter]
    ahead: float
    """Seconds by which its clock is ahead."""

    def respond(self, costs: Costs, now: float) -> tuple[bool, RateLimitInfo]:
        for counter in self.counters:
            counter.advance(now)
        accepted = all(counter.used + costs.get(counter.dimension, 0.0) <= counter.limit for counter in self.counters)
        for counter in self.counters if accepted else ():
            counter.used += costs.get(counter.dimension, 0.0)
        tightest = dict[str, Counter]()
        for counter in sorted(self.counters, key=lambda one: -one.remaining):
            tightest[counter.dimension] = counter
        quotas = {name: self._quota(counter) for name, counter in tightest.items()}
        return accepted, RateLimitInfo(
            server_time=math.floor(now + self.ahead), windows=quotas, retry_after=None if accepted else 1.0
        )

    def _quota(self, counter: Counter) -> WindowInfo:
        reset = math.ceil(counter.closes + self.ahead)
        return WindowInfo(limit=counter.limit, remaining=math.floor(counter.remaining), reset=reset)


@attrs.define
class Call:
    """A call in flight."""

    reservation_id: int
    costs: Costs
    response: tuple[bool, RateLimitInfo] | None = None


class Machine(RuleBasedStateMachine):
    """One state and one server."""

    def __init__(self) -> None:
        super().__init__()
        self.state = CategoryState()
        self.now = 1000.0
        self.calls = list[Call]()
        self.rate_limited = 0
        self.allowance = 0.0
        """429 responses that the state cannot avoid: use by other processes, lower limits, requests without headers."""
        self.server = Server([], 0.0)

    @initialize(
        minute=st.integers(1, 30),
        day=st.none() | st.integers(1, 60),
        media=st.none() | st.integers(5, 60),
        ahead=st.sampled_from([0.0, 59.4, -60.7]),
    )
    def open(self, minute: int, day: int | None, media: int | None, ahead: float) -> None:
        counters = [Counter("request", minute, 60.0)]
        if day is not None:
            counters.append(Counter("request", day + 100, 3600.0))
        if media is not None:
            counters.append(Counter("duration", media, 300.0))
        self.server = Server(counters, ahead)

    @rule(minutes=st.integers(0, 8))
    def round_trip(self, minutes: int) -> None:
        """Send all calls that may be sent, and give all responses."""
        self.send(minutes, 100)
        self.arrive(100, 0)
        self.response(100, 0)

    @rule(minutes=st.integers(0, 8), many=MANY)
    def send(self, minutes: int, many: int) -> None:
        costs = {"request": 1.0, "duration": float(minutes)}
        for _ in range(many):
            reserved = self.state.reserve(costs, self.now)
            if isinstance(reserved, RequiredWait):
                assert reserved.seconds is None or reserved.seconds > 0
                assert reserved.seconds is not None or self.state.in_flight, (
                    "it waits for a response, and no call is in flight"
                )
                return
            self.calls.append(Call(reserved, costs))
            self.allowance += not self._measured(costs)

    def _measured(self, costs: Costs) -> bool:
        """Return whether headers of all dimensions allowed the call."""
        windows = [window for window in self.state.windows.values() if costs.get(window.dimension)]
        dimensions = {counter.dimension for counter in self.server.counters if costs.get(counter.dimension)}
        return {window.dimension for window in windows} == dimensions and all(w.remaining is not None for w in windows)

    def _pick(self, which: int, choose: Callable[[Call], bool]) -> Call | None:
        reserved = [call for call in self.calls if choose(call)]
        return reserved[which % len(reserved)] if reserved else None

    @precondition(lambda self: any(call.response is None for call in self.calls))
    @rule(many=MANY, which=st.integers(0, 100))
    def arrive(self, many: int, which: int) -> None:
        for _ in range(many):
            call = self._pick(which, lambda call: call.response is None)
            if call is not None:
                call.response = self.server.respond(call.costs, self.now)

    @precondition(lambda self: any(call.response is not None for call in self.calls))
    @rule(many=MANY, which=st.integers(0, 100))
    def response(self, many: int, which: int) -> None:
        for _ in range(many):
            call = self._pick(which, lambda call: call.response is not None)
            if call is not None and call.response is not None:
                accepted, info = call.response
                self.rate_limited += not accepted
                self.state.record_response(call.reservation_id, info, self.now, rate_limited=not accepted, jitter=0.0)
                self.calls.remove(call)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 100))
    def fail(self, which: int) -> None:
        call = self._pick(which, lambda _: True)
        assert call is not None
        self.calls.remove(call)
        self.state.release(call.reservation_id, sent=True)

    @precondition(lambda self: any(call.response is None for call in self.calls))
    @rule(which=st.integers(0, 100))
    def never_sent(self, which: int) -> None:
        call = self._pick(which, lambda call: call.response is None)
        assert call is not None
        self.calls.remove(call)
        self.state.release(call.reservation_id, sent=False)

    @rule(seconds=st.sampled_from([0.01, 0.9, 3.0, 20.0, 61.0, 301.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(calls=st.integers(1, 5))
    def others(self, calls: int) -> None:
        for _ in range(calls):
            costs = {"request": 1.0, "duration": 1.0}
            accepted, _ = self.server.respond(costs, self.now)
            self.allowance += 2 * accepted  # a request and a minute, each of which another call may have needed

    @rule(minute=st.integers(1, 30))
    def change(self, minute: int) -> None:
        counter = self.server.counters[0]
        self.allowance += max(0, counter.limit - minute) + len(self.calls)
        counter.limit = minute

    @rule()
    def through_json(self) -> None:
        in_flight = self.state.in_flight
        self.state = CategoryState.from_state(self.state.to_state())
        self.state.in_flight = in_flight

    @invariant()
    def the_sums_match_the_calls(self) -> None:
        assert set(self.state.in_flight) == {call.reservation_id for call in self.calls}
        for dimension, cost in self.state.reserved.items():
            assert cost == sum(call.costs.get(dimension, 0.0) for call in self.calls)
        assert 0 <= self.state.adaptive.earlier_in_flight <= len(self.calls)
        assert 0 <= self.state.adaptive.round_accepted <= self.state.adaptive.round_sent
        assert self.state.in_flight_count == len(self.calls)
        for window in self.state.windows.values():
            later = [call for call in self.calls if call.reservation_id > window.last_id_before_end]
            costs = sum(call.costs.get(window.dimension, 0.0) for call in later)
            assert window.remaining is not None or window.reserved_since_end == costs

    @invariant()
    def only_unavoidable_requests_get_a_429(self) -> None:
        assert self.rate_limited <= self.allowance

    @override
    def teardown(self) -> None:
        """After any sequence of events, when no call is in flight, the next call is sent in time."""
        for call in tuple(self.calls):
            self.state.release(call.reservation_id, sent=True)
        for _ in range(20):
            reserved = self.state.reserve({"request": 1.0, "duration": 1.0}, self.now)
            if not isinstance(reserved, RequiredWait):
                return
            assert reserved.seconds is not None, "it waits for a response, and no call is in flight"
            self.now += reserved.seconds
        raise AssertionError("the call is never sent")


TestMachine: Any = Machine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=50)

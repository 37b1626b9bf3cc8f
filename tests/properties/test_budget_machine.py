"""P4 for every course of events that hypothesis can think of, on the arithmetic alone.

A model of the server counts in fixed windows that begin with their first call. It tells its numbers honestly, in whole
seconds and by a clock of its own, sometimes only those of its tightest window. Calls take their time there and back,
overtake each other, fail on either way, or are never sent. Others draw on the same quota; limits change.
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

from twelvelabs_async.policy.budget import Budget, Costs
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.pace import Wait

MANY: Final = st.sampled_from([100, 20, 3, 1])
"""How many calls take a step together."""


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
    """The quota of one category."""

    counters: list[Counter]
    ahead: float
    """Seconds by which its clock is wrong."""

    def ask(self, costs: Costs, now: float) -> tuple[bool, Advice]:
        for counter in self.counters:
            counter.advance(now)
        fits = all(counter.used + costs.get(counter.dimension, 0.0) <= counter.limit for counter in self.counters)
        for counter in self.counters if fits else ():
            counter.used += costs.get(counter.dimension, 0.0)
        tightest = dict[str, Counter]()
        for counter in sorted(self.counters, key=lambda one: -one.remaining):
            tightest[counter.dimension] = counter
        quotas = {name: self._quota(counter) for name, counter in tightest.items()}
        return fits, Advice(server_time=math.floor(now + self.ahead), quotas=quotas, retry_after=None if fits else 1.0)

    def _quota(self, counter: Counter) -> Quota:
        reset = math.ceil(counter.closes + self.ahead)
        return Quota(limit=counter.limit, remaining=math.floor(counter.remaining), reset=reset)


@attrs.define
class Call:
    """A call on its way."""

    ticket: int
    costs: Costs
    answer: tuple[bool, Advice] | None = None


class Machine(RuleBasedStateMachine):
    """One budget, one server."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget()
        self.now = 1000.0
        self.calls = list[Call]()
        self.refused = 0
        self.excuses = 0.0
        """Refusals that nobody could have foreseen: what others took, a limit that fell, calls that feel the way."""
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
    def there_and_back(self, minutes: int) -> None:
        """All that may go goes, and is answered at once."""
        self.leave(minutes, 100)
        self.arrive(100, 0)
        self.answer(100, 0)

    @rule(minutes=st.integers(0, 8), many=MANY)
    def leave(self, minutes: int, many: int) -> None:
        costs = {"request": 1.0, "duration": float(minutes)}
        for _ in range(many):
            found = self.budget.reserve(costs, self.now)
            if isinstance(found, Wait):
                assert found.seconds is None or found.seconds > 0
                assert found.seconds is not None or self.budget.flights, "it waits for news that nobody will bring"
                return
            self.calls.append(Call(found, costs))
            self.excuses += not self._measured(costs)

    def _measured(self, costs: Costs) -> bool:
        """Whether numbers said that the call may go, and not one's luck."""
        told = [window for window in self.budget.windows if costs.get(window.dimension)]
        dimensions = {counter.dimension for counter in self.server.counters if costs.get(counter.dimension)}
        return {window.dimension for window in told} == dimensions and all(w.seen is not None for w in told)

    def _pick(self, which: int, choose: Callable[[Call], bool]) -> Call | None:
        found = [call for call in self.calls if choose(call)]
        return found[which % len(found)] if found else None

    @precondition(lambda self: any(call.answer is None for call in self.calls))
    @rule(many=MANY, which=st.integers(0, 100))
    def arrive(self, many: int, which: int) -> None:
        for _ in range(many):
            call = self._pick(which, lambda call: call.answer is None)
            if call is not None:
                call.answer = self.server.ask(call.costs, self.now)

    @precondition(lambda self: any(call.answer is not None for call in self.calls))
    @rule(many=MANY, which=st.integers(0, 100))
    def answer(self, many: int, which: int) -> None:
        for _ in range(many):
            call = self._pick(which, lambda call: call.answer is not None)
            if call is not None and call.answer is not None:
                fits, advice = call.answer
                self.refused += not fits
                self.budget.settle(call.ticket, advice, self.now, refused=not fits, jitter=0.0)
                self.calls.remove(call)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 100))
    def fail(self, which: int) -> None:
        call = self._pick(which, lambda _: True)
        assert call is not None
        self.calls.remove(call)
        self.budget.release(call.ticket, sent=True)

    @precondition(lambda self: any(call.answer is None for call in self.calls))
    @rule(which=st.integers(0, 100))
    def never_sent(self, which: int) -> None:
        call = self._pick(which, lambda call: call.answer is None)
        assert call is not None
        self.calls.remove(call)
        self.budget.release(call.ticket, sent=False)

    @rule(seconds=st.sampled_from([0.01, 0.9, 3.0, 20.0, 61.0, 301.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(calls=st.integers(1, 5))
    def others(self, calls: int) -> None:
        for _ in range(calls):
            costs = {"request": 1.0, "duration": 1.0}
            fits, _ = self.server.ask(costs, self.now)
            self.excuses += 2 * fits  # a request and a minute, each of which may have been another call's

    @rule(minute=st.integers(1, 30))
    def change(self, minute: int) -> None:
        counter = self.server.counters[0]
        self.excuses += max(0, counter.limit - minute) + len(self.calls)
        counter.limit = minute

    @rule()
    def through_json(self) -> None:
        self.budget = Budget.from_state(self.budget.to_state())

    @invariant()
    def the_sums_are_those_of_the_calls(self) -> None:
        assert set(self.budget.flights) == {call.ticket for call in self.calls}
        for dimension, cost in self.budget.flying.items():
            assert cost == sum(call.costs.get(dimension, 0.0) for call in self.calls)
        assert 0 <= self.budget.pace.out <= len(self.calls)

    @invariant()
    def the_server_refuses_no_more_than_nobody_could_foresee(self) -> None:
        assert self.refused <= self.excuses

    @override
    def teardown(self) -> None:
        """Whatever has happened: when all is answered, the next call gets its turn in time."""
        for call in tuple(self.calls):
            self.budget.release(call.ticket, sent=True)
        for _ in range(20):
            found = self.budget.reserve({"request": 1.0, "duration": 1.0}, self.now)
            if not isinstance(found, Wait):
                return
            assert found.seconds is not None, "nobody is left who could bring news"
            self.now += found.seconds
        raise AssertionError("it never gets its turn")


TestMachine: Any = Machine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=50)

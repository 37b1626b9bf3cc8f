"""The script that Redis runs does what the Python does, whatever happens, to the last bit of the state."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from lupa.lua51 import (  # type: ignore[import-untyped]  # its stubs are a package of their own
    LuaRuntime,
    lua_type,
)

from twelvelabs_async.policy.budget import Budget
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.stores import redis as store

EIGHTHS = st.integers(0, 400).map(lambda eighths: eighths / 8)
"""Seconds that a binary fraction holds exactly."""

COSTS = st.sampled_from([{"request": 1.0}, {"request": 1.0, "duration": 30.0}, {"request": 1.0, "duration": 90.5}])
DIMENSIONS = st.sampled_from(["request", "duration", "token"])
QUOTAS = st.builds(
    Quota,
    limit=st.none() | st.integers(0, 60),
    remaining=st.none() | st.sampled_from([0, 0, 1, 7, 40]),
    reset=st.none() | st.integers(90, 400).map(float) | st.just(1e13),
)


@attrs.frozen
class Step:
    """Something that happens after some time."""

    after: float
    do: str
    which: int
    costs: Mapping[str, float]
    quotas: Mapping[str, Quota]
    retry_after: float | None
    jitter: float


STEPS = st.builds(
    Step,
    after=EIGHTHS,
    do=st.sampled_from(["reserve", "reserve", "answer", "answer", "refuse", "lose", "cancel"]),
    which=st.integers(0, 5),
    costs=COSTS,
    quotas=st.dictionaries(DIMENSIONS, QUOTAS, max_size=2),
    retry_after=st.none() | st.integers(1, 100).map(float),
    jitter=st.sampled_from([0.0, 0.25, 1.0]),
)


class Server:
    """As much of Redis as the script asks for: a clock, and a hash that keeps Lua tables as they are."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lua: Any = LuaRuntime(unpack_returned_tuples=True)
        setup = """
            local kept = nil
            function state() return kept end
            cjson = {encode = function(t) return t end, decode = function(t) return t end}
            redis = {call = function(name, ...)
                if name == 'TIME' then return {seconds(), micros()} end
                if name == 'HGET' then return kept or false end
                if name == 'HSET' then kept = select(3, ...) end
            end}
        """
        self.lua.globals().seconds = lambda: str(int(self.now))
        self.lua.globals().micros = lambda: str(round(self.now % 1 * 1_000_000))
        self.lua.execute(setup)
        self._run: Callable[[], Any] = self.lua.eval(f"function() {store.SCRIPT} end")

    def call(self, arguments: list[str]) -> Any:
        tables = self.lua.globals()
        tables.KEYS, tables.ARGV = self.lua.table("tl"), self.lua.table(*arguments)
        answer = self._run()
        return list(answer.values()) if lua_type(answer) == "table" else answer

    @property
    def state(self) -> Any:
        return plain(self.lua.globals().state())


def plain(value: Any) -> Any:
    """A Lua table as a dictionary."""
    return {str(key): plain(inner) for key, inner in value.items()} if lua_type(value) == "table" else value


def without_none(value: Any) -> Any:
    """A state as Lua keeps it: what is None is not there, and a list counts from one."""
    if isinstance(value, list):
        return {str(at): without_none(inner) for at, inner in enumerate(value, 1)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, dict):
        return {str(key): without_none(inner) for key, inner in value.items() if inner is not None}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value


class Both:
    """The Python and the Lua, which are asked the same and must say the same."""

    def __init__(self, lease: float | None) -> None:
        self.lease = lease
        self.budget = Budget()
        self.server = Server()
        self.now = 100.0

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.server.now = self.now

    def reserve(self, costs: Mapping[str, float]) -> int | None:
        ours = self.budget.reserve(costs, self.now, self.lease)
        assert store.found(self.server.call(store.reserve_arguments("x", costs, self.lease))) == ours
        self.compare()
        return None if isinstance(ours, Wait) else ours

    def settle(self, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        self.budget.settle(ticket, advice, self.now, refused=refused, jitter=jitter)
        self.server.call(store.settle_arguments("x", ticket, advice, refused=refused, jitter=jitter))
        self.compare()

    def release(self, ticket: int, *, sent: bool) -> None:
        self.budget.release(ticket, sent=sent)
        self.server.call(store.release_arguments("x", ticket, sent=sent))
        self.compare()

    def compare(self) -> None:
        assert self.server.state == without_none(self.budget.to_state())


@given(st.lists(STEPS, max_size=40), st.sampled_from([None, 20.0]))
def test_lua_and_python_agree_whatever_servers_say(steps: list[Step], lease: float | None) -> None:
    both, flying = Both(lease), list[int]()
    for step in steps:
        both.wait(step.after)
        if step.do == "reserve":
            ticket = both.reserve(step.costs)
            flying += [] if ticket is None else [ticket]
        elif flying:
            _end(step, flying.pop(step.which % len(flying)), both)


def _end(step: Step, ticket: int, both: Both) -> None:
    if step.do in {"lose", "cancel"}:
        both.release(ticket, sent=step.do == "lose")
        return
    advice = Advice(server_time=both.now, retry_after=step.retry_after, quotas=step.quotas)
    both.settle(ticket, advice, refused=step.do == "refuse", jitter=step.jitter)


@attrs.define(kw_only=True)
class Platform:
    """Counts requests in windows, and tells of it or not."""

    limit: int
    seconds: float
    headers: bool
    retry_after: bool
    opened: float = -1e9
    used: int = 0

    def answer(self, now: float) -> tuple[bool, Advice]:
        if now >= self.opened + self.seconds:
            self.opened, self.used = now, 0
        refused = self.used >= self.limit
        self.used += not refused
        ends = self.opened + self.seconds
        told = {"request": Quota(limit=self.limit, remaining=self.limit - self.used, reset=float(int(ends) + 1))}
        wait = ends - now if refused and self.retry_after else None
        return refused, Advice(server_time=float(int(now)), retry_after=wait, quotas=told if self.headers else {})


PLATFORMS = st.builds(
    Platform,
    limit=st.integers(1, 40),
    seconds=st.sampled_from([4.0, 10.0, 60.0]),
    headers=st.booleans(),
    retry_after=st.booleans(),
)


@given(PLATFORMS, st.integers(0, 2**32), st.sampled_from([None, 20.0]))
def test_lua_and_python_agree_through_many_windows_of_a_platform(
    platform: Platform, seed: int, lease: float | None
) -> None:
    both, chance, flying = Both(lease), random.Random(seed), list[int]()  # noqa: S311  # dice
    for _ in range(150):
        both.wait(chance.choice([0.0, 0.0, 1 / 64, 1 / 8, 0.5, 2.5]))
        ticket = both.reserve({"request": 1.0}) if chance.random() < 0.6 else None
        if ticket is not None:
            flying.append(ticket)
        elif flying:
            done = flying.pop(chance.randrange(len(flying)))
            if chance.random() < 0.05:
                both.release(done, sent=chance.random() < 0.5)
            else:
                refused, advice = platform.answer(both.now)
                both.settle(done, advice, refused=refused, jitter=chance.choice([0.0, 0.5]))

"""Scenarios: searches under one limit, in virtual or real time."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import attrs

from benchmarks.limits.clients import CLIENTS, Target
from benchmarks.limits.stats import RequestRecord, RunStats, fixed_windows, ideal_duration, utilization
from benchmarks.limits.virtual_time import LoopClock, run_in_virtual_time
from benchmarks.limits.work import run_concurrently
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

MODELS: Final[list[dict[str, Any]]] = [{"model_name": "marengo3.0", "model_options": ["visual"]}]


@attrs.frozen(kw_only=True)
class Scenario:
    """A number of searches under one limit."""

    name: str
    """Name for `--only`."""
    label: str
    """Heading of the table."""
    calls: int
    """Number of searches."""
    limit: int
    """Searches allowed in each window."""
    seconds: float = 60.0
    """Length of a window, in seconds."""
    real_time_seconds: float = 2.0
    """Length of a window with `--real`, in seconds."""
    latency: float = 0.05
    """Seconds until the server counts a request."""
    concurrency: int | None = None
    """Maximum number of concurrent calls; None is all calls."""
    max_pause: float = 0.0
    """Maximum of the random pause before each call, in seconds."""
    clients: int = 1
    """Independent clients that share the work; `twelvelabs_async` shares an SQLite file."""
    headers: Literal["plain", "dimension", "none"] = "plain"
    """Rate-limit headers of the emulator."""
    retry_after: bool = True
    """Whether a 429 has a Retry-After header."""


SCENARIOS: Final = (
    Scenario(name="burst", label="200 searches at once, 40 a window, headers on", calls=200, limit=40),
    Scenario(
        name="dimension",
        label="the same, headers with a dimension",
        calls=200,
        limit=40,
        headers="dimension",
    ),
    Scenario(name="silent", label="the same, no headers but Retry-After", calls=200, limit=40, headers="none"),
    Scenario(
        name="mute",
        label="the same, no headers at all",
        calls=200,
        limit=40,
        headers="none",
        retry_after=False,
    ),
    Scenario(
        name="shared",
        label="300 searches by 4 clients of 20 tasks, 50 a window, limits shared in one SQLite file",
        calls=300,
        limit=50,
        concurrency=80,
        clients=4,
    ),
    Scenario(name="steady", label="900 searches, 16 at once, 60 a window", calls=900, limit=60, concurrency=16),
)

CHART_SCENARIO: Final = Scenario(
    name="chart",
    label="200 searches by 24 workers, 40 a window of 20 s",
    calls=200,
    limit=40,
    seconds=20.0,
    latency=0.1,
    concurrency=24,
    max_pause=14.0,
)
"""The scenario of the chart in the documentation; the demand always exceeds the limit."""


@attrs.frozen
class RunResult:
    """The result of one run of a scenario."""

    stats: RunStats
    """Its figures."""
    records: list[RequestRecord]
    """All requests."""
    seconds: float
    """Length of a window, in seconds."""


def run_scenario(scenario: Scenario, client_name: str, *, seed: int, real_time: bool = False) -> RunResult:
    """Run a scenario with one client."""
    random.seed(seed)  # for clients that use the global generator
    rng = random.Random(seed)  # noqa: S311  # not for cryptography
    if real_time:
        return asyncio.run(_run_scenario(scenario, client_name, scenario.real_time_seconds, rng))
    return run_in_virtual_time(_run_scenario(scenario, client_name, scenario.seconds, rng))


async def _run_scenario(scenario: Scenario, client_name: str, seconds: float, rng: random.Random) -> RunResult:
    clock = LoopClock()
    plan = Plan(
        windows={"search": Window(scenario.limit, seconds)}, headers=scenario.headers, retry_after=scenario.retry_after
    )
    async with Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan) as emulator:
        target = await prepare_target(emulator, clock)
        emulator.faults.add("POST /search", delay=scenario.latency, times=None)
        async with AsyncExitStack() as stack:
            if scenario.clients > 1:
                folder = stack.enter_context(TemporaryDirectory())
                target = attrs.evolve(target, rate_limit_store=f"sqlite:///{folder}/limits.db")
            clients = [await stack.enter_async_context(CLIENTS[client_name](target)) for _ in range(scenario.clients)]
            await asyncio.sleep(rng.random())  # windows do not start on a full second
            start, started_at = clock.monotonic(), clock.time()

            async def call(number: int) -> None:
                await asyncio.sleep(rng.random() * scenario.max_pause)
                await clients[number % scenario.clients].search()

            failed = await run_concurrently(call, scenario.calls, scenario.concurrency or scenario.calls)
            duration = clock.monotonic() - start
        records = [
            RequestRecord(request.time - started_at + scenario.latency, request.status == 429)
            for request in emulator.requests.for_operation("POST /search")
        ]
    windows = fixed_windows(records, seconds)
    stats = RunStats(
        calls=scenario.calls,
        failed=failed,
        rate_limited=sum(record.rate_limited for record in records),
        duration=duration,
        ideal=ideal_duration(scenario.calls, scenario.limit, seconds, scenario.latency),
        utilization=utilization(windows, scenario.limit, seconds),
    )
    return RunResult(stats, records, seconds)


async def prepare_target(emulator: Emulator, clock: LoopClock | None = None) -> Target:
    """Create an index for searches, and return the target for clients."""
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        index = await client.indexes.create(index_name="one", models=MODELS)
    return Target(base_url=emulator.base_url, api_key=emulator.api_key, index_id=index.id, clock=clock)

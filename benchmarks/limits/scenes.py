"""The work and the limits it meets."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import attrs

from benchmarks.limits.callers import CALLERS, Place
from benchmarks.limits.figures import Figures, Mark, ideal, used, windows
from benchmarks.limits.virtual import LoopClock, virtually
from benchmarks.limits.work import work
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window

MODELS: Final[list[dict[str, Any]]] = [{"model_name": "marengo3.0", "model_options": ["visual"]}]


@attrs.frozen(kw_only=True)
class Scene:
    """So many searches under one limit."""

    name: str
    """What `--only` takes."""
    label: str
    """What the table says above it."""
    calls: int
    """Searches to make."""
    limit: int
    """Searches allowed in each window."""
    seconds: float = 60.0
    """Length of a window."""
    real_seconds: float = 2.0
    """Length of a window where time is real."""
    latency: float = 0.05
    """Seconds that each request is on its way before it is counted."""
    at_once: int | None = None
    """Calls wanted at a time; all of them unless told."""
    pause: float = 0.0
    """Seconds at most that are spent on something else before each call, by chance."""
    clients: int = 1
    """Clients that do not know each other and share the work; ours share a budget in a file."""
    headers: Literal["plain", "dimension", "none"] = "plain"
    """What answers tell."""
    retry_after: bool = True
    """Whether a refusal names a time."""


SCENES: Final = (
    Scene(name="burst", label="200 searches at once, 40 a window, headers on", calls=200, limit=40),
    Scene(
        name="dimension",
        label="the same, headers of the other family",
        calls=200,
        limit=40,
        headers="dimension",
    ),
    Scene(name="silent", label="the same, no headers but Retry-After", calls=200, limit=40, headers="none"),
    Scene(
        name="mute",
        label="the same, nothing told at all",
        calls=200,
        limit=40,
        headers="none",
        retry_after=False,
    ),
    Scene(
        name="shared",
        label="300 searches by 4 clients of 20 tasks, 50 a window, our budget in one SQLite file",
        calls=300,
        limit=50,
        at_once=80,
        clients=4,
    ),
    Scene(name="steady", label="900 searches, 16 at once, 60 a window", calls=900, limit=60, at_once=16),
)

PICTURED: Final = Scene(
    name="picture",
    label="200 searches by 24 workers, 40 a window of 20 s",
    calls=200,
    limit=40,
    seconds=20.0,
    latency=0.1,
    at_once=24,
    pause=14.0,
)
"""What the picture in the docs shows: more is wanted than is allowed, all the time."""


@attrs.frozen
class Run:
    """One run of a scene."""

    figures: Figures
    """What it took."""
    marks: list[Mark]
    """Every request."""
    seconds: float
    """Length of a window."""


def play(scene: Scene, caller: str, *, seed: int, real: bool = False) -> Run:
    """Let one of the callers do the work."""
    random.seed(seed)  # for the waits of whoever takes them from there
    chance = random.Random(seed)  # noqa: S311  # dice, not keys
    if real:
        return asyncio.run(_play(scene, caller, scene.real_seconds, chance))
    return virtually(_play(scene, caller, scene.seconds, chance))


async def _play(scene: Scene, caller: str, seconds: float, chance: random.Random) -> Run:
    clock = LoopClock()
    plan = Plan(windows={"search": Window(scene.limit, seconds)}, headers=scene.headers, retry_after=scene.retry_after)
    async with Emulator(timing=Timing(asset=0, indexing=0), clock=clock, plan=plan) as emulator:
        place = await ready(emulator, clock)
        emulator.faults.add("POST /search", delay=scene.latency, times=None)
        async with AsyncExitStack() as stack:
            if scene.clients > 1:
                folder = stack.enter_context(TemporaryDirectory())
                place = attrs.evolve(place, budget=f"sqlite:///{folder}/budget.db")
            callers = [await stack.enter_async_context(CALLERS[caller](place)) for _ in range(scene.clients)]
            await asyncio.sleep(chance.random())  # windows do not begin with a second
            start, began = clock.monotonic(), clock.time()

            async def one(number: int) -> None:
                await asyncio.sleep(chance.random() * scene.pause)
                await callers[number % scene.clients].search()

            failed = await work(one, scene.calls, scene.at_once or scene.calls)
            wall = clock.monotonic() - start
        marks = [
            Mark(received.time - began + scene.latency, received.status == 429)
            for received in emulator.requests.of("POST /search")
        ]
    found = windows(marks, seconds)
    figures = Figures(
        calls=scene.calls,
        failed=failed,
        refused=sum(mark.refused for mark in marks),
        wall=wall,
        ideal=ideal(scene.calls, scene.limit, seconds, scene.latency),
        used=used(found, scene.limit, seconds),
    )
    return Run(figures, marks, seconds)


async def ready(emulator: Emulator, clock: LoopClock | None = None) -> Place:
    """An emulator with an index to search, whose answers take their time."""
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        index = await client.indexes.create(index_name="one", models=MODELS)
    return Place(base_url=emulator.base_url, api_key=emulator.api_key, index_id=index.id, clock=clock)

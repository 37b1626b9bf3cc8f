"""Many concurrent calls with random faults and cancellations; `python -m benchmarks.soak --storm` runs longer."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from support import LoopClock, run_in_virtual_time

from twelvelabs_async import AsyncTwelveLabs, TwelveLabsError
from twelvelabs_async.emulator import Emulator, Plan, Timing, Window, samples

CALLERS = 20
FAULTS: tuple[dict[str, Any], ...] = ({"status": 503}, {"reset": "before"}, {"reset": "after"}, {"truncate": True})
SECONDS = 15.0
"""Seconds of virtual time."""
FILM = samples.video(3, size=100_000)


async def run_calls() -> tuple[Counter[str], int, list[str]]:
    """Return the numbers of results, errors and cancellations, the permits in use, and the remaining tasks."""
    clock, rng, outcomes = LoopClock(), random.Random(7), Counter[str]()  # noqa: S311  # no secret
    plan = Plan(windows={"search": Window(40, 5), "upload": Window(30, 5)})
    async with Emulator(clock=clock, plan=plan, timing=Timing(asset=0, indexing=0), inspect_media=False) as emulator:
        for seed, fault in enumerate(FAULTS):
            emulator.faults.add("*", probability=0.05, seed=seed, times=None, **fault)
        emulator.faults.add("*", probability=0.2, seed=9, times=None, delay=1.5)
        async with AsyncTwelveLabs(
            emulator.api_key, base_url=emulator.base_url, clock=clock, max_wait=5, timeout=20
        ) as client:

            async def stream() -> None:
                video = {"type": "asset_id", "asset_id": "0" * 24}
                await client.analyze_stream(video=video, prompt="What happens?").text()

            calls: list[Callable[[], Awaitable[object]]] = [
                client.indexes.list,
                lambda: client.assets.upload(FILM, filename="a.mp4"),
                lambda: client.assets.upload(FILM, filename="a.mp4", method="multipart"),
                lambda: client.search.query(index_id="0" * 24, search_options=["visual"], query_text="a boat"),
                stream,
            ]

            async def run_caller() -> None:
                while clock.monotonic() < SECONDS:
                    timeout = rng.uniform(0.0, 3.0) if rng.random() < 0.3 else None
                    try:
                        async with asyncio.timeout(timeout):
                            await rng.choice(calls)()
                        outcomes["result"] += 1
                    except TimeoutError as error:
                        outcomes["error" if isinstance(error, TwelveLabsError) else "cancelled"] += 1
                    except TwelveLabsError:
                        outcomes["error"] += 1
                    await asyncio.sleep(rng.uniform(0.0, 0.5))

            await asyncio.gather(*(run_caller() for _ in range(CALLERS)))
            permits = sum(limits.in_flight + limits.waiting for limits in client.limits.values())
        while emulator.in_flight:  # requests of cancelled calls
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    return outcomes, permits, [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]


def test_p21_many_faults_and_cancellations_leak_no_permits_or_tasks() -> None:
    outcomes, permits, tasks = run_in_virtual_time(run_calls())
    assert (permits, tasks) == (0, [])
    assert outcomes["result"] > CALLERS
    assert outcomes["error"] > CALLERS
    assert outcomes["cancelled"] > CALLERS

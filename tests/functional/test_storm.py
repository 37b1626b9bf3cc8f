"""A short storm: many callers, random faults and cancellations; `python -m benchmarks.soak --storm` is the long one."""

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
"""Virtual time."""
FILM = samples.video(3, size=100_000)


async def storm() -> tuple[Counter[str], int, list[str]]:
    """Return how the calls ended, and the permits and the tasks that are left."""
    clock, chance, ends = LoopClock(), random.Random(7), Counter[str]()  # noqa: S311  # no secret
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

            async def caller() -> None:
                while clock.monotonic() < SECONDS:
                    timeout = chance.uniform(0.0, 3.0) if chance.random() < 0.3 else None
                    try:
                        async with asyncio.timeout(timeout):
                            await chance.choice(calls)()
                        ends["result"] += 1
                    except TimeoutError as error:
                        ends["error" if isinstance(error, TwelveLabsError) else "cancelled"] += 1
                    except TwelveLabsError:
                        ends["error"] += 1
                    await asyncio.sleep(chance.uniform(0.0, 0.5))

            await asyncio.gather(*(caller() for _ in range(CALLERS)))
            permits = sum(limits.in_flight + limits.waiting for limits in client.limits.values())
        while emulator.in_flight:  # requests of callers who have gone
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    return ends, permits, [repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()}]


def test_p21_many_faults_and_cancellations_leak_no_permits_or_tasks() -> None:
    ends, permits, tasks = run_in_virtual_time(storm())
    assert (permits, tasks) == (0, [])
    assert ends["result"] > CALLERS
    assert ends["error"] > CALLERS
    assert ends["cancelled"] > CALLERS

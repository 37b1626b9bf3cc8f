"""What it costs to reserve and to settle, in each place where budgets are kept."""

from __future__ import annotations

import time
from statistics import median
from typing import Final

from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.store import BudgetStore, MemoryStore
from twelvelabs_async.policy.stores import open_store

ROUNDS: Final = 5
CALLS: Final = 1000
"""In each round, one after the other."""

COSTS: Final = {"request": 1.0, "duration": 0.5, "token": 300.0}
"""Three dimensions; each is told with a window."""


async def overhead(address: str | None) -> tuple[float, float]:
    """Seconds of one reserve and one settle, and of the processor of this process: medians of the rounds' means."""
    store = MemoryStore(time.monotonic) if address is None else open_store(address, "overhead", time.time)
    rounds = [await _round(store) for _ in range(ROUNDS)]
    await store.aclose()
    return median(wall for wall, _ in rounds), median(cpu for _, cpu in rounds)


async def _round(store: BudgetStore) -> tuple[float, float]:
    now = time.time()
    quotas = {name: Quota(limit=10**7, remaining=10**7 - 10**4, reset=now + 3600) for name in COSTS}
    advice = Advice(server_time=now, quotas=quotas)
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        ticket = await store.reserve("analyze", COSTS)
        assert isinstance(ticket, int)
        await store.settle("analyze", ticket, advice, refused=False, jitter=0.0)
    return (time.perf_counter() - start) / CALLS, (time.process_time() - cpu) / CALLS

"""An ingestion uses what a limit allows, and not a request more, also for the statuses of what is on its way."""

from __future__ import annotations

import pytest
from small_platform import INDEX, Fate, MortalLedger, Platform, mortal_api
from support import LoopClock, virtually

from twelvelabs_async.ingest import Ingestion, Job

MINUTE = 60.0


async def paced(count: int, per_minute: int) -> Platform:
    """Ingest so many addresses under a limit of uploads a minute."""
    platform = Platform(LoopClock(), limit=per_minute)
    sources = [f"https://example.test/{number}.mp4" for number in range(count)]
    job = Job(index_id=INDEX, ledger=MortalLedger())
    summary = await Ingestion(mortal_api(platform, Fate()), sources, job).summary()
    assert summary.ready == count
    return platform


@pytest.mark.parametrize("per_minute", [60, 240])
def test_an_upload_limit_is_used_to_at_least_97_percent(per_minute: int) -> None:
    platform = virtually(paced(10 * per_minute, per_minute))
    first, last = platform.created[0], platform.created[-1]
    ideal = 9 * MINUTE  # ten windows, of which the last is used at once
    assert ideal / (last - first) >= 0.97
    assert platform.refused <= 0.01 * len(platform.created)


def test_statuses_of_many_cost_few_requests() -> None:
    platform = virtually(paced(600, 60))
    single = [one for one in platform.requests if one.startswith("GET /assets/") or "indexed-assets/" in one]
    lists = [one for one in platform.requests if one in {"GET /assets", f"GET /indexes/{INDEX}/indexed-assets"}]
    assert len(single) <= 600 / 5, "most are seen in lists, though these lag behind"
    assert len(lists) <= 10 * 60 * 4, "more than four looks a second"

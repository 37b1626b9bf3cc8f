"""An ingestion uses its upload limit, gets few 429 responses and sends few status requests."""

from __future__ import annotations

import pytest
from fake_platform import INDEX, CrashingLedger, CrashPlan, FakePlatform, crashing_executor
from support import LoopClock, run_in_virtual_time

from twelvelabs_async.ingest import Ingestion
from twelvelabs_async.ingest._pipeline import IngestConfig

MINUTE = 60.0


async def ingest_with_limit(count: int, per_minute: int) -> FakePlatform:
    """Ingest `count` URLs with a limit of `per_minute` uploads per minute."""
    platform = FakePlatform(LoopClock(), assets_per_minute=per_minute)
    sources = [f"https://example.test/{number}.mp4" for number in range(count)]
    job = IngestConfig(index_id=INDEX, ledger=CrashingLedger())
    summary = await Ingestion(crashing_executor(platform, CrashPlan()), sources, job).summary()
    assert summary.ready == count
    return platform


@pytest.mark.parametrize("per_minute", [60, 240])
def test_p4_an_upload_limit_is_used_to_at_least_97_percent(per_minute: int) -> None:
    platform = run_in_virtual_time(ingest_with_limit(10 * per_minute, per_minute))
    first, last = platform.asset_times[0], platform.asset_times[-1]
    ideal = 9 * MINUTE  # ten windows; the last one is used when it opens
    assert ideal / (last - first) >= 0.97
    assert platform.rejected_count <= 0.01 * len(platform.asset_times)


def test_polling_many_items_needs_few_requests() -> None:
    platform = run_in_virtual_time(ingest_with_limit(600, 60))
    lookups = [
        request for request in platform.requests if request.startswith("GET /assets/") or "indexed-assets/" in request
    ]
    lists = [
        request for request in platform.requests if request in {"GET /assets", f"GET /indexes/{INDEX}/indexed-assets"}
    ]
    assert len(lookups) <= 600 / 5, "lists return most statuses, although with a delay"
    assert len(lists) <= 10 * 60 * 4, "more than four list requests a second"

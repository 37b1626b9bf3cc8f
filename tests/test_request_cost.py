"""The cost of a GET request in Python function calls, which, unlike time, does not depend on the machine."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import pytest

from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from benchmarks.counting import CallCounter

REPOSITORY: Final = Path(__file__).parent.parent
COUNTING: Final = REPOSITORY / "benchmarks" / "counting.py"

MAX_CALLS_OVER_AIOHTTP: Final = 40
"""About 26 on CPython 3.11, where aiohttp alone makes 170 calls; the rest is margin for other versions of both."""
MAX_MODULES: Final = 9
MAX_COROUTINES: Final = 8


@pytest.mark.skipif(not COUNTING.exists(), reason="the benchmarks are not installed")
@pytest.mark.parametrize("limit_headers", [False, True], ids=["no limit headers", "limit headers"])
def test_a_get_request_calls_few_more_functions_than_aiohttp_alone(
    monkeypatch: pytest.MonkeyPatch, *, limit_headers: bool
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(REPOSITORY)])
    from benchmarks.counting import MODELS, CallCounter, count_requests, server  # noqa: PLC0415  # needs the changed sys.path

    async def count(api_key: str, base_url: str) -> tuple[CallCounter, CallCounter]:
        async with (
            AsyncTwelveLabs(api_key, base_url=base_url) as client,
            aiohttp.ClientSession(headers={"x-api-key": api_key}) as session,
        ):
            index = await client.indexes.create(index_name="counting", models=MODELS)

            async def get_with_aiohttp() -> None:
                async with session.get(f"{base_url}/indexes/{index.id}") as response:
                    json.loads(await response.read())

            # Sequential: of concurrent requests, a varying number would wait for a permit and make more calls.
            return (
                await count_requests(get_with_aiohttp, CallCounter(), tasks=1),
                await count_requests(lambda: client.indexes.retrieve(index.id), CallCounter(), tasks=1),
            )

    with server(limit_headers=limit_headers) as emulator:
        aiohttp_stats, stats = asyncio.run(count(emulator.api_key, emulator.base_url), debug=False)
    assert (stats.calls - aiohttp_stats.calls) / stats.requests <= MAX_CALLS_OVER_AIOHTTP, stats.modules
    assert len(stats.modules) <= MAX_MODULES, sorted(stats.modules)
    assert len(stats.coroutines) <= MAX_COROUTINES, sorted(stats.coroutines)

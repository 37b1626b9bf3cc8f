"""Every method against a mock that generates responses from the published description: `nox -s prism`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import attrs
import pytest
from scenarios import SCENARIOS, Harness, Scenario
from support import FastClock
from typing_extensions import override

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.models import CompletedChunk, UploadSession

T = TypeVar("T")

BASE_URL = os.environ.get("TWELVELABS_PRISM")

pytestmark = pytest.mark.skipif(BASE_URL is None, reason="no mock server; see `nox -s prism`")


class CallEnded(Exception):  # noqa: N818  # ends a scenario and is not an error
    """The call of the scenario has its response."""


@attrs.define(kw_only=True)
class DryRunHarness(Harness):
    """Runs scenarios up to the response of their call; a mock has no state to check."""

    @override
    async def run(self, call: Awaitable[T]) -> T:
        await call
        raise CallEnded

    @override
    async def upload_first_part(self, upload: UploadSession) -> CompletedChunk:
        return CompletedChunk(chunk_index=1, proof="of nothing", chunk_size=1)


@pytest.fixture
async def harness(clock: FastClock) -> AsyncIterator[DryRunHarness]:
    async with AsyncTwelveLabs("key", base_url=BASE_URL, clock=clock, max_retries=0) as client:
        yield DryRunHarness(client=client, emulator=Emulator(), clock=clock)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_a_method_works_with_a_mock_of_the_api_description(scenario: Scenario, harness: DryRunHarness) -> None:
    with scenario.warnings(), pytest.raises(CallEnded):
        await scenario.run(harness)

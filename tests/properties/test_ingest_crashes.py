"""An ingestion that dies anywhere, as often as it likes, and is started again ends with each video once (P8).

Time is virtual, the platform and the ledger are dictionaries, and each call of either is a place to die: before it,
while it is on its way, and after it. What was on its way may still be carried out two seconds after the death.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_platform import INDEX, Fate, KilledError, MortalLedger, Platform, mortal_api
from support import FastClock, LoopClock, virtually

from twelvelabs_async.ingest import Ingestion, Job, Outcome
from twelvelabs_async.ingest.way import TRIES

NEVER = -1


def addresses(count: int) -> list[str]:
    return [f"https://example.test/{number}.mp4" for number in range(count)]


async def live(platform: Platform, ledger: MortalLedger, sources: Sequence[str], *, dies_at: int) -> list[Outcome]:
    """One process, from its start to its end or its death."""
    fate = Fate(dies_at)
    job = Job(index_id=INDEX, ledger=await ledger.reborn(fate), sleep_interval=1.0, direct_up_to=10)
    ingestion = Ingestion(mortal_api(platform, fate), sources, job)
    try:
        return [outcome async for outcome in ingestion]
    except KilledError:
        return []
    finally:
        await ingestion.aclose()


async def steps_of_a_life(sources: Sequence[str]) -> int:
    ledger, platform = MortalLedger(), Platform(LoopClock())
    assert len(await live(platform, ledger, sources, dies_at=NEVER)) == len(sources)
    return ledger.fate.steps


def assert_once(platform: Platform, outcomes: Sequence[Outcome], sources: Sequence[str]) -> None:
    assert Counter(outcome.source for outcome in outcomes) == Counter(sources)
    assert {outcome.status for outcome in outcomes} <= {"ready"}, [outcome.error for outcome in outcomes]
    assert len(platform.assets) == len(sources)
    assert Counter(entry["asset_id"] for entry in platform.indexed.values()) == Counter(list(platform.assets))
    assert {outcome.asset_id for outcome in outcomes} == set(platform.assets)
    assert {outcome.indexed_asset_id for outcome in outcomes} == set(platform.indexed)


async def lives(sources: Sequence[str], deaths: Sequence[int], faults: Sequence[str] = ()) -> None:
    ledger, platform = MortalLedger(), Platform(LoopClock(), faults=list(faults))
    for death in deaths:
        await live(platform, ledger, sources, dies_at=death)
    assert_once(platform, await live(platform, ledger, sources, dies_at=NEVER), sources)


def test_p8_one_video_survives_a_death_at_every_step_of_its_way() -> None:
    steps = virtually(steps_of_a_life(addresses(1)))
    assert steps > 30
    for step in range(steps):
        virtually(lives(addresses(1), [step]))


def test_p8_three_videos_survive_a_death_at_every_step() -> None:
    steps = virtually(steps_of_a_life(addresses(3)))
    for step in range(steps):
        virtually(lives(addresses(3), [step]))


@settings(max_examples=200)
@given(
    count=st.integers(1, 4),
    deaths=st.lists(st.integers(0, 120), max_size=5),
    # With more of them a step may fail as often as is tried, which is to be reported, not survived.
    faults=st.lists(st.sampled_from(["", "lost", "blind"]), max_size=8).filter(
        lambda found: sum(map(bool, found)) < TRIES
    ),
)
def test_p8_any_number_of_deaths_and_broken_connections_end_with_each_video_once(
    count: int, deaths: list[int], faults: list[str]
) -> None:
    virtually(lives(addresses(count), deaths, faults))


def test_a_step_that_fails_as_often_as_is_tried_is_reported_and_the_next_run_does_it() -> None:
    async def main() -> None:
        sources, ledger = addresses(1), MortalLedger()
        platform = Platform(LoopClock(), faults=["lost"] * TRIES)
        [outcome] = await live(platform, ledger, sources, dies_at=NEVER)
        assert (outcome.status, platform.assets) == ("failed", {})
        assert_once(platform, await live(platform, ledger, sources, dies_at=NEVER), sources)

    virtually(main())


@pytest.fixture
def film(tmp_path: Path) -> str:
    """A file of five parts and a bit, of which each is small."""
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(90)))
    return str(path)


async def test_p9_an_upload_in_parts_survives_a_death_at_every_step(film: str) -> None:
    ledger, platform = MortalLedger(), Platform(FastClock())
    assert_once(platform, await live(platform, ledger, [film], dies_at=NEVER), [film])
    steps = ledger.fate.steps
    assert (steps > 60, platform.received) == (True, 90)
    for step in range(steps):
        ledger, platform = MortalLedger(), Platform(FastClock())
        await live(platform, ledger, [film], dies_at=step)
        again = await live(platform, ledger, [film], dies_at=NEVER)
        assert_once(platform, again, [film])
        assert platform.received <= 90 + 4 * 16, "more was sent again than was on its way"
        await asyncio.sleep(0)

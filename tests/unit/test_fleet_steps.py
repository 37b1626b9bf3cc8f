"""One step of an item and one look at many, on a platform of dictionaries and a ledger in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest
from small_platform import INDEX, Fate, Platform, mortal_api
from support import FastClock

from twelvelabs_async.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    QuotaExhaustedError,
    UploadError,
)
from twelvelabs_async.fleet.card import LONGEST_PAUSE, SHORTEST_PAUSE, TRIES, UNTOLD, Card, after_limit, pause
from twelvelabs_async.fleet.gates import Gates
from twelvelabs_async.fleet.lookout import Lookout, Seen, interval
from twelvelabs_async.fleet.queue import INDEXING, LOOKS, QUEUES, UPLOADS
from twelvelabs_async.fleet.stepper import Stepper, is_due
from twelvelabs_async.ingest import Entry, Item, MemoryLedger
from twelvelabs_async.ingest.job import DAY
from twelvelabs_async.ingest.watch import UNKNOWN_FOR

ADDRESS = "https://example.test/1.mp4"
Breaking = Callable[[Exception], None]


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def platform(clock: FastClock) -> Platform:
    return Platform(clock)


@pytest.fixture
async def ledger() -> AsyncIterator[MemoryLedger]:
    kept = MemoryLedger()
    await kept.open()
    yield kept
    await kept.close()


@pytest.fixture
def stepper(platform: Platform, ledger: MemoryLedger) -> Stepper:
    return Stepper(mortal_api(platform, Fate()), ledger, direct_up_to=10)


@pytest.fixture
def lookout(platform: Platform, ledger: MemoryLedger) -> Lookout:
    return Lookout(mortal_api(platform, Fate()), ledger, timeout=DAY)


@pytest.fixture
async def card(ledger: MemoryLedger, clock: FastClock) -> Card:
    now = clock.time()
    entry = Entry(token="t1", index_id=INDEX, uri=ADDRESS, size=0, mtime_ns=0, created_at=now, updated_at=now)
    await ledger.claim(entry)
    return Card(entry=entry, item=Item(ADDRESS, ADDRESS, name="1.mp4"))


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    """Makes the platform answer with a failure."""

    def fail(error: Exception) -> None:
        def answer(*_: Any) -> None:
            raise error

        monkeypatch.setattr(Platform, "answer", answer)

    return fail


async def kept(ledger: MemoryLedger) -> Entry:
    (entry,) = [entry async for entry in ledger.entries()]
    return entry


async def test_two_steps_and_two_looks_bring_an_item_into_its_index(
    stepper: Stepper, lookout: Lookout, platform: Platform, ledger: MemoryLedger, card: Card, clock: FastClock
) -> None:
    uploaded = await stepper.take(card)
    assert (uploaded.entry.stage, uploaded.again, uploaded.doubt) == ("processing", None, False)
    assert not (await lookout.look(INDEX, [uploaded.entry])).moved
    await clock.sleep(platform.processing)
    (processed,) = (await lookout.look(INDEX, [uploaded.entry])).moved
    assert (processed.stage, is_due(processed)) == ("indexing", True)
    indexed = await stepper.take(attrs.evolve(card, entry=processed))
    assert (indexed.entry.stage, is_due(indexed.entry)) == ("indexing", False)
    await clock.sleep(platform.indexing)
    (ready,) = (await lookout.look(INDEX, [indexed.entry])).moved
    assert (ready.state, ready.asset_id, ready.indexed_asset_id) == ("ready", *platform.assets, *platform.indexed)
    assert await kept(ledger) == ready


async def test_a_step_that_is_not_due_does_nothing(stepper: Stepper, platform: Platform, card: Card) -> None:
    entry = attrs.evolve(card.entry, stage="processing", asset_id="a1")
    assert (await stepper.take(attrs.evolve(card, entry=entry))).entry == entry
    assert not platform.requests


async def test_a_step_in_doubt_looks_for_what_is_there_before_it_repeats_anything(
    stepper: Stepper, platform: Platform, card: Card
) -> None:
    first = await stepper.take(card)
    again = await stepper.take(attrs.evolve(card, doubt=True))
    assert again.entry.asset_id == first.entry.asset_id
    assert len(platform.assets) == 1


async def test_an_item_that_was_never_begun_costs_no_look(stepper: Stepper, platform: Platform, card: Card) -> None:
    await stepper.take(card)
    assert platform.requests == ["POST /assets"]


async def test_a_failure_that_may_pass_is_counted_and_comes_back_later_in_doubt(
    stepper: Stepper, ledger: MemoryLedger, card: Card, breaking: Breaking
) -> None:
    breaking(InternalServerError(message="down", status_code=503, retryable=True))
    result = await stepper.take(attrs.evolve(card, tries=2))
    assert (result.tries, result.doubt, result.closed) == (3, True, False)
    assert SHORTEST_PAUSE <= (result.again or 0) <= LONGEST_PAUSE
    assert (await kept(ledger)).state == "open"
    assert "down" in (await kept(ledger)).error


async def test_after_too_many_of_them_it_is_given_up_and_keeps_its_error(
    stepper: Stepper, ledger: MemoryLedger, card: Card, breaking: Breaking
) -> None:
    breaking(APIConnectionError(message="gone", retryable=True, ambiguous=True))
    result = await stepper.take(attrs.evolve(card, tries=TRIES - 1))
    assert (result.tries, result.again, result.doubt) == (TRIES, None, True)
    assert (await kept(ledger)).state == "open"


async def test_a_verdict_of_the_platform_ends_an_item(
    stepper: Stepper, ledger: MemoryLedger, card: Card, breaking: Breaking
) -> None:
    breaking(BadRequestError(message="no video", status_code=400))
    result = await stepper.take(card)
    assert (result.entry.state, result.again) == ("failed", None)
    assert (await kept(ledger)).state == "failed"


async def test_what_is_wrong_on_this_machine_alone_leaves_an_item_open(
    stepper: Stepper, card: Card, breaking: Breaking
) -> None:
    breaking(UploadError(message="it has changed"))
    result = await stepper.take(card)
    assert (result.entry.state, result.tries, result.again) == ("open", TRIES, None)


async def test_a_limit_is_not_counted_and_holds_for_others_as_well(
    stepper: Stepper, card: Card, breaking: Breaking
) -> None:
    breaking(QuotaExhaustedError(message="tomorrow", retry_after=3600.0))
    result = await stepper.take(attrs.evolve(card, tries=3))
    assert (result.tries, result.closed, result.entry.error) == (3, True, "")
    assert 3600 <= (result.again or 0) <= 3602


async def test_a_refused_key_is_not_the_items_fault(stepper: Stepper, card: Card, breaking: Breaking) -> None:
    breaking(AuthenticationError(message="who are you", status_code=401))
    with pytest.raises(AuthenticationError):
        await stepper.take(card)


async def test_an_asset_that_somebody_deleted_is_made_once_more_when_it_is_old_enough(
    lookout: Lookout, stepper: Stepper, platform: Platform, card: Card, clock: FastClock
) -> None:
    uploaded = await stepper.take(card)
    platform.assets.clear()
    assert not (await lookout.look(INDEX, [uploaded.entry])).moved
    await clock.sleep(UNKNOWN_FOR)
    (moved,) = (await lookout.look(INDEX, [uploaded.entry])).moved
    assert (moved.stage, moved.asset_id) == ("queued", uploaded.entry.asset_id)


async def test_what_the_platform_does_not_end_in_a_day_is_given_up_and_keeps_its_reason(
    lookout: Lookout, stepper: Stepper, platform: Platform, ledger: MemoryLedger, card: Card, clock: FastClock
) -> None:
    platform.processing = 10 * DAY
    uploaded = await stepper.take(card)
    await clock.sleep(DAY - 1)
    assert lookout_is_idle(await lookout.look(INDEX, [uploaded.entry]))
    await clock.sleep(2)
    seen = await lookout.look(INDEX, [uploaded.entry])
    (late,) = seen.late
    assert (late.state, late.stage, late.asset_id) == ("open", "processing", uploaded.entry.asset_id)
    assert "still processing it after 86401 s" in (await kept(ledger)).error
    assert not seen.moved


async def test_what_ends_after_more_than_a_day_is_not_given_up_at_the_look_that_sees_it(
    lookout: Lookout, stepper: Stepper, platform: Platform, card: Card, clock: FastClock
) -> None:
    platform.processing = 2 * DAY
    uploaded = await stepper.take(card)
    await clock.sleep(2 * DAY)
    seen = await lookout.look(INDEX, [uploaded.entry])
    assert [entry.stage for entry in seen.moved] == ["indexing"]
    assert not seen.late


def lookout_is_idle(seen: Seen) -> bool:
    """Whether nothing has come of a look."""
    return not seen.moved and not seen.late


async def test_a_look_that_a_limit_forbids_says_for_how_long(
    lookout: Lookout, stepper: Stepper, card: Card, breaking: Breaking
) -> None:
    uploaded = await stepper.take(card)
    breaking(QuotaExhaustedError(message="later", retry_after=90.0))
    assert 90 <= (await lookout.look(INDEX, [uploaded.entry])).again <= 92


def test_looks_become_rarer_while_nothing_ends_and_with_the_pages_they_cost() -> None:
    nothing = Seen()
    assert interval(0.0, nothing, 1) < interval(4.0, nothing, 1) < interval(100.0, nothing, 1) == 15.0
    assert interval(8.0, Seen(moved=[Entry(token="t", index_id="i", uri="u", size=0, mtime_ns=0)]), 1) == 1.0
    assert interval(0.0, nothing, 5000) == 25.0
    assert interval(0.0, Seen(again=90.0), 1) == 90.0


def test_pauses_grow_and_limits_are_waited_for_in_full() -> None:
    assert all(SHORTEST_PAUSE <= pause(tries) <= LONGEST_PAUSE for tries in range(50))
    assert pause(20) >= LONGEST_PAUSE / 2
    assert after_limit(None) >= UNTOLD
    assert after_limit(7.0) >= 7.0


async def test_a_closed_queue_is_open_again_after_its_time(clock: FastClock) -> None:
    gates = Gates(clock)
    gates.close(UPLOADS, 60.0)
    assert gates.open == [INDEXING, LOOKS]
    await clock.sleep(60.0)
    assert gates.open == list(QUEUES)

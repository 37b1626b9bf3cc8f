"""While a shared store is away calls go on, with one warning, and nothing is lost when somebody is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from support import LoopClock, virtually
from typing_extensions import override

from twelvelabs_async.policy.budget import ONE, Costs
from twelvelabs_async.policy.fallback import AGAIN, SHARERS, FallbackStore
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.store import BudgetStore, MemoryStore

CLOCK = LoopClock()


class Far(MemoryStore):
    """A store that takes a second to answer, and may be away."""

    def __init__(self) -> None:
        super().__init__(CLOCK.monotonic)
        self.away = False
        self.asked = 0
        self.closed = 0

    async def _travel(self) -> None:
        self.asked += 1
        await asyncio.sleep(1)
        if self.away:
            raise ConnectionError("redis://user:password@host is away")

    @property
    @override
    def poll(self) -> None:
        return None

    @override
    async def reserve(self, category: str, costs: Costs) -> int | Wait:
        await self._travel()
        return await super().reserve(category, costs)

    @override
    async def settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        await self._travel()
        await super().settle(category, ticket, advice, refused=refused, jitter=jitter)

    @override
    async def release(self, category: str, ticket: int, *, sent: bool) -> None:
        await self._travel()
        await super().release(category, ticket, sent=sent)

    @override
    async def snapshot(self) -> dict[str, dict[str, Any]]:
        await self._travel()
        return await super().snapshot()

    @override
    async def aclose(self) -> None:
        self.closed += 1


def told(remaining: int) -> Advice:
    now = CLOCK.time()
    return Advice(server_time=now, quotas={"request": Quota(limit=40, remaining=remaining, reset=now + 60)})


async def ticket(store: BudgetStore) -> int:
    found = await store.reserve("search", ONE)
    assert isinstance(found, int)
    return found


async def answered(store: BudgetStore, remaining: int) -> None:
    await store.settle("search", await ticket(store), told(remaining), refused=False, jitter=0.0)


def flights(snapshot: Mapping[str, Mapping[str, Any]]) -> int:
    return len(snapshot["search"]["flights"]) if snapshot else 0


def test_a_store_that_answers_is_all_there_is() -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        await answered(store, 7)
        assert far.budget("search").windows[0].seen == 7
        assert flights(await store.snapshot()) == 0

    virtually(main())


def test_while_it_is_away_calls_go_on_by_memory_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        far.away = True
        with caplog.at_level(logging.INFO, "twelvelabs_async.limits"):
            await answered(store, 2 * SHARERS)
            assert isinstance(await store.reserve("search", ONE), int)
            assert isinstance(await store.reserve("search", ONE), int)
            assert isinstance(await store.reserve("search", ONE), Wait)
            assert flights(await store.snapshot()) == 2
        assert far.asked == 1

    virtually(main())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ConnectionError" in caplog.text
    assert "password" not in caplog.text


def test_it_comes_back_by_itself_and_is_tried_by_one_call_at_a_time(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        far.away = True
        held = await ticket(store)
        await asyncio.sleep(AGAIN)
        await asyncio.gather(*(store.reserve("search", ONE) for _ in range(20)))
        assert far.asked == 2
        far.away = False
        await asyncio.sleep(AGAIN)
        assert await ticket(store) > 0 > held
        await store.release("search", held, sent=False)
        assert far.asked == 3  # what memory gave goes back to memory

    with caplog.at_level(logging.INFO, "twelvelabs_async.limits"):
        virtually(main())
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_the_answer_to_a_call_that_left_before_the_store_went_away_teaches_memory() -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        held = await ticket(store)
        far.away = True
        await store.settle("search", held, told(SHARERS), refused=False, jitter=0.0)
        assert isinstance(await store.reserve("search", ONE), int)
        assert isinstance(await store.reserve("search", ONE), Wait)
        await store.release("search", 4711, sent=True)

    virtually(main())


def test_memory_begins_with_what_answers_told_while_the_store_was_there() -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        await answered(store, 0)
        far.away = True
        found = await store.reserve("search", ONE)
        assert isinstance(found, Wait)
        assert found.certain

    virtually(main())


class Counter:
    """A server that lets so many calls through in a minute, each of which takes a moment."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.refused = 0

    async def answer(self) -> tuple[Advice, bool]:
        await asyncio.sleep(0.05)
        refused = self.used == self.limit
        self.used += not refused
        self.refused += refused
        advice = Advice(
            server_time=CLOCK.time(),
            quotas={"request": Quota(limit=self.limit, remaining=self.limit - self.used, reset=LoopClock.EPOCH + 60)},
        )
        await asyncio.sleep(0.05)
        return advice, refused


async def calls_until_it_waits(store: FallbackStore, server: Counter) -> None:
    while not isinstance(found := await store.reserve("search", ONE), Wait) or not found.certain:
        if isinstance(found, int):
            advice, refused = await server.answer()
            await store.settle("search", found, advice, refused=refused, jitter=0.0)
        else:
            await asyncio.sleep(0.01)


def test_several_processes_whose_store_is_away_use_a_limit_together_and_hardly_cross_it() -> None:
    async def main() -> Counter:
        server = Counter(200)
        stores = [FallbackStore(Far(), CLOCK.monotonic) for _ in range(4)]
        for store in stores:
            await store.aclose()  # as if it were away for ever
        async with asyncio.TaskGroup() as group:
            for number in range(80):
                group.create_task(calls_until_it_waits(stores[number % 4], server))
        return server

    server = virtually(main())
    assert server.used >= 190
    assert server.refused <= 4


def test_a_ticket_that_comes_for_somebody_who_left_is_given_back() -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        await answered(store, 7)
        asking = asyncio.ensure_future(store.reserve("search", ONE))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.wait([asking])
        assert flights(await far.snapshot()) == 1
        await store.aclose()
        assert flights(await far.snapshot()) == 0
        assert far.closed == 1

    virtually(main())


@pytest.mark.parametrize("end", ["settle", "release"])
def test_an_answer_is_reported_even_if_whoever_reports_it_is_cancelled(end: str) -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        held = await ticket(store)
        if end == "settle":
            reporting = asyncio.ensure_future(store.settle("search", held, told(7), refused=False, jitter=0.0))
        else:
            reporting = asyncio.ensure_future(store.release("search", held, sent=False))
        await asyncio.sleep(0.5)
        reporting.cancel()
        await asyncio.wait([reporting])
        await store.aclose()
        assert not far.budget("search").flights

    virtually(main())


def test_a_closed_store_is_not_asked_again() -> None:
    async def main() -> None:
        far = Far()
        store = FallbackStore(far, CLOCK.monotonic)
        await store.aclose()
        assert await ticket(store) < 0
        assert not far.asked

    virtually(main())


class Scripted(MemoryStore):
    """A store whose answers come when the test gives them, in any order."""

    def __init__(self) -> None:
        super().__init__(CLOCK.monotonic)
        self.asked: list[asyncio.Future[None]] = []

    @override
    async def snapshot(self) -> dict[str, dict[str, Any]]:
        answer = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        await answer
        return {}


async def asked(store: FallbackStore) -> asyncio.Task[Mapping[str, Mapping[str, Any]]]:
    task = asyncio.create_task(store.snapshot())
    await asyncio.sleep(0.1)
    return task


async def lost() -> tuple[Scripted, FallbackStore, asyncio.Task[Mapping[str, Mapping[str, Any]]]]:
    """A store that was found to be away, and the second of two questions, which is not answered yet."""
    far = Scripted()
    store = FallbackStore(far, CLOCK.monotonic)
    early, late = await asked(store), await asked(store)
    far.asked[0].set_exception(ConnectionError())
    await early
    return far, store, late


def test_a_late_failure_of_what_was_asked_before_the_store_came_back_is_no_second_loss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        far, store, late = await lost()
        await asyncio.sleep(AGAIN)
        trying = await asked(store)
        far.asked[2].set_result(None)
        await trying
        far.asked[1].set_exception(ConnectionError())
        await late
        again = await asked(store)
        far.asked[3].set_result(None)
        await again

    with caplog.at_level(logging.INFO):
        virtually(main())
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_late_answer_to_what_was_asked_before_the_store_went_does_not_bring_it_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        far, store, late = await lost()
        far.asked[1].set_result(None)
        await late
        await store.snapshot()
        assert len(far.asked) == 2, "it is tried again after a while, and not at once"

    with caplog.at_level(logging.INFO):
        virtually(main())
    assert [record.levelname for record in caplog.records] == ["WARNING"]

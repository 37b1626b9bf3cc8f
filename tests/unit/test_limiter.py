"""The queue of calls that wait for a rate limit, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from memory_store import MemoryStore
from support import (
    LoopClock,
    category_state,
    fake_response,
    holding,
    make_executor,
    responses_in_order,
    run_in_virtual_time,
)
from typing_extensions import override

from twelvelabs_async._event_listeners import EventDispatcher
from twelvelabs_async._rate_limit.limiter import BACKGROUND_EVERY, Permit, RateLimiter
from twelvelabs_async._rate_limit.windows import INITIAL_ROUND, SINGLE_REQUEST
from twelvelabs_async.errors import APIConnectionError, ClientStateError, QuotaExhaustedError, RateLimitError
from twelvelabs_async.events import RateLimitUpdated, RateLimitWaitStarted
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RequiredWait, WindowInfo
from twelvelabs_async.requests import Request

EPOCH = LoopClock.EPOCH


def rate_limit_info(
    remaining: int | None, *, reset_in: float | None = 10.0, limit: int | None = 5, at: float = 0.0
) -> RateLimitInfo:
    """Return the limits that a server reports `at` seconds after the epoch of its clock."""
    reset = None if reset_in is None else EPOCH + at + reset_in
    return RateLimitInfo(
        server_time=EPOCH + at, windows={"request": WindowInfo(limit=limit, remaining=remaining, reset=reset)}
    )


def make_limiter(jitter: Callable[[], float] = lambda: 0.0) -> RateLimiter:
    return RateLimiter(LoopClock(), jitter=jitter)


async def acquire(limiter: RateLimiter, category: str = "c", **limits: Any) -> Permit:
    costs = limits.get("costs", SINGLE_REQUEST)
    permit = limiter.try_acquire(category, costs) or await limiter.try_acquire_shared(category, costs)
    return permit or await limiter.acquire(category, max_wait=limits.pop("max_wait", 120.0), **limits)


async def acquire_all(limiter: RateLimiter, category: str = "c") -> list[Permit]:
    """Acquire all permits of the first round, so that the next call waits."""
    return [await acquire(limiter, category) for _ in range(INITIAL_ROUND)]


def is_idle(limiter: RateLimiter, category: str = "c") -> bool:
    """Return whether no permit is held or waited for."""
    queue = limiter.category_queue(category)
    return (queue.in_flight, queue.waiting) == (0, 0) and not category_state(limiter, category).in_flight


def test_permits_are_granted_in_the_order_of_the_requests() -> None:
    async def main() -> list[int]:
        rate_limiter, order = make_limiter(), list[int]()

        async def call(number: int) -> None:
            async with holding(await acquire(rate_limiter)) as permit:
                order.append(number)
                await asyncio.sleep(0.01)
                permit.record_response(200, rate_limit_info(5, limit=100))

        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(call(number))
        assert is_idle(rate_limiter)
        return order

    assert run_in_virtual_time(main()) == list(range(40))


@pytest.mark.parametrize(("remaining", "granted"), [(1000, 40), (40, 4)], ids=["much remains", "little remains"])
def test_waiting_calls_get_permits_together_only_while_much_of_the_limit_remains(remaining: int, granted: int) -> None:
    async def main() -> int:
        rate_limiter, permits = make_limiter(), list[Permit]()

        async def call() -> None:
            permits.append(await acquire(rate_limiter))

        first, *_ = held = await acquire_all(rate_limiter)
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(call()) for _ in range(40)]
            await asyncio.sleep(0)
            assert not permits
            first.record_response(200, rate_limit_info(remaining, limit=1000))
            for _ in range(4):  # iterations of the event loop
                await asyncio.sleep(0)
            count = len(permits)
            for waiting in calls:
                waiting.cancel()
        for permit in (*held, *permits):
            permit.release(sent=False)
        assert is_idle(rate_limiter)
        return count

    assert run_in_virtual_time(main()) == granted


def test_a_call_that_is_cancelled_after_another_reserved_for_it_releases_the_reservation() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        first, *held = await acquire_all(rate_limiter)
        calls = [asyncio.ensure_future(acquire(rate_limiter)) for _ in range(20)]
        await asyncio.sleep(0)
        first.record_response(200, rate_limit_info(1000, limit=1000))
        await asyncio.sleep(0)  # the first waiting call continues and reserves for the others
        assert not any(call.done() for call in calls[1:])
        assert rate_limiter.category_queue("c").in_flight == len(held) + 20
        for call in calls[1:]:
            call.cancel()
        permit, *cancelled = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in cancelled] == [asyncio.CancelledError] * 19
        assert rate_limiter.category_queue("c").in_flight == len(held) + 1
        for each in (*held, permit):
            assert isinstance(each, Permit)
            each.release(sent=False)
        assert is_idle(rate_limiter)

    run_in_virtual_time(main())


def test_categories_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        async with holding(await acquire(rate_limiter, "a")) as permit:
            permit.record_response(429, RateLimitInfo(server_time=EPOCH, retry_after=60.0))
        async with asyncio.timeout(0.001), holding(await acquire(rate_limiter, "b")):
            pass

    run_in_virtual_time(main())


def test_a_quota_reset_after_max_wait_raises_quota_exhausted_error_immediately() -> None:
    async def main() -> QuotaExhaustedError:
        rate_limiter = make_limiter()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(
                429,
                RateLimitInfo(
                    server_time=EPOCH + 500,
                    retry_after=600.0,
                    resets_at=EPOCH + 1100,
                    windows=rate_limit_info(0, limit=7).windows,
                ),
            )
        started = rate_limiter.clock.monotonic()
        with pytest.raises(QuotaExhaustedError) as caught:
            await acquire(rate_limiter, max_wait=120.0)
        assert rate_limiter.clock.monotonic() - started < 0.01
        assert is_idle(rate_limiter)
        return caught.value

    error = run_in_virtual_time(main())
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 600.0
    assert error.resets_at == datetime.fromtimestamp(EPOCH + 1100, UTC)  # by the server's clock, which is 500 s ahead
    assert (error.category, error.limit, error.dimension, error.give_up_reason) == ("c", 7, "request", "max_wait")
    assert error.retryable


def test_a_quota_reset_after_the_deadline_raises_quota_exhausted_error_immediately() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(429, RateLimitInfo(server_time=EPOCH, retry_after=50.0))
        now = rate_limiter.clock.monotonic()
        with pytest.raises(QuotaExhaustedError) as caught:
            await acquire(rate_limiter, deadline=now + 49.0)
        assert caught.value.give_up_reason == "deadline"
        assert rate_limiter.clock.monotonic() - now < 0.01
        async with holding(await acquire(rate_limiter, deadline=now + 51.0)):
            assert rate_limiter.clock.monotonic() >= now + 50.0

    run_in_virtual_time(main())


def test_waiting_calls_raise_immediately_when_the_quota_is_exhausted() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        first, *others = await acquire_all(rate_limiter)
        waiting = [asyncio.create_task(acquire(rate_limiter)) for _ in range(10)]
        await asyncio.sleep(0)
        async with holding(first):
            first.record_response(429, RateLimitInfo(server_time=EPOCH, retry_after=3600.0))
        for other in others:
            other.release(sent=False)
        started = rate_limiter.clock.monotonic()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, QuotaExhaustedError) for result in results)
        assert rate_limiter.clock.monotonic() - started < 0.01
        assert is_idle(rate_limiter)

    run_in_virtual_time(main())


@pytest.mark.parametrize("server_time", [253_402_300_799.0, -6e10, EPOCH])
def test_a_reset_time_out_of_range_still_raises_quota_exhausted_error(server_time: float) -> None:
    """A server clock at the end of the year 9999 must not make the construction of the error fail."""

    async def main() -> None:
        rate_limiter = make_limiter()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(429, RateLimitInfo(server_time=server_time, retry_after=86400.0 * 30))
        with pytest.raises(QuotaExhaustedError):
            await acquire(rate_limiter)

    run_in_virtual_time(main())


@pytest.mark.parametrize("steps", range(12))
def test_a_cancelled_waiter_releases_its_queue_place_and_permit(steps: int) -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        first = await acquire(rate_limiter)
        waiting = [asyncio.create_task(acquire(rate_limiter)) for _ in range(4)]
        for step in range(steps):
            await asyncio.sleep(0)
            if step == steps // 2:
                first.record_response(200, rate_limit_info(1))
                first.release(sent=False)
        for task in waiting[::2]:
            task.cancel()
        await asyncio.sleep(0)
        first.record_response(200, rate_limit_info(1))
        first.release(sent=False)
        for task in waiting:
            result = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(result, Permit):
                result.record_response(200, rate_limit_info(1, reset_in=3600.0))
                result.release(sent=False)
        assert is_idle(rate_limiter)
        async with holding(await acquire(rate_limiter)):
            pass

    run_in_virtual_time(main())


def test_the_permit_of_a_failed_or_cancelled_call_is_released() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()

        async def call() -> None:
            async with holding(await acquire(rate_limiter)):
                await asyncio.sleep(3600)

        task = asyncio.create_task(call())
        await asyncio.sleep(0.001)
        assert rate_limiter.category_queue("c").in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(OSError, match="broken"):
            await _break(rate_limiter)
        assert is_idle(rate_limiter)

    run_in_virtual_time(main())


async def _break(rate_limiter: RateLimiter) -> None:
    async with holding(await acquire(rate_limiter)):
        raise OSError("broken")


def test_close_raises_client_state_error_in_all_waiting_calls() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        permits = await acquire_all(rate_limiter)
        waiting = [asyncio.create_task(acquire(rate_limiter)) for _ in range(5)]
        await asyncio.sleep(0)
        at = rate_limiter.clock.monotonic()
        rate_limiter.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [ClientStateError] * 5
        assert rate_limiter.clock.monotonic() - at < 0.01
        for permit in permits:
            permit.release(sent=False)
        assert is_idle(rate_limiter)
        with pytest.raises(ClientStateError):
            await acquire(rate_limiter)

    run_in_virtual_time(main())


def test_calls_after_a_429_are_spread_over_a_quarter_of_the_wait() -> None:
    """Clients that were rate limited at the same time retry at different times."""

    async def retry_time(jitter: float) -> float:
        rate_limiter = make_limiter(lambda: jitter)
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(429, RateLimitInfo(server_time=EPOCH, retry_after=8.0))
        async with holding(await acquire(rate_limiter)):
            return rate_limiter.clock.monotonic()

    times = [run_in_virtual_time(retry_time(numerator / 49)) for numerator in range(50)]
    assert min(times) >= 8.0
    assert max(times) <= 8.0 * 1.25 + 0.001
    assert max(times) - min(times) >= 0.25 * 8.0 - 0.001


# Priorities.


async def _run_queued_calls(rate_limiter: RateLimiter, kinds: str, hold: float = 0.01) -> str:
    """Return the order of calls that wait for one permit; `kinds` is their priorities, b for background."""
    order = list[str]()

    async def call(kind: str) -> None:
        async with holding(
            await acquire(rate_limiter, priority="background" if kind == "b" else "interactive", max_wait=1e9)
        ) as permit:
            order.append(kind)
            await asyncio.sleep(hold)
            permit.record_response(200, rate_limit_info(1, limit=1, reset_in=None))

    first = await acquire(rate_limiter)
    first.record_response(200, rate_limit_info(1, limit=1, reset_in=None))
    first = await acquire(rate_limiter)
    calls = [asyncio.create_task(call(kind)) for kind in kinds]
    await asyncio.sleep(0.001)
    first.record_response(200, rate_limit_info(1, limit=1, reset_in=None))
    first.release(sent=False)
    await asyncio.gather(*calls)
    assert is_idle(rate_limiter)
    return "".join(order)


def test_an_interactive_call_precedes_all_waiting_background_calls() -> None:
    assert run_in_virtual_time(_run_queued_calls(make_limiter(), "b" * 20 + "i")) == "i" + "b" * 20


def test_background_calls_proceed_while_interactive_calls_are_waiting() -> None:
    assert BACKGROUND_EVERY == 5
    assert run_in_virtual_time(_run_queued_calls(make_limiter(), "b" * 3 + "i" * 14)) == "iiiibiiiibiiiibii"


def test_an_interactive_call_overtakes_a_background_call_that_waits_at_the_head() -> None:
    async def main() -> list[str]:
        rate_limiter, order = make_limiter(), list[str]()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(200, rate_limit_info(0, limit=1, reset_in=10.0))

        async def call(kind: Any) -> None:
            async with holding(await acquire(rate_limiter, priority=kind)):
                order.append(kind)

        async with asyncio.TaskGroup() as group:
            group.create_task(call("background"))
            await asyncio.sleep(5)
            group.create_task(call("interactive"))
        return order

    assert run_in_virtual_time(main()) == ["interactive", "background"]


def test_an_expensive_call_is_not_overtaken_indefinitely() -> None:
    """A call with a high cost among calls with lower costs, some of higher priority, under a duration limit."""

    async def main() -> float:
        rate_limiter, finish_times = make_limiter(), list[float]()
        window_state = {"window": -1.0, "used": 0.0}

        async def call(seconds: float, priority: Any) -> None:
            costs = {"request": 1.0, "duration": seconds}
            async with holding(await acquire(rate_limiter, costs=costs, priority=priority, max_wait=1e9)) as permit:
                now = rate_limiter.clock.time()
                if now // 100 != window_state["window"]:
                    window_state.update(window=now // 100, used=0.0)
                window_state["used"] += seconds
                await asyncio.sleep(0.01)
                quota = WindowInfo(limit=1000, remaining=int(1000 - window_state["used"]), reset=(now // 100 + 1) * 100)
                permit.record_response(200, RateLimitInfo(server_time=now, windows={"duration": quota}))
                assert window_state["used"] <= 1000
                if seconds > 500:
                    finish_times.append(rate_limiter.clock.monotonic())

        async with asyncio.TaskGroup() as group:
            for number in range(400):
                group.create_task(call(90.0, "interactive"))
                if number == 20:
                    group.create_task(call(900.0, "background"))
                await asyncio.sleep(2)
        return finish_times[0]

    assert run_in_virtual_time(main()) < 400


def test_p27_calls_that_would_miss_their_deadline_go_after_the_others() -> None:
    async def main() -> list[str]:
        rate_limiter, order = make_limiter(), list[str]()
        async with holding(await acquire(rate_limiter)) as permit:
            await asyncio.sleep(0.6)
            permit.record_response(200, rate_limit_info(0, limit=5, reset_in=10.0))

        async def call(name: str, seconds: float, number: int) -> None:
            await asyncio.sleep(number / 1000)
            async with holding(
                await acquire(rate_limiter, deadline=rate_limiter.clock.monotonic() + seconds)
            ) as permit:
                order.append(name)
                await asyncio.sleep(0.001)
                permit.record_response(200, rate_limit_info(1, limit=5, at=10.6, reset_in=60.0))

        async with asyncio.TaskGroup() as group:
            for number, (name, seconds) in enumerate([("a", 10.2), ("b", 30.0), ("c", 10.3), ("d", 30.0)]):
                group.create_task(call(name, seconds, number))
        assert is_idle(rate_limiter)
        return order

    assert run_in_virtual_time(main()) == ["b", "d", "a", "c"]


# A store with latency.


class SlowStore(MemoryStore):
    """A store whose responses to reservations are delayed by 0.1 s."""

    @override
    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        snapshot = await super().reserve(category, costs)
        await asyncio.sleep(0.1)
        return snapshot


def test_a_request_that_must_not_be_sent_returns_its_reservation_to_the_store() -> None:
    async def reject() -> None:
        raise ClientStateError("another process has taken over")

    async def main() -> None:
        clock = LoopClock()
        store = MemoryStore(clock.monotonic)
        executor, session = make_executor(responses_in_order(fake_response()), clock)
        executor = attrs.evolve(executor, limiter=RateLimiter(clock, store=store), before_post=reject)
        request = Request[dict[str, Any]](
            method="POST", path_template="/tasks", response_type=dict, retry_class="verify_first"
        )
        with pytest.raises(ClientStateError, match="taken over"):
            await executor.execute(request)
        assert not session.bodies
        assert [state["in_flight_count"] for state in (await store.snapshot()).values()] == [0]

    run_in_virtual_time(main())


def test_a_larger_limit_reported_during_a_store_request_ends_the_wait() -> None:
    async def main() -> None:
        clock = LoopClock()
        rate_limiter = RateLimiter(clock, store=SlowStore(clock.monotonic))
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(200, rate_limit_info(1, limit=2, reset_in=1000.0))
        last = await acquire(rate_limiter, max_wait=1e9)
        waiting = asyncio.create_task(acquire(rate_limiter, max_wait=1e9))
        await asyncio.sleep(0.15)  # it is in the queue and has requested a reservation
        async with holding(last):
            last.record_response(200, rate_limit_info(6, limit=8, reset_in=1000.0))  # an upgraded plan
        async with asyncio.timeout(1), holding(await waiting):
            pass
        assert is_idle(rate_limiter)

    run_in_virtual_time(main())


# Errors, events and snapshots.


def test_queued_calls_with_a_deadline_before_the_reset_raise_immediately() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(200, rate_limit_info(0, reset_in=50.0))
        now = rate_limiter.clock.monotonic()
        waiting = asyncio.create_task(acquire(rate_limiter))
        impatient = [asyncio.create_task(acquire(rate_limiter, deadline=now + 10)) for _ in range(3)]
        outcomes = await asyncio.gather(*impatient, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [QuotaExhaustedError] * 3
        assert rate_limiter.clock.monotonic() < now + 1
        (await waiting).release(sent=False)
        assert is_idle(rate_limiter)

    run_in_virtual_time(main())


def test_a_failed_call_uses_quota_only_if_it_was_sent() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(200, rate_limit_info(3))
        for sent in (False, True):
            with pytest.raises(APIConnectionError):
                await _fail(rate_limiter, sent=sent)
            assert category_state(rate_limiter, "c").windows["request", 5].remaining == (2 if sent else 3)
        assert is_idle(rate_limiter)

    run_in_virtual_time(main())


async def _fail(rate_limiter: RateLimiter, *, sent: bool) -> None:
    async with holding(await acquire(rate_limiter)):
        raise APIConnectionError(sent=sent)


def test_rate_limit_updates_and_waits_are_emitted_as_events() -> None:
    async def main() -> list[object]:
        events, received = EventDispatcher(), list[object]()
        rate_limiter = RateLimiter(LoopClock(), events=events, jitter=lambda: 0.0)
        stop = events.subscribe(received.append)
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(200, rate_limit_info(0, limit=7))
        async with holding(await acquire(rate_limiter, priority="background")):
            pass
        stop()
        async with holding(await acquire(rate_limiter)) as permit:
            permit.record_response(200, rate_limit_info(5))
        return received

    update, wait = run_in_virtual_time(main())
    assert update == RateLimitUpdated(
        category="c", dimension="request", limit=7, remaining=0, resets_at=datetime.fromtimestamp(EPOCH + 10, UTC)
    )
    assert isinstance(wait, RateLimitWaitStarted)
    assert (wait.category, wait.priority, wait.queue_length, wait.dimension, wait.limit) == (
        "c",
        "background",
        1,
        "request",
        7,
    )
    assert wait.delay == pytest.approx(10, abs=0.01)
    assert wait.resets_at == datetime.fromtimestamp(EPOCH + 10, UTC)


def test_limits_returns_the_current_state_of_each_category() -> None:
    async def main() -> None:
        rate_limiter = make_limiter()
        assert rate_limiter.limits() == {}
        first, *others = await acquire_all(rate_limiter)
        waiting = asyncio.create_task(acquire(rate_limiter))
        await asyncio.sleep(0)
        snapshot = rate_limiter.limits()["c"]
        assert (snapshot.waiting, snapshot.in_flight, snapshot.source, snapshot.limit) == (
            1,
            INITIAL_ROUND,
            "none",
            None,
        )
        for other in others:
            other.release(sent=False)
        quotas = {**rate_limit_info(3).windows, "duration": WindowInfo(limit=600, remaining=60, reset=EPOCH + 3600)}
        first.record_response(200, RateLimitInfo(server_time=EPOCH, windows=quotas))
        first.release(sent=False)
        second = await waiting
        snapshot = rate_limiter.limits()["c"]
        assert (snapshot.waiting, snapshot.in_flight, snapshot.rate_limited_count, snapshot.source) == (
            0,
            1,
            0,
            "headers",
        )
        assert (snapshot.limit, snapshot.remaining) == (600, 60)
        assert snapshot.resets_at == datetime.fromtimestamp(EPOCH + 3600, UTC)
        assert [window.dimension for window in snapshot.windows] == ["request", "duration"]
        second.record_response(429, RateLimitInfo(server_time=EPOCH))
        assert rate_limiter.limits()["c"].rate_limited_count == 1
        async with holding(await acquire(rate_limiter, "other")) as permit:
            permit.record_response(429, RateLimitInfo(server_time=EPOCH))
        assert rate_limiter.limits()["other"].source == "429s"

    run_in_virtual_time(main())


def test_a_listener_that_raises_is_logged_and_does_not_affect_others(caplog: pytest.LogCaptureFixture) -> None:
    events, received = EventDispatcher(), list[object]()

    def fail(_event: object) -> None:
        raise ValueError("mine")

    events.subscribe(fail)
    events.subscribe(received.append)
    events.emit("event")
    assert received == ["event"]
    assert "on_event raised an exception" in caplog.text

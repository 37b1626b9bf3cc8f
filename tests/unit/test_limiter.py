from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support import LoopClock, virtually

from twelvelabs_async.errors import ClientStateError, QuotaExhaustedError, RateLimitError
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.limiter import RateLimiter, Turn, category_of
from twelvelabs_async.policy.window import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, Window

EPOCH = LoopClock.EPOCH


def told(
    remaining: int | None,
    *,
    reset_in: float | None = 10.0,
    limit: int | None = 5,
    at: float = 0.0,
    dimension: str = "request",
) -> Advice:
    """What a server says at `at`, by its own clock."""
    reset = None if reset_in is None else EPOCH + at + reset_in
    quota = Quota(limit=limit, remaining=remaining, reset=reset)
    return Advice(server_time=EPOCH + at, quotas={dimension: quota})


def answered(window: Window, advice: Advice, now: float) -> None:
    window.back()
    window.learn(advice, now)
    window.accept(now)


def leave_all(window: Window, now: float) -> int:
    """How many calls may leave at this moment; they do."""
    left = 0
    while window.delay(now) == 0.0 and left < 10_000:
        window.leave()
        left += 1
    return left


# The arithmetic of a window.


def test_a_new_window_lets_one_call_out_and_then_waits_for_its_answer_or_for_patience() -> None:
    window = Window()
    assert window.delay(0.0) == 0.0
    window.leave()
    assert window.delay(0.0) == PATIENCE
    assert window.delay(PATIENCE) == 0.0


def test_a_crowd_without_numbers_grows_by_a_half_each_round_trip() -> None:
    window = Window()
    sizes = list[int]()
    for trip in range(8):
        sizes.append(leave_all(window, 0.1 * trip))
        for _ in range(sizes[-1]):
            answered(window, Advice(server_time=EPOCH), 0.1 * trip)
    assert sizes == [1, 2, 3, 4, 6, 9, 14, 21]


def test_a_crowd_doubles_when_no_answer_comes_for_a_while() -> None:
    """An upload may take minutes; the others behind it need not wait for its end."""
    window = Window()
    assert [leave_all(window, second) for second in (0.0, 0.5, 1.0, 2.0, 3.5)] == [1, 0, 1, 2, 4]


def test_a_crowd_does_not_grow_while_nobody_calls() -> None:
    window = Window()
    window.leave()
    answered(window, Advice(server_time=EPOCH), 0.0)
    assert leave_all(window, 3600.0) == 2


def test_a_429_without_numbers_teaches_how_much_room_there_is() -> None:
    """The next window is felt for by one call, filled as far as the last one went, its end felt for by one again."""
    window, now = Window(crowd=10), 0.0
    for _ in range(leave_all(window, now)):
        window.back()
        window.accept(now)
    assert leave_all(window, now) > 1
    for _ in range(window.in_flight):
        window.back()
        window.refuse(None, now, jitter=0.0)
    assert window.room == 10
    now, sizes = 5.0, list[int]()
    while sum(sizes) < 12:
        sizes.append(leave_all(window, now))
        for _ in range(sizes[-1]):
            window.back()
            window.accept(now)
    assert sizes == [1, 2, 3, 4, 1, 2]


def test_room_that_was_learnt_an_hour_ago_holds_nobody_up() -> None:
    window = Window(room=3)
    assert leave_all(window, 0.0) == 1
    assert leave_all(window, 5.0) == 2
    assert leave_all(window, 6.0) == 0
    assert leave_all(window, LONGEST_PAUSE + 10.0) > 0


def test_a_told_remainder_is_what_may_be_on_the_way() -> None:
    window = Window()
    window.leave()
    answered(window, told(3), 0.0)
    for _ in range(3):
        assert window.delay(0.0) == 0.0
        window.leave()
    assert window.delay(0.0) is None


def test_an_answer_that_was_overtaken_within_its_window_does_not_raise_the_remainder() -> None:
    window = Window()
    for _ in range(3):
        window.leave()
    answered(window, told(2), 0.0)
    answered(window, told(4), 0.0)
    assert window.seen == 2


def test_an_answer_from_the_window_before_is_ignored() -> None:
    window = Window()
    for _ in range(3):
        window.leave()
    answered(window, told(4, reset_in=20), 11.0)
    answered(window, told(0, reset_in=10), 11.0)
    assert window.seen == 4
    assert window.delay(11.0) == 0.0


def test_a_later_reset_names_a_new_window() -> None:
    window = Window()
    window.leave()
    answered(window, told(0), 0.0)
    window.leave()
    answered(window, told(4, reset_in=10.0, at=12.0), 12.0)
    assert (window.seen, window.refills_at) == (4, 22.0)


def test_an_empty_window_waits_for_its_reset_and_is_full_then() -> None:
    window = Window()
    window.leave()
    answered(window, told(0, limit=4), 0.0)
    assert window.delay(0.0) == 10.0
    assert window.delay(9.5) == 0.5
    for _ in range(4):
        assert window.delay(10.0) == 0.0
        window.leave()
    assert window.delay(10.0) is None


def test_an_empty_window_without_a_reset_is_probed_by_one_call_at_a_time() -> None:
    window = Window()
    window.leave()
    answered(window, told(0, reset_in=None), 0.0)
    assert window.delay(0.0) == 0.0
    window.leave()
    assert window.delay(0.0) is None


@pytest.mark.parametrize("ahead", [86400.0 * 365 * 50, 1e15, 1e300])
def test_a_reset_that_cannot_be_meant_closes_nothing_for_ever(ahead: float) -> None:
    """P2. One bad header, such as a reset in milliseconds, must not end all calls of a category."""
    window = Window()
    window.leave()
    answered(window, told(0, reset_in=ahead), 0.0)
    assert window.blocked(0.0) == 0.0
    window.leave()
    answered(window, told(3, reset_in=10.0), 1.0)
    assert (window.seen, window.refills_at) == (3, 11.0)


@pytest.mark.parametrize("behind", [-1.0, -3600.0, -EPOCH])
def test_a_reset_that_is_past_does_not_refill_the_window(behind: float) -> None:
    """P2. A server whose resets are always past would otherwise be sent its whole limit at once, again and again."""
    window = Window()
    window.leave()
    answered(window, told(0, reset_in=behind, limit=1000), 0.0)
    assert window.delay(0.0) == 0.0
    window.leave()
    assert window.delay(0.0) is None


@pytest.mark.parametrize(
    ("wait", "jitter", "pause"), [(4.0, 0.0, 4.0), (4.0, 1.0, 5.5), (None, 0.0, FIRST_PAUSE), (None, 1.0, 1.75)]
)
def test_a_429_closes_the_window_never_earlier_than_told_and_by_a_quarter_and_half_a_second_at_most(
    wait: float | None, jitter: float, pause: float
) -> None:
    """P2."""
    window = Window()
    window.leave()
    window.back()
    assert window.refuse(wait, 100.0, jitter=jitter) == pytest.approx(pause)
    assert window.blocked(100.0) == pytest.approx(pause)
    assert window.delay(100.0 + pause) == 0.0


def test_pauses_without_advice_double_up_to_a_minute() -> None:
    window, now, pauses = Window(), 0.0, list[float]()
    for _ in range(9):
        pause = window.refuse(None, now, jitter=0.0)
        pauses.append(pause)
        now += pause
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_refusals_of_calls_that_had_left_together_count_once() -> None:
    window = Window(crowd=10)
    assert {window.refuse(None, 0.0, jitter=0.0) for _ in range(10)} == {FIRST_PAUSE}


def test_a_success_begins_the_pauses_anew() -> None:
    window = Window()
    window.refuse(None, 0.0, jitter=0.0)
    window.refuse(None, 5.0, jitter=0.0)
    window.accept(10.0)
    assert window.refuse(None, 10.0, jitter=0.0) == FIRST_PAUSE


def test_a_shorter_pause_does_not_open_a_window_early() -> None:
    window = Window()
    window.refuse(30.0, 0.0, jitter=0.0)
    window.refuse(1.0, 0.0, jitter=0.0)
    assert window.blocked(0.0) == 30.0


def test_another_dimension_that_is_used_up_closes_the_category() -> None:
    window = Window()
    window.leave()
    answered(window, told(0, reset_in=50.0, dimension="token"), 0.0)
    assert (window.blocked(0.0), window.dimension) == (50.0, "token")
    assert window.seen is None


def test_another_dimension_with_room_says_nothing() -> None:
    window = Window()
    window.leave()
    answered(window, told(7, reset_in=50.0, dimension="token"), 0.0)
    assert window.blocked(0.0) == 0.0


@pytest.mark.parametrize("ahead", [86400.0 * 365, 1e300])
def test_another_dimension_with_an_impossible_reset_closes_nothing(ahead: float) -> None:
    window = Window()
    window.leave()
    answered(window, told(0, reset_in=ahead, dimension="token"), 0.0)
    assert window.blocked(0.0) == 0.0


@pytest.mark.parametrize(
    ("operation", "category"),
    [
        ("POST /tasks", "index"),
        ("POST /indexes/{index-id}/indexed-assets", "index"),
        ("POST /assets", "upload"),
        ("POST /search", "search"),
        ("GET /search/{page-token}", "GET /search/{page-token}"),
        ("GET /assets", "GET /assets"),
    ],
)
def test_operations_that_share_a_limit_share_a_category(operation: str, category: str) -> None:
    """P4."""
    assert category_of(operation) == category


# The queue, in virtual time.


def limiter(jitter: Callable[[], float] = lambda: 0.0) -> RateLimiter:
    return RateLimiter(LoopClock(), jitter=jitter)


async def take(limiter: RateLimiter, category: str = "c", **limits: float) -> Turn:
    return await limiter.turn(category, max_wait=limits.pop("max_wait", 120.0), **limits)


def idle(limiter: RateLimiter, category: str = "c") -> bool:
    """Whether nobody holds or awaits a turn."""
    lane = limiter._lane(category)
    return lane.window.in_flight == 0 and lane.waiting == 0 and not lane.door.locked()


def test_turns_are_given_in_the_order_they_were_asked_for() -> None:
    async def main() -> list[int]:
        gate, order = limiter(), list[int]()

        async def call(number: int) -> None:
            async with await take(gate) as turn:
                order.append(number)
                await asyncio.sleep(0.01)
                turn.answered(200, told(5, limit=100))

        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(call(number))
        assert idle(gate)
        return order

    assert virtually(main()) == list(range(40))


def test_categories_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        gate = limiter()
        async with await take(gate, "a") as turn:
            turn.answered(429, Advice(server_time=EPOCH, retry_after=60.0))
        async with asyncio.timeout(0.001), await take(gate, "b"):
            pass

    virtually(main())


def test_a_quota_that_comes_back_too_late_is_told_at_once_with_its_time() -> None:
    """P2."""

    async def main() -> QuotaExhaustedError:
        gate = limiter()
        async with await take(gate) as turn:
            turn.answered(429, Advice(server_time=EPOCH + 500, retry_after=600.0, quotas=told(0, limit=7).quotas))
        started = gate.clock.monotonic()
        with pytest.raises(QuotaExhaustedError) as caught:
            await take(gate, max_wait=120.0)
        assert gate.clock.monotonic() - started < 0.01
        assert idle(gate)
        return caught.value

    error = virtually(main())
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 600.0
    assert error.resets_at == datetime.fromtimestamp(EPOCH + 1100, UTC)  # by the server's clock, 500 s ahead of ours
    assert (error.category, error.limit, error.dimension, error.gave_up) == ("c", 7, "request", "max_wait")
    assert error.retryable


def test_a_quota_that_comes_back_after_the_deadline_is_told_at_once() -> None:
    async def main() -> None:
        gate = limiter()
        async with await take(gate) as turn:
            turn.answered(429, Advice(server_time=EPOCH, retry_after=50.0))
        now = gate.clock.monotonic()
        with pytest.raises(QuotaExhaustedError) as caught:
            await take(gate, deadline=now + 49.0)
        assert caught.value.gave_up == "deadline"
        assert gate.clock.monotonic() - now < 0.01
        async with await take(gate, deadline=now + 51.0):
            assert gate.clock.monotonic() >= now + 50.0

    virtually(main())


def test_those_who_wait_already_are_told_when_the_quota_turns_out_to_be_gone() -> None:
    async def main() -> None:
        gate = limiter()
        first = await take(gate)
        waiting = [asyncio.create_task(take(gate)) for _ in range(10)]
        await asyncio.sleep(0)
        async with first:
            first.answered(429, Advice(server_time=EPOCH, retry_after=3600.0))
        told_at = gate.clock.monotonic()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, QuotaExhaustedError) for result in results)
        assert gate.clock.monotonic() - told_at < 0.01
        assert idle(gate)

    virtually(main())


@pytest.mark.parametrize("date_of_server", [253_402_300_799.0, -6e10, EPOCH])
def test_a_quota_whose_end_has_no_date_is_still_told_by_an_error_of_ours(date_of_server: float) -> None:
    """P18. A server whose clock stands at the end of the year 9999 must not break the error that reports it."""

    async def main() -> None:
        gate = limiter()
        async with await take(gate) as turn:
            turn.answered(429, Advice(server_time=date_of_server, retry_after=86400.0 * 30))
        with pytest.raises(QuotaExhaustedError):
            await take(gate)

    virtually(main())


@pytest.mark.parametrize("moment", range(12))
def test_a_cancelled_waiter_gives_everything_back(moment: int) -> None:
    """P21."""

    async def main() -> None:
        gate = limiter()
        first = await take(gate)
        waiting = [asyncio.create_task(take(gate)) for _ in range(4)]
        for step in range(moment):
            await asyncio.sleep(0)
            if step == moment // 2:
                first.answered(200, told(1))
                await first.__aexit__(None, None, None)
        for task in waiting[::2]:
            task.cancel()
        await asyncio.sleep(0)
        first.answered(200, told(1))
        await first.__aexit__(None, None, None)
        for task in waiting:
            result = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(result, Turn):
                result.answered(200, told(1, reset_in=3600.0))
                await result.__aexit__(None, None, None)
        assert idle(gate)
        async with await take(gate):
            pass

    virtually(main())


def test_a_turn_whose_call_failed_or_was_cancelled_is_given_back() -> None:
    """P21."""

    async def main() -> None:
        gate = limiter()

        async def call() -> None:
            async with await take(gate):
                await asyncio.sleep(3600)

        task = asyncio.create_task(call())
        await asyncio.sleep(0.001)
        assert gate.window("c").in_flight == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(OSError, match="broken"):
            await _break(gate)
        assert idle(gate)

    virtually(main())


async def _break(gate: RateLimiter) -> None:
    async with await take(gate):
        raise OSError("broken")


def test_close_turns_away_everybody_who_waits() -> None:
    """P23."""

    async def main() -> None:
        gate = limiter()
        first = await take(gate)
        waiting = [asyncio.create_task(take(gate)) for _ in range(5)]
        await asyncio.sleep(0)
        at = gate.clock.monotonic()
        gate.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [ClientStateError] * 5
        assert gate.clock.monotonic() - at < 0.01
        await first.__aexit__(None, None, None)
        assert idle(gate)
        with pytest.raises(ClientStateError):
            await take(gate)

    virtually(main())


def test_those_who_come_after_a_429_come_back_spread_over_a_quarter_of_the_wait() -> None:
    """P5: many clients that were refused in the same moment do not come back in the same moment."""

    async def come_back(chance: float) -> float:
        gate = limiter(lambda: chance)
        async with await take(gate) as turn:
            turn.answered(429, Advice(server_time=EPOCH, retry_after=8.0))
        async with await take(gate):
            return gate.clock.monotonic()

    moments = [virtually(come_back(chance / 50)) for chance in range(50)]
    assert min(moments) >= 8.0
    assert max(moments) <= 8.0 * 1.25 + 0.5 + 0.001
    assert max(moments) - min(moments) >= 0.25 * 8.0

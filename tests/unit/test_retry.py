from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from typing import Any, get_args

import pytest
from support import Answering, CountingServer, LoopClock, ask, budget_of, forget, in_turn, road, said, virtually

from twelvelabs_async.body import NO_BODY
from twelvelabs_async.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    InternalServerError,
    MalformedResponseError,
    NotFoundError,
    QuotaExhaustedError,
    RateLimitError,
    TwelveLabsError,
)
from twelvelabs_async.policy.budget import ONE, Flight, Window
from twelvelabs_async.policy.retry import (
    THROTTLED_COST,
    TRANSIENT,
    TRANSIENT_COST,
    RetryPolicy,
    RetryQuota,
    done_already,
    judge,
)
from twelvelabs_async.reply import Reply
from twelvelabs_async.request import RetryClass
from twelvelabs_async.settings import Options

ONCE: list[RetryClass] = ["reconcile", "unsafe"]
OFTEN: list[RetryClass] = ["safe", "idempotent", "compute", "repeatable"]


def test_each_class_of_operation_is_in_the_tables_of_this_file() -> None:
    assert {*ONCE, *OFTEN} == set(get_args(RetryClass))


# What is repeated.

SURE: list[APIError] = [
    RateLimitError(status_code=429),
    APIConnectionError(sent=False, retryable=True),
    APITimeoutError(sent=False, retryable=True),
]
UNSURE: list[APIError] = [
    *(InternalServerError(status_code=status) for status in sorted(TRANSIENT)),
    APIConnectionError(retryable=True),
    APITimeoutError(retryable=True),
    MalformedResponseError(status_code=200, retryable=True),
]
FINAL: list[APIError] = [
    *(APIError(status_code=status) for status in (302, 400, 401, 403, 404, 409, 410, 413, 422, 501, 505, 520)),
]
FINAL_AND_UNSURE: list[APIError] = [
    APIConnectionError(),
    MalformedResponseError(status_code=200),
]


def name(value: object) -> str:
    return f"{type(value).__name__}-{value.status_code}" if isinstance(value, APIError) else str(value)


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", SURE, ids=name)
def test_what_surely_did_not_happen_is_repeated_whatever_it_was(error: APIError, retry: RetryClass) -> None:
    judge(error, retry)
    assert (error.retryable, error.ambiguous) == (True, False)


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", UNSURE, ids=name)
def test_p7_what_may_have_happened_is_repeated_only_where_twice_is_no_harm(error: APIError, retry: RetryClass) -> None:
    fresh = type(error)(status_code=error.status_code, retryable=error.retryable)
    judge(fresh, retry)
    assert (fresh.retryable, fresh.ambiguous) == ((False, True) if retry in ONCE else (True, False))


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", FINAL, ids=name)
def test_what_was_refused_is_neither_repeated_nor_ambiguous(error: APIError, retry: RetryClass) -> None:
    judge(error, retry)
    assert (error.retryable, error.ambiguous) == (False, False)


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", FINAL_AND_UNSURE, ids=name)
def test_an_answer_nobody_can_read_is_not_repeated_and_leaves_a_write_in_doubt(
    error: APIError, retry: RetryClass
) -> None:
    judge(error, retry)
    assert (error.retryable, error.ambiguous) == (False, retry in ONCE)


@pytest.mark.parametrize(
    ("earlier", "done"),
    [
        ([], False),
        ([RateLimitError(status_code=429)], False),
        ([APIConnectionError(sent=False, retryable=True)], False),
        ([APIConnectionError(retryable=True)], True),
        ([InternalServerError(status_code=503), RateLimitError(status_code=429)], True),
    ],
)
def test_a_delete_that_finds_nothing_is_done_only_if_an_earlier_attempt_may_have_done_it(
    earlier: list[APIError], *, done: bool
) -> None:
    assert done_already(NotFoundError(status_code=404), "DELETE", earlier) is done
    assert not done_already(NotFoundError(status_code=404), "GET", earlier)


# When.


def policy(chance: float = 0.5, **changes: Any) -> RetryPolicy:
    return RetryPolicy(chance=lambda: chance, **changes)


@pytest.mark.parametrize("advice", [0.001, 1.0, 7.5, 119.0])
@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999999])
def test_p2_advice_is_never_undercut_and_exceeded_by_a_quarter_and_half_a_second_at_most(
    advice: float, chance: float
) -> None:
    wait = policy(chance).wait(InternalServerError(retry_after=advice), 1)
    assert advice <= wait <= advice * 1.25 + 0.5


def test_backoff_without_advice_is_random_up_to_a_bound_that_doubles() -> None:
    bounds = [policy(1.0).wait(InternalServerError(), attempt) for attempt in range(1, 9)]
    assert bounds == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
    assert policy(0.0).wait(InternalServerError(), 8) == 0.0
    assert policy(1.0).wait(InternalServerError(), 100_000) == 20.0


def test_p5_backoff_is_spread_evenly() -> None:
    waits = sorted(RetryPolicy().wait(InternalServerError(), 3) for _ in range(4000))
    for tenth in range(1, 10):
        assert waits[tenth * 400] == pytest.approx(0.2 * tenth, abs=0.1)


def test_after_a_429_the_queue_of_the_limiter_does_the_waiting() -> None:
    assert policy().wait(RateLimitError(retry_after=30.0), 1) == 0.0


# The budget.


def test_p3_the_budget_pays_for_35_retries_and_not_for_one_more() -> None:
    quota = RetryQuota()
    paid = [quota.spend(InternalServerError()) for _ in range(40)]
    assert paid == [TRANSIENT_COST] * 35 + [0] * 5
    assert quota.tokens == 500 - 35 * TRANSIENT_COST


def test_a_retry_after_a_429_is_cheaper() -> None:
    quota = RetryQuota(capacity=10)
    assert quota.spend(RateLimitError()) == THROTTLED_COST
    assert quota.spend(InternalServerError()) == 0
    assert quota.tokens == 5


def test_the_budget_is_never_more_than_full_nor_less_than_empty() -> None:
    quota = RetryQuota(capacity=20)
    quota.earn()
    assert quota.tokens == 20
    quota.spend(InternalServerError())
    quota.refund(1000)
    assert quota.tokens == 20


# The loop, in virtual time.


def sends(answer: Answering, *, options: Options | None = None, **what: Any) -> tuple[int, APIError | None]:
    async def main() -> tuple[int, APIError | None]:
        api, session = road(answer, LoopClock(), options=options)
        try:
            await api.call(ask(**what))
        except APIError as error:
            return len(session.sent), error
        return len(session.sent), None

    return virtually(main())


@pytest.mark.parametrize("retries", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("status", sorted(TRANSIENT | {429}))
def test_p1_max_retries_n_means_n(retries: int, status: int) -> None:
    options = Options(max_retries=retries, timeout=1e6)
    sent, error = sends(in_turn(said(status)), options=options)
    assert sent == retries + 1
    assert error is not None
    assert (error.attempts, len(error.earlier), error.gave_up) == (retries + 1, retries, "max_retries")


@pytest.mark.parametrize("retry", ONCE)
@pytest.mark.parametrize("status", sorted(TRANSIENT))
def test_p7_a_write_is_sent_once_when_the_server_fails(status: int, retry: RetryClass) -> None:
    sent, error = sends(in_turn(said(status), said()), method="POST", retry=retry)
    assert sent == 1
    assert error is not None
    assert error.ambiguous
    assert error.gave_up is None


@pytest.mark.parametrize("retry", ONCE)
def test_a_write_is_repeated_when_it_was_refused_or_never_sent(retry: RetryClass) -> None:
    failures: list[Reply | TwelveLabsError] = [said(429), APIConnectionError(sent=False, retryable=True), said(429)]
    assert sends(in_turn(*failures, said()), method="POST", retry=retry) == (4, None)


def test_a_repeated_delete_that_finds_nothing_has_done_its_work() -> None:
    async def main(*replies: Reply) -> None:
        api, _ = road(in_turn(*replies), LoopClock())
        await api.call(forget())

    virtually(main(said(503), said(404)))
    virtually(main(said(503), said(400, {"code": "resource_not_exist"})))
    with pytest.raises(NotFoundError):
        virtually(main(said(404)))
    with pytest.raises(NotFoundError):
        virtually(main(said(429), said(404)))


def test_calls_that_run_at_once_do_not_mix_up_their_attempts() -> None:
    """A controller of tenacity that is shared counts the attempts of all callers together."""

    async def main() -> None:
        counts = dict[str, int]()

        async def answer(_method: str, path: str) -> Reply:
            counts[path] = counts.get(path, 0) + 1
            await asyncio.sleep(0.01)
            return said() if counts[path] == 4 else said(503)

        api, _ = road(answer, LoopClock())
        await asyncio.gather(*(api.call(ask(template=f"/{number}")) for number in range(10)))
        assert set(counts.values()) == {4}

    virtually(main())


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"Retry-After": "5"}, 5.0),
        ({"Retry-After": "0.7"}, 0.7),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"Retry-After": formatdate(LoopClock.EPOCH + 40, usegmt=True)}, 40.0),
        ({"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": str(int(LoopClock.EPOCH) + 33)}, 33.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wrong_by", [0.0, -40 * 86400.0, 900.0])
def test_p2_the_advice_of_the_server_is_obeyed_exactly(
    headers: dict[str, str], least: float, status: int, wrong_by: float
) -> None:
    """P2: never earlier than told, at most a quarter and half a second later; the clock of the client may be wrong."""

    async def main() -> tuple[float, float]:
        moments = list[float]()
        clock = LoopClock(wrong_by=wrong_by)

        async def answer(_method: str, _path: str) -> Reply:
            moments.append(clock.monotonic())
            await asyncio.sleep(0)
            date = formatdate(LoopClock.EPOCH + clock.monotonic(), usegmt=True)
            return said() if len(moments) == 2 else said(status, headers={**headers, "Date": date})

        api, _ = road(answer, clock)
        await api.call(ask())
        return moments[0], moments[1]

    first, second = virtually(main())
    assert least <= second - first <= least * 1.25 + 0.51


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("advice", [121.0, 3600.0, 86400.0])
def test_p2_advice_beyond_max_wait_is_raised_at_once(status: int, advice: float) -> None:

    async def main() -> APIError:
        api, session = road(in_turn(said(status, headers={"Retry-After": str(advice)})), LoopClock())
        with pytest.raises(APIError) as caught:
            await api.call(ask())
        assert asyncio.get_running_loop().time() < 0.01
        assert len(session.sent) == 1
        assert api.quota.tokens == api.quota.capacity  # nothing was repeated, so nothing was spent
        return caught.value

    error = virtually(main())
    assert error.retry_after == pytest.approx(advice, rel=0.26)
    assert error.gave_up in {"max_wait", "deadline"}
    assert isinstance(error, QuotaExhaustedError if status == 429 else InternalServerError)
    assert (error.status_code, error.attempts) == (status, 1)


@pytest.mark.parametrize("status", [429, 503])
def test_p2_advice_beyond_the_deadline_is_raised_at_once(status: int) -> None:
    """P2, P6."""

    async def main() -> APIError:
        api, _ = road(in_turn(said(status, headers={"Retry-After": "20"})), LoopClock(), options=Options(timeout=10))
        with pytest.raises(APIError) as caught:
            await api.call(ask())
        assert asyncio.get_running_loop().time() < 0.01
        return caught.value

    error = virtually(main())
    assert error.gave_up == "deadline"
    assert error.retry_after is not None
    assert error.retry_after >= 20.0


@pytest.mark.parametrize(
    "advice",
    ["nan", "inf", "-1", "0", "1" * 35, "soon", "", "Fri, 31 Dec 100000 23:59:59 GMT", "1900000000000"],
)
def test_p2_unreadable_advice_is_followed_by_plain_backoff_and_never_by_hammering(advice: str) -> None:

    async def main() -> list[float]:
        moments = list[float]()

        async def answer(_method: str, _path: str) -> Reply:
            moments.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0)
            reset = advice if advice.isdigit() else "0"
            headers = {"Retry-After": advice, "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": reset}
            return said(429, headers={**headers, "X-Ratelimit-Limit": "1000"})

        api, _ = road(answer, LoopClock(), options=Options(timeout=300))
        outcomes = await asyncio.gather(*(api.call(ask()) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(outcome, RateLimitError) for outcome in outcomes)
        return moments

    moments = virtually(main())
    assert len(moments) <= 200
    rounds = sorted(set(moments))
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(rounds[:2]))
    assert max(moments.count(moment) for moment in rounds) <= 2


# P3: no storm.


def test_p3_an_outage_is_not_answered_by_a_storm_of_retries() -> None:

    async def main() -> None:
        down = True

        async def answer(_method: str, _path: str) -> Reply:
            await asyncio.sleep(0.01)
            return said(503 if down else 200)

        api, session = road(answer, LoopClock())
        results = list[BaseException | None]()
        for _ in range(20):
            outcomes = await asyncio.gather(*(api.call(ask()) for _ in range(50)), return_exceptions=True)
            results += [outcome if isinstance(outcome, BaseException) else None for outcome in outcomes]
        assert all(isinstance(result, InternalServerError) for result in results)
        assert len(session.sent) / len(results) <= 1.05
        reasons = [result.gave_up for result in results if isinstance(result, APIError)]
        assert reasons[-1] == "retry_budget_exhausted"
        assert "retry_budget_exhausted" in str(results[-1])
        down = False
        await api.call(ask())

    virtually(main())


def test_p3_an_outage_of_429s_is_not_answered_by_a_storm_either() -> None:

    async def main() -> None:
        api, session = road(in_turn(said(429)), LoopClock(), options=Options(timeout=1e6))
        outcomes = list[object]()
        for _ in range(10):
            outcomes += await asyncio.gather(*(api.call(ask()) for _ in range(100)), return_exceptions=True)
        assert all(isinstance(outcome, RateLimitError) for outcome in outcomes)
        assert len(session.sent) / len(outcomes) <= 1.2

    virtually(main())


def test_a_retry_that_succeeds_gives_its_tokens_back() -> None:
    async def main() -> None:
        api, _ = road(in_turn(said(503), said(), said(503), said(503), said()), LoopClock())
        await api.call(ask())
        assert api.quota.tokens == api.quota.capacity
        await api.call(ask())
        assert api.quota.tokens == api.quota.capacity - TRANSIENT_COST

    virtually(main())


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.2, 1.0, 3.0])
def test_p21_a_cancelled_call_gives_the_tokens_of_its_last_retry_back(moment: float) -> None:

    async def main() -> None:
        async def answer(_method: str, _path: str) -> Reply:
            await asyncio.sleep(0.01)
            return said(503, headers={"Retry-After": "0.5"})

        api, _ = road(answer, LoopClock(), options=Options(max_retries=1))
        task = asyncio.create_task(api.call(ask()))
        await asyncio.sleep(moment)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        cancelled = isinstance(outcome, asyncio.CancelledError)
        assert api.quota.tokens == api.quota.capacity - (0 if cancelled else TRANSIENT_COST)
        assert api.limiter.lane("GET /x").in_flight == 0

    virtually(main())


@pytest.mark.parametrize("moment", [0.005, 0.2, 0.515])
def test_p21_a_cancelled_upload_of_a_part_gives_the_tokens_of_its_last_retry_back(moment: float) -> None:

    async def main() -> None:
        async def answer(_method: str, _path: str) -> Reply:
            await asyncio.sleep(0.01)
            return said(503)

        random.seed(1)  # waits of 0.07, 0.85 and 1.5 s: it is still at it at each of the moments
        api, _ = road(answer, LoopClock())
        task = asyncio.create_task(api.store(_somewhere, {}, NO_BODY, prove=lambda _: None))
        await asyncio.sleep(moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert api.quota.tokens >= api.quota.capacity - 3 * TRANSIENT_COST

    virtually(main())


async def _somewhere() -> str:
    return "https://storage.invalid/part"


# P6: one deadline.


async def _stall(_method: str, _path: str) -> Reply:
    await asyncio.sleep(1e9)
    return said()


async def _fail_slowly(_method: str, _path: str) -> Reply:
    await asyncio.sleep(3.0)
    return said(503)


async def _fail_fast(_method: str, _path: str) -> Reply:
    await asyncio.sleep(0)
    return said(503)


@pytest.mark.parametrize("answer", [_stall, _fail_slowly, _fail_fast])
@pytest.mark.parametrize("timeout", [0.1, 2.0, 10.0])
def test_p6_a_call_ends_at_its_deadline_and_sends_nothing_after_it(
    answer: Callable[[str, str], Any], timeout: float
) -> None:

    async def main() -> None:
        sent_at = list[float]()

        async def note(method: str, path: str) -> Reply:
            sent_at.append(asyncio.get_running_loop().time())
            reply: Reply = await answer(method, path)
            return reply

        api, _ = road(note, LoopClock(), options=Options(timeout=timeout, max_retries=1000))
        with pytest.raises(APIError) as caught:
            await api.call(ask())
        ended = asyncio.get_running_loop().time()
        assert ended <= timeout + 0.001
        assert caught.value.gave_up in {"deadline", "retry_budget_exhausted"}
        assert caught.value.elapsed == pytest.approx(ended, abs=0.001)
        await asyncio.sleep(100)
        assert max(sent_at) < timeout

    virtually(main())


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
def test_p6_a_deadline_that_passes_leaves_a_write_in_doubt_and_a_read_worth_repeating(retry: RetryClass) -> None:
    """P6, P7."""
    sent, error = sends(_stall, options=Options(timeout=1), method="POST", retry=retry)
    assert sent == 1
    assert isinstance(error, APITimeoutError)
    assert (error.ambiguous, error.retryable) == ((True, False) if retry in ONCE else (False, True))


@pytest.mark.parametrize("retry", ONCE)
def test_p6_a_deadline_that_passes_in_the_queue_leaves_no_doubt_and_costs_nothing(retry: RetryClass) -> None:
    """P6, P7: a write that was only ever refused did not happen."""

    async def main() -> None:
        async def answer(_method: str, _path: str) -> Reply:
            first = len(session.sent) == 1
            await asyncio.sleep(0.01 if first else 1e9)
            return said(429, headers={"Retry-After": "0.1"})

        api, session = road(answer, LoopClock(), options=Options(timeout=5))
        refused = asyncio.create_task(api.call(ask("POST", retry=retry)))
        await asyncio.sleep(0.001)
        budget = budget_of(api.limiter, "POST /x")
        budget.flights[2] = Flight(left=api.clock.monotonic(), costs=ONE)
        budget.flying = {"request": 2.0}
        budget.windows = [Window(dimension="request", limit=1, seen=1)]  # another call is on the way in the only place
        with pytest.raises(APITimeoutError) as caught:
            await refused
        assert len(session.sent) == 1
        assert not caught.value.ambiguous
        assert caught.value.attempts == 1
        assert api.quota.tokens == api.quota.capacity

    virtually(main())


# P4: no 429s, by arithmetic.


def storm(server: Callable[[LoopClock], CountingServer], calls: int) -> tuple[CountingServer, float]:
    async def main() -> tuple[CountingServer, float]:
        clock = LoopClock()
        counting = server(clock)
        api, _ = road(counting.answer, clock, options=Options(timeout=1e6))
        await asyncio.gather(*(api.call(ask("POST", "/search", retry="compute")) for _ in range(calls)))
        return counting, clock.monotonic()

    return virtually(main())


@pytest.mark.parametrize(("seconds", "use"), [(3.0, 0.745), (60.0, 0.97)])
def test_p4_a_quota_that_is_told_is_used_up_and_not_overrun(seconds: float, use: float) -> None:
    """P4. Moments come in whole seconds, so about one of them is lost in each window."""
    server, took = storm(
        lambda clock: CountingServer(limit=40, seconds=seconds, clock=clock, latency=lambda: 0.001), 200
    )
    assert (server.served, server.refused) == (200, 0)
    assert 4 * seconds / took >= use


def test_p4_a_quota_that_is_not_told_is_found_with_few_refusals() -> None:
    server, _ = storm(lambda clock: CountingServer(limit=40, seconds=3.0, clock=clock, headers=False), 200)
    assert server.served == 200
    assert server.refused <= 0.15 * 200


def test_retries_are_logged_without_noise(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "twelvelabs_async")
    sends(in_turn(said(503, headers={"Retry-After": "1"}), said()))
    assert not caplog.records
    sends(in_turn(said(503, headers={"Retry-After": "6"}), said()))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# Without a deadline of the caller's own.


def test_the_queue_for_a_limit_does_not_count_unless_the_caller_sets_a_deadline() -> None:
    """Two hundred calls at once for forty a minute: the last is served in the fifth minute, and none fails before."""

    async def main() -> None:
        clock = LoopClock()
        server = CountingServer(limit=40, seconds=60.0, clock=clock)
        api, _ = road(server.answer, clock)
        await asyncio.gather(*(api.call(ask()) for _ in range(200)))
        assert (server.served, server.refused) == (200, 0)
        assert clock.monotonic() > 200

    virtually(main())


def test_a_server_that_is_silent_is_left_after_a_minute_also_behind_a_queue() -> None:
    async def main() -> None:
        clock = LoopClock()
        server = CountingServer(limit=1, seconds=60.0, clock=clock)

        async def answer(method: str, path: str) -> Reply:
            if server.served:
                await asyncio.sleep(1e6)
            return await server.answer(method, path)

        api, _ = road(answer, clock)
        await api.call(ask())
        before = clock.monotonic()
        with pytest.raises(APITimeoutError):
            await api.call(ask())
        assert 100 < clock.monotonic() - before < 125

    virtually(main())

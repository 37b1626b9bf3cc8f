from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from typing import Any, get_args

import pytest
from support import (
    FixedWindowServer,
    LoopClock,
    ResponseHandler,
    category_state,
    fake_response,
    json_request,
    make_executor,
    no_content_request,
    responses_in_order,
    run_in_virtual_time,
)

from twelvelabs_async._core.retry import (
    THROTTLED_COST,
    TRANSIENT_COST,
    RetryBudget,
    RetryPolicy,
    already_deleted,
    classify_error,
)
from twelvelabs_async._http.body import NO_BODY
from twelvelabs_async._http.transport import Response
from twelvelabs_async._options import Options
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST, InFlightRequest, Window
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
from twelvelabs_async.requests import RetryClass

ONCE: list[RetryClass] = ["verify_first", "non_idempotent"]
OFTEN: list[RetryClass] = ["safe", "idempotent", "billable", "leaves_orphan"]


def test_each_class_of_operation_is_in_the_tables_of_this_file() -> None:
    assert {*ONCE, *OFTEN} == set(get_args(RetryClass))


# What is repeated.

SURE: list[APIError] = [
    RateLimitError(status_code=429),
    APIConnectionError(sent=False, retryable=True),
    APITimeoutError(sent=False, retryable=True),
]
UNSURE: list[APIError] = [
    *(APIError(status_code=status) for status in (408, 425)),
    *(InternalServerError(status_code=status) for status in (500, 502, 503, 504, 507, 508, 509, 599)),
    *(InternalServerError(status_code=status) for status in (520, 521, 522, 523, 524, 527, 529, 530)),
    APIConnectionError(retryable=True),
    APITimeoutError(retryable=True),
    MalformedResponseError(status_code=200, retryable=True),
]
FINAL: list[APIError] = [
    *(APIError(status_code=status) for status in (302, 400, 401, 403, 404, 409, 410, 413, 422)),
    *(InternalServerError(status_code=status) for status in (501, 505, 506, 510, 511)),
]
FINAL_AND_UNSURE: list[APIError] = [
    *(InternalServerError(status_code=status) for status in (525, 526)),
    APIConnectionError(),
    MalformedResponseError(status_code=200),
]


def name(value: object) -> str:
    return f"{type(value).__name__}-{value.status_code}" if isinstance(value, APIError) else str(value)


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", SURE, ids=name)
def test_a_request_that_was_not_processed_is_retryable_in_every_retry_class(error: APIError, retry: RetryClass) -> None:
    classify_error(error, retry)
    assert (error.retryable, error.ambiguous) == (True, False)


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", UNSURE, ids=name)
def test_p7_an_uncertain_failure_is_retryable_only_where_repetition_is_harmless(
    error: APIError, retry: RetryClass
) -> None:
    fresh = type(error)(status_code=error.status_code, retryable=error.retryable)
    classify_error(fresh, retry)
    assert (fresh.retryable, fresh.ambiguous) == ((False, True) if retry in ONCE else (True, False))


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", FINAL, ids=name)
def test_a_rejected_request_is_neither_retryable_nor_ambiguous(error: APIError, retry: RetryClass) -> None:
    classify_error(error, retry)
    assert (error.retryable, error.ambiguous) == (False, False)


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
@pytest.mark.parametrize("error", FINAL_AND_UNSURE, ids=name)
def test_an_uncertain_permanent_error_is_not_retryable_and_makes_a_write_ambiguous(
    error: APIError, retry: RetryClass
) -> None:
    classify_error(error, retry)
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
def test_a_404_for_a_delete_is_success_only_if_an_earlier_attempt_may_have_deleted(
    earlier: list[APIError], *, done: bool
) -> None:
    assert already_deleted(NotFoundError(status_code=404), "DELETE", earlier) is done
    assert not already_deleted(NotFoundError(status_code=404), "GET", earlier)


# When.


def policy(chance: float = 0.5, **changes: Any) -> RetryPolicy:
    return RetryPolicy(jitter=lambda: chance, **changes)


@pytest.mark.parametrize("advice", [0.001, 1.0, 7.5, 119.0])
@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999999])
def test_p2_the_delay_is_retry_after_plus_at_most_a_quarter_or_five_seconds(advice: float, chance: float) -> None:
    wait = policy(chance).delay_after(InternalServerError(retry_after=advice), 1)
    assert advice <= wait <= advice + min(advice * 0.25, 5.0)


def test_backoff_without_retry_after_is_random_up_to_a_doubling_bound() -> None:
    bounds = [policy(1.0).delay_after(InternalServerError(), attempt) for attempt in range(1, 9)]
    assert bounds == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
    assert policy(0.0).delay_after(InternalServerError(), 8) == 0.0
    assert policy(1.0).delay_after(InternalServerError(), 100_000) == 20.0


def test_p5_backoff_is_uniformly_distributed() -> None:
    waits = sorted(RetryPolicy().delay_after(InternalServerError(), 3) for _ in range(4000))
    for tenth in range(1, 10):
        assert waits[tenth * 400] == pytest.approx(0.2 * tenth, abs=0.1)


def test_the_retry_delay_after_a_429_is_zero_because_the_limiter_waits() -> None:
    assert policy().delay_after(RateLimitError(retry_after=30.0), 1) == 0.0


# The budget.


def test_p3_the_budget_allows_exactly_35_retries() -> None:
    budget = RetryBudget()
    paid = [budget.spend(InternalServerError()) for _ in range(40)]
    assert paid == [TRANSIENT_COST] * 35 + [0] * 5
    assert budget.tokens == 500 - 35 * TRANSIENT_COST


def test_a_retry_after_a_429_is_cheaper() -> None:
    budget = RetryBudget(capacity=10)
    assert budget.spend(RateLimitError()) == THROTTLED_COST
    assert budget.spend(InternalServerError()) == 0
    assert budget.tokens == 5


def test_the_budget_never_exceeds_its_capacity() -> None:
    budget = RetryBudget(capacity=20)
    budget.refund(1)
    assert budget.tokens == 20
    budget.spend(InternalServerError())
    budget.refund(1000)
    assert budget.tokens == 20


# The loop, in virtual time.


def sends(answer: ResponseHandler, *, options: Options | None = None, **what: Any) -> tuple[int, APIError | None]:
    async def main() -> tuple[int, APIError | None]:
        api, session = make_executor(answer, LoopClock(), options=options)
        try:
            await api.execute(json_request(**what))
        except APIError as error:
            return len(session.sent), error
        return len(session.sent), None

    return run_in_virtual_time(main())


@pytest.mark.parametrize("retries", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 524])
def test_p1_max_retries_n_means_n(retries: int, status: int) -> None:
    options = Options(max_retries=retries, timeout=1e6)
    sent, error = sends(responses_in_order(fake_response(status)), options=options)
    assert sent == retries + 1
    assert error is not None
    assert (error.attempts, len(error.previous_attempts), error.give_up_reason) == (retries + 1, retries, "max_retries")


@pytest.mark.parametrize("retry", ONCE)
@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 524])
def test_p7_a_write_is_sent_once_when_the_server_fails(status: int, retry: RetryClass) -> None:
    sent, error = sends(responses_in_order(fake_response(status), fake_response()), method="POST", retry_class=retry)
    assert sent == 1
    assert error is not None
    assert error.ambiguous
    assert error.give_up_reason is None


@pytest.mark.parametrize("retry", ONCE)
def test_a_write_is_retried_after_a_429_or_if_it_was_not_sent(retry: RetryClass) -> None:
    failures: list[Response | TwelveLabsError] = [
        fake_response(429),
        APIConnectionError(sent=False, retryable=True),
        fake_response(429),
    ]
    assert sends(responses_in_order(*failures, fake_response()), method="POST", retry_class=retry) == (4, None)


def test_not_found_for_a_delete_retried_after_a_server_error_is_a_success() -> None:
    async def main(*replies: Response) -> None:
        api, _ = make_executor(responses_in_order(*replies), LoopClock())
        await api.execute(no_content_request())

    run_in_virtual_time(main(fake_response(503), fake_response(404)))
    run_in_virtual_time(main(fake_response(503), fake_response(400, {"code": "resource_not_exist"})))
    with pytest.raises(NotFoundError):
        run_in_virtual_time(main(fake_response(404)))
    with pytest.raises(NotFoundError):
        run_in_virtual_time(main(fake_response(429), fake_response(404)))


def test_concurrent_calls_count_their_attempts_separately() -> None:
    """A controller of tenacity that is shared counts the attempts of all callers together."""

    async def main() -> None:
        counts = dict[str, int]()

        async def answer(_method: str, path: str) -> Response:
            counts[path] = counts.get(path, 0) + 1
            await asyncio.sleep(0.01)
            return fake_response() if counts[path] == 4 else fake_response(503)

        api, _ = make_executor(answer, LoopClock())
        await asyncio.gather(*(api.execute(json_request(path_template=f"/{number}")) for number in range(10)))
        assert set(counts.values()) == {4}

    run_in_virtual_time(main())


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
def test_p2_a_retry_waits_as_long_as_the_server_requests(
    headers: dict[str, str], least: float, status: int, wrong_by: float
) -> None:
    """P2: never earlier than the server asks, at most a quarter or 5 s later, even if the client has a wrong clock."""

    async def main() -> tuple[float, float]:
        moments = list[float]()
        clock = LoopClock(skew=wrong_by)

        async def answer(_method: str, _path: str) -> Response:
            moments.append(clock.monotonic())
            await asyncio.sleep(0)
            date = formatdate(LoopClock.EPOCH + clock.monotonic(), usegmt=True)
            return fake_response() if len(moments) == 2 else fake_response(status, headers={**headers, "Date": date})

        api, _ = make_executor(answer, clock)
        await api.execute(json_request())
        return moments[0], moments[1]

    first, second = run_in_virtual_time(main())
    assert least <= second - first <= least + min(0.25 * least, 5.0) + 0.01


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("advice", [121.0, 3600.0, 86400.0])
def test_p2_a_retry_after_beyond_max_wait_raises_immediately(status: int, advice: float) -> None:

    async def main() -> APIError:
        api, session = make_executor(
            responses_in_order(fake_response(status, headers={"Retry-After": str(advice)})), LoopClock()
        )
        with pytest.raises(APIError) as caught:
            await api.execute(json_request())
        assert asyncio.get_running_loop().time() < 0.01
        assert len(session.sent) == 1
        assert api.retry_budget.tokens == api.retry_budget.capacity  # nothing was repeated, so nothing was spent
        return caught.value

    error = run_in_virtual_time(main())
    assert error.retry_after == pytest.approx(advice)
    assert error.give_up_reason in {"max_wait", "deadline"}
    assert isinstance(error, QuotaExhaustedError if status == 429 else InternalServerError)
    assert (error.status_code, error.attempts) == (status, 1)


@pytest.mark.parametrize("status", [429, 503])
def test_p2_a_retry_after_beyond_the_deadline_raises_immediately(status: int) -> None:
    """P2, P6."""

    async def main() -> APIError:
        api, _ = make_executor(
            responses_in_order(fake_response(status, headers={"Retry-After": "20"})),
            LoopClock(),
            options=Options(timeout=10),
        )
        with pytest.raises(APIError) as caught:
            await api.execute(json_request())
        assert asyncio.get_running_loop().time() < 0.01
        return caught.value

    error = run_in_virtual_time(main())
    assert error.give_up_reason == "deadline"
    assert error.retry_after == pytest.approx(20.0)


@pytest.mark.parametrize(
    "advice",
    ["nan", "inf", "-1", "0", "1" * 35, "soon", "", "Fri, 31 Dec 100000 23:59:59 GMT", "1900000000000"],
)
def test_p2_an_invalid_retry_after_leads_to_backoff_without_request_bursts(advice: str) -> None:

    async def main() -> list[float]:
        moments = list[float]()

        async def answer(_method: str, _path: str) -> Response:
            moments.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0)
            reset = advice if advice.isdigit() else "0"
            headers = {"Retry-After": advice, "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": reset}
            return fake_response(429, headers={**headers, "X-Ratelimit-Limit": "1000"})

        api, _ = make_executor(answer, LoopClock(), options=Options(timeout=300))
        outcomes = await asyncio.gather(*(api.execute(json_request()) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(outcome, RateLimitError) for outcome in outcomes)
        return moments

    moments = run_in_virtual_time(main())
    assert len(moments) <= 200
    rounds = sorted(set(moments))
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(rounds[:2]))
    assert max(moments.count(moment) for moment in rounds[1:]) <= 2


# P3: no storm.


def test_p3_an_outage_causes_few_retries() -> None:

    async def main() -> None:
        down = True

        async def answer(_method: str, _path: str) -> Response:
            await asyncio.sleep(0.01)
            return fake_response(503 if down else 200)

        api, session = make_executor(answer, LoopClock())
        results = list[BaseException | None]()
        for _ in range(20):
            outcomes = await asyncio.gather(*(api.execute(json_request()) for _ in range(50)), return_exceptions=True)
            results += [outcome if isinstance(outcome, BaseException) else None for outcome in outcomes]
        assert all(isinstance(result, InternalServerError) for result in results)
        assert len(session.sent) / len(results) <= 1.05
        reasons = [result.give_up_reason for result in results if isinstance(result, APIError)]
        assert reasons[-1] == "retry_budget_exhausted"
        assert "retry_budget_exhausted" in str(results[-1])
        down = False
        await api.execute(json_request())

    run_in_virtual_time(main())


def test_p3_continuous_429s_cause_few_retries() -> None:

    async def main() -> None:
        api, session = make_executor(responses_in_order(fake_response(429)), LoopClock(), options=Options(timeout=1e6))
        outcomes = list[object]()
        for _ in range(10):
            outcomes += await asyncio.gather(*(api.execute(json_request()) for _ in range(100)), return_exceptions=True)
        assert all(isinstance(outcome, RateLimitError) for outcome in outcomes)
        assert len(session.sent) / len(outcomes) <= 1.2

    run_in_virtual_time(main())


def test_a_successful_retry_returns_its_tokens() -> None:
    async def main() -> None:
        api, _ = make_executor(
            responses_in_order(
                fake_response(503), fake_response(), fake_response(503), fake_response(503), fake_response()
            ),
            LoopClock(),
        )
        await api.execute(json_request())
        assert api.retry_budget.tokens == api.retry_budget.capacity
        await api.execute(json_request())
        assert api.retry_budget.tokens == api.retry_budget.capacity - TRANSIENT_COST

    run_in_virtual_time(main())


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.2, 1.0, 3.0])
def test_p21_a_cancelled_call_returns_the_tokens_of_its_last_retry(moment: float) -> None:

    async def main() -> None:
        async def answer(_method: str, _path: str) -> Response:
            await asyncio.sleep(0.01)
            return fake_response(503, headers={"Retry-After": "0.5"})

        api, _ = make_executor(answer, LoopClock(), options=Options(max_retries=1))
        task = asyncio.create_task(api.execute(json_request()))
        await asyncio.sleep(moment)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        cancelled = isinstance(outcome, asyncio.CancelledError)
        assert api.retry_budget.tokens == api.retry_budget.capacity - (0 if cancelled else TRANSIENT_COST)
        assert api.limiter.category_queue("GET /x").in_flight == 0

    run_in_virtual_time(main())


@pytest.mark.parametrize("moment", [0.005, 0.2, 0.515])
def test_p21_a_cancelled_part_upload_returns_the_tokens_of_its_last_retry(moment: float) -> None:

    async def main() -> None:
        async def answer(_method: str, _path: str) -> Response:
            await asyncio.sleep(0.01)
            return fake_response(503)

        random.seed(1)  # waits of 0.07, 0.85 and 1.5 s: it is still at it at each of the moments
        api, _ = make_executor(answer, LoopClock())
        task = asyncio.create_task(api.put_to_storage(_somewhere, {}, NO_BODY, verify_response=lambda _: None))
        await asyncio.sleep(moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert api.retry_budget.tokens >= api.retry_budget.capacity - 3 * TRANSIENT_COST

    run_in_virtual_time(main())


async def _somewhere() -> str:
    return "https://storage.invalid/part"


# P6: one deadline.


async def _stall(_method: str, _path: str) -> Response:
    await asyncio.sleep(1e9)
    return fake_response()


async def _fail_slowly(_method: str, _path: str) -> Response:
    await asyncio.sleep(3.0)
    return fake_response(503)


async def _fail_fast(_method: str, _path: str) -> Response:
    await asyncio.sleep(0)
    return fake_response(503)


@pytest.mark.parametrize("answer", [_stall, _fail_slowly, _fail_fast])
@pytest.mark.parametrize("timeout", [0.1, 2.0, 10.0])
def test_p6_a_call_ends_at_its_deadline_and_sends_nothing_after_it(
    answer: Callable[[str, str], Any], timeout: float
) -> None:

    async def main() -> None:
        sent_at = list[float]()

        async def note(method: str, path: str) -> Response:
            sent_at.append(asyncio.get_running_loop().time())
            reply: Response = await answer(method, path)
            return reply

        api, _ = make_executor(note, LoopClock(), options=Options(timeout=timeout, max_retries=1000))
        with pytest.raises(APIError) as caught:
            await api.execute(json_request())
        ended = asyncio.get_running_loop().time()
        assert ended <= timeout + 0.001
        assert caught.value.give_up_reason in {"deadline", "retry_budget_exhausted"}
        assert caught.value.elapsed == pytest.approx(ended, abs=0.001)
        await asyncio.sleep(100)
        assert max(sent_at) < timeout

    run_in_virtual_time(main())


@pytest.mark.parametrize("retry", [*OFTEN, *ONCE])
def test_p6_a_timeout_makes_a_write_ambiguous_and_a_read_retryable(retry: RetryClass) -> None:
    """P6, P7."""
    sent, error = sends(_stall, options=Options(timeout=1), method="POST", retry_class=retry)
    assert sent == 1
    assert isinstance(error, APITimeoutError)
    assert (error.ambiguous, error.retryable) == ((True, False) if retry in ONCE else (False, True))


@pytest.mark.parametrize("retry", ONCE)
def test_p6_a_timeout_in_the_queue_is_not_ambiguous_and_costs_no_retry_tokens(retry: RetryClass) -> None:
    """P6, P7: a write that was only ever refused did not happen."""

    async def main() -> None:
        async def answer(_method: str, _path: str) -> Response:
            first = len(session.sent) == 1
            await asyncio.sleep(0.01 if first else 1e9)
            return fake_response(429, headers={"Retry-After": "0.1"})

        api, session = make_executor(answer, LoopClock(), options=Options(timeout=5))
        pending = asyncio.create_task(api.execute(json_request("POST", retry_class=retry)))
        await asyncio.sleep(0.001)
        state = category_state(api.limiter, "POST /x")
        state.in_flight[2] = InFlightRequest(sent_at=api.clock.monotonic(), costs=SINGLE_REQUEST)
        state.in_flight_count, state.reserved = 2, {"request": 2.0}
        state.windows = {("request", 1): Window(dimension="request", limit=1, remaining=1)}  # in use by another call
        with pytest.raises(APITimeoutError) as caught:
            await pending
        assert len(session.sent) == 1
        assert not caught.value.ambiguous
        assert caught.value.attempts == 1
        assert api.retry_budget.tokens == api.retry_budget.capacity

    run_in_virtual_time(main())


# P4: no 429s, by arithmetic.


def storm(server: Callable[[LoopClock], FixedWindowServer], calls: int) -> tuple[FixedWindowServer, float]:
    async def main() -> tuple[FixedWindowServer, float]:
        clock = LoopClock()
        counting = server(clock)
        api, _ = make_executor(counting.handle, clock, options=Options(timeout=1e6))
        await asyncio.gather(
            *(api.execute(json_request("POST", "/search", retry_class="billable")) for _ in range(calls))
        )
        return counting, clock.monotonic()

    return run_in_virtual_time(main())


@pytest.mark.parametrize(("seconds", "use"), [(3.0, 0.745), (60.0, 0.97)])
def test_p4_a_reported_quota_is_nearly_used_up_and_never_exceeded(seconds: float, use: float) -> None:
    """P4. Moments come in whole seconds, so about one of them is lost in each window."""
    server, took = storm(
        lambda clock: FixedWindowServer(limit=40, window_seconds=seconds, clock=clock, latency=lambda: 0.001), 200
    )
    assert (server.accepted, server.rejected) == (200, 0)
    assert 4 * seconds / took >= use


def test_p4_an_unreported_quota_is_found_with_few_rejections() -> None:
    server, _ = storm(
        lambda clock: FixedWindowServer(limit=40, window_seconds=3.0, clock=clock, send_headers=False), 200
    )
    assert server.accepted == 200
    assert server.rejected <= 0.15 * 200


def test_only_long_retry_waits_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "twelvelabs_async")
    sends(responses_in_order(fake_response(503, headers={"Retry-After": "1"}), fake_response()))
    assert not caplog.records
    sends(responses_in_order(fake_response(503, headers={"Retry-After": "6"}), fake_response()))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# Without a deadline of the caller's own.


def test_queue_time_does_not_count_towards_the_default_timeout() -> None:
    """Two hundred calls at once for forty a minute: the last is served in the fifth minute, and none fails before."""

    async def main() -> None:
        clock = LoopClock()
        server = FixedWindowServer(limit=40, window_seconds=60.0, clock=clock)
        api, _ = make_executor(server.handle, clock)
        await asyncio.gather(*(api.execute(json_request()) for _ in range(200)))
        assert (server.accepted, server.rejected) == (200, 0)
        assert clock.monotonic() > 200

    run_in_virtual_time(main())


def test_an_unresponsive_server_times_out_one_minute_after_the_queue() -> None:
    async def main() -> None:
        clock = LoopClock()
        server = FixedWindowServer(limit=1, window_seconds=60.0, clock=clock)

        async def answer(method: str, path: str) -> Response:
            if server.accepted:
                await asyncio.sleep(1e6)
            return await server.handle(method, path)

        api, _ = make_executor(answer, clock)
        await api.execute(json_request())
        before = clock.monotonic()
        with pytest.raises(APITimeoutError):
            await api.execute(json_request())
        assert 100 < clock.monotonic() - before < 125

    run_in_virtual_time(main())

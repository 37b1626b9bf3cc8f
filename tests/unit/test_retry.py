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

NOT_REPEATABLE: list[RetryClass] = ["verify_first", "non_idempotent"]
REPEATABLE: list[RetryClass] = ["safe", "idempotent", "billable", "leaves_orphan"]


def test_each_retry_class_is_in_the_lists_of_this_module() -> None:
    assert {*NOT_REPEATABLE, *REPEATABLE} == set(get_args(RetryClass))


# Which errors are retryable.

NOT_PROCESSED: list[APIError] = [
    RateLimitError(status_code=429),
    APIConnectionError(sent=False, retryable=True),
    APITimeoutError(sent=False, retryable=True),
]
POSSIBLY_PROCESSED: list[APIError] = [
    *(APIError(status_code=status) for status in (408, 425)),
    *(InternalServerError(status_code=status) for status in (500, 502, 503, 504, 507, 508, 509, 599)),
    *(InternalServerError(status_code=status) for status in (520, 521, 522, 523, 524, 527, 529, 530)),
    APIConnectionError(retryable=True),
    APITimeoutError(retryable=True),
    MalformedResponseError(status_code=200, retryable=True),
]
REJECTED: list[APIError] = [
    *(APIError(status_code=status) for status in (302, 400, 401, 403, 404, 409, 410, 413, 422)),
    *(InternalServerError(status_code=status) for status in (501, 505, 506, 510, 511)),
]
PERMANENT_POSSIBLY_PROCESSED: list[APIError] = [
    *(InternalServerError(status_code=status) for status in (525, 526)),
    APIConnectionError(),
    MalformedResponseError(status_code=200),
]


def error_id(value: object) -> str:
    return f"{type(value).__name__}-{value.status_code}" if isinstance(value, APIError) else str(value)


@pytest.mark.parametrize("retry", [*REPEATABLE, *NOT_REPEATABLE])
@pytest.mark.parametrize("error", NOT_PROCESSED, ids=error_id)
def test_a_request_that_was_not_processed_is_retryable_in_every_retry_class(error: APIError, retry: RetryClass) -> None:
    classify_error(error, retry)
    assert (error.retryable, error.ambiguous) == (True, False)


@pytest.mark.parametrize("retry", [*REPEATABLE, *NOT_REPEATABLE])
@pytest.mark.parametrize("error", POSSIBLY_PROCESSED, ids=error_id)
def test_p7_an_uncertain_failure_is_retryable_only_where_repetition_is_harmless(
    error: APIError, retry: RetryClass
) -> None:
    copied_error = type(error)(status_code=error.status_code, retryable=error.retryable)
    classify_error(copied_error, retry)
    assert (copied_error.retryable, copied_error.ambiguous) == (
        (False, True) if retry in NOT_REPEATABLE else (True, False)
    )


@pytest.mark.parametrize("retry", [*REPEATABLE, *NOT_REPEATABLE])
@pytest.mark.parametrize("error", REJECTED, ids=error_id)
def test_a_rejected_request_is_neither_retryable_nor_ambiguous(error: APIError, retry: RetryClass) -> None:
    classify_error(error, retry)
    assert (error.retryable, error.ambiguous) == (False, False)


@pytest.mark.parametrize("retry", [*REPEATABLE, *NOT_REPEATABLE])
@pytest.mark.parametrize("error", PERMANENT_POSSIBLY_PROCESSED, ids=error_id)
def test_an_uncertain_permanent_error_is_not_retryable_and_makes_a_write_ambiguous(
    error: APIError, retry: RetryClass
) -> None:
    classify_error(error, retry)
    assert (error.retryable, error.ambiguous) == (False, retry in NOT_REPEATABLE)


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


# Delays.


def policy(jitter: float = 0.5, **changes: Any) -> RetryPolicy:
    return RetryPolicy(jitter=lambda: jitter, **changes)


@pytest.mark.parametrize("retry_after", [0.001, 1.0, 7.5, 119.0])
@pytest.mark.parametrize("jitter", [0.0, 0.3, 0.999999])
def test_p2_the_delay_is_retry_after_plus_at_most_a_quarter_or_five_seconds(retry_after: float, jitter: float) -> None:
    wait = policy(jitter).delay_after(InternalServerError(retry_after=retry_after), 1)
    assert retry_after <= wait <= retry_after + min(retry_after * 0.25, 5.0)


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


def execute(
    handler: ResponseHandler, *, options: Options | None = None, **request_arguments: Any
) -> tuple[int, APIError | None]:
    async def main() -> tuple[int, APIError | None]:
        executor, session = make_executor(handler, LoopClock(), options=options)
        try:
            await executor.execute(json_request(**request_arguments))
        except APIError as error:
            return len(session.sent), error
        return len(session.sent), None

    return run_in_virtual_time(main())


@pytest.mark.parametrize("retries", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 524])
def test_p1_max_retries_n_means_n(retries: int, status: int) -> None:
    options = Options(max_retries=retries, timeout=1e6)
    sent, error = execute(responses_in_order(fake_response(status)), options=options)
    assert sent == retries + 1
    assert error is not None
    assert (error.attempts, len(error.previous_attempts), error.give_up_reason) == (retries + 1, retries, "max_retries")


@pytest.mark.parametrize("retry", NOT_REPEATABLE)
@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 524])
def test_p7_a_write_is_sent_once_when_the_server_fails(status: int, retry: RetryClass) -> None:
    sent, error = execute(responses_in_order(fake_response(status), fake_response()), method="POST", retry_class=retry)
    assert sent == 1
    assert error is not None
    assert error.ambiguous
    assert error.give_up_reason is None


@pytest.mark.parametrize("retry", NOT_REPEATABLE)
def test_a_write_is_retried_after_a_429_or_if_it_was_not_sent(retry: RetryClass) -> None:
    failures: list[Response | TwelveLabsError] = [
        fake_response(429),
        APIConnectionError(sent=False, retryable=True),
        fake_response(429),
    ]
    assert execute(responses_in_order(*failures, fake_response()), method="POST", retry_class=retry) == (4, None)


def test_not_found_for_a_delete_retried_after_a_server_error_is_a_success() -> None:
    async def main(*responses: Response) -> None:
        executor, _ = make_executor(responses_in_order(*responses), LoopClock())
        await executor.execute(no_content_request())

    run_in_virtual_time(main(fake_response(503), fake_response(404)))
    run_in_virtual_time(main(fake_response(503), fake_response(400, {"code": "resource_not_exist"})))
    with pytest.raises(NotFoundError):
        run_in_virtual_time(main(fake_response(404)))
    with pytest.raises(NotFoundError):
        run_in_virtual_time(main(fake_response(429), fake_response(404)))


def test_concurrent_calls_count_their_attempts_separately() -> None:
    """A shared tenacity controller would count the attempts of all calls together."""

    async def main() -> None:
        counts = dict[str, int]()

        async def handler(_method: str, path: str) -> Response:
            counts[path] = counts.get(path, 0) + 1
            await asyncio.sleep(0.01)
            return fake_response() if counts[path] == 4 else fake_response(503)

        executor, _ = make_executor(handler, LoopClock())
        await asyncio.gather(*(executor.execute(json_request(path_template=f"/{number}")) for number in range(10)))
        assert set(counts.values()) == {4}

    run_in_virtual_time(main())


@pytest.mark.parametrize(
    ("headers", "min_delay"),
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
@pytest.mark.parametrize("clock_error", [0.0, -40 * 86400.0, 900.0])
def test_p2_a_retry_waits_as_long_as_the_server_requests(
    headers: dict[str, str], min_delay: float, status: int, clock_error: float
) -> None:
    """The delay is at least the requested time and at most a quarter or 5 s longer, even if the clock is wrong."""

    async def main() -> tuple[float, float]:
        times = list[float]()
        clock = LoopClock(skew=clock_error)

        async def handler(_method: str, _path: str) -> Response:
            times.append(clock.monotonic())
            await asyncio.sleep(0)
            date = formatdate(LoopClock.EPOCH + clock.monotonic(), usegmt=True)
            return fake_response() if len(times) == 2 else fake_response(status, headers={**headers, "Date": date})

        executor, _ = make_executor(handler, clock)
        await executor.execute(json_request())
        return times[0], times[1]

    first, second = run_in_virtual_time(main())
    assert min_delay <= second - first <= min_delay + min(0.25 * min_delay, 5.0) + 0.01


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", [121.0, 3600.0, 86400.0])
def test_p2_a_retry_after_beyond_max_wait_raises_immediately(status: int, retry_after: float) -> None:

    async def main() -> APIError:
        executor, session = make_executor(
            responses_in_order(fake_response(status, headers={"Retry-After": str(retry_after)})), LoopClock()
        )
        with pytest.raises(APIError) as caught:
            await executor.execute(json_request())
        assert asyncio.get_running_loop().time() < 0.01
        assert len(session.sent) == 1
        assert executor.retry_budget.tokens == executor.retry_budget.capacity  # no retry, so no tokens were spent
        return caught.value

    error = run_in_virtual_time(main())
    assert error.retry_after == pytest.approx(retry_after)
    assert error.give_up_reason in {"max_wait", "deadline"}
    assert isinstance(error, QuotaExhaustedError if status == 429 else InternalServerError)
    assert (error.status_code, error.attempts) == (status, 1)


@pytest.mark.parametrize("status", [429, 503])
def test_p2_a_retry_after_beyond_the_deadline_raises_immediately(status: int) -> None:

    async def main() -> APIError:
        executor, _ = make_executor(
            responses_in_order(fake_response(status, headers={"Retry-After": "20"})),
            LoopClock(),
            options=Options(timeout=10),
        )
        with pytest.raises(APIError) as caught:
            await executor.execute(json_request())
        assert asyncio.get_running_loop().time() < 0.01
        return caught.value

    error = run_in_virtual_time(main())
    assert error.give_up_reason == "deadline"
    assert error.retry_after == pytest.approx(20.0)


@pytest.mark.parametrize(
    "retry_after",
    ["nan", "inf", "-1", "0", "1" * 35, "soon", "", "Fri, 31 Dec 100000 23:59:59 GMT", "1900000000000"],
)
def test_p2_an_invalid_retry_after_leads_to_backoff_without_request_bursts(retry_after: str) -> None:

    async def main() -> list[float]:
        times = list[float]()

        async def handler(_method: str, _path: str) -> Response:
            times.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0)
            reset = retry_after if retry_after.isdigit() else "0"
            headers = {"Retry-After": retry_after, "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": reset}
            return fake_response(429, headers={**headers, "X-Ratelimit-Limit": "1000"})

        executor, _ = make_executor(handler, LoopClock(), options=Options(timeout=300))
        outcomes = await asyncio.gather(*(executor.execute(json_request()) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(outcome, RateLimitError) for outcome in outcomes)
        return times

    times = run_in_virtual_time(main())
    assert len(times) <= 200
    rounds = sorted(set(times))
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(rounds[:2]))
    assert max(times.count(time) for time in rounds[1:]) <= 2


# P3: few retries.


def test_p3_an_outage_causes_few_retries() -> None:

    async def main() -> None:
        down = True

        async def handler(_method: str, _path: str) -> Response:
            await asyncio.sleep(0.01)
            return fake_response(503 if down else 200)

        executor, session = make_executor(handler, LoopClock())
        results = list[BaseException | None]()
        for _ in range(20):
            outcomes = await asyncio.gather(
                *(executor.execute(json_request()) for _ in range(50)), return_exceptions=True
            )
            results += [outcome if isinstance(outcome, BaseException) else None for outcome in outcomes]
        assert all(isinstance(result, InternalServerError) for result in results)
        assert len(session.sent) / len(results) <= 1.05
        reasons = [result.give_up_reason for result in results if isinstance(result, APIError)]
        assert reasons[-1] == "retry_budget_exhausted"
        assert "retry_budget_exhausted" in str(results[-1])
        down = False
        await executor.execute(json_request())

    run_in_virtual_time(main())


def test_p3_continuous_429s_cause_few_retries() -> None:

    async def main() -> None:
        executor, session = make_executor(
            responses_in_order(fake_response(429)), LoopClock(), options=Options(timeout=1e6)
        )
        outcomes = list[object]()
        for _ in range(10):
            outcomes += await asyncio.gather(
                *(executor.execute(json_request()) for _ in range(100)), return_exceptions=True
            )
        assert all(isinstance(outcome, RateLimitError) for outcome in outcomes)
        assert len(session.sent) / len(outcomes) <= 1.2

    run_in_virtual_time(main())


def test_a_successful_retry_returns_its_tokens() -> None:
    async def main() -> None:
        executor, _ = make_executor(
            responses_in_order(
                fake_response(503), fake_response(), fake_response(503), fake_response(503), fake_response()
            ),
            LoopClock(),
        )
        await executor.execute(json_request())
        assert executor.retry_budget.tokens == executor.retry_budget.capacity
        await executor.execute(json_request())
        assert executor.retry_budget.tokens == executor.retry_budget.capacity - TRANSIENT_COST

    run_in_virtual_time(main())


@pytest.mark.parametrize("cancelled_at", [0.0, 0.005, 0.2, 1.0, 3.0])
def test_p21_a_cancelled_call_returns_the_tokens_of_its_last_retry(cancelled_at: float) -> None:

    async def main() -> None:
        async def handler(_method: str, _path: str) -> Response:
            await asyncio.sleep(0.01)
            return fake_response(503, headers={"Retry-After": "0.5"})

        executor, _ = make_executor(handler, LoopClock(), options=Options(max_retries=1))
        task = asyncio.create_task(executor.execute(json_request()))
        await asyncio.sleep(cancelled_at)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        cancelled = isinstance(outcome, asyncio.CancelledError)
        assert executor.retry_budget.tokens == executor.retry_budget.capacity - (0 if cancelled else TRANSIENT_COST)
        assert executor.limiter.category_queue("GET /x").in_flight == 0

    run_in_virtual_time(main())


@pytest.mark.parametrize("cancelled_at", [0.005, 0.2, 0.515])
def test_p21_a_cancelled_part_upload_returns_the_tokens_of_its_last_retry(cancelled_at: float) -> None:

    async def main() -> None:
        async def handler(_method: str, _path: str) -> Response:
            await asyncio.sleep(0.01)
            return fake_response(503)

        random.seed(1)  # delays of 0.07, 0.85 and 1.5 s: the upload is still running at each `cancelled_at`
        executor, _ = make_executor(handler, LoopClock())
        task = asyncio.create_task(executor.put_to_storage(_storage_url, {}, NO_BODY, verify_response=lambda _: None))
        await asyncio.sleep(cancelled_at)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert executor.retry_budget.tokens >= executor.retry_budget.capacity - 3 * TRANSIENT_COST

    run_in_virtual_time(main())


async def _storage_url() -> str:
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


@pytest.mark.parametrize("handler", [_stall, _fail_slowly, _fail_fast])
@pytest.mark.parametrize("timeout", [0.1, 2.0, 10.0])
def test_p6_a_call_ends_at_its_deadline_and_sends_nothing_after_it(
    handler: Callable[[str, str], Any], timeout: float
) -> None:

    async def main() -> None:
        sent_at = list[float]()

        async def record_time(method: str, path: str) -> Response:
            sent_at.append(asyncio.get_running_loop().time())
            response: Response = await handler(method, path)
            return response

        executor, _ = make_executor(record_time, LoopClock(), options=Options(timeout=timeout, max_retries=1000))
        with pytest.raises(APIError) as caught:
            await executor.execute(json_request())
        ended = asyncio.get_running_loop().time()
        assert ended <= timeout + 0.001
        assert caught.value.give_up_reason in {"deadline", "retry_budget_exhausted"}
        assert caught.value.elapsed == pytest.approx(ended, abs=0.001)
        await asyncio.sleep(100)
        assert max(sent_at) < timeout

    run_in_virtual_time(main())


@pytest.mark.parametrize("retry", [*REPEATABLE, *NOT_REPEATABLE])
def test_p6_a_timeout_makes_a_write_ambiguous_and_a_read_retryable(retry: RetryClass) -> None:
    sent, error = execute(_stall, options=Options(timeout=1), method="POST", retry_class=retry)
    assert sent == 1
    assert isinstance(error, APITimeoutError)
    assert (error.ambiguous, error.retryable) == ((True, False) if retry in NOT_REPEATABLE else (False, True))


@pytest.mark.parametrize("retry", NOT_REPEATABLE)
def test_p6_a_timeout_in_the_queue_is_not_ambiguous_and_costs_no_retry_tokens(retry: RetryClass) -> None:
    """A write whose attempts were all rate limited was not executed."""

    async def main() -> None:
        async def handler(_method: str, _path: str) -> Response:
            first = len(session.sent) == 1
            await asyncio.sleep(0.01 if first else 1e9)
            return fake_response(429, headers={"Retry-After": "0.1"})

        executor, session = make_executor(handler, LoopClock(), options=Options(timeout=5))
        pending = asyncio.create_task(executor.execute(json_request("POST", retry_class=retry)))
        await asyncio.sleep(0.001)
        state = category_state(executor.limiter, "POST /x")
        state.in_flight[2] = InFlightRequest(sent_at=executor.clock.monotonic(), costs=SINGLE_REQUEST)
        state.in_flight_count, state.reserved = 2, {"request": 2.0}
        state.windows = {("request", 1): Window(dimension="request", limit=1, remaining=1)}  # in use by another call
        with pytest.raises(APITimeoutError) as caught:
            await pending
        assert len(session.sent) == 1
        assert not caught.value.ambiguous
        assert caught.value.attempts == 1
        assert executor.retry_budget.tokens == executor.retry_budget.capacity

    run_in_virtual_time(main())


# P4: few 429s.


def run_calls(make_server: Callable[[LoopClock], FixedWindowServer], calls: int) -> tuple[FixedWindowServer, float]:
    async def main() -> tuple[FixedWindowServer, float]:
        clock = LoopClock()
        server = make_server(clock)
        executor, _ = make_executor(server.handle, clock, options=Options(timeout=1e6))
        await asyncio.gather(
            *(executor.execute(json_request("POST", "/search", retry_class="billable")) for _ in range(calls))
        )
        return server, clock.monotonic()

    return run_in_virtual_time(main())


@pytest.mark.parametrize(("seconds", "utilization"), [(3.0, 0.745), (60.0, 0.97)])
def test_p4_a_reported_quota_is_nearly_used_up_and_never_exceeded(seconds: float, utilization: float) -> None:
    """Reset times are in whole seconds, so up to one second of each window is unused."""
    server, duration = run_calls(
        lambda clock: FixedWindowServer(limit=40, window_seconds=seconds, clock=clock, latency=lambda: 0.001), 200
    )
    assert (server.accepted, server.rejected) == (200, 0)
    assert 4 * seconds / duration >= utilization


def test_p4_an_unreported_quota_is_found_with_few_rejections() -> None:
    server, _ = run_calls(
        lambda clock: FixedWindowServer(limit=40, window_seconds=3.0, clock=clock, send_headers=False), 200
    )
    assert server.accepted == 200
    assert server.rejected <= 0.15 * 200


def test_only_long_retry_waits_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "twelvelabs_async")
    execute(responses_in_order(fake_response(503, headers={"Retry-After": "1"}), fake_response()))
    assert not caplog.records
    execute(responses_in_order(fake_response(503, headers={"Retry-After": "6"}), fake_response()))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# Without an explicit timeout.


def test_queue_time_does_not_count_towards_the_default_timeout() -> None:
    """200 concurrent calls at 40 per minute: the last one is executed in the fifth minute, and none fails."""

    async def main() -> None:
        clock = LoopClock()
        server = FixedWindowServer(limit=40, window_seconds=60.0, clock=clock)
        executor, _ = make_executor(server.handle, clock)
        await asyncio.gather(*(executor.execute(json_request()) for _ in range(200)))
        assert (server.accepted, server.rejected) == (200, 0)
        assert clock.monotonic() > 200

    run_in_virtual_time(main())


def test_an_unresponsive_server_times_out_one_minute_after_the_queue() -> None:
    async def main() -> None:
        clock = LoopClock()
        server = FixedWindowServer(limit=1, window_seconds=60.0, clock=clock)

        async def handler(method: str, path: str) -> Response:
            if server.accepted:
                await asyncio.sleep(1e6)
            return await server.handle(method, path)

        executor, _ = make_executor(handler, clock)
        await executor.execute(json_request())
        started = clock.monotonic()
        with pytest.raises(APITimeoutError):
            await executor.execute(json_request())
        assert 100 < clock.monotonic() - started < 125

    run_in_virtual_time(main())

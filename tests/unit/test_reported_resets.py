"""Errors after a 429 have the reset time, the limit and the message that the platform sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, Final

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import LoopClock, fake_response, json_request, make_executor, run_in_virtual_time

from twelvelabs_async import APIError, QuotaExhaustedError, RateLimitError
from twelvelabs_async._http.transport import Response
from twelvelabs_async._options import Options
from twelvelabs_async.events import RateLimitUpdated, RateLimitWaitStarted
from twelvelabs_async.ingest._failures import is_permanent, reason_to_stop
from twelvelabs_async.requests import Request


@attrs.frozen
class RateLimitedResponse:
    """An error response as received by a live account."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, str]

    def response(self) -> Response:
        return fake_response(self.status, self.body, self.headers)


DAY_HEADERS: Final = RateLimitedResponse(
    429,
    {
        "date": "Fri, 07 Nov 2025 22:11:07 GMT",
        "retry-after": "11382",
        "tl-report": "backend",
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1762564849",
        "x-ratelimit-used": "100",
        "x-trace-id": "122506435189331138",
    },
    {
        "code": "too_many_requests",
        "message": "You have exceeded the rate limit (100req/1day). Please try again later after 2025-11-08T01:20:49Z.",
    },
)
PLAN_LIMIT: Final = RateLimitedResponse(
    429,
    {"date": "Tue, 28 Jul 2026 20:00:00 GMT"},
    {
        "code": "plan_limit_exceeded",
        "message": "You have reached your free plan's daily Response limit (15/day). "
        "It resets at 2026-07-28T23:25:06Z.",
    },
)
PLAN_LIMIT_WITHOUT_TIME: Final = RateLimitedResponse(429, {}, {"code": "plan_limit_exceeded", "message": "daily limit"})
REQUEST_REMAINING: Final = RateLimitedResponse(
    429,
    {"date": "Mon, 16 Mar 2026 14:00:00 GMT", "retry-after": "21600", "x-ratelimit-request-remaining": "0"},
    {
        "code": "too_many_requests",
        "message": "You have exceeded the rate limit (50req/1day). Please try again later after 2026-03-16T20:00:00Z.",
    },
)


def search_request() -> Request[Any]:
    return json_request("POST", "/search", json={})


def errors_of_calls(rejection: RateLimitedResponse, calls: int = 1, **options: Any) -> list[APIError]:
    """Return the errors of consecutive calls if each request is rejected."""

    async def main() -> list[APIError]:
        async def handle(_method: str, _path: str) -> Response:
            return rejection.response()

        executor, session = make_executor(handle, LoopClock(), options=Options(**options))
        errors = list[APIError]()
        for _ in range(calls):
            with pytest.raises(APIError) as caught:
                await executor.execute(search_request())
            errors.append(caught.value)
        assert executor.clock.monotonic() < 1
        assert len(session.sent) == 1 or not errors[0].retryable
        return errors

    return run_in_virtual_time(main())


@pytest.mark.parametrize(
    ("rejection", "limit", "resets_at"),
    [
        (DAY_HEADERS, 100, "2025-11-08T01:20:49+00:00"),
        (PLAN_LIMIT, 15, "2026-07-28T23:25:06+00:00"),
        (REQUEST_REMAINING, 50, "2026-03-16T20:00:00+00:00"),
    ],
)
def test_p2_a_quota_error_has_the_limit_the_reset_and_the_message_of_the_platform(
    rejection: RateLimitedResponse, limit: int, resets_at: str
) -> None:
    first, second = errors_of_calls(rejection, calls=2)
    for error in (first, second):
        assert isinstance(error, QuotaExhaustedError)
        assert (error.limit, error.dimension, error.give_up_reason) == (limit, "request", "max_wait")
        assert error.resets_at is not None
        assert error.resets_at.isoformat() == resets_at
    assert (first.status_code, first.code) == (429, rejection.body["code"])
    assert first.request_id == rejection.headers.get("x-trace-id")
    assert rejection.body["message"].rstrip(".") in str(first)
    assert rejection.body["code"] in str(first)
    assert second.status_code is None, "the second call is not sent"


def test_p2_a_429_that_is_not_retried_has_the_reset_and_the_limit_as_well() -> None:
    [error] = errors_of_calls(DAY_HEADERS, max_retries=0)
    assert isinstance(error, RateLimitError)
    assert (error.give_up_reason, error.category, error.dimension, error.limit) == (
        "max_retries",
        "search",
        "request",
        100,
    )
    assert error.resets_at is not None
    assert error.resets_at.isoformat() == "2025-11-08T01:20:49+00:00"


def test_a_plan_limit_error_without_a_reset_is_not_retried_and_blocks_no_other_call() -> None:
    for error in errors_of_calls(PLAN_LIMIT_WITHOUT_TIME, calls=3):
        assert isinstance(error, RateLimitError)
        assert not isinstance(error, QuotaExhaustedError)
        assert (error.code, error.message, error.attempts, error.retryable) == (
            "plan_limit_exceeded",
            "daily limit",
            1,
            False,
        )


@pytest.mark.parametrize("status", [400, 403, 429])
@pytest.mark.parametrize("code", ["plan_limit_exceeded", "usage_limit_exceeded", "api_allowed_for_paid_plan"])
def test_each_plan_limit_error_stops_an_ingestion_and_has_its_code_and_message(status: int, code: str) -> None:
    (error,) = errors_of_calls(RateLimitedResponse(status, {}, {"code": code, "message": "the plan allows no more"}))
    assert reason_to_stop(error) == "quota"
    assert not is_permanent(error), "the item itself is valid"
    assert not error.retryable
    assert f"{status} {code}" in str(error)
    assert "the plan allows no more" in str(error)


def test_a_plan_limit_error_with_a_short_wait_is_retried() -> None:
    async def main() -> None:
        responses = [
            fake_response(429, {"code": "plan_limit_exceeded"}, {"Retry-After": "20"}),
            fake_response(200, {}),
        ]

        async def handle(_method: str, _path: str) -> Response:
            return responses.pop(0)

        executor, _ = make_executor(handle, LoopClock())
        assert await executor.execute(search_request()) == {}
        assert 20 <= executor.clock.monotonic() <= 25

    run_in_virtual_time(main())


@given(
    wait=st.integers(1, 90_000),
    elapsed=st.integers(0, 3600),
    skew=st.sampled_from([0.0, -3e6, 900.0]),
    latency=st.sampled_from([0.0, 0.3, 7.0]),
    as_header=st.sampled_from(["Retry-After", "Retry-After date", "X-Ratelimit-Reset", "message"]),
)
def test_p2_every_error_with_a_reported_reset_has_exactly_that_time(
    wait: int, elapsed: int, skew: float, latency: float, as_header: str
) -> None:
    """Jitter, latency and a wrong local clock have no effect."""
    assume(wait > elapsed)

    async def main() -> None:
        clock = LoopClock(skew=skew)
        reset = int(LoopClock.EPOCH) + wait
        headers = {"Date": formatdate(LoopClock.EPOCH, usegmt=True)}
        headers |= {
            "Retry-After": {"Retry-After": str(wait)},
            "Retry-After date": {"Retry-After": formatdate(reset, usegmt=True)},
            "X-Ratelimit-Reset": {
                "X-Ratelimit-Limit": "40",
                "X-Ratelimit-Remaining": "0",
                "X-Ratelimit-Reset": str(reset),
            },
            "message": {},
        }[as_header]
        reported = datetime.fromtimestamp(reset, UTC)
        body = {"code": "too_many_requests", "message": f"Try again after {reported:%Y-%m-%dT%H:%M:%SZ}."}

        async def handle(_method: str, _path: str) -> Response:
            await clock.sleep(latency)
            return fake_response(429, body if as_header == "message" else {}, headers)

        events = list[object]()
        executor, _ = make_executor(handle, clock, options=Options(max_wait=0.5, timeout=1e6))
        executor.limiter.events.subscribe(events.append)
        for pause in (0.0, float(elapsed)):
            await clock.sleep(pause)
            with pytest.raises(QuotaExhaustedError) as caught:
                await executor.execute(search_request())
            assert caught.value.resets_at == reported
        updates = [event for event in events if isinstance(event, RateLimitUpdated)]
        assert all(event.resets_at == reported for event in updates)
        assert all(window.resets_at == reported for window in executor.limiter.limits()["search"].windows)

    run_in_virtual_time(main())


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_p2_the_decision_on_max_wait_depends_on_the_reported_reset_only(jitter: float) -> None:
    async def main(max_wait: float) -> float:
        responses = [fake_response(429, headers={"Retry-After": "5"}), fake_response(200, {})]

        async def handle(_method: str, _path: str) -> Response:
            return responses.pop(0)

        executor, _ = make_executor(handle, LoopClock(), options=Options(max_wait=max_wait))
        executor.limiter.jitter = lambda: jitter
        await executor.execute(search_request())
        return executor.clock.monotonic()

    assert run_in_virtual_time(main(5.6)) == pytest.approx(5 + 1.25 * jitter)
    with pytest.raises(QuotaExhaustedError):
        run_in_virtual_time(main(4.9))


def test_waits_without_a_known_limit_emit_no_wait_event() -> None:
    async def main() -> list[object]:
        clock, events = LoopClock(), list[object]()

        async def handle(_method: str, _path: str) -> Response:
            await clock.sleep(3)
            return fake_response(200, {})

        executor, _ = make_executor(handle, clock)
        executor.limiter.events.subscribe(events.append)
        await asyncio.gather(*(executor.execute(search_request()) for _ in range(200)))
        return events

    assert not [event for event in run_in_virtual_time(main()) if isinstance(event, RateLimitWaitStarted)]


@pytest.mark.parametrize(
    ("message", "limit", "dimension"),
    [
        ("(100req/1day)", 100, "request"),
        ("(50req/1day)", 50, "request"),
        ("(15/day)", 15, "request"),
        ("(1,000 requests/minute)", 1000, "request"),
        ("(600min/1hour)", 600, "duration"),
        ("(2000 tokens / 1 day)", 2000, "token"),
        ("(see https://example.com/1day)", None, "request"),
        ("no limit named", None, "request"),
    ],
)
def test_a_limit_given_only_in_the_message_is_parsed(message: str, limit: int | None, dimension: str) -> None:
    body = json.dumps({"code": "too_many_requests", "message": f"Too many {message}."})
    (error,) = errors_of_calls(RateLimitedResponse(429, {"Retry-After": "3600"}, json.loads(body)))
    assert isinstance(error, QuotaExhaustedError)
    assert (error.limit, error.dimension) == (limit, dimension)

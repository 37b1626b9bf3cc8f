"""The rate-limit state of a category: reservations, waits, and updates by responses."""

from __future__ import annotations

import json

import attrs
import pytest
from support import LoopClock

from twelvelabs_async._rate_limit.windows import (
    DOUBLE_AFTER,
    INITIAL_ROUND,
    ROUND_SECONDS,
    SINGLE_REQUEST,
    CategoryState,
    InFlightRequest,
    Window,
)
from twelvelabs_async.rate_limits import RateLimitInfo, RequiredWait, WindowInfo

EPOCH = LoopClock.EPOCH
NO_HEADERS = RateLimitInfo(server_time=EPOCH)


def window_info(
    remaining: int | None, *, reset_in: float | None = 10.0, limit: int | None = 5, at: float = 0.0
) -> WindowInfo:
    return WindowInfo(limit=limit, remaining=remaining, reset=None if reset_in is None else EPOCH + at + reset_in)


def reported_info(
    remaining: int | None,
    *,
    reset_in: float | None = 10.0,
    limit: int | None = 5,
    at: float = 0.0,
    dimension: str = "request",
) -> RateLimitInfo:
    """Return the rate-limit headers of a response sent `at` seconds after `EPOCH` by the server's clock."""
    numbers = window_info(remaining, reset_in=reset_in, limit=limit, at=at)
    return RateLimitInfo(server_time=EPOCH + at, windows={dimension: numbers})


def reserve_one(state: CategoryState, now: float, **costs: float) -> int:
    """Reserve one request."""
    reservation_id = state.reserve({**SINGLE_REQUEST, **costs}, now)
    assert isinstance(reservation_id, int), reservation_id
    return reservation_id


def required_wait(state: CategoryState, now: float, **costs: float) -> RequiredWait:
    """Return the required wait of a request."""
    wait = state.reserve({**SINGLE_REQUEST, **costs}, now)
    assert isinstance(wait, RequiredWait)
    return wait


def window_wait(
    seconds: float, *, limit: float, dimension: str = "request", reset: float | None = None
) -> RequiredWait:
    """Return the wait for a window that resets in `seconds`, or `reset` seconds after `EPOCH` by the server's clock."""
    return RequiredWait(
        seconds,
        certain=True,
        dimension=dimension,
        limit=limit,
        resets_in=seconds,
        resets_at=EPOCH + (seconds if reset is None else reset),
    )


def reserve_all(state: CategoryState, now: float) -> list[int]:
    """Reserve all requests that may be sent now."""
    reserved = list[int]()
    while isinstance(reservation_id := state.reserve(SINGLE_REQUEST, now), int) and len(reserved) < 1000:
        reserved.append(reservation_id)
    return reserved


def state_after(info: RateLimitInfo, now: float = 0.0) -> CategoryState:
    """Return the state after its first response."""
    state = CategoryState()
    state.record_response(reserve_one(state, now), info, now)
    return state


def window_of(state: CategoryState) -> Window:
    """Return the only window."""
    (window,) = state.windows.values()
    return window


# With rate-limit headers.


def test_p27_a_new_state_allows_one_round_and_then_waits_for_responses_or_100_ms() -> None:
    state = CategoryState()
    assert len(reserve_all(state, 0.0)) == INITIAL_ROUND
    assert required_wait(state, 0.0) == RequiredWait(ROUND_SECONDS)
    assert len(reserve_all(state, ROUND_SECONDS)) == 2 * INITIAL_ROUND


def test_all_reported_remaining_requests_may_be_in_flight() -> None:
    state = state_after(reported_info(3))
    assert len(reserve_all(state, 0.0)) == 3
    assert required_wait(state, 0.0).seconds is None


def test_a_late_response_of_the_same_window_does_not_increase_the_remaining_count() -> None:
    state = state_after(reported_info(4))
    first, second, *_ = reserve_all(state, 0.0)
    state.record_response(first, reported_info(2), 0.0)
    state.record_response(second, reported_info(3), 0.0)
    assert window_of(state).remaining == 2


def test_a_response_from_the_previous_window_is_ignored() -> None:
    state = state_after(reported_info(4), 0.0)
    slow = reserve_one(state, 9.0)
    state.record_response(reserve_one(state, 11.0), reported_info(4, at=11.0), 11.0)
    state.record_response(slow, reported_info(0), 12.0)
    assert (window_of(state).remaining, window_of(state).resets_at_local) == (4, 21.0)


def test_requests_in_flight_are_subtracted_from_a_new_window_too() -> None:
    """The server may count them in either window."""
    state = state_after(reported_info(4), 0.0)
    reserve_one(state, 9.0)
    reserve_one(state, 9.0)
    state.record_response(reserve_one(state, 10.5), reported_info(4, at=10.5), 10.6)
    assert len(reserve_all(state, 10.6)) == 2


def test_an_exhausted_window_waits_for_its_reset_and_then_sends_one_probe_request() -> None:
    state = state_after(reported_info(0, limit=4))
    assert required_wait(state, 0.0) == window_wait(10.0, limit=4)
    assert required_wait(state, 9.5).seconds == 0.5
    probe = reserve_one(state, 10.0)
    assert required_wait(state, 10.0) == RequiredWait(DOUBLE_AFTER)
    state.record_response(probe, reported_info(3, limit=4, at=10.2), 10.2)
    assert len(reserve_all(state, 10.2)) == 3


def test_slow_requests_are_sent_before_the_first_response_up_to_the_limit() -> None:
    state = state_after(reported_info(0, limit=5))
    assert [len(reserve_all(state, 10.0 + second)) for second in range(6)] == [1, 1, 2, 1, 0, 0]


def test_each_response_refines_the_end_of_a_window() -> None:
    """`Date` is in whole seconds: a response late in its second gives a more exact end."""
    state = state_after(reported_info(3), 0.0)
    state.record_response(reserve_one(state, 0.5), reported_info(2), 0.9)
    assert window_of(state).resets_at_local == 10.0
    state.record_response(reserve_one(state, 1.0), reported_info(1, reset_in=9.0, at=1.0), 0.7)
    assert window_of(state).resets_at_local == 9.7


def test_an_exhausted_window_without_a_reset_is_probed_by_one_request_at_a_time() -> None:
    state = state_after(reported_info(0, reset_in=None))
    reserve_one(state, 0.0)
    assert required_wait(state, 0.0).seconds is None


@pytest.mark.parametrize("ahead", [86400.0 * 365 * 50, 1e15, 1e300])
def test_p2_an_implausible_reset_does_not_block_forever(ahead: float) -> None:
    """One bad header, such as a reset in milliseconds, must not block a category."""
    state = state_after(reported_info(0, reset_in=ahead))
    state.record_response(reserve_one(state, 1.0), reported_info(3, at=1.0), 1.0)
    assert (window_of(state).remaining, window_of(state).resets_at_local) == (3, 11.0)


@pytest.mark.parametrize("behind", [-1.0, -3600.0, -EPOCH])
def test_p2_a_reset_in_the_past_does_not_refill_the_window(behind: float) -> None:
    """A server whose resets are always in the past would otherwise get bursts of its whole limit."""
    state = state_after(reported_info(0, reset_in=behind, limit=1000))
    reserve_one(state, 0.0)
    assert required_wait(state, 0.0).seconds is None


@pytest.mark.parametrize("limit", [8, 3])
def test_a_limit_that_changes_within_its_window_replaces_the_old_one(limit: int) -> None:
    state = state_after(reported_info(3))
    state.record_response(reserve_one(state, 1.0), reported_info(limit - 2, limit=limit, reset_in=9.0, at=1.0), 1.0)
    assert [(window.limit, window.remaining) for window in state.windows.values()] == [(limit, limit - 2)]


def test_a_server_clock_set_back_is_accepted_after_the_window_has_ended() -> None:
    state = state_after(reported_info(0), 0.0)
    state.record_response(reserve_one(state, 10.0), reported_info(4, at=-500.0), 10.1)
    assert (window_of(state).remaining, window_of(state).resets_at_local) == (4, 20.1)


# Several windows, several dimensions.


def test_windows_of_one_dimension_are_distinguished_by_limit_and_both_apply() -> None:
    state = state_after(reported_info(2, limit=60, reset_in=30.0))
    state.record_response(reserve_one(state, 0.0), reported_info(1, limit=3000, reset_in=5000.0), 0.0)
    assert [(window.limit, window.remaining) for window in state.windows.values()] == [(60, 2), (3000, 1)]
    reserve_one(state, 0.0)
    assert required_wait(state, 0.0).seconds is None


def test_the_wait_for_two_exhausted_windows_ends_at_the_later_reset() -> None:
    state = CategoryState()
    first, second = reserve_one(state, 0.0), reserve_one(state, 0.0)
    state.record_response(first, reported_info(0, limit=60, reset_in=30.0), 1.0)
    state.record_response(second, reported_info(0, limit=3000, reset_in=5000.0), 1.0)
    assert required_wait(state, 1.0) == window_wait(5000.0, limit=3000)


def test_an_ended_window_that_a_response_does_not_report_is_dropped() -> None:
    state = state_after(reported_info(2, limit=60, reset_in=30.0))
    late = reserve_one(state, 29.0)
    state.record_response(reserve_one(state, 31.0), reported_info(7, limit=3000, reset_in=5000.0, at=31.0), 31.0)
    assert [window.limit for window in state.windows.values()] == [3000]
    state.record_response(
        late, reported_info(1, limit=60, reset_in=1.0, at=29.0), 31.0
    )  # a late response may report it again
    assert len(reserve_all(state, 31.0)) <= 7


def test_all_dimensions_are_reserved_or_none() -> None:
    state = state_after(
        RateLimitInfo(server_time=EPOCH, windows={"request": window_info(5), "duration": window_info(100, limit=100)})
    )
    reserve_one(state, 0.0, duration=60.0)
    assert required_wait(state, 0.0, duration=60.0).seconds is None
    assert state.reserved == {"request": 1.0, "duration": 60.0}
    reserve_one(state, 0.0, duration=40.0)
    reserve_one(state, 0.0)


def test_an_exhausted_dimension_blocks_only_requests_that_use_it() -> None:
    state = state_after(
        RateLimitInfo(server_time=EPOCH, windows={"request": window_info(5), "duration": window_info(0, reset_in=50.0)})
    )
    assert required_wait(state, 0.0, duration=1.0) == window_wait(50.0, dimension="duration", limit=5)
    reserve_one(state, 0.0)


def test_a_cost_above_the_limit_waits_for_a_full_window() -> None:
    state = state_after(
        RateLimitInfo(server_time=EPOCH, windows={"request": window_info(5), "duration": window_info(70, limit=100)})
    )
    assert required_wait(state, 0.0, duration=500.0) == window_wait(10.0, dimension="duration", limit=100)
    reserve_one(state, 10.0, duration=500.0)


# Requests without a response.


@pytest.mark.parametrize(("sent", "remaining"), [(True, 2), (False, 3)])
def test_a_request_without_a_response_has_used_its_costs_if_it_was_sent(sent: bool, remaining: int) -> None:  # noqa: FBT001  # a parametrized value
    state = state_after(reported_info(3))
    state.release(reserve_one(state, 0.0), sent=sent)
    assert len(reserve_all(state, 0.0)) == remaining


def test_an_expired_lease_is_treated_as_a_request_without_a_response() -> None:
    """A crashed process does not end its reservations."""
    state = CategoryState()
    first = state.reserve(SINGLE_REQUEST, 0.0, 60.0)
    assert isinstance(first, int)
    state.record_response(first, reported_info(2, reset_in=300.0), 0.0)
    expired = [state.reserve(SINGLE_REQUEST, 0.0, 60.0), state.reserve(SINGLE_REQUEST, 1.0, 60.0)]
    assert isinstance(state.reserve(SINGLE_REQUEST, 59.0, 60.0), RequiredWait)
    assert state.reserve(SINGLE_REQUEST, 61.0, 60.0) == window_wait(239.0, limit=5, reset=300.0)
    assert (state.in_flight, state.reserved) == ({}, {"request": 0.0})
    state.record_response(
        int(str(expired[0])), reported_info(1, reset_in=239.0, at=61.0), 61.0
    )  # its process was still running
    assert isinstance(state.reserve(SINGLE_REQUEST, 61.0, 60.0), RequiredWait)


# 429.


@pytest.mark.parametrize(
    ("wait", "jitter", "pause"),
    [(4.0, 0.0, 4.0), (4.0, 1.0, 5.0), (20.0, 1.0, 25.0), (86400.0, 1.0, 86405.0), (None, 1.0, 1.25)],
)
def test_p2_a_429_blocks_for_retry_after_plus_a_quarter_or_five_seconds_at_most(
    wait: float | None, jitter: float, pause: float
) -> None:
    state = CategoryState()
    state.record_response(
        reserve_one(state, 100.0),
        RateLimitInfo(server_time=EPOCH, retry_after=wait, resets_at=wait and EPOCH + wait),
        100.0,
        rate_limited=True,
        jitter=jitter,
    )
    required = required_wait(state, 100.0)
    assert required.seconds == pytest.approx(pause)
    assert (required.resets_in, required.resets_at) == (wait or 1.0, None if wait is None else EPOCH + wait)
    assert required.certain
    reserve_one(state, 100.0 + pause)


def test_p2_the_later_reset_of_a_429_and_an_exhausted_window_is_reported() -> None:
    state = CategoryState()
    windows = {"request": window_info(0, reset_in=55.0, limit=60)}
    state.record_response(
        reserve_one(state, 0.0),
        RateLimitInfo(server_time=EPOCH, retry_after=5.0, windows=windows),
        0.0,
        rate_limited=True,
        jitter=1.0,
    )
    assert required_wait(state, 0.0) == window_wait(55.0, limit=60)
    assert required_wait(state, 6.0) == window_wait(49.0, limit=60, reset=55.0)


def test_p2_a_limit_named_by_a_429_is_reported() -> None:
    """The headers may report the window of a minute while that of a day is exhausted."""
    state = CategoryState()
    info = RateLimitInfo(
        server_time=EPOCH,
        retry_after=3600.0,
        windows={"request": window_info(34, limit=60)},
        limit=100,
        limit_dimension="request",
    )
    state.record_response(reserve_one(state, 0.0), info, 0.0, rate_limited=True)
    assert required_wait(state, 0.0).limit == 100


def test_a_shorter_retry_after_does_not_unblock_a_category_early() -> None:
    state = CategoryState()
    first, second = reserve_one(state, 0.0), reserve_one(state, 1.0)
    state.record_response(first, RateLimitInfo(server_time=EPOCH, retry_after=30.0), 1.0, rate_limited=True)
    state.record_response(second, RateLimitInfo(server_time=EPOCH, retry_after=1.0), 1.0, rate_limited=True)
    assert required_wait(state, 1.0).seconds == 30.0


def test_a_429_reports_the_exhausted_dimension() -> None:
    state = CategoryState()
    windows = {"request": window_info(4), "duration": window_info(0, limit=3600)}
    state.record_response(
        reserve_one(state, 0.0),
        RateLimitInfo(server_time=EPOCH, retry_after=9.0, resets_at=EPOCH + 9.0, windows=windows),
        0.0,
        rate_limited=True,
    )
    assert required_wait(state, 0.0) == window_wait(9.0, dimension="duration", limit=3600)


# The state.


def test_a_state_from_json_continues_like_the_original() -> None:
    state = CategoryState()
    first, second = reserve_one(state, 0.0, duration=30.0), reserve_one(state, 1.0)
    state.record_response(first, reported_info(3), 1.5)
    state.record_response(second, RateLimitInfo(server_time=EPOCH, retry_after=4.0), 2.0, rate_limited=True, jitter=0.5)
    reserve_one(state, 8.0, duration=5.0)
    copy = CategoryState.from_state(json.loads(json.dumps(state.to_state())))
    copy.in_flight = {
        reservation_id: InFlightRequest(**attrs.asdict(request)) for reservation_id, request in state.in_flight.items()
    }
    assert attrs.asdict(copy) == attrs.asdict(state)
    for each_state in (state, copy):
        each_state.record_response(3, reported_info(1, at=9.0), 9.0)
    assert copy.reserve(SINGLE_REQUEST, 9.0) == state.reserve(SINGLE_REQUEST, 9.0) == 4
    assert attrs.asdict(copy) == attrs.asdict(state)


def test_the_stored_state_is_json_of_constant_size() -> None:
    state = state_after(reported_info(500, limit=1000))
    reserve_all(state, 0.0)
    assert set(state.to_state()) == {
        "windows", "adaptive", "blocked_until", "blocked_by", "blocked_limit", "pause_ends_at", "reported_reset",
        "reserved", "in_flight_count", "last_reservation_id", "next_expiry",
    }  # fmt: skip
    assert len(json.dumps(state.to_state())) < 1200

"""Adaptive concurrency without rate-limit headers: few 429 responses, and none after a window is known."""

from __future__ import annotations

import attrs
import pytest

from twelvelabs_async._rate_limit.windows import (
    HALVE_AFTER,
    INITIAL_BACKOFF,
    INITIAL_ROUND,
    MAX_BACKOFF,
    AdaptiveLimiter,
)
from twelvelabs_async.rate_limits import RequiredWait


@attrs.define
class FakeClient:
    """An `AdaptiveLimiter` and the number of requests in flight, which `CategoryState` counts."""

    limiter: AdaptiveLimiter = attrs.field(factory=AdaptiveLimiter)
    in_flight: int = 0

    def required_wait(self, now: float) -> RequiredWait | None:
        return self.limiter.required_wait(now, self.in_flight)

    def send(self, now: float) -> None:
        self.limiter.on_send(now)
        self.in_flight += 1

    def send_all(self, now: float) -> int:
        """Send all requests that may be sent now; return their number."""
        sent = 0
        while self.required_wait(now) is None and sent < 10_000:
            self.send(now)
            sent += 1
        return sent

    def complete(self, sent_at: float) -> None:
        self.in_flight = max(0, self.in_flight - 1)
        self.limiter.on_complete(sent_at, self.in_flight)

    def release(self, count: int, sent_at: float) -> None:
        """End requests that were sent at `sent_at` and got no response."""
        for _ in range(count):
            self.complete(sent_at)
            self.limiter.on_released(sent_at)

    def accept(self, count: int, sent_at: float, now: float) -> None:
        """Accept requests that were sent at `sent_at`."""
        for _ in range(count):
            self.complete(sent_at)
            self.limiter.on_accepted(sent_at, now)

    def rate_limit(self, sent_at: float, now: float, retry_after: float | None = None) -> float | None:
        """Reject a request that was sent at `sent_at`."""
        self.complete(sent_at)
        return self.limiter.on_rate_limited(sent_at, now, retry_after, self.in_flight)


def after_429(*, accepted: int = 10, seconds: float = 20.0) -> FakeClient:
    """Return a client after a 429 with Retry-After, in a window that opened at 0 and lasts `seconds`."""
    client = FakeClient()
    for _ in range(accepted + 1):
        client.send(0.0)
    client.accept(accepted, 0.0, 1.0)
    assert client.rate_limit(1.0, 2.0, seconds - 2.0) == seconds - 2.0
    return client


def test_p27_a_first_burst_of_16_doubles_with_each_round_of_responses() -> None:
    client, sizes = FakeClient(), list[int]()
    for round_number in range(5):
        now = 0.05 * round_number
        sizes.append(client.send_all(now))
        client.accept(sizes[-1], now, now + 0.05)
    assert sizes == [INITIAL_ROUND, 32, 64, 128, 256]


def test_p27_rounds_double_without_any_response_after_a_tenth_of_a_second() -> None:
    """An upload may take minutes; later requests do not wait for its end."""
    client = FakeClient()
    assert [client.send_all(second) for second in (0.0, 0.05, 0.1, 0.15, 0.2, 0.35)] == [16, 0, 32, 0, 64, 128]


def test_p27_a_request_without_a_response_can_be_replaced_in_the_same_round() -> None:
    client = FakeClient()
    assert client.send_all(0.0) == INITIAL_ROUND
    client.release(5, 0.0)
    assert client.send_all(0.09) == 5
    wait = client.required_wait(0.09)
    assert wait is not None
    assert wait.seconds == pytest.approx(0.01)
    assert not wait.is_quota
    assert client.send_all(0.1) == 32


def test_p27_the_test_of_a_new_window_continues_if_its_request_gets_no_response() -> None:
    """The caller of the test request may time out before its response."""
    client = after_429(accepted=10, seconds=20.0)
    assert client.send_all(20.0) == 1
    client.release(1, 20.0)
    assert client.send_all(20.5) == 1
    assert client.send_all(21.0) == 1, "one second after the first test, without a response"
    client.accept(1, 20.5, 21.1)
    assert client.send_all(21.1) == 8


def test_requests_with_media_costs_start_with_one_and_double_each_round() -> None:
    client, sizes = FakeClient(), list[int]()
    for second in (0.0, 0.125, 0.25, 0.375):
        sizes.append(0)
        while client.limiter.required_wait(second, client.in_flight, costs_more=True) is None:
            client.send(second)
            sizes[-1] += 1
    assert sizes == [1, 2, 4, 8]


def test_the_round_size_grows_only_when_used_and_halves_each_minute() -> None:
    client = FakeClient()
    for second in (0.0, 0.125, 0.25, 0.375):
        client.send_all(second)
    assert client.limiter.round_size == 128
    for second in range(1, 50):
        assert client.required_wait(float(second)) is None
        client.send(float(second))
    assert client.limiter.round_size == 256
    assert client.required_wait(HALVE_AFTER) is None
    assert client.limiter.round_size == 128
    assert client.required_wait(60 * HALVE_AFTER) is None
    assert client.limiter.round_size == INITIAL_ROUND


def test_after_a_429_one_request_tests_the_next_window_and_the_rest_of_the_capacity_follows() -> None:
    client = after_429(accepted=10, seconds=20.0)
    assert client.send_all(20.0) == 1
    client.accept(1, 20.0, 20.1)
    assert client.send_all(20.1) == 9


def test_a_known_window_is_used_without_another_429() -> None:
    client = after_429(accepted=10, seconds=20.0)
    assert client.send_all(20.0) == 1
    client.accept(1, 20.0, 20.5)
    assert client.send_all(20.5) == 9
    client.accept(9, 20.5, 20.9)
    assert client.required_wait(21.0) == RequiredWait(19.0, certain=True, limit=10)
    assert client.send_all(40.0) == 1


def test_the_capacity_is_probed_slowly_then_faster_and_by_one_request_at_a_time() -> None:
    client, sizes, now = after_429(accepted=10, seconds=20.0), list[int](), 20.0
    for _ in range(5):
        assert client.send_all(now) == 1
        sizes.append(client.limiter.window_allowance())
        client.accept(1, now, now)
        assert client.send_all(now) == 9
        client.accept(9, now, now)
        assert client.send_all(now) == (client.limiter.window_allowance() > 10)
        now += 20.0
    assert sizes == [10, 10, 13, 20, 35]


def test_capacity_that_other_processes_used_is_regained_within_a_few_windows() -> None:
    limiter = AdaptiveLimiter(window_capacity=4, previous_capacity=40)
    sizes = list[int]()
    for windows in range(9):
        limiter.windows_since_429 = windows
        sizes.append(limiter.window_allowance())
    assert sizes == [4, 23, 33, 38, 39, 40, 41, 46, 57]


def test_an_accepted_request_from_before_the_429_raises_the_capacity() -> None:
    client = after_429(accepted=10)
    client.accept(1, 1.5, 3.0)
    assert client.limiter.window_capacity == 11


def test_requests_accepted_after_an_early_429_set_the_capacity() -> None:
    client = FakeClient()
    client.send_all(0.0)
    client.rate_limit(0.0, 1.0, 20.0)
    client.accept(10, 0.0, 1.1)
    assert client.limiter.window_capacity == 10


def test_429s_of_requests_that_were_sent_together_count_once() -> None:
    client = FakeClient()
    client.send_all(0.0)
    assert [client.rate_limit(0.0, 1.0 + number) for number in range(10)] == [INITIAL_BACKOFF, *[None] * 9]


def test_pauses_without_retry_after_double_up_to_a_minute() -> None:
    client, now, pauses = FakeClient(), 0.0, list[float | None]()
    client.send(0.0)
    for _ in range(9):
        pauses.append(client.rate_limit(now, now))
        now += pauses[-1] or 0.0
    assert pauses == [1, 2, 4, 8, 16, 32, MAX_BACKOFF, MAX_BACKOFF, MAX_BACKOFF]


def test_a_429_in_a_window_of_known_length_closes_the_window_until_its_end() -> None:
    client = after_429(accepted=10, seconds=20.0)
    client.send_all(20.0)
    client.accept(5, 20.0, 20.5)
    assert client.rate_limit(20.5, 21.0) == 19.0
    limiter = client.limiter
    assert (limiter.window_capacity, limiter.previous_capacity) == (5, 10)


@pytest.mark.parametrize("seconds", [2.0, 7.0, 60.0, 300.0])
def test_the_length_of_a_window_is_found_by_bisection_without_retry_after(seconds: float) -> None:
    """The first request opens a window of ten; a 429 has no Retry-After."""
    client, now, opened_at, used, rate_limited_at = FakeClient(), 0.0, -1e9, 0, list[float]()
    while now < 40 * seconds:
        wait = client.required_wait(now)
        if wait is not None:
            now += wait.seconds or 0.0
            continue
        client.send(now)
        if now >= opened_at + seconds:
            opened_at, used = now, 0
        used += 1
        if used <= 10:
            client.accept(1, now, now)
        else:
            rate_limited_at.append(now)
            now += client.rate_limit(now, now) or 0.0
        now += 0.001
    assert client.limiter.window_length() == pytest.approx(seconds, rel=0.25)
    assert len([time for time in rate_limited_at if time > 20 * seconds]) <= 10

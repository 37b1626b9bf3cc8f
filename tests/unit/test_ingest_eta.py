"""The measured rate of an ingestion, and the estimate of its remaining time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async._cli.forecast import Rate, format_rough_duration, seconds_left
from twelvelabs_async._cli.progress import Bucket, Timeline


def test_a_rate_is_the_average_over_the_window() -> None:
    rate = Rate(10, now=100)
    for second in range(100, 120):
        rate.add(1000 if second < 110 else 3000, second)
    assert rate.per_second(120) == pytest.approx(3000, rel=0.11)


def test_a_rate_is_unknown_in_the_first_second_and_0_when_nothing_happens() -> None:
    rate = Rate(10, now=100)
    rate.add(500, 100.2)
    assert rate.per_second(100.9) is None
    assert rate.per_second(102) == 250
    assert rate.per_second(200) == 0


def test_an_amount_added_late_is_counted() -> None:
    rate = Rate(10, now=0)
    rate.add(1, 5)
    rate.add(1, 4)
    assert rate.per_second(6) == pytest.approx(2 / 6)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 10**9)), max_size=60), st.integers(1, 20))
def test_a_rate_is_never_higher_than_the_sum_of_the_window(amounts: list[tuple[float, int]], window: int) -> None:
    rate, now = Rate(window, now=0), 0.0
    for delay, amount in amounts:
        now += delay
        rate.add(amount, now)
        per_second = rate.per_second(now)
        assert per_second is None or 0 <= per_second <= sum(amount for _, amount in amounts) * (1 + 1e-9)


def test_the_time_left_is_the_longer_of_the_times_for_items_and_bytes() -> None:
    assert seconds_left(items=100, completions_per_second=2) == 50
    assert seconds_left(items=100, completions_per_second=2, unsent_bytes=10_000, bytes_per_second=100) == 100
    assert seconds_left(items=100, completions_per_second=2, unsent_bytes=10_000, bytes_per_second=10_000) == 50
    assert seconds_left(items=0, completions_per_second=None) == 0


def test_the_time_left_is_unknown_before_the_first_item_is_done() -> None:
    assert seconds_left(items=5, completions_per_second=None) is None
    assert seconds_left(items=5, completions_per_second=0.0) is None
    assert seconds_left(items=5, completions_per_second=1, unsent_bytes=100, bytes_per_second=None) == 5
    assert seconds_left(items=5, completions_per_second=1, unsent_bytes=100, bytes_per_second=0.0) == 5


@pytest.mark.parametrize(
    ("seconds", "formatted"),
    [
        (0.2, "1 s"),
        (12.4, "12 s"),
        (59.9, "60 s"),
        (61, "1 min"),
        (3540, "59 min"),
        (3599, "1 h"),
        (11_000, "3 h"),
        (11_500, "3 h 10 min"),
        (172_900, "2 days"),
        (400_000, "5 days"),
    ],
)
def test_an_estimated_duration_is_rounded(seconds: float, formatted: str) -> None:
    assert format_rough_duration(seconds) == formatted


@given(st.lists(st.tuples(st.floats(0, 10**6), st.integers(0, 5)), max_size=200))
def test_a_timeline_keeps_all_amounts_in_a_limited_number_of_buckets(amounts: list[tuple[float, int]]) -> None:
    timeline = Timeline(max_buckets=8)
    for time, ready in amounts:
        timeline.add(time, Bucket(ready=ready, bytes_sent=7))
    assert sum(bucket["ready"] for bucket in timeline.buckets) == sum(ready for _, ready in amounts)
    assert sum(bucket["bytes_sent"] for bucket in timeline.buckets) == 7 * len(amounts)
    assert len(timeline.buckets) <= 8
    if amounts:
        assert timeline.bucket_seconds * len(timeline.buckets) > max(time for time, _ in amounts)


def test_results_keep_their_position_when_buckets_are_merged() -> None:
    timeline = Timeline(max_buckets=4)
    timeline.add(0.5, Bucket(ready=1))
    timeline.add(3.9, Bucket(failed=1))
    timeline.add(7.0, Bucket(skipped=1))
    assert timeline.bucket_seconds == 2
    assert [bucket.total() for bucket in timeline.buckets] == [1, 1, 0, 1]


def test_a_wait_marks_each_bucket_that_it_overlaps() -> None:
    timeline = Timeline(max_buckets=8)
    timeline.add_wait(1.5, 4.2)
    assert [bucket["waited"] > 0 for bucket in timeline.buckets] == [False, True, True, True, True]


def test_a_time_at_the_end_of_the_last_bucket_merges_buckets() -> None:
    timeline = Timeline(max_buckets=4)
    timeline.add(4.0, Bucket(ready=1))
    assert (timeline.bucket_seconds, len(timeline.buckets)) == (2, 3)

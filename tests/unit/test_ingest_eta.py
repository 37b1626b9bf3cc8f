"""How fast it goes, and how long it will take: arithmetic on moments that are passed in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.cli.timeline import Stretch, Timeline
from twelvelabs_async.ingest.eta import Rate, about, seconds_left


def test_a_speed_is_the_average_of_the_last_seconds() -> None:
    rate = Rate(10, now=100)
    for second in range(100, 120):
        rate.add(1000 if second < 110 else 3000, second)
    assert rate.per_second(120) == pytest.approx(3000, rel=0.11)


def test_nothing_is_said_in_the_first_second_and_a_standstill_is_nought() -> None:
    rate = Rate(10, now=100)
    rate.add(500, 100.2)
    assert rate.per_second(100.9) is None
    assert rate.per_second(102) == 250
    assert rate.per_second(200) == 0


def test_a_second_that_comes_late_is_not_lost() -> None:
    rate = Rate(10, now=0)
    rate.add(1, 5)
    rate.add(1, 4)
    assert rate.per_second(6) == pytest.approx(2 / 6)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 10**9)), max_size=60), st.integers(1, 20))
def test_a_speed_is_never_more_than_all_that_was_sent_in_the_window(news: list[tuple[float, int]], window: int) -> None:
    rate, now = Rate(window, now=0), 0.0
    for later, amount in news:
        now += later
        rate.add(amount, now)
        found = rate.per_second(now)
        assert found is None or 0 <= found <= sum(amount for _, amount in news) * (1 + 1e-9)


def test_the_time_left_is_that_of_whatever_is_slower() -> None:
    assert seconds_left(items=100, ends=2) == 50
    assert seconds_left(items=100, ends=2, unsent=10_000, speed=100) == 100
    assert seconds_left(items=100, ends=2, unsent=10_000, speed=10_000) == 50
    assert seconds_left(items=0, ends=None) == 0


def test_nobody_can_tell_before_the_first_end() -> None:
    assert seconds_left(items=5, ends=None) is None
    assert seconds_left(items=5, ends=0.0) is None
    assert seconds_left(items=5, ends=1, unsent=100, speed=None) == 5
    assert seconds_left(items=5, ends=1, unsent=100, speed=0.0) == 5


@pytest.mark.parametrize(
    ("seconds", "text"),
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
def test_a_time_to_come_is_told_as_roughly_as_it_is_known(seconds: float, text: str) -> None:
    assert about(seconds) == text


@given(st.lists(st.tuples(st.floats(0, 10**6), st.integers(0, 5)), max_size=200))
def test_a_timeline_loses_nothing_and_stays_small(news: list[tuple[float, int]]) -> None:
    timeline = Timeline(most=8)
    for at, ready in news:
        timeline.add(at, Stretch(ready=ready, sent=7))
    assert sum(stretch.ready for stretch in timeline.stretches) == sum(ready for _, ready in news)
    assert sum(stretch.sent for stretch in timeline.stretches) == 7 * len(news)
    assert len(timeline.stretches) <= 8
    if news:
        assert timeline.width * len(timeline.stretches) > max(at for at, _ in news)


def test_what_happens_stays_where_it_happened_when_stretches_are_joined() -> None:
    timeline = Timeline(most=4)
    timeline.add(0.5, Stretch(ready=1))
    timeline.add(3.9, Stretch(failed=1))
    timeline.add(7.0, Stretch(skipped=1))
    assert timeline.width == 2
    assert [stretch.ended for stretch in timeline.stretches] == [1, 1, 0, 1]


def test_a_wait_colours_all_stretches_it_touches() -> None:
    timeline = Timeline(most=8)
    timeline.wait(1.5, 4.2)
    assert [stretch.waited for stretch in timeline.stretches] == [False, True, True, True, True]


def test_the_first_moment_that_does_not_fit_joins_stretches() -> None:
    timeline = Timeline(most=4)
    timeline.add(4.0, Stretch(ready=1))
    assert (timeline.width, len(timeline.stretches)) == (2, 3)

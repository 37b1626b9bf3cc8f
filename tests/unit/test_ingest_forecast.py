"""The estimated duration of an ingestion under given rate limits."""

from __future__ import annotations

import pytest

from twelvelabs_async._cli.forecast import (
    PUBLISHED_LIMITS,
    Demand,
    PlanLimit,
    additional_windows,
    bottleneck,
    min_seconds,
)

HOURLY = PlanLimit("index", "duration", 600, 3600)


@pytest.mark.parametrize(("minutes", "seconds"), [(0, 0), (600, 0), (601, 3600), (1200, 3600), (1201, 7200)])
def test_an_ingestion_takes_as_many_windows_as_it_needs(minutes: float, seconds: float) -> None:
    assert min_seconds(Demand("index", "duration", minutes), HOURLY) == seconds


def test_the_bottleneck_is_the_limit_that_takes_the_longest() -> None:
    demands = [Demand("upload", "request", 2000), Demand("index", "request", 2000), Demand("index", "duration", 9000)]
    slowest = bottleneck(demands, PUBLISHED_LIMITS["free"])
    assert slowest is not None
    limit, seconds = slowest
    assert limit.description == "index: 3,000 minutes of media a day"
    assert seconds == 2 * 86_400


def test_a_larger_plan_is_faster_and_a_small_ingestion_does_not_wait() -> None:
    demands = [Demand("index", "duration", 9000)]
    slowest = bottleneck(demands, PUBLISHED_LIMITS["developer-3"])
    assert slowest is not None
    assert slowest[1] == 3 * 3600
    assert bottleneck([Demand("index", "duration", 10)], PUBLISHED_LIMITS["free"]) is None
    assert bottleneck([], PUBLISHED_LIMITS["free"]) is None


@pytest.mark.parametrize(("amount", "windows"), [(0, 0), (12, 0), (13, 1), (72, 1), (73, 2)])
def test_the_remaining_requests_of_an_observed_limit_are_used_first(amount: float, windows: int) -> None:
    assert additional_windows(Demand("upload", "request", amount), 60, 12) == windows

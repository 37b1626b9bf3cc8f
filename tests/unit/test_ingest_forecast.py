"""How long a job takes at given limits: arithmetic."""

from __future__ import annotations

import pytest

from twelvelabs_async.ingest.forecast import PUBLISHED, Allowance, Known, Need, binding, least_seconds, more_windows

HOURLY = Allowance("index", "duration", 600, 3600)


@pytest.mark.parametrize(("minutes", "seconds"), [(0, 0), (600, 0), (601, 3600), (1200, 3600), (1201, 7200)])
def test_a_job_waits_for_as_many_new_windows_as_it_needs(minutes: float, seconds: float) -> None:
    assert least_seconds(Need("index", "duration", minutes), HOURLY) == seconds


def test_the_limit_that_holds_up_the_longest_binds() -> None:
    needs = [Need("upload", "request", 2000), Need("index", "request", 2000), Need("index", "duration", 9000)]
    found = binding(needs, PUBLISHED["free"])
    assert found is not None
    allowance, seconds = found
    assert allowance.words == "index: 3,000 minutes of media a day"
    assert seconds == 2 * 86_400


def test_a_larger_plan_is_faster_and_a_small_job_waits_for_nothing() -> None:
    needs = [Need("index", "duration", 9000)]
    found = binding(needs, PUBLISHED["developer-3"])
    assert found is not None
    assert found[1] == 3 * 3600
    assert binding([Need("index", "duration", 10)], PUBLISHED["free"]) is None
    assert binding([], PUBLISHED["free"]) is None


@pytest.mark.parametrize(("amount", "windows"), [(0, 0), (12, 0), (13, 1), (72, 1), (73, 2)])
def test_what_is_left_of_a_told_limit_is_used_first(amount: float, windows: int) -> None:
    assert more_windows(Need("upload", "request", amount), Known("upload", "request", 60, 12, 34.0)) == windows

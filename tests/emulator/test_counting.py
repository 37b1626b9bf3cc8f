"""Rate-limit windows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis.strategies import floats, lists, sampled_from, tuples

from twelvelabs_async.emulator._limits import FixedWindow, SlidingWindow


@given(
    uses=lists(tuples(floats(0, 100), floats(0.1, 5), sampled_from(["add", "undo"])), max_size=30),
    sliding=sampled_from([FixedWindow, SlidingWindow]),
)
def test_window_usage_is_within_its_bounds(uses: Any, sliding: Any) -> None:
    """Usage is between 0 and the sum added within the window, and is 0 at `available_at`."""
    count, now, undo = sliding(60.0), 0.0, None
    added: list[tuple[float, float]] = []
    for pause, amount, what in uses:
        now += pause
        count.expire(now)
        if what == "undo" and undo is not None:
            undo()
            undo = None
        if what == "add":
            undo = count.add(now, amount)
            added.append((now, amount))
        recent = sum(amount for timestamp, amount in added if timestamp > now - 60)
        assert -1e-6 <= count.used <= recent + 1e-6
    free = count.available_at(now, count.used)
    count.expire(max(now, free) + 1e-6)
    assert count.used < 1e-6

"""Usage of rate-limit windows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis.strategies import floats, lists, sampled_from, tuples

from twelvelabs_async.emulator._limits import FixedWindow, SlidingWindow


@given(
    actions=lists(tuples(floats(0, 100), floats(0.1, 5), sampled_from(["add", "undo"])), max_size=30),
    window_type=sampled_from([FixedWindow, SlidingWindow]),
)
def test_window_usage_is_within_its_bounds(actions: Any, window_type: Any) -> None:
    """Usage is between 0 and the sum added within the window, and is 0 at `available_at`."""
    window, now, undo = window_type(60.0), 0.0, None
    added: list[tuple[float, float]] = []
    for delay, amount, action in actions:
        now += delay
        window.expire(now)
        if action == "undo" and undo is not None:
            undo()
            undo = None
        if action == "add":
            undo = window.add(now, amount)
            added.append((now, amount))
        recent = sum(amount for timestamp, amount in added if timestamp > now - 60)
        assert -1e-6 <= window.used <= recent + 1e-6
    available_at = window.available_at(now, window.used)
    window.expire(max(now, available_at) + 1e-6)
    assert window.used < 1e-6

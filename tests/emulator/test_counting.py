"""Windows as arithmetic."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis.strategies import floats, lists, sampled_from, tuples

from twelvelabs_async.emulator.counting import Fixed, Sliding


@given(
    uses=lists(tuples(floats(0, 100), floats(0.1, 5), sampled_from(["add", "undo"])), max_size=30),
    sliding=sampled_from([Fixed, Sliding]),
)
def test_a_count_never_goes_wrong(uses: Any, sliding: Any) -> None:
    """At most what was added within the window is used, never less than nothing, and it frees when it says so."""
    count, now, undo = sliding(60.0), 0.0, None
    added: list[tuple[float, float]] = []
    for pause, amount, what in uses:
        now += pause
        count.advance(now)
        if what == "undo" and undo is not None:
            undo()
            undo = None
        if what == "add":
            undo = count.add(now, amount)
            added.append((now, amount))
        recent = sum(amount for moment, amount in added if moment > now - 60)
        assert -1e-6 <= count.used <= recent + 1e-6
    free = count.frees(now, count.used)
    count.advance(max(now, free) + 1e-6)
    assert count.used < 1e-6

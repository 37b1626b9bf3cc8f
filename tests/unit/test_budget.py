"""The arithmetic of a budget: what may go, and what follows from an answer."""

from __future__ import annotations

import json

import pytest
from support import LoopClock

from twelvelabs_async.policy.budget import ONE, Budget
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.pace import PATIENCE, Wait

EPOCH = LoopClock.EPOCH
SILENT = Advice(server_time=EPOCH)


def quota(remaining: int | None, *, reset_in: float | None = 10.0, limit: int | None = 5, at: float = 0.0) -> Quota:
    return Quota(limit=limit, remaining=remaining, reset=None if reset_in is None else EPOCH + at + reset_in)


def told(
    remaining: int | None,
    *,
    reset_in: float | None = 10.0,
    limit: int | None = 5,
    at: float = 0.0,
    dimension: str = "request",
) -> Advice:
    """What a server says at `at`, by its own clock."""
    numbers = quota(remaining, reset_in=reset_in, limit=limit, at=at)
    return Advice(server_time=EPOCH + at, quotas={dimension: numbers})


def leave(budget: Budget, now: float, **costs: float) -> int:
    """One call goes out."""
    ticket = budget.reserve({**ONE, **costs}, now)
    assert isinstance(ticket, int), ticket
    return ticket


def waits(budget: Budget, now: float, **costs: float) -> Wait:
    """A call may not go out."""
    wait = budget.reserve({**ONE, **costs}, now)
    assert isinstance(wait, Wait)
    return wait


def leave_all(budget: Budget, now: float) -> list[int]:
    """All the calls that may leave at this moment."""
    left = list[int]()
    while isinstance(ticket := budget.reserve(ONE, now), int) and len(left) < 1000:
        left.append(ticket)
    return left


def after(advice: Advice, now: float = 0.0) -> Budget:
    """A budget after its first answer."""
    budget = Budget()
    budget.settle(leave(budget, now), advice, now)
    return budget


# Numbers that are told.


def test_a_new_budget_lets_one_call_out_and_then_waits_for_its_answer_or_for_patience() -> None:
    budget = Budget()
    leave(budget, 0.0)
    assert waits(budget, 0.0) == Wait(PATIENCE)
    leave(budget, PATIENCE)


def test_a_told_remainder_is_what_may_be_on_the_way() -> None:
    budget = after(told(3))
    assert len(leave_all(budget, 0.0)) == 3
    assert waits(budget, 0.0).seconds is None


def test_an_answer_that_was_overtaken_within_its_window_does_not_raise_the_remainder() -> None:
    budget = after(told(4))
    first, second, *_ = leave_all(budget, 0.0)
    budget.settle(first, told(2), 0.0)
    budget.settle(second, told(3), 0.0)
    assert budget.windows[0].seen == 2


def test_an_answer_from_the_window_before_is_ignored() -> None:
    budget = after(told(4), 0.0)
    slow = leave(budget, 9.0)
    budget.settle(leave(budget, 11.0), told(4, at=11.0), 11.0)
    budget.settle(slow, told(0), 12.0)
    assert (budget.windows[0].seen, budget.windows[0].ends) == (4, 21.0)


def test_calls_on_the_way_are_taken_off_the_number_of_a_new_window_too() -> None:
    """They may be counted in either."""
    budget = after(told(4), 0.0)
    leave(budget, 9.0)
    leave(budget, 9.0)
    budget.settle(leave(budget, 10.5), told(4, at=10.5), 10.6)
    assert len(leave_all(budget, 10.6)) == 2


def test_an_empty_window_waits_for_its_reset_and_is_then_felt_by_one_call() -> None:
    budget = after(told(0, limit=4))
    assert waits(budget, 0.0) == Wait(10.0, certain=True, limit=4)
    assert waits(budget, 9.5).seconds == 0.5
    one = leave(budget, 10.0)
    assert waits(budget, 10.0) == Wait(PATIENCE)
    budget.settle(one, told(3, limit=4, at=10.2), 10.2)
    assert len(leave_all(budget, 10.2)) == 3


def test_calls_that_take_long_are_sent_without_their_answers_up_to_the_limit() -> None:
    budget = after(told(0, limit=5))
    assert [len(leave_all(budget, 10.0 + second)) for second in range(6)] == [1, 1, 2, 1, 0, 0]


def test_the_end_of_a_window_is_known_better_with_each_answer() -> None:
    """`Date` is cut to seconds: an answer given late in its second tells the end more exactly."""
    budget = after(told(3), 0.0)
    budget.settle(leave(budget, 0.5), told(2), 0.9)
    assert budget.windows[0].ends == 10.0
    budget.settle(leave(budget, 1.0), told(1, reset_in=9.0, at=1.0), 0.7)
    assert budget.windows[0].ends == 9.7


def test_an_empty_window_without_a_reset_is_probed_by_one_call_at_a_time() -> None:
    budget = after(told(0, reset_in=None))
    leave(budget, 0.0)
    assert waits(budget, 0.0).seconds is None


@pytest.mark.parametrize("ahead", [86400.0 * 365 * 50, 1e15, 1e300])
def test_p2_a_reset_that_cannot_be_meant_closes_nothing_for_ever(ahead: float) -> None:
    """One bad header, such as a reset in milliseconds, must not end all calls of a category."""
    budget = after(told(0, reset_in=ahead))
    budget.settle(leave(budget, 1.0), told(3, at=1.0), 1.0)
    assert (budget.windows[0].seen, budget.windows[0].ends) == (3, 11.0)


@pytest.mark.parametrize("behind", [-1.0, -3600.0, -EPOCH])
def test_p2_a_reset_that_is_past_does_not_refill_the_window(behind: float) -> None:
    """A server whose resets are always past would otherwise be sent its whole limit at once, again and again."""
    budget = after(told(0, reset_in=behind, limit=1000))
    leave(budget, 0.0)
    assert waits(budget, 0.0).seconds is None


@pytest.mark.parametrize("limit", [8, 3])
def test_a_limit_that_changes_within_its_window_replaces_the_old_one(limit: int) -> None:
    budget = after(told(3))
    budget.settle(leave(budget, 1.0), told(limit - 2, limit=limit, reset_in=9.0, at=1.0), 1.0)
    assert [(window.limit, window.seen) for window in budget.windows] == [(limit, limit - 2)]


def test_a_clock_of_the_server_that_was_set_back_is_believed_once_the_window_is_over() -> None:
    budget = after(told(0), 0.0)
    budget.settle(leave(budget, 10.0), told(4, at=-500.0), 10.1)
    assert (budget.windows[0].seen, budget.windows[0].ends) == (4, 20.1)


# Several windows, several dimensions.


def test_two_windows_of_one_dimension_are_told_apart_by_their_limits_and_both_hold() -> None:
    budget = after(told(2, limit=60, reset_in=30.0))
    budget.settle(leave(budget, 0.0), told(1, limit=3000, reset_in=5000.0), 0.0)
    assert [(window.limit, window.seen) for window in budget.windows] == [(60, 2), (3000, 1)]
    leave(budget, 0.0)
    assert waits(budget, 0.0).seconds is None


def test_of_two_windows_that_are_empty_the_later_end_counts() -> None:
    budget = Budget()
    first, second = leave(budget, 0.0), leave(budget, PATIENCE)
    budget.settle(first, told(0, limit=60, reset_in=30.0), PATIENCE)
    budget.settle(second, told(0, limit=3000, reset_in=5000.0), PATIENCE)
    assert waits(budget, PATIENCE) == Wait(5000.0, certain=True, limit=3000)


def test_a_window_that_is_over_and_not_told_again_with_another_is_dropped() -> None:
    budget = after(told(2, limit=60, reset_in=30.0))
    late = leave(budget, 29.0)
    budget.settle(leave(budget, 31.0), told(7, limit=3000, reset_in=5000.0, at=31.0), 31.0)
    assert [window.limit for window in budget.windows] == [3000]
    budget.settle(late, told(1, limit=60, reset_in=1.0, at=29.0), 31.0)  # it may come back with a late answer
    assert len(leave_all(budget, 31.0)) <= 7


def test_all_dimensions_are_taken_or_none() -> None:
    budget = after(Advice(server_time=EPOCH, quotas={"request": quota(5), "duration": quota(100, limit=100)}))
    leave(budget, 0.0, duration=60.0)
    assert waits(budget, 0.0, duration=60.0).seconds is None
    assert budget.flying == {"request": 1.0, "duration": 60.0}
    leave(budget, 0.0, duration=40.0)
    leave(budget, 0.0)


def test_a_dimension_that_is_used_up_holds_only_calls_that_cost_it() -> None:
    budget = after(Advice(server_time=EPOCH, quotas={"request": quota(5), "duration": quota(0, reset_in=50.0)}))
    assert waits(budget, 0.0, duration=1.0) == Wait(50.0, certain=True, dimension="duration", limit=5)
    leave(budget, 0.0)


def test_a_cost_above_the_whole_limit_waits_for_a_full_window() -> None:
    budget = after(Advice(server_time=EPOCH, quotas={"request": quota(5), "duration": quota(70, limit=100)}))
    assert waits(budget, 0.0, duration=500.0) == Wait(10.0, certain=True, dimension="duration", limit=100)
    leave(budget, 10.0, duration=500.0)


# Calls that end without an answer.


@pytest.mark.parametrize(("sent", "left"), [(True, 2), (False, 3)])
def test_a_call_without_an_answer_has_cost_what_it_reserved_if_it_was_sent(sent: bool, left: int) -> None:  # noqa: FBT001  # a parameter of the test
    budget = after(told(3))
    budget.release(leave(budget, 0.0), sent=sent)
    assert len(leave_all(budget, 0.0)) == left


def test_a_lease_that_runs_out_is_a_call_without_an_answer() -> None:
    """Of a process that died nothing comes back."""
    budget = Budget()
    first = budget.reserve(ONE, 0.0, 60.0)
    assert isinstance(first, int)
    budget.settle(first, told(2, reset_in=300.0), 0.0)
    lost = [budget.reserve(ONE, 0.0, 60.0), budget.reserve(ONE, 1.0, 60.0)]
    assert isinstance(budget.reserve(ONE, 59.0, 60.0), Wait)
    assert budget.reserve(ONE, 61.0, 60.0) == Wait(239.0, certain=True, limit=5)
    assert (budget.flights, budget.flying) == ({}, {"request": 0.0})
    budget.settle(int(str(lost[0])), told(1, reset_in=239.0, at=61.0), 61.0)  # it lived after all
    assert isinstance(budget.reserve(ONE, 61.0, 60.0), Wait)


# 429.


@pytest.mark.parametrize(("wait", "jitter", "pause"), [(4.0, 0.0, 4.0), (4.0, 1.0, 5.5), (None, 1.0, 1.75)])
def test_p2_a_429_closes_the_category_never_earlier_than_told_and_by_a_quarter_and_half_a_second_at_most(
    wait: float | None, jitter: float, pause: float
) -> None:
    budget = Budget()
    budget.settle(leave(budget, 100.0), Advice(server_time=EPOCH, retry_after=wait), 100.0, refused=True, jitter=jitter)
    assert waits(budget, 100.0).seconds == pytest.approx(pause)
    assert waits(budget, 100.0).certain
    leave(budget, 100.0 + pause)


def test_a_shorter_pause_does_not_open_a_category_early() -> None:
    budget = Budget()
    first, second = leave(budget, 0.0), leave(budget, 1.0)
    budget.settle(first, Advice(server_time=EPOCH, retry_after=30.0), 1.0, refused=True)
    budget.settle(second, Advice(server_time=EPOCH, retry_after=1.0), 1.0, refused=True)
    assert waits(budget, 1.0).seconds == 30.0


def test_a_429_names_the_dimension_that_is_empty() -> None:
    budget = Budget()
    quotas = {"request": quota(4), "duration": quota(0, limit=3600)}
    budget.settle(leave(budget, 0.0), Advice(server_time=EPOCH, retry_after=9.0, quotas=quotas), 0.0, refused=True)
    assert waits(budget, 0.0) == Wait(9.0, certain=True, dimension="duration", limit=3600)


# The state.


def test_a_budget_goes_through_json_and_goes_on_as_if_nothing_had_been() -> None:
    budget = Budget()
    first, second = leave(budget, 0.0, duration=30.0), leave(budget, 1.0)
    budget.settle(first, told(3), 1.5)
    budget.settle(second, Advice(server_time=EPOCH, retry_after=4.0), 2.0, refused=True, jitter=0.5)
    leave(budget, 8.0, duration=5.0)
    copy = Budget.from_state(json.loads(json.dumps(budget.to_state())))
    assert copy == budget
    for one in (budget, copy):
        one.settle(3, told(1, at=9.0), 9.0)
    assert copy.reserve(ONE, 9.0) == budget.reserve(ONE, 9.0) == 4
    assert copy == budget


def test_the_state_is_plain() -> None:
    budget = after(SILENT)
    assert set(budget.to_state()) == {
        "windows", "pace", "closed_until", "closed_by", "flights", "flying", "issued",
    }  # fmt: skip

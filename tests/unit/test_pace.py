"""What is dared without numbers: few refusals, and none once a window is known."""

from __future__ import annotations

import pytest

from twelvelabs_async.policy.pace import FIRST_PAUSE, LONGEST_PAUSE, MEMORY, Pace, Wait


def leave_all(pace: Pace, now: float) -> int:
    """How many calls may leave at this moment; they do."""
    left = 0
    while pace.delay(now) is None and left < 10_000:
        pace.leave(now)
        left += 1
    return left


def accept(pace: Pace, calls: int, left: float, now: float) -> None:
    """So many calls that had left at `left` go through."""
    for _ in range(calls):
        pace.land(left)
        pace.accept(left, now)


def met(*, room: int = 10, seconds: float = 20.0) -> Pace:
    """A pace that has met a wall after so many calls, and was told when the window, opened at 0, ends."""
    pace = Pace()
    pace.leave(0.0)
    accept(pace, room, 0.0, 1.0)
    assert pace.refuse(1.0, 2.0, seconds - 2.0) == seconds - 2.0
    return pace


def test_the_crowd_grows_by_a_quarter_each_round_trip() -> None:
    pace = Pace()
    sizes = list[int]()
    for trip in range(12):
        now = 0.1 * trip
        sizes.append(leave_all(pace, now))
        accept(pace, sizes[-1], now, now)
    assert sizes == [1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 15]


def test_the_crowd_doubles_when_no_answer_comes_for_a_while() -> None:
    """An upload may take minutes; the others behind it need not wait for its end."""
    pace = Pace()
    assert [leave_all(pace, second) for second in (0.0, 0.5, 1.0, 2.0, 3.5)] == [1, 0, 1, 2, 4]


def test_the_crowd_does_not_grow_while_nobody_calls_and_is_forgotten_by_and_by() -> None:
    pace = Pace()
    pace.leave(0.0)
    accept(pace, 100, 0.0, 0.0)
    assert leave_all(pace, MEMORY - 1) == 26
    for _ in range(26):
        pace.land(MEMORY - 1)
    assert leave_all(pace, MEMORY) == 13


def test_after_a_wall_one_call_feels_the_next_window_and_the_rest_of_the_room_follows_at_once() -> None:
    pace = met(room=10, seconds=20.0)
    assert leave_all(pace, 20.0) == 1
    accept(pace, 1, 20.0, 20.1)
    assert leave_all(pace, 20.1) == 9


def test_a_window_that_is_known_is_kept_to_and_its_wall_is_not_met_again() -> None:
    pace = met(room=10, seconds=20.0)
    assert leave_all(pace, 20.0) == 1
    accept(pace, 10, 20.0, 20.5)
    assert pace.delay(21.0) == Wait(19.0, certain=True, limit=10)
    assert leave_all(pace, 40.0) == 1


def test_the_room_is_tried_again_slowly_then_faster_and_one_call_at_a_time() -> None:
    pace, sizes, now = met(room=10, seconds=20.0), list[int](), 20.0
    for _ in range(5):
        assert leave_all(pace, now) == 1
        sizes.append(pace.allowance())
        accept(pace, 10, now, now)
        assert leave_all(pace, now) == (pace.allowance() > 10)
        now += 20.0
    assert sizes == [10, 10, 13, 20, 35]


def test_room_that_was_lost_to_others_is_regained_within_a_few_windows() -> None:
    pace = Pace(room=4, best=40)
    sizes = list[int]()
    for calm in range(9):
        pace.calm = calm
        sizes.append(pace.allowance())
    assert sizes == [4, 23, 33, 38, 39, 40, 41, 46, 57]


def test_a_call_that_left_before_the_wall_and_went_through_makes_more_room() -> None:
    pace = met(room=10)
    pace.accept(1.5, 3.0)
    assert pace.room == 11


def test_refusals_of_calls_that_had_left_together_count_once() -> None:
    pace = Pace()
    pace.leave(0.0)
    assert [pace.refuse(0.0, 1.0 + number, None) for number in range(10)] == [FIRST_PAUSE, *[None] * 9]


def test_pauses_without_advice_double_up_to_a_minute() -> None:
    pace, now, pauses = Pace(), 0.0, list[float | None]()
    pace.leave(0.0)
    for _ in range(9):
        pauses.append(pace.refuse(now, now, None))
        now += pauses[-1] or 0.0
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_wall_in_a_window_whose_length_is_known_closes_it_to_its_end() -> None:
    pace = met(room=10, seconds=20.0)
    leave_all(pace, 20.0)
    accept(pace, 5, 20.0, 20.5)
    assert pace.refuse(20.5, 21.0, None) == 19.0
    assert (pace.room, pace.best) == (5, 10)


@pytest.mark.parametrize("seconds", [2.0, 7.0, 60.0, 300.0])
def test_the_length_of_a_window_is_found_by_halving_where_nobody_tells_it(seconds: float) -> None:
    """A server of windows that begin with their first call, of ten calls each, whose 429 says nothing."""
    pace, now, opened, used, refused = Pace(), 0.0, -1e9, 0, list[float]()
    while now < 40 * seconds:
        wait = pace.delay(now)
        if wait is not None:
            now += wait.seconds or 0.0
            continue
        pace.leave(now)
        if now >= opened + seconds:
            opened, used = now, 0
        used += 1
        pace.land(now)
        if used <= 10:
            pace.accept(now, now)
        else:
            refused.append(now)
            now += pace.refuse(now, now, None) or 0.0
        now += 0.001
    assert pace.length() == pytest.approx(seconds, rel=0.25)
    assert len([moment for moment in refused if moment > 20 * seconds]) <= 10

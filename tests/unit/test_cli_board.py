"""What people see while an ingestion runs: sums, waits, a few moving lines, and failures as they happen."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from twelvelabs_async.cli.board import FEW, LineBoard, LiveBoard
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.cli.tally import KEPT_FAILURES, Tally, Total
from twelvelabs_async.ingest import ItemProgress, Outcome

READY = Outcome(source="/films/a.mp4", status="ready", stage="ready", bytes=62_151, seconds=2.44)
FAILED = Outcome(source="b.mp4", status="failed", stage="processing", error="broken")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


def on_terminal(screen: Screen, *, encoding: str = "utf-8", height: int = 30) -> io.TextIOWrapper:
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen.people = Console(file=shown, force_terminal=True, width=100, height=height, color_system="standard")
    screen.live = True
    return shown


def in_a_pipe(screen: Screen) -> io.StringIO:
    shown = io.StringIO()
    screen.people = Console(file=shown, width=10_000)
    screen.live = False
    return shown


def text_of(shown: io.TextIOWrapper) -> str:
    shown.seek(0)
    return shown.read()


def sending(source: str, sent: int = 0, total: int = 200) -> ItemProgress:
    return ItemProgress(source=source, stage="uploading", sent=sent, total=total)


def busy() -> Tally:
    """A thousand items, of which 312 have ended."""
    tally = Tally(100.0)
    tally.total = Total(1000, 10**9)
    for number in range(312):
        tally.progress(sending(f"{number}", 10**6, 10**6), 100 + number / 10)
        tally.ended(Outcome(source=f"{number}", status="ready", stage="ready", bytes=10**6), 100 + number / 10)
    return tally


def test_the_live_display_shows_the_whole_and_what_is_on_its_way(screen: Screen) -> None:
    shown, tally = on_terminal(screen), busy()
    tally.progress(sending("/films/a.mp4", 50), 131)
    tally.progress(ItemProgress(source="[red]b.mp4", stage="indexing", status="queued"), 131)
    tally.wait("search", "request", 12.4, 131)
    with LiveBoard(screen, tally) as board:
        board.refresh(131.2)
        board.outcome(FAILED)
    text = text_of(shown)
    assert "312 of 1,000 done" in text
    assert "312 MB sent" in text
    assert "about 1 min left" in text
    assert "1 uploading · 1 indexing" in text
    assert "search quota: next slot in 12 s" in text
    assert "uploading 25 %" in text
    assert "[red]b.mp4" in text
    assert "indexing: queued" in text
    assert "b.mp4 while processing: broken" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is hidden"


def test_with_many_items_only_some_rows_are_drawn_and_those_being_sent_come_first(screen: Screen) -> None:
    shown, tally = on_terminal(screen, height=14), busy()
    for number in range(1000):
        tally.progress(ItemProgress(source=f"index{number}", stage="indexing"), 131)
    tally.progress(sending("sent-last.mp4"), 131)
    with LiveBoard(screen, tally) as board:
        board.refresh(131)
    text = text_of(shown)
    assert "1,000 indexing" in text
    assert "sent-last.mp4" in text
    assert len(re.findall(r"index\d+", text)) <= 6


def test_of_many_items_only_failures_leave_a_line(screen: Screen) -> None:
    shown, tally = on_terminal(screen), Tally(0)
    with LiveBoard(screen, tally) as board:
        tally.total = Total(FEW, 0)
        board.outcome(READY)
        tally.total = Total(FEW + 1, 0)
        board.outcome(Outcome(source="unseen.mp4", status="ready", stage="ready"))
        board.outcome(FAILED)
    text = text_of(shown)
    assert "a.mp4" in text
    assert "unseen.mp4" not in text
    assert "broken" in text


def test_a_terminal_without_unicode_gets_marks_it_can_show(screen: Screen) -> None:
    shown = on_terminal(screen, encoding="ascii")
    with LiveBoard(screen, Tally(0)) as board:
        board.outcome(READY)
    assert "+" in text_of(shown)


def test_a_pipe_gets_a_line_an_item_and_every_ten_seconds_one_about_the_whole(screen: Screen) -> None:
    shown, tally = in_a_pipe(screen), Tally(0)
    tally.wait("index", "duration", 60, 9)
    with LineBoard(screen, tally) as board:
        for second in range(25):
            board.refresh(second)
        board.outcome(READY)
        board.outcome(FAILED)
    lines = shown.getvalue().splitlines()
    assert [line for line in lines if "0 done" in line] == [
        "0 done · index quota (duration): next slot in 59 s",
        "0 done · index quota (duration): next slot in 49 s",
    ]
    assert lines[-2:] == ["ready    a.mp4  62 kB  2.4 s", "failed   b.mp4 while processing: broken"]


def test_bytes_that_are_sent_again_are_counted_again_and_never_taken_back() -> None:
    tally = Tally(0)
    for sent in (100, 200, 150, 200):
        tally.progress(sending("a", sent), 5)
    assert tally.sent == 250


def test_what_was_done_before_does_not_make_the_rest_look_fast() -> None:
    tally = Tally(0)
    tally.total = Total(1000, 0)
    for number in range(900):
        tally.ended(Outcome(source=f"{number}", status="ready", stage="ready", already=True), 1)
    assert tally.seconds_left(10) is None
    tally.ended(READY, 10)
    assert tally.seconds_left(10) == pytest.approx(990)


def test_one_huge_file_on_its_way_outlasts_the_small_ones() -> None:
    tally = busy()
    tally.progress(sending("huge.mp4", 0, 10**11), 131)
    tally.progress(sending("huge.mp4", 10**6, 10**11), 132)
    left = tally.seconds_left(132)
    assert left is not None
    assert left > 3600


def test_waits_for_one_limit_that_overlap_are_counted_once() -> None:
    tally = Tally(0)
    for now, seconds in ((10, 20), (11, 19), (12, 28), (100, 5)):
        tally.wait("index", "request", seconds, now)
    assert tally.waited["index", "request"].times == 2
    assert tally.waited["index", "request"].seconds == 35
    assert [wait.until for wait in tally.waits(50)] == [105]
    assert tally.waits(105) == []


def test_a_night_of_failures_stays_small_and_is_counted_in_full() -> None:
    tally = Tally(0)
    for number in range(3000):
        tally.ended(Outcome(source=f"{number}", status="failed", stage="queued", error=f"because {number}"), 1)
    assert len(tally.failures) == KEPT_FAILURES
    assert tally.counts["failed"] == tally.reasons.total() == 3000
    assert len(tally.reasons) == 51

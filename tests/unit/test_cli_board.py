"""The progress display of an ingestion: totals, waits, items in progress and failures."""

from __future__ import annotations

import asyncio
import io
import re

import pytest
from rich.console import Console
from support import LoopClock, run_in_virtual_time

from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.failure_groups import MAX_SHOWN_SOURCES
from twelvelabs_async._cli.progress import (
    MAX_ITEM_LINES,
    EventSink,
    IngestStats,
    LineDisplay,
    LiveDisplay,
)
from twelvelabs_async._cli.sources import SourceTotal
from twelvelabs_async.events import RateLimitWaitStarted
from twelvelabs_async.ingest import IngestResult, ItemProgress

READY = IngestResult(source="/films/a.mp4", status="ready", stage="ready", bytes_sent=62_151, seconds=2.44)
FAILED = IngestResult(source="b.mp4", status="failed", stage="processing", error="broken")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


def use_terminal(screen: Screen, *, encoding: str = "utf-8", height: int = 30) -> io.TextIOWrapper:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen.console = Console(file=output, force_terminal=True, width=100, height=height, color_system="standard")
    screen.live = True
    return output


def use_pipe(screen: Screen) -> io.StringIO:
    output = io.StringIO()
    screen.console = Console(file=output, width=10_000)
    screen.live = False
    return output


def read_output(output: io.TextIOWrapper) -> str:
    output.seek(0)
    return output.read()


def uploading(source: str, sent: int = 0, total: int = 200) -> ItemProgress:
    return ItemProgress(source=source, stage="uploading", sent=sent, total=total, bytes_sent=sent)


def stats_of_running_ingestion() -> IngestStats:
    """Return the stats of an ingestion of 1,000 items, 312 of which are done."""
    stats = IngestStats(100.0)
    stats.total = SourceTotal(1000, 10**9)
    for number in range(312):
        stats.record_progress(uploading(f"{number}", 10**6, 10**6), 100 + number / 10)
        stats.record_result(
            IngestResult(source=f"{number}", status="ready", stage="ready", bytes_sent=10**6), 100 + number / 10
        )
    return stats


def test_the_live_display_shows_totals_and_items_in_progress(screen: Screen) -> None:
    output, stats = use_terminal(screen), stats_of_running_ingestion()
    stats.record_progress(uploading("/films/a.mp4", 50), 131)
    stats.record_progress(ItemProgress(source="[red]b.mp4", stage="indexing", status="queued"), 131)
    stats.record_wait("search", "request", 12.4, 131)
    with LiveDisplay(screen, stats) as display:
        display.refresh(131.2)
        display.item_finished(FAILED)
    text = read_output(output)
    assert "312 of 1,000 done" in text
    assert "312 MB sent" in text
    assert "about 1 min left" in text
    assert "1 uploading · 1 indexing" in text
    assert "waiting for the search quota: 12 s" in text
    assert "uploading 25 %" in text
    assert "[red]b.mp4" in text
    assert "indexing: queued" in text
    assert "b.mp4 while processing: broken" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is hidden"


def test_only_some_of_many_items_are_shown_and_uploads_come_first(screen: Screen) -> None:
    output, stats = use_terminal(screen, height=14), stats_of_running_ingestion()
    for number in range(1000):
        stats.record_progress(ItemProgress(source=f"index{number}", stage="indexing"), 131)
    stats.record_progress(uploading("sent-last.mp4"), 131)
    with LiveDisplay(screen, stats) as display:
        display.refresh(131)
    text = read_output(output)
    assert "1,000 indexing" in text
    assert "sent-last.mp4" in text
    assert len(re.findall(r"index\d+", text)) <= 6


def test_only_failures_are_printed_if_there_are_many_items(screen: Screen) -> None:
    output, stats = use_terminal(screen), IngestStats(0)
    with LiveDisplay(screen, stats) as display:
        stats.total = SourceTotal(MAX_ITEM_LINES, 0)
        display.item_finished(READY)
        stats.total = SourceTotal(MAX_ITEM_LINES + 1, 0)
        display.item_finished(IngestResult(source="unseen.mp4", status="ready", stage="ready"))
        display.item_finished(FAILED)
    text = read_output(output)
    assert "a.mp4" in text
    assert "unseen.mp4" not in text
    assert "broken" in text


def test_a_terminal_without_unicode_gets_ascii_marks(screen: Screen) -> None:
    output = use_terminal(screen, encoding="ascii")
    with LiveDisplay(screen, IngestStats(0)) as display:
        display.item_finished(READY)
    assert "+" in read_output(output)


def test_a_pipe_gets_one_line_per_item_and_a_summary_every_ten_seconds(screen: Screen) -> None:
    output, stats = use_pipe(screen), IngestStats(0)
    stats.record_wait("index", "duration", 60, 9)
    with LineDisplay(screen, stats) as display:
        for second in range(25):
            display.refresh(second)
        display.item_finished(READY)
        display.item_finished(FAILED)
    lines = output.getvalue().splitlines()
    assert [line for line in lines if "0 done" in line] == [
        "0 done · waiting for the index quota (duration): 59 s",
        "0 done · waiting for the index quota (duration): 49 s",
    ]
    assert lines[-2:] == ["ready    a.mp4  62 kB  2.4 s", "failed   b.mp4 while processing: broken"]


def test_p27_a_wait_for_an_unknown_limit_is_not_counted_as_a_rate_limit_wait(screen: Screen) -> None:
    use_pipe(screen)

    async def main() -> list[int]:
        sink, counts = EventSink(screen, LoopClock()), list[int]()
        for limit in (None, 40):
            sink.on_client_event(
                RateLimitWaitStarted(
                    category="search",
                    priority="interactive",
                    queue_length=1,
                    delay=4.0,
                    dimension="request",
                    limit=limit,
                )
            )
            await asyncio.sleep(10)
            counts.append(len(sink.stats.wait_totals))
        return counts

    assert run_in_virtual_time(main()) == [0, 1]


@pytest.mark.parametrize(
    ("is_known", "text"), [(True, "waiting for the search quota"), (False, "finding out the limit")]
)
def test_p27_the_description_of_a_wait_depends_on_whether_the_limit_is_known(text: str, *, is_known: bool) -> None:
    stats = IngestStats(0)
    stats.record_wait("search", "request", 4.0, 0, is_known=is_known)
    (wait,) = stats.active_waits(1)
    assert text in wait.describe(1)


def test_resent_bytes_are_counted_again_and_never_subtracted() -> None:
    stats = IngestStats(0)
    for sent in (100, 200, 150, 200):
        stats.record_progress(uploading("a", sent), 5)
    assert stats.bytes_sent == 250


def test_items_already_done_are_not_included_in_the_estimate() -> None:
    stats = IngestStats(0)
    stats.total = SourceTotal(1000, 0)
    for number in range(900):
        stats.record_result(IngestResult(source=f"{number}", status="ready", stage="ready", already_done=True), 1)
    assert stats.seconds_left(10) is None
    stats.record_result(READY, 10)
    assert stats.seconds_left(10) == pytest.approx(990)


def test_the_estimate_includes_the_bytes_of_one_huge_file() -> None:
    stats = stats_of_running_ingestion()
    stats.record_progress(uploading("huge.mp4", 0, 10**11), 131)
    stats.record_progress(uploading("huge.mp4", 10**6, 10**11), 132)
    seconds_left = stats.seconds_left(132)
    assert seconds_left is not None
    assert seconds_left > 3600


def test_waits_for_one_limit_that_overlap_are_counted_once() -> None:
    stats = IngestStats(0)
    for now, seconds in ((10, 20), (11, 19), (12, 28), (100, 5)):
        stats.record_wait("index", "request", seconds, now)
    assert stats.wait_totals["index", "request"].count == 2
    assert stats.wait_totals["index", "request"].seconds == 35
    assert [wait.until for wait in stats.active_waits(50)] == [105]
    assert stats.active_waits(105) == []


def test_only_some_of_many_failures_are_stored_but_all_are_counted() -> None:
    stats = IngestStats(0)
    for number in range(3000):
        stats.record_result(
            IngestResult(source=f"{number}", status="failed", stage="queued", error=f"because {chr(100 + number)}"), 1
        )
    groups = stats.failure_groups.groups.values()
    assert stats.counts["failed"] == sum(group.count for group in groups) == 3000
    assert len(groups) == 51
    assert max(len(group.sources) for group in groups) == MAX_SHOWN_SOURCES

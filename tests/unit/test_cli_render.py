"""Formatting of numbers, names, records, summaries and search results on the command line."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from twelvelabs_async._cli import demo
from twelvelabs_async._cli.console import Hit, Screen, basename, format_counts, format_size, format_timecode, shorten
from twelvelabs_async._cli.dry_run import PlannedItem, plan_record
from twelvelabs_async._cli.exit_codes import exit_code_for_error, exit_code_for_summary
from twelvelabs_async._cli.ingest_run import result_record
from twelvelabs_async.errors import (
    APIConnectionError,
    AuthenticationError,
    InvalidInputError,
    QuotaExhaustedError,
    TwelveLabsError,
    UploadError,
    WaitTimeoutError,
)
from twelvelabs_async.ingest import IngestResult, Item, Summary

FAILED = IngestResult(
    source="c.mp4", status="failed", stage="uploading", error="no", exception=QuotaExhaustedError(message="no")
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00.0"),
        (5.04, "00:05.0"),
        (59.96, "01:00.0"),
        (754.25, "12:34.2"),
        (3599.99, "1:00:00.0"),
        (14_400, "4:00:00.0"),
        (None, "?"),
    ],
)
def test_time_codes_never_show_sixty_seconds(seconds: float | None, text: str) -> None:
    assert format_timecode(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (62_151, "62 kB"), (999_900, "1.0 MB"), (2_345_000_000, "2.3 GB")],
)
def test_sizes_are_formatted_with_a_unit(count: int, text: str) -> None:
    assert format_size(count) == text


def test_long_names_are_shortened_in_the_middle_and_lose_control_characters() -> None:
    assert shorten("a" * 50 + ".mp4", 20) == "a" * 13 + "…" + "aa.mp4"
    assert basename("/films/\x1b[31mred\nx.mp4") == "[31mred x.mp4"
    assert basename("https://example.com/v/clip.mp4?token=1") == "clip.mp4"


def test_records_of_a_run_and_a_dry_run_have_the_same_json_fields() -> None:
    record = json.loads(json.dumps(result_record(FAILED, "65f")))
    assert (record["error"], record["index_id"], record["asset_id"]) == ("no", "65f", None)
    planned = PlannedItem(item=Item("a.mp4", "/a.mp4", size=7), action="upload")
    plan = json.loads(json.dumps(plan_record(planned, None)))
    assert plan.keys() == record.keys()
    assert (plan["action"], plan["bytes"], plan["error"], plan["index_id"]) == ("upload", 7, None, None)


@pytest.mark.parametrize(
    ("summary", "text", "code"),
    [
        (Summary(), "no items finished", 0),
        (Summary(ready=2000), "2,000 ready", 0),
        (Summary(ready=2, failed=1), "2 ready, 1 failed", 1),
        (Summary(ready=2, skipped=1, stop_reason="quota"), "2 ready, 1 skipped", 75),
        (Summary(failed=1, stop_reason="auth"), "1 failed", 3),
        (Summary(ready=2, stop_reason="drained"), "2 ready", 130),
    ],
)
def test_a_summary_has_counts_and_an_exit_code(summary: Summary, text: str, code: int) -> None:
    assert (format_counts(summary), exit_code_for_summary(summary)) == (text, code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInputError("x"), 2),
        (AuthenticationError(message="x"), 3),
        (QuotaExhaustedError(message="x"), 75),
        (APIConnectionError(message="x"), 3),
        (WaitTimeoutError(message="x"), 1),
    ],
)
def test_each_error_has_an_exit_code(error: TwelveLabsError, code: int) -> None:
    assert exit_code_for_error(error) == code


def test_the_error_of_an_upload_has_the_exit_code_of_its_cause() -> None:
    error = UploadError(message="the upload of a.mp4 failed")
    assert exit_code_for_error(error) == 1
    error.__cause__ = APIConnectionError(message="x")
    assert exit_code_for_error(error) == 3


def test_the_demo_searches_for_keywords_of_filenames() -> None:
    names = ["night-train-through-the-city.mp4", "The_Sea at Night.mov", "IMG_0001.mp4", "the.mp4", "IMG 0001.mov"]
    assert demo.queries_from_filenames(names) == ["img 0001", "sea night", "night train"]


def use_terminal(screen: Screen, *, encoding: str = "utf-8") -> io.TextIOWrapper:
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen.console = Console(file=output, force_terminal=True, width=100, color_system="standard")
    screen.live = True
    return output


def read_output(output: io.TextIOWrapper) -> str:
    output.seek(0)
    return output.read()


def test_filenames_of_hits_are_hyperlinks_if_the_terminal_supports_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    hits = [Hit(query="a", rank=1, video_id=name, filename=f"{name}.mp4", start=1.0, end=2.0) for name in "bc"]
    for flag in "10":
        screen = Screen()
        output = use_terminal(screen)
        screen.has_links = flag == "1"
        screen.hits(hits, with_query=False, links={"b": "file:///b.mp4\x1b]0;title\x07"})
        text = read_output(output)
        assert text.count("file:///b.mp4") == int(flag)
        assert "\x1b]0" not in text
        assert "c.mp4" in text


def test_hits_on_a_terminal_show_their_query_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    output = use_terminal(screen)
    hit = Hit(query="a boat", rank=1, video_id="v", filename="boat.mp4", start=1.0, end=62.5)
    screen.hits([hit, hit], with_query=True)
    text = read_output(output)
    assert (text.count("a boat"), text.count("boat.mp4"), text.count("01:02.5")) == (1, 2, 2)

"""Words and figures on the command line."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from twelvelabs_async.cli import demo
from twelvelabs_async.cli.codes import of_error, of_summary
from twelvelabs_async.cli.render import (
    Hit,
    Screen,
    basename,
    counted,
    outcome_record,
    shortened,
    size,
    timecode,
)
from twelvelabs_async.errors import (
    APIConnectionError,
    AuthenticationError,
    InvalidInputError,
    QuotaExhaustedError,
    TwelveLabsError,
    WaitTimeoutError,
)
from twelvelabs_async.ingest import Outcome, Summary

REFUSED = Outcome(
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
    assert timecode(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (62_151, "62 kB"), (999_900, "1.0 MB"), (2_345_000_000, "2.3 GB")],
)
def test_sizes_are_short(count: int, text: str) -> None:
    assert size(count) == text


def test_names_keep_their_end_and_lose_what_a_terminal_would_obey() -> None:
    assert shortened("a" * 50 + ".mp4", 20) == "a" * 13 + "…" + "aa.mp4"
    assert basename("/films/\x1b[31mred\nx.mp4") == "[31mred x.mp4"
    assert basename("https://example.com/v/clip.mp4?token=1") == "clip.mp4"


def test_a_record_is_json_and_the_exception_is_not_in_it() -> None:
    record = json.loads(json.dumps(outcome_record(REFUSED)))
    assert record.keys() == {
        "attempts",
        "already",
        "duplicate_of",
        "replaces",
        *("source", "status", "stage", "asset_id", "indexed_asset_id", "error", "bytes", "seconds"),
    }
    assert record["error"] == "no"


@pytest.mark.parametrize(
    ("summary", "words", "code"),
    [
        (Summary(), "none ended", 0),
        (Summary(ready=2000), "2,000 ready", 0),
        (Summary(ready=2, failed=1), "2 ready, 1 failed", 1),
        (Summary(ready=2, skipped=1, stopped="quota"), "2 ready, 1 skipped", 75),
        (Summary(failed=1, stopped="auth"), "1 failed", 3),
        (Summary(ready=2, stopped="drained"), "2 ready", 130),
    ],
)
def test_an_end_is_counted_and_makes_an_exit_code(summary: Summary, words: str, code: int) -> None:
    assert (counted(summary), of_summary(summary)) == (words, code)


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
def test_errors_make_an_exit_code(error: TwelveLabsError, code: int) -> None:
    assert of_error(error) == code


def test_the_demo_looks_for_telling_words() -> None:
    names = ["night-train-through-the-city.mp4", "The_Sea at Night.mov", "IMG_0001.mp4", "the.mp4", "IMG 0001.mov"]
    assert demo.queries(names) == ["img 0001", "sea night", "night train"]


def on_terminal(screen: Screen, *, encoding: str = "utf-8") -> io.TextIOWrapper:
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen.people = Console(file=shown, force_terminal=True, width=100, color_system="standard")
    screen.live = True
    return shown


def text_of(shown: io.TextIOWrapper) -> str:
    shown.seek(0)
    return shown.read()


def test_hits_on_a_terminal_name_a_query_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    shown = on_terminal(screen)
    hit = Hit(query="a boat", rank=1, video_id="v", filename="boat.mp4", start=1.0, end=62.5)
    screen.hits([hit, hit], with_query=True)
    text = text_of(shown)
    assert (text.count("a boat"), text.count("boat.mp4"), text.count("01:02.5")) == (1, 2, 2)

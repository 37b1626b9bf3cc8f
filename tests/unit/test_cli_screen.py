"""The screen removes control characters from all printed texts."""

from __future__ import annotations

import io
import re
import sys
import unicodedata
from collections.abc import Callable

import pytest
from hostile import CONTROL_CATEGORIES, HOSTILE, OWN_SEQUENCES, controls_in
from hypothesis import given
from hypothesis import strategies as st
from rich.live import Live
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from twelvelabs_async._cli.console import Column, Hit, Screen, basename, clean_lines
from twelvelabs_async._cli.ingest_run import print_summary
from twelvelabs_async._cli.progress import IngestStats
from twelvelabs_async._text import clean
from twelvelabs_async.ingest import IngestResult, PathSkipped, Summary

PRINTS: dict[str, Callable[[Screen, str], object]] = {
    "message": lambda screen, text: screen.print(text),
    "styled message": lambda screen, text: screen.print(text, "red"),
    "error": lambda screen, text: screen.error(text),
    "question": lambda screen, text: screen.confirm(text),
    "rows": lambda screen, text: screen.table([(text, text)]),
    "table": lambda screen, text: screen.table([(text, text)], [Column("a"), Column(text, wraps=True)]),
    "list": lambda screen, text: screen.table([(text, text * 9)], [Column("a"), Column("b" * 80)]),
    "hits": lambda screen, text: screen.hits(
        [Hit(query=text, rank=1, video_id=text, filename=text, start=1.0, end=2.0)], with_query=True
    ),
    "warning": lambda screen, text: screen.warn(text),
    "proxy": lambda screen, text: screen.proxy(text),
    "title": lambda screen, text: screen.console.print(Panel(text, title=text, subtitle=text)),
    "link": lambda screen, text: screen.console.print(Text("link", Style(link=f"https://example.com/{text}"))),
    "record": lambda screen, text: screen.print_json({text: text}),
    "document": lambda screen, text: screen.print_document({text: text}),
}


def print_failed_summary(screen: Screen, text: str) -> None:
    stats = IngestStats(0)
    stats.record_result(IngestResult(source=text, status="failed", stage="queued", error=text), 1)
    stats.left_out.add(PathSkipped(path=text, reason="not video or audio", suffix=f".{text}"))
    print_summary(screen, Summary(failed=1, bytes_sent=5), stats, 1.0)


PRINTS["summary"] = print_failed_summary


def print_live_display(screen: Screen, text: str) -> None:
    table = Table(title=text, caption=text)
    table.add_column(text)
    table.add_row(text)
    with Live(table, console=screen.console, auto_refresh=False) as display:
        display.update(Text(text), refresh=True)


PRINTS["live display"] = print_live_display


@pytest.fixture(params=["terminal", "narrow", "pipe"])
def output(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40" if request.param == "narrow" else "80")
    if request.param == "pipe":
        monkeypatch.delenv("FORCE_COLOR", raising=False)
    else:
        monkeypatch.setenv("FORCE_COLOR", "1")


@pytest.mark.usefixtures("output")
@pytest.mark.parametrize("name", PRINTS)
def test_control_characters_are_removed_from_all_output(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(json=name in {"record", "document"})
    PRINTS[name](screen, HOSTILE)
    captured = capsys.readouterr()
    output = re.sub(r"\x1b\]8;[^\x1b\x07]*\x1b\\", "", captured.out) if name == "link" else captured.out
    assert controls_in(output + captured.err) == set()
    if screen.console.is_terminal:
        assert output + captured.err
    if name not in {"lines", "title", "live display"} and screen.console.width > 40:
        assert "\nforged" not in output


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_csv_is_cleaned_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in ((Terminal(), "a b\n"), (io.StringIO(), "a\x1bb\n")):
        monkeypatch.setattr(sys, "stdout", stream)
        Screen(json=True).write("a\x1bb\n")
        assert stream.getvalue() == expected


def test_a_confirmation_prompt_is_cleaned_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert Screen().confirm(HOSTILE)
    assert controls_in(capsys.readouterr().out) == set()


def test_the_basename_of_a_line_of_a_list_keeps_its_number() -> None:
    assert basename("line 3 of /work/j.jsonl") == "line 3 of j.jsonl"
    assert basename("line 3 of standard input") == "line 3 of standard input"
    assert basename("/work/line 3 of it.mp4") == "line 3 of it.mp4"


@given(st.text())
def test_cleaning_changes_only_control_characters_and_returns_one_line(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert all(new in {old, " "} for new, old in zip(cleaned, text, strict=True))
    assert not CONTROL_CATEGORIES & set(map(unicodedata.category, cleaned))
    assert not CONTROL_CATEGORIES & set(map(unicodedata.category, clean_lines(text).replace("\n", "")))


def test_a_table_that_does_not_fit_is_printed_as_lists(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    row = ("66f1a2b3c4d5e6f708192a3b", "a name of several words that wraps", "2026-11-29 21:16")
    Screen().table([row], [Column("id"), Column("name", wraps=True), Column("created")])
    output = OWN_SEQUENCES.sub("", capsys.readouterr().out)
    assert output == (
        "id       66f1a2b3c4d5e6f708192a3b\n"
        "name     a name of several words that\n"
        "         wraps\n"
        "created  2026-11-29 21:16\n"
        "\n"
    )


def test_wide_characters_keep_columns_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().table([("日本", "1"), ("abcd", "2")])
    assert capsys.readouterr().out == "日本  1\nabcd  2\n"

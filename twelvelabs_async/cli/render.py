"""What people and programs see: words and figures, lines and tables.

On a terminal there is colour and movement. In a pipe there are plain lines without a control code. With `--json`
standard output belongs to programs, and people are spoken to on standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from twelvelabs_async.errors import printable
from twelvelabs_async.ingest import Outcome, OutcomeStatus, Stopped, Summary

HIT_WIDTH: Final = 48
"""Characters of a file name among the hits on a terminal."""

PIPE_WIDTH: Final = 10_000
"""Columns assumed where there is no terminal, so that nothing is wrapped or cut."""

WHY: Final[Mapping[Stopped, str]] = {
    "": "",
    "drained": "as it was asked to; the same command continues it",
    "quota": "by a quota that is used up; the same command continues it later",
    "auth": "because the key was refused",
}
"""Why an ingestion ended before its sources."""

STYLES: Final[Mapping[OutcomeStatus, str]] = {"ready": "green", "failed": "red", "skipped": "yellow"}


@attrs.frozen(kw_only=True)
class Hit:
    """One line of search results."""

    query: str
    rank: int | None
    video_id: str | None
    filename: str
    start: float | None
    end: float | None


def timecode(seconds: float | None) -> str:
    """A place in a video: `mm:ss.s`, from an hour on `h:mm:ss.s`."""
    if seconds is None:
        return "?"
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02}:{rest // 10:02}.{rest % 10}"
    return f"{hours}:{clock}" if hours else clock


def size(count: int) -> str:
    """A number of bytes, short."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def basename(source: str) -> str:
    """The last part of a path or address, without anything a terminal would take for a command."""
    if source.startswith(("http://", "https://")):
        return printable(PurePath(urlsplit(source).path).name or source)
    return printable(PurePath(source).name or source)


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters; the end, with its extension, stays."""
    if len(text) <= width:
        return text
    tail = width // 3
    return f"{text[: width - tail - 1]}…{text[-tail:]}"


def counted(summary: Summary) -> str:
    """How many ended how: `2 ready, 1 failed`."""
    numbers = {"ready": summary.ready, "failed": summary.failed, "skipped": summary.skipped}
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number) or "none ended"


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a line of JSON holds it."""
    record = attrs.asdict(outcome, filter=attrs.filters.exclude("exception"))
    return {**record, "seconds": round(outcome.seconds, 3)}


class Screen:
    """Where lines go: one place for people, one for programs.

    Args:
        json: Standard output is read by a program.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.errors: Console = _console(stderr=True)
        self.people: Console = self.errors if json else _console(stderr=False)
        self.live: bool = self.people.is_terminal and not self.people.is_dumb_terminal

    def say(self, text: str | Text = "", style: str = "") -> None:
        """A line for people."""
        self.people.print(text, style=style or None, soft_wrap=not self.live)

    def error(self, text: str) -> None:
        """A line about what went wrong."""
        self.errors.print(Text.assemble(("error: ", "bold red"), printable(text)), soft_wrap=True)

    def asks(self, question: str) -> bool:
        """Whether a person agrees; where nobody can be asked, nobody does."""
        if self.json or not sys.stdin.isatty():
            self.say(f"{question} --yes does it")
            return False
        return self.people.input(f"{question} [y/N] ", markup=False, emoji=False).strip().lower() in {"y", "yes"}

    def record(self, values: Mapping[str, Any]) -> None:
        """A line for programs; nothing unless they were promised some."""
        if not self.json:
            return
        try:
            sys.stdout.write(json.dumps(values) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            _stop_writing()

    def summary(self, summary: Summary, seconds: float) -> None:
        """How an ingestion ended: a line, and a table of what else there is to say."""
        self.say(f"{counted(summary)} in {seconds:.1f} s")
        rows = {
            "done before": f"{summary.already:,}" if summary.already else "",
            "same as another": f"{summary.duplicates:,}" if summary.duplicates else "",
            "changed since": f"{summary.changed:,}" if summary.changed else "",
            "sent": f"{size(summary.bytes)}, {size(round(summary.bytes / seconds))}/s" if summary.bytes else "",
            "stopped": WHY[summary.stopped],
        }
        self.table([(name, text) for name, text in rows.items() if text])

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows with aligned columns."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [f"{printable(cell):{width}}" for cell, width in zip(row, widths, strict=True)]
            self.say(Text("  ".join(cells).rstrip()))

    def hits(self, hits: Iterable[Hit], *, with_query: bool) -> None:
        """A table of search results."""
        table = Table(
            box=box.SIMPLE_HEAD if self.live else None,
            padding=(0, 1) if self.live else (0, 2, 0, 0),
            pad_edge=self.live,
            header_style="dim" if self.live else "",
        )
        if with_query:
            table.add_column("query", style="cyan", no_wrap=True)
        table.add_column("rank", justify="right")
        table.add_column("video", overflow="fold")
        table.add_column("from", justify="right", no_wrap=True)
        table.add_column("to", justify="right", no_wrap=True)
        before = None
        for hit in hits:
            query = [] if not with_query else ["" if self.live and hit.query == before else hit.query]
            rank = "" if hit.rank is None else str(hit.rank)
            name = printable(hit.filename)
            video = shortened(name, HIT_WIDTH) if self.live else name
            cells = [*query, rank, video, timecode(hit.start), timecode(hit.end)]
            table.add_row(*map(Text, cells))
            before = hit.query
        self.people.print(table)


class _PatientConsole(Console):
    """One whose reader may leave, as `head` does: the work goes on, unseen."""

    @override
    def on_broken_pipe(self) -> None:
        self.quiet = True
        _stop_writing()


def _stop_writing() -> None:
    # Also keeps Python from complaining when it flushes at exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _console(*, stderr: bool) -> Console:
    console = _PatientConsole(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console

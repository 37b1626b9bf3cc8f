"""Console output: messages, tables and JSON lines.

A terminal gets colors and live displays; a pipe gets plain lines without control codes. With `--json`, standard output
contains JSON lines only, and messages go to standard error.

Texts of the API, of files and of users may contain control characters, which could clear a terminal, forge a line of
output or reverse its order. Commands print them as they are: `Screen` and `CleanConsole` replace or remove these
characters in everything that is printed.
"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Final, TextIO, cast
from urllib.parse import urlsplit

import attrs
from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from twelvelabs_async._cli.streams import SafeStream, standard_output
from twelvelabs_async._text import clean, printable
from twelvelabs_async.ingest import IngestStatus, StopReason, Summary
from twelvelabs_async.ingest._remote_sources import is_url
from twelvelabs_async.ingest._validation import format_media_duration

HIT_NAME_WIDTH: Final = 48
"""Width of filenames in search results on a terminal, in characters."""

PIPE_WIDTH: Final = 10_000
"""Console width without a terminal, so that no line is wrapped."""

STOP_REASONS: Final[Mapping[StopReason, str]] = {
    "": "",
    "drained": "interrupted; run the same command to resume",
    "quota": "quota exhausted; run the same command later to resume",
    "auth": "the API key was rejected",
    "outage": "the API could not be reached; run the same command later to resume",
}
"""Why an ingestion stopped early."""

STATUS_STYLES: Final[Mapping[IngestStatus, str]] = {"ready": "green", "failed": "red", "skipped": "yellow"}


_PLACE_IN_LIST: Final = re.compile(r"line \d+ of ")
"""What stands before the path of a list in the name of a line that cannot be used."""


@attrs.frozen(kw_only=True)
class Hit:
    """One search result."""

    query: str
    rank: int | None
    video_id: str | None
    filename: str
    start: float | None
    end: float | None


def format_timecode(seconds: float | None) -> str:
    """Format seconds as `mm:ss.s`, or `h:mm:ss.s` from one hour."""
    if seconds is None:
        return "?"
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02}:{rest // 10:02}.{rest % 10}"
    return f"{hours}:{clock}" if hours else clock


def format_size(byte_count: int | None) -> str:
    """Format a number of bytes, such as `62 kB`; empty if it is not known."""
    if byte_count is None:
        return ""
    amount = float(byte_count)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def format_date(date: datetime | None) -> str:
    """Format a date in UTC; empty if there is none."""
    return "" if date is None else date.astimezone(UTC).strftime("%Y-%m-%d")


def format_duration(seconds: float | None) -> str:
    """Format a duration, such as `4 h 12 min`; empty if it is not known."""
    return "" if seconds is None else format_media_duration(seconds)


def plural(count: int, noun: str) -> str:
    """Return a number with its noun, such as `1 video` or `2 videos`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def basename(source: str) -> str:
    """Return the filename of a path or URL, without control characters; a line of a list keeps its number."""
    if place := _PLACE_IN_LIST.match(source):
        return f"{place[0]}{basename(source[place.end() :])}"
    path = urlsplit(source).path if is_url(source) else source
    return printable(PurePath(path).name or source)


def shorten(text: str, width: int) -> str:
    """Shorten a string to `width` columns of a terminal in its middle, so that a file extension remains."""
    if cell_len(text) <= width:
        return text
    tail = width // 3
    head = set_cell_size(text, width - tail - 1).rstrip()
    end = len(text)
    while end and cell_len(text[end - 1 :]) <= tail:
        end -= 1
    return f"{head}…{text[end:]}"


def format_counts(summary: Summary) -> str:
    """Return the results by status, such as `2 ready, 1 failed`."""
    counts = {"ready": summary.ready, "failed": summary.failed, "skipped": summary.skipped}
    return ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "no items finished"


def clean_lines(text: str) -> str:
    """Return a text of several lines without control and format characters; tabs become spaces."""
    return "\n".join(map(clean, text.expandtabs(4).splitlines()))


_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
"""Control and format characters except newlines and tabs."""


class CleanConsole(Console):
    """A console that removes control characters from all texts; only its own styles and cursor moves remain."""

    @override
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Render an object; text does not change its width, because the removed characters have none."""
        return map(_clean_segment, super().render(renderable, options))


def _clean_segment(segment: Segment) -> Segment:
    text, style, control = segment
    if control is not None:
        return segment
    if style is not None and style.link is not None and not style.link.isprintable():
        style = style.update_link(clean(style.link))
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    return Segment(text, style)


@attrs.frozen
class Column:
    """A column of a table."""

    name: str
    """Heading."""
    right: bool = attrs.field(default=False, kw_only=True)
    """Whether it is aligned to the right, as numbers are."""
    wraps: bool = attrs.field(default=False, kw_only=True)
    """Whether a cell may take several lines on a narrow terminal."""
    linked: bool = attrs.field(default=False, kw_only=True)
    """Whether a cell leads to the URL of its row."""


_PROGRAMS_WITH_HYPERLINKS: Final = frozenset({"Hyper", "Tabby", "WezTerm", "ghostty", "iTerm.app", "rio", "vscode"})
_TERMINALS_WITH_HYPERLINKS: Final = ("alacritty", "contour", "foot", "xterm-ghostty", "xterm-kitty")
_VARIABLES_WITH_HYPERLINKS: Final = frozenset({"DOMTERM", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WT_SESSION"})

MIN_WRAPPED_WIDTH: Final = 12
"""Smallest width of a column that wraps; on a terminal that is too narrow for it, each row is printed as a list."""


class Screen:
    """Prints messages for people and JSON lines for programs.

    Args:
        json: Whether to print JSON lines on standard output, and messages on standard error.
        quiet: Whether to print only warnings and errors.
        plain: Whether to print lines instead of a live display on a terminal, too.
    """

    def __init__(self, *, json: bool = False, quiet: bool = False, plain: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self._stdout = standard_output()
        self.error_console: Console = _console(SafeStream(sys.stderr))
        self.console: Console = self.error_console if json else _console(self._stdout)
        shares_terminal = json and self._stdout.isatty()  # JSON lines would tear a live display
        can_redraw = self.console.is_terminal and not self.console.is_dumb_terminal
        self.live: bool = can_redraw and not (shares_terminal or quiet or plain)
        self.has_links: bool = can_redraw and not json and knows_hyperlinks(os.environ)
        """Whether the terminal shows hyperlinks."""

    def print(self, text: str = "", style: str = "") -> None:
        """Print a message in one line, wrapped at the width of a terminal; nothing if the screen is quiet."""
        if not self.quiet:
            self.warn(text, style)

    def warn(self, text: str, style: str = "") -> None:
        """Print a message, also if the screen is quiet."""
        self.console.print(clean(text), style=style or None, soft_wrap=not self.console.is_terminal)

    def proxy(self, name: str | None) -> None:
        """Say on standard error which proxy is used, if there is one."""
        if name is not None:
            self.error_console.print(printable(f"using the proxy {name}"), soft_wrap=True)

    def error(self, text: str) -> None:
        """Print an error message on standard error."""
        line = Text.assemble(("error: ", "bold red"), printable(text))
        self.error_console.print(line, soft_wrap=not self.error_console.is_terminal)

    @property
    def is_output_lost(self) -> bool:
        """Whether further output is lost: it cannot be written, or its reader has closed the pipe."""
        return self._stdout.is_lost

    def use_utf8(self) -> None:
        """Write UTF-8 to a file or a pipe, whatever the locale is."""
        self._stdout.use_utf8()

    def confirm(self, question: str) -> bool:
        """Ask for confirmation; without a terminal the answer is no."""
        if self.json or sys.stdin is None or not sys.stdin.isatty():
            self.warn(f"{question} pass --yes to confirm")
            return False
        self.console.print(f"{clean(question)} [y/N] ", end="", soft_wrap=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def print_json(self, values: Mapping[str, Any]) -> None:
        """Print a JSON line, if JSON output is enabled."""
        if self.json:
            self.write(json.dumps(values) + "\n")

    def print_result(self, values: Mapping[str, Any], text: str) -> None:
        """Print the result of a command: a JSON line if JSON output is enabled, else a message."""
        if self.json:
            self.print_json(values)
        else:
            self.print(text)

    def print_results(
        self, values: Iterable[Mapping[str, Any]], rows: Sequence[Sequence[str]], columns: Sequence[Column], none: str
    ) -> None:
        """Print the results of a command: JSON lines if JSON output is enabled, else a table; without rows, `none`."""
        for value in values:
            self.print_json(value)
        if not self.json:
            self.table(rows, columns)
            if not rows:
                self.print(none)

    def print_document(self, value: Any) -> None:
        """Print JSON, in which vectors may be arrays: indented, or in one line if JSON output is enabled."""
        self._stdout.write(json.dumps(value, indent=None if self.json else 2, default=list) + "\n")
        self._stdout.flush()

    def write(self, text: str) -> None:
        """Write text that is the result of a command to standard output."""
        self._stdout.write(f"{clean_lines(text)}\n" if self._stdout.isatty() else text)
        self._stdout.flush()

    def table(
        self, rows: Sequence[Sequence[str]], columns: Sequence[Column] = (), links: Sequence[str] | None = None
    ) -> None:
        """Print rows with aligned columns; without `columns`, there are no headings, and the last column wraps.

        `links` has a URL for each row, or an empty string, which the cells of linked columns lead to on terminals that
        know hyperlinks.
        """
        cells = [list(map(clean, row)) for row in rows]
        if not cells or self.quiet:
            return
        shown = columns or [Column("", wraps=index == len(cells[0]) - 1) for index in range(len(cells[0]))]
        header = [[clean(column.name) for column in shown]] if columns else []
        widths = [max(map(cell_len, column)) for column in zip(*header, *cells, strict=True)]
        if not self.console.is_terminal:
            for row in (*header, *cells):
                self.console.print(Text(_aligned(row, widths, shown)), soft_wrap=True)
        elif columns and _min_table_width(widths, shown) > self.console.width:
            for row in cells:
                self._print_row_as_list(row, columns)
        else:
            urls = links if links is not None and self.has_links else [""] * len(cells)
            self.console.print(self._rich_table(cells, shown, urls, has_header=bool(columns)))

    def new_table(self, *, has_header: bool = True, space: int = 2) -> Table:
        """Return an empty table without borders, with `space` characters between its columns."""
        return Table(
            box=box.SIMPLE_HEAD if self.live and has_header else None,
            padding=(0, space, 0, 0),
            pad_edge=False,
            show_header=has_header,
            header_style="dim" if self.live else "",
        )

    def _rich_table(
        self, rows: Iterable[Iterable[str]], columns: Sequence[Column], links: Iterable[str], *, has_header: bool
    ) -> Table:
        table = self.new_table(has_header=has_header)
        for column in columns:
            table.add_column(
                Text(column.name),
                justify="right" if column.right else "left",
                no_wrap=not column.wraps,
                overflow="fold" if column.wraps else "ellipsis",
            )
        for row, link in zip(rows, links, strict=True):
            style = Style(link=clean(link)) if link else ""
            texts = (Text(cell, style if column.linked else "") for cell, column in zip(row, columns, strict=True))
            table.add_row(*texts)
        return table

    def _print_row_as_list(self, row: Sequence[str], columns: Sequence[Column]) -> None:
        width = max(cell_len(column.name) for column in columns)
        indent = " " * (width + 2)
        for column, cell in zip(columns, row, strict=True):
            line = f"{column.name:{width}}  {cell}"
            self.console.print(Text("\n".join(textwrap.wrap(line, self.console.width, subsequent_indent=indent))))
        self.console.print()

    def hits(self, hits: Iterable[Hit], *, with_query: bool, links: Mapping[str, str] | None = None) -> None:
        """Print a table of search results.

        Args:
            hits: The results.
            with_query: Whether to show the query of each.
            links: URLs by video id, which filenames link to on terminals that know hyperlinks.
        """
        columns = [
            *([Column("query", wraps=True)] if with_query else []),
            Column("rank", right=True),
            Column("video", wraps=True, linked=True),
            Column("start", right=True),
            Column("end", right=True),
        ]
        rows, urls = list[list[str]](), list[str]()
        previous_query = None
        for hit in hits:
            query = [] if not with_query else ["" if self.live and hit.query == previous_query else hit.query]
            rank = "" if hit.rank is None else str(hit.rank)
            video = shorten(clean(hit.filename), HIT_NAME_WIDTH) if self.live else hit.filename
            rows.append([*query, rank, video, format_timecode(hit.start), format_timecode(hit.end)])
            urls.append((links or {}).get(hit.video_id or "", ""))
            previous_query = hit.query
        self.table(rows, columns, urls)


def knows_hyperlinks(environment: Mapping[str, str]) -> bool:
    """Return whether a terminal shows hyperlinks (OSC 8), by its environment variables.

    There is no query for it. Others ignore the sequence or, rarely, show it as text; `FORCE_HYPERLINK` overrides this.
    """
    if forced := environment.get("FORCE_HYPERLINK"):
        return forced != "0"
    terminal = environment.get("TERM", "")
    if terminal.startswith(("screen", "tmux")):  # older versions remove links, and pass the variables of the terminal
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS_WITH_HYPERLINKS
        or terminal.startswith(_TERMINALS_WITH_HYPERLINKS)
        or not _VARIABLES_WITH_HYPERLINKS.isdisjoint(environment)
        or (vte.isdecimal() and int(vte) >= 5000)
    )


def _aligned(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    cells = list[str]()
    for cell, width, column in zip(row, widths, columns, strict=True):
        padding = " " * (width - cell_len(cell))
        cells.append(padding + cell if column.right else cell + padding)
    return "  ".join(cells).rstrip()


def _min_table_width(widths: Iterable[int], columns: Iterable[Column]) -> int:
    """Return the width of a table whose wrapping columns are as narrow as possible."""
    return sum(
        2 + (min(width, MIN_WRAPPED_WIDTH) if column.wraps else width)
        for width, column in zip(widths, columns, strict=True)
    )


def _console(stream: SafeStream) -> Console:
    console = CleanConsole(file=cast("TextIO", stream), highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console

"""Progress of an ingestion: statistics of its events, a live display for terminals, and lines for pipes."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from math import ceil
from typing import Final, Self

import attrs
from rich.cells import set_cell_size
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from twelvelabs_async._cli.console import STATUS_STYLES, Screen, basename, format_size, plural, shorten
from twelvelabs_async._cli.failure_groups import FailureGroup, FailureGroups
from twelvelabs_async._cli.forecast import COMPLETIONS_WINDOW, SPEED_WINDOW, Rate, format_rough_duration, seconds_left
from twelvelabs_async._cli.sources import LeftOut, SourceTotal
from twelvelabs_async._text import printable
from twelvelabs_async.clock import Clock
from twelvelabs_async.events import Event, RateLimitUpdated, RateLimitWaitStarted
from twelvelabs_async.ingest import (
    IngestEvent,
    IngestResult,
    IngestStatus,
    IngestWarning,
    ItemFinished,
    ItemProgress,
    ItemRetryScheduled,
    OutageEnded,
    OutageStarted,
    PathSkipped,
    QuotaWaitStarted,
    Stage,
)
from twelvelabs_async.ingest._validation import format_media_duration

MAX_BUCKETS: Final = 96
"""Number of buckets at most; beyond it, pairs of buckets are merged."""


TOP_MARGIN: Final = 18

ITEMS_HEIGHT: Final = 120

GAP: Final = 34

SPEED_HEIGHT: Final = 70

BOTTOM: Final = TOP_MARGIN + ITEMS_HEIGHT + GAP + SPEED_HEIGHT

TICK_INTERVALS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Possible distances between two ticks of the time axis, in seconds."""

STAGE_DISPLAY_ORDER: Final[tuple[Stage, ...]] = ("uploading", "processing", "indexing", "queued")
"""Order of the rows in the live display."""

MAX_STATS_RESULTS: Final = 500
"""Results kept for the report; all are counted."""

NAME_WIDTH: Final = 40
"""Width of filenames in the live display, in characters."""

MIN_NAME_WIDTH: Final = 12
"""Width of filenames on a narrow terminal, in characters."""

BAR_WIDTH: Final = 24

SHORT_BAR_WIDTH: Final = 10

FULL_BAR_SCREEN_WIDTH: Final = 96
"""Width of the terminal in characters from which the bar of all items has its full width."""

ITEM_BAR_WIDTH: Final = 16

MIN_BAR_SCREEN_WIDTH: Final = 70
"""Width of the terminal in characters from which bars are shown."""

RESULT_COLUMNS: Final = 23
"""Characters of the line of a finished item besides its filename."""

PROGRESS_COLUMNS: Final = 52
"""Characters of the line of an item in progress besides its filename: bar, size, stage and the spaces between them."""

STAGE_COLUMNS: Final = 24
"""The same without bar and size."""

MAX_ITEM_LINES: Final = 40
"""Number of items up to which a line is printed for each ready item."""

MAX_LIVE_ROWS: Final = 10
"""Items in progress that are shown at most."""

RESERVED_LINES: Final = 8
"""Lines of the terminal that are not used for items in progress."""

SUMMARY_INTERVAL: Final = 10.0
"""Seconds between two summary lines without a terminal."""

STATUS_MARKS: Final[Mapping[IngestStatus, str]] = {"ready": "✓", "failed": "✗", "skipped": "·"}

ASCII_STATUS_MARKS: Final[Mapping[IngestStatus, str]] = {"ready": "+", "failed": "x", "skipped": "-"}

DISPLAY_REFRESH_INTERVAL: Final = 0.1
"""Seconds between two updates of the display."""

MIN_SHOWN_RETRY_DELAY: Final = 5.0
"""Shortest delay of a retry, in seconds, that is shown."""


Bucket = Counter[str]
"""What happened in one period of the timeline: items by status, `bytes_sent`, and `waited` for a rate limit."""


class Timeline:
    """Buckets of equal duration; memory use does not depend on the duration of the ingestion."""

    def __init__(self, max_buckets: int = MAX_BUCKETS) -> None:
        self._max_buckets = max_buckets
        self.buckets: list[Bucket] = []
        """All buckets from the start, without gaps."""
        self.bucket_seconds: int = 1
        """Duration of one bucket."""

    def add(self, offset: float, bucket: Bucket) -> None:
        """Add a bucket at `offset` seconds from the start."""
        while offset >= self.bucket_seconds * self._max_buckets:
            self._merge_pairs()
        index = max(0, int(offset // self.bucket_seconds))
        self.buckets += [Bucket() for _ in range(index + 1 - len(self.buckets))]
        self.buckets[index].update(bucket)

    def add_wait(self, start: float, end: float) -> None:
        """Mark a wait for a rate limit, in seconds from the start."""
        self.add(end, Bucket())
        for index in range(int(max(0, start) // self.bucket_seconds), int(end // self.bucket_seconds) + 1):
            self.buckets[index]["waited"] = 1

    def _merge_pairs(self) -> None:
        buckets = [*self.buckets, Bucket()] if len(self.buckets) % 2 else self.buckets
        self.buckets = [buckets[i] + buckets[i + 1] for i in range(0, len(buckets), 2)]
        self.bucket_seconds *= 2


@attrs.frozen
class ChartLayout:
    """The width of a chart; all its texts have the same size."""

    css_class: str
    plot_width: int
    left_margin: int
    """Space for the labels of the value axes."""
    right_margin: int
    """Space for the last label of the time axis."""
    max_ticks: int
    """Number of labels on the time axis at most."""

    def x(self, position: float, count: int) -> float:
        """Return the coordinate of one of `count` positions."""
        return self.left_margin + self.plot_width * position / count


BROAD: Final = ChartLayout("broad", plot_width=860, left_margin=64, right_margin=36, max_ticks=8)
NARROW: Final = ChartLayout("narrow", plot_width=262, left_margin=58, right_margin=20, max_ticks=4)
"""For screens of 400 pixels, on which the other chart would be scaled down until its texts cannot be read."""


def timeline_svg(timeline: Timeline, seconds: float, layout: ChartLayout = BROAD) -> str:
    """Return the first `seconds` as an SVG chart; the style sheet of the page defines its colors."""
    buckets = timeline.buckets[: ceil(seconds / timeline.bucket_seconds)]
    if not buckets:
        return ""
    shapes = [
        *_wait_bands(buckets, layout),
        *_item_bars(buckets, layout),
        *_speed_area(buckets, timeline.bucket_seconds, layout),
        *_time_axis(len(buckets), timeline.bucket_seconds, layout),
    ]
    height = BOTTOM + 30
    label = "Timeline: finished items, and bytes sent per second"
    view_box = f"0 0 {layout.left_margin + layout.plot_width + layout.right_margin} {height}"
    head = f'<svg class="{layout.css_class}" viewBox="{view_box}" role="img" aria-label="{label}">'
    return f"{head}{''.join(shapes)}</svg>"


def _wait_bands(buckets: Sequence[Bucket], layout: ChartLayout) -> Iterator[str]:
    count, end = len(buckets), 0
    for waited, group in groupby(buckets, key=lambda bucket: bucket["waited"] > 0):
        start, end = end, end + len(list(group))
        if waited:
            left, right = layout.x(start, count), layout.x(end, count)
            yield _box("waited", left, TOP_MARGIN, right - left, BOTTOM - TOP_MARGIN)


def _item_bars(buckets: Sequence[Bucket], layout: ChartLayout) -> Iterator[str]:
    maximum, count = max(1, *(sum(bucket[status] for status in STATUS_MARKS) for bucket in buckets)), len(buckets)
    bottom, width = TOP_MARGIN + ITEMS_HEIGHT, layout.plot_width / count
    yield _label(layout.left_margin, TOP_MARGIN - 6, "finished items", "start")
    yield from _value_axis(layout, TOP_MARGIN, bottom, f"{maximum:,}")
    for index, bucket in enumerate(buckets):
        top: float = bottom
        for status in ("ready", "skipped", "failed"):
            height = ITEMS_HEIGHT * bucket[status] / maximum
            if height:
                top -= height
                yield _box(status, layout.x(index, count) + width * 0.08, top, min(width * 0.84, 24), height)


def _speed_area(buckets: Sequence[Bucket], bucket_seconds: int, layout: ChartLayout) -> Iterator[str]:
    maximum, count = max(bucket["bytes_sent"] for bucket in buckets), len(buckets)
    top = TOP_MARGIN + ITEMS_HEIGHT + GAP
    yield _label(layout.left_margin, top - 8, "bytes sent per second", "start")
    yield from _value_axis(layout, top, BOTTOM, f"{format_size(round(maximum / bucket_seconds))}/s")
    if maximum:
        ys = [BOTTOM - SPEED_HEIGHT * bucket["bytes_sent"] / maximum for bucket in buckets]
        steps = [f"{layout.x(i, count):.1f},{y:.1f} {layout.x(i + 1, count):.1f},{y:.1f}" for i, y in enumerate(ys)]
        points = f"{layout.left_margin},{BOTTOM} {' '.join(steps)} {layout.left_margin + layout.plot_width},{BOTTOM}"
        yield f'<polygon class="speed" points="{points}"/>'


def _time_axis(bucket_count: int, bucket_seconds: int, layout: ChartLayout) -> Iterator[str]:
    total = bucket_count * bucket_seconds
    step = next(
        (tick for tick in TICK_INTERVALS if total / tick <= layout.max_ticks),
        86_400 * (1 + total // (layout.max_ticks * 86_400)),
    )
    for seconds in range(0, total + 1, step):
        x = layout.x(seconds, total)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>'
        yield _label(x, BOTTOM + 19, format_media_duration(seconds) if seconds else "0", "middle")


def _value_axis(layout: ChartLayout, top: float, bottom: float, max_label: str) -> Iterator[str]:
    left, right = layout.left_margin, layout.left_margin + layout.plot_width
    yield f'<line class="grid" x1="{left}" x2="{right}" y1="{top}" y2="{top}"/>'
    yield f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    yield _label(left - 8, top + 4, max_label, "end")
    yield _label(left - 8, bottom + 4, "0", "end")


def _box(css_class: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{css_class}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


@attrs.frozen
class ActiveWait:
    """A rate limit that requests wait for."""

    category: str
    """Rate-limit category, such as `search`."""
    dimension: str
    """What is counted, such as `request`."""
    until: float
    """Expected end of the wait, in monotonic seconds."""
    is_known: bool = True
    """Whether the platform reported the limit or its reset."""

    def describe(self, now: float) -> str:
        """Return a message such as `waiting for the search quota: 12 s`."""
        if not self.is_known:
            return f"finding out the limit of {self.category}: {format_rough_duration(self.until - now)}"
        unit = "" if self.dimension in {"", "request"} else f" ({self.dimension})"
        return f"waiting for the {self.category} quota{unit}: {format_rough_duration(self.until - now)}"


@attrs.define
class WaitTotal:
    """Number and total duration of waits for one rate limit."""

    count: int = 0
    seconds: float = 0.0


class IngestStats:
    """Statistics of an ingestion. All times are monotonic seconds, passed by the caller."""

    def __init__(self, now: float) -> None:
        self.started_at = now
        self.total: SourceTotal | None = None
        self.counts: Counter[str] = Counter()
        self.previously_done: int = 0
        self.duplicates: int = 0
        self.bytes_sent: int = 0
        self.results: list[IngestResult] = []
        self.skipped: FailureGroup | None = None
        """Items that were not begun."""
        self.failure_groups: FailureGroups = FailureGroups()
        self.left_out: LeftOut = LeftOut()
        self.wait_totals: dict[tuple[str, str], WaitTotal] = {}
        self.timeline: Timeline = Timeline()
        self._in_progress: dict[str, ItemProgress] = {}
        self._active_waits: dict[tuple[str, str], ActiveWait] = {}
        self._byte_rate = Rate(SPEED_WINDOW, now)
        self._item_rate = Rate(COMPLETIONS_WINDOW, now)

    def record_progress(self, event: ItemProgress, now: float) -> None:
        """Record the progress of an item."""
        previous = self._in_progress.get(event.source)
        self._in_progress[event.source] = event
        more = event.bytes_sent - (previous.bytes_sent if previous else 0)
        if more > 0:
            self.bytes_sent += more
            self._byte_rate.add(more, now)
            self.timeline.add(now - self.started_at, Bucket(bytes_sent=more))

    def record_result(self, result: IngestResult, now: float) -> None:
        """Record the result of an item."""
        self._in_progress.pop(result.source, None)
        self.counts[result.status] += 1
        if len(self.results) < MAX_STATS_RESULTS:
            self.results.append(result)
        self.previously_done += result.already_done
        self.duplicates += result.duplicate_of is not None
        if not result.already_done:  # these items took no time in this run
            self._item_rate.add(1, now)
        if result.status == "skipped":
            self.skipped = self.skipped or FailureGroup(result.error)
            self.skipped.add(result.source)
        elif result.status == "failed":
            self.failure_groups.add(result.source, result.error, result.stage, result.exception)
        self.timeline.add(now - self.started_at, Bucket([result.status]))

    def record_wait(self, category: str, dimension: str, seconds: float, now: float, *, is_known: bool = True) -> None:
        """Record a wait for a rate limit; overlapping waits for a limit count once, waits for an unknown one never."""
        key, until = (category, dimension), now + seconds
        if not is_known:
            self._active_waits[key] = ActiveWait(category, dimension, until, is_known=False)
            return
        active = self._active_waits.get(key)
        start = max(now, active.until) if active is not None else now
        total = self.wait_totals.setdefault(key, WaitTotal())
        total.count += start == now
        if until > start:
            total.seconds += until - start
            self.timeline.add_wait(start - self.started_at, until - self.started_at)
            self._active_waits[key] = ActiveWait(category, dimension, until)

    @property
    def done(self) -> int:
        """Number of finished items."""
        return self.counts.total()

    def in_progress(self, limit: int) -> list[ItemProgress]:
        """Return up to `limit` items in progress, uploading items first."""
        return heapq.nsmallest(
            limit, self._in_progress.values(), key=lambda event: STAGE_DISPLAY_ORDER.index(event.stage)
        )

    def stage_counts(self) -> Counter[Stage]:
        """Return the number of items in each stage."""
        return Counter(event.stage for event in self._in_progress.values())

    def active_waits(self, now: float) -> list[ActiveWait]:
        """Return the rate limits that requests wait for."""
        return [wait for wait in self._active_waits.values() if wait.until > now]

    def speed(self, now: float) -> float | None:
        """Return the current upload speed in bytes per second."""
        return self._byte_rate.per_second(now)

    def seconds_left(self, now: float) -> float | None:
        """Return the estimated time left in seconds; None if unknown."""
        if self.total is None:
            return None
        unsent_bytes = sum(
            max(0, event.total - event.sent) for event in self._in_progress.values() if event.stage == "uploading"
        )
        return seconds_left(
            items=self.total.items - self.done,
            completions_per_second=self._item_rate.per_second(now),
            unsent_bytes=unsent_bytes,
            bytes_per_second=self.speed(now),
        )


class LineDisplay:
    """Prints a line for each finished item, and a summary line every ten seconds."""

    def __init__(self, screen: Screen, stats: IngestStats) -> None:
        self._screen = screen
        self._stats = stats
        self.notify: Callable[[str], None] = screen.print
        """Prints a message."""
        self.warn: Callable[[str], None] = screen.warn
        """Prints a warning."""
        self._next_summary_at = stats.started_at + SUMMARY_INTERVAL

    def item_finished(self, result: IngestResult) -> None:
        """Print the result of an item; one that was not begun has none."""
        if result.status != "skipped":
            show = self.warn if result.status == "failed" else self.notify
            show(f"{result.status:8} {format_result(result)}")

    def refresh(self, now: float) -> None:
        """Print a summary line every ten seconds."""
        if now < self._next_summary_at:
            return
        self._next_summary_at = now + SUMMARY_INTERVAL
        waits = [wait.describe(now) for wait in self._stats.active_waits(now)]
        self._screen.print(" · ".join([*summary_parts(self._stats, now), *waits]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


class LiveDisplay:
    """Live display of totals, stages, rate-limit waits and some items in progress."""

    def __init__(self, screen: Screen, stats: IngestStats, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._marks = STATUS_MARKS if screen.console.encoding.startswith("utf") else ASCII_STATUS_MARKS
        self._stats = stats
        self._console = screen.console
        self._live = Live(
            console=screen.console,
            transient=True,
            auto_refresh=False,
            vertical_overflow="crop",
            redirect_stdout=False,  # it may carry JSON
        )

    def item_finished(self, result: IngestResult) -> None:
        """Print the result of an item if it failed, if there are few items, or if the display is verbose."""
        total = self._stats.total
        many = total is not None and total.items > MAX_ITEM_LINES
        if result.status == "skipped" or (result.status == "ready" and many and not self._verbose):
            return
        style = STATUS_STYLES[result.status]
        width = max(MIN_NAME_WIDTH, min(NAME_WIDTH, self._console.width - RESULT_COLUMNS))
        text = format_result(result, width=width)
        self._console.print(
            Text.assemble((f"{self._marks[result.status]}  ", style), (text, style if result.error else ""))
        )

    def notify(self, text: str) -> None:
        """Print a message above the live display."""
        self._console.print(Text(text, "yellow"))

    warn = notify

    def refresh(self, now: float) -> None:
        """Redraw the display."""
        self._live.update(self._render(now), refresh=True)

    def _render(self, now: float) -> RenderableType:
        waits = [
            Text(wait.describe(now), "yellow", no_wrap=True, overflow="ellipsis")
            for wait in self._stats.active_waits(now)
        ]
        return Group(*self._overall_rows(now), *waits, self._item_table(now))

    def _overall_rows(self, now: float) -> Iterator[RenderableType]:
        stats = self._stats
        summary = Text(" · ".join(summary_parts(stats, now)), "bold")
        if stats.total is None or self._console.width < MIN_BAR_SCREEN_WIDTH:
            yield summary
        else:
            row = Table.grid(padding=(0, 2, 0, 0))
            items = max(1, stats.total.items)
            width = BAR_WIDTH if self._console.width >= FULL_BAR_SCREEN_WIDTH else SHORT_BAR_WIDTH
            bar = ProgressBar(items, stats.done, width=width, complete_style="green", finished_style="green")
            row.add_row(bar, summary)
            yield row
        stages = stats.stage_counts()
        if stages:
            line = " · ".join(f"{count:,} {stage}" for stage, count in stages.items())
            yield Text(line, "dim", no_wrap=True, overflow="ellipsis")

    def _item_table(self, now: float) -> RenderableType:
        has_bars = self._console.width >= MIN_BAR_SCREEN_WIDTH
        width = min(NAME_WIDTH, self._console.width - (PROGRESS_COLUMNS if has_bars else STAGE_COLUMNS))
        width = max(MIN_NAME_WIDTH, width)
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=width, no_wrap=True)
        if has_bars:
            grid.add_column(width=ITEM_BAR_WIDTH)
            grid.add_column(width=8, justify="right", style="dim")
        grid.add_column(no_wrap=True, overflow="ellipsis")
        for event in self._stats.in_progress(max(1, min(MAX_LIVE_ROWS, self._console.height - RESERVED_LINES))):
            name, stage = Text(shorten(basename(event.source), width)), Text(_format_stage(event))
            size = format_size(event.total) if event.total else ""
            grid.add_row(name, *((_item_bar(event, now), size) if has_bars else ()), stage)
        return grid

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.update(Text(""))
        self._live.stop()


def summary_parts(stats: IngestStats, now: float) -> list[str]:
    """Return the parts of the summary line."""
    of_total = f" of {stats.total.items:,}" if stats.total is not None else ""
    speed, left = stats.speed(now), stats.seconds_left(now)
    parts = (
        f"{stats.done:,}{of_total} done",
        f"{stats.counts['failed']:,} failed" if stats.counts["failed"] else "",
        f"{stats.previously_done:,} already done" if stats.previously_done else "",
        f"{format_size(stats.bytes_sent)} sent" if stats.bytes_sent else "",
        f"{format_size(round(speed))}/s" if speed else "",
        f"about {format_rough_duration(left)} left" if left else "",
    )
    return list(filter(None, parts))


def format_result(result: IngestResult, width: int = 0) -> str:
    """Return the result of an item in one line."""
    name = basename(result.source)
    if result.error:
        stage = f" while {result.stage}" if result.stage not in {"queued", "ready"} else ""
        return f"{name}{stage}: {printable(result.error)}"
    note = f"the same as {printable(result.duplicate_of)}" if result.duplicate_of else ""
    note = ", ".join(filter(None, ("already done" if result.already_done else "", note)))
    size, duration = format_size(result.bytes_sent) if result.bytes_sent else "", f"{result.seconds:.1f} s"
    if width:
        return f"{set_cell_size(shorten(name, width), width)}  {size:>8}  {duration:>7}  {note}".rstrip()
    return "  ".join(filter(None, (name, size, duration, note)))


def format_warning(source: str, message: str) -> str:
    """Return a warning in one line."""
    name = f"{basename(source)}: " if source else ""
    return f"warning   {name}{printable(message)}"


def _item_bar(event: ItemProgress, now: float) -> ProgressBar:
    if event.stage == "uploading" and event.total:
        return ProgressBar(total=event.total, completed=event.sent, width=ITEM_BAR_WIDTH, complete_style="cyan")
    return ProgressBar(total=1, completed=0, width=ITEM_BAR_WIDTH, pulse=True, animation_time=now, pulse_style="cyan")


def _format_stage(event: ItemProgress) -> str:
    if event.stage == "uploading" and event.total:
        return f"uploading {event.sent * 100 // event.total} %"
    has_detail = event.status and event.status not in {event.stage, "ready"}
    return f"{event.stage}: {event.status}" if has_detail else event.stage


def format_skipped(event: PathSkipped) -> str:
    """Return a line for what a source leaves out."""
    files = f", {event.count:,} files {event.suffix}".rstrip() if event.count > 1 or event.suffix else ""
    return f"{printable(event.path)}: {event.reason}{files}"


class EventSink:
    """Receives the events of an ingestion, and updates statistics and display."""

    def __init__(self, screen: Screen, clock: Clock, *, verbose: bool = False) -> None:
        self.screen = screen
        self.clock = clock
        self._verbose = verbose
        self.stats: IngestStats = IngestStats(clock.monotonic())
        self.display: LiveDisplay | LineDisplay = (
            LiveDisplay(screen, self.stats, verbose=verbose) if screen.live else LineDisplay(screen, self.stats)
        )
        self.rate_limits: dict[tuple[str, str], RateLimitUpdated] = {}
        self.report_error: OSError | None = None
        """Why the report could not be written."""

    def sources_counted(self, total: SourceTotal) -> None:
        """Show how many items there are."""
        self.stats.total = total
        size = f", {format_size(total.bytes)}" if total.bytes else ""
        self.display.notify(f"{plural(total.items, 'item')}{size}")

    def on_client_event(self, event: Event) -> None:
        """Handle an event of the client."""
        if isinstance(event, RateLimitUpdated):
            self.rate_limits[event.category, event.dimension] = event
        elif isinstance(event, RateLimitWaitStarted) and event.delay is not None:
            is_known = event.limit is not None or event.resets_at is not None
            now = self.clock.monotonic()
            self.stats.record_wait(event.category, event.dimension, event.delay, now, is_known=is_known)

    def on_ingest_event(self, event: IngestEvent) -> None:
        """Handle an event of the ingestion."""
        now = self.clock.monotonic()
        match event:
            case ItemProgress():
                self.stats.record_progress(event, now)
            case ItemFinished(result=outcome):
                self.stats.record_result(outcome, now)
                self.display.item_finished(outcome)
            case QuotaWaitStarted():
                self.stats.record_wait(event.category, event.dimension, event.seconds, now)
                self.display.notify(
                    f"{event.category} quota exhausted; resuming in {format_rough_duration(event.seconds)}"
                )
            case ItemRetryScheduled() if event.retry_in > MIN_SHOWN_RETRY_DELAY or self._verbose:
                delay = format_rough_duration(event.retry_in)
                self.display.notify(f"{basename(event.source)}: {printable(event.error)}; retrying in {delay}")
            case OutageStarted():
                since = event.since.astimezone().strftime("%H:%M:%S")
                self.display.warn(f"no connection since {since}, waiting: {printable(event.error)}")
            case OutageEnded():
                self.display.notify(f"connected again after {format_rough_duration(event.seconds)}")
            case IngestWarning():
                self.display.warn(format_warning(event.source, event.message))
            case PathSkipped():
                self.stats.left_out.add(event)
                if self._verbose or event.reason == "linked folder":
                    self.display.notify(f"left out  {format_skipped(event)}")
            case _:
                pass

    @asynccontextmanager
    async def show_progress(self) -> AsyncGenerator[None]:
        """Refresh the display until the block ends."""
        with self.display:
            refresh_task = asyncio.create_task(self._refresh_loop())
            try:
                yield
            finally:
                refresh_task.cancel()
                await asyncio.wait([refresh_task])

    async def _refresh_loop(self) -> None:
        while True:
            self.display.refresh(self.clock.monotonic())
            await self.clock.sleep(DISPLAY_REFRESH_INTERVAL)

"""Timeline of an ingestion: finished items, sent bytes and rate-limit waits over time, and its SVG chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

import attrs

from twelvelabs_async._cli.console import format_size
from twelvelabs_async.ingest._validation import format_media_duration

MAX_BUCKETS: Final = 96
"""Number of buckets at most; beyond it, pairs of buckets are merged."""


@attrs.frozen
class Bucket:
    """What happened in one period of the timeline."""

    ready: int = 0
    failed: int = 0
    skipped: int = 0
    bytes_sent: int = 0
    waited: bool = False
    """Whether a request waited for a rate limit."""

    def __add__(self, other: Bucket) -> Bucket:
        return Bucket(
            self.ready + other.ready,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.bytes_sent + other.bytes_sent,
            self.waited or other.waited,
        )

    @property
    def finished(self) -> int:
        """Number of finished items."""
        return self.ready + self.failed + self.skipped


class Timeline:
    """Buckets of equal duration; memory use does not depend on the duration of the ingestion."""

    def __init__(self, max_buckets: int = MAX_BUCKETS) -> None:
        self._max_buckets = max_buckets
        self._buckets: list[Bucket] = []
        self.bucket_seconds: int = 1
        """Duration of one bucket."""

    @property
    def buckets(self) -> Sequence[Bucket]:
        """All buckets from the start, without gaps."""
        return self._buckets

    def add(self, offset: float, bucket: Bucket) -> None:
        """Add a bucket at `offset` seconds from the start."""
        while offset >= self.bucket_seconds * self._max_buckets:
            self._merge_pairs()
        index = max(0, int(offset // self.bucket_seconds))
        self._buckets += [Bucket()] * (index + 1 - len(self._buckets))
        self._buckets[index] += bucket

    def add_wait(self, start: float, end: float) -> None:
        """Mark a wait for a rate limit, in seconds from the start."""
        self.add(end, Bucket())
        for index in range(int(max(0, start) // self.bucket_seconds), int(end // self.bucket_seconds) + 1):
            self._buckets[index] += Bucket(waited=True)

    def _merge_pairs(self) -> None:
        buckets = [*self._buckets, Bucket()] if len(self._buckets) % 2 else self._buckets
        self._buckets = [buckets[i] + buckets[i + 1] for i in range(0, len(buckets), 2)]
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

TOP_MARGIN: Final = 18
ITEMS_HEIGHT: Final = 120
GAP: Final = 34
SPEED_HEIGHT: Final = 70
BOTTOM: Final = TOP_MARGIN + ITEMS_HEIGHT + GAP + SPEED_HEIGHT

TICK_INTERVALS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Possible distances between two ticks of the time axis, in seconds."""


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
    count, start = len(buckets), None
    for index, bucket in enumerate([*buckets, Bucket()]):
        if bucket.waited and start is None:
            start = index
        elif not bucket.waited and start is not None:
            yield _box(
                "waited",
                layout.x(start, count),
                TOP_MARGIN,
                layout.x(index, count) - layout.x(start, count),
                BOTTOM - TOP_MARGIN,
            )
            start = None


def _item_bars(buckets: Sequence[Bucket], layout: ChartLayout) -> Iterator[str]:
    maximum, count = max(1, *(bucket.finished for bucket in buckets)), len(buckets)
    bottom, width = TOP_MARGIN + ITEMS_HEIGHT, layout.plot_width / count
    yield _label(layout.left_margin, TOP_MARGIN - 6, "finished items", "start")
    yield from _value_axis(layout, TOP_MARGIN, bottom, f"{maximum:,}")
    for index, bucket in enumerate(buckets):
        top: float = bottom
        for status in ("ready", "skipped", "failed"):
            height = ITEMS_HEIGHT * getattr(bucket, status) / maximum
            if height:
                top -= height
                yield _box(status, layout.x(index, count) + width * 0.08, top, min(width * 0.84, 24), height)


def _speed_area(buckets: Sequence[Bucket], bucket_seconds: int, layout: ChartLayout) -> Iterator[str]:
    maximum, count = max(bucket.bytes_sent for bucket in buckets), len(buckets)
    top = TOP_MARGIN + ITEMS_HEIGHT + GAP
    yield _label(layout.left_margin, top - 8, "bytes sent per second", "start")
    yield from _value_axis(layout, top, BOTTOM, f"{format_size(round(maximum / bucket_seconds))}/s")
    if maximum:
        ys = [BOTTOM - SPEED_HEIGHT * bucket.bytes_sent / maximum for bucket in buckets]
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

"""A timeline as a picture: what ended above, how fast bytes were sent below, and where something waited for a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

from twelvelabs_async.cli.render import size
from twelvelabs_async.cli.timeline import Stretch, Timeline
from twelvelabs_async.ingest.rules import duration

LEFT: Final = 64
"""Room for the labels of the axes."""
WIDTH: Final = 860
RIGHT: Final = 36
"""Room for the last label of the time axis."""
TOP: Final = 18
ENDS_HEIGHT: Final = 120
GAP: Final = 34
SPEED_HEIGHT: Final = 70
BOTTOM: Final = TOP + ENDS_HEIGHT + GAP + SPEED_HEIGHT

TICKS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
"""Seconds between two marks of the time axis that people like."""


def drawing(timeline: Timeline, seconds: float) -> str:
    """The first `seconds` as SVG, coloured by the style sheet of the page around it."""
    stretches = timeline.stretches[: ceil(seconds / timeline.width)]
    if not stretches:
        return ""
    shapes = [
        *_waits(stretches),
        *_ends(stretches),
        *_speed(stretches, timeline.width),
        *_time_axis(len(stretches), timeline.width),
    ]
    height = BOTTOM + 30
    label = "Timeline: items that ended, and bytes sent in a second"
    return f'<svg viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img" aria-label="{label}">{"".join(shapes)}</svg>'


def _x(place: float, count: int) -> float:
    return LEFT + WIDTH * place / count


def _waits(stretches: Sequence[Stretch]) -> Iterator[str]:
    count, begin = len(stretches), None
    for place, stretch in enumerate([*stretches, Stretch()]):
        if stretch.waited and begin is None:
            begin = place
        elif not stretch.waited and begin is not None:
            yield _box("waited", _x(begin, count), TOP, _x(place, count) - _x(begin, count), BOTTOM - TOP)
            begin = None


def _ends(stretches: Sequence[Stretch]) -> Iterator[str]:
    most, count = max(1, *(stretch.ended for stretch in stretches)), len(stretches)
    floor, wide = TOP + ENDS_HEIGHT, WIDTH / count
    yield _label(LEFT, TOP - 6, "items that ended", "start")
    yield from _scale(TOP, floor, f"{most:,}")
    for place, stretch in enumerate(stretches):
        top: float = floor
        for kind in ("ready", "skipped", "failed"):
            high = ENDS_HEIGHT * getattr(stretch, kind) / most
            if high:
                top -= high
                yield _box(kind, _x(place, count) + wide * 0.08, top, min(wide * 0.84, 24), high)


def _speed(stretches: Sequence[Stretch], seconds: int) -> Iterator[str]:
    most, count = max(stretch.sent for stretch in stretches), len(stretches)
    top = TOP + ENDS_HEIGHT + GAP
    yield _label(LEFT, top - 8, "bytes sent in a second", "start")
    yield from _scale(top, BOTTOM, f"{size(round(most / seconds))}/s")
    if most:
        heights = [BOTTOM - SPEED_HEIGHT * stretch.sent / most for stretch in stretches]
        steps = [f"{_x(p, count):.1f},{h:.1f} {_x(p + 1, count):.1f},{h:.1f}" for p, h in enumerate(heights)]
        yield f'<polygon class="speed" points="{LEFT},{BOTTOM} {" ".join(steps)} {LEFT + WIDTH},{BOTTOM}"/>'


def _time_axis(count: int, seconds: int) -> Iterator[str]:
    total = count * seconds
    step = next((tick for tick in TICKS if total / tick <= 8), 86_400 * (1 + total // (8 * 86_400)))
    for moment in range(0, total + 1, step):
        x = _x(moment, total)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>'
        yield _label(x, BOTTOM + 19, duration(moment) if moment else "0", "middle")


def _scale(top: float, floor: float, most: str) -> Iterator[str]:
    yield f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{top}" y2="{top}"/>'
    yield f'<line class="axis" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{floor}" y2="{floor}"/>'
    yield _label(LEFT - 8, top + 4, most, "end")
    yield _label(LEFT - 8, floor + 4, "0", "end")


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'

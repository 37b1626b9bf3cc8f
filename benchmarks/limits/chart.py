"""Draws two runs with their windows: `python -m benchmarks.limits.chart FILE.svg`.

The vertical axis is the remaining quota. An accepted request is a dot; a 429 is a red mark below zero. Each window
starts at the top.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.limits.clients import TENACITY_LOOP, TWELVELABS_ASYNC
from benchmarks.limits.scenarios import CHART_SCENARIO, RunResult, run_scenario
from benchmarks.limits.stats import Window, fixed_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEFT, WIDTH, RIGHT = 64, 816, 40
TOP, HEIGHT, STRIP, GAP = 96, 132, 44, 74
"""Layout of a panel: offset of the first panel, height of the quota, height of the strip of 429s, gap to the next."""

STYLE: Final = """\
svg{--paper:#fff;--ink:#1f2933;--soft:#667281;--band:#eef3f8;--rule:#cbd5e0;--go:#2563eb;--line:#93b4f5;--no:#dc2626;
--strip:#fdecec;--edge:#e2e8f0}
@media(prefers-color-scheme:dark){svg{--paper:#161b22;--ink:#e6edf3;--soft:#9aa7b5;--band:#202833;--rule:#3b4654;
--go:#6ea8fe;--line:#3f6db5;--no:#ff6b6b;--strip:#3a1f24;--edge:#30363d}}
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft)}
.title{font-size:19px;font-weight:650;fill:var(--ink)}.name{font-size:15px;font-weight:650;fill:var(--ink)}
.bad{fill:var(--no);font-weight:650}.good{fill:var(--go);font-weight:650}.end{text-anchor:end}.mid{text-anchor:middle}
.paper{fill:var(--paper);stroke:var(--edge)}.band{fill:var(--band)}.rest{fill:var(--paper)}.strip{fill:var(--strip)}
.wall{stroke:var(--no);stroke-width:1.5}.rule{stroke:var(--rule)}.left{fill:none;stroke:var(--line);stroke-width:1.5}
.go{fill:var(--go)}.no{stroke:var(--no);stroke-width:1.4;stroke-opacity:.75}"""


@attrs.frozen
class Panel:
    """One run and its position in the chart."""

    name: str
    """Name of the client."""
    run: RunResult
    """The run."""
    top: float
    """Y coordinate of a full window."""
    limit: int
    """Requests allowed in a window."""
    to_x: Callable[[float], float]
    """Converts seconds to an x coordinate."""

    @property
    def floor(self) -> float:
        """Y coordinate of an empty window."""
        return self.top + HEIGHT

    def to_y(self, remaining: int) -> float:
        """Return the y coordinate of a remaining quota."""
        return self.floor - HEIGHT * remaining / self.limit

    def draw(self) -> Iterator[str]:
        """Yield the elements of the panel from back to front."""
        yield from self._labels()
        windows = fixed_windows(self.run.records, self.run.seconds)
        for number, window in enumerate(windows):
            yield self._band(window, number)
        right = LEFT + WIDTH
        yield f'<rect class="strip" x="{LEFT}" y="{self.floor}" width="{WIDTH}" height="{STRIP}"/>'
        for window in windows:
            yield from self._window(window)
        yield from self._rate_limited_marks()
        yield f'<path class="wall" d="M{LEFT} {self.floor}H{right}"/>'

    def _labels(self) -> Iterator[str]:
        stats = self.run.stats
        yield _text(LEFT, self.top - 14, self.name, "name")
        rate_limited = f"{stats.rate_limited:,} responses 429" if stats.rate_limited else "no 429"
        failed = f", {stats.failed} failed" if stats.failed else ", none failed"
        summary = f"{stats.calls} calls: {rate_limited}{failed}, {stats.duration:.0f} s"
        yield _text(LEFT + WIDTH, self.top - 14, summary, "end " + ("bad" if stats.rate_limited else "good"))
        yield _text(LEFT - 10, self.top + 5, f"{self.limit} left", "end")
        yield _text(LEFT - 10, self.floor + 4, "0", "end")
        yield _text(LEFT - 10, self.floor + STRIP / 2 + 6, "429", "end")

    def _band(self, window: Window, number: int) -> str:
        x, end = self.to_x(window.opened_at), self.to_x(window.opened_at + self.run.seconds)
        tint = "rest" if number % 2 else "band"
        width = min(end, LEFT + WIDTH) - x
        return f'<rect class="{tint}" x="{x:.1f}" y="{self.top}" width="{width:.1f}" height="{HEIGHT}"/>'

    def _window(self, window: Window) -> Iterator[str]:
        """Yield the line of the remaining quota, and a dot for each accepted request."""
        path = [f"M{self.to_x(window.opened_at):.1f} {self.top}"]
        dots: list[str] = []
        for number, time in enumerate(window.accepted_at, 1):
            x, y = self.to_x(time), self.to_y(self.limit - number)
            path.append(f"H{x:.1f}V{y:.1f}")
            dots.append(f'<circle class="go" cx="{x:.1f}" cy="{y:.1f}" r="2.3"/>')
        end = min(window.opened_at + self.run.seconds, self.run.stats.duration)
        path.append(f"H{self.to_x(end):.1f}")
        yield f'<path class="left" d="{"".join(path)}"/>'
        yield from dots

    def _rate_limited_marks(self) -> Iterator[str]:
        """Yield a mark for each 429; several rows keep simultaneous marks visible."""
        times = sorted(record.time for record in self.run.records if record.rate_limited)
        rows = 5
        for number, time in enumerate(times):
            x, y = self.to_x(time), self.floor + 4 + (number % rows) * (STRIP - 6) / rows
            yield f'<path class="no" d="M{x:.1f} {y:.1f}v6"/>'


def render_svg(runs: Sequence[tuple[str, RunResult]], limit: int) -> str:
    """Render the chart."""
    max_seconds = max(run.stats.duration for _, run in runs)

    def to_x(seconds: float) -> float:
        return LEFT + WIDTH * seconds / max_seconds

    panel_height = HEIGHT + STRIP + GAP
    panels = [Panel(name, run, TOP + number * panel_height, limit, to_x) for number, (name, run) in enumerate(runs)]
    height = TOP + len(panels) * panel_height - GAP + 62
    seconds = runs[0][1].seconds
    title = f"The same work against a limit of {limit} requests every {seconds:g} seconds"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x=".5" y=".5" width="{LEFT + WIDTH + RIGHT - 1}" height="{height - 1}" rx="12"/>',
        _text(LEFT, 38, title, "title"),
        *(line for panel in panels for line in panel.draw()),
        *_axis(to_x, max_seconds, panels[-1].floor + STRIP),
        *_legend(height - 18),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _axis(to_x: Callable[[float], float], max_seconds: float, y: float) -> Iterator[str]:
    for seconds in range(0, int(max_seconds) + 1, 20):
        x = to_x(seconds)
        yield f'<path class="rule" d="M{x:.1f} {y}v5"/>'
        yield _text(x, y + 20, f"{seconds} s" if seconds else "0", "mid")


def _legend(y: float) -> Iterator[str]:
    yield f'<circle class="go" cx="{LEFT + 4}" cy="{y - 4}" r="3"/>' + _text(LEFT + 14, y, "accepted", "")
    yield f'<path class="no" d="M{LEFT + 112} {y - 9}v9"/>' + _text(LEFT + 120, y, "429", "")
    yield f'<path class="left" d="M{LEFT + 232} {y - 4}h22"/>' + _text(LEFT + 262, y, "remaining quota", "")
    yield f'<rect class="band" x="{LEFT + 390}" y="{y - 11}" width="22" height="13"/>'
    yield _text(LEFT + 420, y, "every other window shaded", "")


def _text(x: float, y: float, content: str, css_class: str) -> str:
    return f'<text class="{css_class}" x="{x:.1f}" y="{y:.1f}">{content}</text>'


def main() -> None:
    """Run the scenario with both clients and write the chart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits.chart", description=__doc__)
    parser.add_argument("file", type=Path, help="the SVG file to write")
    file: Path = parser.parse_args().file
    runs = [
        ("A plain retry loop with random exponential backoff", run_scenario(CHART_SCENARIO, TENACITY_LOOP, seed=1)),
        ("twelvelabs_async with defaults", run_scenario(CHART_SCENARIO, TWELVELABS_ASYNC, seed=1)),
    ]
    file.write_text(render_svg(runs, CHART_SCENARIO.limit), encoding="utf-8")


if __name__ == "__main__":
    main()

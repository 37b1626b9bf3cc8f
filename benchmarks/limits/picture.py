"""Draws runs against their windows: `python -m benchmarks.limits.picture FILE.svg`.

Height is what is left of the quota. A request that is let through is a dot on the way down; one that is refused is a
red mark below the line where nothing is left. A new window begins at the top.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from benchmarks.limits.callers import OURS, PLAIN
from benchmarks.limits.figures import Window, windows
from benchmarks.limits.scenes import PICTURED, Run, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEFT, WIDTH, RIGHT = 64, 816, 40
TOP, HEIGHT, STRIP, GAP = 96, 132, 44, 74
"""Of a panel: where the first begins, its quota, its refusals, and what is left before the next."""

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
    """One run, and where it stands on the sheet."""

    name: str
    """Who made the calls."""
    run: Run
    """What happened."""
    top: float
    """Where its quota is whole."""
    limit: int
    """Calls allowed in a window."""
    across: Callable[[float], float]
    """From seconds to the sheet."""

    @property
    def floor(self) -> float:
        """Where nothing is left."""
        return self.top + HEIGHT

    def height(self, remaining: int) -> float:
        """Where so much is left."""
        return self.floor - HEIGHT * remaining / self.limit

    def draw(self) -> Iterator[str]:
        """The panel from back to front."""
        yield from self._words()
        found = windows(self.run.marks, self.run.seconds)
        for number, window in enumerate(found):
            yield self._band(window, number)
        right = LEFT + WIDTH
        yield f'<rect class="strip" x="{LEFT}" y="{self.floor}" width="{WIDTH}" height="{STRIP}"/>'
        for window in found:
            yield from self._window(window)
        yield from self._refusals()
        yield f'<path class="wall" d="M{LEFT} {self.floor}H{right}"/>'

    def _words(self) -> Iterator[str]:
        figures = self.run.figures
        yield _text(LEFT, self.top - 14, self.name, "name")
        refused = f"{figures.refused:,} refused" if figures.refused else "none refused"
        failed = f", {figures.failed} calls lost" if figures.failed else ", no call lost"
        told = f"{figures.calls} calls: {refused}{failed}, {figures.wall:.0f} s"
        yield _text(LEFT + WIDTH, self.top - 14, told, "end " + ("bad" if figures.refused else "good"))
        yield _text(LEFT - 10, self.top + 5, f"{self.limit} left", "end")
        yield _text(LEFT - 10, self.floor + 4, "0", "end")
        yield _text(LEFT - 10, self.floor + STRIP / 2 + 6, "refused", "end")

    def _band(self, window: Window, number: int) -> str:
        x, end = self.across(window.opened), self.across(window.opened + self.run.seconds)
        tint = "rest" if number % 2 else "band"
        width = min(end, LEFT + WIDTH) - x
        return f'<rect class="{tint}" x="{x:.1f}" y="{self.top}" width="{width:.1f}" height="{HEIGHT}"/>'

    def _window(self, window: Window) -> Iterator[str]:
        """The quota as it goes down, and a dot for each request that took from it."""
        path = [f"M{self.across(window.opened):.1f} {self.top}"]
        dots: list[str] = []
        for number, at in enumerate(window.served, 1):
            x, y = self.across(at), self.height(self.limit - number)
            path.append(f"H{x:.1f}V{y:.1f}")
            dots.append(f'<circle class="go" cx="{x:.1f}" cy="{y:.1f}" r="2.3"/>')
        end = min(window.opened + self.run.seconds, self.run.figures.wall)
        path.append(f"H{self.across(end):.1f}")
        yield f'<path class="left" d="{"".join(path)}"/>'
        yield from dots

    def _refusals(self) -> Iterator[str]:
        """Short strokes below the wall, in rows so that those of one moment do not hide each other."""
        refused = sorted(mark.at for mark in self.run.marks if mark.refused)
        rows = 5
        for number, at in enumerate(refused):
            x, y = self.across(at), self.floor + 4 + (number % rows) * (STRIP - 6) / rows
            yield f'<path class="no" d="M{x:.1f} {y:.1f}v6"/>'


def sheet(runs: Sequence[tuple[str, Run]], limit: int) -> str:
    """The whole picture."""
    longest = max(run.figures.wall for _, run in runs)

    def across(seconds: float) -> float:
        return LEFT + WIDTH * seconds / longest

    tall = HEIGHT + STRIP + GAP
    panels = [Panel(name, run, TOP + number * tall, limit, across) for number, (name, run) in enumerate(runs)]
    height = TOP + len(panels) * tall - GAP + 62
    seconds = runs[0][1].seconds
    told = f"The same work against a limit of {limit} requests every {seconds:g} seconds"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" role="img">',
        f"<title>{told}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x=".5" y=".5" width="{LEFT + WIDTH + RIGHT - 1}" height="{height - 1}" rx="12"/>',
        _text(LEFT, 38, told, "title"),
        *(line for panel in panels for line in panel.draw()),
        *_axis(across, longest, panels[-1].floor + STRIP),
        *_legend(height - 18),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _axis(across: Callable[[float], float], longest: float, y: float) -> Iterator[str]:
    for seconds in range(0, int(longest) + 1, 20):
        x = across(seconds)
        yield f'<path class="rule" d="M{x:.1f} {y}v5"/>'
        yield _text(x, y + 20, f"{seconds} s" if seconds else "0", "mid")


def _legend(y: float) -> Iterator[str]:
    yield f'<circle class="go" cx="{LEFT + 4}" cy="{y - 4}" r="3"/>' + _text(LEFT + 14, y, "let through", "")
    yield f'<path class="no" d="M{LEFT + 112} {y - 9}v9"/>' + _text(LEFT + 120, y, "refused (429)", "")
    yield f'<path class="left" d="M{LEFT + 232} {y - 4}h22"/>' + _text(LEFT + 262, y, "left of the quota", "")
    yield f'<rect class="band" x="{LEFT + 390}" y="{y - 11}" width="22" height="13"/>'
    yield _text(LEFT + 420, y, "windows, every other one shaded", "")


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{text}</text>'


def main() -> None:
    """Play the scene and write the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits.picture", description=__doc__)
    parser.add_argument("file", type=Path, help="where the SVG goes")
    file: Path = parser.parse_args().file
    runs = [
        ("A plain loop that waits at random and tries again", play(PICTURED, PLAIN, seed=1)),
        ("twelvelabs_async, as it is", play(PICTURED, OURS, seed=1)),
    ]
    file.write_text(sheet(runs, PICTURED.limit), encoding="utf-8")


if __name__ == "__main__":
    main()

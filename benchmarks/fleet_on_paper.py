"""`python -m benchmarks.fleet_on_paper [--svg FILE]`: a hundred workers and a million videos, on paper.

Nothing is sent. Every quarter of an hour of virtual time as much is uploaded and indexed as the tightest of all limits
lets through: those of a published plan, the lines of the workers, and what one database writes.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async.ingest.forecast import DAY, PUBLISHED, Allowance

STEP: Final = 900.0
"""Seconds of virtual time that are reckoned at once; minutes and hours are spread evenly over it, days are not."""

WRITES: Final = 14
"""Transactions of the database for one video on its whole way: its entry, its roster, its jobs."""

WIDTH, LEFT, RIGHT, TOP, ROW = 480, 210, 90, 54, 32
COLOUR: Final = "#2563eb"
DECADES: Final = 5
"""Powers of ten on the picture, from a tenth of a day on."""


@attrs.frozen(kw_only=True)
class World:
    """What is to be done, and with what."""

    videos: int = 1_000_000
    minutes: float = 5.0
    """Of each video."""
    megabytes: float = 100.0
    """Of each video."""
    workers: int = 100
    line: float = 12.5
    """Megabytes a second that each worker sends."""
    transactions: float = 500.0
    """A second, that the database takes."""


@attrs.define
class Course:
    """How it went."""

    ready: list[tuple[float, float]] = attrs.field(factory=list[tuple[float, float]])
    """Days, and the share that is in the index by then."""
    bound: Counter[str] = attrs.field(factory=Counter[str])
    """How many steps each limit was the tightest."""

    @property
    def days(self) -> float:
        """Until all are ready."""
        return self.ready[-1][0]


def per_video(allowance: Allowance, world: World) -> float:
    """What one video takes of an allowance."""
    return world.minutes if allowance.dimension == "duration" else 1.0


def own_limits(world: World) -> dict[str, float]:
    """Videos that pass in a step as far as it is up to the workers and their database."""
    return {
        "lines of the workers": world.workers * world.line / world.megabytes * STEP,
        "transactions of the database": world.transactions / WRITES * STEP,
    }


def run(world: World, allowances: tuple[Allowance, ...]) -> Course:
    """From the first video to the last."""
    course, done, now = Course(), 0.0, 0.0
    left: dict[Allowance, float] = {}
    while done < world.videos:
        if now % DAY == 0:
            left = {one: one.amount / per_video(one, world) for one in allowances if one.seconds == DAY}
        lets = own_limits(world) | {
            one.words: left.get(one, one.amount / per_video(one, world) * STEP / one.seconds) for one in allowances
        }
        tightest = min(lets, key=lambda name: lets[name])
        passed = min(lets[tightest], world.videos - done)
        left = {one: rest - passed for one, rest in left.items()}
        course.bound[tightest] += 1
        done, now = done + passed, now + STEP
        course.ready.append((now / DAY, done / world.videos))
    return course


def picture(courses: dict[str, Course]) -> str:
    """Days until all are ready, a bar for each plan; each line further to the right is ten times as long."""
    height = TOP + ROW * len(courses) + 40
    bottom = TOP + ROW * len(courses)
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}">',
        "<style>text{font:13px system-ui,sans-serif;fill:#1f2937}.soft{fill:#667281}</style>",
        f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" rx="10" fill="#ffffff"/>',
        '<text x="20" y="32" style="font-weight:600">Days until a million videos are in the index</text>',
    ]
    for power in range(DECADES + 1):
        x = _x(10.0**power / 10)
        rows.append(f'<line x1="{x:.0f}" y1="{TOP}" x2="{x:.0f}" y2="{bottom}" stroke="#e2e8f0"/>')
        rows.append(
            f'<text class="soft" x="{x:.0f}" y="{bottom + 20}" text-anchor="middle">{10.0**power / 10:,g}</text>'
        )
    for place, (name, course) in enumerate(courses.items()):
        y, end = TOP + ROW * place, _x(course.days)
        rows += [
            f'<text x="{LEFT - 10}" y="{y + 21}" text-anchor="end">{name}</text>',
            f'<rect x="{LEFT}" y="{y + 6}" width="{end - LEFT:.0f}" height="{ROW - 12}" rx="3" fill="{COLOUR}"/>',
            f'<text x="{end + 8:.0f}" y="{y + 21}">{course.days:,.1f}</text>',
        ]
    return "\n".join([*rows, "</svg>", ""])


def _x(days: float) -> float:
    return LEFT + WIDTH * (math.log10(days) + 1) / DECADES


def main() -> None:
    """Print the table, and draw it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_on_paper")
    parser.add_argument("--svg", type=Path)
    args = parser.parse_args()
    world = World()
    plans: dict[str, tuple[Allowance, ...]] = {}
    for name in ("developer", "developer-2", "developer-3"):
        plans[name] = PUBLISHED[name]
    raised = (attrs.evolve(one, amount=100 * one.amount) for one in PUBLISHED["developer-3"])
    plans |= {"developer-3, a hundred times": tuple(raised), "no limit": ()}
    courses = {name: run(world, allowances) for name, allowances in plans.items()}
    print(f"{world.videos:,} videos of {world.minutes:g} minutes and {world.megabytes:g} MB, {world.workers} workers\n")
    print(f"{'limits':30}{'days':>10}  binds")
    for name, course in courses.items():
        print(f"{name:30}{course.days:10,.1f}  {course.bound.most_common(1)[0][0]}")
    if args.svg is not None:
        args.svg.write_text(picture(courses), "utf-8")


if __name__ == "__main__":
    main()

"""`python -m benchmarks.workers_forecast [--svg FILE]`: estimates how long a hundred workers need for a million videos.

It sends nothing. In each step of 15 minutes of virtual time, as many videos are ingested as the lowest limit allows:
the limits of a published plan, the upload speed of the workers, and the transactions of one database.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async._cli.forecast import DAY, PUBLISHED_LIMITS, PlanLimit

STEP_SECONDS: Final = 900.0
"""Length of a step in seconds of virtual time. Limits per minute and hour are spread evenly over time, limits per day
are not."""

TRANSACTIONS_PER_VIDEO: Final = 14
"""Database transactions for one video: its entry, its row in the job table, its jobs."""

WIDTH, LEFT, RIGHT, TOP, ROW = 480, 210, 90, 54, 32
COLOR: Final = "#2563eb"
DECADES_SHOWN: Final = 5
"""Powers of ten on the x axis, which starts at a tenth of a day."""


@attrs.frozen(kw_only=True)
class Scenario:
    """The videos and the workers."""

    videos: int = 1_000_000
    minutes: float = 5.0
    """Duration of a video."""
    megabytes: float = 100.0
    """Size of a video."""
    workers: int = 100
    upload_speed: float = 12.5
    """Upload speed of a worker, in megabytes a second."""
    transactions_per_second: float = 500.0
    """Transactions that the database executes in a second."""


@attrs.define
class SimulationResult:
    """The result of a simulation."""

    ready: list[tuple[float, float]] = attrs.field(factory=list[tuple[float, float]])
    """Time in days, and the share of the videos that are in the index."""
    binding_limits: Counter[str] = attrs.field(factory=Counter[str])
    """For each limit, the number of steps in which it was the lowest."""

    @property
    def days(self) -> float:
        """Days until all videos are ready."""
        return self.ready[-1][0]


def usage_per_video(limit: PlanLimit, scenario: Scenario) -> float:
    """Return how much of a limit one video uses."""
    return scenario.minutes if limit.dimension == "duration" else 1.0


def worker_limits(scenario: Scenario) -> dict[str, float]:
    """Return the videos per step that the workers and their database allow."""
    return {
        "network of the workers": scenario.workers * scenario.upload_speed / scenario.megabytes * STEP_SECONDS,
        "transactions of the database": scenario.transactions_per_second / TRANSACTIONS_PER_VIDEO * STEP_SECONDS,
    }


def simulate(scenario: Scenario, limits: tuple[PlanLimit, ...]) -> SimulationResult:
    """Simulate the ingestion from the first video to the last."""
    result, done, now = SimulationResult(), 0.0, 0.0
    remaining: dict[PlanLimit, float] = {}
    while done < scenario.videos:
        if now % DAY == 0:
            remaining = {
                limit: limit.amount / usage_per_video(limit, scenario)
                for limit in limits
                if limit.window_seconds == DAY
            }
        allowed = worker_limits(scenario) | {
            limit.description: remaining.get(
                limit, limit.amount / usage_per_video(limit, scenario) * STEP_SECONDS / limit.window_seconds
            )
            for limit in limits
        }
        lowest = min(allowed, key=lambda name: allowed[name])
        ingested = min(allowed[lowest], scenario.videos - done)
        remaining = {limit: amount - ingested for limit, amount in remaining.items()}
        result.binding_limits[lowest] += 1
        done, now = done + ingested, now + STEP_SECONDS
        result.ready.append((now / DAY, done / scenario.videos))
    return result


def render_chart(results: dict[str, SimulationResult]) -> str:
    """Return an SVG chart of the days until all videos are ready, one bar for each plan, with a logarithmic x axis."""
    height = TOP + ROW * len(results) + 40
    bottom = TOP + ROW * len(results)
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}">',
        "<style>text{font:13px system-ui,sans-serif;fill:#1f2937}.soft{fill:#667281}</style>",
        f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" rx="10" fill="#ffffff"/>',
        '<text x="20" y="32" style="font-weight:600">Days until a million videos are in the index</text>',
    ]
    for power in range(DECADES_SHOWN + 1):
        x = _x(10.0**power / 10)
        rows.append(f'<line x1="{x:.0f}" y1="{TOP}" x2="{x:.0f}" y2="{bottom}" stroke="#e2e8f0"/>')
        rows.append(
            f'<text class="soft" x="{x:.0f}" y="{bottom + 20}" text-anchor="middle">{10.0**power / 10:,g}</text>'
        )
    for row, (name, result) in enumerate(results.items()):
        y, end = TOP + ROW * row, _x(result.days)
        rows += [
            f'<text x="{LEFT - 10}" y="{y + 21}" text-anchor="end">{name}</text>',
            f'<rect x="{LEFT}" y="{y + 6}" width="{end - LEFT:.0f}" height="{ROW - 12}" rx="3" fill="{COLOR}"/>',
            f'<text x="{end + 8:.0f}" y="{y + 21}">{result.days:,.1f}</text>',
        ]
    return "\n".join([*rows, "</svg>", ""])


def _x(days: float) -> float:
    return LEFT + WIDTH * (math.log10(days) + 1) / DECADES_SHOWN


def main() -> None:
    """Print the table, and write the chart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers_forecast")
    parser.add_argument("--svg", type=Path)
    args = parser.parse_args()
    scenario = Scenario()
    plans: dict[str, tuple[PlanLimit, ...]] = {}
    for name in ("developer", "developer-2", "developer-3"):
        plans[name] = PUBLISHED_LIMITS[name]
    raised = (attrs.evolve(limit, amount=100 * limit.amount) for limit in PUBLISHED_LIMITS["developer-3"])
    plans |= {"developer-3, a hundred times": tuple(raised), "no limit": ()}
    results = {name: simulate(scenario, limits) for name, limits in plans.items()}
    print(
        f"{scenario.videos:,} videos of {scenario.minutes:g} minutes and {scenario.megabytes:g} MB, "
        f"{scenario.workers} workers\n"
    )
    print(f"{'limits':30}{'days':>10}  bottleneck")
    for name, result in results.items():
        print(f"{name:30}{result.days:10,.1f}  {result.binding_limits.most_common(1)[0][0]}")
    if args.svg is not None:
        args.svg.write_text(render_chart(results), "utf-8")


if __name__ == "__main__":
    main()

"""`python -m benchmarks.limits [--quick] [--real] [--seed N ...] [--only NAME]`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.limits.callers import CALLERS, OURS
from benchmarks.limits.processes import Crowd, crowd
from benchmarks.limits.redis_server import program, redis_server
from benchmarks.limits.scenes import SCENES, play
from benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from benchmarks.limits.figures import Figures
    from benchmarks.limits.scenes import Scene

HEADS = ("", "", "failed", "429s", "% of calls", "wall s", "ideal s", "wall / ideal", "quota used %")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    parser.add_argument("--real", action="store_true", help="real time, with windows of two seconds")
    parser.add_argument("--seed", type=int, nargs="+", metavar="N", help="seeds, whatever --quick says")
    parser.add_argument("--only", metavar="NAME", help="scenes whose name starts like this")
    return parser.parse_args()


def table(scene: Scene, seeds: Sequence[int], *, real: bool) -> str:
    """All callers in one scene."""
    rows: list[Sequence[str]] = [HEADS]
    for name in CALLERS:
        found = [play(scene, name, seed=seed, real=real).figures for seed in seeds]
        rows.append(("", name, *cells(found)))
    return f"{scene.label}\n\n{aligned(rows)}\n"


def crowds(*, quick: bool) -> str:
    """Several processes."""
    work = Crowd(seconds=10.0 if quick else 30.0, limit=50 if quick else 100)
    rows: list[Sequence[str]] = [HEADS]
    with budgets() as known:
        for caller, (label, budget) in ((c, b) for c in CALLERS for b in (known if c == OURS else known[:1])):
            rows.append((label, caller, *cells([asyncio.run(crowd(caller, budget, work))])))
    return f"4 processes\n\n{aligned(rows)}\n"


@contextmanager
def budgets() -> Generator[list[tuple[str, str | None]]]:
    """Places where processes keep their limits together, and none."""
    known: list[tuple[str, str | None]] = [("each by itself", None)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        known.append(("one SQLite file", f"sqlite:///{folder}/budget.db"))
        if program() is not None:
            known.append(("one Redis", stack.enter_context(redis_server())))
        yield known


def cells(found: Sequence[Figures]) -> list[str]:
    """The median of the times, and the worst of everything else."""
    failed = max(figures.failed for figures in found)
    return [
        f"{failed}",
        f"{max(figures.refused for figures in found):,}",
        f"{max(100 * figures.refused / figures.calls for figures in found):.1f}",
        f"{median(figures.wall for figures in found):.1f}",
        f"{median(figures.ideal for figures in found):.1f}",
        "-" if failed else f"{max(figures.wall / figures.ideal for figures in found):.3f}",
        f"{min(100 * figures.used for figures in found):.1f}",
    ]


def main() -> None:
    """Play all scenes and print their tables."""
    args = arguments()
    seeds: Sequence[int] = args.seed or ((1,) if args.quick else (1, 2, 3))
    for scene in SCENES:
        if scene.name.startswith(args.only or ""):
            print(table(scene, seeds, real=args.real), flush=True)
    if "processes".startswith(args.only or ""):
        print(crowds(quick=args.quick))


if __name__ == "__main__":
    main()
